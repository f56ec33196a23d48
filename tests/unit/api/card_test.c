#include "api/card.h"
#include "check.h"
#include "fixture.h"

#define CARD                                                                                                                       \
    "{'metadata': {'name': 'kh001', 'namespace': 'a'}, 'spec': {'id': 'KH001', 'title': 'Heartbeat stops', 'category': "           \
    "'KernelHealth',"                                                                                                              \
    "'risk': 2.5, 'injection': {'method': 'HeartbeatBlock', 'heartbeatBlock': {'heartbeat': '$(target.heartbeat)'}, 'duration': "  \
    "'90s'},"                                                                                                                      \
    "'expect': {'trigger': {'name': 'health-signal-gap'}, 'playbooks': [{'name': 'gap', 'within': '30s'}, {'name': 'two'}]},"      \
    "'verify': [{'name': 'v', 'probe': {'slo': {}}, 'within': '60s'}], 'slo': {'detectWithin': '15s', 'healWithin': '60s'}}}"

TEST(a_card_is_read_with_its_defaults)
{
    auto_fixture json_t *object = fixture(CARD);
    struct error err = {0};
    auto_card struct card c = {0};
    CHECK_INT(card_decode(object, &c, &err), 0);
    CHECK_STR(err.text, "");
    CHECK_STR(c.id, "KH001");
    CHECK_STR(c.method, "HeartbeatBlock");
    CHECK_STR(json_str(c.params, "heartbeat", ""), "$(target.heartbeat)");
    CHECK_INT(c.duration, 90 * USEC_SEC);
    CHECK_STR(c.trigger, "health-signal-gap");
    CHECK_INT(c.trigger_within, 15 * USEC_SEC);
    CHECK_INT(c.playbook_count, 2);
    CHECK_INT(c.playbooks[0].within, 30 * USEC_SEC);
    CHECK_INT(c.playbooks[1].within, 60 * USEC_SEC);
    CHECK_INT(c.coding_tasks, 0);
    CHECK_INT(json_array_size(c.verify), 1);
    CHECK(c.rollback == NULL);
    CHECK_INT(object->refcount, 2);
}

TEST(a_bad_card_is_refused_with_the_field_the_value_and_what_would_be_right)
{
    static const struct {
        const char *sentence, *path, *value, *want;
    } rows[] = {
        {"no id", "spec.id", "null", "spec.id is missing; write for example id: KH001"},
        {"a duration that is none", "spec.injection.duration", "'9x'", "spec.injection.duration: \"9x\" is not a duration"},
        {"a duration that is a number", "spec.injection.duration", "90", "spec.injection.duration: 90 is not a duration"},
        {"a duration of nothing", "spec.injection.duration", "'0s'", "more than nothing"},
        {"no duration", "spec.injection.duration", "null", "spec.injection.duration is missing"},
        {"a duration in days that the schema's rule cannot compare", "spec.slo.healWithin", "'1d'",
         "shorter than spec.slo.healWithin (1d)"},
        {"a method nobody knows", "spec.injection.method", "'Explode'", "spec.injection.method: \"Explode\""},
        {"a name that is neither short nor ASCII", "spec.injection.method",
         "'\xc3\xa4 12345678901234567890123456789012345678901234567890123456789012345'",
         "\"\\u00E4 123456789012345678901234567890123456789012345678901234567890..."},
        {"another method's member", "spec.injection.cpuStress", "{}",
         "spec.injection.cpuStress does not go with method HeartbeatBlock"},
        {"a reference that is not closed", "spec.injection.heartbeatBlock.process", "'$(target.process'", "is not a reference"},
        {"a reference to something else", "spec.injection.heartbeatBlock.process", "'$(env.HOME)'", "$(target.config.path)"},
        {"a shell's $ is no reference but no error either", "spec.title", "'costs $5'", NULL},
        {"no trigger", "spec.expect.trigger", "null", "spec.expect.trigger.name is missing"},
        {"a trigger's time", "spec.expect.trigger.within", "'soon'", "spec.expect.trigger.within: \"soon\""},
        {"a playbook without a name", "spec.expect.playbooks", "[{}]", "spec.expect.playbooks[0].name is missing"},
        {"a playbook's time", "spec.expect.playbooks", "[{'name': 'x', 'within': '1.5s'}]",
         "spec.expect.playbooks[0].within: \"1.5s\""},
        {"too many coding tasks", "spec.expect.codingTasks.minimum", "99", "spec.expect.codingTasks.minimum: 99"},
        {"nothing to verify", "spec.verify", "[]", "spec.verify is empty"},
        {"a probe of two kinds", "spec.verify", "[{'name': 'v', 'probe': {'slo': {}, 'tcp': {'port': 1}}}]",
         "spec.verify[0].probe has both tcp and slo"},
        {"a probe of no kind", "spec.verify", "[{'name': 'v', 'probe': {'via': 'Pod'}}]", "spec.verify[0].probe has no kind"},
        {"a probe's bad duration", "spec.verify", "[{'probe': {'slo': {}, 'timeout': 'x'}}]",
         "spec.verify[0].probe.timeout: \"x\""},
        {"a verification's bad time", "spec.verify", "[{'probe': {'slo': {}}, 'within': '-1s'}]", "spec.verify[0].within: \"-1s\""},
        {"a rollback probe", "spec.rollback", "{'when': [{'name': 'x'}]}", "spec.rollback.when[0].probe is missing"},
        {"U+0000 in a text", "spec.title", "'a\\u0000b'", "spec.title: \"a\\u0000b\" holds the character U+0000"},
        {"U+0000 far below", "spec.verify", "[{'name': 'v', 'probe': {'file': {'path': '/x\\u0000'}}}]",
         "spec.verify[0].probe.file.path: \"/x\\u0000\" holds"},
        {"a risk below nothing", "spec.risk", "-1", "spec.risk: -1"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        auto_fixture json_t *object = fixture(CARD), *value = fixture(rows[i].value);
        const char *last = strrchr(rows[i].path, '.');
        auto_free char *parent = mem_strndup(rows[i].path, (size_t)(last - rows[i].path));
        json_object_set(json_make(object, parent), last + 1, value);
        struct error err = {0};
        auto_card struct card c = {0};
        CHECK_INT(card_decode(object, &c, &err), rows[i].want ? -1 : 0);
        if (!rows[i].want)
            continue;
        CHECK_INT(err.class, ERROR_INVALID);
        CHECK_CONTAINS(err.text, rows[i].want);
        CHECK_INT(object->refcount, 1);
    }
}

TEST(categories_have_their_ledger_spelling)
{
    CHECK_STR(card_ledger_category("KernelHealth"), "kernel_health");
    CHECK_STR(card_ledger_category("CodeError"), "code_error");
    CHECK_STR(card_ledger_category("Astrology"), "other");
}

int main(void)
{
    return check_run();
}
