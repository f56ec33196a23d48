#include "shell/reflector_path.h"

#include "base/str.h"
#include "shell/path.h"

static void begin(struct buf *path, const struct reflector_scope *s)
{
    struct key all = key_of(s->kind, s->ns, "");
    const char *own = kind_info(s->kind)->selector;
    path_append(path, &all, NULL);
    buf_append_char(path, '?');
    if (own)
        buf_printf(path, "%s&", own);
}

static void append_timeout(struct buf *path, uint64_t draw)
{
    buf_printf(path, "&timeoutSeconds=%d", 300 + (int)(draw % 301));
}

void reflector_path_page(struct buf *path, const struct reflector_scope *s, int limit, const char *continue_token, const char *rv)
{
    begin(path, s);
    buf_printf(path, "limit=%d", limit);
    if (continue_token) {
        buf_append_str(path, "&continue=");
        path_append_escaped(path, continue_token);
    } else if (!str_empty(rv))
        buf_printf(path, "&resourceVersion=%s&resourceVersionMatch=NotOlderThan", rv);
}

void reflector_path_list(struct buf *path, const struct reflector_scope *s, const char *rv, uint64_t draw)
{
    begin(path, s);
    buf_append_str(path, "watch=1&sendInitialEvents=true&allowWatchBookmarks=true");
    if (!str_empty(rv))
        buf_printf(path, "&resourceVersion=%s", rv);
    buf_append_str(path, "&resourceVersionMatch=NotOlderThan"); /* the only one that a streaming list takes */
    append_timeout(path, draw);
}

void reflector_path_watch(struct buf *path, const struct reflector_scope *s, const char *rv, uint64_t draw)
{
    begin(path, s);
    buf_printf(path, "watch=1&allowWatchBookmarks=true&resourceVersion=%s", rv);
    append_timeout(path, draw);
}
