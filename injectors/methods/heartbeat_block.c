/* HeartbeatBlock: the heartbeat stops. Freeze stops the beating processes (any heartbeat: file, HTTP, lease); AgeFile sets the beat
 * file's time back, and again whenever it is beaten. */
#include "methods/freeze.h"

#include "base/str.h"
#include "base/time.h"
#include "crash.h"
#include "file.h"

#include <errno.h>
#include <fcntl.h>

static const char *const ways[] = {"Freeze", "AgeFile", NULL};
enum way { WAY_FREEZE, WAY_AGE_FILE };

#define AGE_SECONDS 3600

static int read_way(const json_t *params, int *ret_way, struct refusal *r)
{
    *ret_way = WAY_FREEZE;
    return param_choice(params, "params.how", PARAM_OPTIONAL, ways, ret_way, r);
}

static int validate(const json_t *params, struct refusal *r)
{
    json_t *heartbeat = NULL;
    int way;
    if (read_way(params, &way, r) < 0 ||
        param_object(params, "params.heartbeat", way == WAY_AGE_FILE ? PARAM_REQUIRED : PARAM_OPTIONAL, &heartbeat, r) < 0)
        return -1;
    if (way == WAY_FREEZE)
        return freeze_validate_match(params, PARAM_REQUIRED, r);
    json_t *file = NULL;
    const char *path;
    return param_object(heartbeat, "params.heartbeat.file", PARAM_REQUIRED, &file, r) < 0 ||
                   param_path(file, "params.heartbeat.file.path", PARAM_REQUIRED, &path, r) < 0
               ? -1
               : 0;
}

static int plan_age(const struct site *site, const json_t *params, json_t **ret_undo, json_t **ret_detail, struct refusal *r)
{
    const json_t *file = json_object_get(json_object_get(params, "heartbeat"), "file");
    const char *path = json_string_value(json_object_get(file, "path"));
    auto_fd int root = target_root(site->target, &r->error);
    struct stat st;
    if (root < 0 || rootfs_stat(root, path, &st, &r->error) < 0)
        return -1;
    auto_free char *touch = mem_printf("file:%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
    *ret_undo = json_pack("{s:s, s:[II], s:[II], s:[s]}", "path", path, "modified", (json_int_t)st.st_mtim.tv_sec,
                          (json_int_t)st.st_mtim.tv_nsec, "accessed", (json_int_t)st.st_atim.tv_sec, (json_int_t)st.st_atim.tv_nsec,
                          "touches", touch);
    *ret_detail = json_pack("{s:s, s:s}", "path", path, "does", "sets the file's time back by an hour, again after each beat");
    return 0;
}

static int plan(const struct site *site, const json_t *params, json_t **ret_undo, json_t **ret_detail, struct refusal *r)
{
    int way;
    if (read_way(params, &way, r) < 0)
        return -1;
    if (way == WAY_AGE_FILE)
        return plan_age(site, params, ret_undo, ret_detail, r);
    auto_process_set struct process_set set = {0};
    return freeze_select(site, params, &set, r) < 0 ? -1 : freeze_plan(site, &set, ret_undo, ret_detail, r);
}

static int open_beat(const struct site *site, const json_t *undo, struct stat *ret_status, struct error *err)
{
    auto_fd int root = target_root(site->target, err);
    return root < 0 ? -1 : rootfs_open(root, json_string_value(json_object_get(undo, "path")), O_RDONLY, ret_status, err);
}

static bool is_aged(const struct stat *st)
{
    return st->st_mtim.tv_sec <= time_wall() / USEC_SEC - AGE_SECONDS / 2;
}

static int age(const struct site *site, const json_t *undo, struct error *err)
{
    struct stat st;
    auto_fd int fd = open_beat(site, undo, &st, err);
    if (fd < 0)
        return -1;
    if (is_aged(&st))
        return 0;
    st.st_mtim.tv_sec = time_wall() / USEC_SEC - AGE_SECONDS;
    crash_point();
    if (file_set_times(fd, &st) < 0)
        return error_errno(err, errno, "set the heartbeat's time");
    crash_point();
    return 0;
}

static int apply(const struct site *site, const json_t *undo, struct error *err)
{
    return json_object_get(undo, "processes") ? freeze_apply(site, undo, err) : age(site, undo, err);
}

static int keep(const struct site *site, const json_t *undo, struct error *err)
{
    return json_object_get(undo, "processes") ? 0 : age(site, undo, err);
}

static int seen(const struct site *site, const json_t *undo, struct error *err)
{
    if (json_object_get(undo, "processes"))
        return freeze_seen(site, undo, err);
    struct stat st;
    auto_fd int fd = open_beat(site, undo, &st, err);
    return fd < 0 ? -1 : is_aged(&st);
}

/* A file whose time is not aged was beaten since: its time is true, and stays. */
static int revert_age(const struct site *site, const json_t *undo, enum revert_outcome *ret_outcome, json_t *detail,
                      struct error *err)
{
    struct stat st;
    struct error why = {0};
    auto_fd int fd = open_beat(site, undo, &st, &why);
    *ret_outcome = REVERT_NOT_NEEDED;
    if (fd < 0 && why.class != ERROR_NOT_FOUND) {
        *err = why;
        return -1;
    }
    if (fd < 0 && target_is_local(site->target)) {
        json_object_set_new(detail, "note", json_string("the file is not there any more"));
        return 0;
    }
    if (fd < 0) { /* the file, or the whole target? */
        auto_fd int root = target_root(site->target, err);
        return root < 0 ? -1 : 0;
    }
    const json_t *modified = json_object_get(undo, "modified"), *accessed = json_object_get(undo, "accessed");
    if (!is_aged(&st))
        return 0;
    st.st_mtim =
        (struct timespec){json_integer_value(json_array_get(modified, 0)), json_integer_value(json_array_get(modified, 1))};
    st.st_atim =
        (struct timespec){json_integer_value(json_array_get(accessed, 0)), json_integer_value(json_array_get(accessed, 1))};
    crash_point();
    if (file_set_times(fd, &st) < 0)
        return error_errno(err, errno, "set the heartbeat's time");
    crash_point();
    *ret_outcome = REVERT_DONE;
    return 0;
}

static int revert(const struct site *site, const json_t *undo, bool resumed, enum revert_outcome *ret_outcome, json_t *detail,
                  struct error *err)
{
    return json_object_get(undo, "processes") ? freeze_revert(site, undo, resumed, ret_outcome, detail, err)
                                              : revert_age(site, undo, ret_outcome, detail, err);
}

static const struct method_option options[] = {
    {"--match", "match", OPTION_TEXT, "the beating process: a part of its command line, or \"/extended regular expression/\""},
    {"--how", "how", OPTION_TEXT, "Freeze (default) or AgeFile"},
    {"--file", "heartbeat.file.path", OPTION_TEXT, "the file that is touched at each beat (AgeFile)"},
    {0},
};

const struct method method_heartbeat_block = {
    .name = "HeartbeatBlock",
    .command = "heartbeat-block",
    .summary = "stop the heartbeat: freeze the beating process, or age its file",
    .options = options,
    .validate = validate,
    .plan = plan,
    .apply = apply,
    .seen = seen,
    .keep = keep,
    .revert = revert,
};
