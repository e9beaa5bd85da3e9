/* models/anomaly.c: scores of how likely a VAE finds an image. Formulas are in models.h. */
#include <math.h>

#include "models/internal.h"

static void check_samples(tap_var x, int64_t samples)
{
    if (samples < 1) tap_fail(x, TAP_EARG, "samples must be at least 1, not %lld", (long long)samples);
}

/* log p(x|z) for z [L,batch,latent]: [L,batch] */
static tap_var log_px_z(const tap_vae *v, tap_var x, tap_var z)
{
    return tap_sum(tap_log_prob(tap_vae_decode(v, z), x), TAP_LAST);
}

tap_var tap_vae_reconstruction_log_prob(const tap_vae *v, tap_var x, int64_t samples)
{
    TAP_CALL("vae_reconstruction_log_prob", x);
    check_samples(x, samples);
    tap_var z = tap_sample_n(tap_vae_encode(v, x), samples);
    return tap_mean(log_px_z(v, x, z), TAP_AXES(0));
}

/* The log densities of draws z [L,batch,latent] from q. */
static tap_bound_terms log_densities(const tap_vae *v, tap_var x, tap_dist q, tap_var z, tap_estimator e)
{
    return (tap_bound_terms){ .log_px_z = log_px_z(v, x, z),
                              .log_pz = tap_sum(tap_log_prob(tap_standard_normal_like(q), z), TAP_LAST),
                              .log_q = tap_sum(tap_log_prob(tap_estimator_posterior(e, q), z), TAP_LAST),
                              .z = z };
}

tap_var tap_vae_log_likelihood(const tap_vae *v, tap_var x, int64_t samples)
{
    TAP_CALL("vae_log_likelihood", x);
    check_samples(x, samples);
    tap_dist q = tap_vae_encode(v, x);
    return tap_variational_bound(log_densities(v, x, q, tap_sample_n(q, samples), TAP_REPARAMETERIZED),
                                 (tap_bound_options){ .bound = TAP_IWAE });
}

/* KL(Bernoulli(p) || Bernoulli(q)) = H(p, q) - H(p), of probabilities and not of logits, by element. */
static tap_var bernoulli_kl(tap_var p, tap_var q)
{
    const tap_var no_weight = { 0 };
    return tap_sub(tap_binary_cross_entropy(q, p, no_weight, TAP_REDUCE_NONE),
                   tap_binary_cross_entropy(p, p, no_weight, TAP_REDUCE_NONE));
}

tap_var tap_vae_deviance(const tap_vae *v, tap_var x, tap_map_fn filter)
{
    TAP_CALL("vae_deviance", x);
    if (!filter) filter = tap_identity;
    if (v && v->options.likelihood == TAP_VAE_BETA_BINOMIAL && x.tape)
        tap_fail(x, TAP_EARG, "the likelihood must be Bernoulli or Gaussian, not beta-binomial");
    tap_dist p = tap_vae_decode(v, tap_dist_mean(tap_vae_encode(v, x)));
    tap_var  filtered = filter(x), expected = filter(tap_dist_mean(p)), kl;
    if (v && v->options.likelihood == TAP_VAE_GAUSSIAN)
        kl = tap_kl(tap_normal(filtered, p.param[1]), tap_normal(expected, p.param[1]));
    else kl = bernoulli_kl(filtered, expected);
    return tap_sum(kl, TAP_LAST);
}

/* ---- q(z) optimized for each image ------------------------------------------------------------------------------- */

/* The variational parameters of a batch, as a module of their own, with the optimizer and the tape of their ELBO. */
typedef struct {
    tap_module *root;
    tap_param  *param[2]; /* loc and log_scale [batch,latent] */
    tap_optim  *adam;
    tap_tape   *tape;
} fit;

static void fit_begin(fit *f, tap_dist q, tap_dtype dtype, uint64_t seed)
{
    static const char *const names[] = { "loc", "log_scale" };
    f->root = tap_module_new(dtype, 0);
    f->tape = tap_tape_new(dtype, seed);
    for (int i = 0; i < 2; i++) {
        f->param[i] = tap_param_new(f->root, names[i], tap_shape_of(q.param[i]), tap_init_zeros());
        tap_tensor_copy(tap_param_value(f->param[i]), tap_value(q.param[i]), NULL);
    }
    f->adam = tap_adam_new(f->root, (tap_adam_options){ 0 });
}

