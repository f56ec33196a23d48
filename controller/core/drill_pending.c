#include "core/drill_pending.h"

#include "base/rfc3339.h"
#include "base/str.h"
#include "core/drill_inject.h"
#include "core/drill_status.h"
#include "core/drill_write.h"
#include "core/probe.h"

#define DRILL_PEER_WAIT     (10 * USEC_MINUTE) /* for another drill, or for a playbook */
#define DRILL_STEADY_SETTLE (5 * USEC_SEC)     /* how long a target that is not steady any more, or not yet again, is waited for */
#define DRILL_ALARM_SETTLE  (10 * USEC_SEC) /* how long a trigger that fires already is waited for, from when its condition began */
#define DRILL_PEER_LOOK     (500 * USEC_MSEC) /* for the pod that a peer takes */

/* A drill that never began: no incident, no ledger record, nothing to revert. */
static void end_before_start(const struct drill_view *v, enum drill_phase phase, const char *reason, const char *message,
                             usec_t now, struct decision *d)
{
    json_t *status = drill_status_ended(v, phase, reason, message, NULL, now);
    drill_write_status(v, status, d);
    struct key key = drill_key(v);
    decision_event(d, &key, "ended", phase == DRILL_ABORTED, reason, "Drill", message);
}

static void wait_for(const struct drill_view *v, const char *reason, const char *message, usec_t until, usec_t now,
                     struct decision *d)
{
    decision_again(d, until);
    /* Said only when it lasts: a wait of milliseconds is no news and would cost a write. */
    usec_t say_at = v->drill->meta.created_at + 3 * USEC_SEC;
    if (now >= say_at)
        drill_write_status(v, drill_status_pending(v, reason, message), d);
    else
        decision_again(d, say_at);
}

/* For another drill to end, and not for ever. */
static void wait_for_turn(const struct drill_view *v, const char *reason, const char *message, usec_t now, struct decision *d)
{
    usec_t until = v->drill->meta.created_at + DRILL_PEER_WAIT;
    if (now > until)
        end_before_start(v, DRILL_SKIPPED, reason, message, now, d);
    else
        wait_for(v, reason, message, until + 1, now, d);
}

static bool peer_older(const struct drill_peer *p, usec_t created_at, const char *name)
{
    return p->created_at < created_at || (p->created_at == created_at && strcmp(p->name, name) < 0);
}

static bool same_target(const struct drill_view *v, const struct drill_peer *p)
{
    return str_equal(p->target, v->drill->target);
}

/* Whom to name of two that go first. */
static bool named_before(const struct drill_view *v, const struct drill_peer *p, const struct drill_peer *other)
{
    if (same_target(v, p) != same_target(v, other))
        return same_target(v, p);
    return p->active == other->active ? peer_older(p, other->created_at, other->name) : p->active;
}

/* Another drill that goes first on this target: one that began, or a pending one that is older. One that is writing its intent, on
 * whatever target, goes first too until it is known which pod it took. The same one at every call, in whatever order they are given: it is
 * named in a status, and two that wait would else change their minds with each other's writes. NULL: none. */
static const struct drill_peer *peer_before(const struct drill_view *v)
{
    bool intends = drill_injected_here(v); /* we go first: who is older waits */
    const struct drill_peer *first = NULL;
    for (size_t i = 0; i < v->peer_count; i++) {
        const struct drill_peer *p = &v->peers[i];
        bool unplaced = p->active && str_empty(p->pod);
        bool goes_first = p->active || (!intends && peer_older(p, v->drill->meta.created_at, v->drill->meta.name));
        if ((unplaced || (same_target(v, p) && goes_first)) && (!first || named_before(v, p, first)))
            first = p;
    }
    return first;
}

static void wait_for_peer(const struct drill_view *v, const struct drill_peer *peer, usec_t now, struct decision *d)
{
    char message[512];
    bool same = same_target(v, peer);
    if (str_empty(peer->pod))
        decision_again(d, now + DRILL_PEER_LOOK);
    /* One elsewhere is placed in a moment: all that wait would write at each start of any. */
    if (!same && str_equal(json_str(v->drill->status, "reason", ""), "TargetBusy") &&
        now <= v->drill->meta.created_at + DRILL_PEER_WAIT)
        return;
    str_format(message, sizeof(message), "waiting for drill %s on %s", peer->name,
               same ? "the same target" : "what may be the same pod");
    wait_for_turn(v, "TargetBusy", message, now, d);
}

/* The schedule made this drill when none of its others went on. It may be another one that reaches the API server only now: sent by a
 * controller that leads no more. The oldest that goes on; NULL: there is room. */
