#include "check.h"
#include "fake/run.h"
#include "fake/server.h"
#include "net/tcp.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

struct answer {
    bool done;
    struct error err;
    usec_t latency;
};

static void answered(void *userdata, const struct error *err, usec_t latency)
{
    struct answer *a = userdata;
    a->done = true;
    a->err = *err;
    a->latency = latency;
}

TEST(whether_somebody_accepts)
{
    static const struct fake_step accept[] = {FAKE_DRAIN};
    struct fake_server *four = fake_server_start(&(struct fake_options){.scripts = {accept}, .repeat_last = true});
    struct fake_server *six = fake_server_start(&(struct fake_options){.scripts = {accept}, .repeat_last = true, .ipv6 = true});
    const struct {
        const char *sentence, *host;
        int port;
        enum error_class class;
    } rows[] = {
        {"an address", "127.0.0.1", fake_server_port(four), ERROR_NONE},
        {"an IPv6 address", "::1", fake_server_port(six), ERROR_NONE},
        {"a name, whichever of its addresses it is", "localhost", fake_server_port(four), ERROR_NONE},
        {"nobody listens", "127.0.0.1", 1, ERROR_UNAVAILABLE},
        {"no such name", "no-such-host.invalid", 80, ERROR_UNAVAILABLE},
        {"no name at all", "a b", 80, ERROR_UNAVAILABLE},
        {"no port", "127.0.0.1", 0, ERROR_INVALID},
        {"too high a port", "127.0.0.1", 65536, ERROR_INVALID},
    };
    struct loop *l = NULL;
    CHECK_INT(loop_new(&l, NULL), 0);
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        struct answer a = {0};
        tcp_probe_start(l, rows[i].host, rows[i].port, 5 * USEC_SEC, answered, &a);
        CHECK(!a.done);
        CHECK(run_until(l, &a.done, 6000));
        CHECK_INT(a.err.class, rows[i].class);
        CHECK(a.latency >= 0 && a.latency < 6 * USEC_SEC);
    }
    CHECK_ROW(NULL);
    loop_free(l);
    fake_server_stop(four);
    fake_server_stop(six);
}

/* A listener whose queue is full answers no SYN. */
static int deaf_listener(int *ret_port, int clients[8])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(fd, (struct sockaddr *)&address, size) == 0 && listen(fd, 0) == 0);
    getsockname(fd, (struct sockaddr *)&address, &size);
    for (int i = 0; i < 8; i++) {
        clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)!connect(clients[i], (struct sockaddr *)&address, size);
    }
    *ret_port = ntohs(address.sin_port);
    return fd;
}

TEST(silence_ends_at_the_time_limit_and_a_cancelled_probe_is_silent)
{
    int port, clients[8], listener = deaf_listener(&port, clients);
    struct loop *l = NULL;
    CHECK_INT(loop_new(&l, NULL), 0);
    struct answer a = {0}, cancelled = {0};
    struct tcp_probe *p = tcp_probe_start(l, "127.0.0.1", port, 100 * USEC_MSEC, answered, &cancelled);
    struct tcp_probe *looking_up = tcp_probe_start(l, "localhost", port, 100 * USEC_MSEC, answered, &cancelled);
    struct tcp_probe *refused = tcp_probe_start(l, "127.0.0.1", 0, 100 * USEC_MSEC, answered, &cancelled);
    tcp_probe_start(l, "127.0.0.1", port, 100 * USEC_MSEC, answered, &a);
    tcp_probe_cancel(p);
    tcp_probe_cancel(looking_up);
    tcp_probe_cancel(refused);
    tcp_probe_cancel(NULL);
    CHECK(run_until(l, &a.done, 1000));
    CHECK_INT(a.err.class, ERROR_TIMEOUT);
    CHECK(a.latency >= 100 * USEC_MSEC && a.latency < 500 * USEC_MSEC);
    CHECK(!cancelled.done);
    loop_free(l);
    for (int i = 0; i < 8; i++)
        close(clients[i]);
    close(listener);
}

int main(void)
{
    return check_run();
}
