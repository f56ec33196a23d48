/* What was good of a target is kept, to be put back. */
#include "target_bench.h"

static void answer(struct bench *b, const struct effect *e, enum observation_state state, const char *result, usec_t at)
{
    auto_fixture json_t *value = result ? fixture(result) : NULL;
    observations_set(b->observations, e->id,
                     &(struct observation){.state = state, .asked_at = at, .answered_at = at, .result = value});
}

static const struct effect *snapshot_asked(const struct bench *b, const char *pod, const char *facet)
{
    for (size_t i = 0; i < b->d.effect_count; i++)
        if (b->d.effects[i].type == EFFECT_AGENT && str_equal(b->d.effects[i].key.name, pod) &&
            str_equal(json_str(b->d.effects[i].body, "facet", ""), facet))
            return &b->d.effects[i];
    return NULL;
}

TEST(snapshots_are_taken_only_of_what_is_good)
{
    static const struct {
        const char *sentence, *spec, *drill;
        bool ready, alarm;
        size_t asked;
    } rows[] = {
        {"steady and at rest", "'facets': {'config': {'path': '/c'}}", NULL, true, false, 1},
        {"not steady", "'facets': {'config': {'path': '/c'}}", NULL, false, false, 0},
        {"a drill is on it", "'facets': {'config': {'path': '/c'}}", "Detecting", true, false, 0},
        {"a drill waits", "'facets': {'config': {'path': '/c'}}", "Pending", true, false, 0},
        {"a drill that ended does not matter", "'facets': {'config': {'path': '/c'}}", "Failed", true, false, 1},
        {"a trigger's condition holds", "'facets': {'config': {'path': '/c'}}", NULL, true, true, 0},
        {"by default not the source",
         "'facets': {'config': {'path': '/c'}, 'model': {'path': '/m'}, 'source': {'root': '/app', 'entrypoint': 'm.py'}}", NULL,
         true, false, 2},
        {"the source where it is named",
         "'snapshots': {'facets': ['source', 'model']}, 'facets': {'config': {'path': '/c'}, 'source': {'root': '/app', "
         "'entrypoint': 'm.py'}}",
         NULL, true, false, 1},
        {"no facet to copy", "'facets': {}", NULL, true, false, 0},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        auto_bench struct bench b;
        bench_init(&b, rows[i].spec);
        bench_pod(&b, "p0", true, true, AGENT_UP);
        bench_pod(&b, "p1", rows[i].ready, true, AGENT_LOST);
        bench_trigger(&b, "alarm", "{'exec': {'command': ['x']}}");
        see(&b, "trigger/cat/alarm/p1", rows[i].alarm ? HOLDS_FALSE : HOLDS_TRUE, "");
        if (rows[i].drill)
            bench_drill(&b, "d", "p0", rows[i].drill, "");
        run(&b, T0);
        CHECK_INT(effects_of(&b, EFFECT_AGENT), rows[i].asked);
    }
}

/* What changed while nobody looked would be the last known good, and the trigger that compares with it would be quiet for ever. */
TEST(a_new_session_takes_no_snapshot_before_the_triggers_have_looked)
{
    auto_bench struct bench b;
    bench_init(&b, "'facets': {'config': {'path': '/c'}}");
    bench_pod(&b, "p0", true, true, AGENT_UP);
    b.agents[0].up_since = T0;
    bench_trigger(&b, "drift", "{'file': {'path': '/c', 'equalsSnapshot': true}}");
    run(&b, T0 + 10 * USEC_MSEC);
    CHECK_INT(effects_of(&b, EFFECT_AGENT), 0);
    CHECK(b.d.again_at <= T0 + SNAPSHOT_SETTLE);
    run(&b, T0 + SNAPSHOT_SETTLE);
    CHECK_INT(effects_of(&b, EFFECT_AGENT), 1);
}

TEST(each_slot_asks_once_and_the_status_says_what_came)
{
    auto_bench struct bench b;
    bench_init(&b, "'facets': {'config': {'path': '/c.json', 'format': 'JSON'}, 'model': {'path': '/m', 'format': 'Torch'}}, "
                   "'snapshots': {'every': '10m', 'keep': 2}");
    bench_pod(&b, "p0", true, true, AGENT_UP);
    bench_pod(&b, "p1", true, true, AGENT_UP);
    run(&b, T0 + USEC_MINUTE);
    CHECK_INT(effects_of(&b, EFFECT_AGENT), 4);
    const struct effect *e = snapshot_asked(&b, "p0", "config");
    auto_free char *text = json_text(e->body);
    CHECK_STR(text, "{\"facet\":\"config\",\"keep\":2,\"op\":\"snapshot\",\"path\":\"/c.json\",\"validate\":\"JSON\"}");
    CHECK_STR(json_str(snapshot_asked(&b, "p0", "model")->body, "validate", ""), "Raw");

    answer(&b, snapshot_asked(&b, "p0", "config"), OBSERVATION_OK, "{'sha256': 'aa', 'takenAt': '2026-01-01T00:01:00Z'}",
           T0 + USEC_MINUTE);
    answer(&b, snapshot_asked(&b, "p1", "config"), OBSERVATION_OK, "{'sha256': 'aa', 'takenAt': '2026-01-01T00:00:59Z'}",
           T0 + USEC_MINUTE);
    answer(&b, snapshot_asked(&b, "p0", "model"), OBSERVATION_IN_FLIGHT, NULL, T0 + USEC_MINUTE);
    answer(&b, snapshot_asked(&b, "p1", "model"), OBSERVATION_FAILED, NULL, T0 + USEC_MINUTE);
    run(&b, T0 + USEC_MINUTE + 10 * USEC_SEC);
    CHECK_INT(effects_of(&b, EFFECT_AGENT), 0);
    CHECK_INT(b.d.again_at, T0 + USEC_MINUTE + 30 * USEC_SEC); /* the failed one again */
    const json_t *entry = json_array_get(json_at(b.object, "status.snapshots"), 0);
    auto_free char *entry_text = json_text(entry);
    CHECK_STR(entry_text, "{\"facet\":\"config\",\"pods\":2,\"sha256\":\"aa\",\"takenAt\":\"2026-01-01T00:01:00Z\"}");
    CHECK_INT(json_array_size(json_at(b.object, "status.snapshots")), 1);

    for (int attempt = 1; attempt < SNAPSHOT_ATTEMPTS; attempt++) {
        run(&b, T0 + (attempt + 1) * USEC_MINUTE);
        CHECK_INT(effects_of(&b, EFFECT_AGENT), 1);
        answer(&b, snapshot_asked(&b, "p1", "model"), OBSERVATION_FAILED, NULL, T0 + (attempt + 1) * USEC_MINUTE);
    }
    run(&b, T0 + 9 * USEC_MINUTE);
    CHECK_INT(effects_of(&b, EFFECT_AGENT), 0);
    CHECK_INT(b.d.again_at, T0 + 10 * USEC_MINUTE);
    int written = b.statuses;
    run(&b, T0 + 10 * USEC_MINUTE);
    CHECK_INT(effects_of(&b, EFFECT_AGENT), 4);
    CHECK_INT(b.statuses, written);

    /* What was known before a restart stays until there is something newer. */
    observations_free(b.observations);
    b.observations = observations_new();
    run(&b, T0 + 25 * USEC_MINUTE);
    CHECK_INT(b.statuses, written);
}

int main(void)
{
    return check_run();
}
