#include "base/str.h"
#include "check.h"
#include "core/selection.h"
#include "fixture.h"

static struct candidate candidate(const char *target, const char *id, double risk, enum coverage_state state)
{
    struct candidate c = {.target = target, .coverage = {.risk = risk, .state = state}};
    str_copy(c.coverage.id, sizeof(c.coverage.id), id);
    return c;
}

TEST(weights_follow_risk_and_what_is_overdue)
{
    static const struct {
        const char *sentence;
        double risk;
        enum coverage_state state;
        double weight;
    } rows[] = {
        {"never drilled is due now", 2.5, COVERAGE_NEVER, 2.5},     {"due", 2.5, COVERAGE_DUE, 2.5},
        {"overdue is boosted", 2.5, COVERAGE_OVERDUE, 7.5},         {"covered is not drawn", 2.5, COVERAGE_COVERED, 0},
        {"nor what does not apply", 9, COVERAGE_NOT_APPLICABLE, 0}, {"no risk is a little", 0, COVERAGE_DUE, 0.1},
    };
    struct schedule s = {.overdue_boost = 3};
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        struct candidate c = candidate("shop", "KH001", rows[i].risk, rows[i].state);
        size_t chosen[1];
        json_t *record;
        CHECK_INT(selection_draw(&s, &c, 1, 1, 1, 0, chosen, &record), rows[i].weight > 0);
        CHECK(c.weight > rows[i].weight - 1e-9 && c.weight < rows[i].weight + 1e-9);
        json_decref(record);
    }
}

/* 2,000 slots, as five-minute schedules have in a week: each card within four standard deviations of its share. */
TEST(over_many_draws_each_card_gets_its_share)
{
    struct schedule s = {.overdue_boost = 3};
    static const double weights[] = {3.0, 1.0, 2.0, 4.5}; /* the last: 1.5 and overdue */
    size_t counts[4] = {0}, draws = 2000;
    for (size_t n = 0; n < draws; n++) {
        struct candidate c[] = {candidate("a", "SEC001", 3, COVERAGE_DUE), candidate("a", "DEP001", 1, COVERAGE_NEVER),
                                candidate("b", "RE001", 2, COVERAGE_DUE), candidate("b", "NF001", 1.5, COVERAGE_OVERDUE)};
        size_t chosen[1];
        json_t *record;
        CHECK_INT(selection_draw(&s, c, 4, 1, 42, (usec_t)n * 5 * USEC_MINUTE, chosen, &record), 1);
        counts[chosen[0]]++;
        json_decref(record);
    }
    for (size_t i = 0; i < 4; i++) {
        double share = weights[i] / 10.5, want = share * (double)draws, variance = want * (1 - share);
        double off = (double)counts[i] - want;
        if (off * off > 16 * variance)
            CHECK_FAIL("candidate %zu was drawn %zu times, want about %.0f", i, counts[i], want);
    }
}

TEST(a_recorded_choice_can_be_repeated)
{
    struct schedule s = {.overdue_boost = 3};
    size_t first[3], again[3];
    json_t *record, *other;
    struct candidate c[6], d[6];
    for (size_t i = 0; i < 6; i++)
        c[i] = d[i] = candidate(i % 2 ? "a" : i % 3 ? "b" : "c", "KH001", 1 + (double)i, COVERAGE_DUE);
    usec_t slot = 1763192400 * USEC_SEC;
    CHECK_INT(selection_draw(&s, c, 6, 3, 42, slot, first, &record), 3);
    usec_t recorded = json_int(record, "draw", 0) * USEC_MSEC;
    uint64_t seed = (uint64_t)json_int(record, "seed", 0);
    CHECK_INT(recorded, slot);
    CHECK_INT(selection_draw(&s, d, 6, 3, seed, recorded, again, &other), 3);
    CHECK(memcmp(first, again, sizeof(first)) == 0);
    CHECK(json_equal(record, other));
    CHECK_INT(json_object_size(json_at(record, "weights")), 3); /* names repeat here: target/ID */
    json_decref(record);
    json_decref(other);
}

TEST(never_two_on_one_target_and_never_more_than_there_are)
{
    struct schedule s = {.overdue_boost = 3};
    for (usec_t slot = 0; slot < 200; slot++) {
        struct candidate c[] = {candidate("a", "KH001", 1, COVERAGE_DUE), candidate("a", "KH002", 9, COVERAGE_DUE),
                                candidate("b", "KH001", 1, COVERAGE_DUE), candidate("c", "KH001", 1, COVERAGE_COVERED)};
        size_t chosen[5];
        json_t *record;
        CHECK_INT(selection_draw(&s, c, 4, 5, 7, slot * USEC_SEC, chosen, &record), 2);
        CHECK(!str_equal(c[chosen[0]].target, c[chosen[1]].target));
        json_decref(record);
    }
    size_t none[1];
    json_t *record;
    CHECK_INT(selection_draw(&s, NULL, 0, 1, 7, 0, none, &record), 0);
    json_decref(record);
}

TEST(round_robin_takes_the_one_drilled_longest_ago)
{
    struct schedule s = {.overdue_boost = 3, .round_robin = true};
    struct candidate c[] = {candidate("a", "KH001", 9, COVERAGE_DUE), candidate("b", "KH001", 1, COVERAGE_DUE),
                            candidate("c", "KH001", 1, COVERAGE_NEVER)};
    c[0].coverage.last_drill = 20;
    c[1].coverage.last_drill = 10;
    size_t chosen[3];
    json_t *record;
    CHECK_INT(selection_draw(&s, c, 3, 3, 7, 0, chosen, &record), 3);
    CHECK_INT(chosen[0], 2);
    CHECK_INT(chosen[1], 1);
    CHECK_INT(chosen[2], 0);
    json_decref(record);
}

TEST(stress_draws_how_many)
{
    struct schedule s = {.stress = true, .stress_min = 2, .stress_max = 4};
    int seen[6] = {0};
    for (usec_t slot = 0; slot < 300; slot++)
        seen[selection_count(&s, 42, slot * USEC_MINUTE)]++;
    CHECK(seen[2] > 50 && seen[3] > 50 && seen[4] > 50);
    CHECK_INT(seen[2] + seen[3] + seen[4], 300);
    s.stress = false;
    CHECK_INT(selection_count(&s, 42, 1), 1);
}

int main(void)
{
    return check_run();
}
