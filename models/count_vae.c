/* The variational autoencoder of counts: the networks of tap_vae, between counts and what is said of them. */
#include <math.h>

#include "models/vae.h"

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

/* NULL is taken for one that was never initialized, which its layers find out. */
static const tap_count_vae *given(const tap_count_vae *v)
{
    static const tap_count_vae none;
    return v ? v : &none;
}

/* log l, [..,1]; of a cell without counts it is 0 */
static tap_var log_library(tap_var x)
{
    return tap_log(tap_clamp(tap_sum(x, tap_keepdim(TAP_LAST)), 1, (double)INFINITY));
}

tap_dist tap_count_vae_encode(const tap_count_vae *v, tap_var x, tap_var c)
{
    TAP_CALL("count_vae_encode", x, c);
    v = given(v);
    tap_var share = tap_mul(x, tap_exp(tap_neg(log_library(x)))), input = tap_log1p(tap_mul_scalar(share, v->options.scale));
    return c.tape ? tap_vae_encode_given(&v->net, input, c) : tap_vae_encode(&v->net, input);
}

/* The decoder's last hidden layer. */
static tap_var hidden(const tap_count_vae *v, tap_var z, tap_var c)
{
    return tap__vae_decoder(&v->net, z, c.tape ? &c : NULL);
}

static tap_var log_rates(const tap_count_vae *v, tap_var h)
{
    return tap_log_softmax(tap_linear_forward(&v->net.out.linear, h), -1);
}

/* Every c that is one-hot, beside each z: z [n,..,latent], c [n,1,..,n]. */
static void with_each(int64_t n, tap_var *z, tap_var *c)
{
    tap_shape s = tap_shape_of(*z), wide = { .rank = s.rank + 1, .n = { n } }, one = { .rank = s.rank + 1, .n = { n } };
    for (int i = 0; i < s.rank && i + 1 < TAP_MAX_RANK; i++) {
        wide.n[i + 1] = s.n[i];
        one.n[i + 1] = i + 1 < s.rank ? 1 : n;
    }
    *z = tap_expand(*z, wide);
    *c = tap_reshape(tap_cast(tap_eye(z->tape, n), tap_value(*z).dtype), one);
}

tap_var tap_count_vae_rates(const tap_count_vae *v, tap_var z, tap_var c)
{
    TAP_CALL("count_vae_rates", z, c);
    v = given(v);
    const bool each = !c.tape && v->options.condition > 0;
    if (each) with_each(v->options.condition, &z, &c);
    tap_var rates = tap_exp(log_rates(v, hidden(v, z, c)));
    return each ? tap_mean(rates, TAP_AXES(0)) : rates;
}

tap_dist tap_count_vae_decode(const tap_count_vae *v, tap_var z, tap_var c, tap_var log_library)
{
    TAP_CALL("count_vae_decode", z, c, log_library);
    v = given(v);
    tap_var h = hidden(v, z, c), log_mu = tap_add(log_rates(v, h), log_library),
            log_theta = tap_param_var(h.tape, v->log_theta);
    if (v->options.likelihood == TAP_COUNTS_NB || !h.tape) return tap_negative_binomial(log_mu, log_theta);
    return tap_zero_inflated_negative_binomial(log_mu, log_theta, tap_linear_forward(&v->zero, h));
}

/* log p(x|z) for draws z [L,batch,latent]: [L,batch] */
static tap_var log_px(const tap_count_vae *v, tap_var x, tap_var c, tap_var z)
{
    return tap_sum(tap_log_prob(tap_count_vae_decode(v, z, c, log_library(x)), x), TAP_LAST);
}

tap_vae_terms tap_count_vae_elbo(const tap_count_vae *v, tap_var x, tap_var c)
{
    TAP_CALL("count_vae_elbo", x, c);
    tap_dist q = tap_count_vae_encode(v, x, c);
    tap_var  rec = tap_mean(log_px(v, x, c, tap_sample_n(q, 1)), TAP_AXES(0));
    tap_var  kl = tap_sum(tap_kl(q, tap_standard_normal_like(q)), TAP_LAST), elbo = tap_sub(rec, kl);
    return (tap_vae_terms){ elbo, rec, kl, elbo };
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
    tap_dist q = tap_count_vae_encode(v, x, c);
    tap_var  z = tap_sample_n(q, draws), log_q = tap_sum(tap_log_prob(q, z), TAP_LAST);
    tap_var  log_pz = tap_sum(tap_log_prob(tap_standard_normal_like(q), z), TAP_LAST);
    return tap_variational_bound((tap_bound_terms){ .log_px_z = log_px(v, x, c, z), .log_pz = log_pz, .log_q = log_q, .z = z },
                                 (tap_bound_options){ .bound = TAP_IWAE });
}
