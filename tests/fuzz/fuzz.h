/* tests/fuzz/fuzz.h — what every fuzz target shares.
 *
 * A target defines LLVMFuzzerTestOneInput(): it feeds the bytes to one parser and aborts (FUZZ_CHECK) where what comes out breaks a promise
 * of the parser's header. A crash that is found becomes a file in corpus/<noun>/ and a row in the unit test. */
#pragma once

#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* libFuzzer's entry; returns 0 */

/* The bytes as a string in memory of its own, so that a read behind the end is seen. The caller frees it. */
static inline char *fuzz_string(const uint8_t *data, size_t size)
{
    return mem_strndup(size ? (const char *)data : "", size);
}

#define FUZZ_CHECK(condition) ((condition) ? (void)0 : abort())