static const struct drill_peer *schedule_full(const struct drill_view *v)
{
    const struct drill_peer *first = NULL;
    size_t count = 0;
    if (str_empty(v->schedule))
        return NULL;
    for (size_t i = 0; i < v->peer_count; i++) {
        const struct drill_peer *p = &v->peers[i];
        if (!p->active || !str_equal(p->schedule, v->schedule))
            continue;
        count++;
        if (!first || peer_older(p, first->created_at, first->name))
            first = p;
    }
    return count >= v->schedule_allows ? first : NULL;
}

static bool pod_taken(const struct drill_view *v, const struct pod *pod)
{
    for (size_t i = 0; i < v->peer_count; i++)
        if (v->peers[i].active && str_equal(v->peers[i].pod, pod->meta.name))
            return true;
    return false;
}

/* The pod to drill: the one named, else one drawn among those that can be. -1: none, why says so. */
static ssize_t choose_pod(const struct drill_view *v, char why[256])
{
    size_t fit[256], count = 0;
    bool agent_seen = false;
    str_copy(why, 256, "the target's selector matches no pod that carries the label " LABEL_AGENT "=enabled");
    for (size_t i = 0; i < v->pod_count && count < array_len(fit); i++) {
        const struct pod *p = &v->pods[i];
        if (!str_empty(v->drill->pod) && !str_equal(p->meta.name, v->drill->pod))
            continue;
        agent_seen |= p->has_agent;
        if (!pod_container(p, v->target->container))
            str_format(why, 256, "pod %s has no container %s (spec.container of the target)", p->meta.name, v->target->container);
        else if (!p->has_agent)
            str_format(why, 256, "pod %s has no container " INJECTOR_CONTAINER ": it was created before the label or the policy",
                       p->meta.name);
        else if (!p->ready)
            str_format(why, 256, "pod %s is not ready", p->meta.name);
        else if (pod_taken(v, p))
            str_format(why, 256, "pod %s is being drilled already", p->meta.name);
        else if (v->agents[i].link != AGENT_UP)
            str_format(why, 256, "the agent in pod %s does not answer: %s", p->meta.name, v->agents[i].message);
        else if (v->agents[i].target_hidden)
            str_format(why, 256,
                       "the agent in pod %s runs as user %lld, and processes of user %lld are hidden from it: set runAsUser in the "
                       "pod to the target's user",
                       p->meta.name, (long long)v->agents[i].user, (long long)v->agents[i].hidden_user);
        else if (!v->agents[i].target_found)
            str_format(why, 256,
                       "the agent in pod %s sees no process of the target container: is /drillyard mounted in it, and "
                       "shareProcessNamespace set? or does the agent run as another user than the target? set runAsUser in the pod",
                       p->meta.name);
        else
            fit[count++] = i;
    }
    if (!count && v->pod_count && !str_empty(v->drill->pod) && !agent_seen)
        str_format(why, 256, "spec.pod: \"%s\" is no pod of target %s with an agent", v->drill->pod, v->drill->target);
    return count ? (ssize_t)fit[v->draw % count] : -1;
}

static bool method_allowed(const struct drill_view *v)
{
    size_t i;
    json_t *allowed;
    if (!v->target->allowed_methods)
        return true;
    json_array_foreach((json_t *)v->target->allowed_methods, i,
                       allowed) if (str_equal(json_string_value(allowed), v->card->method)) return true;
    return false;
}

/* What forbids this drill for good: reason and message; NULL: nothing. */
static const char *forbidden(const struct drill_view *v, char message[512])
{
    char why[160];
    if (!v->namespace_enabled) {
        str_format(message, 512, "namespace %s is not opted in: it lacks the label " LABEL_DRILLS "=enabled", v->drill->meta.ns);
        return "NamespaceNotEnabled";
    }
    if (v->stopped) {
        str_copy(message, 512, "the ConfigMap " STOP_NAME " exists: all drills are stopped until it is deleted");
        return "Stopped";
    }
    if (!v->target) {
        str_format(message, 512, "spec.target: %.400s", v->target_error.text);
        return "TargetNotUsable";
    }
    if (!v->card) {
        str_format(message, 512, "spec.card: %.400s", v->card_error.text);
        return "CardNotUsable";
    }
    if (!card_applies(v->applies, v->card, v->target, why)) {
        str_format(message, 512, "card %s is not applicable to target %s: %s", v->card->id, v->drill->target, why);
        return "NotApplicable";
    }
    if (!method_allowed(v)) {
        str_format(message, 512, "method %s is not in safety.allowedMethods of target %s", v->card->method, v->drill->target);
        return "MethodNotAllowed";
    }
    if (v->quarantined) {
        str_format(message, 512, "target %s is quarantined: a fault of an earlier drill could not be reverted", v->drill->target);
        return "Quarantined";
    }
    if (!v->in_window) {
        str_format(message, 512, "now is outside safety.windows of target %s", v->drill->target);
        return "OutsideWindow";
    }
    return NULL;
}

