#include "guard.h"

#include "base/log.h"
#include "base/map.h"
#include "base/str.h"
#include "install.h"
#include "request.h"
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define SESSIONS_MAX 64

static struct session *find_session(struct guard *g, uint64_t number)
{
    char key[24];
    str_format(key, sizeof key, "%llu", (unsigned long long)number);
    return map_get(g->sessions, key);
}

void guard_answer(struct guard *g, const struct reply_to *to, json_t *result, const struct refusal *refusal)
{
    json_t *answer = json_pack("{s:b}", "ok", refusal == NULL);
    if (refusal)
        json_object_set_new(answer, "error", refusal_to_json(refusal));
    else
        json_object_set(answer, "result", result);
    struct error ignored = {0};
    if (to->effect[0] && effects_end(g->effects, to->effect, to->op, answer, &ignored) < 0)
        log_event(LOG_ERROR, "effect not recorded", "effect", to->effect, "error", ignored.text, NULL);
    json_object_set_new(answer, "id", to->id[0] ? json_string(to->id) : json_null());
    json_object_set_new(answer, "mono", json_integer(time_monotonic()));
    struct session *s = find_session(g, to->session);
    if (s) {
        if (!session_send(s, answer)) {
            json_t *lost = json_pack("{s:O, s:b, s:I, s:{s:s, s:s}}", "id", json_object_get(answer, "id"), "ok", 0, "mono",
                                     (json_int_t)time_monotonic(), "error", "class", "INTERNAL", "message",
                                     "it was done; the answer is longer than a line may be");
            session_send(s, lost);
            json_decref(lost);
        }
        session_owe(s, -1);
    }
    json_decref(answer);
}

void guard_tell(struct guard *g, uint64_t session, json_t *event)
{
    json_object_set_new(event, "mono", json_integer(time_monotonic()));
    size_t at = 0;
    void *value;
    while (map_next(g->sessions, &at, NULL, &value))
        if (session == 0 || session_number(value) == session)
            session_send(value, event);
}

int guard_take_epoch(struct guard *g, int64_t epoch, struct refusal *r)
{
    if (epoch == g->epoch)
        return 0;
    if (epoch < g->epoch) {
        char text[24];
        str_format(text, sizeof text, "%lld", (long long)epoch);
        refusal_text(r, "epoch", text, "the epoch %lld is over: %lld was seen here; another controller leads", (long long)epoch,
                     (long long)g->epoch);
        r->error.class = ERROR_GONE;
        return -1;
    }
    json_t *record = json_pack("{s:I}", "epoch", (json_int_t)epoch);
    int rc = store_write_json(g->dir, "epoch.json", record, true, &r->error);
    json_decref(record);
    if (rc == 0)
        g->epoch = epoch;
    return rc;
}

json_t *guard_target(const struct guard *g)
{
    struct process first;
    uid_t hidden;
    json_t *target = json_pack("{s:b}", "found", 0);
    if (target_is_local(&g->target))
        json_object_set_new(target, "found", json_true());
    else if (target_first(&g->target, &first, NULL) == 0) {
        json_object_set_new(target, "found", json_true());
        json_object_set_new(target, "pid", json_integer(first.pid));
    } else if (target_is_hidden(&g->target, &hidden)) {
        json_object_set_new(target, "hiddenUser", json_integer(hidden));
    }
    return target;
}

json_t *guard_hello(struct guard *g)
{
    json_t *methods = json_array();
    for (size_t i = 0; method_at(i); i++)
        json_array_append_new(methods, json_string(method_at(i)->name));
    return json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:I, s:I, s:i, s:o, s:o, s:o}", "event", "hello", "protocol", PROTOCOL_VERSION,
                     "version", DRILLYARD_VERSION, "place", "Sidecar", "boot", g->boot, "node_boot", g->node_boot, "mono",
                     (json_int_t)time_monotonic(), "epoch", (json_int_t)g->epoch, "uid", (int)geteuid(), "methods", methods,
                     "target", guard_target(g), "faults", faults_list(g->faults, false));
}

static void on_line(void *userdata, struct session *s, const char *line, size_t n)
{
    request_handle(userdata, s, line, n);
}

