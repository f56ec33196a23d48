#include "options.h"

#include "base/duration.h"
#include "base/str.h"

#define LEASE_MIN (2 * USEC_SEC)
#define LEASE_MAX (10 * USEC_MINUTE)

const char options_help[] =
    "usage: drillyard-controller [options]\n"
    "       drillyard-controller drain [options]\n"
    "\n"
    "Runs drills in a Kubernetes cluster and proves what came of them. With drain it stops every drill through the running\n"
    "controller, and waits until no fault and no finalizer is left: what must be done before an uninstallation.\n"
    "\n"
    "  --kubeconfig FILE        how to reach the cluster; default: the pod's service account when it runs in one,\n"
    "                           else $KUBECONFIG, else ~/.kube/config\n"
    "  --context NAME           context in the kubeconfig; default: its current one\n"
    "  --namespaces A,B         look after these namespaces only; default: all (--namespace is the same)\n"
    "  --catalog-namespace NAME where the catalog of cards, triggers and playbooks is; default: the own namespace\n"
    "  --own-namespace NAME     where the election's Lease is; default: the pod's, or the context's\n"
    "  --listen HOST:PORT       metrics, health and coverage; default: 0.0.0.0:8080\n"
    "  --lease DURATION         how long a fault outlives a silent controller, 2s to 10m; default: 10s\n"
    "  --no-elect               lead without an election; for a single replica only\n"
    "  --owner NAME             drain: the controller's Deployment; the global stop is removed with it\n"
    "  --within DURATION        drain: how long that may take; default: 2m\n"
    "  --log-level LEVEL        debug, info, warning or error; default: info\n"
    "  --version                print the version and end\n"
    "  --help                   print this and end\n";

/* ── one function a value ── */

static int parse_namespaces(const char *value, struct options *o, struct error *err)
{
    for (const char *at = value;; at++) {
        size_t length = strcspn(at, ",");
        auto_free char *name = mem_strndup(at, length);
        if (!str_is_dns_label(name)) {
            char quoted[96];
            return error_set(err, ERROR_INVALID,
                             "--namespaces: \"%s\" is no namespace; write names with commas between, such as team-a,team-b",
                             str_quote(quoted, sizeof(quoted), name));
        }
        if (!strlist_has(&o->namespaces, name))
            strlist_add(&o->namespaces, name);
        at += length;
        if (!*at)
            return 0;
    }
}

static int parse_namespace_name(const char *option, const char *value, const char **ret_name, struct error *err)
{
    char quoted[96];
    if (!str_is_dns_label(value))
        return error_set(err, ERROR_INVALID, "%s: \"%s\" is no namespace; write a name such as drillyard", option,
                         str_quote(quoted, sizeof(quoted), value));
    *ret_name = value;
    return 0;
}

static int parse_catalog(const char *value, struct options *o, struct error *err)
{
    return parse_namespace_name("--catalog-namespace", value, &o->catalog_namespace, err);
}

static int parse_own(const char *value, struct options *o, struct error *err)
{
    return parse_namespace_name("--own-namespace", value, &o->own_namespace, err);
}

static int parse_kubeconfig(const char *value, struct options *o, struct error *err)
{
    if (str_empty(value))
        return error_set(err, ERROR_INVALID, "--kubeconfig: write the path of a file");
    o->kubeconfig = value;
    return 0;
}

static int parse_context(const char *value, struct options *o, struct error *err)
{
    if (str_empty(value))
        return error_set(err, ERROR_INVALID, "--context: write the name of a context in the kubeconfig");
    o->context = value;
    return 0;
}

static int parse_listen(const char *value, struct options *o, struct error *err)
{
    const char *colon = strrchr(value, ':');
    int64_t port;
    char quoted[96];
    if (!colon || !str_to_i64(colon + 1, 0, 65535, &port))
        return error_set(err, ERROR_INVALID, "--listen: \"%s\" is no address to listen on; write HOST:PORT, such as 0.0.0.0:8080",
                         str_quote(quoted, sizeof(quoted), value));
    o->listen = value;
    return 0;
}

static int parse_lease(const char *value, struct options *o, struct error *err)
{
    if (duration_parse(value, "--lease", &o->lease, err) < 0)
        return -1;
    if (o->lease < LEASE_MIN || o->lease > LEASE_MAX)
        return error_set(err, ERROR_INVALID, "--lease: \"%s\" is not between 2s and 10m", value);
    return 0;
}

