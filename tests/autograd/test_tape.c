/* The life of a tape: its memory, its errors, what it records, and the gradients that it gives. */
#define _XOPEN_SOURCE 700
#include <math.h>
#include "autograd/internal.h"
#include "tests/tensor/scratch.h"

enum { N = 3 };

static tap_tensor vector(double *numbers)
{
    return tap_tensor_wrap(TAP_F64, TAP_SHAPE(N), numbers);
}

static double item(tap_var v, int64_t i)
{
    return tap_tensor_item(tap_value(v), i);
}

/* All elements are equal to the expected ones, to the last bit. */
static void assert_elements(tap_var v, const double *expected)
{
    tap_tensor x = tap_value(v);
    assert_non_null(x.data);
    for (int64_t i = 0; i < tap_tensor_numel(x); i++) {
        double element = tap_tensor_item(x, i);
        if (element != expected[i]) fail_msg("element %d: %.17g != %.17g", (int)i, element, expected[i]);
    }
}

static void assert_sound(const tap_tape *t)
{
    const char *message;
    if (tap_tape_status(t, &message) != TAP_OK) fail_msg("%s", message);
    assert_string_equal(message, "");
}

static void assert_error(const tap_tape *t, tap_status status, const char *expected)
{
    const char *message;
    assert_int_equal(tap_tape_status(t, &message), status);
    assert_string_equal(message, expected);
}

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

enum { WATCHED = 5 };

/* A step of a small network. */
static void step(tap_tape *t, const tap_leaf *w, void *address[WATCHED])
{
    tap_tape_reset(t);
    tap_var x = tap_randn(t, TAP_SHAPE(40, 30)), weight = tap_leaf_var(t, w);
    tap_var h = tap_tanh(tap_matmul(x, weight)), y = tap_logsumexp(tap_mul(h, h), TAP_LAST), loss = tap_mean(y, TAP_ALL);
    tap_backward(loss);
    tap_var last = tap_exp(loss);
    const tap_var watched[WATCHED] = { x, h, y, loss, last };
    for (int i = 0; i < WATCHED; i++) address[i] = tap_value(watched[i]).data;
}

static void test_reset_keeps_memory(void **state)
{
    tap_tape  *t = tap_tape_new(TAP_F64, 1);
    tap_arena *a = tap_arena_new();
    tap_shape  shape = TAP_SHAPE(30, 20);
    tap_leaf   w = { tap_tensor_zeros(a, TAP_F64, shape), tap_tensor_zeros(a, TAP_F64, shape), NULL, "w" };
    void      *second[WATCHED], *address[WATCHED];
    (void)state;
    tap_random_normal(w.value, (tap_random){ 0 });
    step(t, &w, address);
    step(t, &w, second);
    const size_t bytes = tap_tape_bytes(t);
    assert_true(bytes > 40 * 30 * sizeof(double));
    for (int i = 3; i <= 100; i++) {
        step(t, &w, address);
        assert_memory_equal(address, second, sizeof second);
        assert_int_equal(tap_tape_bytes(t), bytes);
    }
    assert_sound(t);
    tap_tape_free(t);
    tap_arena_free(a);
}

/* What a backward pass has needed it gives back, gradients of leaves, too: a hundred passes over one graph need no more room than
 * one. */
static void test_backward_gives_memory_back(void **state)
{
    enum { LONG = 5000 };
    static double x[LONG], g[LONG];
    tap_tape     *t = tap_tape_new(TAP_F64, 1);
    tap_shape     shape = TAP_SHAPE(LONG);
    tap_leaf      leaf = { tap_tensor_wrap(TAP_F64, shape, x), tap_tensor_wrap(TAP_F64, shape, g), NULL, "x" };
    (void)state;
    tap_var wide = tap_expand(tap_unsqueeze(tap_leaf_var(t, &leaf), 0), TAP_SHAPE(3, LONG));
    tap_var loss = tap_sum(tap_sin(tap_exp(tap_mul(wide, wide))), TAP_ALL);
    tap_backward(loss);
    const size_t bytes = tap_tape_bytes(t);
    for (int i = 0; i < 100; i++) assert_int_equal(tap_backward(loss), TAP_OK);
    assert_int_equal(tap_tape_bytes(t), bytes);
    tap_tape_free(t);
}

/* ---- Errors ------------------------------------------------------------------------------------------------------ */

static void test_first_error_sticks(void **state)
{
    tap_tape *t = tap_tape_new(TAP_F32, 1);
    tap_var   a = tap_zeros(t, TAP_SHAPE(2, 3)), b = tap_zeros(t, TAP_SHAPE(4));
    (void)state;
    assert_sound(t);
    tap_var bad = tap_add(a, b);
    assert_int_equal(bad.id, 0);
    tap_matmul(bad, b);
    tap_tape_fail(t, TAP_EIO, "too late");
    tap_backward(a);
    assert_true(isnan(tap_item(bad)));
    assert_null(tap_value(a).data);
    assert_int_equal(tap_shape_of(a).rank, 0);
    assert_error(t, TAP_ESHAPE, "add: [2,3] x [4]: the shapes do not broadcast");
    tap_tape_reset(t);
    assert_int_equal(tap_zeros(t, TAP_SCALAR).id, 0);
    assert_error(t, TAP_ESHAPE, "add: [2,3] x [4]: the shapes do not broadcast");
    tap_tape_free(t);

    t = tap_tape_new(TAP_I64, 0);
    assert_error(t, TAP_EDTYPE, "tape: its dtype must be float32 or float64, not int64");
    assert_int_equal(tap_scalar(t, 1).id, 0);
    tap_tape_free(t);
    assert_error(NULL, TAP_EARG, "tape: NULL");
}

static void test_no_tape(void **state)
{
    (void)state;
    assert_false(tap_tape_set_recording(NULL, true));
    assert_false(tap_tape_trace_nonfinite(NULL, true));
    assert_int_equal(tap_tape_dtype(NULL), TAP_F32);
    assert_int_equal(tap_tape_step(NULL), 0);
    assert_int_equal(tap_tape_bytes(NULL), 0);
}

/* The first that a tape hears of. */
static void test_a_bad_leaf_on_a_new_tape(void **state)
{
    (void)state;
    double         grad[N] = { 4, 5, 6 };
    const tap_leaf leaf = { { .dtype = TAP_F64, .shape = TAP_SHAPE(N) }, vector(grad), NULL, "w" };
    tap_tape      *t = tap_tape_new(TAP_F64, 1);
    assert_int_equal(tap_leaf_var(t, &leaf).id, 0);
    assert_error(t, TAP_EARG, "leaf: the tensor is inert or invalid");
    tap_tape_free(t);
}

