/* tests/unit/fake/conn.h — one connection of the scripted server, in its thread. For server.c and conn.c only. */
#pragma once

#include "base/buf.h"
#include "base/list.h"
#include "fake/server.h"

#include <openssl/ssl.h>
#include <pthread.h>

#define FAKE_BYTES_MAX ((size_t)64 << 20)

struct fake_request {
    char *text;
    int connection;
};

struct fake_server {
    struct fake_options options;
    int listener, stop; /* stop: an eventfd that becomes readable and stays so */
    int port;
    char url[64];
    SSL_CTX *tls;
    pthread_t acceptor;

    pthread_mutex_t lock; /* for what follows */
    int connections;
    struct fake_request requests[4096];
    int request_count;
    char complaint[512];
    char *sni;
    struct list threads;
};

struct fake_conn {
    struct fake_server *server;
    int fd, number;
    SSL *ssl;
    const struct fake_step *script;
    struct buf in; /* read but not consumed */
    struct buf request;
    bool repeated;
    pthread_t thread;
    struct list node;
};

void *fake_conn_run(void *conn); /* a thread's main; closes the connection at its end */
