/* shell/path.h — where an object lies in the API. */
#pragma once

#include "api/kind.h"
#include "base/buf.h"

#define PATH_MAX_SIZE ((size_t)8192)

/* "/apis/drillyard.dev/v1alpha1/namespaces/team-a/drills/x7k2"; name "" gives the collection, ns "" of a namespaced kind all namespaces.
 * `sub` (NULL: none): "status". Appends to b. */
bool path_append(struct buf *b, const struct key *key, const char *sub);
/* Percent-encodes everything but RFC 3986's unreserved characters. */
bool path_append_escaped(struct buf *b, const char *s);
