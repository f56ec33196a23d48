/* shell/sessions.h — the sessions with all agents, one per pod and container, found by pod. */
#pragma once

#include "shell/session.h"
#include "shell/store.h"

struct sessions;
/* `changed` is called when what is known of a pod's agent has changed. */
struct sessions *sessions_new(struct world *world, struct alarms *alarms, const struct clock *clock, struct store *store,
                              void (*changed)(void *userdata, const struct key *pod), void *userdata);
void sessions_free(struct sessions *s); /* NULL is fine */

/* As the leader of this epoch. Disabling closes all without reverting anything: the agents' leases do that. */
void sessions_enable(struct sessions *s, int64_t epoch);
void sessions_disable(struct sessions *s);

/* The session with the sidecar's agent (container NULL) or with the agent's program in another container; made where there is none.
 * Borrowed: it stays while it is in use. */
struct session *sessions_get(struct sessions *s, const struct key *pod, const char *container);
const struct agent_state *sessions_state(struct sessions *s, const struct key *pod); /* of the sidecar's; never NULL */
void sessions_touch(struct sessions *s,
                    const struct key *pod); /* a session is wanted for the next minute, if the pod has an agent */
void sessions_lease(struct sessions *s, const char *owner, const struct key *pod, usec_t lease);

void sessions_pod_changed(struct sessions *s, const struct key *pod); /* after the store has it, or has it no longer */
size_t sessions_count_up(const struct sessions *s);
size_t sessions_count_faults(const struct sessions *s); /* in force, or their revert failed */
