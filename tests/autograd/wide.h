/* tests/autograd/wide.h: functions in long double, to hold the library's against. */
#ifndef TAP_TESTS_AUTOGRAD_WIDE_H
#define TAP_TESTS_AUTOGRAD_WIDE_H

#include <math.h>

typedef long double wide;

static const wide pi = 3.14159265358979323846264338327950288L, ln2 = 0.693147180559945309417232121458176568L;

static inline wide higher(wide a, wide b)
{
    return a > b || isnan(a) ? a : b;
}

static inline wide lower(wide a, wide b)
{
    return a < b || isnan(a) ? a : b;
}

static inline wide sigmoid(wide x)
{
    return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x));
}

static inline wide softplus(wide x)
{
    return higher(x, 0) + log1pl(expl(-fabsl(x)));
}

static inline wide logaddexp(wide a, wide b)
{
    return a == b ? a + ln2 : higher(a, b) + log1pl(expl(-fabsl(a - b)));
}

/* By Newton's method: on erf, or in the tail on the logarithm of erfc. */
static inline wide erfinv(wide x)
{
    wide a = fabsl(x), y = a < 0.5L ? a : sqrtl(-logl(1 - a));
    if (!(a < 1)) return a == 1 ? copysignl(HUGE_VALL, x) : (wide)NAN;
    for (int i = 0; i < 12; i++) {
        wide slope = 2 / sqrtl(pi) * expl(-y * y), tail = erfcl(y);
        y += a < 0.5L ? (a - erfl(y)) / slope : (logl(tail) - logl(1 - a)) * tail / slope;
    }
    return copysignl(y, x);
}

static const wide bernoulli[] = { 1 / 6.L,       -1 / 30.L,       1 / 42.L,       -1 / 30.L,
                                  5 / 66.L,      -691 / 2730.L,   7 / 6.L,        -3617 / 510.L,
                                  43867 / 798.L, -174611 / 330.L, 854513 / 138.L, -236364091 / 2730.L,
                                  8553103 / 6.L };

/* digamma(u) - digamma(v) for large u and v, with all digits also where u - v = t is small. */
static inline wide digamma_difference(wide u, wide v, wide t)
{
    wide log_ratio = log1pl(t / v), sum = log_ratio + t / (2 * u * v);
    for (int k = 1; k <= 8; k++) sum -= bernoulli[k - 1] / (2 * k) * powl(v, -2 * k) * expm1l(-2 * k * log_ratio);
    return sum;
}

/* From the root r: digamma(x) = sum of (x - r) / ((r + k) (x + k)), 20 terms of it, then by the asymptotic series. */
static inline wide digamma(wide x)
{
    const wide r = 0x1.762d86356be3fp+0L, r_low = 9.54999542996569771518419907597e-17L;
    wide       from_zero = x - rintl(x), t = (x - r) - r_low, sum = 0;
    if (x == 0) return copysignl(HUGE_VALL, -x);
    if (x < 0) return from_zero == 0 ? (wide)NAN : digamma(1 - x) - pi / tanl(pi * from_zero);
    if (x == HUGE_VALL) return x;
    for (int k = 0; k < 20; k++) sum += t / ((r + k) * (x + k));
    return sum + digamma_difference(x + 20, r + 20, t);
}

static inline wide factorial(int n)
{
    return n > 1 ? n * factorial(n - 1) : 1;
}

/* (-1)^(n+1) times polygamma for x > 0: recurrence to 30 and more, then the asymptotic series (A&S 6.4.11). */
static inline wide polygamma_above(int n, wide x)
{
    wide sum = 0;
    for (; x < 30 + n; x++) sum += factorial(n) * powl(x, -n - 1);
    wide term = factorial(n - 1) * powl(x, -n), product = factorial(n + 1) * powl(x, -n - 2) / 2;
    sum += term + factorial(n) * powl(x, -n - 1) / 2;
    for (int k = 1; k <= 8; k++) {
        sum += bernoulli[k - 1] * product;
        product *= (2 * k + n) * (2 * k + n + 1) / (x * x) / ((2 * k + 1) * (2 * k + 2));
    }
    return sum;
}

