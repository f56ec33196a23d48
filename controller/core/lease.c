#include "core/lease.h"

#include "base/rfc3339.h"
#include "base/str.h"

#define EPOCH_BEGIN (1767225600 * USEC_SEC) /* 2026-01-01T00:00:00Z */
#define EPOCH_UNIT  (500 * USEC_MSEC)       /* no two terms begin closer than a retry; the field's 31 bits last until 2060 */
#define JITTER      0.2

enum lease_known { LEASE_UNKNOWN, LEASE_ABSENT, LEASE_PRESENT };

struct lease {
    char *ns, *name, *identity;
    usec_t duration, renew_deadline, retry, margin;
    bool watched;

    enum lease_known known;
    json_t *object;   /* as last seen; kept while UNKNOWN, to tell whether it has changed; NULL when ABSENT */
    usec_t seen_at;   /* when its spec last changed, by our clock */
    usec_t looked_at; /* when it was last read */
    int64_t highest;  /* epoch ever seen */

    bool leading, stopping, stopped;
    int64_t epoch;
    usec_t renewed_at; /* when the last renewal that succeeded was sent */

    enum lease_action in_flight;
    usec_t sent_at;
    usec_t next_try, pause;
};

int lease_new(const struct lease_options *o, struct lease **ret_lease, struct error *err)
{
    usec_t duration = o->duration ? o->duration : LEASE_DURATION;
    usec_t deadline = o->renew_deadline ? o->renew_deadline : LEASE_RENEW_DEADLINE;
    usec_t retry = o->retry ? o->retry : LEASE_RETRY, margin = o->margin ? o->margin : LEASE_MARGIN;
    if (str_empty(o->ns) || str_empty(o->name) || str_empty(o->identity))
        return error_set(err, ERROR_INVALID, "a lease needs a namespace, a name and an identity");
    if (duration <= deadline || deadline <= retry + retry / 5 || margin >= deadline || retry <= 0 || margin < 0)
        return error_set(
            err, ERROR_INVALID,
            "lease times: the duration must be longer than the renew deadline, that longer than 1.2 times the retry and "
            "than the margin");
    struct lease *l = mem_new(struct lease);
    *l = (struct lease){
        .ns = mem_strdup(o->ns),
        .name = mem_strdup(o->name),
        .identity = mem_strdup(o->identity),
        .duration = duration,
        .renew_deadline = deadline,
        .retry = retry,
        .margin = margin,
        .watched = o->watched,
        .pause = retry,
    };
    *ret_lease = l;
    return 0;
}

void lease_free(struct lease *l)
{
    if (!l)
        return;
    json_decref(l->object);
    free(l->ns);
    free(l->name);
    free(l->identity);
    free(l);
}

/* ── the record ── */

static const json_t *spec_of(const json_t *object)
{
    return json_object_get(object, "spec");
}

static const char *holder_of(const json_t *object)
{
    const char *holder = json_string_value(json_object_get(spec_of(object), "holderIdentity"));
    return holder ? holder : "";
}

static int64_t number_of(const json_t *object, const char *field)
{
    return json_integer_value(json_object_get(spec_of(object), field));
}

static const char *version_of(const json_t *object)
{
    const char *version = json_string_value(json_object_get(json_object_get(object, "metadata"), "resourceVersion"));
    return version ? version : "";
}

/* Resource versions are decimals without leading zeros, of any length (KEP-5504). */
static bool version_older(const char *a, const char *b)
{
    size_t m = strlen(a), n = strlen(b);
    return m != n ? m < n : strcmp(a, b) < 0;
}

static int64_t whole_seconds(usec_t d)
{
    return (d + USEC_SEC - 1) / USEC_SEC;
}

/* How long another's record counts. The field has whole seconds only: where it says what ours would, the exact time is ours too. */
static usec_t wait_of(const struct lease *l)
{
    int64_t seconds = number_of(l->object, "leaseDurationSeconds");
    return seconds == whole_seconds(l->duration) ? l->duration : seconds * USEC_SEC;
}

static bool held_by_us(const struct lease *l)
{
    return l->known == LEASE_PRESENT && str_equal(holder_of(l->object), l->identity);
}

