/* Every differentiable operator against finite differences: first and second order, through contiguous, transposed, sliced,
 * reversed, expanded, size-1 and empty inputs, and with inputs shared. An operator without a row here fails the last test. */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "autograd/internal.h"

/* ---- Functions under test that are more than one operator's name ---- */

#define ONE(name, expression)                                                      \
    static tap_var name(tap_tape *t, const tap_var *in, void *ctx)                 \
    {                                                                              \
        const tap_var a = in[0];                                                   \
        (void)t, (void)ctx, (void)a;                                               \
        return expression;                                                         \
    }
#define TWO(name, expression)                                                      \
    static tap_var name(tap_tape *t, const tap_var *in, void *ctx)                 \
    {                                                                              \
        const tap_var a = in[0], b = in[1];                                        \
        (void)t, (void)ctx, (void)a, (void)b;                                      \
        return expression;                                                         \
    }

ONE(f_neg, tap_neg(a))
ONE(f_abs, tap_abs(a))
ONE(f_sign, tap_sign(a))
ONE(f_square, tap_square(a))
ONE(f_sqrt, tap_sqrt(a))
ONE(f_reciprocal, tap_reciprocal(a))
ONE(f_exp, tap_exp(a))
ONE(f_expm1, tap_expm1(a))
ONE(f_log, tap_log(a))
ONE(f_log1p, tap_log1p(a))
ONE(f_sin, tap_sin(a))
ONE(f_cos, tap_cos(a))
ONE(f_tanh, tap_tanh(a))
ONE(f_sigmoid, tap_sigmoid(a))
ONE(f_softplus, tap_softplus(a))
ONE(f_relu, tap_relu(a))
ONE(f_elu, tap_elu(a))
ONE(f_silu, tap_silu(a))
ONE(f_add_scalar, tap_add_scalar(a, 3))
ONE(f_mul_scalar, tap_mul_scalar(a, -3))
ONE(f_shared, tap_add(tap_mul(a, a), a))
ONE(f_cast, tap_mul(tap_cast(tap_cast(a, TAP_F64), TAP_F64), a))
ONE(f_mask, tap_mul(tap_cast(tap_gt(a, tap_scalar(t, 0)), TAP_F64), a))
ONE(f_detach, tap_mul(a, tap_add_scalar(tap_mul_scalar(tap_detach(tap_sign(a)), 2), 1)))

TWO(f_add, tap_add(a, b))
TWO(f_sub, tap_sub(a, b))
TWO(f_mul, tap_mul(a, b))
TWO(f_div, tap_div(a, b))
TWO(f_pow, tap_pow(a, b))
TWO(f_maximum, tap_maximum(a, b))
TWO(f_minimum, tap_minimum(a, b))
TWO(f_bce, tap_bce_with_logits(a, b))
TWO(f_relu_grad, tap__relu_grad(a, b))
TWO(f_tanh_grad, tap__tanh_grad(a, b))
TWO(f_sigmoid_grad, tap__sigmoid_grad(a, b))
TWO(f_sigmoid_sub, tap__sigmoid_sub(a, b))
TWO(f_ahead, tap__ahead(a, b))
TWO(f_where, tap_where(tap_gt(a, b), tap_mul(a, b), tap_sin(b)))

ONE(f_sum_all, tap_sum(tap_square(a), TAP_ALL))
ONE(f_sum_last, tap_sum(a, TAP_LAST))
ONE(f_sum_first, tap_sum(a, TAP_AXES(0)))
ONE(f_sum_ends, tap_sum(a, TAP_AXES(0, -1)))
ONE(f_sum_keep, tap_sum(a, tap_keep(TAP_AXES(1))))
ONE(f_sum_none, tap_sum(a, ((tap_axes){ .n = 0 })))
ONE(f_mean, tap_mean(tap_square(a), TAP_AXES(0)))
ONE(f_sum_to, tap_sum_to(a, TAP_SHAPE(3, 1)))
ONE(f_amax_all, tap_amax(a, TAP_ALL))
ONE(f_amax_last, tap_amax(a, TAP_LAST))
ONE(f_amax_keep, tap_amax(a, tap_keep(TAP_AXES(0, 1))))
ONE(f_logsumexp, tap_logsumexp(a, TAP_LAST))
ONE(f_logsumexp_keep, tap_logsumexp(a, tap_keep(TAP_AXES(0))))
ONE(f_softmax, tap_exp(tap_sub(a, tap_logsumexp(a, tap_keep(TAP_LAST)))))

