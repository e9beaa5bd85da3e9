/* Bounds on log p(x) from the log densities of draws z_l ~ q(z|x). The value is the bound; what flows back through it is the
 * estimator asked for: x - detach(x) adds a gradient and no value. */
#include <math.h>

#include "autograd/internal.h"
#include "autograd/ops/rules.h"
#include "nn/internal.h"
#include "tensor/shape.h"

static bool is_score(tap_estimator e)
{
    return e == TAP_SCORE || e == TAP_SCORE_BASELINE || e == TAP_SCORE_LEAVE_ONE_OUT;
}

static bool is_estimator(tap_estimator e)
{
    return is_score(e) || e == TAP_REPARAMETERIZED || e == TAP_STICKING_THE_LANDING || e == TAP_DOUBLY_REPARAMETERIZED;
}

tap_var tap_estimator_sample(tap_estimator e, tap_var z)
{
    return is_score(e) ? tap_detach(z) : z;
}

tap_dist tap_estimator_posterior(tap_estimator e, tap_dist q)
{
    if (e != TAP_STICKING_THE_LANDING && e != TAP_DOUBLY_REPARAMETERIZED) return q;
    for (size_t i = 0; i < sizeof q.param / sizeof *q.param; i++) q.param[i] = tap_detach(q.param[i]);
    return q;
}

/* No value, whatever g and x are, but the gradient of g x. */
static tap_var only_gradient(tap_var g, tap_var x)
{
    return tap__chain_mul(tap__safe_sub(x, tap_detach(x)), tap_detach(g));
}

/* beta x, and 0 for beta 0, whatever x is */
static tap_var weighted(tap_var x, double beta)
{
    return beta == 0 ? tap__chain_mul(tap_scalar_like(x, 0), x) : tap_mul_scalar(x, beta);
}

/* y_i = x_0 + .. + x_(i-1) along the first axis */
static tap_var sum_before(tap_var x, int64_t n)
{
    tap_var first = tap_full_like(tap_narrow(x, 0, 0, 1), 0);
    return tap_cat(2, (tap_var[]){ first, tap_narrow(tap_cumsum(x, 0), 0, 0, n - 1) }, 0);
}

/* For each element, the mean of the n - 1 others along the first axis: the sum before it and the sum behind it. Their sum less the element
 * would be NaN where that is infinite, and without digits where it is large. */
static tap_var mean_of_others(tap_var x, int64_t n)
{
    tap_axes first = TAP_AXES(0);
    tap_var  behind = tap_flip(sum_before(tap_flip(x, first), n), first);
    return tap_mul_scalar(tap_add(sum_before(x, n), behind), 1 / ((double)n - 1));
}

/* The same of all other elements. */
static tap_var mean_of_all_others(tap_var x)
{
    const tap_shape s = tap_shape_of(x);
    return tap_reshape(mean_of_others(tap_reshape(x, TAP_SHAPE(-1)), tap_numel(s)), s);
}

static int64_t draws(tap_bound_terms d)
{
    return tap_shape_of(d.log_px_z).n[0];
}

/* What the score function is multiplied with: the bound [batch], less what is known without the image's own draws. */
static tap_var over_baseline(tap_bound_terms d, tap_bound_options o, tap_var f, tap_var bound)
{
    if (o.estimator != TAP_SCORE_BASELINE) return f;
    return tap__safe_sub(f, d.baseline.tape ? d.baseline : mean_of_all_others(bound));
}

tap_var tap_free_bits(tap_var kl, double nats)
{
    TAP_CALL("free_bits", kl);
    tap_node *n = tap__node_of(kl);
    if (!n) return tap__inert(kl.tape);
    tap_shape s = n->value.shape;
    if (s.rank == 0) return tap__fail_input(n, TAP_ESHAPE, "free_bits", "needs an axis of latent dimensions");
    if (!(nats >= 0 && isfinite(nats)))
        return tap__fail_input(n, TAP_EARG, "free_bits", "%g nats are not a finite number from 0 up", nats);
    if (tap_numel(s) == 0) return kl;
    tap_var mean = tap_mean(tap_reshape(kl, TAP_SHAPE(-1, s.n[s.rank - 1])), TAP_AXES(0));
    return tap_where(tap_le(mean, tap_scalar_like(mean, nats)), tap_scalar_like(kl, nats), kl); /* NaN stays */
}

/* E_q[log p(x|z)] - beta KL, or E_q[log p(x|z) + beta (log p(z) - log q(z|x))]. Under the score function log q has no gradient
 * in the second form, as the mean of that gradient is 0. */
