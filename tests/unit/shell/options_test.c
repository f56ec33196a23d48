/* The command line. options.c belongs to the program, not to a library, so it is taken in whole. */
#include "check.h"

#include "options.c"

static int parse(const char *line, struct options *o, struct error *err)
{
    static char copy[512];
    static char *argv[16];
    int argc = 0;
    str_copy(copy, sizeof(copy), line);
    argv[argc++] = "drillyard-controller";
    for (char *at = copy; *at && argc < 15;) {
        argv[argc++] = at;
        at += strcspn(at, " ");
        if (*at)
            *at++ = '\0';
    }
    return options_parse(argc, argv, o, err);
}

TEST(what_is_not_given_has_its_default)
{
    auto_options struct options o = {0};
    struct error err = {0};
    CHECK_INT(parse("", &o, &err), 0);
    CHECK_INT(o.lease, 10 * USEC_SEC);
    CHECK(o.elect && !o.kubeconfig && !o.namespaces.count);
    CHECK_STR(o.listen, "0.0.0.0:8080");
}

TEST(values_follow_a_blank_or_an_equals_sign)
{
    auto_options struct options o = {0};
    struct error err = {0};
    CHECK_INT(parse("--namespaces a,b --namespace=b,c --lease=5s --log-level debug --no-elect --listen [::]:0", &o, &err), 0);
    CHECK_INT(o.namespaces.count, 3);
    CHECK_INT(o.lease, 5 * USEC_SEC);
    CHECK_INT(o.log_level, LOG_DEBUG);
    CHECK(!o.elect);
    CHECK_STR(o.listen, "[::]:0");
}

static const struct {
    const char *sentence, *line, *said;
} refused[] = {
    {"an option that there is not", "--nonsense", "\"--nonsense\""},
    {"a value is missing", "--lease", "--lease needs a value"},
    {"a value that is not wanted", "--no-elect=1", "takes no value"},
    {"a lease that is no duration", "--lease 5", "--lease"},
    {"a lease that is too short to be renewed", "--lease 500ms", "between 2s and 10m"},
    {"a namespace that is none", "--namespaces a,B", "\"B\""},
    {"an empty namespace", "--namespaces a,,b", "\"\""},
    {"an address without a port", "--listen localhost", "\"localhost\""},
    {"a port that is none", "--listen :70000", ":70000"},
    {"a level that is none", "--log-level loud", "\"loud\""},
};

TEST(what_is_wrong_is_quoted_and_nothing_is_begun)
{
    for (size_t i = 0; i < array_len(refused); i++) {
        CHECK_ROW(refused[i].sentence);
        auto_options struct options o = {0};
        struct error err = {0};
        CHECK(parse(refused[i].line, &o, &err) < 0);
        CHECK_INT(err.class, ERROR_INVALID);
        CHECK_CONTAINS(err.text, refused[i].said);
    }
}

int main(void)
{
    return check_run();
}
