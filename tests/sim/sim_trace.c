#include "sim_trace.h"

#include "base/str.h"

#include <stdio.h>

#define LINE_SIZE 240

struct line {
    usec_t at;
    uint64_t step;
    char text[LINE_SIZE];
};

struct sim_trace {
    const struct sim_clock *clock;
    bool print;
    uint64_t digest, count;
    struct line lines[SIM_TRACE_KEPT];
};

struct sim_trace *sim_trace_new(const struct sim_clock *clock, bool print)
{
    struct sim_trace *t = mem_new(struct sim_trace);
    t->clock = clock;
    t->print = print;
    return t;
}

void sim_trace_free(struct sim_trace *t)
{
    free(t);
}

static void show(const struct line *l)
{
    printf("%10.6f #%-7llu %s\n", (double)l->at / (double)USEC_SEC, (unsigned long long)l->step, l->text);
}

void sim_trace_say(struct sim_trace *t, const char *format, ...)
{
    struct line *l = &t->lines[t->count++ % SIM_TRACE_KEPT];
    va_list args;
    va_start(args, format);
    str_vformat(l->text, sizeof(l->text), format, args);
    va_end(args);
    l->at = sim_clock_now(t->clock);
    l->step = sim_clock_steps(t->clock);
    t->digest = str_hash64(&l->at, sizeof(l->at), t->digest);
    t->digest = str_hash64(l->text, strlen(l->text), t->digest);
    if (t->print)
        show(l);
}

uint64_t sim_trace_digest(const struct sim_trace *t)
{
    return t->digest;
}

void sim_trace_show(const struct sim_trace *t, size_t count)
{
    uint64_t kept = t->count < SIM_TRACE_KEPT ? t->count : SIM_TRACE_KEPT;
    if (count > kept)
        count = (size_t)kept;
    for (uint64_t i = t->count - count; i < t->count; i++)
        show(&t->lines[i % SIM_TRACE_KEPT]);
}