static int parse_log_level(const char *value, struct options *o, struct error *err)
{
    static const char *const levels[] = {
        [LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARNING] = "warning", [LOG_ERROR] = "error"};
    char quoted[96];
    for (size_t i = 0; i < array_len(levels); i++)
        if (str_equal(value, levels[i])) {
            o->log_level = (enum log_level)i;
            return 0;
        }
    return error_set(err, ERROR_INVALID, "--log-level: \"%s\" is no level; write debug, info, warning or error",
                     str_quote(quoted, sizeof(quoted), value));
}

static int parse_owner(const char *value, struct options *o, struct error *err)
{
    char quoted[96];
    if (!str_is_dns_subdomain(value))
        return error_set(err, ERROR_INVALID, "--owner: \"%s\" is no name of a Deployment",
                         str_quote(quoted, sizeof(quoted), value));
    o->owner = value;
    return 0;
}

static int parse_within(const char *value, struct options *o, struct error *err)
{
    if (duration_parse(value, "--within", &o->within, err) < 0)
        return -1;
    return o->within > 0 ? 0 : error_set(err, ERROR_INVALID, "--within: \"%s\" is no time at all; write for example 2m", value);
}

static int parse_no_elect(const char *value, struct options *o, struct error *err)
{
    (void)value;
    (void)err;
    o->elect = false;
    return 0;
}

static int parse_version(const char *value, struct options *o, struct error *err)
{
    (void)value;
    (void)err;
    o->version = true;
    return 0;
}

static int parse_help(const char *value, struct options *o, struct error *err)
{
    (void)value;
    (void)err;
    o->help = true;
    return 0;
}

static const struct {
    const char *name;
    bool has_value;
    int (*parse)(const char *value, struct options *o, struct error *err);
} table[] = {
    {"--kubeconfig", true, parse_kubeconfig},
    {"--context", true, parse_context},
    {"--namespace", true, parse_namespaces},
    {"--namespaces", true, parse_namespaces},
    {"--catalog-namespace", true, parse_catalog},
    {"--own-namespace", true, parse_own},
    {"--listen", true, parse_listen},
    {"--lease", true, parse_lease},
    {"--owner", true, parse_owner},
    {"--within", true, parse_within},
    {"--no-elect", false, parse_no_elect},
    {"--log-level", true, parse_log_level},
    {"--version", false, parse_version},
    {"--help", false, parse_help},
};

/* "--lease 10s" and "--lease=10s". */
static int parse_one(char *const *argv, int argc, int *at, struct options *o, struct error *err)
{
    const char *word = argv[*at], *equals = strchr(word, '=');
    size_t length = equals ? (size_t)(equals - word) : strlen(word);
    char quoted[96];
    for (size_t i = 0; i < array_len(table); i++) {
        if (strlen(table[i].name) != length || strncmp(table[i].name, word, length) != 0)
            continue;
        if (!table[i].has_value)
            return equals ? error_set(err, ERROR_INVALID, "%s takes no value", table[i].name) : table[i].parse(NULL, o, err);
        const char *value = equals ? equals + 1 : ++*at < argc ? argv[*at] : NULL;
        return value ? table[i].parse(value, o, err) : error_set(err, ERROR_INVALID, "%s needs a value; see --help", table[i].name);
    }
    return error_set(err, ERROR_INVALID, "there is no option \"%s\"; see --help", str_quote(quoted, sizeof(quoted), word));
}

int options_parse(int argc, char *const *argv, struct options *ret_options, struct error *err)
{
    auto_options struct options o = {.listen = "0.0.0.0:8080", .lease = 10 * USEC_SEC, .elect = true, .log_level = LOG_INFO};
    o.within = 2 * USEC_MINUTE;
    o.drain = argc > 1 && str_equal(argv[1], "drain");
    for (int at = o.drain ? 2 : 1; at < argc; at++)
        if (parse_one(argv, argc, &at, &o, err) < 0)
            return -1;
    *ret_options = o;
    o = (struct options){0};
    return 0;
}

void options_done(struct options *o)
{
    strlist_done(&o->namespaces);
}
