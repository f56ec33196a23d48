#include "api/schedule.h"

#include "api/field.h"
#include "api/selector.h"
#include "base/cron.h"
#include "base/str.h"

static int schedule_decode_when(const json_t *root, struct schedule *s, struct error *err)
{
    s->cron = json_str(root, "spec.cron", NULL);
    s->time_zone = json_str(root, "spec.timeZone", NULL);
    bool has_every = json_at(root, "spec.every") != NULL;
    if (has_every == (s->cron != NULL))
        return error_set(err, ERROR_INVALID,
                         "spec has %s every and cron; write exactly one, for example every: 5m, or cron: \"*/5 9-17 * * 1-5\"",
                         has_every ? "both" : "neither");
    if (field_duration(root, "spec.every", 0, &s->every, err) < 0)
        return -1;
    if (has_every && s->every < USEC_SEC)
        return error_set(err, ERROR_INVALID, "spec.every: \"%s\" is too often; write for example 5m",
                         json_str(root, "spec.every", ""));
    if (s->time_zone && !s->cron)
        return error_set(err, ERROR_INVALID, "spec.timeZone goes with cron only; leave it out with every");
    if (s->cron) {
        struct cron *cron;
        if (cron_parse(s->cron, &cron, err) < 0)
            return error_wrap(err, "spec.cron");
        cron_free(cron);
    }
    return 0;
}

static int schedule_decode_frequency(const json_t *root, struct schedule *s, struct error *err)
{
    const json_t *rows = json_at(root, "spec.frequency");
    s->frequency_count = json_array_size(rows);
    if (s->frequency_count > SCHEDULE_FREQUENCY_MAX)
        return error_set(err, ERROR_INVALID, "spec.frequency has %zu rows; at most %d are allowed", s->frequency_count,
                         SCHEDULE_FREQUENCY_MAX);
    for (size_t i = 0; i < s->frequency_count; i++) {
        const json_t *row = json_array_get(rows, i);
        s->frequency[i].min_risk = json_num(row, "minRisk", 0);
        if (field_duration(row, "every", USEC_NEVER, &s->frequency[i].every, err) < 0)
            return field_within(err, "spec.frequency[%zu]", i);
    }
    return 0;
}

static int schedule_decode_policy(const json_t *root, struct schedule *s, struct error *err)
{
    static const char *const modes[] = {"Normal", "Stress", NULL};
    static const char *const strategies[] = {"WeightedRandom", "RoundRobin", NULL};
    static const char *const concurrency[] = {"Forbid", "Allow", "Replace", NULL};
    size_t mode, strategy, policy;
    if (field_choice(root, "spec.mode", modes, &mode, err) < 0 ||
        field_choice(root, "spec.selection.strategy", strategies, &strategy, err) < 0 ||
        field_choice(root, "spec.concurrencyPolicy", concurrency, &policy, err) < 0)
        return -1;
    s->stress = mode == 1;
    s->round_robin = strategy == 1;
    s->concurrency = policy == 1 ? CONCURRENCY_ALLOW : policy == 2 ? CONCURRENCY_REPLACE : CONCURRENCY_FORBID;
    if (field_int(root, "spec.stress.min", 1, 5, 2, &s->stress_min, err) < 0 ||
        field_int(root, "spec.stress.max", 1, 5, 3, &s->stress_max, err) < 0)
        return -1;
    if (s->stress_min > s->stress_max)
        return error_set(err, ERROR_INVALID,
                         "spec.stress.min: %d is above spec.stress.max (%d); write for example {min: 2, max: 3}", s->stress_min,
                         s->stress_max);
    const json_t *seed = json_at(root, "spec.selection.seed");
    s->has_seed = json_is_integer(seed);
    s->seed = json_integer_value(seed);
    s->overdue_boost = json_num(root, "spec.selection.overdueBoost", 3);
    s->suspend = json_flag(root, "spec.suspend", false);
    s->dry_run = json_flag(root, "spec.dryRun", false);
    if (field_duration(root, "spec.escalateAfter", 7 * USEC_DAY, &s->escalate_after, err) < 0 ||
        field_duration(root, "spec.startingDeadline", USEC_MINUTE, &s->starting_deadline, err) < 0 ||
        field_int(root, "spec.history.succeeded", 0, 1000, 20, &s->history_succeeded, err) < 0)
        return -1;
    return field_int(root, "spec.history.failed", 0, 1000, 50, &s->history_failed, err);
}

static int schedule_decode_into(json_t *root, struct schedule *s, struct error *err)
{
    meta_decode(root, &s->meta);
    if (field_texts(json_at(root, "spec"), "spec", err) < 0)
        return -1;
    s->target_names = json_at(root, "spec.targets.names");
    s->target_selector = json_at(root, "spec.targets.selector");
    if (!s->target_names == !s->target_selector)
        return error_set(err, ERROR_INVALID,
                         "spec.targets has %s names and selector; write exactly one, for example {names: [shop]}",
                         s->target_names ? "both" : "neither");
    if (selector_validate(s->target_selector, "spec.targets.selector", err) < 0)
        return -1;
    s->card_ids = json_at(root, "spec.cards.ids");
    s->card_selector = json_at(root, "spec.cards.selector");
    if (selector_validate(s->card_selector, "spec.cards.selector", err) < 0)
        return -1;
    s->windows = json_at(root, "spec.windows");
    if (schedule_decode_when(root, s, err) < 0 || schedule_decode_policy(root, s, err) < 0 ||
        schedule_decode_frequency(root, s, err) < 0)
        return -1;
    s->status = json_at(root, "status") ?: json_make(root, "status");
    /* The draw of a selection is its slot in milliseconds (core/selection.h). */
    int64_t draw = json_int(s->status, "lastSelection.draw", 0);
    s->last_slot = json_time(s->status, "lastSlot", draw > 0 && draw < USEC_NEVER / USEC_MSEC ? draw * USEC_MSEC : 0);
    return 0;
}

int schedule_decode(json_t *object, struct schedule *ret_schedule, struct error *err)
{
    struct schedule schedule = {0};
    if (schedule_decode_into(object, &schedule, err) < 0)
        return -1;
    schedule.root = json_incref(object);
    *ret_schedule = schedule;
    return 0;
}

void schedule_done(struct schedule *s)
{
    json_decref(s->root);
    *s = (struct schedule){0};
}

size_t schedule_at_once(const struct schedule *s)
{
    if (s->concurrency == CONCURRENCY_ALLOW)
        return SIZE_MAX;
    return s->stress ? (size_t)s->stress_max : 1;
}

usec_t schedule_frequency(const struct schedule *s, double risk)
{
    if (s->frequency_count == 0)
        return risk >= 2 ? 3 * USEC_DAY : risk >= 1 ? 7 * USEC_DAY : 14 * USEC_DAY;
    usec_t every = USEC_NEVER;
    double best = -1;
    for (size_t i = 0; i < s->frequency_count; i++)
        if (s->frequency[i].min_risk <= risk && s->frequency[i].min_risk > best) {
            best = s->frequency[i].min_risk;
            every = s->frequency[i].every;
        }
    return every;
}
