/* The probe "resource" {cpu, memory, growth, memoryUnit: Percent|Bytes, overMs}: each of the three a comparison {above, below, atLeast,
 * atMost, equals} of numbers. cpu in percent of the limit, averaged over `overMs`; memory in percent of the limit, or in bytes; growth
 * in bytes a minute over the same time. Holds when everything given is so; the value is of the first one given. The first look takes
 * `overMs`, where cpu or growth are asked. */
#include "probe.h"
#include "usage.h"

#include "base/str.h"

#define SAMPLES 128

struct resource_state {
    const json_t *cpu, *memory, *growth;
    bool bytes;
    usec_t over;
    struct usage samples[SAMPLES]; /* oldest first */
    size_t count;
    struct timer timer;
};

static const char *const comparisons[] = {"above", "below", "atLeast", "atMost", "equals", NULL};

static bool compares(const json_t *comparison, double value)
{
    const char *name;
    json_t *bound;
    bool all = true;
    json_object_foreach((json_t *)(uintptr_t)comparison, name, bound)
    {
        double b = json_number_value(bound);
        switch (name[0] == 'a' && name[1] == 't' ? name[2] : name[0]) {
        case 'b':
            all &= value < b;
            break;
        case 'L':
            all &= value >= b;
            break;
        case 'M':
            all &= value <= b;
            break;
        case 'e':
            all &= value >= b && value <= b;
            break;
        default:
            all &= value > b;
        }
    }
    return all;
}

static int read_comparison(json_t *spec, const char *field, const json_t **ret, struct refusal *r)
{
    json_t *comparison = NULL, *bound;
    const char *name;
    if (param_object(spec, field, PARAM_OPTIONAL, &comparison, r) < 0)
        return -1;
    json_object_foreach(comparison, name, bound)
    {
        bool known = false;
        for (size_t i = 0; comparisons[i]; i++)
            known |= str_equal(name, comparisons[i]);
        if (!known || !json_is_number(bound))
            return refusal_field(r, field, comparison, "%s wants numbers under above, below, atLeast, atMost or equals", field);
    }
    *ret = comparison;
    return 0;
}

static int init(struct probe *p, json_t *spec, struct refusal *r)
{
    static const char *const units[] = {"Percent", "Bytes", NULL};
    struct resource_state *s = mem_new(struct resource_state);
    int64_t over = 5000;
    int unit = 0;
    if (read_comparison(spec, "probe.resource.cpu", &s->cpu, r) < 0 ||
        read_comparison(spec, "probe.resource.memory", &s->memory, r) < 0 ||
        read_comparison(spec, "probe.resource.growth", &s->growth, r) < 0 ||
        param_choice(spec, "probe.resource.memoryUnit", PARAM_OPTIONAL, units, &unit, r) < 0 ||
        param_integer(spec, "probe.resource.overMs", PARAM_OPTIONAL, 100, USEC_HOUR / USEC_MSEC, &over, r) < 0 ||
        (!s->cpu && !s->memory && !s->growth && refusal_field(r, "probe.resource", spec, "give cpu, memory or growth"))) {
        free(s);
        return -1;
    }
    s->bytes = unit == 1;
    s->over = over * USEC_MSEC;
    p->state = s;
    return 0;
}

static void add_sample(struct resource_state *s, const struct usage *u)
{
    if (s->count && u->cpu_usec < s->samples[s->count - 1].cpu_usec)
        s->count = 0; /* another cgroup: the container was restarted */
    /* The oldest one is the youngest that is old enough. */
    while (s->count > 1 && u->at - s->samples[1].at >= s->over) {
        memmove(s->samples, s->samples + 1, (s->count - 1) * sizeof s->samples[0]);
        s->count--;
    }
    if (s->count == SAMPLES) { /* looked at very often: every other one will do */
        for (size_t i = 1; i < SAMPLES / 2; i++)
            s->samples[i] = s->samples[2 * i];
        s->count = SAMPLES / 2;
    }
    s->samples[s->count++] = *u;
}

static void look(struct probe *p);

static void look_again(void *userdata)
{
    look(userdata);
}

static void judge(struct probe *p, const struct usage *u)
{
    struct resource_state *s = p->state;
    const struct usage *old = &s->samples[0];
    double seconds = (double)(u->at - old->at) / (double)USEC_SEC;
    double cpu = seconds > 0 ? (double)(u->cpu_usec - old->cpu_usec) / 1e6 / seconds / u->cores * 100 : 0;
    double growth = seconds > 0 ? (double)(u->memory - old->memory) / seconds * 60 : 0;
    double percent = (double)u->memory / (double)u->memory_limit * 100;
    double memory = s->bytes ? (double)u->memory : percent;
    bool holds = (!s->cpu || compares(s->cpu, cpu)) && (!s->memory || compares(s->memory, memory)) &&
                 (!s->growth || compares(s->growth, growth));
    p->result.has_value = true;
    p->result.value = s->cpu ? cpu : s->memory ? memory : growth;
    probe_finish(p, holds ? HOLDS : HOLDS_NOT,
                 json_pack("{s:s, s:f, s:f, s:I, s:I, s:f, s:f, s:f}", "source", u->source, "cpuPercent", cpu, "cores", u->cores,
                           "memoryBytes", (json_int_t)u->memory, "memoryLimit", (json_int_t)u->memory_limit, "memoryPercent",
                           percent, "growthPerMinute", growth, "seconds", seconds),
                 "cpu %.0f %%, memory %.0f %% (%lld MiB), growing by %.1f MiB a minute", cpu, percent,
                 (long long)u->memory / (1024 * 1024), growth / (1024 * 1024));
}

static void look(struct probe *p)
{
    struct resource_state *s = p->state;
    struct error err = {0};
    struct usage u;
    if (usage_read(p->site.target, &u, &err) < 0) {
        s->count = 0;
        probe_finish(p, HOLDS_UNKNOWN, NULL, "%s", err.text);
        return;
    }
    add_sample(s, &u);
    usec_t age = u.at - s->samples[0].at;
    if ((s->cpu || s->growth) && age < s->over * 9 / 10) {
        timer_set(p->site.loop, &s->timer, u.at + usec_max(s->over - age, USEC_MSEC), look_again, p);
        return;
    }
    judge(p, &u);
}

static void free_state(struct probe *p)
{
    struct resource_state *s = p->state;
    timer_stop(&s->timer);
    free(s);
}

const struct probe_kind probe_resource = {"resource", init, look, free_state};
