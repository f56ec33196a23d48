#include "core/drill_revert.h"

#include "base/rfc3339.h"
#include "base/str.h"
#include "core/drill_write.h"

/* How long until a revert that nobody answers is looked at again: also keeps the session with the pod wanted. */
#define REVERT_LOOK_EVERY (10 * USEC_SEC)

/* Beyond the lease, of a pod that was deleted and may run on: for the agent to notice that it is over, and to revert. One that died just then
 * is started again by kubelet, which waits longer each time: 10 s at first, then twice as long, up to five minutes (kubelet's
 * containerBackOffPeriod and MaxContainerBackOff). So how often it was started before is kept from the pod's last status while the agent
 * answers. Where it did not, or the pod was out of sight for a while before it went, what that status says is old, and the wait may be the
 * longest. */
#define POD_LEFT_SLACK   (5 * USEC_SEC)
#define AGENT_DOWN_FIRST (10 * USEC_SEC)
#define AGENT_DOWN_MAX   (5 * USEC_MINUTE)
#define POD_LOOK_EVERY   (2 * USEC_SEC)
#define POD_ASKED_SOON   (10 * USEC_SEC)    /* after it left: one that was out of sight for longer was hidden */
#define POD_LISTED       "pod-listed"       /* the want: the API server still has it */
#define NOTE_LEFT        "pod-left"         /* since when it is not to be seen */
#define NOTE_MISSED      "pod-missed"       /* since when the API server has not had it */
#define NOTE_STARTS      "pod-agent-starts" /* of the agent's container, when it was to be seen and answered; 0: not known */

static bool ended(const struct pod *pod)
{
    return str_equal(pod->phase, "Failed") || str_equal(pod->phase, "Succeeded");
}

bool drill_pod_there(const struct drill_view *v)
{
    return v->pod && !ended(v->pod);
}

static int64_t noted(const struct drill_view *v, const char *id)
{
    return json_int(observations_get(v->observations, id)->result, "value", 0);
}

static void note(const struct drill_view *v, const char *id, int64_t value, struct decision *d)
{
    if (value != noted(v, id))
        decision_note(d, id, json_pack("{s:I}", "value", (json_int_t)value));
}

usec_t drill_pod_left_at(const struct drill_view *v)
{
    return noted(v, NOTE_LEFT);
}

/* How long its agent may be down, should it run on: had it died as soon as the pod left, and again since, the wait that is under way when
 * the pod is missed is at most as long as the first one and all those before it. */
static usec_t agent_down(usec_t unseen, int64_t starts)
{
    return starts ? usec_min((AGENT_DOWN_FIRST << usec_min(starts - 1, 5)) + unseen, AGENT_DOWN_MAX) : AGENT_DOWN_MAX;
}

static usec_t pod_gone_at(const struct drill_view *v, usec_t left_at, usec_t missed_at, int64_t starts)
{
    return usec_add(missed_at, drill_lease(v) + agent_down(missed_at - left_at, starts) + POD_LEFT_SLACK);
}

/* Pods are watched by their label, and one that has lost it is asked for by name. TRUE: it is there. Without a target nobody can look. */
static enum holds pod_listed(const struct drill_view *v, usec_t left_at)
{
    const struct evidence *seen = evidences_get(v->evidences, POD_LISTED);
    if (!v->target)
        return HOLDS_FALSE;
    return seen->seen_at >= left_at ? seen->holds : HOLDS_UNKNOWN;
}

enum holds drill_pod_hidden(const struct drill_view *v)
{
    usec_t left_at = drill_pod_left_at(v);
    if (v->pod || v->pod_ended)
        return HOLDS_FALSE;
    return left_at ? pod_listed(v, left_at) : HOLDS_UNKNOWN;
}

bool drill_pod_gone(const struct drill_view *v, usec_t now)
{
    if (v->pod)
        return ended(v->pod);
    usec_t left_at = drill_pod_left_at(v), missed_at = noted(v, NOTE_MISSED);
    bool over = left_at && missed_at && now >= pod_gone_at(v, left_at, missed_at, noted(v, NOTE_STARTS));
    return v->pod_ended || (over && pod_listed(v, left_at) == HOLDS_FALSE);
}

static void want_pod_listed(const struct drill_view *v, struct decision *d)
{
    json_t *probe = json_pack("{s:{s:s, s:s, s:s, s:s, s:s}}", "object", "apiVersion", "v1", "kind", "Pod", "name",
                              v->drill->status_pod, "jsonPath", "{.metadata.uid}", "equals", v->drill->pod_uid);
    decision_want(d, POD_LISTED, NULL, probe, POD_LOOK_EVERY, 0, 0);
}

