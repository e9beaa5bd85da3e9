/* tensor/reduce.h: sums and maxima over axes. */
#ifndef TAP_TENSOR_REDUCE_H
#define TAP_TENSOR_REDUCE_H

#include "tensor/internal.h"

typedef enum { TAP__SUM, TAP__MAX, TAP__REDUCTIONS } tap__reduction;

/* Reduces the axes of x whose bits are set in mask; out is contiguous, of x's float dtype, its shape that of x with those
 * axes gone (or kept with size 1: only the order of elements counts). Accumulates in double in an order that depends on the
 * shapes alone. Over no elements a sum is 0 and a maximum -infinity. scratch lends memory for partial results; false if it
 * has none. */
bool tap__reduce(tap__reduction how, tap_tensor x, unsigned mask, tap_tensor out, tap_arena *scratch);

/* The inner loops, per dtype. */
typedef struct {
    double (*run)(int64_t n, const void *x, int64_t stride);             /* of n elements */
    void (*into)(int64_t n, const void *x, int64_t stride, double *acc); /* acc[i] with x[i] */
} tap__reduce_kernel;

/* Whether n numbers are finite. */
typedef bool (*tap__finite_kernel)(int64_t n, const void *x);

/* For float32 and float64. */
TAP__KERNEL_DECLARE(extern const tap__reduce_kernel, tap__reduce_kernels, [TAP__REDUCTIONS][2]);
TAP__KERNEL_DECLARE(extern const tap__finite_kernel, tap__finite_kernels, [2]);

#endif
