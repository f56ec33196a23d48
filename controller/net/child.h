/* net/child.h — a program run as a child, without blocking: its output gathered, its time limited. No shell, no terminal: its stdin
 * is /dev/null.
 *
 * Guarantees: `done` exactly once, never inside child_start(); not at all after child_free(). A child that is out of time or let go
 * is killed (SIGKILL) and reaped; what it has started itself is left alone. */
#pragma once

#include "net/loop.h"

/* Borrowed until child_start() returns. */
struct child_request {
    const char *file;   /* searched in PATH where there is no slash in it */
    char *const *argv;  /* NULL terminated, the program's name first */
    char *const *env;   /* NULL terminated, all of it */
    size_t output_max;  /* bytes of stdout; more is dropped, and output_cut says so */
    size_t errors_kept; /* bytes of stderr; more is dropped */
    usec_t timeout;     /* from start to the end of its output and of itself */
};

/* Borrowed until the callback returns. */
struct child_end {
    struct error err; /* NONE: it ran and ended; else NOT_FOUND or FORBIDDEN (could not be started), TIMEOUT */
    int exit_status, signal;
    const char *output, *errors; /* NUL terminated, never NULL */
    size_t output_length;
    bool output_cut;
};

struct child;
struct child *child_start(struct loop *loop, const struct child_request *request,
                          void (*done)(void *userdata, const struct child_end *end), void *userdata);
void child_free(struct child *c); /* NULL is fine; not after `done` */
