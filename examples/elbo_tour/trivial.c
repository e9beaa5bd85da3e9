/* examples/elbo_tour/trivial.c: checks section 3, the trivial solution for a known p(x) and a minimal model that finds it. */
#include "elbo_tour.h"

#include <math.h>

#define PI 3.14159265358979323846

enum { POINTS = 4001 };

/* POINTS equidistant points from -edge to edge; *spacing gets their distance. */
static tap_var grid(tap_tape *t, double edge, double *spacing)
{
    *spacing = 2 * edge / (POINTS - 1);
    tap_var i = tap_cast(tap_arange(t, POINTS), TAP_F64);
    return tap_add_scalar(tap_mul_scalar(i, *spacing), -edge);
}

static double integral(tap_var f, double spacing)
{
    return tap_item(tap_sum(f, TAP_ALL)) * spacing;
}

/* Checks delta_a, the normal density of standard deviation a / sqrt 2. */
static void check_delta(tap_tape *t)
{
    static const double width[] = { 1, 0.1, 0.01 };
    char                name[64];
    for (int i = 0; i < 3; i++) {
        double   a = width[i], dx;
        tap_var  x = grid(t, 10 * a, &dx);
        tap_dist delta = tap_normal(tap_scalar(t, 0), tap_scalar(t, log(a / sqrt(2))));
        tap_var  density = tap_exp(tap_log_prob(delta, x));
        if (i == 0) equation("3.1  integral of delta_a dx = 1, a = 1", integral(density, dx), 1, 0);
        snprintf(name, sizeof name, "     integral delta_a cos = e^(-a^2/4), a = %g", a);
        equation(name, integral(tap_mul(density, tap_cos(x)), dx), exp(-a * a / 4), 0);
    }
}

/* E[ELBO] for x ~ N(1, 4), by quadrature. */
static tap_var mean_elbo(const tap_scalar_vae *v, tap_tape *t)
{
    double  dx;
    tap_var e = grid(t, 10, &dx), x = tap_add_scalar(tap_mul_scalar(e, 2), 1);
    tap_var weight = tap_exp(tap_mul_scalar(tap_square(e), -0.5));
    return tap_mul_scalar(tap_sum(tap_mul(weight, tap_scalar_vae_elbo(v, x)), TAP_ALL), dx / sqrt(2 * PI));
}

static bool check_scalar_vae(const options *o)
{
    tap_module    *root = tap_module_new(TAP_F64, o->seed);
    tap_tape      *t = tap_tape_new(TAP_F64, o->seed);
    tap_scalar_vae v;
    tap_scalar_vae_init(&v, root);
    tap_optim *adam = tap_adam_new(root, (tap_adam_options){ .lr = 0.02 });
    for (int i = 0; i < 2500; i++) {
        tap_tape_reset(t);
        tap_backward(tap_neg(mean_elbo(&v, t)));
        if (i == 1500) tap_optim_set_lr(adam, 0.002);
        tap_optim_step(adam, t);
    }
    tap_tape_reset(t);
    double best = tap_item(mean_elbo(&v, t)), c = tap_tensor_item(tap_param_value(v.c), 0);
    double s = exp(tap_tensor_item(tap_param_value(v.log_s), 0)), a = tap_tensor_item(tap_param_value(v.a), 0);
    equation("(4)  max E[ELBO] = -log(2 pi e sigma^2)/2", best, -0.5 * log(2 * PI * exp(1) * 4), 1e-7);
    equation("3.2  there c^2 + s^2 = sigma^2", c * c + s * s, 4, 1e-4);
    equation("     and a = c / sigma^2", a, c / 4, 1e-4);
    print_note("the maximum is a family, one for each c: here c = %.4f; error: of the optimizer", c);
    bool ok = tape_end(t);
    tap_module_free(root);
    return ok;
}

bool check_trivial(const options *o)
{
    tap_tape *t = tap_tape_new(TAP_F64, o->seed);
    section("3. A trivial solution, and a model that finds it");
    tap_var mu = tap_scalar(t, 1), sigma = tap_scalar(t, 2), x = tap_scalar(t, 3.7);
    tap_var z = tap_div(tap_sub(x, mu), sigma);
    equation("3    z = (x - mu) / sigma", tap_item(z), 1.35, 0);
    equation("     mu + sigma z = x", tap_item(tap_add(mu, tap_mul(sigma, z))), 3.7, 0);
    check_delta(t);

    double   dx;
    tap_dist q = tap_normal(tap_scalar(t, -1), tap_scalar(t, 0)), p = tap_normal(tap_scalar(t, 1), tap_scalar(t, log(1.5)));
    tap_var  at = grid(t, 30, &dx), log_q = tap_log_prob(q, at);
    tap_var  integrand = tap_mul(tap_exp(log_q), tap_sub(log_q, tap_log_prob(p, at)));
    equation("fig4 integral of q log(q/p) = KL(q||p)", integral(integrand, dx), tap_item(tap_kl(q, p)), 0);
    return tape_end(t) && check_scalar_vae(o);
}
