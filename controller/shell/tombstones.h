/* shell/tombstones.h — objects that left the store: which late versions of them are not to come back.
 *
 * Versions up to the one at which an object left are late. A later one is back in the selection (a label was set again). */
#pragma once

#include "base/time.h"

struct tombstones;
struct tombstones *tombstones_new(void);
void tombstones_free(struct tombstones *t); /* NULL is fine */
/* `until`: monotonic, and not earlier than any before; "" uids are passed over; the later version of two counts. */
void tombstones_add(struct tombstones *t, const char *uid, const char *rv, usec_t until);
bool tombstones_has(const struct tombstones *t, const char *uid, const char *rv);
void tombstones_set_ended(struct tombstones *t, const char *uid); /* of one that is there: a remark, kept as long as it is */
bool tombstones_ended(const struct tombstones *t, const char *uid);
void tombstones_sweep(struct tombstones *t, usec_t now); /* forgets those whose time is over */
