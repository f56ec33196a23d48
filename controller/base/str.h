/* base/str.h — small questions about strings. Nothing here allocates. */
#pragma once

#include "base/mem.h"
#include <stdarg.h>
#include <string.h>

bool str_equal(const char *a, const char *b); /* NULL equals only NULL */
bool str_empty(const char *s);                /* NULL or "" */
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);

/* Copies with a NUL; false (and a copy cut between UTF-8 characters) where it does not fit. size > 0. */
bool str_copy(char *dest, size_t size, const char *src);
/* The parts with `between` between them, cut where they do not fit; false then. For keys, of which many are made. size > 0. */
bool str_join(char *dest, size_t size, char between, size_t count, const char *const parts[]);
/* snprintf that says whether it all fitted. */
bool str_format(char *dest, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool str_vformat(char *dest, size_t size, const char *format, va_list args) __attribute__((format(printf, 3, 0)));

/* Whole-string numbers: false on empty, trailing bytes, or out of range. */
bool str_to_i64(const char *s, int64_t min, int64_t max, int64_t *ret_value);
bool str_to_double(const char *s, double *ret_value); /* finite only, "." as the point whatever the locale */

/* Kubernetes names. RFC 1123 label (1–63) and subdomain (1–253): apimachinery pkg/util/validation. */
bool str_is_dns_label(const char *s);
bool str_is_dns_subdomain(const char *s);

/* 8 lower-case hex digits of a stable 32-bit hash (FNV-1a), for names made from stable inputs. */
void str_hash8(const char *s, char ret_hex[9]);
uint64_t str_hash64(const void *bytes, size_t n, uint64_t seed); /* FNV-1a 64, for maps */

/* Writes at most size-1 bytes of s with control characters, quotes, backslashes and non-ASCII made visible (\n, \xNN), cut with "...": for error
 * texts that quote what a stranger wrote. Returns dest. */
const char *str_quote(char *dest, size_t size, const char *s);
