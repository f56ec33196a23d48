/* request.h — one line from a peer: what it asks, checked, carried out, answered. The table of operations is in request.c. */
#pragma once

#include "guard.h"

struct request {
    struct reply_to to;
    json_t *body; /* borrowed */
};

/* Never fails: whatever is wrong with the line is answered. */
void request_handle(struct guard *g, struct session *s, const char *line, size_t n);
void request_refuse_long(struct guard *g, struct session *s);

/* An operation: 1 answered (*ret_result new), 0 answered later by guard_answer(), -1 refused. */
struct operation {
    const char *name;
    bool needs_epoch, has_effect;
    int (*handle)(struct guard *g, const struct request *q, json_t **ret_result, struct refusal *r);
};
int operation_restore(struct guard *g, const struct request *q, json_t **ret_result, struct refusal *r); /* remedy.c, … */
int operation_signal(struct guard *g, const struct request *q, json_t **ret_result, struct refusal *r);
int operation_restart(struct guard *g, const struct request *q, json_t **ret_result, struct refusal *r);
int operation_snapshot(struct guard *g, const struct request *q, json_t **ret_result, struct refusal *r);
