#include "methods/method.h"

#include "base/str.h"

static const struct method *const methods[] = {
    &method_heartbeat_block, &method_kill_process, &method_process_freeze, &method_config_modify, &method_file_corrupt,
};

const struct method *method_find(const char *name)
{
    for (size_t i = 0; i < array_len(methods); i++)
        if (str_equal(methods[i]->name, name))
            return methods[i];
    return NULL;
}

const struct method *method_find_command(const char *command)
{
    for (size_t i = 0; i < array_len(methods); i++)
        if (str_equal(methods[i]->command, command))
            return methods[i];
    return NULL;
}

const struct method *method_at(size_t index)
{
    return index < array_len(methods) ? methods[index] : NULL;
}
