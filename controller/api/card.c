#include "api/card.h"

#include "api/field.h"
#include "base/duration.h"
#include "base/str.h"

static const struct {
    const char *method, *member;
} methods[] = {
    {"CodePatch", "codePatch"},
    {"BinaryHide", "binaryHide"},
    {"HeartbeatBlock", "heartbeatBlock"},
    {"KillProcess", "killProcess"},
    {"ResponsePatch", "responsePatch"},
    {"FileCorrupt", "fileCorrupt"},
    {"CPUStress", "cpuStress"},
    {"MemoryStress", "memoryStress"},
    {"QueueFlood", "queueFlood"},
    {"ConfigModify", "configModify"},
    {"LatencyInjection", "latencyInjection"},
    {"SecretLeak", "secretLeak"},
    {"ProcessFreeze", "processFreeze"},
};

static const struct {
    const char *category, *ledger;
} categories[] = {
    {"CodeError", "code_error"},
    {"Dependency", "dependency"},
    {"KernelHealth", "kernel_health"},
    {"SchemaDrift", "schema_drift"},
    {"ModelCorruption", "model_corruption"},
    {"Resource", "resource"},
    {"ConfigDrift", "config_drift"},
    {"Network", "network"},
    {"Security", "security"},
};

const char *card_ledger_category(const char *category)
{
    for (size_t i = 0; i < array_len(categories); i++)
        if (str_equal(categories[i].category, category))
            return categories[i].ledger;
    return "other";
}

static int card_decode_injection(const json_t *root, struct card *c, struct error *err)
{
    if (field_str(root, "spec.injection.method", "{method: KillProcess, killProcess: {signal: KILL}, duration: 90s}", &c->method,
                  err) < 0)
        return -1;
    const char *member = NULL;
    for (size_t i = 0; i < array_len(methods); i++)
        if (str_equal(methods[i].method, c->method))
            member = methods[i].member;
    char quoted[FIELD_QUOTE_SIZE];
    if (!member)
        return error_set(err, ERROR_INVALID, "spec.injection.method: %s is not an injection method; write for example KillProcess",
                         field_quote(json_at(root, "spec.injection.method"), quoted));
    for (size_t i = 0; i < array_len(methods); i++)
        if (!str_equal(methods[i].member, member) && json_at(json_at(root, "spec.injection"), methods[i].member))
            return error_set(err, ERROR_INVALID,
                             "spec.injection.%s does not go with method %s; write %s, or nothing for its defaults",
                             methods[i].member, c->method, member);
    c->params = json_at(json_at(root, "spec.injection"), member);
    if (!json_at(root, "spec.injection.duration"))
        return error_set(err, ERROR_INVALID, "spec.injection.duration is missing; write for example duration: 90s");
    if (field_duration(root, "spec.injection.duration", 0, &c->duration, err) < 0)
        return -1;
    if (c->duration <= 0)
        return error_set(err, ERROR_INVALID, "spec.injection.duration must be more than nothing, for example 90s");
    char path[64];
    str_format(path, sizeof(path), "spec.injection.%s", member);
    return field_references(c->params, path, err);
}

static int card_decode_expect(const json_t *root, struct card *c, struct error *err)
{
    if (field_duration(root, "spec.slo.detectWithin", USEC_NEVER, &c->detect_within, err) < 0 ||
        field_duration(root, "spec.slo.healWithin", USEC_NEVER, &c->heal_within, err) < 0)
        return -1;
    char text[32], heal[32];
    /* Healing counts only while the fault is in force. */
    if (c->heal_within != USEC_NEVER && c->heal_within > c->duration)
        return error_set(err, ERROR_INVALID,
                         "spec.injection.duration: %s is shorter than spec.slo.healWithin (%s); healing counts only "
                         "while the fault is in force",
                         duration_format(c->duration, text, sizeof(text)), duration_format(c->heal_within, heal, sizeof(heal)));

    if (field_str(root, "spec.expect.trigger.name", "trigger: {name: health-signal-gap}", &c->trigger, err) < 0)
        return -1;
    usec_t within = c->detect_within != USEC_NEVER ? c->detect_within : c->duration;
    if (field_duration(root, "spec.expect.trigger.within", within, &c->trigger_within, err) < 0)
        return -1;

    const json_t *playbooks = json_at(root, "spec.expect.playbooks");
    c->playbook_count = json_array_size(playbooks);
    if (c->playbook_count > CARD_PLAYBOOKS_MAX)
        return error_set(err, ERROR_INVALID, "spec.expect.playbooks has %zu entries; at most %d are allowed", c->playbook_count,
                         CARD_PLAYBOOKS_MAX);
    within = c->heal_within != USEC_NEVER ? c->heal_within : c->duration;
    for (size_t i = 0; i < c->playbook_count; i++) {
        const json_t *playbook = json_array_get(playbooks, i);
        if (field_str(playbook, "name", "{name: kernel-heartbeat-gap}", &c->playbooks[i].name, err) < 0 ||
            field_duration(playbook, "within", within, &c->playbooks[i].within, err) < 0)
            return field_within(err, "spec.expect.playbooks[%zu]", i);
    }
    return field_int(root, "spec.expect.codingTasks.minimum", 0, 16, 0, &c->coding_tasks, err);
}

static int card_decode_into(json_t *root, struct card *c, struct error *err)
{
    meta_decode(root, &c->meta);
    if (field_texts(json_at(root, "spec"), "spec", err) < 0 || field_str(root, "spec.id", "id: KH001", &c->id, err) < 0)
        return -1;
    c->title = json_str(root, "spec.title", "");
    c->category = json_str(root, "spec.category", "");
    c->risk = json_num(root, "spec.risk", 1);
    if (c->risk < 0)
        return error_set(err, ERROR_INVALID, "spec.risk: %g is below 0; write for example 1.5", c->risk);
    if (card_decode_injection(root, c, err) < 0 || card_decode_expect(root, c, err) < 0)
        return -1;
    c->verify = json_at(root, "spec.verify");
    if (json_array_size(c->verify) == 0)
        return error_set(err, ERROR_INVALID,
                         "spec.verify is empty: without a probe the service level cannot be proved; "
                         "write for example [{name: latency, probe: {slo: {}}}]");
    c->rollback = json_at(root, "spec.rollback.when");
    if (field_probes(c->verify, "spec.verify", err) < 0)
        return -1;
    return field_probes(c->rollback, "spec.rollback.when", err);
}

int card_decode(json_t *object, struct card *ret_card, struct error *err)
{
    struct card card = {0};
    if (card_decode_into(object, &card, err) < 0)
        return -1;
    card.root = json_incref(object);
    *ret_card = card;
    return 0;
}

void card_done(struct card *c)
{
    json_decref(c->root);
    *c = (struct card){0};
}
