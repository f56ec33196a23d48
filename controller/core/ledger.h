/* core/ledger.h — the record of every incident, once and for ever: ConfigMaps drill-ledger-000001, … in the target's namespace.
 *
 * One key per incident, value one JSON object. An append is a merge patch that carries the segment's resourceVersion, so two writers
 * cannot both succeed and a repeated one finds its key. A segment near LEDGER_SEGMENT_MAX is sealed (immutable) and the next begins with
 * the SHA-256 of its data, so a missing or altered record shows. */
#pragma once

#include "core/decision.h"

#define LEDGER_SEGMENT_MAX ((size_t)512 * 1024)
#define LEDGER_NAME_FORMAT "drill-ledger-%06d"

struct ledger_segment {
    int number;
    char name[64], rv[64];
    bool sealed;
    size_t bytes; /* of its keys and values */
    json_t *data; /* borrowed: the ConfigMap's data */
};
struct ledger_view { /* all segments of one namespace as cached, ascending */
    bool synced;     /* false: not listed yet, so nothing may be appended */
    const struct ledger_segment *segments;
    size_t count;
};

bool ledger_has(const struct ledger_view *v, const char *incident);
/* What to do next so that `incident` gets its record: seal, begin a segment, append, or nothing (it is there: returns true). */
bool ledger_decide(const struct ledger_view *v, const char *ns, const char *incident, const json_t *record, struct decision *d);
/* Checks the chain: 0, or -1 with the first segment that is missing, altered or out of order. */
int ledger_verify(const struct ledger_view *v, struct error *err);
/* SHA-256 of a segment's data in canonical form. */
void ledger_digest(const json_t *data, char ret_hex[65]);
