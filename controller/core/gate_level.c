/* Gate 4: the service level came back, before our own revert. */
#include "core/gate_parts.h"

#include "base/duration.h"
#include "base/str.h"
#include "core/drill_revert.h"

/* Time for one fresh look, however late the first gates were decided. */
#define FRESH_LOOK (2 * USEC_SEC)

static void watch_key(char dest[EFFECT_ID_SIZE], const char *prefix, const json_t *step, size_t index)
{
    const char *name = json_str(step, "name", NULL);
    if (name)
        str_format(dest, EFFECT_ID_SIZE, "%s/%.64s", prefix, name);
    else
        str_format(dest, EFFECT_ID_SIZE, "%s/%zu", prefix, index);
}

static const char *step_name(const json_t *step)
{
    return json_str(step, "name", "verification step");
}

/* What came back only when (or after) the fault ended by itself is not the healing's doing. */
static bool came_back_by_itself(const struct gate_frame *frame, usec_t since)
{
    return frame->ended_at && since >= frame->ended_at;
}

/* Service-level probes take many samples a look; the others are cheap. */
static usec_t verify_every(const json_t *probe)
{
    bool costly = json_object_get(probe, "slo") || json_object_get(probe, "http") || json_object_get(probe, "exec");
    return costly ? USEC_SEC : 250 * USEC_MSEC;
}

/* When verification began: once it is known who detected and who healed. */
static usec_t verify_from(const struct gate gates[GATE_COUNT])
{
    return usec_max(gates[GATE_TRIGGER_FIRED].at, gates[GATE_PLAYBOOK_EXECUTED].at);
}

struct level {
    usec_t healed; /* when the last step came back; 0: none was seen broken */
    usec_t first;  /* when the last of those that were never seen broken was first seen to hold; 0: there is none */
    usec_t limit;  /* it must have come back by then */
    const char *open_name;
    const struct evidence *open; /* a step that does not hold, else one that is not seen; NULL: all hold */
};

static struct level look_at_steps(const struct drill_view *v, const struct gate_frame *frame, usec_t from)
{
    struct level level = {0};
    size_t i;
    json_t *step;
    json_array_foreach((json_t *)v->card->verify, i, step)
    {
        char verify_id[EFFECT_ID_SIZE], confirm_id[EFFECT_ID_SIZE];
        watch_key(verify_id, "verify", step, i);
        watch_key(confirm_id, "confirm", step, i);
        const struct evidence *all_along = evidences_get(v->evidences, verify_id);
        const struct evidence *fresh = evidences_get(v->evidences, confirm_id);
        level.limit = usec_max(
            level.limit,
            usec_add(from, json_duration(step, "within", v->card->heal_within != USEC_NEVER ? v->card->heal_within : USEC_MINUTE)));
        if (fresh->holds == HOLDS_TRUE && !came_back_by_itself(frame, fresh->since)) {
            const struct evidence *when = all_along->holds == HOLDS_TRUE ? all_along : fresh;
            if (when->since <= when->known_since)
                level.first = usec_max(level.first, when->known_since);
            else if (when->since > frame->began_at)
                level.healed = usec_max(level.healed, when->since);
        } else if (!level.open || (level.open->holds == HOLDS_UNKNOWN && fresh->holds != HOLDS_UNKNOWN)) {
            level.open = fresh;
            level.open_name = step_name(step);
        }
    }
    if (v->card->heal_within != USEC_NEVER)
        level.limit = usec_min(level.limit, usec_add(frame->injected_at, v->card->heal_within));
    return level;
}

/* A detector that has not cleared, or only with the end of the fault; NULL: none. *ret_cleared: when the last one did, 0: never. */
static const struct firing *still_firing(const struct drill_view *v, const struct gate_frame *frame, usec_t *ret_cleared)
{
    *ret_cleared = 0;
    for (size_t i = 0; i < v->firing_count; i++) {
        const struct firing *f = &v->firings[i];
        if (!gate_firing_counts(v, frame, f))
            continue;
        if (!f->cleared_at || came_back_by_itself(frame, f->cleared_at))
            return f;
        *ret_cleared = usec_max(*ret_cleared, f->cleared_at);
    }
    return NULL;
}

