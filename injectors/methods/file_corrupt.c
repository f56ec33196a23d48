/* FileCorrupt: other bytes in a part of a file. Each is xored with a stream that is never zero, so every byte of the part differs; the
 * same seed makes the same bytes. */
#include "methods/overwrite.h"
#include "param.h"

#include "base/random.h"
#include "file.h"

static int read_range(const json_t *params, int64_t *ret_offset, int64_t *ret_count, int64_t *ret_seed, struct refusal *r)
{
    *ret_offset = 0;
    *ret_seed = 1;
    *ret_count = 64;
    return param_integer(params, "params.offset", PARAM_OPTIONAL, 0, INT64_MAX / 2, ret_offset, r) < 0 ||
                   param_integer(params, "params.count", PARAM_OPTIONAL, 1, (int64_t)OVERWRITE_RANGE_MAX, ret_count, r) < 0 ||
                   param_integer(params, "params.seed", PARAM_OPTIONAL, INT64_MIN, INT64_MAX, ret_seed, r) < 0
               ? -1
               : 0;
}

static int validate(const json_t *params, struct refusal *r)
{
    const char *path;
    int64_t offset, count, seed;
    return param_path(params, "params.path", PARAM_REQUIRED, &path, r) < 0 ? -1 : read_range(params, &offset, &count, &seed, r);
}

static int plan(const struct site *site, const json_t *params, json_t **ret_undo, json_t **ret_detail, struct refusal *r)
{
    const char *path = json_string_value(json_object_get(params, "path"));
    int64_t offset, count, seed;
    auto_fd int fd = -1;
    struct stat st;
    if (read_range(params, &offset, &count, &seed, r) < 0 || overwrite_open(site, path, &fd, &st, r) < 0)
        return -1;
    if (st.st_size < offset + count)
        return refusal_field(r, "params.count", json_object_get(params, "count"),
                             "%s has %lld bytes: the range from %lld on must end within it", path, (long long)st.st_size,
                             (long long)offset);
    auto_free char *old_bytes = NULL;
    if (file_read_range(fd, offset, (size_t)count, &old_bytes, &r->error) < 0)
        return -1;
    auto_free char *new_bytes = mem_alloc((size_t)count + 1);
    struct random random;
    random_init(&random, (uint64_t)seed);
    for (int64_t i = 0; i < count; i++)
        new_bytes[i] = (char)(old_bytes[i] ^ (char)(1 + random_below(&random, 255)));
    struct overwrite o = {path, offset, old_bytes, new_bytes, (size_t)count, (size_t)count};
    return overwrite_plan(site, &o, fd, ret_undo, ret_detail, r);
}

static const struct method_option options[] = {
    {"--file", "path", OPTION_TEXT, "the file, by its path in the target"},
    {"--offset", "offset", OPTION_INTEGER, "first byte to change (default 0)"},
    {"--count", "count", OPTION_INTEGER, "how many bytes (default 64)"},
    {"--seed", "seed", OPTION_INTEGER, "the same seed makes the same bytes (default 1)"},
    {0},
};

const struct method method_file_corrupt = {
    .name = "FileCorrupt",
    .command = "file-corrupt",
    .summary = "change every byte in a part of a file",
    .options = options,
    .validate = validate,
    .plan = plan,
    .apply = overwrite_apply,
    .seen = overwrite_seen,
    .hold = overwrite_hold,
    .revert = overwrite_revert,
};
