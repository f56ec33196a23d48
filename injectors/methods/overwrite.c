#include "methods/overwrite.h"

#include "base/str.h"
#include "crash.h"
#include "file.h"
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

int overwrite_open(const struct site *site, const char *path, int *ret_fd, struct stat *ret_status, struct refusal *r)
{
    auto_fd int root = target_root(site->target, &r->error);
    if (root < 0)
        return -1;
    struct refusal why = {0};
    int fd = rootfs_open(root, path, O_RDONLY, ret_status, &why.error);
    if (fd < 0) {
        refusal_text(r, "params.path", path, "%s", why.error.text);
        r->error.class = why.error.class;
        return -1;
    }
    *ret_fd = fd;
    return 0;
}

static json_t *hex_of(const char *bytes, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    auto_free char *hex = mem_array(n, 2);
    for (size_t i = 0; i < n; i++) {
        hex[2 * i] = digits[(unsigned char)bytes[i] >> 4];
        hex[2 * i + 1] = digits[(unsigned char)bytes[i] & 15];
    }
    return json_stringn(hex, 2 * n);
}

/* Short ones stand in the record itself: it reaches the disk with one write, which is two waits for the disk and not six. */
static bool inline_both(const struct overwrite *o)
{
    return o->old_length <= OVERWRITE_INLINE_MAX && o->new_length <= OVERWRITE_INLINE_MAX;
}

static json_t *content(const char *bytes, size_t n, bool here, char ret_hex[SHA256_HEX_SIZE])
{
    sha256_hex(bytes, n, ret_hex);
    return json_pack("{s:s, s:I, s:o*}", "sha256", ret_hex, "bytes", (json_int_t)n, "hex", here ? hex_of(bytes, n) : NULL);
}

static json_t *time_pair(struct timespec t)
{
    return json_pack("[I, I]", (json_int_t)t.tv_sec, (json_int_t)t.tv_nsec);
}

/* Digests of the whole file before and after, for small ones. */
static void add_whole(const struct overwrite *o, int fd, int64_t size, json_t *undo)
{
    auto_free char *bytes = NULL;
    if (size > OVERWRITE_DIGEST_MAX || file_read_range(fd, 0, (size_t)size, &bytes, NULL) < 0)
        return;
    char before[SHA256_HEX_SIZE], after[SHA256_HEX_SIZE];
    sha256_hex(bytes, (size_t)size, before);
    struct sha256 sha;
    sha256_init(&sha);
    sha256_update(&sha, bytes, (size_t)o->offset);
    sha256_update(&sha, o->new_bytes, o->new_length);
    sha256_update(&sha, bytes + o->offset + o->old_length, (size_t)size - (size_t)o->offset - o->old_length);
    sha256_finish(&sha, after);
    json_object_set_new(undo, "whole", json_pack("{s:s, s:s}", "before", before, "after", after));
}

