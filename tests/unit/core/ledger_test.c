#include "base/str.h"
#include "core/ledger.h"

#include "check.h"

#define SEGMENTS 4

/* The API server's ConfigMaps, as one writer's cache may show them: `seen` segments of what there is, at their versions. */
struct scene {
    json_t *objects[SEGMENTS];
    int rv[SEGMENTS];
    int count;
};

static void scene_done(struct scene *s)
{
    for (int i = 0; i < s->count; i++)
        json_decref(s->objects[i]);
}

/* A copy of what there is now: a cache. Freed by cache_done(). */
struct cache {
    struct ledger_segment segments[SEGMENTS];
    struct ledger_view view;
};

static void cache_take(struct cache *c, const struct scene *s)
{
    memset(c, 0, sizeof(*c));
    for (int i = 0; i < s->count; i++) {
        struct ledger_segment *segment = &c->segments[i];
        segment->number = i + 1;
        str_format(segment->name, sizeof(segment->name), LEDGER_NAME_FORMAT, i + 1);
        str_format(segment->rv, sizeof(segment->rv), "%d", s->rv[i]);
        segment->sealed = json_flag(s->objects[i], "immutable", false);
        segment->data = json_deep_copy(json_object_get(s->objects[i], "data"));
        const char *key;
        json_t *value;
        json_object_foreach(segment->data, key, value) segment->bytes += strlen(key) + json_string_length(value);
    }
    c->view = (struct ledger_view){.synced = true, .segments = c->segments, .count = (size_t)s->count};
}

static void cache_done(struct cache *c)
{
    for (size_t i = 0; i < c->view.count; i++)
        json_decref(c->segments[i].data);
}

/* The API server: conflicts, EXISTS and immutable are refused. True: it was taken. */
static bool scene_write(struct scene *s, const struct effect *e)
{
    char name[64];
    if (e->type == EFFECT_CREATE) {
        str_format(name, sizeof(name), LEDGER_NAME_FORMAT, s->count + 1);
        if (!str_equal(e->key.name, name) || s->count == SEGMENTS)
            return false;
        s->rv[s->count] = 1;
        s->objects[s->count++] = json_deep_copy(e->body);
        return true;
    }
    for (int i = 0; i < s->count; i++) {
        char rv[16];
        str_format(name, sizeof(name), LEDGER_NAME_FORMAT, i + 1);
        str_format(rv, sizeof(rv), "%d", s->rv[i]);
        if (!str_equal(e->key.name, name) || !str_equal(e->rv, rv) || json_flag(s->objects[i], "immutable", false))
            continue;
        json_object_update(json_object_get(s->objects[i], "data"), json_object_get(e->body, "data"));
        if (json_flag(e->body, "immutable", false))
            json_object_set_new(s->objects[i], "immutable", json_true());
        s->rv[i]++;
        return true;
    }
    return false;
}

static int entries(const struct scene *s, const char *incident)
{
    int n = 0;
    for (int i = 0; i < s->count; i++)
        n += json_object_get(json_object_get(s->objects[i], "data"), incident) != NULL;
    return n;
}

/* One writer decides on its cache and writes. True: it holds the incident for recorded. */
static bool write_from(struct scene *s, const struct cache *c, const char *incident, size_t size)
{
    auto_decision struct decision d;
    decision_init(&d);
    auto_free char *filler = mem_alloc(size + 1);
    memset(filler, 'x', size);
    filler[size] = '\0';
    json_t *record = json_object();
    json_put_str(record, "incident_id", incident);
    json_put_str(record, "filler", filler);
    bool recorded = ledger_decide(&c->view, "shop", incident, record, &d);
    json_decref(record);
    CHECK(d.effect_count <= 1);
    CHECK(!recorded || !d.effect_count);
    if (d.effect_count)
        scene_write(s, &d.effects[0]);
    return recorded;
}

/* With a fresh cache each time, until it is recorded. */
static void record_until_done(struct scene *s, const char *incident, size_t size)
{
    for (int i = 0; i < 5; i++) {
        struct cache c;
        cache_take(&c, s);
        bool done = write_from(s, &c, incident, size);
        cache_done(&c);
        if (done)
            return;
    }
    CHECK_FAIL("%s is not recorded after five decisions", incident);
}

static void check_chain(const struct scene *s, bool sound)
{
    struct cache c;
    struct error err = {0};
    cache_take(&c, s);
    CHECK_INT(ledger_verify(&c.view, &err), sound ? 0 : -1);
    cache_done(&c);
}

