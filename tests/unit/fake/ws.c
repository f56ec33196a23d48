#include "fake/ws.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string.h>
#include <strings.h>

#define MESSAGE_MAX ((size_t)16 << 20)

static bool header_of(const char *request, const char *name, char *value, size_t size)
{
    const char *at = strcasestr(request, name);
    if (!at)
        return false;
    at += strlen(name);
    at += strspn(at, ": ");
    size_t n = strcspn(at, "\r\n");
    if (n >= size)
        return false;
    memcpy(value, at, n);
    value[n] = '\0';
    return true;
}

bool fake_ws_accept(struct fake_conn *c, const char *protocol)
{
    char key[128] = "", text[200], accept[64], answer[512], extensions[64];
    unsigned char digest[SHA_DIGEST_LENGTH];
    const char *request = fake_conn_request(c);
    if (!header_of(request, "\r\nSec-WebSocket-Key", key, sizeof(key)))
        fake_conn_complain(c, "no Sec-WebSocket-Key");
    if (header_of(request, "\r\nSec-WebSocket-Extensions", extensions, sizeof(extensions)))
        fake_conn_complain(c, "extensions offered: %s", extensions);
    snprintf(text, sizeof(text), "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    SHA1((unsigned char *)text, strlen(text), digest);
    EVP_EncodeBlock((unsigned char *)accept, digest, sizeof(digest));
    int n = snprintf(answer, sizeof(answer),
                     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n"
                     "%s%s%s\r\n",
                     accept, protocol ? "Sec-WebSocket-Protocol: " : "", protocol ? protocol : "", protocol ? "\r\n" : "");
    return fake_conn_write(c, answer, (size_t)n);
}

static size_t frame_head(unsigned char *head, int opcode, bool final, size_t n)
{
    head[0] = (unsigned char)((final ? 0x80 : 0) | opcode);
    if (n < 126) {
        head[1] = (unsigned char)n;
        return 2;
    }
    size_t size = n <= 0xffff ? 2 : 8;
    head[1] = size == 2 ? 126 : 127;
    for (size_t i = 0; i < size; i++)
        head[2 + i] = (unsigned char)((uint64_t)n >> (8 * (size - 1 - i)));
    return 2 + size;
}

bool fake_ws_send(struct fake_conn *c, int opcode, bool final, const void *bytes, size_t n)
{
    unsigned char head[10];
    return fake_conn_write(c, head, frame_head(head, opcode, final, n)) && (n == 0 || fake_conn_write(c, bytes, n));
}

bool fake_ws_trickle(struct fake_conn *c, int opcode, const void *bytes, size_t n, size_t cut)
{
    unsigned char head[10];
    auto_buf struct buf b;
    buf_init(&b, MESSAGE_MAX);
    buf_append(&b, head, frame_head(head, opcode, true, n));
    buf_append(&b, bytes, n);
    for (size_t at = 0; at < b.len; at += cut)
        if (!fake_conn_write(c, b.data + at, b.len - at < cut ? b.len - at : cut) || !fake_conn_sleep(c, 2))
            return false;
    return true;
}

bool fake_ws_close(struct fake_conn *c, int code, const char *reason)
{
    char payload[126] = {(char)(code >> 8), (char)code};
    size_t n = code ? 2 + strlen(reason) : 0;
    memcpy(payload + 2, reason, code ? strlen(reason) : 0);
    return fake_ws_send(c, FAKE_WS_CLOSE, true, payload, n);
}

bool fake_ws_read(struct fake_conn *c, int *ret_opcode, struct buf *payload)
{
    unsigned char head[2], more[8], mask[4];
    buf_reset(payload);
    if (!fake_conn_read(c, head, 2))
        return false;
    uint64_t n = head[1] & 0x7f;
    size_t size = n == 126 ? 2 : n == 127 ? 8 : 0;
    if (size && !fake_conn_read(c, more, size))
        return false;
    if (size)
        n = 0;
    for (size_t i = 0; i < size; i++)
        n = n << 8 | more[i];
    if (!(head[0] & 0x80) || (head[0] & 0x70))
        fake_conn_complain(c, "a frame that is not final, or with reserved bits: %02x", head[0]);
    if (!(head[1] & 0x80)) {
        fake_conn_complain(c, "an unmasked frame");
        return false;
    }
    if (n > MESSAGE_MAX || !fake_conn_read(c, mask, 4))
        return false;
    char *bytes = mem_alloc(n + 1);
    bool ok = n == 0 || fake_conn_read(c, bytes, n);
    for (uint64_t i = 0; i < n; i++)
        bytes[i] ^= (char)mask[i % 4];
    ok = ok && buf_append(payload, bytes, n);
    free(bytes);
    *ret_opcode = head[0] & 0x0f;
    return ok;
}

bool fake_ws_read_data(struct fake_conn *c, struct buf *payload)
{
    int opcode;
    while (fake_ws_read(c, &opcode, payload)) {
        if (opcode == FAKE_WS_BINARY || opcode == FAKE_WS_TEXT)
            return true;
        if (opcode == FAKE_WS_CLOSE)
            return false;
        if (opcode == FAKE_WS_PING && !fake_ws_send(c, FAKE_WS_PONG, true, payload->data, payload->len))
            return false;
    }
    return false;
}

int fake_ws_answer_pings(struct fake_conn *c)
{
    auto_buf struct buf payload;
    int opcode, pings = 0;
    buf_init(&payload, MESSAGE_MAX);
    while (fake_ws_read(c, &opcode, &payload) && opcode != FAKE_WS_CLOSE)
        if (opcode == FAKE_WS_PING) {
            pings++;
            if (!fake_ws_send(c, FAKE_WS_PONG, true, payload.data, payload.len))
                break;
        }
    return pings;
}
