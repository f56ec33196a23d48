#include "fault_life.h"

#include "base/str.h"
#include "crash.h"

#include <sched.h>

#define TOMBSTONES_TOLD 16

static bool record_is_open(const json_t *record)
{
    const char *state = json_string_value(json_object_get(record, "state"));
    return !str_equal(state, "Reverted") && !str_equal(state, "NotNeeded") && !str_equal(state, "Never");
}

static struct fault *fault_find(const struct faults *f, const char *id)
{
    for (struct list *n = f->all.next; n != &f->all; n = n->next) {
        struct fault *x = list_entry(n, struct fault, node);
        if (str_equal(x->id, id))
            return x;
    }
    return NULL;
}

/* Keeps the closed ones in memory few, as the journal does on disk. */
static void forget_old(struct faults *f)
{
    size_t closed = 0;
    for (struct list *n = f->all.next; n != &f->all; n = n->next)
        closed += !fault_is_open(list_entry(n, struct fault, node)->state);
    for (struct list *n = f->all.next; closed > JOURNAL_TOMBSTONES && n != &f->all;) {
        struct fault *x = list_entry(n, struct fault, node);
        n = n->next;
        if (!fault_is_open(x->state)) {
            fault_free(x);
            closed--;
        }
    }
    journal_prune(f->journal, record_is_open);
}

struct faults *faults_new(struct loop *loop, const struct site *site, struct journal *journal,
                          const struct faults_handlers *handlers)
{
    struct faults *f = mem_new(struct faults);
    f->loop = loop;
    f->site = site;
    f->journal = journal;
    f->handlers = *handlers;
    list_init(&f->all);
    return f;
}

void faults_free(struct faults *f)
{
    if (!f)
        return;
    while (!list_empty(&f->all))
        fault_free(list_entry(f->all.next, struct fault, node));
    free(f);
}

static enum fault_state state_of_record(const json_t *record)
{
    const char *name = json_string_value(json_object_get(record, "state"));
    for (size_t i = 0; i < FAULT_NEVER + 1; i++)
        if (str_equal(name, fault_state_names[i]))
            return (enum fault_state)i;
    return FAULT_INTENDED; /* a state of a later version: open, to be on the safe side */
}

int faults_replay(struct faults *f, json_t **ret_bad, struct error *err)
{
    json_t *records = NULL, *record;
    if (journal_load(f->journal, &records, ret_bad, err) < 0)
        return -1;
    size_t at;
    json_array_foreach(records, at, record)
    {
        struct fault *x = fault_new(f, json_string_value(json_object_get(record, "id")),
                                    method_find(json_string_value(json_object_get(record, "method"))));
        x->state = state_of_record(record);
        x->epoch = json_integer_value(json_object_get(record, "epoch"));
        x->params = json_incref(json_object_get(record, "params"));
        x->undo = json_incref(json_object_get(record, "undo"));
        x->detail = json_incref(json_object_get(record, "detail"));
        x->outcome = json_incref(json_object_get(record, "outcome"));
        const char *by = json_string_value(json_object_get(record, "by")), *why = json_string_value(json_object_get(record, "why"));
        str_copy(x->by, sizeof x->by, by ? by : "");
        str_copy(x->why, sizeof x->why, why ? why : "");
    }
    json_decref(records);
    for (struct list *n = f->all.next; n != &f->all; n = n->next) {
        struct fault *x = list_entry(n, struct fault, node);
        if (!fault_is_open(x->state))
            continue;
        struct error ignored = {0};
        bool resumed = x->state != FAULT_IN_FORCE;
        fault_set_state(x, FAULT_REVERTING, "Agent", "restart");
        fault_write_down(x, false, &ignored); /* should we die in this revert too, the next one must know that it was begun */
        crash_point();
        fault_try_revert(x, resumed, &ignored);
    }
    journal_prune(f->journal, record_is_open);
    return 0;
}

