/* rootfs.h — opens paths inside somebody else's root directory.
 *
 * Every symbolic link on the way resolves in that root and never in ours: openat2(2) with RESOLVE_IN_ROOT where the kernel has it
 * (5.6) and seccomp lets it through, else by hand, component by component. ConfigMap volumes are made of such links ("..data"). */
#pragma once

#include "base/error.h"
#include "base/mem.h"

#include <sys/stat.h>

/* An O_PATH descriptor of what `path` names (last link followed), -1 with NOT_FOUND, FORBIDDEN, INVALID (a loop of links) … */
int rootfs_find(int root, const char *path, struct error *err);
int rootfs_find_by_hand(int root, const char *path, struct error *err); /* the fallback, for its test */

/* Opens the regular file at `path`; `flags` O_RDONLY, O_RDWR …. Devices, pipes and directories are refused with INVALID before they
 * are opened. The caller closes it; *ret_status may be NULL. */
int rootfs_open(int root, const char *path, int flags, struct stat *ret_status, struct error *err);
/* The same for a file found before: a new descriptor with other flags. */
int rootfs_reopen(int found, int flags, struct error *err);
/* NOT_FOUND where it is not there. */
int rootfs_stat(int root, const char *path, struct stat *ret_status, struct error *err);
