/* When ends are counted on cards and playbooks: often enough to be seen, and not once for each. */
#include "check.h"

#include "base/rfc3339.h"
#include "base/str.h"
#include "fake_world.h"
#include "shell/views.h"

#define NOW  ((usec_t)1800000000 * USEC_SEC)
#define NONE 1000 /* seconds: there is none */

struct bench {
    struct fake *fake;
    struct clock clock;
    struct store *store;
    struct view_source source;
    int rv;
};

static void put(struct bench *b, enum kind kind, const char *name, const char *spec, const char *status)
{
    char rv[16];
    str_format(rv, sizeof(rv), "%d", ++b->rv);
    json_auto_t *object = fake_object(kind_info(kind)->kind, "team-a", name, rv, spec, status);
    CHECK(store_put(b->store, kind, object));
}

static const char *at(int seconds)
{
    static char text[RFC3339_SIZE];
    return rfc3339_format(NOW + seconds * USEC_SEC, text);
}

/* Ends are seconds from now; `counted`: that of the last one that the status has. */
static const struct {
    const char *sentence;
    int counted, ends[4];
    int64_t count;
    int again; /* seconds from now */
} rows[] = {
    {"none has ended", NONE, {NONE}, 0, NONE},
    {"one that has just ended waits for others", NONE, {-1, NONE}, 0, 29},
    {"and is counted when it has waited", NONE, {-30, NONE}, 1, NONE},
    {"together with those that ended meanwhile", NONE, {-30, -20, -3, NONE}, 3, NONE},
    {"but for those that are too new: others of about the same time may not have been seen", NONE, {-30, -20, -1, NONE}, 2, 29},
    {"the next ones wait anew", -20, {-30, -20, -10, -5}, 0, 20},
    {"what the status has is not counted again", -20, {-30, -20, NONE}, 0, NONE},
    {"a new leader counts at once what has waited for long", -500, {-500, -400, -300, NONE}, 2, NONE},
};

TEST(ends_are_counted_when_the_first_of_them_has_waited_for_the_others)
{
    for (size_t r = 0; r < array_len(rows); r++) {
        CHECK_ROW(rows[r].sentence);
        struct bench b = {.fake = fake_new()};
        b.store = store_new(fake_world(b.fake));
        fake_set_wall(b.fake, NOW);
        clock_init(&b.clock, fake_world(b.fake));
        b.source = (struct view_source){.lookup = {.store = b.store, .catalog = "catalog"}, .clock = &b.clock};
        auto_free char *status = rows[r].counted == NONE ? NULL : mem_printf("{\"lastRun\":\"%s\"}", at(rows[r].counted));
        put(&b, KIND_PLAYBOOK, "mend", "{\"triggers\":[],\"branches\":[]}", status);
        for (size_t i = 0; i < array_len(rows[r].ends) && rows[r].ends[i] != NONE && rows[r].ends[i]; i++) {
            char name[16];
            auto_free char *ended = mem_printf("{\"phase\":\"Succeeded\",\"endedAt\":\"%s\"}", at(rows[r].ends[i]));
            str_format(name, sizeof(name), "r%zu", i);
            put(&b, KIND_RUN, name, "{\"playbook\":\"mend\",\"target\":\"shop\"}", ended);
        }
        struct ready_gather g;
        struct key key = key_of(KIND_PLAYBOOK, "team-a", "mend");
        CHECK(ready_gather_playbook(&b.source, &key, &g));
        CHECK_INT(g.view.tally.ended, rows[r].count);
        CHECK_INT(g.view.tally.succeeded, rows[r].count);
        CHECK_INT(g.view.tally.more_at ? (g.view.tally.more_at - NOW) / USEC_SEC : NONE, rows[r].again);
        ready_gather_done(&g);
        store_free(b.store);
        fake_free(b.fake);
    }
}

int main(void)
{
    return check_run();
}
