#include "api/kind.h"

#include "base/str.h"

#define DRILLYARD_KIND(name, plural_name)                                                                                          \
    {                                                                                                                              \
        .kind = name, .api_version = API_VERSION, .plural = plural_name, .prefix = "/apis/" API_VERSION, .namespaced = true,       \
        .status = true                                                                                                             \
    }

static const struct kind_info kinds[KIND_COUNT] = {
    [KIND_TARGET] = DRILLYARD_KIND("DrillTarget", "drilltargets"),
    [KIND_CARD] = DRILLYARD_KIND("ChaosCard", "chaoscards"),
    [KIND_SCHEDULE] = DRILLYARD_KIND("DrillSchedule", "drillschedules"),
    [KIND_DRILL] = DRILLYARD_KIND("Drill", "drills"),
    [KIND_TRIGGER] = DRILLYARD_KIND("Trigger", "triggers"),
    [KIND_PLAYBOOK] = DRILLYARD_KIND("Playbook", "playbooks"),
    [KIND_RUN] = DRILLYARD_KIND("PlaybookRun", "playbookruns"),
    [KIND_TASK] = DRILLYARD_KIND("CodingTask", "codingtasks"),
    [KIND_TEMPLATE] = DRILLYARD_KIND("RemediationTemplate", "remediationtemplates"),
    [KIND_POD] = {.kind = "Pod",
                  .api_version = "v1",
                  .plural = "pods",
                  .prefix = "/api/v1",
                  .selector = "labelSelector=drillyard.dev%2Fagent%3Denabled",
                  .namespaced = true},
    [KIND_NAMESPACE] = {.kind = "Namespace",
                        .api_version = "v1",
                        .plural = "namespaces",
                        .prefix = "/api/v1",
                        .selector = "labelSelector=drillyard.dev%2Fdrills%3Denabled"},
    [KIND_LEDGER] = {.kind = "ConfigMap",
                     .api_version = "v1",
                     .plural = "configmaps",
                     .prefix = "/api/v1",
                     .selector = "labelSelector=drillyard.dev%2Fledger%3Dsegment",
                     .namespaced = true},
    [KIND_STOP] = {.kind = "ConfigMap",
                   .api_version = "v1",
                   .plural = "configmaps",
                   .prefix = "/api/v1",
                   .selector = "fieldSelector=metadata.name%3Ddrillyard-stop",
                   .namespaced = true},
};

const struct kind_info *kind_info(enum kind kind)
{
    return &kinds[kind];
}

bool kind_keeps_books(enum kind kind)
{
    return kind == KIND_CARD || kind == KIND_PLAYBOOK || kind == KIND_TASK;
}

bool kind_from_name(const char *name, enum kind *ret_kind)
{
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        if (str_equal(kinds[kind].kind, name)) { /* the ledger stands before the stop, so ConfigMap gives it */
            *ret_kind = kind;
            return true;
        }
    return false;
}

struct key key_of(enum kind kind, const char *ns, const char *name)
{
    struct key key = {.kind = kind};
    str_copy(key.ns, sizeof(key.ns), ns ? ns : "");
    str_copy(key.name, sizeof(key.name), name ? name : "");
    return key;
}

bool key_equal(const struct key *a, const struct key *b)
{
    return a->kind == b->kind && str_equal(a->ns, b->ns) && str_equal(a->name, b->name);
}

/* Two of our kinds are ConfigMaps; their keys must differ in a map. */
static const char *key_word(enum kind kind)
{
    return kind == KIND_LEDGER ? "Ledger" : kind == KIND_STOP ? "Stop" : kinds[kind].kind;
}

const char *key_text(const struct key *k, char dest[KEY_TEXT_SIZE])
{
    str_join(dest, KEY_TEXT_SIZE, '/', 3, (const char *const[]){key_word(k->kind), k->ns, k->name});
    return dest;
}

bool key_parse(const char *text, struct key *ret_key)
{
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        size_t length = strlen(key_word(kind));
        if (strncmp(text, key_word(kind), length) != 0 || text[length] != '/')
            continue;
        const char *ns = text + length + 1, *slash = strchr(ns, '/');
        if (!slash || (size_t)(slash - ns) >= sizeof(ret_key->ns) || strlen(slash + 1) >= sizeof(ret_key->name))
            return false;
        *ret_key = (struct key){.kind = kind};
        str_format(ret_key->ns, sizeof(ret_key->ns), "%.*s", (int)(slash - ns), ns);
        str_copy(ret_key->name, sizeof(ret_key->name), slash + 1);
        return true;
    }
    return false;
}
