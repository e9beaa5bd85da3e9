/* nn/dist/bound.c: bounds on log p(x) from the log densities of draws z_l ~ q(z|x), with the estimator of their gradient that
 * is asked for. The value is the bound whatever the estimator: surrogate terms add a gradient and no value. */
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

/* g (x - detach(x)): the value 0, whatever g and x are, and the gradient of g x by x. */
static tap_var surrogate(tap_var g, tap_var x)
{
    return tap__chain_mul(tap__safe_sub(x, tap_detach(x)), tap_detach(g));
}

/* beta x, and 0 for beta = 0, also where x is infinite */
static tap_var times_beta(tap_var x, double beta)
{
    return beta == 0 ? tap__chain_mul(tap_scalar_like(x, 0), x) : tap_mul_scalar(x, beta);
}

/* y_i = x_0 + .. + x_(i-1) along the first axis */
static tap_var exclusive_cumsum(tap_var x, int64_t n)
{
    tap_var first = tap_full_like(tap_narrow(x, 0, 0, 1), 0);
    return tap_cat(2, (tap_var[]){ first, tap_narrow(tap_cumsum(x, 0), 0, 0, n - 1) }, 0);
}

/* For each element, the mean of the n - 1 others along the first axis, as the sum of those before it plus that of those after
 * it. The total minus the element would be NaN where the element is infinite, and lose digits where it is large. */
static tap_var leave_one_out_mean(tap_var x, int64_t n)
{
    tap_axes first = TAP_AXES(0);
    tap_var  after = tap_flip(exclusive_cumsum(tap_flip(x, first), n), first);
    return tap_mul_scalar(tap_add(exclusive_cumsum(x, n), after), 1 / ((double)n - 1));
}

/* For each element, the mean of all other elements. */
static tap_var leave_one_out_mean_of_all(tap_var x)
{
    const tap_shape s = tap_shape_of(x);
    return tap_reshape(leave_one_out_mean(tap_reshape(x, TAP_SHAPE(-1)), tap_numel(s)), s);
}

/* L, or K */
static int64_t n_draws(tap_bound_terms d)
{
    return tap_shape_of(d.log_px_z).n[0];
}

/* The factor f of the score function minus the baseline (Mnih & Gregor 2014): by default, the mean of the bound over the other
 * images. */
static tap_var learning_signal(tap_bound_terms d, tap_bound_options o, tap_var f, tap_var bound)
{
    if (o.estimator != TAP_SCORE_BASELINE) return f;
    return tap__safe_sub(f, d.baseline.tape ? d.baseline : leave_one_out_mean_of_all(bound));
}

tap_var tap_free_bits(tap_var kl, double nats)
{
    TAP_CALL("free_bits", kl);
    tap_node *n = tap__node_of(kl);
    if (!n) return tap__inert(kl.tape);
    tap_shape s = n->value.shape;
    if (s.rank == 0) return tap__fail_input(n, TAP_ESHAPE, "free_bits", "the KL must have an axis of latent dimensions");
    if (!(nats >= 0 && isfinite(nats)))
        return tap__fail_input(n, TAP_EARG, "free_bits", "nats must be a finite number from 0 up, not %g", nats);
    if (tap_numel(s) == 0) return kl;
    tap_var mean = tap_mean(tap_reshape(kl, TAP_SHAPE(-1, s.n[s.rank - 1])), TAP_AXES(0));
    return tap_where(tap_le(mean, tap_scalar_like(mean, nats)), tap_scalar_like(kl, nats), kl); /* NaN stays */
}

/* E_q[log p(x|z)] - beta KL if the KL is given, else E_q[log p(x|z) + beta (log p(z) - log q(z|x))]. For the score function the
 * gradient of the second form's log q is left out, as its mean is 0. */
static tap_var elbo(tap_bound_terms d, tap_bound_options o)
{
    tap_var f = d.log_px_z;
    if (!d.kl.tape) {
        tap_var log_q = is_score(o.estimator) ? tap_detach(d.log_q) : d.log_q;
        f = tap_add(f, times_beta(tap_sub(d.log_pz, log_q), o.beta));
    }
    tap_var bound = tap_mean(f, TAP_AXES(0));
    if (is_score(o.estimator)) {
        tap_var signal = learning_signal(d, o, f, bound);
        if (o.estimator == TAP_SCORE_LEAVE_ONE_OUT) signal = tap__safe_sub(f, leave_one_out_mean(f, n_draws(d)));
        bound = tap_add(bound, tap_mean(surrogate(signal, d.log_q), TAP_AXES(0)));
    }
    if (!d.kl.tape) return bound;
    tap_var kl = o.free_bits > 0 ? tap_free_bits(d.kl, o.free_bits) : d.kl;
    return tap_sub(bound, times_beta(tap_sum(kl, TAP_LAST), o.beta));
}

