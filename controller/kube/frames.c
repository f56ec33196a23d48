#include "kube/frames.h"

#include "kube/json_reader.h"

#include <string.h>

#define LINE_KEEP_MAX ((size_t)64 << 10)

void frames_init(struct frames *f, bool (*event)(void *userdata, const char *type, json_t *object), void *userdata)
{
    *f = (struct frames){.event = event, .userdata = userdata};
    buf_init(&f->line, FRAMES_LINE_MAX);
}

void frames_done(struct frames *f)
{
    buf_done(&f->line);
}

static bool blank(const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i] != ' ' && bytes[i] != '\t' && bytes[i] != '\r')
            return false;
    return true;
}

/* 0: go on; 1: stop; -1: it is no event. */
static int take_line(struct frames *f, const char *bytes, size_t n)
{
    if (blank(bytes, n))
        return 0;
    json_t *event = json_reader_load(bytes, n);
    const char *type = json_string_value(json_object_get(event, "type"));
    json_t *object = json_object_get(event, "object");
    int r = -1;
    if (type && json_is_object(object)) {
        f->events++;
        r = f->event(f->userdata, type, object) ? 0 : 1;
    }
    json_decref(event);
    return r;
}

static bool keep(struct frames *f, const char *bytes, size_t n, struct error *err)
{
    if (buf_append(&f->line, bytes, n))
        return true;
    error_set(err, ERROR_UNAVAILABLE, "an event of the watch is longer than %zu bytes", FRAMES_LINE_MAX);
    return false;
}

int frames_feed(struct frames *f, const void *bytes, size_t n, struct error *err)
{
    const char *at = bytes, *end = at + n, *newline;
    while (at < end && (newline = memchr(at, '\n', (size_t)(end - at)))) {
        int r;
        if (f->line.len) {
            if (!keep(f, at, (size_t)(newline - at), err))
                return -1;
            r = take_line(f, f->line.data, f->line.len);
            buf_reset(&f->line);
            if (f->line.cap > LINE_KEEP_MAX)
                buf_shrink(&f->line);
        } else {
            r = take_line(f, at, (size_t)(newline - at));
        }
        if (r > 0)
            return 1;
        f->skipped += r < 0;
        at = newline + 1;
    }
    return at == end || keep(f, at, (size_t)(end - at), err) ? 0 : -1;
}

int frames_end(struct frames *f, struct error *err)
{
    if (!f->line.len || take_line(f, f->line.data, f->line.len) >= 0)
        return 0;
    return error_set(err, ERROR_UNAVAILABLE, "the watch was cut in the middle of an event");
}
