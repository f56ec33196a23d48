/* shell/pack.h — makes the texts of ten thousand like objects small.
 *
 * Objects of one kind differ in names, times and numbers only, so each is written as differences from an example of its kind (the
 * dictionary): literal runs and copies out of the dictionary and of what was written before, as LZ4 does. Not a format for others: it
 * never leaves the process. */
#pragma once

#include "base/mem.h"

#define PACK_DICTIONARY_MAX ((size_t)16 * 1024) /* a longer example is cut */

struct pack_dictionary; /* counted: it lives as long as a text that was packed with it */
struct pack_dictionary *pack_dictionary_new(const char *example, size_t length);
struct pack_dictionary *pack_dictionary_ref(struct pack_dictionary *d);
void pack_dictionary_unref(struct pack_dictionary *d); /* NULL is fine */
size_t pack_dictionary_length(const struct pack_dictionary *d);

/* Packs n bytes; the caller frees. dictionary may be NULL. */
void *pack_text(const struct pack_dictionary *d, const char *text, size_t n, size_t *ret_packed);
/* The text again, NUL terminated, of exactly *ret_length bytes; the caller frees. */
char *pack_unpack(const struct pack_dictionary *d, const void *packed, size_t n, size_t *ret_length);
