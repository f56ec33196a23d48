#include "shell/tombstones.h"

#include "base/map.h"
#include "base/str.h"
#include "shell/rv.h"

struct tombstone {
    char *uid;
    char rv[RV_SIZE];
    usec_t until;
    bool ended;
    struct tombstone *next;
};

struct tombstones {
    struct map *by_uid;
    struct tombstone *oldest, *youngest; /* the same in order of time */
};

struct tombstones *tombstones_new(void)
{
    struct tombstones *t = mem_new(struct tombstones);
    t->by_uid = map_new(NULL);
    return t;
}

static void drop_oldest(struct tombstones *t)
{
    struct tombstone *oldest = t->oldest;
    t->oldest = oldest->next;
    if (!t->oldest)
        t->youngest = NULL;
    map_remove(t->by_uid, oldest->uid);
    free(oldest->uid);
    free(oldest);
}

void tombstones_free(struct tombstones *t)
{
    if (!t)
        return;
    while (t->oldest)
        drop_oldest(t);
    map_free(t->by_uid);
    free(t);
}

void tombstones_sweep(struct tombstones *t, usec_t now)
{
    while (t->oldest && t->oldest->until <= now)
        drop_oldest(t);
}

void tombstones_add(struct tombstones *t, const char *uid, const char *rv, usec_t until)
{
    if (str_empty(uid))
        return;
    struct tombstone *stone = map_get(t->by_uid, uid);
    if (stone) {
        if (rv_compare(rv, stone->rv) > 0)
            str_copy(stone->rv, sizeof(stone->rv), rv);
        return;
    }
    stone = mem_new(struct tombstone);
    *stone = (struct tombstone){.uid = mem_strdup(uid), .until = until};
    str_copy(stone->rv, sizeof(stone->rv), rv);
    if (t->youngest)
        t->youngest->next = stone;
    else
        t->oldest = stone;
    t->youngest = stone;
    map_set(t->by_uid, uid, stone);
}

void tombstones_set_ended(struct tombstones *t, const char *uid)
{
    struct tombstone *stone = map_get(t->by_uid, uid);
    if (stone)
        stone->ended = true;
}

bool tombstones_ended(const struct tombstones *t, const char *uid)
{
    const struct tombstone *stone = map_get(t->by_uid, uid);
    return stone && stone->ended;
}

bool tombstones_has(const struct tombstones *t, const char *uid, const char *rv)
{
    const struct tombstone *stone = map_get(t->by_uid, uid);
    return stone && rv_compare(rv, stone->rv) <= 0;
}
