#include "kube/kubeconfig.h"

#include "base/str.h"
#include "check.h"
#include "kube/base64.h"

#include <sys/stat.h>
#include <unistd.h>

#define PEM       "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
#define PEM_CODED "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCkFBQUEKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo="

/* A kubeconfig from a cluster's and a user's fields, each "key: value" on lines of their own. */
static char *kubeconfig(const char *cluster, const char *user)
{
    return mem_printf("apiVersion: v1\nkind: Config\ncurrent-context: here\n"
                      "contexts:\n- name: here\n  context: {cluster: c, user: u, namespace: team-a}\n"
                      "clusters:\n- name: c\n  cluster:\n    server: https://10.0.0.1:6443\n%s"
                      "users:\n- name: u\n  user:\n    unused: x\n%s",
                      cluster, user);
}

static int load(const char *text, struct config *c, struct error *err)
{
    struct kubeconfig_text one = {.path = "/etc/kc/config", .text = text, .n = strlen(text)};
    *c = (struct config){0};
    error_clear(err);
    return kubeconfig_merge(&one, 1, NULL, c, err);
}

static char folder[] = "/tmp/kubeconfig-test-XXXXXX";

static char *put(const char *name, const char *text)
{
    char *path = mem_printf("%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    fputs(text, f);
    fclose(f);
    return path;
}

TEST(base64)
{
    static const struct {
        const char *coded, *text;
    } rows[] = {
        {"aGVsbG8=", "hello"},    {"aGVsbA==", "hell"}, {"aGVs", "hel"},   {" aGVs\r\nbG8 = ", "hello"},
        {"+/+/", "\373\377\277"}, {"", NULL},           {"aGVsbG8", NULL}, {"aG=s", NULL},
        {"aGV*", NULL},           {"====", NULL},       {"AAAA", NULL},    {"a", NULL},
        {"aGVsbG8=A", NULL},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].coded);
        auto_free char *text = base64_decode_text(rows[i].coded);
        CHECK_STR(text, rows[i].text);
    }
    CHECK_ROW(NULL);
}

TEST(everything_that_is_known_is_taken)
{
    auto_config struct config c;
    struct error err;
    auto_free char *text =
        kubeconfig("    tls-server-name: kube.example\n    proxy-url: http://proxy:3128\n"
                   "    certificate-authority-data: " PEM_CODED "\n    disable-compression: true\n",
                   "    token: 12345\n    client-certificate-data: " PEM_CODED "\n    client-key-data: " PEM_CODED
                   "\n    as: jane\n    as-uid: '7'\n    as-groups: [a, 'b c']\n"
                   "    as-user-extra: {Scopes/X: [one, two]}\n");
    CHECK_INT(load(text, &c, &err), 0);
    CHECK_STR(err.text, "");
    CHECK_STR(c.server, "https://10.0.0.1:6443");
    CHECK_STR(c.ns, "team-a");
    CHECK_STR(c.proxy_url, "http://proxy:3128");
    CHECK_STR(c.tls.server_name, "kube.example");
    CHECK_STR(c.tls.ca_pem, PEM);
    CHECK_STR(c.tls.cert_pem, PEM);
    CHECK_STR(c.tls.key_pem, PEM);
    CHECK_STR(c.token, "12345"); /* a token of digits is a text all the same */
    CHECK(!c.ca_file && !c.token_file && !c.exec && !c.tls.insecure);
    static const char *const headers[] = {"Impersonate-User: jane",
                                          "Impersonate-Uid: 7",
                                          "Impersonate-Group: a",
                                          "Impersonate-Group: b c",
                                          "Impersonate-Extra-scopes%2Fx: one",
                                          "Impersonate-Extra-scopes%2Fx: two"};
    CHECK_INT(c.impersonate.count, array_len(headers));
    for (size_t i = 0; i < c.impersonate.count && i < array_len(headers); i++)
        CHECK_STR(c.impersonate.items[i], headers[i]);
}

TEST(defaults)
{
    auto_config struct config c;
    struct error err;
    CHECK_INT(load("current-context: x\ncontexts: [{name: x, context: {cluster: c}}]\n"
                   "clusters: [{name: c, cluster: {server: 'https://rancher.example/k8s/clusters/c-1//'}}]\n",
                   &c, &err),
              0);
    CHECK_STR(c.server, "https://rancher.example/k8s/clusters/c-1");
    CHECK_STR(c.ns, "default");
    CHECK(!c.proxy_url && !c.token && !c.username);
}

