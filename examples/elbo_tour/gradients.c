/* examples/elbo_tour/gradients.c: checks section 5: the mean and the variance of every gradient estimator, for one datum x
 * under the model of section 3.2, where the gradient of the ELBO is known. Each parameter is repeated n times, so that each
 * of n estimates has its own gradient. */
#include "elbo_tour.h"

#include <math.h>

/* The datum x and the parameters of q(z|x) = N(m, t^2) and p(x|z) = N(c z + v, s^2). */
static const double x = 2, m = 1.3, t = 0.6, c = 0.7, v = 0.1, s = 0.9;

typedef struct {
    const char   *name;
    tap_estimator estimator;
    bool          by_draws; /* the KL is estimated from draws instead of computed in closed form */
} estimator_case;

static const estimator_case cases[] = {
    { "score function", TAP_SCORE, true },
    { "  with a baseline", TAP_SCORE_BASELINE, true },
    { "  less the other draws", TAP_SCORE_LEAVE_ONE_OUT, true },
    { "reparameterized (11)", TAP_REPARAMETERIZED, true },
    { "  and KL in closed form", TAP_REPARAMETERIZED, false },
    { "sticking the landing", TAP_STICKING_THE_LANDING, true },
};
enum { CASES = sizeof cases / sizeof *cases };

typedef struct {
    tap_var m, log_t, c;
} gradient;

static tap_var repeat(tap_tape *tape, tap_arena *a, int64_t n, double value)
{
    tap_tensor x_n = tap_tensor_zeros(a, TAP_F64, TAP_SHAPE(n));
    tap_tensor_fill(x_n, value);
    return tap_variable(tape, x_n);
}

/* Computes n estimates of the gradient, each from L draws. */
static gradient estimate_gradient(tap_tape *tape, tap_arena *a, tap_bound bound, estimator_case w, int64_t L, int64_t n)
{
    tap_var         leaf[3] = { repeat(tape, a, n, m), repeat(tape, a, n, log(t)), repeat(tape, a, n, c) };
    tap_dist        q = tap_normal(leaf[0], leaf[1]), prior = tap_standard_normal_like(q);
    tap_var         z = tap_estimator_sample(w.estimator, tap_sample_n(q, L));
    tap_dist        p = tap_normal(tap_add_scalar(tap_mul(leaf[2], z), v), tap_scalar(tape, log(s)));
    tap_bound_terms d = { .log_px_z = tap_log_prob(p, tap_scalar(tape, x)), .log_pz = tap_log_prob(prior, z), .z = z };
    d.log_q = tap_log_prob(tap_estimator_posterior(w.estimator, q), z);
    if (!w.by_draws) d.kl = tap_unsqueeze(tap_kl(q, prior), -1);
    tap_var value = tap_variational_bound(d, (tap_bound_options){ .bound = bound, .estimator = w.estimator }), g[3];
    tap_grad(tap_sum(value, TAP_ALL), 3, leaf, g);
    return (gradient){ g[0], g[1], g[2] };
}

/* Equation (9) as printed: the mean over draws of the gradient of -log q(z|x), with z held constant. */
static gradient gradient_as_printed(tap_tape *tape, tap_arena *a, int64_t L, int64_t n)
{
    tap_var  leaf[2] = { repeat(tape, a, n, m), repeat(tape, a, n, log(t)) }, g[2];
    tap_dist q = tap_normal(leaf[0], leaf[1]);
    tap_var  log_q = tap_log_prob(q, tap_detach(tap_sample_n(q, L)));
    tap_grad(tap_neg(tap_sum(tap_mean(log_q, TAP_AXES(0)), TAP_ALL)), 2, leaf, g);
    return (gradient){ .m = g[0], .log_t = g[1] };
}

