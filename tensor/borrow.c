/* tensor/borrow.c: the list of borrowers, and their logs of writes (see borrow.h).
 *
 * A write to borrowed memory is logged. Adjacent writes in a row become one entry, so that a loop over elements, or an
 * optimizer's over its parameters, does not fill the log. One lock guards everything, as writers and borrowers may be in
 * different threads. Bounds of all borrowed memory let most writes pass without taking it. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/borrow.h"
#include "tensor/shape.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static tap__borrower  *borrowers;

/* Bounds of all hulls. They grow when memory is borrowed, and are computed anew when a borrower is reset or closed. */
static atomic_uintptr_t bound_first = UINTPTR_MAX, bound_end;

static bool overlap(tap__bytes a, tap__bytes b)
{
    return a.first < b.end && b.first < a.end;
}

static tap__bytes hull_of(tap__bytes a, tap__bytes b)
{
    return (tap__bytes){ a.first < b.first ? a.first : b.first, a.end > b.end ? a.end : b.end };
}

static const tap__bytes no_bytes = { UINTPTR_MAX, 0 };

/* From the first to the last byte of x, for any strides. */
static tap__bytes bytes_of(tap_tensor x)
{
    const int64_t size = (int64_t)tap_dtype_size(x.dtype);
    int64_t       low = 0, high = 0;
    if (!x.data || tap__numel(&x.shape) <= 0) return no_bytes;
    for (int i = 0; i < x.shape.rank; i++) {
        const int64_t extent = (x.shape.n[i] - 1) * x.stride[i];
        if (extent < 0) low += extent;
        else high += extent;
    }
    const uintptr_t at = (uintptr_t)x.data;
    return (tap__bytes){ at + (uintptr_t)(low * size), at + (uintptr_t)((high + 1) * size) };
}

/* ---- Borrowers ---- */

static void update_bound(void)
{
    tap__bytes all = no_bytes;
    for (const tap__borrower *b = borrowers; b; b = b->next) all = hull_of(all, b->hull);
    atomic_store(&bound_first, all.first);
    atomic_store(&bound_end, all.end);
}

void tap__borrower_open(tap__borrower *b)
{
    memset(b, 0, sizeof *b);
    b->hull = no_bytes;
    pthread_mutex_lock(&lock);
    b->next = borrowers;
    b->link = &borrowers;
    if (borrowers) borrowers->link = &b->next;
    borrowers = b;
    pthread_mutex_unlock(&lock);
}

void tap__borrower_close(tap__borrower *b)
{
    pthread_mutex_lock(&lock);
    *b->link = b->next;
    if (b->next) b->next->link = b->link;
    update_bound();
    pthread_mutex_unlock(&lock);
    free(b->borrowed);
    free(b->writes);
}

void tap__borrower_reset(tap__borrower *b)
{
    pthread_mutex_lock(&lock);
    b->n_borrowed = b->last_found = 0;
    b->n_writes = 0;
    b->hull = no_bytes;
    b->is_extendable = false;
    b->incomplete = false;
    update_bound();
    pthread_mutex_unlock(&lock);
}

size_t tap__borrower_bytes(const tap__borrower *b)
{
    return b->max_borrowed * sizeof *b->borrowed + b->max_writes * sizeof *b->writes;
}

/* Makes room for one more element; false if there is no memory. */
static bool grow(void **array, size_t n, size_t *max, size_t size)
{
    if (n < *max) return true;
    size_t capacity = *max ? 2 * *max : 64;
    void  *grown = capacity <= SIZE_MAX / size ? realloc(*array, capacity * size) : NULL;
    if (!grown) return false;
    *array = grown;
    *max = capacity;
    return true;
}

