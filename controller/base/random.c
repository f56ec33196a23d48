/* xoshiro256** 1.0 and splitmix64: Blackman and Vigna, https://prng.di.unimi.it/ (public domain). */
#include "base/random.h"

#include <errno.h>
#include <sys/random.h>

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

void random_init(struct random *r, uint64_t seed)
{
    for (size_t i = 0; i < array_len(r->s); i++)
        r->s[i] = splitmix64(&seed);
}

static uint64_t rotate_left(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

uint64_t random_u64(struct random *r)
{
    uint64_t *s = r->s;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t random_below(struct random *r, uint64_t n)
{
    /* 2^64 mod n: the draws below it would make the first remainders more likely than the rest. */
    uint64_t surplus = (UINT64_MAX - n + 1) % n;
    for (;;) {
        uint64_t draw = random_u64(r);
        if (draw >= surplus)
            return draw % n;
    }
}

double random_unit(struct random *r)
{
    return (double)(random_u64(r) >> 11) * 0x1p-53;
}

uint64_t random_seed_os(void)
{
    uint64_t seed;
    ssize_t n;
    do
        n = getrandom(&seed, sizeof(seed), 0); /* up to 256 bytes come whole or not at all: getrandom(2) */
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof(seed))
        abort();
    return seed;
}
