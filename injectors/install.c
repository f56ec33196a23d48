#include "install.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

int install_self(const char *dir, struct error *err)
{
    auto_free char *bin = mem_printf("%s/bin", dir);
    auto_free char *path = mem_printf("%s/drill-injector", bin);
    auto_free char *fresh = mem_printf("%s/.drill-injector.new", bin);
    struct stat ours, there;
    auto_fd int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (from < 0 || fstat(from, &ours) < 0)
        return error_errno(err, errno, "open our own program");
    if (stat(path, &there) == 0 && there.st_dev == ours.st_dev && there.st_ino == ours.st_ino)
        return 0;
    if (mkdir(bin, 0755) < 0 && errno != EEXIST)
        return error_errno(err, errno, "make %s", bin);
    unlink(fresh);
    auto_fd int to = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0555);
    if (to < 0)
        return error_errno(err, errno, "create %s", fresh);
    for (off_t at = 0; at < ours.st_size;)
        if (sendfile(to, from, &at, (size_t)(ours.st_size - at)) <= 0) {
            int saved = errno;
            unlink(fresh);
            return error_errno(err, saved, "copy our program to %s", fresh);
        }
    if (fchmod(to, 0555) < 0 || rename(fresh, path) < 0)
        return error_errno(err, errno, "install %s", path);
    return 0;
}
