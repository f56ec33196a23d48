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

/* The parts of a program or library that nobody can write to: they are as in their file, relocated data is not among them. (A debugger's
 * breakpoints are: it has to set them again.) */
static int let_go(struct dl_phdr_info *object, size_t size, void *page_size)
{
    (void)size;
    const uintptr_t mask = *(const uintptr_t *)page_size - 1;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || (part->p_flags & PF_W))
            continue;
        uintptr_t from = (object->dlpi_addr + part->p_vaddr) & ~mask;
        uintptr_t to = (object->dlpi_addr + part->p_vaddr + part->p_memsz + mask) & ~mask;
        madvise((void *)from, to - from, MADV_DONTNEED); /* the kernel's own page of functions refuses, and that is fine */
    }
    return 0;
}

static void due(void *userdata)
{
    struct trim *t = userdata;
    if (t->quiet(t->userdata)) {
        uintptr_t page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
        malloc_trim(0);
        dl_iterate_phdr(let_go, &page_size);
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
