#include "base/rfc3339.h"
#include "base/str.h"
#include "kube/exec_plugin.h"

static void secret_free(char *s)
{
    if (s)
        explicit_bzero(s, strlen(s));
    free(s);
}

void exec_credential_done(struct exec_credential *c)
{
    secret_free(c->token);
    free(c->cert_pem);
    secret_free(c->key_pem);
    *c = (struct exec_credential){0};
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));
    return str_empty(s) ? NULL : s;
}

/* A header line is made of it. */
static bool is_token(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s <= ' ' || (unsigned char)*s >= 0x7f)
            return false;
    return true;
}

int exec_credential_decode(const char *json, size_t n, const char *api_version, struct exec_credential *ret_credential,
                           struct error *err)
{
    json_error_t where;
    char quoted[96];
    json_auto_t *root = json_loadb(json, n, 0, &where);
    if (!root)
        return error_set(err, ERROR_INVALID, "it printed no JSON (line %d: %s)", where.line, where.text);
    const char *version = text_of(root, "apiVersion"), *kind = text_of(root, "kind");
    if (!str_equal(version, api_version))
        return error_set(err, ERROR_INVALID, "it printed apiVersion \"%s\"; the kubeconfig asks for \"%s\"",
                         str_quote(quoted, sizeof(quoted), version ? version : ""), api_version);
    if (!str_equal(kind, "ExecCredential"))
        return error_set(err, ERROR_INVALID, "it printed kind \"%s\"; ExecCredential is expected",
                         str_quote(quoted, sizeof(quoted), kind ? kind : ""));
    const json_t *status = json_object_get(root, "status");
    const char *token = text_of(status, "token"), *cert = text_of(status, "clientCertificateData"),
               *key = text_of(status, "clientKeyData"), *expiry = text_of(status, "expirationTimestamp");
    if (!json_is_object(status))
        return error_set(err, ERROR_INVALID, "it printed no status");
    if (!cert != !key)
        return error_set(err, ERROR_INVALID, "status has only one of clientCertificateData and clientKeyData");
    if (!token && !cert)
        return error_set(err, ERROR_INVALID, "status has neither a token nor clientCertificateData and clientKeyData");
    if (token && !is_token(token))
        return error_set(err, ERROR_INVALID, "status.token has blanks or control characters in it");
    usec_t wall_expiry = USEC_NEVER;
    if (expiry && !rfc3339_parse(expiry, &wall_expiry))
        return error_set(err, ERROR_INVALID, "status.expirationTimestamp: \"%s\" is no RFC 3339 time",
                         str_quote(quoted, sizeof(quoted), expiry));
    *ret_credential = (struct exec_credential){
        .token = mem_strdup(token), .cert_pem = mem_strdup(cert), .key_pem = mem_strdup(key), .wall_expiry = wall_expiry};
    return 0;
}