ONE(f_permute, tap_permute(a, 3, ((const int[]){ 2, 0, -2 })))
ONE(f_transpose, tap_transpose(a, 0, -1))
ONE(f_mT, tap_mT(a))
ONE(f_reshape, tap_reshape(a, TAP_SHAPE(4, -1)))
ONE(f_reshape_copy, tap_reshape(tap_mT(a), TAP_SHAPE(-1)))
ONE(f_expand, tap_expand(a, TAP_SHAPE(5, 2, 3, 4)))
ONE(f_expand_slice, tap_slice(tap_expand(a, TAP_SHAPE(5, 2, 3, 4)), 0, 3, 0, -2))
ONE(f_slice, tap_slice(a, 1, 1, 3, 1))
ONE(f_slice_back, tap_slice(a, 2, TAP_END, TAP_END, -2))
ONE(f_slice_step, tap_slice(a, -1, -3, TAP_END, 2))
ONE(f_slice_none, tap_slice(a, 0, 2, 1, 1))
ONE(f_select, tap_select(a, 1, -1))
ONE(f_unsqueeze, tap_unsqueeze(a, 1))
ONE(f_squeeze, tap_squeeze(tap_slice(a, 0, 1, 2, 1), 0))
ONE(f_pad, tap__pad(a, TAP_SHAPE(2, 3, 9), 2, 1, 2))
ONE(f_pad_back, tap__pad(a, TAP_SHAPE(2, 3, 9), 2, 8, -2))
TWO(f_cat, tap_cat(2, ((const tap_var[]){ a, b }), -2))
ONE(f_cat_many, tap_cat(20, ((const tap_var[]){ a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a }), 0))

TWO(f_matmul, tap_matmul(a, b))
TWO(f_matmul_t, tap_matmul(a, tap_mT(b)))
TWO(f_matmul_self, tap_matmul(tap_matmul(a, tap_mT(a)), b))

static tap_var f_affine(tap_tape *t, const tap_var *in, void *ctx)
{
    (void)t, (void)ctx;
    return tap_affine(in[0], in[1], in[2]);
}

/* ---- The table ---- */

typedef struct {
    const char  *op;    /* the operator that this row stands for */
    tap_function f;
    int          n;
    tap_shape    shape[3];
    double       low[3], high[3]; /* inputs are spread over these intervals */
    double       kink;            /* inputs keep clear of it */
} row;

#define NONE (double)NAN
#define S3        { .rank = 3, .n = { 2, 3, 4 } }
#define S(...)    { .rank = (int)(sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t)), .n = { __VA_ARGS__ } }
#define R1        .n = 1, .shape = { S3 }, .low = { -2 }, .high = { 2.3 }
#define POSITIVE1 .n = 1, .shape = { S3 }, .low = { 0.3 }, .high = { 3 }
#define R2        .n = 2, .shape = { S3, S3 }, .low = { -2, -2 }, .high = { 2.3, 2.3 }

