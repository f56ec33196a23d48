#include "check.h"
#include "net/ask.h"

static const struct fake_step answers[] = {FAKE_EXPECT("GET /x HTTP/1.1"), FAKE_ANSWER("200 OK", "", "ok"), FAKE_REPEAT};

/* Certificates for all tests here. */
static struct fake_ca *ca, *other_ca;
static struct fake_identity *by_address, *by_name, *of_other, *client;

static void make_certificates(void)
{
    ca = fake_ca_new("test CA");
    other_ca = fake_ca_new("test CA"); /* the same name, another key */
    by_address = fake_identity_new(ca, "server", "IP:127.0.0.1");
    by_name = fake_identity_new(ca, "server", "DNS:kubernetes.default.svc");
    of_other = fake_identity_new(other_ca, "server", "IP:127.0.0.1");
    client = fake_identity_new(ca, "client", NULL);
}

static void free_certificates(void)
{
    fake_identity_free(by_address);
    fake_identity_free(by_name);
    fake_identity_free(of_other);
    fake_identity_free(client);
    fake_ca_free(ca);
    fake_ca_free(other_ca);
}

TEST(whom_we_trust)
{
    char *trusted = (char *)fake_ca_pem(ca);
    const struct {
        const char *sentence;
        const struct fake_identity *server;
        struct tls tls;
        bool accepted;
        const char *sni;
    } rows[] = {
        {"an address in the certificate", by_address, {.ca_pem = trusted}, true, NULL},
        {"a certificate for a name only, reached by address", by_name, {.ca_pem = trusted}, false, NULL},
        {"the same with tls-server-name",
         by_name,
         {.ca_pem = trusted, .server_name = "kubernetes.default.svc"},
         true,
         "kubernetes.default.svc"},
        {"another tls-server-name", by_name, {.ca_pem = trusted, .server_name = "example.com"}, false, "example.com"},
        {"tls-server-name goes before the address",
         by_address,
         {.ca_pem = trusted, .server_name = "example.com"},
         false,
         "example.com"},
        {"a certificate of another CA", of_other, {.ca_pem = trusted}, false, NULL},
        {"the system's store does not know our CA", by_address, {0}, false, NULL},
        {"verifying nothing was asked for", of_other, {.insecure = true}, true, NULL},
        {"a CA that is no PEM", by_address, {.ca_pem = "rubbish"}, false, NULL},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        struct bench b;
        bench_init(&b, &(struct fake_options){.scripts = {answers}, .tls = rows[i].server});
        struct ask a;
        get(&b, &a, (struct http_request){.tls = &rows[i].tls});
        CHECK_INT(a.err.class, rows[i].accepted ? ERROR_NONE : ERROR_UNAVAILABLE);
        CHECK_INT(a.status, rows[i].accepted ? 200 : 0);
        CHECK_INT(fake_server_requests(b.server), rows[i].accepted ? 1 : 0); /* no byte of a request to a stranger */
        if (rows[i].accepted) {
            auto_free char *sni = fake_server_sni(b.server), *request = fake_server_request(b.server, 0);
            CHECK_STR(sni, rows[i].sni);
            auto_free char *host = mem_printf("\r\nHost: 127.0.0.1:%d\r\n", fake_server_port(b.server));
            CHECK_CONTAINS(request, host); /* with tls-server-name, too */
        }
        ask_done(&a);
        bench_free(&b); /* a server that was refused after its handshake has a right to be surprised */
    }
    CHECK_ROW(NULL);
}

TEST(who_we_are)
{
    char *trusted = (char *)fake_ca_pem(ca);
    const struct {
        const char *sentence;
        struct tls tls;
        bool accepted;
    } rows[] = {
        {"a client certificate and key in memory",
         {.ca_pem = trusted, .cert_pem = client->cert_pem, .key_pem = client->key_pem},
         true},
        {"none where one is required", {.ca_pem = trusted}, false},
        {"a key that is another's", {.ca_pem = trusted, .cert_pem = client->cert_pem, .key_pem = by_name->key_pem}, false},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        struct bench b;
        bench_init(&b,
                   &(struct fake_options){.scripts = {answers}, .repeat_last = true, .tls = by_address, .client_ca_pem = trusted});
        struct ask a;
        get(&b, &a, (struct http_request){.tls = &rows[i].tls});
        CHECK_INT(a.err.class, rows[i].accepted ? ERROR_NONE : ERROR_UNAVAILABLE);
        ask_done(&a);
        bench_free(&b);
    }
    CHECK_ROW(NULL);
}

TEST(new_trust_means_new_connections_and_old_calls_end_on_theirs)
{
    static const struct fake_step slow[] = {FAKE_EXPECT("GET /x"), FAKE_SLEEP(100), FAKE_ANSWER("200 OK", "", "slow"), FAKE_DRAIN};
    struct bench b;
    bench_init(&b, &(struct fake_options){.scripts = {answers, slow, answers}, .tls = by_address});
    struct tls tls = {.ca_pem = (char *)fake_ca_pem(ca)};
    struct ask a, under_way = ask_of(&b);
    get(&b, &a, (struct http_request){.tls = &tls});
    ask_done(&a);
    get(&b, &a, (struct http_request){.tls = &tls});
    ask_done(&a);
    CHECK_INT(fake_server_connections(b.server), 1);
    ask_start(&under_way, &(struct http_request){.url = b.url, .tls = &tls, .own_connection = true}, false);
    run_for(b.loop, 50);
    http_drop_connections(b.http);
    get(&b, &a, (struct http_request){.tls = &tls});
    CHECK_INT(a.status, 200);
    ask_done(&a);
    CHECK(run_until(b.loop, &under_way.done, 1000));
    CHECK_STR(under_way.body, "slow");
    ask_done(&under_way);
    CHECK_INT(fake_server_connections(b.server), 3);
    /* Another CA never gets a connection that was made under the first. */
    struct tls stranger = {.ca_pem = (char *)fake_ca_pem(other_ca)};
    get(&b, &a, (struct http_request){.tls = &stranger});
    CHECK_INT(a.err.class, ERROR_UNAVAILABLE);
    ask_done(&a);
    bench_free(&b);
}

TEST(a_handshake_that_hangs_is_given_up)
{
    static const struct fake_step hangs[] = {FAKE_HANG};
    struct bench b;
    bench_init(&b, &(struct fake_options){.scripts = {hangs}});
    auto_free char *url = mem_printf("https://127.0.0.1:%d/", fake_server_port(b.server));
    struct ask a;
    usec_t before = time_monotonic();
    get(&b, &a, (struct http_request){.url = url, .connect_timeout = 200 * USEC_MSEC});
    CHECK_INT(a.err.class, ERROR_TIMEOUT);
    CHECK(time_monotonic() - before < USEC_SEC);
    ask_done(&a);
    bench_done(&b);
}

int main(void)
{
    run_without_proxies();
    make_certificates();
    int r = check_run();
    free_certificates();
    return r;
}
