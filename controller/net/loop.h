/* net/loop.h — the one event loop: libuv, with libcurl's multi interface and libwebsockets riding on it.
 *
 * One thread, no locks. Everything that waits is a handle on this loop and has a deadline. */
#pragma once

#include "base/error.h"
#include "base/time.h"

struct loop;
struct uv_loop_s;

int loop_new(struct loop **ret_loop, struct error *err);
void loop_free(struct loop *l); /* NULL is fine; every timer, http and ws of it must be gone */
struct uv_loop_s *loop_uv(struct loop *l);
void loop_run(struct loop *l);  /* until loop_stop() */
void loop_stop(struct loop *l); /* safe from any callback */
/* Calls `fn` at the beginning of loop_free(), for what lives as long as the loop does; the same pair is called once. */
void loop_at_free(struct loop *l, void (*fn)(struct loop *l, void *userdata), void *userdata);

/* A one-shot timer. The callback may start it again or free it. */
struct timer;
struct timer *timer_new(struct loop *l, void (*fire)(void *userdata), void *userdata);
void timer_at(struct timer *t,
              usec_t when);       /* time_monotonic() terms; in the past: soon; USEC_NEVER: off; replaces the former time */
void timer_free(struct timer *t); /* NULL is fine; safe from its own callback */
