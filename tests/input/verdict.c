/* tests/input/verdict.c — what the controller says of objects, whatever is in them.
 *
 * Reads JSON lines and runs each object through the whole shell over a world that answers as an API server would:
 *   {"base": OBJECT}               is there from the beginning of each world, and must go on unharmed
 *   {"id": …, "object": OBJECT}    is added under the name "odd", looked at for a while, and deleted again
 * and prints a line for each of the second sort: {"id", "written", "ready", "reason", "message", "phase", "harm"}; written: a status of it
 * was written at all; harm: what a base object's Ready condition said meanwhile, "" where it stayed True. A crash is a crash: the last line
 * read is the culprit. */
#include "fake_world.h"

#include "api/json.h"
#include "api/kind.h"
#include "base/str.h"
#include "kube/json_reader.h"
#include "shell/shell.h"

#include <stdio.h>

#define BATCH  50 /* objects a world sees before a fresh one is made */
#define ROUNDS 6
#define ROUND  (300 * USEC_MSEC)
#define ODD    "odd"
#define PLACE  "team-a"

struct room {
    struct fake *fake;
    struct shell *shell;
    json_t *bases; /* array */
    json_t *odd;   /* borrowed: the one that is looked at; NULL: none */
    int64_t rv;
    json_t *status; /* as last written to the odd object; NULL: never */
    char harm[512];
};

/* ── what the server answers ── */

static void stamp(struct room *r, json_t *object)
{
    char text[32];
    str_format(text, sizeof(text), "%lld", (long long)++r->rv);
    json_put_str(json_make(object, "metadata"), "resourceVersion", text);
}

static const json_t *condition_of(const json_t *status, const char *type)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_at(status, "conditions"), i, row) if (str_equal(json_str(row, "type", ""), type)) return row;
    return NULL;
}

/* The object as the server has it, with the status that is written: what it answers. */
static json_t *as_written(const struct room *r, const json_t *body)
{
    json_t *have = str_equal(json_str(body, "metadata.name", ""), ODD) ? r->odd : NULL, *base;
    size_t i;
    json_array_foreach(r->bases, i, base) if (str_equal(json_str(base, "kind", ""), json_str(body, "kind", "")) &&
                                              str_equal(json_str(base, "metadata.name", ""), json_str(body, "metadata.name", "")))
        have = base;
    json_t *whole = json_deep_copy(have ? have : body);
    json_put(whole, "status", json_incref(json_object_get(body, "status")));
    return whole;
}

static void note_write(struct room *r, const json_t *body)
{
    const char *name = json_str(body, "metadata.name", "");
    if (str_equal(name, ODD)) {
        json_decref(r->status);
        r->status = json_deep_copy(json_at(body, "status"));
        return;
    }
    const json_t *ready = condition_of(json_at(body, "status"), "Ready");
    if (str_equal(json_str(ready, "status", ""), "False"))
        str_format(r->harm, sizeof(r->harm), "%s %s: %s", json_str(body, "kind", ""), name, json_str(ready, "message", ""));
}

static void answer_writes(struct room *r)
{
    static const char *const methods[] = {"PUT", "POST"};
    struct fake_request *request;
    for (size_t i = 0; i < array_len(methods); i++)
        while ((request = fake_request(r->fake, methods[i], "/"))) {
            json_t *body = as_written(r, request->body);
            note_write(r, body);
            stamp(r, body);
            fake_reply(request, i ? 201 : 200, body);
        }
    while ((request = fake_request(r->fake, "PATCH", "/")))
        fake_refuse(request, ERROR_CONFLICT, 409, 0);
    while ((request = fake_request(r->fake, "GET", "/")))
        fake_refuse(request, ERROR_NOT_FOUND, 404, 0);
    while ((request = fake_request(r->fake, "DELETE", "/")))
        fake_reply(request, 200, json_object());
    struct fake_http *http;
    while ((http = fake_http(r->fake, "")))
        fake_http_reply(http, 200, 1000, "{\"items\":[]}");
}

/* The agent is well, and says so; what it sees it keeps to itself. */
static void answer_agent(struct room *r)
{
    struct fake_session *agent = fake_session(r->fake, "shop-1");
    json_t *line;
    while (agent && (line = fake_take(agent, "status")))
        fake_answer(agent, line, fake_now(r->fake), NULL);
}

static void rounds(struct room *r, int count)
{
    for (int i = 0; i < count; i++) {
        fake_advance(r->fake, ROUND);
        answer_writes(r);
        answer_agent(r);
        fake_run(r->fake);
    }
}

