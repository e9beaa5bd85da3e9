/* models/linear_vae.c: the linear VAE (Lucas et al. 2019). Everything in it is Gaussian, so the ELBO and log p(x) have closed
 * forms. */
#include <math.h>

#include "models/internal.h"

#define LOG_2PI 1.83787706640934548356

void tap_linear_vae_init(tap_linear_vae *v, tap_module *m, int64_t data, int64_t latent, double sigma)
{
    if (!v) {
        tap_module_fail(m, TAP_EARG, "linear_vae: NULL");
        return;
    }
    if (data <= 0 || latent <= 0)
        tap_module_fail(m, TAP_EARG, "linear_vae: data and latent must be at least 1, not %lld and %lld", (long long)data,
                        (long long)latent);
    if (!(sigma >= 0 && isfinite(sigma)))
        tap_module_fail(m, TAP_EARG, "linear_vae: sigma must be a finite number from 0 up, not %g", sigma);
    *v = (tap_linear_vae){ .sigma = sigma };
    v->V = tap_param_new(m, "V", TAP_SHAPE(latent, data), tap_init_default(data));
    v->log_t = tap_param_new(m, "log_t", TAP_SHAPE(latent), tap_init_zeros());
    v->W = tap_param_new(m, "W", TAP_SHAPE(data, latent), tap_init_default(data));
    v->mu = tap_param_new(m, "mu", TAP_SHAPE(data), tap_init_zeros());
    if (sigma == 0) v->log_sigma = tap_param_new(m, "log_sigma", TAP_SCALAR, tap_init_zeros());
}

/* The parameters as vars of a tape, and the sizes of W [d,k]. */
typedef struct {
    tap_var V, log_t, W, mu, log_sigma;
    double  d, k;
} vars;

static vars param_vars(const tap_linear_vae *v, tap_tape *t)
{
    v = tap__or_uninitialized(v);
    vars p = { .V = tap_param_var(t, v->V),
               .log_t = tap_param_var(t, v->log_t),
               .W = tap_param_var(t, v->W),
               .mu = tap_param_var(t, v->mu) };
    p.log_sigma = v->log_sigma ? tap_param_var(t, v->log_sigma) : tap_scalar(t, log(v->sigma));
    p.d = (double)tap_shape_of(p.W).n[0];
    p.k = (double)tap_shape_of(p.W).n[1];
    return p;
}

tap_dist tap_linear_vae_encode(const tap_linear_vae *v, tap_var x)
{
    vars p = param_vars(v, x.tape);
    return tap_normal(tap_matmul(tap_sub(x, p.mu), tap_mT(p.V)), p.log_t);
}

tap_dist tap_linear_vae_decode(const tap_linear_vae *v, tap_var z)
{
    vars p = param_vars(v, z.tape);
    return tap_normal(tap_add(tap_matmul(z, tap_mT(p.W)), p.mu), p.log_sigma);
}

/* The ELBO, given error = |x - mu - W V (x - mu)|^2 and code = |V (x - mu)|^2, or the means of these. With T = diag(t^2):
 *
 *   E_q[log p(x|z)]   = -1/2 [ (error + tr(W T W^T)) / sigma^2 + d log(2 pi sigma^2) ]
 *   KL(q(z|x) || p(z)) = 1/2 [ tr T + code - k - log det T ] */
static tap_var elbo(vars p, tap_var error, tap_var code)
{
    tap_var t2 = tap_exp(tap_mul_scalar(p.log_t, 2)), precision = tap_exp(tap_mul_scalar(p.log_sigma, -2));
    tap_var trace_WTW = tap_sum(tap_mul(tap_sum(tap_square(p.W), TAP_AXES(0)), t2), TAP_ALL);
    tap_var log_2_pi_sigma2 = tap_add_scalar(tap_mul_scalar(p.log_sigma, 2), LOG_2PI);
    tap_var rec = tap_add(tap_mul(tap_add(error, trace_WTW), precision), tap_mul_scalar(log_2_pi_sigma2, p.d));
    tap_var trace_and_log_det = tap_sum(tap_sub(t2, tap_mul_scalar(p.log_t, 2)), TAP_ALL); /* tr T - log det T */
    tap_var kl = tap_add(code, tap_add_scalar(trace_and_log_det, -p.k));
    return tap_mul_scalar(tap_add(rec, kl), -0.5);
}

