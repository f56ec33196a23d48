#include "check.h"

#include "base/mem.h"
#include "shell/backoff.h"
#include "shell/hold.h"

/* Looks, one a second from second 1 on: T F ? by letter. After the last: what is shown, since which second, and in which seconds it was
 * told as news. */
static const struct {
    const char *sentence;
    usec_t hold_for, refresh; /* seconds */
    const char *looks;
    char shown;
    int since, known_since;
    const char *news; /* a letter a look: n or . */
} rows[] = {
    {"the first look counts at once", 5, 0, "F", 'F', 1, 1, "n"},
    {"the same again is no news", 0, 0, "TTT", 'T', 1, 1, "n.."},
    {"a change counts at once where nothing is asked to last", 0, 0, "TTF", 'F', 3, 1, "n.n"},
    {"a change counts after it lasted, and since it began", 2, 0, "TFFF", 'F', 2, 1, "n..n"},
    {"a change that does not last is none", 2, 0, "TFTTT", 'T', 1, 1, "n...."},
    {"and begins anew", 2, 0, "TFTFF", 'T', 1, 1, "n...."},
    {"what cannot be seen is said at once", 5, 0, "TT?", '?', 3, 0, "n.n"},
    {"and so is what is seen after it, known since then", 5, 0, "T?F", 'F', 3, 3, "nnn"},
    {"while it does not hold it is told again", 0, 2, "FFFFF", 'F', 1, 1, "n.n.n"},
    {"while it holds it is not", 0, 2, "TTTTT", 'T', 1, 1, "n...."},
};

TEST(a_change_counts_after_it_lasted)
{
    for (size_t r = 0; r < array_len(rows); r++) {
        CHECK_ROW(rows[r].sentence);
        struct hold h;
        char news[16] = "";
        hold_init(&h, rows[r].hold_for * USEC_SEC, rows[r].refresh * USEC_SEC);
        for (size_t i = 0; rows[r].looks[i]; i++) {
            char c = rows[r].looks[i];
            struct evidence look = {.holds = c == 'T' ? HOLDS_TRUE : c == 'F' ? HOLDS_FALSE : HOLDS_UNKNOWN};
            news[i] = hold_look(&h, &look, (usec_t)(i + 1) * USEC_SEC) ? 'n' : '.';
        }
        CHECK_INT(h.shown.holds == HOLDS_TRUE ? 'T' : h.shown.holds == HOLDS_FALSE ? 'F' : '?', rows[r].shown);
        CHECK_INT(h.shown.since / USEC_SEC, rows[r].since);
        CHECK_INT(h.shown.known_since / USEC_SEC, rows[r].known_since);
        CHECK_INT(h.shown.seen_at / USEC_SEC, strlen(rows[r].looks));
        CHECK_STR(news, rows[r].news);
        hold_done(&h);
    }
}

TEST(a_backoff_doubles_has_jitter_and_a_cap)
{
    struct backoff b = {.first = 100, .cap = 1000, .reset_after = 5000};
    CHECK_INT(backoff_next(&b, 1, 0), 100);
    CHECK_INT(backoff_next(&b, 1, 199), 399); /* in [200, 400) */
    CHECK_INT(backoff_next(&b, 1, 0), 400);
    CHECK_INT(backoff_next(&b, 1, 799), 1000);
    CHECK_INT(backoff_next(&b, 1, 999), 1000);
    CHECK_INT(backoff_next(&b, 6000, 0), 100); /* after a quiet time it begins anew */
    backoff_reset(&b);
    CHECK_INT(backoff_next(&b, 6001, 0), 100);
}

int main(void)
{
    return check_run();
}
