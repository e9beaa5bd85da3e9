/* tests/autograd/test_borrowed.c: memory that a tape borrows and that is written to before the backward pass. The tape finds
 * out, whichever function wrote, and only if a rule would read it. */
#define _XOPEN_SOURCE 700
#include <math.h>

#include "tests/autograd/tape.h"

enum { LARGE = 3000 }; /* doubles: more than are compared with a copy */

static double large[LARGE], small[N];

static tap_tensor of(double *data, int64_t n)
{
    return tap_tensor_wrap(TAP_F64, TAP_SHAPE(n), data);
}

static void refill(void)
{
    for (int i = 0; i < LARGE; i++) large[i] = i % 7 + 1;
    for (int i = 0; i < N; i++) small[i] = i + 1;
}

/* ---- Functions that write ---- */

static void by_copy(tap_tensor x)
{
    double twos[LARGE];
    for (int i = 0; i < LARGE; i++) twos[i] = 2;
    tap_tensor_copy(x, of(twos, tap_tensor_numel(x)), NULL);
}

static void by_fill(tap_tensor x)
{
    tap_tensor_fill(x, 2);
}

static void by_item(tap_tensor x)
{
    tap_tensor_set_item(x, tap_tensor_numel(x) - 1, 2);
}

static void by_normal(tap_tensor x)
{
    tap_random_normal(x, (tap_rng_key){ .seed = 1 });
}

static void by_uniform(tap_tensor x)
{
    tap_random_uniform(x, (tap_rng_key){ .seed = 1 });
}

static void by_rows(tap_tensor x)
{
    const int64_t start[2] = { 0, 1 };
    const tap_csr row = { 1, tap_tensor_numel(x), start, (const int32_t[]){ 0 }, (const float[]){ 1 } };
    assert_int_equal(tap_csr_rows(tap_tensor_wrap(x.dtype, TAP_SHAPE(1, row.columns), x.data), row, NULL, NULL), TAP_OK);
}

static void by_pointer_and_told(tap_tensor x)
{
    ((double *)x.data)[0] = 77;
    tap_tensor_written(x);
}

static void (*const writers[])(tap_tensor x) = {
    by_copy, by_fill, by_item, by_normal, by_uniform, by_rows, by_pointer_and_told
};

typedef enum { INPUT, VARIABLE, LEAF, PUTS } put;

/* w . x^2, w and x both `data`, put on the tape this way: the rules read both. */
static tap_var loss_of(tap_tape *t, put how, tap_tensor data, tap_tensor grad, tap_var *x)
{
    const tap_leaf leaf = { data, grad, NULL, "w" };
    *x = how == INPUT ? tap_input(t, data) : how == VARIABLE ? tap_variable(t, data) : tap_leaf_var(t, &leaf);
    tap_var scale = tap_variable(t, tap_tensor_wrap(TAP_F64, TAP_SCALAR, &(double){ 3 }));
    return tap_sum(tap_mul(tap_square(tap_mul(*x, scale)), *x), TAP_ALL);
}

static void assert_found(tap_tape *t, const char *part)
{
    const char *message;
    assert_int_equal(tap_tape_status(t, &message), TAP_ESTALE);
    if (!strstr(message, part) || strncmp(message, "backward of ", 12) != 0) fail_msg("%s", message);
}

static void test_every_writer_is_found(void **state)
{
    static double grad[LARGE];
    (void)state;
    for (size_t i = 0; i < sizeof writers / sizeof *writers; i++) {
        for (int how = 0; how < PUTS; how++) {
            for (int many = 0; many < 2; many++) {
                const int64_t n = many ? LARGE : N;
                tap_tape     *t = tap_tape_new(TAP_F64, 0);
                tap_var       x;
                refill();
                memset(grad, 0, sizeof grad);
                tap_tensor data = of(many ? large : small, n);
                tap_var    loss = loss_of(t, (put)how, data, of(grad, n), &x);
                writers[i](data);
                assert_int_equal(tap_backward(tap_add(loss, tap_sum(tap_variable(t, of(grad, 1)), TAP_ALL))), TAP_ESTALE);
                assert_found(t, how == LEAF ? "w [" : "an input [");
                for (int64_t k = 0; k < n; k++) assert_true(grad[k] == 0);
                tap_tape_free(t);
            }
        }
    }
}

static void test_grad_finds_it_too(void **state)
{
    (void)state;
    tap_tape *t = tap_tape_new(TAP_F64, 0);
    tap_var   x, dx;
    refill();
    tap_var loss = loss_of(t, VARIABLE, of(large, LARGE), of(large, LARGE), &x);
    tap_tensor_fill(of(large, LARGE), 2);
    tap_grad(loss, 1, &x, &dx);
    assert_int_equal(dx.id, 0);
    assert_found(t, "was changed after the forward pass had used it");
    tap_tape_free(t);
}

/* A write that was not reported; the array is small enough to be compared with its snapshot. */
static void test_small_arrays_are_compared(void **state)
{
    (void)state;
    tap_tape *t = tap_tape_new(TAP_F64, 0);
    tap_var   x;
    refill();
    tap_var loss = loss_of(t, VARIABLE, of(small, N), of(small, N), &x);
    small[1] = 9;
    assert_int_equal(tap_backward(loss), TAP_ESTALE);
    tap_tape_free(t);
}

