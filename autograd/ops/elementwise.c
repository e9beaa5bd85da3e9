/* autograd/ops/elementwise.c: elementwise operators, made from the rows of elementwise.def; where and cast. */
#include <math.h>

#include "autograd/internal.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/rules.h"
#include "tensor/cpu.h"
#include "tensor/internal.h"
#include "tensor/shape.h"

enum { CHEAP = 1, MODERATE = 4, EXPENSIVE = 100 }; /* the cost per element that tap__map takes */

/* An operator of the table, with the number of its row. */
typedef struct {
    tap_op op; /* first */
    int    row, cost;
} row_op;

static tap__run loop_for(int row, tap_dtype dtype)
{
    return (*TAP__KERNEL_PICK(&tap__elementwise))[row][dtype];
}

static tap_status infer_row(tap_call *c, tap_tensor *out, bool compare)
{
    const row_op *op = (const row_op *)c->op;
    out->shape = c->in[0].shape;
    out->dtype = compare ? TAP_BOOL : c->in[0].dtype;
    for (int i = 1; i < c->n_in; i++) {
        if (c->in[0].dtype != c->in[i].dtype)
            return tap_call_fail(c, TAP_EDTYPE, "dtypes %s and %s differ", tap_dtype_name(c->in[0].dtype),
                                 tap_dtype_name(c->in[i].dtype));
    }
    if (!loop_for(op->row, c->in[0].dtype))
        return tap_call_fail(c, TAP_EDTYPE, "%s is not float32 or float64; tap_cast makes it so",
                             tap_dtype_name(c->in[0].dtype));
    for (int i = 1; i < c->n_in; i++) {
        if (!tap__broadcast_shapes(out->shape, c->in[i].shape, &out->shape))
            return tap_call_fail(c, TAP_ESHAPE, "the shapes do not broadcast");
    }
    return TAP_OK;
}

static tap_status infer_same(tap_call *c, tap_tensor *out)
{
    return infer_row(c, out, false);
}

static tap_status infer_bool(tap_call *c, tap_tensor *out)
{
    return infer_row(c, out, true);
}

static void run_row(tap_call *c, tap_tensor *out)
{
    const row_op *op = (const row_op *)c->op;
    tap__map(loop_for(op->row, c->in[0].dtype), c->attr, out, c->n_in, c->in, op->cost);
}

/* ---- Functions that rules in elementwise.def call ---- */

#define NONE    ((tap_var){ 0 })
#define C(v)    tap_scalar_like(x, v)
#define LN2     0.693147180559945309
#define LN10    2.30258509299404568
#define SQRT_PI 1.77245385090551603
#define SQRT_2  1.41421356237309505

/* g where the condition is true, else 0 */
static tap_var mask(tap_var condition, tap_var g)
{
    return tap_where(condition, g, tap_scalar_like(g, 0));
}

/* 1 - x^2 as (1 - x) (1 + x), which does not cancel near |x| = 1 */
static tap_var one_minus_square(tap_var x)
{
    return tap_mul(tap_add_scalar(tap_neg(x), 1), tap_add_scalar(x, 1));
}

/* -g y x / (x^2 - 1): g times the derivative of y = a / sqrt(x^2 - 1) by x */
static tap_var acosh_grad_by_x(tap_var g, tap_var x, tap_var y)
{
    tap_var u = tap__chain_mul(tap__chain_mul(g, y), x);
    return tap_neg(tap__chain_div(tap__chain_div(u, tap_add_scalar(x, -1)), tap_add_scalar(x, 1)));
}

/* height e^(rate x^2) */
static tap_var gaussian(tap_var x, double height, double rate)
{
    return tap_mul_scalar(tap__exp_square(x, rate), height);
}

/* g / (1 + |x|)^2 */
static tap_var softsign_grad(tap_var g, tap_var x)
{
    tap_var d = tap_add_scalar(tap_abs(x), 1);
    return tap__chain_div(tap__chain_div(g, d), d);
}

/* g sigmoid'(x) */
static tap_var sigmoid_grad_from_x(tap_var g, tap_var x)
{
    return tap__sigmoid_grad(g, x, tap_sigmoid(x));
}

