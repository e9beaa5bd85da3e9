/* KL(q || p), by pair of kinds in closed form, or from samples. */
#include "autograd/ops/rules.h"
#include "nn/dist/distribution.h"
#include "tensor/shape.h"

#define FOURTH_ROOT_HALF 0.84089641525371454303

#define CALL(name, q, p) TAP_CALL(name, q.param[0], q.param[1], q.param[2], p.param[0], p.param[1], p.param[2])

/* ---- Gaussians --------------------------------------------------------------------------------------------------- */

/* (e^2d - 1 - 2d) / 2 + ((mu_q - mu_p) / scale_p)^2 / 2 with d = log scale_q - log scale_p: two terms from 0 up */
static tap_var normal_normal(tap_dist q, tap_dist p)
{
    tap_var spread = tap__expm1_minus_x(tap_mul_scalar(tap_sub(q.param[1], p.param[1]), 2));
    tap_var shift = tap__in_scales(tap_sub(q.param[0], p.param[0]), p.param[1], FOURTH_ROOT_HALF);
    return tap_add(tap_mul_scalar(spread, 0.5), tap_square(shift));
}

static bool is_diagonal(tap_dist d)
{
    return d.type != &tap__multivariate_normal_type;
}

/* A diagonal Gaussian by element, its log-scale in full length. */
static tap_dist by_element(tap_dist d, tap_shape event)
{
    tap_var   log_scale = d.type == &tap__isotropic_normal_type ? tap_unsqueeze(d.param[1], -1) : d.param[1];
    tap_shape whole = event;
    tap__broadcast_shapes(tap_shape_of(log_scale), event, &whole);
    return tap_normal(d.param[0], tap_expand(log_scale, whole));
}

/* L of the covariance L L^T */
static tap_var factor(tap_dist d)
{
    return is_diagonal(d) ? tap_diag_embed(tap_exp(d.param[1]), 0, -2, -1) : tap_tril(d.param[1], 0);
}

/* L^-1 x, x [..,d,m] */
static tap_var whitened(tap_dist d, tap_var x)
{
    if (!is_diagonal(d)) return tap_solve_triangular(d.param[1], x, false, true, false);
    return tap__in_scales(x, tap_unsqueeze(d.param[1], -1), 1);
}

/* So that its square is the half. */
static tap_var halved(tap_var x)
{
    return tap_mul_scalar(x, FOURTH_ROOT_HALF * FOURTH_ROOT_HALF);
}

/* log |det L| */
static tap_var log_det(tap_dist d)
{
    return tap_sum(is_diagonal(d) ? d.param[1] : tap_log(tap_abs(tap_diagonal(d.param[1], 0, -2, -1))), TAP_LAST);
}

/* log |det L_p| - log |det L_q| + (|L_p^-1 L_q|^2 - d + |L_p^-1 (mu_q - mu_p)|^2) / 2, theorem 1.3 by Cholesky factors */
static tap_var gaussians(tap_dist q, tap_dist p)
{
    tap__dist_pair s;
    if (!tap__dist_validate_pair(q, p, "kl", &s)) return tap__inert(q.param[0].tape);
    if (is_diagonal(q)) q = by_element(q, s.event);
    if (is_diagonal(p)) p = by_element(p, s.event);
    if (is_diagonal(q) && is_diagonal(p)) return tap_sum(normal_normal(q, p), TAP_LAST);
    tap_var spread = tap_sum(tap_square(halved(whitened(p, factor(q)))), TAP_AXES(-2, -1));
    tap_var shift =
        tap_sum(tap_square(halved(whitened(p, tap_unsqueeze(tap_sub(q.param[0], p.param[0]), -1)))), TAP_AXES(-2, -1));
    tap_var rest = tap_add_scalar(tap_sub(log_det(p), log_det(q)), -0.5 * (double)s.event.n[0]);
    return tap_add(tap_add(rest, spread), shift);
}

/* ---- Elements ---------------------------------------------------------------------------------------------------- */

/* x >= 0 ? x : -x, whose slope at 0 is 1: what follows is smooth there, and abs would lose its curvature. */
static tap_var distance(tap_dist q, tap_dist p)
{
    tap_var x = tap_sub(q.param[0], p.param[0]);
    return tap_where(tap_ge(x, tap_scalar_like(x, 0)), x, tap_neg(x));
}

/* (e^d - 1 - d) + e^d (e^-u - 1 + u) with d = log scale_q - log scale_p, u = |mu_q - mu_p| / scale_q. Where u is so large that the
 * exponential is nothing, the second term is |mu_q - mu_p| / scale_p - e^d, and the first begins with the same e^d. */