static void is_absent(struct lease *l)
{
    json_decref(l->object);
    l->object = NULL;
    l->known = LEASE_ABSENT;
    l->leading = false;
}

static void take_object(struct lease *l, const json_t *object, usec_t now)
{
    if (!l->object || !json_equal(spec_of(l->object), spec_of(object)))
        l->seen_at = now;
    json_t *copy = json_deep_copy(object);
    json_decref(l->object);
    l->object = copy;
    l->known = LEASE_PRESENT;
    l->looked_at = now;
    int64_t epoch = number_of(copy, "leaseTransitions");
    if (epoch > l->highest)
        l->highest = epoch;
    if (l->leading && (!held_by_us(l) || epoch != l->epoch))
        l->leading = false;
}

void lease_observe(struct lease *l, const json_t *object, usec_t now)
{
    if (!object) {
        is_absent(l);
        l->next_try = now;
        return;
    }
    if (l->object && !version_older(version_of(l->object), version_of(object)))
        return;
    take_object(l, object, now);
    if (!l->leading)
        l->next_try = now;
}

/* ── bodies ── */

static void set_text(json_t *spec, const char *field, const char *text)
{
    json_object_set_new(spec, field, json_string(text));
}

static json_t *body_new(const struct lease *l)
{
    if (l->known != LEASE_PRESENT)
        return json_pack("{s:s, s:s, s:{s:s, s:s}, s:{}}", "apiVersion", "coordination.k8s.io/v1", "kind", "Lease", "metadata",
                         "name", l->name, "namespace", l->ns, "spec");
    json_t *body = json_deep_copy(l->object); /* what others have put there stays */
    json_object_del(json_object_get(body, "metadata"), "managedFields");
    if (!spec_of(body))
        json_object_set_new(body, "spec", json_object());
    return body;
}

static json_t *body_renew(const struct lease *l, usec_t wall)
{
    char time[RFC3339_SIZE];
    json_t *body = body_new(l), *spec = json_object_get(body, "spec");
    set_text(spec, "holderIdentity", l->identity);
    set_text(spec, "renewTime", rfc3339_format_micro(wall, time));
    json_object_set_new(spec, "leaseDurationSeconds", json_integer(whole_seconds(l->duration)));
    return body;
}

int64_t lease_first_epoch(usec_t wall)
{
    return (wall - EPOCH_BEGIN) / EPOCH_UNIT;
}

static json_t *body_acquire(const struct lease *l, usec_t wall)
{
    char time[RFC3339_SIZE];
    int64_t epoch = l->highest + 1, begin = lease_first_epoch(wall);
    if (l->known == LEASE_ABSENT && epoch < begin)
        epoch = begin;
    json_t *body = body_renew(l, wall), *spec = json_object_get(body, "spec");
    set_text(spec, "acquireTime", rfc3339_format_micro(wall, time));
    json_object_set_new(spec, "leaseTransitions", json_integer(epoch));
    return body;
}

static json_t *body_release(const struct lease *l, usec_t wall)
{
    json_t *body = body_renew(l, wall), *spec = json_object_get(body, "spec");
    set_text(spec, "holderIdentity", "");
    json_object_set_new(spec, "leaseDurationSeconds", json_integer(1)); /* 0 is refused by the API server */
    return body;
}

/* ── deciding ── */

bool lease_leads(const struct lease *l, usec_t now)
{
    return l->leading && now < l->renewed_at + l->renew_deadline;
}

bool lease_may_act(const struct lease *l, usec_t now)
{
    return l->leading && !l->stopping && now < l->renewed_at + l->renew_deadline - l->margin;
}

usec_t lease_until(const struct lease *l)
{
    return l->leading ? l->renewed_at + l->renew_deadline : 0;
}

int64_t lease_epoch(const struct lease *l)
{
    return l->epoch;
}

const char *lease_holder(const struct lease *l)
{
    return l->known == LEASE_PRESENT ? holder_of(l->object) : "";
}

static void ask(struct lease *l, usec_t now, enum lease_action action, json_t *body, struct lease_decision *d)
{
    l->in_flight = action;
    l->sent_at = now;
    d->action = action;
    d->body = body;
}