static void test_messages_name_what_failed(void **state)
{
    (void)state;
    tap_tape *t = tap_tape_new(TAP_F32, 1);
    tap_var   x = tap_zeros(t, TAP_SHAPE(128, 784)), w = tap_named(tap_zeros(t, TAP_SHAPE(400, 20)), "vae.dec.weight");
    tap_matmul(x, w);
    assert_error(t, TAP_ESHAPE, "matmul: [128,784] x [400,20] (vae.dec.weight): inner sizes 784 and 400 differ");
    tap_tape_free(t);

    t = tap_tape_new(TAP_F32, 1);
    tap_var many[6];
    for (int i = 0; i < 6; i++) many[i] = tap_named(tap_zeros(t, TAP_SHAPE(2, 1 + i)), i == 1 ? "b" : i == 2 ? "c" : NULL);
    tap_cat(6, many, 0);
    assert_error(t, TAP_ESHAPE, "cat: [2,1] x [2,2] x [2,3] x [2,4] x ... (b, c): input 1 does not fit input 0 beside axis 0");
    tap_tape_free(t);

    t = tap_tape_new(TAP_F32, 1);
    tap_var old = tap_scalar(t, 1);
    tap_tape_reset(t);
    tap_scalar(t, 2); /* has the number of the old one */
    tap_exp(old);
    assert_error(t, TAP_ESTALE, "var 1 is used after its tape was reset");
    tap_tape_free(t);
}

/* A name of any length leaves a whole sentence. */
static void test_long_names(void **state)
{
    char        name[2 * TAP_MESSAGE_SIZE];
    const char *message;
    tap_tape   *t = tap_tape_new(TAP_F32, 1);
    (void)state;
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    tap_add(tap_named(tap_zeros(t, TAP_SHAPE(2)), name), tap_zeros(t, TAP_SHAPE(3)));
    assert_int_equal(tap_tape_status(t, &message), TAP_ESHAPE);
    assert_true(strlen(message) < TAP_MESSAGE_SIZE);
    assert_non_null(strstr(message, "the shapes do not broadcast"));
    tap_tape_free(t);
}

static void test_two_tapes(void **state)
{
    tap_tape *t = tap_tape_new(TAP_F32, 1), *other = tap_tape_new(TAP_F32, 1);
    tap_var   a = tap_scalar(t, 1), b = tap_scalar(other, 2);
    (void)state;
    tap_mul(a, a);
    tap_mul(b, b);
    assert_sound(t);
    assert_sound(other);
    tap_mul(a, b);
    assert_error(t, TAP_ESTALE, "mul: input 1 is on another tape");
    assert_error(other, TAP_ESTALE, "mul: input 0 is on another tape");
    tap_tape_free(t);
    tap_tape_free(other);
}

static void test_item(void **state)
{
    tap_tape *t = tap_tape_new(TAP_F32, 1);
    (void)state;
    assert_true(tap_item(tap_scalar(t, 2.5)) == 2.5);
    assert_true(tap_item(tap_reshape(tap_scalar(t, 3), TAP_SHAPE(1, 1))) == 3);
    assert_true(tap_item(tap_lt(tap_scalar(t, 1), tap_scalar(t, 2))) == 1);
    assert_sound(t);
    assert_true(isnan(tap_item(tap_zeros(t, TAP_SHAPE(2)))));
    assert_error(t, TAP_ESHAPE, "item: [2] has not one element");
    tap_tape_free(t);
}

/* ---- Recording --------------------------------------------------------------------------------------------------- */

static void test_recording(void **state)
{
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    double    numbers[N] = { 1, 2, 3 };
    tap_var   x = tap_variable(t, vector(numbers)), dx;
    (void)state;
    assert_true(tap_tape_set_recording(t, false));
    tap_var y = tap_sum(tap_square(x), TAP_ALL), late = tap_variable(t, vector(numbers));
    assert_false(tap_tape_set_recording(t, true));
    assert_true(tap_item(y) == 14);
    tap_grad(y, 1, &x, &dx);
    assert_elements(dx, (double[]){ 0, 0, 0 });
    tap_grad(tap_sum(tap_square(late), TAP_ALL), 1, &late, &dx);
    assert_elements(dx, (double[]){ 0, 0, 0 });
    tap_grad(tap_sum(tap_square(x), TAP_ALL), 1, &x, &dx);
    assert_elements(dx, (double[]){ 2, 4, 6 });
    assert_sound(t);
    tap_backward(y);
    assert_error(t, TAP_EARG, "backward: the loss depends on no parameter, or was not recorded");
    assert_true(tap_tape_set_recording(t, true));
    tap_tape_free(t);
}

static void test_detach(void **state)
{
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    double    numbers[N] = { 1, 2, 3 };
    tap_var   x = tap_variable(t, vector(numbers)), y = tap_square(x), constant = tap_detach(y), dx;
    (void)state;
    assert_ptr_equal(tap_value(constant).data, tap_value(y).data);
    tap_grad(tap_sum(tap_mul(x, constant), TAP_ALL), 1, &x, &dx);
    assert_elements(dx, (double[]){ 1, 4, 9 });
    assert_sound(t);
    tap_tape_free(t);
}

/* ---- Gradients of parameters ------------------------------------------------------------------------------------- */

typedef struct {
    double value[N], grad[N];
    bool   fresh;
} memory;

static tap_leaf leaf_of(memory *m, const char *name)
{
    return (tap_leaf){ vector(m->value), vector(m->grad), &m->fresh, name };
}

static void assert_untouched(const memory *before, const memory *after)
{
    assert_memory_equal(before->value, after->value, sizeof before->value);
    assert_memory_equal(before->grad, after->grad, sizeof before->grad);
    assert_int_equal(before->fresh, after->fresh);
}

/* sum over the batch of (w . x)^2; small integers, so that no sum is rounded */
static tap_var batch_loss(tap_tape *t, const tap_leaf *w, double *x, int64_t batch)
{
    tap_var rows = tap_input(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(batch, N), x));
    return tap_sum(tap_square(tap_sum(tap_mul(rows, tap_leaf_var(t, w)), TAP_LAST)), TAP_ALL);
}

static void test_micro_batches_add_up(void **state)
{
    double    x[4][N] = { { 1, 2, 3 }, { -1, 0, 2 }, { 4, -2, 1 }, { 0, 5, -3 } };
    memory    whole = { { 1, -2, 3 }, { (double)NAN }, true }, parts = whole;
    tap_leaf  a = leaf_of(&whole, "w"), b = leaf_of(&parts, "w");
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    (void)state;
    assert_int_equal(tap_backward(batch_loss(t, &a, x[0], 4)), TAP_OK);
    assert_false(whole.fresh);
    for (int i = 0; i < 2; i++) {
        tap_tape_reset(t);
        assert_int_equal(tap_backward(batch_loss(t, &b, x[2 * i], 2)), TAP_OK);
        assert_false(parts.fresh);
    }
    assert_memory_equal(whole.grad, parts.grad, sizeof whole.grad);
    double expected[N] = { 0 };
    for (int r = 0; r < 4; r++) {
        double dot = 0;
        for (int i = 0; i < N; i++) dot += x[r][i] * whole.value[i];
        for (int i = 0; i < N; i++) expected[i] += 2 * dot * x[r][i];
    }
    assert_memory_equal(whole.grad, expected, sizeof expected);

    tap_var again = batch_loss(t, &a, x[0], 4);
    tap_backward(again);
    tap_backward(again);
    for (int i = 0; i < N; i++) assert_true(whole.grad[i] == 3 * expected[i]);
    assert_sound(t);
    tap_tape_free(t);
}

/* A parameter that is on the tape twice collects from both places. */
static void test_leaf_used_twice(void **state)
{
    memory    m = { { 1, 2, 3 }, { 0 }, false };
    tap_leaf  leaf = leaf_of(&m, "m");
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    (void)state;
    tap_var a = tap_leaf_var(t, &leaf), b = tap_leaf_var(t, &leaf);
    tap_backward(tap_sum(tap_mul(a, b), TAP_ALL));
    for (int i = 0; i < N; i++) assert_true(m.grad[i] == 2 * m.value[i]);
    tap_tape_free(t);
}

