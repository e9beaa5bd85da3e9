/* examples/elbo_tour/gaussians.c: checks section 6, the formulas of a Gaussian VAE, against formulas written out here. */
#include "elbo_tour.h"

#include <math.h>

static const double cov0[9] = { 1.2, 0.3, -0.2, 0.3, 0.8, 0.1, -0.2, 0.1, 0.5 },
                    cov1[9] = { 0.9, -0.1, 0.2, -0.1, 1.5, 0.4, 0.2, 0.4, 1.1 };
static const double mean0[3] = { 0.5, -0.3, 1 }, mean1[3] = { 0, 0.4, 0.2 };

bool check_gaussians(const tour *o)
{
    tap_tape *t = o->tape;
    tap_tape_set_recording(t, false);
    section("6. Gaussians: left the library, right the formula");
    tap_var m0 = vector(t, 3, mean0), S0 = tap_reshape(vector(t, 9, cov0), TAP_SHAPE(3, 3));
    tap_var m1 = vector(t, 3, mean1), S1 = tap_reshape(vector(t, 9, cov1), TAP_SHAPE(3, 3));

    tap_dist p0 = tap_multivariate_normal(m0, tap_cholesky(S0, TAP_LOWER));
    tap_dist p1 = tap_multivariate_normal(m1, tap_cholesky(S1, TAP_LOWER));
    tap_var  error, off = tap_sub(m1, m0), inverse = tap_inv(S1);
    double   trace = tap_item(tap_trace(tap_matmul(inverse, S0))), far = tap_item(tap_dot(off, tap_matmul(inverse, off)));
    double   kl_of_two = 0.5 * (trace - 3 + far + log(tap_item(tap_det(S1)) / tap_item(tap_det(S0))));
    double   drawn = tap_item(tap_kl_monte_carlo(p0, p1, o->draws, &error));
    equation("6.3  th. 1.3: KL of two Gaussians", tap_item(tap_kl(p0, p1)), kl_of_two, 0);
    equation("     by draws, E[log p0 - log p1]", drawn, kl_of_two, tap_item(error));

    const double sigma = 0.6, variance = sigma * sigma, d = 3, square = tap_item(tap_dot(m0, m0));
    tap_dist     q = tap_isotropic_normal(m0, tap_scalar(t, log(sigma)));
    double       kl = tap_item(tap_kl(q, tap_standard_normal_like(q)));
    equation("6.4  (sigma^2 d - d + |mu|^2 - 2 d log sigma)/2", kl, 0.5 * (variance * d - d + square - 2 * d * log(sigma)), 0);
    print_note("with -2 log sigma, as printed, it would be %.6f", 0.5 * (variance * d - d + square - 2 * log(sigma)));

    double distance = tap_item(tap_dot(off, off));
    double log_p = -distance / (2 * variance) - d / 2 * log(2 * acos(-1) * variance);
    equation("6.5  log p(x|z), sigma_dec^2 I", tap_item(tap_log_prob(q, m1)), log_p, 0);
    estimate far_off = estimate_of(tap_sum(tap_square(tap_sub(tap_sample_n(q, o->draws), m0)), TAP_LAST));
    equation("     x^ = f + sigma_dec eps: E|x^ - f|^2", far_off.mean, d * variance, far_off.error);

    /* f(z) = z, so that E|x - f(z)|^2 = |x - mu|^2 + d sigma^2 */
    tap_dist decoder = tap_isotropic_normal(tap_sample_n(q, o->draws), tap_scalar(t, 0));
    estimate rec = estimate_of(tap_log_prob(decoder, m1));
    double   exact = -0.5 * (distance + d * variance) - d / 2 * log(2 * acos(-1));
    equation("6.6  ELBO = reconstruction - KL, M draws", rec.mean - kl, exact - kl, rec.error);
    print_note("+ KL, as printed, would be %.6f", exact + kl);
    return true;
}
