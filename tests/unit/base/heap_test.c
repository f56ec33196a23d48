#include "base/heap.h"

#include "base/random.h"
#include "check.h"

static int items[64];

TEST(an_empty_heap_has_nothing)
{
    struct heap *h = heap_new();
    usec_t when = 5;
    void *item = items;
    CHECK(!heap_peek(h, &when, &item));
    CHECK_INT(when, 5);
    CHECK(item == items);
    CHECK(!heap_pop(h));
    CHECK(!heap_remove(h, items));
    CHECK(!heap_move(h, items, 1));
    CHECK_INT(heap_count(h), 0);
    heap_free(h);
    heap_free(NULL);
}

TEST(the_earliest_comes_first_and_equal_times_in_the_order_of_insertion)
{
    static const usec_t times[] = {5, 3, 5, 1, 3, 5, USEC_NEVER, -2, 3};
    static const int want[] = {7, 3, 1, 4, 8, 0, 2, 5, 6};
    struct heap *h = heap_new();
    for (size_t i = 0; i < array_len(times); i++)
        heap_add(h, times[i], &items[i]);
    CHECK_INT(heap_count(h), 9);
    usec_t when;
    void *item;
    CHECK(heap_peek(h, &when, &item) && when == -2 && item == &items[7]);
    CHECK(heap_peek(h, NULL, NULL));
    for (size_t i = 0; i < array_len(want); i++)
        CHECK_INT((int *)heap_pop(h) - items, want[i]);
    CHECK_INT(heap_count(h), 0);
    heap_free(h);
}

TEST(a_moved_item_comes_behind_those_of_the_same_time)
{
    struct heap *h = heap_new();
    for (int i = 0; i < 4; i++)
        heap_add(h, i, &items[i]);
    CHECK(heap_move(h, &items[0], 2));
    static const int want[] = {1, 2, 0, 3};
    for (size_t i = 0; i < array_len(want); i++)
        CHECK_INT((int *)heap_pop(h) - items, want[i]);
    heap_free(h);
}

/* Against an array that is searched through. */
TEST(a_long_random_run_agrees_with_a_plain_search)
{
    enum { ITEMS = 64 };
    struct {
        bool in;
        usec_t when;
        int turn;
    } model[ITEMS] = {0};
    struct random r;
    random_init(&r, 7);
    struct heap *h = heap_new();
    int turn = 0, count = 0;
    for (int step = 0; step < 50000; step++) {
        int i = (int)random_below(&r, ITEMS);
        usec_t when = (usec_t)random_below(&r, 10);
        switch (random_below(&r, 4)) {
        case 0:
        case 1:
            if (model[i].in)
                CHECK(heap_move(h, &items[i], when));
            else
                heap_add(h, when, &items[i]);
            count += !model[i].in;
            model[i].in = true;
            model[i].when = when;
            model[i].turn = turn++;
            break;
        case 2:
            CHECK_INT(heap_remove(h, &items[i]), model[i].in);
            count -= model[i].in;
            model[i].in = false;
            break;
        default: {
            int least = -1;
            for (int k = 0; k < ITEMS; k++)
                if (model[k].in && (least < 0 || model[k].when < model[least].when ||
                                    (model[k].when == model[least].when && model[k].turn < model[least].turn)))
                    least = k;
            int *popped = heap_pop(h);
            CHECK(popped == (least < 0 ? NULL : &items[least]));
            if (least >= 0) {
                model[least].in = false;
                count--;
            }
        }
        }
        CHECK_INT(heap_count(h), count);
    }
    heap_free(h);
}

int main(void)
{
    return check_run();
}
