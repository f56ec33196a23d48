/* session.h — one peer that speaks JSON lines.
 *
 * Guarantees: a peer that does not read never blocks us: at most SESSION_QUEUE_MAX bytes wait for it, then it is dropped. A line over
 * SESSION_LINE_MAX is told to `too_long` once and skipped to its end; the session goes on. At the peer's end of input the answers that
 * it is still owed are sent before the session ends (SESSION_LINGER at most). */
#pragma once

#include "loop.h"

#include <jansson.h>

#define SESSION_LINE_MAX     ((size_t)256 * 1024)
#define SESSION_LINE_OUT_MAX ((size_t)64 * 1024)
#define SESSION_QUEUE_MAX    ((size_t)1024 * 1024)
#define SESSION_LINGER       (5 * USEC_SEC)

struct session;
struct session_handlers {
    void (*line)(void *userdata, struct session *s, const char *line, size_t n); /* without the newline */
    void (*too_long)(void *userdata, struct session *s);
    void (*closed)(void *userdata, struct session *s); /* once; free it here. Never called from within session_send() */
    void *userdata;
};

/* Takes both descriptors over (they may be the same one) and makes them non-blocking. `number` names it; never 0. */
struct session *session_new(struct loop *loop, int in, int out, uint64_t number, const struct session_handlers *handlers,
                            struct error *err);
void session_free(struct session *s);
uint64_t session_number(const struct session *s);

/* A line over SESSION_LINE_OUT_MAX is not sent: false. So where the peer was dropped. */
bool session_send(struct session *s, const json_t *line);
/* So many answers are still to come: while it is not 0, end of input does not end the session. */
void session_owe(struct session *s, int answers);
void session_close(struct session *s); /* `closed` is called from the loop, soon */
