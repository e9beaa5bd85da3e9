/* autograd/ops/rules.h: private operators. Gradient rules are written in them, and so are the losses and densities of nn/.
 * Most are rows of elementwise.def, broadcast their inputs and have gradients themselves, so that rules can be
 * differentiated again. Not installed.
 *
 * In the names, `grad` takes the gradient g of the result and gives g f'(x); `slope` gives f'(x) alone. */
#ifndef TAP_AUTOGRAD_OPS_RULES_H
#define TAP_AUTOGRAD_OPS_RULES_H

#include "autograd/autograd.h"

/* ---- The chain rule (elementwise.def): 0 where g is 0, even if the other factor is infinite or NaN ---- */

tap_var tap__chain_mul(tap_var g, tap_var slope); /* g slope */
tap_var tap__chain_div(tap_var g, tap_var x);     /* g / x */

/* ---- Gradients of elementwise functions (elementwise.def) ---- */

tap_var tap__abs_grad(tap_var g, tap_var x);                /* g sign(x) */
tap_var tap__relu_grad(tap_var g, tap_var y);               /* g where y > 0, else 0 */
tap_var tap__sqrt_grad(tap_var g, tap_var y);               /* g / (2 |y|), y = sqrt(x); +infinity at y = 0 and at y = -0 */
tap_var tap__log_grad(tap_var g, tap_var x);                /* g / x, where -0 counts as +0 */
tap_var tap__atan_grad(tap_var g, tap_var x);               /* g / (1 + x^2) */
tap_var tap__acosh_grad(tap_var g, tap_var x);              /* g / sqrt(x^2 - 1) */
tap_var tap__tanh_grad(tap_var g, tap_var x, tap_var y);    /* g tanh'(x), y = tanh(x); all of the derivative goes to x */
tap_var tap__sigmoid_grad(tap_var g, tap_var x, tap_var y); /* g sigmoid'(x), y = sigmoid(x); all of the derivative goes to x */
tap_var tap__silu_grad(tap_var g, tap_var x);               /* g silu'(x) */
tap_var tap__gelu_tanh_grad(tap_var g, tap_var x);          /* g gelu_tanh'(x) */
tap_var tap__mish_grad(tap_var g, tap_var x);               /* g mish'(x) */
tap_var tap__elu_slope(tap_var x, double alpha);            /* 1 where x > 0, else alpha e^x */
tap_var tap__celu_slope(tap_var x, double alpha);           /* 1 where x > 0, else e^(x / alpha) */
tap_var tap__softplus_beta_slope(tap_var x, double beta, double threshold); /* sigmoid(beta x); 1 where beta x > threshold */
tap_var tap__pow_slope(tap_var a, tap_var b);                               /* b a^(b-1), by a */
tap_var tap__pow_log(tap_var a, tap_var b);                                 /* a^b log a, the derivative of a^b by b */
tap_var tap__hypot_slope(tap_var a, tap_var b);                             /* a / sqrt(a^2 + b^2), by a; 0 at (0, 0) */
tap_var tap__atan2_slope(tap_var a, tap_var b);                             /* b / (a^2 + b^2), by a; 0 at (0, 0) */
tap_var tap__xlogy_slope(tap_var a, tap_var b);                             /* a / b, by b; 0 where a is 0 */

/* ---- Constants (elementwise_composed.c) ---- */

tap_var tap__zero_like(tap_var x); /* 0, of x's dtype whatever it is, while tap_scalar_like gives a float */

/* ---- Elementwise functions behind public ones that check p and q (elementwise.def) ---- */

tap_var tap__celu(tap_var x, double p);
tap_var tap__softplus_beta(tap_var x, double p, double q);
tap_var tap__polygamma(tap_var x, double p);

/* ---- Differences, quotients and comparisons that have a value at infinity (elementwise.def) ---- */

