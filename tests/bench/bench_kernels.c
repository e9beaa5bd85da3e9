/* tests/bench/bench_kernels.c: memory-bound loops, compiled once for each vector width. */
#include "tests/bench/bench_kernels.h"

void TAP__KERNEL(bench_triad)(int64_t n, float *restrict a, const float *restrict b, const float *restrict c)
{
    for (int64_t i = 0; i < n; i++) a[i] = b[i] + 3 * c[i];
}

/* Four partial sums, so that an addition need not wait for the one before it. */
float TAP__KERNEL(bench_sum)(int64_t n, const float *x)
{
    int64_t q = n / 4;
    float   s0 = 0, s1 = 0, s2 = 0, s3 = 0;
#pragma omp simd reduction(+ : s0, s1, s2, s3)
    for (int64_t i = 0; i < q; i++) {
        s0 += x[i];
        s1 += x[i + q];
        s2 += x[i + 2 * q];
        s3 += x[i + 3 * q];
    }
    for (int64_t i = 4 * q; i < n; i++) s0 += x[i];
    return s0 + s1 + s2 + s3;
}
