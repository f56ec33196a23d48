#include "kube/kubeconfig.h"

#include "base/buf.h"
#include "base/str.h"
#include "kube/base64.h"
#include "kube/exec_plugin.h"
#include "kube/file.h"
#include "kube/impersonate.h"
#include "kube/yaml.h"
#include "net/url.h"

#include <pwd.h>
#include <unistd.h>

#define FILES_MAX      32
#define KUBECONFIG_MAX ((size_t)4 << 20)

/* One named entry (a cluster, a user, a context) and the file that it stands in. */
struct stanza {
    const char *kind, *name, *path;
    char *dir;    /* of that file */
    json_t *body; /* borrowed; an object */
};

static int wrong(const struct stanza *s, const char *field, struct error *err, const char *what)
{
    char name[96];
    return error_set(err, ERROR_INVALID, "%s: %s \"%s\": %s%s%s", s->path, s->kind, str_quote(name, sizeof(name), s->name), field,
                     field[0] ? ": " : "", what);
}

/* ── typed reads ── */

/* NULL for absent, null or "". */
static int text_get(const struct stanza *s, const char *field, const char **ret_text, struct error *err)
{
    const json_t *value = json_object_get(s->body, field);
    *ret_text = NULL;
    if (!value || json_is_null(value))
        return 0;
    if (!json_is_string(value))
        return wrong(s, field, err, "must be a text");
    if (json_string_value(value)[0])
        *ret_text = json_string_value(value);
    return 0;
}

static int text_copy(const struct stanza *s, const char *field, char **ret_text, struct error *err)
{
    const char *text;
    if (text_get(s, field, &text, err) < 0)
        return -1;
    *ret_text = mem_strdup(text);
    return 0;
}

static int bool_get(const struct stanza *s, const char *field, bool *ret_value, struct error *err)
{
    const char *text;
    *ret_value = false;
    if (text_get(s, field, &text, err) < 0)
        return -1;
    if (text && !str_equal(text, "true") && !str_equal(text, "false"))
        return wrong(s, field, err, "must be true or false");
    *ret_value = str_equal(text, "true");
    return 0;
}

static char *path_of(const struct stanza *s, const char *path)
{
    return path[0] == '/' ? mem_strdup(path) : mem_printf("%s/%s", s->dir, path);
}

/* `field`-data (base64) goes before `field` (a path). NULL where neither is there; ret_path only where it came from a file. */
static int pem_get(const struct stanza *s, const char *field, char **ret_pem, char **ret_path, struct error *err)
{
    const char *coded, *path;
    char data_field[64];
    str_format(data_field, sizeof(data_field), "%s-data", field);
    if (text_get(s, data_field, &coded, err) < 0 || text_get(s, field, &path, err) < 0)
        return -1;
    auto_free char *pem = NULL, *full = NULL;
    if (coded) {
        pem = base64_decode_text(coded);
        if (!pem)
            return wrong(s, data_field, err, "is not base64 of a PEM text");
    } else if (path) {
        full = path_of(s, path);
        if (file_read(full, FILE_SECRET_MAX, &pem, err) < 0) {
            char name[96];
            return error_wrap(err, "%s: %s \"%s\": %s", s->path, s->kind, str_quote(name, sizeof(name), s->name), field);
        }
    }
    if (pem && !strstr(pem, "-----BEGIN "))
        return wrong(s, coded ? data_field : field, err, "has no \"-----BEGIN\" line; PEM is expected");
    *ret_pem = mem_take(pem);
    if (ret_path)
        *ret_path = mem_take(full);
    return 0;
}

/* ── the three stanzas ── */

static int cluster_take(const struct stanza *s, struct config *c, struct error *err)
{
    const char *server;
    struct url url;
    struct error problem = {0};
    if (text_get(s, "server", &server, err) < 0)
        return -1;
    if (!server)
        return wrong(s, "server", err, "is missing; write https://host:port");
    c->server = mem_strdup(server);
    for (size_t n = strlen(c->server); n > 0 && c->server[n - 1] == '/'; n--)
        c->server[n - 1] = '\0';
    if (url_parse(c->server, &url, &problem) < 0)
        return wrong(s, "server", err, problem.text);
    if (strpbrk(url.rest, "?#"))
        return wrong(s, "server", err, "must end with its path");
    if (text_copy(s, "tls-server-name", &c->tls.server_name, err) < 0 || text_copy(s, "proxy-url", &c->proxy_url, err) < 0 ||
        bool_get(s, "insecure-skip-tls-verify", &c->tls.insecure, err) < 0 ||
        pem_get(s, "certificate-authority", &c->tls.ca_pem, &c->ca_file, err) < 0)
        return -1;
    if (c->tls.insecure && c->tls.ca_pem)
        return wrong(s, "insecure-skip-tls-verify", err, "must not be true beside a certificate-authority");
    if (c->proxy_url && !str_starts(c->proxy_url, "http://") && !str_starts(c->proxy_url, "https://") &&
        !str_starts(c->proxy_url, "socks5://"))
        return wrong(s, "proxy-url", err, "must begin with http://, https:// or socks5://");
    c->ca_read = time_monotonic();
    return 0;
}

