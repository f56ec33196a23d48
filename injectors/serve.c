#include "serve.h"

#include "serve_target.h"

#include "base/buf.h"
#include "base/str.h"
#include "base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <unistd.h>

#define LINGER_MS 6000 /* a little more than the guard lingers for the answers that it owes */

/* One direction of the bridge. */
struct pipe {
    int from, to;
    struct buf held;
    bool ended;  /* no more from `from` */
    bool broken; /* `to` takes no more */
};

int serve_connect(const char *dir)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!str_format(address.sun_path, sizeof address.sun_path, "%s/guard.sock", dir))
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int say_bye(const char *reason)
{
    char line[256];
    str_format(line, sizeof line, "{\"event\":\"bye\",\"reason\":\"%s\",\"mono\":%lld}\n", reason, (long long)time_monotonic());
    ssize_t ignored = write(STDOUT_FILENO, line, strlen(line));
    (void)ignored;
    return 1;
}

static void pipe_take(struct pipe *p)
{
    char piece[16384];
    ssize_t n = read(p->from, piece, sizeof piece);
    if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
        p->ended = true;
    else if (n > 0)
        buf_append(&p->held, piece, (size_t)n);
}

static void pipe_give(struct pipe *p)
{
    ssize_t n = write(p->to, p->held.data, p->held.len);
    if (n > 0)
        buf_consume(&p->held, (size_t)n);
    else if (n < 0 && errno != EINTR && errno != EAGAIN)
        p->broken = true;
}

static short wants_read(const struct pipe *p)
{
    return !p->ended && !p->broken && p->held.len == 0 ? POLLIN : 0;
}

static int serve_bridge(int guard)
{
    struct pipe in = {STDIN_FILENO, guard, {0}, false, false}, out = {guard, STDOUT_FILENO, {0}, false, false};
    bool closed_write = false;
    usec_t give_up = USEC_NEVER;
    buf_init(&in.held, 65536);
    buf_init(&out.held, 65536);
    fcntl(guard, F_SETFL, O_NONBLOCK);
    fcntl(STDOUT_FILENO, F_SETFL, fcntl(STDOUT_FILENO, F_GETFL) | O_NONBLOCK);
    while (!out.broken && !(out.ended && out.held.len == 0)) {
        if (in.ended && in.held.len == 0 && !closed_write) {
            shutdown(guard, SHUT_WR); /* the guard sends what it owes and closes */
            closed_write = true;
            give_up = time_monotonic() + LINGER_MS * USEC_MSEC;
        }
        if (time_monotonic() >= give_up)
            break;
        struct pollfd fds[3] = {
            {wants_read(&in) ? STDIN_FILENO : -1, POLLIN, 0},
            {guard, (short)(wants_read(&out) | (in.held.len && !in.broken ? POLLOUT : 0)), 0},
            {STDOUT_FILENO, out.held.len ? POLLOUT : 0, 0},
        };
        if (!fds[1].events)
            fds[1].fd = -1;
        if (poll(fds, 3, give_up == USEC_NEVER ? -1 : 100) < 0 && errno != EINTR)
            break;
        if (fds[0].revents)
            pipe_take(&in);
        if (fds[1].revents & (POLLIN | POLLHUP | POLLERR) && wants_read(&out))
            pipe_take(&out);
        if (in.held.len && !in.broken)
            pipe_give(&in);
        if (out.held.len)
            pipe_give(&out);
        if (fds[2].revents & POLLERR)
            out.broken = true; /* whoever read us is gone */
    }
    bool guard_left = out.ended && !closed_write;
    buf_done(&in.held);
    buf_done(&out.held);
    return guard_left ? say_bye("the guard went away") : 0;
}

int serve_run(const char *dir, enum serve_place place)
{
    signal(SIGPIPE, SIG_IGN);
    struct statvfs fs;
    if (place == SERVE_DETECT)
        place = statvfs(dir, &fs) == 0 && fs.f_flag & ST_RDONLY ? SERVE_TARGET : SERVE_SIDECAR;
    if (place == SERVE_TARGET)
        return serve_target_run(dir);
    int guard = serve_connect(dir);
    if (guard < 0)
        return say_bye("no guard listens here");
    int code = serve_bridge(guard);
    close(guard);
    return code;
}
