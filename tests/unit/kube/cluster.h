/* tests/unit/kube/cluster.h — a fake API server, a loop and a client of it. Include after check.h. */
#pragma once

#include "base/str.h"
#include "fake/run.h"
#include "fake/server.h"
#include "kube/client.h"

#define JSON_OK(body) FAKE_ANSWER("200 OK", "Content-Type: application/json\r\n", body)
#define REFUSAL(status, headers, reason, message)                                                                                  \
    FAKE_ANSWER(status, "Content-Type: application/json\r\n" headers,                                                              \
                "{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"" reason "\",\"message\":\"" message "\"}")

struct cluster {
    struct fake_server *server;
    struct loop *loop;
    struct config config;
    struct client *client;
};

static inline void cluster_init(struct cluster *c, const struct fake_options *o)
{
    *c = (struct cluster){0};
    c->server = fake_server_start(o);
    CHECK_INT(loop_new(&c->loop, NULL), 0);
    c->config.server = mem_strdup(fake_server_url(c->server));
    c->config.ns = mem_strdup("default");
    c->client = client_new(c->loop, &c->config);
}

static inline void cluster_done(struct cluster *c)
{
    CHECK_STR(fake_server_complaint(c->server), NULL);
    client_free(c->client);
    config_done(&c->config);
    loop_free(c->loop);
    fake_server_stop(c->server);
}
