/* edit_directives.c — files of directives as nginx reads them: "name value…;", blocks "name … { … }", "#" comments.
 *
 * The grammar is that of nginx's ngx_conf_read_token (core/ngx_conf_file.c): words may be quoted by ' or ", a backslash takes the next
 * byte as it is, and a directive ends at ";" or opens a block at "{". A key is the names of the blocks and of the directive:
 * "http.server.listen". */
#include "edit.h"

#include "base/str.h"

#include <ctype.h>

#define DEPTH_MAX 32

enum token_type { TOKEN_WORD, TOKEN_OPEN, TOKEN_CLOSE, TOKEN_END_DIRECTIVE, TOKEN_END_TEXT, TOKEN_BROKEN };
struct token {
    enum token_type type;
    size_t start, end;
};

static size_t skip_space(const char *text, size_t n, size_t at)
{
    while (at < n && (isspace((unsigned char)text[at]) || text[at] == '#')) {
        if (text[at] == '#')
            while (at < n && text[at] != '\n')
                at++;
        else
            at++;
    }
    return at;
}

static struct token next_token(const char *text, size_t n, size_t at)
{
    at = skip_space(text, n, at);
    if (at == n)
        return (struct token){TOKEN_END_TEXT, at, at};
    switch (text[at]) {
    case ';':
        return (struct token){TOKEN_END_DIRECTIVE, at, at + 1};
    case '{':
        return (struct token){TOKEN_OPEN, at, at + 1};
    case '}':
        return (struct token){TOKEN_CLOSE, at, at + 1};
    }
    size_t end = at;
    char quote = text[at] == '"' || text[at] == '\'' ? text[at] : 0;
    if (quote)
        end++;
    for (; end < n; end++) {
        if (text[end] == '\\' && end + 1 < n)
            end++;
        else if (quote && text[end] == quote)
            return (struct token){TOKEN_WORD, at, end + 1};
        else if (!quote && text[end] == '$' && end + 1 < n && text[end + 1] == '{')
            end++; /* "${variable}" belongs to the word */
        else if (!quote && (isspace((unsigned char)text[end]) || text[end] == ';' || text[end] == '{'))
            break;
    }
    return (struct token){quote ? TOKEN_BROKEN : TOKEN_WORD, at, end};
}

static bool names(const char *text, const struct token *word, const char *name)
{
    return word->end - word->start == strlen(name) && memcmp(text + word->start, name, word->end - word->start) == 0;
}

/* Where the walk through the blocks is. */
struct walk {
    struct token blocks[DEPTH_MAX]; /* the first word of each open block */
    size_t depth;
};

/* Whether the open blocks are just those of the key. */
static bool inside(const struct walk *w, const char *text, const struct strlist *path)
{
    if (w->depth != path->count - 1)
        return false;
    for (size_t i = 0; i < w->depth; i++)
        if (!names(text, &w->blocks[i], path->items[i]))
            return false;
    return true;
}

struct found {
    size_t directives, blocks; /* how many of that key, and of its block */
    struct token name, value;  /* of the directive: the name, and from its first argument to before ";" */
    size_t end;                /* after its ";" */
    size_t insert_at;          /* before the block's "}" (or the end of the text) */
};

static int scan(const struct strlist *path, const char *text, size_t n, struct found *f, struct error *err)
{
    struct walk w = {0};
    struct token first = {0}, last = {0};
    size_t words = 0;
    if (path->count == 1) {
        f->blocks = 1;
        f->insert_at = n;
    }
    for (size_t at = 0;;) {
        struct token t = next_token(text, n, at);
        at = t.end;
        switch (t.type) {
        case TOKEN_WORD:
            if (words++ == 0)
                first = t;
            last = t;
            break;
        case TOKEN_OPEN:
            if (!words || w.depth == DEPTH_MAX)
                return error_set(err, ERROR_INVALID, "no directives: a \"{\" at byte %zu that %s", t.start,
                                 words ? "is too deep" : "has no name");
            w.blocks[w.depth++] = first;
            words = 0;
            break;
        case TOKEN_CLOSE:
            if (words || !w.depth)
                return error_set(err, ERROR_INVALID, "no directives: a \"}\" at byte %zu that closes nothing", t.start);
            if (inside(&w, text, path)) {
                f->blocks++;
                f->insert_at = t.start;
            }
            w.depth--;
            break;
        case TOKEN_END_DIRECTIVE:
            if (words && inside(&w, text, path) && names(text, &first, path->items[path->count - 1])) {
                f->directives++;
                f->name = first;
                f->end = t.end;
                size_t from = words > 1 ? skip_space(text, n, first.end) : t.start;
                f->value = (struct token){TOKEN_WORD, from, words > 1 ? last.end : t.start};
            }
            words = 0;
            break;
        case TOKEN_END_TEXT:
            if (words || w.depth)
                return error_set(err, ERROR_INVALID, "no directives: the file ends in the middle of %s",
                                 words ? "a directive" : "a block");
            return 0;
        case TOKEN_BROKEN:
            return error_set(err, ERROR_INVALID, "no directives: the quote at byte %zu is not closed", t.start);
        }
    }
}

