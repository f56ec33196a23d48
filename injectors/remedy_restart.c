#include "remedy_restart.h"

#include <signal.h>

#define LOOK_EVERY (5 * USEC_MSEC)

struct restart {
    struct guard *guard;
    struct reply_to to;
    struct match match;
    bool has_match, killed;
    struct process_set old, ending; /* what matched at the start; what is ended (the container's first process, or the same) */
    usec_t kill_at, give_up_at;
    struct timer timer;
};

static void restart_free(struct restart *x)
{
    timer_stop(&x->timer);
    if (x->has_match)
        match_done(&x->match);
    process_set_done(&x->old);
    process_set_done(&x->ending);
    free(x);
}

static void send_to(const struct process_set *set, int number)
{
    for (size_t i = 0; i < set->count; i++)
        process_signal(set->items[i].pid, set->items[i].start, number, NULL);
}

static size_t still_there(const struct process_set *set)
{
    size_t alive = 0;
    for (size_t i = 0; i < set->count; i++)
        alive += process_alive(set->items[i].pid, set->items[i].start);
    return alive;
}

/* Those that match now and did not at the start. */
static int find_new(struct restart *x, struct process_set *ret_fresh, struct error *err)
{
    auto_process_set struct process_set now = {0};
    if (target_processes(&x->guard->target, x->has_match ? &x->match : NULL, &now, err) < 0)
        return -1;
    for (size_t i = 0; i < now.count; i++)
        if (!process_set_find(&x->old, now.items[i].pid, now.items[i].start))
            process_set_add(ret_fresh, &now.items[i]);
    return 0;
}

static void finish(struct restart *x, const struct process_set *fresh, const struct refusal *refusal)
{
    json_t *result = refusal ? NULL
                             : json_pack("{s:o, s:o, s:b, s:I}", "ended", process_set_pids(&x->ending), "started",
                                         process_set_pids(fresh), "killed", x->killed, "at", (json_int_t)time_monotonic());
    struct guard *g = x->guard;
    struct reply_to to = x->to;
    restart_free(x);
    guard_answer(g, &to, result, refusal);
    json_decref(result);
}

static void look(void *userdata)
{
    struct restart *x = userdata;
    struct refusal why = {0};
    usec_t now = time_monotonic();
    size_t alive = still_there(&x->ending);
    auto_process_set struct process_set fresh = {0};
    if (alive && !x->killed && now >= x->kill_at) {
        send_to(&x->ending, SIGKILL);
        x->killed = true;
    }
    if (find_new(x, &fresh, &why.error) < 0) {
        finish(x, NULL, &why);
        return;
    }
    size_t wanted = x->has_match && x->old.count ? x->old.count : 1;
    /* As many as before is best; a supervisor that starts fewer is waited for a while and then believed. */
    if (alive == 0 && fresh.count > 0 && (fresh.count >= wanted || now >= x->give_up_at - USEC_SEC)) {
        finish(x, &fresh, NULL);
        return;
    }
    if (now >= x->give_up_at) {
        error_set(&why.error, ERROR_TIMEOUT, "%zu of the processes still run, %zu new ones have come", alive, fresh.count);
        finish(x, NULL, &why);
        return;
    }
    timer_set(x->guard->loop, &x->timer, now + LOOK_EVERY, look, x);
}

int restart_begin(struct guard *g, const struct restart_order *order, const struct reply_to *to, struct refusal *r)
{
    struct restart *x = mem_new(struct restart);
    x->guard = g;
    x->to = *to;
    if (order->match && match_init(&x->match, "match", order->match, r) < 0) {
        free(x);
        return -1;
    }
    x->has_match = order->match != NULL;
    struct process first;
    int rc = target_processes(&g->target, x->has_match ? &x->match : NULL, &x->old, &r->error);
    if (rc == 0 && order->container && target_is_local(&g->target))
        rc = refusal_text(r, "how", "Container", "there is no container here");
    if (rc == 0 && order->container && target_first(&g->target, &first, NULL) == 0)
        process_set_add(&x->ending, &first);
    if (rc < 0) {
        restart_free(x);
        return -1;
    }
    for (size_t i = 0; !order->container && i < x->old.count; i++)
        process_set_add(&x->ending, &x->old.items[i]);
    usec_t now = time_monotonic();
    x->kill_at = now + order->grace;
    x->give_up_at = now + order->timeout;
    send_to(&x->ending, SIGTERM);
    send_to(&x->ending, SIGCONT);
    timer_set(g->loop, &x->timer, now + USEC_MSEC, look, x);
    return 0;
}
