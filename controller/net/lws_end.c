#include "net/lws_end.h"

#include <uv.h>

#define TURNS 4
#define FINISHING_CALLS_MAX 8

struct ending {
    uv_idle_t handle;
    struct loop *loop;
    struct lws_context **context;
    void (*done)(void *userdata);
    void *userdata;
    int turns;
};

static void ending_turn(uv_handle_t *handle)
{
    struct ending *e = handle->data;
    if (e->turns == 0)
        lws_context_destroy(*e->context);
    if (e->turns++ < TURNS) {
        uv_idle_init(loop_uv(e->loop), &e->handle);
        uv_close((uv_handle_t *)&e->handle, ending_turn);
        return;
    }
    for (int i = 0; *e->context && i < FINISHING_CALLS_MAX; i++)
        lws_context_destroy(*e->context);
    e->done(e->userdata);
    free(e);
}

void lws_end(struct loop *loop, struct lws_context **context, void (*done)(void *userdata), void *userdata)
{
    struct ending *e = mem_new(struct ending);
    *e = (struct ending){.loop = loop, .context = context, .done = done, .userdata = userdata};
    uv_idle_init(loop_uv(loop), &e->handle);
    e->handle.data = e;
    uv_close((uv_handle_t *)&e->handle, ending_turn);
}
