/* shell/session_faults.h — the faults that an agent has told of, kept in its struct agent_state. Pure. */
#pragma once

#include "core/agent_state.h"

/* Each returns whether anything changed. */
bool faults_set(struct agent_state *a, const struct agent_fault *fault); /* the oldest makes room */
/* A whole list, of a hello or a status. Faults that were in force and are not in it are no longer known. `anew`: the times of known ones
 * too, since the offset is better than when they were told. */
bool faults_replace(struct agent_state *a, const json_t *list, usec_t offset, bool anew);
/* What an answer to `request` (inject, revert) says of its fault. */
bool faults_from_answer(struct agent_state *a, const json_t *request, const json_t *result, usec_t offset);