static void test_single_precision_leaf(void **state)
{
    float     value[2] = { 1, 2 }, grad[2] = { 10, 10 };
    tap_shape pair = TAP_SHAPE(2);
    tap_tape *t = tap_tape_new(TAP_F32, 1);
    tap_leaf  leaf = { tap_tensor_wrap(TAP_F32, pair, value), tap_tensor_wrap(TAP_F32, pair, grad), NULL, NULL };
    (void)state;
    tap_var v = tap_cast(tap_leaf_var(t, &leaf), TAP_F64);
    assert_int_equal(tap_backward(tap_sum(tap_mul(v, v), TAP_ALL)), TAP_OK);
    assert_true(grad[0] == 12 && grad[1] == 14);
    tap_tape_free(t);
}

/* For a gradient check of a float32 module: what is float32 becomes float64, and a leaf a variable. */
static void test_widening(void **state)
{
    (void)state;
    float          value[2] = { 1, 0.5 }, grad[2] = { 7, 7 };
    int64_t        whole[2] = { 3, 4 };
    tap_shape      pair = TAP_SHAPE(2);
    const tap_leaf leaf = { tap_tensor_wrap(TAP_F32, pair, value), tap_tensor_wrap(TAP_F32, pair, grad), NULL, NULL };
    tap_tape      *t = tap_tape_new(TAP_F64, 1);
    t->widen = true;
    tap_var x = tap_leaf_var(t, &leaf), n = tap_input(t, tap_tensor_wrap(TAP_I64, pair, whole)), y = tap_cast(n, TAP_F32), dx;
    assert_int_equal(tap_value(x).dtype, TAP_F64);
    assert_elements(x, (double[]){ 1, 0.5 });
    assert_ptr_equal(tap_value(n).data, whole);
    assert_int_equal(tap_value(y).dtype, TAP_F64);
    assert_int_equal(tap_value(tap_cast(x, TAP_I64)).dtype, TAP_I64);
    tap_grad(tap_sum(tap_mul(x, y), TAP_ALL), 1, &x, &dx);
    assert_elements(dx, (double[]){ 3, 4 });
    assert_int_equal(tap_backward(tap_sum(x, TAP_ALL)), TAP_OK);
    assert_true(grad[0] == 7 && grad[1] == 7);
    tap_tape_free(t);
}

/* ---- Operators of one's own -------------------------------------------------------------------------------------- */

static tap_status infer_like(tap_call *c, tap_tensor *out)
{
    if (tap_tensor_numel(c->in[0]) == 2) return tap_call_fail(c, TAP_EARG, "%d elements are a pair", 2);
    out->dtype = c->in[0].dtype;
    out->shape = c->in[0].shape;
    return TAP_OK;
}

/* factor x, through scratch memory */
static void scale_forward(tap_call *c, tap_tensor *out)
{
    double *s = tap_call_scratch(c, sizeof *s);
    if (!s) return;
    *s = *(const double *)c->attr;
    for (int64_t i = 0; i < tap_tensor_numel(*out); i++) tap_tensor_set_item(*out, i, *s * tap_tensor_item(c->in[0], i));
}

static void scale_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    assert_true(tap_needs(n, 0));
    assert_false(tap_needs(n, 1));
    assert_int_equal(tap_in(n, 1).id, 0);
    assert_int_equal(tap_shape_of(tap_in(n, 0)).n[0], N);
    assert_int_equal(tap_shape_of(tap_out(n)).n[0], N);
    gin[0] = tap_mul_scalar(g, *(const double *)tap_attr(n));
}

static void vjp_of_wrong_shape(const tap_node *n, tap_var g, tap_var *gin)
{
    (void)n;
    gin[0] = tap_reshape(tap_cat(2, (tap_var[]){ g, g }, 0), TAP_SHAPE(2, 1, N));
    gin[0] = tap_slice(gin[0], 2, 0, 2, 1);
}

static void vjp_of_wrong_dtype(const tap_node *n, tap_var g, tap_var *gin)
{
    (void)n;
    gin[0] = tap_cast(g, TAP_F32);
}

static void vjp_that_fails(const tap_node *n, tap_var g, tap_var *gin)
{
    (void)gin, (void)n;
    tap_tape_fail(g.tape, TAP_EARG, "the rule gave up");
}

static void vjp_with_bad_call(const tap_node *n, tap_var g, tap_var *gin)
{
    gin[0] = tap_mm(g, tap_in(n, 0));
}

static void vjp_on_another_tape(const tap_node *n, tap_var g, tap_var *gin)
{
    static double numbers[N];
    (void)n, (void)g;
    gin[0] = tap_input(*(tap_tape *const *)tap_attr(n), vector(numbers));
}

static void vjp_of_nothing(const tap_node *n, tap_var g, tap_var *gin)
{
    (void)n, (void)g, (void)gin;
}

static void copy_forward(tap_call *c, tap_tensor *out)
{
    tap_tensor_copy(*out, c->in[0], NULL);
}

static const tap_op scale = { "scale", infer_like, scale_forward, scale_vjp, sizeof(double) };

static tap_var apply_scale(tap_var x, double factor)
{
    return tap_apply(&scale, &factor, 1, &x);
}

static void test_own_operator(void **state)
{
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    double    numbers[N] = { 1, 2, 3 };
    tap_var   x = tap_variable(t, vector(numbers)), y = apply_scale(x, 3), dx, ddx;
    (void)state;
    assert_elements(y, (double[]){ 3, 6, 9 });
    tap_grad(tap_sum(tap_square(y), TAP_ALL), 1, &x, &dx);
    assert_elements(dx, (double[]){ 18, 36, 54 });
    tap_grad(tap_sum(dx, TAP_ALL), 1, &x, &ddx);
    assert_elements(ddx, (double[]){ 18, 18, 18 });
    for (int i = 0; i < 20; i++) y = apply_scale(y, 1); /* scratch memory is given back after each call */
    assert_elements(y, (double[]){ 3, 6, 9 });
    assert_sound(t);
    apply_scale(tap_named(tap_zeros(t, TAP_SHAPE(1, 2)), "it"), 3);
    assert_error(t, TAP_EARG, "scale: [1,2] (it): 2 elements are a pair");
    tap_tape_free(t);
}

static void sum_of_two(tap_call *c, tap_tensor *out)
{
    for (int i = 0; i < N; i++) ((double *)out->data)[i] = ((const double *)c->in[0].data)[i] + ((const double *)c->in[1].data)[i];
}

/* One gradient for both, as it was computed, and by way of a view; asked for in either order. */
static void one_for_both(const tap_node *n, tap_var g, tap_var *gin)
{
    if (tap_needs(n, 0)) gin[0] = tap_mul_scalar(g, 3);
    gin[1] = gin[0];
}

static void a_view_for_the_other(const tap_node *n, tap_var g, tap_var *gin)
{
    if (tap_needs(n, 1)) gin[0] = tap_detach(tap_mul_scalar(g, 3));
    gin[1] = tap_reshape(gin[0], tap_shape_of(gin[0]));
}

