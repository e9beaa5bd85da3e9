/* tensor/kernels/reduce.h: sums, means and maxima over axes. */
#ifndef TAP_TENSOR_KERNELS_REDUCE_H
#define TAP_TENSOR_KERNELS_REDUCE_H

#include "tensor/tensor.h"
#include "tensor/cpu.h"

typedef enum {
    TAP__SUM,
    TAP__MEAN,
    TAP__MAX,
    TAP__SUM_ABOUT,
    TAP__SQUARES_ABOUT,
    TAP__SIZES,
    TAP__EXPONENTIALS,
    TAP__ZEROS,
    TAP__REDUCTIONS
} tap__reduction;

/* Reduces the axes of x whose bits are set in mask; out is contiguous, of x's float dtype, its shape that of x with those axes
 * gone (or kept with size 1: only the order of elements counts). Accumulates in double in an order that depends on the shapes
 * alone. Sums and means of finite numbers overflow only where they are out of range themselves. Over no elements a sum is 0, a
 * mean NaN and a maximum -infinity. scratch lends memory for partial results; false if it has none. */
bool tap__reduce(tap__reduction how, tap_tensor x, unsigned mask, tap_tensor out, tap_arena *scratch);

/* Sums over the same axes, in double, of x - about, of its square, with a number of its own for each result; of |log2 |x||, to
 * a tenth, 0 of which is taken for 0; of e^x where x is not 0; and of how many are 0. */
bool tap__reduce_about(tap__reduction how, tap_tensor x, unsigned mask, const double *about, double *out, tap_arena *scratch);

/* Whether n adjacent numbers of a float dtype are all finite. */
bool tap__all_finite(int64_t n, tap_dtype dtype, const void *data);

/* The inner loops, per dtype. about is for sums about a number. */
typedef struct {
    double (*run)(int64_t n, const void *x, int64_t stride, double about);                    /* of n elements */
    void (*into)(int64_t n, const void *x, int64_t stride, double *acc, const double *about); /* acc[i] with x[i] */
} tap__reduce_kernel;

/* Whether n numbers are finite. */
typedef bool (*tap__finite_kernel)(int64_t n, const void *x);

/* For float32 and float64. */
TAP__KERNEL_DECLARE(extern const tap__reduce_kernel, tap__reduce_kernels, [TAP__REDUCTIONS][2]);
TAP__KERNEL_DECLARE(extern const tap__finite_kernel, tap__finite_kernels, [2]);

#endif
