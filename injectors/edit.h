/* edit.h — one key of a configuration text set, replaced or deleted by the smallest edit: comments, order and layout stay.
 *
 * Keys are dotted ("db.pool"); numbers index sequences ("servers.0.port"); "\." is a dot in a name. INI: "section.key", or "key" above
 * the first section. Env: the variable's name. Directives (nginx): blocks and directive, "http.server.listen". After each edit the new text is parsed again and compared with what it should mean, so
 * what cannot be edited safely is refused (INVALID, field "params.key" or "params.value"), never edited wrongly. */
#pragma once

#include "base/buf.h"
#include "base/list.h"
#include "refusal.h"

#define EDIT_TEXT_MAX ((size_t)1024 * 1024)

enum edit_format { EDIT_YAML, EDIT_JSON, EDIT_INI, EDIT_ENV, EDIT_DIRECTIVES };
enum edit_operation { EDIT_SET, EDIT_DELETE, EDIT_REPLACE }; /* Set adds the key where it is missing, Replace does not */
extern const char *const edit_formats[], *const edit_operations[];

struct edit {
    int format, operation;
    const char *key;
    const json_t *value; /* NULL for a deletion */
};

/* *ret_text is the caller's. */
int edit_text(const struct edit *e, const char *text, size_t n, char **ret_text, size_t *ret_length, struct refusal *r);

/* ── for the formats: edit_yaml.c, edit_json.c, edit_lines.c, edit_directives.c ── */
/* A cut: bytes [start, end) give way to `insert`. */
struct edit_cut {
    size_t start, end;
    struct buf insert;
};
int edit_yaml(const struct edit *e, const struct strlist *path, const char *text, size_t n, struct edit_cut *cut,
              struct refusal *r);
int edit_json(const struct edit *e, const struct strlist *path, const char *text, size_t n, struct edit_cut *cut,
              struct refusal *r);
int edit_ini(const struct edit *e, const char *text, size_t n, struct edit_cut *cut, struct refusal *r);
int edit_directives(const struct edit *e, const struct strlist *path, const char *text, size_t n, struct edit_cut *cut,
                    struct refusal *r);
int edit_env(const struct edit *e, const char *text, size_t n, struct edit_cut *cut, struct refusal *r);
/* As JSON, reals as short as they were written (0.1, not 0.10000000000000001). The caller's. */
char *edit_dump(const json_t *value);
/* A scalar as bare text, truth values spelled `yes` and `no`. False: it is no scalar, has a byte of `forbidden`, or begins or ends with a
 * blank. An empty string is text. */
bool edit_word(const json_t *value, const char *yes, const char *no, const char *forbidden, struct buf *ret);
/* What the text means, for comparing: NULL where it does not parse. New references. */
json_t *edit_yaml_tree(const char *text, size_t n, struct error *err);
/* Applies the operation to such a tree in memory. */
bool edit_tree(json_t *tree, const struct strlist *path, int operation, json_t *value);