/* ── the world ── */

static struct fake_stream *stream_of(struct room *r, enum kind kind)
{
    char part[160];
    const struct kind_info *info = kind_info(kind);
    str_format(part, sizeof(part), "%s/%s?%s", info->prefix, info->plural, info->selector ? info->selector : "");
    return fake_stream(r->fake, part);
}

static void tell(struct room *r, const char *type, json_t *object)
{
    enum kind kind;
    if (!kind_from_name(json_str(object, "kind", ""), &kind) || !stream_of(r, kind)) {
        fprintf(stderr, "verdict: no stream for kind \"%s\"\n", json_str(object, "kind", ""));
        exit(2);
    }
    stamp(r, object);
    fake_event(stream_of(r, kind), type, json_incref(object));
}

static void room_open(struct room *r)
{
    struct shell_options options = {.catalog_namespace = "catalog", .own_namespace = "system", .identity = "me"};
    struct error err = {0};
    r->fake = fake_new();
    r->shell = shell_new(fake_world(r->fake), &options, &err);
    if (!r->shell) {
        fprintf(stderr, "verdict: %s\n", err.text);
        exit(2);
    }
    fake_run(r->fake);
    size_t i;
    json_t *base;
    json_array_foreach(r->bases, i, base) tell(r, "ADDED", base);
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        fake_bookmark(stream_of(r, kind), "1000000", true);
    rounds(r, 2);
    if (fake_session(r->fake, "shop-1"))
        fake_agent_up(r->fake, "shop-1", fake_now(r->fake));
    rounds(r, ROUNDS);
    r->harm[0] = '\0';
}

static void room_close(struct room *r)
{
    shell_free(r->shell);
    fake_free(r->fake);
    r->shell = NULL;
    r->fake = NULL;
}

/* ── one object ── */

static void metadata(struct room *r, json_t *object)
{
    json_t *meta = json_make(object, "metadata");
    char uid[32];
    str_format(uid, sizeof(uid), "odd-%lld", (long long)r->rv);
    json_put_str(meta, "namespace", PLACE);
    json_put_str(meta, "name", ODD);
    json_put_str(meta, "uid", uid);
    json_put_str(meta, "creationTimestamp", "2026-11-25T00:00:00Z");
    json_put_int(meta, "generation", 1);
}

static void print_verdict(const struct room *r, const char *id)
{
    const json_t *ready = condition_of(r->status, "Ready");
    json_t *line = json_object();
    json_put_str(line, "id", id);
    json_put_bool(line, "written", r->status != NULL);
    json_put_str(line, "ready", json_str(ready, "status", ""));
    json_put_str(line, "reason", json_str(ready, "reason", json_str(r->status, "reason", "")));
    json_put_str(line, "message", json_str(ready, "message", json_str(r->status, "message", "")));
    json_put_str(line, "phase", json_str(r->status, "phase", ""));
    json_put_str(line, "harm", r->harm);
    json_dumpf(line, stdout, JSON_COMPACT);
    fputc('\n', stdout);
    fflush(stdout);
    json_decref(line);
}

static void look_at(struct room *r, const char *id, json_t *object)
{
    json_decref(mem_take(r->status));
    r->harm[0] = '\0';
    metadata(r, object);
    r->odd = object;
    tell(r, "ADDED", object);
    fake_run(r->fake);
    rounds(r, ROUNDS);
    print_verdict(r, id);
    r->odd = NULL;
    tell(r, "DELETED", object);
    rounds(r, 1);
}

int main(void)
{
    struct room room = {.bases = json_array(), .rv = 1000};
    char *line = NULL;
    size_t size = 0;
    ssize_t n;
    int seen = 0;
    while ((n = getline(&line, &size, stdin)) > 0) {
        json_auto_t *input = json_reader_load(line, (size_t)n); /* as what a watch brings */
        json_t *base = json_object_get(input, "base"), *object = json_object_get(input, "object");
        if (base) {
            json_array_append(room.bases, base);
            continue;
        }
        if (!object) {
            fprintf(stderr, "verdict: not JSON: %.200s\n", line);
            return 2;
        }
        if (!room.shell)
            room_open(&room);
        look_at(&room, json_str(input, "id", ""), object);
        if (++seen % BATCH == 0)
            room_close(&room);
    }
    if (room.shell)
        room_close(&room);
    json_decref(room.status);
    json_decref(room.bases);
    free(line);
    return 0;
}
