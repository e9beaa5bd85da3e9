/* tests/bad_arguments/views.h: bad calls of views and of operators that join and split, for test_autograd.c. */
#ifndef TAP_TESTS_BAD_ARGUMENTS_VIEWS_H
#define TAP_TESTS_BAD_ARGUMENTS_VIEWS_H

static void bad_cat_overflowing(fixture *f)
{
    tap_var long_one = tap_expand(f->in.s, TAP_SHAPE(INT64_MAX / 8));
    f->out = tap_cat(2, (tap_var[]){ long_one, long_one }, 0);
}

/* clang-format off */
#define VIEW_BAD_CALLS \
    BAD_VAR(reshape_count, TAP_ESHAPE, "reshape: [2,2] (theta): does not hold as many elements as [3]", \
      tap_reshape(f->in.a, TAP_SHAPE(3))) \
    BAD_VAR(reshape_unknowns, TAP_ESHAPE, "reshape: [2,2] (theta): does not hold as many elements as [-1,-1]", \
      tap_reshape(f->in.a, TAP_SHAPE(-1, -1))) \
    BAD_VAR(reshape_negative, TAP_ESHAPE, "reshape: [2,2] (theta): does not hold as many elements as [-2,-2]", \
      tap_reshape(f->in.a, TAP_SHAPE(-2, -2))) \
    BAD_VAR(reshape_no_fit, TAP_ESHAPE, "reshape: [2,2] (theta): does not hold as many elements as [-1,3]", \
      tap_reshape(f->in.a, TAP_SHAPE(-1, 3))) \
    BAD_VAR(reshape_nothing, TAP_ESHAPE, "reshape: [2,2] (theta): does not hold as many elements as [-1,0]", \
      tap_reshape(f->in.a, TAP_SHAPE(-1, 0))) \
    BAD_VAR(reshape_rank, TAP_ESHAPE, "reshape: [2,2] (theta): does not hold as many elements as [0,0,0,0,0,0,0,0]", \
      tap_reshape(f->in.a, rank_9)) \
    BAD_VAR(reshape_rank_min, TAP_ESHAPE, "reshape: [2,2] (theta): does not hold as many elements as []", \
      tap_reshape(f->in.a, rank_min)) \
    BAD_VAR(reshape_vast, TAP_ENOMEM, NULL, tap_reshape(tap_mT(tap_expand(f->in.v, vast_of_pairs)), TAP_SHAPE(-1))) \
    BAD_VAR(permute_count, TAP_ESHAPE, "permute: [2,2] (theta): needs one entry of axes for each axis", \
      tap_permute(f->in.a, 1, (int[]){ 0 })) \
    BAD_VAR(permute_negative, TAP_ESHAPE, "permute: [2,2] (theta): needs one entry of axes for each axis", \
      tap_permute(f->in.a, INT_MIN, (int[]){ 0 })) \
    BAD_VAR(permute_null, TAP_ESHAPE, "permute: [2,2] (theta): needs one entry of axes for each axis", \
      tap_permute(f->in.a, 2, NULL)) \
    BAD_VAR(permute_axis, TAP_EARG, "permute: [2,2] (theta): axis 2 is out of range", \
      tap_permute(f->in.a, 2, (int[]){ 0, 2 })) \
    BAD_VAR(permute_twice, TAP_ESHAPE, "permute: [2,2] (theta): an axis is named twice", \
      tap_permute(f->in.a, 2, (int[]){ 0, -2 })) \
    BAD_VAR(transpose_axes, TAP_EARG, "transpose: [2,2] (theta): axis 2147483647 is out of range", \
      tap_transpose(f->in.a, INT_MAX, INT_MIN)) \
    BAD_VAR(mT_vector, TAP_EARG, "mT: [2]: axis -2 is out of range", tap_mT(f->in.v)) \
    BAD_VAR(expand_shape, TAP_ESHAPE, "expand: [2,2] (theta): does not broadcast to [2,3]", \
      tap_expand(f->in.a, TAP_SHAPE(2, 3))) \
    BAD_VAR(expand_fewer, TAP_ESHAPE, "expand: [2,2] (theta): does not broadcast to [2]", tap_expand(f->in.a, TAP_SHAPE(2))) \
    BAD_VAR(expand_overflowing, TAP_ESHAPE, "expand: []: does not broadcast to [9223372036854775807,9223372036854775807]", \
      tap_expand(f->in.s, overflowing)) \
    BAD_VAR(expand_negative, TAP_ESHAPE, "expand: []: does not broadcast to [-3]", tap_expand(f->in.s, negative)) \
    BAD_VAR(expand_rank, TAP_ESHAPE, "expand: [2,2] (theta): does not broadcast to [0,0,0,0,0,0,0,0]", \
      tap_expand(f->in.a, rank_9)) \
    BAD_VAR(expand_rank_min, TAP_ESHAPE, "expand: [2,2] (theta): does not broadcast to []", tap_expand(f->in.a, rank_min)) \
    BAD_VAR(slice_axis, TAP_EARG, "slice: [2,2] (theta): axis 2 is out of range", tap_slice(f->in.a, 2, 0, 1, 1)) \
    BAD_VAR(slice_scalar, TAP_EARG, "slice: []: axis 0 is out of range", tap_slice(f->in.s, 0, 0, 1, 1)) \
    BAD_VAR(slice_step, TAP_ESHAPE, "slice: [2,2] (theta): the step must not be 0", tap_slice(f->in.a, 0, 0, 1, 0)) \
    BAD_VAR(select_axis, TAP_EARG, "select: [2,2] (theta): axis -3 is out of range", tap_select(f->in.a, -3, 0)) \
    BAD_VAR(select_index, TAP_EARG, "select: [2,2] (theta): index 2 is out of range for axis 0", tap_select(f->in.a, 0, 2)) \
    BAD_VAR(select_index_min, TAP_EARG, "select: [2,2] (theta): index -9223372036854775808 is out of range for axis 1", \
      tap_select(f->in.a, 1, INT64_MIN)) \
    BAD_VAR(unsqueeze_axis, TAP_EARG, "unsqueeze: [2,2] (theta): axis 3 is out of range", tap_unsqueeze(f->in.a, 3)) \
    BAD_VAR(unsqueeze_full, TAP_ESHAPE, "unsqueeze: [1,1,1,1,1,1,1,4]: a result of 9 axes would be above the maximum of 8", \
      tap_unsqueeze(tap_reshape(f->in.a, TAP_SHAPE(1, 1, 1, 1, 1, 1, 1, 4)), 0)) \
    BAD_VAR(squeeze_axis, TAP_EARG, "squeeze: []: axis 1 is out of range for rank 0", tap_squeeze(f->in.s, TAP_AXES(1))) \
    BAD_VAR(flatten_order, TAP_EARG, "flatten: [2,2] (theta): the axes are out of range or in the wrong order", \
      tap_flatten(f->in.a, 1, 0)) \
    BAD_VAR(unflatten_axis, TAP_EARG, "unflatten: [2,2] (theta): the axis is out of range", \
      tap_unflatten(f->in.a, INT_MIN, TAP_SHAPE(2))) \
    BAD_VAR(unflatten_rank, TAP_EARG, "unflatten: [2,2] (theta): sizes must have 1 to 7 axes, not -2147483648", \
      tap_unflatten(f->in.a, 0, rank_min)) \
    BAD_VAR(unflatten_sizes, TAP_EARG, "unflatten: [2,2] (theta): the product of the sizes must be 2", \
      tap_unflatten(f->in.a, 0, TAP_SHAPE(3, -1))) \
    BAD_VAR(movedim_null, TAP_EARG, "movedim: [2,2] (theta): from and to must not be NULL", \
      tap_movedim(f->in.a, 1, NULL, NULL)) \
    BAD_VAR(movedim_twice, TAP_EARG, "movedim: [2,2] (theta): axis 1 or -1 occurs twice", \
      tap_movedim(f->in.a, 2, (int[]){ 0, 1 }, (int[]){ 1, -1 })) \
    BAD_VAR(narrow_axis, TAP_EARG, "narrow: [2,2] (theta): the axis is out of range", tap_narrow(f->in.a, 2, 0, 1)) \
    BAD_VAR(narrow_length, TAP_EARG, \
      "narrow: [2,2] (theta): start 1 and length 9223372036854775807 exceed the axis of size 2", \
      tap_narrow(f->in.a, 0, 1, INT64_MAX)) \
    BAD_VAR(flip_axis, TAP_EARG, "flip: [2,2] (theta): axis 3 is out of range for rank 2", tap_flip(f->in.a, TAP_AXES(3))) \
    BAD_VAR(diagonal_axis, TAP_EARG, "diagonal: [2,2] (theta): axis 2 is out of range", tap_diagonal(f->in.a, 0, 0, 2)) \
    BAD_VAR(diagonal_same, TAP_ESHAPE, "diagonal: [2,2] (theta): an axis is named twice", tap_diagonal(f->in.a, 0, 0, -2)) \
    BAD_VAR(diag_embed_offset, TAP_EARG, "diag_embed: [2,2] (theta): the offset is too large", \
      tap_diag_embed(f->in.a, INT64_MIN, 0, 1)) \
    BAD_VAR(diag_embed_axes, TAP_EARG, "diag_embed: [2,2] (theta): the axes are out of range or the same", \
      tap_diag_embed(f->in.a, 0, 1, 1)) \
    BAD_VAR(diag_scalar, TAP_EARG, "diag: []: the rank must be 1 or 2, not 0", tap_diag(f->in.s, 0)) \
    BAD_VAR(unfold_size, TAP_ESHAPE, "unfold: [2,2] (theta): the window is larger than the axis", \
      tap_unfold(f->in.a, 0, 3, 1)) \
    BAD_VAR(unfold_step, TAP_ESHAPE, "unfold: [2,2] (theta): size and step must be at least 1", tap_unfold(f->in.a, 0, 1, 0)) \
    BAD_VAR(fold_count, TAP_EARG, "fold: [2,2] (theta): 2 windows of size 2 and step 1 do not cover an axis of size 4", \
      tap_fold(f->in.a, 0, 4, 1)) \
    BAD_VAR(fold_rank, TAP_EARG, "fold: []: needs the windows as last axis, and the axis 0 before it", \
      tap_fold(f->in.s, 0, 4, 1)) \
    BAD_VAR(zero_pad_crop, TAP_EARG, "zero_pad: [2,2] (theta): -2 before and -1 after leave no valid size of axis 1", \
      tap_zero_pad(f->in.a, 1, -2, -1)) \
    BAD_VAR(zero_pad_max, TAP_EARG, NULL, tap_zero_pad(f->in.a, 1, INT64_MAX, INT64_MAX)) \
    BAD_VAR(stack_shapes, TAP_ESHAPE, "stack: [2,2] x [2] (theta): inputs 0 and 1 may differ in shape along axis 0 only", \
      tap_stack(2, (tap_var[]){ f->in.a, f->in.v }, 0)) \
    BAD_CALL(split_capacity, TAP_EARG, "split: [2,2] (theta): the capacity of out must be at least 2, not 1", \
      tap_split(f->in.a, 1, 0, 1, &f->out)) \
    BAD_CALL(split_size, TAP_EARG, "split: [2,2] (theta): size must be at least 1, not -9223372036854775808", \
      assert_int_equal(tap_split(f->in.a, INT64_MIN, 0, 1, &f->out), 0)) \
    BAD_CALL(split_size_0, TAP_EARG, "split: [2,2] (theta): size must be at least 1, not 0", \
      assert_int_equal(tap_split(f->in.a, 0, 0, 1, &f->out), 0)) \
    BAD_CALL(split_axis, TAP_EARG, "split: [2,2] (theta): the axis is out of range", \
      assert_int_equal(tap_split(f->in.a, 1, 2, 1, &f->out), 0)) \
    BAD_CALL(split_null, TAP_EARG, "split: [2,2] (theta): the capacity of out must be at least 2, not 0", \
      tap_split(f->in.a, 1, 0, 2, NULL)) \
    BAD_CALL(chunk_none, TAP_EARG, "chunk: [2,2] (theta): chunks must be at least 1, not 0", \
      tap_chunk(f->in.a, 0, 0, 1, &f->out)) \
    BAD_CALL(unbind_axis, TAP_EARG, "unbind: [2,2] (theta): the axis is out of range", tap_unbind(f->in.a, 7, 1, &f->out)) \
    BAD_VAR(repeat_rank, TAP_ESHAPE, "repeat: [2,2] (theta): times must have at least 2 numbers, not 1", \
      tap_repeat(f->in.a, TAP_SHAPE(2))) \
    BAD_VAR(repeat_overflowing, TAP_ESHAPE, "repeat: [2,2] (theta): the result has more than 2^63 - 1 elements", \
      tap_repeat(f->in.a, TAP_SHAPE(1ll << 30, 1ll << 29))) \
    BAD_VAR(repeat_wide, TAP_ESHAPE, "repeat: [1073741824,536870912]: the result has more than 2^63 - 1 elements", \
      tap_repeat(tap_expand(f->in.s, TAP_SHAPE(1ll << 30, 1ll << 29)), TAP_SHAPE(1ll << 10, 1ll << 30))) \
    BAD_VAR(repeat_vast, TAP_ENOMEM, NULL, tap_repeat(f->in.a, vast)) \
    BAD_VAR(tile_rank, TAP_ESHAPE, "tile: [2,2] (theta): times must be numbers from 0 up with a product below 2^63", \
      tap_tile(f->in.a, rank_min)) \
    BAD_VAR(roll_axis, TAP_EARG, "roll: [2,2] (theta): axis -3 is out of range", \
      tap_roll(f->in.a, 1, (int64_t[]){ 1 }, (int[]){ -3 })) \
    BAD_VAR(roll_null, TAP_EARG, "roll: [2,2] (theta): needs shifts, and axes unless n is 1", \
      tap_roll(f->in.a, 1, NULL, NULL)) \
    BAD_VAR(cat_axis, TAP_EARG, "cat: [2,2] (theta): axis -2147483648 is out of range", tap_cat(1, &f->in.a, INT_MIN)) \
    BAD_VAR(cat_scalar, TAP_EARG, "cat: []: axis 0 is out of range", tap_cat(1, &f->in.s, 0)) \
    BAD_VAR(cat_shapes, TAP_ESHAPE, "cat: [2,2] x [2] (theta): inputs 0 and 1 may differ in shape along axis 0 only", \
      tap_cat(2, (tap_var[]){ f->in.a, f->in.v }, 0)) \
    BAD_VAR(cat_first_axis, TAP_ESHAPE, "cat: [2,2] x [1,2] (theta): inputs 0 and 1 may differ in shape along axis 1 only", \
      tap_cat(2, (tap_var[]){ f->in.a, tap_unsqueeze(f->in.v, 0) }, 1)) \
    BAD_VAR(cat_dtypes, TAP_EDTYPE, "cat: [2,2] x [2,2] (theta): the dtype of input 1 differs from input 0", \
      tap_cat(2, (tap_var[]){ f->in.a, f->in.condition }, 0)) \
    BAD_FUNCTION(cat_overflowing, TAP_ESHAPE, \
      "cat: [1152921504606846975] x [1152921504606846975]: " \
      "the result must have a valid shape and dtype, not [2305843009213693950] of float64") \
    BAD_VAR(cat_vast, TAP_ENOMEM, NULL, tap_cat(2, (tap_var[]){ wide(f, 1 << 25), wide(f, 1 << 25) }, 0))
/* clang-format on */

#endif
