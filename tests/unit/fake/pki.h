/* tests/unit/fake/pki.h — certificate authorities and certificates made on the spot (EC P-256, valid for a day). */
#pragma once

struct fake_ca;
struct fake_identity {
    char *cert_pem, *key_pem;
};

struct fake_ca *fake_ca_new(const char *name); /* aborts when it cannot, as everything here */
void fake_ca_free(struct fake_ca *ca);         /* NULL is fine */
const char *fake_ca_pem(const struct fake_ca *ca);

/* `san`: OpenSSL's notation, "IP:127.0.0.1,DNS:localhost"; NULL: a client certificate with only the common name. */
struct fake_identity *fake_identity_new(struct fake_ca *ca, const char *common_name, const char *san);
void fake_identity_free(struct fake_identity *id); /* NULL is fine */
