#include "core/action_parts.h"

#include "base/str.h"

void action_outcome(struct step_outcome *o, enum step_state state, usec_t at, const char *message)
{
    o->state = state;
    o->at = at;
    str_copy(o->message, sizeof(o->message), message);
}

void action_observation_id(const struct step_view *s, const char *suffix, char dest[EFFECT_ID_SIZE])
{
    str_format(dest, EFFECT_ID_SIZE, "step/%d/%d%s", s->index, s->attempt, suffix);
}

json_t *action_facet(const struct step_view *s, const char *path)
{
    return json_at(s->run->target->facets, path);
}

const char *action_facet_str(const struct step_view *s, const char *path)
{
    return json_str(s->run->target->facets, path, NULL);
}

/* ── one operation of the agent, until it is answered ── */

/* Whether this process was there when the step began, and could not ask: else another may have asked, and died. */
static bool never_asked(const struct step_view *s, usec_t now, struct decision *d)
{
    char id[EFFECT_ID_SIZE];
    str_format(id, sizeof(id), "away/%d/%d", s->index, s->attempt);
    if (observations_get(s->run->observations, id)->state == OBSERVATION_OK)
        return true;
    bool just_begun = now <= usec_add(s->started_at, 2 * USEC_SEC);
    if (just_begun)
        decision_note(d, id, NULL);
    return just_begun;
}

#define ASK_AGAIN_AFTER (500 * USEC_MSEC)

/* The agent knows the effect from an earlier asking (a session was lost), and is still at it. */
static bool still_running(const struct observation *seen)
{
    return seen->state == OBSERVATION_OK && str_equal(json_str(seen->result, "state", ""), "Running");
}

/* Takes body. Asked again while its outcome is unknown: the agent knows the effect id and does nothing twice. */
void action_agent(const struct step_view *s, json_t *body, usec_t now, struct decision *d, struct step_outcome *o)
{
    char first[EFFECT_ID_SIZE];
    action_observation_id(s, "", first);
    const struct observation *asked_first = observations_get(s->run->observations, first);
    enum observation_state asked = asked_first->state;
    bool answered = (asked == OBSERVATION_OK && !still_running(asked_first)) || asked == OBSERVATION_FAILED;
    o->unknown = asked == OBSERVATION_NONE ? !never_asked(s, now, d) : !answered;
    if (s->pod_gone && !answered) {
        json_decref(body);
        action_outcome(o, STEP_FAILED, now, "the pod that the step was begun in is gone");
        return;
    }
    if (!answered && (!s->pod || !s->agent || s->agent->link != AGENT_UP)) {
        json_decref(body);
        decision_again(d, now + USEC_SEC);
        str_format(o->message, sizeof(o->message), "the agent is away: %.200s",
                   s->agent ? s->agent->message : "no pod of the target");
        return;
    }
    for (int ask = 0;; ask++) {
        char id[EFFECT_ID_SIZE], suffix[16] = "";
        if (ask)
            str_format(suffix, sizeof(suffix), "/%d", ask);
        action_observation_id(s, suffix, id);
        const struct observation *seen = observations_get(s->run->observations, id);
        switch (seen->state) {
        case OBSERVATION_NONE: {
            char effect[96]; /* the agent takes at most so much; a uid has 36 */
            str_format(effect, sizeof(effect), "%.60s/%d/%d", s->run->run->meta.uid, s->index, s->attempt);
            json_put_str(body, "effect", effect);
            struct key pod = meta_key(&s->pod->meta, KIND_POD);
            usec_t left = usec_max(0, usec_add(s->started_at, s->step.timeout) - now);
            decision_agent(d, id, &pod, body, left + USEC_SEC);
            return;
        }
        case OBSERVATION_IN_FLIGHT:
            json_decref(body);
            return;
        case OBSERVATION_OK: {
            if (still_running(seen)) {
                usec_t due = usec_add(seen->answered_at, ASK_AGAIN_AFTER);
                if (now >= due)
                    continue;
                decision_again(d, due);
                json_decref(body);
                return;
            }
            json_decref(body);
            auto_free char *text = seen->result ? json_text(seen->result) : NULL;
            o->unknown = str_equal(json_str(seen->result, "state", ""), "Unknown");
            if (o->unknown)
                action_outcome(o, STEP_FAILED, seen->answered_at,
                               "the agent was interrupted in the middle of it: whether it took effect is unknown");
            else if (json_int(seen->result, "exitCode", 0) != 0)
                action_outcome(o, STEP_FAILED, seen->answered_at, text);
            else
                action_outcome(o, STEP_OK, seen->answered_at, text ? text : "done");
            return;
        }
        case OBSERVATION_FAILED:
            json_decref(body);
            o->unknown = false;
            action_outcome(o, STEP_FAILED, seen->answered_at, seen->err.text);
            return;
        case OBSERVATION_UNKNOWN:
            continue;
        }
    }
}

/* ── one idempotent request to the API server, until it is answered ── */

/* NULL: not answered yet (o says what it waits for) or failed (o->state). Takes body. */
const struct observation *action_api(const struct step_view *s, const char *suffix, const char *method, const char *path,
                                     const char *content_type, json_t *body, usec_t now, struct decision *d, struct step_outcome *o)
{
    for (int ask = 0;; ask++) {
        char id[EFFECT_ID_SIZE], tail[32];
        str_format(tail, sizeof(tail), ask ? "/%s/%d" : "/%s", suffix, ask);
        action_observation_id(s, tail, id);
        const struct observation *seen = observations_get(s->run->observations, id);
        switch (seen->state) {
        case OBSERVATION_NONE:
            decision_api(d, id, method, path, content_type, body, 10 * USEC_SEC);
            return NULL;
        case OBSERVATION_IN_FLIGHT:
            o->unknown = body != NULL;
            json_decref(body);
            return NULL;
        case OBSERVATION_OK:
            json_decref(body);
            o->unknown = false;
            return seen;
        case OBSERVATION_FAILED:
            if (seen->err.class != ERROR_TOO_MANY && seen->err.class != ERROR_INTERNAL) {
                json_decref(body);
                action_outcome(o, STEP_FAILED, seen->answered_at, seen->err.text);
                return NULL;
            }
            break; /* the API server's trouble is not the healing's */
        case OBSERVATION_UNKNOWN:
            o->unknown = body != NULL; /* what only reads does nothing */
            break;                     /* the request says an end state, so asking again is safe */
        }
        usec_t wait = usec_max(ASK_AGAIN_AFTER << (ask < 4 ? ask : 4), seen->err.retry_after_ms * USEC_MSEC);
        if (now < usec_add(seen->answered_at, wait)) {
            json_decref(body);
            decision_again(d, usec_add(seen->answered_at, wait));
            str_copy(o->message, sizeof(o->message), seen->err.text);
            return NULL;
        }
    }
}
