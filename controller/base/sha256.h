/* base/sha256.h — SHA-256 (FIPS 180-4). Here because the agent is one static binary with no crypto library in it. */
#pragma once

#include "base/mem.h"

#define SHA256_HEX_SIZE 65
struct sha256 {
    uint32_t h[8];
    uint64_t length;
    unsigned char block[64];
    size_t used;
};
void sha256_init(struct sha256 *s);
void sha256_update(struct sha256 *s, const void *bytes, size_t n);
void sha256_finish(struct sha256 *s, char ret_hex[SHA256_HEX_SIZE]);
void sha256_hex(const void *bytes, size_t n, char ret_hex[SHA256_HEX_SIZE]);