/* All hold and nothing fires: in time? */
static void level_is_back(const struct drill_view *v, const struct gate_frame *frame, const struct level *level, usec_t cleared,
                          usec_t from, struct gate *g)
{
    char took[32], limit[32];
    /* A step that was never seen broken says nothing of when: then the detector does, and without one the first fresh look. */
    usec_t healed = level->healed ? level->healed : cleared ? cleared : from;
    usec_t by = v->card->heal_within == USEC_NEVER ? USEC_NEVER : usec_add(frame->injected_at, v->card->heal_within);
    by = usec_min(by, usec_max(level->limit, from));
    /* What had cleared already when it was looked at again may have done so in time. */
    bool blind = cleared && v->trigger_watch.known_since >= cleared;
    usec_t seen_late = blind ? healed == cleared ? 0 : healed : usec_max(healed, cleared);
    healed = usec_max(usec_max(healed, blind ? cleared : 0), level->first);
    bool late = seen_late > by, unseen = healed > by;
    duration_format(usec_max(0, (late ? seen_late : healed) - frame->injected_at), took, sizeof(took));
    duration_format(usec_max(0, by - frame->injected_at), limit, sizeof(limit));
    if (late)
        gate_decide(g, GATE_FAILED, seen_late, "the service level came back after %s, later than the limit of %s", took, limit);
    else if (unseen)
        gate_decide(g, GATE_INCONCLUSIVE, healed,
                    "the service level was met when it was first looked at, after %s; the limit is %s", took, limit);
    else
        gate_decide(g, GATE_PASSED, usec_max(healed, frame->injected_at), "the service level was met again after %s", took);
}

void gate_judge_level(const struct drill_view *v, const struct gate_frame *frame, usec_t now, struct gate gates[GATE_COUNT],
                      usec_t *again)
{
    struct gate *g = &gates[GATE_SLO_MET];
    usec_t from = verify_from(gates), cleared;
    struct level level = look_at_steps(v, frame, from);
    const struct firing *firing = still_firing(v, frame, &cleared);
    usec_t deadline = usec_max(level.limit, usec_add(from, FRESH_LOOK));

    gate_evidence(g, "Probe", level.open_name ? level.open_name : "verify");
    if (!level.open && !firing && !v->trigger_exists && gates[GATE_TRIGGER_FIRED].result == GATE_PASSED) {
        gate_evidence(g, "Trigger", v->card->trigger);
        gate_decide(g, GATE_INCONCLUSIVE, now, "whether trigger %s has cleared is not known: the Trigger was deleted",
                    v->card->trigger);
        return;
    }
    if (!level.open && !firing) {
        level_is_back(v, frame, &level, cleared, from, g);
        return;
    }
    if (gate_ended(frame, g))
        return;
    if (now <= usec_add(deadline, GATE_GRACE)) {
        *again = usec_min(*again, usec_add(deadline, GATE_GRACE + 1));
        return;
    }
    char limit[32];
    duration_format(deadline - frame->injected_at, limit, sizeof(limit));
    if (level.open && level.open->holds == HOLDS_UNKNOWN)
        gate_decide(g, GATE_INCONCLUSIVE, deadline, "%s could not be observed: %s", level.open_name, level.open->message);
    else if (level.open)
        gate_decide(g, GATE_FAILED, deadline, "%s does not hold after %s: %s", level.open_name, limit, level.open->message);
    else {
        bool seen = v->trigger_watch.holds != HOLDS_UNKNOWN;
        gate_evidence(g, "Trigger", firing->trigger);
        gate_decide(g, seen ? GATE_FAILED : GATE_INCONCLUSIVE, deadline,
                    seen ? "trigger %s still fires after %s: %s"
                         : "whether trigger %s has cleared after %s could not be observed: %s",
                    firing->trigger, limit, seen ? firing->message : v->trigger_watch.message);
    }
}

/* The probes are looked at from the drilled pod, or, when healing replaced it, from another ready one of the target. */
static struct key verify_pod(const struct drill_view *v)
{
    if (drill_pod_there(v))
        return meta_key(&v->pod->meta, KIND_POD);
    for (size_t i = 0; i < v->pod_count; i++)
        if (v->pods[i].ready && v->agents[i].link != AGENT_ABSENT)
            return meta_key(&v->pods[i].meta, KIND_POD);
    return key_of(KIND_POD, v->drill->meta.ns, "");
}

void gates_want(const struct drill_view *v, const struct gate gates[GATE_COUNT], struct decision *d)
{
    struct key pod = verify_pod(v);
    bool confirm = gates[GATE_TRIGGER_FIRED].result != GATE_PENDING && gates[GATE_PLAYBOOK_EXECUTED].result != GATE_PENDING;
    size_t i;
    json_t *step;
    json_array_foreach((json_t *)v->card->verify, i, step)
    {
        struct error err = {0};
        char key[EFFECT_ID_SIZE];
        json_t *probe = target_resolve_shared(v->target, json_object_get(step, "probe"), "spec.verify", &err);
        if (!probe)
            continue; /* the card would not have been applicable */
        if (confirm) {
            /* Marked, so that it is a watch of its own: its first look is taken after the first two gates were decided. */
            json_t *again = json_copy(probe);
            json_put_str(again, "look", "confirm");
            watch_key(key, "confirm", step, i);
            decision_want(d, key, &pod, again, verify_every(probe), 0, USEC_SEC);
        }
        watch_key(key, "verify", step, i);
        decision_want(d, key, &pod, probe, verify_every(probe), 0, USEC_SEC);
    }
}
