#include "net/tls.h"

#include <string.h>

void tls_copy(struct tls *to, const struct tls *from)
{
    *to = (struct tls){
        .ca_pem = mem_strdup(from->ca_pem),
        .cert_pem = mem_strdup(from->cert_pem),
        .key_pem = mem_strdup(from->key_pem),
        .server_name = mem_strdup(from->server_name),
        .insecure = from->insecure,
    };
}

void tls_done(struct tls *t)
{
    if (t->key_pem)
        explicit_bzero(t->key_pem, strlen(t->key_pem));
    free(t->ca_pem);
    free(t->cert_pem);
    free(t->key_pem);
    free(t->server_name);
    *t = (struct tls){0};
}
