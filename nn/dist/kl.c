/* nn/dist/kl.c: KL(q || p) = E_q[log q(z) - log p(z)], in closed form by pairs of families, or by samples. In the formulas of
 * pairs mu and sigma are loc and scale, of q or of p, and d = log sigma_q - log sigma_p. */
#include "nn/dist/distribution.h"

#define CALL(name, q, p) TAP_CALL(name, q.param[0], q.param[1], q.param[2], p.param[0], p.param[1], p.param[2])

/* ---- Gaussians --------------------------------------------------------------------------------------------------- */

/* (e^2d - 1 - 2d) / 2 + ((mu_q - mu_p) / sigma_p)^2 / 2, two terms that are not negative */
static tap_var normal_normal(tap_dist q, tap_dist p)
{
    tap_var scale_term = tap__expm1_minus_x(tap_mul_scalar(tap_sub(q.param[1], p.param[1]), 2));
    tap_var mean_term = tap__divide_by_scale(tap_sub(q.param[0], p.param[0]), p.param[1], TAP__FOURTH_ROOT_HALF);
    return tap_add(tap_mul_scalar(scale_term, 0.5), tap_square(mean_term));
}

static bool is_diagonal(tap_dist d)
{
    return d.type != &tap__multivariate_normal_type;
}

/* The Normal of a diagonal Gaussian's elements, with log_scale expanded to the event. */
static tap_dist elements(tap_dist d, tap_shape event)
{
    tap_var   log_scale = d.type == &tap__isotropic_normal_type ? tap_unsqueeze(d.param[1], -1) : d.param[1];
    tap_shape full = event;
    tap__broadcast_shapes(tap_shape_of(log_scale), event, &full);
    return tap_normal(d.param[0], tap_expand(log_scale, full));
}

/* L of the covariance L L^T */
static tap_var cholesky_factor(tap_dist d)
{
    return is_diagonal(d) ? tap_diag_embed(tap_exp(d.param[1]), 0, -2, -1) : tap_tril(d.param[1], 0);
}

/* L^-1 x, x [..,d,m] */
static tap_var whiten(tap_dist d, tap_var x)
{
    if (!is_diagonal(d)) return tap_solve_triangular(d.param[1], x, TAP_LOWER, TAP_LEFT, TAP_NON_UNIT);
    return tap__divide_by_scale(x, tap_unsqueeze(d.param[1], -1), 1);
}

/* x / sqrt 2, whose square is x^2 / 2 without an overflow */
static tap_var scale_by_sqrt_half(tap_var x)
{
    return tap_mul_scalar(x, TAP__FOURTH_ROOT_HALF * TAP__FOURTH_ROOT_HALF);
}

/* log |det L| */
static tap_var log_det(tap_dist d)
{
    return tap_sum(is_diagonal(d) ? d.param[1] : tap_log(tap_abs(tap_diagonal(d.param[1], 0, -2, -1))), TAP_LAST);
}

/* log |det L_p| - log |det L_q| + (|L_p^-1 L_q|^2 - d + |L_p^-1 (mu_q - mu_p)|^2) / 2, d being the size of an event */
static tap_var gaussian_gaussian(tap_dist q, tap_dist p)
{
    tap__dist_pair s;
    if (!tap__dist_validate_pair(q, p, "kl", &s)) return tap__inert(q.param[0].tape);
    if (is_diagonal(q)) q = elements(q, s.event);
    if (is_diagonal(p)) p = elements(p, s.event);
    if (is_diagonal(q) && is_diagonal(p)) return tap_sum(normal_normal(q, p), TAP_LAST);
    tap_var scale_term = tap_sum(tap_square(scale_by_sqrt_half(whiten(p, cholesky_factor(q)))), TAP_AXES(-2, -1));
    tap_var difference = whiten(p, tap_unsqueeze(tap_sub(q.param[0], p.param[0]), -1));
    tap_var mean_term = tap_sum(tap_square(scale_by_sqrt_half(difference)), TAP_AXES(-2, -1));
    tap_var rest = tap_add_scalar(tap_sub(log_det(p), log_det(q)), -0.5 * (double)s.event.n[0]);
    return tap_add(tap_add(rest, scale_term), mean_term);
}

/* ---- Laplace, and Bernoulli variables ---------------------------------------------------------------------------- */

/* |mu_q - mu_p| with slope 1 at 0. The functions of it below are smooth there, and tap_abs, with slope 0, would lose their
 * curvature. */
static tap_var distance(tap_dist q, tap_dist p)
{
    tap_var x = tap_sub(q.param[0], p.param[0]);
    return tap_where(tap_ge(x, tap_scalar_like(x, 0)), x, tap_neg(x));
}

