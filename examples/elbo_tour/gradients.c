/* examples/elbo_tour/gradients.c: checks section 5: the mean and the variance of every gradient estimator, for one datum x
 * under the model of section 3.2, where the gradient of the ELBO is known. Each parameter is repeated n times, so that each
 * of n estimates has its own gradient. */
#include "elbo_tour.h"

#include <math.h>
#include <stdio.h>

/* The datum x and the parameters of q(z|x) = N(m, t^2) and p(x|z) = N(c z + v, s^2). */
static const double x = 2, m = 1.3, t = 0.6, c = 0.7, v = 0.1, s = 0.9;

enum { COMPARED = 6, AS_PRINTED = 6, IWAE, DOUBLY, CASES }; /* indices below: the first COMPARED are unbiased for the ELBO */

static const struct {
    const char   *name;
    tap_estimator estimator;
    bool          closed_kl; /* the KL is computed in closed form instead of estimated from draws */
    tap_bound     bound;
} cases[CASES] = {
    { "score function", TAP_SCORE, false, TAP_ELBO },
    { "  with a baseline", TAP_SCORE_BASELINE, false, TAP_ELBO },
    { "  less the other draws", TAP_SCORE_LEAVE_ONE_OUT, false, TAP_ELBO },
    { "reparameterized (11)", TAP_REPARAMETERIZED, false, TAP_ELBO },
    { "  and KL in closed form", TAP_REPARAMETERIZED, true, TAP_ELBO },
    { "sticking the landing", TAP_STICKING_THE_LANDING, false, TAP_ELBO },
    { "(9) as printed", TAP_SCORE, false, TAP_ELBO },
    { "IWAE, reparameterized", TAP_REPARAMETERIZED, false, TAP_IWAE },
    { "IWAE, doubly so", TAP_DOUBLY_REPARAMETERIZED, false, TAP_IWAE },
};

/* Computes n estimates of the gradient by m, log t and c, each from L draws. */
static void estimate_gradient(estimate by[3], tap_tape *tape, int w, int64_t L, int64_t n)
{
    const tap_estimator how = cases[w].estimator;
    const double        at[3] = { m, log(t), c };
    tap_var             leaf[3], g[3];
    for (int i = 0; i < 3; i++) leaf[i] = tap_variable(tape, tap_value(tap_full(tape, TAP_SHAPE(n), at[i])));
    tap_dist        q = tap_normal(leaf[0], leaf[1]), prior = tap_standard_normal_like(q);
    tap_var         z = tap_estimator_sample(how, tap_sample_n(q, L));
    tap_dist        p = tap_normal(tap_add_scalar(tap_mul(leaf[2], z), v), tap_scalar(tape, log(s)));
    tap_bound_terms d = { .log_px_z = tap_log_prob(p, tap_scalar(tape, x)), .log_pz = tap_log_prob(prior, z), .z = z };
    d.log_q = tap_log_prob(tap_estimator_posterior(how, q), z);
    if (cases[w].closed_kl) d.kl = tap_unsqueeze(tap_kl(q, prior), -1);
    tap_var bound = tap_variational_bound(d, (tap_bound_options){ .bound = cases[w].bound, .estimator = how });
    if (w == AS_PRINTED) bound = tap_neg(tap_mean(d.log_q, TAP_AXES(0))); /* z is constant, as of every score function */
    tap_grad(tap_sum(bound, TAP_ALL), 3, leaf, g);
    for (int i = 0; i < 3; i++) by[i] = estimate_of(g[i]);
}

static void check_estimators(const options *o, estimate found[CASES][3])
{
    const double error = x - c * m - v, by_c = (m * error - c * t * t) / (s * s); /* by_*: derivatives of the ELBO */
    const double by_m = c * error / (s * s) - m, by_t = 1 - t * t - c * c * t * t / (s * s);
    char         name[64];
    for (int i = 0; i < CASES; i++) {
        if (i != DOUBLY) tap_tape_reset(o->tape);
        estimate_gradient(found[i], o->tape, i, 8, o->draws / 8);
    }
    equation("(7)  d/d theta: mean of grad log p(x,z)", found[0][2].mean, by_c, found[0][2].error);
    print_note("right, from here on: the exact gradient of the ELBO by mean and by log scale of q(z|x)");
    for (int i = 0; i < COMPARED; i++) {
        snprintf(name, sizeof name, "(8)  %s", cases[i].name);
        equation(name, found[i][0].mean, by_m, found[i][0].error);
        equation("", found[i][1].mean, by_t, found[i][1].error);
    }
    const estimate *printed = found[AS_PRINTED], once = found[IWAE][0], doubly = found[DOUBLY][0];
    print_note("(9) as printed averages to 0, whatever the gradient is (%.4f and %.4f)", by_m, by_t);
    equation("(9)  mean of grad(-log q), by the mean: 0", printed[0].mean, 0, printed[0].error);
    equation("     by the log scale: 0", printed[1].mean, 0, printed[1].error);
    equation("IWAE, K = 8: doubly and once reparameterized", doubly.mean, once.mean, hypot(once.error, doubly.error));
}

