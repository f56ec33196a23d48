/* shell/executor_parts.h — what the files of the executor share: executor.c (what is to be done), execute_write.c (objects and events),
 * execute_operation.c (agents, requests of actions, notes). */
#pragma once

#include "base/list.h"
#include "base/map.h"
#include "shell/executor.h"

/* A version from which writing failed. */
struct stale {
    char rv[64];
    usec_t since;
};

struct executor {
    struct executor_options o;
    struct owners *owners;
    struct map *flights; /* object key text → flight: the one write to it that is open */
    struct map *stale;   /* object key text → stale */
    size_t books_open;   /* of the flights, those of cards, playbooks and tasks */
    bool unsure;         /* a write of a drill ended without an answer */
    struct list open;    /* everything that will come back: writes and operations */
};

void execute_write(struct executor *x, struct owner_state *owner,
                   const struct effect *e); /* STATUS, METADATA, PATCH, CREATE, DELETE */
void execute_event(struct executor *x, struct owner_state *owner, const struct effect *e);
void execute_agent(struct executor *x, struct owner_state *owner, const struct effect *e);
void execute_api(struct executor *x, struct owner_state *owner, const struct effect *e);
void execute_note(struct executor *x, struct owner_state *owner, const struct effect *e);

/* What is open: the first member of both files' structs. */
struct pending {
    struct list node;
    struct executor *executor; /* NULL: it is gone */
    struct owner_state *owner;
};
void pending_begin(struct executor *x, struct pending *p, struct owner_state *owner);
/* True: the owner is still there. False: nothing is to be told; x may be gone too. */
bool pending_end(struct pending *p);

void executor_log(enum effect_type type, const char *what, const struct key *owner, const struct key *object, const char *id,
                  const struct error *err);
