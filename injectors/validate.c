#include "validate.h"

#include "base/str.h"
#include "file.h"

#include <errno.h>
#include <jansson.h>
#include <yaml.h>

const char *const validate_names[] = {"Raw", "YAML", "JSON", "SafeTensors", "Python", NULL};

static int validate_yaml(const char *text, size_t n, struct error *err)
{
    yaml_parser_t parser;
    yaml_event_t event;
    if (!yaml_parser_initialize(&parser))
        return error_set(err, ERROR_INTERNAL, "no YAML parser");
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, n);
    int rc = 0;
    for (bool over = false; !over && rc == 0;) {
        if (!yaml_parser_parse(&parser, &event)) {
            rc = error_set(err, ERROR_INVALID, "no YAML, line %zu: %s", parser.problem_mark.line + 1,
                           parser.problem ? parser.problem : "unreadable");
            break;
        }
        over = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return rc;
}

static int validate_json(const char *text, size_t n, struct error *err)
{
    json_error_t where;
    json_t *value = json_loadb(text, n, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &where);
    if (!value)
        return error_set(err, ERROR_INVALID, "no JSON, line %d: %s", where.line, where.text);
    json_decref(value);
    return 0;
}

/* The format's README (huggingface/safetensors): 8 bytes of length, little endian; a JSON object; then the tensors without gaps or
 * overlaps, each at data_offsets [begin, end) from the end of the header. */
static int validate_safetensors(int fd, struct error *err)
{
    enum { HEADER_MAX = 100 * 1000 * 1000 };
    struct stat st;
    auto_free char *head = NULL;
    auto_free char *text = NULL;
    if (fstat(fd, &st) < 0)
        return error_errno(err, errno, "stat");
    if (st.st_size < 10 || file_read_range(fd, 0, 8, &head, err) < 0)
        return error_set(err, ERROR_INVALID, "no SafeTensors: %lld bytes", (long long)st.st_size);
    uint64_t length = 0;
    for (int i = 7; i >= 0; i--)
        length = length << 8 | (unsigned char)head[i];
    if (length > HEADER_MAX || length > (uint64_t)st.st_size - 8)
        return error_set(err, ERROR_INVALID, "no SafeTensors: the header's length is %llu", (unsigned long long)length);
    if (file_read_range(fd, 8, (size_t)length, &text, err) < 0)
        return -1;
    json_error_t where;
    json_t *header = json_loadb(text, (size_t)length, JSON_REJECT_DUPLICATES, &where), *tensor;
    if (!json_is_object(header)) {
        json_decref(header);
        return error_set(err, ERROR_INVALID, "no SafeTensors: its header is no JSON object");
    }
    int64_t data = st.st_size - 8 - (int64_t)length, covered = 0;
    const char *name;
    int rc = 0;
    json_object_foreach(header, name, tensor)
    {
        if (str_equal(name, "__metadata__"))
            continue;
        const json_t *offsets = json_object_get(tensor, "data_offsets");
        int64_t begin = json_integer_value(json_array_get(offsets, 0)), end = json_integer_value(json_array_get(offsets, 1));
        if (!json_is_string(json_object_get(tensor, "dtype")) || !json_is_array(json_object_get(tensor, "shape")) ||
            json_array_size(offsets) != 2 || begin < 0 || end < begin || end > data) {
            rc = error_set(err, ERROR_INVALID, "no SafeTensors: the entry of tensor %.60s is wrong", name);
            break;
        }
        covered += end - begin;
    }
    json_decref(header);
    if (rc == 0 && covered != data)
        rc = error_set(err, ERROR_INVALID, "no SafeTensors: its tensors have %lld bytes, the file holds %lld", (long long)covered,
                       (long long)data);
    return rc;
}

int validate_file(enum validate_kind kind, int fd, struct error *err)
{
    auto_free char *text = NULL;
    size_t n;
    switch (kind) {
    case VALIDATE_RAW:
        return 0;
    case VALIDATE_SAFETENSORS:
        return validate_safetensors(fd, err);
    case VALIDATE_PYTHON:
        return error_set(err, ERROR_INVALID, "Python cannot be checked here");
    case VALIDATE_YAML:
        return file_read_all(fd, VALIDATE_TEXT_MAX, &text, &n, err) < 0 ? -1 : validate_yaml(text, n, err);
    case VALIDATE_JSON:
        return file_read_all(fd, VALIDATE_TEXT_MAX, &text, &n, err) < 0 ? -1 : validate_json(text, n, err);
    }
    return 0;
}
