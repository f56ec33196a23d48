/* serve/exposition.h — the shell's numbers in Prometheus' text format (version 0.0.4). */
#pragma once

#include "base/buf.h"
#include "shell/shell.h"

#define EXPOSITION_MAX ((size_t)4 << 20)

void exposition_write(struct shell *shell, struct buf *text);
