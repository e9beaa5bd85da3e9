/* autograd/ops/linalg.c: linear algebra: triangles, factorizations, solves and determinants as operators, and functions
 * composed of them.
 *
 * Matrices are scaled by powers of 2 before they are factored (tap__scale_matrices), so that products of their elements stay
 * in range; shift holds the exponents, and results are scaled back by them. */
#include <math.h>
#include <string.h>

#include "autograd/internal.h"
#include "autograd/ops/rules.h"
#include "tensor/kernels/linalg.h"
#include "tensor/internal.h"
#include "tensor/shape.h"
#include "tensor/view.h"

/* ---- Triangles and traces ---- */

static tap_status triangle_infer(tap_call *c, tap_tensor *out)
{
    out->dtype = c->in[0].dtype;
    out->shape = c->in[0].shape;
    return out->shape.rank < 2 ? tap_call_fail(c, TAP_ESHAPE, "needs a matrix [..,m,n]") : TAP_OK;
}

static int64_t clamp(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

/* A copy with zeros in each row after the diagonal, or before it if upper. */
static void triangle_forward(tap_call *c, tap_tensor *out, bool upper)
{
    const int64_t *rows = &out->shape.n[out->shape.rank - 2], m = rows[0], n = rows[1];
    int64_t        diagonal = clamp(*(const int64_t *)c->attr, -m - 1, n + 1), count = tap_numel(out->shape) / n;
    size_t         size = tap_dtype_size(out->dtype);
    tap__tensor_copy(*out, c->in[0], NULL);
    for (int64_t i = 0; i < count; i++) {
        int64_t first = upper ? 0 : clamp(i % m + diagonal + 1, 0, n), last = upper ? clamp(i % m + diagonal, 0, n) : n;
        memset((char *)out->data + (size_t)(i * n + first) * size, 0, (size_t)(last - first) * size);
    }
}

static void tril_forward(tap_call *c, tap_tensor *out)
{
    triangle_forward(c, out, false);
}

static void triu_forward(tap_call *c, tap_tensor *out)
{
    triangle_forward(c, out, true);
}

static void tril_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    gin[0] = tap_tril(g, *(const int64_t *)tap_attr(n));
}

static void triu_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    gin[0] = tap_triu(g, *(const int64_t *)tap_attr(n));
}

static const tap_op tril_op = { "tril", triangle_infer, tril_forward, tril_vjp, sizeof(int64_t) };
static const tap_op triu_op = { "triu", triangle_infer, triu_forward, triu_vjp, sizeof(int64_t) };

tap_var tap_tril(tap_var x, int64_t diagonal)
{
    return tap_apply(&tril_op, &diagonal, 1, &x);
}

tap_var tap_triu(tap_var x, int64_t diagonal)
{
    return tap_apply(&triu_op, &diagonal, 1, &x);
}

tap_var tap_trace(tap_var x)
{
    TAP_CALL("trace", x);
    const tap_node *n = tap__node_of(x);
    if (!n) return tap__inert(x.tape);
    if (n->value.shape.rank < 2) return tap__fail_input(n, TAP_ESHAPE, "trace", "needs a matrix [..,m,n]");
    return tap_sum(tap_diagonal(x, 0, -2, -1), TAP_LAST);
}

/* ---- Helpers of all operators below ---- */

static tap_status square_infer(tap_call *c, tap_tensor *out)
{
    tap_shape s = c->in[0].shape;
    out->dtype = c->in[0].dtype;
    out->shape = s;
    if (tap__one_float(c) != TAP_OK) return c->tape->error.status;
    if (s.rank < 2 || s.n[s.rank - 1] != s.n[s.rank - 2]) return tap_call_fail(c, TAP_ESHAPE, "needs a square matrix [..,n,n]");
    return TAP_OK;
}

/* The number of elements of the axes before the last `inner`. */
static int64_t leading_numel(tap_shape s, int inner)
{
    s.rank -= inner;
    return tap_numel(s);
}

/* Fails the call for the first matrix i of in[0] with bad[i] != 0, which is its minor or pivot that failed; what says the
 * property. */
static bool check_factors(tap_call *c, const int64_t *bad, const char *what)
{
    int64_t count = leading_numel(c->in[0].shape, 2), i = 0;
    while (i < count && !bad[i]) i++;
    if (i == count) return true;
    tap_call_fail(c, TAP_EARG, "matrix %lld is %s %lld)", (long long)i, what, (long long)bad[i]);
    return false;
}

typedef struct {
    tap_tensor lu, swap, shift; /* the factors of the scaled matrices, their row exchanges, and the exponents of the scales */
    int64_t   *bad;
} factors;

