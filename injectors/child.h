/* child.h — runs a command (an argv array, no shell) with a time limit, in a process group of its own, and keeps what it writes.
 *
 * At the time limit, and when it is cancelled, the whole group is killed. Output beyond the limit is read and dropped. When the command
 * itself has ended that is the end, even where something that it started still holds its output. */
#pragma once

#include "loop.h"

#include <jansson.h>

#define CHILD_OUTPUT_MAX ((size_t)15 * 1024) /* each of stdout and stderr; an answer has to fit into one line */

struct child_order {
    const json_t *command; /* a list of strings, not empty */
    const char *directory; /* NULL: ours */
    usec_t timeout;
    size_t max_output;
};
struct child_reply {
    int exit_code; /* -1: ended by a signal */
    int signal;    /* 0: none */
    bool timed_out;
    usec_t took;
    const char *out, *err_out;
    size_t out_length, err_length;
};
struct child;
/* NULL: it could not be started (NOT_FOUND: no such program). Else `done` is called once from the loop, and the child is freed. */
struct child *child_begin(struct loop *loop, const struct child_order *order,
                          void (*done)(void *userdata, const struct child_reply *reply), void *userdata, struct error *err);
void child_cancel(struct child *c);                           /* NULL is fine; `done` is not called */
json_t *child_reply_to_json(const struct child_reply *reply); /* {exitCode, signal, timedOut, stdout, stderr, tookMs}; new */
