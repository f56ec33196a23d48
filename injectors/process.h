/* process.h — processes as /proc shows them, and signals that cannot hit a stranger.
 *
 * A pid alone names nothing for long: a process is its pid and its start time (clock ticks since boot, proc(5) field 22). Signals go
 * through a pidfd opened before the start time was compared, so a pid that was given to somebody else meanwhile is never hit
 * (where pidfds are forbidden: kill(2) right after the comparison). */
#pragma once

#include "base/buf.h"
#include "base/time.h"
#include "refusal.h"

#include <regex.h>
#include <sys/types.h>

#define PROCESS_COMMAND_MAX 4096
#define PROCESS_SET_MAX     4096

struct process {
    pid_t pid, parent;
    uint64_t start; /* ticks since boot */
    char state;     /* R S D Z T t X I */
    uint64_t ticks; /* user and system time used */
    uint64_t pages; /* resident */
};

/* A growing set, in order of start. */
struct process_set {
    struct process *items;
    size_t count;
};
void process_set_add(struct process_set *s, const struct process *p); /* beyond PROCESS_SET_MAX: ignored */
const struct process *process_set_find(const struct process_set *s, pid_t pid, uint64_t start);
void process_set_sort(struct process_set *s);
void process_set_done(struct process_set *s);
#define auto_process_set __attribute__((cleanup(process_set_done)))
json_t *process_set_pids(const struct process_set *s); /* [12, 13]; a new reference */

bool process_read(pid_t pid, struct process *ret_process); /* false: no such process (any more) */
/* The command line joined by blanks; false where it is empty (kernel threads, zombies) or not readable. */
bool process_command(pid_t pid, struct buf *ret_command);
/* That very process lives: it is neither gone, nor a zombie, nor another one under its number. */
bool process_alive(pid_t pid, uint64_t start);
/* For how long it has run. */
usec_t process_age(const struct process *p);
/* A pidfd of that very process, -1 where it is gone or pidfds are forbidden. The caller closes it. */
int process_open(pid_t pid, uint64_t start);
/* NOT_FOUND: it is gone. */
int process_signal(pid_t pid, uint64_t start, int signal_number, struct error *err);
/* All processes that /proc shows, kernel threads and zombies included. */
int process_list(struct process_set *ret_set, struct error *err);

/* What selects processes: a part of the command line, or "/extended regular expression/". */
struct match {
    char *text;
    bool is_regex;
    regex_t regex;
};
int match_init(struct match *m, const char *field, const char *text, struct refusal *r); /* on failure nothing to done */
void match_done(struct match *m);                                                        /* a zeroed one is fine */
bool match_command(const struct match *m, const char *command);
