/* models/count_vae.c: the variational autoencoder of counts (scVI, Lopez et al. 2018), with the networks of a tap_vae. */
#include <math.h>

#include "models/internal.h"

void tap_count_vae_init(tap_count_vae *v, tap_module *m, tap_count_vae_options o)
{
    if (!v) {
        tap_module_fail(m, TAP_EARG, "count_vae: NULL");
        return;
    }
    if (o.n_hidden == 0) o.n_hidden = 1;
    if (o.n_hidden == 1 && o.hidden[0] == 0) o.hidden[0] = 128;
    if (o.latent == 0) o.latent = 10;
    if (o.scale == 0) o.scale = 1e4;
    if (o.likelihood != TAP_COUNTS_NB && o.likelihood != TAP_COUNTS_ZINB)
        tap_module_fail(m, TAP_EARG, "count_vae: likelihood must be TAP_COUNTS_NB or TAP_COUNTS_ZINB, not %d",
                        (int)o.likelihood);
    if (!(o.scale > 0 && isfinite(o.scale)))
        tap_module_fail(m, TAP_EARG, "count_vae: scale must be a finite number above 0, not %g", o.scale);
    *v = (tap_count_vae){ .options = o };
    tap_vae_options net = { .data = o.genes,
                            .n_hidden = o.n_hidden,
                            .activation = o.activation,
                            .latent = o.latent,
                            .condition = o.condition,
                            .clip = 10 };
    for (int i = 0; i < TAP_VAE_MAX_HIDDEN; i++) net.hidden[i] = o.hidden[i];
    tap_vae_init(&v->net, m, net);
    if (o.likelihood == TAP_COUNTS_ZINB) tap_linear_init(&v->zero, m, "zero", o.hidden[0], o.genes);
    v->log_theta = tap_param_new(m, "log_theta", TAP_SHAPE(o.genes), tap_init_zeros());
}

/* log l [..,1] of the cells' library sizes; 0 for a cell without counts */
static tap_var log_library(tap_var x)
{
    return tap_log(tap_clamp(tap_sum(x, tap_keepdim(TAP_LAST)), 1, (double)INFINITY));
}

tap_dist tap_count_vae_encode(const tap_count_vae *v, tap_var x, tap_var c)
{
    TAP_CALL("count_vae_encode", x, c);
    v = tap__or_uninitialized(v);
    tap_var fraction = tap_mul(x, tap_exp(tap_neg(log_library(x)))); /* x / l */
    tap_var input = tap_log1p(tap_mul_scalar(fraction, v->options.scale));
    return c.tape ? tap_vae_encode_given(&v->net, input, c) : tap_vae_encode(&v->net, input);
}

/* The decoder's last hidden layer. */
static tap_var decoder_hidden(const tap_count_vae *v, tap_var z, tap_var c)
{
    return tap__vae_decoder(&v->net, z, c.tape ? &c : NULL);
}

/* log rho */
static tap_var log_rates(const tap_count_vae *v, tap_var h)
{
    return tap_log_softmax(tap_linear_forward(&v->net.out.linear, h), -1);
}

/* Pairs each z with all n one-hot c: z becomes [n,..,latent], c [n,1,..,n]. */
static void pair_with_all_conditions(int64_t n, tap_var *z, tap_var *c)
{
    tap_shape s = tap_shape_of(*z), z_shape = { .rank = s.rank + 1, .n = { n } }, c_shape = { .rank = s.rank + 1, .n = { n } };
    for (int i = 0; i < s.rank && i + 1 < TAP_MAX_RANK; i++) {
        z_shape.n[i + 1] = s.n[i];
        c_shape.n[i + 1] = i + 1 < s.rank ? 1 : n;
    }
    *z = tap_expand(*z, z_shape);
    *c = tap_reshape(tap_cast(tap_eye(z->tape, n), tap_value(*z).dtype), c_shape);
}

tap_var tap_count_vae_rates(const tap_count_vae *v, tap_var z, tap_var c)
{
    TAP_CALL("count_vae_rates", z, c);
    v = tap__or_uninitialized(v);
    const bool marginal = !c.tape && v->options.condition > 0; /* over c */
    if (marginal) pair_with_all_conditions(v->options.condition, &z, &c);
    tap_var rates = tap_exp(log_rates(v, decoder_hidden(v, z, c)));
    return marginal ? tap_mean(rates, TAP_AXES(0)) : rates;
}

tap_dist tap_count_vae_decode(const tap_count_vae *v, tap_var z, tap_var c, tap_var log_library)
{
    TAP_CALL("count_vae_decode", z, c, log_library);
    v = tap__or_uninitialized(v);
    tap_var h = decoder_hidden(v, z, c);
    tap_var log_mu = tap_add(log_rates(v, h), log_library), log_theta = tap_param_var(h.tape, v->log_theta);
    if (v->options.likelihood == TAP_COUNTS_NB || !h.tape) return tap_negative_binomial(log_mu, log_theta);
    return tap_zero_inflated_negative_binomial(log_mu, log_theta, tap_linear_forward(&v->zero, h));
}

/* log p(x|z) for draws z [L,batch,latent]: [L,batch] */
static tap_var log_px_z(const tap_count_vae *v, tap_var x, tap_var c, tap_var z)
{
    return tap_sum(tap_log_prob(tap_count_vae_decode(v, z, c, log_library(x)), x), TAP_LAST);
}

tap_vae_terms tap_count_vae_elbo(const tap_count_vae *v, tap_var x, tap_var c)
{
    TAP_CALL("count_vae_elbo", x, c);
    tap_dist q = tap_count_vae_encode(v, x, c);
    tap_var  log_p = log_px_z(v, x, c, tap_sample_n(q, 1));
    return tap__elbo(log_p, tap_kl(q, tap_standard_normal_like(q)));
}

tap_var tap_count_vae_loss(const tap_count_vae *v, tap_var x, tap_var c)
{
    TAP_CALL("count_vae_loss", x, c);
    return tap_neg(tap_mean(tap_count_vae_elbo(v, x, c).elbo, TAP_ALL));
}

tap_var tap_count_vae_log_prob(const tap_count_vae *v, tap_var x, tap_var c, int64_t draws)
{
    TAP_CALL("count_vae_log_prob", x, c);
    if (draws < 1) tap_fail(x, TAP_EARG, "draws must be at least 1, not %lld", (long long)draws);
    tap_dist        q = tap_count_vae_encode(v, x, c);
    tap_var         z = tap_sample_n(q, draws);
    tap_var         log_q = tap_sum(tap_log_prob(q, z), TAP_LAST);
    tap_var         log_pz = tap_sum(tap_log_prob(tap_standard_normal_like(q), z), TAP_LAST);
    tap_bound_terms b = { .log_px_z = log_px_z(v, x, c, z), .log_pz = log_pz, .log_q = log_q, .z = z };
    return tap_variational_bound(b, (tap_bound_options){ .bound = TAP_IWAE });
}
