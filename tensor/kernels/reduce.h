/* tensor/kernels/reduce.h: sums, means and maxima over axes. Part of the seam that map.h describes. */
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
    TAP__LOG2_SIZES,
    TAP__NONZERO_EXP,
    TAP__ZERO_COUNT,
    TAP__REDUCTIONS
} tap__reduction;

/* TAP__SUM, TAP__MEAN or TAP__MAX of x over the axes whose bits are set in mask. out is contiguous, of x's float dtype; its
 * shape is that of x without these axes (or with size 1 for them: only the order of elements counts). Sums are accumulated in
 * double, in an order that depends on shapes and strides alone. Sums and means of finite numbers overflow only if the result is
 * out of range. Over no elements a sum is 0, a mean NaN and a maximum -infinity. Partial results need scratch; false without
 * memory. */
bool tap__reduce(tap__reduction how, tap_tensor x, unsigned mask, tap_tensor out, tap_arena *scratch);

/* The other sums over axes, each result in double:
 * - TAP__SUM_ABOUT and TAP__SQUARES_ABOUT: of x - about[i], and of its square, about[i] being the center of result i;
 * - TAP__LOG2_SIZES: of |log2 |x||, within a tenth, an x of 0 counting as 0;
 * - TAP__NONZERO_EXP: of e^x over the x that are not 0;
 * - TAP__ZERO_COUNT: the number of x that are 0.
 * about is NULL for the last three. */
bool tap__reduce_about(tap__reduction how, tap_tensor x, unsigned mask, const double *about, double *out, tap_arena *scratch);

/* Whether n adjacent numbers of a float dtype are all finite. */
bool tap__all_finite(int64_t n, tap_dtype dtype, const void *data);

/* The inner loops for one reduction and dtype: `run` reduces n elements to one number; `into` combines acc[i] with x[i]. */
typedef struct {
    double (*run)(int64_t n, const void *x, int64_t stride, double about);
    void (*into)(int64_t n, const void *x, int64_t stride, double *acc, const double *about);
} tap__reduce_kernel;

/* Whether all of n contiguous numbers are finite. */
typedef bool (*tap__finite_kernel)(int64_t n, const void *x);

/* [float32, float64] */
TAP__KERNEL_DECLARE(extern const tap__reduce_kernel, tap__reduce_kernels, [TAP__REDUCTIONS][2]);
TAP__KERNEL_DECLARE(extern const tap__finite_kernel, tap__finite_kernels, [2]);

#endif
