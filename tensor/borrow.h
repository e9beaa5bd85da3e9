/* tensor/borrow.h: memory that somebody reads later, and what is written to it until then. Not installed.
 *
 * A tape borrows the data and parameters that its operators read, and its backward pass reads them once more. Every function of
 * the library that writes to memory of a caller's, or frees memory that it had handed out, says so by tap__note_write or
 * tap__note_free; each borrower keeps a log of the writes that may concern it, and asks it before it reads again. */
#ifndef TAP_TENSOR_BORROW_H
#define TAP_TENSOR_BORROW_H

#include <stdatomic.h>

#include "tensor/tensor.h"

/* Bytes first..end-1. */
typedef struct {
    uintptr_t first, end;
} tap__bytes;

typedef struct {
    tap__bytes bytes;
    bool       freed; /* not written to, but given back */
} tap__write;

/* What one borrower has borrowed, and the writes to it, in their order. All borrowers of the process are in one list. */
typedef struct tap__borrower {
    struct tap__borrower *next, **link; /* link: the pointer that points here */
    tap__bytes            hull;         /* from the first to the last byte borrowed */
    tap__bytes           *borrowed;
    tap__write           *writes;
    size_t                n_borrowed, max_borrowed, max_writes, last_found;
    atomic_size_t         n_writes; /* read without the lock, to see that nothing has happened */
    atomic_bool           open;     /* the last write may be extended: nothing was borrowed since */
    atomic_bool           lost;     /* there was no memory to note a write: anything may have been written */
} tap__borrower;

void tap__borrower_open(tap__borrower *b);
void tap__borrower_close(tap__borrower *b);
void tap__borrower_reset(tap__borrower *b); /* gives everything back that was borrowed; keeps the memory */

size_t tap__borrower_bytes(const tap__borrower *b); /* of heap memory */

/* Notes that x is read later. *moment: how many writes there were before. False if there was no memory for that. */
bool tap__borrow(tap__borrower *b, tap_tensor x, size_t *moment);

typedef enum {
    TAP__UNMODIFIED,
    TAP__UNKNOWN,
    TAP__WRITTEN,
    TAP__FREED
} tap__memory_state; /* unknown: there was no memory to note it */
/* What has happened to the memory of x, which b borrows, since that moment. */
tap__memory_state tap__memory_state_since(const tap__borrower *b, tap_tensor x, size_t moment);

/* The library has written to x, or is about to. */
void tap__note_write(tap_tensor x);
/* The library takes n bytes back that it had handed out. */
void tap__note_free(const void *p, size_t n);
/* Whether anybody has borrowed any of x. */
bool tap__is_borrowed(tap_tensor x);

#endif
