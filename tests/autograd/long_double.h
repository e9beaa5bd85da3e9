/* tests/autograd/long_double.h: reference functions in long double. */
#ifndef TAP_TESTS_AUTOGRAD_LONG_DOUBLE_H
#define TAP_TESTS_AUTOGRAD_LONG_DOUBLE_H

#include <math.h>

typedef long double ldouble;

static const ldouble pi = 3.14159265358979323846264338327950288L, ln2 = 0.693147180559945309417232121458176568L;

static inline ldouble max_nan(ldouble a, ldouble b)
{
    return a > b || isnan(a) ? a : b;
}

static inline ldouble min_nan(ldouble a, ldouble b)
{
    return a < b || isnan(a) ? a : b;
}

static inline ldouble sigmoid(ldouble x)
{
    return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x));
}

static inline ldouble softplus(ldouble x)
{
    return max_nan(x, 0) + log1pl(expl(-fabsl(x)));
}

static inline ldouble logaddexp(ldouble a, ldouble b)
{
    return a == b ? a + ln2 : max_nan(a, b) + log1pl(expl(-fabsl(a - b)));
}

/* By Newton's method, on erf or, in the tails, on the logarithm of erfc. */
static inline ldouble erfinv(ldouble x)
{
    ldouble a = fabsl(x), y = a < 0.5L ? a : sqrtl(-logl(1 - a));
    if (!(a < 1)) return a == 1 ? copysignl(HUGE_VALL, x) : (ldouble)NAN;
    for (int i = 0; i < 12; i++) {
        ldouble slope = 2 / sqrtl(pi) * expl(-y * y), tail = erfcl(y);
        y += a < 0.5L ? (a - erfl(y)) / slope : (logl(tail) - logl(1 - a)) * tail / slope;
    }
    return copysignl(y, x);
}

static const ldouble bernoulli[] = { 1 / 6.L,       -1 / 30.L,       1 / 42.L,       -1 / 30.L,
                                     5 / 66.L,      -691 / 2730.L,   7 / 6.L,        -3617 / 510.L,
                                     43867 / 798.L, -174611 / 330.L, 854513 / 138.L, -236364091 / 2730.L,
                                     8553103 / 6.L };

/* digamma(u) - digamma(v) for large u and v, with all digits also where u - v = t is small */
static inline ldouble digamma_difference(ldouble u, ldouble v, ldouble t)
{
    ldouble log_ratio = log1pl(t / v), sum = log_ratio + t / (2 * u * v);
    for (int k = 1; k <= 8; k++) sum -= bernoulli[k - 1] / (2 * k) * powl(v, -2 * k) * expm1l(-2 * k * log_ratio);
    return sum;
}

/* digamma(x) = sum of (x - r) / ((r + k) (x + k)) for k = 0, 1, ..., r being its root: 20 terms, and the rest by the
 * asymptotic series. */
static inline ldouble digamma(ldouble x)
{
    const ldouble r = 0x1.762d86356be3fp+0L, r_low = 9.54999542996569771518419907597e-17L;
    ldouble       from_zero = x - rintl(x), t = (x - r) - r_low, sum = 0;
    if (x == 0) return copysignl(HUGE_VALL, -x);
    if (x < 0) return from_zero == 0 ? (ldouble)NAN : digamma(1 - x) - pi / tanl(pi * from_zero);
    if (x == HUGE_VALL) return x;
    for (int k = 0; k < 20; k++) sum += t / ((r + k) * (x + k));
    return sum + digamma_difference(x + 20, r + 20, t);
}

static inline ldouble factorial(int n)
{
    return n > 1 ? n * factorial(n - 1) : 1;
}

