#include "edit.h"

#include "base/str.h"
#include "check.h"

static const char nginx[] = "worker_processes 2;\n"
                            "# http { keepalive_timeout 1; }\n"
                            "events { worker_connections 256; }\n"
                            "http {\n"
                            "    log_format main '$remote_addr; \"x\" {';\n"
                            "    keepalive_timeout 65;  # seconds\n"
                            "    server {\n"
                            "        listen 8080;\n"
                            "        location = /healthz { return 200 \"ok\\n\"; }\n"
                            "        location / { try_files ${uri}x =404; }\n"
                            "    }\n"
                            "}\n";

TEST(one_directive_is_set_replaced_or_deleted_and_nothing_else_changes)
{
    static const struct {
        const char *row, *key;
        int operation;
        const char *value, *before, *after; /* the one place that differs; before NULL: refused, after is in the message */
    } rows[] = {
        {"a value in a block", "http.keepalive_timeout", EDIT_SET, "0", "keepalive_timeout 65;", "keepalive_timeout 0;"},
        {"a value of several words", "http.server.listen", EDIT_REPLACE, "9090 default_server", "listen 8080;",
         "listen 9090 default_server;"},
        {"at the top", "worker_processes", EDIT_REPLACE, "1", "worker_processes 2;", "worker_processes 1;"},
        {"in a block of one line", "events.worker_connections", EDIT_SET, "8", "worker_connections 256;", "worker_connections 8;"},
        {"deleted with its line", "http.server.listen", EDIT_DELETE, NULL, "        listen 8080;\n", ""},
        {"deleted inside a line", "events.worker_connections", EDIT_DELETE, NULL, " worker_connections 256;", ""},
        {"added to its block", "http.sendfile", EDIT_SET, "off", "    }\n}\n", "    }\n    sendfile off;\n}\n"},
        {"added to a block of one line", "events.multi_accept", EDIT_SET, "on", "256; }", "256; multi_accept on; }"},
        {"a missing one cannot be replaced", "http.sendfile", EDIT_REPLACE, "off", NULL, "there is no http.sendfile"},
        {"two blocks of a name are ambiguous", "http.server.location.expires", EDIT_SET, "1d", NULL, "more than one block"},
        {"what would end the directive is refused", "http.keepalive_timeout", EDIT_SET, "1; evil on", NULL, "without ;"},
        {"what would open a comment is refused", "http.keepalive_timeout", EDIT_SET, "1 # x", NULL, "without ;"},
        {"the value it has already", "http.keepalive_timeout", EDIT_SET, "65", NULL, "has this value already"},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].row);
        json_t *value = rows[i].value ? json_string(rows[i].value) : NULL;
        struct edit edit = {EDIT_DIRECTIVES, rows[i].operation, rows[i].key, value};
        struct refusal refusal = {0};
        char *text = NULL;
        size_t length = 0;
        int rc = edit_text(&edit, nginx, strlen(nginx), &text, &length, &refusal);
        if (!rows[i].before) {
            CHECK(rc < 0);
            CHECK_CONTAINS(refusal.error.text, rows[i].after);
        } else {
            CHECK_INT(rc, 0);
            CHECK_STR(refusal.error.text, "");
            const char *at = strstr(nginx, rows[i].before);
            char *want = mem_printf("%.*s%s%s", (int)(at - nginx), nginx, rows[i].after, at + strlen(rows[i].before));
            CHECK_STR(text, want);
            free(want);
        }
        free(text);
        json_decref(value);
    }
}

TEST(a_file_that_is_not_of_directives_is_refused_with_the_place)
{
    static const char *const broken[] = {"a {", "a }", "}", "{", "a 'b;", "a b", "a { b c }"};
    for (size_t i = 0; i < array_len(broken); i++) {
        CHECK_ROW(broken[i]);
        json_t *value = json_string("1");
        struct edit edit = {EDIT_DIRECTIVES, EDIT_SET, "x", value};
        struct refusal refusal = {0};
        char *text = NULL;
        size_t length;
        CHECK(edit_text(&edit, broken[i], strlen(broken[i]), &text, &length, &refusal) < 0);
        CHECK_CONTAINS(refusal.error.text, "no directives");
        free(text);
        json_decref(value);
    }
}

int main(void)
{
    return check_run();
}
