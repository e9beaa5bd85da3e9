/* How many threads, which vector width. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <omp.h>

#include "tensor/internal.h"

enum { MOST_THREADS = 256, STEPS_PER_THREAD = 20000 }; /* a parallel region costs a few microseconds */

static atomic_int chosen; /* 0: not yet */

void tap_set_threads(int n)
{
    if (n <= 0) n = omp_get_max_threads();
    atomic_store(&chosen, n < MOST_THREADS ? n : MOST_THREADS);
}

int tap_threads(void)
{
    if (atomic_load(&chosen) == 0) tap_set_threads(0);
    return atomic_load(&chosen);
}

int tap__threads_for(int64_t steps)
{
    int     most = tap_threads();
    int64_t n = steps / STEPS_PER_THREAD;
    if (n < 2 || omp_in_parallel()) return 1;
    return n < most ? (int)n : most;
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
