/* tensor/kernels/moments.h: means and sums of squares over axes, about the mean or about 0, for numbers of any size: squares
 * that are out of range do not make the results infinite, or 0. */
#ifndef TAP_TENSOR_KERNELS_MOMENTS_H
#define TAP_TENSOR_KERNELS_MOMENTS_H

#include "tensor/kernels/map.h"
#include "tensor/cpu.h"

/* The moments of result i are those of x' = x 2^-exponent[i]: center is the mean of x', or 0, and squares the sum of (x' -
 * center)^2. The exponent is 0 unless squares of x are out of range. If x has infinities, the exponent is TAP__INFINITE, and x'
 * is the limit of x / infinity: 1 or -1 for infinities, 0 for finite numbers. */
typedef struct {
    double  count;            /* the elements of each result */
    double *center, *squares; /* [results] */
    int    *exponent;
} tap__moments;

enum { TAP__INFINITE = 10000 };

/* Computes the moments of x over the axes whose bits are set in mask, about the mean (centered) or about 0. The arrays of m are
 * the caller's, one element per result. False if scratch has no memory. */
bool tap__moments_of(tap_tensor x, unsigned mask, bool centered, tap__moments *m, tap_arena *scratch);

/* sqrt(squares / divisor) in the units of x, and its square: standard deviation and variance, or norm and squared norm. */
double tap__moments_rms(const tap__moments *m, int64_t i, double divisor);
double tap__moments_mean_square(const tap__moments *m, int64_t i, double divisor);

/* Factors for (x' - center): 1 / sqrt(squares / count + eps), and 1 / max(sqrt(squares), eps), with eps in the units of x; 0
 * instead of 1 / 0. */
double tap__moments_rstd(const tap__moments *m, int64_t i, double eps);
double tap__moments_inverse_norm(const tap__moments *m, int64_t i, double eps);
/* The factor for x that corresponds to a factor for x'. */
double tap__moments_factor_of_x(const tap__moments *m, int64_t i, double factor);

/* out = (x' - center) factor, factor [results]; out is contiguous, of x's shape and dtype. */
void tap__moments_apply(tap_tensor x, unsigned mask, const tap__moments *m, double *factor, tap_tensor out);

/* y[i] = (x[i] - center[i]) factor[i], [float32, float64] */
TAP__KERNEL_DECLARE(extern const tap__run, tap__centered_scaled_kernels, [2]);

#endif
