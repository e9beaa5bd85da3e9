/* tests/autograd/test_linalg.c: einsum against loops over all letters, and linear algebra of vectors, empty and singular
 * matrices, signs of determinants, and messages. */
#include <math.h>
#include <string.h>

#include "autograd/internal.h"
#include "tests/check.h"

static tap_var matrix(tap_tape *t, int64_t n, double *x)
{
    return tap_variable(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(n, n), x));
}

static void assert_values(tap_var v, int64_t n, const double *expected)
{
    tap_tensor x = tap_value(v);
    assert_tape_ok(v.tape);
    assert_int_equal(tap_tensor_numel(x), n);
    for (int64_t i = 0; i < n; i++) {
        double got = tap_tensor_item(x, i);
        if (!(fabs(got - expected[i]) <= 1e-12)) fail_msg("element %d: %.17g, not %.17g", (int)i, got, expected[i]);
    }
}

static void assert_same(tap_var x, tap_var y)
{
    char a[TAP_SHAPE_TEXT], b[TAP_SHAPE_TEXT];
    assert_tape_ok(x.tape);
    assert_string_equal(tap_shape_format(a, tap_shape_of(x)), tap_shape_format(b, tap_shape_of(y)));
    for (int64_t i = 0; i < tap_numel(tap_shape_of(x)); i++) {
        double p = tap_tensor_item(tap_value(x), i), q = tap_tensor_item(tap_value(y), i);
        if (!(fabs(p - q) <= 1e-12)) fail_msg("element %d: %.17g, not %.17g", (int)i, p, q);
    }
}

/* ---- einsum ---- */

enum { FIRST = 'A', LAST = 'z', MAX_INPUTS = 4 };

static int64_t size_of(char letter)
{
    return 2 + letter % 3;
}

static double element(tap_tensor x, const char *letters, const int64_t *at)
{
    int64_t index[TAP_MAX_RANK] = { 0 };
    for (int i = 0; i < x.shape.rank; i++) index[i] = at[(int)letters[i]];
    return tap_tensor_get(x, index);
}

/* The reference: loops over all letters and adds products of elements to the output. */
static void einsum_by_loops(const char *equation, int n, const tap_tensor *x, tap_tensor out)
{
    char    group[MAX_INPUTS][16] = { "" }, output[16] = "";
    int64_t at[128] = { 0 };
    bool    used[128] = { false }, more = true;
    for (int k = 0; *equation != '-'; equation++) {
        if (*equation == ',') k++;
        else group[k][strlen(group[k])] = *equation, used[(int)*equation] = true;
    }
    strcpy(output, equation + 2);
    while (more) {
        double  product = 1;
        int64_t place = 0;
        for (int k = 0; k < n; k++) product *= element(x[k], group[k], at);
        for (int k = 0; output[k]; k++) place = place * size_of(output[k]) + at[(int)output[k]];
        tap_tensor_set_item(out, place, tap_tensor_item(out, place) + product);
        more = false;
        for (int c = FIRST; c <= LAST && !more; c++) {
            if (!used[c]) continue;
            more = ++at[c] < size_of((char)c);
            if (!more) at[c] = 0;
        }
    }
}

static tap_shape shape_for(const char *letters)
{
    tap_shape s = { 0 };
    for (; *letters && *letters != ',' && *letters != '-'; letters++) s.n[s.rank++] = size_of(*letters);
    return s;
}

static void test_einsum_by_loops(void **state)
{
    (void)state;
    /* clang-format off */
    static const char *const equations[] = {
        "ij,jk->ik",    "ij,jk->ki",    "ji,kj->ik",     "ij->ji",          "ij->",        "ij->j",    "ii->i",
        "ii->",         "iji->j",       "iijj->ji",      "i,i->",           "i,j->ji",     "ij,ij->",  "ij,ij->ji",
        "bij,bjk->bik", "bij,kjb->kbi", "abc,cd->abd",   "abcd,dcef->afbe", "ij,kl->jl",   "Ab,bA->A", "iij,jk->ki",
        "ij,jk,kl->il", "bi,bj,bij->b", "i,j,k,l->lkji", "ij,jk,ki->",      "aA,Aa,aB->B", "ij,->ji",  "iab,jab,kab->ijk", "Zz,zy->yZ",
        "jii->ij",      "Cii->iC",      "ijkk->ji",      "abcd,efgh->hgfedcab",
        "abcdefgh,ij->i", "ij,abcdefgh->i", /* a product with all axes would have too many */
    };
    /* clang-format on */
    for (size_t i = 0; i < sizeof equations / sizeof *equations; i++) {
        const char *eq = equations[i], *at = eq;
        tap_tape   *t = tap_tape_new(TAP_F64, i);
        tap_var     x[MAX_INPUTS] = { { 0 } };
        tap_tensor  v[MAX_INPUTS];
        int         n = 0;
        for (;; at++) {
            x[n] = tap_randn(t, shape_for(at));
            v[n] = tap_value(x[n]);
            n++;
            at += strcspn(at, ",-");
            if (*at == '-') break;
        }
        tap_var expected = tap_zeros(t, shape_for(at + 2));
        einsum_by_loops(eq, n, v, tap_value(expected));
        assert_same(tap_einsum(eq, n, x), expected);
        tap_tape_free(t);
    }
}

