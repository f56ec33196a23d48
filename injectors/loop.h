/* loop.h — one thread, one epoll: descriptors and timers.
 *
 * Guarantees: one callback at a time, never nested; a source or timer that was removed is not called any more, not even from the
 * round that is under way (events are taken from the kernel one by one). The owner embeds the structs and removes them before it
 * frees itself. */
#pragma once

#include "base/error.h"
#include "base/time.h"

#include <sys/epoll.h>

struct loop;

struct source {
    struct loop *loop; /* NULL: not added */
    int fd;            /* owned by whoever added it */
    void (*ready)(void *userdata, uint32_t events);
    void *userdata;
};

struct timer {
    struct loop *loop; /* NULL: never set */
    usec_t when;       /* monotonic; USEC_NEVER: off */
    void (*fire)(void *userdata);
    void *userdata;
};

struct loop *loop_new(struct error *err); /* NULL: failed */
void loop_free(struct loop *l);           /* NULL is fine */

int source_add(struct loop *l, struct source *s, int fd, uint32_t events, void (*ready)(void *, uint32_t), void *userdata,
               struct error *err);
void source_set(struct source *s, uint32_t events); /* nothing where it is not added */
void source_remove(struct source *s);               /* safe when not added; does not close the fd */

void timer_set(struct loop *l, struct timer *t, usec_t when, void (*fire)(void *), void *userdata);
void timer_stop(struct timer *t); /* safe when never set */

/* Runs until loop_stop() and gives its value. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l, int value);
/* One round: waits until `deadline` (monotonic) at most, and calls at most one callback of a source. For tests and for the time of
 * shutting down. */
void loop_turn(struct loop *l, usec_t deadline);
