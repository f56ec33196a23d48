#include "shell/agent_wire.h"

#include "base/rfc3339.h"
#include "base/str.h"

void wire_decode(json_t *line, struct wire_line *l)
{
    static const struct {
        const char *event;
        enum wire_type type;
    } events[] = {{"hello", WIRE_HELLO}, {"watch", WIRE_WATCH}, {"fault", WIRE_FAULT}, {"bye", WIRE_BYE}};
    const char *event = json_str(line, "event", NULL);
    *l = (struct wire_line){.type = WIRE_UNKNOWN, .mono = json_int(line, "mono", 0), .id = json_str(line, "id", ""), .body = line};
    for (size_t i = 0; event && i < array_len(events); i++)
        if (str_equal(event, events[i].event))
            l->type = events[i].type;
    if (event || !json_object_get(line, "ok"))
        return;
    l->type = WIRE_ANSWER;
    l->ok = json_flag(line, "ok", false);
    l->result = json_at(line, l->ok ? "result" : "error");
}

void wire_error(const json_t *error, struct error *err)
{
    const char *word = json_str(error, "class", "INTERNAL"), *field = json_str(error, "field", NULL);
    enum error_class class = ERROR_INTERNAL;
    for (enum error_class c = ERROR_NOT_FOUND; c <= ERROR_INTERNAL; c++)
        if (str_equal(word, error_class_name(c)))
            class = c;
    if (str_equal(word, "STALE_EPOCH"))
        class = ERROR_FORBIDDEN;
    const char *message = json_str(error, "message", "");
    message = str_empty(message) ? "the agent refused it, and did not say why" : message;
    error_clear(err);
    if (field)
        error_set(err, class, "%s: %s (%s)", field, message, json_str(error, "value", ""));
    else
        error_set(err, class, "%s", message);
}

static usec_t steady(usec_t mono, usec_t offset)
{
    return mono ? usec_add(mono, offset) : 0; /* an agent may say any number */
}

void wire_evidence(const json_t *report, usec_t offset, usec_t mono, usec_t clock_error, struct evidence *e)
{
    const json_t *holds = json_object_get(report, "holds"), *value = json_object_get(report, "value");
    *e = (struct evidence){
        .holds = json_is_true(holds)    ? HOLDS_TRUE
                 : json_is_false(holds) ? HOLDS_FALSE
                                        : HOLDS_UNKNOWN,
        .since = steady(json_int(report, "since", mono), offset),
        .seen_at = steady(mono, offset),
        .error = clock_error,
        .has_value = json_is_number(value),
        .value = json_number_value(value),
        .data = json_object_get(report, "evidence"),
    };
    str_copy(e->message, sizeof(e->message), json_str(report, "message", ""));
}

bool wire_fault(const json_t *report, usec_t offset, struct agent_fault *f)
{
    static const struct {
        const char *word;
        enum fault_state state;
    } states[] = {
        {"Intended", FAULT_INTENDED},  {"InForce", FAULT_IN_FORCE}, {"Reverting", FAULT_IN_FORCE}, {"Reverted", FAULT_REVERTED},
        {"NotNeeded", FAULT_REVERTED}, {"Never", FAULT_NONE},       {"RevertFailed", FAULT_LOST},  {"Lost", FAULT_LOST},
    };
    const char *id = json_str(report, "fault", json_str(report, "id", "")), *state = json_str(report, "state", "");
    *f = (struct agent_fault){
        .state = FAULT_INTENDED,
        .at = steady(json_int(report, "at", json_int(report, "since_mono", 0)), offset),
        .by_agent = str_equal(json_str(report, "by", ""), "Agent"),
    };
    str_copy(f->id, sizeof(f->id), id);
    str_copy(f->why, sizeof(f->why), json_str(report, "why", ""));
    for (size_t i = 0; i < array_len(states); i++)
        if (str_equal(state, states[i].word))
            f->state = states[i].state;
    return !str_empty(id);
}

bool wire_needs_epoch(const char *op)
{
    static const char *const ops[] = {"inject", "revert", "renew", "restore", "signal", "restart", "exec", "snapshot"};
    for (size_t i = 0; i < array_len(ops); i++)
        if (str_equal(op, ops[i]))
            return true;
    return false;
}

json_t *wire_request(const json_t *body, uint64_t id, int64_t epoch)
{
    json_t *request = json_object();
    char text[24];
    str_format(text, sizeof(text), "%llu", (unsigned long long)id);
    json_put_str(request, "id", text);
    if (wire_needs_epoch(json_str(body, "op", "")))
        json_put_int(request, "epoch", epoch);
    json_object_update_missing(request, (json_t *)body);
    return request;
}

json_t *wire_result(const json_t *result, usec_t offset)
{
    static const char *const times[] = {"at", "began", "since"};
    if (!result)
        return NULL;
    json_t *copy = json_copy((json_t *)result);
    for (size_t i = 0; i < array_len(times); i++) {
        json_t *mono = json_object_get(copy, times[i]);
        if (json_is_integer(mono) && json_integer_value(mono) > 0)
            json_put_time(copy, times[i], usec_add(json_integer_value(mono), offset));
    }
    return copy;
}
