/* The linear VAE. As everything in it is Gaussian, nothing has to be drawn. */
#include <math.h>

#include "models/models.h"

#define LOG_2PI 1.83787706640934548356

void tap_linear_vae_init(tap_linear_vae *v, tap_module *m, int64_t data, int64_t latent, double sigma)
{
    if (!v) {
        tap_module_fail(m, TAP_EARG, "linear_vae: NULL");
        return;
    }
    if (data <= 0 || latent <= 0)
        tap_module_fail(m, TAP_EARG, "linear_vae: sizes %lld and %lld are not both positive", (long long)data,
                        (long long)latent);
    if (!(sigma >= 0 && isfinite(sigma)))
        tap_module_fail(m, TAP_EARG, "linear_vae: sigma = %g is not a finite number from 0 up", sigma);
    *v = (tap_linear_vae){ .sigma = sigma };
    v->V = tap_param_new(m, "V", TAP_SHAPE(latent, data), tap_init_default(data));
    v->log_t = tap_param_new(m, "log_t", TAP_SHAPE(latent), tap_init_zeros());
    v->W = tap_param_new(m, "W", TAP_SHAPE(data, latent), tap_init_default(data));
    v->mu = tap_param_new(m, "mu", TAP_SHAPE(data), tap_init_zeros());
    if (sigma == 0) v->log_sigma = tap_param_new(m, "log_sigma", TAP_SCALAR, tap_init_zeros());
}

/* The parameters on a tape. */
typedef struct {
    tap_var V, log_t, W, mu, log_sigma;
    double  d, k;
} vars;

static vars use(const tap_linear_vae *v, tap_tape *t)
{
    static const tap_linear_vae none;
    if (!v) v = &none;
    vars u = {
        tap_param_var(t, v->V), tap_param_var(t, v->log_t), tap_param_var(t, v->W), tap_param_var(t, v->mu), { 0 }, 0, 0
    };
    u.log_sigma = v->log_sigma ? tap_param_var(t, v->log_sigma) : tap_scalar(t, log(v->sigma));
    u.d = (double)tap_shape_of(u.W).n[0];
    u.k = (double)tap_shape_of(u.W).n[1];
    return u;
}

tap_dist tap_linear_vae_encode(const tap_linear_vae *v, tap_var x)
{
    vars u = use(v, x.tape);
    return tap_normal(tap_matmul(tap_sub(x, u.mu), tap_mT(u.V)), u.log_t);
}

tap_dist tap_linear_vae_decode(const tap_linear_vae *v, tap_var z)
{
    vars u = use(v, z.tape);
    return tap_normal(tap_add(tap_matmul(z, tap_mT(u.W)), u.mu), u.log_sigma);
}

/* The ELBO, given |x - mu - W V (x - mu)|^2 and |V (x - mu)|^2 or means of these:
 *   -1/2 [ (|..|^2 + tr(W T W^T)) / sigma^2 + d log(2 pi sigma^2) ] - 1/2 [ tr T + |..|^2 - k - log det T ],  T = diag(t^2) */
static tap_var elbo(vars u, tap_var error, tap_var code)
{
    tap_var t2 = tap_exp(tap_mul_scalar(u.log_t, 2)), precision = tap_exp(tap_mul_scalar(u.log_sigma, -2));
    tap_var blur = tap_sum(tap_mul(tap_sum(tap_square(u.W), TAP_AXES(0)), t2), TAP_ALL);
    tap_var log_det = tap_add_scalar(tap_mul_scalar(u.log_sigma, 2), LOG_2PI);
    tap_var rec = tap_add(tap_mul(tap_add(error, blur), precision), tap_mul_scalar(log_det, u.d));
    tap_var own = tap_add_scalar(tap_sum(tap_sub(t2, tap_mul_scalar(u.log_t, 2)), TAP_ALL), -u.k);
    return tap_mul_scalar(tap_add(rec, tap_add(code, own)), -0.5);
}

tap_var tap_linear_vae_elbo(const tap_linear_vae *v, tap_var x)
{
    TAP_CALL("linear_vae_elbo", x);
    vars    u = use(v, x.tape);
    tap_var from_mu = tap_sub(x, u.mu), z = tap_matmul(from_mu, tap_mT(u.V));
    tap_var error = tap_sub(from_mu, tap_matmul(z, tap_mT(u.W)));
    return elbo(u, tap_sum(tap_square(error), TAP_LAST), tap_sum(tap_square(z), TAP_LAST));
}

/* With S = E (x - mu)(x - mu)^T, the mean of |x - mu - W V (x - mu)|^2 is tr S - 2 tr(W V S) + tr(W^T W V S V^T). */
tap_var tap_linear_vae_elbo_from(const tap_linear_vae *v, tap_var mean, tap_var cov)
{
    TAP_CALL("linear_vae_elbo_of", mean, cov);
    vars    u = use(v, mean.tape);
    tap_var off = tap_sub(mean, u.mu), seen = tap_matmul(u.V, off);
    tap_var VS = tap_add(tap_matmul(u.V, cov), tap_mul(tap_unsqueeze(seen, -1), off)); /* [k,d] */
    tap_var codes = tap_matmul(VS, tap_mT(u.V));                                       /* [k,k] */
    tap_var total = tap_add(tap_trace(cov), tap_sum(tap_square(off), TAP_ALL));
    tap_var explained = tap_sum(tap_mul(u.W, tap_mT(VS)), TAP_ALL);
    tap_var error = tap_sub(total, tap_mul_scalar(explained, 2));
    error = tap_add(error, tap_sum(tap_mul(tap_matmul(tap_mT(u.W), u.W), codes), TAP_ALL));
    return elbo(u, error, tap_trace(codes));
}

/* C = W W^T + sigma^2 I = sigma^2 (I + W W^T / sigma^2) by the k x k matrix M = I + W^T W / sigma^2 = L L^T (Woodbury):
 *   log det C = d log sigma^2 + log det M,   y^T C^-1 y = (|y|^2 - |L^-1 W^T y|^2 / sigma^2) / sigma^2 */
tap_var tap_linear_vae_log_prob(const tap_linear_vae *v, tap_var x)
{
    TAP_CALL("linear_vae_log_prob", x);
    vars    u = use(v, x.tape);
    tap_var y = tap_sub(x, u.mu), W = tap_mul(u.W, tap_exp(tap_neg(u.log_sigma))), I = tap_eye(x.tape, (int64_t)u.k);
    tap_var L = tap_cholesky(tap_add(I, tap_matmul(tap_mT(W), W)), false);
    tap_var seen = tap_matmul(y, W);                                            /* [batch,k] */
    tap_var inside = tap_solve_triangular(L, tap_mT(seen), false, true, false); /* [k,batch] */
    tap_var far = tap_sub(tap_sum(tap_square(y), TAP_LAST), tap_sum(tap_square(inside), TAP_AXES(-2)));
    tap_var log_det = tap_mul_scalar(tap_add_scalar(tap_mul_scalar(u.log_sigma, 2), LOG_2PI), u.d);
    log_det = tap_add(log_det, tap_mul_scalar(tap_sum(tap_log(tap_diagonal(L, 0, -2, -1)), TAP_ALL), 2));
    return tap_mul_scalar(tap_add(tap_mul(far, tap_exp(tap_mul_scalar(u.log_sigma, -2))), log_det), -0.5);
}
