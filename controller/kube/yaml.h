/* kube/yaml.h — YAML text to the values that jansson knows, over libyaml.
 *
 * Every scalar becomes a string, whatever its looks (a token of digits is a token); "", "~" and "null" in plain style become null.
 * Aliases are followed. Refused (INVALID, with line and column): keys that are no scalars or come twice, more than one document, and
 * more than YAML_NODES_MAX values or YAML_DEPTH_MAX levels once aliases are followed. */
#pragma once

#include "base/error.h"

#include <jansson.h>

#define YAML_NODES_MAX 50000
#define YAML_DEPTH_MAX 64

/* The caller owns the value; an empty text is null. NULL with err set on failure. */
json_t *yaml_load(const char *text, size_t n, struct error *err);