/* Prints the variance of each estimator, and plots it, summed over the mean and the log scale, against the number of draws. */
static bool show_variances(const options *o, estimate found[CASES][3])
{
    printf("\n%-28s %12s %12s   (8 draws each)\n", "variance of an estimate", "by the mean", "by log scale");
    for (int i = 0; i < CASES; i++) {
        printf("%-28s %12.5f", cases[i].name, found[i][0].variance);
        if (cases[i].bound == TAP_ELBO) printf(" %12.5f", found[i][1].variance);
        printf("\n");
    }

    plot_axes axes = { .title = "variance of a gradient estimate", .x = "draws L", .x1 = 6, .y0 = -3, .y1 = 2 };
    axes.x_base = 2, axes.y_base = 10;
    plot_begin(PLOT_PNG, 1, 1);
    plot_panel(axes);
    for (int w = 0; w < COMPARED; w++) {
        double   at[7], variance[7];
        estimate by[3];
        int      n = 0;
        for (int i = cases[w].estimator == TAP_SCORE_LEAVE_ONE_OUT; i < 7; i++, n++) {
            tap_tape_reset(o->tape);
            estimate_gradient(by, o->tape, w, 1 << i, o->draws >> i > 2000 ? 2000 : o->draws >> i);
            at[n] = i;
            variance[n] = log10(by[0].variance + by[1].variance);
        }
        plot_curve(PLOT_SOLID, n, at, variance, w, cases[w].name);
    }
    return plot_write(o->out, "variance.png");
}

/* Checks equations (10) and (11) and sections 5.3 to 5.5 for a three-dimensional z. */
static void check_reparameterization(const options *o, tap_tape *tape)
{
    static double mean[3] = { 0.5, -1, 2 }, log_sigma[3] = { -0.3, 0.4, 0.1 };
    tap_var       log_s = tap_variable(tape, tap_tensor_wrap(TAP_F64, TAP_SHAPE(3), log_sigma));
    tap_dist      q = tap_normal(vector(tape, 3, mean), log_s);
    tap_var       z = tap_select(tap_sample_n(q, o->draws), 1, 2);
    estimate      first = estimate_of(z), second = estimate_of(tap_square(tap_add_scalar(z, -mean[2])));
    estimate      f = estimate_of(tap_cos(z));
    equation("(11) z = eps sigma + mu: E[z] = mu", first.mean, mean[2], first.error);
    equation("     E[(z - mu)^2] = sigma^2", second.mean, exp(2 * log_sigma[2]), second.error);
    equation("5.5  E[cos z] = e^(-sigma^2/2) cos mu", f.mean, exp(-exp(2 * log_sigma[2]) / 2) * cos(mean[2]), f.error);

    double  noise[3] = { 0.2, -0.7, 1.1 };
    tap_var eps = tap_variable(tape, tap_tensor_wrap(TAP_F64, TAP_SHAPE(3), noise)), point = tap_sample_from(q, eps), row[3], g;
    for (int i = 0; i < 3; i++) tap_grad(tap_select(point, 0, i), 1, &eps, &row[i]);
    tap_var log_det = tap_logdet(tap_stack(3, row, 0)), entropy = tap_sum(tap_entropy(q), TAP_ALL);
    equation("5.3  log det dz/deps = sum log sigma", tap_item(log_det), log_sigma[0] + log_sigma[1] + log_sigma[2], 0);
    equation("5.4  E[-log q] = log det + d/2 log(2 pi e)", tap_item(entropy),
             tap_item(log_det) + 1.5 * log(2 * acos(-1) * exp(1)), 0);
    tap_grad(tap_neg(tap_sum(tap_log_prob(q, point), TAP_ALL)), 1, &log_s, &g);
    equation("     its gradient by log sigma: 1", tap_item(tap_select(g, 0, 0)), 1, 0);
}

bool check_gradients(const options *o)
{
    estimate found[CASES][3];
    section("5. Gradients: left estimated, right exact");
    check_estimators(o, found);
    tap_tape_reset(o->tape);
    check_reparameterization(o, o->tape);
    return show_variances(o, found);
}