static void note_visible(const struct drill_view *v, struct decision *d)
{
    note(v, NOTE_LEFT, 0, d);
    note(v, NOTE_MISSED, 0, d);
    note(v, NOTE_STARTS, v->agent && v->agent->link == AGENT_UP ? 1 + pod_restarts(v->pod, INJECTOR_CONTAINER) : 0, d);
}

void drill_note_pod(const struct drill_view *v, usec_t now, struct decision *d)
{
    if (v->pod) {
        note_visible(v, d);
        return;
    }
    usec_t left_at = drill_pod_left_at(v) ? drill_pod_left_at(v) : now, missed_at = noted(v, NOTE_MISSED);
    /* It may be deleted by force long after its label was lost: what counts is since when the API server has not had it. */
    enum holds listed = pod_listed(v, left_at);
    if (listed != HOLDS_FALSE)
        missed_at = 0;
    else if (!missed_at)
        missed_at = now;
    bool hidden = listed == HOLDS_TRUE || (missed_at ? missed_at : now) > usec_add(left_at, POD_ASKED_SOON);
    int64_t starts = hidden ? 0 : noted(v, NOTE_STARTS);
    note(v, NOTE_LEFT, left_at, d);
    note(v, NOTE_MISSED, missed_at, d);
    note(v, NOTE_STARTS, starts, d);
    if (v->pod_ended)
        return;
    want_pod_listed(v, d);
    if (!missed_at)
        decision_again(d, now + POD_LOOK_EVERY);
    else if (now < pod_gone_at(v, left_at, missed_at, starts))
        decision_again(d, pod_gone_at(v, left_at, missed_at, starts));
}

struct fault_view fault_look(const struct drill_view *v, usec_t now)
{
    struct fault_view f = {.now = FAULT_NOW_UNKNOWN};
    const struct agent_fault *told = agent_fault_find(v->agent, v->drill->fault_id);
    if (told && told->state == FAULT_REVERTED) {
        f.now = FAULT_NOW_OVER;
        f.at = told->at;
        f.by_agent = told->by_agent;
        str_copy(f.why, sizeof(f.why), told->why);
    } else if (drill_pod_gone(v, now)) {
        f.now = FAULT_NOW_OVER;
        f.by_pod = true;
    } else if (told && told->state == FAULT_IN_FORCE)
        f.now = FAULT_NOW_ACTIVE;
    else if (v->drill->fault == FAULT_IN_FORCE)
        f.now =
            (told && told->state != FAULT_NONE) || !v->agent || v->agent->link != AGENT_UP ? FAULT_NOW_ACTIVE : FAULT_NOW_FORGOTTEN;
    return f;
}

/* ── judged: revert, then say so ── */

/* The nth revert that was asked for; 0: none yet. */
static int reverts_asked(const struct drill_view *v, const struct observation **ret_last)
{
    int n = 0;
    *ret_last = NULL;
    for (;;) {
        char id[EFFECT_ID_SIZE];
        str_format(id, sizeof(id), "revert/%d", n + 1);
        const struct observation *o = observations_get(v->observations, id);
        if (o->state == OBSERVATION_NONE)
            return n;
        *ret_last = o;
        n++;
    }
}

static void ask_revert(const struct drill_view *v, int n, struct decision *d)
{
    char id[EFFECT_ID_SIZE];
    str_format(id, sizeof(id), "revert/%d", n);
    json_t *body = json_object();
    json_put_str(body, "op", "revert");
    json_put_str(body, "fault", v->drill->fault_id);
    json_put_str(body, "reason", "verdict");
    struct key pod = meta_key(&v->pod->meta, KIND_POD);
    decision_agent(d, id, &pod, body, 10 * USEC_SEC);
}

static void tell_verdict(const struct drill_view *v, const struct verdict *verdict, const struct revert *revert, struct decision *d)
{
    char gates[4], note[700];
    gates_count_text(verdict->gates, gates);
    str_format(note, sizeof(note), "%s gates: %s; the fault was reverted: %s, by %s", gates, verdict->message, revert->state,
               revert->by);
    struct key key = drill_key(v);
    decision_event(d, &key, "verdict", verdict->phase != DRILL_SUCCEEDED, drill_phase_name(verdict->phase), "Judge", note);
}

