/* autograd/ops/moments.c: variance, standard deviation and norms, and normalization by them. tensor/kernels/moments.h
 * computes them without overflow of squares. The rules are written in normalized numbers, which are of moderate size:
 *
 *     y = (x - mean) / s, s = sqrt(mean (x - mean)^2 + eps)    dx = (dy - mean dy - y mean(y dy)) / s
 *     u = x / max(|x|, eps)                                    dx = (du - u sum(u du)) / |x| where |x| > eps, else du / eps
 *
 * 1 / s and 1 / |x| are operators of their own, so that the rules can be differentiated again; they are 0 where s or |x| is
 * 0. */
#include <math.h>

#include "autograd/internal.h"
#include "autograd/ops/rules.h"
#include "tensor/kernels/moments.h"
#include "tensor/internal.h"
#include "tensor/shape.h"

/* The attributes of all of these operators; tap__reduce_infer needs the axes first. number is a correction or eps. */
typedef struct {
    tap_axes axes;
    bool     centered;
    double   number;
} moments_attr;

static const moments_attr *attr_of(const tap_call *c)
{
    return c->attr;
}

/* Computes the moments of in[0]. They and *factor, an array of a number for each of the *n results, are in scratch memory. */
static bool compute_moments(tap_call *c, bool centered, tap__moments *m, double **factor, int64_t *n)
{
    unsigned  mask;
    tap_shape shape;
    tap__reduced_shape(c->in[0].shape, attr_of(c)->axes, &mask, &shape, NULL);
    *n = tap_numel(shape);
    m->center = tap_call_scratch(c, 3 * (size_t)*n * sizeof *m->center);
    m->exponent = tap_call_scratch(c, (size_t)*n * sizeof *m->exponent);
    if (!m->center || !m->exponent) return false;
    m->squares = m->center + *n;
    *factor = m->squares + *n;
    const bool ok = tap__moments_of(c->in[0], mask, centered, m, c->tape->arena);
    if (!ok) tap__no_memory(c->tape, c);
    return ok;
}

static void set_item(const tap_tensor *out, int64_t i, double value)
{
    if (out->dtype == TAP_F32) ((float *)out->data)[i] = (float)value;
    else ((double *)out->data)[i] = value;
}

static tap_var apply(const tap_op *op, tap_var x, tap_axes axes, bool centered, double number)
{
    const moments_attr a = { axes, centered, number };
    return tap_apply(op, &a, 1, &x);
}

/* The number of elements for each result. */
static double count_of(const tap_node *n, tap_var result)
{
    return (double)tap_numel(tap_shape_of(tap_in(n, 0))) / (double)tap_numel(tap_shape_of(result));
}

/* g, the gradient of a reduced result, with the axes of x, so that it broadcasts to x */
static tap_var with_axes_of_x(const tap_node *n, tap_var g)
{
    return tap__with_axes(g, ((const moments_attr *)tap_attr(n))->axes, tap_shape_of(tap_in(n, 0)));
}

/* ---- (x - mean) / s and 1 / s ---- */

static tap_status same_infer(tap_call *c, tap_tensor *out)
{
    if (tap__reduce_infer(c, out) != TAP_OK) return c->tape->error.status;
    out->shape = c->in[0].shape;
    return TAP_OK;
}

static void apply_factors(tap_call *c, const tap__moments *m, double *factor, tap_tensor *out)
{
    unsigned  mask;
    tap_shape shape;
    tap__reduced_shape(c->in[0].shape, attr_of(c)->axes, &mask, &shape, NULL);
    tap__moments_apply(c->in[0], mask, m, factor, *out);
}

static void standardize_forward(tap_call *c, tap_tensor *out)
{
    tap__moments m;
    double      *factor;
    int64_t      n;
    if (!compute_moments(c, attr_of(c)->centered, &m, &factor, &n)) return;
    for (int64_t i = 0; i < n; i++) factor[i] = tap__moments_rstd(&m, i, attr_of(c)->number);
    apply_factors(c, &m, factor, out);
}

static void inverse_std_forward(tap_call *c, tap_tensor *out)
{
    tap__moments m;
    double      *factor;
    int64_t      n;
    if (!compute_moments(c, attr_of(c)->centered, &m, &factor, &n)) return;
    for (int64_t i = 0; i < n; i++)
        set_item(out, i, tap__moments_factor_of_x(&m, i, tap__moments_rstd(&m, i, attr_of(c)->number)));
}

static void standardize_vjp(const tap_node *n, tap_var g, tap_var *gin);
static void inverse_std_vjp(const tap_node *n, tap_var g, tap_var *gin);