static tap_var elbo(tap_bound_terms d, tap_bound_options o)
{
    tap_var f = d.log_px_z;
    if (!d.kl.tape) {
        tap_var log_q = is_score(o.estimator) ? tap_detach(d.log_q) : d.log_q;
        f = tap_add(f, weighted(tap_sub(d.log_pz, log_q), o.beta));
    }
    tap_var bound = tap_mean(f, TAP_AXES(0));
    if (is_score(o.estimator)) {
        tap_var signal = over_baseline(d, o, f, bound);
        if (o.estimator == TAP_SCORE_LEAVE_ONE_OUT) signal = tap__safe_sub(f, mean_of_others(f, draws(d)));
        bound = tap_add(bound, tap_mean(only_gradient(signal, d.log_q), TAP_AXES(0)));
    }
    if (!d.kl.tape) return bound;
    tap_var kl = o.free_bits > 0 ? tap_free_bits(d.kl, o.free_bits) : d.kl;
    return tap_sub(bound, weighted(tap_sum(kl, TAP_LAST), o.beta));
}

static tap_var log_mean_exp(tap_var log_w, tap_axes axes, int64_t k)
{
    return tap_add_scalar(tap_logsumexp(log_w, axes), -log((double)k));
}

/* For each draw, the bound with the geometric mean of the other weights in the place of its own (Mnih & Rezende 2016). */
static tap_var without_own_weight(tap_var log_w, int64_t k)
{
    tap_shape matrix = { .rank = tap_shape_of(log_w).rank + 1 }; /* [own,K,1..]: true on the diagonal */
    for (int i = 0; i < matrix.rank; i++) matrix.n[i] = i < 2 ? k : 1;
    tap_var own = tap_reshape(tap_cast(tap_eye(log_w.tape, k), TAP_BOOL), matrix);
    return log_mean_exp(tap_where(own, mean_of_others(log_w, k), log_w), TAP_AXES(1), k);
}

/* Through z flow gradients weighted with w, normalized; doubly reparameterized ones are weighted with w^2: Tucker et al. 2019.
 * So w - 1 times what flows through z already is still to be added. */
static tap_var doubly_reparameterized(tap_bound_terms d, tap_var log_w, tap_var bound)
{
    tap_var dz;
    if (!tap__node_of(bound) || !tap__node_of(bound)->needs) return bound;
    const bool      depends = tap__depends(bound, d.z);
    const tap_node *z = tap__node_of(d.z);
    if (!z) return bound; /* there was no memory to find out */
    if (!depends) return tap__fail_input(z, TAP_EARG, "bound_of", "log p(x|z) was not computed from this z, but from a copy");
    tap_var total = tap_sum(bound, TAP_ALL);
    bool    was = tap_tape_set_recording(bound.tape, false);
    tap_grad(total, 1, &d.z, &dz);
    tap_var   factor = tap_add_scalar(tap_softmax(log_w, 0), -1);
    const int events = tap_shape_of(d.z).rank - tap_shape_of(log_w).rank;
    for (int i = 0; i < events; i++) factor = tap_unsqueeze(factor, -1);
    factor = tap__chain_mul(factor, dz);
    tap_tape_set_recording(bound.tape, was);
    tap_var added = only_gradient(factor, d.z);
    for (int i = 0; i < events; i++) added = tap_sum(added, TAP_LAST);
    return tap_add(bound, tap_sum(added, TAP_AXES(0)));
}

/* log 1/K sum_k w_k, w = p(x,z) / q(z|x): Burda et al. 2016 */
static tap_var importance_weighted(tap_bound_terms d, tap_bound_options o)
{
    const int64_t k = draws(d);
    tap_var       log_w = tap_sub(tap_add(d.log_px_z, d.log_pz), d.log_q);
    tap_var       bound = log_mean_exp(log_w, TAP_AXES(0), k);
    if (o.estimator == TAP_DOUBLY_REPARAMETERIZED) return doubly_reparameterized(d, log_w, bound);
    if (!is_score(o.estimator)) return bound;
    tap_var signal = over_baseline(d, o, bound, bound);
    if (o.estimator == TAP_SCORE_LEAVE_ONE_OUT) signal = tap__safe_sub(bound, without_own_weight(log_w, k));
    return tap_add(bound, tap_sum(only_gradient(signal, d.log_q), TAP_AXES(0)));
}

/* ---- What is asked for can be had -------------------------------------------------------------------------------- */