static const row rows[] = {
    { "neg", f_neg, R1 },
    { "abs", f_abs, R1 },
    { "sign", f_sign, R1 },
    { "square", f_square, R1 },
    { "sqrt", f_sqrt, POSITIVE1, .kink = NONE },
    { "reciprocal", f_reciprocal, POSITIVE1, .kink = NONE },
    { "exp", f_exp, R1, .kink = NONE },
    { "expm1", f_expm1, R1, .kink = NONE },
    { "log", f_log, POSITIVE1, .kink = NONE },
    { "log1p", f_log1p, POSITIVE1, .kink = NONE },
    { "sin", f_sin, R1, .kink = NONE },
    { "cos", f_cos, R1, .kink = NONE },
    { "tanh", f_tanh, R1, .kink = NONE },
    { "sigmoid", f_sigmoid, R1, .kink = NONE },
    { "softplus", f_softplus, R1, .kink = NONE },
    { "relu", f_relu, R1 },
    { "elu", f_elu, R1 },
    { "silu", f_silu, R1, .kink = NONE },
    { "add_scalar", f_add_scalar, R1, .kink = NONE },
    { "mul_scalar", f_mul_scalar, R1, .kink = NONE },
    { "mul", f_shared, R1, .kink = NONE },
    { "cast", f_cast, R1, .kink = NONE },
    { "cast", f_mask, R1 },
    { "mul", f_detach, R1 },
    { "add", f_add, R2, .kink = NONE },
    { "add", f_add, .n = 2, .shape = { S(2, 1, 4), S(3, 1) }, .low = { -2, -2 }, .high = { 2, 2 }, .kink = NONE },
    { "sub", f_sub, R2, .kink = NONE },
    { "sub", f_sub, .n = 2, .shape = { S(4), S3 }, .low = { -2, -2 }, .high = { 2, 2 }, .kink = NONE },
    { "mul", f_mul, R2, .kink = NONE },
    { "mul", f_mul, .n = 2, .shape = { { .rank = 0 }, S3 }, .low = { -2, -2 }, .high = { 2, 2 }, .kink = NONE },
    { "div", f_div, .n = 2, .shape = { S3, S(3, 1) }, .low = { -2, 0.5 }, .high = { 2, 2 }, .kink = NONE },
    { "pow", f_pow, .n = 2, .shape = { S3, S3 }, .low = { 0.3, -2 }, .high = { 2, 2 }, .kink = NONE },
    { "maximum", f_maximum, R2, .kink = NONE },
    { "minimum", f_minimum, R2, .kink = NONE },
    { "bce_with_logits", f_bce, .n = 2, .shape = { S3, S3 }, .low = { -4, 0 }, .high = { 4, 1 }, .kink = NONE },
    { "relu_grad", f_relu_grad, R2 },
    { "tanh_grad", f_tanh_grad, R2, .kink = NONE },
    { "sigmoid_grad", f_sigmoid_grad, R2, .kink = NONE },
    { "sigmoid_sub", f_sigmoid_sub, R2, .kink = NONE },
    { "ahead", f_ahead, R2, .kink = NONE },
    { "where", f_where, R2, .kink = NONE },
    { "sum", f_sum_all, R1, .kink = NONE },
    { "sum", f_sum_last, R1, .kink = NONE },
    { "sum", f_sum_first, R1, .kink = NONE },
    { "sum", f_sum_ends, R1, .kink = NONE },
    { "sum", f_sum_keep, R1, .kink = NONE },
    { "sum", f_sum_none, R1, .kink = NONE },
    { "sum", f_mean, R1, .kink = NONE },
    { "sum", f_sum_to, R1, .kink = NONE },
    { "amax", f_amax_all, R1, .kink = NONE },
    { "amax", f_amax_last, R1, .kink = NONE },
    { "amax", f_amax_keep, R1, .kink = NONE },
    { "sum", f_logsumexp, R1, .kink = NONE },
    { "sum", f_logsumexp_keep, R1, .kink = NONE },
    { "sum", f_softmax, R1, .kink = NONE },
    { "permute", f_permute, R1, .kink = NONE },
    { "permute", f_transpose, R1, .kink = NONE },
    { "permute", f_mT, R1, .kink = NONE },
    { "reshape", f_reshape, R1, .kink = NONE },
    { "reshape", f_reshape_copy, R1, .kink = NONE },
    { "reshape", f_unsqueeze, R1, .kink = NONE },
    { "reshape", f_squeeze, R1, .kink = NONE },
    { "expand", f_expand, R1, .kink = NONE },
    { "expand", f_expand_slice, R1, .kink = NONE },
    { "slice", f_slice, R1, .kink = NONE },
    { "slice", f_slice_back, R1, .kink = NONE },
    { "slice", f_slice_step, R1, .kink = NONE },
    { "slice", f_slice_none, R1, .kink = NONE },
    { "slice", f_select, R1, .kink = NONE },
    { "pad", f_pad, R1, .kink = NONE },
    { "pad", f_pad_back, R1, .kink = NONE },
    { "cat", f_cat, .n = 2, .shape = { S3, S(2, 5, 4) }, .low = { -2, -2 }, .high = { 2, 2 }, .kink = NONE },
    { "cat", f_cat_many, .n = 1, .shape = { S(1, 2, 3) }, .low = { -2 }, .high = { 2 }, .kink = NONE },
    { "matmul", f_matmul, .n = 2, .shape = { S3, S(2, 4, 5) }, .low = { -1, -1 }, .high = { 1, 1 }, .kink = NONE },
    { "matmul", f_matmul, .n = 2, .shape = { S3, S(4, 5) }, .low = { -1, -1 }, .high = { 1, 1 }, .kink = NONE },
    { "matmul", f_matmul, .n = 2, .shape = { S(3, 4), S(2, 1, 4, 1) }, .low = { -1, -1 }, .high = { 1, 1 }, .kink = NONE },
    { "matmul", f_matmul_t, .n = 2, .shape = { S3, S(5, 4) }, .low = { -1, -1 }, .high = { 1, 1 }, .kink = NONE },
    { "matmul", f_matmul_self, .n = 2, .shape = { S(3, 4), S(3, 2) }, .low = { -1, -1 }, .high = { 1, 1 }, .kink = NONE },
    { "affine", f_affine, .n = 3, .shape = { S3, S(5, 4), S(5) }, .low = { -1, -1, -1 }, .high = { 1, 1, 1 }, .kink = NONE },
    { "affine", f_affine, .n = 3, .shape = { S(3, 4), S(5, 4), S(5) }, .low = { -1, -1, -1 }, .high = { 1, 1, 1 }, .kink = NONE },
    { "affine", f_affine, .n = 3, .shape = { S(4), S(2, 4), S(2) }, .low = { -1, -1, -1 }, .high = { 1, 1, 1 }, .kink = NONE },
};