/* Equations with dots, with spaces or without an output are equivalent to a full one. */
static void test_einsum_short_forms(void **state)
{
    (void)state;
    static const struct {
        const char *brief, *full;
        tap_shape   a, b;
    } rows[] = {
        { "ij,jk", "ij,jk->ik", { 2, { 2, 3 } }, { 2, { 3, 4 } } },
        { "ba,", "ba,->ab", { 2, { 2, 3 } }, { 0 } },
        { "bA,Ca", "bA,Ca->ACab", { 2, { 2, 3 } }, { 2, { 4, 5 } } },
        { " i j , j->i ", "ij,j->i", { 2, { 2, 3 } }, { 1, { 3 } } },
        { "...ij,...jk->...ik", "xyij,yjk->xyik", { 4, { 2, 5, 3, 4 } }, { 3, { 5, 4, 2 } } },
        { "...ij,...jk", "xyij,yjk->xyik", { 4, { 2, 5, 3, 4 } }, { 3, { 5, 4, 2 } } },
        { "i...j,j...->...i", "ixyj,jy->xyi", { 4, { 2, 5, 3, 4 } }, { 2, { 4, 3 } } },
        { "...i,...i->i", "xi,xi->i", { 2, { 2, 3 } }, { 2, { 2, 3 } } },
        { "...,...", "xy,y->xy", { 2, { 2, 3 } }, { 1, { 3 } } },
        { "...,...->", "xy,y->", { 2, { 2, 3 } }, { 1, { 3 } } },
        { "...ij,...jk->...ik", "xij,yjk->xyik", { 4, { 2, 1, 3, 4 } }, { 3, { 5, 4, 2 } } },
        { "ij,ij->ij", "ij,j->ij", { 2, { 2, 3 } }, { 2, { 1, 3 } } },
        { "ij,ij->i", "i,ij->i", { 2, { 2, 1 } }, { 2, { 2, 3 } } },
        { "i...,->...i", "ix,->xi", { 2, { 2, 3 } }, { 0 } },
        { "i,j->ij...", "i,j->ij", { 1, { 2 } }, { 1, { 3 } } },
        { "zA,", "zA,->Az", { 2, { 2, 3 } }, { 0 } },
        { "AB,AB->AB", "B,AB->AB", { 2, { 1, 3 } }, { 2, { 2, 3 } } },
        { "...,...", "abcdefgh,abcdefgh->abcdefgh", { 8, { 2, 2, 2, 2, 2, 2, 2, 2 } }, { 8, { 2, 2, 2, 2, 2, 2, 2, 2 } } },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tap_tape *t = tap_tape_new(TAP_F64, i);
        tap_var   x[2] = { tap_randn(t, rows[i].a), tap_randn(t, rows[i].b) }, y[2];
        for (int k = 0; k < 2; k++) y[k] = tap_squeeze(x[k], TAP_ALL); /* the full form names no axis of size 1 */
        assert_same(tap_einsum(rows[i].brief, 2, x), tap_einsum(rows[i].full, 2, y));
        tap_tape_free(t);
    }
}

