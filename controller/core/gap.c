#include "core/gap.h"

#include "base/buf.h"
#include "base/str.h"

#include <ctype.h>

void gap_key(const char *card_id, const char *target, const struct gate gates[GATE_COUNT], char dest[256])
{
    auto_buf struct buf b;
    buf_init(&b, 255);
    buf_printf(&b, "%s/%s/", card_id, target);
    bool first = true;
    for (int g = 0; g < GATE_COUNT; g++)
        if (gates[g].result == GATE_FAILED) {
            buf_printf(&b, "%s%s", first ? "" : "+", gate_name_text((enum gate_name)g));
            first = false;
        }
    str_copy(dest, 256, buf_str(&b));
}

static const char *card_id_of(const struct drill_view *v)
{
    return json_str(v->drill->status, "card.id", v->card ? v->card->id : "unknown");
}

/* The open task of this very gap; NULL: none. */
static const struct task *task_of_gap(const struct drill_view *v, const char *gap)
{
    for (size_t i = 0; i < v->task_count; i++)
        if (str_equal(v->tasks[i].gap, gap) && task_open(&v->tasks[i]))
            return &v->tasks[i];
    return NULL;
}

/* The task that this incident filed, whatever became of it since. */
static const struct task *task_of_incident(const struct drill_view *v, const char *gap)
{
    for (size_t i = 0; i < v->task_count; i++)
        if (str_equal(v->tasks[i].gap, gap) && str_equal(v->tasks[i].incident, v->drill->incident))
            return &v->tasks[i];
    return NULL;
}

