/* methods/method.h — one way to break something, and to undo it. Adding one is a file here and a row in method.c.
 *
 * The order of a fault's life, each step called by fault.c:
 *
 *   validate  looks at the params alone
 *   plan      looks at the target, changes nothing in it, and says in `undo` everything that revert will need; backups are on the
 *             disk when it returns
 *             — now the journal is written and synced —
 *   apply     changes the target
 *   seen      reads back whether the change is in force; asked again until it is, then now and then as long as the fault is open
 *   keep      (may be NULL) called every 10 ms while in force, for what has to be done again and again
 *   revert    undoes it
 *
 * What revert must keep to: it may be called after a crash at any instruction of plan, apply or revert, any number of times; it never
 * overwrites what somebody else has made of the target meanwhile (then REVERT_NOT_NEEDED); and where it cannot reach the target it
 * fails, and is called again. */
#pragma once

#include "refusal.h"
#include "target.h"

enum revert_outcome { REVERT_DONE, REVERT_NOT_NEEDED };

/* Where methods act. */
struct site {
    const struct target *target;
    int backups;           /* folder of the backups; -1: a dry run, keep none */
    const char *node_boot; /* the kernel's boot id: pids written down under another one mean nothing */
    int held;              /* for revert: what hold() gave; -1: nothing */
};

/* A flag of the plain command, and the parameter it sets. The table ends with a row without a flag. */
enum option_kind { OPTION_TEXT, OPTION_INTEGER, OPTION_JSON, OPTION_FLAG };
struct method_option {
    const char *flag;  /* "--file" */
    const char *param; /* "path"; with a dot for a member of a member */
    enum option_kind kind;
    const char *help;
};

struct method {
    const char *name;    /* "ConfigModify" */
    const char *command; /* "config-modify" */
    const char *summary;
    const struct method_option *options;
    int (*validate)(const json_t *params, struct refusal *r);
    /* *ret_undo has at least "touches": strings that name what it touches; two open faults never touch the same. *ret_detail is for
     * people. Both new references. */
    int (*plan)(const struct site *site, const json_t *params, json_t **ret_undo, json_t **ret_detail, struct refusal *r);
    int (*apply)(const struct site *site, const json_t *undo, struct error *err);
    /* 1 in force, 0 not, -1 cannot be told (err). */
    int (*seen)(const struct site *site, const json_t *undo, struct error *err);
    /* (May be NULL.) A descriptor that revert can work on when the target's processes are gone: a pod's own end comes to the target
     * first, and what was changed may lie on a volume that stays. -1: none. The caller closes it. */
    int (*hold)(const struct site *site, const json_t *undo);
    int (*keep)(const struct site *site, const json_t *undo, struct error *err);
    /* `resumed`: an earlier apply or revert may have been cut short. Adds to `detail` what was found and what is now. */
    int (*revert)(const struct site *site, const json_t *undo, bool resumed, enum revert_outcome *ret_outcome, json_t *detail,
                  struct error *err);
};

const struct method *method_find(const char *name);            /* by name; NULL: unknown */
const struct method *method_find_command(const char *command); /* by the plain command's name */
const struct method *method_at(size_t index);                  /* NULL: beyond the last */

extern const struct method method_heartbeat_block, method_kill_process, method_process_freeze, method_config_modify,
    method_file_corrupt;
