/* tensor/parallel.h: loops whose iterations are shared out among threads. All of the library's threads start here. Not
 * installed. */
#ifndef TAP_TENSOR_PARALLEL_H
#define TAP_TENSOR_PARALLEL_H

#include "tensor/tensor.h"

/* Calls body(context, first, last) for ranges that together are 0..n-1, on several threads if the whole is long enough.
 * cost_ns: the cost of the whole in nanoseconds, roughly. What body does for an index must not depend on the range that it
 * comes in. */
typedef void (*tap__range_fn)(void *context, int64_t first, int64_t last);
void tap__parallel(int64_t n, int64_t cost_ns, tap__range_fn body, void *context);

/* Runs all loops of the calling thread in this thread alone: for threads that work beside a training step, which has the
 * processors. */
void tap__parallel_off(void);

/* A cost in nanoseconds, clamped: broadcast operands may have far more elements than memory could hold. */
static inline int64_t tap__cost_ns(double cost)
{
    return cost < 1e18 ? (int64_t)cost : (int64_t)1e18;
}

/* For tests: the smallest cost that is shared among threads. With 0, every loop is. */
void tap__parallel_threshold_for_tests(int64_t cost_ns);

#endif