/* Axes that are summed are contracted by matrix products: an elementwise product of [n,n] and [n,n] would have n^3 elements. */
static void test_einsum_needs_little_memory(void **state)
{
    (void)state;
    enum { N = 192 };
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    tap_var   x[2] = { tap_randn(t, TAP_SHAPE(N, N)), tap_randn(t, TAP_SHAPE(N, N)) };
    assert_same(tap_einsum("ij,jk->ik", 2, x), tap_matmul(x[0], x[1]));
    tap_einsum("ij,jk->", 2, x);
    tap_einsum("ij,kj->ki", 2, x);
    assert_tape_ok(t);
    assert_true(tap_tape_bytes(t) < 30 * N * N * sizeof(double));
    tap_tape_free(t);
}

/* ---- Products ---- */

static void test_products_of_every_rank(void **state)
{
    (void)state;
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    tap_var   v = tap_randn(t, TAP_SHAPE(4)), u = tap_randn(t, TAP_SHAPE(3)), m = tap_randn(t, TAP_SHAPE(3, 4));
    tap_var   b = tap_randn(t, TAP_SHAPE(2, 4, 3)), s = tap_scalar(t, 3);
    assert_same(tap_matmul(v, v), tap_sum(tap_mul(v, v), TAP_ALL));
    assert_same(tap_matmul(m, v), tap_sum(tap_mul(m, v), TAP_LAST));
    assert_same(tap_einsum("az,Az,ZA->aZ", 3, (tap_var[]){ m, m, tap_mm(m, tap_mT(m)) }), /* the first and last letters */
                tap_mm(tap_mm(m, tap_mT(m)), tap_mT(tap_mm(m, tap_mT(m)))));
    assert_same(tap_matmul(tap_narrow(m, 0, 0, 1), v), tap_narrow(tap_matmul(m, v), 0, 0, 1)); /* [1,4] x [4] is [1] */
    assert_same(tap_matmul(u, m), tap_sum(tap_mul(tap_unsqueeze(u, 1), m), TAP_AXES(0)));
    assert_same(tap_matmul(v, b), tap_einsum("i,bij->bj", 2, (tap_var[]){ v, b }));
    assert_same(tap_matmul(b, u), tap_einsum("bij,j->bi", 2, (tap_var[]){ b, u }));
    assert_same(tap_matmul(m, b), tap_einsum("ij,bjk->bik", 2, (tap_var[]){ m, b }));
    assert_same(tap_inner(m, tap_mT(b)), tap_einsum("ij,bkj->ibk", 2, (tap_var[]){ m, tap_mT(b) }));
    assert_same(tap_inner(s, m), tap_mul_scalar(m, 3));
    assert_same(tap_outer(u, v), tap_einsum("i,j->ij", 2, (tap_var[]){ u, v }));
    assert_same(tap_tensordot(m, b, 0, NULL, NULL), tap_einsum("ij,bkl->ijbkl", 2, (tap_var[]){ m, b }));
    assert_same(tap_tensordot(b, m, 1, NULL, NULL), tap_einsum("bij,jk->bik", 2, (tap_var[]){ b, m }));
    assert_same(tap_tensordot(m, b, 2, (int[]){ 0, 1 }, (int[]){ -1, 1 }), tap_einsum("ij,bji->b", 2, (tap_var[]){ m, b }));
    assert_same(tap_matmul(tap_zeros(t, TAP_SHAPE(2, 0)), tap_zeros(t, TAP_SHAPE(0, 3))), tap_zeros(t, TAP_SHAPE(2, 3)));
    assert_same(tap_matmul(tap_zeros(t, TAP_SHAPE(0)), tap_zeros(t, TAP_SHAPE(0))), tap_zeros(t, TAP_SCALAR));
    assert_same(tap_einsum("ij,jk->ik", 2, (tap_var[]){ tap_zeros(t, TAP_SHAPE(2, 0)), tap_zeros(t, TAP_SHAPE(0, 3)) }),
                tap_zeros(t, TAP_SHAPE(2, 3)));
    tap_tape_free(t);
}

static void test_addmm_without_input(void **state)
{
    (void)state;
    double    bad[4] = { (double)NAN, (double)INFINITY, 0, 0 };
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    tap_var   input = matrix(t, 2, bad), a = tap_randn(t, TAP_SHAPE(2, 3)), b = tap_randn(t, TAP_SHAPE(3, 2));
    assert_same(tap_addmm(input, a, b, 0, 2), tap_mul_scalar(tap_mm(a, b), 2));
    assert_same(tap_addmm(tap_scalar(t, 5), a, b, 2, -1), tap_add_scalar(tap_neg(tap_mm(a, b)), 10));
    tap_var as = tap_unsqueeze(a, 0), bs = tap_unsqueeze(b, 0);
    assert_same(tap_baddbmm(tap_scalar(t, 5), as, bs, 2, -1), tap_unsqueeze(tap_add_scalar(tap_neg(tap_mm(a, b)), 10), 0));
    tap_tape_free(t);
}

