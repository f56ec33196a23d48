#include "edit.h"

#include "base/str.h"
#include "check.h"

/* `value` is JSON, NULL for a deletion; `after` NULL: refused, and then `why` is part of the message. */
static const struct row {
    const char *sentence;
    int format, operation;
    const char *key, *value, *before, *after, *why;
} rows[] = {
    {"YAML: a value is replaced and its comment stays", EDIT_YAML, EDIT_SET, "db.pool", "0", "db:\n  pool: 10 # ten\n  x: 1\n",
     "db:\n  pool: 0 # ten\n  x: 1\n", NULL},
    {"YAML: quotes stay", EDIT_YAML, EDIT_SET, "a", "\"new\"", "a: 'old'\nb: \"x\"\n", "a: 'new'\nb: \"x\"\n", NULL},
    {"YAML: a string that looks like a number is quoted", EDIT_YAML, EDIT_SET, "a", "\"12\"", "a: x\n", "a: \"12\"\n", NULL},
    {"YAML: characters of several bytes before the place", EDIT_YAML, EDIT_SET, "b", "2", "a: \"äöü€😀\"\nb: 1\n",
     "a: \"äöü€😀\"\nb: 2\n", NULL},
    {"YAML: a missing key goes below its siblings", EDIT_YAML, EDIT_SET, "db.max", "5", "db:\n  pool: 1 # x\nlog: y\n",
     "db:\n  pool: 1 # x\n  max: 5\nlog: y\n", NULL},
    {"YAML: missing parents are made", EDIT_YAML, EDIT_SET, "a.b.c", "1", "x: 1\n", "x: 1\na: {b: {c: 1}}\n", NULL},
    {"YAML: into an empty file", EDIT_YAML, EDIT_SET, "a", "1", "# nothing\n", "# nothing\na: 1\n", NULL},
    {"YAML: without a last line end", EDIT_YAML, EDIT_SET, "b", "1", "a: 1", "a: 1\nb: 1\n", NULL},
    {"YAML: a key without a value gets one", EDIT_YAML, EDIT_SET, "a", "1", "a:\nb: 2\n", "a: 1\nb: 2\n", NULL},
    {"YAML: in a flow mapping", EDIT_YAML, EDIT_SET, "a.c", "2", "a: {b: 1}\n", "a: {b: 1, c: 2}\n", NULL},
    {"YAML: in a sequence", EDIT_YAML, EDIT_SET, "s.1.port", "9", "s:\n- port: 1\n- port: 2\n", "s:\n- port: 1\n- port: 9\n", NULL},
    {"YAML: a block is deleted whole", EDIT_YAML, EDIT_DELETE, "a", NULL, "x: 1\na:\n  b: 1\n  c: [1,\n    2]\nz: 1\n",
     "x: 1\nz: 1\n", NULL},
    {"YAML: an item is deleted", EDIT_YAML, EDIT_DELETE, "s.0", NULL, "s:\n  - a\n  - b\n", "s:\n  - b\n", NULL},
    {"YAML: the last of a flow sequence is deleted", EDIT_YAML, EDIT_DELETE, "s.1", NULL, "s: [a, b]\n", "s: [a]\n", NULL},
    {"YAML: a dot in a name", EDIT_YAML, EDIT_SET, "a\\.b", "2", "a.b: 1\na: {b: 1}\n", "a.b: 2\na: {b: 1}\n", NULL},
    {"YAML: line ends of the other kind stay", EDIT_YAML, EDIT_SET, "b", "2", "a: 1\r\nc: 3\r\n", "a: 1\r\nc: 3\r\nb: 2\r\n", NULL},
    {"YAML: Replace wants the key there", EDIT_YAML, EDIT_REPLACE, "b", "2", "a: 1\n", NULL, "there is no b"},
    {"YAML: the only key is not deleted", EDIT_YAML, EDIT_DELETE, "a.b", NULL, "a:\n  b: 1\n", NULL, "safely"},
    {"YAML: a block value is not replaced", EDIT_YAML, EDIT_SET, "a", "1", "a: |\n  text\n", NULL, "safely"},
    {"YAML: what an alias shares is not changed", EDIT_YAML, EDIT_SET, "b.x", "2", "a: &a {x: 1}\nb: *a\n", NULL, "safely"},
    {"YAML: an anchor that is used is not deleted", EDIT_YAML, EDIT_DELETE, "a", NULL, "a: &a {x: 1}\nb: *a\n", NULL, "safely"},
    {"YAML: a key that is there twice", EDIT_YAML, EDIT_SET, "a", "2", "a: 1\na: 1\n", NULL, "twice"},
    {"YAML: several documents", EDIT_YAML, EDIT_SET, "a", "2", "a: 1\n---\na: 1\n", NULL, "several"},
    {"YAML: no YAML", EDIT_YAML, EDIT_SET, "a", "2", "a: [\n", NULL, "no YAML"},
    {"YAML: nothing would change", EDIT_YAML, EDIT_SET, "a", "1", "a: 1\n", NULL, "already"},
    {"YAML: a key with an empty part", EDIT_YAML, EDIT_SET, "a..b", "1", "a: 1\n", NULL, "dots"},
    {"JSON: a value is replaced, layout and order stay", EDIT_JSON, EDIT_SET, "b.c", "[1]",
     "{ \"z\" : 1,\n  \"b\": {\"c\":  2 } }\n", "{ \"z\" : 1,\n  \"b\": {\"c\":  [1] } }\n", NULL},
    {"JSON: a missing key is laid out like the one before", EDIT_JSON, EDIT_SET, "b", "2", "{\n  \"a\": 1\n}\n",
     "{\n  \"a\": 1,\n  \"b\": 2\n}\n", NULL},
    {"JSON: into an empty object", EDIT_JSON, EDIT_SET, "a.b", "1", "{}", "{\"a\": {\"b\": 1}}", NULL},
    {"JSON: the first is deleted", EDIT_JSON, EDIT_DELETE, "a", NULL, "{\"a\": 1, \"b\": 2}", "{ \"b\": 2}", NULL},
    {"JSON: the last is deleted", EDIT_JSON, EDIT_DELETE, "b", NULL, "{\"a\": 1, \"b\": 2}", "{\"a\": 1}", NULL},
    {"JSON: the only one is deleted", EDIT_JSON, EDIT_DELETE, "a", NULL, "{\"a\": 1}", "{}", NULL},
    {"JSON: brackets and quotes in strings", EDIT_JSON, EDIT_SET, "b", "1", "{\"a\": \"}],\\\"\", \"b\": 0}",
     "{\"a\": \"}],\\\"\", \"b\": 1}", NULL},
    {"JSON: an element", EDIT_JSON, EDIT_SET, "a.1", "9", "{\"a\":[1,2,3]}", "{\"a\":[1,9,3]}", NULL},
    {"JSON: beyond the last element", EDIT_JSON, EDIT_SET, "a.3", "9", "{\"a\":[1,2,3]}", NULL, "there is no"},
    {"JSON: whole numbers of any size elsewhere are no matter", EDIT_JSON, EDIT_SET, "b", "1",
     "{\"a\": 18446744073709551616, \"b\": 0}", "{\"a\": 18446744073709551616, \"b\": 1}", NULL},
    {"JSON: an escaped NUL elsewhere is no matter", EDIT_JSON, EDIT_SET, "b", "1", "{\"a\": \"x\\u0000y\", \"b\": 0}",
     "{\"a\": \"x\\u0000y\", \"b\": 1}", NULL},
    {"JSON: a real is written as it was given", EDIT_JSON, EDIT_SET, "b", "0.1", "{\"b\": 1}", "{\"b\": 0.1}", NULL},
    {"JSON: a real that needs every digit keeps them", EDIT_JSON, EDIT_SET, "b", "0.30000000000000004", "{\"b\": 1}",
     "{\"b\": 0.30000000000000004}", NULL},
    {"YAML: a real is written as it was given", EDIT_YAML, EDIT_SET, "b", "0.1", "b: 1\n", "b: 0.1\n", NULL},
    {"INI: a real is written as it was given", EDIT_INI, EDIT_SET, "b", "0.1", "b = 1\n", "b = 0.1\n", NULL},
    {"YAML: a byte order mark", EDIT_YAML, EDIT_SET, "a", "2",
     "\xef\xbb\xbf"
     "a: 1\n",
     NULL, "byte order mark"},
    {"JSON: a byte order mark", EDIT_JSON, EDIT_SET, "a", "2", "\xef\xbb\xbf{\"a\": 1}", NULL, "byte order mark"},
    {"INI: a byte order mark would hide the first key", EDIT_INI, EDIT_SET, "a", "2",
     "\xef\xbb\xbf"
     "a=1\n",
     NULL, "byte order mark"},
    {"Env: a byte order mark would hide the first name", EDIT_ENV, EDIT_SET, "A", "2",
     "\xef\xbb\xbf"
     "A=1\n",
     NULL, "byte order mark"},
    {"INI: a section with a dot in its name", EDIT_INI, EDIT_SET, "a\\.b.c", "2", "[a]\nb.c = 0\n[a.b]\nc = 1\n",
     "[a]\nb.c = 0\n[a.b]\nc = 2\n", NULL},
    {"INI: a missing section with a dot in its name", EDIT_INI, EDIT_SET, "a\\.b.c", "2", "[a]\nx = 1\n",
     "[a]\nx = 1\n[a.b]\nc = 2\n", NULL},
    {"INI: a dot in a name above the first section", EDIT_INI, EDIT_SET, "a\\.b", "2", "a.b = 1\n[a]\nb = 1\n",
     "a.b = 2\n[a]\nb = 1\n", NULL},
    {"INI: the comment after a value stays", EDIT_INI, EDIT_SET, "a.pool", "0", "[a]\npool = 10 ; note\n", "[a]\npool = 0 ; note\n",
     NULL},
    {"INI: so does one of the other mark", EDIT_INI, EDIT_SET, "a.pool", "0", "[a]\npool = 10\t# note\n", "[a]\npool = 0\t# note\n",
     NULL},
    {"INI: marks within a value are no comment", EDIT_INI, EDIT_SET, "a.x", "0", "[a]\nx = Room #5;6\n", "[a]\nx = 0\n", NULL},
    {"INI: a mark at the beginning is the value", EDIT_INI, EDIT_SET, "a.x", "0", "[a]\nx = #fff\n", "[a]\nx = 0\n", NULL},
    {"INI: what is in quotes is no comment", EDIT_INI, EDIT_SET, "a.x", "0", "[a]\nx = \"b ; c\" ; d\n", "[a]\nx = 0 ; d\n", NULL},
    {"JSON: a key that is not UTF-8", EDIT_JSON, EDIT_SET, "d\xff.pool", "7", "{\"d\": {}}", NULL, "UTF-8"},
    {"Directives: a name that is no word", EDIT_DIRECTIVES, EDIT_SET, "http.a b", "7", "http { }\n", NULL, "one word"},
    {"INI: a key that would be read as another", EDIT_INI, EDIT_SET, "a.\tx", "7", "[a]\nx = 1\n", NULL,
     "params.key wants section.key"},
    {"INI: a key with a line end would write two lines", EDIT_INI, EDIT_SET, "a.x\ny", "7", "[a]\n", NULL, "params.key wants"},
    {"INI: a key with =", EDIT_INI, EDIT_SET, "a.x=y", "7", "[a]\n", NULL, "params.key wants"},
    {"INI: a section with a bracket", EDIT_INI, EDIT_SET, "a]b.x", "7", "[a]\n", NULL, "params.key wants"},
    {"INI: a value in its section", EDIT_INI, EDIT_SET, "b.x", "2", "[a]\nx = 1\n[b]\nx= 1\n; c\n", "[a]\nx = 1\n[b]\nx= 2\n; c\n",
     NULL},
    {"INI: a missing key goes to the end of its section", EDIT_INI, EDIT_SET, "a.y", "2", "[a]\nx = 1\n\n[b]\n",
     "[a]\nx = 1\ny = 2\n\n[b]\n", NULL},
    {"INI: a missing section is made", EDIT_INI, EDIT_SET, "b.y", "2", "[a]\nx = 1", "[a]\nx = 1\n[b]\ny = 2\n", NULL},
    {"INI: above the first section", EDIT_INI, EDIT_DELETE, "x", NULL, "x=1\n[a]\nx=2\n", "[a]\nx=2\n", NULL},
    {"INI: twice", EDIT_INI, EDIT_SET, "a.x", "3", "[a]\nx=1\nx=2\n", NULL, "twice"},
    {"INI: a value over several lines", EDIT_INI, EDIT_SET, "a.x", "3", "[a]\nx=1\n  2\n", NULL, "several lines"},
    {"INI: a value that would be read up to a comment", EDIT_INI, EDIT_SET, "a.x", "\"b ; c\"", "[a]\nx=1\n", NULL, "in quotes"},
    {"INI: the same of the other mark, at its end", EDIT_INI, EDIT_SET, "a.x", "\"b: #\"", "[a]\nx=1\n", NULL, "in quotes"},
    {"INI: in quotes it is read whole", EDIT_INI, EDIT_SET, "a.x", "\"'b ; c'\"", "[a]\nx=1\n", "[a]\nx='b ; c'\n", NULL},
    {"INI: marks that begin no comment", EDIT_INI, EDIT_SET, "a.x", "\"#b;c\"", "[a]\nx=1\n", "[a]\nx=#b;c\n", NULL},
    {"INI: nothing before a comment, which would then be the value", EDIT_INI, EDIT_SET, "a.x", "\"\"", "[a]\nx = 1 # note\n", NULL,
     "read back"},
    {"INI: nothing where no comment follows", EDIT_INI, EDIT_SET, "a.x", "\"\"", "[a]\nx = 1\n", "[a]\nx = \n", NULL},
    {"Directives: a value that would run into the comment behind it", EDIT_DIRECTIVES, EDIT_SET, "listen", "90",
     "listen \"80\"# note\n;\n", NULL, "read back"},
    {"INI: a value with a line end", EDIT_INI, EDIT_SET, "a.x", "\"1\\n[b]\"", "[a]\nx=1\n", NULL, "one line"},
    {"Env: quotes and export stay", EDIT_ENV, EDIT_SET, "A_B", "\"y z\"", "# A_B=0\nexport A_B=\"x\"\nC=1\n",
     "# A_B=0\nexport A_B=\"y z\"\nC=1\n", NULL},
    {"Env: a missing one is added", EDIT_ENV, EDIT_SET, "B", "true", "A=1\n", "A=1\nB=true\n", NULL},
    {"Env: the comment after a quoted value stays", EDIT_ENV, EDIT_SET, "A", "\"y\"", "A=\"x\" # note\n", "A=\"y\" # note\n", NULL},
    {"Env: the comment after a bare value stays", EDIT_ENV, EDIT_SET, "A", "\"y\"", "A=x # note\n", "A=y # note\n", NULL},
    {"Env: a quote hidden by a backslash", EDIT_ENV, EDIT_SET, "A", "\"y\"", "A=\"x\\\"z\"\n", "A=\"y\"\n", NULL},
    {"Env: something after the quote", EDIT_ENV, EDIT_SET, "A", "\"y\"", "A=\"x\"z\n", NULL, "quote"},
    {"Env: a value with blanks is quoted", EDIT_ENV, EDIT_SET, "A", "\"y z\"", "A=x\n", "A=\"y z\"\n", NULL},
    {"Env: so is one that is added", EDIT_ENV, EDIT_SET, "B", "\"y z\"", "A=x\n", "A=x\nB=\"y z\"\n", NULL},
    {"Env: a value with blanks and double quotes", EDIT_ENV, EDIT_SET, "A", "\"y \\\"z\"", "A=x\n", "A='y \"z'\n", NULL},
    {"Env: a value that no quotes can hold", EDIT_ENV, EDIT_SET, "A", "\"y \\\"'z\"", "A=x\n", NULL, "one line"},
    {"Env: a quote that the old quotes cannot hold", EDIT_ENV, EDIT_SET, "A", "\"y'z\"", "A='x'\n", NULL, "one line"},
    {"Env: no name of a variable", EDIT_ENV, EDIT_SET, "a.b", "1", "A=1\n", NULL, "variable"},
    {"Env: an open quote", EDIT_ENV, EDIT_SET, "A", "1", "A=\"1\n2\"\n", NULL, "quote"},
};

