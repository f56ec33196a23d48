#include "api/schedule.h"
#include "check.h"
#include "fixture.h"

TEST(a_schedule_is_read_with_its_defaults)
{
    auto_fixture json_t *object =
        fixture("{'spec': {'every': '5m', 'targets': {'names': ['shop']}}, 'status': {'lastSlot': '1970-01-01T00:05:00Z'}}");
    auto_schedule struct schedule s = {0};
    struct error err = {0};
    CHECK_INT(schedule_decode(object, &s, &err), 0);
    CHECK_INT(s.every, 5 * USEC_MINUTE);
    CHECK_INT(s.last_slot, 5 * USEC_MINUTE);
    CHECK_INT(s.concurrency, CONCURRENCY_FORBID);
    CHECK_INT(s.starting_deadline, USEC_MINUTE);
    CHECK_INT(s.escalate_after, 7 * USEC_DAY);
    CHECK(!s.has_seed && !s.stress && !s.round_robin && s.overdue_boost > 2.9);
    CHECK_INT(schedule_frequency(&s, 2.5), 3 * USEC_DAY);
    CHECK_INT(schedule_frequency(&s, 2.0), 3 * USEC_DAY);
    CHECK_INT(schedule_frequency(&s, 1.99), 7 * USEC_DAY);
    CHECK_INT(schedule_frequency(&s, 0.5), 14 * USEC_DAY);
}

TEST(the_last_slot_is_known_from_the_last_draw_too)
{
    auto_fixture json_t *object =
        fixture("{'spec': {'every': '5m', 'targets': {'names': ['shop']}}, 'status': {'lastSelection': {'draw': 1763192400000}}}");
    auto_schedule struct schedule s = {0};
    CHECK_INT(schedule_decode(object, &s, NULL), 0);
    CHECK_INT(s.last_slot, 1763192400 * USEC_SEC);

    auto_fixture json_t *beyond = fixture(
        "{'spec': {'every': '5m', 'targets': {'names': ['shop']}}, 'status': {'lastSelection': {'draw': 9223372036854775807}}}");
    auto_schedule struct schedule far = {0};
    CHECK_INT(schedule_decode(beyond, &far, NULL), 0); /* whoever wrote that: it is no time */
    CHECK_INT(far.last_slot, 0);
}

TEST(the_row_with_the_highest_risk_that_is_reached_rules)
{
    auto_fixture json_t *object = fixture("{'spec': {'every': '5m', 'targets': {'names': ['x']}, 'frequency': [{'minRisk': 1, "
                                          "'every': '7d'}, {'minRisk': 2.0, 'every': '1d'}, {'minRisk': 1.5, 'every': '3d'}]}}");
    auto_schedule struct schedule s = {0};
    CHECK_INT(schedule_decode(object, &s, NULL), 0);
    CHECK_INT(schedule_frequency(&s, 3), USEC_DAY);
    CHECK_INT(schedule_frequency(&s, 1), 7 * USEC_DAY);
    CHECK_INT(schedule_frequency(&s, 0.9), USEC_NEVER);
}

TEST(a_bad_schedule_is_refused_with_the_field)
{
    static const struct {
        const char *sentence, *spec, *want;
    } rows[] = {
        {"neither every nor cron", "{'targets': {'names': ['x']}}", "spec has neither every and cron"},
        {"both every and cron", "{'every': '5m', 'cron': '@hourly', 'targets': {'names': ['x']}}", "spec has both every and cron"},
        {"a cron line that is none", "{'cron': '61 * * * *', 'targets': {'names': ['x']}}", "spec.cron: "},
        {"a zone without cron", "{'every': '5m', 'timeZone': 'UTC', 'targets': {'names': ['x']}}",
         "spec.timeZone goes with cron only"},
        {"an interval", "{'every': '5 minutes', 'targets': {'names': ['x']}}", "spec.every: \"5 minutes\""},
        {"an interval of nothing", "{'every': '0s', 'targets': {'names': ['x']}}", "spec.every: \"0s\" is too often"},
        {"no targets", "{'every': '5m'}", "spec.targets has neither names and selector"},
        {"a bad selector", "{'every': '5m', 'targets': {'selector': {'matchLabels': {'-': 'x'}}}}", "spec.targets.selector"},
        {"a mode nobody knows", "{'every': '5m', 'mode': 'Wild', 'targets': {'names': ['x']}}", "write Normal or Stress"},
        {"a policy nobody knows", "{'every': '5m', 'concurrencyPolicy': 'Queue', 'targets': {'names': ['x']}}",
         "write Forbid, Allow or Replace"},
        {"stress the wrong way round", "{'every': '5m', 'stress': {'min': 4, 'max': 2}, 'targets': {'names': ['x']}}",
         "spec.stress.min: 4"},
        {"a frequency", "{'every': '5m', 'targets': {'names': ['x']}, 'frequency': [{'every': 'daily'}]}",
         "spec.frequency[0].every: \"daily\""},
        {"a deadline", "{'every': '5m', 'startingDeadline': 'late', 'targets': {'names': ['x']}}",
         "spec.startingDeadline: \"late\""},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        auto_fixture json_t *object = json_object();
        json_object_set_new(object, "spec", fixture(rows[i].spec));
        auto_schedule struct schedule s = {0};
        struct error err = {0};
        CHECK_ROW(rows[i].sentence);
        CHECK_INT(schedule_decode(object, &s, &err), -1);
        CHECK_CONTAINS(err.text, rows[i].want);
    }
}

int main(void)
{
    return check_run();
}
