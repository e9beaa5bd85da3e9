/* Gradient tests of the operators that change the shape. */
#include "tests/autograd/gradients.h"

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
    { "slice", f_slice_back, R1 },
    { "slice", f_slice_step, R1 },
    { "slice", f_slice_none, R1 },
    { "select", f_select, R1 },
    { "pad", f_pad, R1, .fixed = true },
    { "pad", f_pad_back, R1, .fixed = true },
    { "cat", f_cat, .n = 2, .shape = { S3, S(2, 5, 4) }, .low = { -2, -2 }, .high = { 2, 2 } },
    { "cat", f_cat_many, .n = 1, .shape = { S(1, 2, 3) }, .low = { -2 }, .high = { 2 } },
    { 0 },
};
