/* journal.h — what is written down about faults, before they happen: one file a fault in <dir>/journal.
 *
 * A record is the fault as JSON (fault.c says what is in it). Open ones are replayed at start; closed ones stay as tombstones, so that
 * a command that comes late is known to be late. A file that is torn or strange is reported and left alone: it is never a reason to
 * stop, and never overwritten by replay. */
#pragma once

#include "base/error.h"

#include <jansson.h>

#define JOURNAL_TOMBSTONES 256

struct journal;
struct journal *journal_open(const char *dir, struct error *err); /* NULL: failed */
void journal_close(struct journal *j);                            /* NULL is fine */
int journal_backups(const struct journal *j);                     /* the folder of the backups; borrowed */

/* `durable`: on the disk when this returns. */
int journal_write(struct journal *j, const char *id, const json_t *record, bool durable, struct error *err);
/* An array of records, and one of {"file","message"} for those that cannot be read. New references. */
int journal_load(struct journal *j, json_t **ret_records, json_t **ret_bad, struct error *err);
/* Whether there is a file of this id that cannot be read: what became of that fault is not known. */
bool journal_is_torn(const struct journal *j, const char *id);
/* Drops the oldest closed records beyond JOURNAL_TOMBSTONES, and the backups that no record names. `open`: is this record still open? */
void journal_prune(struct journal *j, bool (*open)(const json_t *record));
