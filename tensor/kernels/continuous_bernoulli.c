/* tensor/kernels/continuous_bernoulli.c: cumulants of the continuous Bernoulli distribution (Loaiza-Ganem & Cunningham, The
 * continuous Bernoulli: fixing a pervasive error in variational autoencoders, 2019), and differences of them without
 * cancellation.
 *
 * With the logit x = log(lambda / (1 - lambda)), its density on [0,1] is p(t) = e^(x t) / Z(x), an exponential family, so that
 * the cumulants are the derivatives of log Z:
 *
 *   k_0 = log Z(x) = log((e^x - 1) / x) = x/2 + log(sinh(x/2) / (x/2))
 *   k_1 = mean     = 1 / (1 - e^-x) - 1/x
 *   k_2 = variance = 1/x^2 - e^x / (e^x - 1)^2
 *   KL(a || b)     = log Z(b) - log Z(a) + k_1(a) (a - b)
 *
 * Z(-x) = e^-x Z(x): k_n(-x) = (-1)^n k_n(x) for n >= 2, and k_1(-x) = 1 - k_1(x). For |x| < 2, where the closed forms cancel,
 * log Z is computed from its series by the zeros of sinh (A&S 4.5.68):
 *
 *   log Z = x/2 + sum over m >= 1 of log(1 + x^2 / (4 pi^2 m^2))
 *         = x/2 + sum over k >= 1 of (-1)^(k+1) zeta(2k) / k (x / (2 pi))^(2k)
 *
 * A&S is Abramowitz and Stegun, Handbook of Mathematical Functions (1964). */
#include <math.h>
#include <stdbool.h>

#include "tensor/kernels/special.h"

enum { TERMS = 24, POINTS = 8 };

/* term[k-1] = (-1)^(k+1) zeta(2k) / k */
/* clang-format off */
static const double term[TERMS] = {
    1.64493406684822643647, -0.54116161685556909576, 0.33911435399481637990, -0.25101933904948608484,
    0.20019891502556361707, -0.16670768109221800805, 0.14286589259072267212, -0.12500191028242608148,
    0.11111153525480722220, -0.10000009539620338728, 0.09090911258640933888, -0.08333333830068242094,
    0.07692307806935037141, -0.07142857169466671606, 0.06666666672875516216, -0.06250000001455194896,
    0.05882352941518868946, -0.05555555555636399566, 0.05263157894755989366, -0.05000000000004547474,
    0.04761904761905844637, -0.04545454545454803834, 0.04347826086956583525, -0.04166666666666681470,
};
/* clang-format on */

/* The nodes above 1/2, and weights, of the Gauss-Legendre rule with 8 points on [0,1] (A&S 25.4.30); it is symmetric about
 * 1/2. */
static const double point[POINTS / 2] = { 0.98014492824876811584, 0.8983332387068133698, 0.76276620495816449291,
                                          0.59171732124782490247 };
static const double weight[POINTS / 2] = { 0.050614268145188129576, 0.11119051722668723527, 0.15685332293894364367,
                                           0.18134189168918099148 };

static const double SERIES_LIMIT = 2; /* the series is used for |x| below this, the closed form above */

/* The n-th derivative of the series of log Z. */
static double log_z_series(int n, double x)
{
    const double scale = 1 / 6.28318530717958647693, z = x * scale;
    double       sum = 0;
    for (int k = TERMS; 2 * k >= n && k > 0; k--) {
        double factor = term[k - 1];
        for (int i = 0; i < n; i++) factor *= 2 * k - i;
        sum = sum * z * z + factor;
    }
    const int rest = n > 0 ? n % 2 : 2; /* the power of x in the lowest term */
    for (int i = 0; i < rest; i++) sum *= z;
    for (int i = 0; i < n; i++) sum *= scale;
    return sum + (n == 0 ? x / 2 : n == 1 ? 0.5 : 0);
}

/* The n-th derivative by a of r = 1 / (e^a - 1), as a polynomial of r: r' = -r (1 + r). */
static double r_derivative(int n, double r)
{
    enum { MAX_ORDER = 32 };
    double p[MAX_ORDER + 2] = { 0, 1 }, sum = 0;
    if (n >= MAX_ORDER) return (double)NAN;
    for (int m = 1; m <= n; m++) {
        for (int k = m + 1; k > 0; k--) p[k] = -(k * p[k] + (k - 1) * p[k - 1]);
    }
    for (int k = n + 1; k >= 0; k--) sum = sum * r + p[k];
    return sum;
}

