/* tests/heap.c: malloc and its kin, which count requests and refuse them on demand. They hand the rest on to the functions that
 * they stand in front of. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/heap.h"

/* The thread sanitizer's functions cannot be interposed, and clang's sanitizers are linked into the program. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define INTERPOSES 0
#endif
#elif defined(__SANITIZE_THREAD__)
#define INTERPOSES 0
#endif
#ifndef INTERPOSES
#define INTERPOSES 1
#endif

#define NOT_INLINE __attribute__((noinline)) /* so that the return address is the caller's */
/* The address sanitizer allocates before it is initialized, so these functions must not be instrumented. */
#define NO_ASAN __attribute__((no_sanitize("address")))

static atomic_bool watching, refuse_later;
static atomic_long by_program, by_libraries, outstanding, next_refused, refused;

#if INTERPOSES
/* ---- The real functions ---- */

static struct {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void *(*memalign)(size_t, size_t);
    void (*free)(void *);
} real;

/* Looking up the real functions takes memory itself, and so may code that runs earlier. */
static _Alignas(64) char early[1 << 14];
static size_t early_used;

NO_ASAN static void *allocate_early(size_t size)
{
    size = (size + 63) & ~(size_t)63;
    if (size > sizeof early - early_used) return NULL;
    void *p = early + early_used;
    early_used += size;
    return p;
}

NO_ASAN static bool is_early(const void *p)
{
    return (uintptr_t)p >= (uintptr_t)early && (uintptr_t)p < (uintptr_t)early + sizeof early;
}

NO_ASAN static void find(void *function, const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    memcpy(function, &found, sizeof found);
}

/* Looks up the real functions, and returns whether they are there. The first call comes before there is a second thread. */
NO_ASAN static bool found(void)
{
    static bool resolving;
    if (real.free) return true;
    if (resolving) return false;
    resolving = true;
    find(&real.malloc, "malloc");
    find(&real.calloc, "calloc");
    find(&real.realloc, "realloc");
    find(&real.memalign, "memalign");
    find(&real.free, "free");
    return true;
}

/* ---- The caller ---- */

NO_ASAN static bool is_exempt(const char *file)
{
    static const char *const names[] = { "libgomp", "libomp",  "libiomp",  "libblis",  "ld-",
                                         "ld.",     "libasan", "libubsan", "libcmocka" };
    const char              *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strncmp(name, names[i], strlen(names[i])) == 0) return true;
    }
    return false;
}

typedef enum { THIS_PROGRAM, OTHER_LIBRARY, EXEMPT } caller;

NO_ASAN static caller caller_at(const void *address)
{
    Dl_info ours, from;
    if (!dladdr(&by_program, &ours) || !dladdr(address, &from)) return EXEMPT;
    return from.dli_fbase == ours.dli_fbase ? THIS_PROGRAM : is_exempt(from.dli_fname) ? EXEMPT : OTHER_LIBRARY;
}

/* Counts a request, and returns whether it is granted. */
NO_ASAN static bool grant(const void *address)
{
    if (!atomic_load_explicit(&watching, memory_order_relaxed)) return true;
    caller who = caller_at(address);
    atomic_fetch_add(who == THIS_PROGRAM ? &by_program : &by_libraries, 1);
    if (who == EXEMPT) return true;
    long n = atomic_load(&next_refused) > 0 ? atomic_fetch_sub(&next_refused, 1) : 0;
    if (n == 1 || (n == 0 && atomic_load(&refuse_later) && atomic_load(&refused) > 0)) {
        atomic_fetch_add(&refused, 1);
        errno = ENOMEM;
        return false;
    }
    return true;
}

NO_ASAN static void *count_allocation(void *p, const void *address)
{
    if (p && atomic_load_explicit(&watching, memory_order_relaxed) && caller_at(address) != EXEMPT)
        atomic_fetch_add(&outstanding, 1);
    return p;
}

NO_ASAN static void count_free(const void *p, const void *address)
{
    if (p && atomic_load_explicit(&watching, memory_order_relaxed) && caller_at(address) != EXEMPT)
        atomic_fetch_sub(&outstanding, 1);
}

#define CALLER __builtin_return_address(0)

/* ---- Interposed functions ---- */

NO_ASAN static void *aligned(size_t align, size_t size, const void *address)
{
    if (!found()) return allocate_early(size);
    return grant(address) ? count_allocation(real.memalign(align, size), address) : NULL;
}

NO_ASAN NOT_INLINE void *malloc(size_t size)
{
    if (!found()) return allocate_early(size);
    return grant(CALLER) ? count_allocation(real.malloc(size), CALLER) : NULL;
}

NO_ASAN NOT_INLINE void *calloc(size_t n, size_t size)
{
    if (!found()) return allocate_early(n * size);
    return grant(CALLER) ? count_allocation(real.calloc(n, size), CALLER) : NULL;
}

NO_ASAN NOT_INLINE void free(void *p)
{
    if (!p || is_early(p) || !found()) return;
    count_free(p, CALLER);
    real.free(p);
}

NO_ASAN NOT_INLINE void *realloc(void *p, size_t size)
{
    if (!found() || is_early(p)) {
        size_t most = (size_t)(early + sizeof early - (char *)p);
        void  *to = malloc(size);
        return to && p ? memcpy(to, p, size < most ? size : most) : to;
    }
    if (!grant(CALLER)) return NULL;
    void *to = real.realloc(p, size);
    return p ? to : count_allocation(to, CALLER);
}

NO_ASAN NOT_INLINE void *memalign(size_t align, size_t size)
{
    return aligned(align, size, CALLER);
}

NO_ASAN NOT_INLINE void *aligned_alloc(size_t align, size_t size)
{
    return aligned(align, size, CALLER);
}

NO_ASAN NOT_INLINE int posix_memalign(void **p, size_t align, size_t size)
{
    void *taken = aligned(align, size, CALLER);
    if (!taken) return ENOMEM;
    *p = taken;
    return 0;
}

/* A sanitizer's strdup would allocate without calling malloc. */
NO_ASAN NOT_INLINE char *strdup(const char *text)
{
    size_t n = strlen(text) + 1;
    if (!found() || !grant(CALLER)) return NULL;
    void *copy = count_allocation(real.malloc(n), CALLER);
    return copy ? memcpy(copy, text, n) : NULL;
}

#endif

/* ---- For tests ---- */

bool heap_is_interposed(void)
{
    const char *preload = getenv("LD_PRELOAD");
    return INTERPOSES && !(preload && strstr(preload, "vgpreload"));
}

void heap_watch(bool on)
{
    atomic_store(&watching, on);
}

heap_requests heap_take(void)
{
    return (heap_requests){ atomic_exchange(&by_program, 0), atomic_exchange(&by_libraries, 0),
                            atomic_exchange(&outstanding, 0) };
}

void heap_refuse(long n, bool and_later)
{
    atomic_store(&refused, 0);
    atomic_store(&refuse_later, and_later);
    atomic_store(&next_refused, n);
}

long heap_refused(void)
{
    return atomic_load(&refused);
}
