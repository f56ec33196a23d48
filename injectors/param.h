/* param.h — reads the fields of a request; a wrong one is refused with its name, its value and what would be right.
 *
 * `field` is the whole name for the message ("params.path"); what stands after the last dot is looked up in `object`. Strings are
 * borrowed from the object. An optional field that is absent (or null) leaves *ret as it was: set it to the default before. */
#pragma once

#include "refusal.h"

enum param_need { PARAM_OPTIONAL, PARAM_REQUIRED };

int param_text(const json_t *object, const char *field, enum param_need need, const char **ret_text, struct refusal *r);
/* An absolute path without "." or ".." parts, at most 4095 bytes. */
int param_path(const json_t *object, const char *field, enum param_need need, const char **ret_path, struct refusal *r);
/* 1–253 printable ASCII characters without blanks: ids of faults, effects, watches. */
int param_id(const json_t *object, const char *field, const char **ret_id, struct refusal *r);
int param_integer(const json_t *object, const char *field, enum param_need need, int64_t min, int64_t max, int64_t *ret_value,
                  struct refusal *r);
int param_number(const json_t *object, const char *field, enum param_need need, double *ret_value, struct refusal *r);
int param_flag(const json_t *object, const char *field, bool *ret_flag, struct refusal *r);
int param_object(const json_t *object, const char *field, enum param_need need, json_t **ret_object, struct refusal *r);
/* *ret_choice is the index in `names` (ended by NULL). */
int param_choice(const json_t *object, const char *field, enum param_need need, const char *const names[], int *ret_choice,
                 struct refusal *r);
/* A signal by name, with or without SIG, of the closed list that signal_from_name knows. */
int param_signal(const json_t *object, const char *field, enum param_need need, int *ret_signal, struct refusal *r);

int signal_from_name(const char *name);        /* 0: none of ours */
const char *signal_to_name(int signal_number); /* "KILL"; "?" */
