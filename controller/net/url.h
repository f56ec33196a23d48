/* net/url.h — taking URLs apart and putting them together (RFC 3986, the http and https schemes only). */
#pragma once

#include "base/buf.h"
#include "base/error.h"

struct url {
    bool https;
    char host[256];   /* without brackets: "10.0.0.1", "::1", "api.example" */
    int port;         /* 1–65535; the scheme's own where the URL has none */
    const char *rest; /* path and query: points into the string parsed; "" or begins with "/" or "?" */
};

/* Errors (INVALID) quote the URL and say what is wrong. User information ("user@") is refused: a secret in a URL ends up in logs. */
int url_parse(const char *s, struct url *ret_url, struct error *err);

/* "host:port", IPv6 in brackets, the scheme's own port left out. dest of 270 is always enough. Returns dest. */
const char *url_authority(const struct url *u, char *dest, size_t size);

/* Percent-encodes every byte that is not unreserved (A–Z a–z 0–9 - . _ ~). */
bool url_encode(struct buf *b, const char *s);
bool url_encode_bytes(struct buf *b, const void *bytes, size_t n);
/* Appends "/segment", encoded. */
bool url_add_segment(struct buf *b, const char *segment);
/* Appends "?name=value" or "&name=value", whichever is due by what is in b; value NULL: nothing is appended. */
bool url_add_query(struct buf *b, const char *name, const char *value);
