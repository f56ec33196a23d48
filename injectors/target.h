/* target.h — who is drilled: the processes and files of the target container.
 *
 * Only the target mounts the agent's directory besides the agent itself, so a process is the target's when its /proc/PID/root<dir>
 * is the very directory that we have, and its mount namespace is not ours. No container id is needed. Never among them: pid 1 of the
 * pod (pause), our own processes, and what those started (by an exec into the target).
 *
 * Locally (tests, plain commands) the target is what is seen here: the files under `root`, all processes of our user but our own. */
#pragma once

#include "process.h"
#include "rootfs.h"

#define TARGET_DIR_MAX 256

struct target {
    char dir[TARGET_DIR_MAX];  /* the agent's directory, "/drillyard" */
    char root[TARGET_DIR_MAX]; /* local: whose files; "" otherwise */
    dev_t dir_device;
    ino_t dir_inode;
    dev_t binary_device; /* of the agent's program, in two copies at most */
    ino_t binary_inode[2];
    dev_t binary_device2;
    char mount_namespace[64];
};

/* `dir` must exist. `local_root` NULL: look for the container; else local. */
int target_init(struct target *t, const char *dir, const char *local_root, struct error *err);
bool target_is_local(const struct target *t);

/* The processes that match (NULL: all), oldest first, zombies left out. Finding none is no error. */
int target_processes(const struct target *t, const struct match *m, struct process_set *ret_set, struct error *err);
/* The target's oldest process. NOT_FOUND while none runs. */
int target_first(const struct target *t, struct process *ret_process, struct error *err);
/* Where none of the target is found: does somebody run here whom we may not look at, since we are another user? */
bool target_is_hidden(const struct target *t, uid_t *ret_uid);
/* An O_PATH descriptor of its root directory; the caller closes it. NOT_FOUND while it does not run. */
int target_root(const struct target *t, struct error *err);