const char *faults_touching(const struct faults *f, const char *what)
{
    for (struct list *n = f->all.next; n != &f->all; n = n->next) {
        struct fault *x = list_entry(n, struct fault, node);
        size_t at;
        json_t *one;
        if (fault_is_open(x->state))
            json_array_foreach(json_object_get(x->undo, "touches"), at,
                               one) if (str_equal(json_string_value(one), what)) return x->id;
    }
    return NULL;
}

static bool remember_waiting(struct fault *x, const struct reply_to *to)
{
    for (size_t i = 0; i < WAITING_MAX; i++)
        if (!x->waiting[i].session) {
            x->waiting[i] = *to;
            return true;
        }
    return false;
}

/* The id is known: the same fault again, or too late. */
static int inject_again(struct fault *x, const struct fault_order *order, const struct reply_to *to, json_t **ret_result,
                        struct refusal *r)
{
    if (fault_is_open(x->state) && (x->method != order->method || !json_equal(x->params, order->params)))
        return refusal_conflict(r, "fault.id", x->id, "this id is %s as another fault", fault_state_names[x->state]);
    if (x->state == FAULT_IN_FORCE) {
        *ret_result = fault_in_force_result(x);
        return 1;
    }
    if (x->state == FAULT_INTENDED && remember_waiting(x, to))
        return 0;
    return refusal_conflict(r, "fault.id", x->id, "this fault is %s already (by %s, %s); a new fault needs a new id",
                            fault_state_names[x->state], x->by, x->why);
}

static int refuse_overlap(const struct faults *f, const json_t *undo, struct refusal *r)
{
    size_t at;
    json_t *one;
    json_array_foreach(json_object_get(undo, "touches"), at, one)
    {
        const char *other = faults_touching(f, json_string_value(one));
        if (other)
            return refusal_conflict(r, "fault.id", other, "the open fault %s touches the same %.4s… already; revert it first",
                                    other, json_string_value(one));
    }
    return 0;
}

int faults_inject(struct faults *f, const struct fault_order *order, const struct reply_to *to, json_t **ret_result,
                  struct refusal *r)
{
    struct fault *known = fault_find(f, order->id);
    if (known)
        return inject_again(known, order, to, ret_result, r);
    if (journal_is_torn(f->journal, order->id))
        return refusal_conflict(r, "fault.id", order->id, "the journal has a record of this id that cannot be read");
    if (faults_open_count(f) >= FAULTS_OPEN_MAX)
        return refusal_conflict(r, "fault.id", order->id, "%d faults are open already", FAULTS_OPEN_MAX);
    json_t *undo = NULL, *detail = NULL;
    if (order->method->validate(order->params, r) < 0 || order->method->plan(f->site, order->params, &undo, &detail, r) < 0)
        return -1;
    if (refuse_overlap(f, undo, r) < 0) {
        json_decref(undo);
        json_decref(detail);
        return -1;
    }
    struct fault *x = fault_new(f, order->id, order->method);
    x->params = json_incref(order->params);
    x->undo = undo;
    x->detail = detail;
    x->epoch = order->epoch;
    x->intended_at = time_monotonic();
    x->due = usec_add(x->intended_at, order->duration);
    x->lease_until = usec_add(x->intended_at, order->lease);
    fault_set_state(x, FAULT_INTENDED, "Controller", "request");
    if (fault_write_down(x, true, &r->error) < 0) {
        fault_free(x); /* nothing was changed */
        return -1;
    }
    crash_point();
    if (x->method->apply(f->site, x->undo, &r->error) < 0) {
        fault_give_up(x, r);
        return -1;
    }
    crash_point();
    x->held = x->method->hold ? x->method->hold(f->site, x->undo) : -1;
    /* A signal takes the other processor a moment. */
    for (int i = 0; i < 100 && x->state == FAULT_INTENDED && x->method->seen(f->site, x->undo, NULL) == 0; i++)
        sched_yield();
    remember_waiting(x, to);
    if (!fault_look_whether_in_force(x)) {
        fault_schedule(x);
        return 0;
    }
    if (x->state != FAULT_IN_FORCE)
        return 0; /* given up: fault_answer_waiting has answered */
    x->waiting[0].session = 0;
    *ret_result = fault_in_force_result(x);
    return 1;
}