static const tap_op standardize_op = { "standardize", same_infer, standardize_forward, standardize_vjp, sizeof(moments_attr) };
static const tap_op inverse_std_op = { "inverse_std", tap__reduce_infer, inverse_std_forward, inverse_std_vjp,
                                       sizeof(moments_attr) };

tap_var tap__standardize(tap_var x, tap_axes axes, bool centered, double eps)
{
    return apply(&standardize_op, x, tap_keepdim(axes), centered, eps);
}

tap_var tap__inverse_std(tap_var x, tap_axes axes, bool centered, double eps)
{
    return apply(&inverse_std_op, x, tap_keepdim(axes), centered, eps);
}

static void standardize_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    const moments_attr *a = tap_attr(n);
    tap_var             y = tap_out(n), along = tap__chain_mul(tap_mean(tap__chain_mul(g, y), a->axes), y);
    tap_var             rest = tap_sub(a->centered ? tap_sub(g, tap_mean(g, a->axes)) : g, along);
    gin[0] = tap__chain_mul(rest, tap__inverse_std(tap_in(n, 0), a->axes, a->centered, a->number));
}

/* -g y / (n s^2) */
static void inverse_std_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    const moments_attr *a = tap_attr(n);
    tap_var             r = tap_out(n), y = tap__standardize(tap_in(n, 0), a->axes, a->centered, a->number);
    gin[0] = tap_mul_scalar(tap__chain_mul(tap__chain_mul(tap__chain_mul(g, r), r), y), -1 / count_of(n, r));
}

/* ---- x / max(|x|, eps) and 1 / max(|x|, eps) ---- */

static void l2_normalize_forward(tap_call *c, tap_tensor *out)
{
    tap__moments m;
    double      *factor;
    int64_t      n;
    if (!compute_moments(c, false, &m, &factor, &n)) return;
    for (int64_t i = 0; i < n; i++) factor[i] = tap__moments_inverse_norm(&m, i, attr_of(c)->number);
    apply_factors(c, &m, factor, out);
}

static void inverse_norm_forward(tap_call *c, tap_tensor *out)
{
    tap__moments m;
    double      *factor;
    int64_t      n;
    if (!compute_moments(c, false, &m, &factor, &n)) return;
    for (int64_t i = 0; i < n; i++)
        set_item(out, i, tap__moments_factor_of_x(&m, i, tap__moments_inverse_norm(&m, i, attr_of(c)->number)));
}

static void l2_normalize_vjp(const tap_node *n, tap_var g, tap_var *gin);
static void inverse_norm_vjp(const tap_node *n, tap_var g, tap_var *gin);

static const tap_op l2_normalize_op = { "l2_normalize", same_infer, l2_normalize_forward, l2_normalize_vjp,
                                        sizeof(moments_attr) };
static const tap_op inverse_norm_op = { "inverse_norm", tap__reduce_infer, inverse_norm_forward, inverse_norm_vjp,
                                        sizeof(moments_attr) };

tap_var tap__l2_normalize(tap_var x, tap_axes axes, double eps)
{
    return apply(&l2_normalize_op, x, tap_keepdim(axes), false, eps);
}

tap_var tap__inverse_norm(tap_var x, tap_axes axes, double eps)
{
    return apply(&inverse_norm_op, x, tap_keepdim(axes), false, eps);
}

/* v where |x| > eps, that is where r = 1 / max(|x|, eps) depends on x, else 0. If 1 / eps is out of range, r may be infinite
 * as well, and v is returned as it is. */
static tap_var where_above_eps(tap_var r, double eps, tap_var v)
{
    if (1 / eps > (tap__dtype_of(r) == TAP_F32 ? 0x1.fffffep127 : 0x1.fffffffffffffp1023)) return v;
    return tap_where(tap_lt(r, tap_scalar_like(r, 1 / eps)), v, tap_scalar_like(v, 0));
}

static void l2_normalize_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    const moments_attr *a = tap_attr(n);
    tap_var             u = tap_out(n), r = tap__inverse_norm(tap_in(n, 0), a->axes, a->number);
    tap_var             along = where_above_eps(r, a->number, tap_sum(tap__chain_mul(g, u), a->axes));
    gin[0] = tap__chain_mul(tap_sub(g, tap__chain_mul(along, u)), r);
}