static void check_estimators(const options *o, tap_tape *tape, tap_arena *a, estimate found[CASES + 1][2])
{
    const double error = x - c * m - v; /* by_*: the derivatives of the ELBO by m, log t and c */
    const double by_m = c * error / (s * s) - m, by_t = 1 - t * t - c * c * t * t / (s * s),
                 by_c = (m * error - c * t * t) / (s * s);
    char name[64];
    for (int i = 0; i <= CASES; i++) {
        tap_tape_reset(tape);
        gradient g = i < CASES ? estimate_gradient(tape, a, TAP_ELBO, cases[i], 8, o->draws / 8)
                               : gradient_as_printed(tape, a, 8, o->draws / 8);
        found[i][0] = estimate_of(g.m);
        found[i][1] = estimate_of(g.log_t);
        if (i == 0) {
            estimate theta = estimate_of(g.c);
            equation("(7)  d/d theta: mean of grad log p(x,z)", theta.mean, by_c, theta.error);
            print_note("right, from here on: the exact gradient of the ELBO by mean and by log scale of q(z|x)");
        }
        if (i == CASES) print_note("(9) as printed averages to 0, whatever the gradient is (%.4f and %.4f)", by_m, by_t);
        snprintf(name, sizeof name, "(8)  %s", i < CASES ? cases[i].name : "");
        equation(i < CASES ? name : "(9)  mean of grad(-log q), by the mean: 0", found[i][0].mean, i < CASES ? by_m : 0,
                 found[i][0].error);
        equation(i < CASES ? "" : "     by the log scale: 0", found[i][1].mean, i < CASES ? by_t : 0, found[i][1].error);
    }
}

static void check_weighted(const options *o, tap_tape *tape, tap_arena *a, estimate found[2])
{
    const estimator_case one = { "", TAP_REPARAMETERIZED, true }, two = { "", TAP_DOUBLY_REPARAMETERIZED, true };
    tap_tape_reset(tape);
    found[0] = estimate_of(estimate_gradient(tape, a, TAP_IWAE, one, 8, o->draws / 8).m);
    found[1] = estimate_of(estimate_gradient(tape, a, TAP_IWAE, two, 8, o->draws / 8).m);
    equation("IWAE, K = 8: doubly and once reparameterized", found[1].mean, found[0].mean,
             hypot(found[0].error, found[1].error));
}

static void print_variances(estimate found[CASES + 1][2], estimate weighted[2])
{
    printf("\n%-28s %12s %12s   (8 draws each)\n", "variance of an estimate", "by the mean", "by log scale");
    for (int i = 0; i <= CASES; i++)
        printf("%-28s %12.5f %12.5f\n", i < CASES ? cases[i].name : "(9) as printed", found[i][0].variance,
               found[i][1].variance);
    printf("%-28s %12.5f\n%-28s %12.5f\n", "IWAE, reparameterized", weighted[0].variance, "IWAE, doubly so",
           weighted[1].variance);
}

/* Plots the variance of each estimator, summed over the mean and the log scale, against the number of draws. */
static bool draw_variances(const options *o, tap_tape *tape, tap_arena *a)
{
    plot *p = plot_new(PLOT_PNG, 1, 1);
    plot_panel(p, (plot_axes){ .title = "variance of a gradient estimate",
                               .x = "draws L",
                               .x1 = 6,
                               .y0 = -3,
                               .y1 = 2,
                               .x_base = 2,
                               .y_base = 10 });
    for (int w = 0; w < CASES; w++) {
        double at[7], variance[7];
        int    n = 0;
        for (int i = cases[w].estimator == TAP_SCORE_LEAVE_ONE_OUT; i < 7; i++, n++) {
            tap_tape_reset(tape);
            gradient g = estimate_gradient(tape, a, TAP_ELBO, cases[w], 1 << i, o->draws >> i > 2000 ? 2000 : o->draws >> i);
            at[n] = i;
            variance[n] = log10(estimate_of(g.m).variance + estimate_of(g.log_t).variance);
        }
        plot_curve(p, n, at, variance, w, cases[w].name);
    }
    return plot_write(p, o->out, "variance.png");
}

/* Checks equations (10) and (11) and sections 5.3 to 5.5 for a three-dimensional z. */
static void check_reparameterization(const options *o, tap_tape *tape)
{
    static double mean[3] = { 0.5, -1, 2 }, log_sigma[3] = { -0.3, 0.4, 0.1 };
    tap_var       mu = tap_input(tape, tap_tensor_wrap(TAP_F64, TAP_SHAPE(3), mean));
    tap_var       log_s = tap_variable(tape, tap_tensor_wrap(TAP_F64, TAP_SHAPE(3), log_sigma));
    tap_dist      q = tap_normal(mu, log_s);
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
    tap_tape  *tape = tap_tape_new(TAP_F64, o->seed);
    tap_arena *a = tap_arena_new();
    estimate   found[CASES + 1][2], weighted[2];
    section("5. Gradients: left estimated, right exact");
    check_estimators(o, tape, a, found);
    check_weighted(o, tape, a, weighted);
    tap_tape_reset(tape);
    check_reparameterization(o, tape);
    print_variances(found, weighted);
    bool drawn = draw_variances(o, tape, a), ok = tape_end(tape);
    tap_arena_free(a);
    return drawn && ok;
}
