/* tests/unit/fixture.h — JSON in C without a thicket of backslashes: single quotes stand for double ones. */
#pragma once

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* New reference; ends the program where the text is not JSON. */
static inline json_t *fixture(const char *text)
{
    char *copy = strdup(text);
    for (char *c = copy; *c; c++)
        if (*c == '\'')
            *c = '"';
    json_error_t error;
    json_t *value = json_loads(copy, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!value) {
        fprintf(stderr, "fixture: %s at %d: %s\n", error.text, error.position, copy);
        abort();
    }
    free(copy);
    return value;
}

static inline void fixture_cleanup(json_t **value)
{
    json_decref(*value);
}
#define auto_fixture __attribute__((cleanup(fixture_cleanup)))
