/* shell/owners.h — what the executor remembers of each key whose decisions it carries out: what came of its effects, which events were
 * sent, how long its writes must wait. Kept in this process only; core/ is written so that losing it is safe. */
#pragma once

#include "core/decision.h"
#include "shell/backoff.h"

struct owner_state {
    struct key key;
    struct observations *observations;
    struct map *events; /* ids of events that were sent */
    struct backoff backoff;
    usec_t not_before;                     /* monotonic: no write of this owner is begun earlier */
    unsigned in_flight;                    /* requests and operations that will come back here */
    bool forgotten;                        /* to be freed when the last one has come back */
    char lease_pod_ns[64], lease_pod[254]; /* "" none */
};

struct owners;
struct owners *owners_new(void);
void owners_free(struct owners *o);                                             /* NULL is fine; nothing may be in flight */
struct owner_state *owners_get(struct owners *o, const struct key *key);        /* made where there is none */
struct owner_state *owners_find(const struct owners *o, const struct key *key); /* NULL: none */
/* Forgets all about the key. What is in flight comes back to a state that nobody sees. */
void owners_forget(struct owners *o, const struct key *key);
/* To be called when a decision was carried out: a state that remembers nothing goes. Ten thousand cards at rest have none. */
void owners_settle(struct owners *o, struct owner_state *state);
void owners_clear(struct owners *o);
/* To be called when something came back. True: the state is still current. False: it was forgotten, and may be freed by now. */
bool owners_returned(struct owners *o, struct owner_state *state);
