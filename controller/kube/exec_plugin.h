/* kube/exec_plugin.h — credentials from a program: the `exec` stanza of a kubeconfig's user (client-go plugin/pkg/client/auth/exec).
 *
 * The program gets KUBERNETES_EXEC_INFO and no terminal (its stdin is /dev/null), and prints an ExecCredential of the same
 * apiVersion; the token, or the certificate and key, go into the struct config that owns the plugin. It runs as a child of the loop:
 * nothing waits for it. What it prints to stderr stands in the error's text, cut.
 *
 * Use: exec_plugin_wait() once at start; then, before a request, exec_plugin_start() when exec_plugin_due(), and once after a 401. */
#pragma once

#include "base/error.h"
#include "base/time.h"

#include <jansson.h>

struct config;
struct exec_plugin;
struct loop;

#define EXEC_PLUGIN_OUTPUT_MAX ((size_t)1 << 20)
#define EXEC_PLUGIN_TIMEOUT    (60 * USEC_SEC) /* then it is killed */
#define EXEC_PLUGIN_LEEWAY     (10 * USEC_SEC) /* so much before its expiry a credential counts as expired */

/* `stanza`: apiVersion (…/v1 or …/v1beta1), command, args, env, interactiveMode, provideClusterInfo, installHint. A command with a
 * slash in it is relative to `dir`. `cluster`: for spec.cluster (server, certificate-authority-data, …), used where
 * provideClusterInfo says so; borrowed, NULL is fine. INVALID names the field. */
int exec_plugin_new(const json_t *stanza, const char *dir, json_t *cluster, struct exec_plugin **ret_plugin, struct error *err);
void exec_plugin_free(struct exec_plugin *p); /* kills a run under way; its callbacks are not called; NULL is fine */

/* No credential yet, or it is expired or about to be. `wall`: UTC. */
bool exec_plugin_due(const struct exec_plugin *p, usec_t wall);

/* Runs the program, unless it is running: then this waiter joins. On success config (which must outlive the run) has the new token or
 * certificate (then config->generation has risen). `done` is never called from inside this. */
void exec_plugin_start(struct exec_plugin *p, struct loop *loop, struct config *config,
                       void (*done)(void *userdata, const struct error *err), void *userdata);

/* For the start of a program, where there is nothing else to do meanwhile: blocks until it is done. TIMEOUT, FORBIDDEN (it failed),
 * INVALID (what it printed), NOT_FOUND (no such program; with the installHint). */
int exec_plugin_wait(struct exec_plugin *p, struct config *config, usec_t timeout, struct error *err);

/* The pure half, for the fuzz target: what was printed to what it says. Strings are the caller's; token NULL or cert and key NULL. */
struct exec_credential {
    char *token, *cert_pem, *key_pem;
    usec_t wall_expiry; /* USEC_NEVER: none said */
};
int exec_credential_decode(const char *json, size_t n, const char *api_version, struct exec_credential *ret_credential,
                           struct error *err);
void exec_credential_done(struct exec_credential *c);
