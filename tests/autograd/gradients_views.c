/* tests/autograd/gradients_views.c: gradient rows of views, joining and splitting. */
#include "tests/autograd/gradients.h"

ONE(f_permute, tap_permute(a, 3, ((const int[]){ 2, 0, -2 })))
ONE(f_transpose, tap_transpose(a, 0, -1))
ONE(f_mT, tap_mT(a))
ONE(f_reshape, tap_reshape(a, TAP_SHAPE(4, -1)))
ONE(f_reshape_copy, tap_reshape(tap_mT(a), TAP_SHAPE(-1)))
ONE(f_expand, tap_expand(a, TAP_SHAPE(5, 2, 3, 4)))
ONE(f_expand_slice, tap_slice(tap_expand(a, TAP_SHAPE(5, 2, 3, 4)), 0, 3, 0, -2))
ONE(f_slice, tap_slice(a, 1, 1, 3, 1))
ONE(f_slice_reversed, tap_slice(a, 2, TAP_END, TAP_END, -2))
ONE(f_slice_step, tap_slice(a, -1, -3, TAP_END, 2))
ONE(f_slice_step_min, tap_slice(a, 2, -2, TAP_END, INT64_MIN))
ONE(f_slice_none, tap_slice(a, 0, 2, 1, 1))
ONE(f_select, tap_select(a, 1, -1))
ONE(f_unsqueeze, tap_unsqueeze(a, 1))
ONE(f_squeeze, tap_squeeze(tap_slice(a, 0, 1, 2, 1), TAP_AXES(0, 1)))
ONE(f_flatten, tap_flatten(a, 1, -1))
ONE(f_flatten_copy, tap_flatten(tap_mT(a), 0, 2))
ONE(f_unflatten, tap_unflatten(a, -1, TAP_SHAPE(2, -1)))
ONE(f_movedim, tap_movedim(a, 2, ((const int[]){ 0, -1 }), ((const int[]){ 2, 0 })))
ONE(f_expand_kept, tap_expand(tap_unsqueeze(a, 1), TAP_SHAPE(2, -1, 3, -1, -1)))
ONE(f_narrow, tap_narrow(a, -1, 1, 2))
ONE(f_flip, tap_flip(a, TAP_AXES(0, -1)))
ONE(f_flip_all, tap_flip(a, TAP_ALL))
ONE(f_diagonal, tap_diagonal(a, 1, 1, 2))
ONE(f_diagonal_ends, tap_diagonal(a, -1, 2, 0))
ONE(f_diagonal_none, tap_diagonal(a, 9, 0, 1))
ONE(f_diag_embed, tap_diag_embed(a, -2, 0, -1))
ONE(f_diag_vector, tap_diag(a, 1))
ONE(f_diag_matrix, tap_diag(tap_select(a, 0, 0), -1))
ONE(f_unfold, tap_unfold(a, 1, 2, 1))
ONE(f_unfold_apart, tap_unfold(a, 2, 1, 2))
ONE(f_unfold_twice, tap_unfold(tap_unfold(a, 1, 2, 1), 2, 3, 1))
ONE(f_fold, tap_fold(a, 1, 6, 1))
ONE(f_fold_apart, tap_fold(a, 1, 13, 4))
ONE(f_zero_pad, tap_zero_pad(a, 1, 2, 1))
ONE(f_zero_pad_crop, tap_zero_pad(a, -1, -1, 2))
ONE(f_stack, tap_stack(3, ((const tap_var[]){ a, tap_square(a), a }), 1))
ONE(f_repeat, tap_repeat(a, TAP_SHAPE(2, 1, 3, 2)))
ONE(f_repeat_none, tap_repeat(a, TAP_SHAPE(1, 0, 1)))
ONE(f_tile, tap_tile(a, TAP_SHAPE(2, 3)))
ONE(f_roll, tap_roll(a, 2, ((const int64_t[]){ 1, -5 }), ((const int[]){ 1, 2 })))
ONE(f_roll_flat, tap_roll(tap_mT(a), 1, ((const int64_t[]){ 5 }), NULL))

