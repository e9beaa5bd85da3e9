/* tests/autograd/long_double_vectors.h: reference functions of vectors of EDGE_LENGTH numbers in long double, infinite ones
 * included. Infinite elements of the same sign have equal shares. */
#ifndef TAP_TESTS_AUTOGRAD_LONG_DOUBLE_VECTORS_H
#define TAP_TESTS_AUTOGRAD_LONG_DOUBLE_VECTORS_H

#include "tests/autograd/edges.h"

enum { N = EDGE_LENGTH };

/* x = *size z. If an element is infinite, *size is infinity, and z is +-1 for infinite elements and 0 for finite ones; else
 * *size is 1. */
static inline void scale_infinite(const ldouble *x, ldouble *z, ldouble *size)
{
    *size = 1;
    for (int i = 0; i < N; i++) *size = isinf(x[i]) ? INF : *size;
    for (int i = 0; i < N; i++) z[i] = *size == 1 ? x[i] : isinf(x[i]) ? copysignl(1, x[i]) : isnan(x[i]) ? x[i] : 0;
}

static inline ldouble sum_of(const ldouble *x)
{
    return ((x[0] + x[1]) + x[2]) + x[3];
}

static inline ldouble max_of(const ldouble *x)
{
    return max_nan(max_nan(x[0], x[1]), max_nan(x[2], x[3]));
}

static inline void fill(ldouble *g, ldouble value)
{
    for (int i = 0; i < N; i++) g[i] = value;
}

static inline ldouble times(ldouble size, ldouble x)
{
    return x == 0 ? 0 : size * x;
}

/* p = softmax(x), *top = max x; returns log sum e^(x - *top) */
static inline ldouble softmax_and_log_sum(const ldouble *x, int n, ldouble *p, ldouble *top)
{
    ldouble sum = -1;
    *top = x[0];
    for (int i = 1; i < n; i++) *top = max_nan(*top, x[i]);
    for (int i = 0; i < n; i++) p[i] = x[i] == *top ? 1 : expl(x[i] - *top);
    for (int i = 0; i < n; i++) sum += p[i] == 1 ? 1 : 0;
    for (int i = 0; i < n; i++) sum += p[i] == 1 ? 0 : p[i];
    for (int i = 0; i < n; i++) p[i] /= 1 + sum;
    return log1pl(sum);
}

/* p = softmax(x); returns log sum e^x */
static inline ldouble softmax_and_logsumexp(const ldouble *x, int n, ldouble *p)
{
    ldouble top, below = softmax_and_log_sum(x, n, p, &top);
    return top + below;
}

/* y = (x - mean) / s with s = sqrt(mean (x - mean)^2 + eps), mean 0 unless centered; 0 where s is 0. Returns s. */
static inline ldouble standardize(const ldouble *x, bool centered, ldouble eps, ldouble *y)
{
    ldouble z[N], size, square;
    scale_infinite(x, z, &size);
    const ldouble mean = centered ? z[0] + ((z[1] - z[0]) + (z[2] - z[0]) + (z[3] - z[0])) / N : 0;
    square = size == 1 ? eps : 0;
    for (int i = 0; i < N; i++) square += (z[i] - mean) * (z[i] - mean) / N;
    for (int i = 0; i < N; i++) y[i] = square == 0 ? 0 : (z[i] - mean) / sqrtl(square);
    return times(size, sqrtl(square));
}

/* The norm of this order; u is its gradient. */
static inline ldouble norm(const ldouble *x, ldouble order, ldouble *u)
{
    ldouble z[N], size, sum = 0;
    scale_infinite(x, z, &size);
    if (size != 1 && order < 0) { /* infinite elements do not count unless all are infinite */
        bool all = true;
        for (int i = 0; i < N; i++) all = all && isinf(x[i]);
        for (int i = 0; i < N && !all; i++) z[i] = x[i];
        size = all ? INF : 1;
    }
    ldouble top = 0; /* powers of z / top are in the range of long double */
    for (int i = 0; i < N; i++) top = isfinite(z[i]) ? fmaxl(top, fabsl(z[i])) : top;
    for (int i = 0; i < N; i++) top = isnan(x[i]) ? x[i] : top;
    if (top == 0 || isnan(top)) {
        fill(u, 0);
        return isnan(top) || size == 1 ? top : size;
    }
    for (int i = 0; i < N; i++) sum += powl(fabsl(z[i]) / top, order);
    const ldouble y = powl(sum, 1 / order);
    for (int i = 0; i < N; i++) u[i] = x[i] == 0 || y == 0 ? 0 : copysignl(powl(fabsl(z[i]) / top / y, order - 1), x[i]);
    return times(size, top * y);
}

#endif
