#include "fake/pki.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

struct fake_ca {
    EVP_PKEY *key;
    X509 *cert;
    char *pem;
    long serial;
};

#define MUST(x)                                                                                                                    \
    do {                                                                                                                           \
        if (!(x))                                                                                                                  \
            abort();                                                                                                               \
    } while (0)

static char *bio_take(BIO *bio)
{
    char *data;
    long n = BIO_get_mem_data(bio, &data);
    char *copy = strndup(data, (size_t)n);
    MUST(copy);
    BIO_free(bio);
    return copy;
}

static char *cert_pem(X509 *cert)
{
    BIO *bio = BIO_new(BIO_s_mem());
    MUST(PEM_write_bio_X509(bio, cert));
    return bio_take(bio);
}

static char *key_pem(EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    MUST(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL));
    return bio_take(bio);
}

static void extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    MUST(ext);
    MUST(X509_add_ext(cert, ext, -1));
    X509_EXTENSION_free(ext);
}

static X509 *cert_new(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key, long serial, const char *basic,
                      const char *san)
{
    X509 *cert = X509_new();
    MUST(cert);
    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), serial);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(issuer ? issuer : cert));
    X509_set_pubkey(cert, key);
    extend(cert, issuer ? issuer : cert, NID_basic_constraints, basic);
    extend(cert, issuer ? issuer : cert, NID_subject_key_identifier, "hash");
    if (san)
        extend(cert, issuer, NID_subject_alt_name, san);
    MUST(X509_sign(cert, issuer_key, EVP_sha256()));
    return cert;
}

struct fake_ca *fake_ca_new(const char *name)
{
    struct fake_ca *ca = calloc(1, sizeof *ca);
    MUST(ca);
    ca->key = EVP_EC_gen("P-256");
    MUST(ca->key);
    ca->serial = 1;
    ca->cert = cert_new(name, ca->key, NULL, ca->key, ca->serial, "critical,CA:TRUE", NULL);
    ca->pem = cert_pem(ca->cert);
    return ca;
}

void fake_ca_free(struct fake_ca *ca)
{
    if (!ca)
        return;
    X509_free(ca->cert);
    EVP_PKEY_free(ca->key);
    free(ca->pem);
    free(ca);
}

const char *fake_ca_pem(const struct fake_ca *ca)
{
    return ca->pem;
}

struct fake_identity *fake_identity_new(struct fake_ca *ca, const char *common_name, const char *san)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    MUST(key);
    X509 *cert = cert_new(common_name, key, ca->cert, ca->key, ++ca->serial, "critical,CA:FALSE", san);
    struct fake_identity *id = calloc(1, sizeof *id);
    MUST(id);
    id->cert_pem = cert_pem(cert);
    id->key_pem = key_pem(key);
    X509_free(cert);
    EVP_PKEY_free(key);
    return id;
}

void fake_identity_free(struct fake_identity *id)
{
    if (!id)
        return;
    free(id->cert_pem);
    free(id->key_pem);
    free(id);
}