/* (e^d - 1 - d) + e^d (e^-u - 1 + u), u = |mu_q - mu_p| / sigma_q. Where e^-u vanishes, this is |mu_q - mu_p| / sigma_p - d -
 * 1. */
static tap_var laplace_laplace(tap_dist q, tap_dist p)
{
    tap_var d = tap_sub(q.param[1], p.param[1]), m = distance(q, p), u = tap__divide_by_scale(m, q.param[1], 1);
    tap_var large = tap_gt(u, tap_scalar_like(u, 40)), v = tap_masked_fill(u, large, 0);
    tap_var general = tap_add(tap__expm1_minus_x(d), tap__divide_by_scale(tap__expm1_minus_x(tap_neg(v)), tap_neg(d), 1));
    tap_var linear =
        tap_sub(tap__divide_by_scale(tap_where(large, m, tap_scalar_like(m, 0)), p.param[1], 1), tap_add_scalar(d, 1));
    return tap_where(large, linear, general);
}

/* d + moment, and infinity where the moment is, which grows faster than -d. */
static tap_var add_moment(tap_var d, tap_var moment)
{
    return tap_neg(tap__sub_to_neg_inf(tap_neg(d), moment));
}

/* E_q|z - mu_p| / sigma_p + log(2 sigma_p) - H(q), where E_q|z - mu_p| = sigma_q sqrt(2 / pi) e^(-u^2) + x erf(u), x = mu_q -
 * mu_p, u = x / (sqrt 2 sigma_q). Here, and below, d = log sigma_p - log sigma_q. */
static tap_var normal_laplace(tap_dist q, tap_dist p)
{
    const double sqrt_2_by_pi = 0.79788456080286535588;
    tap_var      x = tap_sub(q.param[0], p.param[0]), d = tap_sub(p.param[1], q.param[1]);
    tap_var      u = tap__divide_by_scale(x, q.param[1], TAP__FOURTH_ROOT_HALF);
    tap_var      exp_term = tap__divide_by_scale(tap_mul_scalar(tap__exp_square(u, -1), sqrt_2_by_pi), d, 1);
    tap_var      mean = tap_add(exp_term, tap__chain_mul(tap_erf(u), tap__divide_by_scale(x, p.param[1], 1)));
    return tap_add_scalar(add_moment(d, mean), TAP__LOG_2 - TAP__HALF_LOG_2PI - 0.5);
}

/* E_q(z - mu_p)^2 / (2 sigma_p^2) + log(sqrt(2 pi) sigma_p) - H(q), where E_q(z - mu_p)^2 = 2 sigma_q^2 + (mu_q - mu_p)^2 */
static tap_var laplace_normal(tap_dist q, tap_dist p)
{
    tap_var d = tap_sub(p.param[1], q.param[1]), ratio = tap_exp(tap_mul_scalar(d, -2));
    tap_var mean_term = tap__divide_by_scale(tap_sub(q.param[0], p.param[0]), p.param[1], TAP__FOURTH_ROOT_HALF);
    return tap_add_scalar(add_moment(d, tap_add(ratio, tap_square(mean_term))), TAP__HALF_LOG_2PI - TAP__LOG_2 - 1);
}

/* a (log a - log b) + (1 - a) (log(1 - a) - log(1 - b)), a = sigmoid(logits_q), b = sigmoid(logits_p) */
static tap_var bernoulli_bernoulli(tap_dist q, tap_dist p)
{
    return tap__bernoulli_kl(q.param[0], p.param[0]);
}

/* (l_q - l_p) mean_q + log Z(l_p) - log Z(l_q) */
static tap_var continuous_bernoulli_continuous_bernoulli(tap_dist q, tap_dist p)
{
    return tap__cb_kl(q.param[0], p.param[0]);
}

/* ---- Categorical and Delta --------------------------------------------------------------------------------------- */

/* sum p (log p - log r), p and r being the probabilities of q and p */
static tap_var categorical_categorical(tap_dist q, tap_dist p)
{
    tap__dist_pair s;
    if (!tap__dist_validate_pair(q, p, "kl", &s)) return tap__inert(q.param[0].tape);
    return tap_sum(tap__categorical_kl_term(tap_log_softmax(q.param[0], -1), tap_log_softmax(p.param[0], -1)), TAP_LAST);
}

/* 0 where the points are equal, else infinity; NaN stays NaN. */
static tap_var delta_delta(tap_dist q, tap_dist p)
{
    tap_var x = tap_detach(tap__safe_sub(q.param[0], p.param[0])), differs = tap_ne(x, tap_scalar_like(x, 0));
    return tap_where(tap_isnan(x), x, tap_where(differs, tap_full_like(x, (double)INFINITY), tap_full_like(x, 0)));
}