/* ---- Linear algebra ---- */

static void test_triangles(void **state)
{
    (void)state;
    double    x[9] = { 1, 2, (double)NAN, 4, 5, 6, 7, 8, 9 }, y[9] = { (double)NAN, 2, 3, 4, 5, 6, 7, 8, 9 };
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    assert_values(tap_tril(matrix(t, 3, x), 0), 9, (const double[]){ 1, 0, 0, 4, 5, 0, 7, 8, 9 });
    assert_values(tap_tril(matrix(t, 3, x), 1), 9, (const double[]){ 1, 2, 0, 4, 5, 6, 7, 8, 9 });
    assert_values(tap_triu(matrix(t, 3, y), 1), 9, (const double[]){ 0, 2, 3, 0, 0, 6, 0, 0, 0 });
    assert_values(tap_triu(matrix(t, 3, y), INT64_MAX), 9, (const double[9]){ 0 });
    assert_values(tap_tril(matrix(t, 3, y), INT64_MIN), 9, (const double[9]){ 0 });
    assert_values(tap_triu(tap_cast(tap_mT(matrix(t, 3, y)), TAP_BOOL), 0), 9, (const double[]){ 1, 1, 1, 0, 1, 1, 0, 0, 1 });
    assert_values(tap_triu(tap_ones(t, TAP_SHAPE(2, 4, 2)), 0), 16,
                  (const double[]){ 1, 1, 0, 1, 0, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0, 0 });
    assert_values(tap_tril(tap_ones(t, TAP_SHAPE(2, 2, 3)), 0), 12, (const double[]){ 1, 0, 0, 1, 1, 0, 1, 0, 0, 1, 1, 0 });
    assert_values(tap_trace(matrix(t, 3, x)), 1, (const double[]){ 15 });
    tap_tape_free(t);
}

/* Matrices without elements have the determinant 1; empty batches have empty results. */
static void test_empty_matrices(void **state)
{
    (void)state;
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    tap_var   sign, none = tap_zeros(t, TAP_SHAPE(3, 0, 0)), batch = tap_zeros(t, TAP_SHAPE(0, 3, 3));
    assert_same(tap_det(none), tap_ones(t, TAP_SHAPE(3)));
    assert_same(tap_slogdet(none, &sign), tap_zeros(t, TAP_SHAPE(3)));
    assert_same(sign, tap_ones(t, TAP_SHAPE(3)));
    assert_same(tap_logdet(tap_zeros(t, TAP_SHAPE(0, 0))), tap_scalar(t, 0));
    assert_same(tap_trace(none), tap_zeros(t, TAP_SHAPE(3)));
    assert_same(tap_inv(none), none);
    assert_same(tap_cholesky(none, TAP_UPPER), none);
    assert_same(tap_solve(none, tap_zeros(t, TAP_SHAPE(3, 0, 2))), tap_zeros(t, TAP_SHAPE(3, 0, 2)));
    assert_same(tap_solve(none, tap_zeros(t, TAP_SHAPE(3, 0))), tap_zeros(t, TAP_SHAPE(3, 0)));
    assert_same(tap_det(batch), tap_zeros(t, TAP_SHAPE(0)));
    assert_same(tap_inv(batch), batch);
    assert_same(tap_cholesky(batch, TAP_LOWER), batch);
    assert_same(tap_solve_triangular(batch, tap_zeros(t, TAP_SHAPE(5, 3)), TAP_UPPER, TAP_RIGHT, TAP_UNIT),
                tap_zeros(t, TAP_SHAPE(0, 5, 3)));
    tap_tape_free(t);
}