/* tanh(x / 2) = 2 sigmoid(x) - 1 */
static tap_var tanh_half(tap_var x)
{
    return tap_tanh(tap_mul_scalar(x, 0.5));
}

/* g silu''(x) = g s' (2 + x (1 - 2 s)), s = sigmoid(x) */
static tap_var silu_second(tap_var g, tap_var x)
{
    return tap__chain_mul(sigmoid_grad_from_x(g, x), tap_add_scalar(tap_neg(tap_mul(x, tanh_half(x))), 2));
}

/* gelu'(x): the distribution function of the standard normal, plus x times its density */
static tap_var gelu_slope(tap_var x)
{
    tap_var cdf = tap_mul_scalar(tap_erfc(tap_mul_scalar(x, -1 / SQRT_2)), 0.5);
    return tap_add(cdf, tap__chain_mul(gaussian(x, 1 / (SQRT_2 * SQRT_PI), -0.5), x));
}

/* g gelu_tanh''(x) = g s' (2 u' + x (u'' + u'^2 (1 - 2 s))), s = sigmoid(u), u = c (x + k x^3). For |x| > 40, s' is 0. */
static tap_var gelu_tanh_second(tap_var g, tap_var x)
{
    const double c = 1.5957691216057308, k = 0.044715;
    tap_var      z = tap_clamp(x, -40, 40), square = tap_square(z);
    tap_var      u = tap_mul_scalar(tap_mul(z, tap_add_scalar(tap_mul_scalar(square, k), 1)), c);
    tap_var      du = tap_mul_scalar(tap_add_scalar(tap_mul_scalar(square, 3 * k), 1), c), ddu = tap_mul_scalar(z, 6 * k * c);
    tap_var      curvature = tap_sub(ddu, tap_mul(tanh_half(u), tap_square(du)));
    return tap__chain_mul(sigmoid_grad_from_x(g, u), tap_add(tap_mul_scalar(du, 2), tap_mul(z, curvature)));
}

/* g mish''(x) = g t' (2 + x (1 - s - 2 t s)), s = sigmoid(x), t = tanh(softplus(x)), t' = (1 - t^2) s */
static tap_var mish_second(tap_var g, tap_var x)
{
    tap_var s = tap_sigmoid(x), z = tap_softplus(x), t = tap_tanh(z);
    tap_var curvature = tap_sub(tap_sigmoid(tap_neg(x)), tap_mul_scalar(tap_mul(t, s), 2));
    return tap__chain_mul(tap__tanh_grad(tap__chain_mul(g, s), z, t), tap_add_scalar(tap_mul(x, curvature), 2));
}

/* g beta sigmoid'(beta x); 0 where beta x is above the threshold */
static tap_var softplus_beta_second(tap_var g, tap_var x, double beta, double threshold)
{
    tap_var z = tap_mul_scalar(x, beta);
    return mask(tap_le(z, C(threshold)), sigmoid_grad_from_x(tap_mul_scalar(g, beta), z));
}

/* g (b / h)^2 / h, h = sqrt(a^2 + b^2): g times the derivative of a / h by a */
static tap_var hypot_second(tap_var g, tap_var a, tap_var b)
{
    tap_var b_over_h = tap__hypot_slope(b, a);
    return tap__chain_mul(tap__chain_div(tap__chain_mul(g, b_over_h), tap_hypot(a, b)), b_over_h);
}

/* g times the derivative of b a^(b-1) by a: b (b-1) a^(b-2), which is 0 for b = 0 and b = 1 */
static tap_var pow_slope_by_a(tap_var g, tap_var a, tap_var b)
{
    return tap__chain_mul(g, tap__chain_mul(b, tap__pow_slope(a, tap_add_scalar(b, -1))));
}

