#include "drill_scene.h"

static void end_drill(struct scene *s, const char *phase, const char *incident, const char *failed_gate)
{
    json_t *status = json_object();
    json_put_str(status, "phase", phase);
    json_put_str(status, "incident", incident);
    json_put_str(status, "message", "words");
    json_put_str(json_make(status, "card"), "id", "KH001");
    struct gate gates[GATE_COUNT] = {0};
    for (int g = 0; g < GATE_COUNT; g++)
        gates[g].result = str_equal(gate_name_text((enum gate_name)g), failed_gate) ? GATE_FAILED : GATE_PASSED;
    json_put(status, "gates", gates_encode(gates));
    json_put(s->drill_json, "status", status);
    scene_decode(s);
}

static void add_task(struct scene *s, const char *gap, const char *incident, const char *phase, const char *occurrences,
                     const char *last)
{
    json_t *object = json_of(
        "{\"metadata\":{\"name\":\"gap-1\",\"namespace\":\"shop\",\"uid\":\"g\",\"resourceVersion\":\"7\",\"annotations\":{}},"
        "\"spec\":{\"type\":\"CloseGap\",\"card\":\"KH001\",\"target\":\"shop\",\"priority\":50},\"status\":{}}");
    json_put_str(json_at(object, "spec"), "gap", gap);
    json_put_str(json_at(object, "spec"), "incident", incident);
    json_put_str(json_at(object, "status"), "phase", phase);
    json_put_str(json_at(object, "metadata.annotations"), ANNOTATION_OCCURRENCES, occurrences);
    json_put_int(json_at(object, "status"), "occurrences", 1);
    json_put_str(json_at(object, "metadata.annotations"), ANNOTATION_LAST_INCIDENT, last);
    task_decode(object, &s->tasks[s->view.task_count++]);
    json_decref(object);
}

TEST(a_failed_drill_files_one_task_with_its_artifacts)
{
    struct scene s;
    scene_init(&s);
    end_drill(&s, "Failed", "chaos-1", "PlaybookExecuted");
    struct decision d;
    decision_init(&d);
    CHECK(!gap_decide(&s.view, &d));
    CHECK_INT(d.effects[0].type, EFFECT_CREATE);
    json_t *spec = json_at(d.effects[0].body, "spec");
    CHECK_STR(json_str(spec, "type", ""), "CloseGap");
    CHECK_STR(json_str(spec, "gap", ""), "KH001/shop/PlaybookExecuted");
    CHECK_STR(json_str(spec, "incident", ""), "chaos-1");
    CHECK(json_array_size(json_at(spec, "artifacts")) >= 2);
    CHECK_STR(json_str(json_array_get(json_at(spec, "artifacts"), 0), "name", ""), "gate-playbook-executed");
    decision_done(&d);
    /* Filed: nothing more. */
    add_task(&s, "KH001/shop/PlaybookExecuted", "chaos-1", "Open", "1", "chaos-1");
    decision_init(&d);
    CHECK(gap_decide(&s.view, &d));
    CHECK_INT(d.effect_count, 0);
    decision_done(&d);
    scene_done(&s);
}