void gap_task_name(const struct drill_view *v, char dest[254])
{
    char gap[256], hex[9], id[16];
    gap_key(card_id_of(v), v->drill->target, v->drill->gates, gap);
    const struct task *open = task_of_gap(v, gap);
    if (open) {
        str_copy(dest, 254, open->meta.name);
        return;
    }
    char target[41];
    str_copy(target, sizeof(target), v->drill->target);
    for (size_t n = strlen(target); n > 0 && !isalnum((unsigned char)target[n - 1]); n--)
        target[n - 1] = '\0';
    str_copy(id, sizeof(id), card_id_of(v));
    for (char *c = id; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    auto_free char *text = mem_printf("%s/%s", gap, v->drill->incident);
    str_hash8(text, hex);
    str_format(dest, 254, "gap-%s-%s-%s", target, id, hex);
}

static json_t *artifact(const char *name, const char *kind, const char *content)
{
    json_t *a = json_object();
    json_put_str(a, "name", name);
    json_put_str(a, "kind", kind);
    json_put_str(a, "content", content);
    return a;
}

/* Everything that a person or a coding agent needs to start: which gates failed and why, the drill as it ended, what the healing printed. */
static json_t *artifacts_of(const struct drill_view *v)
{
    static const char *const names[GATE_COUNT] = {"gate-trigger-fired", "gate-playbook-executed", "gate-coding-task-created",
                                                  "gate-slo-met"};
    json_t *artifacts = json_array();
    for (int g = 0; g < GATE_COUNT; g++)
        if (v->drill->gates[g].result == GATE_FAILED)
            json_array_append_new(artifacts, artifact(names[g], "Gate", v->drill->gates[g].message));
    auto_free char *status = json_text(v->drill->status);
    if (strlen(status) < 16 * 1024)
        json_array_append_new(artifacts, artifact("drill-status", "Status", status));
    size_t i;
    json_t *item;
    json_array_foreach(json_at(v->drill->status, "artifacts"), i, item)
    {
        json_t *copy = json_copy(item);
        json_put_str(copy, "kind", "Backup");
        json_array_append_new(artifacts, copy);
    }
    for (size_t r = 0; r < v->run_count && json_array_size(artifacts) < 16; r++) {
        if (!str_equal(v->runs[r].incident, v->drill->incident) || !v->runs[r].steps)
            continue;
        auto_free char *steps = json_text(v->runs[r].steps);
        char name[32];
        str_format(name, sizeof(name), "run-%zu", r);
        if (strlen(steps) < 16 * 1024)
            json_array_append_new(artifacts, artifact(name, "PlaybookRun", steps));
    }
    return artifacts;
}

static void file_task(const struct drill_view *v, const char *gap, struct decision *d)
{
    char name[254], label[64];
    gap_task_name(v, name);
    struct key key = key_of(KIND_TASK, v->drill->meta.ns, name);
    json_t *object = json_object();
    json_put_str(object, "apiVersion", API_VERSION);
    json_put_str(object, "kind", "CodingTask");
    json_t *meta = json_make(object, "metadata");
    json_put_str(meta, "name", name);
    json_put_str(meta, "namespace", v->drill->meta.ns);
    label_value(label, v->drill->target);
    json_put_str(json_make(meta, "labels"), LABEL_TARGET, label);
    json_put_str(json_make(meta, "annotations"), ANNOTATION_LAST_INCIDENT, v->drill->incident);
    json_put_str(json_make(meta, "annotations"), ANNOTATION_OCCURRENCES, "1");
    json_t *spec = json_make(object, "spec");
    json_put_str(spec, "type", "CloseGap");
    auto_free char *description = mem_printf("Drill %s of card %s on target %s failed. %s", v->drill->meta.name, card_id_of(v),
                                             v->drill->target, json_str(v->drill->status, "message", ""));
    json_put_str(spec, "description", description);
    json_put_str(spec, "incident", v->drill->incident);
    json_put_str(spec, "drill", v->drill->meta.name);
    json_put_str(spec, "card", json_str(v->drill->status, "card.id", v->card ? v->card->id : NULL));
    json_put_str(spec, "target", v->drill->target);
    json_put_str(spec, "gap", gap);
    json_put_int(spec, "priority", 50);
    json_put_str(spec, "executionMode", "Manual");
    json_put(spec, "artifacts", artifacts_of(v));
    decision_create(d, &key, object);
    char note[512];
    str_format(note, sizeof(note), "CodingTask %s was filed for the gap %s", name, gap);
    struct key drill = meta_key(&v->drill->meta, KIND_DRILL);
    decision_event(d, &drill, "gap", true, "GapFiled", "FileTask", note);
}

static int64_t occurrences_of(const struct task *task)
{
    int64_t occurrences = 1;
    const char *text = json_string_value(json_object_get(task->meta.annotations, ANNOTATION_OCCURRENCES));
    if (text)
        str_to_i64(text, 1, 1000000000, &occurrences);
    return occurrences;
}

/* What people see of it follows the annotation, which was written together with the incident and so counts each once. */
static void tell_occurrences(const struct drill_view *v, const struct task *task, struct decision *d)
{
    json_t *status = json_deep_copy(task->status);
    json_put_int(status, "occurrences", occurrences_of(task));
    json_put_time(status, "lastSeen", v->drill->reverted_at);
    struct key key = meta_key(&task->meta, KIND_TASK);
    decision_status(d, &key, task->meta.rv, status);
}

static void raise_priority(const struct drill_view *v, const struct task *task, struct decision *d)
{
    int64_t occurrences = occurrences_of(task);
    char count[24];
    str_format(count, sizeof(count), "%lld", (long long)occurrences + 1);
    json_t *patch = json_object();
    json_t *annotations = json_make(patch, "metadata.annotations");
    json_put_str(annotations, ANNOTATION_LAST_INCIDENT, v->drill->incident);
    json_put_str(annotations, ANNOTATION_OCCURRENCES, count);
    int priority = task->priority + GAP_PRIORITY_STEP;
    json_put_int(json_make(patch, "spec"), "priority", priority > 100 ? 100 : priority);
    struct key key = meta_key(&task->meta, KIND_TASK);
    decision_patch(d, &key, task->meta.rv, patch);
}

static bool decide_failed(const struct drill_view *v, struct decision *d)
{
    char gap[256];
    gap_key(card_id_of(v), v->drill->target, v->drill->gates, gap);
    if (task_of_incident(v, gap))
        return true;
    const struct task *open = task_of_gap(v, gap);
    if (!open) {
        file_task(v, gap, d);
        return false;
    }
    const char *last = json_string_value(json_object_get(open->meta.annotations, ANNOTATION_LAST_INCIDENT));
    if (!str_equal(last, v->drill->incident))
        raise_priority(v, open, d);
    else if (open->occurrences < occurrences_of(open))
        tell_occurrences(v, open, d);
    else
        return true;
    return false;
}

/* Every open gap of this card on this target is closed by a drill that passed all gates. */
static bool decide_succeeded(const struct drill_view *v, struct decision *d)
{
    bool done = true;
    for (size_t i = 0; i < v->task_count; i++) {
        const struct task *t = &v->tasks[i];
        if (!str_equal(t->type, "CloseGap") || !str_equal(t->card, card_id_of(v)) || !str_equal(t->target, v->drill->target) ||
            !task_open(t))
            continue;
        json_t *status = json_deep_copy(t->status);
        json_put_str(status, "phase", "Resolved");
        json_put_str(status, "resolvedBy", v->drill->meta.name);
        auto_free char *result = mem_printf("drill %s (incident %s) passed all gates", v->drill->meta.name, v->drill->incident);
        json_put_str(status, "result", result);
        struct key key = meta_key(&t->meta, KIND_TASK);
        decision_status(d, &key, t->meta.rv, status);
        done = false;
    }
    return done;
}

bool gap_decide(const struct drill_view *v, struct decision *d)
{
    if (v->drill->phase == DRILL_FAILED)
        return decide_failed(v, d);
    return v->drill->phase != DRILL_SUCCEEDED || decide_succeeded(v, d);
}
