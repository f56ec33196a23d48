#include "kube/resource.h"

#include "base/str.h"
#include "net/url.h"

bool resource_add_path(struct buf *b, const struct resource *r, const char *ns, const char *name, const char *sub)
{
    if (str_empty(r->group)) {
        buf_append_str(b, "/api");
    } else {
        buf_append_str(b, "/apis");
        url_add_segment(b, r->group);
    }
    url_add_segment(b, r->version);
    if (ns) {
        buf_append_str(b, "/namespaces");
        url_add_segment(b, ns);
    }
    url_add_segment(b, r->plural);
    if (name)
        url_add_segment(b, name);
    if (sub)
        url_add_segment(b, sub);
    return !b->overflowed;
}

static void add_number(struct buf *b, const char *name, unsigned value)
{
    char text[16];
    if (value && str_format(text, sizeof text, "%u", value))
        url_add_query(b, name, text);
}

static const char *given(const char *s)
{
    return str_empty(s) ? NULL : s;
}

bool resource_add_list(struct buf *b, const struct resource_list *l)
{
    url_add_query(b, "labelSelector", given(l->label_selector));
    url_add_query(b, "fieldSelector", given(l->field_selector));
    if (!str_empty(l->resource_version)) {
        url_add_query(b, "resourceVersion", l->resource_version);
        url_add_query(b, "resourceVersionMatch", l->exact ? "Exact" : "NotOlderThan");
    }
    add_number(b, "limit", l->limit);
    return url_add_query(b, "continue", given(l->continued));
}

bool resource_add_watch(struct buf *b, const struct resource_watch *w)
{
    url_add_query(b, "watch", "1");
    url_add_query(b, "allowWatchBookmarks", "true");
    url_add_query(b, "labelSelector", given(w->label_selector));
    url_add_query(b, "fieldSelector", given(w->field_selector));
    url_add_query(b, "resourceVersion", given(w->resource_version));
    if (w->initial_events) {
        url_add_query(b, "sendInitialEvents", "true");
        url_add_query(b, "resourceVersionMatch", "NotOlderThan");
    }
    add_number(b, "timeoutSeconds", w->timeout_seconds);
    return !b->overflowed;
}
