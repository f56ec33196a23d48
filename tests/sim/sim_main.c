/* sim: runs seeds, says what they did, and stops at the first promise that breaks. README.md says what is simulated. */
#include "base/log.h"
#include "base/time.h"
#include "sim_run.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct options {
    int64_t seeds, from, jobs;
    bool calm, trace, digest, all;
};

/* What the jobs share. */
struct tally {
    struct sim_stats stats;
    uint64_t seeds, steps, digest;
    usec_t virtual;
    int broken;
};

static void usage(FILE *to)
{
    fputs("usage: sim [--seeds N] [--from S] [--jobs J] [--calm] [--trace] [--digest] [--all]\n"
          "\n"
          "Runs N seeds (100) from S (1) on, each a cluster of its own with faults, and checks the promises at every step.\n"
          "\n"
          "  --jobs J   so many processes at once (1)\n"
          "  --calm     no faults\n"
          "  --trace    prints every step\n"
          "  --all      goes on after a promise was broken\n"
          "  --digest   prints the digest of each seed's steps: two runs of a seed have the same\n"
          "\n"
          "Exit status 1: a promise is broken; the lines say which, what led to it, and how to see it again.\n",
          to);
}

static bool number(const char *text, int64_t *ret_value)
{
    return text && str_to_i64(text, 0, INT64_MAX, ret_value);
}

/* 0: go on; 1: asked for help; -1: said what is wrong. */
static int parse(int argc, char **argv, struct options *o)
{
    static const char *const switches[] = {"--calm", "--trace", "--digest", "--all"};
    bool *const flags[] = {&o->calm, &o->trace, &o->digest, &o->all};
    static const char *const numbers[] = {"--seeds", "--from", "--jobs"};
    int64_t *const values[] = {&o->seeds, &o->from, &o->jobs};
    for (int i = 1; i < argc; i++) {
        bool known = false;
        for (size_t f = 0; f < array_len(switches); f++)
            if (str_equal(argv[i], switches[f]))
                known = *flags[f] = true;
        for (size_t n = 0; n < array_len(numbers) && !known; n++)
            if (str_equal(argv[i], numbers[n]) && number(i + 1 < argc ? argv[i + 1] : NULL, values[n])) {
                known = true;
                i++;
            }
        if (str_equal(argv[i], "--help"))
            return 1;
        if (!known) {
            fprintf(stderr, "sim: %s is no option, or wants a number; try sim --help\n", argv[i]);
            return -1;
        }
    }
    o->jobs = o->jobs < 1 ? 1 : o->jobs > 64 ? 64 : o->jobs;
    return 0;
}

static void add(struct tally *t, const struct sim_result *r)
{
    const uint64_t *from = (const uint64_t *)(const void *)&r->stats;
    uint64_t *to = (uint64_t *)(void *)&t->stats;
    for (size_t i = 0; i < sizeof(t->stats) / sizeof(uint64_t); i++)
        to[i] += from[i];
    t->seeds++;
    t->steps += r->steps;
    t->virtual += r->lasted;
    t->digest ^= r->digest;
    t->broken |= r->broken != 0;
}

/* Every jobs-th seed, beginning with the job's own; until one of the jobs finds something. */
static void work(const struct options *o, int64_t job, struct tally *tallies)
{
    for (int64_t i = job; i < o->seeds; i += o->jobs) {
        struct sim_result r;
        for (int64_t j = 0; j < o->jobs; j++)
            if (tallies[j].broken && !o->all)
                return;
        sim_run((uint64_t)(o->from + i), o->calm, o->trace, &r);
        add(&tallies[job], &r);
        if (o->digest)
            printf("seed %lld digest %016llx\n", (long long)(o->from + i), (unsigned long long)r.digest);
        fflush(stdout);
    }
}

static void run_jobs(const struct options *o, struct tally *tallies)
{
    for (int64_t job = 1; job < o->jobs; job++)
        if (fork() == 0) {
            work(o, job, tallies);
            _exit(0);
        }
    work(o, 0, tallies);
    int status;
    while (wait(&status) > 0)
        if (!WIFEXITED(status) || WEXITSTATUS(status))
            tallies[0].broken = 1; /* it died: that is a finding, too */
}

static int tell(const struct options *o, const struct tally *tallies, usec_t took)
{
    struct tally sum = {0};
    for (int64_t j = 0; j < o->jobs; j++) {
        struct sim_result r = {.stats = tallies[j].stats, .steps = tallies[j].steps, .lasted = tallies[j].virtual};
        add(&sum, &r);
        sum.seeds += tallies[j].seeds - 1;
        sum.broken |= tallies[j].broken;
    }
    const struct sim_stats *s = &sum.stats;
    double seconds = (double)took / (double)USEC_SEC;
    printf("%llu seeds, %llu drills (%llu succeeded, %llu failed, %llu inconclusive, %llu aborted, %llu skipped), %llu injections, "
           "%llu faults made, %llu controllers killed, %llu requests, %llu steps, %.0f h of virtual time, %.1f s, %.0f drills per "
           "second%s\n",
           (unsigned long long)sum.seeds, (unsigned long long)s->drills, (unsigned long long)s->succeeded,
           (unsigned long long)s->failed, (unsigned long long)s->inconclusive, (unsigned long long)s->aborted,
           (unsigned long long)s->skipped, (unsigned long long)s->injections, (unsigned long long)s->faults,
           (unsigned long long)s->crashes, (unsigned long long)s->requests, (unsigned long long)sum.steps,
           (double)sum.virtual / (double)USEC_HOUR, seconds, seconds > 0 ? (double)s->drills / seconds : 0,
           sum.broken ? "; A PROMISE IS BROKEN" : "");
    return sum.broken ? 1 : 0;
}

int main(int argc, char **argv)
{
    struct options o = {.seeds = 100, .from = 1, .jobs = 1};
    int parsed = parse(argc, argv, &o);
    if (parsed) {
        usage(parsed > 0 ? stdout : stderr);
        return parsed > 0 ? 0 : 2;
    }
    log_set_level(LOG_ERROR);
    struct tally *tallies = mmap(NULL, 64 * sizeof(*tallies), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (tallies == MAP_FAILED)
        return 2;
    usec_t began = time_monotonic();
    run_jobs(&o, tallies);
    return tell(&o, tallies, time_monotonic() - began);
}