static tap_var laplace_laplace(tap_dist q, tap_dist p)
{
    tap_var d = tap_sub(q.param[1], p.param[1]), way = distance(q, p), u = tap__in_scales(way, q.param[1], 1);
    tap_var far = tap_gt(u, tap_scalar_like(u, 40)), some = tap_masked_fill(u, far, 0);
    tap_var near = tap_add(tap__expm1_minus_x(d), tap__in_scales(tap__expm1_minus_x(tap_neg(some)), tap_neg(d), 1));
    tap_var beyond = tap_sub(tap__in_scales(tap_where(far, way, tap_scalar_like(way, 0)), p.param[1], 1), tap_add_scalar(d, 1));
    return tap_where(far, beyond, near);
}

/* d + moment, and infinity where the moment is, which grows faster than -d */
static tap_var more(tap_var d, tap_var moment)
{
    return tap_neg(tap__sub_to_neg_inf(tap_neg(d), moment));
}

/* E|z - mu_p| / scale_p + log 2 scale_p - H(q), where E|z - mu_p| = scale_q sqrt(2 / pi) e^(-u^2) + x erf(u), u = x / (sqrt 2 scale_q) */
static tap_var normal_laplace(tap_dist q, tap_dist p)
{
    const double sqrt_2_by_pi = 0.79788456080286535588;
    tap_var      x = tap_sub(q.param[0], p.param[0]), d = tap_sub(p.param[1], q.param[1]);
    tap_var      u = tap__in_scales(x, q.param[1], FOURTH_ROOT_HALF);
    tap_var      bell = tap__in_scales(tap_mul_scalar(tap__exp_square(u, -1), sqrt_2_by_pi), d, 1);
    tap_var      mean = tap_add(bell, tap__chain_mul(tap_erf(u), tap__in_scales(x, p.param[1], 1)));
    return tap_add_scalar(more(d, mean), TAP__LOG_2 - TAP__HALF_LOG_2PI - 0.5);
}

/* E(z - mu_p)^2 / (2 scale_p^2) + log sqrt(2 pi) scale_p - H(q), where E(z - mu_p)^2 = 2 scale_q^2 + (mu_q - mu_p)^2 */
static tap_var laplace_normal(tap_dist q, tap_dist p)
{
    tap_var d = tap_sub(p.param[1], q.param[1]), ratio = tap_exp(tap_mul_scalar(d, -2));
    tap_var shift = tap__in_scales(tap_sub(q.param[0], p.param[0]), p.param[1], FOURTH_ROOT_HALF);
    return tap_add_scalar(more(d, tap_add(ratio, tap_square(shift))), TAP__HALF_LOG_2PI - TAP__LOG_2 - 1);
}

static tap_var bernoulli_bernoulli(tap_dist q, tap_dist p)
{
    return tap__bernoulli_kl(q.param[0], p.param[0]);
}

static tap_var continuous_bernoullis(tap_dist q, tap_dist p)
{
    return tap__cb_kl(q.param[0], p.param[0]);
}

/* ---- Classes and points ------------------------------------------------------------------------------------------ */

static tap_var classes(tap_dist q, tap_dist p)
{
    tap__dist_pair s;
    if (!tap__dist_validate_pair(q, p, "kl", &s)) return tap__inert(q.param[0].tape);
    return tap_sum(tap__categorical_kl_term(tap_log_softmax(q.param[0], -1), tap_log_softmax(p.param[0], -1)), TAP_LAST);
}

/* 0 or infinity; NaN stays NaN. */
static tap_var delta_delta(tap_dist q, tap_dist p)
{
    tap_var away = tap_detach(tap__safe_sub(q.param[0], p.param[0])), apart = tap_ne(away, tap_scalar_like(away, 0));
    return tap_where(tap_isnan(away), away, tap_where(apart, tap_full_like(away, (double)INFINITY), tap_full_like(away, 0)));
}

/* A point under a density, of which it has no share. */
static tap_var delta_density(tap_dist q, tap_dist p)
{
    return tap_full_like(tap_log_prob(p, q.param[0]), (double)INFINITY);
}

/* ---- By pair ----------------------------------------------------------------------------------------------------- */

#define NORMAL       &tap__normal_type
#define ISOTROPIC    &tap__isotropic_normal_type
#define MULTIVARIATE &tap__multivariate_normal_type

