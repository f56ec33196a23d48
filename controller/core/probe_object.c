/* The judge of core/probe.h for any object of the API server. */
#include "core/probe.h"

#include "api/bound.h"
#include "api/quantity.h"
#include "base/str.h"
#include "core/jsonpath.h"

static void say(struct evidence *e, enum holds holds, usec_t now, const char *what)
{
    str_copy(e->message, sizeof(e->message), what);
    e->holds = holds;
    e->since = e->seen_at = now;
    e->known_since = holds == HOLDS_UNKNOWN ? 0 : now;
}

/* A number, or a text that is one (quantities are). */
static bool number_of(const json_t *value, double *ret_number)
{
    if (json_is_number(value)) {
        *ret_number = json_number_value(value);
        return true;
    }
    return json_is_string(value) && quantity_to_double(json_string_value(value), ret_number);
}

void probe_object_judge(const json_t *probe, const json_t *object, usec_t now, struct evidence *ret_evidence)
{
    const json_t *asked = json_at(probe, "object"), *found = object;
    const char *path = json_str(asked, "jsonPath", NULL);
    struct evidence *e = ret_evidence;
    struct error err = {0};
    char message[256], quoted[96];
    *e = (struct evidence){.holds = HOLDS_UNKNOWN};
    if (path && object && jsonpath_find(object, path, &found, &err) < 0) {
        say(e, HOLDS_UNKNOWN, now, err.text);
        return;
    }
    e->has_value = number_of(found, &e->value);
    auto_free char *text = json_is_string(found) ? mem_strdup(json_string_value(found)) : found ? json_text(found) : mem_strdup("");
    str_format(message, sizeof(message), "%s %s%s%s is %s", json_str(asked, "kind", "object"), json_str(asked, "name", ""),
               path ? " " : "", path ? path : "",
               !object  ? "not there: there is no such object"
               : !found ? "not there"
               : path   ? str_quote(quoted, sizeof(quoted), text)
                        : "there");

    const json_t *exists = json_at(asked, "exists");
    if (exists)
        say(e, json_is_true(exists) == (found != NULL) ? HOLDS_TRUE : HOLDS_FALSE, now, message);
    else if (!found)
        say(e, HOLDS_FALSE, now, message);
    else if (json_at(asked, "equals"))
        say(e, str_equal(json_str(asked, "equals", ""), text) ? HOLDS_TRUE : HOLDS_FALSE, now, message);
    else if (e->has_value)
        say(e, comparison_holds(json_at(asked, "compare"), e->value, 0) ? HOLDS_TRUE : HOLDS_FALSE, now, message);
    else {
        str_format(e->message, sizeof(e->message), "%.200s, which is no number", message);
        e->holds = HOLDS_UNKNOWN;
        e->seen_at = e->since = now;
    }
}
