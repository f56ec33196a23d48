#include "shell/rv.h"

#include "base/str.h"

bool rv_valid(const char *rv)
{
    if (str_empty(rv) || *rv == '0')
        return false;
    for (const char *c = rv; *c; c++)
        if (*c < '0' || *c > '9')
            return false;
    return true;
}

int rv_compare(const char *a, const char *b)
{
    if (!rv_valid(a) || !rv_valid(b))
        return 0;
    size_t length_a = strlen(a), length_b = strlen(b);
    if (length_a != length_b)
        return length_a < length_b ? -1 : 1;
    return strcmp(a, b);
}
