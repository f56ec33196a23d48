/* shell/writes.h — effects as requests to the API server. Pure, but for reading the object they are about. */
#pragma once

#include "base/buf.h"
#include "core/decision.h"
#include "shell/store.h"

struct write {
    const char *method, *content_type; /* constants; content_type NULL: JSON */
    struct buf path;
    json_t *body; /* owned; NULL: none */
};
void write_done(struct write *w);
#define auto_write __attribute__((cleanup(write_done)))

/* STATUS, METADATA, PATCH, CREATE, DELETE. */
void write_build(const struct effect *e, struct store *store, struct write *ret_write);
/* EVENT: `regarding` NULL where the store lacks it. The name is made from the owner, the object regarded and the effect's id: sent again by
 * the next leader, it is there already. wall: UTC. */
void write_build_event(const struct effect *e, const struct key *owner, const json_t *regarding, const char *identity, usec_t wall,
                       struct write *ret_write);