static bool has_memory(tap_call *c, tap_tensor x)
{
    const bool has = tap__linalg_has_memory(x.shape.n[x.shape.rank - 1], c->tape->arena);
    if (!has) tap__no_memory(c->tape, c);
    return has;
}

/* Allocates scratch memory for the factors, with n_swap pivots per matrix, and copies in[0] there, scaled. */
static bool prepare_factors(tap_call *c, int64_t n_swap, factors *f)
{
    tap_tensor x = c->in[0];
    tap_shape  per = x.shape;
    int64_t    count = leading_numel(x.shape, 2);
    per.rank--;
    per.n[per.rank - 1] = n_swap;
    void *lu = tap_call_scratch(c, (size_t)tap_numel(x.shape) * tap_dtype_size(x.dtype));
    void *swap = tap_call_scratch(c, (size_t)(count * n_swap) * sizeof(int64_t));
    void *shift = tap_call_scratch(c, (size_t)count * sizeof(int64_t));
    f->bad = tap_call_scratch(c, (size_t)count * sizeof(int64_t));
    if (!lu || !swap || !shift || !f->bad || !has_memory(c, x)) return false;
    f->lu = tap_tensor_wrap(x.dtype, x.shape, lu);
    f->swap = tap_tensor_wrap(TAP_I64, per, swap);
    per.rank--;
    f->shift = tap_tensor_wrap(TAP_I64, per, shift);
    tap__tensor_copy(f->lu, x, NULL);
    tap__scale_matrices(f->lu, false, shift);
    return true;
}

/* The LU factorization of in[0]; false if there is no memory. */
static bool factor(tap_call *c, factors *f)
{
    if (!prepare_factors(c, c->in[0].shape.n[c->in[0].shape.rank - 1], f)) return false;
    tap__lu(f->lu, f->swap, f->bad);
    return true;
}

/* x with axes of size 1 in front, up to this rank. */
static tap_tensor with_rank(tap_tensor x, int rank)
{
    while (x.shape.rank < rank) tap__unsqueeze(x, 0, &x, NULL);
    return x;
}

/* Scales the matrices of x, which do not overlap; false if there is no memory. */
static bool scale_matrices(tap_call *c, tap_tensor x, tap_tensor *shift)
{
    tap_shape per = x.shape;
    per.rank -= 2;
    *shift = tap_tensor_wrap(TAP_I64, per, tap_call_scratch(c, (size_t)tap_numel(per) * sizeof(int64_t)));
    if (shift->data) tap__scale_matrices(x, false, shift->data);
    return shift->data != NULL;
}

/* v [..] as [..,1,1], so that it broadcasts to matrices */
static tap_var with_matrix_axes(tap_var v)
{
    return tap_unsqueeze(tap_unsqueeze(v, -1), -1);
}

/* ---- cholesky ---- */

static void cholesky_forward(tap_call *c, tap_tensor *out)
{
    tap_shape per = out->shape;
    per.rank -= 2;
    int64_t *bad = tap_call_scratch(c, (size_t)tap_numel(per) * sizeof *bad);
    int64_t *shift = tap_call_scratch(c, (size_t)tap_numel(per) * sizeof *shift);
    if (!bad || !shift || !has_memory(c, *out)) return;
    tap__tensor_copy(*out, c->in[0], NULL);
    tap__scale_matrices(*out, true, shift);
    tap__cholesky(*out, *(const bool *)c->attr, bad);
    if (check_factors(c, bad, "not positive definite (leading minor"))
        tap__unscale_matrices(*out, tap_tensor_wrap(TAP_I64, per, shift), (tap_tensor){ 0 }, -0.5);
}

/* L^-T s L^-1, where s is L^T gL with the lower triangle copied to the upper one, halved; gL is the lower triangle of the
 * gradient (Murray 2016, Differentiation of the Cholesky decomposition). */
static void cholesky_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    bool    upper = *(const bool *)tap_attr(n);
    tap_var y = tap_out(n), l = upper ? tap_mT(y) : y, gl = tap_tril(upper ? tap_mT(g) : g, 0), m = tap_matmul(tap_mT(l), gl);
    tap_var s = tap_mul_scalar(tap_add(tap_tril(m, 0), tap_mT(tap_tril(m, -1))), 0.5);
    tap_var half = tap_solve_triangular(tap_mT(l), s, TAP_UPPER, TAP_LEFT, TAP_NON_UNIT);
    gin[0] = tap_solve_triangular(l, half, TAP_LOWER, TAP_RIGHT, TAP_NON_UNIT);
}

