/* core/coverage.h — which cards have been drilled on a target, and which are due. Pure. */
#pragma once

#include "api/drill.h"
#include "api/schedule.h"
#include "core/applies.h"

enum coverage_state { COVERAGE_NOT_APPLICABLE, COVERAGE_NEVER, COVERAGE_COVERED, COVERAGE_DUE, COVERAGE_OVERDUE };
const char *coverage_state_name(enum coverage_state s);

struct coverage {
    char card[254], id[16], category[32];
    double risk;
    enum coverage_state state;
    char why_not[160];    /* NOT_APPLICABLE: which facet is missing or what else */
    usec_t last_drill;    /* end of the newest drill that counts (Succeeded or Failed); 0: never */
    char last_result[24]; /* of the newest drill of any result; "" none */
    usec_t due;           /* 0: now (never drilled) */
};
#define COVERAGE_OVERDUE_AFTER (7 * USEC_DAY)

/* The card's entry of the target's status.coverage, borrowed; NULL: none. */
const json_t *coverage_remembered(const struct target *target, const struct card *card);
/* One card. `previous`: its entry of DrillTarget.status.coverage (NULL: none), which remembers drills that history has deleted. */
void coverage_of(struct applies *applies, const struct card *card, const struct target *target, const struct drill *drills,
                 size_t drill_count, const json_t *previous, usec_t frequency, usec_t now, struct coverage *ret_coverage);
json_t *coverage_encode(const struct coverage *c);
/* {cards, covered, due, overdue, never, highRiskPending, byCategory} over many. */
json_t *coverage_summary(const struct coverage *all, size_t count);
