#include "base/str.h"
#include "check.h"
#include "core/coverage.h"
#include "fixture.h"

#define CARD                                                                                                                       \
    "{'metadata': {'name': 'cf001', 'namespace': 'a'}, 'spec': {'id': 'CF001', 'category': 'ConfigDrift', 'risk': 2.0, "           \
    "'injection': {'duration': '90s', %s},"                                                                                        \
    "'expect': {'trigger': {'name': 't'}}, 'verify': [{'name': 'v', 'probe': %s, 'within': '60s'}], 'slo': {}%s}}"
#define TARGET                                                                                                                     \
    "{'metadata': {'name': 'shop', 'namespace': 'a'}, 'spec': {'selector': {'matchLabels': {'app': 'shop'}}, 'safety': {%s}, "     \
    "'facets': {%s}}}"

#define CONFIG "'config': {'path': '/c.yaml', 'key': 'a'}"
#define METHOD "'method': 'ConfigModify', 'configModify': {'path': '$(target.config.path)', 'key': 'a', 'value': '1'}"
#define PODS   "{'pods': {'ready': {'atLeast': 1}}}"

static struct card card_from(const char *injection, const char *verify, const char *more)
{
    auto_free char *text = mem_printf(CARD, injection, verify, more);
    auto_fixture json_t *object = fixture(text);
    struct card c = {0};
    struct error err = {0};
    if (card_decode(object, &c, &err) < 0)
        CHECK_FAIL("%s", err.text);
    return c;
}

static struct target target_from(const char *safety, const char *facets)
{
    auto_free char *text = mem_printf(TARGET, safety, facets);
    auto_fixture json_t *object = fixture(text);
    struct target t = {0};
    struct error err = {0};
    if (target_decode(object, &t, &err) < 0)
        CHECK_FAIL("%s", err.text);
    return t;
}

TEST(a_card_applies_where_the_target_has_what_it_needs)
{
    static const struct {
        const char *sentence, *injection, *verify, *more, *safety, *facets, *why; /* why NULL: it applies */
    } rows[] = {
        {"every facet is there", METHOD, PODS, "", "", CONFIG, NULL},
        {"a facet in the parameters is missing", METHOD, PODS, "", "", "'slo': {}", "the target shop has no facet config"},
        {"a facet of the verification is missing", METHOD, "{'slo': {'ref': '$(target.slo)'}}", "", "", CONFIG,
         "no facet slo; set spec.facets.slo"},
        {"a verification that this version cannot look at", METHOD, "{'promQL': {}}", "", "", CONFIG, "promQL"},
        {"a rollback condition that it cannot look at", METHOD, PODS,
         ", 'rollback': {'when': [{'name': 'x', 'probe': {'log': {}}}]}", "", CONFIG, "log"},
        {"a facet required by name", METHOD, PODS, ", 'requires': ['caches']", "", CONFIG, "no facet caches"},
        {"a method without parameters needs its facet", "'method': 'KillProcess'", PODS, "", "", CONFIG, "no facet process"},
        {"a method without parameters that needs none", "'method': 'CPUStress'", PODS, "", "", CONFIG, NULL},
        {"a method that is not allowed", METHOD, PODS, "", "'allowedMethods': ['CPUStress']", CONFIG,
         "method ConfigModify is not in spec.safety.allowedMethods"},
        {"a method that is", METHOD, PODS, "", "'allowedMethods': ['CPUStress', 'ConfigModify']", CONFIG, NULL},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        auto_card struct card c = card_from(rows[i].injection, rows[i].verify, rows[i].more);
        auto_target struct target t = target_from(rows[i].safety, rows[i].facets);
        char why[160];
        CHECK_INT(card_applies(NULL, &c, &t, why), rows[i].why == NULL);
        CHECK_CONTAINS(
            why, rows[i].why ? (str_starts(rows[i].why, "the target shop") ? "target shop has no facet config" : rows[i].why) : "");
        CHECK_INT(card_applies(NULL, &c, &t, NULL), rows[i].why == NULL);
    }
}

static struct drill drill_from(const char *card, const char *phase, const char *ended, const char *more)
{
    auto_free char *text = mem_printf("{'metadata': {'name': 'd', 'namespace': 'a', 'creationTimestamp': '1970-01-01T00:00:01Z'}, "
                                      "'spec': {'card': '%s', 'target': 'shop'%s},"
                                      "'status': {'phase': '%s', 'revertedAt': '%s'}}",
                                      card, more, phase, ended);
    auto_fixture json_t *object = fixture(text);
    struct drill d = {0};
    struct error err = {0};
    if (drill_decode(object, &d, &err) < 0)
        CHECK_FAIL("%s", err.text);
    return d;
}

