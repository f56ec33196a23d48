/* kube/json_reader.h — JSON as Go writes it, read by jansson.
 *
 * Kubernetes hands out values that jansson refuses as a whole: U+0000 in the key of a map, integers beyond 64 bits (a float64 is written
 * without a point), nesting beyond 2048. One object of anybody with one of these in it would make a list of all unreadable. So what was
 * refused is read again, changed: U+0000 in a key becomes U+FFFD, such an integer a real, and what lies too deep null. U+0000 in a text
 * that is no key stays, and is for the decoders to refuse. */
#pragma once

#include <jansson.h>

/* Any value, also a bare one. NULL: it is not JSON. */
json_t *json_reader_load(const char *bytes, size_t n);
