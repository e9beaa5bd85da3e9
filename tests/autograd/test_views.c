/* tests/autograd/test_views.c: results of views, joining and splitting, element by element. */
#include <stdlib.h>
#include <string.h>

#include "tests/autograd/values.h"

/* A tensor of 0, 1, 2, ... in C order. */
static tap_var range(tap_shape shape)
{
    return tap_reshape(tap_cast(tap_arange(t, tap_numel(shape)), TAP_F64), shape);
}

/* Element [i,j,..] is start + i step[0] + j step[1] + ... */
static void expect_steps(tap_var v, tap_shape shape, int64_t start, const int64_t *step)
{
    tap_tensor x = tap_value(v);
    assert_tape_ok(t);
    assert_true(tap_shape_equal(x.shape, shape));
    for (int64_t i = 0; i < tap_numel(shape); i++) {
        int64_t want = start, rest = i;
        for (int k = shape.rank - 1; k >= 0; k--) {
            want += rest % shape.n[k] * step[k];
            rest /= shape.n[k];
        }
        if (tap_tensor_item(x, i) != (double)want) fail_msg("element %d: %g, not %d", (int)i, tap_tensor_item(x, i), (int)want);
    }
}

#define A(...)   ((const int[]){ __VA_ARGS__ })
#define V(...)   ((const tap_var[]){ __VA_ARGS__ })
#define X        (range(TAP_SHAPE(2, 3)))    /* steps 3, 1 */
#define C        (range(TAP_SHAPE(2, 3, 4))) /* steps 12, 4, 1 */
#define NO_STEPS NULL

static void test_permuting_axes(void **state)
{
    (void)state;
    expect_steps(tap_permute(C, 3, A(2, 0, -2)), TAP_SHAPE(4, 2, 3), 0, I(1, 12, 4));
    expect_steps(tap_permute(C, 3, A(-2, -1, -3)), TAP_SHAPE(3, 4, 2), 0, I(4, 1, 12));
    expect_steps(tap_transpose(C, 0, -1), TAP_SHAPE(4, 3, 2), 0, I(1, 4, 12));
    expect_steps(tap_transpose(C, 1, 0), TAP_SHAPE(3, 2, 4), 0, I(4, 12, 1));
    expect_steps(tap_mT(C), TAP_SHAPE(2, 4, 3), 0, I(12, 1, 4));
    expect_steps(tap_movedim(C, 2, A(0, -1), A(2, 0)), TAP_SHAPE(4, 3, 2), 0, I(1, 4, 12));
    expect_steps(tap_movedim(C, 1, A(0), A(2)), TAP_SHAPE(3, 4, 2), 0, I(4, 1, 12));
    expect_steps(tap_movedim(C, 1, A(2), A(0)), TAP_SHAPE(4, 2, 3), 0, I(1, 12, 4));
    expect_steps(tap_movedim(C, 3, A(1, 0, 2), A(0, 2, 1)), TAP_SHAPE(3, 4, 2), 0, I(4, 1, 12));
    expect_steps(tap_movedim(C, 0, NULL, NULL), TAP_SHAPE(2, 3, 4), 0, I(12, 4, 1));
}

