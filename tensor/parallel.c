/* tensor/parallel.c: loops that are shared out among threads, by OpenMP. */
#include <stdatomic.h>
#include <omp.h>

#include "tensor/parallel.h"

/* A parallel region costs a few microseconds, and many more where others use the processors, too: shorter loops run in one
 * thread. */
enum { MAX_THREADS = 256, MIN_PARALLEL_NS = 25000 };

static atomic_int         n_threads; /* 0: not yet determined */
static _Thread_local bool is_off;    /* in this thread */
static atomic_long        min_parallel_ns = MIN_PARALLEL_NS;

void tap__parallel_threshold_for_tests(int64_t cost_ns)
{
    atomic_store(&min_parallel_ns, (long)cost_ns);
}

void tap__parallel_off(void)
{
    is_off = true;
}

static int clamp_threads(int n)
{
    if (n <= 0) n = omp_get_max_threads();
    return n < MAX_THREADS ? n : MAX_THREADS;
}

void tap_set_threads(int n)
{
    atomic_store(&n_threads, clamp_threads(n));
}

int tap_threads(void)
{
    int n = atomic_load(&n_threads);
    if (n == 0 && atomic_compare_exchange_strong(&n_threads, &n, clamp_threads(0))) n = atomic_load(&n_threads);
    return n;
}

/* All threads or one: OpenMP ends and starts threads when the size of its team changes, and a team of one costs memory. */
void tap__parallel(int64_t n, int64_t cost_ns, tap__range_fn body, void *context)
{
    int threads = tap_threads();
    if (n < 2 || threads == 1 || is_off || cost_ns < atomic_load_explicit(&min_parallel_ns, memory_order_relaxed) ||
        omp_in_parallel()) {
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
