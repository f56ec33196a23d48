/* kube/exec_frame.h — the messages of v5.channel.k8s.io taken apart; pure, for kube/exec.c and its fuzz target.
 *
 * A message is a channel byte and the rest (apimachinery pkg/util/remotecommand/constants.go). The first one is an empty marker on the
 * lowest channel; empty messages and unknown channels mean nothing. */
#pragma once

#include "kube/exec.h"

enum exec_channel {
    EXEC_STDIN = 0,
    EXEC_STDOUT = 1,
    EXEC_STDERR = 2,
    EXEC_STATUS = 3,
    EXEC_RESIZE = 4,
    EXEC_CLOSE = 255, /* exactly one more byte: the channel that is half-closed */
};

struct exec_frame {
    enum { EXEC_FRAME_NOTHING, EXEC_FRAME_STDOUT, EXEC_FRAME_STDERR, EXEC_FRAME_STATUS, EXEC_FRAME_CLOSE } kind;
    const unsigned char *bytes; /* into the message; for CLOSE the channel */
    size_t n;                   /* > 0 unless NOTHING */
};
void exec_frame_decode(const void *message, size_t n, struct exec_frame *ret_frame);

/* The one Status on channel 3 to what became of the program (client-go tools/remotecommand/v4.go). What is no Status, or a
 * NonZeroExitCode without a code from 0 to 255, is EXEC_UNKNOWN. */
void exec_status_decode(const void *json, size_t n, struct exec_result *ret_result);
