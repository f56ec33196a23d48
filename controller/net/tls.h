/* net/tls.h — whom to trust and who we are: one value that http and ws both take.
 *
 * All PEM in memory, so that a key never lies in a temporary file. Strings are owned by the struct. */
#pragma once

#include "base/error.h"

struct tls {
    char *ca_pem;      /* NULL: the system's store */
    char *cert_pem;    /* NULL: no client certificate */
    char *key_pem;     /* with cert_pem */
    char *server_name; /* NULL: the URL's host; else SNI and the name that the certificate must carry */
    bool insecure;     /* verify nothing (kubeconfig insecure-skip-tls-verify) */
};
void tls_copy(struct tls *to, const struct tls *from);
void tls_done(struct tls *t);