/* A trigger that fires already, or whose condition holds and only needs to last, could not be told from one that detects the drill.
 * What has just begun may be what the healing of the drill before left behind, such as a process that is young: that is waited for. True:
 * it waits, or was skipped. */
static bool wait_for_alarm(const struct drill_view *v, usec_t now, struct decision *d)
{
    char message[512];
    const struct firing *firing = NULL;
    for (size_t i = 0; i < v->firing_count && !firing; i++)
        if (!v->firings[i].cleared_at && str_equal(v->firings[i].target, v->drill->target) &&
            str_equal(v->firings[i].ns, v->drill->meta.ns))
            firing = &v->firings[i];
    if (firing)
        str_format(message, sizeof(message), "trigger %s fires already for target %s: %s", firing->trigger, v->drill->target,
                   firing->message);
    else if (v->alarm_since)
        str_format(message, sizeof(message), "trigger %s is about to fire for target %s: %s", v->card->trigger, v->drill->target,
                   v->alarm_message);
    else
        return false;
    usec_t settled = usec_add(firing ? firing->since : v->alarm_since, DRILL_ALARM_SETTLE);
    if (now < settled)
        wait_for(v, "NotSteady", message, settled, now, d);
    else
        end_before_start(v, DRILL_SKIPPED, "NotSteady", message, now, d);
    return true;
}

/* A playbook that could not start now: what fails then would be the drill, not the healing. The one that takes longest; NULL: none. */
static const struct drill_healer *healer_busy(const struct drill_view *v, usec_t now)
{
    const struct drill_healer *busy = NULL;
    for (size_t i = 0; i < v->healer_count; i++) {
        const struct drill_healer *h = &v->healers[i];
        bool blocks = h->running || h->rested_at > now;
        if (blocks && (!busy || (!busy->running && (h->running || h->rested_at > busy->rested_at))))
            busy = h;
    }
    return busy;
}

/* True: it waits, or was skipped. */
static bool wait_for_healer(const struct drill_view *v, usec_t now, struct decision *d)
{
    const struct drill_healer *h = healer_busy(v, now);
    if (!h)
        return false;
    char message[512], ended[RFC3339_SIZE], rested[RFC3339_SIZE];
    usec_t until = v->drill->meta.created_at + DRILL_PEER_WAIT;
    if (h->running)
        str_format(message, sizeof(message), "playbook %s is running for target %s and could not start for this drill", h->playbook,
                   v->drill->target);
    else
        str_format(message, sizeof(message),
                   "playbook %s ended at %s and cools down until %s (spec.cooldown): it could not start for this drill",
                   h->playbook, rfc3339_format(h->ended_at, ended), rfc3339_format(h->rested_at, rested));
    if (now > until || (!h->running && h->rested_at > until))
        end_before_start(v, DRILL_SKIPPED, "PlaybookBusy", message, now, d);
    else
        wait_for(v, "PlaybookBusy", message, h->running ? until + 1 : h->rested_at, now, d);
    return true;
}

/* A stop condition that holds before anything was done: the drill would be aborted as soon as it began. Only those that need no look. */
static bool stops_already(const struct drill_view *v, const json_t *probes, const char *field, const struct pod *pod, usec_t now,
                          char message[512])
{
    for (size_t i = 0; i < json_array_size(probes); i++) {
        const json_t *item = json_array_get(probes, i), *written = json_object_get(item, "probe");
        struct error err = {0};
        struct evidence seen = {0};
        json_auto_t *probe = target_resolve(v->target, written ? written : item, field, &err);
        if (!probe || !json_object_get(probe, "pods"))
            continue;
        json_put_str(json_object_get(probe, "pods"), "except", pod->meta.name);
        probe_pods_judge(probe, v->pods, v->pod_count, v->target->container, now, &seen);
        json_decref(seen.data);
        if (seen.holds != HOLDS_TRUE)
            continue;
        str_format(message, 512, "%s %s holds already, for pods other than %.100s: %.200s", field,
                   json_str(item, "name", "condition"), pod->meta.name, seen.message);
        return true;
    }
    return false;
}

/* Since when this controller sees: it may be younger than the drill, and so may be the session that tells. What it hears first may be old: an
 * API server that was away, or a pod's readiness that nobody could report meanwhile. */
static usec_t sees_since(const struct drill_view *v)
{
    usec_t since = 0;
    for (size_t i = 0; i < v->pod_count; i++)
        if (v->agents[i].link == AGENT_UP)
            since = usec_max(since, v->agents[i].up_since);
    /* One that comes and goes all the time is not waited for for ever. */
    return usec_max(usec_min(since, v->drill->meta.created_at + DRILL_PEER_WAIT), v->acting_since);
}

