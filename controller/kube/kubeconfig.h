/* kube/kubeconfig.h — the pure half of reading kubeconfigs: texts in, one struct config out. config_load_kubeconfig() (kube/config.h)
 * finds and reads the files; here for the tests and the fuzz target. */
#pragma once

#include "kube/config.h"

struct kubeconfig_text {
    const char *path; /* for error texts, and its folder for relative paths */
    const char *text;
    size_t n;
};

/* Merged first-wins (client-go tools/clientcmd/loader.go). Files that the result names (certificates, tokens) are read; an exec
 * plugin is set up, not run. Errors name file, field and what would be right. */
int kubeconfig_merge(const struct kubeconfig_text *texts, size_t count, const char *context, struct config *ret_config,
                     struct error *err);
