/* validate.h — whether a file's content is what it should be, by form alone. */
#pragma once

#include "base/error.h"

/* Python is named so that it can be answered clearly: this program has no Python parser. */
enum validate_kind { VALIDATE_RAW, VALIDATE_YAML, VALIDATE_JSON, VALIDATE_SAFETENSORS, VALIDATE_PYTHON };
extern const char *const validate_names[]; /* "Raw", "YAML", "JSON", "SafeTensors", "Python", NULL */

#define VALIDATE_TEXT_MAX ((size_t)8 * 1024 * 1024)

/* 0: valid. INVALID: the message says where it is not. Raw is always valid; Python is refused. */
int validate_file(enum validate_kind kind, int fd, struct error *err);