static tap_var log_mean_exp(tap_var log_w, tap_axes axes, int64_t k)
{
    return tap_add_scalar(tap_logsumexp(log_w, axes), -log((double)k));
}

/* For each draw, the bound in which the geometric mean of the other weights replaces its own weight (VIMCO, Mnih & Rezende
 * 2016). */
static tap_var leave_one_out_bound(tap_var log_w, int64_t k)
{
    tap_shape matrix = { .rank = tap_shape_of(log_w).rank + 1 }; /* [K,K,1,..] */
    for (int i = 0; i < matrix.rank; i++) matrix.n[i] = i < 2 ? k : 1;
    tap_var diagonal = tap_reshape(tap_cast(tap_eye(log_w.tape, k), TAP_BOOL), matrix);
    return log_mean_exp(tap_where(diagonal, leave_one_out_mean(log_w, k), log_w), TAP_AXES(1), k);
}

/* The gradient of the bound through z weights the draws by their normalized w, the doubly reparameterized one by w^2 (Tucker et
 * al. 2019). So this adds w - 1 times the gradient through z, as a surrogate. */
static tap_var doubly_reparameterized(tap_bound_terms d, tap_var log_w, tap_var bound)
{
    tap_var dz;
    if (!tap__node_of(bound) || !tap__node_of(bound)->requires_grad) return bound;
    const bool      depends = tap__depends(bound, d.z);
    const tap_node *z = tap__node_of(d.z);
    if (!z) return bound; /* no memory */
    if (!depends)
        return tap__fail_input(z, TAP_EARG, "variational_bound", "log p(x|z) must be computed from this z, not from a copy");
    tap_var total = tap_sum(bound, TAP_ALL);
    bool    was = tap_tape_set_recording(bound.tape, false);
    tap_grad(total, 1, &d.z, &dz);
    tap_var   factor = tap_add_scalar(tap_softmax(log_w, 0), -1);
    const int events = tap_shape_of(d.z).rank - tap_shape_of(log_w).rank;
    for (int i = 0; i < events; i++) factor = tap_unsqueeze(factor, -1);
    factor = tap__chain_mul(factor, dz);
    tap_tape_set_recording(bound.tape, was);
    tap_var correction = surrogate(factor, d.z);
    for (int i = 0; i < events; i++) correction = tap_sum(correction, TAP_LAST);
    return tap_add(bound, tap_sum(correction, TAP_AXES(0)));
}

/* log 1/K sum_k w_k, w_k = p(x,z_k) / q(z_k|x) (Burda et al. 2016) */
static tap_var importance_weighted(tap_bound_terms d, tap_bound_options o)
{
    const int64_t k = n_draws(d);
    tap_var       log_w = tap_sub(tap_add(d.log_px_z, d.log_pz), d.log_q);
    tap_var       bound = log_mean_exp(log_w, TAP_AXES(0), k);
    if (o.estimator == TAP_DOUBLY_REPARAMETERIZED) return doubly_reparameterized(d, log_w, bound);
    if (!is_score(o.estimator)) return bound;
    tap_var signal = learning_signal(d, o, bound, bound);
    if (o.estimator == TAP_SCORE_LEAVE_ONE_OUT) signal = tap__safe_sub(bound, leave_one_out_bound(log_w, k));
    return tap_add(bound, tap_sum(surrogate(signal, d.log_q), TAP_AXES(0)));
}

/* ---- Checks ------------------------------------------------------------------------------------------------------ */

