#include "shell/retry.h"

enum retry retry_for(const struct error *err)
{
    switch (err->class) {
    case ERROR_NONE:
        return RETRY_DONE;
    case ERROR_CONFLICT:
    case ERROR_EXISTS:
        return RETRY_LOOK;
    case ERROR_NOT_FOUND:
        return RETRY_FORGET;
    case ERROR_TOO_MANY:
        return err->retry_after_ms > 0 ? RETRY_AFTER : RETRY_BACKOFF;
    case ERROR_TIMEOUT:
    case ERROR_UNAVAILABLE:
    case ERROR_GONE:
    case ERROR_INTERNAL:
        return err->retry_after_ms > 0 ? RETRY_AFTER : RETRY_BACKOFF;
    case ERROR_FORBIDDEN:
    case ERROR_INVALID:
        return RETRY_SLOWLY;
    case ERROR_CANCELLED:
        return RETRY_STOP;
    }
    return RETRY_BACKOFF;
}