static void test_reshaping(void **state)
{
    (void)state;
    tap_var s = tap_scalar(t, 7);
    expect_steps(tap_reshape(C, TAP_SHAPE(4, -1)), TAP_SHAPE(4, 6), 0, I(6, 1));
    expect_steps(tap_reshape(tap_reshape(tap_mT(C), TAP_SHAPE(-1)), TAP_SHAPE(2, 4, 3)), TAP_SHAPE(2, 4, 3), 0, I(12, 1, 4));
    expect_steps(tap_flatten(C, 0, 1), TAP_SHAPE(6, 4), 0, I(4, 1));
    expect_steps(tap_flatten(C, -2, -1), TAP_SHAPE(2, 12), 0, I(12, 1));
    expect_steps(tap_flatten(C, 1, 1), TAP_SHAPE(2, 3, 4), 0, I(12, 4, 1));
    expect(tap_flatten(s, 0, 0), TAP_SHAPE(1), D(7));
    expect_steps(tap_unflatten(C, -1, TAP_SHAPE(2, -1)), TAP_SHAPE(2, 3, 2, 2), 0, I(12, 4, 2, 1));
    expect_steps(tap_unflatten(C, 1, TAP_SHAPE(3, 1)), TAP_SHAPE(2, 3, 1, 4), 0, I(12, 4, 0, 1));
    expect_steps(tap_unflatten(C, 0, TAP_SHAPE(2)), TAP_SHAPE(2, 3, 4), 0, I(12, 4, 1));
    expect_steps(tap_unsqueeze(C, 1), TAP_SHAPE(2, 1, 3, 4), 0, I(12, 0, 4, 1));
    expect_steps(tap_unsqueeze(C, -1), TAP_SHAPE(2, 3, 4, 1), 0, I(12, 4, 1, 0));
    tap_var thin = tap_unsqueeze(tap_unsqueeze(X, 0), 2);
    expect_steps(tap_squeeze(thin, TAP_ALL), TAP_SHAPE(2, 3), 0, I(3, 1));
    expect_steps(tap_squeeze(thin, TAP_AXES(0, 1)), TAP_SHAPE(2, 1, 3), 0, I(3, 0, 1));
    expect_steps(tap_squeeze(thin, TAP_AXES(-2)), TAP_SHAPE(1, 2, 3), 0, I(0, 3, 1));
    expect(tap_expand(s, TAP_SCALAR), TAP_SCALAR, D(7));
    expect_steps(tap_expand(tap_narrow(X, 1, 0, 1), TAP_SHAPE(-1, 4)), TAP_SHAPE(2, 4), 0, I(3, 0));
    expect_steps(tap_expand(tap_unsqueeze(X, 1), TAP_SHAPE(5, -1, 4, 3)), TAP_SHAPE(5, 2, 4, 3), 0, I(0, 3, 0, 1));
}

static void test_max_rank(void **state)
{
    (void)state;
    tap_shape s = { .rank = TAP_MAX_RANK }, back = s;
    int       axes[TAP_MAX_RANK];
    int64_t   step[TAP_MAX_RANK], turned[TAP_MAX_RANK], reversed[TAP_MAX_RANK], count = 1;
    for (int i = TAP_MAX_RANK - 1; i >= 0; i--) {
        s.n[i] = 2 + i % 2;
        step[i] = count;
        count *= s.n[i];
    }
    for (int i = 0; i < TAP_MAX_RANK; i++) {
        axes[i] = TAP_MAX_RANK - 1 - i;
        back.n[i] = s.n[axes[i]];
        turned[i] = step[axes[i]];
        reversed[i] = -step[i];
    }
    expect_steps(tap_permute(range(s), TAP_MAX_RANK, axes), back, 0, turned);
    expect_steps(tap_flip(range(s), TAP_ALL), s, count - 1, reversed);
}

static void test_views_share_memory(void **state)
{
    (void)state;
    tap_var     x = C;
    const void *data = tap_value(x).data;
    assert_ptr_equal(tap_value(tap_reshape(x, TAP_SHAPE(6, 4))).data, data);
    assert_ptr_equal(tap_value(tap_mT(x)).data, data);
    assert_ptr_equal(tap_value(tap_expand(tap_unsqueeze(x, 0), TAP_SHAPE(5, 2, 3, 4))).data, data);
    assert_ptr_equal(tap_value(tap_select(x, 0, 1)).data, (const double *)data + 12);
}

