/* kube/file.h — small files read whole: tokens, certificates, kubeconfigs. */
#pragma once

#include "base/error.h"

#define FILE_SECRET_MAX ((size_t)1 << 20)

/* The text, NUL terminated; the caller owns it. Errors: by errno (NOT_FOUND, FORBIDDEN, …), INVALID: longer than `max`, or a NUL in it.
 * The text names the path. Opened by path each time: Kubernetes swaps these files by symlink. */
int file_read(const char *path, size_t max, char **ret_text, struct error *err);
/* The same without white space around; INVALID where nothing is left, or where something unprintable is in it. */
int file_read_token(const char *path, char **ret_token, struct error *err);
