/* Probes as an agent understands them (injectors/README.md), of what truly is. */
#include "sim_pod.h"

#define BOOT (200 * USEC_MSEC) /* from the start of a process to its first beat and answer */

bool sim_pod_serves(const struct sim_pod *pod, usec_t at)
{
    return pod->alive && pod->runs && !pod->frozen && at >= pod->started_at + BOOT;
}

usec_t sim_pod_beat(const struct sim_pod *pod, usec_t at)
{
    return sim_pod_serves(pod, at) ? at : pod->beat_at;
}

void sim_pod_looked(struct sim_pod *pod, enum sim_look look, bool holds, usec_t since)
{
    if (pod->report_count == pod->report_room) {
        pod->report_room = pod->report_room ? 2 * pod->report_room : 64;
        pod->reports = mem_resize(pod->reports, pod->report_room, sizeof(*pod->reports));
    }
    pod->reports[pod->report_count++] = (struct sim_report){.at = sim_now(pod->sim), .since = since, .look = look, .holds = holds};
}

static void see_service(const struct sim_pod *pod, const json_t *member, usec_t at, struct sim_seen *seen)
{
    (void)member;
    seen->look = SIM_LOOK_SERVES;
    seen->holds = sim_pod_serves(pod, at);
    seen->value = seen->holds ? 200 : 0;
    bool booting = pod->runs && !pod->frozen && !seen->holds;
    seen->next = booting ? pod->started_at + BOOT : USEC_NEVER;
    str_copy(seen->message, sizeof(seen->message), seen->holds ? "answered 200" : "no answer");
}

static void see_process(const struct sim_pod *pod, const json_t *member, usec_t at, struct sim_seen *seen)
{
    usec_t stable = pod->started_at + json_int(member, "stableForMs", 0) * USEC_MSEC;
    seen->look = SIM_LOOK_PROCESS;
    seen->holds = pod->runs && at >= stable;
    seen->value = pod->runs;
    seen->next = pod->runs && at < stable ? stable : USEC_NEVER;
    str_format(seen->message, sizeof(seen->message), "%d process runs", pod->runs);
}

static void see_heartbeat(const struct sim_pod *pod, const json_t *member, usec_t at, struct sim_seen *seen)
{
    usec_t max = json_int(member, "maxAgeMs", 10000) * USEC_MSEC, beat = sim_pod_beat(pod, at);
    bool booting = pod->runs && !pod->frozen && beat != at;
    seen->look = SIM_LOOK_HEARTBEAT;
    seen->holds = at - beat <= max;
    seen->value = (double)(at - beat) / (double)USEC_SEC;
    seen->next = booting ? pod->started_at + BOOT : seen->holds && beat != at ? beat + max + 1 : USEC_NEVER;
    str_format(seen->message, sizeof(seen->message), "the last beat is %lld ms old", (long long)((at - beat) / USEC_MSEC));
}

static void see_file(const struct sim_pod *pod, const json_t *member, usec_t at, struct sim_seen *seen)
{
    (void)at;
    enum sim_file file = strstr(json_str(member, "path", ""), "model") ? SIM_MODEL : SIM_CONFIG;
    seen->look = file == SIM_MODEL ? SIM_LOOK_MODEL : SIM_LOOK_CONFIG;
    seen->holds = 1;
    seen->value = 100;
    if (json_object_get(member, "equalsSnapshot")) {
        seen->holds = pod->snapshots[file] ? pod->files[file] == pod->snapshots[file] : -1;
        str_copy(seen->message, sizeof(seen->message),
                 seen->holds < 0 ? "there is no snapshot yet"
                 : seen->holds   ? "it equals its snapshot"
                                 : "it differs from its snapshot");
    }
}

static void see_resources(const struct sim_pod *pod, const json_t *member, usec_t at, struct sim_seen *seen)
{
    (void)member, (void)at;
    seen->look = SIM_LOOK_SERVES;
    seen->holds = pod->alive;
    seen->value = 5;
}

static const struct {
    const char *member;
    void (*see)(const struct sim_pod *, const json_t *member, usec_t at, struct sim_seen *);
} kinds[] = {
    {"http", see_service},        {"slo", see_service}, {"tcp", see_service},        {"process", see_process},
    {"heartbeat", see_heartbeat}, {"file", see_file},   {"resource", see_resources},
};

void sim_probe(const struct sim_pod *pod, const json_t *probe, usec_t at, struct sim_seen *seen)
{
    *seen = (struct sim_seen){.holds = -1, .next = USEC_NEVER};
    str_copy(seen->message, sizeof(seen->message), "this agent does not know the probe");
    for (size_t i = 0; i < array_len(kinds); i++)
        if (json_object_get(probe, kinds[i].member)) {
            seen->message[0] = '\0';
            kinds[i].see(pod, json_object_get(probe, kinds[i].member), at, seen);
            return;
        }
}