enum { N_ROWS = sizeof rows / sizeof *rows };

/* Values spread evenly over the interval in a shuffled order, the inputs of one row offset against each other: no two are
 * equal, so maxima have no ties, and none is near the kink. */
static void spread(const row *r, int input, tap_tensor x)
{
    int64_t  n = tap_numel(x.shape);
    int64_t *order = malloc((size_t)(n ? n : 1) * sizeof *order);
    assert_non_null(order);
    tap_random_permutation(order, n, (tap_random){ .seed = 7, .stream = (uint64_t)input });
    for (int64_t i = 0; i < n; i++) {
        double at = ((double)order[i] + (input + 1.0) / (r->n + 1.0)) / (double)n;
        double value = r->low[input] + (r->high[input] - r->low[input]) * at;
        assert_false(fabs(value - r->kink) < 1e-3);
        tap_tensor_set_item(x, i, value);
    }
    free(order);
}

/* ---- Layouts: the function sees its inputs through a view ---- */

typedef enum { CONTIGUOUS, TRANSPOSED, SLICED, REVERSED, EXPANDED, LAYOUTS } layout;

static const char *const layout_name[LAYOUTS] = { "contiguous", "transposed", "sliced", "reversed", "expanded" };

static tap_shape base_shape(tap_shape s, layout how)
{
    tap_shape b = s;
    if (s.rank == 0) return s;
    if (how == TRANSPOSED) {
        for (int i = 0; i < s.rank; i++) b.n[i] = s.n[s.rank - 1 - i];
    }
    if (how == SLICED) b.n[s.rank - 1] = 2 * s.n[s.rank - 1] + 1;
    if (how == EXPANDED && s.n[0] > 0) b.n[0] = 1;
    return b;
}

static tap_var through(tap_var x, tap_shape s, layout how)
{
    int axes[TAP_MAX_RANK];
    if (s.rank == 0) return x;
    for (int i = 0; i < s.rank; i++) axes[i] = s.rank - 1 - i;
    switch (how) {
    case TRANSPOSED: return tap_permute(x, s.rank, axes);
    case SLICED: return tap_slice(x, -1, 1, TAP_END, 2);
    case REVERSED: return tap_slice(tap_slice(x, 0, TAP_END, TAP_END, -1), -1, TAP_END, TAP_END, -1);
    case EXPANDED: return tap_expand(x, s);
    default: return x;
    }
}

typedef struct {
    const row *r;
    layout     how;
} viewed_row;

static tap_var viewed(tap_tape *t, const tap_var *in, void *ctx)
{
    const viewed_row *v = ctx;
    tap_var           x[3] = { { 0 } };
    for (int i = 0; i < v->r->n; i++) x[i] = through(in[i], v->r->shape[i], v->how);
    return v->r->f(t, x, NULL);
}

