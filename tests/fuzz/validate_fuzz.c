/* The content of a file that somebody else wrote: the first byte chooses what it should be. */
#include "validate.h"

#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    FUZZ_CHECK(fd >= 0 && write(fd, data + 1, size - 1) == (ssize_t)(size - 1) && lseek(fd, 0, SEEK_SET) == 0);
    struct error err = {0};
    enum validate_kind kind = (enum validate_kind)(data[0] % 5);
    int result = validate_file(kind, fd, &err);
    FUZZ_CHECK(result == 0 ? err.class == ERROR_NONE : err.class != ERROR_NONE && err.text[0]);
    FUZZ_CHECK(kind != VALIDATE_RAW || result == 0);
    close(fd);
    return 0;
}