static void test_slices_and_selections(void **state)
{
    (void)state;
    expect_steps(tap_slice(C, 1, 1, 3, 1), TAP_SHAPE(2, 2, 4), 4, I(12, 4, 1));
    expect_steps(tap_slice(C, 2, TAP_END, TAP_END, -2), TAP_SHAPE(2, 3, 2), 3, I(12, 4, -2));
    expect_steps(tap_slice(C, -1, -3, TAP_END, 2), TAP_SHAPE(2, 3, 2), 1, I(12, 4, 2));
    expect_steps(tap_slice(C, 0, 2, 1, 1), TAP_SHAPE(0, 3, 4), 0, NO_STEPS);
    expect_steps(tap_slice(C, 2, -2, TAP_END, INT64_MIN), TAP_SHAPE(2, 3, 1), 2, I(12, 4, 0));
    expect_steps(tap_select(C, 1, -1), TAP_SHAPE(2, 4), 8, I(12, 1));
    expect_steps(tap_select(C, 0, 1), TAP_SHAPE(3, 4), 12, I(4, 1));
    expect_steps(tap_select(C, -1, -3), TAP_SHAPE(2, 3), 1, I(12, 4));
    expect_steps(tap_select(range(TAP_SHAPE(1, 2, 1)), 1, 1), TAP_SHAPE(1, 1), 1, I(0, 0));
    expect_steps(tap_narrow(C, -1, 1, 2), TAP_SHAPE(2, 3, 2), 1, I(12, 4, 1));
    expect_steps(tap_narrow(C, 1, -2, 1), TAP_SHAPE(2, 1, 4), 4, I(12, 0, 1));
    expect_steps(tap_narrow(C, 1, -3, 3), TAP_SHAPE(2, 3, 4), 0, I(12, 4, 1));
    expect_steps(tap_narrow(C, 1, 3, 0), TAP_SHAPE(2, 0, 4), 0, NO_STEPS);
    expect_steps(tap_flip(C, TAP_AXES(0, -1)), TAP_SHAPE(2, 3, 4), 15, I(-12, 4, -1));
    expect_steps(tap_flip(C, TAP_ALL), TAP_SHAPE(2, 3, 4), 23, I(-12, -4, -1));
    expect_steps(tap_unfold(C, 2, 3, 1), TAP_SHAPE(2, 3, 2, 3), 0, I(12, 4, 1, 1));
    expect_steps(tap_unfold(C, -2, 2, 1), TAP_SHAPE(2, 2, 4, 2), 0, I(12, 4, 1, 4));
    expect_steps(tap_unfold(C, 2, 2, 2), TAP_SHAPE(2, 3, 2, 2), 0, I(12, 4, 2, 1));
    expect_steps(tap_unfold(C, 1, 3, 5), TAP_SHAPE(2, 1, 4, 3), 0, I(12, 0, 1, 4));
}

static void test_diagonals(void **state)
{
    (void)state;
    expect_steps(tap_diagonal(C, 1, 1, 2), TAP_SHAPE(2, 3), 1, I(12, 5));
    expect_steps(tap_diagonal(C, 2, -2, -1), TAP_SHAPE(2, 2), 2, I(12, 5));
    expect_steps(tap_diagonal(C, -1, 2, 0), TAP_SHAPE(3, 2), 1, I(4, 13));
    expect_steps(tap_diagonal(C, 9, 0, 1), TAP_SHAPE(4, 0), 0, NO_STEPS);
    expect_steps(tap_diagonal(C, -9, 0, 1), TAP_SHAPE(4, 0), 0, NO_STEPS);
    expect_steps(tap_diagonal(C, -1, 0, 1), TAP_SHAPE(4, 1), 12, I(1, 0));
    tap_var v = floats(TAP_SHAPE(2), D(1, 2)), m = floats(TAP_SHAPE(2, 2), D(1, 2, 3, 4));
    expect(tap_diag_embed(v, 1, 0, 1), TAP_SHAPE(3, 3), D(0, 1, 0, 0, 0, 2, 0, 0, 0));
    expect(tap_diag_embed(v, -1, -2, -1), TAP_SHAPE(3, 3), D(0, 0, 0, 1, 0, 0, 0, 2, 0));
    expect(tap_diag_embed(v, 1, 1, 0), TAP_SHAPE(3, 3), D(0, 0, 0, 1, 0, 0, 0, 2, 0));
    expect(tap_diag_embed(m, 0, 0, 2), TAP_SHAPE(2, 2, 2), D(1, 0, 3, 0, 0, 2, 0, 4));
    expect(tap_diag_embed(floats(TAP_SHAPE(1), D(5)), 0, 0, 1), TAP_SHAPE(1, 1), D(5));
    expect(tap_diag(v, 0), TAP_SHAPE(2, 2), D(1, 0, 0, 2));
    expect(tap_diag(v, 1), TAP_SHAPE(3, 3), D(0, 1, 0, 0, 0, 2, 0, 0, 0));
    expect(tap_diag(m, -1), TAP_SHAPE(1), D(3));
    expect(tap_diag(m, 0), TAP_SHAPE(2), D(1, 4));
}

