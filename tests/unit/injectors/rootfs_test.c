#include "rootfs.h"

#include "base/str.h"
#include "check.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static char top[] = "/tmp/rootfs-test-XXXXXX";

static void make(const char *path, const char *text)
{
    auto_free char *full = mem_printf("%s/%s", top, path);
    auto_fd int fd = open(full, O_WRONLY | O_CREAT, 0600);
    CHECK(write(fd, text, strlen(text)) >= 0);
}

static void make_link(const char *to, const char *path)
{
    auto_free char *full = mem_printf("%s/%s", top, path);
    CHECK(symlink(to, full) == 0);
}

static void make_folder(const char *path)
{
    auto_free char *full = mem_printf("%s/%s", top, path);
    CHECK(mkdir(full, 0700) == 0);
}

/* What stands outside of the root has the text "outside". */
static const struct row {
    const char *sentence, *path;
    const char *text; /* NULL: not found */
    enum error_class class;
} rows[] = {
    {"a plain path", "/etc/conf", "inside", ERROR_NONE},
    {"an absolute link stays in the root", "/absolute", "inside", ERROR_NONE},
    {"a link upwards stays in the root", "/etc/up", "inside", ERROR_NONE},
    {"the links of a ConfigMap volume", "/volume/key", "inside", ERROR_NONE},
    {"dots beyond the root stay in it", "/../../../etc/conf", "inside", ERROR_NONE},
    {"what is not there", "/etc/none", NULL, ERROR_NOT_FOUND},
    {"a file as a folder", "/etc/conf/x", NULL, ERROR_NOT_FOUND},
    {"a link to what is only outside", "/escape", NULL, ERROR_NOT_FOUND},
    {"a loop of links", "/loop", NULL, ERROR_INVALID},
    {"a folder is no file", "/etc", NULL, ERROR_INVALID},
    {"a pipe is not opened", "/pipe", NULL, ERROR_INVALID},
};

static void set_up(void)
{
    CHECK(mkdtemp(top) != NULL);
    make("outside", "outside");
    make_folder("root");
    make_folder("root/etc");
    make_folder("root/volume");
    make_folder("root/volume/..1");
    make("root/etc/conf", "inside");
    make("root/volume/..1/key", "inside");
    make_link("/etc/conf", "root/absolute");
    make_link("../../../../etc/conf", "root/etc/up");
    make_link("..1", "root/volume/..data");
    make_link("..data/key", "root/volume/key");
    make_link("../outside", "root/escape");
    make_link("loop", "root/loop");
    auto_free char *pipe = mem_printf("%s/root/pipe", top);
    CHECK(mkfifo(pipe, 0600) == 0);
}

static int find_and_open(int (*find)(int, const char *, struct error *), int root, const char *path, struct error *err)
{
    auto_fd int found = find(root, path, err);
    return found < 0 ? -1 : rootfs_reopen(found, O_RDONLY, err);
}

TEST(paths_resolve_in_the_root_and_never_outside)
{
    set_up();
    auto_free char *name = mem_printf("%s/root", top);
    auto_fd int root = open(name, O_PATH | O_DIRECTORY);
    for (size_t i = 0; i < array_len(rows); i++)
        for (int by_hand = 0; by_hand < 2; by_hand++) {
            struct error err = {0};
            char text[16] = "";
            CHECK_ROW(rows[i].sentence);
            auto_fd int fd = by_hand && rows[i].class != ERROR_INVALID
                                 ? find_and_open(rootfs_find_by_hand, root, rows[i].path, &err)
                                 : rootfs_open(root, rows[i].path, O_RDONLY, NULL, &err);
            CHECK_INT(fd >= 0, rows[i].text != NULL);
            CHECK_INT(err.class, rows[i].class);
            if (fd >= 0 && rows[i].text) {
                CHECK(read(fd, text, sizeof text - 1) > 0);
                CHECK_STR(text, rows[i].text);
            }
        }
}

int main(void)
{
    return check_run();
}
