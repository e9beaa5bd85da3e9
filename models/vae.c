/* models/vae.c: the variational autoencoder (Kingma & Welling 2014), line by line. In the paper's symbols:
 *
 *   q_phi(z|x)    encode: N(mu, diag(sigma^2)); phi are the encoder's parameters
 *   p_theta(x|z)  decode; theta are the decoder's
 *   eps           the noise behind z = mu + sigma eps; L draws of it per image
 *   ELBO          E_q[log p(x|z)] - KL(q(z|x) || p(z)): equation 10, with the expectation by draws and the KL in closed form
 *
 * A conditional VAE is the same with c given to both networks; c is NULL below where the VAE has none. */
#include <math.h>

#include "models/internal.h"

enum { MAX_BYTE = 255 };

const void *tap__or_uninitialized(const void *model)
{
    static const union {
        tap_vae         vae;
        tap_count_vae   count_vae;
        tap_linear_vae  linear_vae;
        tap_scalar_vae  scalar_vae;
        tap_autoencoder autoencoder;
    } uninitialized;
    return model ? model : &uninitialized;
}

void tap_vae_init(tap_vae *v, tap_module *m, tap_vae_options o)
{
    if (!v) {
        tap_module_fail(m, TAP_EARG, "vae: NULL");
        return;
    }
    o = tap__vae_options_resolve(m, o);
    *v = (tap_vae){ .options = o };
    tap__vae_networks_init(v, m);
    if (o.likelihood != TAP_VAE_GAUSSIAN || o.sigma > 0 || o.sigma_kind == TAP_VAE_SIGMA_BY_DECODER) return;
    tap_shape shape = o.sigma_kind == TAP_VAE_SIGMA ? TAP_SCALAR : TAP_SHAPE(o.data);
    v->log_sigma = tap_param_new(m, "log_sigma", shape, tap_init_zeros());
}

/* ---- q(z|x) and p(x|z) ------------------------------------------------------------------------------------------- */

static tap_var clip(const tap_vae *v, tap_var log_sigma)
{
    const double c = v->options.clip;
    return c > 0 ? tap_smooth_clip(log_sigma, -c, c) : log_sigma;
}

/* q(z|x) = N(mu, diag(sigma^2)) */
static tap_dist encode(const tap_vae *v, tap_var x, const tap_var *c)
{
    v = tap__or_uninitialized(v);
    if (v->options.likelihood == TAP_VAE_BETA_BINOMIAL) x = tap_mul_scalar(x, 1. / MAX_BYTE);
    tap_var h = tap__vae_encoder(v, x, c);
    tap_var mu = tap_linear_forward(&v->loc, h);
    tap_var log_sigma = tap_mul_scalar(tap_linear_forward(&v->logvar, h), 0.5);
    return tap_normal(mu, clip(v, log_sigma));
}

/* log sigma_dec; h is the decoder's last hidden layer. */
static tap_var decoder_log_sigma(const tap_vae *v, tap_var h, tap_var z)
{
    if (v->options.sigma_kind == TAP_VAE_SIGMA_BY_DECODER)
        return clip(v, tap__vae_head(v, &v->out_log_sigma, h, tap_shape_of(z)));
    if (v->log_sigma) return clip(v, tap_param_var(h.tape, v->log_sigma));
    return tap_scalar(h.tape, log(v->options.sigma));
}

/* p(x|z) = Bernoulli(sigmoid(f)), BetaBinomial(255, e^f, e^g) or N(mean(f), sigma_dec^2), f and g being the decoder's
 * outputs */
static tap_dist decode(const tap_vae *v, tap_var z, const tap_var *c)
{
    v = tap__or_uninitialized(v);
    tap_var h = tap__vae_decoder(v, z, c), f = tap__vae_head(v, &v->out, h, tap_shape_of(z));
    if (v->options.likelihood == TAP_VAE_BERNOULLI || !z.tape) return tap_bernoulli(f);
    if (v->options.likelihood == TAP_VAE_BETA_BINOMIAL)
        return tap_beta_binomial(tap_scalar(z.tape, MAX_BYTE), clip(v, f),
                                 clip(v, tap__vae_head(v, &v->out_log_beta, h, tap_shape_of(z))));
    return tap_normal(v->options.mean(f), decoder_log_sigma(v, h, z));
}

tap_dist tap_vae_encode(const tap_vae *v, tap_var x)
{
    TAP_CALL("vae_encode", x);
    return encode(v, x, NULL);
}

tap_dist tap_vae_encode_given(const tap_vae *v, tap_var x, tap_var c)
{
    TAP_CALL("vae_encode_given", x, c);
    return encode(v, x, &c);
}

tap_dist tap_vae_decode(const tap_vae *v, tap_var z)
{
    TAP_CALL("vae_decode", z);
    return decode(v, z, NULL);
}

tap_dist tap_vae_decode_given(const tap_vae *v, tap_var z, tap_var c)
{
    TAP_CALL("vae_decode_given", z, c);
    return decode(v, z, &c);
}

/* ---- The ELBO ---------------------------------------------------------------------------------------------------- */

tap_vae_terms tap__elbo(tap_var log_px_z, tap_var kl)
{
    tap_var rec = tap_mean(log_px_z, TAP_AXES(0)), kl_sum = tap_sum(kl, TAP_LAST), elbo = tap_sub(rec, kl_sum);
    return (tap_vae_terms){ .elbo = elbo, .rec = rec, .kl = kl_sum, .bound = elbo };
}

