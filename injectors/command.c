#include "command.h"

#include "guard.h"
#include "param.h"
#include "store.h"

#include "base/duration.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a plain command needs of the guard's parts, without its socket. */
struct stand {
    struct loop *loop;
    struct target target;
    struct site site;
    struct journal *journal;
    struct faults *faults;
    char node_boot[64];
    int signals, lock;
    struct source source;
    int failed;
};

static void say_event(void *userdata, json_t *event)
{
    struct stand *s = userdata;
    const char *state = json_string_value(json_object_get(event, "state"));
    printf("%s: %s (%s, %s)\n", json_string_value(json_object_get(event, "fault")), state,
           json_string_value(json_object_get(event, "by")), json_string_value(json_object_get(event, "why")));
    const json_t *detail = json_object_get(event, "detail");
    auto_free char *text = detail && json_object_size(detail) ? json_dumps(detail, JSON_INDENT(2)) : NULL;
    if (text)
        printf("%s\n", text);
    fflush(stdout);
    if (str_equal(state, "Reverted") || str_equal(state, "NotNeeded"))
        loop_stop(s->loop, s->failed);
}

static void say_answer(void *userdata, const struct reply_to *to, json_t *result, const struct refusal *refusal)
{
    (void)to, (void)result;
    struct stand *s = userdata;
    if (!refusal)
        return;
    fprintf(stderr, "drill-injector: %s\n", refusal->error.text);
    s->failed = 1;
}

static void on_signal(void *userdata, uint32_t events)
{
    (void)events;
    struct stand *s = userdata;
    struct signalfd_siginfo info;
    if (read(s->signals, &info, sizeof info) == sizeof info)
        faults_revert_all(s->faults, "Person", "interrupted");
}

static void stand_end(struct stand *s)
{
    faults_free(s->faults);
    journal_close(s->journal);
    source_remove(&s->source);
    fd_close_cleanup(&s->signals);
    fd_close_cleanup(&s->lock);
    loop_free(s->loop);
}

static int stand_begin(struct stand *s, const char *dir, const char *root, struct error *err)
{
    *s = (struct stand){.signals = -1, .lock = -1};
    if (mkdir(dir, 0700) < 0 && errno != EEXIST)
        return error_errno(err, errno, "make %s", dir);
    struct stat st;
    if (lstat(dir, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH))
        return error_set(err, ERROR_FORBIDDEN,
                         "%s wants to be a folder of ours that nobody else can write to: what is undone is read there", dir);
    /* One at a time: two faults on one file, each unaware of the other, could not both be undone. */
    auto_free char *lock = mem_printf("%s/guard.lock", dir);
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    s->lock = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (s->lock < 0)
        return error_errno(err, errno, "open %s", lock);
    if (fcntl(s->lock, F_SETLK, &whole) < 0)
        return error_set(err, ERROR_CONFLICT,
                         "another drill-injector is at work with %s; end it first, or give --dir another folder", dir);
    auto_buf struct buf boot;
    buf_init(&boot, sizeof s->node_boot - 1);
    store_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", &boot, NULL);
    str_copy(s->node_boot, sizeof s->node_boot, buf_str(&boot));
    s->node_boot[strcspn(s->node_boot, "\n")] = '\0';
    s->loop = loop_new(err);
    if (!s->loop || target_init(&s->target, dir, root, err) < 0)
        return -1;
    s->journal = journal_open(dir, err);
    if (!s->journal)
        return -1;
    s->site = (struct site){&s->target, journal_backups(s->journal), s->node_boot, -1};
    s->faults = faults_new(s->loop, &s->site, s->journal, &(struct faults_handlers){say_event, say_answer, s});
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP); /* the terminal is closed */
    sigaddset(&set, SIGQUIT);
    signal(SIGPIPE, SIG_IGN); /* "| head": what was told does not matter, what is undone does */
    sigprocmask(SIG_BLOCK, &set, NULL);
    s->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return source_add(s->loop, &s->source, s->signals, EPOLLIN, on_signal, s, err);
}

static int fail(const struct refusal *r)
{
    if (r->field[0])
        fprintf(stderr, "drill-injector: %s: \"%s\": %s\n", r->field, r->value, r->error.text);
    else
        fprintf(stderr, "drill-injector: %s\n", r->error.text);
    return 2;
}

struct common {
    const char *dir, *root;
    usec_t duration;
    bool dry_run;
    json_t *params;
};