/* (-1)^(n+1) times polygamma for x > 0, by recurrence up to x >= 30 and the asymptotic series (Abramowitz and Stegun 6.4.11) */
static inline ldouble polygamma_positive(int n, ldouble x)
{
    ldouble sum = 0;
    for (; x < 30 + n; x++) sum += factorial(n) * powl(x, -n - 1);
    ldouble term = factorial(n - 1) * powl(x, -n), product = factorial(n + 1) * powl(x, -n - 2) / 2;
    sum += term + factorial(n) * powl(x, -n - 1) / 2;
    for (int k = 1; k <= 8; k++) {
        sum += bernoulli[k - 1] * product;
        product *= (2 * k + n) * (2 * k + n + 1) / (x * x) / ((2 * k + 1) * (2 * k + 2));
    }
    return sum;
}

/* For x < 0, by the derivatives of pi cot(pi x), n up to 3. */
static inline ldouble polygamma(int n, ldouble x)
{
    ldouble sign = n % 2 ? 1 : -1, r = x - rintl(x), s = sinl(pi * r), c = cosl(pi * r);
    if (n == 0) return digamma(x);
    if (x == HUGE_VALL) return copysignl(0, sign);
    if (x > 0) return sign * polygamma_positive(n, x);
    if (r == 0) return sign * HUGE_VALL;
    if (n > 3 || isnan(x) || x < -1e5L) return (ldouble)NAN;
    ldouble derivative[] = { 0, 1, -2 * c / s, (2 + 4 * c * c) / (s * s) };
    return powl(pi, n + 1) * derivative[n] / (s * s) - polygamma_positive(n, 1 - x);
}

/* The largest candidate y whose remainder a - y b, computed exactly by fma, has the sign of b. */
static inline ldouble floor_divide(ldouble a, ldouble b)
{
    if (b == 0 || isinf(a) || isnan(a)) return b == 0 ? a / b : (ldouble)NAN;
    if (isinf(b)) return a == 0 || (a < 0) == (b < 0) ? copysignl(0, a / b) : -1;
    ldouble y = floorl(a / b) + 1;
    for (int i = 0; i < 2; i++) {
        ldouble rest = fmal(-y, b, a);
        if (rest != 0 && (rest < 0) != (b < 0)) y--;
    }
    return y == 0 ? copysignl(0, a / b) : y;
}

/* a e^b; 0 where a is 0; an infinite a stays infinite unless b is -infinity */
static inline ldouble mul_exp(ldouble a, ldouble b)
{
    if (isnan(a) || isnan(b)) return a + b;
    return a == 0 || (isinf(a) && b > -HUGE_VALL) ? a : a * expl(b);
}

/* e^x - 1 - x */
static inline ldouble expm1_minus_x(ldouble x)
{
    ldouble sum = 0, term = x;
    if (fabsl(x) > 1) return x == HUGE_VALL ? x : expm1l(x) - x;
    for (int k = 2; k < 24; k++) sum += term *= x / k;
    return sum;
}

/* w - log(1 + w) */
static inline ldouble x_minus_log1p(ldouble w)
{
    ldouble sum = 0, power = w;
    if (fabsl(w) > 0.125L) return w - log1pl(w);
    for (int k = 2; k < 24; k++) sum -= (power *= -w) / k;
    return sum;
}

/* e^a - e^b */
static inline ldouble exp_difference(ldouble a, ldouble b)
{
    return a == b ? 0 : a > b ? expl(a) * -expm1l(b - a) : expl(b) * expm1l(a - b);
}

static inline ldouble bernoulli_entropy(ldouble x)
{
    x = fabsl(x);
    return x > 1e4L ? 0 : softplus(-x) + x * sigmoid(-x);
}

/* sigmoid'(x) */
static inline ldouble sigmoid_slope(ldouble x)
{
    return sigmoid(x) * sigmoid(-x);
}

static inline ldouble sigmoid_difference(ldouble a, ldouble b)
{
    const ldouble high = a > b ? a : b, low = a > b ? b : a, y = sigmoid(high) * sigmoid(-low) * -expm1l(low - high);
    return a == b ? 0 : a > b ? y : -y;
}