static void check_row(const row *r, layout how, int threads)
{
    tap_arena *a = tap_arena_new();
    tap_tensor x[3];
    viewed_row v = { r, how };
    for (int i = 0; i < r->n; i++) {
        x[i] = tap_tensor_zeros(a, TAP_F64, base_shape(r->shape[i], how));
        spread(r, i, x[i]);
    }
    tap_set_threads(threads);
    /* An expanded input makes ties, where maxima have their kink. */
    bool skip = how == EXPANDED && (!strcmp(r->op, "amax"));
    if (!skip) {
        tap_gradcheck_result g = tap_gradcheck(viewed, &v, r->n, x, (tap_gradcheck_options){ .order = 2, .seed = 3 });
        if (!g.ok) fail_msg("%s, row %d, %s: %s", r->op, (int)(r - rows), layout_name[how], g.message);
    }
    tap_set_threads(0);
    tap_arena_free(a);
}

static void test_every_row_and_layout(void **state)
{
    (void)state;
    for (int i = 0; i < N_ROWS; i++) {
        for (int how = 0; how < LAYOUTS; how++) check_row(&rows[i], (layout)how, 2);
    }
}

/* Sizes 1 and 0 in the first axis of every input, where the row's shapes allow them. */
static void test_single_and_empty_inputs(void **state)
{
    (void)state;
    int tried = 0;
    for (int i = 0; i < N_ROWS; i++) {
        row r = rows[i];
        if (!strncmp(r.op, "pad", 3) || r.f == f_expand || r.f == f_expand_slice || r.f == f_squeeze || r.f == f_reshape) continue;
        for (int64_t size = 0; size <= 1; size++) {
            bool fits = true;
            for (int k = 0; k < r.n; k++) {
                fits = fits && r.shape[k].rank == 3;
                r.shape[k].n[0] = size;
            }
            if (!fits || (size == 0 && (!strcmp(r.op, "amax") || r.f == f_mean || r.f == f_logsumexp_keep))) continue;
            check_row(&r, CONTIGUOUS, 1);
            tried++;
        }
    }
    assert_true(tried > 80);
}

/* The check itself must see a wrong rule: here sin with the gradient of sinh. */
static tap_status wrong_infer(tap_call *c, tap_tensor *out)
{
    out->dtype = c->in[0].dtype;
    out->shape = c->in[0].shape;
    return TAP_OK;
}

static void wrong_forward(tap_call *c, tap_tensor *out)
{
    for (int64_t i = 0; i < tap_tensor_numel(*out); i++) tap_tensor_set_item(*out, i, sin(tap_tensor_item(c->in[0], i)));
}

static void wrong_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    tap_var x = tap_in(n, 0);
    gin[0] = tap_mul(g, tap_mul_scalar(tap_add(tap_exp(x), tap_exp(tap_neg(x))), 0.5));
}

static tap_var wrong(tap_tape *t, const tap_var *in, void *ctx)
{
    static const tap_op op = { "wrong_sin", wrong_infer, wrong_forward, wrong_vjp, 0 };
    (void)t, (void)ctx;
    return tap_apply(&op, NULL, 1, in);
}

static tap_var nan_gradient(tap_tape *t, const tap_var *in, void *ctx)
{
    (void)t, (void)ctx;
    return tap_mul_scalar(in[0], (double)NAN);
}

static void test_a_wrong_rule_is_found(void **state)
{
    (void)state;
    double               x[] = { 0.01, 1.5, 0.02 };
    tap_tensor           in = tap_tensor_wrap(TAP_F64, TAP_SHAPE(3), x);
    tap_gradcheck_result r = tap_gradcheck(wrong, NULL, 1, &in, (tap_gradcheck_options){ 0 });
    assert_false(r.ok);
    assert_int_equal(r.status, TAP_OK);
    assert_int_equal(r.element, 1);
    assert_non_null(strstr(r.message, "they disagree, most in input 0, element 1"));
    assert_false(tap_gradcheck(nan_gradient, NULL, 1, &in, (tap_gradcheck_options){ 0 }).ok);
    assert_float_equal(x[1], 1.5, 0);
}

static void test_random_elements(void **state)
{
    (void)state;
    static double        x[5000];
    tap_tensor           in = tap_tensor_wrap(TAP_F64, TAP_SHAPE(50, 100), x);
    tap_gradcheck_result r = tap_gradcheck(f_exp, NULL, 1, &in, (tap_gradcheck_options){ .elements = 17 });
    assert_true(r.ok);
    assert_int_equal(r.checked, 17);
}

