/* base/error.h — an error is a value with a class.
 *
 * A function that can fail takes a `struct error *err` as its last argument and returns 0 or a negative number (or NULL).
 * `return error_set(err, ERROR_INVALID, "…")` and `return error_wrap(err, "patch status of %s/%s", ns, name)` are one
 * statement. The class, never the text, decides whether something is tried again; only shell/reconcile.c decides that. */
#pragma once

#include "base/mem.h"

enum error_class {
    ERROR_NONE = 0,
    ERROR_NOT_FOUND,   /* the thing asked for does not exist (HTTP 404) */
    ERROR_CONFLICT,    /* it changed meanwhile: look again and decide anew (409 Conflict) */
    ERROR_EXISTS,      /* create: it is there already (409 AlreadyExists) */
    ERROR_GONE,        /* the resourceVersion is too old: list again (410, reason Expired) */
    ERROR_FORBIDDEN,   /* not allowed (401, 403): a person must act */
    ERROR_INVALID,     /* the request or the input is wrong (400, 405, 422): trying again does not help */
    ERROR_TOO_MANY,    /* asked to slow down (429): retry_after_ms says when, where known */
    ERROR_TIMEOUT,     /* no answer in time: whether it took effect is unknown */
    ERROR_UNAVAILABLE, /* connection refused or broken, 5xx: whether it took effect may be unknown */
    ERROR_CANCELLED,   /* we gave up ourselves */
    ERROR_INTERNAL,    /* a defect of ours */
};

#define ERROR_TEXT_MAX 512

/* A plain value: owns nothing, may be copied, needs no cleaning. `struct error err = {0};` is "no error". */
struct error {
    enum error_class class;
    int http_status;     /* 0 where it did not come from HTTP */
    long retry_after_ms; /* 0 where nobody said */
    char text[ERROR_TEXT_MAX];
};

/* Both return -1. `err` may be NULL (the caller does not care). A text that is too long is cut with "…".
 * error_wrap puts "what: " in front of the text and keeps the class; on an unset error it is error_set(INTERNAL). */
int error_set(struct error *err, enum error_class class, const char *format, ...) __attribute__((format(printf, 3, 4)));
int error_wrap(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* error_set(…, INTERNAL or by errno: ENOENT NOT_FOUND, EACCES/EPERM FORBIDDEN, ETIMEDOUT TIMEOUT, ECONN* UNAVAILABLE) with
 * ": strerror" at the end. */
int error_errno(struct error *err, int errnum, const char *format, ...) __attribute__((format(printf, 3, 4)));

void error_clear(struct error *err);
const char *error_class_name(enum error_class class); /* "CONFLICT"; never NULL */
/* Whether the request may have taken effect although it failed (TIMEOUT, UNAVAILABLE, CANCELLED). */
bool error_outcome_unknown(const struct error *err);
