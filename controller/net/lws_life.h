/* net/lws_life.h — the beginning and the end of a libwebsockets context that lives on a foreign libuv loop. For net/ only.
 *
 * Both have traps in 4.1.6 that cost other parts of the program their sockets; lws_life.c says which. */
#pragma once

#include "net/loop.h"

#include <libwebsockets.h>

/* lws_create_context(), and the number of the eventfd it made (-1: not found), which lws_life_end() needs. info->pcontext must be set: it
 * becomes NULL when the context has gone. NULL: libwebsockets did not start. */
struct lws_context *lws_life_begin(const struct lws_context_creation_info *info, int *ret_event_number);
/* Safe from any callback; `done` is called in a later turn of the loop. */
void lws_life_end(struct loop *loop, struct lws_context **context, int event_number, void (*done)(void *userdata), void *userdata);
