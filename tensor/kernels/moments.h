/* tensor/kernels/moments.h: how numbers spread over axes, about their mean or about 0, wherever they lie: squares that are out
 * of range do not show in what is computed of them. */
#ifndef TAP_TENSOR_KERNELS_MOMENTS_H
#define TAP_TENSOR_KERNELS_MOMENTS_H

#include "tensor/kernels/map.h"
#include "tensor/cpu.h"

/* Of result i, with x' = x 2^-exponent[i]: the mean of x', or 0, and the sum of (x' - center)^2. The exponent is 0 but where
 * squares are out of range. Where x has infinities, it is TAP__INFINITE, and x' is what is left when x is divided by infinity:
 * 1, -1 or 0. */
typedef struct {
    double  count;            /* of the elements of a result */
    double *center, *squares; /* [results] */
    int    *exponent;
} tap__moments;

enum { TAP__INFINITE = 10000 };

/* Of the axes of x whose bits are set in mask; m's memory, for as many results as there are, is the caller's. scratch lends
 * memory; false if it has none. */
bool tap__moments_of(tap_tensor x, unsigned mask, bool centered, tap__moments *m, tap_arena *scratch);

/* sqrt(squares / divisor) of x itself, and its square. */
double tap__moments_root(const tap__moments *m, int64_t i, double divisor);
double tap__moments_square(const tap__moments *m, int64_t i, double divisor);

/* What (x' - center) is multiplied by: 1 / sqrt(squares / count + eps), and 1 / max(sqrt(squares), eps), with eps in the units
 * of x; 0 where that is 1 / 0. */
double tap__moments_scale(const tap__moments *m, int64_t i, double eps);
double tap__moments_unit(const tap__moments *m, int64_t i, double eps);
/* A factor of x' as one of x. */
double tap__moments_of_x(const tap__moments *m, int64_t i, double factor);

/* out = (x' - center) factor, factor [results]; out is contiguous, of x's shape and dtype. */
void tap__moments_apply(tap_tensor x, unsigned mask, const tap__moments *m, double *factor, tap_tensor out);

/* y[i] = (x[i] - center[i]) factor[i], per dtype. */
TAP__KERNEL_DECLARE(extern const tap__run, tap__centered_scaled_kernels, [2]);

#endif