/* g times the mixed second derivative of a^b by a and b: a^(b-1) + b a^(b-1) log a; 0 where b is 0 and a is not above 0 */
static tap_var pow_mixed(tap_var g, tap_var a, tap_var b)
{
    tap_var zero = tap_scalar_like(b, 0), one = tap_scalar_like(a, 1);
    tap_var constant = tap_logical_and(tap_eq(b, zero), tap_logical_not(tap_gt(a, zero)));
    tap_var base = tap_where(constant, one, a);
    tap_var sum = tap_add(tap_pow(base, tap_add_scalar(b, -1)), tap_xlogy(tap__pow_slope(base, b), base));
    return tap__chain_mul(tap_where(constant, zero, g), sum);
}

/* log b, the derivative of a log b by a; 0 where a is 0 and log b is not finite */
static tap_var xlogy_slope_by_a(tap_var a, tap_var b)
{
    tap_var zero = tap_scalar_like(b, 0);
    return tap_log(tap_where(tap_logical_and(tap_eq(a, zero), tap_le(b, zero)), tap_scalar_like(b, 1), b));
}

/* g (sigmoid'(a) - y tanh(a / 2)): g times the derivative of y = sigmoid'(a) (a - b) by a */
static tap_var bernoulli_kl_grad_by_a(tap_var g, tap_var a, tap_var y)
{
    return tap_sub(sigmoid_grad_from_x(g, a), tap__chain_mul(tap__chain_mul(g, tanh_half(a)), y));
}

/* g (k_3(a) (a - b) + k_2(a)): g times the derivative of k_2(a) (a - b) by a, with cumulants k_n of the continuous Bernoulli */
static tap_var cb_kl_grad_by_a(tap_var g, tap_var a, tap_var b)
{
    return tap__chain_mul(g, tap_add(tap__chain_mul(tap__cb_cumulant(a, 3), tap__safe_sub(a, b)), tap__cb_cumulant(a, 2)));
}

/* sigmoid'(a - b) = e^a e^b / (e^a + e^b)^2 */
static tap_var sigmoid_of_difference_slope(tap_var a, tap_var b)
{
    return tap_mul(tap__sigmoid_of_difference(a, b), tap__sigmoid_of_difference(b, a));
}

/* a - b, clamped to -delta and delta */
static tap_var huber_slope(tap_var a, tap_var b, tap_var delta)
{
    return tap_clamp_max(tap_clamp_min(tap__safe_sub(a, b), tap_neg(delta)), delta);
}

/* log a - b + 1, the derivative of a (log a - b) by a; 0 where a is 0 */
static tap_var kl_term_slope(tap_var a, tap_var b)
{
    tap_var zero = tap_scalar_like(a, 0);
    return tap_where(tap_eq(a, zero), zero, tap_add_scalar(tap_sub(tap_log(a), b), 1));
}

/* (1 - t) / (1 - p) - t / p, the derivative of bce by p, without the terms whose logarithms are clamped at -100: the second
 * where p <= e^-100, the first where p = 1 */
static tap_var bce_slope(tap_var p, tap_var t)
{
    tap_var one = tap_scalar_like(p, 1), q = tap_sub(one, p);
    tap_var above_0 = tap_gt(p, tap_scalar_like(p, exp(-100))), below_1 = tap_lt(p, one);
    tap_var at_end = tap_where(below_1, tap_div(tap_sub(one, t), q), tap_neg(tap_div(t, p)));
    return tap_where(tap_logical_and(above_0, below_1), tap_div(tap_div(tap_sub(p, t), p), q), at_end);
}

/* log(1 - p) - log p with both logarithms clamped at -100, the derivative of bce by t */
static tap_var bce_slope_by_target(tap_var p)
{
    tap_var min = tap_scalar_like(p, -100);
    return tap_sub(tap_clamp_min(tap_log1p(tap_neg(p)), min), tap_clamp_min(tap_log(p), min));
}

/* (1 - t) sigmoid(x) - t w sigmoid(-x), the derivative of weighted_bce by x */
static tap_var weighted_bce_slope(tap_var x, tap_var t, tap_var w)
{
    tap_var negative = tap__chain_mul(tap_add_scalar(tap_neg(t), 1), tap_sigmoid(x));
    return tap_sub(negative, tap__chain_mul(t, tap__chain_mul(w, tap_sigmoid(tap_neg(x)))));
}

