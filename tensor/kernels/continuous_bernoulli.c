/* tensor/kernels/continuous_bernoulli.c: the uniform distribution on [0,1], tilted to a density proportional to e^(x t): the
 * cumulants of it, and what differences of them are, without cancellation. */
#include <math.h>
#include <stdbool.h>

#include "tensor/kernels/special.h"

enum { TERMS = 24, POINTS = 8 };

/* log Z = x/2 + sum of term[k-1] (x / 2 pi)^2k, where term[k-1] = (-1)^(k+1) zeta(2k) / k: log(sinh(x/2) / (x/2)) by the zeros
 * of sinh. */
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

/* Gauss' rule on [0,1], the upper half of it. */
static const double point[POINTS / 2] = { 0.98014492824876811584, 0.8983332387068133698, 0.76276620495816449291,
                                          0.59171732124782490247 };
static const double weight[POINTS / 2] = { 0.050614268145188129576, 0.11119051722668723527, 0.15685332293894364367,
                                           0.18134189168918099148 };

static const double near = 2; /* the series is good below, the closed form above */

/* The n-th derivative of the series. */
static double by_series(int n, double x)
{
    const double scale = 1 / 6.28318530717958647693, z = x * scale;
    double       sum = 0;
    for (int k = TERMS; 2 * k >= n && k > 0; k--) {
        double factor = term[k - 1];
        for (int i = 0; i < n; i++) factor *= 2 * k - i;
        sum = sum * z * z + factor;
    }
    const int rest = n > 0 ? n % 2 : 2; /* the power of the last term */
    for (int i = 0; i < rest; i++) sum *= z;
    for (int i = 0; i < n; i++) sum *= scale;
    return sum + (n == 0 ? x / 2 : n == 1 ? 0.5 : 0);
}

/* The n-th derivative of r = 1 / (e^a - 1), a polynomial of r: r' = -r (1 + r). */
static double rest_derivative(int n, double r)
{
    enum { MOST = 32 };
    double p[MOST + 2] = { 0, 1 }, sum = 0;
    if (n >= MOST) return (double)NAN;
    for (int m = 1; m <= n; m++) {
        for (int k = m + 1; k > 0; k--) p[k] = -(k * p[k] + (k - 1) * p[k - 1]);
    }
    for (int k = n + 1; k >= 0; k--) sum = sum * r + p[k];
    return sum;
}

/* From a = |x| on: log((1 - e^-a) / a), which is log Z at -a, and the mean there. */
static double log_z_below(double a)
{
    return a < near ? by_series(0, -a) : log(-expm1(-a)) - log(a);
}

static double mean_below(double a)
{
    return a < near ? by_series(1, -a) : 1 / a - 1 / expm1(a);
}

double tap__cb_cumulant_f64(int n, double x)
{
    const double a = fabs(x);
    if (isnan(x)) return x;
    if (n == 0) return x <= 0 || a < near ? a < near ? by_series(0, x) : log_z_below(a) : isinf(x) ? x : x + log_z_below(a);
    if (n == 1) return x <= 0 ? mean_below(a) : a < near ? by_series(1, x) : 1 - mean_below(a);
    if (a < near) return by_series(n, x);
    double power = 1 / a;
    for (int i = 1; i < n; i++) power *= i / a;
    const double y = rest_derivative(n - 1, 1 / expm1(a)) + (n % 2 ? -power : power);
    return n % 2 && x < 0 ? -y : y;
}

/* k_2(x) d, where k_2 may be out of range */
static double slope(double x, double d)
{
    const double a = fabs(x), r = 1 / expm1(a);
    return a < near ? by_series(2, x) * d : d / a / a - r * (1 + r) * d;
}

/* Whether a rule over the way from x on, as long as d, is exact to rounding. */
static bool is_short(double x, double d)
{
    return fabs(d) < fmax(1, fabs(x) / 2);
}

double tap__cb_mean_difference_f64(double a, double b)
{
    const double d = a - b;
    if (a == b) return 0;
    if (is_short(b, d)) {
        double sum = 0;
        for (int i = 0; i < POINTS / 2; i++) sum += weight[i] * (slope(b + point[i] * d, d) + slope(a - point[i] * d, d));
        return sum;
    }
    if (a > 0 && b > 0) return mean_below(b) - mean_below(a);
    return tap__cb_cumulant_f64(1, a) - tap__cb_cumulant_f64(1, b);
}

double tap__cb_kl_grad_f64(double a, double b)
{
    if (a == b || isinf(a)) return isnan(b) ? b : 0;
    return isinf(b) ? -b : isinf(a - b) ? 2 * slope(a, a / 2 - b / 2) : slope(a, a - b);
}

/* KL from -a to -b, not near each other */
static double kl_below(double a, double b)
{
    if (a < near || b < near) return log_z_below(b) - log_z_below(a) + mean_below(a) * (b - a);
    const double d = (b - a) / a;
    return d - (log(b) - log(a)) + (log1p(-exp(-b)) - log1p(-exp(-a)) - (b - a) / expm1(a));
}

double tap__cb_kl_f64(double a, double b)
{
    const double q = a > 0 ? -a : a, p = a > 0 ? -b : b, d = p - q;
    if (a == b) return 0;
    if (isnan(d)) return isnan(a) || isnan(b) ? d : (double)INFINITY;
    if (isinf(a) || isinf(b)) return (double)INFINITY;
    if (is_short(q, d)) {
        double sum = 0;
        for (int i = 0; i < POINTS / 2; i++) {
            const double t = point[i], u = 1 - t;
            sum += weight[i] * (u * slope(q + t * d, d) + t * slope(q + u * d, d));
        }
        return sum * d;
    }
    if (p <= 0) return kl_below(-q, -p);
    return p * (1 - mean_below(-q)) + log_z_below(p) - log_z_below(-q) + mean_below(-q) * q;
}
