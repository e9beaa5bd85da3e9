/* examples/elbo_tour/gaussians.c: checks section 3, the trivial solution for a known p(x) and a minimal model that finds it,
 * draws the paper's figures 3 and 4, and checks section 6, the formulas of a Gaussian VAE, against formulas written out here. */
#include "elbo_tour.h"

#include <math.h>
#include <stdio.h>

enum { POINTS = 4001, PLOTTED = 601 };

/* The integral from -edge to edge of a function given at POINTS points. */
static double integral(tap_var f, double edge)
{
    return tap_item(tap_sum(f, TAP_ALL)) * (2 * edge / (POINTS - 1));
}

static tap_dist normal(tap_tape *t, double loc, double scale)
{
    return tap_normal(tap_scalar(t, loc), tap_scalar(t, log(scale)));
}

/* delta_a is the normal density of standard deviation a / sqrt 2. */
bool check_trivial(const options *o)
{
    static const double checked[] = { 1, 0.1, 0.01 }, drawn[] = { 1, 0.5, 0.25, 0.1 };
    tap_tape           *t = o->tape;
    char                name[64];
    section("3. A trivial solution, and a model that finds it");
    tap_var mu = tap_scalar(t, 1), sigma = tap_scalar(t, 2), datum = tap_scalar(t, 3.7);
    tap_var z = tap_div(tap_sub(datum, mu), sigma);
    equation("3    z = (x - mu) / sigma", tap_item(z), 1.35, 0);
    equation("     mu + sigma z = x", tap_item(tap_add(mu, tap_mul(sigma, z))), 3.7, 0);
    for (int i = 0; i < 3; i++) {
        const double a = checked[i], edge = 10 * a;
        tap_var      x = grid(t, POINTS, -edge, edge), density = tap_exp(tap_log_prob(normal(t, 0, a / sqrt(2)), x));
        if (i == 0) equation("3.1  integral of delta_a dx = 1, a = 1", integral(density, edge), 1, 0);
        snprintf(name, sizeof name, "     integral delta_a cos = e^(-a^2/4), a = %g", a);
        equation(name, integral(tap_mul(density, tap_cos(x)), edge), exp(-a * a / 4), 0);
    }
    plot_begin(PLOT_PNG, 1, 1);
    plot_panel((plot_axes){ .title = "delta_a(x), a to 0", .x = "x", .x0 = -2, .x1 = 2, .y1 = 6 });
    for (int i = 0; i < 4; i++) {
        tap_var x = grid(t, PLOTTED, -2, 2), density = tap_exp(tap_log_prob(normal(t, 0, drawn[i] / sqrt(2)), x));
        snprintf(name, sizeof name, "a = %g", drawn[i]);
        plot_curve(PLOT_SOLID, tap_numel(tap_shape_of(density)), tap_value(x).data, tap_value(density).data, i, name);
    }
    return plot_write(o->out, "delta.png");
}

bool check_kl(const options *o)
{
    tap_tape      *t = o->tape;
    const tap_dist q = normal(t, -1, 1), p = normal(t, 1, 1.5);
    const double   kl = tap_item(tap_kl(q, p));
    tap_var        at = grid(t, POINTS, -30, 30), log_q = tap_log_prob(q, at);
    tap_var        integrand = tap_mul(tap_exp(log_q), tap_sub(log_q, tap_log_prob(p, at)));
    equation("fig4 integral of q log(q/p) = KL(q||p)", integral(integrand, 30), kl, 0);

    tap_var x = grid(t, PLOTTED, -5, 6), y_q = tap_exp(tap_log_prob(q, x)), y_p = tap_exp(tap_log_prob(p, x));
    tap_var area = tap_mul(y_q, tap_log(tap_div(y_q, y_p)));
    int64_t n = tap_numel(tap_shape_of(area)); /* PLOTTED, unless the tape has failed */
    char    name[48];
    snprintf(name, sizeof name, "area = KL(q|p) = %.4f", kl);
    plot_begin(PLOT_PNG, 2, 1);
    plot_panel((plot_axes){ .title = "two Gaussians", .x = "x", .x0 = -5, .x1 = 6, .y1 = 0.5 });
    plot_curve(PLOT_SOLID, n, tap_value(x).data, tap_value(y_q).data, 0, "q(x)");
    plot_curve(PLOT_DASHED, n, tap_value(x).data, tap_value(y_p).data, 1, "p(x)");
    plot_panel((plot_axes){ .title = name, .x = "x", .x0 = -5, .x1 = 6, .y0 = -0.2, .y1 = 1 });
    plot_curve(PLOT_AREA, n, tap_value(x).data, tap_value(area).data, 0, NULL);
    plot_curve(PLOT_SOLID, n, tap_value(x).data, tap_value(area).data, 0, "q log(q/p)");
    return plot_write(o->out, "kl.png");
}

/* E[ELBO] for x ~ N(1, 4), by quadrature. */
static tap_var mean_elbo(const tap_scalar_vae *v, tap_tape *t)
{
    tap_var e = grid(t, POINTS, -10, 10), x = tap_add_scalar(tap_mul_scalar(e, 2), 1);
    tap_var weight = tap_exp(tap_mul_scalar(tap_square(e), -0.5));
    return tap_mul_scalar(tap_sum(tap_mul(weight, tap_scalar_vae_elbo(v, x)), TAP_ALL),
                          20.0 / (POINTS - 1) / sqrt(2 * acos(-1)));
}

bool check_scalar_vae(const options *o)
{
    tap_scalar_vae v;
    tap_scalar_vae_init(&v, o->root);
    tap_optim *adam = tap_adam_new(o->root, (tap_adam_options){ .lr = 0.02 });
    for (int i = 0; i < 2500; i++) {
        tap_tape_reset(o->tape);
        tap_backward(tap_neg(mean_elbo(&v, o->tape)));
        if (i == 1500) tap_optim_set_lr(adam, 0.002);
        tap_optim_step(adam, o->tape);
    }
    tap_tape_reset(o->tape);
    double a = tap_tensor_item(tap_param_value(v.a), 0), c = tap_tensor_item(tap_param_value(v.c), 0);
    double s = exp(tap_tensor_item(tap_param_value(v.log_s), 0));
    equation("(4)  max E[ELBO] = -log(2 pi e sigma^2)/2", tap_item(mean_elbo(&v, o->tape)),
             -0.5 * log(2 * acos(-1) * exp(1) * 4), 1e-7);
    equation("3.2  there c^2 + s^2 = sigma^2", c * c + s * s, 4, 1e-4);
    equation("     and a = c / sigma^2", a, c / 4, 1e-4);
    print_note("the maximum is a family, one for each c: here c = %.4f; error: of the optimizer", c);
    return true;
}

bool check_gaussians(const options *o)
{
    static const double cov0[9] = { 1.2, 0.3, -0.2, 0.3, 0.8, 0.1, -0.2, 0.1, 0.5 };
    static const double cov1[9] = { 0.9, -0.1, 0.2, -0.1, 1.5, 0.4, 0.2, 0.4, 1.1 };
    static const double mean0[3] = { 0.5, -0.3, 1 }, mean1[3] = { 0, 0.4, 0.2 };
    tap_tape           *t = o->tape;
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
