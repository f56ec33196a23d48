#include "core/ledger.h"

#include "base/sha256.h"
#include "base/str.h"

/* The key in each segment's data that names the one before; incident ids never begin with a dot. */
#define LEDGER_CHAIN_KEY ".chain"

bool ledger_has(const struct ledger_view *v, const char *incident)
{
    for (size_t i = v->count; i-- > 0;)
        if (json_object_get(v->segments[i].data, incident))
            return true;
    return false;
}

void ledger_digest(const json_t *data, char ret_hex[65])
{
    json_sha256(data, ret_hex);
}

static struct key segment_key(const char *ns, int number)
{
    char name[64];
    str_format(name, sizeof(name), LEDGER_NAME_FORMAT, number);
    return key_of(KIND_LEDGER, ns, name);
}

/* The record goes into the create itself, so that beginning a segment costs no extra write. */
static void ledger_begin(const struct ledger_view *v, const char *ns, const char *incident, const char *text, struct decision *d)
{
    const struct ledger_segment *last = v->count ? &v->segments[v->count - 1] : NULL;
    struct key key = segment_key(ns, last ? last->number + 1 : 1);
    json_t *chain = json_object();
    json_put_int(chain, "segment", last ? last->number + 1 : 1);
    if (last) {
        char digest[65];
        ledger_digest(last->data, digest);
        json_put_str(chain, "previous", last->name);
        json_put_str(chain, "previousSha256", digest);
    }
    auto_free char *chain_text = json_text(chain);
    json_decref(chain);

    json_t *object = json_object();
    json_put_str(object, "apiVersion", "v1");
    json_put_str(object, "kind", "ConfigMap");
    json_t *meta = json_make(object, "metadata");
    json_put_str(meta, "name", key.name);
    json_put_str(meta, "namespace", ns);
    json_put_str(json_make(meta, "labels"), LABEL_LEDGER, "segment");
    json_t *data = json_make(object, "data");
    json_put_str(data, LEDGER_CHAIN_KEY, chain_text);
    json_put_str(data, incident, text);
    decision_create(d, &key, object);
}

bool ledger_decide(const struct ledger_view *v, const char *ns, const char *incident, const json_t *record, struct decision *d)
{
    if (ledger_has(v, incident))
        return true;
    if (!v->synced)
        return false; /* an entry may exist that was not listed yet; the segments' arrival wakes us */
    auto_free char *text = json_text(record);
    const struct ledger_segment *last = v->count ? &v->segments[v->count - 1] : NULL;
    if (!last || last->sealed) {
        ledger_begin(v, ns, incident, text, d);
        return false;
    }
    struct key key = segment_key(ns, last->number);
    json_t *patch = json_object();
    if (last->bytes + strlen(incident) + strlen(text) > LEDGER_SEGMENT_MAX)
        json_object_set_new(patch, "immutable", json_true());
    else
        json_put_str(json_make(patch, "data"), incident, text);
    decision_patch(d, &key, last->rv, patch);
    return false;
}

int ledger_verify(const struct ledger_view *v, struct error *err)
{
    for (size_t i = 0; i < v->count; i++) {
        const struct ledger_segment *s = &v->segments[i];
        if (s->number != (int)i + 1)
            return error_set(err, ERROR_INVALID, "ledger segment " LEDGER_NAME_FORMAT " is missing: %s follows %s", (int)i + 1,
                             s->name, i ? v->segments[i - 1].name : "the start");
        if (i + 1 < v->count && !s->sealed)
            return error_set(err, ERROR_INVALID, "%s is not sealed (immutable) although %s follows it", s->name,
                             v->segments[i + 1].name);
        const char *chain_text = json_string_value(json_object_get(s->data, LEDGER_CHAIN_KEY));
        json_t *chain = chain_text ? json_loads(chain_text, 0, NULL) : NULL;
        if (!chain)
            return error_set(err, ERROR_INVALID, "%s has no readable %s entry", s->name, LEDGER_CHAIN_KEY);
        char want[65] = "", got[65];
        if (i)
            ledger_digest(v->segments[i - 1].data, want);
        str_copy(got, sizeof(got), json_str(chain, "previousSha256", ""));
        json_decref(chain);
        if (!str_equal(want, got))
            return error_set(err, ERROR_INVALID, "%s was altered: its SHA-256 is %s, %s says %s",
                             i ? v->segments[i - 1].name : "the start", i ? want : "none", s->name, got);
    }
    return 0;
}