static const tap_op cholesky_op = { "cholesky", square_infer, cholesky_forward, cholesky_vjp, sizeof(bool) };

tap_var tap_cholesky(tap_var x, tap_uplo uplo)
{
    const bool upper = uplo != TAP_LOWER;
    return tap_apply(&cholesky_op, &upper, 1, &x);
}

/* ---- solve_triangular ---- */

/* Options of solve_triangular. full_grad: a is known to be triangular, and its gradient is not restricted to the triangle. */
typedef struct {
    bool upper, unit, full_grad;
} triangle;

/* Checks a y = b and sets the shape of y. b is a batch of vectors [..,n] or of matrices [..,n,m]. */
static tap_status solution_infer(tap_call *c, tap_tensor *out, bool vectors)
{
    tap_shape a = c->in[0].shape, b = c->in[1].shape;
    if (square_infer(c, out) != TAP_OK) return c->tape->error.status;
    int64_t n = a.n[a.rank - 1];
    int     inner = vectors ? 1 : 2;
    if (b.rank < inner) return tap_call_fail(c, TAP_ESHAPE, "needs b [..,n,m]");
    int64_t rows = b.n[b.rank - inner], columns = b.n[b.rank - 1];
    if (rows != n) return tap_call_fail(c, TAP_ESHAPE, "a has size %lld, b has %lld rows", (long long)n, (long long)rows);
    a.rank -= 2;
    b.rank -= inner;
    if (!tap__broadcast_shapes(a, b, &out->shape) || out->shape.rank + inner > TAP_MAX_RANK)
        return tap_call_fail(c, TAP_ESHAPE, "the leading axes do not broadcast");
    out->shape.n[out->shape.rank++] = n;
    if (!vectors) out->shape.n[out->shape.rank++] = columns;
    return TAP_OK;
}

static tap_status solve_triangular_infer(tap_call *c, tap_tensor *out)
{
    return solution_infer(c, out, false);
}

static void solve_triangular_forward(tap_call *c, tap_tensor *out)
{
    const triangle *t = c->attr;
    tap_tensor      shift;
    tap__tensor_copy(*out, c->in[1], NULL);
    if (!scale_matrices(c, *out, &shift)) return;
    if (!tap__solve_triangular(with_rank(c->in[0], out->shape.rank), *out, t->upper, t->unit, c->tape->arena))
        tap__no_memory(c->tape, c);
    else tap__unscale_matrices(*out, shift, (tap_tensor){ 0 }, -1);
}

static tap_var triangular(tap_var a, tap_var b, triangle t);

static void solve_triangular_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    triangle t = *(const triangle *)tap_attr(n);
    tap_var  gb = triangular(tap_mT(tap_in(n, 0)), g, (triangle){ !t.upper, t.unit, t.full_grad });
    gin[1] = gb;
    if (!tap_needs_grad(n, 0)) return;
    tap_var ga = tap_neg(tap_matmul(gb, tap_mT(tap_out(n))));
    gin[0] = t.full_grad ? ga : t.upper ? tap_triu(ga, t.unit) : tap_tril(ga, -t.unit);
}

static const tap_op solve_triangular_op = { "solve_triangular", solve_triangular_infer, solve_triangular_forward,
                                            solve_triangular_vjp, sizeof(triangle) };

static tap_var triangular(tap_var a, tap_var b, triangle t)
{
    return tap_apply(&solve_triangular_op, &t, 2, (tap_var[]){ a, b });
}

/* y a = b is solved as a^T y^T = b^T. */
tap_var tap_solve_triangular(tap_var a, tap_var b, tap_uplo uplo, tap_side side, tap_diag_type diag)
{
    TAP_CALL("solve_triangular", a, b);
    const bool upper = uplo != TAP_LOWER, unit = diag != TAP_NON_UNIT;
    tap_var    in[2] = { a, b };
    tap_tensor x[2];
    if (side != TAP_RIGHT) return triangular(a, b, (triangle){ upper, unit, false });
    if (!tap__inputs("solve_triangular", 2, in, x)) return tap__inert(tap__tape_of(2, in));
    const tap_shape sa = x[0].shape, sb = x[1].shape;
    if (sa.rank < 2 || sb.rank < 2 || sa.n[sa.rank - 1] != sb.n[sb.rank - 1])
        return tap__fail_inputs("solve_triangular", 2, in, TAP_ESHAPE, "needs a [..,n,n] and b [..,m,n]");
    return tap_mT(triangular(tap_mT(a), tap_mT(b), (triangle){ !upper, unit, false }));
}

