/* kube/exec.h — a program run in a container: pods/exec over a WebSocket, subprotocol v5.channel.k8s.io.
 *
 * Guarantees:
 * - No callback runs inside exec_start(), exec_write() or exec_free(). on_open at most once, on_close exactly once, nothing after
 *   it; nothing at all after exec_free().
 * - An ending that the server did not explain is EXEC_UNKNOWN, never success: the program may have run, or run still. (client-go takes
 *   it for success: tools/remotecommand/errorstream.go.)
 * - Output is delivered as it comes, before on_close, in order within stdout and within stderr; it is bytes, not lines.
 *
 * Caveats: a program whose exec is dropped is not killed; what it sees is the end of its stdin, so ask for stdin_open
 * (containerd execInContainer). A connection that answers no ping for EXEC_DEAD_AFTER is given up: EXEC_UNKNOWN.
 * Needs Kubernetes 1.30 or newer, and `get` and `create` on pods/exec. */
#pragma once

#include "base/error.h"
#include "base/time.h"

struct config;
struct loop;

#define EXEC_QUEUE_MAX   ((size_t)1 << 20) /* bytes of stdin waiting to be sent */
#define EXEC_MESSAGE_MAX ((size_t)4 << 20) /* one message of the server; a longer one ends the session as EXEC_UNKNOWN */
#define EXEC_PING_EVERY  (5 * USEC_SEC)
#define EXEC_DEAD_AFTER  (10 * USEC_SEC) /* without a byte or a pong */

struct exec_request {
    const char *ns, *pod;
    const char *container; /* NULL: the pod's only one */
    const char *const
        *command;           /* NULL terminated argv, at least one; no shell is involved. Together with the rest of the URL at most
                                   about 1,900 bytes encoded (libwebsockets 4.1 cuts longer ones); refused above that */
    bool stdin_open;        /* false: the program's stdin is empty from the start */
    usec_t connect_timeout; /* until the server has accepted the exec; 0: 10 s */
};

enum exec_outcome {
    EXEC_EXITED,  /* the program ended: exit_code */
    EXEC_FAILED,  /* it was never started, or the runtime says it failed: err has the server's words and class */
    EXEC_UNKNOWN, /* the connection ended without a word: err says how */
};

/* A plain value. */
struct exec_result {
    enum exec_outcome outcome;
    int exit_code;    /* 0–255 with EXEC_EXITED, else -1 */
    struct error err; /* class NONE with EXEC_EXITED */
};

/* Every one may be NULL. The bytes are borrowed until the callback returns. exec_free() is allowed in each of them. */
struct exec_handlers {
    void (*on_open)(void *userdata); /* the server has accepted the exec; exec_write() works from here on */
    void (*on_stdout)(void *userdata, const void *bytes, size_t n);
    void (*on_stderr)(void *userdata, const void *bytes, size_t n);
    void (*on_drain)(void *userdata); /* nothing waits in the queue any more: exec_write() has room again */
    void (*on_close)(void *userdata, const struct exec_result *result); /* the exec is not freed by this */
};

struct exec;

/* Copies what it needs of request and config (which must stay alive only during the call; a later token needs a new exec). NULL with
 * err set (INVALID) only where the request itself is wrong; everything else, refused connections too, comes to on_close. */
struct exec *exec_start(struct loop *loop, const struct config *config, const struct exec_request *request,
                        const struct exec_handlers *handlers, void *userdata, struct error *err);

/* Queues bytes for stdin. False: nothing was queued, because it is not open (before on_open, after on_close or exec_close_stdin()) or
 * the queue would pass EXEC_QUEUE_MAX. exec_queued() tells how much waits. */
bool exec_write(struct exec *e, const void *bytes, size_t n);
size_t exec_queued(const struct exec *e);

/* The program sees the end of its stdin, after what is queued; output goes on. */
void exec_close_stdin(struct exec *e);

/* Closes the connection and forgets it. NULL is fine; allowed in a callback of this exec. */
void exec_free(struct exec *e);
