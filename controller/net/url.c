#include "net/url.h"

#include "base/str.h"

#include <string.h>

static int bad(struct error *err, const char *s, const char *why)
{
    char quoted[160];
    return error_set(err, ERROR_INVALID, "\"%s\" is not a usable URL: %s", str_quote(quoted, sizeof quoted, s), why);
}

/* The host and, where there is one, the port text. False: malformed. */
static bool split_authority(const char *from, size_t length, struct url *u, char port[static 8])
{
    const char *end = from + length, *host = from, *host_end, *rest;
    if (length && *from == '[') {
        host = from + 1;
        host_end = memchr(host, ']', (size_t)(end - host));
        if (!host_end)
            return false;
        rest = host_end + 1;
    } else {
        host_end = memchr(from, ':', length);
        if (!host_end)
            host_end = end;
        rest = host_end;
    }
    size_t host_length = (size_t)(host_end - host);
    if (!host_length || host_length >= sizeof u->host)
        return false;
    memcpy(u->host, host, host_length);
    u->host[host_length] = '\0';
    port[0] = '\0';
    if (rest == end)
        return true;
    size_t port_length = (size_t)(end - rest) - 1;
    if (*rest != ':' || !port_length || port_length > 5)
        return false;
    memcpy(port, rest + 1, port_length);
    port[port_length] = '\0';
    return true;
}

int url_parse(const char *s, struct url *ret_url, struct error *err)
{
    struct url u = {0};
    const char *from;
    if (str_starts(s, "https://")) {
        u.https = true;
        from = s + strlen("https://");
    } else if (str_starts(s, "http://")) {
        from = s + strlen("http://");
    } else {
        return bad(err, s, "it must begin with http:// or https://");
    }
    for (const unsigned char *p = (const unsigned char *)s; *p; p++)
        if (*p <= ' ' || *p == 0x7f)
            return bad(err, s, "it has a blank or a control character in it");
    size_t length = strcspn(from, "/?#");
    if (memchr(from, '@', length))
        return bad(err, "…", "user and password do not belong into it");
    char port[8];
    if (!split_authority(from, length, &u, port))
        return bad(err, s, "it has no proper host, or a port that is none");
    int64_t number = u.https ? 443 : 80;
    if (*port && !str_to_i64(port, 1, 65535, &number))
        return bad(err, s, "its port is not in 1–65535");
    u.port = (int)number;
    u.rest = from + length;
    if (*u.rest == '#')
        u.rest = "";
    *ret_url = u;
    return 0;
}

const char *url_authority(const struct url *u, char *dest, size_t size)
{
    bool six = strchr(u->host, ':') != NULL;
    if (u->port == (u->https ? 443 : 80))
        str_format(dest, size, six ? "[%s]" : "%s", u->host);
    else
        str_format(dest, size, six ? "[%s]:%d" : "%s:%d", u->host, u->port);
    return dest;
}

static bool unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
           c == '~';
}

bool url_encode_bytes(struct buf *b, const void *bytes, size_t n)
{
    static const char hex[] = "0123456789ABCDEF";
    const unsigned char *p = bytes;
    for (size_t i = 0; i < n; i++) {
        if (unreserved(p[i])) {
            buf_append_char(b, (char)p[i]);
        } else {
            char code[3] = {'%', hex[p[i] >> 4], hex[p[i] & 15]};
            buf_append(b, code, sizeof code);
        }
    }
    return !b->overflowed;
}

bool url_encode(struct buf *b, const char *s)
{
    return url_encode_bytes(b, s, strlen(s));
}

bool url_add_segment(struct buf *b, const char *segment)
{
    buf_append_char(b, '/');
    return url_encode(b, segment);
}

bool url_add_query(struct buf *b, const char *name, const char *value)
{
    if (!value)
        return !b->overflowed;
    buf_append_char(b, strchr(buf_str(b), '?') ? '&' : '?');
    url_encode(b, name);
    buf_append_char(b, '=');
    return url_encode(b, value);
}
