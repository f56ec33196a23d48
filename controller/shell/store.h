/* shell/store.h — what was seen: objects by key, one newest version of each.
 *
 * Guarantees
 * - An older version never replaces a newer one, whoever brings it and in whatever order: watch events, lists and the answers of our own
 *   writes all go through store_put().
 * - A deleted object does not come back: its uid and last version are remembered for STORE_TOMBSTONE, so that a late answer or event is
 *   refused.
 * - Each real change is told once, from within the call that made it.
 * Caveats
 * - Objects are kept as packed text (see pack.h); the trees of the most recently used are kept parsed, and what changes while it is
 *   is packed when its turn is over. A tree that store_get() hands out is shared: it must not be changed. */
#pragma once

#include "shell/summary.h"
#include "world/world.h"

#define STORE_TOMBSTONE       (5 * USEC_MINUTE)
#define STORE_TREES_MAX       1024                       /* parsed trees kept … */
#define STORE_TREES_BYTES     ((size_t)3 * 1024 * 1024)  /* … of so much memory together, … */
#define STORE_TREES_EACH_LIVE ((size_t)24 * 1024)        /* … so much more for each drill, run or task that is not over, … */
#define STORE_TREES_BYTES_MAX ((size_t)10 * 1024 * 1024) /* … and no more than that */

struct store_change {
    struct key key;
    const struct summary *before; /* NULL: new. A uid that changed is told as a deletion and a new object */
    const struct summary *now;    /* NULL: deleted */
};
typedef void store_changed_fn(void *userdata, const struct store_change *change);

struct store *store_new(struct world *world);
void store_free(struct store *s); /* NULL is fine */
void store_set_listener(struct store *s, store_changed_fn *changed, void *userdata);

/* Reduces and keeps the object. False: it is older, the same, deleted meanwhile, or has no name. */
bool store_put(struct store *s, enum kind kind, const json_t *object);
/* Deletes; `uid` and `rv` of what was deleted ("" unknown): a newer object of that name stays. False: nothing was removed. */
bool store_remove(struct store *s, const struct key *key, const char *uid, const char *rv);

/* A pod that was removed and whose last version said that its containers have ended (remembered for STORE_TOMBSTONE). */
bool store_ended(const struct store *s, const char *uid);

json_t *store_get(struct store *s, const struct key *key); /* new reference; NULL: not there */
/* The object as its kind's struct of api/ (struct drill, struct pod, …), which is the caller's to be *_done(): decoded once for each
 * version while its tree is kept. -1: not there (NOT_FOUND), or refused by its *_decode(). */
int store_decode(struct store *s, const struct key *key, void *ret, struct error *err);
/* Lets go of all parsed trees: what is asked for next is parsed again. For when nothing happens. */
void store_trim(struct store *s);
const struct summary *store_summary(const struct store *s,
                                    const struct key *key); /* NULL: not there; valid until the next change */
size_t store_count(const struct store *s, enum kind kind);

/* Iteration: struct store_cursor c = {0}; while ((summary = store_next(…, &c))) …; the store must not change meanwhile. By (namespace,
 * name); ns NULL: all. */
struct store_cursor {
    const void *at;
    size_t index;
    bool begun;
};
const struct summary *store_next(const struct store *s, enum kind kind, const char *ns, struct store_cursor *c);
/* Those of a target (Drill, PlaybookRun, CodingTask), and those where something is still to be done, in the order in which they came. */
const struct summary *store_next_of_target(const struct store *s, enum kind kind, const char *ns, const char *target,
                                           struct store_cursor *c);
const struct summary *store_next_live(const struct store *s, enum kind kind, const char *ns, struct store_cursor *c);
/* Those whose summary names the card: the ChaosCards of an id, the Drills of a card's name. Of no other kind. */
const struct summary *store_next_of_card(const struct store *s, enum kind kind, const char *ns, const char *card,
                                         struct store_cursor *c);

/* ── a list that replaces what was known ── */
/* A number for a new list of a kind in a scope (ns NULL: all). store_mark() each object it has; store_sweep() then removes those in the
 * scope that it did not have, unless they are newer than the list (rv). Returns how many. */
unsigned store_list_begin(struct store *s);
void store_mark(struct store *s, const struct key *key, unsigned list);
size_t store_sweep(struct store *s, enum kind kind, const char *ns, unsigned list, const char *rv);

struct store_stats {
    size_t objects, text_bytes, packed_bytes, trees; /* bytes: of those that are packed */
    uint64_t parses, hits, refused;
};
struct store_stats store_stats(const struct store *s);