tap_var tap_cholesky_solve(tap_var b, tap_var l, tap_uplo uplo)
{
    TAP_CALL("cholesky_solve", b, l);
    tap_var    in[2] = { b, l };
    tap_tensor x[2];
    if (!tap__inputs("cholesky_solve", 2, in, x)) return tap__inert(tap__tape_of(2, in));
    if (x[0].shape.rank < 2 || x[1].shape.rank < 2)
        return tap__fail_inputs("cholesky_solve", 2, in, TAP_ESHAPE, "needs b [..,n,m] and a factor [..,n,n]");
    tap_var lower = uplo == TAP_LOWER ? l : tap_mT(l);
    tap_var half = triangular(lower, b, (triangle){ .full_grad = true });
    return triangular(tap_mT(lower), half, (triangle){ .upper = true, .full_grad = true });
}

/* ---- solve and inv ---- */

/* Whether b is vectors, by PyTorch's rule: if it is a single vector, or has the shape of a without its last axis. */
static bool is_vectors(tap_shape a, tap_shape b)
{
    a.rank--;
    return b.rank == 1 || tap_shape_equal(a, b);
}

static tap_status solve_infer(tap_call *c, tap_tensor *out)
{
    return solution_infer(c, out, is_vectors(c->in[0].shape, c->in[1].shape));
}

static void solve_forward(tap_call *c, tap_tensor *out)
{
    factors    f;
    tap_tensor x = *out, shift;
    if (!factor(c, &f) || !check_factors(c, f.bad, "singular (pivot")) return;
    tap__tensor_copy(*out, c->in[1], NULL);
    if (is_vectors(c->in[0].shape, c->in[1].shape)) tap__unsqueeze(x, -1, &x, NULL);
    if (!scale_matrices(c, x, &shift)) return;
    tap__lu_solve(with_rank(f.lu, x.shape.rank), with_rank(f.swap, x.shape.rank - 1), x);
    tap__unscale_matrices(x, with_rank(f.shift, x.shape.rank - 2), shift, 1);
}

/* The gradient by b, gb, solves a^T gb = g, and the gradient by a is -gb y^T. gb is vectors if b is. */
static void solve_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    tap_var a = tap_in(n, 0), b = tap_in(n, 1), y = tap_out(n);
    tap_var gb = tap_solve(tap_mT(a), g);
    gin[1] = gb;
    if (!tap_needs_grad(n, 0)) return;
    bool    vectors = is_vectors(tap_shape_of(a), tap_shape_of(b));
    tap_var columns = vectors ? tap_unsqueeze(gb, -1) : gb, rows = vectors ? tap_unsqueeze(y, -2) : tap_mT(y);
    gin[0] = tap_neg(tap_matmul(columns, rows));
}

static const tap_op solve_op = { "solve", solve_infer, solve_forward, solve_vjp, 0 };

tap_var tap_solve(tap_var a, tap_var b)
{
    return tap_apply(&solve_op, NULL, 2, (tap_var[]){ a, b });
}

static void inv_forward(tap_call *c, tap_tensor *out)
{
    factors    f;
    tap_tensor diagonal = *out;
    int        r = out->shape.rank;
    if (!factor(c, &f) || !check_factors(c, f.bad, "singular (pivot")) return;
    tap__tensor_fill(*out, 0);
    diagonal.shape.rank = r - 1;
    diagonal.stride[r - 2] = out->shape.n[r - 1] + 1;
    tap__tensor_fill(diagonal, 1);
    tap__lu_solve(f.lu, f.swap, *out);
    tap__unscale_matrices(*out, f.shift, (tap_tensor){ 0 }, 1);
}

static void inv_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    tap_var yt = tap_mT(tap_out(n));
    gin[0] = tap_neg(tap_matmul(tap_matmul(yt, g), yt));
}

static const tap_op inv_op = { "inv", square_infer, inv_forward, inv_vjp, 0 };

tap_var tap_inv(tap_var x)
{
    return tap_apply(&inv_op, NULL, 1, &x);
}

/* ---- Determinants ---- */

static tap_status det_infer(tap_call *c, tap_tensor *out)
{
    if (square_infer(c, out) != TAP_OK) return c->tape->error.status;
    out->shape.rank -= 2;
    return TAP_OK;
}

static void det_forward(tap_call *c, tap_tensor *out)
{
    factors f;
    if (factor(c, &f)) tap__lu_determinant(f.lu, f.swap, f.shift.data, out->data, NULL, NULL);
}

static tap_var weighted_cofactors(tap_var x, tap_var weight);

static void det_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    gin[0] = weighted_cofactors(tap_in(n, 0), g);
}

