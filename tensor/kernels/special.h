/* tensor/kernels/special.h: special functions in double that the C library lacks, or has with side effects. Errors are a few
 * units of the last place, except near zeros at x < 0. Not installed. */
#ifndef TAP_TENSOR_KERNELS_SPECIAL_H
#define TAP_TENSOR_KERNELS_SPECIAL_H

double tap__lgamma_f64(double x);           /* log |Gamma(x)|; inf at the poles */
double tap__digamma_f64(double x);          /* d/dx log |Gamma(x)|; at +-0 it is -+inf, at the other poles NaN */
double tap__polygamma_f64(int n, double x); /* the n-th derivative of digamma; (-1)^(n+1) inf at the poles for n > 0 */
/* theta^n d^n/dtheta^n of log(theta (theta + 1) .. (theta + x - 1) / theta^x), theta = e^u, for whole x; NaN for other x.
 * rising.h has n = 0 and n = 1. */
double tap__log_rising_f64(int n, double x, double u);
/* Of the continuous Bernoulli distribution with logit x (continuous_bernoulli.c): the n-th cumulant k_n(x), n < 32, of which
 * k_0 is log Z; k_1(a) - k_1(b); the KL divergence from a to b; and its derivative by a, k_2(a) (a - b). */
double tap__cb_cumulant_f64(int n, double x);
double tap__cb_mean_difference_f64(double a, double b);
double tap__cb_kl_f64(double a, double b);
double tap__cb_kl_grad_f64(double a, double b);
double tap__erfinv_f64(double x);                 /* erf(erfinv(x)) = x; +-inf at +-1, NaN beyond */
double tap__normal_cdf_f64(double x);             /* (1 + erf(x / sqrt(2))) / 2, with all digits in the lower tail, too */
double tap__floor_divide_f64(double a, double b); /* floor of the exact quotient a / b; a / b for b = 0 */

#endif
