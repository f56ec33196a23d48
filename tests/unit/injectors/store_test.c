/* What is synced before a name points at it. The C library's fdatasync, fsync and renameat are watched: a test cannot pull the plug. */
#include "store.h"

#include "base/str.h"
#include "check.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static char order[16]; /* d: data synced, r: renamed, f: folder synced */

static void note(char what)
{
    size_t n = strlen(order);
    if (n + 1 < sizeof order) {
        order[n] = what;
        order[n + 1] = '\0';
    }
}

int fdatasync(int fd)
{
    note('d');
    return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    note('f');
    return (int)syscall(SYS_fsync, fd);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    note('r');
    return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, 0);
}

TEST(bytes_reach_the_disk_before_their_name_whether_or_not_that_is_a_promise)
{
    char top[] = "/tmp/store-test-XXXXXX";
    CHECK(mkdtemp(top) != NULL);
    auto_fd int dir = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    static const struct {
        const char *sentence, *order;
        bool durable;
    } rows[] = {
        {"a record that is a promise", "drf", true},
        {"one that is none, and takes the name of one that was", "dr", false},
    };
    for (size_t i = 0; i < array_len(rows); i++) {
        CHECK_ROW(rows[i].sentence);
        order[0] = '\0';
        struct error err = {0};
        CHECK_INT(store_write(dir, "record", "bytes", 5, rows[i].durable, &err), 0);
        CHECK_STR(order, rows[i].order);
    }
    CHECK_INT(store_remove(dir, "record"), 0);
    CHECK_INT(rmdir(top), 0);
}

int main(void)
{
    return check_run();
}
