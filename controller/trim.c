#include "trim.h"

#include "base/mem.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#define FIRST       (10 * USEC_SEC)
#define EVERY       (60 * USEC_SEC)
#define LARGE_BLOCK (64 * 1024)

struct trim {
    struct timer *timer;
    bool (*quiet)(void *userdata);
    void *userdata;
};

/* The program's own segments that nothing was ever written to; the first object that the linker lists is the program. */
static int unmap_program(struct dl_phdr_info *info, size_t size, void *userdata)
{
    (void)size;
    (void)userdata;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type != PT_LOAD || (p->p_flags & PF_W))
            continue;
        uintptr_t begin = (info->dlpi_addr + p->p_vaddr) & ~(page - 1);
        uintptr_t end = (info->dlpi_addr + p->p_vaddr + p->p_filesz + page - 1) & ~(page - 1);
        madvise((void *)begin, end - begin, MADV_DONTNEED); /* what is needed again comes from the page cache */
    }
    return 1;
}

static void due(void *userdata)
{
    struct trim *t = userdata;
    if (t->quiet(t->userdata)) {
        malloc_trim(0);
        dl_iterate_phdr(unmap_program, NULL);
    }
    timer_at(t->timer, time_monotonic() + EVERY);
}

struct trim *trim_new(struct loop *loop, bool (*quiet)(void *userdata), void *userdata)
{
    struct trim *t = mem_new(struct trim);
    *t = (struct trim){.timer = timer_new(loop, due, t), .quiet = quiet, .userdata = userdata};
    timer_at(t->timer, time_monotonic() + FIRST);
    return t;
}

void trim_free(struct trim *t)
{
    if (!t)
        return;
    timer_free(t->timer);
    free(t);
}

void trim_prepare(void)
{
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
}
