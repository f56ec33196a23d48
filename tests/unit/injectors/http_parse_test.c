#include "http_parse.h"

#include "base/str.h"
#include "check.h"

static const struct row {
    const char *sentence, *bytes;
    int status; /* 0: no HTTP */
    const char *body;
    bool ended; /* whole before the connection ends */
    bool no_body;
} rows[] = {
    {"a body of a given length", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef", 200, "abc", true, false},
    {"a body in chunks",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: 1\r\n\r\n", 200,
     "abc0123456789", true, false},
    {"a body up to the end", "HTTP/1.0 404 Not Found\nServer: x\n\nabc", 404, "abc", false, false},
    {"no body at all", "HTTP/1.1 204 No Content\r\n\r\n", 204, "", true, false},
    {"the answer to a HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", 200, "", true, true},
    {"an answer before the answer", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", 201, "", true,
     false},
    {"no status line", "hello\r\n\r\n", 0, NULL, false, false},
    {"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", 0, NULL, false, false},
    {"a length that is no number", "HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\n", 0, NULL, false, false},
    {"a chunk that is longer than it says", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n", 0, NULL,
     false, false},
    {"a chunk without a size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 0, NULL, false, false},
    {"a header without a colon", "HTTP/1.1 200 OK\r\nnothing\r\n\r\n", 0, NULL, false, false},
};

static int feed(struct http_response *p, const char *bytes, size_t piece, struct error *err)
{
    size_t n = strlen(bytes);
    for (size_t at = 0; at < n; at += piece)
        if (http_response_feed(p, bytes + at, n - at < piece ? n - at : piece, err) < 0)
            return -1;
    return 0;
}

TEST(responses_are_read_whole_or_byte_by_byte)
{
    for (size_t i = 0; i < array_len(rows); i++)
        for (size_t piece = 1; piece <= 4096; piece *= 64) {
            struct http_response p;
            struct error err = {0};
            CHECK_ROW(rows[i].sentence);
            http_response_init(&p, rows[i].no_body);
            int rc = feed(&p, rows[i].bytes, piece, &err);
            CHECK_INT(rc, rows[i].status ? 0 : -1);
            if (rc == 0) {
                CHECK_INT(p.step == HTTP_DONE, rows[i].ended);
                CHECK_INT(http_response_end(&p, &err), 0);
                CHECK_INT(p.status, rows[i].status);
                CHECK_STR(buf_str(&p.body), rows[i].body);
            }
            http_response_done(&p);
        }
}

TEST(an_endless_head_is_refused)
{
    struct http_response p;
    struct error err = {0};
    http_response_init(&p, false);
    CHECK_INT(feed(&p, "HTTP/1.1 200 OK\r\n", 64, &err), 0);
    int rc = 0;
    for (int i = 0; i < 10000 && rc == 0; i++)
        rc = feed(&p, "Name: value value value\r\n", 64, &err);
    CHECK_INT(rc, -1);
    http_response_done(&p);
}

TEST(a_connection_that_ends_in_the_middle)
{
    struct http_response p;
    struct error err = {0};
    http_response_init(&p, false);
    CHECK_INT(feed(&p, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", 64, &err), 0);
    CHECK_INT(http_response_end(&p, &err), -1);
    CHECK_INT(err.class, ERROR_UNAVAILABLE);
    http_response_done(&p);
}

int main(void)
{
    return check_run();
}