static void test_folding_and_padding(void **state)
{
    (void)state;
    tap_var w = floats(TAP_SHAPE(3, 2), D(1, 2, 3, 4, 5, 6)), deep = floats(TAP_SHAPE(2, 2, 2), D(1, 2, 3, 4, 5, 6, 7, 8));
    expect(tap_fold(w, 0, 4, 1), TAP_SHAPE(4), D(1, 5, 9, 6));
    expect(tap_fold(w, -1, 6, 2), TAP_SHAPE(6), D(1, 2, 3, 4, 5, 6));
    expect(tap_fold(w, 0, 9, 3), TAP_SHAPE(9), D(1, 2, 0, 3, 4, 0, 5, 6, 0));
    expect(tap_fold(deep, 0, 3, 1), TAP_SHAPE(3, 2), D(1, 3, 7, 11, 6, 8));
    expect(tap_fold(deep, 1, 3, 1), TAP_SHAPE(2, 3), D(1, 5, 4, 5, 13, 8));
    expect(tap_fold(floats(TAP_SHAPE(1, 2), D(1, 2)), 0, 2, 1), TAP_SHAPE(2), D(1, 2));
    expect(tap_zero_pad(X, 1, 1, 2), TAP_SHAPE(2, 6), D(0, 0, 1, 2, 0, 0, 0, 3, 4, 5, 0, 0));
    expect(tap_zero_pad(X, -1, -1, 1), TAP_SHAPE(2, 3), D(1, 2, 0, 4, 5, 0));
    expect(tap_zero_pad(X, 1, 1, -1), TAP_SHAPE(2, 3), D(0, 0, 1, 0, 3, 4));
    expect(tap_zero_pad(X, 0, -1, 0), TAP_SHAPE(1, 3), D(3, 4, 5));
    expect(tap_zero_pad(X, 1, 0, -2), TAP_SHAPE(2, 1), D(0, 3));
    expect(tap_zero_pad(X, 0, 0, 1), TAP_SHAPE(3, 3), D(0, 1, 2, 3, 4, 5, 0, 0, 0));
    expect(tap_zero_pad(X, 0, 0, 0), TAP_SHAPE(2, 3), D(0, 1, 2, 3, 4, 5));
    expect(tap_zero_pad(X, 1, -3, 2), TAP_SHAPE(2, 2), D(0, 0, 0, 0));
    expect(tap_zero_pad(X, 1, -2, -1), TAP_SHAPE(2, 0), NO_STEPS);
}