void drill_decide_reverting(const struct drill_view *v, const struct verdict *verdict, usec_t now, struct decision *d)
{
    const struct observation *last;
    int asked = reverts_asked(v, &last);
    struct fault_view f = fault_look(v, now);
    struct revert revert = {0};
    const char *answer = last && last->state == OBSERVATION_OK ? json_str(last->result, "state", "") : "";
    bool reverted = str_equal(answer, "Reverted");
    /* Seen in force, and the agent never heard of it: its journal is lost, and with it how to undo it. Only the pod's end is certain. */
    bool denied = str_equal(answer, "Never") && v->drill->fault == FAULT_IN_FORCE;
    if (reverted || str_equal(answer, "NotNeeded") || (str_equal(answer, "Never") && !denied)) {
        revert = (struct revert){
            .state = reverted ? "Done" : "NotNeeded", .by = f.by_agent ? "Agent" : "Controller", .at = last->answered_at};
    } else if (f.now == FAULT_NOW_OVER)
        revert = (struct revert){.state = "Done",
                                 .by = f.by_pod     ? "PodGone"
                                       : f.by_agent ? "Agent"
                                                    : "Controller",
                                 .at = f.at ? f.at : now};
    if (revert.state) {
        drill_write_status(v, drill_status_verdict(v, verdict, &revert, now), d);
        tell_verdict(v, verdict, &revert, d);
        return;
    }
    usec_t since = verdict->at;
    decision_again(d, now + REVERT_LOOK_EVERY);
    if (!(last && last->state == OBSERVATION_IN_FLIGHT) && v->agent && v->agent->link == AGENT_UP) {
        usec_t backoff = asked ? usec_min(USEC_SEC << usec_min(asked - 1, 5), 30 * USEC_SEC) : 0;
        usec_t due = last ? last->answered_at + backoff : now;
        if (now >= due)
            ask_revert(v, asked + 1, d);
        else
            decision_again(d, due);
    }
    /* Said when it lasts: the phase, why, and after a while the quarantine that core/target.c derives from it. */
    if (now >= since + DRILL_PROGRESS_AFTER || v->drill->phase == DRILL_REVERTING) {
        char why[256];
        if (last && (last->state == OBSERVATION_FAILED || last->state == OBSERVATION_UNKNOWN))
            str_format(why, sizeof(why), "the revert did not succeed yet (asked %d times): %.180s", asked, last->err.text);
        else if (!v->pod && pod_listed(v, drill_pod_left_at(v)) == HOLDS_TRUE)
            str_format(why, sizeof(why),
                       "pod %s runs on without its label " LABEL_AGENT
                       "=enabled, and its agent cannot be asked: put the label back, or "
                       "delete the pod",
                       v->drill->status_pod);
        else if (!v->pod && pod_listed(v, drill_pod_left_at(v)) == HOLDS_FALSE) {
            char until[RFC3339_SIZE];
            usec_t missed_at = noted(v, NOTE_MISSED) ? noted(v, NOTE_MISSED) : now;
            usec_t left_at = usec_min(drill_pod_left_at(v), missed_at);
            str_format(why, sizeof(why),
                       "pod %s is gone: waiting until %s, by when its agent, should it run on, must have reverted",
                       v->drill->status_pod, rfc3339_format(pod_gone_at(v, left_at, missed_at, noted(v, NOTE_STARTS)), until));
        } else if (!v->pod)
            str_format(why, sizeof(why), "pod %s is out of sight, and whether it is gone is not known: %.120s",
                       v->drill->status_pod, evidences_get(v->evidences, POD_LISTED)->message);
        else if (denied)
            str_format(why, sizeof(why),
                       "the agent in pod %s does not know of the fault that was seen in force: its journal is lost; delete the pod",
                       v->drill->status_pod);
        else
            str_format(why, sizeof(why), "waiting for the agent in pod %s: %.160s", v->drill->status_pod,
                       v->agent ? v->agent->message : "no session");
        drill_write_status(v, drill_status_reverting(v, verdict, why), d);
        if (now >= since + DRILL_QUARANTINE_AFTER) {
            struct key key = drill_key(v);
            decision_event(d, &key, "revert-stuck", true, "RevertFailed", "Revert", why);
        } else
            decision_again(d, since + DRILL_QUARANTINE_AFTER);
    } else
        decision_again(d, since + DRILL_PROGRESS_AFTER);
}
