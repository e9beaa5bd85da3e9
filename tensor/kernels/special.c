/* tensor/kernels/special.c: special functions in double. A&S is Abramowitz and Stegun, Handbook of Mathematical Functions
 * (1964), which the NIST Digital Library of Mathematical Functions continues. */
#define _DEFAULT_SOURCE /* for lgamma_r: lgamma writes the sign to a global variable */
#include <math.h>

#include "tensor/kernels/rising.h"
#include "tensor/kernels/special.h"

#define PI 3.14159265358979323846

double tap__lgamma_f64(double x)
{
    int sign;
    return lgamma_r(x, &sign);
}

/* c[0] + c[1] z + ... + c[n-1] z^(n-1) */
static double polynomial(int n, const double *c, double z)
{
    double sum = 0;
    for (int i = n - 1; i >= 0; i--) sum = sum * z + c[i];
    return sum;
}

/* pi / tan(pi x), from the distance of x to the nearest integer or, near a zero, to the nearest half: both are exact. */
static double pi_cot(double x)
{
    double r = x - rint(x), from_half = 0.5 - fabs(r);
    return from_half > 0.25 ? PI / tan(PI * r) : copysign(PI, r) * tan(PI * from_half);
}

/* digamma on [1,2] as (x - root) P(2 x - 3), which keeps all digits near the root. P interpolates digamma(x) / (x - root) in
 * 23 Chebyshev points, taken with 120 digits; it is within 3e-18 of it. */
static double digamma_middle(double x)
{
    /* clang-format off */
    static const double p[] = {
        0x1.e6f0cbb873616p-1, -0x1.b1cb63005ee98p-3, 0x1.eca189b8e6f6dp-5, -0x1.2feeeb98a78eap-6, 0x1.8512e5903903ep-8,
        -0x1.fb44202a2306bp-10, 0x1.4de9aa1779d23p-11, -0x1.b9f8b11bfd3d0p-13, 0x1.2564717896ec6p-14, -0x1.863563f44f303p-16,
        0x1.03c0adafa529cp-17, -0x1.5a06a5d662cb4p-19, 0x1.cd2011454fd05p-21, -0x1.336dbe66757c8p-22, 0x1.99d3f5c0cad5ep-24,
        -0x1.0fb38d217b800p-25, 0x1.6a3e76070c135p-27, -0x1.fd8e50abf2196p-29, 0x1.53b23429da21bp-30, -0x1.2fae5cb379bf2p-32,
        0x1.94e73cc9821e1p-34, -0x1.75c084e78a4cdp-34, 0x1.f255c4568ac4dp-36,
    };
    /* clang-format on */
    const double root = 0x1.762d86356be3fp+0, root_low = 0x1.b86a722197829p-54;
    return ((x - root) - root_low) * polynomial(sizeof p / sizeof *p, p, 2 * x - 3);
}

/* log x - 1/(2 x) - sum B_2k / (2k x^2k) for x >= 10 (A&S 6.3.18) */
static double digamma_large(double x)
{
    static const double b[] = { 1. / 12, -1. / 120, 1. / 252, -1. / 240, 1. / 132, -691. / 32760, 1. / 12 };
    const double        z = 1 / x / x;
    return log(x) - 0.5 / x - z * polynomial(sizeof b / sizeof *b, b, z);
}

/* Reflection takes negative x to positive ones (A&S 6.3.7), recurrence takes these to [1,2] (6.3.5). */
double tap__digamma_f64(double x)
{
    if (x < 0) return x == floor(x) ? (double)NAN : tap__digamma_f64(1 - x) - pi_cot(x);
    if (x < 1) return digamma_middle(x + 1) - 1 / x;
    if (!(x < 10)) return digamma_large(x);
    double sum = 0;
    for (; x > 2; x--) sum += 1 / (x - 1);
    return sum + digamma_middle(x);
}

/* x^s zeta(s, x) = sum (x / (x + k))^s over k >= 0, for x > 0 and s >= 2 (Hurwitz's zeta function). The first terms are added
 * one by one, those from w = x + k on by the Euler-Maclaurin formula:
 *   (x / w)^s (w / (s-1) + 1/2 + sum B_2j / (2j)! s (s+1) .. (s+2j-2) / w^(2j-1)) */
static double scaled_zeta(double s, double x)
{
    static const double b[] = { 1. / 6, -1. / 30, 1. / 42, -1. / 30, 5. / 66, -691. / 2730, 7. / 6, -3617. / 510 };
    double              sum = 0, w = x;
    for (; w < s + 10; w++) {
        const double term = pow(x / w, s);
        sum += term;
        if (term < 1e-18 * sum) return sum;
    }
    double tail = w / (s - 1) + 0.5, factor = s / (2 * w);
    for (int j = 1; j <= 8; j++) {
        tail += b[j - 1] * factor;
        factor *= (s + 2 * j - 1) / w * ((s + 2 * j) / w) / ((2 * j + 1) * (2 * j + 2));
    }
    return sum + pow(x / w, s) * tail;
}

/* n! z / x^(n+1), x > 0. The power is applied in two halves, as it may be out of range when the product is not. From 171! on,
 * which is out of range itself, the product is computed from logarithms. */
static double over_power(int n, double x, double z)
{
    const double s = n + 1., half = pow(x, -0.5 * s);
    if (n > 170) return exp(tap__lgamma_f64(s) - s * log(x) + log(z));
    double factorial = 1;
    for (int k = 2; k <= n; k++) factorial *= k;
    return factorial * half * z * half;
}