static void test_joining(void **state)
{
    (void)state;
    tap_var x = X, y = tap_add_scalar(x, 10), column = tap_narrow(x, 1, 0, 1), none = tap_narrow(x, 1, 0, 0);
    expect(tap_cat(2, V(x, y), 0), TAP_SHAPE(4, 3), D(0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15));
    expect(tap_cat(2, V(x, y), -1), TAP_SHAPE(2, 6), D(0, 1, 2, 10, 11, 12, 3, 4, 5, 13, 14, 15));
    expect(tap_cat(3, V(column, none, x), 1), TAP_SHAPE(2, 4), D(0, 0, 1, 2, 3, 3, 4, 5));
    expect(tap_cat(1, &x, 1), TAP_SHAPE(2, 3), D(0, 1, 2, 3, 4, 5));
    tap_var empty = tap_zeros(t, TAP_SHAPE(0)); /* ignored by cat, as in PyTorch */
    expect(tap_cat(3, V(empty, x, empty), 1), TAP_SHAPE(2, 3), D(0, 1, 2, 3, 4, 5));
    expect(tap_cat(3, V(x, empty, x), 0), TAP_SHAPE(4, 3), D(0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5));
    expect(tap_cat(2, V(empty, empty), 0), TAP_SHAPE(0), NO_STEPS);
    expect(tap_stack(1, &x, 1), TAP_SHAPE(2, 1, 3), D(0, 1, 2, 3, 4, 5));
    expect(tap_stack(2, V(x, y), 0), TAP_SHAPE(2, 2, 3), D(0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15));
    expect(tap_stack(2, V(x, y), 1), TAP_SHAPE(2, 2, 3), D(0, 1, 2, 10, 11, 12, 3, 4, 5, 13, 14, 15));
    expect(tap_stack(2, V(x, y), -1), TAP_SHAPE(2, 3, 2), D(0, 10, 1, 11, 2, 12, 3, 13, 4, 14, 5, 15));
    /* more inputs than one operator takes */
    enum { MANY = 50 };
    tap_var one[MANY], two[MANY];
    for (int i = 0; i < MANY; i++) {
        one[i] = tap_full(t, TAP_SHAPE(1), i);
        two[i] = floats(TAP_SHAPE(2), D(i, MANY + i));
    }
    for (int n = 1; n <= MANY; n++) expect_steps(tap_cat(n, one, 0), TAP_SHAPE(n), 0, I(1));
    expect_steps(tap_stack(MANY, two, 1), TAP_SHAPE(2, MANY), 0, I(MANY, 1));
}

static void test_splitting(void **state)
{
    (void)state;
    tap_var part[4];
    assert_int_equal(tap_split(C, 3, 2, 4, part), 2);
    expect_steps(part[0], TAP_SHAPE(2, 3, 3), 0, I(12, 4, 1));
    expect_steps(part[1], TAP_SHAPE(2, 3, 1), 3, I(12, 4, 0));
    assert_int_equal(tap_split(C, 2, -1, 2, part), 2);
    expect_steps(part[1], TAP_SHAPE(2, 3, 2), 2, I(12, 4, 1));
    assert_int_equal(tap_split(C, 5, 0, 1, part), 1);
    expect_steps(part[0], TAP_SHAPE(2, 3, 4), 0, I(12, 4, 1));
    assert_int_equal(tap_chunk(C, 2, -1, 4, part), 2);
    expect_steps(part[1], TAP_SHAPE(2, 3, 2), 2, I(12, 4, 1));
    assert_int_equal(tap_chunk(C, 2, 1, 4, part), 2);
    expect_steps(part[0], TAP_SHAPE(2, 2, 4), 0, I(12, 4, 1));
    expect_steps(part[1], TAP_SHAPE(2, 1, 4), 8, I(12, 0, 1));
    assert_int_equal(tap_chunk(C, 3, 2, 4, part), 2);
    assert_int_equal(tap_chunk(C, 9, 1, 4, part), 3);
    expect_steps(part[2], TAP_SHAPE(2, 1, 4), 8, I(12, 0, 1));
    assert_int_equal(tap_unbind(C, -2, 3, part), 3);
    for (int64_t i = 0; i < 3; i++) expect_steps(part[i], TAP_SHAPE(2, 4), 4 * i, I(12, 1));
    tap_var none = tap_zeros(t, TAP_SHAPE(2, 0));
    assert_int_equal(tap_split(none, 0, 1, 4, part), 1);
    expect_steps(part[0], TAP_SHAPE(2, 0), 0, NO_STEPS);
    assert_int_equal(tap_split(none, 3, 1, 4, part), 1);
    assert_int_equal(tap_chunk(none, 3, 1, 4, part), 1);
    expect_steps(part[0], TAP_SHAPE(2, 0), 0, NO_STEPS);
    assert_int_equal(tap_unbind(none, 1, 0, NULL), 0);
    assert_int_equal(tap_tape_status(t, NULL), TAP_OK);
}

