/* kube/config.h — how to reach and convince an API server, whatever it came from (a kubeconfig or the pod we run in).
 *
 * kubeconfig.c fills it from files, incluster.c from the service account. What can change while we run (token files, the CA, exec
 * plugins) is behind config_refresh(). */
#pragma once

#include "base/error.h"
#include "base/list.h"
#include "base/time.h"
#include "net/tls.h"

struct config {
    char *server;    /* "https://host:port[/prefix]", no trailing slash */
    char *ns;        /* the context's namespace or the pod's own; "default" where neither says */
    char *proxy_url; /* NULL: as the environment says */
    struct tls tls;
    char *token;                /* the bearer token now; NULL: none */
    char *token_file;           /* NULL: static; else re-read when older than a minute, and after a 401 */
    char *ca_file;              /* NULL: static; else re-read every 5 minutes; a change means new connections */
    char *username, *password;  /* basic; NULL: none */
    struct strlist impersonate; /* "Impersonate-User: jane" …, ready header lines */
    struct exec_plugin *exec;   /* NULL: none; kube/exec_plugin.h */
    usec_t token_read, ca_read; /* monotonic; when last read */
    unsigned generation;        /* rises when tls or proxy changed: pooled connections are to be dropped */
};
void config_done(struct config *c);
#define auto_config __attribute__((cleanup(config_done)))

/* KUBERNETES_SERVICE_HOST/PORT and the service account's files below `dir` (NULL: /var/run/secrets/kubernetes.io/serviceaccount). */
int config_load_in_cluster(struct config *ret_config, const char *dir, struct error *err);
/* `path` NULL: $KUBECONFIG (a colon list, merged, first wins), else ~/.kube/config. `context` NULL: current-context. Errors name file,
 * field and what would be right. */
int config_load_kubeconfig(struct config *ret_config, const char *path, const char *context, struct error *err);

/* Re-reads what is due (files only; never blocks long); a failed read keeps the old value and returns 0. force: after a 401. */
void config_refresh(struct config *c, usec_t now, bool force);
