/* models/vae_options.c: the defaults of a tap_vae's options, and what they must be. */
#include <math.h>

#include "models/internal.h"

static void check_at_least(tap_module *m, const char *name, int64_t n, int64_t min)
{
    if (n < min) tap_module_fail(m, TAP_EARG, "vae: %s must be at least %lld, not %lld", name, (long long)min, (long long)n);
}

static void check_finite(tap_module *m, const char *name, double x)
{
    if (!isfinite(x)) tap_module_fail(m, TAP_EARG, "vae: %s must be finite, not %g", name, x);
}

static void check_finite_from_0(tap_module *m, const char *name, double x)
{
    if (!(x >= 0 && isfinite(x))) tap_module_fail(m, TAP_EARG, "vae: %s must be a finite number from 0 up, not %g", name, x);
}

/* NULL if each convolution can halve both sides of the image. */
static const char *check_image(const tap_vae_options *o)
{
    const int64_t *image = o->image;
    if (image[0] <= 0 || image[1] <= 0 || image[2] <= 0 || tap_numel(TAP_SHAPE(image[0], image[1], image[2])) != o->data)
        return "the sizes of image must be at least 1 and multiply to data";
    if (image[1] % (1 << o->n_conv) || image[2] % (1 << o->n_conv)) return "height and width must be multiples of 2^n_conv";
    for (int i = 0; i < o->n_conv; i++) {
        if (o->conv[i] <= 0 || tap_numel(TAP_SHAPE(o->conv[i], image[1], image[2])) < 0)
            return "numbers of channels must be at least 1 and make sizes of tensors";
    }
    return NULL;
}

static void resolve_convolutions(tap_module *m, tap_vae_options *o)
{
    if (o->n_conv == 0) return;
    if (o->n_conv < 0 || o->n_conv > TAP_VAE_MAX_CONV) {
        tap_module_fail(m, TAP_EARG, "vae: n_conv must be within 0..%d, not %d", TAP_VAE_MAX_CONV, o->n_conv);
        o->n_conv = 0;
        return;
    }
    const char *wrong = check_image(o);
    if (!wrong) return;
    tap_module_fail(m, TAP_EARG, "vae: image %lld x %lld x %lld, data = %lld: %s", (long long)o->image[0],
                    (long long)o->image[1], (long long)o->image[2], (long long)o->data, wrong);
    o->n_conv = 0;
}

static void resolve_hidden(tap_module *m, tap_vae_options *o)
{
    if (o->n_hidden == 0 && o->n_conv == 0) o->n_hidden = 1;
    if (o->n_hidden == 1 && o->hidden[0] == 0) o->hidden[0] = 400;
    check_at_least(m, "data", o->data, 1);
    if (o->n_hidden < 0 || o->n_hidden > TAP_VAE_MAX_HIDDEN) {
        tap_module_fail(m, TAP_EARG, "vae: n_hidden must be within 1..%d, not %d", TAP_VAE_MAX_HIDDEN, o->n_hidden);
        o->n_hidden = 1;
    }
    for (int i = 0; i < o->n_hidden; i++) {
        if (o->hidden[i] <= 0)
            tap_module_fail(m, TAP_EARG, "vae: hidden[%d] must be at least 1, not %lld", i, (long long)o->hidden[i]);
    }
}