tap_var tap_linear_vae_elbo(const tap_linear_vae *v, tap_var x)
{
    TAP_CALL("linear_vae_elbo", x);
    vars    p = param_vars(v, x.tape);
    tap_var y = tap_sub(x, p.mu), z = tap_matmul(y, tap_mT(p.V));
    tap_var error = tap_sub(y, tap_matmul(z, tap_mT(p.W)));
    return elbo(p, tap_sum(tap_square(error), TAP_LAST), tap_sum(tap_square(z), TAP_LAST));
}

/* With S = E (x - mu)(x - mu)^T = cov + (mean - mu)(mean - mu)^T, the mean error is tr S - 2 tr(W V S) + tr(W^T W V S V^T), and
 * the mean code tr(V S V^T). */
tap_var tap_linear_vae_elbo_from(const tap_linear_vae *v, tap_var mean, tap_var cov)
{
    TAP_CALL("linear_vae_elbo_from", mean, cov);
    vars    p = param_vars(v, mean.tape);
    tap_var y = tap_sub(mean, p.mu), z = tap_matmul(p.V, y);
    tap_var VS = tap_add(tap_matmul(p.V, cov), tap_mul(tap_unsqueeze(z, -1), y)); /* [k,d] */
    tap_var VSV = tap_matmul(VS, tap_mT(p.V));                                    /* V S V^T [k,k] */
    tap_var trace_S = tap_add(tap_trace(cov), tap_sum(tap_square(y), TAP_ALL));
    tap_var trace_WVS = tap_sum(tap_mul(p.W, tap_mT(VS)), TAP_ALL);
    tap_var error = tap_sub(trace_S, tap_mul_scalar(trace_WVS, 2));
    error = tap_add(error, tap_sum(tap_mul(tap_matmul(tap_mT(p.W), p.W), VSV), TAP_ALL));
    return elbo(p, error, tap_trace(VSV));
}

/* log N(x | mu, C) with C = W W^T + sigma^2 I, by the k x k matrix M = I + W^T W / sigma^2 = L L^T (Woodbury), y = x - mu:
 *   log det C = d log sigma^2 + log det M,   y^T C^-1 y = (|y|^2 - |L^-1 W^T y|^2 / sigma^2) / sigma^2 */
tap_var tap_linear_vae_log_prob(const tap_linear_vae *v, tap_var x)
{
    TAP_CALL("linear_vae_log_prob", x);
    vars    p = param_vars(v, x.tape);
    tap_var y = tap_sub(x, p.mu), W = tap_mul(p.W, tap_exp(tap_neg(p.log_sigma))); /* W / sigma */
    tap_var I = tap_eye(x.tape, (int64_t)p.k);
    tap_var L = tap_cholesky(tap_add(I, tap_matmul(tap_mT(W), W)), TAP_LOWER);
    tap_var yW = tap_matmul(y, W);                                                      /* [batch,k] */
    tap_var u = tap_solve_triangular(L, tap_mT(yW), TAP_LOWER, TAP_LEFT, TAP_NON_UNIT); /* L^-1 W^T y [k,batch] */
    tap_var distance = tap_sub(tap_sum(tap_square(y), TAP_LAST), tap_sum(tap_square(u), TAP_AXES(-2)));
    tap_var log_det = tap_mul_scalar(tap_add_scalar(tap_mul_scalar(p.log_sigma, 2), LOG_2PI), p.d);
    log_det = tap_add(log_det, tap_mul_scalar(tap_sum(tap_log(tap_diagonal(L, 0, -2, -1)), TAP_ALL), 2));
    return tap_mul_scalar(tap_add(tap_mul(distance, tap_exp(tap_mul_scalar(p.log_sigma, -2))), log_det), -0.5);
}
