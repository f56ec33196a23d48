/* api/card.h — a ChaosCard: one kind of failure, typed.
 *
 * Strings and json values are borrowed from `root`, which the struct holds. */
#pragma once

#include "api/meta.h"

#define CARD_PLAYBOOKS_MAX 8
struct card {
    json_t *root;
    struct meta meta;
    const char *id, *title, *category; /* "KH001", …, "KernelHealth" */
    double risk;
    const char *method;   /* "HeartbeatBlock" */
    const json_t *params; /* the union's member, unresolved; NULL: all defaults */
    usec_t duration;      /* the fault is over by then, come what may; > 0 */
    const char *trigger;  /* expected trigger's name */
    usec_t trigger_within;
    struct {
        const char *name;
        usec_t within;
    } playbooks[CARD_PLAYBOOKS_MAX];
    size_t playbook_count;
    int coding_tasks;                  /* minimum; 0: gate 3 is not required */
    const json_t *verify;              /* array of named probes */
    const json_t *rollback;            /* array of named probes; NULL: none */
    usec_t detect_within, heal_within; /* slo; USEC_NEVER where not given */
};
/* Decodes and validates what the schema cannot (references, durations, the union). The error names the field, its value and what would
 * be right; it becomes the card's Ready condition. ret_card owns a reference to `object` on success. */
int card_decode(json_t *object, struct card *ret_card, struct error *err);
void card_done(struct card *c); /* a zeroed struct is fine */
#define auto_card __attribute__((cleanup(card_done)))

const char *card_ledger_category(const char *category); /* "KernelHealth" → "kernel_health" */
