#include "fake/run.h"

#include <uv.h>

static void time_is_over(void *over)
{
    *(bool *)over = true;
}

bool run_until(struct loop *l, const bool *done, int ms)
{
    bool over = false;
    struct timer *limit = timer_new(l, time_is_over, &over);
    timer_at(limit, time_monotonic() + ms * USEC_MSEC);
    while (!*done && !over)
        uv_run(loop_uv(l), UV_RUN_ONCE);
    timer_free(limit);
    return *done;
}

void run_for(struct loop *l, int ms)
{
    const bool never = false;
    run_until(l, &never, ms);
}

void run_without_proxies(void)
{
    static const char *const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
    for (size_t i = 0; i < array_len(names); i++)
        unsetenv(names[i]);
}