/* From when on what the drill waits for could be looked at. */
static usec_t looked_since(const struct drill_view *v)
{
    return usec_max(v->drill->meta.created_at, sees_since(v));
}

/* Until when a target that is not in its steady state is waited for. What has just begun may be the end of the drill before, as the last look
 * saw it; and what that drill's fault did all the time ends with it, not before. */
static usec_t unsteady_until(const struct drill_view *v)
{
    usec_t since = usec_max(v->steady_since, v->target_free_since);
    return usec_max(usec_add(since, DRILL_STEADY_SETTLE), usec_add(sees_since(v), DRILL_STEADY_WAIT));
}

void drill_decide_pending(const struct drill_view *v, usec_t now, struct decision *d)
{
    const struct drill *drill = v->drill;
    char message[512];
    if (drill->abort) {
        end_before_start(v, DRILL_ABORTED, "Aborted", "aborted before it began (spec.abort)", now, d);
        return;
    }
    const char *reason = forbidden(v, message);
    if (reason) {
        end_before_start(v, DRILL_SKIPPED, reason, message, now, d);
        return;
    }
    const struct drill_peer *peer = peer_before(v);
    if (peer) {
        wait_for_peer(v, peer, now, d);
        return;
    }
    peer = schedule_full(v);
    if (peer) {
        decision_again(d, now + DRILL_PEER_LOOK);
        str_format(message, sizeof(message), "waiting for drill %s of the same schedule (its concurrencyPolicy)", peer->name);
        wait_for_turn(v, "ScheduleBusy", message, now, d);
        return;
    }
    if (v->steady != HOLDS_TRUE) {
        bool known = v->steady == HOLDS_FALSE;
        str_format(message, sizeof(message), "target %s is not in its steady state: %s", drill->target, v->steady_message);
        usec_t settled = unsteady_until(v);
        if (known && now < settled)
            wait_for(v, "NotSteady", message, settled, now, d);
        else if (known || now > looked_since(v) + DRILL_STEADY_WAIT)
            end_before_start(v, DRILL_SKIPPED, known ? "NotSteady" : "SteadyStateUnknown", message, now, d);
        else
            wait_for(v, "SteadyStateUnknown", message, looked_since(v) + DRILL_STEADY_WAIT + 1, now, d);
        return;
    }
    if (wait_for_alarm(v, now, d))
        return;
    if (wait_for_healer(v, now, d))
        return;
    char why[256];
    ssize_t chosen = choose_pod(v, why);
    if (chosen < 0 || !v->ledger->synced) {
        if (chosen >= 0)
            str_copy(why, sizeof(why), "the ledger's ConfigMaps are not listed yet");
        if (now > looked_since(v) + DRILL_SESSION_WAIT)
            end_before_start(v, DRILL_SKIPPED, "NoPod", why, now, d);
        else
            wait_for(v, "NoPod", why, looked_since(v) + DRILL_SESSION_WAIT + 1, now, d);
        return;
    }
    const struct pod *pod = &v->pods[chosen];
    if (stops_already(v, v->card->rollback, "rollback.when", pod, now, message) ||
        stops_already(v, v->target->stop_when, "safety.stopWhen", pod, now, message)) {
        end_before_start(v, DRILL_SKIPPED, "NotSteady", message, now, d);
        return;
    }
    struct error err = {0};
    json_t *params = drill_params(v, &err);
    if (!params) {
        end_before_start(v, DRILL_SKIPPED, "NotApplicable", err.text, now, d);
        return;
    }
    if (drill->dry_run) {
        auto_free char *text = json_text(params);
        str_format(message, sizeof(message), "dry run: would inject %s into pod %s with %.300s", v->card->method,
                   v->pods[chosen].meta.name, text);
        json_decref(params);
        end_before_start(v, DRILL_SKIPPED, "DryRun", message, now, d);
        return;
    }
    json_decref(params);
    if (!drill->finalizer) {
        drill_write_finalizer(v, true, d);
        return; /* its answer comes back as the object, and wakes us */
    }
    json_t *intent = json_object();
    json_put_str(intent, "cardUID", v->card->meta.uid);
    json_put_int(intent, "cardGeneration", v->card->meta.generation);
    json_put_str(intent, "pod", v->pods[chosen].meta.name); /* for its peers, until the status with it is seen */
    decision_note(d, "intent", intent);
    drill_write_status(v, drill_status_intent(v, &v->pods[chosen], now), d);
    d->lease_pod = meta_key(&v->pods[chosen].meta, KIND_POD);
}
