/* shell/gather.h — arrays of decoded objects for views: what a decision may look at, and not the ten thousand others.
 *
 * Each returns an array for *_free() with its count; objects that cannot be decoded are left out (their own reconciler says so). */
#pragma once

#include "api/playbook.h"
#include "api/task.h"
#include "core/roster.h"
#include "core/target.h"
#include "shell/lookup.h"

/* The namespace's own and the catalog's; own wins by name. Of ten thousand cards no more are held at once than a decision may look at:
 * for a target the first TARGET_CARDS_MAX, for a schedule those that it selects, up to one more than SCHEDULE_CARDS_MAX. */
struct card *gather_cards_of_target(const struct lookup *l, const char *ns, size_t *ret_count);
struct card *gather_cards_of_schedule(const struct lookup *l, const struct schedule *schedule, size_t *ret_count);
struct trigger *gather_triggers(const struct lookup *l, const char *ns, size_t *ret_count);
void cards_free(struct card *cards, size_t count);
void triggers_free(struct trigger *triggers, size_t count);

/* Those that a trigger starts: named by it, or naming it; of its namespace and the catalog. */
struct playbook *gather_playbooks(const struct lookup *l, const struct trigger *trigger, size_t *ret_count);
void playbooks_free(struct playbook *playbooks, size_t count);

struct target *gather_targets(const struct lookup *l, const char *ns, size_t *ret_count);
void targets_free(struct target *targets, size_t count);

/* Of a target: those without verdict, and for each of these cards the newest that ended and the newest that counts (Succeeded or Failed). */
struct drill *gather_drills_of_target(const struct lookup *l, const char *ns, const char *target, const struct card *cards,
                                      size_t card_count, size_t *ret_count);
/* The same of all cards, over all targets of a namespace, and those that the schedule made (at most GATHER_OWN_MAX, the oldest first). */
#define GATHER_OWN_MAX 2400
struct drill *gather_drills_of_schedule(const struct lookup *l, const char *ns, const char *schedule, size_t *ret_count);
void drills_free(struct drill *drills, size_t count);

/* Of a target: unfinished ones, and those made at or after `since` (UTC). */
struct run *gather_runs_of_target(const struct lookup *l, const char *ns, const char *target, usec_t since, size_t *ret_count);
/* Of these playbooks in all namespaces: unfinished ones, and the newest GATHER_RUNS_MAX others. Outlines, valid until the store changes: who
 * and whose they are, their phase and their end; no status. */
#define GATHER_RUNS_MAX 256
struct run *gather_runs_of_playbooks(const struct lookup *l, const struct playbook *playbooks, size_t playbook_count,
                                     size_t *ret_count);
void runs_free(struct run *runs, size_t count);

/* Of a target: open ones and those of the incident. target NULL: all open ones of the namespace. */
struct task *gather_tasks(const struct lookup *l, const char *ns, const char *target, const char *incident, size_t *ret_count);
void tasks_free(struct task *tasks, size_t count);
