/* shell/rv.h — resource versions, compared as strings.
 *
 * Within one resource type they are positive decimals without leading zeros of any length: longer is larger, equal length compares as
 * text (KEP-5504; apimachinery pkg/util/resourceversion). Nothing else is promised about them. */
#pragma once

#include <stdbool.h>

#define RV_SIZE 64

bool rv_valid(const char *rv);
/* < 0, 0, > 0 as strcmp; two that cannot be compared are equal. */
int rv_compare(const char *a, const char *b);
