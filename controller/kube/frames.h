/* kube/frames.h — the bytes of a watch to its events: one JSON object a line, cut anywhere by the network.
 *
 * Lines are read by kube/json_reader.h, which takes whatever Kubernetes writes. One that still is not a JSON object with a string "type" and
 * an object "object" is skipped and counted. */
#pragma once

#include "base/buf.h"
#include "base/error.h"

#include <jansson.h>

#define FRAMES_LINE_MAX ((size_t)8 << 20) /* an object is about 3 MiB of JSON at most */

struct frames {
    struct buf line; /* the beginning of a line whose end has not come yet */
    unsigned long events, skipped;
    /* False: stop, deliver nothing more (frames_done() is allowed only after the return). `object` is borrowed. */
    bool (*event)(void *userdata, const char *type, json_t *object);
    void *userdata;
};
void frames_init(struct frames *f, bool (*event)(void *userdata, const char *type, json_t *object), void *userdata);
void frames_done(struct frames *f);

/* Negative (UNAVAILABLE): a line is longer than FRAMES_LINE_MAX; the stream is of no use any more. 1: `event` said stop. */
int frames_feed(struct frames *f, const void *bytes, size_t n, struct error *err);
/* The stream has ended in order: a last line without its newline is delivered if it is whole. Negative (UNAVAILABLE): it was cut. */
int frames_end(struct frames *f, struct error *err);
