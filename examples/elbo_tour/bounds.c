/* examples/elbo_tour/bounds.c: checks section 4 on a VAE with two latent dimensions, small enough for quadrature: log p(x), its
 * bound and the gap between them are computed separately. Also checks a linear VAE, where all three are known exactly. */
#include "elbo_tour.h"

#include <math.h>

enum { PIXELS = 8, GRID = 401, EDGE = 8 }; /* the quadrature grid has GRID^2 points and covers the prior to EDGE */

static const double patterns[4 * PIXELS] = { 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1,
                                             1, 0, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0 };

/* 64 images [64,PIXELS]: 16 noisy copies of each of 4 patterns, with every pixel flipped with probability 0.1. */
static tap_var images(tap_tape *t)
{
    tap_var p = tap_add_scalar(tap_mul_scalar(vector(t, 4 * PIXELS, patterns), 0.8), 0.1);
    return tap_reshape(tap_cast(tap_lt(tap_rand(t, TAP_SHAPE(16, 4 * PIXELS)), p), TAP_F64), TAP_SHAPE(64, PIXELS));
}

static double integral(tap_var f)
{
    const double spacing = 2.0 * EDGE / (GRID - 1);
    return tap_item(tap_sum(f, TAP_ALL)) * spacing * spacing;
}

/* log p(x) of vectors x. */
static tap_var log_prob(tap_dist d, tap_var x)
{
    return tap_sum(tap_log_prob(d, x), TAP_LAST);
}

static void check_plane(const options *o, const tap_vae *v, tap_tape *t)
{
    static const double pixels[PIXELS] = { 1, 1, 1, 0, 0, 0, 0, 0 };
    tap_var             x = tap_unsqueeze(vector(t, PIXELS, pixels), 0), line = grid(t, GRID, -EDGE, EDGE);
    tap_dist            q = tap_vae_encode(v, x), prior = tap_standard_normal_like(q);
    const double        kl_prior = tap_item(tap_sum(tap_kl(q, prior), TAP_ALL));

    tap_var lines[2] = { tap_expand(tap_unsqueeze(line, 1), TAP_SHAPE(GRID, GRID)), tap_expand(line, TAP_SHAPE(GRID, GRID)) };
    tap_var z = tap_reshape(tap_stack(2, lines, -1), TAP_SHAPE(GRID * GRID, 2));
    tap_var log_px_z = log_prob(tap_vae_decode(v, z), x), log_q = log_prob(q, z), density = tap_exp(log_q);
    tap_var joint = tap_add(log_px_z, log_prob(prior, z));
    double  log_p = log(integral(tap_exp(joint)));
    double  elbo = integral(tap_mul(density, tap_sub(joint, log_q))), rec = integral(tap_mul(density, log_px_z));
    double  gap = integral(tap_mul(density, tap_sub(log_q, tap_add_scalar(joint, -log_p)))); /* KL(q || posterior) */

    tap_var  drawn = tap_sample_n(q, o->draws), log_pd = log_prob(tap_vae_decode(v, drawn), x);
    tap_var  log_w = tap_add(log_pd, tap_sub(log_prob(prior, drawn), log_prob(q, drawn)));
    estimate draws = estimate_of(log_w), rec_draws = estimate_of(log_pd), w = estimate_of(tap_exp(log_w));
    section("4. The evidence lower bound, two latent dimensions: left by draws, right by quadrature");
    equation("(1)  E_q[log p(x,z) - log q(z|x)]", draws.mean, elbo, draws.error);
    equation("(3)  th. 1.2: ELBO = E_q[log p(x|z)] - KL", rec_draws.mean - kl_prior, elbo, rec_draws.error);
    equation("     the same, both by quadrature", rec - kl_prior, elbo, 0);
    equation("(2)  th. 1.1: ELBO + KL(q||posterior) = log p", draws.mean + gap, log_p, draws.error);
    equation("     the gap log p - ELBO = KL(q||posterior)", log_p - draws.mean, gap, draws.error);
    equation("     IWAE, all draws as one: log mean w = log p", log(w.mean), log_p, w.error / w.mean);
    print_note("log p(x) = %.6f, ELBO = %.6f, the gap %.6f nats", log_p, elbo, log_p - elbo);
}

bool check_bounds(const options *o)
{
    tap_vae         v;
    tap_vae_options small = { .data = PIXELS, .hidden = { 16 }, .activation = tap_tanh, .latent = 2 };
    small.bound = TAP_IWAE, small.samples = 8; /* keeps q wide enough for importance weights */
    tap_vae_init(&v, o->root, small);
    tap_optim *adam = tap_adam_new(o->root, (tap_adam_options){ .lr = 0.01 });
    for (int i = 0; i < 400; i++) {
        tap_tape_reset(o->tape);
        tap_backward(tap_vae_loss(&v, images(o->tape)));
        tap_optim_step(adam, o->tape);
    }
    tap_tape_reset(o->tape);
    tap_tape_set_recording(o->tape, false);
    check_plane(o, &v, o->tape);
    return true;
}

/* Checks the linear VAE, whose posterior is N(M^-1 W^T (x - mu), sigma^2 M^-1), M = W^T W + sigma^2 I. */
bool check_linear_vae(const options *o)
{
    tap_linear_vae v;
    const double   sigma = 0.7;
    tap_linear_vae_init(&v, o->root, 5, 2, sigma);
    tap_var  x = tap_randn(o->tape, TAP_SHAPE(1, 5)), W = tap_param_var(o->tape, v.W);
    tap_var  M = tap_add(tap_matmul(tap_mT(W), W), tap_mul_scalar(tap_eye(o->tape, 2), sigma * sigma));
    tap_var  mean = tap_squeeze(tap_solve(M, tap_matmul(tap_mT(W), tap_mT(x))), TAP_LAST); /* mu is still 0 */
    tap_dist posterior = tap_multivariate_normal(mean, tap_cholesky(tap_mul_scalar(tap_inv(M), sigma * sigma), TAP_LOWER));
    double   elbo = tap_item(tap_linear_vae_elbo(&v, x)), log_p = tap_item(tap_linear_vae_log_prob(&v, x));
    double   gap = tap_item(tap_kl(tap_linear_vae_encode(&v, x), posterior));
    equation("th. 1.1, linear VAE: ELBO + KL = log p", elbo + gap, log_p, 0);
    return true;
}
