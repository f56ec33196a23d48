/* base/mem.h — memory that is either there or the program ends.
 *
 * Small allocations abort when memory is out: there is no sensible way on, and every caller would have to test it.
 * Whatever a peer sizes is bounded before it is allocated (see buf.h). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

void *mem_alloc(size_t size);                         /* zeroed; aborts when out of memory; size 0 gives a valid pointer */
void *mem_array(size_t count, size_t size);           /* zeroed; aborts on overflow */
void *mem_resize(void *p, size_t count, size_t size); /* like reallocarray; the new part is NOT zeroed */
void *mem_room(void *p, size_t count, size_t size); /* room for one more; p grew by one each time from NULL and 0 on, and doubles */
char *mem_strdup(const char *s);                    /* NULL gives NULL */
char *mem_strndup(const char *s, size_t n);
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define mem_new(type) ((type *)mem_alloc(sizeof(type)))
#define array_len(a)  (sizeof(a) / sizeof((a)[0]))

static inline void mem_free_cleanup(void *p)
{
    free(*(void **)p);
}
/* Frees the variable at the end of its scope; ownership leaves by mem_take(). */
#define auto_free __attribute__((cleanup(mem_free_cleanup)))
/* Yields the pointer and leaves NULL behind, so that the cleanup does nothing. */
#define mem_take(p)                                                                                                                \
    __extension__({                                                                                                                \
        __auto_type take_tmp = (p);                                                                                                \
        (p) = NULL;                                                                                                                \
        take_tmp;                                                                                                                  \
    })

void fd_close_cleanup(int *fd); /* closes if >= 0, keeps errno */
#define auto_fd __attribute__((cleanup(fd_close_cleanup)))