/* A sum of the parts of an axis with different weights. */
static tap_var weighted_sum(int n, const tap_var *part)
{
    tap_var sum = tap_mul(part[0], part[0]);
    for (int i = 1; i < n; i++) sum = tap_add(sum, tap_mul_scalar(tap_sum(part[i], tap_keepdim(TAP_AXES(-1))), i));
    return sum;
}

static tap_var f_split(tap_tape *t, const tap_var *in, void *ctx)
{
    tap_var part[4];
    (void)t, (void)ctx;
    return weighted_sum(tap_split(in[0], 3, 2, 4, part), part);
}

static tap_var f_chunk(tap_tape *t, const tap_var *in, void *ctx)
{
    tap_var part[4];
    (void)t, (void)ctx;
    return weighted_sum(tap_chunk(in[0], 2, -1, 4, part), part);
}

static tap_var f_unbind(tap_tape *t, const tap_var *in, void *ctx)
{
    tap_var part[4];
    (void)t, (void)ctx;
    return weighted_sum(tap_unbind(in[0], 1, 4, part), part);
}

TWO(f_cat, tap_cat(2, ((const tap_var[]){ a, b }), -2))
ONE(f_cat_many, tap_cat(20, ((const tap_var[]){ a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a }), 0))

const gradient_row views_gradients[] = {
    { "permute", f_permute, R1 },
    { "transpose", f_transpose, R1 },
    { "mT", f_mT, R1 },
    { "reshape", f_reshape, R1, .fixed = true },
    { "reshape", f_reshape_copy, R1 },
    { "unsqueeze", f_unsqueeze, R1 },
    { "squeeze", f_squeeze, R1, .fixed = true },
    { "expand", f_expand, R1, .fixed = true },
    { "expand", f_expand_slice, R1, .fixed = true },
    { "slice", f_slice, R1 },
    { "slice", f_slice_reversed, R1 },
    { "slice", f_slice_step, R1 },
    { "slice", f_slice_step_min, R1 },
    { "slice", f_slice_none, R1 },
    { "select", f_select, R1 },
    { "flatten", f_flatten, R1 },
    { "flatten", f_flatten_copy, R1 },
    { "unflatten", f_unflatten, R1 },
    { "movedim", f_movedim, R1 },
    { "expand", f_expand_kept, R1, .fixed = true },
    { "narrow", f_narrow, R1 },
    { "flip", f_flip, R1 },
    { "flip", f_flip_all, R1 },
    { "diagonal", f_diagonal, R1 },
    { "diagonal", f_diagonal_ends, R1 },
    { "diagonal", f_diagonal_none, R1 },
    { "embed", f_diag_embed, R1 },
    { "diag_embed", f_diag_embed, R1 },
    { "diag", f_diag_vector, .n = 1, .shape = { S(5) }, .low = { -2 }, .high = { 2 } },
    { "diag", f_diag_matrix, R1, .fixed = true },
    { "unfold", f_unfold, R1 },
    { "unfold", f_unfold_apart, R1 },
    { "unfold", f_unfold_twice, R1 },
    { "embed", f_fold, R1 },
    { "fold", f_fold, R1 },
    { "fold", f_fold_apart, R1 },
    { "zero_pad", f_zero_pad, R1 },
    { "zero_pad", f_zero_pad_crop, R1 },
    { "stack", f_stack, R1 },
    { "repeat", f_repeat, R1 },
    { "repeat", f_repeat_none, R1 },
    { "tile", f_tile, R1 },
    { "roll", f_roll, R1 },
    { "roll", f_roll_flat, R1 },
    { "split", f_split, R1 },
    { "chunk", f_chunk, R1 },
    { "unbind", f_unbind, R1 },
    { "cat", f_cat, .n = 2, .shape = { S3, S(2, 5, 4) }, .low = { -2, -2 }, .high = { 2, 2 } },
    { "cat", f_cat_many, .n = 1, .shape = { S(1, 2, 3) }, .low = { -2 }, .high = { 2 } },
    { 0 },
};