int faults_revert(struct faults *f, const char *id, const char *reason, json_t **ret_result, struct refusal *r)
{
    struct fault *x = fault_find(f, id);
    if (!x && journal_is_torn(f->journal, id))
        return error_set(&r->error, ERROR_INTERNAL,
                         "the journal's record of %s cannot be read: whether it is in force is not known", id);
    if (!x) {
        x = fault_new(f, id, NULL);
        fault_set_state(x, FAULT_NEVER, "Controller", reason);
        if (fault_write_down(x, true, &r->error) < 0) {
            fault_free(x);
            return -1;
        }
        forget_old(f);
    }
    if (fault_is_open(x->state)) {
        bool was_intended = x->state == FAULT_INTENDED;
        x->retry = 0;
        int rc = fault_begin_revert(x, "Controller", reason, &r->error);
        if (was_intended) {
            struct refusal cancelled = {0};
            error_set(&cancelled.error, ERROR_CONFLICT, "reverted before it was seen in force");
            fault_answer_waiting(x, NULL, &cancelled);
        }
        if (rc < 0)
            return error_wrap(&r->error, "the revert of %s failed and is being tried again", id);
        forget_old(f);
    }
    *ret_result = fault_revert_result(x);
    return 0;
}

void faults_renew(struct faults *f, usec_t lease)
{
    for (struct list *n = f->all.next; n != &f->all; n = n->next) {
        struct fault *x = list_entry(n, struct fault, node);
        if (x->state == FAULT_INTENDED || x->state == FAULT_IN_FORCE) {
            x->lease_until = usec_add(time_monotonic(), lease);
            fault_schedule(x);
        }
    }
}

void faults_keep(struct faults *f)
{
    for (struct list *n = f->all.next; n != &f->all; n = n->next) {
        struct fault *x = list_entry(n, struct fault, node);
        struct error ignored = {0};
        if (x->state == FAULT_IN_FORCE && x->method->keep)
            x->method->keep(f->site, x->undo, &ignored);
    }
}

size_t faults_revert_all(struct faults *f, const char *by, const char *why)
{
    size_t failed = 0;
    for (struct list *n = f->all.next; n != &f->all; n = n->next) {
        struct fault *x = list_entry(n, struct fault, node);
        struct error ignored = {0};
        if (fault_is_open(x->state) && fault_begin_revert(x, by, why, &ignored) < 0)
            failed++;
    }
    return failed;
}

static json_t *describe(const struct fault *x)
{
    json_t *one = json_pack("{s:s, s:s, s:s, s:I, s:I, s:s, s:s}", "id", x->id, "method", x->method ? x->method->name : "", "state",
                            x->failing ? "RevertFailed" : fault_state_names[x->state], "since_mono", (json_int_t)x->since, "epoch",
                            (json_int_t)x->epoch, "by", x->by, "why", x->why);
    if (x->state == FAULT_IN_FORCE || x->state == FAULT_INTENDED) {
        usec_t left = usec_min(x->due, x->lease_until) - time_monotonic();
        json_object_set_new(one, "remainingMs", json_integer(usec_max(left, 0) / USEC_MSEC));
        json_object_set_new(one, "lost", json_boolean(x->lost));
    }
    return one;
}

json_t *faults_list(const struct faults *f, bool open_only)
{
    json_t *list = json_array();
    for (struct list *n = f->all.next; n != &f->all; n = n->next) {
        struct fault *x = list_entry(n, struct fault, node);
        if (fault_is_open(x->state))
            json_array_append_new(list, describe(x));
    }
    size_t told = 0;
    for (struct list *n = f->all.prev; !open_only && n != &f->all && told < TOMBSTONES_TOLD; n = n->prev) {
        struct fault *x = list_entry(n, struct fault, node);
        if (!fault_is_open(x->state)) {
            json_array_append_new(list, describe(x));
            told++;
        }
    }
    return list;
}

size_t faults_open_count(const struct faults *f)
{
    size_t count = 0;
    for (struct list *n = f->all.next; n != &f->all; n = n->next)
        count += fault_is_open(list_entry(n, struct fault, node)->state);
    return count;
}