bool tap__borrow(tap__borrower *b, tap_tensor x, size_t *version)
{
    const tap__bytes bytes = bytes_of(x);
    pthread_mutex_lock(&lock);
    void      *array = b->borrowed;
    const bool has_capacity = grow(&array, b->n_borrowed, &b->max_borrowed, sizeof *b->borrowed);
    b->borrowed = array;
    *version = b->n_writes;
    b->is_extendable = false;
    if (has_capacity && bytes.end > 0) {
        b->borrowed[b->n_borrowed++] = bytes;
        b->hull = hull_of(b->hull, bytes);
        if (bytes.first < atomic_load(&bound_first)) atomic_store(&bound_first, bytes.first);
        if (bytes.end > atomic_load(&bound_end)) atomic_store(&bound_end, bytes.end);
    }
    pthread_mutex_unlock(&lock);
    return has_capacity;
}

static tap__memory_state state_in_log(const tap__borrower *b, tap__bytes bytes, size_t version)
{
    tap__memory_state state = b->incomplete ? TAP__UNKNOWN : TAP__UNMODIFIED;
    for (size_t i = version; i < b->n_writes; i++) {
        if (!overlap(b->writes[i].bytes, bytes)) continue;
        if (b->writes[i].freed) return TAP__FREED;
        state = TAP__WRITTEN;
    }
    return state;
}

tap__memory_state tap__memory_state_since(const tap__borrower *b, tap_tensor x, size_t version)
{
    if (atomic_load(&b->n_writes) == version && !atomic_load(&b->incomplete)) return TAP__UNMODIFIED;
    pthread_mutex_lock(&lock);
    const tap__memory_state state = state_in_log(b, bytes_of(x), version);
    pthread_mutex_unlock(&lock);
    return state;
}

/* ---- Writes ---- */

static void log_write(tap__borrower *b, tap__bytes bytes, bool freed)
{
    tap__write *last = b->n_writes > 0 ? &b->writes[b->n_writes - 1] : NULL;
    if (b->is_extendable && last && last->freed == freed && bytes.first <= last->bytes.end && last->bytes.first <= bytes.end) {
        last->bytes = hull_of(last->bytes, bytes);
        return;
    }
    void      *array = b->writes;
    const bool has_capacity = grow(&array, b->n_writes, &b->max_writes, sizeof *b->writes);
    b->writes = array;
    if (!has_capacity) {
        b->incomplete = true;
        return;
    }
    b->writes[b->n_writes++] = (tap__write){ bytes, freed };
    b->is_extendable = true;
}

/* Whether b has borrowed any of the bytes. The search starts where the last one ended, as parameters are written in the
 * order in which they were borrowed. */
static bool has_borrowed(tap__borrower *b, tap__bytes bytes)
{
    if (!overlap(bytes, b->hull)) return false;
    for (size_t k = 0; k < b->n_borrowed; k++) {
        const size_t i = b->last_found + k < b->n_borrowed ? b->last_found + k : b->last_found + k - b->n_borrowed;
        if (!overlap(b->borrowed[i], bytes)) continue;
        b->last_found = i;
        return true;
    }
    return false;
}

static void note_bytes(tap__bytes bytes, bool freed)
{
    if (bytes.first >= atomic_load_explicit(&bound_end, memory_order_relaxed)) return;
    if (bytes.end <= atomic_load_explicit(&bound_first, memory_order_relaxed)) return;
    pthread_mutex_lock(&lock);
    for (tap__borrower *b = borrowers; b; b = b->next) {
        if (has_borrowed(b, bytes)) log_write(b, bytes, freed);
    }
    pthread_mutex_unlock(&lock);
}

void tap__note_write(tap_tensor x)
{
    note_bytes(bytes_of(x), false);
}

void tap__note_free(const void *p, size_t n)
{
    if (p && n > 0) note_bytes((tap__bytes){ (uintptr_t)p, (uintptr_t)p + n }, true);
}

bool tap__is_borrowed(tap_tensor x)
{
    const tap__bytes bytes = bytes_of(x);
    bool             found = false;
    pthread_mutex_lock(&lock);
    for (tap__borrower *b = borrowers; b && !found; b = b->next) found = has_borrowed(b, bytes);
    pthread_mutex_unlock(&lock);
    return found;
}
