/* base/random.h — a small seeded generator (xoshiro256**, seeded by splitmix64): the same seed gives the same numbers for ever.
 * Not for secrets. Real seeds come from random_seed_os(). */
#pragma once

#include "base/mem.h"

struct random {
    uint64_t s[4];
};
void random_init(struct random *r, uint64_t seed);
uint64_t random_u64(struct random *r);
uint64_t random_below(struct random *r, uint64_t n); /* uniform in [0, n); n > 0 */
double random_unit(struct random *r);                /* [0, 1) */
uint64_t random_seed_os(void);                       /* getrandom(2) */
