/* edit_lines.c — INI and .env files: a line a key. */
#include "edit.h"

#include "base/str.h"

#include <ctype.h>

struct line {
    size_t start, end, next; /* without and with its line end */
};

static struct line line_at(const char *text, size_t n, size_t start)
{
    const char *newline = memchr(text + start, '\n', n - start);
    size_t end = newline ? (size_t)(newline - text) : n;
    size_t next = newline ? end + 1 : n;
    if (end > start && text[end - 1] == '\r')
        end--;
    return (struct line){start, end, next};
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static size_t skip_blanks(const char *text, size_t at, size_t end)
{
    while (at < end && is_blank(text[at]))
        at++;
    return at;
}

static size_t trim_blanks(const char *text, size_t start, size_t end)
{
    while (end > start && is_blank(text[end - 1]))
        end--;
    return end;
}

/* Where a value gives way to a comment in its line: at a mark between blanks, so that "Room #5" and "a;b" are values. */
static size_t comment_at(const char *text, size_t start, size_t end, const char *marks)
{
    for (size_t i = start + 1; i < end; i++)
        if (strchr(marks, text[i]) && is_blank(text[i - 1]) && (i + 1 == end || is_blank(text[i + 1])))
            return i;
    return end;
}

/* The quote that closes the one at `start`; `end` where there is none. In double quotes a backslash hides what follows it. */
static size_t quote_close(const char *text, size_t start, size_t end)
{
    for (size_t i = start + 1; i < end; i++) {
        if (text[i] == '\\' && text[start] == '"')
            i++;
        else if (text[i] == text[start])
            return i;
    }
    return end;
}

static bool span_equal(const char *text, size_t start, size_t end, const char *s)
{
    return end - start == strlen(s) && memcmp(text + start, s, end - start) == 0;
}

static int refuse_value(const struct edit *e, struct refusal *r)
{
    return refusal_field(r, "params.value", e->value, "params.value wants one line of text, a number, true or false here");
}

static int refuse_missing(const struct edit *e, struct refusal *r)
{
    refusal_text(r, "params.key", e->key, "there is no %s in the file", e->key);
    r->error.class = ERROR_NOT_FOUND;
    return -1;
}

static int refuse_twice(const struct edit *e, struct refusal *r)
{
    return refusal_text(r, "params.key", e->key, "%s is in the file twice: which one counts is for its reader to say", e->key);
}

static const char *line_end_of(const char *text, size_t n)
{
    const char *newline = memchr(text, '\n', n);
    return newline && newline > text && newline[-1] == '\r' ? "\r\n" : "\n";
}

static int insert_line(struct edit_cut *cut, const char *text, size_t n, size_t at, const char *name, const char *between,
                       const char *value)
{
    const char *newline = line_end_of(text, n);
    cut->start = cut->end = at;
    bool open_end = at == n && n > 0 && text[n - 1] != '\n';
    return buf_printf(&cut->insert, "%s%s%s%s%s", open_end ? newline : "", name, between, value, newline) ? 0 : -1;
}

/* At the first dot that has no backslash; "a\\.b.c" is c in [a.b]. *ret_section is NULL where there is none. */
static void split_section(const char *key, char **ret_section, char **ret_name)
{
    auto_free char *copy = mem_strdup(key);
    char *out = copy, *dot = NULL;
    for (const char *c = key; *c; c++) {
        if (*c == '\\' && c[1] == '.')
            c++;
        else if (*c == '.' && !dot)
            dot = out;
        *out++ = *c;
    }
    *out = '\0';
    *ret_section = dot ? mem_strndup(copy, (size_t)(dot - copy)) : NULL;
    *ret_name = mem_strdup(dot ? dot + 1 : copy);
}

/* Without a comment after it, which stays, and no less than what is in quotes. */
static size_t ini_value_end(const char *text, size_t start, size_t end)
{
    bool quoted = start < end && (text[start] == '"' || text[start] == '\'');
    size_t close = quoted ? quote_close(text, start, end) : end;
    size_t from = close < end ? close : start;
    return trim_blanks(text, from, comment_at(text, from, end, "#;"));
}

/* What is written as a name is read as that name. */
static bool ini_name_is_sound(const char *name)
{
    size_t n = strlen(name);
    return n && !strpbrk(name, "=:\r\n") && !strchr("[#; \t", name[0]) && !is_blank(name[n - 1]);
}

int edit_ini(const struct edit *e, const char *text, size_t n, struct edit_cut *cut, struct refusal *r)
{
    auto_free char *section = NULL;
    auto_free char *name = NULL;
    split_section(e->key, &section, &name);
    if (!ini_name_is_sound(name) || (section && strpbrk(section, "]\r\n")))
        return refusal_text(r, "params.key", e->key,
                            "params.key wants section.key of a line each, the key without = and : and blanks at its ends, and not "
                            "beginning with [ # or ;");
    auto_buf struct buf value;
    buf_init(&value, 65536);
    if (e->value && !edit_word(e->value, "true", "false", "\r\n", &value))
        return refuse_value(e, r);
    if (ini_value_end(buf_str(&value), 0, value.len) != value.len)
        return refusal_field(
            r, "params.value", e->value,
            "params.value would be read up to its comment, which \" ;\" and \" #\" begin: write it in quotes, as text");
    bool inside = section == NULL, section_seen = inside, found = false;
    size_t insert_at = 0, below = SIZE_MAX; /* the line below the one that was found */
    for (struct line l = {0}; l.next < n;) {
        l = line_at(text, n, l.next);
        size_t start = skip_blanks(text, l.start, l.end);
        if (start < l.end && text[start] == '[') {
            const char *close = memchr(text + start, ']', l.end - start);
            inside = section && close && span_equal(text, start + 1, (size_t)(close - text), section);
            if (inside && section_seen)
                return refuse_twice(e, r);
            if (inside) {
                section_seen = true;
                insert_at = l.next;
            }
            continue;
        }
        bool comment = start == l.end || text[start] == '#' || text[start] == ';';
        if (!inside || comment)
            continue;
        insert_at = l.next;
        size_t equals = start;
        while (equals < l.end && text[equals] != '=' && text[equals] != ':')
            equals++;
        bool continued = start > l.start; /* an indented line belongs to the value above: configparser */
        if (continued && found && l.start == below)
            return refusal_text(r, "params.key", e->key, "the value of %s goes over several lines", e->key);
        if (continued || equals == l.end || !span_equal(text, start, trim_blanks(text, start, equals), name))
            continue;
        if (found)
            return refuse_twice(e, r);
        found = true;
        below = l.next;
        cut->start = e->operation == EDIT_DELETE ? l.start : skip_blanks(text, equals + 1, l.end);
        cut->end = e->operation == EDIT_DELETE ? l.next : ini_value_end(text, cut->start, l.end);
        if (e->operation != EDIT_DELETE)
            buf_append_str(&cut->insert, buf_str(&value));
    }
    if (found)
        return 0;
    if (e->operation != EDIT_SET)
        return refuse_missing(e, r);
    if (section_seen)
        return insert_line(cut, text, n, insert_at, name, " = ", buf_str(&value));
    auto_free char *head = mem_printf("[%s]%s%s", section, line_end_of(text, n), name);
    return insert_line(cut, text, n, n, head, " = ", buf_str(&value));
}

static bool is_variable(const char *name)
{
    if (!isalpha((unsigned char)name[0]) && name[0] != '_')
        return false;
    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '_')
            return false;
    return true;
}

