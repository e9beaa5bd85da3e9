/* tensor/kernels/rising.h: the logarithm of the rising factorial (Pochhammer's symbol) over theta^x, as likelihoods of counts
 * with overdispersion need it, and its derivative by u = log theta:
 *
 *   tap__rising_f64(x, u)       = log(theta (theta + 1) .. (theta + x - 1) / theta^x)
 *                               = log Gamma(theta + x) - log Gamma(theta) - x log theta
 *                               = the sum of log(1 + i / theta) over 0 <= i < x
 *   tap__rising_slope_f64(x, u) = the sum of -i / (theta + i) over 0 <= i < x
 *
 * for whole x >= 0; NaN for other x. The difference of two log Gammas would lose all digits for large theta.
 *
 * The first 16 terms are added one by one. The others are S(x) - S(16), where S(t) is the sum over i < t, up to a constant, by
 * the Euler-Maclaurin formula (Abramowitz & Stegun 3.6.28): the integral from 0 to t, minus half the last term, plus terms with
 * Bernoulli numbers, which are those of Stirling's series (A&S 6.1.41) and of digamma's (6.3.18). With w = theta + t and
 * y = t / theta,
 *
 *   S(t)  = w log(1 + y) - t - log(1 + y) / 2 + 1 / (12 w) - 1 / (360 w^3) + 1 / (1260 w^5) - 1 / (1680 w^7)
 *   S'(t) = theta log(1 + y) - t + t / (2 w) - theta (1 / (12 w^2) - 1 / (120 w^4) + 1 / (252 w^6) - 1 / (240 w^8))
 *
 * What is left out is below rounding for w >= 16. For y < 1 the leading terms nearly cancel; they are computed from
 * log(1 + y) - y.
 *
 * There are no branches, as in vmath.h, so that loops over these functions vectorize. */
#ifndef TAP_TENSOR_KERNELS_RISING_H
#define TAP_TENSOR_KERNELS_RISING_H

#include "tensor/kernels/vmath.h"

#define TAP__RISING_FIRST_TERMS 16

/* exp(u) clamped to the normal range, and the amount by which u was below the lower end of it, or 0. */
typedef struct {
    double theta, deficit;
} tap__clamped_theta;

TAP__INLINE tap__clamped_theta tap__clamp_theta(double u)
{
    const double min = -650, max = 709, clamped = u < min ? min : u > max ? max : u;
    return (tap__clamped_theta){ tap__exp_f64(clamped), u < min ? min - u : 0 };
}

/* log(1 + y) - y for 0 <= y <= 1: 2 (s^3/3 + s^5/5 + ...) - s y with s = y / (2 + y) (A&S 4.1.29). */
TAP__INLINE double tap__log1p_minus_x(double y)
{
    const double s = y / (2 + y), z = s * s;
    double       sum = 0;
    TAP__UNROLL
    for (int k = 33; k > 1; k -= 2) sum = sum * z + 1. / k;
    return s * (2 * z * sum - y);
}

/* S(t) */
TAP__INLINE double tap__rising_sum(double t, tap__clamped_theta clamped)
{
    const double theta = clamped.theta, y = t / theta, l = tap__log1p_f64(y), log_ratio = l + clamped.deficit, w = theta + t,
                 r = 1 / (w * w);
    const double for_small_y = theta * ((1 + y) * tap__log1p_minus_x(y) + y * y), for_large_y = w * log_ratio - t;
    double       rest = -1. / 1680;
    rest = rest * r + 1. / 1260;
    rest = rest * r - 1. / 360;
    rest = rest * r + 1. / 12;
    return (y < 1 ? for_small_y : for_large_y) - log_ratio / 2 + rest / w;
}

/* S'(t) */
TAP__INLINE double tap__rising_slope_sum(double t, double theta)
{
    const double y = t / theta, l = tap__log1p_f64(y), w = theta + t, r = 1 / (w * w);
    const double for_small_y = theta * tap__log1p_minus_x(y), for_large_y = theta * l - t;
    double       rest = -1. / 240;
    rest = rest * r + 1. / 252;
    rest = rest * r - 1. / 120;
    rest = rest * r + 1. / 12;
    return (y < 1 ? for_small_y : for_large_y) + t / w / 2 - theta * r * rest;
}

/* y for arguments in the domain, else NaN. */
TAP__INLINE double tap__rising_or_nan(double x, double u, double y)
{
    const double whole = x < 0x1p52 ? x + 0x1p52 - 0x1p52 : x;
    return x >= 0 && x == whole && u == u ? y : (double)NAN;
}

/* The first terms are one product of factors 1 + t, of which product - 1 is kept so that small t keep their digits. The factors
 * are 1 + i / theta, or theta + i for theta < 1, whose powers of theta are then subtracted as a logarithm. */
TAP__INLINE double tap__rising_f64(double x, double u)
{
    const tap__clamped_theta clamped = tap__clamp_theta(u);
    const double             theta = clamped.theta, first = x < TAP__RISING_FIRST_TERMS ? x : TAP__RISING_FIRST_TERMS;
    double                   product_minus_1 = 0;
    TAP__UNROLL
    for (int i = 1; i < TAP__RISING_FIRST_TERMS; i++) {
        const double t = theta < 1 ? theta + (i - 1) : i / theta, factor = i < first ? t : 0;
        product_minus_1 += factor + product_minus_1 * factor;
    }
    const double log_theta_power = theta < 1 && first > 1 ? (first - 1) * u : 0;
    const double others = tap__rising_sum(x, clamped) - tap__rising_sum(TAP__RISING_FIRST_TERMS, clamped);
    return tap__rising_or_nan(x, u, tap__log1p_f64(product_minus_1) - log_theta_power + (x > first ? others : 0));
}

TAP__INLINE double tap__rising_slope_f64(double x, double u)
{
    const double theta = tap__clamp_theta(u).theta, first = x < TAP__RISING_FIRST_TERMS ? x : TAP__RISING_FIRST_TERMS;
    double       sum = 0;
    TAP__UNROLL
    for (int i = 1; i < TAP__RISING_FIRST_TERMS; i++) sum -= i < first ? i / (theta + i) : 0;
    const double others = tap__rising_slope_sum(x, theta) - tap__rising_slope_sum(TAP__RISING_FIRST_TERMS, theta);
    return tap__rising_or_nan(x, u, sum + (x > first ? others : 0));
}

#endif
