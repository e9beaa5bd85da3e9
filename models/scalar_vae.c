/* models/scalar_vae.c: the VAE with a scalar latent and scalar data. */
#include "models/internal.h"

void tap_scalar_vae_init(tap_scalar_vae *v, tap_module *m)
{
    if (!v) {
        tap_module_fail(m, TAP_EARG, "scalar_vae: NULL");
        return;
    }
    v->a = tap_param_new(m, "a", TAP_SCALAR, tap_init_constant(0.5));
    v->b = tap_param_new(m, "b", TAP_SCALAR, tap_init_zeros());
    v->log_t = tap_param_new(m, "log_t", TAP_SCALAR, tap_init_zeros());
    v->c = tap_param_new(m, "c", TAP_SCALAR, tap_init_constant(0.5));
    v->v = tap_param_new(m, "v", TAP_SCALAR, tap_init_zeros());
    v->log_s = tap_param_new(m, "log_s", TAP_SCALAR, tap_init_zeros());
}

/* N(slope x + offset, e^(2 log_scale)) */
static tap_dist affine_normal(tap_var x, tap_param *slope, tap_param *offset, tap_param *log_scale)
{
    tap_var mean = tap_add(tap_mul(tap_param_var(x.tape, slope), x), tap_param_var(x.tape, offset));
    return tap_normal(mean, tap_param_var(x.tape, log_scale));
}

tap_dist tap_scalar_vae_encode(const tap_scalar_vae *v, tap_var x)
{
    v = tap__or_uninitialized(v);
    return affine_normal(x, v->a, v->b, v->log_t);
}

tap_dist tap_scalar_vae_decode(const tap_scalar_vae *v, tap_var z)
{
    v = tap__or_uninitialized(v);
    return affine_normal(z, v->c, v->v, v->log_s);
}

/* E_q[log N(x | c z + v, s^2)] - KL(q || p), where the first term is log N(x | c E[z] + v, s^2) - (c t / s)^2 / 2 */
tap_var tap_scalar_vae_elbo(const tap_scalar_vae *v, tap_var x)
{
    TAP_CALL("scalar_vae_elbo", x);
    v = tap__or_uninitialized(v);
    tap_dist q = tap_scalar_vae_encode(v, x), p = tap_scalar_vae_decode(v, q.param[0]);
    tap_var  log_t = q.param[1], log_s = p.param[1];
    tap_var  variance = tap_square(tap_mul(tap_param_var(x.tape, v->c), tap_exp(tap_sub(log_t, log_s)))); /* (c t / s)^2 */
    tap_var  rec = tap_sub(tap_log_prob(p, x), tap_mul_scalar(variance, 0.5));
    return tap_sub(rec, tap_kl(q, tap_standard_normal_like(q)));
}
