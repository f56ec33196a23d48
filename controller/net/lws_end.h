/* net/lws_end.h — the end of a libwebsockets context that lives on a foreign libuv loop. For net/ only.
 *
 * Destroying one takes several calls, between which the loop must turn (libwebsockets lib/core/context.c and
 * lib/event-libs/libuv/libuv.c): the first closes libwebsockets' handles, which libuv completes a turn later; in 4.1.6 only that
 * completion closes the second half of them; the last call, when all are gone, frees the memory. Too early, it frees what libuv still
 * has to close; there is no callback that says when. Each closing of a handle of ours takes exactly one turn as well, so they serve
 * as the clock. It begins in one, too, since a context must not be destroyed from within its own callbacks. */
#pragma once

#include "net/loop.h"

#include <libwebsockets.h>

/* *context is set to NULL by libwebsockets when it has gone (info.pcontext). `done` is called in a later turn of the loop. */
void lws_end(struct loop *loop, struct lws_context **context, void (*done)(void *userdata), void *userdata);
