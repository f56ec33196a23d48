/* core/action_parts.h — what the files action*.c share: how a step talks to the agent and to the API server, and the actions that only
 * look. For them alone. Pure. */
#pragma once

#include "core/action.h"

void action_outcome(struct step_outcome *o, enum step_state state, usec_t at, const char *message);
/* "step/<index>/<attempt><suffix>" */
void action_observation_id(const struct step_view *s, const char *suffix, char dest[EFFECT_ID_SIZE]);
json_t *action_facet(const struct step_view *s, const char *path); /* borrowed; NULL: the target has none */
const char *action_facet_str(const struct step_view *s, const char *path);

/* One operation of the agent, until it is answered. Takes body. Asked again while its outcome is unknown: the agent knows the effect id
 * and does nothing twice. */
void action_agent(const struct step_view *s, json_t *body, usec_t now, struct decision *d, struct step_outcome *o);
/* One idempotent request to the API server, until it is answered. NULL: not answered yet, or failed (o->state). Takes body. */
const struct observation *action_api(const struct step_view *s, const char *suffix, const char *method, const char *path,
                                     const char *content_type, json_t *body, usec_t now, struct decision *d,
                                     struct step_outcome *o);

/* Actions that only look (action_look.c). */
void action_run_smoke_tests(const struct step_view *s, usec_t now, struct decision *d, struct step_outcome *o);
void action_validate_model(const struct step_view *s, usec_t now, struct decision *d, struct step_outcome *o);
void action_verify_slo(const struct step_view *s, usec_t now, struct decision *d, struct step_outcome *o);
void action_check_resources(const struct step_view *s, usec_t now, struct decision *d, struct step_outcome *o);
