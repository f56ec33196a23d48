/* drill-injector: makes failures in one pod, and undoes them. See README.md. */
#include "command.h"
#include "guard.h"
#include "serve.h"

#include "base/str.h"

#include <stdio.h>

static int run_guard(int argc, char **argv)
{
    struct guard_options options = {.dir = "/drillyard"};
    for (int i = 1; i < argc; i++) {
        if (str_equal(argv[i], "--local"))
            options.local_root = "/";
        else if (str_equal(argv[i], "--dir") && i + 1 < argc)
            options.dir = argv[++i];
        else if (str_equal(argv[i], "--target-root") && i + 1 < argc)
            options.local_root = argv[++i];
        else {
            fprintf(stderr, "drill-injector guard: \"%s\" is no option; there are --dir DIR, --local and --target-root DIR\n",
                    argv[i]);
            return 2;
        }
    }
    return guard_run(&options);
}

static int run_serve(int argc, char **argv)
{
    const char *dir = "/drillyard";
    enum serve_place place = SERVE_DETECT;
    for (int i = 1; i < argc; i++) {
        if (str_equal(argv[i], "--dir") && i + 1 < argc)
            dir = argv[++i];
        else if (str_equal(argv[i], "--place") && i + 1 < argc)
            place = str_equal(argv[++i], "Target") ? SERVE_TARGET : SERVE_SIDECAR;
        else {
            fprintf(stderr, "drill-injector serve: \"%s\" is no option; there are --dir DIR and --place Sidecar|Target\n", argv[i]);
            return 2;
        }
    }
    return serve_run(dir, place);
}

static int run_version(int argc, char **argv)
{
    (void)argc, (void)argv;
    printf("drill-injector %s, protocol %d\n", DRILLYARD_VERSION, PROTOCOL_VERSION);
    return 0;
}

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"guard", run_guard},       {"serve", run_serve},       {"probe", command_probe}, {"status", command_status},
    {"revert", command_revert}, {"help", command_help},     {"--help", command_help}, {"-h", command_help},
    {"version", run_version},   {"--version", run_version},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < array_len(commands); i++)
        if (str_equal(argv[1], commands[i].name))
            return commands[i].run(argc - 1, argv + 1);
    if (argc > 1 && method_find_command(argv[1]))
        return command_method(argc - 1, argv + 1);
    fprintf(stderr, "drill-injector: \"%s\" is no command; drill-injector help lists them\n", argc > 1 ? argv[1] : "");
    return 2;
}
