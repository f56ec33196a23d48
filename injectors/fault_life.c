#include "fault_life.h"

#include "base/str.h"
#include "crash.h"

#define SEEN_WITHIN (10 * USEC_SEC) /* an injection that is not in force by then is taken back */
#define SEEN_EVERY  USEC_MSEC
#define CHECK_EVERY (100 * USEC_MSEC)
#define KEEP_EVERY  (10 * USEC_MSEC) /* where the method has something to do again and again */
#define RETRY_FIRST (200 * USEC_MSEC)
#define RETRY_LAST  (30 * USEC_SEC)
/* No process of the target runs. What it fails of may be this very fault: then it lives for a moment at each start, and that is when. */
#define RETRY_GONE (20 * USEC_MSEC)

const char *const fault_state_names[] = {"Intended", "InForce", "Reverting", "Reverted", "NotNeeded", "Never"};

bool fault_is_open(enum fault_state state)
{
    return state == FAULT_INTENDED || state == FAULT_IN_FORCE || state == FAULT_REVERTING;
}

void fault_free(struct fault *x)
{
    timer_stop(&x->timer);
    fd_close_cleanup(&x->held);
    list_remove(&x->node);
    json_decref(x->params);
    json_decref(x->undo);
    json_decref(x->detail);
    json_decref(x->outcome);
    free(x->id);
    free(x);
}

struct fault *fault_new(struct faults *f, const char *id, const struct method *method)
{
    struct fault *x = mem_new(struct fault);
    x->faults = f;
    x->id = mem_strdup(id);
    x->method = method;
    x->since = time_monotonic();
    x->due = x->lease_until = USEC_NEVER;
    x->held = -1;
    list_append(&f->all, &x->node);
    return x;
}

int fault_write_down(struct fault *x, bool durable, struct error *err)
{
    json_t *record =
        json_pack("{s:i, s:s, s:s, s:s, s:I, s:s, s:I, s:I, s:s, s:s, s:O*, s:O*, s:O*, s:O*}", "version", 1, "id", x->id, "method",
                  x->method ? x->method->name : "", "state", fault_state_names[x->state], "epoch", (json_int_t)x->epoch,
                  "node_boot", x->faults->site->node_boot, "mono", (json_int_t)x->since, "wall", (json_int_t)time_wall(), "by",
                  x->by, "why", x->why, "params", x->params, "undo", x->undo, "detail", x->detail, "outcome", x->outcome);
    int rc = record ? journal_write(x->faults->journal, x->id, record, durable, err)
                    : error_set(err, ERROR_INTERNAL, "the journal record cannot be made");
    json_decref(record);
    return rc;
}

void fault_set_state(struct fault *x, enum fault_state state, const char *by, const char *why)
{
    x->state = state;
    x->since = time_monotonic();
    str_copy(x->by, sizeof x->by, by);
    str_copy(x->why, sizeof x->why, why);
}

static void tell(struct fault *x, const char *state, usec_t at, json_t *detail)
{
    json_t *event = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:O*}", "event", "fault", "fault", x->id, "state", state, "by", x->by,
                              "why", x->why, "at", (json_int_t)at, "detail", detail);
    if (event)
        x->faults->handlers.changed(x->faults->handlers.userdata, event);
    json_decref(event);
}

void fault_answer_waiting(struct fault *x, json_t *result, const struct refusal *refusal)
{
    for (size_t i = 0; i < WAITING_MAX; i++)
        if (x->waiting[i].session) {
            x->faults->handlers.answered(x->faults->handlers.userdata, &x->waiting[i], result, refusal);
            x->waiting[i].session = 0;
        }
}

/* The answer to an injection that is in force. */
json_t *fault_in_force_result(const struct fault *x)
{
    json_t *result = json_pack("{s:s, s:I, s:I, s:O*}", "state", fault_state_names[x->state], "began", (json_int_t)x->intended_at,
                               "at", (json_int_t)x->seen_at, "detail", x->detail);
    const json_t *content = json_object_get(x->undo, "old"); /* which may hold the bytes themselves: those stay here */
    if (content)
        json_object_set_new(
            result, "backup",
            json_pack("{s:O, s:O}", "sha256", json_object_get(content, "sha256"), "bytes", json_object_get(content, "bytes")));
    return result;
}

json_t *fault_revert_result(const struct fault *x)
{
    return json_pack("{s:s, s:I, s:s, s:s, s:O*}", "state", fault_state_names[x->state], "at", (json_int_t)x->since, "by", x->by,
                     "why", x->why, "detail", x->outcome);
}

static void fire(void *userdata);

void fault_schedule(struct fault *x)
{
    usec_t now = time_monotonic(), next = USEC_NEVER;
    switch (x->state) {
    case FAULT_INTENDED:
        next = now + SEEN_EVERY;
        break;
    case FAULT_IN_FORCE:
        next = usec_min(usec_min(x->due, x->lease_until), now + (x->method->keep ? KEEP_EVERY : CHECK_EVERY));
        break;
    case FAULT_REVERTING:
        next = now + x->retry;
        break;
    case FAULT_REVERTED:
    case FAULT_NOT_NEEDED:
    case FAULT_NEVER:
        break;
    }
    timer_set(x->faults->loop, &x->timer, next, fire, x);
}

