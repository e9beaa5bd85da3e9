/* Arenas: a bump through chunks, and a list of blocks given back early. A reset keeps the memory, and replaces several
 * chunks by one that holds as much, so that a loop settles on one chunk and the same addresses. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/borrow.h"
#include "tensor/arena.h"
#include "tensor/error.h"

/* For the address sanitizer, what is not handed out is out of bounds: the room between blocks, and blocks given back. */
#if defined(__has_feature)
#define FENCED __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define FENCED 1
#endif
#if FENCED
#include <sanitizer/asan_interface.h>
#define fence(p, bytes)   __asan_poison_memory_region(p, bytes)
#define unfence(p, bytes) __asan_unpoison_memory_region(p, bytes)
#else
#define fence(p, bytes)   ((void)(p))
#define unfence(p, bytes) ((void)(p))
#endif

enum { ALIGN = 64, FIRST_CHUNK = 1 << 16 };

/* Stands right before the memory handed out, in 64 bytes that keep it aligned. */
typedef struct block {
    size_t        size; /* of the memory behind it, a multiple of 64 */
    struct block *next; /* while in the free list */
    int           uses;
} block;

typedef struct chunk {
    struct chunk *next;
    size_t        size, used; /* of the bytes from the first aligned one */
    char         *base;
} chunk;

struct tap_arena {
    chunk      *chunks; /* the one being filled in front */
    block      *free;
    size_t      held, next_size;
    const char *name; /* for messages */
    tap_error   error;
    bool        is_internal;    /* its error is another owner's, which reports it */
    bool        is_told, *told; /* the error has been read, or reported; told points to is_told, for readers of a const arena */
};

static block *block_of(void *p)
{
    return (block *)p - 1;
}

static atomic_bool by_block;

void tap__arena_one_chunk_per_block(bool on)
{
    atomic_store(&by_block, on);
}

static tap_arena no_memory = { .error = { TAP_ENOMEM, "arena: no memory" }, .is_internal = true };

tap_arena *tap_arena_new(void)
{
    tap_arena *a = calloc(1, sizeof *a);
    if (!a) {
        tap_error_set(NULL, TAP_ENOMEM, "%s", no_memory.error.message);
        return &no_memory;
    }
    a->next_size = FIRST_CHUNK;
    a->name = "arena";
    a->told = &a->is_told;
    return a;
}

tap_arena *tap__arena_new_internal(void)
{
    tap_arena *a = tap_arena_new();
    if (a != &no_memory) a->is_internal = true;
    return a;
}

static void report(tap_arena *a)
{
    if (a->error.status == TAP_OK || a->is_internal || a->is_told) return;
    a->is_told = true;
    tap__report_unread("arena", &a->error);
}

static void free_chunks(tap_arena *a)
{
    for (chunk *c = a->chunks, *next; c; c = next) {
        next = c->next;
        tap__note_free(c->base, c->used);
        unfence(c->base, c->size);
        free(c);
    }
    a->chunks = NULL;
    a->held = 0;
}

void tap_arena_free(tap_arena *a)
{
    if (!a || a == &no_memory) return;
    report(a);
    free_chunks(a);
    free(a);
}

void tap_arena_reset(tap_arena *a)
{
    if (!a || a == &no_memory) return;
    report(a);
    a->free = NULL;
    if (a->chunks && a->chunks->next) {
        size_t used = 0;
        for (chunk *c = a->chunks; c; c = c->next) used += c->used;
        free_chunks(a);
        a->next_size = used;
    } else if (a->chunks) {
        tap__note_free(a->chunks->base, a->chunks->used);
        a->chunks->used = 0;
        fence(a->chunks->base, a->chunks->size);
    }
}

static chunk *chunk_new(tap_arena *a, size_t bytes)
{
    size_t size = bytes > a->next_size || atomic_load_explicit(&by_block, memory_order_relaxed) ? bytes : a->next_size;
    chunk *c = NULL;
    if (size <= SIZE_MAX - sizeof *c - ALIGN) c = malloc(sizeof *c + ALIGN + size);
    if (!c && size > bytes) {
        size = bytes; /* no room to grow generously */
        c = malloc(sizeof *c + ALIGN + size);
    }
    if (!c) return NULL;
    c->size = size;
    c->used = 0;
    c->base = (char *)(((uintptr_t)(c + 1) + ALIGN - 1) & ~(uintptr_t)(ALIGN - 1));
    fence(c->base, size);
    c->next = a->chunks;
    a->chunks = c;
    a->held += size;
    a->next_size = a->held / 2 > FIRST_CHUNK ? a->held / 2 : FIRST_CHUNK;
    return c;
}

/* The tightest free block that would not waste more than it holds. */
static block *take_free(tap_arena *a, size_t bytes)
{
    block **best = NULL;
    for (block **at = &a->free; *at; at = &(*at)->next) {
        size_t size = (*at)->size;
        if (size < bytes || size / 2 > bytes || (best && size >= (*best)->size)) continue;
        best = at;
        if (size == bytes) break;
    }
    if (!best) return NULL;
    block *b = *best;
    *best = b->next;
    return b;
}

const char *tap__arena_name(tap_arena *a, const char *name)
{
    const char *was = a ? a->name : NULL;
    if (a && a != &no_memory) a->name = name;
    return was;
}

void *tap__arena_acquire(tap_arena *a, size_t bytes)
{
    if (!a || a->error.status != TAP_OK) return NULL;
    size_t size = bytes ? (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1) : ALIGN;
    block *b = size >= bytes ? take_free(a, size) : NULL;
    if (b) {
        b->uses = 1;
        unfence(b + 1, bytes);
        return b + 1;
    }

    chunk *c = a->chunks;
    if (size < bytes || size > SIZE_MAX / 2) c = NULL;
    else if (!c || c->size - c->used < size + ALIGN) c = chunk_new(a, size + ALIGN);
    if (!c) {
        tap_error_set(&a->error, TAP_ENOMEM, "%s: no memory for %zu bytes (%zu held)", a->name, bytes, a->held);
        return NULL;
    }
    b = block_of(c->base + c->used + ALIGN);
    unfence(b, sizeof *b + bytes);
    b->size = size;
    b->uses = 1;
    c->used += size + ALIGN;
    return b + 1;
}

void tap__arena_retain(void *p)
{
    block_of(p)->uses++;
}

void tap__arena_release(tap_arena *a, void *p)
{
    block *b = block_of(p);
    if (--b->uses > 0) return;
    fence(p, b->size);
    b->next = a->free;
    a->free = b;
}

void *tap_arena_alloc(tap_arena *a, size_t bytes)
{
    void *p = tap__arena_acquire(a, bytes);
    return p ? memset(p, 0, bytes) : NULL;
}

tap_status tap_arena_status(const tap_arena *a, const char **message)
{
    static const tap_error none = { TAP_EARG, "arena: NULL" };
    const tap_error       *e = a ? &a->error : &none;
    if (message) *message = e->status == TAP_OK ? "" : e->message;
    if (message && a && a->told && e->status != TAP_OK) *a->told = true;
    return e->status;
}

void tap_arena_clear_error(tap_arena *a)
{
    if (!a || a == &no_memory) return;
    a->error.status = TAP_OK;
    a->is_told = false;
}

tap_error *tap_arena_error(tap_arena *a)
{
    return a ? &a->error : NULL;
}

size_t tap__arena_bytes(const tap_arena *a)
{
    return a->held;
}
