/* autograd/ops/matmul.c: matrix products, and functions composed of them. Products over named axes are in einsum.c. */
#include "autograd/internal.h"
#include "tensor/kernels/matmul.h"
#include "tensor/internal.h"
#include "tensor/shape.h"
#include "tensor/view.h"

tap_status tap__one_float(tap_call *c)
{
    for (int i = 0; i < c->n_in; i++) {
        if (!tap_dtype_is_float(c->in[i].dtype))
            return tap_call_fail(c, TAP_EDTYPE, "%s is not float32 or float64; tap_cast makes it so",
                                 tap_dtype_name(c->in[i].dtype));
        if (c->in[i].dtype != c->in[0].dtype)
            return tap_call_fail(c, TAP_EDTYPE, "dtypes %s and %s differ", tap_dtype_name(c->in[0].dtype),
                                 tap_dtype_name(c->in[i].dtype));
    }
    return TAP_OK;
}

/* out = a b, or out += a b, for [..,m,k] and [..,k,n]. Axes of size 1 are put in front until all three have one rank. */
static void multiply_matrices(tap_call *c, tap_tensor a, tap_tensor b, tap_tensor out, bool add)
{
    tap_error e = { 0 };
    const int rank = out.shape.rank > 2 ? out.shape.rank : 2;
    while (a.shape.rank < rank) tap__unsqueeze(a, 0, &a, &e);
    while (b.shape.rank < rank) tap__unsqueeze(b, 0, &b, &e);
    while (out.shape.rank < rank) tap__unsqueeze(out, 0, &out, &e);
    if (!tap__matmul(a, b, out, add, c->tape->arena)) tap__no_memory(c->tape, c);
}

/* ---- matmul ---- */

static tap_status matmul_infer(tap_call *c, tap_tensor *out)
{
    tap_shape a = c->in[0].shape, b = c->in[1].shape;
    out->dtype = c->in[0].dtype;
    if (tap__one_float(c) != TAP_OK) return c->tape->error.status;
    if (a.rank < 2 || b.rank < 2) return tap_call_fail(c, TAP_ESHAPE, "a scalar is neither matrix nor vector; see tap_mul");
    int64_t m = a.n[a.rank - 2], k = a.n[a.rank - 1], inner = b.n[b.rank - 2], n = b.n[b.rank - 1];
    if (k != inner) return tap_call_fail(c, TAP_ESHAPE, "inner sizes %lld and %lld differ", (long long)k, (long long)inner);
    a.rank -= 2;
    b.rank -= 2;
    if (!tap__broadcast_shapes(a, b, &out->shape)) return tap_call_fail(c, TAP_ESHAPE, "the leading axes do not broadcast");
    out->shape.n[out->shape.rank++] = m;
    out->shape.n[out->shape.rank++] = n;
    return TAP_OK;
}

static void matmul_forward(tap_call *c, tap_tensor *out)
{
    multiply_matrices(c, c->in[0], c->in[1], *out, false);
}

static void matmul_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    if (tap_needs_grad(n, 0)) {
        tap__compute_grad_in_place(n, 0);
        gin[0] = tap_matmul(g, tap_mT(tap_in(n, 1))); /* dA = G B^T, a view, no copy */
    }
    if (tap_needs_grad(n, 1)) {
        tap__compute_grad_in_place(n, 1);
        gin[1] = tap_matmul(tap_mT(tap_in(n, 0)), g); /* dB = A^T G */
    }
}

static const tap_op matmul_op = { "matmul", matmul_infer, matmul_forward, matmul_vjp, 0 };

/* A vector on the left becomes a row, one on the right a column; the product drops that axis of size 1. */
tap_var tap_matmul(tap_var a, tap_var b)
{
    TAP_CALL("matmul", a, b);
    tap_var    in[2] = { a, b };
    tap_tensor x[2];
    if (!tap__inputs("matmul", 2, in, x)) return tap__inert(tap__tape_of(2, in));
    int ra = x[0].shape.rank, rb = x[1].shape.rank;
    if ((ra != 1 && rb != 1) || ra == 0 || rb == 0) return tap_apply(&matmul_op, NULL, 2, in);

    int64_t k = x[0].shape.n[ra - 1], inner = x[1].shape.n[rb > 1 ? rb - 2 : 0];
    if (k != inner)
        return tap__fail_inputs("matmul", 2, in, TAP_ESHAPE, "inner sizes %lld and %lld differ", (long long)k,
                                (long long)inner);
    if (ra == 1) in[0] = tap_unsqueeze(a, 0);
    if (rb == 1) in[1] = tap_unsqueeze(b, 1);
    tap_var product = tap_apply(&matmul_op, NULL, 2, in);
    if (ra == 1) product = tap_squeeze(product, TAP_AXES(-2));
    return rb == 1 ? tap_squeeze(product, TAP_AXES(-1)) : product;
}

/* The matrix product of inputs of exactly these ranks, whose leading axes are equal. */
static tap_var product_of_ranks(const char *call, tap_var a, int rank_a, tap_var b, int rank_b, const char *needs)
{
    tap_var    in[2] = { a, b };
    tap_tensor x[2];
    if (!tap__inputs(call, 2, in, x)) return tap__inert(tap__tape_of(2, in));
    tap_shape sa = x[0].shape, sb = x[1].shape;
    bool      fits = sa.rank == rank_a && sb.rank == rank_b && (rank_a < 3 || sa.n[0] == sb.n[0]) &&
                sa.n[rank_a - 1] == sb.n[rank_b > 1 ? rank_b - 2 : 0];
    return fits ? tap_matmul(a, b) : tap__fail_inputs(call, 2, in, TAP_ESHAPE, "needs %s", needs);
}