/* NULL if the options go together. */
static const char *check_options(tap_bound_options o)
{
    if (!is_estimator(o.estimator)) return "estimator must be a tap_estimator";
    if (o.bound != TAP_ELBO && o.bound != TAP_IWAE) return "bound must be TAP_ELBO or TAP_IWAE";
    if (!isfinite(o.beta)) return "beta must be finite";
    if (!(o.free_bits >= 0 && isfinite(o.free_bits))) return "free_bits must be a finite number from 0 up";
    if (o.bound == TAP_ELBO) return NULL;
    if (o.beta != 1 || o.free_bits > 0) return "beta and free_bits are for TAP_ELBO";
    if (o.estimator == TAP_STICKING_THE_LANDING)
        return "sticking the landing is biased for TAP_IWAE; take TAP_DOUBLY_REPARAMETERIZED";
    return NULL;
}

/* NULL if the terms that the options need are there. */
static const char *check_terms(tap_bound_terms d, tap_bound_options o)
{
    const bool kl_by_draws = !d.kl.tape || o.bound == TAP_IWAE;
    const bool pathwise = o.estimator == TAP_STICKING_THE_LANDING || o.estimator == TAP_DOUBLY_REPARAMETERIZED;
    if (kl_by_draws && (!d.log_pz.tape || !d.log_q.tape)) return "log p(z) and log q(z|x) must be given";
    if (is_score(o.estimator) && !d.log_q.tape) return "the score function needs log q(z|x)";
    if (o.bound == TAP_ELBO && pathwise && d.kl.tape) return "this estimator takes the KL by the draws, not in closed form";
    if (o.free_bits > 0 && !d.kl.tape) return "free_bits need the KL in closed form";
    if (o.bound == TAP_IWAE && o.estimator == TAP_DOUBLY_REPARAMETERIZED && !d.z.tape)
        return "this estimator needs the draws z";
    return NULL;
}

/* Whether s begins with the axes from .. of `front`. */
static bool begins_with(tap_shape s, tap_shape front, int from)
{
    bool same = s.rank >= front.rank - from;
    for (int i = from; i < front.rank && same; i++) same = s.n[i - from] == front.n[i];
    return same;
}

/* NULL if the shapes of the terms fit together. */
static const char *check_shapes(tap_bound_terms d, tap_bound_options o)
{
    tap_shape s = tap_shape_of(d.log_px_z), both;
    if (s.rank < 1 || s.n[0] < 1) return "log p(x|z) must have an axis of draws in front";
    if (d.log_pz.tape && !tap_shape_equal(tap_shape_of(d.log_pz), s)) return "log p(z) must have the shape of log p(x|z)";
    if (d.log_q.tape && !tap_shape_equal(tap_shape_of(d.log_q), s)) return "log q(z|x) must have the shape of log p(x|z)";
    if (d.z.tape && !begins_with(tap_shape_of(d.z), s, 0)) return "z must begin with the axes of log p(x|z)";
    if (d.kl.tape && (tap_shape_of(d.kl).rank != s.rank || !begins_with(tap_shape_of(d.kl), s, 1)))
        return "the KL must be [..,latent] for the images of log p(x|z)";
    if (o.estimator == TAP_SCORE_LEAVE_ONE_OUT && s.n[0] < 2) return "TAP_SCORE_LEAVE_ONE_OUT needs at least 2 draws";
    if (o.estimator != TAP_SCORE_BASELINE) return NULL;
    if (d.baseline.tape && (!tap__broadcast_shapes(tap_shape_of(d.baseline), s, &both) || !tap_shape_equal(both, s)))
        return "the baseline must broadcast to log p(x|z)";
    return d.baseline.tape || tap_numel(s) != s.n[0] ? NULL : "a baseline from the other images needs at least 2 images";
}

/* Collects the terms that are given; log p(x|z) must be. */
static int collect_terms(tap_bound_terms d, tap_var *x)
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
    const int n = collect_terms(d, x);
    TAP_CALL_N("variational_bound", n, x);
    if (o.beta == 0) o.beta = 1;
    else if (o.beta < 0) o.beta = 0; /* TAP_ZERO */
    if (!tap__same_tape("variational_bound", n, x)) return tap__inert(tap__tape_of(n, x));
    const char *wrong = check_options(o);
    if (!wrong) wrong = check_terms(d, o);
    if (wrong) return tap__fail_inputs("variational_bound", n, x, TAP_EARG, "%s", wrong);
    wrong = check_shapes(d, o);
    if (wrong) return tap__fail_inputs("variational_bound", n, x, TAP_ESHAPE, "%s", wrong);
    return o.bound == TAP_IWAE ? importance_weighted(d, o) : elbo(d, o);
}
