#include "check.h"
#include "kube/frames.h"

struct seen {
    int count, stop_at;
    char types[256];
    char names[256];
};

static bool event(void *userdata, const char *type, json_t *object)
{
    struct seen *s = userdata;
    s->count++;
    strncat(s->types, type, 1);
    const char *name = json_string_value(json_object_get(object, "name"));
    strncat(s->names, name ? name : "?", sizeof s->names - strlen(s->names) - 1);
    return s->count != s->stop_at;
}

static const char stream[] = "{\"type\":\"ADDED\",\"object\":{\"name\":\"a\"}}\n"
                             "{\"type\":\"MODIFIED\",\"object\":{\"name\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x99\"}}\r\n"
                             "\n"
                             "{\"type\":\"BOOKMARK\",\"object\":{\"name\":\"c\"}}\n";

TEST(lines_may_be_cut_at_every_byte)
{
    for (size_t cut = 0; cut <= sizeof stream - 1; cut++) {
        struct seen s = {0};
        struct frames f;
        frames_init(&f, event, &s);
        CHECK_INT(frames_feed(&f, stream, cut, NULL), 0);
        CHECK_INT(frames_feed(&f, stream + cut, sizeof stream - 1 - cut, NULL), 0);
        CHECK_INT(frames_end(&f, NULL), 0);
        CHECK_STR(s.types, "AMB");
        CHECK_STR(s.names, "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x99"
                           "c");
        CHECK_INT(f.skipped, 0);
        frames_done(&f);
    }
    struct seen s = {0};
    struct frames f;
    frames_init(&f, event, &s);
    for (size_t i = 0; i < sizeof stream - 1; i++)
        frames_feed(&f, stream + i, 1, NULL);
    CHECK_STR(s.types, "AMB");
    CHECK_INT(f.events, 3);
    frames_done(&f);
}

TEST(what_cannot_be_read_is_skipped_and_counted)
{
    static const struct {
        const char *sentence, *line;
        int events, skipped;
    } rows[] = {
        {"a NUL in a value is read", "{\"type\":\"ADDED\",\"object\":{\"x\":\"\\u0000\"}}", 1, 0},
        {"and in a key", "{\"type\":\"ADDED\",\"object\":{\"\\u0000\":1}}", 1, 0},
        {"an integer beyond 64 bits", "{\"type\":\"ADDED\",\"object\":{\"x\":99999999999999999999}}", 1, 0},
        {"invalid UTF-8", "{\"type\":\"ADDED\",\"object\":{\"x\":\"\xff\"}}", 0, 1},
        {"no JSON", "<html>", 0, 1},
        {"no object", "[1]", 0, 1},
        {"no type", "{\"object\":{}}", 0, 1},
        {"a type that is no string", "{\"type\":1,\"object\":{}}", 0, 1},
        {"an object that is none", "{\"type\":\"ADDED\",\"object\":[]}", 0, 1},
        {"no object in it", "{\"type\":\"ADDED\"}", 0, 1},
        {"two on a line", "{\"type\":\"ADDED\",\"object\":{}}{}", 0, 1},
        {"a blank line is nothing", "  \t\r", 0, 0},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        struct seen s = {0};
        struct frames f;
        frames_init(&f, event, &s);
        CHECK_INT(frames_feed(&f, rows[i].line, strlen(rows[i].line), NULL), 0);
        CHECK_INT(frames_feed(&f, "\n{\"type\":\"X\",\"object\":{}}\n", 27, NULL), 0);
        CHECK_INT(s.count, rows[i].events + 1); /* and the next one comes */
        CHECK_INT(f.skipped, rows[i].skipped);
        frames_done(&f);
    }
    CHECK_ROW("nesting without an end");
    struct seen s = {0};
    struct frames f;
    frames_init(&f, event, &s);
    frames_feed(&f, "{\"type\":\"ADDED\",\"object\":{\"x\":", 30, NULL);
    for (int i = 0; i < 100000; i++)
        frames_feed(&f, "[", 1, NULL);
    frames_feed(&f, "\n", 1, NULL);
    CHECK_INT(f.skipped, 1);
    frames_done(&f);
    CHECK_ROW(NULL);
}

TEST(a_line_is_bounded)
{
    struct frames f;
    struct seen s = {0};
    struct error err = {0};
    frames_init(&f, event, &s);
    auto_free char *mib = mem_alloc((size_t)1 << 20);
    memset(mib, ' ', (size_t)1 << 20);
    for (int i = 0; i < 8; i++)
        CHECK_INT(frames_feed(&f, mib, (size_t)1 << 20, &err), 0);
    CHECK_INT(frames_feed(&f, mib, 1, &err), -1);
    CHECK_INT(err.class, ERROR_UNAVAILABLE);
    frames_done(&f);
}

TEST(the_end_and_a_stop)
{
    struct frames f;
    struct seen s = {.stop_at = 1};
    frames_init(&f, event, &s);
    CHECK_INT(frames_feed(&f, stream, sizeof stream - 1, NULL), 1);
    CHECK_STR(s.types, "A");
    frames_done(&f);
    s = (struct seen){0};
    frames_init(&f, event, &s);
    frames_feed(&f, stream, strcspn(stream, "\n"), NULL); /* whole, but its newline */
    CHECK_INT(frames_end(&f, NULL), 0);
    CHECK_STR(s.types, "A");
    frames_done(&f);
    s = (struct seen){0};
    struct error err = {0};
    frames_init(&f, event, &s);
    frames_feed(&f, stream, 30, NULL);
    CHECK_INT(frames_end(&f, &err), -1);
    CHECK_INT(err.class, ERROR_UNAVAILABLE);
    CHECK_INT(s.count, 0);
    frames_done(&f);
}

int main(void)
{
    return check_run();
}