/* "heartbeat.file.path" → {"heartbeat":{"file":{"path":…}}} */
static void set_param(json_t *params, const char *name, json_t *value)
{
    auto_free char *copy = mem_strdup(name);
    char *rest = copy, *part = strsep(&rest, ".");
    for (; rest; part = strsep(&rest, ".")) {
        if (!json_object_get(params, part))
            json_object_set_new(params, part, json_object());
        params = json_object_get(params, part);
    }
    json_object_set_new(params, part, value);
}

static int parse_value(const struct method_option *o, const char *text, json_t **ret, struct refusal *r)
{
    int64_t number;
    switch (o->kind) {
    case OPTION_INTEGER:
        if (!str_to_i64(text, INT64_MIN, INT64_MAX, &number))
            return refusal_text(r, o->flag, text, "%s wants a whole number", o->flag);
        *ret = json_integer(number);
        return 0;
    case OPTION_JSON:
        *ret = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
        *ret = *ret ? *ret : json_string(text);
        break;
    case OPTION_TEXT:
        *ret = json_string(text);
        break;
    case OPTION_FLAG:
        *ret = json_true();
        return 0;
    }
    return *ret ? 0 : refusal_text(r, o->flag, text, "%s wants text in UTF-8", o->flag);
}

static int parse_common(struct common *c, const char *flag, const char *value, struct refusal *r)
{
    if (str_equal(flag, "--dir"))
        c->dir = value;
    else if (str_equal(flag, "--target-root"))
        c->root = value;
    else if (str_equal(flag, "--duration"))
        return duration_parse(value, flag, &c->duration, &r->error);
    else
        return 1;
    return 0;
}

/* `m` NULL: only the common options. */
static int parse(struct common *c, const struct method *m, int argc, char **argv, struct refusal *r)
{
    for (int i = 1; i < argc; i++) {
        if (str_equal(argv[i], "--dry-run")) {
            c->dry_run = true;
            continue;
        }
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        int rc = value ? parse_common(c, argv[i], value, r) : 1;
        const struct method_option *o = m && rc == 1 ? m->options : NULL;
        while (o && o->flag && !str_equal(o->flag, argv[i]))
            o++;
        if (rc == 1 && (!o || !o->flag || !value))
            return refusal_text(r, "argument", argv[i], "%s",
                                o && o->flag ? "its value is missing"
                                             : "it is no option of this command; drill-injector help lists them");
        json_t *parsed = NULL;
        if (rc == 1 && (rc = parse_value(o, value, &parsed, r)) == 0)
            set_param(c->params, o->param, parsed);
        if (rc < 0)
            return -1;
        i++;
    }
    return 0;
}

static int show_plan(struct stand *s, const struct method *m, const struct common *c, struct refusal *r)
{
    json_t *undo = NULL, *detail = NULL;
    s->site.backups = -1;
    if (m->plan(&s->site, c->params, &undo, &detail, r) < 0)
        return fail(r);
    auto_free char *text = json_dumps(detail, JSON_INDENT(2));
    printf("%s would do:\n%s\nNothing was changed.\n", m->command, text);
    json_decref(undo);
    json_decref(detail);
    return 0;
}

static int run_fault(struct stand *s, const struct method *m, const struct common *c, struct refusal *r)
{
    auto_free char *id = mem_printf("%s-%lld", m->command, (long long)time_wall());
    struct fault_order order = {.id = id, .method = m, .params = c->params, .duration = c->duration, .lease = 365 * USEC_DAY};
    struct reply_to to = {.session = 1};
    json_t *result = NULL;
    if (faults_inject(s->faults, &order, &to, &result, r) < 0)
        return fail(r);
    json_decref(result);
    return loop_run(s->loop);
}

static const char *default_dir(void)
{
    return "/tmp/.drillyard";
}

int command_method(int argc, char **argv)
{
    const struct method *m = method_find_command(argv[0]);
    struct common c = {.dir = default_dir(), .root = "/", .duration = 30 * USEC_SEC, .params = json_object()};
    struct refusal r = {0};
    struct stand s = {.signals = -1, .lock = -1};
    int code;
    if (parse(&c, m, argc, argv, &r) < 0 || m->validate(c.params, &r) < 0)
        code = fail(&r);
    else if (stand_begin(&s, c.dir, c.root, &r.error) < 0)
        code = fail(&r);
    else
        code = c.dry_run ? show_plan(&s, m, &c, &r) : run_fault(&s, m, &c, &r);
    stand_end(&s);
    json_decref(c.params);
    return code;
}

static void print_faults(const struct faults *f)
{
    json_t *list = faults_list(f, false), *one;
    size_t at;
    json_array_foreach(list, at, one)
        printf("%-40s %-16s %s\n", json_string_value(json_object_get(one, "id")), json_string_value(json_object_get(one, "method")),
               json_string_value(json_object_get(one, "state")));
    if (json_array_size(list) == 0)
        printf("no faults\n");
    json_decref(list);
}