/* w softplus(-x) - softplus(x), the derivative of weighted_bce by t */
static tap_var weighted_bce_slope_by_target(tap_var x, tap_var w)
{
    return tap_sub(tap__chain_mul(w, tap_softplus(tap_neg(x))), tap_softplus(x));
}

/* ---- Operators from the rows of elementwise.def ---- */

#define SET_GRAD(i, rule) \
    if (tap_needs_grad(n, i)) gin[i] = (rule);

/* The attributes of UNARY_P and UNARY_PQ rows are the numbers p and q. */
#define DEFINE_UNARY(function, name, cost, rule, attr_size, attr) \
    static void name##_vjp(const tap_node *n, tap_var g, tap_var *gin) \
    { \
        const double *pq = tap_attr(n); \
        const double  p = pq ? pq[0] : 0, q = pq ? pq[1] : 0; \
        const tap_var x = tap_in(n, 0), y = tap_out(n); \
        (void)g, (void)x, (void)y, (void)p, (void)q; \
        SET_GRAD(0, rule) \
    } \
    static const row_op name##_op = { { #name, infer_same, run_row, name##_vjp, attr_size }, TAP__ROW_##name, cost }; \
    tap_var             function \
    { \
        return tap_apply(&name##_op.op, attr, 1, &x); \
    }

#define UNARY(name, cost, value, rule) DEFINE_UNARY(tap_##name(tap_var x), name, cost, rule, 0, NULL)
#define DEFINE_UNARY_PQ(function, name, cost, rule, p, q) \
    DEFINE_UNARY(function, name, cost, rule, 2 * sizeof(double), ((const double[]){ p, q }))
#define UNARY_P(name, cost, value, rule)         DEFINE_UNARY_PQ(tap_##name(tap_var x, double p), name, cost, rule, p, 0)
#define UNARY_PQ(name, cost, value, rule)        DEFINE_UNARY_PQ(tap_##name(tap_var x, double p, double q), name, cost, rule, p, q)
#define PRIVATE_UNARY(name, cost, value, rule)   DEFINE_UNARY(tap__##name(tap_var x), name, cost, rule, 0, NULL)
#define PRIVATE_UNARY_P(name, cost, value, rule) DEFINE_UNARY_PQ(tap__##name(tap_var x, double p), name, cost, rule, p, 0)
#define PRIVATE_UNARY_PQ(name, cost, value, rule) \
    DEFINE_UNARY_PQ(tap__##name(tap_var x, double p, double q), name, cost, rule, p, q)

#define DEFINE_BINARY(function, name, cost, rule_a, rule_b) \
    static void name##_vjp(const tap_node *n, tap_var g, tap_var *gin) \
    { \
        const tap_var a = tap_in(n, 0), b = tap_in(n, 1), y = tap_out(n); \
        (void)g, (void)a, (void)b, (void)y; \
        SET_GRAD(0, rule_a) \
        SET_GRAD(1, rule_b) \
    } \
    static const row_op name##_op = { { #name, infer_same, run_row, name##_vjp, 0 }, TAP__ROW_##name, cost }; \
    tap_var             function(tap_var a, tap_var b) \
    { \
        return tap_apply(&name##_op.op, NULL, 2, (tap_var[]){ a, b }); \
    }

#define BINARY(name, cost, value, rule_a, rule_b)         DEFINE_BINARY(tap_##name, name, cost, rule_a, rule_b)
#define PRIVATE_BINARY(name, cost, value, rule_a, rule_b) DEFINE_BINARY(tap__##name, name, cost, rule_a, rule_b)

#define DEFINE_TERNARY(function, name, cost, rule_a, rule_b, rule_c) \
    static void name##_vjp(const tap_node *n, tap_var g, tap_var *gin) \
    { \
        const tap_var a = tap_in(n, 0), b = tap_in(n, 1), c = tap_in(n, 2), y = tap_out(n); \
        (void)a, (void)y; \
        SET_GRAD(0, rule_a) \
        SET_GRAD(1, rule_b) \
        SET_GRAD(2, rule_c) \
    } \
    static const row_op name##_op = { { #name, infer_same, run_row, name##_vjp, 0 }, TAP__ROW_##name, cost }; \
    tap_var             function(tap_var a, tap_var b, tap_var c) \
    { \
        return tap_apply(&name##_op.op, NULL, 3, (tap_var[]){ a, b, c }); \
    }

#define TERNARY(name, cost, value, rule_a, rule_b, rule_c) DEFINE_TERNARY(tap_##name, name, cost, rule_a, rule_b, rule_c)
#define PRIVATE_TERNARY(name, cost, value, rule_a, rule_b, rule_c) \
    DEFINE_TERNARY(tap__##name, name, cost, rule_a, rule_b, rule_c)

#define COMPARE(name, value) \
    static const row_op name##_op = { { #name, infer_bool, run_row, NULL, 0 }, TAP__ROW_##name, CHEAP }; \
    tap_var             tap_##name(tap_var a, tap_var b) \
    { \
        return tap_apply(&name##_op.op, NULL, 2, (tap_var[]){ a, b }); \
    }

#include "autograd/ops/elementwise.def"

void tap__accumulate(tap_tensor sum, tap_tensor x)
{
    tap__map(loop_for(TAP__ROW_accumulate, sum.dtype), NULL, &sum, 1, &x, CHEAP);
}

/* ---- where and cast ---- */

static tap_status where_infer(tap_call *c, tap_tensor *out)
{
    tap_shape ab;
    out->dtype = c->in[1].dtype;
    if (c->in[0].dtype != TAP_BOOL)
        return tap_call_fail(c, TAP_EDTYPE, "the condition must be bool, not %s", tap_dtype_name(c->in[0].dtype));
    if (c->in[1].dtype != c->in[2].dtype)
        return tap_call_fail(c, TAP_EDTYPE, "dtypes %s and %s differ", tap_dtype_name(c->in[1].dtype),
                             tap_dtype_name(c->in[2].dtype));
    if (!tap__broadcast_shapes(c->in[1].shape, c->in[2].shape, &ab) || !tap__broadcast_shapes(c->in[0].shape, ab, &out->shape))
        return tap_call_fail(c, TAP_ESHAPE, "the shapes do not broadcast");
    return TAP_OK;
}

static void where_forward(tap_call *c, tap_tensor *out)
{
    tap__map(loop_for(TAP__ROW_where, out->dtype), NULL, out, 3, c->in, CHEAP);
}

static void where_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    tap_var condition = tap_in(n, 0), zero = tap_scalar_like(g, 0);
    if (tap_needs_grad(n, 1)) gin[1] = tap_where(condition, g, zero);
    if (tap_needs_grad(n, 2)) gin[2] = tap_where(condition, zero, g);
}

static const tap_op where_op = { "where", where_infer, where_forward, where_vjp, 0 };

tap_var tap_where(tap_var condition, tap_var a, tap_var b)
{
    return tap_apply(&where_op, NULL, 3, (tap_var[]){ condition, a, b });
}

static tap_status cast_infer(tap_call *c, tap_tensor *out)
{
    out->dtype = *(const tap_dtype *)c->attr;
    out->shape = c->in[0].shape;
    if (!tap_dtype_size(out->dtype))
        return tap_call_fail(c, TAP_EDTYPE, "the dtype must be TAP_F32 to TAP_BOOL, not %d", (int)out->dtype);
    return TAP_OK;
}

static void cast_forward(tap_call *c, tap_tensor *out)
{
    tap__tensor_copy(*out, c->in[0], NULL);
}

static void cast_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    gin[0] = tap_cast(g, tap_value(tap_in(n, 0)).dtype);
}

static const tap_op cast_op = { "cast", cast_infer, cast_forward, cast_vjp, sizeof(tap_dtype) };

tap_var tap_cast(tap_var x, tap_dtype dtype)
{
    if (x.tape && x.tape->promote_f32 && dtype == TAP_F32) dtype = TAP_F64;
    return tap_apply(&cast_op, &dtype, 1, &x);
}
