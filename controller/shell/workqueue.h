/* shell/workqueue.h — queue of object keys, those of cards, playbooks and tasks behind all that is due of others.
 *
 * Ten thousand cards that have come at once wait for a drill, and a drill never for them; yet they are not left to wait for ever, unless
 * whoever writes for them asks for that: a decision that waits for its write holds an object twice.
 * A key handed out is not handed out again before workqueue_done(); if added meanwhile it comes back then. */
#pragma once

#include "api/kind.h"
#include "world/world.h"

struct workqueue *workqueue_new(struct world *world);
void workqueue_free(struct workqueue *q); /* NULL is fine */
void workqueue_add(struct workqueue *q, const struct key *key);
void workqueue_add_at(struct workqueue *q, const struct key *key, usec_t when); /* monotonic; the earlier of two times wins */
bool workqueue_take(struct workqueue *q, struct key *ret_key);                  /* false: nothing is due */
void workqueue_done(struct workqueue *q, const struct key *key);
void workqueue_hold_books(struct workqueue *q, bool hold); /* cards, playbooks and tasks are not handed out until it is lifted */

/* Calls `earlier` whenever the time of the first due key may have become earlier, so that an alarm can be set. */
void workqueue_set_alarm(struct workqueue *q, void (*earlier)(void *userdata), void *userdata);
usec_t workqueue_next(struct workqueue *q); /* when the first key is due; USEC_NEVER: none */
size_t workqueue_count(const struct workqueue *q);
