/* The variational autoencoder. Formulas are in models.h; this file follows them line by line. */
#include <math.h>

#include "models/vae.h"

enum { LAST_BYTE = 255 };

static void check_sigma(tap_module *m, tap_vae_options *o)
{
    const bool by_decoder = o->sigma_kind == TAP_VAE_SIGMA_BY_DECODER || o->likelihood == TAP_VAE_BETA_BINOMIAL;
    if (o->clip == 0 && by_decoder) o->clip = 10;
    if (o->clip < 0) o->clip = 0;
    if (!isfinite(o->clip)) tap_module_fail(m, TAP_EARG, "vae: clip = %g is not finite", o->clip);
    if (o->sigma_kind != TAP_VAE_SIGMA && o->sigma_kind != TAP_VAE_SIGMA_PER_PIXEL && o->sigma_kind != TAP_VAE_SIGMA_BY_DECODER)
        tap_module_fail(m, TAP_EARG, "vae: there is no sigma_kind %d", (int)o->sigma_kind);
    if (o->sigma_kind != TAP_VAE_SIGMA && o->sigma > 0)
        tap_module_fail(m, TAP_EARG, "vae: sigma = %g is given, but is to be learned", o->sigma);
    if (o->sigma_kind != TAP_VAE_SIGMA && o->likelihood != TAP_VAE_GAUSSIAN)
        tap_module_fail(m, TAP_EARG, "vae: a %s has no sigma",
                        o->likelihood == TAP_VAE_BERNOULLI ? "Bernoulli" : "beta-binomial");
}

static bool is_score(tap_estimator e)
{
    return e == TAP_SCORE || e == TAP_SCORE_BASELINE || e == TAP_SCORE_LEAVE_ONE_OUT;
}

/* What tap_variational_bound would find out at every step. */
static void check_bound(tap_module *m, tap_vae_options o)
{
    if (o.bound != TAP_ELBO && o.bound != TAP_IWAE) tap_module_fail(m, TAP_EARG, "vae: there is no bound %d", (int)o.bound);
    if (!is_score(o.estimator) && o.estimator != TAP_REPARAMETERIZED && o.estimator != TAP_STICKING_THE_LANDING &&
        o.estimator != TAP_DOUBLY_REPARAMETERIZED)
        tap_module_fail(m, TAP_EARG, "vae: there is no estimator %d", (int)o.estimator);
    if (!(o.free_bits >= 0 && isfinite(o.free_bits)))
        tap_module_fail(m, TAP_EARG, "vae: free_bits = %g is not a finite number from 0 up", o.free_bits);
    if (o.bound == TAP_IWAE && (o.beta != 1 || o.free_bits > 0))
        tap_module_fail(m, TAP_EARG, "vae: beta and free bits belong to the ELBO, not to IWAE");
    if (o.bound == TAP_IWAE && o.estimator == TAP_STICKING_THE_LANDING)
        tap_module_fail(m, TAP_EARG, "vae: sticking the landing is biased for IWAE; take the doubly reparameterized estimator");
    if (o.free_bits > 0 && !is_score(o.estimator) && o.estimator != TAP_REPARAMETERIZED)
        tap_module_fail(m, TAP_EARG, "vae: free bits need the KL in closed form, which this estimator does not use");
    if (o.estimator == TAP_SCORE_LEAVE_ONE_OUT && o.samples < 2)
        tap_module_fail(m, TAP_EARG, "vae: leaving one out needs two samples, not %lld", (long long)o.samples);
}

/* Each convolution halves both sides of the image. NULL if they can all be. */
static const char *wrong_convolutions(const tap_vae_options *o)
{
    const int64_t *image = o->image;
    if (image[0] <= 0 || image[1] <= 0 || image[2] <= 0 || tap_numel(TAP_SHAPE(image[0], image[1], image[2])) != o->data)
        return "the product of image is not data";
    if (image[1] % (1 << o->n_conv) || image[2] % (1 << o->n_conv)) return "its sides cannot be halved by each convolution";
    for (int i = 0; i < o->n_conv; i++) {
        if (o->conv[i] <= 0 || tap_numel(TAP_SHAPE(o->conv[i], image[1], image[2])) < 0) return "channels are out of range";
    }
    return NULL;
}

static void check_convolutions(tap_module *m, tap_vae_options *o)
{
    if (o->n_conv == 0) return;
    if (o->n_conv < 0 || o->n_conv > TAP_VAE_MAX_CONV) {
        tap_module_fail(m, TAP_EARG, "vae: n_conv = %d is not between 0 and %d", o->n_conv, TAP_VAE_MAX_CONV);
        o->n_conv = 0;
        return;
    }
    const char *wrong = wrong_convolutions(o);
    if (!wrong) return;
    tap_module_fail(m, TAP_EARG, "vae: image %lld x %lld x %lld, data = %lld: %s", (long long)o->image[0],
                    (long long)o->image[1], (long long)o->image[2], (long long)o->data, wrong);
    o->n_conv = 0;
}

