#include "api/kind.h"
#include "base/str.h"
#include "check.h"

TEST(every_kind_has_a_row_that_is_whole)
{
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        const struct kind_info *info = kind_info(kind);
        CHECK_ROW(info->kind);
        CHECK(info->kind && info->api_version && info->plural && info->prefix);
        CHECK_CONTAINS(info->prefix, info->api_version);
        CHECK(info->namespaced == (kind != KIND_NAMESPACE));
        CHECK(info->status == str_equal(info->api_version, API_VERSION));
    }
}

TEST(a_key_survives_its_text)
{
    char text[KEY_TEXT_SIZE];
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        struct key key = key_of(kind, kind == KIND_NAMESPACE ? NULL : "team-a", "x7k2.with.dots"), back;
        CHECK_ROW(key_text(&key, text));
        CHECK(key_parse(text, &back));
        CHECK(key_equal(&key, &back));
    }
    struct key key = key_of(KIND_DRILL, "team-a", "x7k2");
    CHECK_STR(key_text(&key, text), "Drill/team-a/x7k2");
}

TEST(what_is_no_key_is_refused)
{
    static const char *const rows[] = {"", "Drill", "Drill/a", "Drills/a/b", "/a/b", "Dril/a/b"};
    struct key key;
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i]);
        CHECK(!key_parse(rows[i], &key));
    }
    char text[400];
    memset(text, 'x', sizeof(text));
    memcpy(text, "Drill/a/", 8);
    text[399] = '\0';
    CHECK_ROW("a name that does not fit");
    CHECK(!key_parse(text, &key));
}

TEST(names_find_their_kind)
{
    enum kind kind = KIND_COUNT;
    CHECK(kind_from_name("PlaybookRun", &kind));
    CHECK_INT(kind, KIND_RUN);
    CHECK(kind_from_name("ConfigMap", &kind));
    CHECK_INT(kind, KIND_LEDGER);
    CHECK(!kind_from_name("Secret", &kind));
    CHECK(!kind_from_name(NULL, &kind));
}

int main(void)
{
    return check_run();
}
