/* Threads, and which vector width. */
#include <stdatomic.h>
#include <omp.h>

#include "tensor/parallel.h"

enum {
    MOST_THREADS = 256,
    WORTH_IT = 25000
}; /* a parallel region costs a few microseconds, and many where processors are shared */

static atomic_int  chosen; /* 0: not yet */
static atomic_long worth = WORTH_IT;

void tap__parallel_threshold_for_tests(int64_t steps)
{
    atomic_store(&worth, (long)steps);
}

static int possible(int n)
{
    if (n <= 0) n = omp_get_max_threads();
    return n < MOST_THREADS ? n : MOST_THREADS;
}

void tap_set_threads(int n)
{
    atomic_store(&chosen, possible(n));
}

int tap_threads(void)
{
    int n = atomic_load(&chosen);
    if (n == 0 && atomic_compare_exchange_strong(&chosen, &n, possible(0))) n = atomic_load(&chosen);
    return n;
}

/* All threads or one: OpenMP ends and starts threads when the size of its team changes, and a team of one costs memory. */
void tap__parallel(int64_t n, int64_t steps, tap__range_fn body, void *context)
{
    int threads = tap_threads();
    if (n < 2 || threads == 1 || steps < atomic_load_explicit(&worth, memory_order_relaxed) || omp_in_parallel()) {
        if (n > 0) body(context, 0, n);
        return;
    }
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int t = 0; t < threads; t++) {
        int64_t first = n / threads * t + n % threads * t / threads;
        int64_t last = n / threads * (t + 1) + n % threads * (t + 1) / threads;
        if (first < last) body(context, first, last);
    }
}
