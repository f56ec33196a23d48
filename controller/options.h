/* options.h — the controller's command line. */
#pragma once

#include "base/error.h"
#include "base/list.h"
#include "base/log.h"
#include "base/time.h"

struct options {
    const char *kubeconfig, *context; /* NULL: in the cluster, else the usual files */
    struct strlist namespaces;        /* empty: all */
    const char *catalog_namespace;    /* NULL: the own one */
    const char *own_namespace;        /* NULL: the pod's, or the context's */
    const char *listen;               /* "0.0.0.0:8080" */
    usec_t lease;
    bool elect;
    enum log_level log_level;
    bool drain;         /* the command `drain`: stop every drill, wait until nothing is left, end */
    const char *owner;  /* drain: the Deployment that the global stop goes with; NULL: none */
    usec_t within;      /* drain: how long it may take */
    bool version, help; /* only print that */
};
/* Everything is checked before anything is done. INVALID quotes what is wrong and says what would be right. Strings are borrowed from
 * argv. */
int options_parse(int argc, char *const *argv, struct options *ret_options, struct error *err);
void options_done(struct options *o);
#define auto_options __attribute__((cleanup(options_done)))
extern const char options_help[];