tap_var tap__safe_sub(tap_var a, tap_var b);       /* a - b; 0 where a == b, infinite or not */
tap_var tap__sub_to_neg_inf(tap_var a, tap_var b); /* a - b; -infinity where both are infinite */
tap_var tap__sub_square(tap_var a, tap_var b);     /* a - b^2; -infinity where both are infinite */
tap_var tap__safe_div(tap_var a, tap_var b);       /* a / b; 0 where a is 0; for infinite b sign(a) or, for finite a, 0 */
tap_var tap__equal_nan(tap_var a, tap_var b);      /* 1 where they are equal or both NaN, else 0; gradient 0 */
tap_var tap__sigmoid_of_difference(tap_var a, tap_var b);   /* sigmoid(a - b) = e^a / (e^a + e^b); 1/2 where a == b */
tap_var tap__heaviside_of_difference(tap_var a, tap_var b); /* 1, 1/2 or 0 for a > b, a == b or a < b; gradient 0 */

/* ---- Exponentials (elementwise.def) ---- */

tap_var tap__exp_square(tap_var x, double rate);       /* e^(rate x^2) */
tap_var tap__expm1_minus_x(tap_var x);                 /* e^x - 1 - x */
tap_var tap__exp_difference(tap_var a, tap_var b);     /* e^a - e^b */
tap_var tap__sub_exp(tap_var a, tap_var b, tap_var c); /* a - c e^b */
tap_var tap__sigmoid_sub(tap_var x, tap_var t);        /* sigmoid(x) - t */
tap_var tap__sigmoid_difference(tap_var a, tap_var b); /* sigmoid(a) - sigmoid(b) */
tap_var tap__gated(tap_var a, tap_var b);              /* a sigmoid(b) */
tap_var tap__gated_grad(tap_var a, tap_var b);         /* a sigmoid(b); 0 where a is 0 */
tap_var tap__gated_slope(tap_var a, tap_var b);        /* a sigmoid'(b); 0 where a is 0 */
/* a c^2 = a k^2 e^b for c = k e^(b/2), in range wherever the result is. The derivative by b is the result itself: it stands for
 * that by c, too, which is 0. */
tap_var tap__times_exp(tap_var a, tap_var b, tap_var c);

/* ---- Bernoulli variables with logits x; with t in [0,1] observed (elementwise.def) ---- */

tap_var tap__bernoulli_log_prob(tap_var x, tap_var t); /* t log sigmoid(x) + (1-t) log(1 - sigmoid(x)); -infinity for other t */
tap_var tap__bernoulli_grad(tap_var g, tap_var t, tap_var x); /* g (t - sigmoid(x)), its gradient by x; 0 for other t */
tap_var tap__mask_unit_interval(tap_var a, tap_var t);        /* a where t is in [0,1], else 0 */
tap_var tap__bernoulli_entropy(tap_var x);
tap_var tap__bernoulli_kl(tap_var a, tap_var b);      /* KL(p || r) for logits a of p and b of r */
tap_var tap__bernoulli_kl_grad(tap_var a, tap_var b); /* sigmoid'(a) (a - b), its slope by a */

/* ---- Categorical variables: p = e^a, r = e^b (elementwise.def) ---- */

tap_var tap__categorical_kl_term(tap_var a, tap_var b); /* p log(p / r) - p + r: the sum is KL(p || r) */
tap_var tap__categorical_kl_grad(tap_var a, tap_var b); /* p (a - b), its slope by a */

/* ---- Continuous Bernoulli variables, cb_ for short (Loaiza-Ganem and Cunningham 2019) (elementwise.def) ----
 *
 * Their density at t in [0,1] is e^(x t) / Z(x) for the logit x, Z being the integral of e^(x t) over t in [0,1]. */

