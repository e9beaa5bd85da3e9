/* tensor/arena.c: arenas, which hand out memory block by block and take all of it back at once.
 *
 * A chunk is one allocation from the heap. A block is what one request gets: 64 bytes with a header, and the caller's memory
 * right behind them. Blocks are cut off the newest chunk, one behind the other; a request that does not fit into it gets a
 * new chunk, and older chunks are never looked at again.
 *
 *     chunk: | chunk header, padding | header | memory | header | memory | ... |   not yet used   |
 *                                    ^ base                                    ^ base + used
 *
 * - base, used and the sizes of blocks are multiples of ALIGN, so that all memory handed out is aligned to it.
 * - A block's use count is above 0 while somebody holds the block. It is 0 in the free list, and nowhere else.
 * - A block keeps its size as long as its chunk exists: blocks are neither split nor merged. A request takes the smallest
 *   free block that fits, unless more than half of it would be wasted.
 * - held is the sum of the chunks' sizes. A new chunk is next_size large, or as large as its first block, if that is larger.
 * - A reset ends all blocks, releases memory that came from elsewhere, and keeps the arena's own. Several chunks are replaced
 *   by one of the size that was used in them together, so that a loop which resets the arena in each iteration soon has one
 *   chunk, and blocks at the same addresses each time.
 * - Once the arena has an error, it hands out nothing. no_memory is the arena that tap_arena_new returns when there is no
 *   memory for one: all arenas of that kind are this one, so it has its error from the beginning and is never changed. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/borrow.h"
#include "tensor/arena.h"
#include "tensor/error.h"

/* For the address sanitizer, memory that is not handed out is poisoned: headers, padding, and blocks in the free list. */
#if defined(__has_feature)
#define HAS_ASAN __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#endif
#if HAS_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, bytes)   __asan_poison_memory_region(p, bytes)
#define UNPOISON(p, bytes) __asan_unpoison_memory_region(p, bytes)
#else
#define POISON(p, bytes)   ((void)(p))
#define UNPOISON(p, bytes) ((void)(p))
#endif

enum { ALIGN = 64, FIRST_CHUNK = 1 << 16 };

/* The header of a block, at the end of the 64 bytes before its memory. */
typedef struct block {
    size_t        size; /* of its memory, a multiple of ALIGN */
    struct block *next; /* in the free list */
    int           uses;
} block;

typedef struct chunk {
    struct chunk *next;
    size_t        size, used; /* bytes from base on */
    char         *base;       /* the first aligned byte */
} chunk;

/* Memory that the arena owns and has not allocated. */
typedef struct foreign {
    struct foreign *next;
    void           *p;
    size_t          n;
    void (*release)(void *p, size_t n);
} foreign;

struct tap_arena {
    chunk      *chunks; /* the newest one first */
    foreign    *foreign;
    block      *free;
    size_t      held, next_size;
    const char *name; /* for messages */
    tap_error   error;
    const char *kind; /* in the report of an unread error; NULL: it is copied to another owner, which reports it */
    bool        is_read, *read_flag; /* the error was read or reported; read_flag points to is_read, for a const arena */
};

static block *block_of(void *p)
{
    return (block *)p - 1;
}

static atomic_bool one_chunk_per_block;

void tap__arena_one_chunk_per_block(bool on)
{
    atomic_store(&one_chunk_per_block, on);
}

static tap_arena no_memory = { .error = { TAP_ENOMEM, "arena: no memory" } };

tap_arena *tap_arena_new(void)
{
    tap_arena *a = calloc(1, sizeof *a);
    if (!a) {
        tap_error_set(NULL, TAP_ENOMEM, "%s", no_memory.error.message);
        return &no_memory;
    }
    a->next_size = FIRST_CHUNK;
    a->name = a->kind = "arena";
    a->read_flag = &a->is_read;
    return a;
}

tap_arena *tap__arena_new_internal(void)
{
    tap_arena *a = tap_arena_new();
    if (a != &no_memory) a->kind = NULL;
    return a;
}

static void report(tap_arena *a)
{
    if (a->error.status == TAP_OK || !a->kind || a->is_read) return;
    a->is_read = true;
    tap__report_unread(a->kind, &a->error);
}

bool tap__arena_own(tap_arena *a, void *p, size_t n, void (*release)(void *p, size_t n))
{
    if (!a || a->error.status != TAP_OK) return false;
    foreign *f = malloc(sizeof *f);
    if (!f) {
        tap_error_set(&a->error, TAP_ENOMEM, "%s: no memory for %zu bytes (%zu held)", a->name, sizeof *f, a->held);
        return false;
    }
    *f = (foreign){ a->foreign, p, n, release };
    a->foreign = f;
    return true;
}