/* A directive of its own line goes with the line. */
static void cut_directive(const char *text, size_t n, const struct found *f, struct edit_cut *cut)
{
    cut->start = f->name.start;
    cut->end = f->end;
    while (cut->start > 0 && (text[cut->start - 1] == ' ' || text[cut->start - 1] == '\t'))
        cut->start--;
    if ((cut->start == 0 || text[cut->start - 1] == '\n') && cut->end < n && text[cut->end] == '\n')
        cut->end++;
}

static void insert_directive(const struct strlist *path, const char *text, size_t n, const char *value, const struct found *f,
                             struct edit_cut *cut)
{
    /* On a line before the one of the closing bracket; where the bracket shares its line, right before it. */
    size_t at = f->insert_at, line = at;
    while (line > 0 && (text[line - 1] == ' ' || text[line - 1] == '\t'))
        line--;
    bool own_line = line == 0 || text[line - 1] == '\n';
    if (own_line)
        at = line;
    cut->start = cut->end = at;
    bool open_end = at == n && n > 0 && text[n - 1] != '\n';
    int indent = own_line ? (int)(path->count - 1) * 4 : 0;
    buf_printf(&cut->insert, "%s%*s%s %s;%s", open_end ? "\n" : "", indent, "", path->items[path->count - 1], value,
               own_line || open_end ? "\n" : " ");
}

/* A directive that is added is read back under its name: one word. */
static bool is_word(const char *name)
{
    for (const char *c = name; *c; c++)
        if (isspace((unsigned char)*c) || strchr(";{}#\"'\\", *c))
            return false;
    return *name != '\0';
}

int edit_directives(const struct edit *e, const struct strlist *path, const char *text, size_t n, struct edit_cut *cut,
                    struct refusal *r)
{
    auto_buf struct buf value;
    struct found f = {0};
    buf_init(&value, 65536);
    if (e->value && !(edit_word(e->value, "on", "off", ";{}#\"'\\\r\n", &value) && value.len))
        return refusal_field(r, "params.value", e->value,
                             "params.value wants words, a number, true or false here, without ; { } # or quotes");
    if (!is_word(path->items[path->count - 1]))
        return refusal_text(r, "params.key", e->key,
                            "params.key wants the name of a directive: one word without ; { } # or quotes");
    if (scan(path, text, n, &f, &r->error) < 0)
        return -1;
    if (f.directives > 1)
        return refusal_text(r, "params.key", e->key, "%s is in the file %zu times: which one is meant cannot be said", e->key,
                            f.directives);
    if (f.directives == 1) {
        if (e->operation == EDIT_DELETE)
            cut_directive(text, n, &f, cut);
        else {
            cut->start = f.value.start;
            cut->end = f.value.end;
            buf_printf(&cut->insert, "%s%s", f.value.start == f.name.end ? " " : "", buf_str(&value));
        }
        return 0;
    }
    if (e->operation == EDIT_SET && f.blocks == 1) {
        insert_directive(path, text, n, buf_str(&value), &f, cut);
        return 0;
    }
    refusal_text(r, "params.key", e->key, "there is no %s in the file%s", e->key,
                 f.blocks > 1 ? ", and more than one block for it" : "");
    r->error.class = ERROR_NOT_FOUND;
    return -1;
}