TEST(what_is_wrong_is_named)
{
    static const struct {
        const char *sentence, *cluster, *user, *text;
    } rows[] = {
        {"base64 that is none", "    certificate-authority-data: '%%%'\n", "",
         "cluster \"c\": certificate-authority-data: is not base64"},
        {"base64 of something else", "    certificate-authority-data: aGVsbG8=\n", "",
         "certificate-authority-data: has no \"-----BEGIN\""},
        {"a file that is not there", "    certificate-authority: ca.crt\n", "",
         "certificate-authority: /etc/kc/ca.crt: No such file"},
        {"insecure beside a CA", "    insecure-skip-tls-verify: true\n    certificate-authority-data: " PEM_CODED "\n", "",
         "insecure-skip-tls-verify: must not be true beside"},
        {"a bool that is none", "    insecure-skip-tls-verify: perhaps\n", "", "insecure-skip-tls-verify: must be true or false"},
        {"a field of the wrong kind", "    tls-server-name: [a]\n", "", "tls-server-name: must be a text"},
        {"a proxy of an unknown kind", "    proxy-url: ftp://x\n", "", "proxy-url: must begin with"},
        {"a certificate without its key", "", "    client-certificate-data: " PEM_CODED "\n", "client-key: is missing"},
        {"a token with blanks", "", "    token: 'a b'\n", "user \"u\": token: has blanks"},
        {"a token file that is not there", "", "    tokenFile: t\n", "tokenFile: /etc/kc/t: No such file"},
        {"an auth-provider", "", "    auth-provider: {name: oidc}\n", "auth-provider: \"oidc\" is not supported; use an exec"},
        {"groups without a user", "", "    as-groups: [a]\n", "as: is missing"},
        {"a line break in a header", "", "    as: \"a\\r\\nX: y\"\n", "as: has control characters"},
        {"groups that are no list", "", "    as: x\n    as-groups: a\n", "as-groups: must be a list"},
        {"exec without a command", "", "    exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never}\n",
         "user \"u\": exec.command: is missing"},
        {"exec of an old version", "", "    exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: x}\n",
         "exec.apiVersion: \"client.authentication.k8s.io/v1alpha1\" is not known"},
        {"exec v1 without its mode", "", "    exec: {apiVersion: client.authentication.k8s.io/v1, command: x}\n",
         "exec.interactiveMode: is missing"},
        {"exec that wants a terminal", "",
         "    exec: {apiVersion: client.authentication.k8s.io/v1, command: x, interactiveMode: Always}\n", "needs a terminal"},
        {"exec arguments that are no texts", "",
         "    exec: {apiVersion: client.authentication.k8s.io/v1, command: x, interactiveMode: Never, args: [[a]]}\n",
         "exec.args[0]"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        auto_config struct config c;
        struct error err;
        auto_free char *text = kubeconfig(rows[i].cluster, rows[i].user);
        CHECK_INT(load(text, &c, &err), -1);
        CHECK(str_starts(err.text, "/etc/kc/config: "));
        CHECK_CONTAINS(err.text, rows[i].text);
    }
    CHECK_ROW(NULL);
}

TEST(a_file_that_is_no_kubeconfig_is_named)
{
    static const struct {
        const char *sentence, *file, *text;
    } rows[] = {
        {"no YAML", "a: [b", "line "},
        {"a list", "[a]", "is not a kubeconfig"},
        {"empty", "", "current-context: is missing"},
        {"a context that is not there", "current-context: x", "there is no context \"x\""},
        {"a context without a cluster", "current-context: x\ncontexts: [{name: x, context: {}}]",
         "context \"x\": cluster: is missing"},
        {"a cluster that is not there", "current-context: x\ncontexts: [{name: x, context: {cluster: y}}]",
         "there is no cluster \"y\""},
        {"a cluster that is no map",
         "current-context: x\ncontexts: [{name: x, context: {cluster: y}}]\nclusters: [{name: y, cluster: 5}]",
         "clusters[0].cluster: must be a map"},
        {"no server", "current-context: x\ncontexts: [{name: x, context: {cluster: y}}]\nclusters: [{name: y, cluster: {}}]",
         "server: is missing; write https://"},
        {"a server that is no URL",
         "current-context: x\ncontexts: [{name: x, context: {cluster: y}}]\nclusters: [{name: y, cluster: {server: 'a b'}}]",
         "server: "},
        {"a user that is not there",
         "current-context: x\ncontexts: [{name: x, context: {cluster: y, user: z}}]\nclusters: [{name: y, cluster: {server: "
         "'https://a'}}]",
         "there is no user \"z\""},
        {"a key twice", "a: 1\na: 2", "line 2 column 1: this key is there already"},
        {"two documents", "a: 1\n---\nb: 2", "more than one YAML document"},
        {"aliases that multiply",
         "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
         "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]",
         "too many values"},
        {"an alias of itself", "a: &a [*a]", "nested too deeply"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        auto_config struct config c;
        struct error err;
        CHECK_INT(load(rows[i].file, &c, &err), -1);
        CHECK(str_starts(err.text, "/etc/kc/config"));
        CHECK_CONTAINS(err.text, rows[i].text);
    }
    CHECK_ROW(NULL);
}

TEST(of_several_files_the_first_wins_and_paths_are_relative_to_their_own)
{
    auto_free char *sub = mem_printf("%s/sub", folder);
    CHECK_INT(mkdir(sub, 0700), 0);
    auto_free char *ca = put("sub/ca.crt", PEM), *token = put("sub/token", "  from-file\n");
    auto_free char *first = put("first", "contexts: [{name: x, context: {cluster: c, user: u}}]\n"
                                         "users: [{name: u, user: {token: first}}]\n");
    auto_free char *second = put("sub/second", "current-context: x\nclusters: [{name: c, cluster: {server: 'https://second', "
                                               "certificate-authority: ca.crt}}]\nusers: [{name: u, user: {tokenFile: token}}]\n");
    auto_free char *third = put("third", "current-context: nonsense\nclusters: [{name: c, cluster: {server: 'https://third'}}]\n");
    auto_free char *list = mem_printf("%s:%s/not-there::%s:%s", first, folder, second, third);
    auto_config struct config c = {0}, alone = {0};
    struct error err = {0};
    setenv("KUBECONFIG", list, 1);
    CHECK_INT(config_load_kubeconfig(&c, NULL, NULL, &err), 0);
    CHECK_STR(err.text, "");
    CHECK_STR(c.server, "https://second");
    CHECK_STR(c.token, "first");
    CHECK_STR(c.ca_file, ca);
    CHECK_STR(c.tls.ca_pem, PEM);
    CHECK_INT(config_load_kubeconfig(&alone, second, "y", &err), -1);
    CHECK_CONTAINS(err.text, "there is no context \"y\"");
    unsetenv("KUBECONFIG");
    setenv("HOME", folder, 1);
    CHECK_INT(config_load_kubeconfig(&alone, NULL, NULL, &err), -1);
    CHECK_INT(err.class, ERROR_NOT_FOUND);
    CHECK_CONTAINS(err.text, "/.kube/config");
    (void)token;
}

TEST(token_and_ca_files_are_read_again)
{
    auto_free char *token = put("token", "one\n"), *ca = put("ca.crt", PEM);
    auto_free char *cluster = mem_printf("    certificate-authority: %s\n", ca),
                   *user = mem_printf("    tokenFile: %s\n    token: x\n", token);
    auto_free char *text = kubeconfig(cluster, user);
    auto_config struct config c;
    struct error err;
    CHECK_INT(load(text, &c, &err), 0);
    CHECK_STR(c.token, "one");
    usec_t now = c.token_read;
    free(put("token", "two"));
    config_refresh(&c, now + 59 * USEC_SEC, false);
    CHECK_STR(c.token, "one");
    config_refresh(&c, now + 59 * USEC_SEC, true); /* a 401 */
    CHECK_STR(c.token, "two");
    unlink(token);
    config_refresh(&c, now + USEC_HOUR, false);
    CHECK_STR(c.token, "two"); /* a failed read keeps the old one */
    free(put("token", " \n"));
    config_refresh(&c, now + 2 * USEC_HOUR, false);
    CHECK_STR(c.token, "two");
    unsigned generation = c.generation;
    config_refresh(&c, now + 3 * USEC_HOUR, false);
    CHECK_INT(c.generation, generation);
    free(put("ca.crt", PEM PEM));
    config_refresh(&c, now + 4 * USEC_HOUR, false);
    CHECK_INT(c.generation, generation + 1);
    CHECK_STR(c.tls.ca_pem, PEM PEM);
}

TEST(in_a_pod)
{
    free(put("token", "pod-token\n"));
    free(put("ca.crt", PEM));
    free(put("namespace", "drillyard"));
    auto_config struct config c = {0}, six = {0}, bad = {0};
    struct error err = {0};
    unsetenv("KUBERNETES_SERVICE_HOST");
    CHECK_INT(config_load_in_cluster(&c, folder, &err), -1);
    CHECK_CONTAINS(err.text, "not in a pod");
    setenv("KUBERNETES_SERVICE_HOST", "10.89.0.1", 1);
    setenv("KUBERNETES_SERVICE_PORT", "443", 1);
    CHECK_INT(config_load_in_cluster(&c, folder, &err), 0);
    CHECK_STR(c.server, "https://10.89.0.1:443");
    CHECK_STR(c.token, "pod-token");
    CHECK_STR(c.ns, "drillyard");
    setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
    CHECK_INT(config_load_in_cluster(&six, folder, &err), 0);
    CHECK_STR(six.server, "https://[fd00::1]:443");
    setenv("KUBERNETES_SERVICE_PORT", "https", 1);
    CHECK_INT(config_load_in_cluster(&bad, folder, &err), -1);
    CHECK_CONTAINS(err.text, "KUBERNETES_SERVICE_PORT");
    CHECK_INT(config_load_in_cluster(&bad, "/nowhere", NULL), -1);
}

int main(void)
{
    if (!mkdtemp(folder))
        return 2;
    int r = check_run();
    static const char *const left[] = {"token", "ca.crt", "namespace", "first", "third", "sub/ca.crt", "sub/token", "sub/second"};
    for (size_t i = 0; i < array_len(left); i++) {
        auto_free char *path = mem_printf("%s/%s", folder, left[i]);
        unlink(path);
    }
    auto_free char *sub = mem_printf("%s/sub", folder);
    rmdir(sub);
    rmdir(folder);
    return r;
}
