#include "core/applies.h"

#include "base/str.h"
#include "core/probe.h"

/* What a method needs where the card gives no parameters, and so the defaults of its schema were not filled in. */
static const struct {
    const char *method, *facet;
} method_facets[] = {
    {"CodePatch", "source"},     {"BinaryHide", "binaries"},   {"HeartbeatBlock", "heartbeat"}, {"KillProcess", "process"},
    {"ResponsePatch", "api"},    {"FileCorrupt", "model"},     {"QueueFlood", "queue"},         {"ConfigModify", "config"},
    {"LatencyInjection", "api"}, {"ProcessFreeze", "process"},
};

static bool facet_there(const struct target *target, const char *facet, char why[160])
{
    if (json_at(target->facets, facet))
        return true;
    str_format(why, 160, "the target has no facet %s; set spec.facets.%s", facet, facet);
    return false;
}

/* A probe on which a verdict hangs must be one that can be looked at here. */
static bool probes_work(const json_t *probes, const struct target *target, const char *field, char why[160])
{
    for (size_t i = 0; i < json_array_size(probes); i++) {
        struct error err = {0};
        char path[64];
        str_format(path, sizeof(path), "%s[%zu].probe", field, i);
        json_t *probe = target_resolve_shared(target, json_at(json_array_get(probes, i), "probe"), path, &err), *agent = NULL;
        bool works = probe && probe_plan(probe, target, &agent, &err) != PROBE_UNSUPPORTED;
        json_decref(probe);
        json_decref(agent);
        if (works)
            continue;
        bool named = str_starts(err.text, path);
        str_format(why, 160, "%s%s%s", named ? "" : path, named ? "" : ": ", err.text);
        return false;
    }
    return true;
}

static bool method_allowed(const struct card *card, const struct target *target, char why[160])
{
    if (!target->allowed_methods)
        return true;
    for (size_t i = 0; i < json_array_size(target->allowed_methods); i++)
        if (str_equal(json_string_value(json_array_get(target->allowed_methods, i)), card->method))
            return true;
    str_format(why, 160, "method %s is not in spec.safety.allowedMethods of the target", card->method);
    return false;
}

static bool examine(const struct card *card, const struct target *target, char why[160])
{
    const json_t *required = json_at(card->root, "spec.requires");
    for (size_t i = 0; i < json_array_size(required); i++)
        if (!facet_there(target, json_string_value(json_array_get(required, i)) ?: "", why))
            return false;
    if (!card->params)
        for (size_t i = 0; i < array_len(method_facets); i++)
            if (str_equal(method_facets[i].method, card->method) && !facet_there(target, method_facets[i].facet, why))
                return false;
    if (!method_allowed(card, target, why))
        return false;
    if (card->params) {
        struct error err = {0};
        json_t *params = target_resolve_shared(target, card->params, "spec.injection", &err);
        json_decref(params);
        if (!params) {
            str_copy(why, 160, err.text);
            return false;
        }
    }
    return probes_work(card->verify, target, "spec.verify", why) &&
           probes_work(card->rollback, target, "spec.rollback.when", why) &&
           probes_work(target->stop_when, target, "spec.safety.stopWhen of the target", why);
}

/* ── what was found before ── */

#define SLOTS    1024 /* each has the pair that was asked for last */
#define UID_SIZE 64

struct answer {
    char card[UID_SIZE], target[UID_SIZE];
    int64_t card_generation, target_generation;
    char *why; /* NULL: it applies */
};

struct applies {
    struct answer *slots[SLOTS];
};

struct applies *applies_new(void)
{
    return mem_new(struct applies);
}

static void answer_free(struct answer *a)
{
    if (a)
        free(a->why);
    free(a);
}

void applies_free(struct applies *applies)
{
    for (size_t i = 0; applies && i < SLOTS; i++)
        answer_free(applies->slots[i]);
    free(applies);
}

static struct answer **slot_of(struct applies *applies, const char *card, const char *target)
{
    uint64_t hash = str_hash64(target, strlen(target), str_hash64(card, strlen(card), 0));
    return &applies->slots[hash % SLOTS];
}

/* Both have not changed since: a spec that changes has another generation, and another object another uid. */
static bool about(const struct answer *a, const struct meta *card, const struct meta *target)
{
    return a && a->card_generation == card->generation && a->target_generation == target->generation &&
           str_equal(a->card, card->uid) && str_equal(a->target, target->uid);
}

static void answer_keep(struct answer **slot, const struct meta *card, const struct meta *target, bool found, const char *why)
{
    answer_free(*slot);
    *slot = mem_new(struct answer);
    **slot = (struct answer){.card_generation = card->generation, .target_generation = target->generation};
    str_copy((*slot)->card, UID_SIZE, card->uid);
    str_copy((*slot)->target, UID_SIZE, target->uid);
    (*slot)->why = found ? NULL : mem_strdup(why);
}

bool card_applies(struct applies *applies, const struct card *card, const struct target *target, char why[160])
{
    char ignored[160];
    if (!why)
        why = ignored;
    why[0] = '\0';
    if (!applies)
        return examine(card, target, why);
    struct answer **slot = slot_of(applies, card->meta.uid, target->meta.uid);
    if (!about(*slot, &card->meta, &target->meta)) {
        bool found = examine(card, target, why);
        answer_keep(slot, &card->meta, &target->meta, found, why);
        return found;
    }
    if ((*slot)->why)
        str_copy(why, 160, (*slot)->why);
    return !(*slot)->why;
}
