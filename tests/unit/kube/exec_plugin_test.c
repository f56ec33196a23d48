#include "kube/exec_plugin.h"

#include "base/str.h"
#include "check.h"
#include "fake/run.h"
#include "fixture.h"
#include "kube/config.h"

#include <sys/wait.h>

#define V1         "client.authentication.k8s.io/v1"
#define CREDENTIAL "{\"apiVersion\":\"" V1 "\",\"kind\":\"ExecCredential\",\"status\":{"

TEST(credentials_are_read)
{
    static const struct {
        const char *sentence, *json, *token, *cert;
        usec_t expiry; /* 0: refused */
        const char *text;
    } rows[] = {
        {"a token", CREDENTIAL "\"token\":\"t\"}}", "t", NULL, USEC_NEVER, ""},
        {"a token that expires", CREDENTIAL "\"token\":\"t\",\"expirationTimestamp\":\"1970-01-01T01:00:00Z\"}}", "t", NULL,
         USEC_HOUR, ""},
        {"a certificate", CREDENTIAL "\"clientCertificateData\":\"c\",\"clientKeyData\":\"k\"}}", NULL, "c", USEC_NEVER, ""},
        {"only half a certificate", CREDENTIAL "\"clientCertificateData\":\"c\"}}", NULL, NULL, 0, "only one of"},
        {"neither", CREDENTIAL "\"token\":\"\"}}", NULL, NULL, 0, "neither a token"},
        {"a token with a line break", CREDENTIAL "\"token\":\"a\\nb\"}}", NULL, NULL, 0, "blanks or control"},
        {"a time that is none", CREDENTIAL "\"token\":\"t\",\"expirationTimestamp\":\"soon\"}}", NULL, NULL, 0, "no RFC 3339"},
        {"another version", "{\"apiVersion\":\"" V1 "beta1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"t\"}}", NULL, NULL,
         0, "the kubeconfig asks for"},
        {"another kind", "{\"apiVersion\":\"" V1 "\",\"kind\":\"Pod\"}", NULL, NULL, 0, "kind \"Pod\""},
        {"no status", "{\"apiVersion\":\"" V1 "\",\"kind\":\"ExecCredential\"}", NULL, NULL, 0, "no status"},
        {"no JSON", "please log in", NULL, NULL, 0, "no JSON"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        struct exec_credential c = {0};
        struct error err = {0};
        CHECK_INT(exec_credential_decode(rows[i].json, strlen(rows[i].json), V1, &c, &err), rows[i].expiry ? 0 : -1);
        CHECK_STR(c.token, rows[i].token);
        CHECK_STR(c.cert_pem, rows[i].cert);
        CHECK_INT(c.wall_expiry, rows[i].expiry);
        CHECK_CONTAINS(err.text, rows[i].text);
        exec_credential_done(&c);
    }
    CHECK_ROW(NULL);
}

/* A plugin that is a shell script. */
static struct exec_plugin *plugin(const char *script)
{
    struct exec_plugin *p = NULL;
    struct error err = {0};
    json_auto_t *stanza = json_pack("{s:s, s:s, s:[s, s], s:[{s:s, s:s}], s:s, s:s, s:s}", "apiVersion", V1, "command", "sh",
                                    "args", "-c", script, "env", "name", "EXTRA", "value", "more", "interactiveMode", "Never",
                                    "provideClusterInfo", "true", "installHint", "get it from the shop");
    auto_fixture json_t *cluster = fixture("{'server': 'https://a'}");
    if (exec_plugin_new(stanza, "/nowhere", cluster, &p, &err) < 0)
        CHECK_FAIL("%s", err.text);
    return p;
}

#define PRINT "printf '{\"apiVersion\":\"" V1 "\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"%s\"%s}}' "

TEST(the_first_run_waits_and_has_its_environment)
{
    struct config c = {0};
    struct error err = {0};
    c.exec = plugin("echo \"$KUBERNETES_EXEC_INFO\" | grep -q '\"server\":\"https://a\"' && " PRINT "token-$EXTRA");
    CHECK(exec_plugin_due(c.exec, 0));
    CHECK_INT(exec_plugin_wait(c.exec, &c, 10 * USEC_SEC, &err), 0);
    CHECK_STR(err.text, "");
    CHECK_STR(c.token, "token-more");
    CHECK(!exec_plugin_due(c.exec, USEC_NEVER - 1));
    config_done(&c);
}

TEST(an_expired_credential_is_due_a_little_before)
{
    struct config c = {0};
    c.exec = plugin(PRINT "t ',\"expirationTimestamp\":\"1970-01-01T01:00:00Z\"'");
    CHECK_INT(exec_plugin_wait(c.exec, &c, 10 * USEC_SEC, NULL), 0);
    CHECK(!exec_plugin_due(c.exec, USEC_HOUR - EXEC_PLUGIN_LEEWAY - 1));
    CHECK(exec_plugin_due(c.exec, USEC_HOUR - EXEC_PLUGIN_LEEWAY));
    config_done(&c);
}

TEST(a_new_certificate_raises_the_generation_and_the_same_one_does_not)
{
    struct config c = {0};
    c.exec = plugin("printf '%s' '" CREDENTIAL "\"clientCertificateData\":\"c\",\"clientKeyData\":\"k\"}}'");
    CHECK_INT(exec_plugin_wait(c.exec, &c, 10 * USEC_SEC, NULL), 0);
    CHECK_STR(c.tls.cert_pem, "c");
    CHECK_INT(c.generation, 1);
    CHECK_INT(exec_plugin_wait(c.exec, &c, 10 * USEC_SEC, NULL), 0);
    CHECK_INT(c.generation, 1);
    config_done(&c);
}

TEST(what_goes_wrong_is_told_and_the_old_token_stays)
{
    static const struct {
        const char *sentence, *script;
        enum error_class class;
        const char *text;
    } rows[] = {
        {"it fails", "echo 'please log in' >&2; exit 3", ERROR_FORBIDDEN, "exit 3: please log in"},
        {"it is killed", "kill -9 $$", ERROR_FORBIDDEN, "signal 9"},
        {"it prints nothing", "true", ERROR_INVALID, "no JSON"},
        {"it never ends", "exec sleep 100", ERROR_TIMEOUT, "no answer"},
        {"its child holds the output open", "sleep 100 & exit 0", ERROR_TIMEOUT, "no answer"},
        {"it prints without an end", "exec yes", ERROR_TIMEOUT, "no answer"},
        {"it waits for input", "read x || exit 9", ERROR_FORBIDDEN, "exit 9"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        struct config c = {.token = mem_strdup("old")};
        struct error err = {0};
        c.exec = plugin(rows[i].script);
        CHECK_INT(exec_plugin_wait(c.exec, &c, 500 * USEC_MSEC, &err), -1);
        CHECK_INT(err.class, rows[i].class);
        CHECK_CONTAINS(err.text, rows[i].text);
        CHECK_STR(c.token, "old");
        CHECK(exec_plugin_due(c.exec, 0));
        config_done(&c);
    }
    CHECK_ROW(NULL);
    CHECK_INT(waitpid(-1, NULL, WNOHANG), -1); /* no zombies */
}

TEST(a_program_that_is_not_there_says_where_to_get_it)
{
    auto_fixture json_t *stanza = fixture("{'apiVersion': 'client.authentication.k8s.io/v1beta1', 'command': './no-such-program',"
                                          " 'installHint': 'get it from the shop'}");
    struct config c = {0};
    struct error err = {0};
    CHECK_INT(exec_plugin_new(stanza, "/nowhere", NULL, &c.exec, &err), 0);
    CHECK_INT(exec_plugin_wait(c.exec, &c, 10 * USEC_SEC, &err), -1);
    CHECK_INT(err.class, ERROR_NOT_FOUND);
    CHECK_CONTAINS(err.text, "/nowhere/./no-such-program");
    CHECK_CONTAINS(err.text, "get it from the shop");
    config_done(&c);
}

static void count_done(void *userdata, const struct error *err)
{
    int *done = userdata;
    *done += err->class == ERROR_NONE ? 1 : 100;
}

TEST(two_who_ask_at_once_share_a_run_and_the_loop_goes_on)
{
    struct config c = {0};
    struct loop *loop;
    int done = 0;
    CHECK_INT(loop_new(&loop, NULL), 0);
    c.exec = plugin("sleep 0.2; " PRINT "$$");
    exec_plugin_start(c.exec, loop, &c, count_done, &done);
    exec_plugin_start(c.exec, loop, &c, count_done, &done);
    CHECK_INT(done, 0);
    for (int i = 0; i < 100 && done < 2; i++)
        run_for(loop, 20);
    CHECK_INT(done, 2);
    auto_free char *first = mem_strdup(c.token);
    CHECK(first != NULL);
    exec_plugin_start(c.exec, loop, &c, count_done, &done);
    for (int i = 0; i < 100 && done < 3; i++)
        run_for(loop, 20);
    CHECK(!str_equal(first, c.token));
    exec_plugin_start(c.exec, loop, &c, count_done, &done); /* freed in the middle: not a word */
    config_done(&c);
    run_for(loop, 50);
    CHECK_INT(done, 3);
    loop_free(loop);
    CHECK_INT(waitpid(-1, NULL, WNOHANG), -1);
}

int main(void)
{
    return check_run();
}
