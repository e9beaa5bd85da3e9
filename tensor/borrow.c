/* The list of borrowers, and their logs of writes.
 *
 * A write that meets something borrowed is logged. Neighbouring writes become one entry, so that a loop over elements, or an
 * optimizer's over its parameters, does not fill the log. One lock guards all of it, as writers and borrowers may be in
 * different threads; a bound on all that is borrowed lets most writes pass without it. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/borrow.h"
#include "tensor/shape.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static tap__borrower  *borrowers;

/* A bound on all hulls; it grows with them, and shrinks when a borrower gives back. */
static atomic_uintptr_t all_first = UINTPTR_MAX, all_end;

static bool meet(tap__bytes a, tap__bytes b)
{
    return a.first < b.end && b.first < a.end;
}

static tap__bytes hull_of(tap__bytes a, tap__bytes b)
{
    return (tap__bytes){ a.first < b.first ? a.first : b.first, a.end > b.end ? a.end : b.end };
}

static const tap__bytes nothing = { UINTPTR_MAX, 0 };

/* From the first to the last byte of x, whatever its strides. */
static tap__bytes bytes_of(tap_tensor x)
{
    const int64_t size = (int64_t)tap_dtype_size(x.dtype);
    int64_t       low = 0, high = 0;
    if (!x.data || tap__numel(&x.shape) <= 0) return nothing;
    for (int i = 0; i < x.shape.rank; i++) {
        const int64_t reach = (x.shape.n[i] - 1) * x.stride[i];
        if (reach < 0) low += reach;
        else high += reach;
    }
    const uintptr_t at = (uintptr_t)x.data;
    return (tap__bytes){ at + (uintptr_t)(low * size), at + (uintptr_t)((high + 1) * size) };
}

/* ---- Borrowers ---- */

static void update_bound(void)
{
    tap__bytes all = nothing;
    for (const tap__borrower *b = borrowers; b; b = b->next) all = hull_of(all, b->hull);
    atomic_store(&all_first, all.first);
    atomic_store(&all_end, all.end);
}

void tap__borrower_open(tap__borrower *b)
{
    memset(b, 0, sizeof *b);
    b->hull = nothing;
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
    b->hull = nothing;
    b->open = false;
    b->lost = false;
    update_bound();
    pthread_mutex_unlock(&lock);
}

size_t tap__borrower_bytes(const tap__borrower *b)
{
    return b->max_borrowed * sizeof *b->borrowed + b->max_writes * sizeof *b->writes;
}

/* Room for one more element; false if there is no memory. */
static bool grow(void **array, size_t n, size_t *max, size_t size)
{
    if (n < *max) return true;
    size_t more = *max ? 2 * *max : 64;
    void  *grown = more <= SIZE_MAX / size ? realloc(*array, more * size) : NULL;
    if (!grown) return false;
    *array = grown;
    *max = more;
    return true;
}

bool tap__borrow(tap__borrower *b, tap_tensor x, size_t *moment)
{
    const tap__bytes bytes = bytes_of(x);
    pthread_mutex_lock(&lock);
    void      *array = b->borrowed;
    const bool room = grow(&array, b->n_borrowed, &b->max_borrowed, sizeof *b->borrowed);
    b->borrowed = array;
    *moment = b->n_writes;
    b->open = false;
    if (room && bytes.end > 0) {
        b->borrowed[b->n_borrowed++] = bytes;
        b->hull = hull_of(b->hull, bytes);
        if (bytes.first < atomic_load(&all_first)) atomic_store(&all_first, bytes.first);
        if (bytes.end > atomic_load(&all_end)) atomic_store(&all_end, bytes.end);
    }
    pthread_mutex_unlock(&lock);
    return room;
}

static tap__memory_state fate_in_log(const tap__borrower *b, tap__bytes bytes, size_t moment)
{
    tap__memory_state fate = b->lost ? TAP__UNKNOWN : TAP__UNMODIFIED;
    for (size_t i = moment; i < b->n_writes; i++) {
        if (!meet(b->writes[i].bytes, bytes)) continue;
        if (b->writes[i].freed) return TAP__FREED;
        fate = TAP__WRITTEN;
    }
    return fate;
}

tap__memory_state tap__memory_state_since(const tap__borrower *b, tap_tensor x, size_t moment)
{
    if (atomic_load(&b->n_writes) == moment && !atomic_load(&b->lost)) return TAP__UNMODIFIED;
    pthread_mutex_lock(&lock);
    const tap__memory_state fate = fate_in_log(b, bytes_of(x), moment);
    pthread_mutex_unlock(&lock);
    return fate;
}

/* ---- Writes ---- */

static void log_write(tap__borrower *b, tap__bytes bytes, bool freed)
{
    tap__write *last = b->n_writes > 0 ? &b->writes[b->n_writes - 1] : NULL;
    if (b->open && last && last->freed == freed && bytes.first <= last->bytes.end && last->bytes.first <= bytes.end) {
        last->bytes = hull_of(last->bytes, bytes);
        return;
    }
    void      *array = b->writes;
    const bool room = grow(&array, b->n_writes, &b->max_writes, sizeof *b->writes);
    b->writes = array;
    if (!room) {
        b->lost = true;
        return;
    }
    b->writes[b->n_writes++] = (tap__write){ bytes, freed };
    b->open = true;
}

/* Whether b has borrowed any of the bytes. Parameters are written in the order in which they were borrowed: the search goes
 * on from where the last one ended. */
static bool has_borrowed(tap__borrower *b, tap__bytes bytes)
{
    if (!meet(bytes, b->hull)) return false;
    for (size_t k = 0; k < b->n_borrowed; k++) {
        const size_t i = b->last_found + k < b->n_borrowed ? b->last_found + k : b->last_found + k - b->n_borrowed;
        if (!meet(b->borrowed[i], bytes)) continue;
        b->last_found = i;
        return true;
    }
    return false;
}

static void note(tap__bytes bytes, bool freed)
{
    if (bytes.first >= atomic_load_explicit(&all_end, memory_order_relaxed)) return;
    if (bytes.end <= atomic_load_explicit(&all_first, memory_order_relaxed)) return;
    pthread_mutex_lock(&lock);
    for (tap__borrower *b = borrowers; b; b = b->next) {
        if (has_borrowed(b, bytes)) log_write(b, bytes, freed);
    }
    pthread_mutex_unlock(&lock);
}

void tap__note_write(tap_tensor x)
{
    note(bytes_of(x), false);
}

void tap__note_free(const void *p, size_t n)
{
    if (p && n > 0) note((tap__bytes){ (uintptr_t)p, (uintptr_t)p + n }, true);
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
