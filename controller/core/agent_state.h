/* core/agent_state.h — what is known of the agent in a pod: a plain value that the shell's sessions fill and views carry. */
#pragma once

#include "api/drill.h"

enum agent_link {
    AGENT_ABSENT,  /* the pod has no agent container, or is gone */
    AGENT_OPENING, /* no session yet; being opened */
    AGENT_UP,      /* a session is open and its hello was read */
    AGENT_LOST,    /* the session broke; being opened again */
};

/* One fault as the agent last told. */
struct agent_fault {
    char id[64];
    enum fault_state state; /* IN_FORCE; REVERTED (also when it found nothing to revert); LOST: the revert failed, being retried */
    bool by_agent;          /* reverted without being asked */
    char why[24];           /* "request", "lease", "duration", "restart", "shutdown" */
    usec_t at;              /* when it reached the state */
};

#define AGENT_FAULTS_MAX 8
struct agent_state {
    enum agent_link link;
    usec_t since;       /* since when the link is so */
    usec_t up_since;    /* continuously up since; 0: it is not */
    char boot[64];      /* changes when the agent was restarted */
    usec_t clock_error; /* of times it stamps */
    char message[160];  /* why it is not UP, in words */
    bool target_found;  /* it sees processes of the target */
    bool target_hidden; /* it sees none, but processes of hidden_user, which are hidden from it as user */
    int64_t user, hidden_user;
    struct agent_fault faults[AGENT_FAULTS_MAX]; /* newest last; those without id are empty */
    size_t fault_count;
};
const struct agent_fault *agent_fault_find(const struct agent_state *a, const char *id); /* NULL: it never told of it */
