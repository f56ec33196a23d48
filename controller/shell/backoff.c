#include "shell/backoff.h"

usec_t backoff_next(struct backoff *b, usec_t now, uint64_t draw)
{
    if (!b->delay || (b->reset_after && b->last_at && now - b->last_at > b->reset_after))
        b->delay = b->first;
    usec_t wait = b->delay + (usec_t)(draw % (uint64_t)b->delay);
    b->delay = usec_min(b->delay * 2, b->cap);
    b->last_at = now;
    return usec_min(wait, b->cap);
}

void backoff_reset(struct backoff *b)
{
    b->delay = 0;
}
