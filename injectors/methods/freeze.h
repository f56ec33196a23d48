/* methods/freeze.h — stops processes and lets them go on (SIGSTOP, SIGCONT); shared by the methods that do so.
 *
 * Undo record: {"processes":[{"pid","start","command"}], "node_boot", "touches"}. Processes that are stopped already are left alone,
 * by the undo too. */
#pragma once

#include "methods/method.h"
#include "param.h"

int freeze_plan(const struct site *site, const struct process_set *set, json_t **ret_undo, json_t **ret_detail, struct refusal *r);
int freeze_apply(const struct site *site, const json_t *undo, struct error *err);
int freeze_seen(const struct site *site, const json_t *undo, struct error *err);
int freeze_revert(const struct site *site, const json_t *undo, bool resumed, enum revert_outcome *ret_outcome, json_t *detail,
                  struct error *err);

/* The target's processes that `params.match` names; NOT_FOUND where none does. */
int freeze_select(const struct site *site, const json_t *params, struct process_set *ret_set, struct refusal *r);
int freeze_validate_match(const json_t *params, enum param_need need, struct refusal *r);
/* [{"pid","start"}], for undoing; [{"pid","start","command"}] of the first FREEZE_TOLD, for people; the set's "touches". New references. */
#define FREEZE_TOLD 32
json_t *freeze_list(const struct process_set *set);
json_t *freeze_describe(const struct process_set *set);
json_t *freeze_touches(const struct process_set *set);
/* The i-th process of such a list; false: beyond the last. */
bool freeze_process_at(const json_t *processes, size_t index, pid_t *ret_pid, uint64_t *ret_start);
