/* store.h — files of the agent's own that survive a crash at any instruction: written whole to a temporary name, synced, renamed,
 * and the folder synced. Readers see the old content or the new one, never a part. */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/list.h"
#include "base/sha256.h"

#include <jansson.h>

/* Makes the folder (0700) where it is not there; its descriptor, which the caller closes. */
int store_open(const char *parent, const char *name, struct error *err);

/* `durable`: has reached the disk when this returns; else a crash of the node may bring the old content back, and never a
 * part of the new one. */
int store_write(int dir, const char *name, const void *bytes, size_t n, bool durable, struct error *err);
int store_write_json(int dir, const char *name, const json_t *value, bool durable, struct error *err);
/* NOT_FOUND where it is not there; INVALID over the buffer's maximum. */
int store_read(int dir, const char *name, struct buf *ret_bytes, struct error *err);
json_t *store_read_json(int dir, const char *name, size_t max, struct error *err); /* NULL: failed */
int store_remove(int dir, const char *name);
/* Names that do not begin with "."; what a crash left half written begins so, and is removed here. */
int store_list(int dir, struct strlist *ret_names, struct error *err);
/* Keeps the `keep` newest files (by modification time) and removes the rest. */
void store_prune(int dir, size_t keep);

/* A file name made from an id that may hold any character: 32 hex digits of its SHA-256, and ".json". */
#define STORE_NAME_SIZE 40
void store_name(const char *id, char ret_name[STORE_NAME_SIZE]);