int overwrite_plan(const struct site *site, const struct overwrite *o, int fd, json_t **ret_undo, json_t **ret_detail,
                   struct refusal *r)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return error_errno(&r->error, errno, "%s", o->path);
    struct statvfs fs;
    if (fstatvfs(fd, &fs) == 0 && fs.f_flag & ST_RDONLY)
        return error_set(&r->error, ERROR_FORBIDDEN, "%s lies on a read-only mount (a ConfigMap, a Secret or a read-only root)",
                         o->path);
    if (st.st_mode & (S_ISUID | S_ISGID) || fgetxattr(fd, "security.capability", NULL, 0) > 0)
        return error_set(
            &r->error, ERROR_FORBIDDEN,
            "%s runs with its owner's rights or with capabilities: the kernel takes them off at the first write, and they "
            "could not be given back",
            o->path);
    if (st.st_uid != geteuid() && geteuid() != 0 && !(st.st_mode & (S_IWGRP | S_IWOTH)))
        return error_set(&r->error, ERROR_FORBIDDEN, "%s belongs to user %u, and we are %u", o->path, st.st_uid, geteuid());
    bool here = inline_both(o);
    char old_hex[SHA256_HEX_SIZE], new_hex[SHA256_HEX_SIZE];
    json_t *undo = json_pack("{s:s, s:I, s:I, s:o, s:o, s:i, s:o, s:o}", "path", o->path, "offset", (json_int_t)o->offset, "size",
                             (json_int_t)st.st_size, "old", content(o->old_bytes, o->old_length, here, old_hex), "new",
                             content(o->new_bytes, o->new_length, here, new_hex), "mode", (int)(st.st_mode & 07777), "modified",
                             time_pair(st.st_mtim), "accessed", time_pair(st.st_atim));
    auto_free char *touch = mem_printf("file:%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
    auto_free char *touch_path = mem_printf("path:%s", o->path);
    json_object_set_new(undo, "touches", json_pack("[s, s]", touch, touch_path));
    add_whole(o, fd, st.st_size, undo);
    /* The second one's wait for their folder is for both. */
    if (!here && site->backups >= 0 &&
        (store_write(site->backups, old_hex, o->old_bytes, o->old_length, false, &r->error) < 0 ||
         store_write(site->backups, new_hex, o->new_bytes, o->new_length, true, &r->error) < 0)) {
        json_decref(undo);
        return -1;
    }
    json_t *detail = json_pack("{s:s, s:I, s:I, s:I}", "path", o->path, "offset", (json_int_t)o->offset, "bytes",
                               (json_int_t)o->new_length, "size", (json_int_t)st.st_size);
    const json_t *whole = json_object_get(undo, "whole");
    json_object_set_new(detail, "before", whole ? json_incref(json_object_get(whole, "before")) : json_string(old_hex));
    json_object_set_new(detail, "after", whole ? json_incref(json_object_get(whole, "after")) : json_string(new_hex));
    json_object_set_new(detail, "digestOf", json_string(whole ? "file" : "range"));
    *ret_undo = undo;
    *ret_detail = detail;
    return 0;
}

/* The undo record, decoded. */
struct plan {
    const char *path;
    int64_t offset, size_old, size_new;
    struct buf old_bytes, new_bytes;
    mode_t mode;
    struct stat times;
};

static void plan_done(struct plan *p)
{
    buf_done(&p->old_bytes);
    buf_done(&p->new_bytes);
}
#define auto_plan __attribute__((cleanup(plan_done)))

