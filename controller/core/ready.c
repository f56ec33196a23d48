#include "core/ready.h"

#include "api/meta.h"
#include "base/str.h"

/* Written only where it says something new. Takes status. */
static void write_status(const struct key *key, const json_t *object, json_t *status, struct decision *d)
{
    if (json_equal(status, json_at(object, "status")))
        json_decref(status);
    else
        decision_status(d, key, json_str(object, "metadata.resourceVersion", ""), status);
}

static const char *error_reason(const struct error *err)
{
    return err->class == ERROR_NOT_FOUND ? "ReferenceNotFound" : err->class == ERROR_CONFLICT ? "NotUnique" : "Invalid";
}

static void add_tally(const struct ready_view *v, json_t *status)
{
    const struct ready_tally *t = &v->tally;
    if (!v->count_key || !t->last_at)
        return;
    json_add_int(status, v->count_key, t->ended);
    json_add_int(status, "succeeded", t->succeeded);
    json_add_int(status, "failed", t->failed);
    json_put_time(status, v->last_key, t->last_at);
    json_put_str(status, "lastResult", t->last_result);
}

void ready_decide(const struct ready_view *v, usec_t now, struct decision *d)
{
    decision_init(d);
    int64_t generation = json_int(v->object, "metadata.generation", 0);
    json_t *status = status_copy(v->object);
    bool usable = v->error.class == ERROR_NONE;
    condition_set(status, "Ready", usable ? CONDITION_TRUE : CONDITION_FALSE, usable ? v->reason : error_reason(&v->error),
                  usable ? v->message : v->error.text, generation, now);
    json_put_int(status, "observedGeneration", generation);
    add_tally(v, status);
    if (v->tally.more_at)
        decision_again(d, v->tally.more_at);
    write_status(&v->key, v->object, status, d);
}

void ready_decide_task(const struct key *key, const json_t *object, usec_t now, struct decision *d)
{
    decision_init(d);
    if (!str_empty(json_str(object, "status.phase", "")))
        return;
    int64_t generation = json_int(object, "metadata.generation", 0);
    json_t *status = status_copy(object);
    json_put_str(status, "phase", "Open");
    json_put_int(status, "observedGeneration", generation);
    json_put_int(status, "occurrences", json_int(status, "occurrences", 1));
    json_put_time(status, "lastSeen", now);
    condition_set(status, "Ready", CONDITION_TRUE, "Open", "it waits for an agent or a person", generation, now);
    write_status(key, object, status, d);
}

void ready_decide_refused(const struct key *key, const json_t *object, const char *phase, const struct error *err, usec_t now,
                          struct decision *d)
{
    decision_init(d);
    if (!str_empty(json_str(object, "status.phase", "")))
        return; /* it began when it could still be understood */
    json_t *status = status_copy(object);
    json_put_str(status, "phase", phase);
    json_put_str(status, "reason", "Invalid");
    json_put_str(status, "message", err->text);
    condition_set(status, "Succeeded", CONDITION_FALSE, "Invalid", err->text, json_int(object, "metadata.generation", 0), now);
    write_status(key, object, status, d);
}
