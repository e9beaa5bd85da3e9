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

/* The thread sanitizer's functions do not stand for others before them, and clang's sanitizers are linked into the program. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define STANDS_BEFORE 0
#endif
#elif defined(__SANITIZE_THREAD__)
#define STANDS_BEFORE 0
#endif
#ifndef STANDS_BEFORE
#define STANDS_BEFORE 1
#endif

#define NOT_INLINE __attribute__((noinline)) /* so that the return address tells who asks */
/* The address sanitizer asks for memory before it can look at those who use it. */
#define UNSEEN __attribute__((no_sanitize("address")))

static atomic_bool watching, all_behind_are;
static atomic_long here, elsewhere, kept, next_refused, refused;

#if STANDS_BEFORE
/* ---- Behind ours ---- */

static struct {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void *(*memalign)(size_t, size_t);
    void (*free)(void *);
} behind;

/* Finding these takes memory itself, and so may whatever runs before. */
static _Alignas(64) char early[1 << 14];
static size_t early_used;

UNSEEN static void *take_early(size_t size)
{
    size = (size + 63) & ~(size_t)63;
    if (size > sizeof early - early_used) return NULL;
    void *p = early + early_used;
    early_used += size;
    return p;
}

UNSEEN static bool is_early(const void *p)
{
    return (uintptr_t)p >= (uintptr_t)early && (uintptr_t)p < (uintptr_t)early + sizeof early;
}

UNSEEN static void find(void *function, const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    memcpy(function, &found, sizeof found);
}

/* The first call comes before there is a second thread. */
UNSEEN static bool found(void)
{
    static bool finding;
    if (behind.free) return true;
    if (finding) return false;
    finding = true;
    find(&behind.malloc, "malloc");
    find(&behind.calloc, "calloc");
    find(&behind.realloc, "realloc");
    find(&behind.memalign, "memalign");
    find(&behind.free, "free");
    return true;
}

/* ---- Who asks ---- */

UNSEEN static bool is_spared(const char *file)
{
    static const char *const names[] = { "libgomp", "libomp",  "libiomp",  "libblis",  "ld-",
                                         "ld.",     "libasan", "libubsan", "libcmocka" };
    const char              *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strncmp(name, names[i], strlen(names[i])) == 0) return true;
    }
    return false;
}

typedef enum { US, ANOTHER, SPARED } asker;

UNSEEN static asker asker_at(const void *address)
{
    Dl_info ours, from;
    if (!dladdr(&here, &ours) || !dladdr(address, &from)) return SPARED;
    return from.dli_fbase == ours.dli_fbase ? US : is_spared(from.dli_fname) ? SPARED : ANOTHER;
}

/* Counts a request, and tells whether it is granted. */
UNSEEN static bool granted(const void *address)
{
    if (!atomic_load_explicit(&watching, memory_order_relaxed)) return true;
    asker who = asker_at(address);
    atomic_fetch_add(who == US ? &here : &elsewhere, 1);
    if (who == SPARED) return true;
    long n = atomic_load(&next_refused) > 0 ? atomic_fetch_sub(&next_refused, 1) : 0;
    if (n == 1 || (n == 0 && atomic_load(&all_behind_are) && atomic_load(&refused) > 0)) {
        atomic_fetch_add(&refused, 1);
        errno = ENOMEM;
        return false;
    }
    return true;
}

UNSEEN static void *keep(void *p, const void *address)
{
    if (p && atomic_load_explicit(&watching, memory_order_relaxed) && asker_at(address) != SPARED) atomic_fetch_add(&kept, 1);
    return p;
}

UNSEEN static void let_go(const void *p, const void *address)
{
    if (p && atomic_load_explicit(&watching, memory_order_relaxed) && asker_at(address) != SPARED) atomic_fetch_sub(&kept, 1);
}

#define ASKER __builtin_return_address(0)

/* ---- Ours ---- */

UNSEEN static void *aligned(size_t align, size_t size, const void *address)
{
    if (!found()) return take_early(size);
    return granted(address) ? keep(behind.memalign(align, size), address) : NULL;
}

UNSEEN NOT_INLINE void *malloc(size_t size)
{
    if (!found()) return take_early(size);
    return granted(ASKER) ? keep(behind.malloc(size), ASKER) : NULL;
}

UNSEEN NOT_INLINE void *calloc(size_t n, size_t size)
{
    if (!found()) return take_early(n * size);
    return granted(ASKER) ? keep(behind.calloc(n, size), ASKER) : NULL;
}

UNSEEN NOT_INLINE void free(void *p)
{
    if (!p || is_early(p) || !found()) return;
    let_go(p, ASKER);
    behind.free(p);
}

UNSEEN NOT_INLINE void *realloc(void *p, size_t size)
{
    if (!found() || is_early(p)) {
        size_t most = (size_t)(early + sizeof early - (char *)p);
        void  *to = malloc(size);
        return to && p ? memcpy(to, p, size < most ? size : most) : to;
    }
    if (!granted(ASKER)) return NULL;
    void *to = behind.realloc(p, size);
    return p ? to : keep(to, ASKER);
}

UNSEEN NOT_INLINE void *memalign(size_t align, size_t size)
{
    return aligned(align, size, ASKER);
}

UNSEEN NOT_INLINE void *aligned_alloc(size_t align, size_t size)
{
    return aligned(align, size, ASKER);
}

UNSEEN NOT_INLINE int posix_memalign(void **p, size_t align, size_t size)
{
    void *taken = aligned(align, size, ASKER);
    if (!taken) return ENOMEM;
    *p = taken;
    return 0;
}

/* A sanitizer's takes its memory behind our back. */
UNSEEN NOT_INLINE char *strdup(const char *text)
{
    size_t n = strlen(text) + 1;
    if (!found() || !granted(ASKER)) return NULL;
    void *copy = keep(behind.malloc(n), ASKER);
    return copy ? memcpy(copy, text, n) : NULL;
}

#endif

/* ---- For tests ---- */

bool heap_counts(void)
{
    const char *preload = getenv("LD_PRELOAD");
    return STANDS_BEFORE && !(preload && strstr(preload, "vgpreload"));
}

void heap_watch(bool on)
{
    atomic_store(&watching, on);
}

heap_requests heap_take(void)
{
    return (heap_requests){ atomic_exchange(&here, 0), atomic_exchange(&elsewhere, 0), atomic_exchange(&kept, 0) };
}

void heap_refuse(long n, bool all_behind)
{
    atomic_store(&refused, 0);
    atomic_store(&all_behind_are, all_behind);
    atomic_store(&next_refused, n);
}

long heap_refused(void)
{
    return atomic_load(&refused);
}
