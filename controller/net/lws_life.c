#include "net/lws_life.h"

#include "base/str.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include <uv.h>

#define CLOSING_TURNS       4 /* see ending_turn() */
#define FINISHING_CALLS_MAX 3

/* ── the eventfd ── */

static int *open_numbers(void)
{
    int *numbers = mem_array(1, sizeof(int)), count = 0;
    DIR *dir = opendir("/proc/self/fd");
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        int64_t number;
        if (!str_to_i64(entry->d_name, 0, INT32_MAX, &number) || number == dirfd(dir))
            continue;
        numbers = mem_resize(numbers, (size_t)count + 2, sizeof(int));
        numbers[count++] = (int)number;
    }
    if (dir)
        closedir(dir);
    numbers[count] = -1;
    return numbers;
}

static bool number_is(int fd, const char *target)
{
    char path[64], link[64] = "";
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return readlink(path, link, sizeof(link) - 1) > 0 && str_equal(link, target);
}

static bool has_number(const int *numbers, int fd)
{
    while (*numbers >= 0 && *numbers != fd)
        numbers++;
    return *numbers == fd;
}

/* libwebsockets and its eventfd: 4.1.6 closes it twice, the second time turns later, when the number may be anybody's
 * (lws_destroy_event_pipe, then __lws_close_free_wsi_final); 4.3.5 never closes it. So it is found out here, when it has just been
 * made, and seen to when the context goes. -1: not found, then nothing is done about it. */
static int event_number(const int *before)
{
    auto_free int *after = open_numbers();
    for (const int *fd = after; *fd >= 0; fd++)
        if (!has_number(before, *fd) && number_is(*fd, "anon_inode:[eventfd]"))
            return *fd;
    return -1;
}

/* After the first call of lws_context_destroy(). Where that has closed it, a placeholder keeps the number, so that nobody else gets it
 * before the second close. True: so it was. */
static bool event_number_hold(int fd)
{
    if (fd < 0 || fcntl(fd, F_GETFD) >= 0)
        return false;
    auto_fd int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int placeholder = fcntl(null, F_DUPFD_CLOEXEC, fd); /* the lowest from `fd` on: not that one, when open() has just got it */
    if (null == fd)
        null = placeholder;
    else if (placeholder != fd && placeholder >= 0)
        close(placeholder);
    return true;
}

/* After the last call. By then the number that was held may be anybody's, another context's eventfd even. */
static void event_number_release(int fd, bool held)
{
    if (fd >= 0 && number_is(fd, held ? "/dev/null" : "anon_inode:[eventfd]"))
        close(fd);
}

/* ── begin and end ── */

struct lws_context *lws_life_begin(const struct lws_context_creation_info *info, int *ret_event_number)
{
    auto_free int *before = open_numbers();
    struct lws_context *context = lws_create_context(info);
    *ret_event_number = event_number(before);
    return context;
}

struct ending {
    uv_idle_t handle;
    struct loop *loop;
    struct lws_context **context;
    int event_number, turns;
    bool held; /* event_number_hold() */
    void (*done)(void *userdata);
    void *userdata;
};

/* Destroying under a foreign libuv loop takes several calls, between which the loop must turn (lib/core/context.c and
 * lib/event-libs/libuv/libuv.c): the first closes libwebsockets' handles, which libuv completes a turn later; in 4.1.6 only that
 * completion closes the second half of them; the last call, when all are gone, frees the memory. Too early, it frees what libuv still
 * has to close; there is no callback that says when. Each closing of a handle of ours takes exactly one turn as well, so they serve
 * as the clock. It starts in one, too, since a context must not be destroyed from within its own callbacks. */
static void ending_turn(uv_handle_t *handle)
{
    struct ending *e = handle->data;
    if (e->turns == 0) {
        lws_context_destroy(*e->context);
        e->held = event_number_hold(e->event_number);
    }
    if (e->turns++ < CLOSING_TURNS) {
        uv_idle_init(loop_uv(e->loop), &e->handle);
        uv_close((uv_handle_t *)&e->handle, ending_turn);
        return;
    }
    for (int i = 0; *e->context && i < FINISHING_CALLS_MAX; i++)
        lws_context_destroy(*e->context);
    event_number_release(e->event_number, e->held);
    e->done(e->userdata);
    free(e);
}

void lws_life_end(struct loop *loop, struct lws_context **context, int number, void (*done)(void *userdata), void *userdata)
{
    struct ending *e = mem_new(struct ending);
    *e = (struct ending){.loop = loop, .context = context, .event_number = number, .done = done, .userdata = userdata};
    uv_idle_init(loop_uv(loop), &e->handle);
    e->handle.data = e;
    uv_close((uv_handle_t *)&e->handle, ending_turn);
}
