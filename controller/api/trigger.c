#include "api/trigger.h"

#include "api/bound.h"
#include "api/field.h"
#include "base/str.h"

static const char *const severities[] = {
    [SEVERITY_MINOR] = "Minor",
    [SEVERITY_MODERATE] = "Moderate",
    [SEVERITY_MAJOR] = "Major",
    [SEVERITY_CRITICAL] = "Critical",
};

const char *severity_name(enum severity s)
{
    return severities[s];
}

bool severity_parse(const char *s, enum severity *ret_severity)
{
    for (size_t i = 0; i < array_len(severities); i++)
        if (str_equal(severities[i], s)) {
            *ret_severity = (enum severity)i;
            return true;
        }
    return false;
}

static int trigger_check_severity(const json_t *rows, struct error *err)
{
    static const char *const words[] = {"above", "below", "atLeast", "atMost"};
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        enum severity severity;
        char quoted[FIELD_QUOTE_SIZE];
        if (!severity_parse(json_str(row, "is", ""), &severity))
            return error_set(err, ERROR_INVALID,
                             "spec.severity[%zu].is: %s is no severity; write Minor, Moderate, Major or Critical", i,
                             field_quote(json_at(row, "is"), quoted));
        for (size_t w = 0; w < array_len(words); w++) {
            const json_t *written = json_at(row, words[w]);
            struct bound bound;
            if (!written || bound_parse(written, &bound))
                continue;
            return error_set(err, ERROR_INVALID,
                             "spec.severity[%zu].%s: %s is no bound; write for example 30, \"80%%\", \"64Mi\" or \"500ms\"", i,
                             words[w], field_quote(written, quoted));
        }
    }
    return 0;
}

static int trigger_decode_into(json_t *root, struct trigger *t, struct error *err)
{
    static const char *const fires[] = {"WhenFalse", "WhenTrue", NULL};
    size_t when;
    meta_decode(root, &t->meta);
    t->probe = json_at(root, "spec.probe");
    if (field_texts(json_at(root, "spec"), "spec", err) < 0 || field_probe(t->probe, "spec.probe", err) < 0 ||
        field_choice(root, "spec.fires", fires, &when, err) < 0 || field_duration(root, "spec.for", 0, &t->hold_for, err) < 0 ||
        field_duration(root, "spec.every", USEC_SEC, &t->every, err) < 0)
        return -1;
    if (t->every < 100 * USEC_MSEC)
        return error_set(err, ERROR_INVALID, "spec.every: \"%s\" is too often; at least 100ms", json_str(root, "spec.every", ""));
    t->fires_when = when == 1;
    t->severity = json_at(root, "spec.severity");
    t->playbooks = json_at(root, "spec.playbooks");
    return trigger_check_severity(t->severity, err);
}

int trigger_decode(json_t *object, struct trigger *ret_trigger, struct error *err)
{
    struct trigger trigger = {0};
    if (trigger_decode_into(object, &trigger, err) < 0)
        return -1;
    trigger.root = json_incref(object);
    *ret_trigger = trigger;
    return 0;
}

void trigger_done(struct trigger *t)
{
    json_decref(t->root);
    *t = (struct trigger){0};
}

enum severity trigger_severity(const struct trigger *t, bool has_value, double value)
{
    /* The value of a heartbeat is an age in seconds, of all else that has a time, milliseconds. */
    double per_second = json_at(t->probe, "heartbeat") ? 1 : 1000;
    for (size_t i = 0; i < json_array_size(t->severity); i++) {
        const json_t *row = json_array_get(t->severity, i);
        bool bounded = json_at(row, "above") || json_at(row, "below") || json_at(row, "atLeast") || json_at(row, "atMost");
        enum severity severity;
        if ((!bounded || (has_value && bounds_hold(row, value, 0, per_second))) &&
            severity_parse(json_str(row, "is", ""), &severity))
            return severity;
    }
    return SEVERITY_MODERATE;
}
