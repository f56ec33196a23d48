/* shell/codec.h — how objects of a kind become structs of api/, for whoever handles them all alike. */
#pragma once

#include "api/json.h"
#include "api/kind.h"

/* The struct's first member is `json_t *root`, the only thing that it holds: a copy with another reference to it is one more of them. */
struct codec {
    size_t size;                                                 /* of the struct; 0: there is none of this kind */
    int (*decode)(json_t *object, void *ret, struct error *err); /* into a zeroed struct; as api's *_decode() */
};
const struct codec *codec_of(enum kind kind);
