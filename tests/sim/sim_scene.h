/* sim_scene.h — what is in the cluster, drawn from the seed: namespaces, the catalog, workloads, targets, schedules; and the people. */
#pragma once

#include "sim.h"

#define SIM_TEAMS 3 /* team-0 and team-1 have opted in, team-2 has not */

struct sim_scene {
    struct sim *sim;
    int apps, teams_used, drills_made, stops, unlabelled;
    char targets[8][2][32]; /* namespace, name */
    usec_t ends;            /* people do nothing after that */
};

void sim_scene_init(struct sim *s);
void sim_scene_free(struct sim *s);
/* Everything is as it should be again, and nothing new begins: no stop, labels back, schedules suspended. */
void sim_scene_settle(struct sim *s);

/* sim_catalog.c */
json_t *sim_catalog_object(struct sim *s, size_t index, const char **ret_plural); /* NULL: no more */
extern const char *const sim_cards[];
#define SIM_CARDS 5

/* sim_people.c */
void sim_people_begin(struct sim *s);
/* sim_cluster.c */
void sim_scene_changed(struct sim *s, const char *plural, const json_t *before, const json_t *after); /* owners and their things */

/* Writes an object as a person does. Takes object. */
bool sim_apply(struct sim *s, const char *plural, json_t *object);
bool sim_edit(struct sim *s, const char *plural, const char *ns, const char *name, json_t *patch /* taken */);
bool sim_delete(struct sim *s, const char *plural, const char *ns, const char *name);