static void on_too_long(void *userdata, struct session *s)
{
    request_refuse_long(userdata, s);
}

static void on_closed(void *userdata, struct session *s)
{
    struct guard *g = userdata;
    char key[24];
    watches_remove_session(g->watches, session_number(s));
    str_format(key, sizeof key, "%llu", (unsigned long long)session_number(s));
    map_remove(g->sessions, key);
    session_free(s);
}

static void on_connection(void *userdata, uint32_t events)
{
    (void)events;
    struct guard *g = userdata;
    auto_fd int fd = accept4(g->listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 || map_count(g->sessions) >= SESSIONS_MAX)
        return; /* closed: whoever connects sees the end at once */
    struct session_handlers handlers = {on_line, on_too_long, on_closed, g};
    struct session *s = session_new(g->loop, fd, fd, ++g->sessions_seen, &handlers, NULL);
    fd = -1;
    if (!s)
        return;
    char key[24];
    str_format(key, sizeof key, "%llu", (unsigned long long)session_number(s));
    map_set(g->sessions, key, s);
    json_t *hello = guard_hello(g);
    session_send(s, hello);
    json_decref(hello);
}

static void on_signal(void *userdata, uint32_t events)
{
    (void)events;
    struct guard *g = userdata;
    struct signalfd_siginfo info;
    if (read(g->signals, &info, sizeof info) != sizeof info)
        return;
    if (info.ssi_signo == SIGCHLD) {
        while (waitpid(-1, NULL, WNOHANG) > 0) /* as the first process of a container we inherit orphans */
            ;
        return;
    }
    size_t failed = faults_revert_all(g->faults, "Agent", "shutdown");
    json_t *bye = json_pack("{s:s, s:s}", "event", "bye", "reason", "shutdown");
    guard_tell(g, 0, bye);
    json_decref(bye);
    loop_stop(g->loop, failed ? 1 : 0);
}

static void fault_changed(void *userdata, json_t *event)
{
    log_event(LOG_INFO, "fault", "fault", json_string_value(json_object_get(event, "fault")), "state",
              json_string_value(json_object_get(event, "state")), "by", json_string_value(json_object_get(event, "by")), "why",
              json_string_value(json_object_get(event, "why")), NULL);
    guard_tell(userdata, 0, event);
}

static void answer(void *userdata, const struct reply_to *to, json_t *result, const struct refusal *refusal)
{
    guard_answer(userdata, to, result, refusal);
}

static void tell(void *userdata, uint64_t session, json_t *event)
{
    guard_tell(userdata, session, event);
}

static void before_look(void *userdata)
{
    struct guard *g = userdata;
    faults_keep(g->faults);
}

static int guard_listen(struct guard *g, const char *dir, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    auto_free char *path = mem_printf("%s/guard.sock", dir);
    if (!str_format(address.sun_path, sizeof address.sun_path, "%s/guard.sock.new", dir))
        return error_set(err, ERROR_INVALID, "%s/guard.sock.new is longer than a socket's name may be", dir);
    unlink(address.sun_path); /* of a guard before us; the lock says that none runs now */
    g->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (g->listening < 0)
        return error_errno(err, errno, "make a socket");
    mode_t mask = umask(0177);
    int rc = bind(g->listening, (const struct sockaddr *)&address, sizeof address);
    umask(mask);
    /* Renamed when it listens: whoever finds the name can connect. */
    if (rc < 0 || listen(g->listening, 16) < 0 || rename(address.sun_path, path) < 0)
        return error_errno(err, errno, "listen on %s", address.sun_path);
    return source_add(g->loop, &g->source_listening, g->listening, EPOLLIN, on_connection, g, err);
}

static int guard_catch_signals(struct guard *g, struct error *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    g->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return g->signals < 0 ? error_errno(err, errno, "catch signals")
                          : source_add(g->loop, &g->source_signals, g->signals, EPOLLIN, on_signal, g, err);
}

