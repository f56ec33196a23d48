/* core/selection.h — which card on which target next: weighted random by risk, with everything recorded that answers "why this one?". */
#pragma once

#include "core/coverage.h"

struct candidate {
    const char *target; /* name */
    struct coverage coverage;
    double weight; /* out: risk × overdueBoost where overdue; 0: not eligible now */
};
/* The weight of a card whose risk is 0: it is drawn too, but rarely. */
#define SELECTION_WEIGHT_MIN 0.1

/* Sets weights, draws `want` candidates (never two on one target) with the seed and slot, and returns how many were chosen; their indices
 * in ret_chosen (room for `want`). A card that is not due has no weight. *ret_record (new reference): {seed, draw, weights: {"shop/KH001":
 * 2.5}, chosen: ["shop/KH001"]}; `draw` is the slot in milliseconds since 1970: seed and draw fix the choice. At most
 * SELECTION_WEIGHTS_MAX weights are recorded, the heaviest. */
#define SELECTION_WEIGHTS_MAX 256
size_t selection_draw(const struct schedule *s, struct candidate *candidates, size_t count, size_t want, uint64_t seed, usec_t slot,
                      size_t *ret_chosen, json_t **ret_record);
/* How many incidents at once at this slot: 1, or in stress mode drawn from min..max. */
size_t selection_count(const struct schedule *s, uint64_t seed, usec_t slot);
