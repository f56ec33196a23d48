#include "core/target_snapshot.h"

#include "base/str.h"
#include "core/probe_agent.h"

static const char *const facets[] = {"config", "model", "source"};

static bool facet_wanted(const struct target *t, const char *facet, char path[2048])
{
    const json_t *present = json_at(t->facets, facet);
    if (!present || !facet_path(present, path))
        return false;
    if (!t->snapshot_facets)
        return !str_equal(facet, "source"); /* a source is wanted only where it is named */
    for (size_t i = 0; i < json_array_size(t->snapshot_facets); i++)
        if (str_equal(json_string_value(json_array_get(t->snapshot_facets, i)), facet))
            return true;
    return false;
}

/* What the agent can check a file by; the rest is kept as bytes. */
static const char *validation(const struct target *t, const char *facet)
{
    static const char *const checked[] = {"YAML", "JSON", "SafeTensors"};
    const char *format = json_str(json_at(t->facets, facet), "format", str_equal(facet, "config") ? "YAML" : "Raw");
    for (size_t i = 0; i < array_len(checked); i++)
        if (str_equal(checked[i], format))
            return format;
    return "Raw";
}

static usec_t slot_of(const struct target *t, usec_t now)
{
    return now / t->snapshot_every;
}

static void snapshot_id(const char *facet, const struct pod *pod, usec_t slot, int attempt, char dest[EFFECT_ID_SIZE])
{
    str_format(dest, EFFECT_ID_SIZE, "snapshot/%s/%s/%lld/%d", facet, pod->meta.uid, (long long)slot, attempt);
}

static void ask(const struct target_view *v, size_t pod, const char *facet, const char *path, usec_t now, struct decision *d)
{
    char id[EFFECT_ID_SIZE];
    for (int attempt = 0; attempt < SNAPSHOT_ATTEMPTS; attempt++) {
        snapshot_id(facet, &v->pods[pod], slot_of(v->target, now), attempt, id);
        const struct observation *o = observations_get(v->observations, id);
        if (o->state == OBSERVATION_IN_FLIGHT || o->state == OBSERVATION_OK)
            return;
        if (o->state == OBSERVATION_NONE)
            break;
        if (now < usec_add(o->answered_at, SNAPSHOT_RETRY)) {
            decision_again(d, usec_add(o->answered_at, SNAPSHOT_RETRY));
            return;
        }
        id[0] = '\0';
    }
    if (!*id)
        return;
    struct key key = meta_key(&v->pods[pod].meta, KIND_POD);
    json_t *body = json_object();
    json_put_str(body, "op", "snapshot");
    json_put_str(body, "facet", facet);
    json_put_str(body, "path", path);
    json_put_str(body, "validate", validation(v->target, facet));
    json_put_int(body, "keep", v->target->snapshot_keep);
    decision_agent(d, id, &key, body, 0);
}

void snapshot_decide(const struct target_view *v, bool good, usec_t now, struct decision *d)
{
    char path[2048];
    if (v->target->snapshot_every <= 0 || !good)
        return;
    for (size_t f = 0; f < array_len(facets); f++) {
        if (!facet_wanted(v->target, facets[f], path))
            continue;
        decision_again(d, (slot_of(v->target, now) + 1) * v->target->snapshot_every);
        for (size_t i = 0; i < v->pod_count; i++)
            if (v->agents[i].link != AGENT_UP || !v->agents[i].target_found || !v->pods[i].ready)
                continue;
            else if (now < usec_add(v->agents[i].up_since, SNAPSHOT_SETTLE))
                decision_again(d, usec_add(v->agents[i].up_since, SNAPSHOT_SETTLE));
            else
                ask(v, i, facets[f], path, now, d);
    }
}

/* The newest answer of a pod for a facet; NULL: none in this slot or the one before. */
static const json_t *answer(const struct target_view *v, const struct pod *pod, const char *facet, usec_t now)
{
    char id[EFFECT_ID_SIZE];
    for (usec_t slot = slot_of(v->target, now), before = 0; before < 2; before++)
        for (int attempt = SNAPSHOT_ATTEMPTS; attempt-- > 0;) {
            snapshot_id(facet, pod, slot - before, attempt, id);
            const struct observation *o = observations_get(v->observations, id);
            if (o->state == OBSERVATION_OK && json_str(o->result, "sha256", NULL))
                return o->result;
        }
    return NULL;
}

static json_t *entry_of(const struct target_view *v, const char *facet, usec_t now)
{
    const json_t *newest = NULL;
    int64_t holders = 0;
    auto_free const json_t **answers = mem_array(v->pod_count, sizeof(*answers));
    for (size_t i = 0; i < v->pod_count; i++) {
        answers[i] = answer(v, &v->pods[i], facet, now);
        if (answers[i] && json_time(answers[i], "takenAt", 0) > json_time(newest, "takenAt", 0))
            newest = answers[i];
    }
    if (!newest)
        return NULL;
    for (size_t i = 0; i < v->pod_count; i++)
        holders += str_equal(json_str(answers[i], "sha256", ""), json_str(newest, "sha256", NULL));
    json_t *entry = json_object();
    json_put_str(entry, "facet", facet);
    json_put_str(entry, "takenAt", json_str(newest, "takenAt", NULL));
    json_put_str(entry, "sha256", json_str(newest, "sha256", NULL));
    json_put_int(entry, "pods", holders);
    return entry;
}

json_t *snapshot_status(const struct target_view *v, const json_t *old, usec_t now)
{
    json_t *snapshots = json_array();
    for (size_t f = 0; f < array_len(facets); f++) {
        char path[2048];
        json_t *entry = NULL;
        if (v->target->snapshot_every > 0 && facet_wanted(v->target, facets[f], path))
            entry = entry_of(v, facets[f], now);
        for (size_t i = 0; !entry && i < json_array_size(old); i++)
            if (str_equal(json_str(json_array_get(old, i), "facet", NULL), facets[f]) && json_at(v->target->facets, facets[f]))
                entry = json_incref(json_array_get(old, i));
        if (entry)
            json_array_append_new(snapshots, entry);
    }
    if (json_array_size(snapshots) > 0)
        return snapshots;
    json_decref(snapshots);
    return NULL;
}
