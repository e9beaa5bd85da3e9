/* tensor/io/map.c: maps files into memory. */
#define _DEFAULT_SOURCE
#include "tensor/io/map.h"

#include <errno.h>
#include <sys/mman.h>

#include "tensor/text.h"
#include "tensor/arena.h"
#include "tensor/io/file.h"

static void unmap(void *p, size_t n)
{
    munmap(p, n);
}

/* Private and writable, so that a write to a tensor of a file changes the tensor alone, and is no fault. Without a reservation,
 * as the file may be larger than the memory that there is. */
void *tap__map_file(const tap__reader *in, uint64_t size)
{
    if (size == 0 || size > SIZE_MAX / 2) {
        tap__reader_fail(in, TAP_EIO, "cannot be mapped: it has %llu bytes", (unsigned long long)size);
        return NULL;
    }
    void *p = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, in->fd, 0);
    if (p == MAP_FAILED) {
        tap__reader_fail(in, tap__errno_status(errno), "cannot be mapped: %s", tap__strerror(errno));
        return NULL;
    }
    if (tap__arena_own(in->arena, p, (size_t)size, unmap)) return p;
    munmap(p, (size_t)size);
    return NULL;
}
