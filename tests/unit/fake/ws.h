/* tests/unit/fake/ws.h — the server's half of a WebSocket (RFC 6455), for FAKE_CALL steps after a FAKE_EXPECT("GET …").
 *
 * What a client must not do (unmasked or fragmented frames, extensions) is complained of. */
#pragma once

#include "base/buf.h"
#include "fake/server.h"

enum { FAKE_WS_CONTINUATION = 0, FAKE_WS_TEXT = 1, FAKE_WS_BINARY = 2, FAKE_WS_CLOSE = 8, FAKE_WS_PING = 9, FAKE_WS_PONG = 10 };

/* The 101 answer; `protocol` NULL: none chosen. False: the connection is gone. */
bool fake_ws_accept(struct fake_conn *c, const char *protocol);

/* One frame. */
bool fake_ws_send(struct fake_conn *c, int opcode, bool final, const void *bytes, size_t n);
/* One final frame in pieces of `cut` bytes, header included, each in a packet of its own. */
bool fake_ws_trickle(struct fake_conn *c, int opcode, const void *bytes, size_t n, size_t cut);
bool fake_ws_close(struct fake_conn *c, int code, const char *reason); /* code 0: an empty close frame */

/* The next frame, unmasked, with its opcode. False: the connection is gone. */
bool fake_ws_read(struct fake_conn *c, int *ret_opcode, struct buf *payload);
/* The next data frame; pings are answered on the way. False: gone, or a close frame came. */
bool fake_ws_read_data(struct fake_conn *c, struct buf *payload);
/* Answers pings until the client goes. Returns how many there were. */
int fake_ws_answer_pings(struct fake_conn *c);