/* The options with defaults filled in. What cannot be used fails the module. */
static tap_vae_options resolve(tap_module *m, tap_vae_options o)
{
    check_convolutions(m, &o);
    if (o.n_hidden == 0 && o.n_conv == 0) o.n_hidden = 1;
    if (o.n_hidden == 1 && o.hidden[0] == 0) o.hidden[0] = 400;
    if (!o.activation) o.activation = tap_relu;
    if (o.latent == 0) o.latent = 20;
    if (!o.mean) o.mean = tap_sigmoid;
    if (o.samples == 0) o.samples = 1;
    if (o.beta == 0) o.beta = 1;
    else if (o.beta < 0) o.beta = 0;

    if (o.data <= 0) tap_module_fail(m, TAP_EARG, "vae: data = %lld is not positive", (long long)o.data);
    if (o.n_hidden < 0 || o.n_hidden > TAP_VAE_MAX_HIDDEN) {
        tap_module_fail(m, TAP_EARG, "vae: n_hidden = %d is not between 1 and %d", o.n_hidden, TAP_VAE_MAX_HIDDEN);
        o.n_hidden = 1;
    }
    for (int i = 0; i < o.n_hidden; i++) {
        if (o.hidden[i] <= 0) tap_module_fail(m, TAP_EARG, "vae: hidden[%d] = %lld is not positive", i, (long long)o.hidden[i]);
    }
    if (o.latent < 0) tap_module_fail(m, TAP_EARG, "vae: latent = %lld is not positive", (long long)o.latent);
    if (o.condition < 0) {
        tap_module_fail(m, TAP_EARG, "vae: condition = %lld is negative", (long long)o.condition);
        o.condition = 0;
    }
    if (o.likelihood != TAP_VAE_BERNOULLI && o.likelihood != TAP_VAE_GAUSSIAN && o.likelihood != TAP_VAE_BETA_BINOMIAL)
        tap_module_fail(m, TAP_EARG, "vae: likelihood %d is neither Bernoulli, Gaussian nor beta-binomial", (int)o.likelihood);
    if (!(o.sigma >= 0 && isfinite(o.sigma)))
        tap_module_fail(m, TAP_EARG, "vae: sigma = %g is not a finite number from 0 up", o.sigma);
    if (o.samples < 0) tap_module_fail(m, TAP_EARG, "vae: samples = %lld is not positive", (long long)o.samples);
    if (!isfinite(o.beta)) tap_module_fail(m, TAP_EARG, "vae: beta = %g is not finite", o.beta);
    check_sigma(m, &o);
    check_bound(m, o);
    return o;
}

void tap_vae_init(tap_vae *v, tap_module *m, tap_vae_options o)
{
    if (!v) {
        tap_module_fail(m, TAP_EARG, "vae: NULL");
        return;
    }
    *v = (tap_vae){ .options = o = resolve(m, o) };
    tap__vae_networks_init(v, m);
    if (o.likelihood != TAP_VAE_GAUSSIAN || o.sigma > 0 || o.sigma_kind == TAP_VAE_SIGMA_BY_DECODER) return;
    tap_shape each = o.sigma_kind == TAP_VAE_SIGMA ? TAP_SCALAR : TAP_SHAPE(o.data);
    v->log_sigma = tap_param_new(m, "log_sigma", each, tap_init_zeros());
}

/* NULL is taken for a VAE that was never initialized, which its layers find out. */
static const tap_vae *given(const tap_vae *v)
{
    static const tap_vae none;
    return v ? v : &none;
}

static tap_var clipped(const tap_vae *v, tap_var log_sigma)
{
    const double c = v->options.clip;
    return c > 0 ? tap_smooth_clip(log_sigma, -c, c) : log_sigma;
}

/* Here and below, c NULL: none is given. */
static tap_dist encode(const tap_vae *v, tap_var x, const tap_var *c)
{
    v = given(v);
    if (v->options.likelihood == TAP_VAE_BETA_BINOMIAL) x = tap_mul_scalar(x, 1. / LAST_BYTE);
    tap_var h = tap__vae_encoder(v, x, c);
    tap_var mu = tap_linear_forward(&v->loc, h);
    tap_var log_sigma = tap_mul_scalar(tap_linear_forward(&v->logvar, h), 0.5);
    return tap_normal(mu, clipped(v, log_sigma));
}

/* h is the decoder's last hidden layer. */
static tap_var decoder_log_sigma(const tap_vae *v, tap_var h, tap_var z)
{
    if (v->options.sigma_kind == TAP_VAE_SIGMA_BY_DECODER)
        return clipped(v, tap__vae_head(v, &v->out_log_sigma, h, tap_shape_of(z)));
    if (v->log_sigma) return clipped(v, tap_param_var(h.tape, v->log_sigma));
    return tap_scalar(h.tape, log(v->options.sigma));
}

