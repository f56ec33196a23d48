/* kube/impersonate.h — whom a kubeconfig's user wants to act as, in header lines. */
#pragma once

#include "base/error.h"
#include "base/list.h"

#include <jansson.h>

/* From `as`, `as-uid`, `as-groups` and `as-user-extra` of the stanza (client-go transport/round_trippers.go). INVALID names the field:
 * wrong types, line breaks, or uid, groups and extra without `as`. */
int impersonate_headers(const json_t *user, struct strlist *headers, struct error *err);