static int token_take(const struct stanza *s, struct config *c, struct error *err)
{
    const char *token, *path;
    if (text_get(s, "token", &token, err) < 0 || text_get(s, "tokenFile", &path, err) < 0)
        return -1;
    if (token && strpbrk(token, " \t\r\n"))
        return wrong(s, "token", err, "has blanks in it");
    if (path) { /* goes before `token` (client-go transport.Config) */
        c->token_file = path_of(s, path);
        c->token_read = time_monotonic();
        if (file_read_token(c->token_file, &c->token, err) < 0)
            return error_wrap(err, "%s: %s \"%s\": tokenFile", s->path, s->kind, s->name);
    } else {
        c->token = mem_strdup(token);
    }
    return 0;
}

/* What spec.cluster of KUBERNETES_EXEC_INFO shows (client-go pkg/apis/clientauthentication/v1 Cluster). */
static json_t *cluster_info(const struct stanza *cluster, const struct config *c)
{
    json_t *info = json_pack("{s:s}", "server", c->server);
    static const char *const fields[] = {"certificate-authority-data", "tls-server-name", "proxy-url"};
    for (size_t i = 0; i < array_len(fields); i++)
        if (json_is_string(json_object_get(cluster->body, fields[i])))
            json_object_set(info, fields[i], json_object_get(cluster->body, fields[i]));
    if (c->tls.insecure)
        json_object_set_new(info, "insecure-skip-tls-verify", json_true());
    return info;
}

static int user_take(const struct stanza *s, const struct stanza *cluster, struct config *c, struct error *err)
{
    const json_t *provider = json_object_get(s->body, "auth-provider"), *exec = json_object_get(s->body, "exec");
    if (pem_get(s, "client-certificate", &c->tls.cert_pem, NULL, err) < 0 ||
        pem_get(s, "client-key", &c->tls.key_pem, NULL, err) < 0 || token_take(s, c, err) < 0 ||
        text_copy(s, "username", &c->username, err) < 0 || text_copy(s, "password", &c->password, err) < 0)
        return -1;
    if (!c->tls.cert_pem != !c->tls.key_pem)
        return wrong(s, c->tls.cert_pem ? "client-key" : "client-certificate", err, "is missing beside the other of the two");
    if (impersonate_headers(s->body, &c->impersonate, err) < 0)
        return error_wrap(err, "%s: %s \"%s\"", s->path, s->kind, s->name);
    bool have = c->tls.cert_pem || c->token || c->username;
    if (!have && json_is_object(provider)) {
        const char *name = json_string_value(json_object_get(provider, "name"));
        char what[200], quoted[64];
        str_format(what, sizeof(what), "\"%s\" is not supported; use an exec credential plugin or a token",
                   str_quote(quoted, sizeof(quoted), name ? name : ""));
        return wrong(s, "auth-provider", err, what);
    }
    if (have || !exec ||
        json_is_null(exec)) /* a plugin is for those who have nothing else (client-go plugin/pkg/client/auth/exec) */
        return 0;
    json_auto_t *info = cluster_info(cluster, c);
    if (exec_plugin_new(exec, s->dir, info, &c->exec, err) < 0)
        return error_wrap(err, "%s: %s \"%s\"", s->path, s->kind, s->name);
    return 0;
}

/* ── merging ── */

struct document {
    const char *path;
    char *dir;
    json_t *root;
};

static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return mem_strdup(".");
    return slash == path ? mem_strdup("/") : mem_strndup(path, (size_t)(slash - path));
}

static int document_load(const struct kubeconfig_text *text, struct document *ret_document, struct error *err)
{
    json_t *root = yaml_load(text->text, text->n, err);
    if (!root)
        return error_wrap(err, "%s", text->path);
    if (!json_is_object(root) && !json_is_null(root)) {
        json_decref(root);
        return error_set(err, ERROR_INVALID, "%s: is not a kubeconfig (a map with clusters, users and contexts)", text->path);
    }
    *ret_document = (struct document){.path = text->path, .dir = directory_of(text->path), .root = root};
    return 0;
}

/* `list`: "clusters", `kind`: "cluster". The first file that has the name wins. */
static int stanza_find(const struct document *documents, size_t count, const char *list, const char *kind, const char *name,
                       struct stanza *ret_stanza, struct error *err)
{
    char quoted[96];
    for (size_t d = 0; d < count; d++) {
        size_t i;
        json_t *item;
        json_array_foreach(json_object_get(documents[d].root, list), i, item)
        {
            if (!str_equal(json_string_value(json_object_get(item, "name")), name))
                continue;
            *ret_stanza = (struct stanza){.kind = kind,
                                          .name = name,
                                          .path = documents[d].path,
                                          .dir = documents[d].dir,
                                          .body = json_object_get(item, kind)};
            if (json_is_object(ret_stanza->body))
                return 0;
            return error_set(err, ERROR_INVALID, "%s: %s[%zu].%s: must be a map", documents[d].path, list, i, kind);
        }
    }
    return error_set(err, ERROR_NOT_FOUND, "%s%s: there is no %s \"%s\"", documents[0].path, count > 1 ? " and the others" : "",
                     kind, str_quote(quoted, sizeof(quoted), name));
}