/* One attempt. The state is Reverting already. */
int fault_try_revert(struct fault *x, bool resumed, struct error *err)
{
    struct site site = *x->faults->site;
    site.held = x->held;
    enum revert_outcome outcome = REVERT_NOT_NEEDED;
    json_t *detail = json_object();
    int rc = !x->undo     ? 0
             : !x->method ? error_set(err, ERROR_INTERNAL, "this program does not know the method that made it")
                          : x->method->revert(&site, x->undo, resumed, &outcome, detail, err);
    if (rc < 0) {
        json_object_set_new(detail, "message", text_to_json(err->text, strlen(err->text), ERROR_TEXT_MAX));
        if (!x->failing)
            tell(x, "RevertFailed", time_monotonic(), detail);
        json_decref(detail);
        x->failing = true;
        x->retry = err->class == ERROR_NOT_FOUND ? RETRY_GONE : x->retry ? usec_min(2 * x->retry, RETRY_LAST) : RETRY_FIRST;
        fault_schedule(x);
        return -1;
    }
    json_decref(x->outcome);
    x->outcome = detail;
    x->failing = false;
    fd_close_cleanup(&x->held);
    x->held = -1;
    auto_free char *by = mem_strdup(x->by);
    auto_free char *why = mem_strdup(x->why);
    fault_set_state(x, outcome == REVERT_DONE ? FAULT_REVERTED : FAULT_NOT_NEEDED, by, why);
    /* Undone is undone: should this write fail, the next start finds the fault open and undoes it again, which changes nothing. */
    struct error ignored = {0};
    fault_write_down(x, true, &ignored);
    fault_schedule(x);
    tell(x, fault_state_names[x->state], x->since, x->outcome);
    return 0;
}

int fault_begin_revert(struct fault *x, const char *by, const char *why, struct error *err)
{
    bool resumed = x->state != FAULT_IN_FORCE;
    if (x->state != FAULT_REVERTING) {
        fault_set_state(x, FAULT_REVERTING, by, why);
        struct error ignored = {0};
        fault_write_down(x, false, &ignored); /* the journal says "open" either way; a full disk must not keep us from undoing */
        crash_point();
    }
    return fault_try_revert(x, resumed, err);
}

void fault_give_up(struct fault *x, struct refusal *why)
{
    struct error ignored = {0};
    fault_begin_revert(x, "Agent", "failed", &ignored);
    fault_answer_waiting(x, NULL, why);
}

/* Asks whether the fault is in force; true once it is known. */
bool fault_look_whether_in_force(struct fault *x)
{
    struct refusal why = {0};
    int seen = x->method->seen(x->faults->site, x->undo, &why.error);
    if (seen > 0) {
        fault_set_state(x, FAULT_IN_FORCE, "Controller", "request");
        x->seen_at = x->since;
        struct error ignored = {0};
        fault_write_down(x, false, &ignored); /* Intended would be reverted just the same */
        crash_point();
        fault_schedule(x);
        tell(x, "InForce", x->since, x->detail);
        return true;
    }
    if (seen == 0 && time_monotonic() < usec_min(x->intended_at + SEEN_WITHIN, usec_min(x->due, x->lease_until)))
        return false;
    if (seen == 0)
        error_set(&why.error, ERROR_TIMEOUT, "the change was made and was not seen in force; it is taken back");
    fault_give_up(x, &why);
    return true;
}

static void keep(struct fault *x)
{
    struct error why = {0};
    usec_t now = time_monotonic();
    if (x->method->keep)
        x->method->keep(x->faults->site, x->undo, &why);
    if (x->lost || now < x->checked + CHECK_EVERY)
        return;
    x->checked = now;
    if (x->method->seen(x->faults->site, x->undo, &why) != 0)
        return;
    x->lost = true; /* healing, most likely; it stays open, since the same record says how to revert what may come back */
    tell(x, "Lost", time_monotonic(), NULL);
}

static void fire(void *userdata)
{
    struct fault *x = userdata;
    usec_t now = time_monotonic();
    struct error ignored = {0};
    switch (x->state) {
    case FAULT_INTENDED:
        if (!fault_look_whether_in_force(x))
            fault_schedule(x);
        else if (x->state == FAULT_IN_FORCE) {
            json_t *result = fault_in_force_result(x);
            fault_answer_waiting(x, result, NULL);
            json_decref(result);
        }
        return;
    case FAULT_IN_FORCE:
        if (now >= x->due || now >= x->lease_until) {
            fault_begin_revert(x, "Agent", now >= x->due ? "duration" : "lease", &ignored);
            return;
        }
        keep(x);
        fault_schedule(x);
        return;
    case FAULT_REVERTING:
        fault_try_revert(x, true, &ignored);
        return;
    case FAULT_REVERTED:
    case FAULT_NOT_NEEDED:
    case FAULT_NEVER:
        return;
    }
}
