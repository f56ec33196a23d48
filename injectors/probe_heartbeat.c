/* The probe "heartbeat" {file:{path}, maxAgeMs}: the last beat is not older than that. The value is its age in seconds. */
#include "probe.h"

struct heartbeat_state {
    int64_t max_age_ms;
};

static int init(struct probe *p, json_t *spec, struct refusal *r)
{
    struct heartbeat_state *s = mem_new(struct heartbeat_state);
    json_t *file = NULL;
    if (param_integer(spec, "probe.heartbeat.maxAgeMs", PARAM_REQUIRED, 1, USEC_DAY / USEC_MSEC, &s->max_age_ms, r) < 0 ||
        param_object(spec, "probe.heartbeat.file", PARAM_REQUIRED, &file, r) < 0 ||
        param_path(file, "probe.heartbeat.file.path", PARAM_REQUIRED, &p->path, r) < 0) {
        free(s);
        return -1;
    }
    p->state = s;
    return 0;
}

static void judge(struct probe *p, usec_t beat_wall)
{
    struct heartbeat_state *s = p->state;
    usec_t age = usec_max(time_wall() - beat_wall, 0), limit = s->max_age_ms * USEC_MSEC;
    p->result.has_value = true;
    p->result.value = (double)age / (double)USEC_SEC;
    if (age <= limit)
        p->result.again = time_monotonic() + limit - age;
    probe_finish(p, age <= limit ? HOLDS : HOLDS_NOT,
                 json_pack("{s:f, s:f}", "ageSeconds", (double)age / (double)USEC_SEC, "beatAt", (double)beat_wall / (double)USEC_SEC),
                 "the last beat is %.3f s old; %.3f s are allowed", (double)age / (double)USEC_SEC, (double)limit / (double)USEC_SEC);
}

static void look(struct probe *p)
{
    struct error err = {0};
    struct stat st;
    auto_fd int root = target_root(p->site.target, &err);
    if (root < 0)
        probe_finish(p, HOLDS_UNKNOWN, NULL, "%s", err.text);
    else if (rootfs_stat(root, p->path, &st, &err) == 0)
        judge(p, (usec_t)st.st_mtim.tv_sec * USEC_SEC + st.st_mtim.tv_nsec / 1000);
    else
        probe_finish(p, err.class == ERROR_NOT_FOUND ? HOLDS_NOT : HOLDS_UNKNOWN, NULL, "no heartbeat: %s", err.text);
}

static void free_state(struct probe *p)
{
    free(p->state);
}

const struct probe_kind probe_heartbeat = {"heartbeat", init, look, free_state};
