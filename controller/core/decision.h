/* core/decision.h — what a pure decision says shall happen: effects, watches it wants, when to look again.
 *
 * The core is pure functions (view, now) → decision. There is one clock in it: `now` and every other time is UTC microseconds of a
 * steady clock (the shell's: monotonic plus an offset fixed at start), so times from agents, statuses and "now" compare.
 *
 * An effect is data, idempotent by what it says: a status write carries the resourceVersion it was decided from, a create has a
 * deterministic name, an agent operation has an id that the agent remembers. Carrying out AGENT, API and NOTE effects yields an
 * observation under the effect's id, which the next view shows; while one is in flight or answered, the same id is not sent again. */
#pragma once

#include "api/json.h"
#include "api/kind.h"

#define EFFECT_ID_SIZE 448 /* fits a kind of watch, a namespace, a trigger and a pod, each as long as names may be */

enum effect_type {
    EFFECT_STATUS,   /* PUT of .status, whole; fails with CONFLICT if the object changed since (rv) */
    EFFECT_METADATA, /* merge patch of the object with rv in it (finalizers, labels) */
    EFFECT_PATCH,    /* merge patch of the main resource, with rv in it where rv is not "" */
    EFFECT_CREATE,   /* POST; EXISTS counts as done where the one there has the same uid of owner or the same content hash label */
    EFFECT_DELETE,   /* with preconditions uid and rv */
    EFFECT_EVENT,    /* events.k8s.io/v1: body {type, reason, action, note}; regarding key; sent once per id */
    EFFECT_AGENT,    /* one operation for the agent in pod `key`: body {op, …}; gives an observation */
    EFFECT_API,      /* one request for a healing action: body {method, path, contentType, body}; gives an observation */
    EFFECT_NOTE, /* remembers `body` as an OK observation at once (before any other effect of the decision is carried out), for as
                      * long as the owner lives in this process; a second note of the same id replaces the first */
};

struct effect {
    enum effect_type type;
    char id[EFFECT_ID_SIZE]; /* AGENT, API, NOTE, EVENT: unique among its owner's; others: "" */
    struct key key;          /* the object written or regarded; AGENT: the pod */
    char rv[64], uid[64];    /* as decided from; "" where it does not matter */
    json_t *body;            /* owned; NULL: none */
    usec_t timeout;          /* AGENT, API: 0 = 10 s */
};

/* A probe that is to be watched for this owner from now on; the shell keeps exactly the wanted ones going. */
struct want {
    char key[EFFECT_ID_SIZE]; /* unique among its owner's; evidence comes back under it */
    struct key pod;           /* where to look from or at; name "" for probes that need no pod */
    json_t *probe;            /* owned; resolved (no template left), as in the CRDs */
    usec_t every;             /* how often to look; 0: 1 s */
    usec_t hold_for;          /* a change counts after it lasted so long */
    usec_t refresh;           /* while it does not hold, report again so often; 0: only changes */
};

struct decision {
    struct effect *effects;
    size_t effect_count;
    struct want *wants;
    size_t want_count;
    struct key lease_pod; /* name not "": keep a session to that pod and the leases of its faults renewed */
    usec_t again_at;      /* look again then at the latest; USEC_NEVER: only when something changes */
};
void decision_init(struct decision *d);
void decision_done(struct decision *d);
#define auto_decision __attribute__((cleanup(decision_done)))

/* Each returns the new effect for further filling; `body` is stolen. */
struct effect *decision_status(struct decision *d, const struct key *key, const char *rv, json_t *status);
struct effect *decision_metadata(struct decision *d, const struct key *key, const char *rv, json_t *patch);
struct effect *decision_patch(struct decision *d, const struct key *key, const char *rv, json_t *patch);
struct effect *decision_create(struct decision *d, const struct key *key, json_t *object);
struct effect *decision_delete(struct decision *d, const struct key *key, const char *uid, const char *rv);
struct effect *decision_event(struct decision *d, const struct key *regarding, const char *id, bool warning, const char *reason,
                              const char *action, const char *note);
struct effect *decision_agent(struct decision *d, const char *id, const struct key *pod, json_t *body, usec_t timeout);
struct effect *decision_api(struct decision *d, const char *id, const char *method, const char *path, const char *content_type,
                            json_t *body, usec_t timeout);
struct effect *decision_note(struct decision *d, const char *id, json_t *body);
void decision_want(struct decision *d, const char *key, const struct key *pod, json_t *probe, usec_t every, usec_t hold_for,
                   usec_t refresh);
void decision_again(struct decision *d, usec_t when); /* the earliest of all calls counts */

/* ── what came of effects, for one owner ── */
enum observation_state {
    OBSERVATION_NONE,      /* never asked */
    OBSERVATION_IN_FLIGHT, /* asked, not answered */
    OBSERVATION_OK,
    OBSERVATION_FAILED,  /* answered with an error: it did not happen */
    OBSERVATION_UNKNOWN, /* no answer: whether it happened is unknown */
};
struct observation {
    enum observation_state state;
    usec_t asked_at, answered_at;
    struct error err; /* FAILED, UNKNOWN */
    json_t *
        result; /* OK: the agent's result, the API's object, the note; may be NULL. For FAILED agent operations: its error object */
};
#define OBSERVATIONS_MAX 1024 /* per owner; beyond that the oldest that are answered are forgotten */
struct observations;
struct observations *observations_new(void);
void observations_free(struct observations *o);
bool observations_empty(const struct observations *o);
const struct observation *observations_get(const struct observations *o, const char *id);       /* never NULL; o may be NULL */
void observations_set(struct observations *o, const char *id, const struct observation *value); /* takes a reference to result */

/* ── what watched probes show, for one owner ── */
enum holds { HOLDS_UNKNOWN, HOLDS_FALSE, HOLDS_TRUE };
struct evidence {
    enum holds holds;   /* UNKNOWN: not seen yet, or could not be observed: message says why */
    usec_t since;       /* when it became so, by the clock of who saw it */
    usec_t seen_at;     /* the newest look; 0: none yet */
    usec_t known_since; /* since when it has been observed without a gap; 0: it is not */
    usec_t error;       /* bound of the error of these times against `now` */
    bool has_value;
    double value;
    char message[256];
    json_t *data; /* NULL: none */
};
struct evidences;
struct evidences *evidences_new(void);
void evidences_free(struct evidences *e);
const struct evidence *evidences_get(const struct evidences *e, const char *key);       /* never NULL; e may be NULL */
void evidences_set(struct evidences *e, const char *key, const struct evidence *value); /* takes a reference to data */
void evidences_remove(struct evidences *e, const char *key);
