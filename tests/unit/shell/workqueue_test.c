#include "check.h"

#include "fake_world.h"
#include "shell/workqueue.h"

static struct key drill(const char *name)
{
    return key_of(KIND_DRILL, "team-a", name);
}

/* A name that begins with "C" is a card's. */
static struct key key_named(const char *name)
{
    return *name == 'C' ? key_of(KIND_CARD, "team-a", name) : drill(name);
}

static const char *take(struct workqueue *q)
{
    static struct key key;
    return workqueue_take(q, &key) ? key.name : "-";
}

/* Each step is a letter and a key: + add, > add in 10 s, < add in 5 s, . done, ? take gives this key ("-": nothing is due), ~ 6 s pass,
 * ! books are held, = no longer. */
static const struct {
    const char *sentence;
    const char *steps[24];
} rows[] = {
    {"a key that was added is handed out once", {"+a", "?a", "?-"}},
    {"a key that was added twice is handed out once", {"+a", "+a", "?a", ".a", "?-"}},
    {"keys come in the order in which they were added", {"+a", "+b", "+c", "?a", "?b", "?c"}},
    {"a key that is handed out is not handed out again before it is done", {"+a", "?a", "+a", "?-", ".a", "?a"}},
    {"others go on meanwhile", {"+a", "?a", "+a", "+b", "?b", ".a", "?a"}},
    {"a key for later is not due before its time", {"<a", "?-", "~", "?a"}},
    {"the earlier of two times wins when it comes second", {">a", "<a", "~", "?a", ".a", "~", "?-"}},
    {"the earlier of two times wins when it comes first", {"<a", ">a", "~", "?a", ".a", "~", "?-"}},
    {"now wins over later, and the later time is forgotten", {"<a", "+a", "?a", ".a", "~", "?-"}},
    {"a time given while it is handed out counts after it is done", {"+a", "?a", "<a", ".a", "?-", "~", "?a"}},
    {"an outdated time that comes again does not hand it out a second time", {"<a", "+a", "?a", "<a", "~", "?-", ".a", "?a"}},
    {"an outdated time does not stand in the way of others", {"<a", "+a", "?a", ".a", "~", "+b", "?b"}},
    {"a drill goes before cards that came first", {"+C1", "+C2", "+a", "?a", "?C1", ".C1", "?C2", "?-"}},
    {"a drill that is not due yet does not hold up a card", {"<a", "+C1", "?C1", "~", "?a"}},
    {"of eight keys that are due one is a card's",
     {"+C1", "+a", "+b", "+c", "+d", "+e", "+f", "+g", "+h", "?a", "?b", "?c", "?d", "?e", "?f", "?g", "?C1", "?h", "?-"}},
    {"books that are held wait, and drills go on", {"+C1", "!", "?-", "+a", "?a", "?-", "=", "?C1", "?-"}},
    {"a card that comes while books are held waits as well", {"!", "+C1", "<C2", "~", "?-", "=", "?C1", "?C2"}},
    {"done without having been taken changes nothing", {"+a", ".a", "?a"}},
};

TEST(keys_are_handed_out_as_promised)
{
    for (size_t r = 0; r < array_len(rows); r++) {
        CHECK_ROW(rows[r].sentence);
        struct fake *f = fake_new();
        struct workqueue *q = workqueue_new(fake_world(f));
        for (size_t i = 0; i < array_len(rows[r].steps) && rows[r].steps[i]; i++) {
            const char *step = rows[r].steps[i];
            struct key key = key_named(step + 1);
            if (*step == '+')
                workqueue_add(q, &key);
            else if (*step == '<')
                workqueue_add_at(q, &key, fake_now(f) + 5 * USEC_SEC);
            else if (*step == '>')
                workqueue_add_at(q, &key, fake_now(f) + 10 * USEC_SEC);
            else if (*step == '.')
                workqueue_done(q, &key);
            else if (*step == '!' || *step == '=')
                workqueue_hold_books(q, *step == '!');
            else if (*step == '~')
                fake_advance(f, 6 * USEC_SEC);
            else
                CHECK_STR(take(q), step + 1);
        }
        workqueue_free(q);
        fake_free(f);
    }
}

static int alarms;
static void on_alarm(void *userdata)
{
    (void)userdata;
    alarms++;
}

TEST(the_alarm_hears_of_every_earlier_time)
{
    struct fake *f = fake_new();
    struct workqueue *q = workqueue_new(fake_world(f));
    struct key a = drill("a");
    workqueue_set_alarm(q, on_alarm, NULL);
    CHECK(workqueue_next(q) == USEC_NEVER);
    workqueue_add_at(q, &a, fake_now(f) + 10 * USEC_SEC);
    CHECK_INT(workqueue_next(q), fake_now(f) + 10 * USEC_SEC);
    int before = alarms;
    workqueue_add_at(q, &a, fake_now(f) + 4 * USEC_SEC);
    CHECK(alarms > before);
    CHECK_INT(workqueue_next(q), fake_now(f) + 4 * USEC_SEC);
    CHECK_INT(workqueue_count(q), 1);
    struct key card = key_named("C1");
    workqueue_hold_books(q, true);
    workqueue_add(q, &card);
    CHECK_INT(workqueue_next(q), fake_now(f) + 4 * USEC_SEC); /* the drill's: the card's is not due while it is held */
    before = alarms;
    workqueue_hold_books(q, false);
    CHECK(alarms > before);
    CHECK_INT(workqueue_next(q), fake_now(f));
    workqueue_free(q);
    fake_free(f);
}

int main(void)
{
    return check_run();
}
