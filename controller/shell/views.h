/* shell/views.h — for each kind, all that its decision may look at, gathered from what is known. Nothing here asks the outside.
 *
 * Each *_gather() gives false where the object is gone. Where it is there but cannot be understood, the struct's `refused` is set and the
 * view is not to be decided on (see core/ready.h). Free with *_done() in every case. */
#pragma once

#include "core/ready.h"
#include "core/run.h"
#include "core/schedule.h"
#include "core/target.h"
#include "core/trigger.h"
#include "shell/executor.h"
#include "shell/firings.h"
#include "shell/gather.h"
#include "shell/ledger_pages.h"

struct view_source { /* where views come from; all borrowed */
    struct lookup lookup;
    const struct clock *clock;
    struct sessions *sessions;
    struct watches *watches;
    struct executor *executor;
    struct firings *firings;
    struct ledger_pages *ledger;
    struct applies *applies;
    bool (*ledger_synced)(void *userdata, const char *ns);
    void *userdata;
    int64_t epoch;
    usec_t acting_since;
    usec_t lease;
};

/* A target's pods and what is known of their agents. */
struct pods_gather {
    struct pod *pods;
    struct agent_state *agents;
    size_t count;
};
void pods_gather(const struct view_source *v, const struct target *target, struct pods_gather *ret_gather);
void pods_gather_done(struct pods_gather *g);

struct drill_gather {
    struct drill_view view;
    json_t *object;
    bool refused;
    struct error error;
    struct drill drill;
    struct card card;
    struct target target;
    struct pods_gather pods;
    struct drill_peer *peers;
    struct firing *firings;
    struct run *runs;
    struct task *tasks;
    struct ledger_gather ledger;
};
bool drill_gather(const struct view_source *v, const struct key *key, struct drill_gather *ret_gather);
void drill_gather_done(struct drill_gather *g);

struct target_gather {
    struct target_view view;
    struct target target;
    struct pods_gather pods;
    struct trigger *triggers;
    struct card *cards;
    struct drill *drills;
};
bool target_gather(const struct view_source *v, const struct key *key, struct target_gather *ret_gather);
void target_gather_done(struct target_gather *g);

struct schedule_gather {
    struct schedule_view view;
    struct schedule schedule;
    struct target *targets;
    struct card *cards;
    struct drill *drills;
    struct task *tasks;
};
bool schedule_gather(const struct view_source *v, const struct key *key, struct schedule_gather *ret_gather);
void schedule_gather_done(struct schedule_gather *g);

struct trigger_gather {
    struct trigger_view view;
    json_t *object;
    bool refused;
    struct error error;
    struct trigger trigger;
    struct watches_site *sites; /* their strings are what view.sites borrows */
    struct trigger_site *view_sites;
    char (*incidents)[64];
    size_t site_count;
    struct playbook *playbooks;
    struct run *runs;
};
bool trigger_gather(const struct view_source *v, const struct key *key, struct trigger_gather *ret_gather);
void trigger_gather_done(struct trigger_gather *g);

struct run_gather {
    struct run_view view;
    json_t *object;
    bool refused;
    struct error error;
    struct run run;
    struct playbook playbook;
    struct target target;
    struct pods_gather pods;
};
bool run_gather(const struct view_source *v, const struct key *key, struct run_gather *ret_gather);
void run_gather_done(struct run_gather *g);

/* Cards and playbooks. */
struct ready_gather {
    struct ready_view view;
    json_t *object;
};
bool ready_gather_card(const struct view_source *v, const struct key *key, struct ready_gather *ret_gather);
bool ready_gather_playbook(const struct view_source *v, const struct key *key, struct ready_gather *ret_gather);
void ready_gather_done(struct ready_gather *g);
