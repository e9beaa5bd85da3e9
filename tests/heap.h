/* tests/heap.h: counts requests for heap memory, and refuses them on demand. The malloc of heap.c and its kin are interposed:
 * they stand in front of the C library's or a sanitizer's, for Tapestry's own calls and for those of other libraries. */
#ifndef TAP_TESTS_HEAP_H
#define TAP_TESTS_HEAP_H

#include <stdbool.h>

/* Whether requests are counted. They are not under valgrind, the thread sanitizer and clang's sanitizers, which interpose their
 * own functions. */
bool heap_is_interposed(void);

/* Starts to count, in all threads, or stops. */
void heap_watch(bool on);

/* Requests since the last call of heap_take: by this program, which contains Tapestry, and by other libraries; and the number
 * of blocks that were allocated and not freed, except by exempt libraries. */
typedef struct {
    long by_program, by_libraries, outstanding;
} heap_requests;
heap_requests heap_take(void);

/* Refuses the n-th request from now on, and all later ones if asked to; n = 0: none. Exempt libraries, which end the process
 * when they get no memory, are never refused: OpenMP's (for its threads), BLIS (for its first products; its pools keep their
 * memory) and the dynamic linker. */
void heap_refuse(long n, bool and_later);
long heap_refused(void); /* requests since then */

#endif
