/* tests/fuzz/replay.c — feeds a fuzz target every file of the folders named, for builds without libFuzzer. */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>

#define INPUT_MAX (1 << 20)

static bool replay_file(const char *path)
{
    FILE *file = fopen(path, "rbe");
    if (!file) {
        perror(path);
        return false;
    }
    auto_free uint8_t *input = mem_alloc(INPUT_MAX);
    size_t size = fread(input, 1, INPUT_MAX, file);
    fclose(file);
    auto_free uint8_t *exact = mem_alloc(size); /* so that the sanitizer sees a read behind the end */
    for (size_t i = 0; i < size; i++)
        exact[i] = input[i];
    LLVMFuzzerTestOneInput(exact, size);
    return true;
}

int main(int argc, char **argv)
{
    int replayed = 0;
    for (int i = 1; i < argc; i++) {
        DIR *dir = opendir(argv[i]);
        if (!dir) {
            perror(argv[i]);
            return 1;
        }
        for (struct dirent *entry; (entry = readdir(dir));) {
            if (entry->d_name[0] == '.')
                continue;
            auto_free char *path = mem_printf("%s/%s", argv[i], entry->d_name);
            fprintf(stderr, "%s\n", path); /* the last one named is the one that crashed */
            if (!replay_file(path))
                return 1;
            replayed++;
        }
        closedir(dir);
    }
    printf("%d inputs\n", replayed);
    return replayed > 0 ? 0 : 1;
}