static void test_signs(void **state)
{
    (void)state;
    double    x[] = { 0, 3, 2, 0 }, y[] = { 1, 2, 2, 4 }, z[] = { 2, 1, 1, 1 };
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    tap_var   sign, all = tap_stack(3, (tap_var[]){ matrix(t, 2, x), matrix(t, 2, y), matrix(t, 2, z) }, 0);
    tap_var   log_abs = tap_slogdet(all, &sign);
    assert_values(sign, 3, (const double[]){ -1, 0, 1 });
    assert_values(tap_det(all), 3, (const double[]){ -6, 0, 1 });
    assert_values(tap_slice(log_abs, 0, 0, 3, 2), 2, (const double[]){ log(6), 0 });
    assert_true(tap_tensor_item(tap_value(log_abs), 1) == -(double)INFINITY);
    tap_tensor log_det = tap_value(tap_logdet(all));
    assert_true(isnan(tap_tensor_item(log_det, 0)) && tap_tensor_item(log_det, 1) == -(double)INFINITY);
    assert_tape_ok(t);
    tap_tape_free(t);
}

/* The determinant of 300 I overflows float32. */
static void test_no_overflow(void **state)
{
    (void)state;
    tap_tape *t = tap_tape_new(TAP_F32, 1);
    tap_var   sign, log_abs = tap_slogdet(tap_mul_scalar(tap_eye(t, 300), 300), &sign);
    assert_true(fabs(tap_item(log_abs) - 300 * log(300)) < 1e-3);
    assert_true(tap_item(sign) == 1);
    tap_tape_free(t);
}

/* The gradient of a determinant that is 0: the cofactors for rank n - 1, 0 for rank n - 2. */
static void test_gradient_of_singular_determinants(void **state)
{
    (void)state;
    double    x[] = { 1, 2, 2, 4 }, y[] = { 0, 1, 0, 0, 0, 1, 0, 0, 0 }, z[] = { 1, 0, 0, 0, 0, 0, 0, 0, 0 };
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    tap_var   in[3] = { matrix(t, 2, x), matrix(t, 3, y), matrix(t, 3, z) }, d;
    tap_grad(tap_det(in[0]), 1, &in[0], &d);
    assert_values(d, 4, (const double[]){ 4, -2, -2, 1 });
    tap_grad(tap_det(in[1]), 1, &in[1], &d);
    assert_values(d, 9, (const double[]){ 0, 0, 0, 0, 0, 0, 1, 0, 0 });
    tap_grad(tap_det(in[2]), 1, &in[2], &d);
    assert_values(d, 9, (const double[9]){ 0 });
    tap_tape_free(t);
}

/* The gradient is symmetric although only one triangle is read. Here it is that of sum L for x = [4 2; 2 5], L = [2 0; 1 2]. */
static void test_gradient_of_cholesky(void **state)
{
    (void)state;
    double    x[] = { 4, 2, 2, 5 };
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    for (int upper = 0; upper < 2; upper++) {
        tap_var in = matrix(t, 2, x), d;
        tap_grad(tap_sum(tap_cholesky(in, upper), TAP_ALL), 1, &in, &d);
        assert_values(d, 4, (const double[]){ 0.1875, 0.125, 0.125, 0.25 });
    }
    tap_tape_free(t);
}

/* The gradient has both triangles of the factor, as in PyTorch. */
static void test_gradient_of_cholesky_solve(void **state)
{
    (void)state;
    double    l[] = { 1, 0, 0, 2 };
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    tap_var   factor = matrix(t, 2, l), y = tap_cholesky_solve(tap_ones(t, TAP_SHAPE(2, 1)), factor, TAP_LOWER), d;
    assert_values(y, 2, (const double[]){ 1, 0.25 });
    tap_grad(tap_sum(y, TAP_ALL), 1, &factor, &d); /* -(s y^T + y s^T) l, s = y */
    assert_values(d, 4, (const double[]){ -2, -1, -0.5, -0.25 });
    tap_tape_free(t);
}

