/* witness FILE: watches one file from outside of the container that it is in, and says when its contents change.
 *
 * It is given the node's view, /proc/PID/root/PATH, waits with inotify, and reads the file again at each event. A line an observation:
 * the monotonic clock in nanoseconds, taken as soon as the new contents were read, and a digest of them (FNV-1a; 0: the file is gone).
 * The first line is what is there at the start. The clock is the machine's: namespaces share it. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#define EVENTS (IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVED_TO | IN_CREATE | IN_DELETE_SELF | IN_MOVE_SELF)

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static uint64_t digest(const char *path)
{
    uint64_t hash = 0xcbf29ce484222325u;
    unsigned char bytes[4096];
    ssize_t n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    while ((n = read(fd, bytes, sizeof(bytes))) > 0)
        for (ssize_t i = 0; i < n; i++)
            hash = (hash ^ bytes[i]) * 0x100000001b3u;
    close(fd);
    return hash;
}

static void tell(uint64_t seen)
{
    printf("%" PRId64 " %016" PRIx64 "\n", now(), seen);
    fflush(stdout);
}

static int complain(const char *what, const char *path)
{
    fprintf(stderr, "witness: %s %s: %s\n", what, path, strerror(errno));
    return 1;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: witness FILE\n");
        return 2;
    }
    int fd = inotify_init1(IN_CLOEXEC);
    if (fd < 0 || inotify_add_watch(fd, argv[1], EVENTS) < 0)
        return complain("cannot watch", argv[1]);
    uint64_t last = digest(argv[1]);
    tell(last);
    char events[16 * (sizeof(struct inotify_event) + 256)];
    while (true) {
        ssize_t n = read(fd, events, sizeof(events));
        if (n < 0 && errno != EINTR)
            return complain("cannot read events of", argv[1]);
        uint64_t seen = digest(argv[1]);
        if (seen == last)
            continue;
        tell(seen);
        last = seen;
    }
}
