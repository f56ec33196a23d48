#include "shell/session_clock.h"

void session_clock_reset(struct session_clock *c)
{
    *c = (struct session_clock){0};
}

usec_t session_clock_error(const struct session_clock *c, usec_t now)
{
    return c->error + (now - c->measured_at) / SESSION_DRIFT_PER;
}

void session_clock_sample(struct session_clock *c, usec_t sent, usec_t received, usec_t mono)
{
    if (mono <= 0 || received < sent)
        return;
    usec_t error = (received - sent + 1) / 2;
    if (c->known && error > session_clock_error(c, received))
        return;
    *c = (struct session_clock){
        .known = true, .offset = sent + (received - sent) / 2 - mono, .error = error, .measured_at = received};
}