/* -g u / |x|^2 */
static void inverse_norm_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    const moments_attr *a = tap_attr(n);
    tap_var             r = tap_out(n), u = tap__l2_normalize(tap_in(n, 0), a->axes, a->number);
    gin[0] = tap_neg(tap__chain_mul(tap__chain_mul(where_above_eps(r, a->number, tap__chain_mul(g, r)), r), u));
}

/* ---- Variance, standard deviation, Euclidean norm ---- */

/* Sets each result to f(moments, index, divisor); NaN where the divisor count - correction is not above 0. */
static void set_results(tap_call *c, tap_tensor *out, bool centered, double correction,
                        double (*f)(const tap__moments *, int64_t, double))
{
    tap__moments m;
    double      *unused;
    int64_t      n;
    if (!compute_moments(c, centered, &m, &unused, &n)) return;
    const double divisor = centered ? m.count - correction : 1;
    for (int64_t i = 0; i < n; i++) set_item(out, i, divisor > 0 ? f(&m, i, divisor) : (double)NAN);
}

static void variance_forward(tap_call *c, tap_tensor *out)
{
    set_results(c, out, true, attr_of(c)->number, tap__moments_mean_square);
}

static void std_forward(tap_call *c, tap_tensor *out)
{
    set_results(c, out, true, attr_of(c)->number, tap__moments_rms);
}

static void norm_forward(tap_call *c, tap_tensor *out)
{
    set_results(c, out, false, 0, tap__moments_rms);
}

static void mean_square_forward(tap_call *c, tap_tensor *out)
{
    tap__moments m;
    double      *unused;
    int64_t      n;
    if (!compute_moments(c, false, &m, &unused, &n)) return;
    for (int64_t i = 0; i < n; i++) set_item(out, i, m.count > 0 ? tap__moments_mean_square(&m, i, m.count) : (double)NAN);
}

/* 2 g (x - mean) / (n - correction), with x - mean as y s, y = (x - mean) / s, which keeps its digits where the mean is
 * large */
static void variance_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    const moments_attr *a = tap_attr(n);
    const double        divisor = count_of(n, tap_out(n)) - a->number;
    tap_var             x = tap_in(n, 0), s = tap_std(x, tap_keepdim(a->axes), 0);
    tap_var             by =
        tap__chain_mul(tap__chain_mul(with_axes_of_x(n, g), tap_scalar_like(x, divisor > 0 ? 2 / divisor : (double)NAN)), s);
    gin[0] = tap__chain_mul(by, tap__standardize(x, a->axes, true, 0));
}

/* g (x - mean) / ((n - correction) std) = g y / sqrt(n (n - correction)) */
static void std_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    const moments_attr *a = tap_attr(n);
    const double        count = count_of(n, tap_out(n)), divisor = count - a->number;
    tap_var             x = tap_in(n, 0), by = tap_scalar_like(x, divisor > 0 ? 1 / sqrt(count * divisor) : (double)NAN);
    gin[0] = tap__chain_mul(tap__chain_mul(with_axes_of_x(n, g), by), tap__standardize(x, a->axes, true, 0));
}

static void norm_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    const moments_attr *a = tap_attr(n);
    gin[0] = tap__chain_mul(with_axes_of_x(n, g), tap__l2_normalize(tap_in(n, 0), a->axes, 0));
}

static void mean_square_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    gin[0] = tap__chain_mul(with_axes_of_x(n, tap_mul_scalar(g, 2 / count_of(n, tap_out(n)))), tap_in(n, 0));
}

static const tap_op mean_square_op = { "mean_square", tap__reduce_infer, mean_square_forward, mean_square_vjp,
                                       sizeof(moments_attr) };
static const tap_op variance_op = { "variance", tap__reduce_infer, variance_forward, variance_vjp, sizeof(moments_attr) };
static const tap_op std_op = { "std", tap__reduce_infer, std_forward, std_vjp, sizeof(moments_attr) };
static const tap_op norm_op = { "vector_norm", tap__reduce_infer, norm_forward, norm_vjp, sizeof(moments_attr) };

tap_var tap__mean_square(tap_var x, tap_axes axes)
{
    return apply(&mean_square_op, x, axes, false, 0);
}

tap_var tap_variance(tap_var x, tap_axes axes, double correction)
{
    TAP_CALL("variance", x);
    return apply(&variance_op, x, axes, true, correction);
}

tap_var tap_std(tap_var x, tap_axes axes, double correction)
{
    TAP_CALL("std", x);
    return apply(&std_op, x, axes, true, correction);
}

tap_var tap__l2_norm(tap_var x, tap_axes axes)
{
    return apply(&norm_op, x, axes, false, 0);
}

