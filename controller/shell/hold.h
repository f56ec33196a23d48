/* shell/hold.h — which of many looks at a probe is news: a change counts once it has lasted. Pure. */
#pragma once

#include "core/decision.h"

struct hold {
    usec_t hold_for, refresh;
    struct evidence shown;  /* what was told; seen_at 0: nothing yet. Owns data */
    enum holds candidate;   /* what the last looks say instead, … */
    usec_t candidate_since; /* … and since when; 0: they agree with what was told */
    usec_t told_at;
};
void hold_init(struct hold *h, usec_t hold_for, usec_t refresh);
void hold_done(struct hold *h);
/* Takes the result of a look (its data is borrowed). True: it is news; h->shown has it either way, with since and known_since. */
bool hold_look(struct hold *h, const struct evidence *look, usec_t now);
