#include "net/http_call.h"

#include "base/str.h"
#include "net/url.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#define TIMEOUT_DEFAULT         (30 * USEC_SEC)
#define CONNECT_TIMEOUT_DEFAULT (10 * USEC_SEC)
#define URL_MAX                 ((size_t)64 << 10)
#define UNACKNOWLEDGED_MS       30000u
#define KEEPALIVE_IDLE_S        30L
#define KEEPALIVE_EVERY_S       10L

/* ── what libcurl tells ── */

static size_t on_header(char *bytes, size_t one, size_t n, void *userdata)
{
    (void)one;
    struct http_call *c = userdata;
    c->last_byte = time_monotonic();
    if (n >= 5 && memcmp(bytes, "HTTP/", 5) == 0)
        buf_reset(&c->head); /* what came before was a 1xx */
    if (!buf_append(&c->head, bytes, n)) {
        c->stop = HTTP_STOP_HEAD;
        return 0;
    }
    if (n == 2 && memcmp(bytes, "\r\n", 2) == 0 && !c->status) {
        long status = 0;
        curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
        if (status >= 200) {
            c->status = (int)status;
            c->open_due = http_call_streams(c);
            http_call_ready(c);
        }
    }
    return n;
}

static size_t on_body(char *bytes, size_t one, size_t n, void *userdata)
{
    (void)one;
    struct http_call *c = userdata;
    c->last_byte = time_monotonic();
    size_t room = c->body.max - c->body.len;
    if (n <= room) {
        buf_append(&c->body, bytes, n);
        if (http_call_streams(c))
            http_call_ready(c);
        return n;
    }
    if (c->cut_body)
        buf_append(&c->body, bytes, room);
    c->stop = c->cut_body ? HTTP_STOP_CUT : HTTP_STOP_BODY;
    return 0;
}

/* libcurl sends any request again, a POST too, when a kept connection was closed before a byte of answer (lib/transfer.c,
 * Curl_retry_request): the server may have carried it out all the same. */
static bool unsafe_resend(struct http_call *c)
{
    long sent = 0;
    curl_easy_getinfo(c->easy, CURLINFO_REQUEST_SIZE, &sent);
    if (c->safe || !c->attempts || sent <= 0)
        return false;
    c->stop = HTTP_STOP_RESEND;
    return true;
}

/* Called before each sending. */
static int on_sending(void *userdata, char *remote, char *local, int remote_port, int local_port)
{
    (void)remote;
    (void)local;
    (void)remote_port;
    (void)local_port;
    struct http_call *c = userdata;
    if (unsafe_resend(c))
        return CURL_PREREQFUNC_ABORT;
    c->attempts++;
    return CURL_PREREQFUNC_OK;
}

static int on_new_socket(void *userdata, curl_socket_t fd, curlsocktype purpose)
{
    if (unsafe_resend(userdata))
        return CURL_SOCKOPT_ERROR;
    unsigned ms = UNACKNOWLEDGED_MS;
    if (purpose == CURLSOCKTYPE_IPCXN)
        setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms); /* best effort: the deadlines hold without it */
    return CURL_SOCKOPT_OK;
}

/* ── its options ── */

static bool header_is_clean(const char *line)
{
    for (const unsigned char *p = (const unsigned char *)line; *p; p++)
        if ((*p < ' ' && *p != '\t') || *p == 0x7f)
            return false;
    return strchr(line, ':') != NULL;
}

static void add_header(struct http_call *c, const char *line)
{
    struct curl_slist *longer = curl_slist_append(c->headers, line);
    if (!longer)
        abort();
    c->headers = longer;
}

static bool carries_body(const struct http_request *r)
{
    return r->body || str_equal(r->method, "POST") || str_equal(r->method, "PUT") || str_equal(r->method, "PATCH");
}

static bool has_header(const struct strlist *headers, const char *prefix)
{
    for (size_t i = 0; headers && i < headers->count; i++)
        if (strncasecmp(headers->items[i], prefix, strlen(prefix)) == 0)
            return true;
    return false;
}