static void decide_stopping(struct lease *l, usec_t now, usec_t wall, struct lease_decision *d)
{
    if (l->known == LEASE_UNKNOWN)
        ask(l, now, LEASE_GET, NULL, d);
    else if (held_by_us(l))
        ask(l, now, LEASE_UPDATE, body_release(l, wall), d);
    else
        l->stopped = true;
    l->leading = l->leading && !l->stopped;
}

static void decide_following(struct lease *l, usec_t now, usec_t wall, struct lease_decision *d)
{
    usec_t look_again = l->watched ? USEC_NEVER : l->looked_at + l->pause;
    if (l->known == LEASE_UNKNOWN || (l->known == LEASE_PRESENT && now >= look_again)) {
        ask(l, now, LEASE_GET, NULL, d);
        return;
    }
    if (l->known == LEASE_ABSENT) {
        ask(l, now, LEASE_CREATE, body_acquire(l, wall), d);
        return;
    }
    bool free_to_take = str_empty(holder_of(l->object)) || held_by_us(l);
    usec_t expires = usec_add(l->seen_at, wait_of(l));
    if (free_to_take || now >= expires)
        ask(l, now, LEASE_UPDATE, body_acquire(l, wall), d);
    else
        d->again = usec_min(look_again, expires);
}

void lease_decide(struct lease *l, usec_t now, usec_t wall, double draw, struct lease_decision *ret_decision)
{
    struct lease_decision d = {.action = LEASE_NOTHING, .again = USEC_NEVER, .timeout = usec_max(l->retry, l->renew_deadline / 2)};
    *ret_decision = d;
    if (l->in_flight != LEASE_NOTHING || l->stopped)
        return;
    l->pause = l->retry + (usec_t)((double)l->retry * JITTER * draw);
    if (l->leading && !lease_leads(l, now))
        l->leading = false;
    if (now < l->next_try)
        d.again = l->leading ? usec_min(l->next_try, lease_until(l)) : l->next_try;
    else if (l->stopping)
        decide_stopping(l, now, wall, &d);
    else if (l->leading)
        ask(l, now, l->known == LEASE_PRESENT ? LEASE_UPDATE : LEASE_GET, l->known == LEASE_PRESENT ? body_renew(l, wall) : NULL,
            &d);
    else
        decide_following(l, now, wall, &d);
    *ret_decision = d;
}

/* ── outcomes ── */

static void took_effect(struct lease *l, enum lease_action action, const json_t *object, usec_t now)
{
    bool led = lease_leads(l, now);
    take_object(l, object, now);
    l->next_try = now;
    if (action == LEASE_GET)
        return;
    if (l->stopping && !held_by_us(l)) {
        l->stopped = true;
        l->leading = false;
        return;
    }
    if (!held_by_us(l))
        return;
    /* A renewal that comes home after the deadline does not revive the term: it has been given up meanwhile. */
    int64_t epoch = number_of(l->object, "leaseTransitions");
    bool renewal = led && epoch == l->epoch, fresh = epoch != l->epoch;
    l->leading = renewal || fresh;
    if (!l->leading)
        return;
    l->epoch = epoch;
    l->renewed_at = l->sent_at;
    l->next_try = l->sent_at + l->pause;
}

void lease_answer(struct lease *l, const struct error *err, const json_t *object, usec_t now)
{
    enum lease_action action = l->in_flight;
    l->in_flight = LEASE_NOTHING;
    if (err->class == ERROR_NONE && json_is_object(object)) {
        took_effect(l, action, object, now);
        return;
    }
    bool gone = err->class == ERROR_NOT_FOUND && action != LEASE_CREATE;
    bool lost_race = err->class == ERROR_CONFLICT || err->class == ERROR_EXISTS;
    if (gone)
        is_absent(l);
    else
        l->known = LEASE_UNKNOWN;
    l->next_try = gone || lost_race ? now : usec_max(now, l->sent_at + l->pause); /* a request that hung has waited already */
}

void lease_stop(struct lease *l)
{
    l->stopping = true;
    l->next_try = 0;
}

bool lease_stopped(const struct lease *l)
{
    return l->stopped;
}
