/* shell/reduce.h — an object as it is kept: without what nobody here reads. Pure. */
#pragma once

#include "api/json.h"
#include "api/kind.h"

/* New reference, sharing parts with `object`, which is not changed. Pods by pod_reduce(), namespaces to their metadata, all others
 * without managedFields and the last-applied annotation. `kind` and `apiVersion` are filled in where a list left them out. */
json_t *reduce_object(enum kind kind, const json_t *object);
