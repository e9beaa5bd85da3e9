/* tests/autograd/test_backward.c: backward passes: gradients of parameters, graphs of any shape, and higher derivatives. */
#define _XOPEN_SOURCE 700
#include <math.h>

#include "tests/autograd/tape.h"

/* ---- Gradients of parameters ------------------------------------------------------------------------------------- */

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
    assert_tape_ok(t);
    tap_tape_free(t);
}

/* The gradients of a parameter that is on the tape twice are added. */
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

/* For a gradient check of a float32 module, float32 values become float64, and leaves become variables. */
static void test_promotion_to_f64(void **state)
{
    (void)state;
    float          value[2] = { 1, 0.5 }, grad[2] = { 7, 7 };
    int64_t        whole[2] = { 3, 4 };
    tap_shape      pair = TAP_SHAPE(2);
    const tap_leaf leaf = { tap_tensor_wrap(TAP_F32, pair, value), tap_tensor_wrap(TAP_F32, pair, grad), NULL, NULL };
    tap_tape      *t = tap_tape_new(TAP_F64, 1);
    t->promote_f32 = true;
    tap_var x = tap_leaf_var(t, &leaf), n = tap_input(t, tap_tensor_wrap(TAP_I64, pair, whole)), y = tap_cast(n, TAP_F32), dx;
    assert_int_equal(tap_value(x).dtype, TAP_F64);
    assert_elements(x, (double[]){ 1, 0.5 });
    assert_int_equal(tap_value(n).dtype, TAP_I64);
    assert_int_equal(tap_value(y).dtype, TAP_F64);
    assert_int_equal(tap_value(tap_cast(x, TAP_I64)).dtype, TAP_I64);
    tap_grad(tap_sum(tap_mul(x, y), TAP_ALL), 1, &x, &dx);
    assert_elements(dx, (double[]){ 3, 4 });
    assert_int_equal(tap_backward(tap_sum(x, TAP_ALL)), TAP_OK);
    assert_true(grad[0] == 7 && grad[1] == 7);
    tap_tape_free(t);
}

/* ---- Gradients in place ---------------------------------------------------------------------------------------------- */

static void sum_of_two(tap_call *c, tap_tensor *out)
{
    for (int i = 0; i < N; i++)
        ((double *)out->data)[i] = ((const double *)c->in[0].data)[i] + ((const double *)c->in[1].data)[i];
}

/* One result is the gradient of both inputs. It is computed in the gradient of the first. */
static void same_for_both(const tap_node *n, tap_var g, tap_var *gin)
{
    tap__compute_grad_in_place(n, 0);
    gin[0] = tap_mul_scalar(g, 3);
    gin[1] = gin[0];
}

/* The second input gets a view of the first one's gradient, which was computed in the second one's. */
static void view_for_the_other(const tap_node *n, tap_var g, tap_var *gin)
{
    tap__compute_grad_in_place(n, 1);
    gin[0] = tap_detach(tap_mul_scalar(g, 3));
    gin[1] = tap_reshape(gin[0], tap_shape_of(gin[0]));
}

/* The result in the memory of the gradient is the gradient in reverse order. */
static void reversed(const tap_node *n, tap_var g, tap_var *gin)
{
    tap__compute_grad_in_place(n, 0);
    gin[0] = tap_flip(tap_mul_scalar(g, 3), TAP_AXES(0));
    tap__compute_grad_in_place(n, 1);
    gin[1] = tap_slice(tap_mul(g, tap_in(n, 0)), 0, -1, TAP_END, -1);
}

/* The rule asks for the first input and computes the gradient of the second. */
static void wrong_input(const tap_node *n, tap_var g, tap_var *gin)
{
    tap__compute_grad_in_place(n, 0);
    gin[1] = tap_mul_scalar(g, 5);
    gin[0] = tap_mul_scalar(g, 3);
}

/* wrong_input with another node on the same memory in between. */
static void wrong_input_detached(const tap_node *n, tap_var g, tap_var *gin)
{
    tap__compute_grad_in_place(n, 1);
    gin[0] = tap_detach(tap_mul_scalar(g, 3));
    gin[1] = tap_mul_scalar(g, 5);
}

/* A rule may compute the gradients of its inputs in any order. */
static void second_first(const tap_node *n, tap_var g, tap_var *gin)
{
    tap__compute_grad_in_place(n, 1);
    gin[1] = tap_mul_scalar(g, 5);
    tap__compute_grad_in_place(n, 0);
    gin[0] = tap_mul_scalar(g, 3);
}

/* The first result after the request takes it, whether it fits or not; so does the end of the rule. */
static void intermediate_results(const tap_node *n, tap_var g, tap_var *gin)
{
    tap__compute_grad_in_place(n, 1);
    tap_var five = tap_scalar_like(g, 5);
    gin[1] = tap_mul(g, five);
    tap__compute_grad_in_place(n, 0);
    tap_var half = tap_mul_scalar(g, 1.5);
    gin[0] = tap_mul_scalar(half, 2);
    tap__compute_grad_in_place(n, 1);
}

