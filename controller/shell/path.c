#include "shell/path.h"

#include "base/str.h"

bool path_append(struct buf *b, const struct key *key, const char *sub)
{
    const struct kind_info *info = kind_info(key->kind);
    buf_append_str(b, info->prefix);
    if (info->namespaced && !str_empty(key->ns)) {
        buf_append_str(b, "/namespaces/");
        path_append_escaped(b, key->ns);
    }
    buf_printf(b, "/%s", info->plural);
    if (!str_empty(key->name)) {
        buf_append_char(b, '/');
        path_append_escaped(b, key->name);
    }
    if (sub)
        buf_printf(b, "/%s", sub);
    return !b->overflowed;
}

bool path_append_escaped(struct buf *b, const char *s)
{
    for (; *s; s++) {
        bool plain = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9') || strchr("-._~", *s);
        if (plain)
            buf_append_char(b, *s);
        else
            buf_printf(b, "%%%02X", (unsigned char)*s);
    }
    return !b->overflowed;
}
