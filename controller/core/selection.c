#include "core/selection.h"

#include "base/random.h"
#include "base/str.h"

/* Every slot has a stream of its own, so that a choice can be repeated without knowing those before. */
static void stream_init(struct random *r, uint64_t seed, usec_t slot, uint64_t stream)
{
    uint64_t words[3] = {seed, (uint64_t)(slot / USEC_MSEC), stream};
    random_init(r, str_hash64(words, sizeof(words), seed));
}

size_t selection_count(const struct schedule *s, uint64_t seed, usec_t slot)
{
    if (!s->stress)
        return 1;
    struct random r;
    stream_init(&r, seed, slot, 1);
    return (size_t)s->stress_min + (size_t)random_below(&r, (uint64_t)(s->stress_max - s->stress_min) + 1);
}

static double weight_of(const struct schedule *s, const struct coverage *c)
{
    double risk = c->risk > SELECTION_WEIGHT_MIN ? c->risk : SELECTION_WEIGHT_MIN;
    switch (c->state) {
    case COVERAGE_NOT_APPLICABLE:
    case COVERAGE_COVERED:
        return 0;
    case COVERAGE_NEVER:
        return c->due == USEC_NEVER ? 0 : risk; /* no row of spec.frequency is for it */
    case COVERAGE_DUE:
        return risk;
    case COVERAGE_OVERDUE:
        return risk * s->overdue_boost;
    }
    return 0;
}

/* One of those left, by weight; count: none is. */
static size_t draw_weighted(const struct candidate *candidates, const bool *left, size_t count, struct random *r)
{
    double total = 0;
    size_t last = count;
    for (size_t i = 0; i < count; i++)
        if (left[i])
            total += candidates[i].weight;
    double at = random_unit(r) * total;
    for (size_t i = 0; i < count; i++) {
        if (!left[i])
            continue;
        last = i; /* rounding may leave a little over */
        if (at < candidates[i].weight)
            return i;
        at -= candidates[i].weight;
    }
    return last;
}

/* The one drilled longest ago; never is longest. */
static size_t draw_oldest(const struct candidate *candidates, const bool *left, size_t count)
{
    size_t oldest = count;
    for (size_t i = 0; i < count; i++)
        if (left[i] && (oldest == count || candidates[i].coverage.last_drill < candidates[oldest].coverage.last_drill))
            oldest = i;
    return oldest;
}

static void candidate_name(const struct candidate *c, char dest[320])
{
    str_format(dest, 320, "%s/%s", c->target, c->coverage.id);
}

static int heavier_first(const void *a, const void *b)
{
    const struct candidate *const *x = a, *const *y = b;
    if ((*x)->weight > (*y)->weight || (*x)->weight < (*y)->weight)
        return (*x)->weight > (*y)->weight ? -1 : 1;
    return *x < *y ? -1 : *x > *y;
}

static json_t *weights_encode(const struct candidate *candidates, size_t count)
{
    auto_free const struct candidate **sorted = mem_array(count + 1, sizeof(*sorted));
    size_t eligible = 0;
    for (size_t i = 0; i < count; i++)
        if (candidates[i].weight > 0)
            sorted[eligible++] = &candidates[i];
    qsort(sorted, eligible, sizeof(*sorted), heavier_first);
    json_t *weights = json_object();
    for (size_t i = 0; i < eligible && i < SELECTION_WEIGHTS_MAX; i++) {
        char name[320];
        candidate_name(sorted[i], name);
        json_put_num(weights, name, sorted[i]->weight);
    }
    return weights;
}

size_t selection_draw(const struct schedule *s, struct candidate *candidates, size_t count, size_t want, uint64_t seed, usec_t slot,
                      size_t *ret_chosen, json_t **ret_record)
{
    struct random r;
    stream_init(&r, seed, slot, 0);
    auto_free bool *left = mem_array(count + 1, sizeof(*left));
    for (size_t i = 0; i < count; i++) {
        candidates[i].weight = weight_of(s, &candidates[i].coverage);
        left[i] = candidates[i].weight > 0;
    }
    json_t *names = json_array();
    size_t chosen = 0;
    while (chosen < want) {
        size_t picked = s->round_robin ? draw_oldest(candidates, left, count) : draw_weighted(candidates, left, count, &r);
        if (picked == count)
            break;
        char name[320];
        candidate_name(&candidates[picked], name);
        json_array_append_new(names, json_string(name));
        ret_chosen[chosen++] = picked;
        for (size_t i = 0; i < count; i++)
            if (str_equal(candidates[i].target, candidates[picked].target))
                left[i] = false;
    }
    *ret_record = json_object();
    json_put_int(*ret_record, "seed", (int64_t)(seed & INT64_MAX));
    json_put_int(*ret_record, "draw", slot / USEC_MSEC);
    json_put(*ret_record, "weights", weights_encode(candidates, count));
    json_put(*ret_record, "chosen", names);
    return chosen;
}
