/* api/field.h — reading the fields that a person wrote, with errors that name the field, its value and what would be right.
 *
 * For the decoders of this layer. `path` is dotted as in json.h and is what the error says; `root` is the whole object. All return 0,
 * or -1 with ERROR_INVALID. */
#pragma once

#include "api/json.h"

/* The value as JSON in plain ASCII, cut with "..." where it is long: for error texts. NULL is written null. Returns dest. */
#define FIELD_QUOTE_SIZE 72
const char *field_quote(const json_t *value, char dest[FIELD_QUOTE_SIZE]);

/* `example` is a whole assignment for the error text: "id: KH001". */
int field_str(const json_t *root, const char *path, const char *example, const char **ret_value,
              struct error *err); /* required, not empty */
int field_duration(const json_t *root, const char *path, usec_t fallback, usec_t *ret_value,
                   struct error *err); /* absent: fallback */
/* One of `words` (NULL-terminated); absent: the first. */
int field_choice(const json_t *root, const char *path, const char *const *words, size_t *ret_index, struct error *err);
int field_int(const json_t *root, const char *path, int64_t min, int64_t max, int64_t fallback, int *ret_value, struct error *err);

int field_time(const json_t *root, const char *path, usec_t fallback, usec_t *ret_wall, struct error *err); /* RFC 3339, to UTC */
/* After a function above failed for a member: puts the place of the member before its path, "spec.probe" before "timeout: …". Returns -1. */
int field_within(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* No text under `value` holds U+0000: JSON can carry it, but no file name, command, header or label. */
int field_texts(const json_t *value, const char *field, struct error *err);
/* Whether a string under `value` has a "$(" in it, which begins a reference. */
bool field_mentions(const json_t *value);
/* Every "$(…)" in the strings under `value` is a whole "$(target.word.word)"; `field` names the value. */
int field_references(const json_t *value, const char *field, struct error *err);
/* A probe: an object with exactly one of the kinds of probe in it, sound durations and references. */
int field_probe(const json_t *probe, const char *field, struct error *err);
/* An array of {name, probe, within}; NULL is fine. */
int field_probes(const json_t *probes, const char *field, struct error *err);
