/* Threads, and which vector width. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <omp.h>

#include "tensor/parallel.h"
#include "tensor/cpu.h"

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

static tap__isa_level detect(void)
{
    tap__isa_level level = TAP__GENERIC;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) level = TAP__AVX2;
    if (level == TAP__AVX2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        level = TAP__AVX512;
#endif
    const char *ask = getenv("TAP_ISA");
    if (ask && !strcmp(ask, "generic")) return TAP__GENERIC;
    if (ask && !strcmp(ask, "avx2") && level > TAP__AVX2) return TAP__AVX2;
    return level;
}

tap__isa_level tap__isa(void)
{
    static atomic_int level = -1; /* a race only finds the same answer twice */
    int               now = atomic_load_explicit(&level, memory_order_relaxed);
    if (now < 0) atomic_store_explicit(&level, now = (int)detect(), memory_order_relaxed);
    return (tap__isa_level)now;
}
