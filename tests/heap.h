/* tests/heap.h: counting requests for heap memory. heap.c's malloc and its kin stand before the C library's, for the library's
 * own calls and for those of other libraries. */
#ifndef TAP_TESTS_HEAP_H
#define TAP_TESTS_HEAP_H

#include <stdbool.h>

/* Whether requests can be counted: with glibc, without a sanitizer or valgrind, which bring functions of their own. */
bool heap_counts(void);

/* Counts from here on, in all threads, or stops. */
void heap_watch(bool on);

/* Requests since the last call: by this program, in which Tapestry is linked, and by other libraries. */
typedef struct {
    long here, elsewhere;
} heap_requests;
heap_requests heap_take(void);

#endif
