/* The probe "file" {path, exists, sha256, equalsSnapshot, differsFromSnapshot, parses}: holds when all that is asked is so. The value is
 * the size in bytes. */
#include "file.h"
#include "probe.h"
#include "snapshot.h"
#include "validate.h"

#include "base/str.h"

#include <fcntl.h>

struct file_state {
    bool exists;
    const char *sha256, *facet; /* of the snapshot */
    bool differs;               /* it must not equal it */
    enum validate_kind parses;
    struct stat digested; /* what `digest` was made of */
    char digest[SHA256_HEX_SIZE];
};

static int init(struct probe *p, json_t *spec, struct refusal *r)
{
    struct file_state *s = mem_new(struct file_state);
    s->exists = true;
    int parses = VALIDATE_RAW;
    const char *differs = NULL;
    if (param_path(spec, "probe.file.path", PARAM_REQUIRED, &p->path, r) < 0 ||
        param_flag(spec, "probe.file.exists", &s->exists, r) < 0 ||
        param_text(spec, "probe.file.sha256", PARAM_OPTIONAL, &s->sha256, r) < 0 ||
        param_text(spec, "probe.file.equalsSnapshot", PARAM_OPTIONAL, &s->facet, r) < 0 ||
        param_text(spec, "probe.file.differsFromSnapshot", PARAM_OPTIONAL, &differs, r) < 0 ||
        (s->facet && differs &&
         refusal_text(r, "probe.file.differsFromSnapshot", differs, "give it or equalsSnapshot, not both")) ||
        param_choice(spec, "probe.file.parses", PARAM_OPTIONAL, validate_names, &parses, r) < 0) {
        free(s);
        return -1;
    }
    s->differs = differs != NULL;
    s->facet = differs ? differs : s->facet;
    s->parses = (enum validate_kind)parses;
    p->state = s;
    return 0;
}

/* A file that has not changed by its inode, size and times is not read again. */
static int digest(struct file_state *s, int fd, const struct stat *st, struct error *err)
{
    if (s->digest[0] && s->digested.st_ino == st->st_ino && s->digested.st_dev == st->st_dev &&
        s->digested.st_size == st->st_size && memcmp(&s->digested.st_mtim, &st->st_mtim, sizeof st->st_mtim) == 0 &&
        memcmp(&s->digested.st_ctim, &st->st_ctim, sizeof st->st_ctim) == 0)
        return 0;
    s->digest[0] = '\0';
    if (file_digest(fd, s->digest, err) < 0)
        return -1;
    s->digested = *st;
    return 0;
}

static void look_inside(struct probe *p, int fd, const struct stat *st)
{
    struct file_state *s = p->state;
    struct error err = {0};
    char wanted[SHA256_HEX_SIZE];
    p->result.has_value = true;
    p->result.value = (double)st->st_size;
    if ((s->sha256 || s->facet) && digest(s, fd, st, &err) < 0) {
        probe_finish(p, HOLDS_UNKNOWN, NULL, "%s cannot be read: %s", p->path, err.text);
        return;
    }
    json_t *evidence =
        json_pack("{s:s, s:I, s:I}", "path", p->path, "bytes", (json_int_t)st->st_size, "modified", (json_int_t)st->st_mtim.tv_sec);
    if (s->digest[0])
        json_object_set_new(evidence, "sha256", json_string(s->digest));
    if (s->sha256 && !str_equal(s->sha256, s->digest)) {
        probe_finish(p, HOLDS_NOT, evidence, "%s has SHA-256 %.12s…, not %.12s…", p->path, s->digest, s->sha256);
        return;
    }
    if (s->facet && (!p->site.snapshots || !snapshots_latest(p->site.snapshots, s->facet, wanted))) {
        probe_finish(p, HOLDS_UNKNOWN, evidence, "there is no snapshot of %s yet", s->facet);
        return;
    }
    if (s->facet) {
        json_object_set_new(evidence, "snapshot", json_string(wanted));
        if (str_equal(wanted, s->digest) == s->differs) {
            probe_finish(p, HOLDS_NOT, evidence, "%s %s the last good snapshot of %s", p->path,
                         s->differs ? "equals" : "differs from", s->facet);
            return;
        }
    }
    if (s->parses == VALIDATE_PYTHON) {
        probe_finish(p, HOLDS_UNKNOWN, evidence, "Python is not parsed here: run \"python3 -m py_compile\" by an exec probe");
        return;
    }
    if (validate_file(s->parses, fd, &err) < 0) {
        probe_finish(p, HOLDS_NOT, evidence, "%s: %s", p->path, err.text);
        return;
    }
    probe_finish(p, HOLDS, evidence, "%s is as it should be", p->path);
}

static void look(struct probe *p)
{
    struct file_state *s = p->state;
    struct error err = {0};
    struct stat st;
    auto_fd int root = target_root(p->site.target, &err);
    if (root < 0) {
        probe_finish(p, HOLDS_UNKNOWN, NULL, "%s", err.text);
        return;
    }
    auto_fd int fd = rootfs_open(root, p->path, O_RDONLY, &st, &err);
    if (fd < 0 && err.class == ERROR_NOT_FOUND)
        probe_finish(p, s->exists ? HOLDS_NOT : HOLDS, NULL, "%s is not there", p->path);
    else if (!s->exists && (fd >= 0 || err.class == ERROR_INVALID))
        probe_finish(p, HOLDS_NOT, NULL, "%s is there", p->path);
    else if (fd < 0)
        probe_finish(p, HOLDS_UNKNOWN, NULL, "%s", err.text);
    else
        look_inside(p, fd, &st);
}

static void free_state(struct probe *p)
{
    free(p->state);
}

const struct probe_kind probe_file = {"file", init, look, free_state};
