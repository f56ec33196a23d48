/* api/kind.h — the kinds that the program reads and writes, one row each. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum kind {
    KIND_TARGET,   /* DrillTarget */
    KIND_CARD,     /* ChaosCard */
    KIND_SCHEDULE, /* DrillSchedule */
    KIND_DRILL,
    KIND_TRIGGER,
    KIND_PLAYBOOK,
    KIND_RUN,       /* PlaybookRun */
    KIND_TASK,      /* CodingTask */
    KIND_TEMPLATE,  /* RemediationTemplate */
    KIND_POD,       /* only those that carry the label drillyard.dev/agent=enabled; reduced on arrival */
    KIND_NAMESPACE, /* only those that carry the label drillyard.dev/drills=enabled; metadata only */
    KIND_LEDGER,    /* ConfigMap with the label drillyard.dev/ledger=segment */
    KIND_STOP, /* ConfigMap named drillyard-stop: while it exists, no drill runs where it lies (everywhere: catalog namespace) */
    KIND_COUNT,
};

#define API_GROUP          "drillyard.dev"
#define API_VERSION        "drillyard.dev/v1alpha1"
#define FINALIZER          "drillyard.dev/revert"
#define LABEL_AGENT        "drillyard.dev/agent"    /* on pods: enabled */
#define LABEL_DRILLS       "drillyard.dev/drills"   /* on namespaces: enabled */
#define LABEL_LEDGER       "drillyard.dev/ledger"   /* on ledger ConfigMaps: segment */
#define LABEL_CARD         "drillyard.dev/card"     /* on drills: the card's object name, cut to 63 */
#define LABEL_TARGET       "drillyard.dev/target"   /* on drills, runs, tasks: the target's name, cut to 63 */
#define LABEL_SCHEDULE     "drillyard.dev/schedule" /* on drills that a schedule made: its name, cut to 63 */
#define STOP_NAME          "drillyard-stop"
#define INJECTOR_CONTAINER "drill-injector"

struct kind_info {
    const char *kind;        /* "Drill" */
    const char *api_version; /* "drillyard.dev/v1alpha1", "v1" */
    const char *plural;      /* "drills" */
    const char *prefix;      /* "/apis/drillyard.dev/v1alpha1", "/api/v1" */
    const char *selector;    /* query for list and watch: "labelSelector=…" or "fieldSelector=…", encoded; NULL: none */
    bool namespaced;
    bool status; /* has a status subresource that we write */
};
const struct kind_info *kind_info(enum kind kind);          /* never NULL for kind < KIND_COUNT */
bool kind_from_name(const char *name, enum kind *ret_kind); /* by "Drill"; core kinds by theirs, ConfigMap gives KIND_LEDGER */

/* Its condition and counters are all that is written of it, and no drill waits for them: they wait for drills. */
bool kind_keeps_books(enum kind kind);

/* Which object: a plain value. ns is "" for cluster-scoped kinds. */
struct key {
    enum kind kind;
    char ns[64];
    char name[254];
};
struct key key_of(enum kind kind, const char *ns, const char *name); /* NULL counts as "" */
bool key_equal(const struct key *a, const struct key *b);
#define KEY_TEXT_SIZE 352
const char *key_text(const struct key *k, char dest[KEY_TEXT_SIZE]); /* "Drill/team-a/x7k2": for maps and logs */
bool key_parse(const char *text, struct key *ret_key);               /* the inverse of key_text */
