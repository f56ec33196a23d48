/* core/selection.h — which card on which target next: weighted random by risk, with everything recorded that answers "why this one?". */
#pragma once

#include "core/coverage.h"

struct candidate {
    const char *target; /* name */
    struct coverage coverage;
    double weight; /* out: risk × overdueBoost where overdue; 0: not eligible now */
};
/* Sets weights, draws `want` candidates (never two on one target) with the seed and slot, and returns how many were chosen; their indices
 * in ret_chosen. *ret_record: {seed, slot, draw: [u…], weights: {"shop/KH001": 2.5}, chosen: […]} (new reference). */
size_t selection_draw(const struct schedule *s, struct candidate *candidates, size_t count, size_t want, uint64_t seed, usec_t slot,
                      size_t *ret_chosen, json_t **ret_record);
