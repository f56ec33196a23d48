#include "fault.h"

#include "base/list.h"
#include "base/str.h"
#include "crash.h"

#include <sched.h>

#define SEEN_WITHIN     (10 * USEC_SEC) /* an injection that is not in force by then is taken back */
#define SEEN_EVERY      USEC_MSEC
#define CHECK_EVERY     (100 * USEC_MSEC)
#define KEEP_EVERY      (10 * USEC_MSEC) /* where the method has something to do again and again */
#define RETRY_FIRST     (200 * USEC_MSEC)
#define RETRY_LAST      (30 * USEC_SEC)
#define WAITING_MAX     8
#define TOMBSTONES_TOLD 16

struct fault {
    struct list node;
    struct faults *faults;
    char *id;
    const struct method *method; /* NULL: a tombstone of an id that was never injected, or of an unknown method */
    enum fault_state state;
    json_t *params, *undo, *detail, *outcome;
    int64_t epoch;
    usec_t since; /* monotonic: of the state */
    usec_t intended_at, seen_at, checked, due, lease_until, retry;
    bool failing, lost;
    char by[12], why[64];
    struct reply_to waiting[WAITING_MAX];
    struct timer timer;
};

struct faults {
    struct loop *loop;
    const struct site *site;
    struct journal *journal;
    struct faults_handlers handlers;
    struct list all; /* in order of arrival */
};

static const char *const state_names[] = {"Intended", "InForce", "Reverting", "Reverted", "NotNeeded", "Never"};

static bool is_open(enum fault_state state)
{
    return state == FAULT_INTENDED || state == FAULT_IN_FORCE || state == FAULT_REVERTING;
}

static bool record_is_open(const json_t *record)
{
    const char *state = json_string_value(json_object_get(record, "state"));
    return !str_equal(state, "Reverted") && !str_equal(state, "NotNeeded") && !str_equal(state, "Never");
}

static void fault_free(struct fault *x)
{
    timer_stop(&x->timer);
    list_remove(&x->node);
    json_decref(x->params);
    json_decref(x->undo);
    json_decref(x->detail);
    json_decref(x->outcome);
    free(x->id);
    free(x);
}

