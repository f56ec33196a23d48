#include "ws_fixture.h"

static bool accept_and_close(struct fake_conn *c, void *userdata)
{
    (void)userdata;
    return fake_ws_accept(c, PROTOCOL) && fake_ws_close(c, 1000, "");
}

static const struct fake_step script[] = {FAKE_EXPECT("GET "), FAKE_CALL(accept_and_close), FAKE_END};

/* One connection to a TLS server; whether it came about. */
static bool connects(const struct fake_options *server, const struct tls *tls, char **ret_sni, struct error *ret_err)
{
    struct fake_options options = *server;
    options.scripts[0] = script;
    struct fake_server *s = fake_server_start(&options);
    struct client c;
    client_init(&c);
    client_connect(&c, s, &(struct ws_options){.tls = tls});
    CHECK(run_until(c.loop, &c.closed, 5000));
    bool ok = c.close.code == 1000;
    if (ret_err)
        *ret_err = c.close.err;
    client_done(&c);
    if (ret_sni)
        *ret_sni = fake_server_sni(s);
    fake_server_stop(s);
    return ok;
}

static struct fake_ca *ca, *other_ca;
static struct fake_identity *localhost, *named, *six, *client_identity, *stranger;

TEST(trust)
{
    auto_free char *both = mem_printf("%s%s", fake_ca_pem(other_ca), fake_ca_pem(ca));
    struct {
        const char *sentence;
        const struct fake_identity *server;
        struct tls tls;
        bool ipv6, works;
        const char *text;
    } rows[] = {
        {"an address in the certificate", localhost, {.ca_pem = (char *)fake_ca_pem(ca)}, false, true, ""},
        {"the second CA of a bundle", localhost, {.ca_pem = both}, false, true, ""},
        {"an IPv6 address in the certificate", six, {.ca_pem = (char *)fake_ca_pem(ca)}, true, true, ""},
        {"an unknown CA", localhost, {.ca_pem = (char *)fake_ca_pem(other_ca)}, false, false, "not trusted"},
        {"the system's store does not know it", localhost, {0}, false, false, "not trusted"},
        {"another name in the certificate", named, {.ca_pem = (char *)fake_ca_pem(ca)}, false, false, "not trusted"},
        {"tls-server-name says that name",
         named,
         {.ca_pem = (char *)fake_ca_pem(ca), .server_name = (char *)"kube.example"},
         false,
         true,
         ""},
        {"tls-server-name says another",
         localhost,
         {.ca_pem = (char *)fake_ca_pem(ca), .server_name = (char *)"kube.example"},
         false,
         false,
         "not trusted"},
        {"insecure takes an unknown CA", localhost, {.insecure = true}, false, true, ""},
        {"insecure takes another name", named, {.insecure = true}, false, true, ""},
        {"a CA that is no PEM", localhost, {.ca_pem = (char *)"nonsense"}, false, false, "no PEM certificate"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        struct error err;
        struct fake_options server = {.tls = rows[i].server, .ipv6 = rows[i].ipv6};
        CHECK_INT(connects(&server, &rows[i].tls, NULL, &err), rows[i].works);
        CHECK_CONTAINS(err.text, rows[i].text);
    }
    CHECK_ROW(NULL);
}

TEST(tls_server_name_is_what_is_asked_for)
{
    struct tls tls = {.ca_pem = (char *)fake_ca_pem(ca), .server_name = (char *)"kube.example"};
    auto_free char *sni = NULL;
    CHECK(connects(&(struct fake_options){.tls = named}, &tls, &sni, NULL));
    CHECK_STR(sni, "kube.example");
}

TEST(a_client_certificate_from_memory)
{
    struct fake_options server = {.tls = localhost, .client_ca_pem = fake_ca_pem(ca)};
    struct tls good = {
        .ca_pem = (char *)fake_ca_pem(ca), .cert_pem = client_identity->cert_pem, .key_pem = client_identity->key_pem};
    struct tls none = {.ca_pem = (char *)fake_ca_pem(ca)};
    struct tls mixed = {.ca_pem = (char *)fake_ca_pem(ca), .cert_pem = client_identity->cert_pem, .key_pem = stranger->key_pem};
    struct error err;
    CHECK(connects(&server, &good, NULL, NULL));
    CHECK(!connects(&server, &none, NULL, NULL));
    CHECK(!connects(&server, &mixed, NULL, &err));
    CHECK_INT(err.class, ERROR_INVALID);
    CHECK_CONTAINS(err.text, "does not belong");
    CHECK(connects(&server, &good, NULL, NULL)); /* identities do not get mixed up */
}

TEST(two_trusts_at_once_on_one_loop)
{
    static const struct fake_step twice[] = {FAKE_EXPECT("GET "), FAKE_CALL(accept_and_close), FAKE_END};
    struct fake_server *s = fake_server_start(&(struct fake_options){.scripts = {twice, twice}, .tls = localhost});
    struct client good, bad;
    struct tls right = {.ca_pem = (char *)fake_ca_pem(ca)}, wrong = {.ca_pem = (char *)fake_ca_pem(other_ca)};
    client_init(&good);
    client_init(&bad);
    loop_free(bad.loop);
    bad.loop = good.loop;
    client_connect(&good, s, &(struct ws_options){.tls = &right});
    client_connect(&bad, s, &(struct ws_options){.tls = &wrong});
    CHECK(run_until(good.loop, &good.closed, 5000));
    CHECK(run_until(good.loop, &bad.closed, 5000));
    CHECK_INT(good.close.code, 1000);
    CHECK_CONTAINS(bad.close.err.text, "not trusted");
    ws_free(bad.ws);
    buf_done(&bad.got);
    client_done(&good);
    fake_server_stop(s);
}

int main(void)
{
    run_without_proxies();
    ca = fake_ca_new("ca");
    other_ca = fake_ca_new("other");
    localhost = fake_identity_new(ca, "localhost", "IP:127.0.0.1,DNS:localhost");
    named = fake_identity_new(ca, "kube", "DNS:kube.example");
    six = fake_identity_new(ca, "six", "IP:::1");
    client_identity = fake_identity_new(ca, "jane", NULL);
    stranger = fake_identity_new(other_ca, "mallory", NULL);
    int r = check_run();
    fake_identity_free(localhost);
    fake_identity_free(named);
    fake_identity_free(six);
    fake_identity_free(client_identity);
    fake_identity_free(stranger);
    fake_ca_free(ca);
    fake_ca_free(other_ca);
    return r;
}