static const tap_op detached_op = { "detached", infer_like, sum_of_two, wrong_input_detached, 0 };
static const tap_op wrong_input_op = { "wrong_input", infer_like, sum_of_two, wrong_input, 0 };
static const tap_op second_first_op = { "second_first", infer_like, sum_of_two, second_first, 0 };
static const tap_op intermediate_op = { "intermediate", infer_like, sum_of_two, intermediate_results, 0 };
static const tap_op shared_op = { "shared", infer_like, sum_of_two, same_for_both, 0 };
static const tap_op viewed_op = { "viewed", infer_like, sum_of_two, view_for_the_other, 0 };
static const tap_op reversed_op = { "reversed", infer_like, sum_of_two, reversed, 0 };

/* A backward pass with fresh leaves a and b. twice: a is on the tape as a second var; more: the square of a is added to the
 * loss. */
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
        const bool          twice = i & 1, more = i & 2;
        const double        other = twice ? 10 : 0;
        memory              a, b;
        const tap_op *const ops[] = { &shared_op, &viewed_op };
        for (int k = 0; k < 2; k++) {
            differentiate(ops[k], twice, more, &a, &b);
            for (int j = 0; j < N; j++) {
                assert_true(a.grad[j] == 3 + other + (more ? 2 * a.value[j] : 0));
                assert_true(b.grad[j] == 3);
            }
        }
        const tap_op *const separate[] = { &wrong_input_op, &detached_op, &second_first_op, &intermediate_op };
        for (int k = 0; k < 4; k++) {
            differentiate(separate[k], twice, more, &a, &b);
            for (int j = 0; j < N; j++) {
                assert_true(a.grad[j] == 3 + other + (more ? 2 * a.value[j] : 0));
                assert_true(b.grad[j] == 5);
            }
        }
        differentiate(&reversed_op, twice, more, &a, &b);
        for (int j = 0; j < N; j++) {
            assert_true(a.grad[j] == 3 + other + (more ? 2 * a.value[j] : 0));
            assert_true(b.grad[j] == a.value[N - 1 - j]);
        }
    }
}

static const void *computed_at[2][3];

static void note_memory(const tap_node *n, tap_var g, tap_var *gin)
{
    for (int i = 0; i < 2; i++) {
        assert_true(tap_needs_grad(n, i));
        computed_at[i][0] = tap_value(tap_mul_scalar(g, 2)).data;
        tap__compute_grad_in_place(n, i);
        gin[i] = tap_mul_scalar(tap_flip(tap_flip(g, TAP_ALL), TAP_ALL), 3);
        computed_at[i][1] = tap_value(gin[i]).data;
        computed_at[i][2] = tap_value(tap_mul_scalar(g, 4)).data;
    }
}

/* Only the first result after the request is computed in the gradient; views are no results, and tap_needs_grad is no
 * request. */
static void test_memory_of_gradients_in_place(void **state)
{
    (void)state;
    static const tap_op op = { "note_memory", infer_like, sum_of_two, note_memory, 0 };
    memory              a, b;
    differentiate(&op, false, false, &a, &b);
    for (int i = 0; i < 2; i++) {
        const memory *m = i ? &b : &a;
        assert_ptr_equal(computed_at[i][1], m->grad);
        assert_ptr_not_equal(computed_at[i][0], m->grad);
        assert_ptr_not_equal(computed_at[i][2], m->grad);
        for (int j = 0; j < N; j++) assert_true(m->grad[j] == 3);
    }
    b.fresh = false; /* what is added to is not computed in place */
    const tap_leaf first = leaf_of(&a, "a"), second = leaf_of(&b, "b");
    tap_tape      *t = tap_tape_new(TAP_F64, 1);
    tap_var        in[] = { tap_leaf_var(t, &first), tap_leaf_var(t, &second) }, loss;
    loss = tap_sum(tap_apply(&op, NULL, 2, in), TAP_ALL);
    assert_int_equal(tap_backward(loss), TAP_OK);
    for (int j = 0; j < N; j++) assert_true(a.grad[j] == 6 && b.grad[j] == 6);
    for (int i = 0; i < 2; i++) assert_ptr_not_equal(computed_at[i][1], i ? b.grad : a.grad);
    tap_tape_free(t);
}

/* A sum of two gradients is not computed in place, and a second pass over the same values adds to the gradients of the
 * first. */
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
    const tap_leaf leaf = { tap_tensor_wrap(TAP_F64, TAP_SCALAR, &value), tap_tensor_wrap(TAP_F64, TAP_SCALAR, &grad), &fresh,
                            "w" };
    tap_tape      *t = tap_tape_new(TAP_F64, 1);
    assert_int_equal(tap_backward(tap_leaf_var(t, &leaf)), TAP_OK);
    assert_true(grad == 1 && !fresh);
    tap_tape_free(t);
}

static void wrong_in_the_end(const tap_node *n, tap_var g, tap_var *gin)
{
    tap__compute_grad_in_place(n, 0);
    gin[0] = tap_mul_scalar(g, 3);
    tap_tape_fail(g.tape, TAP_EARG, "no more");
}

/* After an error in the rule, a gradient that was computed in place counts as zero. */
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

