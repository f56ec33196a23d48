/* file.h — reading, digesting and overwriting regular files through a descriptor. */
#pragma once

#include "base/error.h"
#include "base/mem.h"
#include "base/sha256.h"

#include <sys/stat.h>

/* Exactly n bytes from offset; *ret_bytes is the caller's and NUL terminated. INVALID where the file ends before. */
int file_read_range(int fd, int64_t offset, size_t n, char **ret_bytes, struct error *err);
/* The whole file; INVALID over `max` bytes. */
int file_read_all(int fd, size_t max, char **ret_bytes, size_t *ret_length, struct error *err);
int file_digest(int fd, char ret_hex[SHA256_HEX_SIZE], struct error *err);

/* Overwrites in place from offset; then, where `size` >= 0, makes the file that long. */
int file_write_range(int fd, int64_t offset, const char *bytes, size_t n, int64_t size, struct error *err);

/* A descriptor for writing to the file behind `found` (any descriptor of it). Where its mode forbids it to us, its owner, the mode is
 * opened for a moment and put back before this returns; a crash in between leaves `mode | 0200`. */
int file_open_for_writing(int found, struct error *err);

/* Puts the access and modification times of `st` back. */
int file_set_times(int fd, const struct stat *st);
