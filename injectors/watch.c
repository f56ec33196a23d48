#include "watch.h"

#include "base/list.h"
#include "base/str.h"

#include <errno.h>
#include <sys/inotify.h>
#include <unistd.h>

#define LOOK_AT_MOST_EVERY (2 * USEC_MSEC)
#define PROCESS_WAIT       (20 * USEC_MSEC) /* how often a process that is missing is looked for */
#define PIDFDS_MAX         16

struct exit_watch {
    struct source source; /* of a pidfd; loop NULL: unused */
    pid_t pid;
    uint64_t start;
};

struct watch {
    struct list node;
    struct watches *all;
    struct reply_to to; /* answered with the first observation; id "" afterwards */
    char *key;          /* NULL: a single look */
    struct probe *probe;
    usec_t every, hold_for, refresh;
    bool seen;
    enum holds holds, candidate;
    usec_t since, candidate_since, looked, told;
    int file_wd, folder_wd; /* inotify; -1: none */
    struct exit_watch exits[PIDFDS_MAX];
    struct timer timer;
};

struct watches {
    struct probe_site site;
    struct watches_handlers handlers;
    struct list all;
    size_t count;
    int inotify;
    struct source source;
};

static void look_now(void *userdata);

static void look_soon(struct watch *x)
{
    usec_t when = usec_max(time_monotonic(), x->looked + LOOK_AT_MOST_EVERY);
    if (!x->timer.loop || when < x->timer.when)
        timer_set(x->all->site.loop, &x->timer, when, look_now, x);
}

static bool uses_wd(const struct watches *w, int wd)
{
    for (struct list *n = w->all.next; n != &w->all; n = n->next) {
        struct watch *x = list_entry(n, struct watch, node);
        if (x->file_wd == wd || x->folder_wd == wd)
            return true;
    }
    return false;
}

/* Watches on one inode share a number, so it is given back only when the last one is gone. */
static void drop_wd(struct watches *w, int *wd)
{
    int old = *wd;
    *wd = -1;
    if (old >= 0 && !uses_wd(w, old))
        inotify_rm_watch(w->inotify, old);
}

static int add_wd(struct watches *w, int root, const char *path, uint32_t mask)
{
    auto_fd int found = rootfs_find(root, path, NULL);
    char self[64];
    if (found < 0)
        return -1;
    str_format(self, sizeof self, "/proc/self/fd/%d", found);
    return inotify_add_watch(w->inotify, self, mask | IN_MASK_ADD);
}

static void watch_file(struct watch *x)
{
    struct watches *w = x->all;
    if (!x->probe->path || w->inotify < 0)
        return;
    auto_fd int root = target_root(w->site.target, NULL);
    auto_free char *folder = mem_strdup(x->probe->path);
    char *slash = strrchr(folder, '/');
    slash[slash == folder] = '\0';
    int file = root < 0 ? -1 : add_wd(w, root, x->probe->path, IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF);
    int parent = root < 0 ? -1 : add_wd(w, root, folder, IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO);
    if (file != x->file_wd)
        drop_wd(w, &x->file_wd);
    if (parent != x->folder_wd)
        drop_wd(w, &x->folder_wd);
    x->file_wd = file;
    x->folder_wd = parent;
}

static void exit_drop(struct exit_watch *e)
{
    if (!e->source.loop)
        return;
    source_remove(&e->source);
    close(e->source.fd);
}

static void process_ended(void *userdata, uint32_t events)
{
    (void)events;
    struct watch *x = userdata;
    for (size_t i = 0; i < PIDFDS_MAX; i++)
        if (x->exits[i].source.loop && !process_alive(x->exits[i].pid, x->exits[i].start))
            exit_drop(&x->exits[i]);
    look_soon(x);
}

static void watch_processes(struct watch *x)
{
    const struct process_set *seen = &x->probe->processes;
    if (!x->probe->sees_processes)
        return;
    for (size_t i = 0; i < PIDFDS_MAX; i++)
        if (!process_set_find(seen, x->exits[i].pid, x->exits[i].start))
            exit_drop(&x->exits[i]);
    for (size_t i = 0; i < seen->count; i++) {
        struct exit_watch *slot = NULL;
        bool watched = false;
        for (size_t k = 0; k < PIDFDS_MAX; k++) {
            struct exit_watch *e = &x->exits[k];
            watched |= e->source.loop && e->pid == seen->items[i].pid && e->start == seen->items[i].start;
            slot = !e->source.loop && !slot ? e : slot;
        }
        int fd = watched || !slot ? -1 : process_open(seen->items[i].pid, seen->items[i].start);
        if (fd < 0)
            continue;
        slot->pid = seen->items[i].pid;
        slot->start = seen->items[i].start;
        if (source_add(x->all->site.loop, &slot->source, fd, EPOLLIN, process_ended, x, NULL) < 0)
            close(fd);
    }
}