static void backwards(const tap_node *n, tap_var g, tap_var *gin)
{
    if (tap_needs(n, 0)) gin[0] = tap_flip(tap_mul_scalar(g, 3), TAP_AXES(0));
    if (tap_needs(n, 1)) gin[1] = tap_slice(tap_mul(g, tap_in(n, 0)), 0, -1, TAP_END, -1);
}

/* The second one's is computed where the first one's was to be. */
static void crossed(const tap_node *n, tap_var g, tap_var *gin)
{
    if (tap_needs(n, 0)) gin[1] = tap_mul_scalar(g, 5);
    gin[0] = tap_mul_scalar(g, 3);
}

/* The same, by way of another node. */
static void crossed_and_detached(const tap_node *n, tap_var g, tap_var *gin)
{
    if (tap_needs(n, 1)) gin[0] = tap_detach(tap_mul_scalar(g, 3));
    gin[1] = tap_mul_scalar(g, 5);
}

static const tap_op detached_op = { "detached", infer_like, sum_of_two, crossed_and_detached, 0 };
static const tap_op crossed_op = { "crossed", infer_like, sum_of_two, crossed, 0 };
static const tap_op shared_op = { "shared", infer_like, sum_of_two, one_for_both, 0 };
static const tap_op viewed_op = { "viewed", infer_like, sum_of_two, a_view_for_the_other, 0 };
static const tap_op backwards_op = { "backwards", infer_like, sum_of_two, backwards, 0 };

/* Fresh leaves a and b, and a once more as another var; more: a square of a, whose gradient is added. */
static void differentiate(const tap_op *op, bool twice, bool more, memory *a, memory *b)
{
    *a = (memory){ { 1, 2, 3 }, { 9, 9, 9 }, true };
    *b = (memory){ { 4, 5, 6 }, { 9, 9, 9 }, true };
    const tap_leaf first = leaf_of(a, "a"), second = leaf_of(b, "b");
    tap_tape      *t = tap_tape_new(TAP_F64, 1);
    tap_var        x = tap_leaf_var(t, &first), y = tap_leaf_var(t, &second);
    tap_var        loss = tap_sum(tap_apply(op, NULL, 2, (tap_var[]){ x, y }), TAP_ALL);
    if (twice) loss = tap_add(loss, tap_sum(tap_mul_scalar(tap_leaf_var(t, &first), 10), TAP_ALL));
    if (more) loss = tap_add(loss, tap_sum(tap_square(x), TAP_ALL));
    assert_int_equal(tap_backward(loss), TAP_OK);
    assert_false(a->fresh || b->fresh);
    tap_tape_free(t);
}

static void test_gradients_in_place(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        const bool   twice = i & 1, more = i & 2;
        const double other = twice ? 10 : 0;
        memory       a, b;
        const tap_op *const ops[] = { &shared_op, &viewed_op };
        for (int k = 0; k < 2; k++) {
            differentiate(ops[k], twice, more, &a, &b);
            for (int j = 0; j < N; j++) {
                assert_true(a.grad[j] == 3 + other + (more ? 2 * a.value[j] : 0));
                assert_true(b.grad[j] == 3);
            }
        }
        const tap_op *const crossing[] = { &crossed_op, &detached_op };
        for (int k = 0; k < 2; k++) {
            differentiate(crossing[k], twice, more, &a, &b);
            for (int j = 0; j < N; j++) {
                assert_true(a.grad[j] == 3 + other + (more ? 2 * a.value[j] : 0));
                assert_true(b.grad[j] == 5);
            }
        }
        differentiate(&backwards_op, twice, more, &a, &b);
        for (int j = 0; j < N; j++) {
            assert_true(a.grad[j] == 3 + other + (more ? 2 * a.value[j] : 0));
            assert_true(b.grad[j] == a.value[N - 1 - j]);
        }
    }
}

/* A sum of gradients is computed in none of them, and a second pass over the same values adds to what the first has computed there. */
static void test_sums_of_gradients_in_place(void **state)
{
    (void)state;
    memory         a = { { 1, 2, 3 }, { 9, 9, 9 }, true }, b = a;
    const tap_leaf first = leaf_of(&a, "a"), second = leaf_of(&b, "b");
    tap_tape      *t = tap_tape_new(TAP_F64, 1);
    tap_var        x = tap_leaf_var(t, &first), y = tap_leaf_var(t, &second), sum = tap_sum(tap_add(y, x), TAP_ALL);
    tap_var        loss = tap_add(sum, tap_sum(tap_square(y), TAP_ALL));
    for (int pass = 1; pass <= 3; pass++) {
        assert_int_equal(tap_backward(loss), TAP_OK);
        for (int i = 0; i < N; i++) assert_true(a.grad[i] == pass && b.grad[i] == pass * (1 + 2 * b.value[i]));
    }
    a.fresh = true;
    tap_grad(tap_sum(tap_mul_scalar(x, 7), TAP_ALL), 1, &x, &loss); /* which is not theirs */
    for (int i = 0; i < N; i++) assert_true(item(loss, i) == 7 && a.grad[i] == 3 && a.fresh);
    tap_tape_reset(t);
    loss = tap_sum(tap_square(tap_leaf_var(t, &first)), TAP_ALL);
    for (int pass = 1; pass <= 2; pass++) {
        assert_int_equal(tap_backward(loss), TAP_OK);
        for (int i = 0; i < N; i++) assert_true(a.grad[i] == pass * 2 * a.value[i]);
    }
    tap_tape_free(t);
}

/* A parameter may be the loss. */
static void test_a_leaf_as_loss(void **state)
{
    (void)state;
    double         value = 2, grad = 9;
    bool           fresh = true;
    const tap_leaf leaf = { tap_tensor_wrap(TAP_F64, TAP_SCALAR, &value), tap_tensor_wrap(TAP_F64, TAP_SCALAR, &grad), &fresh, "w" };
    tap_tape      *t = tap_tape_new(TAP_F64, 1);
    assert_int_equal(tap_backward(tap_leaf_var(t, &leaf)), TAP_OK);
    assert_true(grad == 1 && !fresh);
    tap_tape_free(t);
}

static void wrong_in_the_end(const tap_node *n, tap_var g, tap_var *gin)
{
    if (tap_needs(n, 0)) gin[0] = tap_mul_scalar(g, 3);
    tap_tape_fail(g.tape, TAP_EARG, "no more");
}

/* A gradient that was under way counts for nothing. */
static void test_gradients_in_place_after_an_error(void **state)
{
    (void)state;
    static const tap_op op = { "wrong", infer_like, sum_of_two, wrong_in_the_end, 0 };
    memory              a = { { 1, 2, 3 }, { 9, 9, 9 }, true }, b = a;
    const tap_leaf      first = leaf_of(&a, "a"), second = leaf_of(&b, "b");
    tap_tape           *t = tap_tape_new(TAP_F64, 1);
    tap_var             in[] = { tap_leaf_var(t, &first), tap_leaf_var(t, &second) };
    assert_int_equal(tap_backward(tap_sum(tap_apply(&op, NULL, 2, in), TAP_ALL)), TAP_EARG);
    assert_true(a.fresh && b.fresh);
    tap_tape_free(t);
}

