/* methods/overwrite.h — replaces a range of a file's bytes in place; shared by the methods that change files.
 *
 * In place, because that is the change that everybody sees: a descriptor or a mapping that the target holds open, a file that is
 * itself a mount (subPath), a file behind ConfigMap links, a hard link. Inode, mode, owner, links and attributes stay by themselves;
 * the times are put back. A write that was cut short leaves a prefix of the new bytes and a rest of the old ones: that, and only
 * that, is known again as ours besides the two whole states.
 *
 * Undo record: {"path","offset","size","old":{"sha256","bytes"},"new":{…},"whole":{"before","after"}?,"mode","modified":[s,ns],
 * "accessed":[s,ns],"touches"}; both contents stand there as "hex" when both are short, else they lie among the backups under their digests. */
#pragma once

#include "methods/method.h"

#define OVERWRITE_RANGE_MAX  ((size_t)64 * 1024 * 1024)
#define OVERWRITE_INLINE_MAX ((size_t)16 * 1024)         /* contents up to this size stand in the undo record */
#define OVERWRITE_DIGEST_MAX ((int64_t)32 * 1024 * 1024) /* whole-file digests are given up to this size */

/* A change about to be planned. `offset + old_length` must be the file's end where the lengths differ. */
struct overwrite {
    const char *path;
    int64_t offset;
    const char *old_bytes, *new_bytes; /* borrowed */
    size_t old_length, new_length;
};

/* Opens the target's file for reading. The caller closes *ret_fd. */
int overwrite_open(const struct site *site, const char *path, int *ret_fd, struct stat *ret_status, struct refusal *r);
int overwrite_plan(const struct site *site, const struct overwrite *o, int fd, json_t **ret_undo, json_t **ret_detail,
                   struct refusal *r);
int overwrite_apply(const struct site *site, const json_t *undo, struct error *err);
int overwrite_seen(const struct site *site, const json_t *undo, struct error *err);
int overwrite_hold(const struct site *site, const json_t *undo);
int overwrite_revert(const struct site *site, const json_t *undo, bool resumed, enum revert_outcome *ret_outcome, json_t *detail,
                     struct error *err);