/* One step of Adam along the gradient g of -ELBO by q's parameters, by sticking the landing, whose variance vanishes where q is
 * the posterior. Backward runs through the surrogate <stop_gradient(g), q>: gradients reach q's parameters but not the
 * model's. */
static void fit_step(const fit *f, const tap_vae *v, tap_tensor x, double lr)
{
    tap_tape_reset(f->tape);
    tap_var         q[2] = { tap_param_var(f->tape, f->param[0]), tap_param_var(f->tape, f->param[1]) }, g[2];
    tap_dist        normal = tap_normal(q[0], q[1]);
    tap_estimator   e = TAP_STICKING_THE_LANDING;
    tap_bound_terms b = log_densities(v, tap_input(f->tape, x), normal, tap_sample_n(normal, 1), e);
    tap_var         loss = tap_neg(tap_sum(tap_variational_bound(b, (tap_bound_options){ .estimator = e }), TAP_ALL));
    tap_tape_set_recording(f->tape, false);
    tap_grad(loss, 2, q, g);
    tap_tape_set_recording(f->tape, true);
    tap_backward(tap_add(tap_sum(tap_mul(g[0], q[0]), TAP_ALL), tap_sum(tap_mul(g[1], q[1]), TAP_ALL)));
    tap_optim_set_lr(f->adam, lr);
    tap_optim_step(f->adam, f->tape);
}

/* The fitted q as constants on x's tape, which also gets the error if there was one. Frees f. */
static tap_dist fit_end(const fit *f, tap_var x)
{
    const char *message;
    tap_var     q[2];
    tap_status  status = tap_tape_status(f->tape, &message);
    if (!status) status = tap_module_status(f->root, &message);
    if (status) tap_fail(x, status, "%s", message);
    for (int i = 0; i < 2; i++) {
        tap_tensor value = tap_param_value(f->param[i]);
        q[i] = tap_zeros(x.tape, value.shape);
        tap_tensor_copy(tap_value(q[i]), value, NULL);
    }
    tap_tape_free(f->tape);
    tap_module_free(f->root);
    return tap_normal(q[0], q[1]);
}

tap_dist tap_vae_fit(const tap_vae *v, tap_var x, tap_fit_options o)
{
    fit f;
    TAP_CALL("vae_fit", x);
    if (o.steps == 0) o.steps = 100;
    if (o.lr == 0) o.lr = 0.1;
    if (x.tape && o.steps < 0) tap_fail(x, TAP_EARG, "steps must be at least 0, not %lld", (long long)o.steps);
    if (x.tape && !(o.lr > 0 && isfinite(o.lr))) tap_fail(x, TAP_EARG, "lr must be a finite number above 0, not %g", o.lr);
    tap_dist q = tap_vae_encode(v, x);
    if (!x.tape || tap_tape_status(x.tape, NULL)) return q;
    fit_begin(&f, q, tap_tape_dtype(x.tape), o.seed);
    for (int64_t i = 0; i < o.steps && !tap_tape_status(f.tape, NULL); i++)
        fit_step(&f, v, tap_value(x), o.lr * fmin(1, 2 * (1 - (double)i / (double)o.steps)));
    return fit_end(&f, x);
}

/* The ELBO under q, by the draws mu + sigma eps. */
static tap_var elbo(const tap_vae *v, tap_var x, tap_dist q, tap_var eps)
{
    tap_var log_p = log_px_z(v, x, tap_sample_from(q, eps));
    return tap__elbo(log_p, tap_kl(q, tap_standard_normal_like(q))).elbo;
}

tap_var tap_vae_regret(const tap_vae *v, tap_var x, int64_t samples, tap_fit_options o)
{
    TAP_CALL("vae_regret", x);
    check_samples(x, samples); /* before the fit, which takes long */
    tap_dist  q = tap_vae_encode(v, x), best = tap_vae_fit(v, x, o);
    tap_shape s = tap_shape_of(tap_unsqueeze(q.param[0], 0));
    s.n[0] = samples;
    tap_var eps = tap_randn(x.tape, s);
    return tap_sub(elbo(v, x, best, eps), elbo(v, x, q, eps));
}