static void test_errors_of_the_check(void **state)
{
    (void)state;
    float                f[2] = { 1, 2 };
    double               d[6] = { 0 };
    tap_tensor           single = tap_tensor_wrap(TAP_F32, TAP_SHAPE(2), f);
    tap_tensor           pair[2] = { tap_tensor_wrap(TAP_F64, TAP_SHAPE(2), d), tap_tensor_wrap(TAP_F64, TAP_SHAPE(3), d) };
    tap_gradcheck_result r = tap_gradcheck(f_exp, NULL, 1, &single, (tap_gradcheck_options){ 0 });
    assert_int_equal(r.status, TAP_EDTYPE);
    r = tap_gradcheck(f_add, NULL, 2, pair, (tap_gradcheck_options){ 0 });
    assert_false(r.ok);
    assert_int_equal(r.status, TAP_ESHAPE);
    assert_string_equal(r.message, "gradcheck: add: [2] x [3]: the shapes do not broadcast");
    assert_int_equal(tap_gradcheck(NULL, NULL, 1, pair, (tap_gradcheck_options){ 0 }).status, TAP_EARG);
    assert_int_equal(tap_gradcheck(f_exp, NULL, 0, pair, (tap_gradcheck_options){ 0 }).status, TAP_EARG);
}

/* ---- Completeness: the sources are asked which operators there are ---- */

static bool has_row(const char *name)
{
    for (int i = 0; i < N_ROWS; i++) {
        if (!strcmp(rows[i].op, name)) return true;
    }
    return false;
}

/* The word after `before` on the line, up to one of the characters in `until`; false if there is none. */
static bool word_after(const char *line, const char *before, const char *until, char *word, size_t size)
{
    const char *at = strstr(line, before);
    if (!at) return false;
    at += strlen(before);
    size_t n = strcspn(at, until);
    if (n == 0 || n >= size) return false;
    memcpy(word, at, n);
    word[n] = '\0';
    return true;
}

/* "UNARY(exp, ..." in a table, or `const tap_op exp_op = { "exp", ...` in a source file. */
static bool operator_on(const char *line, bool table, char *name, size_t size)
{
    if (!table) return strstr(line, "const tap_op ") && word_after(line, "= { \"", "\"", name, size);
    static const char *const kinds[] = { "UNARY(", "WITH(", "WITH2(", "BINARY(", "INNER(" };
    for (int i = 0; i < 5; i++) {
        if (!strncmp(line, kinds[i], strlen(kinds[i]))) return word_after(line, kinds[i], ",", name, size);
    }
    return false;
}

static int check_file(const char *path, bool table, char *missing, size_t size)
{
    char  line[1024], name[64];
    int   found = 0;
    FILE *f = fopen(path, "r");
    if (!f) fail_msg("%s cannot be read", path);
    while (fgets(line, sizeof line, f)) {
        if (!operator_on(line, table, name, sizeof name)) continue;
        found++;
        if (!has_row(name) && strlen(missing) + strlen(name) + 2 < size) strcat(strcat(missing, " "), name);
    }
    fclose(f);
    return found;
}

static void test_every_operator_has_a_row(void **state)
{
    (void)state;
    static const char *const folders[] = { "tensor", "autograd", "nn", "models" };
    const char              *root = getenv("TAP_SOURCE_ROOT");
    char                     path[4096], missing[1024] = "";
    int                      found = 0;
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", root ? root : ".", folders[i]);
        DIR *d = opendir(path);
        if (!d) fail_msg("%s cannot be opened; set TAP_SOURCE_ROOT", path);
        for (struct dirent *e; (e = readdir(d));) {
            const char *dot = strrchr(e->d_name, '.');
            bool        table = dot && !strcmp(dot, ".def");
            if (!dot || (!table && strcmp(dot, ".c") != 0)) continue;
            snprintf(path, sizeof path, "%s/%s/%s", root ? root : ".", folders[i], e->d_name);
            found += check_file(path, table, missing, sizeof missing);
        }
        closedir(d);
    }
    assert_true(found >= 42);
    if (*missing) fail_msg("operators without a gradient test:%s", missing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_and_layout),   cmocka_unit_test(test_single_and_empty_inputs),
        cmocka_unit_test(test_a_wrong_rule_is_found),  cmocka_unit_test(test_random_elements),
        cmocka_unit_test(test_errors_of_the_check),    cmocka_unit_test(test_every_operator_has_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