/* log Z = log((1 - e^-a) / a) and the mean at x = -a, a >= 0. */
static double log_z_at_minus(double a)
{
    return a < SERIES_LIMIT ? log_z_series(0, -a) : log(-expm1(-a)) - log(a);
}

static double mean_at_minus(double a)
{
    return a < SERIES_LIMIT ? log_z_series(1, -a) : 1 / a - 1 / expm1(a);
}

double tap__cb_cumulant_f64(int n, double x)
{
    const double a = fabs(x);
    if (isnan(x)) return x;
    if (n == 0)
        return x <= 0 || a < SERIES_LIMIT ? a < SERIES_LIMIT ? log_z_series(0, x) : log_z_at_minus(a)
               : isinf(x) ? x
                                          : x + log_z_at_minus(a);
    if (n == 1) return x <= 0 ? mean_at_minus(a) : a < SERIES_LIMIT ? log_z_series(1, x) : 1 - mean_at_minus(a);
    if (a < SERIES_LIMIT) return log_z_series(n, x);
    double power = 1 / a;
    for (int i = 1; i < n; i++) power *= i / a;
    const double y = r_derivative(n - 1, 1 / expm1(a)) + (n % 2 ? -power : power);
    return n % 2 && x < 0 ? -y : y;
}

/* k_2(x) d, in range also if k_2(x) is not */
static double variance_times(double x, double d)
{
    const double a = fabs(x), r = 1 / expm1(a);
    return a < SERIES_LIMIT ? log_z_series(2, x) * d : d / a / a - r * (1 + r) * d;
}

/* Whether the Gauss-Legendre rule for an integral from x to x + d is exact up to rounding. */
static bool is_short_interval(double x, double d)
{
    return fabs(d) < fmax(1, fabs(x) / 2);
}

double tap__cb_mean_difference_f64(double a, double b)
{
    const double d = a - b;
    if (a == b) return 0;
    if (is_short_interval(b, d)) {
        double sum = 0;
        for (int i = 0; i < POINTS / 2; i++)
            sum += weight[i] * (variance_times(b + point[i] * d, d) + variance_times(a - point[i] * d, d));
        return sum;
    }
    if (a > 0 && b > 0) return mean_at_minus(b) - mean_at_minus(a);
    return tap__cb_cumulant_f64(1, a) - tap__cb_cumulant_f64(1, b);
}

double tap__cb_kl_grad_f64(double a, double b)
{
    if (a == b || isinf(a)) return isnan(b) ? b : 0;
    return isinf(b) ? -b : isinf(a - b) ? 2 * variance_times(a, a / 2 - b / 2) : variance_times(a, a - b);
}

/* KL from -a to -b, which are not close to each other. */
static double kl_at_minus(double a, double b)
{
    if (a < SERIES_LIMIT || b < SERIES_LIMIT) return log_z_at_minus(b) - log_z_at_minus(a) + mean_at_minus(a) * (b - a);
    const double d = (b - a) / a;
    return d - (log(b) - log(a)) + (log1p(-exp(-b)) - log1p(-exp(-a)) - (b - a) / expm1(a));
}

double tap__cb_kl_f64(double a, double b)
{
    const double q = a > 0 ? -a : a, p = a > 0 ? -b : b, d = p - q;
    if (a == b) return 0;
    if (isnan(d)) return isnan(a) || isnan(b) ? d : (double)INFINITY;
    if (isinf(a) || isinf(b)) return (double)INFINITY;
    if (is_short_interval(q, d)) {
        double sum = 0;
        for (int i = 0; i < POINTS / 2; i++) {
            const double t = point[i], u = 1 - t;
            sum += weight[i] * (u * variance_times(q + t * d, d) + t * variance_times(q + u * d, d));
        }
        return sum * d;
    }
    if (p <= 0) return kl_at_minus(-q, -p);
    return p * (1 - mean_at_minus(-q)) + log_z_at_minus(p) - log_z_at_minus(-q) + mean_at_minus(-q) * q;
}