TEST(a_key_is_edited_and_nothing_else)
{
    for (size_t i = 0; i < array_len(rows); i++) {
        const struct row *row = &rows[i];
        CHECK_ROW(row->sentence);
        json_t *value = row->value ? json_loads(row->value, JSON_DECODE_ANY, NULL) : NULL;
        struct edit edit = {row->format, row->operation, row->key, value};
        struct refusal r = {0};
        auto_free char *after = NULL;
        size_t n;
        int rc = edit_text(&edit, row->before, strlen(row->before), &after, &n, &r);
        CHECK_INT(rc, row->after ? 0 : -1);
        if (row->after)
            CHECK_STR(after, row->after);
        else
            CHECK_CONTAINS(r.error.text, row->why);
        json_decref(value);
    }
}

TEST(aliases_of_aliases_do_not_explode)
{
    auto_buf struct buf text;
    buf_init(&text, 65536);
    buf_append_str(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 12; i++)
        buf_printf(&text, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i, i - 1, i - 1, i - 1, i - 1, i - 1,
                   i - 1, i - 1, i - 1);
    struct error err = {0};
    json_t *tree = edit_yaml_tree(buf_str(&text), text.len, &err);
    CHECK(tree == NULL);
    CHECK_INT(err.class, ERROR_INVALID);
    json_decref(tree);
}

int main(void)
{
    return check_run();
}