static void release_foreign(tap_arena *a)
{
    for (foreign *f = a->foreign, *next; f; f = next) {
        next = f->next;
        tap__note_free(f->p, f->n);
        f->release(f->p, f->n);
        free(f);
    }
    a->foreign = NULL;
}

static void free_chunks(tap_arena *a)
{
    for (chunk *c = a->chunks, *next; c; c = next) {
        next = c->next;
        tap__note_free(c->base, c->used);
        UNPOISON(c->base, c->size);
        free(c);
    }
    a->chunks = NULL;
    a->held = 0;
}

void tap_arena_free(tap_arena *a)
{
    if (!a || a == &no_memory) return;
    report(a);
    release_foreign(a);
    free_chunks(a);
    free(a);
}

void tap_arena_reset(tap_arena *a)
{
    if (!a || a == &no_memory) return;
    report(a);
    release_foreign(a);
    a->free = NULL;
    if (a->chunks && a->chunks->next) {
        size_t used = 0;
        for (chunk *c = a->chunks; c; c = c->next) used += c->used;
        free_chunks(a);
        a->next_size = used;
    } else if (a->chunks) {
        tap__note_free(a->chunks->base, a->chunks->used);
        a->chunks->used = 0;
        POISON(a->chunks->base, a->chunks->size);
    }
}

static chunk *chunk_new(tap_arena *a, size_t bytes)
{
    size_t size =
        bytes > a->next_size || atomic_load_explicit(&one_chunk_per_block, memory_order_relaxed) ? bytes : a->next_size;
    chunk *c = NULL;
    if (size <= SIZE_MAX - sizeof *c - ALIGN) c = malloc(sizeof *c + ALIGN + size);
    if (!c && size > bytes) {
        size = bytes; /* there may still be memory for this block alone */
        c = malloc(sizeof *c + ALIGN + size);
    }
    if (!c) return NULL;
    c->size = size;
    c->used = 0;
    c->base = (char *)(((uintptr_t)(c + 1) + ALIGN - 1) & ~(uintptr_t)(ALIGN - 1));
    POISON(c->base, size);
    c->next = a->chunks;
    a->chunks = c;
    a->held += size;
    a->next_size = a->held / 2 > FIRST_CHUNK ? a->held / 2 : FIRST_CHUNK;
    return c;
}

/* Takes the smallest free block that fits and is at most twice as large as needed; NULL if there is none. */
static block *acquire_free(tap_arena *a, size_t bytes)
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
    const char *before = a ? a->name : NULL;
    if (a && a != &no_memory) a->name = name;
    return before;
}

void *tap__arena_acquire(tap_arena *a, size_t bytes)
{
    if (!a || a->error.status != TAP_OK) return NULL;
    size_t size = bytes ? (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1) : ALIGN;
    block *b = size >= bytes ? acquire_free(a, size) : NULL;
    if (b) {
        b->uses = 1;
        UNPOISON(b + 1, bytes);
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
    UNPOISON(b, sizeof *b + bytes);
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
    POISON(p, b->size);
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
    if (message && a && a->read_flag && e->status != TAP_OK) *a->read_flag = true;
    return e->status;
}

void tap_arena_clear_error(tap_arena *a)
{
    if (!a || a == &no_memory) return;
    a->error.status = TAP_OK;
    a->is_read = false;
}

tap_error *tap_arena_error(tap_arena *a)
{
    return a ? &a->error : NULL;
}

/* ---- Arenas of files and objects ---- */

tap_arena *tap__arena_new_for_file(const char *path, tap_error *e)
{
    tap_arena *a = tap__arena_new_internal();
    if (a == &no_memory) tap_error_set(e, TAP_ENOMEM, "%s: no memory to begin with", path);
    tap__arena_name(a, path);
    return a;
}

void *tap__arena_object(size_t size, const char *name, const char *kind, const tap_error *without_memory, tap_arena **a)
{
    tap_arena *own = tap__arena_new_internal();
    void      *object = tap_arena_alloc(own, size);
    if (!object) {
        tap_error_set(NULL, without_memory->status, "%s", without_memory->message);
        tap_arena_free(own);
        return NULL;
    }
    own->name = name;
    own->kind = kind;
    *a = own;
    return object;
}

tap_status tap__object_status(const tap_arena *a, const tap_error *without, const char **message)
{
    if (a) return tap_arena_status(a, message);
    if (message) *message = without->message;
    return without->status;
}

size_t tap__arena_bytes(const tap_arena *a)
{
    return a->held;
}
