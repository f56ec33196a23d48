/* kube/status.h — what an API server's refusal means: HTTP status and metav1.Status to a struct error.
 *
 * The Status' reason decides before the code (409 is AlreadyExists or Conflict, 504 may be "Too large resource version"); the code
 * decides where the answer came from something that is not an API server. The text is the Status' message, with the causes that the
 * message does not name already; control characters become blanks. */
#pragma once

#include "base/error.h"

#include <jansson.h>

#define STATUS_BODY_MAX ((size_t)64 << 10) /* of a refusal; client-go reads no more either */

/* `retry_after`: the header's value or NULL; it goes before details.retryAfterSeconds; an HTTP date is not understood and counts as
 * absent. At most an hour. `body` need not be JSON, nor NUL terminated. Returns -1. */
int status_error(int http_status, const char *retry_after, const void *body, size_t n, struct error *err);

/* The Status of an ERROR event in a watch (anything; not an object: INTERNAL-like trouble, UNAVAILABLE). Returns -1. */
int status_error_json(const json_t *status, int http_status, const char *retry_after, struct error *err);
