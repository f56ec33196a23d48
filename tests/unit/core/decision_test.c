#include "base/str.h"
#include "core/decision.h"

#include "check.h"

TEST(the_oldest_answered_observations_are_forgotten_and_those_in_flight_never)
{
    struct observations *o = observations_new();
    const struct observation waiting = {.state = OBSERVATION_IN_FLIGHT}, answered = {.state = OBSERVATION_OK};
    observations_set(o, "slow", &waiting);
    for (int i = 0; i < OBSERVATIONS_MAX + 10; i++) {
        char id[32];
        str_format(id, sizeof(id), "snapshot/%d", i);
        observations_set(o, id, &answered);
    }
    char newest[32];
    str_format(newest, sizeof(newest), "snapshot/%d", OBSERVATIONS_MAX + 9);
    CHECK_INT(observations_get(o, "slow")->state, OBSERVATION_IN_FLIGHT);
    CHECK_INT(observations_get(o, "snapshot/0")->state, OBSERVATION_NONE);
    CHECK_INT(observations_get(o, "snapshot/10")->state, OBSERVATION_NONE);
    CHECK_INT(observations_get(o, "snapshot/11")->state, OBSERVATION_OK);
    CHECK_INT(observations_get(o, newest)->state, OBSERVATION_OK);
    observations_free(o);
}

TEST(the_earliest_time_to_look_again_counts)
{
    auto_decision struct decision d;
    decision_init(&d);
    CHECK(d.again_at == USEC_NEVER);
    decision_again(&d, 20);
    decision_again(&d, 10);
    decision_again(&d, USEC_NEVER);
    CHECK_INT(d.again_at, 10);
}

int main(void)
{
    return check_run();
}