/* If out is too small for all parts, the call fails, and all of out is inert. */
static void test_too_many_parts(void **state)
{
    (void)state;
    tap_var part[3] = { X, X, X };
    assert_int_equal(tap_unbind(X, 1, 2, part), 0);
    assert_true(part[0].id == 0 && part[1].id == 0 && part[2].id != 0);
    assert_int_equal(tap_tape_status(t, NULL), TAP_EARG);
}

static void test_repeated_axes(void **state)
{
    (void)state;
    assert_null(tap_stack(2, NULL, 0).tape); /* there is no tape to fail */
    assert_int_equal(tap_permute(C, 3, A(0, 1, 0)).id, 0);
    assert_true(tap_tape_status(t, NULL) != TAP_OK);
}

static void test_repeating_and_rolling(void **state)
{
    (void)state;
    tap_var wide = floats(TAP_SHAPE(2, 6), D(0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5)), none = tap_zeros(t, TAP_SHAPE(2, 0));
    expect(tap_repeat(X, TAP_SHAPE(2, 1)), TAP_SHAPE(4, 3), D(0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5));
    expect(tap_repeat(X, TAP_SHAPE(1, 2)), TAP_SHAPE(2, 6), tap_value(wide).data);
    expect(tap_repeat(X, TAP_SHAPE(2, 1, 2)), TAP_SHAPE(2, 2, 6),
           D(0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5, 0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5));
    expect_steps(tap_repeat(tap_unsqueeze(X, 1), TAP_SHAPE(1, 3, 1)), TAP_SHAPE(2, 3, 3), 0, I(3, 0, 1));
    expect(tap_repeat(X, TAP_SHAPE(1, 0)), TAP_SHAPE(2, 0), NO_STEPS);
    expect(tap_repeat(none, TAP_SHAPE(3, 2)), TAP_SHAPE(6, 0), NO_STEPS);
    expect(tap_repeat(tap_scalar(t, 4), TAP_SHAPE(2)), TAP_SHAPE(2), D(4, 4));
    expect(tap_tile(X, TAP_SHAPE(2)), TAP_SHAPE(2, 6), tap_value(wide).data);
    expect(tap_tile(X, TAP_SHAPE(2, 1)), TAP_SHAPE(4, 3), D(0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5));
    expect_steps(tap_tile(X, TAP_SHAPE(2, 1, 1)), TAP_SHAPE(2, 2, 3), 0, I(0, 3, 1));
    expect(tap_tile(X, TAP_SHAPE(0)), TAP_SHAPE(2, 0), NO_STEPS);
    expect_steps(tap_tile(X, TAP_SCALAR), TAP_SHAPE(2, 3), 0, I(3, 1));
    expect(tap_roll(X, 1, I(1), A(1)), TAP_SHAPE(2, 3), D(2, 0, 1, 5, 3, 4));
    expect(tap_roll(X, 1, I(-1), A(-1)), TAP_SHAPE(2, 3), D(1, 2, 0, 4, 5, 3));
    expect(tap_roll(X, 1, I(-4), A(1)), TAP_SHAPE(2, 3), D(1, 2, 0, 4, 5, 3));
    expect(tap_roll(X, 1, I(3), A(0)), TAP_SHAPE(2, 3), D(3, 4, 5, 0, 1, 2));
    expect(tap_roll(X, 2, I(1, -2), A(0, 1)), TAP_SHAPE(2, 3), D(5, 3, 4, 2, 0, 1));
    expect(tap_roll(X, 1, I(6), A(1)), TAP_SHAPE(2, 3), D(0, 1, 2, 3, 4, 5));
    expect(tap_roll(X, 1, I(2), NULL), TAP_SHAPE(2, 3), D(4, 5, 0, 1, 2, 3));
    expect(tap_roll(X, 0, NULL, A(0)), TAP_SHAPE(2, 3), D(0, 1, 2, 3, 4, 5));
    expect(tap_roll(none, 1, I(5), A(1)), TAP_SHAPE(2, 0), NO_STEPS);
    expect(tap_roll(tap_zeros(t, TAP_SHAPE(1)), 1, I(5), A(0)), TAP_SHAPE(1), D(0));
}