static void inotify_ready(void *userdata, uint32_t events)
{
    (void)events;
    struct watches *w = userdata;
    char bytes[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    ssize_t n = read(w->inotify, bytes, sizeof bytes);
    if (n > 0 && w->handlers.before_look)
        w->handlers.before_look(w->handlers.userdata);
    for (ssize_t at = 0; at < n;) {
        const struct inotify_event *event = (const struct inotify_event *)(const void *)(bytes + at);
        at += (ssize_t)(sizeof *event + event->len);
        for (struct list *node = w->all.next; node != &w->all; node = node->next) {
            struct watch *x = list_entry(node, struct watch, node);
            const char *name = x->probe->path ? strrchr(x->probe->path, '/') + 1 : "";
            /* In its folder: the file itself, or the links of a ConfigMap volume ("..data"). */
            bool concerns =
                event->wd == x->folder_wd && event->len && (str_equal(event->name, name) || str_starts(event->name, ".."));
            if (event->mask & IN_IGNORED && event->wd == x->file_wd)
                x->file_wd = -1;
            if (concerns || event->wd == x->file_wd || event->mask & (IN_Q_OVERFLOW | IN_IGNORED))
                look_soon(x);
        }
    }
}

static void watch_free(struct watch *x)
{
    if (!x->seen) {
        struct refusal gone = {0};
        refusal_conflict(&gone, "watch", x->key, "the watch was taken back or replaced before its first look was over");
        x->all->handlers.answer(x->all->handlers.userdata, &x->to, NULL, &gone);
    }
    list_remove(&x->node);
    x->all->count--;
    timer_stop(&x->timer);
    drop_wd(x->all, &x->file_wd);
    drop_wd(x->all, &x->folder_wd);
    for (size_t i = 0; i < PIDFDS_MAX; i++)
        exit_drop(&x->exits[i]);
    probe_free(x->probe);
    free(x->key);
    free(x);
}

static json_t *observation(const struct watch *x, const struct probe_result *result)
{
    json_t *o = probe_result_to_json(result);
    json_object_set_new(o, "since", json_integer(x->since));
    return o;
}

static void tell(struct watch *x, const struct probe_result *result)
{
    json_t *event = observation(x, result);
    json_object_set_new(event, "event", json_string("watch"));
    json_object_set_new(event, "watch", json_string(x->key));
    x->told = time_monotonic();
    x->all->handlers.tell(x->all->handlers.userdata, x->to.session, event);
    json_decref(event);
}

static void schedule(struct watch *x, const struct probe_result *result)
{
    usec_t next = usec_min(x->looked + x->every, result->again == USEC_NEVER ? USEC_NEVER : result->again + USEC_MSEC);
    if (x->candidate != x->holds)
        next = usec_min(next, x->candidate_since + x->hold_for);
    if (x->holds != HOLDS && x->refresh)
        next = usec_min(next, x->told + x->refresh);
    if (x->probe->sees_processes && x->holds != HOLDS)
        next = usec_min(next, x->looked + PROCESS_WAIT);
    timer_set(x->all->site.loop, &x->timer, usec_max(next, x->looked + LOOK_AT_MOST_EVERY), look_now, x);
}

static void looked(void *userdata, const struct probe_result *result)
{
    struct watch *x = userdata;
    struct watches *w = x->all;
    usec_t now = time_monotonic();
    if (!x->seen) {
        x->seen = true;
        x->holds = x->candidate = result->holds;
        x->since = x->told = now;
        json_t *answer = observation(x, result);
        struct reply_to to = x->to;
        w->handlers.answer(w->handlers.userdata, &to, answer, NULL);
        json_decref(answer);
        if (!x->key) { /* a single look; freed by the loop, for the probe is still on the stack */
            x->every = USEC_NEVER;
            timer_set(w->site.loop, &x->timer, 0, look_now, x);
            return;
        }
    }
    if (result->holds == x->holds)
        x->candidate = x->holds;
    else if (result->holds != x->candidate) {
        x->candidate = result->holds;
        x->candidate_since = x->looked;
    }
    if (x->candidate != x->holds && now - x->candidate_since >= x->hold_for) {
        x->holds = x->candidate;
        x->since = x->candidate_since;
        tell(x, result);
    } else if (x->holds != HOLDS && x->refresh && now - x->told >= x->refresh)
        tell(x, result);
    watch_file(x);
    watch_processes(x);
    schedule(x, result);
}

static void look_now(void *userdata)
{
    struct watch *x = userdata;
    if (!x->key && x->seen) {
        watch_free(x);
        return;
    }
    if (x->probe->looking)
        return; /* its end schedules the next one */
    x->looked = time_monotonic();
    watch_file(x); /* before looking, so that nothing falls between */
    probe_look(x->probe, looked, x);
}

struct watches *watches_new(const struct probe_site *site, const struct watches_handlers *handlers)
{
    struct watches *w = mem_new(struct watches);
    w->site = *site;
    w->handlers = *handlers;
    list_init(&w->all);
    w->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC); /* without it, polling is all there is */
    if (w->inotify >= 0)
        source_add(site->loop, &w->source, w->inotify, EPOLLIN, inotify_ready, w, NULL);
    return w;
}