tap_var tap__cb_cumulant(tap_var x, double n);         /* k_n(x): the n-th derivative of log Z, the n-th cumulant */
tap_var tap__cb_mean_difference(tap_var a, tap_var b); /* k_1(a) - k_1(b) */
tap_var tap__cb_kl(tap_var a, tap_var b);              /* KL from logit a to logit b */
tap_var tap__cb_kl_grad(tap_var a, tap_var b);         /* k_2(a) (a - b), its slope by a */

/* ---- Terms of losses and normalizations (elementwise.def) ---- */

tap_var tap__huber(tap_var a, tap_var b, tap_var c); /* d^2 / 2 for d = |a - b| <= c, else c (d - c / 2); gradient by c 0 */
tap_var tap__smooth_l1(tap_var x, double p);         /* x^2 / (2 p) for |x| <= p, else |x| - p / 2 */
tap_var tap__kl_term(tap_var a, tap_var b);          /* a (log a - b); value and slope 0 where a is 0 */
tap_var tap__kl_log_term(tap_var a, tap_var b);      /* e^a (a - b); 0 where e^a is 0 */
tap_var tap__bce(tap_var p, tap_var t);              /* -t log p - (1 - t) log(1 - p), with logarithms of at least -100 */
tap_var tap__weighted_bce(tap_var x, tap_var t, tap_var w);      /* -w t log sigmoid(x) - (1 - t) log(1 - sigmoid(x)) */
tap_var tap__standard_score(tap_var x, tap_var mean, tap_var s); /* (x - mean) / s; 0 where x is the mean */

/* ---- Rising factorials, of which the likelihoods of counts are made (elementwise.def, rising.c) ---- */

/* r_0 = log(theta (theta + 1) ... (theta + x - 1) / theta^x) for theta = e^u and whole numbers x. That is lgamma(theta + x) -
 * lgamma(theta) - x u, with all digits where theta is large. x has no gradient. */
tap_var tap__log_rising(tap_var x, tap_var u);
tap_var tap__rising_slope(tap_var x, tap_var u);             /* r_1 = d r_0 / du */
tap_var tap__rising_derivative(int n, tap_var x, tap_var u); /* r_n = theta^n d^n r_0 / dtheta^n */

/* ---- Reductions over axes (reductions.c, softmax.c, moments.c) ---- */

/* The dtype and shape of a reduction's result, for operators whose attributes begin with tap_axes. */
tap_status tap__reduce_infer(tap_call *c, tap_tensor *out);
/* v, the result of reducing a tensor of this shape over axes, with those axes of size 1: it broadcasts to that shape. */
tap_var tap__with_axes(tap_var v, tap_axes axes, tap_shape of);
tap_var tap__log_sum_exp(tap_var x, tap_axes axes); /* log sum e^x, for x whose maximum is 0 */
tap_var tap__l2_norm(tap_var x, tap_axes axes);     /* |x| = sqrt(sum x^2), whatever the squares are */
tap_var tap__mean_square(tap_var x, tap_axes axes); /* mean x^2 */

/* ---- Normalization over axes, which the results keep (moments.c) ---- */

/* (x - mean) / s and 1 / s, with s = sqrt(mean (x - mean)^2 + eps); mean is 0 unless centered. 0 where s is 0. */
tap_var tap__standardize(tap_var x, tap_axes axes, bool centered, double eps);
tap_var tap__inverse_std(tap_var x, tap_axes axes, bool centered, double eps);
/* x / max(|x|, eps) and 1 / max(|x|, eps), |x| being the Euclidean norm. 0 where |x| and eps are 0. */
tap_var tap__l2_normalize(tap_var x, tap_axes axes, double eps);
tap_var tap__inverse_norm(tap_var x, tap_axes axes, double eps);

/* ---- Indexing (indexing.c) ---- */

tap_var tap__at_least_1d(tap_var x); /* [] as [1], others as they are: PyTorch indexes a scalar along axis 0 */

/* ---- Linear algebra (linalg.c) ---- */

tap_var tap__cofactors(tap_var x); /* d det(x) / d x, [..,n,n] */

#endif
