#include "net/proxy.h"

#include "base/str.h"

#include <arpa/inet.h>
#include <strings.h>

#define PROXY_DEFAULT_PORT 1080 /* libcurl's, so that both halves of the program go the same way */

static bool address_parse(const char *s, unsigned char ret[16], size_t *ret_size)
{
    *ret_size = 4;
    if (inet_pton(AF_INET, s, ret) == 1)
        return true;
    *ret_size = 16;
    return inet_pton(AF_INET6, s, ret) == 1;
}

static bool same_bits(const unsigned char *a, const unsigned char *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(a, b, whole) != 0)
        return false;
    return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

static bool entry_covers(const char *entry, const char *host)
{
    if (str_equal(entry, "*"))
        return true;
    unsigned char ours[16], theirs[16];
    size_t our_size, their_size;
    if (address_parse(host, ours, &our_size)) {
        char base[128];
        if (!str_copy(base, sizeof(base), entry))
            return false;
        char *slash = strchr(base, '/');
        if (slash)
            *slash = '\0';
        if (!address_parse(base, theirs, &their_size) || their_size != our_size)
            return false;
        int64_t bits = (int64_t)our_size * 8;
        if (slash && !str_to_i64(slash + 1, 0, bits, &bits))
            return false;
        return same_bits(ours, theirs, (unsigned)bits);
    }
    if (entry[0] == '.')
        entry++;
    size_t host_length = strlen(host), length = strlen(entry);
    if (length == 0 || length > host_length || strcasecmp(host + host_length - length, entry) != 0)
        return false;
    return length == host_length || host[host_length - length - 1] == '.';
}

bool proxy_excepts(const char *no_proxy, const char *host)
{
    while (no_proxy && *no_proxy) {
        no_proxy += strspn(no_proxy, ", \t");
        size_t n = strcspn(no_proxy, ", \t");
        char entry[300];
        if (n > 0 && n < sizeof(entry)) {
            memcpy(entry, no_proxy, n);
            entry[n] = '\0';
            if (entry_covers(entry, host))
                return true;
        }
        no_proxy += n;
    }
    return false;
}

static bool is_loopback(const char *host)
{
    return strcasecmp(host, "localhost") == 0 || proxy_excepts("127.0.0.0/8,::1", host);
}

static const char *first_set(const char *a, const char *b)
{
    const char *value = getenv(a);
    return str_empty(value) ? getenv(b) : value;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool percent_decode(char *dest, size_t size, const char *from, size_t n)
{
    size_t out = 0;
    for (size_t i = 0; i < n; i++) {
        char c = from[i];
        if (c == '%' && i + 2 < n && hex_digit(from[i + 1]) >= 0 && hex_digit(from[i + 2]) >= 0) {
            c = (char)(hex_digit(from[i + 1]) << 4 | hex_digit(from[i + 2]));
            i += 2;
        }
        if (c == '\0' || out + 1 >= size)
            return false;
        dest[out++] = c;
    }
    dest[out] = '\0';
    return true;
}

static int proxy_parse(const char *url, struct proxy *p, struct error *err)
{
    const char *rest = url, *scheme_end = strstr(url, "://");
    if (scheme_end) {
        char scheme[16];
        size_t n = (size_t)(scheme_end - url);
        if (n >= sizeof(scheme))
            return error_set(err, ERROR_INVALID, "the proxy's URL has an unknown scheme; exec sessions can use http:// proxies");
        memcpy(scheme, url, n);
        scheme[n] = '\0';
        if (strcasecmp(scheme, "http") != 0)
            return error_set(err, ERROR_INVALID, "a proxy of the kind \"%s\" cannot carry exec sessions; use an http:// proxy",
                             scheme);
        rest = scheme_end + 3;
    }
    size_t length = strcspn(rest, "/?#");
    const char *at = memrchr(rest, '@', length);
    if (at) {
        if (!percent_decode(p->userinfo, sizeof(p->userinfo), rest, (size_t)(at - rest)))
            return error_set(err, ERROR_INVALID, "the proxy's user information is too long or has a NUL in it");
        length -= (size_t)(at + 1 - rest);
        rest = at + 1;
    }
    char authority[300];
    if (length == 0 || length >= sizeof(authority))
        return error_set(err, ERROR_INVALID, "the proxy's URL has no usable host; write http://host:port");
    memcpy(authority, rest, length);
    authority[length] = '\0';
    char *host = authority, *port = NULL;
    if (authority[0] == '[') {
        char *end = strchr(authority, ']');
        if (!end || (end[1] != '\0' && end[1] != ':'))
            return error_set(err, ERROR_INVALID, "the proxy's URL has a malformed address; write http://[::1]:port");
        port = end[1] == ':' ? end + 2 : NULL;
        *end = '\0';
        host = authority + 1;
    } else {
        char *colon = strchr(authority, ':');
        if (colon) {
            *colon = '\0';
            port = colon + 1;
        }
    }
    int64_t number = PROXY_DEFAULT_PORT;
    if (port && !str_to_i64(port, 1, 65535, &number))
        return error_set(err, ERROR_INVALID, "the proxy's port is not a number from 1 to 65535");
    p->port = (int)number;
    if (str_empty(host) || !str_copy(p->host, sizeof(p->host), host))
        return error_set(err, ERROR_INVALID, "the proxy's URL has no usable host; write http://host:port");
    return 0;
}

int proxy_decide(const char *configured, bool https, const char *host, struct proxy *ret_proxy, struct error *err)
{
    *ret_proxy = (struct proxy){0};
    const char *url = configured;
    if (!url) {
        if (is_loopback(host) || proxy_excepts(first_set("no_proxy", "NO_PROXY"), host))
            return 0;
        url = https ? first_set("https_proxy", "HTTPS_PROXY") : getenv("http_proxy");
        if (str_empty(url))
            url = first_set("all_proxy", "ALL_PROXY");
    }
    if (str_empty(url))
        return 0;
    struct proxy p = {0};
    if (proxy_parse(url, &p, err) < 0)
        return -1;
    *ret_proxy = p;
    return 0;
}
