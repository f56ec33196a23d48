/* remedy.c — the operations that mend: snapshot, restore, signal, restart. Declared in request.h. */
#include "param.h"
#include "request.h"

#include "base/str.h"
#include "crash.h"
#include "file.h"
#include "remedy_restart.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int operation_snapshot(struct guard *g, const struct request *q, json_t **ret_result, struct refusal *r)
{
    struct snapshot_order order = {0};
    int64_t keep = 3;
    int validate = VALIDATE_RAW;
    struct stat st;
    if (param_text(q->body, "facet", PARAM_REQUIRED, &order.facet, r) < 0 ||
        param_path(q->body, "path", PARAM_REQUIRED, &order.path, r) < 0 ||
        param_choice(q->body, "validate", PARAM_OPTIONAL, validate_names, &validate, r) < 0 ||
        param_integer(q->body, "keep", PARAM_OPTIONAL, 1, 20, &keep, r) < 0)
        return -1;
    auto_fd int root = target_root(&g->target, &r->error);
    auto_fd int fd = root < 0 ? -1 : rootfs_open(root, order.path, O_RDONLY, &st, &r->error);
    if (fd < 0)
        return -1;
    auto_free char *inode = mem_printf("file:%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
    auto_free char *path = mem_printf("path:%s", order.path);
    const char *fault = faults_touching(g->faults, inode);
    fault = fault ? fault : faults_touching(g->faults, path);
    if (fault)
        return refusal_conflict(r, "path", order.path, "the fault %s is open on this file; what it holds is not known to be good",
                                fault);
    order.validate = (enum validate_kind)validate;
    order.keep = (int)keep;
    order.fd = fd;
    return snapshots_take(g->snapshots, &order, ret_result, r) < 0 ? -1 : 1;
}

/* The file that is to be restored, for writing; made anew, with the snapshot's mode, where it is gone. */
static int open_destination(int root, const char *path, mode_t mode, char ret_was[SHA256_HEX_SIZE], struct error *err)
{
    struct error why = {0};
    ret_was[0] = '\0';
    auto_fd int found = rootfs_open(root, path, O_RDONLY, NULL, &why);
    if (found >= 0)
        return file_digest(found, ret_was, err) < 0 ? -1 : file_open_for_writing(found, err);
    if (why.class != ERROR_NOT_FOUND) {
        *err = why;
        return -1;
    }
    auto_free char *folder = mem_strdup(path);
    char *slash = strrchr(folder, '/');
    *slash = '\0';
    auto_fd int parent = rootfs_find(root, slash == folder ? "/" : folder, err);
    if (parent < 0)
        return -1;
    int fd = openat(parent, slash + 1, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    return fd < 0 ? error_errno(err, errno, "create") : fd;
}

static int write_back(const struct snapshot *s, int to, struct error *err)
{
    enum { PIECE = 1024 * 1024 };
    for (int64_t at = 0; at < s->bytes || at == 0;) {
        size_t n = s->bytes - at < PIECE ? (size_t)(s->bytes - at) : PIECE;
        auto_free char *piece = NULL;
        bool last = at + (int64_t)n == s->bytes;
        if (file_read_range(s->fd, at, n, &piece, err) < 0 || file_write_range(to, at, piece, n, last ? s->bytes : -1, err) < 0)
            return -1;
        at += (int64_t)n;
        if (last)
            break;
    }
    return fdatasync(to) < 0 ? error_errno(err, errno, "sync") : 0;
}

static int send_signals(struct guard *g, const char *field, const char *text, int number, json_t **ret_pids, struct refusal *r)
{
    struct match m;
    auto_process_set struct process_set set = {0};
    if (match_init(&m, field, text, r) < 0)
        return -1;
    int rc = target_processes(&g->target, &m, &set, &r->error);
    match_done(&m);
    json_t *pids = json_array();
    for (size_t i = 0; i < set.count && rc == 0; i++) {
        struct error why = {0};
        if (process_signal(set.items[i].pid, set.items[i].start, number, &why) == 0)
            json_array_append_new(pids, json_integer(set.items[i].pid));
        else if (why.class != ERROR_NOT_FOUND) {
            r->error = why;
            rc = -1;
        }
    }
    if (rc == 0 && json_array_size(pids) == 0) {
        refusal_text(r, field, text, "no running process of the target has a command line that matches");
        r->error.class = ERROR_NOT_FOUND;
        rc = -1;
    }
    if (rc < 0) {
        json_decref(pids);
        return -1;
    }
    *ret_pids = pids;
    return 0;
}

int operation_restore(struct guard *g, const struct request *q, json_t **ret_result, struct refusal *r)
{
    const char *facet = NULL, *path = NULL, *sha256 = NULL, *match = NULL;
    json_t *reload = NULL, *pids = NULL;
    int number = 0;
    char was[SHA256_HEX_SIZE], now[SHA256_HEX_SIZE];
    if (param_text(q->body, "facet", PARAM_REQUIRED, &facet, r) < 0 || param_path(q->body, "path", PARAM_REQUIRED, &path, r) < 0 ||
        param_text(q->body, "sha256", PARAM_OPTIONAL, &sha256, r) < 0 ||
        param_object(q->body, "reload", PARAM_OPTIONAL, &reload, r) < 0 ||
        (reload && (param_text(reload, "reload.match", PARAM_REQUIRED, &match, r) < 0 ||
                    param_signal(reload, "reload.signal", PARAM_REQUIRED, &number, r) < 0)))
        return -1;
    struct snapshot s = {.fd = -1};
    if (snapshots_find(g->snapshots, facet, sha256, &s, r) < 0)
        return -1;
    auto_fd int from = s.fd; /* closed at the end */
    (void)from;
    auto_fd int root = target_root(&g->target, &r->error);
    auto_fd int to = root < 0 ? -1 : open_destination(root, path, s.mode, was, &r->error);
    if (to < 0)
        return error_wrap(&r->error, "%s", path);
    bool changed = !str_equal(was, s.sha256);
    if (changed && (write_back(&s, to, &r->error) < 0 || file_digest(to, now, &r->error) < 0))
        return error_wrap(&r->error, "%s", path);
    if (changed && !str_equal(now, s.sha256))
        return refusal_conflict(r, "path", path, "the file was written to by somebody else at the same time: it has %s", now);
    if (reload && send_signals(g, "reload.match", match, number, &pids, r) < 0)
        return error_wrap(&r->error, "%s is restored, and was not reloaded", path);
    *ret_result = json_pack("{s:s, s:s, s:b, s:I, s:I, s:o*}", "sha256", s.sha256, "was", was, "changed", changed, "bytes",
                            (json_int_t)s.bytes, "at", (json_int_t)time_monotonic(), "reloaded", pids);
    return 1;
}

int operation_signal(struct guard *g, const struct request *q, json_t **ret_result, struct refusal *r)
{
    const char *match = NULL;
    int number = 0;
    json_t *pids = NULL;
    if (param_text(q->body, "match", PARAM_REQUIRED, &match, r) < 0 ||
        param_signal(q->body, "signal", PARAM_REQUIRED, &number, r) < 0 || send_signals(g, "match", match, number, &pids, r) < 0)
        return -1;
    *ret_result = json_pack("{s:o, s:I}", "pids", pids, "at", (json_int_t)time_monotonic());
    return 1;
}

int operation_restart(struct guard *g, const struct request *q, json_t **ret_result, struct refusal *r)
{
    static const char *const ways[] = {"Supervisor", "Container", NULL};
    struct restart_order order = {.grace = 5 * USEC_SEC, .timeout = 60 * USEC_SEC};
    int64_t grace = 5000, timeout = 60000;
    int how = 0;
    (void)ret_result;
    if (param_choice(q->body, "how", PARAM_OPTIONAL, ways, &how, r) < 0 ||
        param_text(q->body, "match", how == 1 ? PARAM_OPTIONAL : PARAM_REQUIRED, &order.match, r) < 0 ||
        param_integer(q->body, "graceMs", PARAM_OPTIONAL, 0, USEC_HOUR / USEC_MSEC, &grace, r) < 0 ||
        param_integer(q->body, "timeoutMs", PARAM_OPTIONAL, 1, USEC_HOUR / USEC_MSEC, &timeout, r) < 0)
        return -1;
    order.container = how == 1;
    order.grace = grace * USEC_MSEC;
    order.timeout = timeout * USEC_MSEC;
    return restart_begin(g, &order, &q->to, r);
}
