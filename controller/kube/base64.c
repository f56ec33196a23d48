#include "kube/base64.h"

#include <string.h>

static int value_of(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

char *base64_decode_text(const char *coded)
{
    auto_free char *text = mem_alloc(strlen(coded) / 4 * 3 + 4);
    size_t n = 0, digits = 0, padding = 0;
    uint32_t bits = 0;
    for (; *coded; coded++) {
        if (strchr(" \t\r\n", *coded))
            continue;
        int value = value_of(*coded);
        if (*coded == '=')
            padding++;
        else if (value < 0 || padding > 0)
            return NULL;
        bits = bits << 6 | (uint32_t)(value < 0 ? 0 : value);
        if (++digits % 4 != 0)
            continue;
        for (int shift = 16; shift >= 0; shift -= 8)
            text[n++] = (char)(bits >> shift);
        bits = 0;
    }
    if (digits == 0 || digits % 4 != 0 || padding > 2)
        return NULL;
    n -= padding;
    text[n] = '\0';
    return strlen(text) == n ? mem_take(text) : NULL;
}