/* A value of an Env file, its quotes included. */
struct span {
    size_t start, end;
    char quote; /* 0: none */
};

/* -1: a quote is not closed, or something that is no comment follows it. */
static int env_value(const char *text, size_t start, size_t end, struct span *ret)
{
    if (start == end || (text[start] != '"' && text[start] != '\'')) {
        *ret = (struct span){start, trim_blanks(text, start, comment_at(text, start, end, "#")), 0};
        return 0;
    }
    size_t close = quote_close(text, start, end), rest = close < end ? skip_blanks(text, close + 1, end) : end;
    if (close >= end || (rest < end && (text[rest] != '#' || rest == close + 1)))
        return -1;
    *ret = (struct span){start, close + 1, text[start]};
    return 0;
}

/* In the quotes that were there; with none, in some where the value needs them. */
static int env_write(struct buf *out, const char *value, char quote)
{
    bool needs = strpbrk(value, " \t") || (value[0] && strchr("\"'#", value[0]));
    if (!quote && needs)
        quote = strpbrk(value, "\"\\$`") ? '\'' : '"';
    if ((quote && strchr(value, quote)) || (quote == '"' && strchr(value, '\\')))
        return -1;
    char around[2] = {quote, '\0'};
    return buf_printf(out, "%s%s%s", around, value, around) ? 0 : -1;
}

int edit_env(const struct edit *e, const char *text, size_t n, struct edit_cut *cut, struct refusal *r)
{
    auto_buf struct buf value;
    buf_init(&value, 65536);
    if (!is_variable(e->key))
        return refusal_text(r, "params.key", e->key, "params.key wants the name of a variable, like \"DATABASE_URL\"");
    if (e->value && !edit_word(e->value, "true", "false", "\r\n", &value))
        return refuse_value(e, r);
    bool found = false;
    for (struct line l = {0}; l.next < n;) {
        l = line_at(text, n, l.next);
        size_t start = skip_blanks(text, l.start, l.end);
        if (l.end - start > 7 && memcmp(text + start, "export ", 7) == 0)
            start = skip_blanks(text, start + 7, l.end);
        const char *equals = start < l.end ? memchr(text + start, '=', l.end - start) : NULL;
        if (!equals || text[start] == '#' || !span_equal(text, start, (size_t)(equals - text), e->key))
            continue;
        if (found)
            return refuse_twice(e, r);
        found = true;
        struct span old;
        if (env_value(text, (size_t)(equals - text) + 1, l.end, &old) < 0)
            return refusal_text(r, "params.key", e->key, "the value of %s has a quote that its line does not close", e->key);
        cut->start = e->operation == EDIT_DELETE ? l.start : old.start;
        cut->end = e->operation == EDIT_DELETE ? l.next : old.end;
        if (e->operation != EDIT_DELETE && env_write(&cut->insert, buf_str(&value), old.quote) < 0)
            return refuse_value(e, r);
    }
    if (found)
        return 0;
    if (e->operation != EDIT_SET)
        return refuse_missing(e, r);
    auto_buf struct buf written;
    buf_init(&written, 65536);
    if (env_write(&written, buf_str(&value), 0) < 0)
        return refuse_value(e, r);
    return insert_line(cut, text, n, n, e->key, "=", buf_str(&written));
}
