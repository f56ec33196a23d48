#include "kube/config.h"

#include "base/str.h"
#include "kube/exec_plugin.h"
#include "kube/file.h"

#define TOKEN_AGE USEC_MINUTE       /* client-go transport/token_source.go */
#define CA_AGE    (5 * USEC_MINUTE) /* client-go transport/ca_rotation.go */

static void secret_free(char *s)
{
    if (s)
        explicit_bzero(s, strlen(s));
    free(s);
}

void config_done(struct config *c)
{
    free(c->server);
    free(c->ns);
    free(c->proxy_url);
    tls_done(&c->tls);
    secret_free(c->token);
    free(c->token_file);
    free(c->ca_file);
    free(c->username);
    secret_free(c->password);
    strlist_done(&c->impersonate);
    exec_plugin_free(c->exec);
    *c = (struct config){0};
}

static bool due(usec_t read, usec_t age, usec_t now)
{
    return now < read || now - read >= age;
}

void config_refresh(struct config *c, usec_t now, bool force)
{
    if (c->token_file && (force || due(c->token_read, TOKEN_AGE, now))) {
        char *token = NULL;
        c->token_read = now; /* a file that cannot be read is not tried at every request */
        if (file_read_token(c->token_file, &token, NULL) == 0) {
            secret_free(c->token);
            c->token = token;
        }
    }
    if (c->ca_file && (force || due(c->ca_read, CA_AGE, now))) {
        auto_free char *pem = NULL;
        c->ca_read = now;
        if (file_read(c->ca_file, FILE_SECRET_MAX, &pem, NULL) == 0 && !str_empty(pem) && !str_equal(pem, c->tls.ca_pem)) {
            free(c->tls.ca_pem);
            c->tls.ca_pem = mem_take(pem);
            c->generation++;
        }
    }
}
