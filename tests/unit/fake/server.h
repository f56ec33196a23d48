/* tests/unit/fake/server.h — a scripted HTTP(S) server on 127.0.0.1, in threads of its own: real sockets, chosen misfortune.
 *
 *   static const struct fake_step list[] = {FAKE_EXPECT("GET /api/v1/pods"), FAKE_ANSWER("200 OK", "", "{}"), FAKE_END};
 *   struct fake_server *s = fake_server_start(&(struct fake_options){.scripts = {list}});
 *   … drive the client against fake_server_url(s) …
 *   CHECK_STR(fake_server_complaint(s), NULL);
 *   fake_server_stop(s);
 *
 * Each accepted connection takes the next script and runs it in its own thread; a connection without one is closed at once and
 * complained of. The texts of the steps must live until fake_server_stop(). */
#pragma once

#include "fake/pki.h"

#include <stdbool.h>
#include <stddef.h>

struct fake_server;
struct fake_conn;

enum fake_verb {
    FAKE_VERB_END = 0, /* close in the ordinary way (TLS: close_notify first) */
    FAKE_VERB_EXPECT,  /* read one whole request (head, and body by Content-Length), keep it; it must begin with `text` */
    FAKE_VERB_READ,    /* read exactly `length` raw bytes and keep them as a request */
    FAKE_VERB_SEND,    /* send `length` bytes of `text`; with `cut`: in pieces of so many bytes, `ms` apart */
    FAKE_VERB_ANSWER,  /* an HTTP answer: status line `text`, header lines `more`, body `body`, Content-Length counted */
    FAKE_VERB_CHUNK,   /* one HTTP chunk of `text`; with `cut`: sent in pieces of so many bytes, `ms` apart */
    FAKE_VERB_SLEEP,   /* `ms` */
    FAKE_VERB_RESET,   /* TCP RST, nothing else */
    FAKE_VERB_HANG,    /* neither read nor write nor close until the server is stopped */
    FAKE_VERB_DRAIN,   /* read and forget until the peer closes */
    FAKE_VERB_CALL,    /* call(conn, userdata of the server); false ends the connection */
    FAKE_VERB_REPEAT,  /* back to the first step (a keep-alive server); ends quietly when the peer has closed */
};

struct fake_step {
    enum fake_verb verb;
    const char *text, *more, *body;
    size_t length; /* SEND: 0 means strlen(text) */
    size_t cut;
    int ms;
    bool (*call)(struct fake_conn *conn, void *userdata);
};

/* One step a line. */
/* clang-format off */
#define FAKE_END {.verb = FAKE_VERB_END}
#define FAKE_EXPECT(begin) {.verb = FAKE_VERB_EXPECT, .text = (begin)}
#define FAKE_READ(n) {.verb = FAKE_VERB_READ, .length = (n)}
#define FAKE_SEND(s) {.verb = FAKE_VERB_SEND, .text = (s)}
#define FAKE_BYTES(p, n) {.verb = FAKE_VERB_SEND, .text = (p), .length = (n)}
#define FAKE_TRICKLE(s, piece, pause_ms) {.verb = FAKE_VERB_SEND, .text = (s), .cut = (piece), .ms = (pause_ms)}
#define FAKE_ANSWER(status, headers, content) {.verb = FAKE_VERB_ANSWER, .text = (status), .more = (headers), .body = (content)}
#define FAKE_CHUNK(s) {.verb = FAKE_VERB_CHUNK, .text = (s)}
#define FAKE_CHUNK_CUT(s, piece, pause_ms) {.verb = FAKE_VERB_CHUNK, .text = (s), .cut = (piece), .ms = (pause_ms)}
#define FAKE_SLEEP(n) {.verb = FAKE_VERB_SLEEP, .ms = (n)}
#define FAKE_RESET {.verb = FAKE_VERB_RESET}
#define FAKE_HANG {.verb = FAKE_VERB_HANG}
#define FAKE_DRAIN {.verb = FAKE_VERB_DRAIN}
#define FAKE_CALL(function) {.verb = FAKE_VERB_CALL, .call = (function)}
#define FAKE_REPEAT {.verb = FAKE_VERB_REPEAT}
/* clang-format on */

/* The head of a stream: chunks follow. */
#define FAKE_STREAM_HEAD FAKE_SEND("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
#define FAKE_STREAM_END  FAKE_SEND("0\r\n\r\n")

#define FAKE_SCRIPTS_MAX 16
struct fake_options {
    const struct fake_step *scripts[FAKE_SCRIPTS_MAX]; /* the first NULL ends the list */
    bool repeat_last;                                  /* further connections take the last script again */
    const struct fake_identity *tls;                   /* NULL: plain HTTP; else the server's certificate; borrowed */
    const char *client_ca_pem;                         /* not NULL: a client certificate of this CA is required */
    bool ipv6;                                         /* listen on ::1 instead */
    void *userdata;                                    /* for FAKE_CALL */
};

struct fake_server *fake_server_start(const struct fake_options *options); /* aborts when it cannot */
void fake_server_stop(struct fake_server *s);                              /* ends and joins every thread; NULL is fine */

int fake_server_port(const struct fake_server *s);
const char *fake_server_url(const struct fake_server *s); /* "http://127.0.0.1:40123", "https://[::1]:40123" */

/* What happened so far. Requests are numbered over all connections in the order in which they had come in whole. */
int fake_server_connections(struct fake_server *s);
int fake_server_requests(struct fake_server *s);
char *fake_server_request(struct fake_server *s, int index);          /* head and body; the caller frees; NULL: there is none */
int fake_server_request_connection(struct fake_server *s, int index); /* on which connection (0 the first); -1: none */
char *fake_server_sni(struct fake_server *s);             /* the name the last TLS client asked for; the caller frees; or NULL */
const char *fake_server_complaint(struct fake_server *s); /* the first thing that was not as scripted; NULL: all well */

/* For FAKE_CALL: raw bytes, through TLS where there is TLS. False: the peer closed or the server is being stopped. */
bool fake_conn_read(struct fake_conn *c, void *bytes, size_t n);
bool fake_conn_write(struct fake_conn *c, const void *bytes, size_t n);
const char *fake_conn_request(const struct fake_conn *c); /* the last request that EXPECT read on this connection; or NULL */
bool fake_conn_sleep(struct fake_conn *c, int ms);        /* false: being stopped */
void fake_conn_complain(struct fake_conn *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