/* Operators that add elements take floats only; other dtypes are an error, also where windows overlap. */
static void test_addition_needs_floats(void **state)
{
    (void)state;
    static const tap_dtype dtypes[] = { TAP_I64, TAP_BOOL, TAP_U8 };
    for (int i = 0; i < 3 * 12; i++) {
        const char *message;
        tap_tape   *tape = tap_tape_new(TAP_F64, 0);
        tap_var     x = tap_cast(tap_ones(tape, TAP_SHAPE(3, 2)), dtypes[i % 3]), v = tap_select(x, 1, 0), y;
        tap_var     index = tap_cast(tap_zeros(tape, TAP_SHAPE(3, 2)), TAP_I64);
        switch (i / 3) {
        case 0: y = tap_fold(x, 0, 4, 1); break;
        case 1: y = tap_scatter_add(x, 0, index, x); break;
        case 2: y = tap_matmul(tap_mT(x), x); break;
        case 3: y = tap_einsum("ij,ij->j", 2, V(x, x)); break;
        case 4: y = tap_affine(x, x, v); break;
        case 5: y = tap_cumsum(x, 0); break;
        case 6: y = tap_cumprod(x, 0); break;
        case 7: y = tap_sum(x, TAP_ALL); break;
        case 8: y = tap_prod(x, TAP_ALL); break;
        case 9: y = tap_mean(x, TAP_ALL); break;
        case 10: y = tap_dot(v, v); break;
        default: y = tap_trace(x); break;
        }
        assert_int_equal(y.id, 0);
        if (tap_tape_status(tape, &message) != TAP_EDTYPE) fail_msg("operator %d: %s", i / 3, message);
        assert_non_null(strstr(message, tap_dtype_name(dtypes[i % 3])));
        tap_tape_free(tape);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_permuting_axes, begin, end),
        cmocka_unit_test_setup_teardown(test_reshaping, begin, end),
        cmocka_unit_test_setup_teardown(test_max_rank, begin, end),
        cmocka_unit_test_setup_teardown(test_views_share_memory, begin, end),
        cmocka_unit_test_setup_teardown(test_slices_and_selections, begin, end),
        cmocka_unit_test_setup_teardown(test_diagonals, begin, end),
        cmocka_unit_test_setup_teardown(test_folding_and_padding, begin, end),
        cmocka_unit_test_setup_teardown(test_joining, begin, end),
        cmocka_unit_test(test_addition_needs_floats),
        cmocka_unit_test_setup_teardown(test_splitting, begin, end),
        cmocka_unit_test_setup_teardown(test_too_many_parts, begin, end),
        cmocka_unit_test_setup_teardown(test_repeated_axes, begin, end),
        cmocka_unit_test_setup_teardown(test_repeating_and_rolling, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
