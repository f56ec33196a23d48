#include "kube/auth.h"

#include "base/str.h"

static char *base64(const char *bytes, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *out = mem_alloc((n + 2) / 3 * 4 + 1), *to = out;
    for (size_t i = 0; i < n; i += 3) {
        uint32_t three = (uint32_t)(unsigned char)bytes[i] << 16;
        three |= i + 1 < n ? (uint32_t)(unsigned char)bytes[i + 1] << 8 : 0;
        three |= i + 2 < n ? (unsigned char)bytes[i + 2] : 0;
        *to++ = digits[three >> 18];
        *to++ = digits[three >> 12 & 63];
        *to++ = i + 1 < n ? digits[three >> 6 & 63] : '=';
        *to++ = i + 2 < n ? digits[three & 63] : '=';
    }
    return out;
}

void auth_add_headers(const struct config *c, struct strlist *headers)
{
    if (!str_empty(c->token)) {
        auto_free char *line = mem_printf("Authorization: Bearer %s", c->token);
        strlist_add(headers, line);
    } else if (c->username) {
        auto_free char *pair = mem_printf("%s:%s", c->username, c->password ? c->password : "");
        auto_free char *coded = base64(pair, strlen(pair));
        auto_free char *line = mem_printf("Authorization: Basic %s", coded);
        strlist_add(headers, line);
    }
    for (size_t i = 0; i < c->impersonate.count; i++)
        strlist_add(headers, c->impersonate.items[i]);
}