static const tap_op det_op = { "det", det_infer, det_forward, det_vjp, 0 };

tap_var tap_det(tap_var x)
{
    return tap_apply(&det_op, NULL, 1, &x);
}

/* The cofactors of in[0], times the weight [..] in in[1] if there is one: the product may be in range where the cofactors
 * are not. */
static tap_status cofactors_infer(tap_call *c, tap_tensor *out)
{
    tap_shape per = c->in[0].shape;
    if (square_infer(c, out) != TAP_OK) return c->tape->error.status;
    per.rank -= 2;
    return c->n_in == 1 || tap_shape_equal(c->in[1].shape, per)
               ? TAP_OK
               : tap_call_fail(c, TAP_ESHAPE, "needs a weight for each matrix");
}

static void cofactors_forward(tap_call *c, tap_tensor *out)
{
    factors f;
    if (!prepare_factors(c, 2 * out->shape.n[out->shape.rank - 1], &f)) return;
    tap__cofactors_of(f.lu, f.swap, f.shift.data, c->n_in == 2 ? c->in[1] : (tap_tensor){ 0 }, *out);
}

/* c = det(x) x^-T, hence dc = (tr(c^T dx) c - c dx^T c) / det(x) */
static void cofactors_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    const bool weighted = tap_in(n, 1).id != 0;
    tap_var    c = weighted ? tap__cofactors(tap_in(n, 0)) : tap_out(n);
    if (tap_needs_grad(n, 1)) gin[1] = tap_sum(tap_mul(c, g), TAP_AXES(-2, -1));
    if (!tap_needs_grad(n, 0)) return;
    if (weighted) g = tap_mul(with_matrix_axes(tap_in(n, 1)), g);
    tap_var trace = tap_sum(tap_mul(c, g), tap_keepdim(TAP_AXES(-2, -1)));
    tap_var both = tap_sub(tap_mul(trace, c), tap_matmul(tap_matmul(c, tap_mT(g)), c));
    gin[0] = tap_div(both, with_matrix_axes(tap_det(tap_in(n, 0))));
}

static const tap_op cofactors_op = { "cofactors", cofactors_infer, cofactors_forward, cofactors_vjp, 0 };

static tap_var weighted_cofactors(tap_var x, tap_var weight)
{
    return tap_apply(&cofactors_op, NULL, 2, (tap_var[]){ x, weight });
}

tap_var tap__cofactors(tap_var x)
{
    return tap_apply(&cofactors_op, NULL, 1, &x);
}

/* log |det x| and the sign of det x, from one factorization: [..,n,n] -> [2,..]. The sign has no gradient. */
static tap_status slogdet_infer(tap_call *c, tap_tensor *out)
{
    if (det_infer(c, out) != TAP_OK) return c->tape->error.status;
    memmove(out->shape.n + 1, out->shape.n, (size_t)out->shape.rank++ * sizeof(int64_t));
    out->shape.n[0] = 2;
    return TAP_OK;
}

static void slogdet_forward(tap_call *c, tap_tensor *out)
{
    factors f;
    size_t  bytes = (size_t)tap_numel(out->shape) / 2 * tap_dtype_size(out->dtype);
    if (factor(c, &f)) tap__lu_determinant(f.lu, f.swap, f.shift.data, NULL, (char *)out->data + bytes, out->data);
}

/* g x^-T as the solution of x^T y = g, which may be in range where x^-T is not */
static void slogdet_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    tap_var         x = tap_in(n, 0);
    const tap_shape s = tap_shape_of(x);
    tap_var         eye = tap_cast(tap_eye(x.tape, s.rank > 0 ? s.n[s.rank - 1] : 0), tap__dtype_of(x));
    gin[0] = tap_solve(tap_mT(x), tap_mul(with_matrix_axes(tap_select(g, 0, 0)), eye));
}

static const tap_op slogdet_op = { "slogdet", slogdet_infer, slogdet_forward, slogdet_vjp, 0 };

tap_var tap_slogdet(tap_var x, tap_var *sign)
{
    TAP_CALL("slogdet", x);
    tap_var both = tap_apply(&slogdet_op, NULL, 1, &x);
    if (sign) *sign = both.id ? tap_detach(tap_select(both, 0, 1)) : both;
    return both.id ? tap_select(both, 0, 0) : both;
}

tap_var tap_logdet(tap_var x)
{
    TAP_CALL("logdet", x);
    tap_var sign, log_abs = tap_slogdet(x, &sign);
    return tap_where(tap_lt(sign, tap_scalar_like(sign, 0)), tap_scalar_like(sign, (double)NAN), log_abs);
}