static struct fault *fault_new(struct faults *f, const char *id, const struct method *method)
{
    struct fault *x = mem_new(struct fault);
    x->faults = f;
    x->id = mem_strdup(id);
    x->method = method;
    x->since = time_monotonic();
    x->due = x->lease_until = USEC_NEVER;
    list_append(&f->all, &x->node);
    return x;
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

static int write_down(struct fault *x, bool durable, struct error *err)
{
    json_t *record = json_pack("{s:i, s:s, s:s, s:s, s:I, s:s, s:I, s:I, s:s, s:s, s:O*, s:O*, s:O*, s:O*}", "version", 1, "id", x->id,
                               "method", x->method ? x->method->name : "", "state", state_names[x->state], "epoch",
                               (json_int_t)x->epoch, "node_boot", x->faults->site->node_boot, "mono", (json_int_t)x->since, "wall",
                               (json_int_t)time_wall(), "by", x->by, "why", x->why, "params", x->params, "undo", x->undo, "detail",
                               x->detail, "outcome", x->outcome);
    int rc = record ? journal_write(x->faults->journal, x->id, record, durable, err)
                    : error_set(err, ERROR_INTERNAL, "the journal record cannot be made");
    json_decref(record);
    return rc;
}

static void set_state(struct fault *x, enum fault_state state, const char *by, const char *why)
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

static void answer_waiting(struct fault *x, json_t *result, const struct refusal *refusal)
{
    for (size_t i = 0; i < WAITING_MAX; i++)
        if (x->waiting[i].session) {
            x->faults->handlers.answered(x->faults->handlers.userdata, &x->waiting[i], result, refusal);
            x->waiting[i].session = 0;
        }
}

/* The answer to an injection that is in force. */
static json_t *in_force_result(const struct fault *x)
{
    json_t *result =
        json_pack("{s:s, s:I, s:I, s:O*}", "state", state_names[x->state], "began", (json_int_t)x->intended_at, "at",
                  (json_int_t)x->seen_at, "detail", x->detail);
    const json_t *old_content = json_object_get(x->undo, "old");
    if (old_content)
        json_object_set(result, "backup", (json_t *)(uintptr_t)old_content);
    return result;
}

static json_t *revert_result(const struct fault *x)
{
    return json_pack("{s:s, s:I, s:s, s:s, s:O*}", "state", state_names[x->state], "at", (json_int_t)x->since, "by", x->by, "why",
                     x->why, "detail", x->outcome);
}

static void fire(void *userdata);

static void schedule(struct fault *x)
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

/* Keeps the closed ones in memory few, as the journal does on disk. */
static void forget_old(struct faults *f)
{
    size_t closed = 0;
    for (struct list *n = f->all.next; n != &f->all; n = n->next)
        closed += !is_open(list_entry(n, struct fault, node)->state);
    for (struct list *n = f->all.next; closed > JOURNAL_TOMBSTONES && n != &f->all;) {
        struct fault *x = list_entry(n, struct fault, node);
        n = n->next;
        if (!is_open(x->state)) {
            fault_free(x);
            closed--;
        }
    }
    journal_prune(f->journal, record_is_open);
}

/* One attempt. The state is Reverting already. */
static int try_revert(struct fault *x, bool resumed, struct error *err)
{
    enum revert_outcome outcome = REVERT_NOT_NEEDED;
    json_t *detail = json_object();
    int rc = !x->undo       ? 0
             : !x->method   ? error_set(err, ERROR_INTERNAL, "this program does not know the method that made it")
                            : x->method->revert(x->faults->site, x->undo, resumed, &outcome, detail, err);
    if (rc < 0) {
        json_object_set_new(detail, "message", text_to_json(err->text, strlen(err->text), ERROR_TEXT_MAX));
        if (!x->failing)
            tell(x, "RevertFailed", time_monotonic(), detail);
        json_decref(detail);
        x->failing = true;
        x->retry = x->retry ? usec_min(2 * x->retry, RETRY_LAST) : RETRY_FIRST;
        schedule(x);
        return -1;
    }
    json_decref(x->outcome);
    x->outcome = detail;
    x->failing = false;
    auto_free char *by = mem_strdup(x->by);
    auto_free char *why = mem_strdup(x->why);
    set_state(x, outcome == REVERT_DONE ? FAULT_REVERTED : FAULT_NOT_NEEDED, by, why);
    /* Undone is undone: should this write fail, the next start finds the fault open and undoes it again, which changes nothing. */
    struct error ignored = {0};
    write_down(x, true, &ignored);
    schedule(x);
    tell(x, state_names[x->state], x->since, x->outcome);
    return 0;
}

static int begin_revert(struct fault *x, const char *by, const char *why, struct error *err)
{
    bool resumed = x->state != FAULT_IN_FORCE;
    if (x->state != FAULT_REVERTING) {
        set_state(x, FAULT_REVERTING, by, why);
        struct error ignored = {0};
        write_down(x, false, &ignored); /* the journal says "open" either way; a full disk must not keep us from undoing */
        crash_point();
    }
    return try_revert(x, resumed, err);
}

static void give_up_injection(struct fault *x, struct refusal *why)
{
    struct error ignored = {0};
    begin_revert(x, "Agent", "failed", &ignored);
    answer_waiting(x, NULL, why);
}

/* Asks whether the fault is in force; true once it is known. */
static bool look_whether_in_force(struct fault *x)
{
    struct refusal why = {0};
    int seen = x->method->seen(x->faults->site, x->undo, &why.error);
    if (seen > 0) {
        set_state(x, FAULT_IN_FORCE, "Controller", "request");
        x->seen_at = x->since;
        struct error ignored = {0};
        write_down(x, false, &ignored); /* Intended would be reverted just the same */
        crash_point();
        schedule(x);
        tell(x, "InForce", x->since, x->detail);
        return true;
    }
    if (seen == 0 && time_monotonic() < usec_min(x->intended_at + SEEN_WITHIN, usec_min(x->due, x->lease_until)))
        return false;
    if (seen == 0)
        error_set(&why.error, ERROR_TIMEOUT, "the change was made and was not seen in force; it is taken back");
    give_up_injection(x, &why);
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
        if (!look_whether_in_force(x))
            schedule(x);
        else if (x->state == FAULT_IN_FORCE) {
            json_t *result = in_force_result(x);
            answer_waiting(x, result, NULL);
            json_decref(result);
        }
        return;
    case FAULT_IN_FORCE:
        if (now >= x->due || now >= x->lease_until) {
            begin_revert(x, "Agent", now >= x->due ? "duration" : "lease", &ignored);
            return;
        }
        keep(x);
        schedule(x);
        return;
    case FAULT_REVERTING:
        try_revert(x, true, &ignored);
        return;
    case FAULT_REVERTED:
    case FAULT_NOT_NEEDED:
    case FAULT_NEVER:
        return;
    }
}