tap_var tap_dot(tap_var a, tap_var b)
{
    TAP_CALL("dot", a, b);
    return product_of_ranks("dot", a, 1, b, 1, "vectors [n] and [n]");
}

tap_var tap_mv(tap_var a, tap_var b)
{
    TAP_CALL("mv", a, b);
    return product_of_ranks("mv", a, 2, b, 1, "a matrix [m,n] and a vector [n]");
}

tap_var tap_mm(tap_var a, tap_var b)
{
    TAP_CALL("mm", a, b);
    return product_of_ranks("mm", a, 2, b, 2, "matrices [m,k] and [k,n]");
}

tap_var tap_bmm(tap_var a, tap_var b)
{
    TAP_CALL("bmm", a, b);
    return product_of_ranks("bmm", a, 3, b, 3, "batches of matrices [b,m,k] and [b,k,n]");
}

tap_var tap_outer(tap_var a, tap_var b)
{
    TAP_CALL("outer", a, b);
    tap_var    in[2] = { a, b };
    tap_tensor x[2];
    if (!tap__inputs("outer", 2, in, x)) return tap__inert(tap__tape_of(2, in));
    if (x[0].shape.rank != 1 || x[1].shape.rank != 1)
        return tap__fail_inputs("outer", 2, in, TAP_ESHAPE, "needs vectors [m] and [n]");
    return tap_mul(tap_unsqueeze(a, 1), b);
}

/* beta input + alpha product. With beta 0, input is not read, and may hold NaN. */
static tap_var add_product(const char *call, tap_var input, tap_var product, double beta, double alpha)
{
    tap_var    in[2] = { input, product };
    tap_tensor x[2];
    tap_shape  wide;
    if (!tap__inputs(call, 2, in, x)) return tap__inert(tap__tape_of(2, in));
    if (!tap__broadcast_shapes(x[0].shape, x[1].shape, &wide) || !tap_shape_equal(wide, x[1].shape))
        return tap__fail_inputs(call, 2, in, TAP_ESHAPE, "the input does not broadcast to the product");
    if (alpha != 1) product = tap_mul_scalar(product, alpha);
    if (beta == 0) return product;
    return tap_add(beta != 1 ? tap_mul_scalar(input, beta) : input, product);
}

tap_var tap_addmm(tap_var input, tap_var a, tap_var b, double beta, double alpha)
{
    TAP_CALL("addmm", input, a, b);
    return add_product("addmm", input, tap_mm(a, b), beta, alpha);
}

tap_var tap_baddbmm(tap_var input, tap_var a, tap_var b, double beta, double alpha)
{
    TAP_CALL("baddbmm", input, a, b);
    return add_product("baddbmm", input, tap_bmm(a, b), beta, alpha);
}

/* ---- affine: the product is added to the bias ---- */

static tap_status affine_infer(tap_call *c, tap_tensor *out)
{
    tap_shape x = c->in[0].shape, w = c->in[1].shape, b = c->in[2].shape;
    out->dtype = c->in[0].dtype;
    out->shape = x;
    if (tap__one_float(c) != TAP_OK) return c->tape->error.status;
    if (x.rank < 1 || w.rank != 2 || b.rank != 1)
        return tap_call_fail(c, TAP_ESHAPE, "needs x [..,in], weight [out,in] and bias [out]");
    if (x.n[x.rank - 1] != w.n[1])
        return tap_call_fail(c, TAP_ESHAPE, "inner sizes %lld and %lld differ", (long long)x.n[x.rank - 1], (long long)w.n[1]);
    if (b.n[0] != w.n[0])
        return tap_call_fail(c, TAP_ESHAPE, "%lld outputs, but %lld biases", (long long)w.n[0], (long long)b.n[0]);
    out->shape.n[x.rank - 1] = w.n[0];
    return TAP_OK;
}

static void affine_forward(tap_call *c, tap_tensor *out)
{
    tap_tensor wt;
    tap_error  e = { 0 };
    tap__permute(c->in[1], 2, (int[]){ 1, 0 }, &wt, &e);
    tap__tensor_copy(*out, c->in[2], &e);
    multiply_matrices(c, c->in[0], wt, *out, true);
}

/* [..,n] as a matrix of rows. A gradient that is inert for lack of memory has no axis. */
static tap_var as_rows(tap_var x)
{
    tap_shape s = tap_shape_of(x);
    int64_t   n = s.rank > 0 ? s.n[s.rank - 1] : 1, count = 1;
    for (int i = 0; i < s.rank - 1; i++) count *= s.n[i];
    return s.rank == 2 ? x : tap_reshape(x, TAP_SHAPE(count, n));
}

static void affine_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    tap_var x = tap_in(n, 0), weight = tap_in(n, 1), g2 = as_rows(g);
    if (tap_needs_grad(n, 0)) gin[0] = tap_reshape(tap_matmul(g2, weight), tap_shape_of(x));
    if (tap_needs_grad(n, 1)) {
        tap_var x2 = as_rows(x);
        tap__compute_grad_in_place(n, 1);
        gin[1] = tap_matmul(tap_mT(g2), x2);
    }
    if (tap_needs_grad(n, 2)) {
        tap__compute_grad_in_place(n, 2);
        gin[2] = tap_sum(g2, TAP_AXES(0));
    }
}

static const tap_op affine_op = { "affine", affine_infer, affine_forward, affine_vjp, 0 };

tap_var tap_affine(tap_var x, tap_var weight, tap_var bias)
{
    return tap_apply(&affine_op, NULL, 3, (tap_var[]){ x, weight, bias });
}
