/* tensor/borrow.h: borrowed memory, and a log of the writes to it. Not installed.
 *
 * A tape borrows the data and parameters that its operators read, as its backward pass reads them again. Every function of
 * the library that writes to the caller's memory, or frees memory that it had handed out, reports it by tap__note_write or
 * tap__note_free. Each borrower keeps a log of the writes that overlap what it borrowed, and checks it before it reads
 * again. */
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
    bool       freed; /* freed rather than written */
} tap__write;

/* The memory that one borrower has borrowed, and the writes to it in their order. All borrowers of the process are in one
 * list. */
typedef struct tap__borrower {
    struct tap__borrower *next, **link; /* link: the pointer that points here */
    tap__bytes            hull;         /* from the first to the last byte borrowed */
    tap__bytes           *borrowed;
    tap__write           *writes;
    size_t                n_borrowed, max_borrowed, max_writes, last_found;
    atomic_size_t         n_writes;      /* read without the lock, to see that nothing has happened */
    atomic_bool           is_extendable; /* whether the last entry may be extended: nothing was borrowed since */
    atomic_bool           incomplete;    /* a write was not logged, for lack of memory: anything may have been written */
} tap__borrower;

void tap__borrower_open(tap__borrower *b);
void tap__borrower_close(tap__borrower *b);
void tap__borrower_reset(tap__borrower *b); /* ends all borrows; keeps the log's memory */

size_t tap__borrower_bytes(const tap__borrower *b); /* of heap memory that it holds */

/* Borrows x's memory. *version becomes the number of writes logged so far. False if there is no memory. */
bool tap__borrow(tap__borrower *b, tap_tensor x, size_t *version);

/* TAP__UNKNOWN: a write was not logged, for lack of memory. */
typedef enum { TAP__UNMODIFIED, TAP__UNKNOWN, TAP__WRITTEN, TAP__FREED } tap__memory_state;
/* What happened to the memory of x, which b has borrowed, after this version. */
tap__memory_state tap__memory_state_since(const tap__borrower *b, tap_tensor x, size_t version);

/* Reports that the library has written to x, or is about to. */
void tap__note_write(tap_tensor x);
/* Reports that the library frees n bytes that it had handed out. */
void tap__note_free(const void *p, size_t n);
/* Whether any borrower has borrowed some of x's memory. */
bool tap__is_borrowed(tap_tensor x);

#endif
