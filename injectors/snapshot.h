/* snapshot.h — the last known good content of the target's files, kept under <dir>/snapshots/<facet>/.
 *
 * The same content is kept once; the newest `keep` stay. A facet is a name of letters, digits, "-", "_" and "."; it has one path at a
 * time. Files up to SNAPSHOT_BYTES_MAX. */
#pragma once

#include "base/sha256.h"
#include "refusal.h"
#include "validate.h"

#include <sys/types.h>

#define SNAPSHOT_BYTES_MAX  ((int64_t)512 * 1024 * 1024)
#define SNAPSHOT_FACETS_MAX 64

struct snapshots;
struct snapshots *snapshots_open(const char *dir, struct error *err); /* NULL: failed */
void snapshots_close(struct snapshots *s);                            /* NULL is fine */

struct snapshot_order {
    const char *facet, *path;
    enum validate_kind validate;
    int keep;
    int fd; /* of the file, for reading; borrowed */
};
/* *ret_result: {facet, sha256, bytes, takenAt, mono, changed}; new. INVALID where the content does not validate, CONFLICT where it
 * changed while it was read. */
int snapshots_take(struct snapshots *s, const struct snapshot_order *order, json_t **ret_result, struct refusal *r);

struct snapshot {
    char sha256[SHA256_HEX_SIZE];
    int64_t bytes;
    mode_t mode;
    int fd; /* for reading; the caller closes it */
};
/* `sha256` NULL: the newest. Checks that the stored bytes still have their digest. NOT_FOUND, INTERNAL. */
int snapshots_find(struct snapshots *s, const char *facet, const char *sha256, struct snapshot *ret_snapshot, struct refusal *r);
bool snapshots_latest(struct snapshots *s, const char *facet, char ret_sha256[SHA256_HEX_SIZE]);
json_t *snapshots_list(const struct snapshots *s); /* [{facet, path, sha256, bytes, takenAt, kept}]; a new reference */