TEST(records_fill_segments_that_are_sealed_and_chained)
{
    struct scene s = {0};
    for (int i = 0; i < 7; i++) {
        char incident[32];
        str_format(incident, sizeof(incident), "chaos-%d", i);
        record_until_done(&s, incident, 150 * 1024);
        CHECK_INT(entries(&s, incident), 1);
        record_until_done(&s, incident, 150 * 1024); /* again, by somebody who does not know */
        CHECK_INT(entries(&s, incident), 1);
    }
    CHECK_INT(s.count, 3);
    CHECK(json_flag(s.objects[0], "immutable", false) && json_flag(s.objects[1], "immutable", false));
    CHECK(!json_flag(s.objects[2], "immutable", false));
    check_chain(&s, true);
    record_until_done(&s, "chaos-0", 10); /* it is in an older segment */
    CHECK_INT(entries(&s, "chaos-0"), 1);
    scene_done(&s);
}

TEST(a_ledger_that_is_not_listed_is_not_written)
{
    struct scene s = {0};
    struct cache c;
    cache_take(&c, &s);
    c.view.synced = false;
    CHECK(!write_from(&s, &c, "chaos-1", 10));
    CHECK_INT(s.count, 0);
    cache_done(&c);
    scene_done(&s);
}

/* Two writers (an old leader and a new one) with caches of any age: each incident is there once whatever comes first. */
TEST(two_writers_with_stale_caches_record_an_incident_once)
{
    static const struct {
        const char *row;
        int before;       /* records that both have seen */
        size_t size;      /* of each record */
        bool same;        /* both record the same incident */
        int others_write; /* records that one of them has not seen */
    } rows[] = {
        {"nothing is there, both begin the first segment", 0, 10, true, 0},
        {"two incidents at once, both begin the first segment", 0, 10, false, 0},
        {"both append", 1, 10, true, 0},
        {"one appends from an old version", 1, 10, true, 1},
        {"one has not seen that the segment was filled and sealed", 1, 200 * 1024, true, 4},
        {"both seal", 3, 200 * 1024, true, 0},
        {"two incidents, both seal", 3, 200 * 1024, false, 0},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct scene s = {0};
        struct cache old;
        CHECK_ROW(rows[i].row);
        char incident[32];
        for (int n = 0; n < rows[i].before; n++) {
            str_format(incident, sizeof(incident), "before-%d", n);
            record_until_done(&s, incident, rows[i].size);
        }
        cache_take(&old, &s);
        for (int n = 0; n < rows[i].others_write; n++) {
            str_format(incident, sizeof(incident), "other-%d", n);
            record_until_done(&s, incident, rows[i].size);
        }
        const char *second = rows[i].same ? "chaos-1" : "chaos-2";
        write_from(&s, &old, "chaos-1", rows[i].size);
        write_from(&s, &old, second, rows[i].size); /* the other, from the same old cache */
        record_until_done(&s, "chaos-1", rows[i].size);
        write_from(&s, &old, second, rows[i].size); /* a write that was long on its way */
        record_until_done(&s, second, rows[i].size);
        CHECK_INT(entries(&s, "chaos-1"), 1);
        CHECK_INT(entries(&s, second), 1);
        check_chain(&s, true);
        cache_done(&old);
        scene_done(&s);
    }
}

static void alter_value(struct scene *s)
{
    json_put_str(json_object_get(s->objects[0], "data"), "before-0", "{}");
}

static void remove_key(struct scene *s)
{
    json_object_del(json_object_get(s->objects[0], "data"), "before-1");
}

static void add_key(struct scene *s)
{
    json_put_str(json_object_get(s->objects[0], "data"), "chaos-x", "{}");
}

static void open_again(struct scene *s)
{
    json_object_del(s->objects[0], "immutable");
}

static void remove_segment(struct scene *s)
{
    json_decref(s->objects[0]);
    memmove(&s->objects[0], &s->objects[1], (size_t)(s->count - 1) * sizeof(s->objects[0]));
    s->count--;
}

static void lose_chain(struct scene *s)
{
    json_object_del(json_object_get(s->objects[1], "data"), ".chain");
}

TEST(what_was_altered_or_removed_shows)
{
    static const struct {
        const char *row;
        void (*harm)(struct scene *);
    } rows[] = {
        {"a record was altered", alter_value},    {"a record was removed", remove_key},
        {"a record was added", add_key},          {"a sealed segment was opened", open_again},
        {"a segment is missing", remove_segment}, {"a chain entry is missing", lose_chain},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        struct scene s = {0};
        CHECK_ROW(rows[i].row);
        for (int n = 0; n < 6; n++) {
            char incident[32];
            str_format(incident, sizeof(incident), "before-%d", n);
            record_until_done(&s, incident, 200 * 1024);
        }
        check_chain(&s, true);
        rows[i].harm(&s);
        check_chain(&s, false);
        scene_done(&s);
    }
}

int main(void)
{
    return check_run();
}
