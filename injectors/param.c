#include "param.h"

#include "base/buf.h"
#include "base/str.h"

#include <signal.h>

static const json_t *look_up(const json_t *object, const char *field)
{
    const char *dot = strrchr(field, '.');
    const json_t *value = json_object_get(object, dot ? dot + 1 : field);
    return json_is_null(value) ? NULL : value;
}

/* 1: there; 0: absent and optional; -1: refused. */
static int present(const json_t *value, const char *field, enum param_need need, const char *what, struct refusal *r)
{
    if (value)
        return 1;
    return need == PARAM_OPTIONAL ? 0 : refusal_field(r, field, NULL, "%s is missing; it wants %s", field, what);
}

int param_text(const json_t *object, const char *field, enum param_need need, const char **ret_text, struct refusal *r)
{
    const json_t *value = look_up(object, field);
    int there = present(value, field, need, "a string", r);
    if (there <= 0)
        return there;
    if (!json_is_string(value) || (need == PARAM_REQUIRED && json_string_length(value) == 0))
        return refusal_field(r, field, value, "%s wants a string that is not empty", field);
    *ret_text = json_string_value(value);
    return 0;
}

int param_path(const json_t *object, const char *field, enum param_need need, const char **ret_path, struct refusal *r)
{
    const char *path = NULL;
    if (param_text(object, field, need, &path, r) < 0)
        return -1;
    if (!path)
        return 0;
    size_t n = strlen(path);
    bool dots = strstr(path, "/../") || strstr(path, "/./") || str_ends(path, "/..") || str_ends(path, "/.");
    if (path[0] != '/' || n < 2 || n > 4095 || dots)
        return refusal_text(r, field, path,
                            "%s wants an absolute path without \".\" and \"..\", for example \"/etc/app/config.yaml\"", field);
    *ret_path = path;
    return 0;
}

int param_id(const json_t *object, const char *field, const char **ret_id, struct refusal *r)
{
    const char *id = NULL;
    if (param_text(object, field, PARAM_REQUIRED, &id, r) < 0)
        return -1;
    size_t n = strlen(id);
    for (size_t i = 0; i < n; i++)
        if (n > 253 || id[i] <= ' ' || id[i] > '~')
            return refusal_text(r, field, id, "%s wants 1 to 253 printable ASCII characters without blanks", field);
    *ret_id = id;
    return 0;
}

int param_integer(const json_t *object, const char *field, enum param_need need, int64_t min, int64_t max, int64_t *ret_value,
                  struct refusal *r)
{
    const json_t *value = look_up(object, field);
    int there = present(value, field, need, "a whole number", r);
    if (there <= 0)
        return there;
    int64_t n = json_integer_value(value);
    if (!json_is_integer(value) || n < min || n > max)
        return refusal_field(r, field, value, "%s wants a whole number from %lld to %lld", field, (long long)min, (long long)max);
    *ret_value = n;
    return 0;
}

int param_number(const json_t *object, const char *field, enum param_need need, double *ret_value, struct refusal *r)
{
    const json_t *value = look_up(object, field);
    int there = present(value, field, need, "a number", r);
    if (there <= 0)
        return there;
    if (!json_is_number(value))
        return refusal_field(r, field, value, "%s wants a number", field);
    *ret_value = json_number_value(value);
    return 0;
}

int param_flag(const json_t *object, const char *field, bool *ret_flag, struct refusal *r)
{
    const json_t *value = look_up(object, field);
    if (!value)
        return 0;
    if (!json_is_boolean(value))
        return refusal_field(r, field, value, "%s wants true or false", field);
    *ret_flag = json_is_true(value);
    return 0;
}

int param_object(const json_t *object, const char *field, enum param_need need, json_t **ret_object, struct refusal *r)
{
    const json_t *value = look_up(object, field);
    int there = present(value, field, need, "an object", r);
    if (there <= 0)
        return there;
    if (!json_is_object(value))
        return refusal_field(r, field, value, "%s wants an object", field);
    *ret_object = (json_t *)(uintptr_t)value;
    return 0;
}

int param_choice(const json_t *object, const char *field, enum param_need need, const char *const names[], int *ret_choice,
                 struct refusal *r)
{
    const json_t *value = look_up(object, field);
    auto_buf struct buf list;
    buf_init(&list, 512);
    for (int i = 0; names[i]; i++)
        buf_printf(&list, "%s%s", i == 0 ? "" : names[i + 1] ? ", " : " or ", names[i]);
    int there = present(value, field, need, buf_str(&list), r);
    if (there <= 0)
        return there;
    for (int i = 0; names[i]; i++)
        if (str_equal(json_string_value(value), names[i])) {
            *ret_choice = i;
            return 0;
        }
    return refusal_field(r, field, value, "%s wants %s", field, buf_str(&list));
}

static const struct {
    const char *name;
    int number;
} signals[] = {
    {"TERM", SIGTERM}, {"KILL", SIGKILL}, {"STOP", SIGSTOP}, {"CONT", SIGCONT}, {"INT", SIGINT},   {"QUIT", SIGQUIT},
    {"HUP", SIGHUP},   {"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"ABRT", SIGABRT}, {"SEGV", SIGSEGV},
};

int signal_from_name(const char *name)
{
    if (str_starts(name, "SIG"))
        name += 3;
    for (size_t i = 0; i < array_len(signals); i++)
        if (str_equal(name, signals[i].name))
            return signals[i].number;
    return 0;
}

const char *signal_to_name(int signal_number)
{
    for (size_t i = 0; i < array_len(signals); i++)
        if (signals[i].number == signal_number)
            return signals[i].name;
    return "?";
}

int param_signal(const json_t *object, const char *field, enum param_need need, int *ret_signal, struct refusal *r)
{
    const char *name = NULL;
    if (param_text(object, field, need, &name, r) < 0)
        return -1;
    if (!name)
        return 0;
    int number = signal_from_name(name);
    if (number == 0)
        return refusal_text(r, field, name, "%s wants TERM, KILL, STOP, CONT, INT, QUIT, HUP, USR1, USR2, ABRT or SEGV", field);
    *ret_signal = number;
    return 0;
}
