#include "base/mem.h"

#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

TEST(memory_comes_zeroed)
{
    auto_free unsigned char *p = mem_alloc(4096);
    for (size_t i = 0; i < 4096; i++)
        CHECK_INT(p[i], 0);
    auto_free int *numbers = mem_array(16, sizeof(int));
    for (size_t i = 0; i < 16; i++)
        CHECK_INT(numbers[i], 0);
}

TEST(nothing_is_still_a_valid_pointer)
{
    auto_free void *a = mem_alloc(0), *b = mem_array(0, 8), *c = mem_array(8, 0), *d = mem_resize(NULL, 0, 8);
    CHECK(a && b && c && d);
    d = mem_resize(d, 0, 1);
    CHECK(d);
}

TEST(a_resized_array_keeps_its_content)
{
    auto_free int *numbers = mem_array(2, sizeof(int));
    numbers[0] = 7;
    numbers[1] = 8;
    numbers = mem_resize(numbers, 1000, sizeof(int));
    CHECK_INT(numbers[0], 7);
    CHECK_INT(numbers[1], 8);
}

TEST(copies_of_strings)
{
    auto_free char *whole = mem_strdup("abc"), *part = mem_strndup("abc", 2), *longer = mem_strndup("abc", 9);
    CHECK_STR(whole, "abc");
    CHECK_STR(part, "ab");
    CHECK_STR(longer, "abc");
    CHECK_STR(mem_strdup(NULL), NULL);
    CHECK_STR(mem_strndup(NULL, 3), NULL);
    auto_free char *printed = mem_printf("%s-%d", "a", 5);
    CHECK_STR(printed, "a-5");
}

TEST(take_leaves_null_behind)
{
    auto_free char *kept = NULL;
    {
        auto_free char *made = mem_strdup("abc");
        kept = mem_take(made);
        CHECK(!made);
    }
    CHECK_STR(kept, "abc");
}

TEST(a_descriptor_is_closed_at_the_end_of_its_scope_and_errno_survives)
{
    int number;
    {
        auto_fd int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        number = fd;
        CHECK(fd >= 0);
        auto_fd int none = -1, bad = 1 << 20; /* closing that sets errno */
        (void)none, (void)bad;
        errno = EDOM;
    }
    CHECK_INT(errno, EDOM);
    CHECK_INT(fcntl(number, F_GETFD), -1);
}

/* In a child, since it ends the program. */
static bool aborts(void (*run)(void))
{
    pid_t child = fork();
    if (child == 0) {
        close(STDERR_FILENO);
        run();
        _exit(0);
    }
    int status;
    return child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static volatile size_t half = SIZE_MAX / 2; /* volatile: the compiler would see the overflow */

static void overflow_resize(void)
{
    free(mem_resize(NULL, half, 4));
}

static void overflow_array(void)
{
    free(mem_array(half, 4));
}

TEST(a_size_that_overflows_ends_the_program)
{
#if !defined(__SANITIZE_ADDRESS__) /* the sanitizer reports it in its own way before we see it */
    CHECK(aborts(overflow_resize));
    CHECK(aborts(overflow_array));
#else
    (void)aborts, (void)overflow_resize, (void)overflow_array;
#endif
}

int main(void)
{
    return check_run();
}