/* One gradient for two inputs that are themselves results: each passes it on, and gives it back, alone. */
static void test_one_gradient_for_two_results(void **state)
{
    (void)state;
    double numbers[N] = { 1, 2, 3 };
    for (int recording = 0; recording < 2; recording++) {
        tap_tape *t = tap_tape_new(TAP_F64, 1);
        tap_var   x = tap_variable(t, vector(numbers)), in[] = { tap_mul_scalar(x, 2), tap_mul_scalar(x, 5) }, dx;
        tap_var   y = tap_sum(tap_apply(&shared_op, NULL, 2, in), TAP_ALL);
        tap_tape_set_recording(t, recording);
        tap_grad(y, 1, &x, &dx);
        assert_elements(dx, (double[]){ 21, 21, 21 });
        assert_sound(t);
        tap_tape_free(t);
    }
}

static bool asked_for[2];

static void note_needs(const tap_node *n, tap_var g, tap_var *gin)
{
    for (int i = 0; i < 2; i++) {
        asked_for[i] = tap_needs(n, i);
        gin[i] = g;
    }
}

/* A rule is asked for what the pass wants only; outside of one, all that there may be a gradient of is needed. */
static void test_needs(void **state)
{
    (void)state;
    const tap_op op = { "needy", infer_like, sum_of_two, note_needs, 0 };
    double       numbers[N] = { 1, 2, 3 };
    tap_tape    *t = tap_tape_new(TAP_F64, 1);
    tap_var      in[] = { tap_variable(t, vector(numbers)), tap_variable(t, vector(numbers)) }, dx;
    tap_var      y = tap_apply(&op, NULL, 2, in), half = tap_apply(&op, NULL, 2, (tap_var[]){ in[0], tap_detach(in[1]) });
    for (int i = 0; i < 2; i++) {
        tap_grad(tap_sum(y, TAP_ALL), 1, &in[i], &dx);
        assert_true(asked_for[i] && !asked_for[1 - i]);
        assert_true(tap_needs(tap__live(y), 0) && tap_needs(tap__live(y), 1));
        assert_true(tap_needs(tap__live(half), 0) && !tap_needs(tap__live(half), 1));
    }
    for (int step = 0; step < 2; step++) { /* one input less than the node had before */
        tap_tape_reset(t);
        tap_var x = tap_variable(t, vector(numbers)), three[] = { x, x, x };
        y = step ? tap_mul(x, x) : tap_cat(3, three, 0);
        assert_int_equal(tap_needs(tap__live(y), 2), !step);
    }
    assert_sound(t);
    tap_tape_free(t);
}

static tap_status infer_view_with_scratch(tap_call *c, tap_tensor *out)
{
    *out = c->in[0];
    return tap_call_scratch(c, 64) ? TAP_OK : TAP_ENOMEM;
}

/* Whatever a call takes it takes for itself, a view as well. */
static void test_scratch_of_a_view(void **state)
{
    (void)state;
    const tap_op op = { "looker", infer_view_with_scratch, NULL, note_needs, 0 };
    tap_tape    *t = tap_tape_new(TAP_F64, 1);
    for (int step = 0; step < 3; step++) {
        tap_var x = tap_ones(t, TAP_SHAPE(N));
        for (int i = 0; i < 20; i++) tap_apply(&op, NULL, 1, &x);
        assert_elements(apply_scale(x, 3), (double[]){ 3, 3, 3 });
        tap_tape_reset(t);
    }
    assert_sound(t);
    tap_tape_free(t);
}

static void test_operator_without_a_rule(void **state)
{
    const tap_op op = { "ruleless", infer_like, copy_forward, NULL, 0 };
    tap_tape    *t = tap_tape_new(TAP_F64, 1);
    double       numbers[N] = { 1, 2, 3 };
    tap_var      data = tap_input(t, vector(numbers)), x = tap_named(tap_variable(t, vector(numbers)), "x");
    (void)state;
    assert_elements(tap_apply(&op, NULL, 1, &data), numbers);
    tap_tape_set_recording(t, false);
    assert_elements(tap_apply(&op, NULL, 1, &x), numbers);
    tap_tape_set_recording(t, true);
    assert_sound(t);
    assert_int_equal(tap_apply(&op, NULL, 1, &x).id, 0);
    assert_error(t, TAP_EARG, "ruleless: [3] (x): an input needs a gradient, and the operator has no rule for it");
    tap_tape_free(t);
}

static void test_operator_without_forward(void **state)
{
    const tap_op op = { "hollow", infer_like, NULL, scale_vjp, 0 };
    tap_tape    *t = tap_tape_new(TAP_F64, 1);
    tap_var      x = tap_zeros(t, TAP_SHAPE(N));
    (void)state;
    assert_int_equal(tap_apply(&op, NULL, 1, &x).id, 0);
    assert_error(t, TAP_EARG, "hollow: [3]: the operator has no forward");
    tap_tape_free(t);
}

static tap_status infer_reversed(tap_call *c, tap_tensor *out)
{
    *out = c->in[0];
    out->data = (double *)out->data + (N - 1) * out->stride[0];
    out->stride[0] *= -1;
    return TAP_OK;
}

static void reversed_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    (void)n;
    gin[0] = tap_slice(g, 0, TAP_END, TAP_END, -1);
}

static void test_own_view(void **state)
{
    const tap_op op = { "reversed", infer_reversed, NULL, reversed_vjp, 0 };
    tap_tape    *t = tap_tape_new(TAP_F64, 1);
    double       numbers[N] = { 1, 2, 3 };
    tap_var      x = tap_variable(t, vector(numbers)), y = tap_apply(&op, NULL, 1, &x), dx;
    (void)state;
    assert_elements(y, (double[]){ 3, 2, 1 });
    assert_ptr_equal(tap_value(y).data, &numbers[2]);
    tap_vjp(y, tap_square(y), 1, &x, &dx);
    assert_elements(dx, (double[]){ 1, 4, 9 });
    assert_sound(t);
    tap_tape_free(t);
}

/* A rule that says nothing about an input gives it a gradient of zero. */
static void test_rule_of_nothing(void **state)
{
    const tap_op op = { "flat", infer_like, copy_forward, vjp_of_nothing, 0 };
    tap_tape    *t = tap_tape_new(TAP_F64, 1);
    double       numbers[N] = { 1, 2, 3 };
    tap_var      x = tap_variable(t, vector(numbers)), dx;
    (void)state;
    tap_grad(tap_sum(tap_mul(x, tap_apply(&op, NULL, 1, &x)), TAP_ALL), 1, &x, &dx);
    assert_elements(dx, numbers);
    assert_sound(t);
    tap_tape_free(t);
}

