/* core/jsonpath.h — the part of kubectl's JSONPath that points at one value: .a.b, ['a.b'], .a\.b, [0], [-1], [*] (the first) and
 * [?(@.type=="Ready")]; with or without the braces and the leading dot. Pure.
 * https://kubernetes.io/docs/reference/kubectl/jsonpath/ */
#pragma once

#include "api/json.h"

/* *ret_value: borrowed; NULL where nothing is there. INVALID: it is not such a path. */
int jsonpath_find(const json_t *root, const char *path, const json_t **ret_value, struct error *err);