static int set_headers(struct http_call *c, const struct http_request *r, struct error *err)
{
    for (size_t i = 0; r->headers && i < r->headers->count; i++) {
        const char *line = r->headers->items[i];
        if (!header_is_clean(line)) /* its value may be a secret: name no more than its place */
            return error_set(err, ERROR_INVALID, "header %zu of the request has a control character or no colon", i + 1);
        add_header(c, line);
    }
    add_header(c, "Expect:"); /* libcurl adds it to large bodies and then waits a second for servers that ignore it */
    if (carries_body(r) && !has_header(r->headers, "Content-Type:"))
        add_header(c, "Content-Type:"); /* not libcurl's form type */
    curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->headers);
    return 0;
}

static int set_blob(CURL *easy, CURLoption option, const char *pem, struct error *err)
{
    if (!pem)
        return 0;
    struct curl_blob blob = {.data = (void *)pem, .len = strlen(pem), .flags = CURL_BLOB_COPY};
    CURLcode code = curl_easy_setopt(easy, option, &blob);
    if (code != CURLE_OK)
        return error_set(err, ERROR_INTERNAL, "this libcurl takes no certificates in memory: %s", curl_easy_strerror(code));
    return 0;
}

static int set_tls(CURL *easy, const struct tls *tls, struct error *err)
{
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (!tls)
        return 0;
    if (tls->insecure) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (tls->ca_pem) { /* that CA, and not the system's beside it */
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
        curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    }
    if (set_blob(easy, CURLOPT_CAINFO_BLOB, tls->ca_pem, err) < 0 || set_blob(easy, CURLOPT_SSLCERT_BLOB, tls->cert_pem, err) < 0)
        return -1;
    return set_blob(easy, CURLOPT_SSLKEY_BLOB, tls->key_pem, err);
}

/* A certificate's name that is not the URL's host: libcurl is given a URL with that name and told to connect elsewhere
 * (CURLOPT_CONNECT_TO); the Host header stays the server's. */
static void set_other_name(struct http_call *c, const struct url *u, const char *name)
{
    auto_free char *url = mem_printf(strchr(name, ':') ? "https://[%s]:%d%s" : "https://%s:%d%s", name, u->port, u->rest);
    auto_free char *to = mem_printf(strchr(u->host, ':') ? "::[%s]:%d" : "::%s:%d", u->host, u->port);
    char authority[270];
    auto_free char *host = mem_printf("Host: %s", url_authority(u, authority, sizeof authority));
    curl_easy_setopt(c->easy, CURLOPT_URL, url);
    c->connect_to = curl_slist_append(NULL, to);
    if (!c->connect_to)
        abort();
    curl_easy_setopt(c->easy, CURLOPT_CONNECT_TO, c->connect_to);
    add_header(c, host);
}

static int set_target(struct http_call *c, const struct http_request *r, struct error *err)
{
    if (strlen(r->url) > URL_MAX)
        return error_set(err, ERROR_INVALID, "a URL of more than %zu bytes", URL_MAX);
    struct url u;
    if (url_parse(r->url, &u, err) < 0)
        return -1;
    curl_easy_setopt(c->easy, CURLOPT_URL, r->url);
    curl_easy_setopt(c->easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(c->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c->easy, CURLOPT_PROXY, r->proxy); /* NULL: libcurl looks at the environment */
    if (u.https && set_tls(c->easy, r->tls, err) < 0)
        return -1;
    if (u.https && r->tls && r->tls->server_name)
        set_other_name(c, &u, r->tls->server_name);
    return 0;
}

static void set_method(struct http_call *c, const struct http_request *r)
{
    const char *method = r->method ? r->method : "GET";
    c->safe = str_equal(method, "GET") || str_equal(method, "HEAD");
    if (carries_body(r)) {
        curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(r->body ? r->body_length : 0));
        curl_easy_setopt(c->easy, CURLOPT_COPYPOSTFIELDS, r->body ? r->body : "");
    } else if (str_equal(method, "HEAD")) {
        curl_easy_setopt(c->easy, CURLOPT_NOBODY, 1L);
    }
    curl_easy_setopt(c->easy, CURLOPT_CUSTOMREQUEST, method);
}