/* KL of Bernoulli variables with these logits */
static inline ldouble bernoulli_kl(ldouble a, ldouble b)
{
    if (a > 0) return bernoulli_kl(-a, -b);
    ldouble d = b - a, s = sigmoid(a);
    if (a == b) return 0;
    if (isinf(d)) return a == -HUGE_VALL ? softplus(b) : HUGE_VALL;
    if (d < 2) return s * expm1_minus_x(d) - x_minus_log1p(s * expm1l(d));
    return softplus(b) - softplus(a) - s * d;
}

/* The integral of f(x + t d, t, d) over t in [0,1], by Gauss-Legendre quadrature with eight points on eight intervals */
static inline ldouble integral(ldouble (*f)(ldouble at, ldouble t, ldouble d), ldouble x, ldouble d)
{
    static const ldouble point[] = { 0.18343464249564980493947614236018L, 0.52553240991632898581773904918925L,
                                     0.79666647741362673959155393647583L, 0.96028985649753623168356086856947L };
    static const ldouble weight[] = { 0.36268378337836198296515044927720L, 0.31370664587788728733796220198660L,
                                      0.22238103445337447054435599442624L, 0.10122853629037625915253135430996L };
    ldouble              sum = 0;
    for (int i = 0; i < 64; i++) {
        ldouble t = (i / 8 + (1 + (i % 2 ? -1 : 1) * point[i % 8 / 2]) / 2) / 8;
        sum += weight[i % 8 / 2] / 16 * f(x + t * d, t, d);
    }
    return sum;
}

/* The cumulants of the continuous Bernoulli: the n-th derivative of log Z, n up to 4, Z being the integral of e^(x t) over t
 * in [0,1]. For |x| <= 1 by the series with Bernoulli numbers, else in closed form. */
static inline ldouble cb_cumulant(int n, ldouble x)
{
    ldouble a = fabsl(x), r = 1 / expm1l(a),
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
        ldouble term = bernoulli[k - 1] / (2 * k) * powl(x, 2 * k - n);
        for (int i = 1; i <= 2 * k - n; i++) term /= i;
        sum += term;
    }
    return sum;
}

static inline ldouble cb_variance_term(ldouble at, ldouble t, ldouble d)
{
    (void)t;
    return cb_cumulant(2, at) * d;
}

static inline ldouble cb_kl_term(ldouble at, ldouble t, ldouble d)
{
    return (1 - t) * d * cb_cumulant(2, at) * d;
}

/* The difference of the means: cb_cumulant(1, a) - cb_cumulant(1, b) */
static inline ldouble cb_mean_difference(ldouble a, ldouble b)
{
    if (a == b) return 0;
    if (fabsl(a - b) < fmaxl(1, fabsl(b) / 2)) return integral(cb_variance_term, b, a - b);
    return a > 0 && b > 0 ? cb_cumulant(1, -b) - cb_cumulant(1, -a) : cb_cumulant(1, a) - cb_cumulant(1, b);
}

/* KL of continuous Bernoulli variables with these logits */
static inline ldouble cb_kl(ldouble a, ldouble b)
{
    if (a > 0) return cb_kl(-a, -b);
    if (a == b) return 0;
    if (isinf(a) || isinf(b)) return isnan(a) || isnan(b) ? a + b : HUGE_VALL;
    if (fabsl(a - b) < fmaxl(1, fabsl(a) / 2)) return integral(cb_kl_term, a, b - a);
    if (b > 0) return b * (1 - cb_cumulant(1, a)) + cb_cumulant(0, -b) - cb_cumulant(0, a) + cb_cumulant(1, a) * a;
    return cb_cumulant(0, b) - cb_cumulant(0, a) - cb_cumulant(1, a) * (b - a);
}

static inline ldouble gelu_tanh(ldouble x)
{
    return x == -HUGE_VALL ? 0 : x * sigmoid(2 * sqrtl(2 / pi) * (x + 0.044715L * x * x * x));
}

#endif
