/* net/lws_events.h — lets a libwebsockets context ride on our loop. For net/ only.
 *
 * libwebsockets comes to libuv through a plugin that it loads by name at run time. From 4.3 on it takes the event library from its user
 * instead, and this is one: no plugin to install or to load, so the program can be one static file (hack/decisions/0006). Before 4.3 it
 * asks for the plugin. */
#pragma once

#include "net/loop.h"

#include <libwebsockets.h>

/* `loops`: room for one pointer that lives as long as the context's creation. */
void lws_events_use(struct lws_context_creation_info *info, struct loop *loop, void *loops[1]);
