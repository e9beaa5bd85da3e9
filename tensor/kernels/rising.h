/* tensor/kernels/rising.h: log(theta (theta + 1) .. (theta + x - 1) / theta^x), the sum of log(1 + i / theta) over i < x, and
 * its derivative by u = log theta, for whole x; else NaN. Without branches, as in vmath.h, so that loops over them vectorize.
 *
 * The first 16 terms are added up as they are; the others are the difference of two sums after Euler and Maclaurin, whose
 * further terms are below rounding for theta + t >= 16. */
#ifndef TAP_TENSOR_KERNELS_RISING_H
#define TAP_TENSOR_KERNELS_RISING_H

#include "tensor/kernels/vmath.h"

#define TAP__RISING_FIRST 16

/* theta, and what u is below the least that there is of it. */
typedef struct {
    double theta, below;
} tap__rising_at;

TAP__INLINE tap__rising_at tap__rising_theta(double u)
{
    const double least = -650, most = 709, some = u < least ? least : u > most ? most : u;
    return (tap__rising_at){ tap__exp_f64(some), u < least ? least - u : 0 };
}

/* log1p(y) - y for y from 0 to 1: 2 (s^3/3 + s^5/5 + ...) - s y with s = y / (2 + y), as log1p(y) = 2 atanh(s). */
TAP__INLINE double tap__log1p_rest(double y)
{
    const double s = y / (2 + y), z = s * s;
    double       sum = 0;
    TAP__UNROLL
    for (int k = 33; k > 1; k -= 2) sum = sum * z + 1. / k;
    return s * (2 * z * sum - y);
}

/* The sum of log(1 + i / theta) over i < t, but for a constant. */
TAP__INLINE double tap__rising_sum(double t, tap__rising_at at)
{
    const double theta = at.theta, y = t / theta, l = tap__log1p_f64(y), log_ratio = l + at.below, w = theta + t,
                 r = 1 / (w * w);
    const double near = theta * ((1 + y) * tap__log1p_rest(y) + y * y), far = w * log_ratio - t;
    double       rest = -1. / 1680;
    rest = rest * r + 1. / 1260;
    rest = rest * r - 1. / 360;
    rest = rest * r + 1. / 12;
    return (y < 1 ? near : far) - log_ratio / 2 + rest / w;
}

/* The same of -i / (theta + i), the derivatives. */
TAP__INLINE double tap__rising_slope_sum(double t, double theta)
{
    const double y = t / theta, l = tap__log1p_f64(y), w = theta + t, r = 1 / (w * w);
    const double near = theta * tap__log1p_rest(y), far = theta * l - t;
    double       rest = -1. / 240;
    rest = rest * r + 1. / 252;
    rest = rest * r - 1. / 120;
    rest = rest * r + 1. / 12;
    return (y < 1 ? near : far) + t / w / 2 - theta * r * rest;
}

TAP__INLINE double tap__rising_or_nan(double x, double u, double y)
{
    const double whole = x < 0x1p52 ? x + 0x1p52 - 0x1p52 : x;
    return x >= 0 && x == whole && u == u ? y : (double)NAN;
}

/* A product of factors 1 + t, kept as what it is above 1. They are 1 + i / theta, or theta times that where theta is small. */
TAP__INLINE double tap__rising_f64(double x, double u)
{
    const tap__rising_at at = tap__rising_theta(u);
    const double         theta = at.theta, first = x < TAP__RISING_FIRST ? x : TAP__RISING_FIRST;
    double               above = 0;
    TAP__UNROLL
    for (int i = 1; i < TAP__RISING_FIRST; i++) {
        const double t = theta < 1 ? theta + (i - 1) : i / theta, factor = i < first ? t : 0;
        above += factor + above * factor;
    }
    const double taken = theta < 1 && first > 1 ? (first - 1) * u : 0;
    const double others = tap__rising_sum(x, at) - tap__rising_sum(TAP__RISING_FIRST, at);
    return tap__rising_or_nan(x, u, tap__log1p_f64(above) - taken + (x > first ? others : 0));
}

TAP__INLINE double tap__rising_slope_f64(double x, double u)
{
    const double theta = tap__rising_theta(u).theta, first = x < TAP__RISING_FIRST ? x : TAP__RISING_FIRST;
    double       sum = 0;
    TAP__UNROLL
    for (int i = 1; i < TAP__RISING_FIRST; i++) sum -= i < first ? i / (theta + i) : 0;
    const double others = tap__rising_slope_sum(x, theta) - tap__rising_slope_sum(TAP__RISING_FIRST, theta);
    return tap__rising_or_nan(x, u, sum + (x > first ? others : 0));
}

#endif