/* The ELBO, and the bound with the gradient that the options ask for. z [L,batch,latent] are draws from q. */
static tap_vae_terms terms(const tap_vae *v, tap_var x, const tap_var *c, tap_dist q, tap_var z)
{
    v = tap__or_uninitialized(v);
    const tap_vae_options *o = &v->options;
    const bool             reparameterized_elbo = o->bound == TAP_ELBO && o->estimator == TAP_REPARAMETERIZED;
    z = tap_estimator_sample(o->estimator, z);
    tap_dist      prior = tap_standard_normal_like(q);
    tap_var       log_px_z = tap_sum(tap_log_prob(decode(v, z, c), x), TAP_LAST); /* [L,batch] */
    tap_var       kl = tap_kl(q, prior);                                          /* [batch,latent] */
    tap_vae_terms e = tap__elbo(log_px_z, kl);
    if (reparameterized_elbo && o->beta == 1 && o->free_bits == 0) return e;

    tap_bound_terms b = { .log_px_z = log_px_z, .z = z };
    if (o->bound == TAP_ELBO && (reparameterized_elbo || tap__is_score(o->estimator))) b.kl = kl;
    if (!reparameterized_elbo) b.log_q = tap_sum(tap_log_prob(tap_estimator_posterior(o->estimator, q), z), TAP_LAST);
    if (!b.kl.tape) b.log_pz = tap_sum(tap_log_prob(prior, z), TAP_LAST);
    tap_bound_options how = {
        .bound = o->bound, .estimator = o->estimator, .beta = o->beta == 0 ? TAP_ZERO : o->beta, .free_bits = o->free_bits
    };
    e.bound = tap_variational_bound(b, how);
    return e;
}

static tap_var draws_of_z(const tap_vae *v, tap_dist q)
{
    v = tap__or_uninitialized(v);
    return tap_sample_n(q, v->options.samples);
}

tap_vae_terms tap_vae_elbo(const tap_vae *v, tap_var x)
{
    TAP_CALL("vae_elbo", x);
    tap_dist q = tap_vae_encode(v, x);
    return terms(v, x, NULL, q, draws_of_z(v, q));
}

tap_vae_terms tap_vae_elbo_given(const tap_vae *v, tap_var x, tap_var c)
{
    TAP_CALL("vae_elbo_given", x, c);
    tap_dist q = tap_vae_encode_given(v, x, c);
    return terms(v, x, &c, q, draws_of_z(v, q));
}

tap_vae_terms tap_vae_elbo_from(const tap_vae *v, tap_var x, tap_var noise)
{
    TAP_CALL("vae_elbo_from", x, noise);
    tap_dist  q = tap_vae_encode(v, x);
    tap_shape eps = tap_shape_of(noise), expected = tap_shape_of(tap_unsqueeze(q.param[0], 0));
    expected.n[0] = eps.n[0]; /* L */
    if (eps.n[0] <= 0 || !tap_shape_equal(eps, expected)) {
        char text[TAP_SHAPE_TEXT];
        tap_fail(noise, TAP_ESHAPE, "the noise must have at least one draw of shape %s, along an axis in front",
                 tap_shape_format(text, tap_shape_of(q.param[0])));
    }
    return terms(v, x, NULL, q, tap_sample_from(q, noise));
}

tap_var tap_vae_loss_from(const tap_vae *v, tap_vae_terms e)
{
    (void)v; /* the bound was computed with its options */
    return tap_neg(tap_mean(e.bound, TAP_ALL));
}

tap_var tap_vae_loss(const tap_vae *v, tap_var x)
{
    TAP_CALL("vae_loss", x);
    return tap_vae_loss_from(v, tap_vae_elbo(v, x));
}

tap_var tap_vae_loss_given(const tap_vae *v, tap_var x, tap_var c)
{
    TAP_CALL("vae_loss_given", x, c);
    return tap_vae_loss_from(v, tap_vae_elbo_given(v, x, c));
}

/* ---- Images from z ----------------------------------------------------------------------------------------------- */

tap_var tap_vae_sample(const tap_vae *v, tap_tape *t, int64_t n)
{
    const tap_vae *model = tap__or_uninitialized(v);
    if (t && n < 0) tap_tape_fail(t, TAP_EARG, "vae_sample: n must be at least 0, not %lld", (long long)n);
    tap_var z = tap_randn(t, TAP_SHAPE(n, model->options.latent));
    TAP_CALL("vae_sample", z);
    return tap_dist_mean(tap_vae_decode(v, z));
}

tap_var tap_vae_sample_given(const tap_vae *v, tap_var c)
{
    TAP_CALL("vae_sample_given", c);
    const tap_vae *model = tap__or_uninitialized(v);
    tap_shape      s = tap_shape_of(c);
    if (s.rank > 0) s.n[s.rank - 1] = model->options.latent;
    return tap_dist_mean(tap_vae_decode_given(v, tap_randn(c.tape, s), c));
}

tap_var tap_vae_reconstruct(const tap_vae *v, tap_var x)
{
    TAP_CALL("vae_reconstruct", x);
    return tap_dist_mean(tap_vae_decode(v, tap_dist_mean(tap_vae_encode(v, x))));
}

tap_var tap_vae_reconstruct_given(const tap_vae *v, tap_var x, tap_var c)
{
    TAP_CALL("vae_reconstruct_given", x, c);
    return tap_dist_mean(tap_vae_decode_given(v, tap_dist_mean(tap_vae_encode_given(v, x, c)), c));
}
