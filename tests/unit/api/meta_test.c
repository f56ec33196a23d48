#include "api/meta.h"
#include "check.h"
#include "fixture.h"

TEST(an_object_with_everything_and_one_with_nothing)
{
    auto_fixture json_t *whole =
        fixture("{'metadata': {'name': 'n', 'namespace': 'ns', 'uid': 'u', 'resourceVersion': '7', 'generation': 3,"
                "'creationTimestamp': '1970-01-01T00:00:09Z', 'deletionTimestamp': '1970-01-01T00:00:10Z',"
                "'finalizers': ['other', 'drillyard.dev/revert'], 'labels': {'drillyard.dev/card': 'kh'}}}");
    struct meta m;
    meta_decode(whole, &m);
    CHECK_STR(m.name, "n");
    CHECK_STR(m.rv, "7");
    CHECK_INT(m.created_at, 9 * USEC_SEC);
    CHECK(m.deleting);
    CHECK_STR(meta_label(&m, LABEL_CARD), "kh");
    CHECK(meta_label(&m, "none") == NULL);
    CHECK(meta_has_finalizer(whole, FINALIZER));
    CHECK(!meta_has_finalizer(whole, "third"));

    auto_fixture json_t *empty = json_object();
    meta_decode(empty, &m);
    CHECK_STR(m.name, "");
    CHECK_STR(m.ns, "");
    CHECK(!m.deleting);
    CHECK(meta_label(&m, LABEL_CARD) == NULL);
    CHECK(!meta_has_finalizer(empty, FINALIZER));
}

TEST(a_conditions_time_moves_only_when_it_flips)
{
    auto_fixture json_t *root = json_object();
    json_t *status = json_make(root, "status");
    const char *reason, *message;
    CHECK_INT(condition_get(root, "Ready", NULL, NULL), CONDITION_UNKNOWN);
    condition_set(status, "Ready", CONDITION_TRUE, "Fine", "all is well", 1, 10 * USEC_SEC);
    condition_set(status, "Other", CONDITION_UNKNOWN, "NotSeen", NULL, 1, 10 * USEC_SEC);
    condition_set(status, "Ready", CONDITION_TRUE, "StillFine", "still well", 2, 20 * USEC_SEC);
    CHECK_INT(json_array_size(json_at(status, "conditions")), 2);
    const json_t *ready = json_array_get(json_at(status, "conditions"), 0);
    CHECK_STR(json_str(ready, "lastTransitionTime", ""), "1970-01-01T00:00:10Z");
    CHECK_INT(condition_get(root, "Ready", &reason, &message), CONDITION_TRUE);
    CHECK_STR(reason, "StillFine");
    CHECK_STR(message, "still well");
    CHECK_INT(json_int(ready, "observedGeneration", 0), 2);
    condition_set(status, "Ready", CONDITION_FALSE, "Broken", "not well", 2, 30 * USEC_SEC);
    ready = json_array_get(json_at(status, "conditions"), 0);
    CHECK_STR(json_str(ready, "lastTransitionTime", ""), "1970-01-01T00:00:30Z");
    CHECK_INT(condition_get(root, "Ready", NULL, NULL), CONDITION_FALSE);
}

TEST(a_label_value_is_short_and_ends_in_a_letter_or_digit)
{
    static const struct {
        const char *sentence, *name, *want;
    } rows[] = {
        {"a short name stays", "shop", "shop"},
        {"63 stay", "a23456789012345678901234567890123456789012345678901234567890123",
         "a23456789012345678901234567890123456789012345678901234567890123"},
        {"the rest is cut", "a234567890123456789012345678901234567890123456789012345678901234",
         "a23456789012345678901234567890123456789012345678901234567890123"},
        {"no dash or dot at the end", "a2345678901234567890123456789012345678901234567890123456789012-.b",
         "a2345678901234567890123456789012345678901234567890123456789012"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        char got[64];
        CHECK_ROW(rows[i].sentence);
        label_value(got, rows[i].name);
        CHECK_STR(got, rows[i].want);
    }
}

TEST(a_condition_set_in_a_copy_leaves_the_status_that_it_was_copied_from)
{
    auto_fixture json_t *object = fixture("{'status': {'phase': 'Pending', 'conditions': [{'type': 'Ready', 'status': 'False', "
                                          "'reason': 'Opening', 'message': 'm', 'lastTransitionTime': 'then'}]}}");
    json_auto_t *before = json_deep_copy(object), *status = status_copy(object);
    condition_set(status, "Ready", CONDITION_TRUE, "AgentsUp", "all", 3, 5 * USEC_SEC);
    condition_set(status, "Other", CONDITION_TRUE, "Because", "", 3, 5 * USEC_SEC);
    json_put_str(status, "phase", "Running");
    CHECK(json_equal(before, object));
    CHECK_STR(json_str(json_array_get(json_at(status, "conditions"), 0), "reason", ""), "AgentsUp");
    CHECK_INT(json_array_size(json_at(status, "conditions")), 2);
}

int main(void)
{
    return check_run();
}