/* A card and a target as the API server numbers them. */
static void number(struct meta *meta, const char *uid, int64_t generation)
{
    meta->uid = uid;
    meta->generation = generation;
}

TEST(an_answer_is_remembered_for_the_pair_of_specs_that_it_is_about)
{
    struct applies *applies = applies_new();
    auto_card struct card c = card_from(METHOD, PODS, "");
    auto_target struct target without = target_from("", "'slo': {}"), with = target_from("", CONFIG);
    char why[160];
    number(&c.meta, "card-1", 1);
    number(&without.meta, "target-1", 1);
    CHECK(!card_applies(applies, &c, &without, why));
    CHECK_CONTAINS(why, "no facet config");
    why[0] = '\0';
    CHECK(!card_applies(applies, &c, &without, why));
    CHECK_CONTAINS(why, "no facet config"); /* in the same words */

    number(&with.meta, "target-1", 1); /* never so from an API server: the answer of before shows that it is not found anew */
    CHECK(!card_applies(applies, &c, &with, NULL));
    number(&with.meta, "target-1", 2);
    CHECK(card_applies(applies, &c, &with, why));
    CHECK_STR(why, "");
    number(&without.meta, "target-2", 2); /* another one of that name */
    CHECK(!card_applies(applies, &c, &without, NULL));
    auto_card struct card other = card_from(METHOD, "{'promQL': {}}", "");
    number(&other.meta, "card-1", 2);
    CHECK(!card_applies(applies, &other, &with, why));
    CHECK_CONTAINS(why, "promQL");
    applies_free(applies);
}

TEST(more_pairs_than_there_is_room_for_are_answered_too)
{
    struct applies *applies = applies_new();
    auto_card struct card c = card_from(METHOD, PODS, "");
    auto_target struct target without = target_from("", "'slo': {}"), with = target_from("", CONFIG);
    size_t wrong = 0;
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 5000; i++) {
            char uid[32];
            str_format(uid, sizeof(uid), "card-%d", i);
            number(&c.meta, uid, 1);
            number(&with.meta, "with", 1);
            number(&without.meta, "without", 1);
            wrong += !card_applies(applies, &c, &with, NULL);
            wrong += card_applies(applies, &c, &without, NULL);
        }
    CHECK_INT(wrong, 0);
    c.meta.uid = "";
    applies_free(applies);
}

TEST(what_was_drilled_is_covered_until_it_is_due)
{
    static const struct {
        const char *sentence, *card, *phase, *more, *previous;
        int days; /* now, days after 1970-01-10 when the drill ended */
        enum coverage_state state;
        int last_day, due_day; /* of January 1970; 0: none */
        const char *result;
    } rows[] = {
        {"never drilled", "other", "Succeeded", "", "null", 1, COVERAGE_NEVER, 0, 0, ""},
        {"just drilled", "cf001", "Succeeded", "", "null", 1, COVERAGE_COVERED, 10, 13, "Succeeded"},
        {"a failed drill counts too", "cf001", "Failed", "", "null", 1, COVERAGE_COVERED, 10, 13, "Failed"},
        {"an inconclusive one does not", "cf001", "Inconclusive", "", "null", 1, COVERAGE_NEVER, 0, 0, "Inconclusive"},
        {"nor an aborted one", "cf001", "Aborted", "", "null", 1, COVERAGE_NEVER, 0, 0, "Aborted"},
        {"nor a dry run", "cf001", "Succeeded", ", 'dryRun': true", "null", 1, COVERAGE_NEVER, 0, 0, "Succeeded"},
        {"nor one that runs", "cf001", "Healing", "", "null", 1, COVERAGE_NEVER, 0, 0, ""},
        {"the day before it is due", "cf001", "Succeeded", "", "null", 2, COVERAGE_COVERED, 10, 13, "Succeeded"},
        {"due", "cf001", "Succeeded", "", "null", 3, COVERAGE_DUE, 10, 13, "Succeeded"},
        {"due for a week less a day", "cf001", "Succeeded", "", "null", 9, COVERAGE_DUE, 10, 13, "Succeeded"},
        {"overdue after a week", "cf001", "Succeeded", "", "null", 10, COVERAGE_OVERDUE, 10, 13, "Succeeded"},
        {"what history has deleted is remembered", "other", "Succeeded", "",
         "{'lastDrill': '1970-01-09T00:00:00Z', 'lastResult': 'Failed'}", 1, COVERAGE_COVERED, 9, 12, "Failed"},
        {"a newer drill wins over what is remembered", "cf001", "Succeeded", "",
         "{'lastDrill': '1970-01-09T00:00:00Z', 'lastResult': 'Failed'}", 1, COVERAGE_COVERED, 10, 13, "Succeeded"},
        {"a newer inconclusive one only changes the result", "cf001", "Inconclusive", "",
         "{'lastDrill': '1970-01-09T00:00:00Z', 'lastResult': 'Failed'}", 1, COVERAGE_COVERED, 9, 12, "Inconclusive"},
        {"an older drill does not", "cf001", "Succeeded", "", "{'lastDrill': '1970-01-11T00:00:00Z', 'lastResult': 'Failed'}", 2,
         COVERAGE_COVERED, 11, 14, "Failed"},
    };
    auto_card struct card c = card_from(METHOD, PODS, "");
    auto_target struct target t = target_from("", CONFIG);
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        auto_drill struct drill d = drill_from(rows[i].card, rows[i].phase, "1970-01-10T00:00:00Z", rows[i].more);
        auto_fixture json_t *previous = fixture(rows[i].previous);
        struct coverage got;
        coverage_of(NULL, &c, &t, &d, 1, previous, 3 * USEC_DAY, (9 + rows[i].days) * USEC_DAY, &got);
        CHECK_INT(got.state, rows[i].state);
        CHECK_INT(got.last_drill, rows[i].last_day ? (rows[i].last_day - 1) * USEC_DAY : 0);
        CHECK_INT(got.due, rows[i].due_day ? (rows[i].due_day - 1) * USEC_DAY : 0);
        CHECK_STR(got.last_result, rows[i].result);
    }
}

