#include "snapshot.h"

#include "base/rfc3339.h"
#include "base/str.h"
#include "crash.h"
#include "file.h"
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define INDEX_MAX ((size_t)256 * 1024)

struct snapshots {
    char *path; /* <dir>/snapshots */
    json_t *
        facets; /* facet → {"facet","path","seen":"<inode, size, times>","items":[{sha256,bytes,mode,takenAt,mono}]}, newest first */
};

static bool is_facet(const char *name)
{
    size_t n = strlen(name);
    return n >= 1 && n <= 63 && name[0] != '.' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == n;
}

struct snapshots *snapshots_open(const char *dir, struct error *err)
{
    auto_fd int fd = store_open(dir, "snapshots", err);
    if (fd < 0)
        return NULL;
    struct snapshots *s = mem_new(struct snapshots);
    s->path = mem_printf("%s/snapshots", dir);
    s->facets = json_object();
    auto_strlist struct strlist names = {0};
    store_list(fd, &names, NULL);
    for (size_t i = 0; i < names.count && i < SNAPSHOT_FACETS_MAX; i++) {
        auto_fd int folder = is_facet(names.items[i]) ? store_open(s->path, names.items[i], NULL) : -1;
        json_t *index = folder < 0 ? NULL : store_read_json(folder, "index.json", INDEX_MAX, NULL);
        if (json_is_array(json_object_get(index, "items")))
            json_object_set(s->facets, names.items[i], index);
        json_decref(index);
    }
    return s;
}

void snapshots_close(struct snapshots *s)
{
    if (!s)
        return;
    json_decref(s->facets);
    free(s->path);
    free(s);
}

static json_t *newest(const struct snapshots *s, const char *facet)
{
    return json_array_get(json_object_get(json_object_get(s->facets, facet), "items"), 0);
}

