/* serve/serve.h — what the program shows over HTTP: /healthz (the loop turns), /readyz (all kinds were listed once), /metrics.
 *
 * Reads the shell, changes nothing. */
#pragma once

#include "net/http_server.h"
#include "shell/shell.h"

struct serve;
/* `listen`: as http_server_new(). The shell must outlive it. */
int serve_new(struct loop *loop, struct shell *shell, const char *listen, struct serve **ret_serve, struct error *err);
void serve_free(struct serve *s); /* NULL is fine */
int serve_port(const struct serve *s);
