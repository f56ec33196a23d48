/* shell/retry.h — what an error of a write means for the key that asked for it: the one place where a class decides. Pure. */
#pragma once

#include "base/error.h"

enum retry {
    RETRY_DONE,    /* it is as wanted: look at what there is */
    RETRY_LOOK,    /* what was decided from is old: decide anew once something newer was seen */
    RETRY_FORGET,  /* what it was about is gone */
    RETRY_BACKOFF, /* try again, later and later */
    RETRY_AFTER,   /* try again when the server said */
    RETRY_SLOWLY,  /* a person must act; try now and then */
    RETRY_STOP,    /* we are ending */
};
enum retry retry_for(const struct error *err);
