#include "base/str.h"
#include "kube/exec_frame.h"

#include "fuzz.h"

/* The bytes are one message; what is on the status channel is also read as a Status. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_free uint8_t *message = mem_alloc(size);
    if (size)
        memcpy(message, data, size);
    struct exec_frame frame;
    exec_frame_decode(message, size, &frame);
    FUZZ_CHECK((frame.kind == EXEC_FRAME_NOTHING) == (frame.n == 0));
    if (frame.n == 0)
        return 0;
    FUZZ_CHECK(frame.bytes == message + 1 && frame.n == size - 1);
    if (frame.kind != EXEC_FRAME_STATUS)
        return 0;
    struct exec_result result;
    exec_status_decode(frame.bytes, frame.n, &result);
    FUZZ_CHECK((result.outcome == EXEC_EXITED) == (result.exit_code >= 0 && result.exit_code <= 255));
    FUZZ_CHECK((result.outcome == EXEC_EXITED) == (result.err.class == ERROR_NONE));
    FUZZ_CHECK(result.err.class == ERROR_NONE || result.err.text[0]);
    return 0;
}