/* Of two parameters one has its gradient already when the rule of the other fails; neither is touched. */
static void test_failing_backward_touches_nothing(void **state)
{
    static const struct {
        void (*vjp)(const tap_node *n, tap_var g, tap_var *gin);
        tap_status  status;
        const char *message;
    } rules[] = {
        { vjp_of_wrong_shape, TAP_ESHAPE, "sum_to: [3] does not broadcast to [2,1,2]" },
        { vjp_of_wrong_dtype, TAP_EDTYPE, "backward: a rule gave a float32 gradient for [3] second of float64" },
        { vjp_that_fails, TAP_EARG, "the rule gave up" },
        { vjp_with_bad_call, TAP_ESHAPE, "mm: [3] x [3] (second): needs matrices [m,k] and [k,n]" },
        { vjp_on_another_tape, TAP_ESTALE, "broken: its rule gave a gradient on another tape" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const tap_op op = { "broken", infer_like, copy_forward, rules[i].vjp, sizeof(tap_tape *) };
        tap_tape    *t = tap_tape_new(TAP_F64, 1), *other = tap_tape_new(TAP_F64, 1);
        memory       m[2] = { { { 1, 2, 3 }, { 4, 5, 6 }, false }, { { 1, 2, 3 }, { 7, 8, 9 }, true } }, before[2];
        tap_leaf     first = leaf_of(&m[0], "first"), second = leaf_of(&m[1], "second");
        memcpy(before, m, sizeof m);
        tap_var a = tap_leaf_var(t, &first), b = tap_leaf_var(t, &second);
        tap_var loss = tap_sum(tap_mul(tap_apply(&op, &other, 1, &b), a), TAP_ALL);
        assert_true(tap_item(loss) == 14);
        assert_int_equal(tap_backward(loss), rules[i].status);
        assert_error(t, rules[i].status, rules[i].message);
        for (int k = 0; k < 2; k++) assert_untouched(&before[k], &m[k]);
        assert_sound(other);
        assert_true(tap_tape_set_recording(t, true)); /* the pass had switched it off */
        tap_tape_free(t);
        tap_tape_free(other);
    }
}

/* ---- Graphs ------------------------------------------------------------------------------------------------------ */

static void test_shared_inputs(void **state)
{
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    double    numbers[N] = { 1, 2, 3 };
    tap_var   x = tap_variable(t, vector(numbers)), dx;
    (void)state;
    tap_vjp(tap_add(tap_mul(x, x), x), tap_input(t, vector(numbers)), 1, &x, &dx);
    assert_elements(dx, (double[]){ 3, 10, 21 });
    tap_vjp(tap_add(x, x), tap_input(t, vector(numbers)), 1, &x, &dx);
    assert_elements(dx, (double[]){ 2, 4, 6 });
    tap_vjp(x, tap_input(t, vector(numbers)), 1, &x, &dx);
    assert_elements(dx, numbers);
    assert_sound(t);
    tap_tape_free(t);
}

/* y = a b + a with a = 2 h, b = h^2, h = x + 1: ways part and meet twice. With and without recording. */
static void test_diamonds(void **state)
{
    double numbers[N] = { 0, 1, 2 };
    (void)state;
    for (int recording = 0; recording < 2; recording++) {
        tap_tape *t = tap_tape_new(TAP_F64, 1);
        tap_var   x = tap_variable(t, vector(numbers)), h = tap_add_scalar(x, 1), dx;
        tap_var   a = tap_mul_scalar(h, 2), b = tap_square(h), y = tap_sum(tap_add(tap_mul(a, b), a), TAP_ALL);
        tap_tape_set_recording(t, recording);
        for (int again = 0; again < 2; again++) {
            tap_grad(y, 1, &x, &dx);
            assert_elements(dx, (double[]){ 8, 26, 56 }); /* 6 h^2 + 2 */
        }
        assert_sound(t);
        tap_tape_free(t);
    }
}

static void test_unused_inputs(void **state)
{
    double    numbers[N] = { 1, 2, 3 };
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    tap_var   x = tap_variable(t, vector(numbers)), unused = tap_variable(t, vector(numbers));
    tap_var   data = tap_input(t, vector(numbers));
    tap_var   y = tap_sum(tap_mul(x, data), TAP_ALL), later = tap_exp(x), in[4] = { unused, data, later, x }, dx[4];
    (void)state;
    tap_grad(y, 4, in, dx);
    for (int i = 0; i < 3; i++) {
        assert_elements(dx[i], (double[]){ 0, 0, 0 });
        assert_int_equal(tap_shape_of(dx[i]).n[0], N);
    }
    assert_elements(dx[3], numbers);
    tap_grad(tap_scalar(t, 1), 1, &x, dx);
    assert_elements(dx[0], (double[]){ 0, 0, 0 });
    tap_var constant = tap_scalar(t, 1);
    tap_grad(constant, 1, &constant, dx);
    assert_elements(dx[0], (double[]){ 0 });
    tap_vjp((tap_var){ 0 }, constant, 1, &x, dx);
    assert_null(dx[0].tape);
    tap_grad(y, 0, NULL, NULL);
    assert_sound(t);
    tap_tape_free(t);
}

/* The gradient by a value half way, alone and together with that by what it was made of; one input asked for twice. */
static void test_intermediate_inputs(void **state)
{
    double numbers[N] = { 1, 2, 3 };
    (void)state;
    for (int recording = 0; recording < 2; recording++) {
        tap_tape *t = tap_tape_new(TAP_F64, 1);
        tap_var   x = tap_variable(t, vector(numbers)), h = tap_mul_scalar(x, 2), y = tap_sum(tap_square(h), TAP_ALL);
        tap_var   in[4] = { h, x, y, h }, dx[4];
        tap_tape_set_recording(t, recording);
        tap_grad(y, 1, &h, dx);
        assert_elements(dx[0], (double[]){ 4, 8, 12 });
        tap_grad(y, 4, in, dx);
        assert_elements(dx[0], (double[]){ 4, 8, 12 });
        assert_elements(dx[1], (double[]){ 8, 16, 24 });
        assert_elements(dx[2], (double[]){ 1 });
        assert_elements(dx[3], (double[]){ 4, 8, 12 });
        assert_sound(t);
        tap_tape_free(t);
    }
}

/* ---- Second derivatives ------------------------------------------------------------------------------------------ */

static tap_var cube(tap_var x)
{
    return tap_mul(x, tap_square(x));
}

static double minus_sin(double x)
{
    return -sin(x);
}

static double six_times(double x)
{
    return 6 * x;
}

static double pow_second(double x)
{
    return 2.5 * 1.5 * sqrt(x);
}

static tap_var pow_two_and_a_half(tap_var x)
{
    return tap_pow(x, tap_scalar(x.tape, 2.5));
}

static void test_second_derivatives(void **state)
{
    static const struct {
        tap_var (*f)(tap_var x);
        double (*second)(double x);
    } functions[] = { { tap_sin, minus_sin }, { tap_exp, exp }, { cube, six_times }, { pow_two_and_a_half, pow_second } };
    double numbers[N] = { 0.25, 1, 2.5 };
    (void)state;
    for (size_t k = 0; k < sizeof functions / sizeof *functions; k++) {
        tap_tape *t = tap_tape_new(TAP_F64, 1);
        tap_var   x = tap_variable(t, vector(numbers)), dx, ddx;
        tap_grad(tap_sum(functions[k].f(x), TAP_ALL), 1, &x, &dx);
        tap_grad(tap_sum(dx, TAP_ALL), 1, &x, &ddx);
        for (int i = 0; i < N; i++) assert_true(fabs(item(ddx, i) - functions[k].second(numbers[i])) < 1e-13);
        assert_sound(t);
        tap_tape_free(t);
    }
}

/* d^k x^4 / dx^k, down to zero */
static void test_derivatives_of_any_order(void **state)
{
    static const double expected[] = { 16, 32, 48, 48, 24, 0 };
    tap_tape           *t = tap_tape_new(TAP_F64, 1);
    double              two = 2;
    tap_var             x = tap_variable(t, tap_tensor_wrap(TAP_F64, TAP_SCALAR, &two)), y = tap_square(tap_square(x));
    (void)state;
    for (int k = 0; k < 6; k++) {
        assert_true(tap_item(y) == expected[k]);
        tap_grad(y, 1, &x, &y);
    }
    assert_sound(t);
    tap_tape_free(t);
}

/* f(x) = sum tanh(A x) exp(x), A fixed, whose Hessian is full */
static tap_var curved(tap_tape *t, tap_var x)
{
    static double a[N * N] = { 1, -0.5, 0.25, 0.75, 1.5, -1, 0.125, 0.5, -0.75 };
    tap_var       matrix = tap_input(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(N, N), a));
    tap_var       ax = tap_squeeze(tap_matmul(matrix, tap_unsqueeze(x, 1)), TAP_AXES(1));
    return tap_sum(tap_mul(tap_tanh(ax), tap_exp(x)), TAP_ALL);
}

