/* core/probe_agent.h — a probe in the agent's own terms: durations are …Ms integers, facets are spelled out. Pure. */
#pragma once

#include "core/probe.h"

/* New reference, or NULL: UNSUPPORTED kinds and forms are INVALID, a facet that is missing is NOT_FOUND. */
json_t *probe_agent_http(const json_t *probe, const struct target *target, struct error *err);
json_t *probe_agent_tcp(const json_t *probe, const struct target *target, struct error *err);
json_t *probe_agent_slo(const json_t *probe, const struct target *target, struct error *err);
json_t *probe_agent_exec(const json_t *probe, const struct target *target, struct error *err);
json_t *probe_agent_heartbeat(const json_t *probe, const struct target *target, struct error *err);
json_t *probe_agent_process(const json_t *probe, const struct target *target, struct error *err);
json_t *probe_agent_file(const json_t *probe, const struct target *target, struct error *err);
json_t *probe_agent_resource(const json_t *probe, const struct target *target, struct error *err);

/* The absolute path of a file facet: `path`, or root/entrypoint of a source. False: it has none, or it is too long. */
bool facet_path(const json_t *facet, char dest[2048]);
