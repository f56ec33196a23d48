#include "shell/entry.h"

#include "base/str.h"

/* Texts under this length are no good example, and one must be longer than the present one by half to replace it. */
#define EXAMPLE_MIN 256

static const char *put_string(char **at, const char *s)
{
    size_t n = strlen(s) + 1;
    char *copy = memcpy(*at, s, n);
    *at += n;
    return copy;
}

static void choose_dictionary(struct pack_dictionary **current, const char *text, size_t length)
{
    size_t have = pack_dictionary_length(*current);
    if (length < EXAMPLE_MIN || length > PACK_DICTIONARY_MAX || length < have + have / 2)
        return;
    pack_dictionary_unref(*current);
    *current = pack_dictionary_new(text, length);
}

struct entry *entry_new(const struct summary *s)
{
    size_t labels = summary_labels_length(s->labels);
    size_t strings = strlen(s->ns) + strlen(s->name) + strlen(s->uid) + strlen(s->rv) + strlen(s->target) + strlen(s->card) +
                     strlen(s->reference) + strlen(s->pod) + 8 + labels;
    struct entry *e = mem_alloc(sizeof(*e) + strings);
    e->summary = *s;
    char *at = e->strings;
    e->summary.ns = put_string(&at, s->ns);
    e->summary.name = put_string(&at, s->name);
    e->summary.uid = put_string(&at, s->uid);
    e->summary.rv = put_string(&at, s->rv);
    e->summary.target = put_string(&at, s->target);
    e->summary.card = put_string(&at, s->card);
    e->summary.reference = put_string(&at, s->reference);
    e->summary.pod = put_string(&at, s->pod);
    e->summary.labels = memcpy(at, s->labels, labels);
    for (enum entry_by by = 0; by < ENTRY_BY_COUNT; by++)
        list_init(&e->links[by]);
    list_init(&e->in_trees);
    return e;
}

void entry_pack(struct entry *e, const json_t *object, struct pack_dictionary **current)
{
    auto_free char *text = json_dumps(object, JSON_COMPACT);
    e->text_length = strlen(text);
    choose_dictionary(current, text, e->text_length);
    e->dictionary = pack_dictionary_ref(*current);
    e->packed = pack_text(e->dictionary, text, e->text_length, &e->packed_length);
}

void entry_drop_tree(struct entry *e)
{
    list_remove(&e->in_trees);
    if (e->decoded)
        json_decref(*(json_t **)e->decoded); /* its root */
    free(e->decoded);
    json_decref(e->tree);
    e->decoded = NULL;
    e->tree = NULL;
}

void entry_free(struct entry *e)
{
    for (enum entry_by by = 0; by < ENTRY_BY_COUNT; by++)
        list_remove(&e->links[by]);
    entry_drop_tree(e);
    pack_dictionary_unref(e->dictionary);
    free(e->packed);
    free(e);
}

json_t *entry_parse(const struct entry *e)
{
    size_t length;
    auto_free char *text = pack_unpack(e->dictionary, e->packed, e->packed_length, &length);
    return json_loadb(text, length, JSON_ALLOW_NUL, NULL);
}