/* n! zeta(n + 1, x), x > 0 */
static double factorial_zeta(int n, double x)
{
    return x < HUGE_VAL ? over_power(n, x, scaled_zeta(n + 1., x)) : 0;
}

/* (-1)^s n! zeta(s, x), s = n + 1 (A&S 6.4.10). For x < 0, the sum of (x + k)^-s over k >= 0 is the sum over all integers k
 * minus the sum over k < 0. In the former, x may be replaced by its distance r to the nearest integer. */
double tap__polygamma_f64(int n, double x)
{
    if (n <= 0) return n == 0 ? tap__digamma_f64(x) : (double)NAN;
    const double sign = n % 2 ? 1 : -1, r = x - rint(x);
    if (x > 0) return sign * factorial_zeta(n, x);
    if (r == 0) return sign * HUGE_VAL;
    double all = (r < 0 ? sign : 1) * over_power(n, fabs(r), 1) + factorial_zeta(n, 1 + r) + sign * factorial_zeta(n, 1 - r);
    return sign * all - factorial_zeta(n, 1 - x);
}

/* theta^n times the n-th derivative, n >= 2, of log(theta (theta + 1) .. (theta + x - 1) / theta^x) is the sum over 0 <= i < x
 * of f(i) = c ((theta / (theta + i))^n - 1), c = (-1)^(n-1) (n-1)!. */
typedef struct {
    int    n;
    double theta, u, c; /* (-1)^(n-1) (n-1)! */
} rising;

/* log(1 + t / theta) */
static double log_ratio(const rising *r, double t)
{
    return t < r->theta ? log1p(t / r->theta) : log(r->theta + t) - r->u;
}

static double rising_term(const rising *r, double t)
{
    return r->c * expm1(-r->n * log_ratio(r, t));
}

/* The sum of f(0) .. f(t - 1), up to a constant, by the Euler-Maclaurin formula (A&S 3.6.28). */
static double rising_sum(const rising *r, double t)
{
    static const double b[] = { 1. / 6, -1. / 30, 1. / 42, -1. / 30, 5. / 66, -691. / 2730, 7. / 6, -3617. / 510 };
    const double        w = r->theta + t, l = log_ratio(r, t);
    double              integral = r->c * (-r->theta / (r->n - 1) * expm1((1 - r->n) * l) - t);
    double              sum = integral - rising_term(r, t) / 2, factor = (r->n % 2 ? -0.5 : 0.5) * exp(-r->n * l) / w;
    for (int k = 2; k <= r->n; k++) factor *= k;
    for (int k = 1; k <= 8; k++) {
        sum += b[k - 1] * factor;
        factor *= (r->n + 2 * k - 1) / w * ((r->n + 2 * k) / w) / ((2 * k + 1) * (2 * k + 2));
    }
    return sum;
}

/* The first terms are added one by one, until theta + i >= 16; the others by the Euler-Maclaurin formula. */
double tap__log_rising_f64(int n, double x, double u)
{
    rising r = { n, exp(u), u, n % 2 ? 1 : -1 };
    double sum = 0, first = r.theta < 16 ? 16 : 0;
    if (n < 2) return n ? tap__rising_slope_f64(x, u) : tap__rising_f64(x, u);
    if (!(x >= 0 && x == floor(x) && u == u)) return (double)NAN;
    for (int k = 2; k < n; k++) r.c *= k;
    if (x <= 16) first = x;
    for (double i = 1; i < first; i++) sum += rising_term(&r, i);
    return x > first ? sum + (rising_sum(&r, x) - rising_sum(&r, first)) : sum;
}

/* Winitzki's approximation (2008), with an error of 2e-3, and three steps of Halley's method, each of which triples the
 * digits. */
double tap__erfinv_f64(double x)
{
    const double a = fabs(x), rest = 1 - a, l = log1p(-a * a), m = 2 / (PI * 0.147) + l / 2;
    if (!(a < 1)) return a == 1 ? copysign(HUGE_VAL, x) : (double)NAN;
    double y = sqrt(sqrt(m * m - l / 0.147) - m);
    for (int i = 0; i < 3; i++) {
        double excess = a < 0.5 ? erf(y) - a : rest - erfc(y);
        double step = excess * (0.886226925452758014 * exp(y * y)); /* sqrt(pi) / 2 */
        y -= step / (1 + y * step);
    }
    return copysign(y, x);
}

/* erfc(t) / 2 at t = -x / sqrt 2, corrected by erfc'(t) / 2 times the rounding error of t, which costs many digits in the
 * tail. */
double tap__normal_cdf_f64(double x)
{
    const double h = 0x1.6a09e667f3bcdp-1, h_low = -0x1.bdd3413b26456p-55, t = -x * h;
    if (fabs(x) > 40) return x > 0;
    double lost = fma(-x, h, -t) - x * h_low;
    return 0.5 * erfc(t) - 0.564189583547756287 * exp(-t * t) * lost; /* 1 / sqrt(pi) */
}

/* a - fmod(a, b) is a multiple of b, up to rounding. */
double tap__floor_divide_f64(double a, double b)
{
    if (b == 0) return a / b;
    double rest = fmod(a, b), y = rint((a - rest) / b);
    if (rest != 0 && (rest < 0) != (b < 0)) y -= 1;
    return y == 0 ? copysign(0, a / b) : y;
}