static char *signature(const struct stat *st)
{
    return mem_printf("%llu:%llu:%lld:%lld.%09ld:%lld.%09ld", (unsigned long long)st->st_dev, (unsigned long long)st->st_ino,
                      (long long)st->st_size, (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec, (long long)st->st_ctim.tv_sec,
                      st->st_ctim.tv_nsec);
}

/* Copies in pieces under a temporary name, with the digest. */
static int copy(int from, int folder, int64_t bytes, char ret_hex[SHA256_HEX_SIZE], struct error *err)
{
    enum { PIECE = 256 * 1024 };
    auto_fd int to = openat(folder, ".copy.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    auto_free char *piece = NULL;
    struct sha256 sha;
    if (to < 0)
        return error_errno(err, errno, "create a snapshot");
    sha256_init(&sha);
    for (int64_t at = 0; at < bytes;) {
        size_t n = bytes - at < PIECE ? (size_t)(bytes - at) : PIECE;
        free(piece);
        piece = NULL;
        if (file_read_range(from, at, n, &piece, err) < 0 || file_write_range(to, at, piece, n, -1, err) < 0)
            return -1;
        sha256_update(&sha, piece, n);
        at += (int64_t)n;
    }
    sha256_finish(&sha, ret_hex);
    return fdatasync(to) < 0 ? error_errno(err, errno, "sync a snapshot") : 0;
}

static json_t *result_of(const char *facet, const json_t *item, bool changed)
{
    return json_pack("{s:s, s:O, s:O, s:O, s:O, s:b}", "facet", facet, "sha256", json_object_get(item, "sha256"), "bytes",
                     json_object_get(item, "bytes"), "takenAt", json_object_get(item, "takenAt"), "mono",
                     json_object_get(item, "mono"), "changed", changed);
}

/* The item becomes the newest; what is too old goes, bytes after the index. */
static int remember(struct snapshots *s, const struct snapshot_order *order, int folder, const char *seen, json_t *item,
                    struct error *err)
{
    json_t *index = json_object_get(s->facets, order->facet), *items = json_array(), *old;
    const char *sha = json_string_value(json_object_get(item, "sha256"));
    size_t at;
    json_array_append(items, item);
    json_array_foreach(json_object_get(index, "items"), at,
                       old) if (!str_equal(sha, json_string_value(json_object_get(old, "sha256"))) &&
                                json_array_size(items) < (size_t)order->keep) json_array_append(items, old);
    json_t *fresh = json_pack("{s:s, s:s, s:s, s:o}", "facet", order->facet, "path", order->path, "seen", seen, "items", items);
    if (store_write_json(folder, "index.json", fresh, true, err) < 0) {
        json_decref(fresh);
        return -1;
    }
    json_object_set_new(s->facets, order->facet, fresh);
    auto_strlist struct strlist names = {0}, kept = {0};
    strlist_add(&kept, "index.json");
    json_array_foreach(items, at, old) strlist_add(&kept, json_string_value(json_object_get(old, "sha256")));
    store_list(folder, &names, NULL);
    for (size_t i = 0; i < names.count; i++)
        if (!strlist_has(&kept, names.items[i]))
            store_remove(folder, names.items[i]);
    return 0;
}

int snapshots_take(struct snapshots *s, const struct snapshot_order *order, json_t **ret_result, struct refusal *r)
{
    struct stat before, after;
    char hex[SHA256_HEX_SIZE], when[RFC3339_SIZE];
    if (!is_facet(order->facet))
        return refusal_text(r, "facet", order->facet, "facet wants 1 to 63 letters, digits, \"-\", \"_\" or \".\"");
    if (!json_object_get(s->facets, order->facet) && json_object_size(s->facets) >= SNAPSHOT_FACETS_MAX)
        return refusal_conflict(r, "facet", order->facet, "there are snapshots of %d facets already", SNAPSHOT_FACETS_MAX);
    if (fstat(order->fd, &before) < 0)
        return error_errno(&r->error, errno, "%s", order->path);
    if (before.st_size > SNAPSHOT_BYTES_MAX)
        return refusal_text(r, "path", order->path, "the file has %lld bytes; snapshots hold at most %lld",
                            (long long)before.st_size, (long long)SNAPSHOT_BYTES_MAX);
    auto_free char *seen = signature(&before);
    const json_t *index = json_object_get(s->facets, order->facet);
    if (str_equal(seen, json_string_value(json_object_get(index, "seen"))) && newest(s, order->facet)) {
        *ret_result = result_of(order->facet, newest(s, order->facet), false);
        return 0;
    }
    if (validate_file(order->validate, order->fd, &r->error) < 0)
        return error_wrap(&r->error, "%s is not kept", order->path);
    auto_fd int folder = store_open(s->path, order->facet, &r->error);
    if (folder < 0 || copy(order->fd, folder, before.st_size, hex, &r->error) < 0)
        return -1;
    auto_free char *seen_after = fstat(order->fd, &after) == 0 ? signature(&after) : NULL;
    if (!str_equal(seen, seen_after))
        return refusal_conflict(r, "path", order->path, "the file changed while it was read; try again");
    bool changed = !str_equal(hex, json_string_value(json_object_get(newest(s, order->facet), "sha256")));
    crash_point();
    if (renameat(folder, ".copy.new", folder, hex) < 0)
        return error_errno(&r->error, errno, "keep a snapshot");
    crash_point();
    json_t *item = json_pack("{s:s, s:I, s:i, s:s, s:I}", "sha256", hex, "bytes", (json_int_t)before.st_size, "mode",
                             (int)(before.st_mode & 07777), "takenAt", rfc3339_format_micro(time_wall(), when), "mono",
                             (json_int_t)time_monotonic());
    int rc = remember(s, order, folder, seen, item, &r->error);
    if (rc == 0)
        *ret_result = result_of(order->facet, item, changed);
    json_decref(item);
    return rc;
}

int snapshots_find(struct snapshots *s, const char *facet, const char *sha256, struct snapshot *ret_snapshot, struct refusal *r)
{
    const json_t *items = json_object_get(json_object_get(s->facets, facet), "items");
    json_t *item, *found = NULL;
    size_t at;
    char hex[SHA256_HEX_SIZE];
    json_array_foreach(items, at,
                       item) if (!found && (!sha256 || str_equal(sha256, json_string_value(json_object_get(item, "sha256")))))
        found = item;
    if (!found) {
        refusal_text(r, sha256 ? "sha256" : "facet", sha256 ? sha256 : facet, "there is no such snapshot of %s", facet);
        r->error.class = ERROR_NOT_FOUND;
        return -1;
    }
    const char *wanted = json_string_value(json_object_get(found, "sha256"));
    auto_fd int folder = store_open(s->path, facet, &r->error);
    auto_fd int fd = folder < 0 ? -1 : openat(folder, wanted, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return error_errno(&r->error, errno, "snapshot %s", wanted);
    if (file_digest(fd, hex, &r->error) < 0)
        return -1;
    if (!str_equal(hex, wanted))
        return error_set(&r->error, ERROR_INTERNAL, "the snapshot %s of %s holds other bytes (%s)", wanted, facet, hex);
    str_copy(ret_snapshot->sha256, sizeof ret_snapshot->sha256, wanted);
    ret_snapshot->bytes = json_integer_value(json_object_get(found, "bytes"));
    ret_snapshot->mode = (mode_t)json_integer_value(json_object_get(found, "mode"));
    ret_snapshot->fd = fd;
    fd = -1;
    return 0;
}

bool snapshots_latest(struct snapshots *s, const char *facet, char ret_sha256[SHA256_HEX_SIZE])
{
    const char *hex = json_string_value(json_object_get(newest(s, facet), "sha256"));
    return hex && str_copy(ret_sha256, SHA256_HEX_SIZE, hex);
}

json_t *snapshots_list(const struct snapshots *s)
{
    json_t *list = json_array(), *index;
    const char *facet;
    json_object_foreach(s->facets, facet, index)
    {
        json_t *item = newest(s, facet);
        if (!item)
            continue;
        json_t *one = result_of(facet, item, false);
        json_object_del(one, "changed");
        json_object_set(one, "path", json_object_get(index, "path"));
        json_object_set_new(one, "kept", json_integer((json_int_t)json_array_size(json_object_get(index, "items"))));
        json_array_append_new(list, one);
    }
    return list;
}
