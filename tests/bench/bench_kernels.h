/* tests/bench/bench_kernels.h: memory-bound loops. */
#ifndef TAP_TESTS_BENCH_BENCH_KERNELS_H
#define TAP_TESTS_BENCH_BENCH_KERNELS_H

#include "tensor/tensor.h"
#include "tensor/cpu.h"

TAP__KERNEL_DECLARE(void, bench_triad, (int64_t n, float *a, const float *b, const float *c)); /* a = b + 3 c */
TAP__KERNEL_DECLARE(float, bench_sum, (int64_t n, const float *x));

#endif
