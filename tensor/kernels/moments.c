/* tensor/kernels/moments.c: means and sums of squares over axes, by reductions in double, which hold the squares of any
 * float32. The results of float64 whose squares are out of range, and those with infinities, are computed again one by one,
 * from scaled numbers. */
#include "tensor/kernels/moments.h"

#include <math.h>

#include "tensor/kernels/reduce.h"
#include "tensor/kernels/rows.h"

/* Sums of squares below this may have lost digits to subnormal numbers, or all of them. */
#define MIN_SQUARES 0x1p-900

/* ---- One result ---- */

/* x' of moments.h */
static double scaled(double x, int exponent)
{
    if (exponent == TAP__INFINITE) return isinf(x) ? copysign(1, x) : 0;
    return exponent ? ldexp(x, -exponent) : x;
}

/* With exponents between -MAX_EXPONENT and MAX_EXPONENT, the squares of all scaled numbers are in range, and so are
 * 2^MAX_EXPONENT eps and its inverse. */
enum { MAX_EXPONENT = 600 };

/* The exponent that scales the largest magnitude to 1/2..1, clamped to MAX_EXPONENT; 0 for rows of zeros, and for rows with a
 * NaN. */
static int exponent_of(const tap__row *r)
{
    double max = 0;
    int    exponent = 0;
    for (int64_t k = 0; k < r->count; k++) {
        const double size = fabs(tap__row_get(r, k));
        if (isnan(size)) return 0;
        if (size > max) max = size;
    }
    if (isinf(max)) return TAP__INFINITE;
    frexp(max, &exponent);
    return exponent > MAX_EXPONENT ? MAX_EXPONENT : exponent < -MAX_EXPONENT ? -MAX_EXPONENT : exponent;
}

static double sum_about(const tap__row *r, int exponent, double center, bool squares)
{
    double sum = 0;
    for (int64_t k = 0; k < r->count; k++) {
        const double gap = scaled(tap__row_get(r, k), exponent) - center;
        sum += squares ? gap * gap : gap;
    }
    return sum;
}

static void compute_scaled(const tap_tensor *x, unsigned mask, bool centered, tap__moments *m, int64_t i)
{
    const tap__row r = tap__row_of(x, mask, i);
    const int      e = exponent_of(&r);
    const double   first = centered ? scaled(tap__row_get(&r, 0), e) : 0;
    m->exponent[i] = e;
    m->center[i] = centered ? first + sum_about(&r, e, first, false) / m->count : 0;
    m->squares[i] = sum_about(&r, e, m->center[i], true);
}

/* ---- All results ---- */

bool tap__moments_of(tap_tensor x, unsigned mask, bool centered, tap__moments *m, tap_arena *scratch)
{
    int64_t n = 1, count = 1;
    for (int k = 0; k < x.shape.rank; k++) *(mask & 1u << k ? &count : &n) *= x.shape.n[k];
    m->count = (double)count;
    for (int64_t i = 0; i < n; i++) {
        const tap__row r = tap__row_of(&x, mask, i);
        m->center[i] = centered && count > 0 ? tap__row_get(&r, 0) : 0;
        m->exponent[i] = 0;
    }
    if (centered && !tap__reduce_about(TAP__SUM_ABOUT, x, mask, m->center, m->squares, scratch)) return false;
    for (int64_t i = 0; centered && count > 0 && i < n; i++) m->center[i] += m->squares[i] / m->count;
    if (!tap__reduce_about(TAP__SQUARES_ABOUT, x, mask, m->center, m->squares, scratch)) return false;
    for (int64_t i = 0; count > 0 && i < n; i++) {
        const double s = m->squares[i];
        if (!isfinite(s) || (s < MIN_SQUARES && x.dtype == TAP_F64)) compute_scaled(&x, mask, centered, m, i);
    }
    return true;
}

double tap__moments_rms(const tap__moments *m, int64_t i, double divisor)
{
    const double root = sqrt(m->squares[i] / divisor);
    if (m->exponent[i] == TAP__INFINITE) return root > 0 ? HUGE_VAL : root;
    return ldexp(root, m->exponent[i]);
}

double tap__moments_mean_square(const tap__moments *m, int64_t i, double divisor)
{
    const double square = m->squares[i] / divisor;
    if (m->exponent[i] == TAP__INFINITE) return square > 0 ? HUGE_VAL : square;
    return ldexp(square, 2 * m->exponent[i]);
}

static double inverse(double x)
{
    return x == 0 ? 0 : 1 / x;
}

/* x in the units of x' */
static double in_units(const tap__moments *m, int64_t i, double x)
{
    return m->exponent[i] == TAP__INFINITE ? 0 : ldexp(x, -m->exponent[i]);
}

double tap__moments_rstd(const tap__moments *m, int64_t i, double eps)
{
    const double mean = m->squares[i] / m->count;
    if (m->exponent[i] == 0) return inverse(sqrt(mean + eps));
    return inverse(hypot(sqrt(mean), in_units(m, i, sqrt(eps))));
}

double tap__moments_inverse_norm(const tap__moments *m, int64_t i, double eps)
{
    const double norm = sqrt(m->squares[i]), min = in_units(m, i, eps);
    return inverse(norm < min ? min : norm);
}

double tap__moments_factor_of_x(const tap__moments *m, int64_t i, double factor)
{
    return m->exponent[i] == TAP__INFINITE ? 0 : ldexp(factor, -m->exponent[i]);
}

void tap__moments_apply(tap_tensor x, unsigned mask, const tap__moments *m, double *factor, tap_tensor out)
{
    tap_shape along = x.shape;
    for (int k = 0; k < along.rank; k++) {
        if (mask & 1u << k) along.n[k] = 1;
    }
    const tap_tensor in[3] = { x, tap_tensor_wrap(TAP_F64, along, m->center), tap_tensor_wrap(TAP_F64, along, factor) };
    tap__map(TAP__KERNEL_PICK(tap__centered_scaled_kernels)[x.dtype == TAP_F64], NULL, &out, 3, in, 4);
    for (int64_t i = 0, n = tap_numel(along); i < n; i++) {
        if (m->exponent[i] == 0) continue;
        const tap__row from = tap__row_of(&x, mask, i), to = tap__row_of(&out, mask, i);
        for (int64_t k = 0; k < from.count; k++)
            tap__row_set(&to, k, (scaled(tap__row_get(&from, k), m->exponent[i]) - m->center[i]) * factor[i]);
    }
}
