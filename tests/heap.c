#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/heap.h"

#if defined(__has_feature)
#define HAS(feature) __has_feature(feature)
#else
#define HAS(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || HAS(address_sanitizer) || HAS(thread_sanitizer)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif
#if defined(__GLIBC__) && !SANITIZED
#define COUNTS 1
#else
#define COUNTS 0
#endif

#define NOT_INLINE __attribute__((noinline)) /* so that the return address tells who asks */

static atomic_bool counting;
static atomic_long taken_here, taken_elsewhere;

#if COUNTS
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t align, size_t size);

static void count(const void *caller)
{
    Dl_info here, from;
    if (!atomic_load(&counting) || !dladdr(&taken_here, &here) || !dladdr(caller, &from)) return;
    atomic_fetch_add(from.dli_fbase == here.dli_fbase ? &taken_here : &taken_elsewhere, 1);
}

NOT_INLINE void *malloc(size_t size)
{
    count(__builtin_return_address(0));
    return __libc_malloc(size);
}

NOT_INLINE void *calloc(size_t n, size_t size)
{
    count(__builtin_return_address(0));
    return __libc_calloc(n, size);
}

NOT_INLINE void *realloc(void *p, size_t size)
{
    count(__builtin_return_address(0));
    return __libc_realloc(p, size);
}

NOT_INLINE void *memalign(size_t align, size_t size)
{
    count(__builtin_return_address(0));
    return __libc_memalign(align, size);
}

NOT_INLINE void *aligned_alloc(size_t align, size_t size)
{
    count(__builtin_return_address(0));
    return __libc_memalign(align, size);
}

NOT_INLINE int posix_memalign(void **p, size_t align, size_t size)
{
    count(__builtin_return_address(0));
    *p = __libc_memalign(align, size);
    return *p ? 0 : ENOMEM;
}
#endif

/* Valgrind puts its own functions in the place of those above. */
bool heap_counts(void)
{
    const char *preload = getenv("LD_PRELOAD");
    return COUNTS && !(preload && strstr(preload, "vgpreload"));
}

void heap_watch(bool on)
{
    atomic_store(&counting, on);
}

heap_requests heap_take(void)
{
    return (heap_requests){ atomic_exchange(&taken_here, 0), atomic_exchange(&taken_elsewhere, 0) };
}