static void test_vectors_and_matrices_of_a_batch(void **state)
{
    (void)state;
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    tap_var a = tap_add(tap_randn(t, TAP_SHAPE(2, 3, 3)), tap_mul_scalar(tap_eye(t, 3), 5)), v = tap_randn(t, TAP_SHAPE(2, 3));
    tap_var u = tap_randn(t, TAP_SHAPE(3)), m = tap_randn(t, TAP_SHAPE(3, 4)), square = tap_randn(t, TAP_SHAPE(3, 3));
    assert_same(tap_einsum("bij,bj->bi", 2, (tap_var[]){ a, tap_solve(a, v) }), v);
    assert_same(tap_matmul(a, tap_unsqueeze(tap_solve(a, u), -1)), tap_expand(tap_unsqueeze(u, -1), TAP_SHAPE(2, 3, 1)));
    assert_same(tap_matmul(a, tap_solve(a, m)), tap_expand(m, TAP_SHAPE(2, 3, 4)));
    assert_same(tap_matmul(a, tap_solve(a, square)), tap_expand(square, TAP_SHAPE(2, 3, 3)));
    assert_same(tap_matmul(tap_inv(a), a), tap_expand(tap_eye(t, 3), TAP_SHAPE(2, 3, 3)));
    assert_same(tap_solve_triangular(tap_tril(a, 0), tap_matmul(tap_mT(m), tap_tril(a, 0)), TAP_LOWER, TAP_RIGHT, TAP_NON_UNIT),
                tap_expand(tap_mT(m), TAP_SHAPE(2, 4, 3)));
    tap_var many = tap_randn(t, TAP_SHAPE(5, 2, 3, 4)), rows = tap_randn(t, TAP_SHAPE(2, 3, 3)); /* LU exchanges rows */
    assert_same(tap_matmul(rows, tap_solve(rows, many)), many);
    assert_same(tap_matmul(tap_tril(a, 0), tap_solve_triangular(a, many, TAP_LOWER, TAP_LEFT, TAP_NON_UNIT)), many);
    tap_tape_free(t);
}

/* If the second of two matrices is bad, the message names it, and the result is inert. */
static void test_bad_matrices_are_named(void **state)
{
    (void)state;
    static const char *const messages[] = {
        "cholesky: [2,2,2] (covariance): matrix 1 is not positive definite (leading minor 2)",
        "solve: [2,2,2] x [2] (covariance): matrix 1 is singular (pivot 2)",
        "inv: [2,2,2] (covariance): matrix 1 is singular (pivot 2)",
    };
    for (int i = 0; i < 3; i++) {
        double      good[] = { 2, 1, 1, 2 }, bad[] = { 1, 1, 1, 1 };
        const char *message;
        tap_tape   *t = tap_tape_new(TAP_F64, 1);
        tap_var     x = tap_stack(2, (tap_var[]){ matrix(t, 2, good), matrix(t, 2, bad) }, 0), v = tap_ones(t, TAP_SHAPE(2));
        tap_named(x, "covariance");
        tap_var y = i == 0 ? tap_cholesky(x, TAP_LOWER) : i == 1 ? tap_solve(x, v) : tap_inv(x);
        assert_int_equal(y.id, 0);
        assert_int_equal(tap_tape_status(t, &message), TAP_EARG);
        assert_string_equal(message, messages[i]);
        tap_tape_free(t);
    }
}

/* A step that calls all of them takes no more memory than the step before. */
static void test_memory_does_not_grow(void **state)
{
    (void)state;
    size_t    bytes = 0;
    tap_tape *t = tap_tape_new(TAP_F32, 1);
    for (int step = 0; step < 6; step++) {
        tap_tape_reset(t);
        tap_var a = tap_randn(t, TAP_SHAPE(3, 40, 40)), x = tap_add(tap_matmul(a, tap_mT(a)), tap_eye(t, 40)),
                b = tap_slice(a, 2, 39, 0, -2);
        tap_solve_triangular(tap_flip(tap_cholesky(x, TAP_UPPER), TAP_AXES(1, 2)), tap_solve(x, b), TAP_LOWER, TAP_LEFT,
                             TAP_NON_UNIT);
        tap_det(tap_inv(x));
        assert_tape_ok(t);
        if (step > 2) assert_int_equal(tap_tape_bytes(t), bytes);
        bytes = tap_tape_bytes(t);
    }
    tap_tape_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_einsum_by_loops),
        cmocka_unit_test(test_einsum_short_forms),
        cmocka_unit_test(test_einsum_needs_little_memory),
        cmocka_unit_test(test_products_of_every_rank),
        cmocka_unit_test(test_addmm_without_input),
        cmocka_unit_test(test_triangles),
        cmocka_unit_test(test_empty_matrices),
        cmocka_unit_test(test_signs),
        cmocka_unit_test(test_no_overflow),
        cmocka_unit_test(test_gradient_of_singular_determinants),
        cmocka_unit_test(test_gradient_of_cholesky),
        cmocka_unit_test(test_gradient_of_cholesky_solve),
        cmocka_unit_test(test_vectors_and_matrices_of_a_batch),
        cmocka_unit_test(test_bad_matrices_are_named),
        cmocka_unit_test(test_memory_does_not_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
