/* Promise 4: the ledger has every incident once, as its drill ended, and its chain is unbroken. */
#include "sim_promise.h"

static bool is_ledger(const json_t *object)
{
    return str_equal(json_string_value(json_object_get(json_at(object, "metadata.labels"), "drillyard.dev/ledger")), "segment");
}

static const char *name_of(const json_t *object)
{
    return json_str(object, "metadata.name", "");
}

/* The record says what the drill's status said when it was over. */
static void check_record(struct sim_promise *p, const struct sim_incident *i, const char *text)
{
    json_auto_t *record = json_loads(text, 0, NULL);
    const char *result = json_str(record, "result", "");
    if (!i->over)
        sim_promise_break(p, 4, "incident %s is recorded before its drill is over", i->id);
    else if (!str_equal(result, json_str(i->status, "phase", "")) || !str_equal(json_str(record, "incident_id", ""), i->id))
        sim_promise_break(p, 4, "incident %s is recorded as %s, and its drill is %s", i->id, result,
                          json_str(i->status, "phase", ""));
    size_t n, passed = 0;
    json_t *gate;
    json_array_foreach(json_at(i->status, "gates"), n, gate) passed += str_equal(json_str(gate, "result", ""), "Passed");
    if (json_array_size(json_at(record, "gates_passed")) != passed)
        sim_promise_break(p, 4, "incident %s is recorded with other gates than its drill has", i->id);
}

static void add_record(struct sim_promise *p, const char *id, const char *text)
{
    struct sim_incident *i = sim_incident(p, id);
    if (!i) {
        sim_promise_break(p, 4, "the ledger has %s, which never was", id);
        return;
    }
    if (++i->records > 1)
        sim_promise_break(p, 4, "incident %s is in the ledger twice", id);
    check_record(p, i, text);
}

static void check_chain(struct sim_promise *p, const json_t *segment)
{
    char previous[254], want[65] = "";
    json_auto_t *chain = json_loads(json_string_value(json_object_get(json_at(segment, "data"), ".chain")) ?: "", 0, NULL);
    str_copy(previous, sizeof(previous), json_str(chain, "previous", ""));
    const json_t *before =
        sim_store_get(p->sim->store, sim_resource("configmaps"), json_str(segment, "metadata.namespace", ""), previous);
    if (before)
        json_sha256(json_at(before, "data"), want);
    if (!chain || !str_equal(want, json_str(chain, "previousSha256", "")))
        sim_promise_break(p, 4, "ledger segment %s does not name the one before it by its digest", name_of(segment));
    else if (before && !json_is_true(json_object_get(before, "immutable")))
        sim_promise_break(p, 4, "ledger segment %s follows %s, which is not sealed", name_of(segment), previous);
}

void sim_promise_ledger(struct sim_promise *p, const struct sim_change *c)
{
    const char *key;
    json_t *value, *before = json_at(c->before, "data"), *after = json_at(c->after, "data");
    if (!is_ledger(c->before) && !is_ledger(c->after))
        return;
    if (!c->by) /* the scene's own beginning, or its namespace went */
        return;
    if (c->type == SIM_DELETED || !is_ledger(c->after)) {
        sim_promise_break(p, 4, "%s takes ledger segment %s away", c->by->identity, name_of(c->after));
        return;
    }
    json_object_foreach(before, key, value)
    {
        if (!json_equal(value, json_object_get(after, key)))
            sim_promise_break(p, 4, "%s changes record %s", c->by->identity, key);
    }
    json_object_foreach(after, key, value)
    {
        if (*key != '.' && !json_object_get(before, key))
            add_record(p, key, json_string_value(value));
    }
    if (c->type == SIM_ADDED)
        check_chain(p, c->after);
}

void sim_promise_ledger_end(struct sim_promise *p)
{
    void *value;
    for (size_t at = 0; map_next(p->incidents, &at, NULL, &value);) {
        const struct sim_incident *i = value;
        if (i->records != 1 && sim_store_get(p->sim->store, sim_resource("namespaces"), "", i->ns))
            sim_promise_break(p, 4, "incident %s of drill %s is in the ledger %d times", i->id, i->drill, i->records);
    }
}
