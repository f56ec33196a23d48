/* shell/reflector_path.h — the requests of a reflector: what to list, what to watch, from where. Pure. */
#pragma once

#include "api/kind.h"
#include "base/buf.h"

struct reflector_scope {
    enum kind kind;
    char *ns; /* "": all, or a cluster-scoped kind */
};
/* Each appends to `path`. rv "": the newest there is; else not older than that. draw: a random number, for the time limit of a stream, so
 * that not all end at once (300 to 600 s, as client-go). */
void reflector_path_page(struct buf *path, const struct reflector_scope *s, int limit, const char *continue_token, const char *rv);
void reflector_path_list(struct buf *path, const struct reflector_scope *s, const char *rv, uint64_t draw); /* a streaming list */
void reflector_path_watch(struct buf *path, const struct reflector_scope *s, const char *rv, uint64_t draw);