static void gradient_at(const double *at, double *gradient)
{
    double    numbers[N];
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    memcpy(numbers, at, sizeof numbers);
    tap_var x = tap_variable(t, vector(numbers)), dx;
    tap_grad(curved(t, x), 1, &x, &dx);
    for (int i = 0; i < N; i++) gradient[i] = item(dx, i);
    tap_tape_free(t);
}

static void test_hessian_vector_product(void **state)
{
    double       at[N] = { 0.3, -0.2, 0.5 }, v[N] = { 1, -2, 0.5 }, above[N], below[N], ahead[N], behind[N];
    const double h = 1e-5;
    tap_tape    *t = tap_tape_new(TAP_F64, 1);
    tap_var      x = tap_variable(t, vector(at)), dx, hv;
    (void)state;
    tap_grad(curved(t, x), 1, &x, &dx);
    tap_vjp(dx, tap_input(t, vector(v)), 1, &x, &hv);
    for (int i = 0; i < N; i++) above[i] = at[i] + h * v[i], below[i] = at[i] - h * v[i];
    gradient_at(above, ahead);
    gradient_at(below, behind);
    for (int i = 0; i < N; i++) assert_true(fabs(item(hv, i) - (ahead[i] - behind[i]) / (2 * h)) < 1e-8);
    assert_sound(t);
    tap_tape_free(t);
}

/* The gradient can be part of what a parameter is trained on. */
static void test_gradient_penalty(void **state)
{
    memory    m = { { 1, 2, 3 }, { 0 }, true };
    tap_leaf  leaf = leaf_of(&m, "w");
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    tap_var   w = tap_leaf_var(t, &leaf), g;
    (void)state;
    tap_grad(tap_sum(cube(w), TAP_ALL), 1, &w, &g);
    assert_int_equal(tap_backward(tap_sum(g, TAP_ALL)), TAP_OK);
    for (int i = 0; i < N; i++) assert_true(m.grad[i] == 6 * m.value[i]);
    tap_tape_free(t);
}

/* ---- Noise ------------------------------------------------------------------------------------------------------- */

static void draw(tap_tape *t, double *four)
{
    for (int i = 0; i < 2; i++) {
        four[2 * i] = item(tap_randn(t, TAP_SHAPE(5)), 4);
        four[2 * i + 1] = item(tap_rand(t, TAP_SHAPE(5)), 4);
    }
}

static void test_noise(void **state)
{
    double    first[4], second[4], again[4];
    tap_tape *t = tap_tape_new(TAP_F64, 7), *same = tap_tape_new(TAP_F64, 7), *other = tap_tape_new(TAP_F64, 8);
    (void)state;
    draw(t, first);
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < i; k++) assert_true(first[i] != first[k]);
    }
    draw(same, again);
    assert_memory_equal(first, again, sizeof first);
    draw(other, again);
    for (int i = 0; i < 4; i++) assert_true(first[i] != again[i]);

    assert_int_equal(tap_tape_step(t), 0);
    tap_tape_reset(t);
    assert_int_equal(tap_tape_step(t), 1);
    draw(t, second);
    for (int i = 0; i < 4; i++) assert_true(first[i] != second[i]);
    tap_tape_set_step(t, 0);
    draw(t, again);
    assert_memory_equal(first, again, sizeof first);
    tap_tape_set_step(same, 1);
    draw(same, again);
    assert_memory_equal(second, again, sizeof second);
    tap_tape_set_step(t, UINT64_MAX);
    assert_true(tap_tape_step(t) == UINT64_MAX);
    tap_tape_reset(t);
    draw(t, again);
    assert_memory_equal(first, again, sizeof first);
    assert_sound(t);
    tap_tape_free(t);
    tap_tape_free(same);
    tap_tape_free(other);
}

/* ---- Looking ----------------------------------------------------------------------------------------------------- */

static void assert_dump(tap_var v, const char *expected)
{
    FILE *f = fopen("dump", "w");
    assert_non_null(f);
    tap_dump(v, f);
    fclose(f);
    scratch_expect("dump", expected);
}

static void test_dump(void **state)
{
    memory    m = { { 1, 2.5, -3 }, { 0 }, true };
    tap_leaf  leaf = leaf_of(&m, "w");
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    tap_var   w = tap_leaf_var(t, &leaf), y = tap_neg(w);
    (void)state;
    assert_dump(w, "%1 parameter w float64 [3], needs a gradient: 1 2.5 -3\n");
    assert_dump(y, "%2 neg float64 [3], needs a gradient: -1 -2.5 3\n");
    assert_dump(tap_named(tap_zeros(t, TAP_SHAPE(2, 4)), "z"), "%3 constant z float64 [2,4]: 0 0 0 0 0 0 ...\n");
    assert_dump(tap_variable(t, vector(m.value)), "%4 variable float64 [3], needs a gradient: 1 2.5 -3\n");
    assert_dump(tap_gt(w, w), "%5 constant bool [3]: 0 0 0\n");
    assert_dump((tap_var){ 0 }, "inert var (TAP_EARG: tape: NULL)\n");
    assert_sound(t);
    tap_tape_fail(t, TAP_EIO, "it broke");
    assert_dump(w, "inert var (TAP_EIO: it broke)\n");
    tap_tape_free(t);
}

/* Braces, brackets and quotes close, what is escaped aside; no control character but the ends of lines. */
static void assert_balanced(const char *text)
{
    int  depth = 0;
    bool quoted = false;
    for (const char *c = text; *c; c++) {
        assert_true((unsigned char)*c >= ' ' || *c == '\n');
        if (*c == '\\' && c[1]) c++;
        else if (*c == '"') quoted = !quoted;
        else if (!quoted) depth += (*c == '{') + (*c == '[') - (*c == '}') - (*c == ']');
        assert_true(depth >= 0);
    }
    assert_int_equal(depth, 0);
    assert_false(quoted);
}

