/* A packed text: its length (4 bytes), then sequences of
 *   token    high four bits: literals that follow, low four bits: length of the copy minus MATCH_MIN; 15 means more in bytes of 255
 *   literals
 *   offset   2 bytes, little endian, back from the end of what is there (dictionary included); absent in the last sequence
 * as in lz4_Block_format.md, except for the dictionary in front. */
#include "shell/pack.h"

#include <string.h>

#define MATCH_MIN  4
#define OFFSET_MAX 65535
#define HASH_BITS  12
#define HASH_SIZE  (1 << HASH_BITS)

struct pack_dictionary {
    unsigned refs;
    size_t length;
    uint32_t table[HASH_SIZE]; /* hash → 1 + position, of its last occurrence */
    unsigned char bytes[];
};

static uint32_t hash4(const unsigned char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return v * 2654435761U >> (32 - HASH_BITS);
}

struct pack_dictionary *pack_dictionary_new(const char *example, size_t length)
{
    if (length > PACK_DICTIONARY_MAX)
        length = PACK_DICTIONARY_MAX;
    struct pack_dictionary *d = mem_alloc(sizeof(*d) + length);
    d->refs = 1;
    d->length = length;
    memcpy(d->bytes, example, length);
    for (size_t i = 0; i + MATCH_MIN <= length; i++)
        d->table[hash4(d->bytes + i)] = (uint32_t)i + 1;
    return d;
}

struct pack_dictionary *pack_dictionary_ref(struct pack_dictionary *d)
{
    if (d)
        d->refs++;
    return d;
}

void pack_dictionary_unref(struct pack_dictionary *d)
{
    if (d && --d->refs == 0)
        free(d);
}

size_t pack_dictionary_length(const struct pack_dictionary *d)
{
    return d ? d->length : 0;
}

static unsigned char *put_length(unsigned char *out, size_t n)
{
    for (; n >= 255; n -= 255)
        *out++ = 255;
    *out++ = (unsigned char)n;
    return out;
}

static unsigned char *put_sequence(unsigned char *out, const unsigned char *literals, size_t count, size_t match, size_t offset)
{
    size_t extra = match ? match - MATCH_MIN : 0;
    *out++ = (unsigned char)((count < 15 ? count : 15) << 4 | (extra < 15 ? extra : 15));
    if (count >= 15)
        out = put_length(out, count - 15);
    memcpy(out, literals, count);
    out += count;
    if (!match)
        return out;
    *out++ = (unsigned char)offset;
    *out++ = (unsigned char)(offset >> 8);
    return extra >= 15 ? put_length(out, extra - 15) : out;
}

void *pack_text(const struct pack_dictionary *d, const char *text, size_t n, size_t *ret_packed)
{
    /* Dictionary and text stand in one piece, so that a copy may begin in the one and end in the other. */
    size_t start = pack_dictionary_length(d), end = start + n;
    auto_free unsigned char *window = mem_alloc(end + MATCH_MIN);
    auto_free uint32_t *table = mem_array(HASH_SIZE, sizeof(*table));
    if (d) {
        memcpy(window, d->bytes, start);
        memcpy(table, d->table, sizeof(d->table));
    }
    memcpy(window + start, text, n);
    unsigned char *packed = mem_alloc(n + n / 255 + 32), *out = packed;
    uint32_t length = (uint32_t)n;
    memcpy(out, &length, sizeof(length));
    out += sizeof(length);

    size_t at = start, pending = start; /* literals from `pending` to `at` are not written yet */
    while (at + MATCH_MIN <= end) {
        uint32_t *slot = &table[hash4(window + at)];
        size_t candidate = *slot ? *slot - 1 : SIZE_MAX;
        *slot = (uint32_t)at + 1;
        if (candidate == SIZE_MAX || at - candidate > OFFSET_MAX || memcmp(window + candidate, window + at, MATCH_MIN) != 0) {
            at++;
            continue;
        }
        size_t match = MATCH_MIN;
        while (at + match < end && window[candidate + match] == window[at + match])
            match++;
        out = put_sequence(out, window + pending, at - pending, match, at - candidate);
        at += match;
        pending = at;
    }
    out = put_sequence(out, window + pending, end - pending, 0, 0);
    *ret_packed = (size_t)(out - packed);
    return mem_resize(packed, *ret_packed, 1);
}

static size_t take_length(const unsigned char **in, size_t n)
{
    if (n < 15)
        return n;
    unsigned char more;
    do {
        more = *(*in)++;
        n += more;
    } while (more == 255);
    return n;
}

char *pack_unpack(const struct pack_dictionary *d, const void *packed, size_t n, size_t *ret_length)
{
    const unsigned char *in = packed, *in_end = in + n;
    uint32_t length;
    memcpy(&length, in, sizeof(length));
    in += sizeof(length);
    char *text = mem_alloc((size_t)length + 1);
    size_t done = 0, start = pack_dictionary_length(d);
    while (in < in_end) {
        unsigned token = *in++;
        size_t count = take_length(&in, token >> 4);
        memcpy(text + done, in, count);
        done += count;
        in += count;
        if (in >= in_end)
            break;
        size_t offset = in[0] | (size_t)in[1] << 8;
        in += 2;
        size_t match = take_length(&in, token & 15) + MATCH_MIN;
        for (size_t i = 0; i < match; i++, done++) /* byte by byte: a copy may overlap itself */
            text[done] = done >= offset ? text[done - offset] : (char)d->bytes[start + done - offset];
    }
    *ret_length = length;
    return text;
}