static int documents_resolve(const struct document *documents, size_t count, const char *context, struct config *c,
                             struct error *err)
{
    struct stanza at, cluster, user;
    const char *cluster_name, *user_name, *ns;
    for (size_t d = 0; d < count && !context; d++) {
        context = json_string_value(json_object_get(documents[d].root, "current-context"));
        if (str_empty(context))
            context = NULL;
    }
    if (!context)
        return error_set(err, ERROR_INVALID, "%s: current-context: is missing; set it or name a context", documents[0].path);
    if (stanza_find(documents, count, "contexts", "context", context, &at, err) < 0 ||
        text_get(&at, "cluster", &cluster_name, err) < 0 || text_get(&at, "user", &user_name, err) < 0 ||
        text_get(&at, "namespace", &ns, err) < 0)
        return -1;
    if (!cluster_name)
        return wrong(&at, "cluster", err, "is missing; it must be the name of one of the clusters");
    if (ns && !str_is_dns_label(ns))
        return wrong(&at, "namespace", err, "is not the name of a namespace");
    c->ns = mem_strdup(ns ? ns : "default");
    if (stanza_find(documents, count, "clusters", "cluster", cluster_name, &cluster, err) < 0 || cluster_take(&cluster, c, err) < 0)
        return -1;
    if (!user_name)
        return 0; /* anonymous */
    if (stanza_find(documents, count, "users", "user", user_name, &user, err) < 0)
        return -1;
    return user_take(&user, &cluster, c, err);
}

int kubeconfig_merge(const struct kubeconfig_text *texts, size_t count, const char *context, struct config *ret_config,
                     struct error *err)
{
    struct document documents[FILES_MAX] = {0};
    auto_config struct config c = {0};
    size_t loaded = 0;
    int r = count > FILES_MAX ? error_set(err, ERROR_INVALID, "more than %d kubeconfig files", FILES_MAX) : 0;
    while (r == 0 && loaded < count) {
        r = document_load(&texts[loaded], &documents[loaded], err);
        loaded += r == 0;
    }
    if (r == 0)
        r = documents_resolve(documents, count, context, &c, err);
    for (size_t d = 0; d < loaded; d++) {
        free(documents[d].dir);
        json_decref(documents[d].root);
    }
    if (r < 0)
        return r;
    *ret_config = c;
    c = (struct config){0};
    return 0;
}

/* ── the files ── */

static void paths_add(struct strlist *paths, const char *list)
{
    while (*list) {
        size_t n = strcspn(list, ":");
        auto_free char *path = mem_strndup(list, n);
        if (n > 0 && !strlist_has(paths, path))
            strlist_add(paths, path);
        list += n + (list[n] == ':');
    }
}

static int home_path(struct strlist *paths, struct error *err)
{
    const char *home = getenv("HOME");
    struct passwd *entry = str_empty(home) ? getpwuid(getuid()) : NULL;
    if (entry)
        home = entry->pw_dir;
    if (str_empty(home))
        return error_set(err, ERROR_NOT_FOUND, "no kubeconfig: neither KUBECONFIG nor HOME is set");
    auto_free char *path = mem_printf("%s/.kube/config", home);
    strlist_add(paths, path);
    return 0;
}

int config_load_kubeconfig(struct config *ret_config, const char *path, const char *context, struct error *err)
{
    auto_strlist struct strlist paths = {0}, contents = {0};
    const char *list = getenv("KUBECONFIG");
    if (path)
        strlist_add(&paths, path);
    else if (!str_empty(list))
        paths_add(&paths, list);
    else if (home_path(&paths, err) < 0)
        return -1;
    struct kubeconfig_text texts[FILES_MAX];
    size_t count = 0;
    struct error first = {0};
    for (size_t i = 0; i < paths.count && count < FILES_MAX; i++) {
        auto_free char *text = NULL;
        struct error problem = {0};
        if (file_read(paths.items[i], KUBECONFIG_MAX, &text, &problem) < 0) {
            if (problem.class != ERROR_NOT_FOUND)
                return error_set(err, problem.class, "kubeconfig: %s", problem.text);
            if (first.class == ERROR_NONE) /* of a list, those that are not there are passed over */
                first = problem;
            continue;
        }
        strlist_add(&contents, text);
        texts[count++] = (struct kubeconfig_text){.path = paths.items[i], .n = strlen(text)};
    }
    for (size_t i = 0; i < count; i++)
        texts[i].text = contents.items[i];
    if (count == 0)
        return error_set(err, first.class, "kubeconfig: %s", first.text);
    return kubeconfig_merge(texts, count, context, ret_config, err);
}