static void set_times(struct http_call *c, const struct http_request *r)
{
    usec_t timeout = r->timeout || http_call_streams(c) ? r->timeout : TIMEOUT_DEFAULT;
    usec_t connect = r->connect_timeout ? r->connect_timeout : CONNECT_TIMEOUT_DEFAULT;
    curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, (long)((timeout + USEC_MSEC - 1) / USEC_MSEC));
    curl_easy_setopt(c->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)((connect + USEC_MSEC - 1) / USEC_MSEC));
    curl_easy_setopt(c->easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(c->easy, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
    curl_easy_setopt(c->easy, CURLOPT_TCP_KEEPINTVL, KEEPALIVE_EVERY_S);
    curl_easy_setopt(c->easy, CURLOPT_SOCKOPTFUNCTION, on_new_socket);
    curl_easy_setopt(c->easy, CURLOPT_SOCKOPTDATA, c);
}

int http_call_prepare(struct http_call *c, const struct http_request *r, struct error *err)
{
    c->easy = curl_easy_init();
    if (!c->easy)
        abort();
    curl_easy_setopt(c->easy, CURLOPT_PRIVATE, c);
    curl_easy_setopt(c->easy, CURLOPT_ERRORBUFFER, c->curl_text);
    curl_easy_setopt(c->easy, CURLOPT_NOSIGNAL, 1L);
    /* Without it a removed handle waits for its resolver thread (lib/asyn-thread.c, Curl_resolver_kill), and the loop with it. */
    curl_easy_setopt(c->easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(c->easy, CURLOPT_HTTP_VERSION, c->shared ? (long)CURL_HTTP_VERSION_2TLS : (long)CURL_HTTP_VERSION_1_1);
    /* For the connection that is being made, not for one of its own; without TLS none is ever shared, and each would wait for all before it. */
    curl_easy_setopt(c->easy, CURLOPT_PIPEWAIT, c->shared && strncasecmp(r->url, "https:", 6) == 0 ? 1L : 0L);
    curl_easy_setopt(c->easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c->easy, CURLOPT_HEADERDATA, c);
    curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, c);
    curl_easy_setopt(c->easy, CURLOPT_PREREQFUNCTION, on_sending);
    curl_easy_setopt(c->easy, CURLOPT_PREREQDATA, c);
    curl_easy_setopt(c->easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    if (set_target(c, r, err) < 0)
        return -1;
    set_method(c, r);
    set_times(c, r);
    if (r->compressed && !http_call_streams(c))
        curl_easy_setopt(c->easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    if (r->own_connection) {
        curl_easy_setopt(c->easy, CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(c->easy, CURLOPT_FORBID_REUSE, 1L);
    }
    return set_headers(c, r, err);
}

/* ── the verdict ── */

static void judge_stop(struct http_call *c)
{
    switch (c->stop) {
    case HTTP_STOP_NONE:
    case HTTP_STOP_CUT:
        return;
    case HTTP_STOP_BODY:
        error_set(&c->err, ERROR_INVALID, "the answer is longer than %zu bytes", c->body.max);
        return;
    case HTTP_STOP_HEAD:
        error_set(&c->err, ERROR_INVALID, "the head of the answer is longer than %zu bytes", HTTP_HEADERS_MAX);
        return;
    case HTTP_STOP_RESEND:
        error_set(&c->err, ERROR_UNAVAILABLE, "the connection was closed after the request had been sent and before any answer");
        return;
    }
}

void http_call_judge(struct http_call *c, CURLcode code)
{
    curl_off_t total = 0;
    curl_easy_getinfo(c->easy, CURLINFO_TOTAL_TIME_T, &total);
    c->latency = total;
    if (code == CURLE_OK && !c->status) /* libcurl is content with a head that just ends */
        error_set(&c->err, ERROR_UNAVAILABLE, "the connection was closed in the head of the answer");
    if (code == CURLE_OK)
        return;
    if (c->stop != HTTP_STOP_NONE) {
        judge_stop(c);
        c->err.http_status = c->status;
        return;
    }
    const char *text = *c->curl_text ? c->curl_text : curl_easy_strerror(code);
    if (code == CURLE_OPERATION_TIMEDOUT)
        error_set(&c->err, ERROR_TIMEOUT, "%s", text);
    else if (code == CURLE_URL_MALFORMAT)
        error_set(&c->err, ERROR_INVALID, "%s", text);
    else if (code == CURLE_OUT_OF_MEMORY || code == CURLE_BAD_FUNCTION_ARGUMENT)
        error_set(&c->err, ERROR_INTERNAL, "%s", text);
    else
        error_set(&c->err, ERROR_UNAVAILABLE, "%s", text);
    c->err.http_status = c->status;
}