/* One gradient for two inputs that are themselves results: each of the two adjoints is released by itself. */
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
        assert_tape_ok(t);
        tap_tape_free(t);
    }
}

static bool needed[2];

static void note_needs(const tap_node *n, tap_var g, tap_var *gin)
{
    for (int i = 0; i < 2; i++) {
        needed[i] = tap_needs_grad(n, i);
        gin[i] = g;
    }
}

/* In a pass, a rule needs the gradients that are on a path to its inputs; outside, those of all inputs that require one. */
static void test_needs_grad(void **state)
{
    (void)state;
    const tap_op op = { "note_needs", infer_like, sum_of_two, note_needs, 0 };
    double       numbers[N] = { 1, 2, 3 };
    tap_tape    *t = tap_tape_new(TAP_F64, 1);
    tap_var      in[] = { tap_variable(t, vector(numbers)), tap_variable(t, vector(numbers)) }, dx;
    tap_var      y = tap_apply(&op, NULL, 2, in), half = tap_apply(&op, NULL, 2, (tap_var[]){ in[0], tap_detach(in[1]) });
    for (int i = 0; i < 2; i++) {
        tap_grad(tap_sum(y, TAP_ALL), 1, &in[i], &dx);
        assert_true(needed[i] && !needed[1 - i]);
        assert_true(tap_needs_grad(tap__node_of(y), 0) && tap_needs_grad(tap__node_of(y), 1));
        assert_true(tap_needs_grad(tap__node_of(half), 0) && !tap_needs_grad(tap__node_of(half), 1));
    }
    for (int step = 0; step < 2; step++) { /* one input less than the node had before */
        tap_tape_reset(t);
        tap_var x = tap_variable(t, vector(numbers)), three[] = { x, x, x };
        y = step ? tap_mul(x, x) : tap_cat(3, three, 0);
        assert_int_equal(tap_needs_grad(tap__node_of(y), 2), !step);
    }
    assert_tape_ok(t);
    tap_tape_free(t);
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
    assert_tape_ok(t);
    tap_tape_free(t);
}

/* y = a b + a with a = 2 h, b = h^2, h = x + 1: paths part and meet twice. With and without recording. */
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
        assert_tape_ok(t);
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
    assert_tape_ok(t);
    tap_tape_free(t);
}

/* The gradient by an intermediate value, alone and together with that by its input; one input twice. */
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
        assert_tape_ok(t);
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
        assert_tape_ok(t);
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
    assert_tape_ok(t);
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
    assert_tape_ok(t);
    tap_tape_free(t);
}

/* The gradient can be part of the loss. */
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

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

/* Adjoints and intermediate results of rules are released at once: a pass needs memory for a few values, however long the chain
 * is, and however often a value is used. */
static void test_backward_needs_little_memory(void **state)
{
    (void)state;
    enum { LONG = 60, WIDE = 20000 };
    static double ones[WIDE], slope[WIDE];
    for (int often = 0; often < 2; often++) {
        tap_tape *t = tap_tape_new(TAP_F64, 1);
        tap_leaf  leaf = { .value = tap_tensor_wrap(TAP_F64, TAP_SHAPE(WIDE), ones),
                           .grad = tap_tensor_wrap(TAP_F64, TAP_SHAPE(WIDE), slope) };
        tap_var   x = tap_leaf_var(t, &leaf), y = x;
        for (int i = 0; i < LONG; i++) y = often ? tap_add(y, tap_mul_scalar(x, i)) : tap_sin(y);
        tap_var loss = tap_sum(y, TAP_ALL);
        size_t  before = tap_tape_bytes(t);
        assert_int_equal(tap_backward(loss), TAP_OK);
        assert_true(tap_tape_bytes(t) - before <= 8 * sizeof ones);
        tap_tape_free(t);
    }
}

/* The gradient of a fresh parameter is computed in place, without other memory. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_micro_batches_add_up),
        cmocka_unit_test(test_leaf_used_twice),
        cmocka_unit_test(test_single_precision_leaf),
        cmocka_unit_test(test_promotion_to_f64),
        cmocka_unit_test(test_memory_of_gradients_in_place),
        cmocka_unit_test(test_gradients_in_place),
        cmocka_unit_test(test_sums_of_gradients_in_place),
        cmocka_unit_test(test_a_leaf_as_loss),
        cmocka_unit_test(test_gradients_in_place_after_an_error),
        cmocka_unit_test(test_one_gradient_for_two_results),
        cmocka_unit_test(test_needs_grad),
        cmocka_unit_test(test_shared_inputs),
        cmocka_unit_test(test_diamonds),
        cmocka_unit_test(test_unused_inputs),
        cmocka_unit_test(test_intermediate_inputs),
        cmocka_unit_test(test_second_derivatives),
        cmocka_unit_test(test_derivatives_of_any_order),
        cmocka_unit_test(test_hessian_vector_product),
        cmocka_unit_test(test_gradient_penalty),
        cmocka_unit_test(test_backward_needs_little_memory),
        cmocka_unit_test(test_a_gradient_in_place_needs_no_memory),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
