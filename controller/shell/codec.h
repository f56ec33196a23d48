/* shell/codec.h — how objects of a kind become structs of api/, for whoever handles them all alike. */
#pragma once

#include "api/json.h"
#include "api/kind.h"

struct codec {
    size_t
        size; /* of the struct; its first member is `json_t *root`, the only thing that it holds. 0: of this kind there is none */
    int (*decode)(json_t *object, void *ret, struct error *err); /* into a zeroed struct; as api's *_decode() */
};
const struct codec *codec_of(enum kind kind);
