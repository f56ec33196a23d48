/* net/tcp.h — does somebody accept TCP connections there, and how long does it take?
 *
 * Guarantees: `done` never runs inside a call of this module; exactly once, at the latest at the time limit; not at all after
 * tcp_probe_cancel(). Nothing blocks: names are looked up in a thread of libuv's. The connection is closed at once. */
#pragma once

#include "net/loop.h"

struct tcp_probe;
/* `host`: a name or an address (IPv6 without brackets); of a name's addresses each is tried in turn. `timeout` for all of it.
 * done: err NONE: connected, after `latency`; else INVALID (no such port), TIMEOUT, UNAVAILABLE. The probe is freed after it returns. */
struct tcp_probe *tcp_probe_start(struct loop *l, const char *host, int port, usec_t timeout,
                                  void (*done)(void *userdata, const struct error *err, usec_t latency), void *userdata);
void tcp_probe_cancel(struct tcp_probe *p); /* NULL is fine; not in `done` */
