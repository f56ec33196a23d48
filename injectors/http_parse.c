#include "http_parse.h"

#include "base/str.h"

#include <strings.h>

void http_response_init(struct http_response *p, bool no_body)
{
    *p = (struct http_response){.no_body = no_body};
    buf_init(&p->line, HTTP_LINE_MAX);
    buf_init(&p->body, HTTP_BODY_MAX);
}

void http_response_done(struct http_response *p)
{
    buf_done(&p->line);
    buf_done(&p->body);
}

static int bad(struct error *err, const char *what)
{
    return error_set(err, ERROR_INVALID, "the answer is no HTTP/1.1: %s", what);
}

static int status_line(struct http_response *p, const char *line, struct error *err)
{
    int64_t status;
    auto_free char *digits = strlen(line) >= 12 ? mem_strndup(line + 9, 3) : NULL;
    if (!str_starts(line, "HTTP/1.") || !digits || line[8] != ' ' || !str_to_i64(digits, 100, 599, &status))
        return bad(err, "its status line");
    p->status = (int)status;
    p->step = HTTP_HEADERS;
    return 0;
}

/* RFC 9112 section 6.3: which of the ways the body ends. */
static void headers_over(struct http_response *p)
{
    if (p->status < 200) { /* 100 Continue and the like: another head follows */
        p->step = HTTP_STATUS;
        p->chunked = p->has_length = false;
    } else if (p->no_body || p->status == 204 || p->status == 304 || (p->has_length && !p->chunked && p->left == 0))
        p->step = HTTP_DONE;
    else
        p->step = p->chunked ? HTTP_CHUNK_SIZE : HTTP_BODY;
}

static int header_line(struct http_response *p, const char *line, struct error *err)
{
    if (!line[0]) {
        headers_over(p);
        return 0;
    }
    const char *colon = strchr(line, ':');
    if (!colon)
        return bad(err, "a header without a colon");
    const char *value = colon + 1 + strspn(colon + 1, " \t");
    if (strncasecmp(line, "content-length:", 15) == 0) {
        int64_t length;
        if (!str_to_i64(value, 0, INT64_MAX, &length) || (p->has_length && p->left != (uint64_t)length))
            return bad(err, "its Content-Length");
        p->has_length = true;
        p->left = (uint64_t)length;
    } else if (strncasecmp(line, "transfer-encoding:", 18) == 0) {
        if (strcasecmp(value, "chunked") != 0)
            return bad(err, "a Transfer-Encoding that is not chunked");
        p->chunked = true;
    }
    return 0;
}

static int chunk_size_line(struct http_response *p, const char *line, struct error *err)
{
    size_t digits = strspn(line, "0123456789abcdefABCDEF");
    if (digits == 0 || digits > 15 || (line[digits] && line[digits] != ';' && line[digits] != ' '))
        return bad(err, "the size of a chunk");
    p->left = strtoull(line, NULL, 16);
    p->step = p->left ? HTTP_CHUNK : HTTP_TRAILER;
    return 0;
}

static int take_line(struct http_response *p, struct error *err)
{
    if (p->line.len && p->line.data[p->line.len - 1] == '\r')
        p->line.data[--p->line.len] = '\0';
    const char *line = buf_str(&p->line);
    int rc = 0;
    switch (p->step) {
    case HTTP_STATUS:
        rc = status_line(p, line, err);
        break;
    case HTTP_HEADERS:
        rc = header_line(p, line, err);
        break;
    case HTTP_CHUNK_SIZE:
        rc = chunk_size_line(p, line, err);
        break;
    case HTTP_CHUNK_END:
        rc = line[0] ? bad(err, "a chunk is longer than it says") : 0;
        p->step = HTTP_CHUNK_SIZE;
        break;
    case HTTP_TRAILER:
        if (!line[0])
            p->step = HTTP_DONE;
        break;
    case HTTP_BODY:
    case HTTP_CHUNK:
    case HTTP_DONE:
        break;
    }
    buf_reset(&p->line);
    return rc;
}

static size_t take_body(struct http_response *p, const char *bytes, size_t n)
{
    bool counted = p->step == HTTP_CHUNK || p->has_length;
    size_t part = counted && p->left < n ? (size_t)p->left : n;
    size_t room = p->body.max - p->body.len;
    buf_append(&p->body, bytes, part < room ? part : room);
    if (counted && (p->left -= part) == 0)
        p->step = p->step == HTTP_CHUNK ? HTTP_CHUNK_END : HTTP_DONE;
    return part;
}

int http_response_feed(struct http_response *p, const char *bytes, size_t n, struct error *err)
{
    for (size_t at = 0; at < n && p->step != HTTP_DONE;) {
        if (p->step == HTTP_BODY || p->step == HTTP_CHUNK) {
            at += take_body(p, bytes + at, n - at);
            continue;
        }
        const char *newline = memchr(bytes + at, '\n', n - at);
        size_t part = newline ? (size_t)(newline - bytes) - at : n - at;
        p->header_bytes += part + 1;
        if (!buf_append(&p->line, bytes + at, part) ||
            (p->header_bytes > HTTP_HEADERS_MAX && p->step != HTTP_CHUNK_SIZE && p->step != HTTP_CHUNK_END))
            return bad(err, "its head is too long");
        at += part + (newline != NULL);
        if (newline && take_line(p, err) < 0)
            return -1;
    }
    return 0;
}

int http_response_end(struct http_response *p, struct error *err)
{
    if (p->step == HTTP_BODY && !p->has_length)
        p->step = HTTP_DONE;
    return p->step == HTTP_DONE ? 0 : error_set(err, ERROR_UNAVAILABLE, "the connection was closed in the middle of the answer");
}