static void test_dot(void **state)
{
    memory    m = { { 1, 2, 3 }, { 0 }, true };
    tap_leaf  leaf = leaf_of(&m, "a \"quoted\" \\ name\n");
    tap_error e = { 0 };
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    tap_var   w = tap_leaf_var(t, &leaf), x = tap_named(tap_scalar(t, 2), "x");
    size_t    n;
    (void)state;
    tap_scalar(t, 3); /* nothing uses it: it is left out */
    tap_named(tap_mul(w, x), "y");
    assert_int_equal(tap_tape_write_dot(t, "graph.dot", &e), TAP_OK);
    char *text = scratch_read("graph.dot", &n);
    assert_balanced(text);
    assert_string_equal(text, "digraph tape {\n"
                              "  rankdir=BT;\n"
                              "  node [shape=box, fontname=monospace];\n"
                              "  n1 [label=\"parameter\\na \\\"quoted\\\" \\\\ name\\nfloat64 [3]\", "
                              "style=filled, fillcolor=lightblue];\n"
                              "  n2 [label=\"constant\\nx\\nfloat64 []\", style=filled, fillcolor=lightgrey];\n"
                              "  n4 [label=\"mul\\ny\\nfloat64 [3]\"];\n"
                              "  n1 -> n4;\n"
                              "  n2 -> n4;\n"
                              "}\n");
    free(text);
    if (system("command -v dot >/dev/null") == 0) assert_int_equal(system("dot -Tcanon graph.dot >/dev/null"), 0);

    assert_int_equal(tap_tape_write_dot(t, "none/graph.dot", &e), TAP_EIO);
    assert_non_null(strstr(e.message, "none/graph.dot"));
    assert_sound(t);
    tap_tape_reset(t);
    assert_int_equal(tap_tape_write_dot(t, "graph.dot", NULL), TAP_OK);
    scratch_expect("graph.dot", "digraph tape {\n  rankdir=BT;\n  node [shape=box, fontname=monospace];\n}\n");
    tap_tape_free(t);
}

/* Gradients that have been passed on, and what rules leave over, are given back at once: a pass needs a few values at a time,
 * however long the chain is, and however often a value is used. */
static void test_backward_needs_little_memory(void **state)
{
    (void)state;
    enum { LONG = 60, WIDE = 20000 };
    static double ones[WIDE], slope[WIDE];
    for (int often = 0; often < 2; often++) {
        tap_tape *t = tap_tape_new(TAP_F64, 1);
        tap_leaf  leaf = { .value = tap_tensor_wrap(TAP_F64, TAP_SHAPE(WIDE), ones), .grad = tap_tensor_wrap(TAP_F64, TAP_SHAPE(WIDE), slope) };
        tap_var   x = tap_leaf_var(t, &leaf), y = x;
        for (int i = 0; i < LONG; i++) y = often ? tap_add(y, tap_mul_scalar(x, i)) : tap_sin(y);
        tap_var loss = tap_sum(y, TAP_ALL);
        size_t  before = tap_tape_bytes(t);
        assert_int_equal(tap_backward(loss), TAP_OK);
        assert_true(tap_tape_bytes(t) - before <= 8 * sizeof ones);
        tap_tape_free(t);
    }
}

/* The gradient of a fresh parameter is computed where it is kept. */
static void test_a_gradient_in_place_needs_no_memory(void **state)
{
    (void)state;
    enum { WIDE = 300 };
    static double  w[WIDE * WIDE], grad[WIDE * WIDE];
    bool           fresh = true;
    tap_shape      shape = TAP_SHAPE(WIDE, WIDE);
    const tap_leaf leaf = { tap_tensor_wrap(TAP_F64, shape, w), tap_tensor_wrap(TAP_F64, shape, grad), &fresh, "w" };
    tap_tape      *t = tap_tape_new(TAP_F64, 1);
    tap_var        loss = tap_sum(tap_matmul(tap_ones(t, TAP_SHAPE(1, WIDE)), tap_leaf_var(t, &leaf)), TAP_ALL);
    const size_t   before = tap_tape_bytes(t);
    assert_int_equal(tap_backward(loss), TAP_OK);
    assert_true(grad[0] == 1 && grad[WIDE * WIDE - 1] == 1);
    assert_true(tap_tape_bytes(t) - before < sizeof grad / 2);
    tap_tape_free(t);
}

/* malloc gives the same place again, most often. */
static void test_a_new_tape_at_an_old_address(void **state)
{
    (void)state;
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    tap_var   old = tap_scalar(t, 1);
    tap_tape_free(t);
    t = tap_tape_new(TAP_F64, 1);
    tap_var new = tap_scalar(t, 2);
    assert_true(tap_item(new) == 2);
    if (old.tape == t) {
        assert_true(isnan(tap_item(old)));
        assert_int_equal(tap_tape_status(t, NULL), TAP_ESTALE);
    }
    tap_tape_free(t);
}

/* More nodes than the tape first has room for. */
static void test_a_long_tape(void **state)
{
    (void)state;
    enum { NODES = 20000 };
    double    one = 1;
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    tap_var   x = tap_variable(t, tap_tensor_wrap(TAP_F64, TAP_SCALAR, &one)), y = x, dx;
    for (int i = 0; i < NODES; i++) y = tap_add_scalar(y, 1);
    assert_true(tap_item(y) == NODES + 1);
    tap_grad(y, 1, &x, &dx);
    assert_true(tap_item(dx) == 1);
    tap_tape_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reset_keeps_memory),
        cmocka_unit_test(test_backward_gives_memory_back),
        cmocka_unit_test(test_first_error_sticks),
        cmocka_unit_test(test_no_tape),
        cmocka_unit_test(test_a_bad_leaf_on_a_new_tape),
        cmocka_unit_test(test_messages_name_what_failed),
        cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_two_tapes),
        cmocka_unit_test(test_item),
        cmocka_unit_test(test_recording),
        cmocka_unit_test(test_detach),
        cmocka_unit_test(test_micro_batches_add_up),
        cmocka_unit_test(test_leaf_used_twice),
        cmocka_unit_test(test_single_precision_leaf),
        cmocka_unit_test(test_widening),
        cmocka_unit_test(test_own_operator),
        cmocka_unit_test(test_gradients_in_place),
        cmocka_unit_test(test_sums_of_gradients_in_place),
        cmocka_unit_test(test_a_leaf_as_loss),
        cmocka_unit_test(test_gradients_in_place_after_an_error),
        cmocka_unit_test(test_one_gradient_for_two_results),
        cmocka_unit_test(test_needs),
        cmocka_unit_test(test_scratch_of_a_view),
        cmocka_unit_test(test_operator_without_a_rule),
        cmocka_unit_test(test_operator_without_forward),
        cmocka_unit_test(test_own_view),
        cmocka_unit_test(test_rule_of_nothing),
        cmocka_unit_test(test_failing_backward_touches_nothing),
        cmocka_unit_test(test_shared_inputs),
        cmocka_unit_test(test_diamonds),
        cmocka_unit_test(test_unused_inputs),
        cmocka_unit_test(test_intermediate_inputs),
        cmocka_unit_test(test_second_derivatives),
        cmocka_unit_test(test_derivatives_of_any_order),
        cmocka_unit_test(test_hessian_vector_product),
        cmocka_unit_test(test_gradient_penalty),
        cmocka_unit_test(test_noise),
        cmocka_unit_test(test_dump),
        cmocka_unit_test(test_dot),
        cmocka_unit_test(test_backward_needs_little_memory),
        cmocka_unit_test(test_a_gradient_in_place_needs_no_memory),
        cmocka_unit_test(test_a_new_tape_at_an_old_address),
        cmocka_unit_test(test_a_long_tape),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