tap_var tap_var_mean(tap_var x, tap_axes axes, double correction, tap_var *mean)
{
    TAP_CALL("var_mean", x);
    if (mean) *mean = tap_mean(x, axes);
    return tap_variance(x, axes, correction);
}

/* ---- Norms of any order ---- */

/* The scale for |x| before powers are taken, a constant: the largest |x|, or for orders below 0 the smallest. 1 where all x
 * are 0. */
static tap_var norm_scale(tap_var x, double order, tap_axes axes)
{
    tap_var size = tap_abs(tap_detach(x)),
            s = order > 0 ? tap_amax(size, tap_keepdim(axes)) : tap_amin(size, tap_keepdim(axes));
    return order > 0 ? tap_masked_fill(s, tap_eq(s, tap_scalar_like(s, 0)), 1) : s;
}

/* sum |z|^order */
static tap_var power_sum(tap_var z, double order, tap_axes axes)
{
    return tap_sum(tap_pow_scalar(tap_abs(z), order), axes);
}

/* u^(order - 1) for u = |x| / |x|_order; 1 where u is 0. For orders from 0 to 1, which raise small u to large powers, it is
 * computed from sqrt(u), which does not underflow. */
static tap_var power_of_unit(tap_var x, double order, tap_axes axes)
{
    tap_var s = norm_scale(x, order, axes), norm = tap_pow_scalar(power_sum(tap__safe_div(x, s), order, axes), 1 / order);
    tap_var size = tap_abs(x), zero = tap_eq(size, tap_scalar_like(size, 0));
    bool    by_roots = order > 0 && order < 1;
    tap_var part = by_roots ? tap__safe_div(tap_sqrt(size), tap_sqrt(s)) : tap__safe_div(size, s);
    tap_var u = tap_masked_fill(tap__chain_div(part, by_roots ? tap_sqrt(norm) : norm), zero, 1);
    return tap_pow_scalar(u, (by_roots ? 2 : 1) * (order - 1));
}

/* in[1] is the norm, computed from scaled numbers without a gradient; in[0] is x, which gets the gradient. The rule does not
 * depend on the scale. */
static void norm_of_order_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    const moments_attr *a = tap_attr(n);
    tap_var             x = tap_in(n, 0), power = power_of_unit(x, a->number, tap_keepdim(a->axes));
    gin[0] = tap__chain_mul(with_axes_of_x(n, g), tap__chain_mul(tap_sign(x), power));
}

static tap_status norm_of_order_infer(tap_call *c, tap_tensor *out)
{
    out->dtype = c->in[1].dtype;
    out->shape = c->in[1].shape;
    return TAP_OK;
}

static void norm_of_order_forward(tap_call *c, tap_tensor *out)
{
    tap__tensor_copy(*out, c->in[1], NULL);
}

static const tap_op norm_of_order_op = { "norm_of_order", norm_of_order_infer, norm_of_order_forward, norm_of_order_vjp,
                                         sizeof(moments_attr) };

static tap_var norm_of_order(tap_var x, double order, tap_axes axes)
{
    tap_var s = norm_scale(x, order, axes), z = tap__safe_div(tap_detach(x), s);
    tap_var sum = tap_pow_scalar(power_sum(z, order, axes), 1 / order);
    tap_var norm = tap__chain_mul(tap_reshape(s, tap_shape_of(sum)), sum);
    return tap_apply(&norm_of_order_op, &(moments_attr){ axes, false, order }, 2, (tap_var[]){ x, norm });
}

tap_var tap_vector_norm(tap_var x, double ord, tap_axes axes)
{
    TAP_CALL("vector_norm", x);
    const tap_node *n = tap__node_of(x);
    if (!n) return tap__inert(x.tape);
    if (!tap_dtype_is_float(n->value.dtype))
        return tap__fail_input(n, TAP_EDTYPE, "vector_norm", "%s is not float32 or float64; tap_cast makes it so",
                               tap_dtype_name(n->value.dtype));
    if (ord == 2) return tap__l2_norm(x, axes);
    if (ord == 0) return tap_sum(tap_cast(tap_ne(x, tap_scalar_like(x, 0)), n->value.dtype), axes);
    if (ord == 1) return tap_sum(tap_abs(x), axes);
    if (isinf(ord)) return ord > 0 ? tap_amax(tap_abs(x), axes) : tap_amin(tap_abs(x), axes);
    const bool empty = tap_numel(n->value.shape) == 0;
    return empty ? tap_pow_scalar(power_sum(x, ord, axes), 1 / ord) : norm_of_order(x, ord, axes);
}