/* Below 0 by the derivatives of pi cot(pi x), for n up to 3. */
static inline wide polygamma(int n, wide x)
{
    wide sign = n % 2 ? 1 : -1, r = x - rintl(x), s = sinl(pi * r), c = cosl(pi * r);
    if (n == 0) return digamma(x);
    if (x == HUGE_VALL) return copysignl(0, sign);
    if (x > 0) return sign * polygamma_above(n, x);
    if (r == 0) return sign * HUGE_VALL;
    if (n > 3 || isnan(x) || x < -1e5L) return (wide)NAN;
    wide derivative[] = { 0, 1, -2 * c / s, (2 + 4 * c * c) / (s * s) };
    return powl(pi, n + 1) * derivative[n] / (s * s) - polygamma_above(n, 1 - x);
}

/* The largest of the candidates that leaves no remainder of the wrong sign, says fma. */
static inline wide floor_divide(wide a, wide b)
{
    if (b == 0 || isinf(a) || isnan(a)) return b == 0 ? a / b : (wide)NAN;
    if (isinf(b)) return a == 0 || (a < 0) == (b < 0) ? copysignl(0, a / b) : -1;
    wide y = floorl(a / b) + 1;
    for (int i = 0; i < 2; i++) {
        wide rest = fmal(-y, b, a);
        if (rest != 0 && (rest < 0) != (b < 0)) y--;
    }
    return y == 0 ? copysignl(0, a / b) : y;
}

/* a e^b: 0 for 0, and what is infinite stays so unless the power is 0 as the limit of it */
static inline wide scaled(wide a, wide b)
{
    if (isnan(a) || isnan(b)) return a + b;
    return a == 0 || (isinf(a) && b > -HUGE_VALL) ? a : a * expl(b);
}

/* e^x - 1 - x */
static inline wide exp_rest(wide x)
{
    wide sum = 0, term = x;
    if (fabsl(x) > 1) return x == HUGE_VALL ? x : expm1l(x) - x;
    for (int k = 2; k < 24; k++) sum += term *= x / k;
    return sum;
}

/* w - log(1 + w) */
static inline wide log1p_rest(wide w)
{
    wide sum = 0, power = w;
    if (fabsl(w) > 0.125L) return w - log1pl(w);
    for (int k = 2; k < 24; k++) sum -= (power *= -w) / k;
    return sum;
}

/* e^a - e^b */
static inline wide exp_gap(wide a, wide b)
{
    return a == b ? 0 : a > b ? expl(a) * -expm1l(b - a) : expl(b) * expm1l(a - b);
}

static inline wide bernoulli_entropy(wide x)
{
    x = fabsl(x);
    return x > 1e4L ? 0 : softplus(-x) + x * sigmoid(-x);
}

/* sigmoid'(x) */
static inline wide bump(wide x)
{
    return sigmoid(x) * sigmoid(-x);
}

static inline wide sigmoid_gap(wide a, wide b)
{
    const wide high = a > b ? a : b, low = a > b ? b : a, y = sigmoid(high) * sigmoid(-low) * -expm1l(low - high);
    return a == b ? 0 : a > b ? y : -y;
}

/* KL of Bernoulli variables with these logits */
static inline wide bernoulli_kl(wide a, wide b)
{
    if (a > 0) return bernoulli_kl(-a, -b);
    wide d = b - a, s = sigmoid(a);
    if (a == b) return 0;
    if (isinf(d)) return a == -HUGE_VALL ? softplus(b) : HUGE_VALL;
    if (d < 2) return s * exp_rest(d) - log1p_rest(s * expm1l(d));
    return softplus(b) - softplus(a) - s * d;
}