struct faults *faults_new(struct loop *loop, const struct site *site, struct journal *journal, const struct faults_handlers *handlers)
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
    for (size_t i = 0; i < array_len(state_names); i++)
        if (str_equal(name, state_names[i]))
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
        if (!is_open(x->state))
            continue;
        struct error ignored = {0};
        bool resumed = x->state != FAULT_IN_FORCE;
        set_state(x, FAULT_REVERTING, "Agent", "restart");
        write_down(x, false, &ignored); /* should we die in this revert too, the next one must know that it was begun */
        crash_point();
        try_revert(x, resumed, &ignored);
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
        if (is_open(x->state))
            json_array_foreach(json_object_get(x->undo, "touches"), at, one) if (str_equal(json_string_value(one), what)) return x->id;
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
    if (is_open(x->state) && (x->method != order->method || !json_equal(x->params, order->params)))
        return refusal_conflict(r, "fault.id", x->id, "this id is %s as another fault", state_names[x->state]);
    if (x->state == FAULT_IN_FORCE) {
        *ret_result = in_force_result(x);
        return 1;
    }
    if (x->state == FAULT_INTENDED && remember_waiting(x, to))
        return 0;
    return refusal_conflict(r, "fault.id", x->id, "this fault is %s already (by %s, %s); a new fault needs a new id",
                            state_names[x->state], x->by, x->why);
}

static int refuse_overlap(const struct faults *f, const json_t *undo, struct refusal *r)
{
    size_t at;
    json_t *one;
    json_array_foreach(json_object_get(undo, "touches"), at, one)
    {
        const char *other = faults_touching(f, json_string_value(one));
        if (other)
            return refusal_conflict(r, "fault.id", other, "the open fault %s touches the same %.4s… already; revert it first", other,
                                    json_string_value(one));
    }
    return 0;
}

int faults_inject(struct faults *f, const struct fault_order *order, const struct reply_to *to, json_t **ret_result, struct refusal *r)
{
    struct fault *known = fault_find(f, order->id);
    if (known)
        return inject_again(known, order, to, ret_result, r);
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
    set_state(x, FAULT_INTENDED, "Controller", "request");
    if (write_down(x, true, &r->error) < 0) {
        fault_free(x); /* nothing was changed */
        return -1;
    }
    crash_point();
    if (x->method->apply(f->site, x->undo, &r->error) < 0) {
        give_up_injection(x, r);
        return -1;
    }
    crash_point();
    /* A signal takes the other processor a moment. */
    for (int i = 0; i < 100 && x->state == FAULT_INTENDED && x->method->seen(f->site, x->undo, NULL) == 0; i++)
        sched_yield();
    remember_waiting(x, to);
    if (!look_whether_in_force(x)) {
        schedule(x);
        return 0;
    }
    if (x->state != FAULT_IN_FORCE)
        return 0; /* given up: answer_waiting has answered */
    x->waiting[0].session = 0;
    *ret_result = in_force_result(x);
    return 1;
}

int faults_revert(struct faults *f, const char *id, const char *reason, json_t **ret_result, struct refusal *r)
{
    struct fault *x = fault_find(f, id);
    if (!x) {
        x = fault_new(f, id, NULL);
        set_state(x, FAULT_NEVER, "Controller", reason);
        if (write_down(x, true, &r->error) < 0) {
            fault_free(x);
            return -1;
        }
        forget_old(f);
    }
    if (is_open(x->state)) {
        bool was_intended = x->state == FAULT_INTENDED;
        x->retry = 0;
        int rc = begin_revert(x, "Controller", reason, &r->error);
        if (was_intended) {
            struct refusal cancelled = {0};
            error_set(&cancelled.error, ERROR_CONFLICT, "reverted before it was seen in force");
            answer_waiting(x, NULL, &cancelled);
        }
        if (rc < 0)
            return error_wrap(&r->error, "the revert of %s failed and is being tried again", id);
        forget_old(f);
    }
    *ret_result = revert_result(x);
    return 0;
}

void faults_renew(struct faults *f, usec_t lease)
{
    for (struct list *n = f->all.next; n != &f->all; n = n->next) {
        struct fault *x = list_entry(n, struct fault, node);
        if (x->state == FAULT_INTENDED || x->state == FAULT_IN_FORCE) {
            x->lease_until = usec_add(time_monotonic(), lease);
            schedule(x);
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
        if (is_open(x->state) && begin_revert(x, by, why, &ignored) < 0)
            failed++;
    }
    return failed;
}

static json_t *describe(const struct fault *x)
{
    json_t *one = json_pack("{s:s, s:s, s:s, s:I, s:I, s:s, s:s}", "id", x->id, "method", x->method ? x->method->name : "", "state",
                            x->failing ? "RevertFailed" : state_names[x->state], "since_mono", (json_int_t)x->since, "epoch",
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
        if (is_open(x->state))
            json_array_append_new(list, describe(x));
    }
    size_t told = 0;
    for (struct list *n = f->all.prev; !open_only && n != &f->all && told < TOMBSTONES_TOLD; n = n->prev) {
        struct fault *x = list_entry(n, struct fault, node);
        if (!is_open(x->state)) {
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
        count += is_open(list_entry(n, struct fault, node)->state);
    return count;
}