TEST(an_entry_says_only_what_is_known)
{
    struct coverage c = {.id = "CF001", .state = COVERAGE_NEVER};
    auto_fixture json_t *never = coverage_encode(&c);
    auto_free char *text = json_text(never);
    CHECK_STR(text, "{\"applicable\":true,\"card\":\"CF001\",\"state\":\"Never\"}");
    c = (struct coverage){.id = "CF001", .state = COVERAGE_NOT_APPLICABLE, .why_not = "no facet", .due = 5};
    auto_fixture json_t *none = coverage_encode(&c);
    auto_free char *other = json_text(none);
    CHECK_STR(other, "{\"applicable\":false,\"card\":\"CF001\",\"message\":\"no facet\",\"state\":\"NotApplicable\"}");
}

TEST(a_summary_counts_each_pair_once)
{
    struct coverage all[] = {
        {.category = "Network", .risk = 1.5, .state = COVERAGE_COVERED},
        {.category = "Network", .risk = 2.0, .state = COVERAGE_COVERED},
        {.category = "Network", .risk = 2.0, .state = COVERAGE_DUE},
        {.category = "Security", .risk = 3.0, .state = COVERAGE_NEVER},
        {.category = "Security", .risk = 1.9, .state = COVERAGE_OVERDUE},
        {.category = "Security", .risk = 3.0, .state = COVERAGE_NOT_APPLICABLE},
    };
    auto_fixture json_t *summary = coverage_summary(all, array_len(all));
    auto_free char *text = json_text(summary);
    CHECK_STR(text,
              "{\"byCategory\":{\"Network\":{\"cards\":3,\"covered\":2,\"due\":1,\"highRiskPending\":1,\"never\":0,\"overdue\":0},"
              "\"Security\":{\"cards\":2,\"covered\":0,\"due\":0,\"highRiskPending\":1,\"never\":1,\"overdue\":1}},"
              "\"cards\":5,\"covered\":2,\"due\":1,\"highRiskPending\":2,\"never\":1,\"overdue\":1}");
}

/* A stop that nobody looks at is none. */
TEST(a_card_does_not_apply_where_a_stop_of_the_target_cannot_be_looked_at)
{
    auto_fixture json_t *target_json =
        fixture("{'metadata': {'name': 'shop', 'namespace': 'a'}, 'spec': {'selector': {'matchLabels': {'app': 'x'}}, 'safety': {"
                "'stopWhen': [{'name': 'burn', 'probe': {'promQL': {'query': 'burn', 'above': 1}}}]}}}");
    auto_fixture json_t *card_json =
        fixture("{'metadata': {'name': 'c'}, 'spec': {'id': 'RE001', 'category': 'Resource', 'injection': {'method': 'CPUStress', "
                "'duration': '90s'}, 'expect': {'trigger': {'name': 't'}}, 'verify': [{'name': 'v', 'probe': {'pods': {'ready': "
                "{'atLeast': 1}}}}]}}");
    struct target target = {0};
    struct card card = {0};
    char why[160];
    CHECK_INT(target_decode(target_json, &target, NULL), 0);
    CHECK_INT(card_decode(card_json, &card, NULL), 0);
    CHECK(!card_applies(NULL, &card, &target, why));
    CHECK_CONTAINS(why, "stopWhen");
    CHECK_CONTAINS(why, "promQL");
    card_done(&card);
    target_done(&target);
}

int main(void)
{
    return check_run();
}