/* The integral of f(x + t d, d) over t in [0,1], by Gauss' rule on eight pieces. */
static inline wide integral(wide (*f)(wide at, wide t, wide d), wide x, wide d)
{
    static const wide point[] = { 0.18343464249564980493947614236018L, 0.52553240991632898581773904918925L,
                                  0.79666647741362673959155393647583L, 0.96028985649753623168356086856947L };
    static const wide weight[] = { 0.36268378337836198296515044927720L, 0.31370664587788728733796220198660L,
                                   0.22238103445337447054435599442624L, 0.10122853629037625915253135430996L };
    wide              sum = 0;
    for (int i = 0; i < 64; i++) {
        wide t = (i / 8 + (1 + (i % 2 ? -1 : 1) * point[i % 8 / 2]) / 2) / 8;
        sum += weight[i % 8 / 2] / 16 * f(x + t * d, t, d);
    }
    return sum;
}

/* The n-th derivative of log Z, Z the integral of e^(x t) over t in [0,1], n up to 4: by its series of Bernoulli numbers, or in closed form. */
static inline wide tilt(int n, wide x)
{
    wide a = fabsl(x), r = 1 / expm1l(a),
         sum = n == 0   ? x / 2
               : n == 1 ? 0.5L
                        : 0,
         power = 1 / a, rest[] = { 0, r, -r * (1 + r), r * (1 + r) * (1 + 2 * r), -r * (1 + r) * (1 + 6 * r + 6 * r * r) };
    if (isnan(x)) return x;
    if (n == 0 && a > 1) return (x == HUGE_VALL ? x : (x > 0 ? x : 0) + logl(-expm1l(-a)) - logl(a));
    if (n == 1 && a > 1) return x > 0 ? 1 - (1 / a - r) : 1 / a - r;
    for (int i = 1; i < n; i++) power *= i / a;
    if (a > 1) return (n % 2 && x < 0 ? -1 : 1) * (rest[n] + (n % 2 ? -power : power));
    for (int k = 13; k > 0 && 2 * k >= n; k--) {
        wide term = bernoulli[k - 1] / (2 * k) * powl(x, 2 * k - n);
        for (int i = 1; i <= 2 * k - n; i++) term /= i;
        sum += term;
    }
    return sum;
}

static inline wide tilt_slope(wide at, wide t, wide d)
{
    (void)t;
    return tilt(2, at) * d;
}

static inline wide tilt_moment(wide at, wide t, wide d)
{
    return (1 - t) * d * tilt(2, at) * d;
}

/* tilt(1, a) - tilt(1, b) */
static inline wide tilt_gap(wide a, wide b)
{
    if (a == b) return 0;
    if (fabsl(a - b) < fmaxl(1, fabsl(b) / 2)) return integral(tilt_slope, b, a - b);
    return a > 0 && b > 0 ? tilt(1, -b) - tilt(1, -a) : tilt(1, a) - tilt(1, b);
}

/* KL of continuous Bernoulli variables with these logits */
static inline wide tilt_kl(wide a, wide b)
{
    if (a > 0) return tilt_kl(-a, -b);
    if (a == b) return 0;
    if (isinf(a) || isinf(b)) return isnan(a) || isnan(b) ? a + b : HUGE_VALL;
    if (fabsl(a - b) < fmaxl(1, fabsl(a) / 2)) return integral(tilt_moment, a, b - a);
    if (b > 0) return b * (1 - tilt(1, a)) + tilt(0, -b) - tilt(0, a) + tilt(1, a) * a;
    return tilt(0, b) - tilt(0, a) - tilt(1, a) * (b - a);
}

static inline wide gelu_tanh(wide x)
{
    return x == -HUGE_VALL ? 0 : x * sigmoid(2 * sqrtl(2 / pi) * (x + 0.044715L * x * x * x));
}

#endif
