/* Matrix products. */
#include "autograd/internal.h"
#include "tensor/matmul.h"

static tap_status both_float(tap_call *c)
{
    for (int i = 0; i < c->n_in; i++) {
        if (!tap_dtype_is_float(c->in[i].dtype))
            return tap_call_fail(c, TAP_EDTYPE, "%s is not float32 or float64; tap_cast makes it so", tap_dtype_name(c->in[i].dtype));
        if (c->in[i].dtype != c->in[0].dtype)
            return tap_call_fail(c, TAP_EDTYPE, "dtypes %s and %s differ", tap_dtype_name(c->in[0].dtype),
                                 tap_dtype_name(c->in[i].dtype));
    }
    return TAP_OK;
}

/* The product of [..,m,k] and [..,k,n] in out, both with size-1 axes put in front until their ranks agree. */
static void multiply(tap_call *c, tap_tensor a, tap_tensor b, tap_tensor out, bool add)
{
    tap_error e = { 0 };
    while (a.shape.rank < out.shape.rank) tap__unsqueeze(a, 0, &a, &e);
    while (b.shape.rank < out.shape.rank) tap__unsqueeze(b, 0, &b, &e);
    if (!tap__matmul(a, b, out, add, c->tape->arena)) tap__error_copy(&c->tape->error, tap_arena_error(c->tape->arena));
}

/* ---- matmul ---- */

static tap_status matmul_infer(tap_call *c, tap_tensor *out)
{
    tap_shape a = c->in[0].shape, b = c->in[1].shape;
    out->dtype = c->in[0].dtype;
    if (both_float(c) != TAP_OK) return c->tape->error.status;
    if (a.rank < 2 || b.rank < 2) return tap_call_fail(c, TAP_ESHAPE, "both must have two axes or more");
    int64_t m = a.n[a.rank - 2], k = a.n[a.rank - 1], inner = b.n[b.rank - 2], n = b.n[b.rank - 1];
    if (k != inner) return tap_call_fail(c, TAP_ESHAPE, "inner sizes %lld and %lld differ", (long long)k, (long long)inner);
    a.rank -= 2;
    b.rank -= 2;
    if (!tap__broadcast(a, b, &out->shape)) return tap_call_fail(c, TAP_ESHAPE, "the leading axes do not broadcast");
    out->shape.n[out->shape.rank++] = m;
    out->shape.n[out->shape.rank++] = n;
    return TAP_OK;
}

static void matmul_forward(tap_call *c, tap_tensor *out)
{
    multiply(c, c->in[0], c->in[1], *out, false);
}

static void matmul_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    if (tap_needs(n, 0)) gin[0] = tap_matmul(g, tap_mT(tap_in(n, 1))); /* dA = G B^T, a view, no copy */
    if (tap_needs(n, 1)) gin[1] = tap_matmul(tap_mT(tap_in(n, 0)), g); /* dB = A^T G */
}

static const tap_op matmul_op = { "matmul", matmul_infer, matmul_forward, matmul_vjp, 0 };

tap_var tap_matmul(tap_var a, tap_var b)
{
    return tap_apply(&matmul_op, NULL, 2, (tap_var[]){ a, b });
}

/* ---- affine: the bias is what the product starts from ---- */

static tap_status affine_infer(tap_call *c, tap_tensor *out)
{
    tap_shape x = c->in[0].shape, w = c->in[1].shape, b = c->in[2].shape;
    out->dtype = c->in[0].dtype;
    out->shape = x;
    if (both_float(c) != TAP_OK) return c->tape->error.status;
    if (x.rank < 1 || w.rank != 2 || b.rank != 1) return tap_call_fail(c, TAP_ESHAPE, "needs x [..,in], weight [out,in] and bias [out]");
    if (x.n[x.rank - 1] != w.n[1])
        return tap_call_fail(c, TAP_ESHAPE, "inner sizes %lld and %lld differ", (long long)x.n[x.rank - 1], (long long)w.n[1]);
    if (b.n[0] != w.n[0])
        return tap_call_fail(c, TAP_ESHAPE, "%lld outputs, but %lld biases", (long long)w.n[0], (long long)b.n[0]);
    out->shape.n[x.rank - 1] = w.n[0];
    return TAP_OK;
}

static void affine_forward(tap_call *c, tap_tensor *out)
{
    tap_tensor x = c->in[0], wt, y = *out;
    tap_error  e = { 0 };
    if (x.shape.rank == 1) {
        tap__unsqueeze(x, 0, &x, &e);
        tap__unsqueeze(y, 0, &y, &e);
    }
    tap__permute(c->in[1], 2, (int[]){ 1, 0 }, &wt, &e);
    tap_tensor_copy(*out, c->in[2], &e);
    multiply(c, x, wt, y, true);
}

/* [..,n] as a matrix of rows. */
static tap_var rows(tap_var x)
{
    tap_shape s = tap_shape_of(x);
    int64_t   n = s.rank > 0 ? s.n[s.rank - 1] : 1, count = 1;
    for (int i = 0; i < s.rank - 1; i++) count *= s.n[i];
    return s.rank == 2 ? x : tap_reshape(x, TAP_SHAPE(count, n));
}

static void affine_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    tap_var x = tap_in(n, 0), weight = tap_in(n, 1), g2 = rows(g);
    if (tap_needs(n, 0)) gin[0] = tap_reshape(tap_matmul(g2, weight), tap_shape_of(x));
    if (tap_needs(n, 1)) gin[1] = tap_matmul(tap_mT(g2), rows(x));
    if (tap_needs(n, 2)) gin[2] = tap_sum(g2, TAP_AXES(0));
}

static const tap_op affine_op = { "affine", affine_infer, affine_forward, affine_vjp, 0 };

tap_var tap_affine(tap_var x, tap_var weight, tap_var bias)
{
    return tap_apply(&affine_op, NULL, 3, (tap_var[]){ x, weight, bias });
}
