#include "probe.h"

#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>

static const struct probe_kind *const kinds[] = {
    &probe_file, &probe_heartbeat, &probe_process, &probe_http, &probe_slo, &probe_tcp, &probe_resource, &probe_exec,
};

json_t *probe_result_to_json(const struct probe_result *result)
{
    json_t *o = json_object();
    json_object_set_new(o, "holds", result->holds == HOLDS_UNKNOWN ? json_null() : json_boolean(result->holds == HOLDS));
    json_object_set_new(o, "value", result->has_value ? json_real(result->value) : json_null());
    json_object_set_new(o, "message", text_to_json(result->message, strlen(result->message), sizeof result->message));
    json_object_set_new(o, "evidence", result->evidence ? json_incref(result->evidence) : json_object());
    return o;
}

struct probe *probe_new(const struct probe_site *site, json_t *spec, struct refusal *r)
{
    const struct probe_kind *kind = NULL;
    json_t *inner = NULL;
    for (size_t i = 0; i < array_len(kinds); i++) {
        json_t *member = json_object_get(spec, kinds[i]->name);
        if (!member)
            continue;
        if (kind) {
            refusal_field(r, "probe", spec, "a probe has one member; this one has %s and %s", kind->name, kinds[i]->name);
            return NULL;
        }
        kind = kinds[i];
        inner = member;
    }
    if (!kind || !json_is_object(inner)) {
        refusal_field(r, "probe", spec, "probe wants one object named file, heartbeat, process, http, slo, tcp, resource or exec");
        return NULL;
    }
    struct probe *p = mem_new(struct probe);
    p->kind = kind;
    p->site = *site;
    p->spec = json_incref(inner);
    if (kind->init(p, inner, r) < 0) {
        json_decref(p->spec);
        free(p);
        return NULL;
    }
    return p;
}

void probe_free(struct probe *p)
{
    if (!p)
        return;
    p->kind->free(p);
    process_set_done(&p->processes);
    json_decref(p->result.evidence);
    json_decref(p->spec);
    free(p);
}

void probe_look(struct probe *p, void (*done)(void *userdata, const struct probe_result *result), void *userdata)
{
    json_decref(p->result.evidence);
    p->result = (struct probe_result){.again = USEC_NEVER};
    p->done = done;
    p->userdata = userdata;
    p->looking = true;
    p->kind->look(p);
}

void probe_finish(struct probe *p, enum holds holds, json_t *evidence, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(p->result.message, sizeof p->result.message, format, args);
    va_end(args);
    p->result.holds = holds;
    p->result.evidence = evidence;
    p->looking = false;
    p->done(p->userdata, &p->result); /* may free the probe */
}