/* infinity: a density has no mass at a point. */
static tap_var delta_density(tap_dist q, tap_dist p)
{
    return tap_full_like(tap_log_prob(p, q.param[0]), (double)INFINITY);
}

/* ---- Closed forms ------------------------------------------------------------------------------------------------ */

#define NORMAL       &tap__normal_type
#define ISOTROPIC    &tap__isotropic_normal_type
#define MULTIVARIATE &tap__multivariate_normal_type

static const struct {
    const tap_dist_type *q, *p;
    tap_var (*kl)(tap_dist q, tap_dist p);
} table[] = {
    { NORMAL, NORMAL, normal_normal },
    { NORMAL, ISOTROPIC, gaussian_gaussian },
    { NORMAL, MULTIVARIATE, gaussian_gaussian },
    { ISOTROPIC, NORMAL, gaussian_gaussian },
    { ISOTROPIC, ISOTROPIC, gaussian_gaussian },
    { ISOTROPIC, MULTIVARIATE, gaussian_gaussian },
    { MULTIVARIATE, NORMAL, gaussian_gaussian },
    { MULTIVARIATE, ISOTROPIC, gaussian_gaussian },
    { MULTIVARIATE, MULTIVARIATE, gaussian_gaussian },
    { &tap__log_normal_type, &tap__log_normal_type, normal_normal }, /* KL is that of the logarithms */
    { &tap__laplace_type, &tap__laplace_type, laplace_laplace },
    { NORMAL, &tap__laplace_type, normal_laplace },
    { &tap__laplace_type, NORMAL, laplace_normal },
    { &tap__bernoulli_type, &tap__bernoulli_type, bernoulli_bernoulli },
    { &tap__continuous_bernoulli_type, &tap__continuous_bernoulli_type, continuous_bernoulli_continuous_bernoulli },
    { &tap__categorical_type, &tap__categorical_type, categorical_categorical },
    { &tap__one_hot_categorical_type, &tap__one_hot_categorical_type, categorical_categorical },
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

/* ---- Monte Carlo ------------------------------------------------------------------------------------------------- */

/* n samples of q, with the batch of the pair. */
static tap_var draw_samples(tap_dist q, const tap__dist_pair *s, int64_t n)
{
    tap_shape shape, last = s->q.noise_event.rank ? s->q.noise_event : s->event;
    tap__shape_join(TAP_SHAPE(n), s->batch, &shape);
    tap__shape_join(shape, last, &shape);
    return q.type->sample(q, q.type->noise(q.param[0].tape, shape));
}

/* The log density of z, per vector if one of the pair is of vectors. */
static tap_var event_log_prob(tap_dist d, const tap__dist_pair *s, tap_var z)
{
    tap_var log_p = tap_log_prob(d, z);
    return d.type->event_rank < s->event.rank ? tap_sum(log_p, TAP_LAST) : log_p;
}

static bool check_n(tap_tape *t, const tap__dist_pair *s, int64_t n, int min)
{
    char text[TAP_SHAPE_TEXT];
    if (n < min)
        tap__fail(t, TAP_EARG, "kl_monte_carlo", "n must be at least %d%s, not %lld", min,
                  min == 2 ? " for a standard error" : "", (long long)n);
    else if (s->batch.rank + 1 + s->q.noise_event.rank + s->event.rank > TAP_MAX_RANK)
        tap__fail(t, TAP_EARG, "kl_monte_carlo", "n samples of batch shape %s would have more than %d axes",
                  tap_shape_format(text, s->batch), TAP_MAX_RANK);
    else return true;
    return false;
}

tap_var tap_kl_monte_carlo(tap_dist q, tap_dist p, int64_t n, tap_var *standard_error)
{
    CALL("kl_monte_carlo", q, p);
    tap__dist_pair s;
    tap_tape      *t = q.param[0].tape ? q.param[0].tape : p.param[0].tape;
    if (standard_error) *standard_error = (tap_var){ .tape = t };
    if (!tap__dist_validate_pair(q, p, "kl_monte_carlo", &s)) return (tap_var){ .tape = t };
    if (!check_n(t, &s, n, standard_error ? 2 : 1)) return (tap_var){ .tape = t };
    tap_var z = draw_samples(q, &s, n);
    tap_var log_q = event_log_prob(q, &s, z), ratio = tap_sub(log_q, event_log_prob(p, &s, z));
    if (standard_error) *standard_error = tap_detach(tap_mul_scalar(tap_std(ratio, TAP_AXES(0), 1), 1 / sqrt((double)n)));
    /* The score function: adds no value, but the gradient E_q[ratio grad log q]. */
    if (!q.type->has_rsample) ratio = tap_add(ratio, tap_mul(tap_detach(ratio), tap_sub(log_q, tap_detach(log_q))));
    return tap_mean(ratio, TAP_AXES(0));
}