int command_status(int argc, char **argv)
{
    struct common c = {.dir = default_dir(), .root = "/"};
    struct refusal r = {0};
    if (parse(&c, NULL, argc, argv, &r) < 0)
        return fail(&r);
    struct journal *journal = journal_open(c.dir, &r.error);
    json_t *records = NULL, *bad = NULL, *one;
    size_t at;
    if (!journal || journal_load(journal, &records, &bad, &r.error) < 0) {
        journal_close(journal);
        return fail(&r);
    }
    json_array_foreach(records, at, one)
        printf("%-40s %-16s %s\n", json_string_value(json_object_get(one, "id")), json_string_value(json_object_get(one, "method")),
               json_string_value(json_object_get(one, "state")));
    json_array_foreach(bad, at, one) printf("unreadable: %s\n", json_string_value(json_object_get(one, "message")));
    if (json_array_size(records) + json_array_size(bad) == 0)
        printf("no faults\n");
    json_decref(records);
    json_decref(bad);
    journal_close(journal);
    return 0;
}

int command_revert(int argc, char **argv)
{
    struct common c = {.dir = default_dir(), .root = "/"};
    struct refusal r = {0};
    struct stand s = {.signals = -1, .lock = -1};
    json_t *bad = NULL;
    int code = 0;
    if (parse(&c, NULL, argc, argv, &r) < 0 || stand_begin(&s, c.dir, c.root, &r.error) < 0 ||
        faults_replay(s.faults, &bad, &r.error) < 0)
        code = fail(&r);
    else {
        print_faults(s.faults);
        code = faults_open_count(s.faults) ? 1 : 0;
    }
    json_decref(bad);
    stand_end(&s);
    return code;
}

static void looked(void *userdata, const struct probe_result *result)
{
    struct loop *loop = userdata;
    json_t *o = probe_result_to_json(result);
    auto_free char *text = json_dumps(o, JSON_INDENT(2));
    printf("%s\n", text);
    json_decref(o);
    loop_stop(loop, result->holds == HOLDS ? 0 : result->holds == HOLDS_NOT ? 1 : 3);
}

int command_probe(int argc, char **argv)
{
    struct common c = {.dir = "/", .root = "/"};
    struct refusal r = {0};
    struct target target;
    json_error_t where;
    json_t *spec = argc > 1 ? json_loads(argv[1], JSON_REJECT_DUPLICATES, &where) : NULL;
    struct loop *loop = NULL;
    struct probe *probe = NULL;
    int code = 2;
    if (!spec)
        refusal_text(&r, "argument", argc > 1 ? argv[1] : "", "probe wants one JSON object, like '{\"tcp\":{\"port\":8080}}'");
    else if (parse(&c, NULL, argc - 1, argv + 1, &r) == 0 && target_init(&target, c.dir, c.root, &r.error) == 0 &&
             (loop = loop_new(&r.error))) {
        struct probe_site site = {.loop = loop, .target = &target, .in_target = true};
        probe = probe_new(&site, spec, &r);
    }
    if (!probe)
        code = fail(&r);
    else {
        probe_look(probe, looked, loop);
        code = loop_run(loop);
    }
    probe_free(probe);
    loop_free(loop);
    json_decref(spec);
    return code;
}

int command_help(int argc, char **argv)
{
    (void)argc, (void)argv;
    printf("drill-injector COMMAND [OPTIONS]\n\n"
           "  guard [--dir DIR] [--local | --target-root DIR]   own the faults of this pod (the sidecar's main process)\n"
           "  serve [--dir DIR] [--place Sidecar|Target]        speak the protocol on standard input and output\n"
           "  probe JSON                                        look once; exits 0 it holds, 1 not, 3 unknown\n"
           "  status [--dir DIR]                                the faults in a journal\n"
           "  revert [--dir DIR]                                undo what a crash left open there\n"
           "  help, version\n\n");
    for (size_t i = 0; method_at(i); i++) {
        printf("  %-16s %s\n", method_at(i)->command, method_at(i)->summary);
        for (const struct method_option *o = method_at(i)->options; o->flag; o++)
            printf("      %-12s %s\n", o->flag, o->help);
    }
    printf("\n  Each of these also takes --duration 30s, --dry-run, --dir DIR (of the journal) and --target-root DIR.\n"
           "  The fault is undone when the duration is over, or by Ctrl-C.\n");
    return 0;
}
