/* api/selector.h — metav1.LabelSelector ({matchLabels, matchExpressions}) as JSON: checking, matching, writing as a query.
 *
 * As in Kubernetes: a selector that is absent (NULL, null) matches nothing, an empty one ({}) everything; NotIn and DoesNotExist match
 * where the label is absent. A selector that selector_validate() refuses matches nothing. */
#pragma once

#include "base/buf.h"
#include "base/error.h"

#include <jansson.h>

/* INVALID, naming the field below `field` ("spec.selector"), what is wrong and what would be right. NULL or null passes: whether it may
 * be absent is the caller's affair. */
int selector_validate(const json_t *selector, const char *field, struct error *err);

bool selector_matches(const json_t *selector, const json_t *labels); /* labels: an object of strings, or NULL for none */

/* Appends the form that ?labelSelector= takes ("app=shop,tier in (a,b),!old"), not yet percent-encoded; "" for an empty one. False: it
 * is absent or invalid, or b overflows; b may then hold a part. */
bool selector_append_query(struct buf *b, const json_t *selector);