static void resolve_likelihood(tap_module *m, tap_vae_options *o)
{
    const bool bernoulli = o->likelihood == TAP_VAE_BERNOULLI, gaussian = o->likelihood == TAP_VAE_GAUSSIAN;
    if (!bernoulli && !gaussian && o->likelihood != TAP_VAE_BETA_BINOMIAL)
        tap_module_fail(m, TAP_EARG,
                        "vae: likelihood must be TAP_VAE_BERNOULLI, TAP_VAE_GAUSSIAN or TAP_VAE_BETA_BINOMIAL, not %d",
                        (int)o->likelihood);
    check_finite_from_0(m, "sigma", o->sigma);
    if (o->sigma_kind == TAP_VAE_SIGMA) return;
    if (o->sigma_kind != TAP_VAE_SIGMA_PER_PIXEL && o->sigma_kind != TAP_VAE_SIGMA_BY_DECODER)
        tap_module_fail(m, TAP_EARG, "vae: sigma_kind must be a tap_vae_sigma, not %d", (int)o->sigma_kind);
    if (o->sigma > 0) tap_module_fail(m, TAP_EARG, "vae: sigma must be 0 for a sigma_kind that is learned, not %g", o->sigma);
    if (!gaussian)
        tap_module_fail(m, TAP_EARG, "vae: sigma_kind is for a Gaussian likelihood, not for a %s one",
                        bernoulli ? "Bernoulli" : "beta-binomial");
}

static void resolve_clip(tap_module *m, tap_vae_options *o)
{
    const bool by_decoder = o->sigma_kind == TAP_VAE_SIGMA_BY_DECODER || o->likelihood == TAP_VAE_BETA_BINOMIAL;
    if (o->clip == 0 && by_decoder) o->clip = 10;
    if (o->clip < 0) o->clip = 0; /* TAP_NONE */
    check_finite(m, "clip", o->clip);
}

/* Reports here what tap_variational_bound would report at every step. */
static void check_bound(tap_module *m, tap_vae_options o)
{
    const bool score = tap__is_score(o.estimator);
    if (o.bound != TAP_ELBO && o.bound != TAP_IWAE)
        tap_module_fail(m, TAP_EARG, "vae: bound must be TAP_ELBO or TAP_IWAE, not %d", (int)o.bound);
    if (!score && o.estimator != TAP_REPARAMETERIZED && o.estimator != TAP_STICKING_THE_LANDING &&
        o.estimator != TAP_DOUBLY_REPARAMETERIZED)
        tap_module_fail(m, TAP_EARG, "vae: estimator must be a tap_estimator, not %d", (int)o.estimator);
    check_finite_from_0(m, "free_bits", o.free_bits);
    if (o.bound == TAP_IWAE && (o.beta != 1 || o.free_bits > 0))
        tap_module_fail(m, TAP_EARG, "vae: beta and free_bits are for TAP_ELBO, not for TAP_IWAE");
    if (o.bound == TAP_IWAE && o.estimator == TAP_STICKING_THE_LANDING)
        tap_module_fail(m, TAP_EARG, "vae: sticking the landing is biased for TAP_IWAE; take TAP_DOUBLY_REPARAMETERIZED");
    if (o.free_bits > 0 && !score && o.estimator != TAP_REPARAMETERIZED)
        tap_module_fail(m, TAP_EARG, "vae: free_bits need the KL in closed form, which this estimator does not use");
    if (o.estimator == TAP_SCORE_LEAVE_ONE_OUT && o.samples < 2)
        tap_module_fail(m, TAP_EARG, "vae: TAP_SCORE_LEAVE_ONE_OUT needs at least 2 samples, not %lld", (long long)o.samples);
}

tap_vae_options tap__vae_options_resolve(tap_module *m, tap_vae_options o)
{
    if (!o.activation) o.activation = tap_relu;
    if (!o.mean) o.mean = tap_sigmoid;
    if (o.latent == 0) o.latent = 20;
    if (o.samples == 0) o.samples = 1;
    if (o.beta == 0) o.beta = 1;
    else if (o.beta < 0) o.beta = 0; /* TAP_ZERO */

    resolve_convolutions(m, &o);
    resolve_hidden(m, &o);
    check_at_least(m, "latent", o.latent, 1);
    check_at_least(m, "condition", o.condition, 0);
    if (o.condition < 0) o.condition = 0;
    resolve_likelihood(m, &o);
    check_at_least(m, "samples", o.samples, 1);
    check_finite(m, "beta", o.beta);
    resolve_clip(m, &o);
    check_bound(m, o);
    return o;
}
