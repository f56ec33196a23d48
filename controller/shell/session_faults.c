#include "shell/session_faults.h"

#include "base/str.h"
#include "shell/agent_wire.h"

static bool same(const struct agent_fault *a, const struct agent_fault *b)
{
    return str_equal(a->id, b->id) && a->state == b->state && a->by_agent == b->by_agent && a->at == b->at &&
           str_equal(a->why, b->why);
}

static bool same_state(const struct agent_fault *a, const struct agent_fault *b)
{
    return str_equal(a->id, b->id) && a->state == b->state;
}

static void remove_at(struct agent_state *a, size_t at)
{
    memmove(&a->faults[at], &a->faults[at + 1], (--a->fault_count - at) * sizeof(a->faults[0]));
}

bool faults_set(struct agent_state *a, const struct agent_fault *fault)
{
    for (size_t i = 0; i < a->fault_count; i++) {
        if (!str_equal(a->faults[i].id, fault->id))
            continue;
        if (same(&a->faults[i], fault))
            return false;
        remove_at(a, i);
        break;
    }
    if (a->fault_count == AGENT_FAULTS_MAX) {
        size_t oldest = 0; /* one that is over, if there is any */
        while (oldest < a->fault_count && a->faults[oldest].state != FAULT_REVERTED)
            oldest++;
        remove_at(a, oldest == a->fault_count ? 0 : oldest);
    }
    a->faults[a->fault_count++] = *fault;
    return true;
}

bool faults_replace(struct agent_state *a, const json_t *list, usec_t offset, bool anew)
{
    struct agent_state fresh = {0};
    for (size_t i = 0; i < a->fault_count; i++)
        if (a->faults[i].state == FAULT_REVERTED)
            faults_set(&fresh, &a->faults[i]);
    /* The open ones stand first in the list: taken last, they are the newest here. */
    for (size_t i = json_array_size(list); i-- > 0;) {
        struct agent_fault fault;
        if (!wire_fault(json_array_get(list, i), offset, &fault))
            continue;
        const struct agent_fault *known = agent_fault_find(a, fault.id);
        /* The clock's offset moves by microseconds from sample to sample; what was told once keeps its time. */
        faults_set(&fresh, known && same_state(known, &fault) && !anew ? known : &fault);
    }
    bool changed = fresh.fault_count != a->fault_count;
    for (size_t i = 0; i < fresh.fault_count && !changed; i++) {
        const struct agent_fault *known = agent_fault_find(a, fresh.faults[i].id);
        changed = !known || !same(known, &fresh.faults[i]);
    }
    memcpy(a->faults, fresh.faults, sizeof(a->faults));
    a->fault_count = fresh.fault_count;
    return changed;
}

bool faults_from_answer(struct agent_state *a, const json_t *request, const json_t *result, usec_t offset)
{
    const char *op = json_str(request, "op", "");
    const char *id = str_equal(op, "inject")   ? json_str(request, "fault.id", "")
                     : str_equal(op, "revert") ? json_str(request, "fault", "")
                                               : "";
    struct agent_fault fault;
    if (str_empty(id) || !json_object_get(result, "state"))
        return false;
    wire_fault(result, offset, &fault);
    str_copy(fault.id, sizeof(fault.id), id);
    return faults_set(a, &fault);
}
