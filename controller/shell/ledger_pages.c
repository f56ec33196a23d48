#include "shell/ledger_pages.h"

#include "base/map.h"
#include "base/str.h"

struct page { /* a sealed segment */
    char rv[64];
    size_t bytes, count;
    uint64_t keys[];
};

struct ledger_pages {
    struct store *store;
    struct map *pages; /* "ns/name" → page */
};

struct ledger_pages *ledger_pages_new(struct store *store)
{
    struct ledger_pages *p = mem_new(struct ledger_pages);
    *p = (struct ledger_pages){.store = store, .pages = map_new(free)};
    return p;
}

void ledger_pages_free(struct ledger_pages *p)
{
    if (!p)
        return;
    map_free(p->pages);
    free(p);
}

static uint64_t digest(const char *key)
{
    return str_hash64(key, strlen(key), 0);
}

static struct page *page_read(const json_t *object, const char *rv)
{
    json_t *data = json_object_get(object, "data"), *value;
    const char *key;
    struct page *page = mem_alloc(sizeof(*page) + json_object_size(data) * sizeof(uint64_t));
    str_copy(page->rv, sizeof(page->rv), rv);
    json_object_foreach(data, key, value)
    {
        page->keys[page->count++] = digest(key);
        page->bytes += strlen(key) + json_string_length(value);
    }
    return page;
}

static const struct page *page_of(struct ledger_pages *p, const struct summary *s)
{
    auto_free char *name = mem_printf("%s/%s", s->ns, s->name);
    struct page *page = map_get(p->pages, name);
    if (page && str_equal(page->rv, s->rv))
        return page;
    struct key key = key_of(KIND_LEDGER, s->ns, s->name);
    json_auto_t *object = store_get(p->store, &key);
    page = page_read(object, s->rv);
    map_set(p->pages, name, page);
    return page;
}

static bool page_may_have(const struct page *page, uint64_t incident)
{
    for (size_t i = 0; i < page->count; i++)
        if (page->keys[i] == incident)
            return true;
    return false;
}

static int segment_number(const char *name)
{
    int64_t number;
    const char *digits = strrchr(name, '-');
    char expected[64];
    if (!digits || !str_to_i64(digits + 1 + strspn(digits + 1, "0"), 1, 999999, &number))
        return 0;
    str_format(expected, sizeof(expected), LEDGER_NAME_FORMAT, (int)number);
    return str_equal(name, expected) ? (int)number : 0;
}

static void add_segment(struct ledger_pages *p, const struct summary *s, int number, bool last, const char *incident,
                        struct ledger_gather *g)
{
    size_t at = g->view.count++;
    g->segments = mem_resize(g->segments, g->view.count, sizeof(*g->segments));
    g->trees = mem_resize(g->trees, g->view.count, sizeof(json_t *));
    struct ledger_segment *segment = &g->segments[at];
    *segment = (struct ledger_segment){.number = number, .sealed = s->flag};
    str_copy(segment->name, sizeof(segment->name), s->name);
    str_copy(segment->rv, sizeof(segment->rv), s->rv);
    struct key key = key_of(KIND_LEDGER, s->ns, s->name);
    if (s->flag && !last) {
        const struct page *page = page_of(p, s);
        segment->bytes = page->bytes;
        g->trees[at] = page_may_have(page, digest(incident)) ? store_get(p->store, &key) : json_object();
    } else {
        g->trees[at] = store_get(p->store, &key);
        const char *name;
        json_t *value;
        json_object_foreach(json_object_get(g->trees[at], "data"), name, value) segment->bytes +=
            strlen(name) + json_string_length(value);
    }
    segment->data = json_object_get(g->trees[at], "data");
}

void ledger_gather(struct ledger_pages *p, const char *ns, const char *incident, bool synced, struct ledger_gather *g)
{
    *g = (struct ledger_gather){.view.synced = synced};
    if (str_empty(incident))
        return;
    /* Names sort by number, so the store hands them out in order. */
    struct store_cursor cursor = {0}, ahead = {0};
    const struct summary *s, *next = NULL, *last = NULL;
    while ((next = store_next(p->store, KIND_LEDGER, ns, &ahead)))
        last = segment_number(next->name) ? next : last;
    while ((s = store_next(p->store, KIND_LEDGER, ns, &cursor))) {
        int number = segment_number(s->name);
        if (number)
            add_segment(p, s, number, s == last, incident, g);
    }
    g->view.segments = g->segments;
}

void ledger_gather_done(struct ledger_gather *g)
{
    for (size_t i = 0; i < g->view.count; i++)
        json_decref(g->trees[i]);
    free(g->trees);
    free(g->segments);
    *g = (struct ledger_gather){0};
}