static struct timespec time_of(const json_t *pair)
{
    return (struct timespec){.tv_sec = (time_t)json_integer_value(json_array_get(pair, 0)),
                             .tv_nsec = (long)json_integer_value(json_array_get(pair, 1))};
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Of what is no hex only the part before it, which its digest then tells. */
static void take_hex(const json_t *hex, struct buf *ret_bytes)
{
    const char *text = json_string_value(hex);
    for (size_t i = 0; i + 1 < json_string_length(hex) && digit(text[i]) >= 0 && digit(text[i + 1]) >= 0; i += 2)
        buf_append_char(ret_bytes, (char)(digit(text[i]) << 4 | digit(text[i + 1])));
}

static int load_backup(const struct site *site, const json_t *content_record, struct buf *ret_bytes, struct error *err)
{
    const char *hex = json_string_value(json_object_get(content_record, "sha256"));
    const json_t *here = json_object_get(content_record, "hex");
    char found[SHA256_HEX_SIZE];
    buf_init(ret_bytes, OVERWRITE_RANGE_MAX);
    if (here)
        take_hex(here, ret_bytes);
    else if (hex && store_read(site->backups, hex, ret_bytes, err) < 0)
        return error_wrap(err, "backup");
    if (!hex)
        return error_set(err, ERROR_INTERNAL, "backup: the undo record has no digest");
    sha256_hex(buf_str(ret_bytes), ret_bytes->len, found);
    return str_equal(hex, found) ? 0 : error_set(err, ERROR_INTERNAL, "backup %s holds other bytes (%s)", hex, found);
}

static int plan_load(struct plan *p, const struct site *site, const json_t *undo, struct error *err)
{
    if (load_backup(site, json_object_get(undo, "old"), &p->old_bytes, err) < 0 ||
        load_backup(site, json_object_get(undo, "new"), &p->new_bytes, err) < 0)
        return -1;
    p->path = json_string_value(json_object_get(undo, "path"));
    p->offset = json_integer_value(json_object_get(undo, "offset"));
    p->size_old = json_integer_value(json_object_get(undo, "size"));
    p->size_new = p->size_old - (int64_t)p->old_bytes.len + (int64_t)p->new_bytes.len;
    p->mode = (mode_t)json_integer_value(json_object_get(undo, "mode"));
    p->times.st_mtim = time_of(json_object_get(undo, "modified"));
    p->times.st_atim = time_of(json_object_get(undo, "accessed"));
    return p->path ? 0 : error_set(err, ERROR_INTERNAL, "the undo record has no path");
}

enum state { STATE_OLD, STATE_NEW, STATE_TORN, STATE_OTHER };

/* A prefix of `front` followed by the rest of `back`: what a write of front over back leaves when it is cut short. */
static bool is_mixed(const char *found, size_t n, const struct buf *front, const struct buf *back)
{
    if (n < back->len || n > (front->len > back->len ? front->len : back->len))
        return false;
    size_t k = 0;
    while (k < n && k < front->len && found[k] == front->data[k])
        k++;
    return k >= n || (k < back->len && n == back->len && memcmp(found + k, back->data + k, n - k) == 0);
}

static bool is_bytes(const char *found, size_t n, const struct buf *want)
{
    return n == want->len && (n == 0 || memcmp(found, want->data, n) == 0);
}

static enum state state_of(const struct plan *p, int fd, struct error *err)
{
    struct stat st;
    auto_free char *found = NULL;
    if (fstat(fd, &st) < 0)
        return STATE_OTHER;
    bool same_length = p->old_bytes.len == p->new_bytes.len;
    size_t n = same_length ? p->old_bytes.len : st.st_size < p->offset ? 0 : (size_t)(st.st_size - p->offset);
    size_t longest = p->old_bytes.len > p->new_bytes.len ? p->old_bytes.len : p->new_bytes.len;
    if (n > longest || st.st_size < p->offset + (int64_t)n || file_read_range(fd, p->offset, n, &found, err) < 0)
        return STATE_OTHER;
    if (is_bytes(found, n, &p->old_bytes))
        return STATE_OLD;
    if (is_bytes(found, n, &p->new_bytes))
        return STATE_NEW;
    return is_mixed(found, n, &p->new_bytes, &p->old_bytes) || is_mixed(found, n, &p->old_bytes, &p->new_bytes) ? STATE_TORN
                                                                                                                : STATE_OTHER;
}

int overwrite_apply(const struct site *site, const json_t *undo, struct error *err)
{
    auto_plan struct plan p = {0};
    if (plan_load(&p, site, undo, err) < 0)
        return -1;
    auto_fd int root = target_root(site->target, err);
    auto_fd int found = root < 0 ? -1 : rootfs_open(root, p.path, O_RDONLY, NULL, err);
    if (found < 0)
        return -1;
    if (state_of(&p, found, err) != STATE_OLD)
        return error_set(err, ERROR_CONFLICT, "%s was changed by somebody else just now", p.path);
    auto_fd int fd = file_open_for_writing(found, err);
    if (fd < 0 || file_write_range(fd, p.offset, buf_str(&p.new_bytes), p.new_bytes.len, p.size_new, err) < 0)
        return error_wrap(err, "%s", p.path);
    return 0;
}

int overwrite_hold(const struct site *site, const json_t *undo)
{
    auto_fd int root = target_root(site->target, NULL);
    return root < 0 ? -1 : rootfs_open(root, json_string_value(json_object_get(undo, "path")), O_RDONLY, NULL, NULL);
}

int overwrite_seen(const struct site *site, const json_t *undo, struct error *err)
{
    auto_plan struct plan p = {0};
    if (plan_load(&p, site, undo, err) < 0)
        return -1;
    auto_fd int root = target_root(site->target, err);
    if (root < 0)
        return -1;
    struct error why = {0};
    auto_fd int fd = rootfs_open(root, p.path, O_RDONLY, NULL, &why);
    return fd >= 0 && state_of(&p, fd, err) == STATE_NEW;
}

static void digest_to(json_t *detail, const char *name, const struct plan *p, const json_t *undo, int fd)
{
    char hex[SHA256_HEX_SIZE];
    auto_free char *range = NULL;
    if (json_object_get(undo, "whole")) {
        if (file_digest(fd, hex, NULL) < 0)
            return;
    } else {
        if (file_read_range(fd, p->offset, p->old_bytes.len, &range, NULL) < 0)
            return;
        sha256_hex(range, p->old_bytes.len, hex);
    }
    json_object_set_new(detail, name, json_string(hex));
}

/* Mode and times, which the bytes alone do not bring back. */
static int put_back(const struct plan *p, int fd, struct error *err)
{
    struct stat st;
    crash_point();
    if (fstat(fd, &st) < 0)
        return error_errno(err, errno, "%s", p->path);
    if ((st.st_mode & 07777) == (p->mode | S_IWUSR) && !(p->mode & S_IWUSR) && fchmod(fd, p->mode) < 0)
        return error_errno(err, errno, "mode of %s", p->path);
    crash_point();
    /* Not its owner: the times stay those of the change. A read-only mount: nothing was changed through it. */
    if (file_set_times(fd, &p->times) < 0 && errno != EPERM && errno != EROFS)
        return error_errno(err, errno, "times of %s", p->path);
    crash_point();
    return fdatasync(fd) < 0 && errno != EROFS ? error_errno(err, errno, "sync %s", p->path) : 0;
}

int overwrite_revert(const struct site *site, const json_t *undo, bool resumed, enum revert_outcome *ret_outcome, json_t *detail,
                     struct error *err)
{
    auto_plan struct plan p = {0};
    if (plan_load(&p, site, undo, err) < 0)
        return -1;
    struct error why = {0};
    auto_fd int root = target_root(site->target, &why);
    if (root < 0 && (site->held < 0 || why.class != ERROR_NOT_FOUND)) {
        *err = why;
        return -1;
    }
    error_clear(&why);
    auto_fd int found = root < 0 ? rootfs_reopen(site->held, O_RDONLY, &why) : rootfs_open(root, p.path, O_RDONLY, NULL, &why);
    *ret_outcome = REVERT_NOT_NEEDED;
    if (found < 0 && (why.class == ERROR_NOT_FOUND || why.class == ERROR_INVALID)) {
        json_object_set_new(detail, "note", json_string("the file is not there any more"));
        return 0;
    }
    if (found < 0) {
        *err = why;
        return -1;
    }
    const json_t *whole = json_object_get(undo, "whole"), *faulted = whole ? json_object_get(whole, "after") : NULL;
    json_object_set_new(detail, "path", json_string(p.path));
    json_object_set(detail, "faulted",
                    faulted ? (json_t *)(uintptr_t)faulted : json_object_get(json_object_get(undo, "new"), "sha256"));
    digest_to(detail, "before", &p, undo, found);
    switch (state_of(&p, found, err)) {
    case STATE_OTHER:
        json_object_set_new(detail, "note",
                            json_string("the file holds neither the fault nor what was there before: somebody else "
                                        "repaired or replaced it, and it is left as it is"));
        digest_to(detail, "after", &p, undo, found);
        return 0;
    case STATE_OLD:
        digest_to(detail, "after", &p, undo, found);
        if (!resumed)
            return 0;
        *ret_outcome = REVERT_DONE;
        return put_back(&p, found, err);
    case STATE_NEW:
    case STATE_TORN:
        break;
    }
    auto_fd int fd = file_open_for_writing(found, err);
    if (fd < 0 || file_write_range(fd, p.offset, buf_str(&p.old_bytes), p.old_bytes.len, p.size_old, err) < 0)
        return error_wrap(err, "%s", p.path);
    if (put_back(&p, fd, err) < 0)
        return -1;
    digest_to(detail, "after", &p, undo, fd);
    *ret_outcome = REVERT_DONE;
    return 0;
}