TEST(the_same_gap_again_raises_the_priority_once_and_files_nothing)
{
    struct scene s;
    scene_init(&s);
    end_drill(&s, "Failed", "chaos-2", "PlaybookExecuted");
    add_task(&s, "KH001/shop/PlaybookExecuted", "chaos-1", "Open", "1", "chaos-1");
    struct decision d;
    decision_init(&d);
    CHECK(!gap_decide(&s.view, &d));
    CHECK_INT(d.effect_count, 1);
    CHECK_INT(d.effects[0].type, EFFECT_PATCH);
    CHECK_STR(d.effects[0].rv, "7");
    CHECK_INT(json_int(d.effects[0].body, "spec.priority", 0), 60);
    json_t *annotations = json_at(d.effects[0].body, "metadata.annotations");
    CHECK_STR(json_string_value(json_object_get(annotations, ANNOTATION_OCCURRENCES)), "2");
    CHECK_STR(json_string_value(json_object_get(annotations, ANNOTATION_LAST_INCIDENT)), "chaos-2");
    decision_done(&d);
    s.view.task_count = 0;
    task_done(&s.tasks[0]);
    add_task(&s, "KH001/shop/PlaybookExecuted", "chaos-1", "Open", "2", "chaos-2");
    decision_init(&d);
    CHECK(!gap_decide(&s.view, &d)); /* raised: and now people are told, in the status */
    CHECK_INT(d.effect_count, 1);
    CHECK_INT(d.effects[0].type, EFFECT_STATUS);
    CHECK_INT(json_int(d.effects[0].body, "occurrences", 0), 2);
    CHECK_STR(json_str(d.effects[0].body, "phase", ""), "Open");
    decision_done(&d);
    s.tasks[0].occurrences = 2;
    decision_init(&d);
    CHECK(gap_decide(&s.view, &d)); /* raised for this incident already, by a process that died right after */
    CHECK_INT(d.effect_count, 0);
    decision_done(&d);
    scene_done(&s);
}

TEST(another_gap_and_a_closed_one_are_filed_anew)
{
    static const struct {
        const char *row, *gap, *phase;
    } rows[] = {{"another gate failed", "KH001/shop/TriggerFired", "Open"},
                {"closed by a success since", "KH001/shop/PlaybookExecuted", "Resolved"}};
    for (size_t i = 0; i < array_len(rows); i++) {
        struct scene s;
        struct decision d;
        CHECK_ROW(rows[i].row);
        scene_init(&s);
        end_drill(&s, "Failed", "chaos-2", "PlaybookExecuted");
        add_task(&s, rows[i].gap, "chaos-1", rows[i].phase, "1", "chaos-1");
        decision_init(&d);
        CHECK(!gap_decide(&s.view, &d));
        CHECK_INT(d.effects[0].type, EFFECT_CREATE);
        CHECK(!str_equal(d.effects[0].key.name, "gap-1"));
        decision_done(&d);
        scene_done(&s);
    }
}

TEST(a_success_closes_every_open_gap_of_the_card_and_an_inconclusive_drill_closes_none)
{
    static const struct {
        const char *row, *phase;
        size_t effects;
    } rows[] = {{"succeeded", "Succeeded", 1}, {"inconclusive", "Inconclusive", 0}, {"aborted", "Aborted", 0}};
    for (size_t i = 0; i < array_len(rows); i++) {
        struct scene s;
        struct decision d;
        CHECK_ROW(rows[i].row);
        scene_init(&s);
        end_drill(&s, rows[i].phase, "chaos-3", NULL);
        add_task(&s, "KH001/shop/PlaybookExecuted", "chaos-1", "Open", "1", "chaos-1");
        decision_init(&d);
        CHECK_INT(gap_decide(&s.view, &d), rows[i].effects == 0);
        CHECK_INT(d.effect_count, rows[i].effects);
        if (d.effect_count) {
            CHECK_STR(json_str(d.effects[0].body, "phase", ""), "Resolved");
            CHECK_STR(json_str(d.effects[0].body, "resolvedBy", ""), "d1");
        }
        decision_done(&d);
        scene_done(&s);
    }
}

TEST(a_task_has_a_valid_name_wherever_its_targets_name_is_cut)
{
    static const char *const targets[] = {"shop", "0123456789012345678901234567890123456789-shop",
                                          "012345678901234567890123456789012345678.shop",
                                          "01234567890123456789012345678901234567-.shop"};
    for (size_t i = 0; i < array_len(targets); i++) {
        struct scene s;
        char name[254];
        CHECK_ROW(targets[i]);
        scene_init(&s);
        end_drill(&s, "Failed", "chaos-1", "SLOMet");
        s.drill.target = targets[i];
        gap_task_name(&s.view, name);
        CHECK(str_is_dns_subdomain(name));
        scene_done(&s);
    }
}

int main(void)
{
    return check_run();
}
