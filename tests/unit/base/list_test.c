#include "base/list.h"

#include "check.h"

TEST(a_list_of_strings_owns_copies_in_order)
{
    auto_strlist struct strlist l = {0};
    CHECK(!strlist_has(&l, "a"));
    char text[] = "a";
    for (; text[0] <= 'z'; text[0]++)
        strlist_add(&l, text);
    CHECK_INT(l.count, 26);
    CHECK_STR(l.items[0], "a");
    CHECK_STR(l.items[25], "z");
    CHECK(strlist_has(&l, "q"));
    CHECK(!strlist_has(&l, "qq"));
    CHECK(!strlist_has(&l, NULL));
    strlist_done(&l);
    CHECK_INT(l.count, 0);
    strlist_add(&l, "again");
    CHECK_STR(l.items[0], "again");
}

struct thing {
    int number;
    struct list link;
};

static int numbers(const struct list *head)
{
    int n = 0;
    for (const struct list *at = head->next; at != head; at = at->next)
        n = n * 10 + list_entry(at, struct thing, link)->number;
    return n;
}

TEST(a_ring_keeps_the_order_of_appends)
{
    struct list head;
    list_init(&head);
    CHECK(list_empty(&head));
    struct thing a = {.number = 1}, b = {.number = 2}, c = {.number = 3};
    list_append(&head, &a.link);
    list_append(&head, &b.link);
    list_append(&head, &c.link);
    CHECK(!list_empty(&head));
    CHECK_INT(numbers(&head), 123);
    list_remove(&b.link);
    CHECK_INT(numbers(&head), 13);
    list_append(&head, &b.link);
    CHECK_INT(numbers(&head), 132);
}

TEST(removing_twice_or_what_never_was_in_a_list_is_fine)
{
    struct list head;
    list_init(&head);
    struct thing a = {.number = 1}, b = {.number = 2}, zeroed = {0};
    list_append(&head, &a.link);
    list_append(&head, &b.link);
    list_remove(&a.link);
    list_remove(&a.link);
    list_remove(&zeroed.link);
    struct list inited;
    list_init(&inited);
    list_remove(&inited);
    CHECK_INT(numbers(&head), 2);
    list_remove(&b.link);
    list_remove(&a.link); /* a removed node knows nothing of its former neighbours */
    CHECK(list_empty(&head));
}

int main(void)
{
    return check_run();
}