/* NULL if the options make sense by themselves. */
static const char *nonsense(tap_bound_options o)
{
    if (!is_estimator(o.estimator)) return "there is no such estimator";
    if (o.bound != TAP_ELBO && o.bound != TAP_IWAE) return "there is no such bound";
    if (!isfinite(o.beta)) return "beta is not finite";
    if (!(o.free_bits >= 0 && isfinite(o.free_bits))) return "free_bits is not a finite number from 0 up";
    if (o.bound == TAP_ELBO) return NULL;
    if (o.beta != 1 || o.free_bits > 0) return "beta and free bits belong to the ELBO";
    if (o.estimator == TAP_STICKING_THE_LANDING)
        return "sticking the landing is biased for the importance-weighted bound: take the doubly reparameterized estimator";
    return NULL;
}

/* NULL if the log densities suffice. */
static const char *missing(tap_bound_terms d, tap_bound_options o)
{
    const bool by_draws = !d.kl.tape || o.bound == TAP_IWAE;
    const bool pathwise = o.estimator == TAP_STICKING_THE_LANDING || o.estimator == TAP_DOUBLY_REPARAMETERIZED;
    if (by_draws && (!d.log_pz.tape || !d.log_q.tape)) return "log p(z) or log q(z|x) is missing";
    if (is_score(o.estimator) && !d.log_q.tape) return "the score function needs log q(z|x)";
    if (o.bound == TAP_ELBO && pathwise && d.kl.tape) return "this estimator takes the KL by the draws, not in closed form";
    if (o.free_bits > 0 && !d.kl.tape) return "free bits need the KL in closed form";
    if (o.bound == TAP_IWAE && o.estimator == TAP_DOUBLY_REPARAMETERIZED && !d.z.tape)
        return "this estimator needs the draws z";
    return NULL;
}

/* Whether s begins with the axes of `front` from number `from` on. */
static bool begins_with(tap_shape s, tap_shape front, int from)
{
    bool same = s.rank >= front.rank - from;
    for (int i = from; i < front.rank && same; i++) same = s.n[i - from] == front.n[i];
    return same;
}

static const char *misfit(tap_bound_terms d, tap_bound_options o)
{
    tap_shape s = tap_shape_of(d.log_px_z), both;
    if (s.rank < 1 || s.n[0] < 1) return "log p(x|z) has no axis of draws";
    if (d.log_pz.tape && !tap_shape_equal(tap_shape_of(d.log_pz), s)) return "log p(z) has another shape than log p(x|z)";
    if (d.log_q.tape && !tap_shape_equal(tap_shape_of(d.log_q), s)) return "log q(z|x) has another shape than log p(x|z)";
    if (d.z.tape && !begins_with(tap_shape_of(d.z), s, 0)) return "z does not begin with the axes of log p(x|z)";
    if (d.kl.tape && (tap_shape_of(d.kl).rank != s.rank || !begins_with(tap_shape_of(d.kl), s, 1)))
        return "the KL is not [..,latent] for the images of log p(x|z)";
    if (o.estimator == TAP_SCORE_LEAVE_ONE_OUT && s.n[0] < 2) return "leaving one out needs two draws";
    if (o.estimator != TAP_SCORE_BASELINE) return NULL;
    if (d.baseline.tape && (!tap__broadcast_shapes(tap_shape_of(d.baseline), s, &both) || !tap_shape_equal(both, s)))
        return "the baseline does not broadcast to log p(x|z)";
    return d.baseline.tape || tap_numel(s) != s.n[0] ? NULL : "a baseline from the other images needs two of them";
}

/* Those that are there, log p(x|z) in any case. */
static int given(tap_bound_terms d, tap_var *x)
{
    const tap_var all[] = { d.log_pz, d.log_q, d.kl, d.z, d.baseline };
    int           n = 1;
    x[0] = d.log_px_z;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i].tape) x[n++] = all[i];
    }
    return n;
}

tap_var tap_variational_bound(tap_bound_terms d, tap_bound_options o)
{
    tap_var   x[6];
    const int n = given(d, x);
    TAP_CALL_N("bound_of", n, x);
    if (o.beta == 0) o.beta = 1;
    else if (o.beta < 0) o.beta = 0;
    if (!tap__same_tape("bound_of", n, x)) return tap__inert(tap__tape_of(n, x));
    const char *wrong = nonsense(o);
    if (!wrong) wrong = missing(d, o);
    if (wrong) return tap__fail_inputs("bound_of", n, x, TAP_EARG, "%s", wrong);
    wrong = misfit(d, o);
    if (wrong) return tap__fail_inputs("bound_of", n, x, TAP_ESHAPE, "%s", wrong);
    return o.bound == TAP_IWAE ? importance_weighted(d, o) : elbo(d, o);
}