static const struct {
    const tap_dist_type *q, *p;
    tap_var (*kl)(tap_dist q, tap_dist p);
} table[] = {
    { NORMAL, NORMAL, normal_normal },
    { NORMAL, ISOTROPIC, gaussians },
    { NORMAL, MULTIVARIATE, gaussians },
    { ISOTROPIC, NORMAL, gaussians },
    { ISOTROPIC, ISOTROPIC, gaussians },
    { ISOTROPIC, MULTIVARIATE, gaussians },
    { MULTIVARIATE, NORMAL, gaussians },
    { MULTIVARIATE, ISOTROPIC, gaussians },
    { MULTIVARIATE, MULTIVARIATE, gaussians },
    { &tap__log_normal_type, &tap__log_normal_type, normal_normal }, /* KL is that of the logarithms */
    { &tap__laplace_type, &tap__laplace_type, laplace_laplace },
    { NORMAL, &tap__laplace_type, normal_laplace },
    { &tap__laplace_type, NORMAL, laplace_normal },
    { &tap__bernoulli_type, &tap__bernoulli_type, bernoulli_bernoulli },
    { &tap__continuous_bernoulli_type, &tap__continuous_bernoulli_type, continuous_bernoullis },
    { &tap__categorical_type, &tap__categorical_type, classes },
    { &tap__one_hot_categorical_type, &tap__one_hot_categorical_type, classes },
    { &tap__delta_type, &tap__delta_type, delta_delta },
    { &tap__delta_type, NORMAL, delta_density },
    { &tap__delta_type, ISOTROPIC, delta_density },
    { &tap__delta_type, MULTIVARIATE, delta_density },
    { &tap__delta_type, &tap__log_normal_type, delta_density },
    { &tap__delta_type, &tap__laplace_type, delta_density },
    { &tap__delta_type, &tap__continuous_bernoulli_type, delta_density },
    { &tap__delta_type, &tap__relaxed_bernoulli_type, delta_density },
    { &tap__delta_type, &tap__relaxed_one_hot_categorical_type, delta_density },
};

tap_var tap_kl(tap_dist q, tap_dist p)
{
    CALL("kl", q, p);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (q.type == table[i].q && p.type == table[i].p) return table[i].kl(q, p);
    }
    tap_tape *t = q.param[0].tape ? q.param[0].tape : p.param[0].tape;
    if (t)
        tap__fail(t, TAP_EARG, "kl", "no closed form for KL(%s || %s)", q.type ? q.type->name : "nothing",
                  p.type ? p.type->name : "nothing");
    return (tap_var){ .tape = t };
}

/* ---- From samples ------------------------------------------------------------------------------------------------ */

/* n samples of q, with all of the pair's batch. */
static tap_var samples(tap_dist q, const tap__dist_pair *s, int64_t n)
{
    tap_shape shape, last = s->q.own.rank ? s->q.own : s->event;
    tap__shape_join(TAP_SHAPE(n), s->batch, &shape);
    tap__shape_join(shape, last, &shape);
    return q.type->sample(q, q.type->noise(q.param[0].tape, shape));
}

/* log d(z), of vectors if the pair is. */
static tap_var log_density(tap_dist d, const tap__dist_pair *s, tap_var z)
{
    tap_var log_p = tap_log_prob(d, z);
    return d.type->event_rank < s->event.rank ? tap_sum(log_p, TAP_LAST) : log_p;
}

tap_var tap_kl_monte_carlo(tap_dist q, tap_dist p, int64_t n, tap_var *standard_error)
{
    CALL("kl_monte_carlo", q, p);
    tap__dist_pair s;
    tap_tape      *t = q.param[0].tape ? q.param[0].tape : p.param[0].tape;
    if (standard_error) *standard_error = (tap_var){ .tape = t };
    if (!tap__dist_validate_pair(q, p, "kl_monte_carlo", &s)) return (tap_var){ .tape = t };
    if (n < 1 + (standard_error != NULL) || s.batch.rank + 1 + s.q.own.rank + s.event.rank > TAP_MAX_RANK) {
        char text[TAP_SHAPE_TEXT];
        tap__fail(t, TAP_EARG, "kl_monte_carlo", "%lld samples of batch shape %s%s", (long long)n,
                  tap_shape_format(text, s.batch), n == 1 ? "; a standard error needs two" : "");
        return (tap_var){ .tape = t };
    }
    tap_var z = samples(q, &s, n);
    tap_var log_q = log_density(q, &s, z), ratio = tap_sub(log_q, log_density(p, &s, z));
    if (standard_error) *standard_error = tap_detach(tap_mul_scalar(tap_std(ratio, TAP_AXES(0), 1), 1 / sqrt((double)n)));
    if (q.type->hard) ratio = tap_add(ratio, tap_mul(tap_detach(ratio), tap_sub(log_q, tap_detach(log_q))));
    return tap_mean(ratio, TAP_AXES(0));
}
