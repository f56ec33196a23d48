#include "effect.h"

#include "base/map.h"
#include "base/str.h"
#include "base/time.h"
#include "store.h"

#define EFFECTS_KEPT 256
#define EFFECT_MAX   ((size_t)256 * 1024)

struct effects {
    int dir;
    unsigned begun;
    struct map *running; /* ids begun by this process and not ended: not unknown, only slow */
};

struct effects *effects_open(const char *dir, struct error *err)
{
    struct effects *e = mem_new(struct effects);
    e->running = map_new(NULL);
    e->dir = store_open(dir, "effects", err);
    if (e->dir < 0) {
        effects_close(e);
        return NULL;
    }
    store_prune(e->dir, EFFECTS_KEPT);
    return e;
}

void effects_close(struct effects *e)
{
    if (!e)
        return;
    fd_close_cleanup(&e->dir);
    map_free(e->running);
    free(e);
}

static int write_down(struct effects *e, const char *id, const char *op, const char *state, json_t *outcome, struct error *err)
{
    char name[STORE_NAME_SIZE];
    store_name(id, name);
    json_t *record = json_pack("{s:s, s:s, s:s, s:I, s:O*}", "effect", id, "op", op, "state", state, "wall",
                               (json_int_t)time_wall(), "outcome", outcome);
    int rc = store_write_json(e->dir, name, record, true, err);
    json_decref(record);
    return rc;
}

int effects_begin(struct effects *e, const char *id, const char *op, bool ours, json_t **ret_outcome, struct error *err)
{
    char name[STORE_NAME_SIZE];
    struct error why = {0};
    store_name(id, name);
    json_t *record = store_read_json(e->dir, name, EFFECT_MAX, &why);
    if (record) {
        json_t *outcome = json_object_get(record, "outcome");
        const char *was = json_string_value(json_object_get(record, "op"));
        int rc = 1;
        if (!str_equal(was, op))
            rc = error_set(err, ERROR_CONFLICT, "the effect %s was a %s; a new effect needs a new id", id, was ? was : "?");
        else
            *ret_outcome = outcome ? json_incref(outcome)
                           : map_get(e->running, id)
                               ? json_pack("{s:b, s:{s:s}}", "ok", 1, "result", "state", "Running")
                               : json_pack("{s:b, s:{s:s, s:s}}", "ok", 1, "result", "state", "Unknown", "message",
                                           "it was started and its end was never seen; it is not started again");
        json_decref(record);
        return rc;
    }
    if (why.class == ERROR_INVALID) { /* torn by a crash of the node, or alien */
        *ret_outcome = json_pack("{s:b, s:{s:s, s:s}}", "ok", 1, "result", "state", "Unknown", "message", why.text);
        return 1;
    }
    if (why.class != ERROR_NOT_FOUND) {
        if (err)
            *err = why;
        return -1;
    }
    if (write_down(e, id, op, "Started", NULL, err) < 0)
        return -1;
    if (ours)
        map_set(e->running, id, e);
    if (++e->begun % 64 == 0)
        store_prune(e->dir, EFFECTS_KEPT);
    return 0;
}

int effects_end(struct effects *e, const char *id, const char *op, json_t *outcome, struct error *err)
{
    map_remove(e->running, id);
    return write_down(e, id, op, "Done", outcome, err);
}
