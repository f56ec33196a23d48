/* effect.h — effects that are carried out once, whatever is asked again.
 *
 * Before an effect begins, its id is written down as started; afterwards its outcome. The same id again gets the outcome that is
 * written down; one that was started and never finished (we were killed in the middle) is answered as unknown, and not begun again. The
 * last 256 are kept. */
#pragma once

#include "base/error.h"

#include <jansson.h>

struct effects;
struct effects *effects_open(const char *dir, struct error *err); /* NULL: failed */
void effects_close(struct effects *e);                            /* NULL is fine */

/* 0: new, and on disk as started: go ahead. 1: known; *ret_outcome (new) is {"ok":true,"result"|…}, or {"state":"Unknown"}, or, when this very
 * process is still at it, {"state":"Running"}: ask again later. `ours`: this process carries it out (and will see its end). -1: err. */
int effects_begin(struct effects *e, const char *id, const char *op, bool ours, json_t **ret_outcome, struct error *err);
/* `outcome` is borrowed. */
int effects_end(struct effects *e, const char *id, const char *op, json_t *outcome, struct error *err);