static tap_dist decode(const tap_vae *v, tap_var z, const tap_var *c)
{
    v = given(v);
    tap_var h = tap__vae_decoder(v, z, c), f = tap__vae_head(v, &v->out, h, tap_shape_of(z));
    if (v->options.likelihood == TAP_VAE_BERNOULLI || !z.tape) return tap_bernoulli(f);
    if (v->options.likelihood == TAP_VAE_BETA_BINOMIAL)
        return tap_beta_binomial(tap_scalar(z.tape, LAST_BYTE), clipped(v, f),
                                 clipped(v, tap__vae_head(v, &v->out_log_beta, h, tap_shape_of(z))));
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

/* z [L,batch,latent] are draws from q */
static tap_vae_terms terms(const tap_vae *v, tap_var x, const tap_var *c, tap_dist q, tap_var z)
{
    const tap_vae_options *o = &given(v)->options;
    const bool             plain = o->bound == TAP_ELBO && o->estimator == TAP_REPARAMETERIZED;
    z = tap_estimator_sample(o->estimator, z);
    tap_dist prior = tap_standard_normal_like(q);
    tap_var  log_p = tap_sum(tap_log_prob(decode(v, z, c), x), TAP_LAST); /* [L,batch] */
    tap_var  rec = tap_mean(log_p, TAP_AXES(0)), kl_each = tap_kl(q, prior), kl = tap_sum(kl_each, TAP_LAST);
    tap_var  elbo = tap_sub(rec, kl);
    if (plain && o->beta == 1 && o->free_bits == 0) return (tap_vae_terms){ elbo, rec, kl, elbo };

    tap_bound_terms d = { .log_px_z = log_p, .z = z };
    if (o->bound == TAP_ELBO && (plain || is_score(o->estimator))) d.kl = kl_each;
    if (!plain) d.log_q = tap_sum(tap_log_prob(tap_estimator_posterior(o->estimator, q), z), TAP_LAST);
    if (!d.kl.tape) d.log_pz = tap_sum(tap_log_prob(prior, z), TAP_LAST);
    tap_bound_options how = { o->bound, o->estimator, o->beta == 0 ? -1 : o->beta, o->free_bits };
    return (tap_vae_terms){ elbo, rec, kl, tap_variational_bound(d, how) };
}

tap_vae_terms tap_vae_elbo(const tap_vae *v, tap_var x)
{
    TAP_CALL("vae_elbo", x);
    tap_dist q = tap_vae_encode(v, x);
    return terms(v, x, NULL, q, tap_sample_n(q, given(v)->options.samples));
}

tap_vae_terms tap_vae_elbo_given(const tap_vae *v, tap_var x, tap_var c)
{
    TAP_CALL("vae_elbo_given", x, c);
    tap_dist q = tap_vae_encode_given(v, x, c);
    return terms(v, x, &c, q, tap_sample_n(q, given(v)->options.samples));
}

tap_vae_terms tap_vae_elbo_from(const tap_vae *v, tap_var x, tap_var noise)
{
    TAP_CALL("vae_elbo_from", x, noise);
    tap_dist  q = tap_vae_encode(v, x);
    tap_shape given = tap_shape_of(noise), wanted = tap_shape_of(tap_unsqueeze(q.param[0], 0));
    wanted.n[0] = given.n[0];
    if (given.n[0] <= 0 || !tap_shape_equal(given, wanted)) {
        char text[TAP_SHAPE_TEXT];
        tap_fail(noise, TAP_ESHAPE, "the noise must have at least one draw of shape %s, along an axis in front",
                 tap_shape_format(text, tap_shape_of(q.param[0])));
    }
    return terms(v, x, NULL, q, tap_sample_from(q, noise));
}

tap_var tap_vae_loss_from(const tap_vae *v, tap_vae_terms e)
{
    (void)v; /* its options are in the bound already */
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

tap_var tap_vae_sample(const tap_vae *v, tap_tape *t, int64_t n)
{
    if (t && n < 0) tap_tape_fail(t, TAP_EARG, "vae_sample: n must be at least 0, not %lld", (long long)n);
    tap_var z = tap_randn(t, TAP_SHAPE(n, given(v)->options.latent));
    TAP_CALL("vae_sample", z);
    return tap_dist_mean(tap_vae_decode(v, z));
}

tap_var tap_vae_sample_given(const tap_vae *v, tap_var c)
{
    TAP_CALL("vae_sample_given", c);
    tap_shape s = tap_shape_of(c);
    if (s.rank > 0) s.n[s.rank - 1] = given(v)->options.latent;
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