void watches_free(struct watches *w)
{
    if (!w)
        return;
    while (!list_empty(&w->all))
        watch_free(list_entry(w->all.next, struct watch, node));
    source_remove(&w->source);
    fd_close_cleanup(&w->inotify);
    free(w);
}

static struct watch *watch_new(struct watches *w, const struct reply_to *to, json_t *spec, struct refusal *r)
{
    if (w->count >= WATCHES_MAX) {
        refusal_conflict(r, "watch", "", "there are %d watches already", WATCHES_MAX);
        return NULL;
    }
    struct probe *probe = probe_new(&w->site, spec, r);
    if (!probe)
        return NULL;
    struct watch *x = mem_new(struct watch);
    x->all = w;
    x->to = *to;
    x->probe = probe;
    x->file_wd = x->folder_wd = -1;
    list_append(&w->all, &x->node);
    w->count++;
    return x;
}

int watches_add(struct watches *w, const struct reply_to *to, json_t *order, struct refusal *r)
{
    const char *key = NULL;
    json_t *spec = NULL;
    int64_t every = 1000, hold_for = 0, refresh = 0;
    if (param_id(order, "watch", &key, r) < 0 || param_object(order, "probe", PARAM_REQUIRED, &spec, r) < 0 ||
        param_integer(order, "everyMs", PARAM_OPTIONAL, 10, USEC_DAY / USEC_MSEC, &every, r) < 0 ||
        param_integer(order, "forMs", PARAM_OPTIONAL, 0, USEC_DAY / USEC_MSEC, &hold_for, r) < 0 ||
        param_integer(order, "refreshMs", PARAM_OPTIONAL, 0, USEC_DAY / USEC_MSEC, &refresh, r) < 0)
        return -1;
    struct watch *x = watch_new(w, to, spec, r);
    if (!x)
        return -1;
    watches_remove(w, to->session, key);
    x->key = mem_strdup(key);
    x->every = every * USEC_MSEC;
    x->hold_for = hold_for * USEC_MSEC;
    x->refresh = refresh * USEC_MSEC;
    look_now(x);
    return 0;
}

int watches_probe_once(struct watches *w, const struct reply_to *to, json_t *spec, struct refusal *r)
{
    struct watch *x = watch_new(w, to, spec, r);
    if (!x)
        return -1;
    look_now(x);
    return 0;
}

bool watches_remove(struct watches *w, uint64_t session, const char *key)
{
    for (struct list *n = w->all.next; n != &w->all; n = n->next) {
        struct watch *x = list_entry(n, struct watch, node);
        if (x->to.session == session && x->key && str_equal(x->key, key)) {
            watch_free(x);
            return true;
        }
    }
    return false;
}

void watches_remove_session(struct watches *w, uint64_t session)
{
    for (struct list *n = w->all.next; n != &w->all;) {
        struct watch *x = list_entry(n, struct watch, node);
        n = n->next;
        if (x->to.session == session)
            watch_free(x);
    }
}

json_t *watches_list(const struct watches *w, uint64_t session)
{
    json_t *list = json_array();
    for (struct list *n = w->all.next; n != &w->all; n = n->next) {
        struct watch *x = list_entry(n, struct watch, node);
        if (x->to.session == session && x->key && x->seen)
            json_array_append_new(list, json_pack("{s:s, s:o, s:I}", "watch", x->key, "holds",
                                                  x->holds == HOLDS_UNKNOWN ? json_null() : json_boolean(x->holds == HOLDS),
                                                  "since", (json_int_t)x->since));
    }
    return list;
}
