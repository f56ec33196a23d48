#include "api/bound.h"
#include "check.h"
#include "fixture.h"

TEST(bounds_compare_in_every_spelling)
{
    static const struct {
        const char *sentence, *bounds;
        double value, whole;
        bool want;
    } rows[] = {
        {"above is strict", "{'above': 5}", 5, 0, false},
        {"above", "{'above': 5}", 5.1, 0, true},
        {"below is strict", "{'below': 5}", 5, 0, false},
        {"at least", "{'atLeast': 5}", 5, 0, true},
        {"at most", "{'atMost': 5}", 5.1, 0, false},
        {"equals", "{'equals': '0.5'}", 0.5, 0, true},
        {"all of them must hold", "{'above': 1, 'below': 3}", 4, 0, false},
        {"a fraction as text", "{'above': '0.5'}", 0.6, 0, true},
        {"a percentage of a whole", "{'above': '50%'}", 2, 4, false},
        {"a percentage of a whole, more", "{'above': '50%'}", 3, 4, true},
        {"a percentage of a value in percent", "{'above': '80%'}", 81, 0, true},
        {"a quantity", "{'above': '64Mi'}", 64.0 * 1024 * 1024 + 1, 0, true},
        {"a duration is in milliseconds", "{'below': '2s'}", 1999, 0, true},
        {"m is minutes", "{'below': '1m'}", 59999, 0, true},
        {"what cannot be read does not hold", "{'below': '5x'}", 1, 0, false},
        {"nothing asked holds", "{}", 1, 0, true},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        auto_fixture json_t *bounds = fixture(rows[i].bounds);
        CHECK_ROW(rows[i].sentence);
        CHECK_INT(bounds_hold(bounds, rows[i].value, rows[i].whole, 1000), rows[i].want);
    }
}

int main(void)
{
    return check_run();
}
