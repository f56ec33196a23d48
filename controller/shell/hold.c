#include "shell/hold.h"

void hold_init(struct hold *h, usec_t hold_for, usec_t refresh)
{
    *h = (struct hold){.hold_for = hold_for, .refresh = refresh};
}

void hold_done(struct hold *h)
{
    json_decref(h->shown.data);
    h->shown.data = NULL;
}

static void show(struct hold *h, const struct evidence *look, usec_t since, usec_t now)
{
    usec_t known_since = look->holds == HOLDS_UNKNOWN ? 0 : h->shown.known_since ? h->shown.known_since : now;
    json_t *data = json_incref(look->data);
    json_decref(h->shown.data);
    h->shown = *look;
    h->shown.data = data;
    h->shown.since = since;
    h->shown.seen_at = now;
    h->shown.known_since = known_since;
}

bool hold_look(struct hold *h, const struct evidence *look, usec_t now)
{
    bool first = !h->shown.seen_at;
    if (!first && look->holds == h->shown.holds) {
        h->candidate_since = 0;
        bool again = h->refresh && look->holds == HOLDS_FALSE && now - h->told_at >= h->refresh;
        show(h, look, h->shown.since, now);
        if (again)
            h->told_at = now;
        return again;
    }
    if (!h->candidate_since || h->candidate != look->holds) {
        h->candidate = look->holds;
        h->candidate_since = now;
    }
    /* What cannot be seen is said at once: it is no state of the target that could pass. */
    bool lasted =
        first || look->holds == HOLDS_UNKNOWN || h->shown.holds == HOLDS_UNKNOWN || now - h->candidate_since >= h->hold_for;
    if (!lasted) {
        h->shown.seen_at = now;
        return false;
    }
    show(h, look, h->candidate_since, now);
    h->candidate_since = 0;
    h->told_at = now;
    return true;
}