static void guard_identify(struct guard *g)
{
    uint8_t random[16];
    if (getrandom(random, sizeof random, 0) != sizeof random)
        memcpy(random, &(usec_t[2]){time_wall(), time_monotonic()}, sizeof random);
    for (size_t i = 0; i < sizeof random; i++)
        str_format(g->boot + 2 * i, 3, "%02x", random[i]);
    auto_buf struct buf text;
    buf_init(&text, sizeof g->node_boot - 1);
    store_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", &text, NULL);
    str_copy(g->node_boot, sizeof g->node_boot, buf_str(&text));
    g->node_boot[strcspn(g->node_boot, "\n")] = '\0';
}

/* One guard a directory: the lock goes with the process, whatever ends it. */
static int guard_lock(struct guard *g, struct error *err)
{
    int fd = openat(g->dir, "guard.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fd < 0)
        return error_errno(err, errno, "open guard.lock");
    if (fcntl(fd, F_SETLK, &lock) < 0) {
        close(fd);
        return error_set(err, ERROR_CONFLICT, "another guard runs on this directory");
    }
    return 0; /* kept open for as long as we live */
}

static int guard_begin(struct guard *g, const struct guard_options *options, struct error *err)
{
    g->dir = open(options->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (g->dir < 0)
        return error_errno(err, errno, "open %s", options->dir);
    if (guard_lock(g, err) < 0)
        return -1;
    struct error why = {0};
    if (install_self(options->dir, &why) < 0) /* a full disk must not keep us from undoing; the older copy goes on serving */
        log_event(LOG_ERROR, "program not installed", "error", why.text, NULL);
    if (target_init(&g->target, options->dir, options->local_root, err) < 0)
        return -1;
    guard_identify(g);
    g->loop = loop_new(err);
    g->journal = g->loop ? journal_open(options->dir, err) : NULL;
    g->effects = g->journal ? effects_open(options->dir, err) : NULL;
    g->snapshots = g->effects ? snapshots_open(options->dir, err) : NULL;
    if (!g->snapshots)
        return -1;
    json_t *epoch = store_read_json(g->dir, "epoch.json", 4096, NULL);
    g->epoch = json_integer_value(json_object_get(epoch, "epoch"));
    json_decref(epoch);
    g->site = (struct site){&g->target, journal_backups(g->journal), g->node_boot, -1};
    g->probe_site = (struct probe_site){.loop = g->loop, .target = &g->target, .snapshots = g->snapshots};
    g->faults = faults_new(g->loop, &g->site, g->journal, &(struct faults_handlers){fault_changed, answer, g});
    g->watches = watches_new(&g->probe_site, &(struct watches_handlers){answer, tell, before_look, g});
    g->sessions = map_new(NULL);
    if (guard_catch_signals(g, err) < 0)
        return -1;
    if (faults_replay(g->faults, &g->bad, err) < 0)
        return -1;
    size_t at;
    json_t *bad;
    json_array_foreach(g->bad, at, bad)
        log_event(LOG_ERROR, "journal file is unreadable", "file", json_string_value(json_object_get(bad, "file")), "error",
                  json_string_value(json_object_get(bad, "message")), NULL);
    return guard_listen(g, options->dir, err);
}

static void guard_end(struct guard *g)
{
    size_t at = 0;
    void *value;
    watches_free(g->watches);
    while (g->sessions && map_next(g->sessions, &at, NULL, &value))
        session_free(value);
    map_free(g->sessions);
    faults_free(g->faults);
    snapshots_close(g->snapshots);
    effects_close(g->effects);
    journal_close(g->journal);
    json_decref(g->bad);
    source_remove(&g->source_listening);
    source_remove(&g->source_signals);
    fd_close_cleanup(&g->listening);
    fd_close_cleanup(&g->signals);
    fd_close_cleanup(&g->dir);
    loop_free(g->loop);
}

int guard_run(const struct guard_options *options)
{
    struct guard g = {.dir = -1, .listening = -1, .signals = -1};
    struct error err = {0};
    int code = 1;
    if (guard_begin(&g, options, &err) < 0)
        log_event(LOG_ERROR, "guard cannot start", "error", err.text, NULL);
    else {
        log_event(LOG_INFO, "guard ready", "dir", options->dir, "boot", g.boot, NULL);
        code = loop_run(g.loop);
    }
    guard_end(&g);
    return code;
}
