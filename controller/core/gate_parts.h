/* core/gate_parts.h — what the files of the gates share: gate.c (the first three, and the order), gate_level.c (the service level). */
#pragma once

#include "core/gate.h"

void gate_decide(struct gate *g, enum gate_result result, usec_t at, const char *format, ...) __attribute__((format(printf, 4, 5)));
void gate_evidence(struct gate *g, const char *kind, const char *name);
/* A gate that is open when the fault is over can no longer be proved. True where it was decided by that. */
bool gate_ended(const struct gate_frame *frame, struct gate *g);
/* Of the expected trigger, for the drilled pod, begun since the injection, and fired before the fault was over. */
bool gate_firing_counts(const struct drill_view *v, const struct gate_frame *frame, const struct firing *f);
void gate_judge_level(const struct drill_view *v, const struct gate_frame *frame, usec_t now, struct gate gates[GATE_COUNT],
                      usec_t *again);
