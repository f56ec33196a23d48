/* sim_process.h — one controller: the product's shell in a world of its own (world/world.h), that can be killed, started anew and paused.
 *
 * What it asks of the outside travels: a request takes time to the server and its answer time back, either may be lost on the way, and
 * both arrive whether or not the one who sent it still lives. */
#pragma once

#include "base/list.h"
#include "shell/shell.h"
#include "sim.h"

struct sim_pod;
struct sim_change;
struct sim_resource;

struct sim_process {
    struct world world;
    struct sim *sim;
    struct shell *shell; /* NULL: not running */
    char identity[24];
    int index;
    bool dead;           /* this life is over: what still comes for it is dropped */
    usec_t paused_until; /* it gets nothing before then */
    usec_t wall_offset;  /* its clock's error */
    void (*wake)(void *userdata);
    void *wake_userdata;
    usec_t wake_at, wake_posted;
    struct list requests, streams, links, probes; /* open, as it sees them */
    struct list lines;                            /* on their way to agents */
    struct sim_process *before;                   /* the life that began before this one, of whichever controller */
};

/* Starts a new life of controller `index`. */
struct sim_process *sim_process_start(struct sim *s, int index);
/* SIGKILL, now. Of what it sent in this very step, `kept` messages had left it; the rest never did. */
void sim_process_kill(struct sim_process *p, uint64_t kept);
void sim_processes_stop(struct sim *s);   /* kills all */
void sim_processes_forget(struct sim *s); /* once the clock is freed: nothing names them any more */

/* Happens to the process at `when`: later while it is paused, never once it is dead (then `drop` gets userdata; NULL: nothing). */
void sim_process_post(struct sim_process *p, usec_t when, void (*fire)(void *userdata), void (*drop)(void *userdata),
                      void *userdata);
/* From here to there: usually a fraction of a millisecond to a few. */
usec_t sim_delay(struct sim *s);

/* sim_request.c, sim_stream.c, sim_link.c, sim_net.c: the parts of the world. */
void sim_request_api(struct world *w, const struct world_request *request, world_reply_fn *done, void *userdata);
void sim_requests_cancel(struct sim_process *p);
void sim_requests_unsend(struct sim_process *p, uint64_t step, uint64_t *kept);
struct world_stream *sim_stream_open(struct world *w, const char *path, usec_t silent_after,
                                     const struct world_stream_handlers *handlers, void *userdata);
void sim_stream_close(struct world_stream *stream);
void sim_streams_cancel(struct sim_process *p);
void sim_streams_notify(struct sim *s, const struct sim_resource *r); /* something of that resource has changed */
void sim_streams_mend(struct sim *s);                                 /* everything is listed again: an event may be lost */
struct world_session *sim_link_open(struct world *w, const char *ns, const char *pod, const char *container,
                                    const struct world_session_handlers *handlers, void *userdata);
bool sim_link_send(struct world_session *session, json_t *line);
void sim_link_close(struct world_session *session);
void sim_links_cancel(struct sim_process *p);
void sim_links_unsend(struct sim_process *p, uint64_t step, uint64_t *kept);
void sim_net_http(struct world *w, const struct world_http *request, world_http_fn *done, void *userdata);
void sim_net_tcp(struct world *w, const char *host, int port, usec_t timeout, world_tcp_fn *done, void *userdata);
void sim_net_cancel(struct sim_process *p);

static inline struct sim_process *sim_process_of(struct world *w)
{
    return (struct sim_process *)(void *)w; /* world is its first member */
}