/* A view reads a part of the borrowed memory; a write to another part is no error. */
static void test_views_read_their_part(void **state)
{
    (void)state;
    refill();
    for (int beside = 0; beside < 2; beside++) {
        tap_tape *t = tap_tape_new(TAP_F64, 0);
        tap_var   x = tap_variable(t, of(large, LARGE)), part = tap_slice(x, 0, 100, 200, 1), dx;
        tap_var   loss = tap_sum(tap_square(part), TAP_ALL);
        tap_tensor_set_item(of(large, LARGE), beside ? 200 : 199, 5);
        tap_grad(loss, 1, &x, &dx);
        assert_int_equal(tap_tape_status(t, NULL), beside ? TAP_OK : TAP_ESTALE);
        if (beside) assert_true(item(dx, 150) == 2 * large[150]);
        tap_tape_free(t);
    }
}

/* ---- Writes that are no error ---- */

static void test_what_no_rule_reads_may_change(void **state)
{
    (void)state;
    tap_tape *t = tap_tape_new(TAP_F64, 0);
    refill();
    tap_var x = tap_variable(t, of(large, LARGE)), dx;
    tap_var loss = tap_sum(tap_add(tap_exp(x), x), TAP_ALL); /* exp's rule reads its result */
    tap_tensor_fill(of(large, LARGE), 2);
    tap_grad(loss, 1, &x, &dx);
    assert_tape_ok(t);
    assert_true(fabs(item(dx, 0) - (exp(1) + 1)) < 1e-12);
    tap_tape_free(t);
}

/* A write between two operators: the second one has read the new numbers. */
static void test_used_again_after_a_change(void **state)
{
    (void)state;
    tap_tape *t = tap_tape_new(TAP_F64, 0);
    refill();
    tap_var x = tap_variable(t, of(large, LARGE)), dx, before = tap_square(x);
    tap_tensor_fill(of(large, LARGE), 5);
    tap_grad(tap_sum(tap_square(x), TAP_ALL), 1, &x, &dx);
    assert_tape_ok(t);
    assert_true(item(dx, 0) == 10);
    tap_grad(tap_sum(before, TAP_ALL), 1, &x, &dx);
    assert_int_equal(tap_tape_status(t, NULL), TAP_ESTALE);
    tap_tape_free(t);
}

/* Labels, indices and masks are copied, so writes to them do not matter. */
static void test_integers_are_copied(void **state)
{
    (void)state;
    int64_t   index[2] = { 2, 0 };
    bool      mask[N] = { true, false, true };
    tap_tape *t = tap_tape_new(TAP_F64, 0);
    refill();
    tap_var x = tap_variable(t, of(small, N)), dx;
    tap_var i = tap_input(t, tap_tensor_wrap(TAP_I64, TAP_SHAPE(2), index));
    tap_var m = tap_input(t, tap_tensor_wrap(TAP_BOOL, TAP_SHAPE(N), mask));
    tap_var loss = tap_add(tap_sum(tap_index_select(x, 0, i), TAP_ALL), tap_sum(tap_where(m, x, tap_scalar(t, 0)), TAP_ALL));
    index[0] = 1 << 30;
    mask[0] = mask[2] = false;
    tap_grad(loss, 1, &x, &dx);
    assert_tape_ok(t);
    assert_elements(dx, (double[]){ 2, 0, 2 });
    tap_tape_free(t);
}

/* ---- Memory that is freed ---- */

static void test_freed_memory(void **state)
{
    (void)state;
    for (int how = 0; how < 3; how++) {
        tap_tape  *t = tap_tape_new(TAP_F64, 0);
        tap_arena *a = tap_arena_new();
        tap_tensor data = tap_tensor_zeros(a, TAP_F64, TAP_SHAPE(LARGE));
        tap_var    x = tap_variable(t, data), loss = tap_sum(tap_square(x), TAP_ALL);
        if (how == 0) tap_arena_reset(a);
        else tap_arena_free(a);
        if (how == 2) tap_exp(x); /* not even the forward pass reads it */
        else tap_backward(loss);
        const char *message;
        assert_int_equal(tap_tape_status(t, &message), TAP_ESTALE);
        assert_non_null(strstr(message, "was freed"));
        if (how == 0) tap_arena_free(a);
        tap_tape_free(t);
    }
}

/* A tape borrows values of another tape. */
static void test_another_tape_is_reset(void **state)
{
    (void)state;
    tap_tape *from = tap_tape_new(TAP_F64, 0), *t = tap_tape_new(TAP_F64, 0);
    tap_var   x = tap_variable(t, tap_value(tap_randn(from, TAP_SHAPE(LARGE)))), loss = tap_sum(tap_square(x), TAP_ALL);
    tap_tape_reset(from);
    assert_int_equal(tap_backward(loss), TAP_ESTALE);
    tap_tape_free(from);
    tap_tape_free(t);
}

static void test_a_reset_forgets(void **state)
{
    (void)state;
    tap_tape *t = tap_tape_new(TAP_F64, 0);
    tap_var   dx;
    for (int step = 0; step < 3; step++) {
        refill();
        tap_tape_reset(t);
        tap_var x = tap_variable(t, of(large, LARGE));
        tap_grad(tap_sum(tap_square(x), TAP_ALL), 1, &x, &dx);
        assert_tape_ok(t);
        tap_tensor_fill(of(large, LARGE), 5);
    }
    tap_tape_free(t);
}

int main(void)
{
    /* clang-format off */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_writer_is_found),     cmocka_unit_test(test_grad_finds_it_too),
        cmocka_unit_test(test_small_arrays_are_compared), cmocka_unit_test(test_views_read_their_part),
        cmocka_unit_test(test_what_no_rule_reads_may_change), cmocka_unit_test(test_used_again_after_a_change),
        cmocka_unit_test(test_integers_are_copied),       cmocka_unit_test(test_freed_memory),
        cmocka_unit_test(test_another_tape_is_reset),     cmocka_unit_test(test_a_reset_forgets),
    };
    /* clang-format on */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
