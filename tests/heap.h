/* tests/heap.h: counting requests for heap memory, and refusing them. heap.c's malloc and its kin stand before the C library's or
 * a sanitizer's, for the library's own calls and for those of other libraries. */
#ifndef TAP_TESTS_HEAP_H
#define TAP_TESTS_HEAP_H

#include <stdbool.h>

/* Whether requests come here: not under valgrind, the thread sanitizer and clang's, which put their own functions in this place. */
bool heap_counts(void);

/* Counts from here on, in all threads, or stops. */
void heap_watch(bool on);

/* Requests since the last call: by this program, in which Tapestry is linked, and by other libraries; and how many more pieces
 * have been taken than given back, by those that can be refused. */
typedef struct {
    long here, elsewhere, kept;
} heap_requests;
heap_requests heap_take(void);

/* From here on the n-th request is refused, and all behind it, if so asked; 0: none. Libraries that end the process when they get
 * no memory are neither refused nor counted in this: OpenMP's (for its threads), BLIS (for its first products; its pools keep
 * what they have) and the dynamic linker. */
void heap_refuse(long n, bool all_behind);
long heap_refused(void); /* requests since then */

#endif
