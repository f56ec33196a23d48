#include "kube/exec_frame.h"

#include "base/str.h"
#include "kube/status.h"

#include <jansson.h>

void exec_frame_decode(const void *message, size_t n, struct exec_frame *ret_frame)
{
    const unsigned char *bytes = message;
    *ret_frame = (struct exec_frame){.kind = EXEC_FRAME_NOTHING};
    if (n < 2)
        return;
    switch (bytes[0]) {
    case EXEC_STDOUT:
        ret_frame->kind = EXEC_FRAME_STDOUT;
        break;
    case EXEC_STDERR:
        ret_frame->kind = EXEC_FRAME_STDERR;
        break;
    case EXEC_STATUS:
        ret_frame->kind = EXEC_FRAME_STATUS;
        break;
    case EXEC_CLOSE:
        if (n != 2)
            return;
        ret_frame->kind = EXEC_FRAME_CLOSE;
        break;
    default:
        return;
    }
    ret_frame->bytes = bytes + 1;
    ret_frame->n = n - 1;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));
    return s ? s : "";
}

static bool exit_code_of(const json_t *status, int *ret_code)
{
    size_t i;
    json_t *cause;
    json_array_foreach(json_object_get(json_object_get(status, "details"), "causes"), i, cause)
    {
        int64_t code;
        if (str_equal(text_of(cause, "reason"), "ExitCode") && str_to_i64(text_of(cause, "message"), 0, 255, &code)) {
            *ret_code = (int)code;
            return true;
        }
    }
    return false;
}

void exec_status_decode(const void *json, size_t n, struct exec_result *ret_result)
{
    *ret_result = (struct exec_result){.outcome = EXEC_UNKNOWN, .exit_code = -1};
    json_auto_t *status = json_loadb(json, n, 0, NULL);
    const char *word = text_of(status, "status");
    if (str_equal(word, "Success")) {
        ret_result->outcome = EXEC_EXITED;
        ret_result->exit_code = 0;
    } else if (!str_equal(word, "Failure")) {
        error_set(&ret_result->err, ERROR_UNAVAILABLE, "the exec's status cannot be read: how the program ended is unknown");
    } else if (!str_equal(text_of(status, "reason"), "NonZeroExitCode")) {
        ret_result->outcome = EXEC_FAILED;
        status_error_json(status, 0, NULL, &ret_result->err);
    } else if (exit_code_of(status, &ret_result->exit_code)) {
        ret_result->outcome = EXEC_EXITED;
    } else {
        error_set(&ret_result->err, ERROR_UNAVAILABLE, "the exec's status has no exit code from 0 to 255");
    }
}
