/* How a pod reaches its own API server (client-go rest/config.go InClusterConfig). */
#include "base/str.h"
#include "kube/config.h"
#include "kube/file.h"

#define DIRECTORY "/var/run/secrets/kubernetes.io/serviceaccount"

int config_load_in_cluster(struct config *ret_config, const char *dir, struct error *err)
{
    const char *host = getenv("KUBERNETES_SERVICE_HOST"), *port = getenv("KUBERNETES_SERVICE_PORT");
    int64_t number;
    if (str_empty(host) || str_empty(port))
        return error_set(err, ERROR_NOT_FOUND,
                         "not in a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set; "
                         "outside of a cluster use a kubeconfig");
    if (!str_to_i64(port, 1, 65535, &number)) {
        char quoted[64];
        return error_set(err, ERROR_INVALID, "KUBERNETES_SERVICE_PORT: \"%s\" is not a port",
                         str_quote(quoted, sizeof(quoted), port));
    }
    if (!dir)
        dir = DIRECTORY;
    auto_config struct config c = {0};
    auto_free char *namespace_file = mem_printf("%s/namespace", dir);
    bool v6 = strchr(host, ':') != NULL;
    c.server = mem_printf("https://%s%s%s:%d", v6 ? "[" : "", host, v6 ? "]" : "", (int)number);
    c.token_file = mem_printf("%s/token", dir);
    c.ca_file = mem_printf("%s/ca.crt", dir);
    c.token_read = c.ca_read = time_monotonic();
    c.proxy_url = mem_strdup(""); /* the API server is a neighbour: never by way of the environment's proxy */
    if (file_read_token(c.token_file, &c.token, err) < 0 || file_read(c.ca_file, FILE_SECRET_MAX, &c.tls.ca_pem, err) < 0)
        return error_wrap(err, "the pod's service account");
    if (file_read_token(namespace_file, &c.ns, NULL) < 0)
        c.ns = mem_strdup("default");
    *ret_config = c;
    c = (struct config){0};
    return 0;
}
