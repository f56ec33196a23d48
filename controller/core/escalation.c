#include "core/escalation.h"

#include "base/duration.h"
#include "base/str.h"

#include <ctype.h>

static void task_name(const struct candidate *c, char dest[64])
{
    char text[400], hex[9], front[64];
    str_format(text, sizeof(text), "undrilled/%s/%s/%lld", c->coverage.id, c->target,
               (long long)(c->coverage.last_drill / USEC_SEC));
    str_hash8(text, hex);
    str_format(front, 50, "undrilled-%s-%s", c->coverage.id, c->target);
    for (char *p = front; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    label_value(dest, front);
    str_copy(front, sizeof(front), dest);
    str_format(dest, 64, "%s-%s", front, hex);
}

static bool raised_already(const struct schedule_view *v, const char *name, const char *gap)
{
    for (size_t i = 0; i < v->task_count; i++)
        if (str_equal(v->tasks[i].meta.name, name) || (str_equal(v->tasks[i].gap, gap) && task_open(&v->tasks[i])))
            return true;
    return false;
}

static void raise_task(const struct schedule_view *v, const struct candidate *c, const struct pair *p, usec_t since, usec_t now,
                       struct decision *d)
{
    const struct schedule *s = v->schedule;
    char name[64], gap[254], label[64], lasted[32], id[EFFECT_ID_SIZE];
    task_name(c, name);
    str_format(gap, sizeof(gap), "undrilled/%s/%s", c->coverage.id, c->target);
    if (raised_already(v, name, gap))
        return;
    duration_format((now - since) / USEC_HOUR * USEC_HOUR, lasted, sizeof(lasted));
    auto_free char *text = mem_printf(
        "Card %s (risk %.1f) has not been drilled on target %s for %s. %s%s", c->coverage.id, c->coverage.risk, c->target, lasted,
        p->obstacle == PAIR_FREE ? "" : "What is in the way now: ", p->obstacle == PAIR_FREE ? "" : p->why);

    struct key key = key_of(KIND_TASK, s->meta.ns, name), about = meta_key(&s->meta, KIND_SCHEDULE);
    json_t *object = json_object();
    json_put_str(object, "apiVersion", API_VERSION);
    json_put_str(object, "kind", "CodingTask");
    json_t *meta = json_make(object, "metadata");
    json_put_str(meta, "name", name);
    json_put_str(meta, "namespace", s->meta.ns);
    label_value(label, c->target);
    json_put_str(json_make(meta, "labels"), LABEL_TARGET, label);
    label_value(label, c->coverage.card);
    json_put_str(json_make(meta, "labels"), LABEL_CARD, label);
    json_t *spec = json_make(object, "spec");
    json_put_str(spec, "type", "CloseGap");
    json_put_str(spec, "description", text);
    json_put_str(spec, "card", c->coverage.id);
    json_put_str(spec, "target", c->target);
    json_put_str(spec, "gap", gap);
    json_put_int(spec, "priority", ESCALATION_PRIORITY);
    json_put_str(spec, "executionMode", "Manual");
    decision_create(d, &key, object);
    str_format(id, sizeof(id), "escalate/%s", name);
    decision_event(d, &about, id, true, "HighRiskUndrilled", "Escalate", text);
}

void escalation_decide(const struct schedule_view *v, const struct roster *r, usec_t now, struct decision *d)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct candidate *c = &r->candidates[i];
        const struct pair *p = &r->pairs[i];
        if (c->coverage.risk < ESCALATION_RISK || c->coverage.state == COVERAGE_NOT_APPLICABLE)
            continue;
        usec_t since = c->coverage.last_drill;
        if (!since)
            since = usec_max(v->schedule->meta.created_at, usec_max(p->card->meta.created_at, p->target->meta.created_at));
        usec_t at = usec_add(since, v->schedule->escalate_after);
        if (now >= at)
            raise_task(v, c, p, since, now, d);
        else
            decision_again(d, at);
    }
}
