/* shell/agent_wire.h — the lines of the agent's protocol, version 1, read and built. Pure. injectors/README.md is the other side. */
#pragma once

#include "core/agent_state.h"
#include "core/decision.h"

#define AGENT_PROTOCOL 1

enum wire_type {
    WIRE_UNKNOWN, /* from a newer agent: to be ignored */
    WIRE_HELLO,
    WIRE_ANSWER,
    WIRE_WATCH,
    WIRE_FAULT,
    WIRE_BYE,
};

/* A line, taken apart. Borrowed from it. Times are the agent's monotonic microseconds; 0 where absent. */
struct wire_line {
    enum wire_type type;
    usec_t mono;    /* when it was sent */
    const char *id; /* ANSWER: of the request; "" */
    bool ok;        /* ANSWER */
    json_t *result; /* ANSWER, ok: may be NULL; else its error object */
    json_t *body;   /* the line itself */
};
void wire_decode(json_t *line, struct wire_line *ret_line);

/* The error of an answer that is not ok: the class by the agent's word for it, the text "field: message". */
void wire_error(const json_t *error, struct error *ret_err);

/* {"holds","value","message","evidence","since"} of a watch event or a watch's answer. `offset` turns the agent's clock into steady UTC.
 * The evidence's data is borrowed. known_since is left 0. */
void wire_evidence(const json_t *report, usec_t offset, usec_t mono, usec_t clock_error, struct evidence *ret_evidence);

/* One fault: of a hello's or status' list (id, state, since_mono) or of a fault event (fault, state, at, by, why). False: no id. */
bool wire_fault(const json_t *report, usec_t offset, struct agent_fault *ret_fault);

/* A request: `body` with id and, where the operation needs it, the epoch. New reference. */
json_t *wire_request(const json_t *body, uint64_t id, int64_t epoch);
bool wire_needs_epoch(const char *op);

/* An answer's result with its times (at, began, since: agent microseconds) as RFC 3339 of steady UTC. New reference; NULL for NULL. */
json_t *wire_result(const json_t *result, usec_t offset);
