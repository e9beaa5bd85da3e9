/* Wrong arguments, for test_abuse_autograd.c, of operators that look at a tensor in another way, or put tensors together. */
#ifndef TAP_TESTS_BAD_ARGUMENTS_VIEWS_H
#define TAP_TESTS_BAD_ARGUMENTS_VIEWS_H

/* clang-format off */
#define VIEW_WRONGS \
    X(reshape_count, TAP_ESHAPE, "reshape: [2,2] (theta): does not hold as many elements as [3]", \
      w->out = tap_reshape(w->in.a, TAP_SHAPE(3))) \
    X(reshape_unknowns, TAP_ESHAPE, "reshape: [2,2] (theta): does not hold as many elements as [-1,-1]", \
      w->out = tap_reshape(w->in.a, TAP_SHAPE(-1, -1))) \
    X(reshape_negative, TAP_ESHAPE, "reshape: [2,2] (theta): does not hold as many elements as [-2,-2]", \
      w->out = tap_reshape(w->in.a, TAP_SHAPE(-2, -2))) \
    X(reshape_no_fit, TAP_ESHAPE, "reshape: [2,2] (theta): does not hold as many elements as [-1,3]", \
      w->out = tap_reshape(w->in.a, TAP_SHAPE(-1, 3))) \
    X(reshape_nothing, TAP_ESHAPE, "reshape: [2,2] (theta): does not hold as many elements as [-1,0]", \
      w->out = tap_reshape(w->in.a, TAP_SHAPE(-1, 0))) \
    X(reshape_rank, TAP_ESHAPE, "reshape: [2,2] (theta): does not hold as many elements as [0,0,0,0,0,0,0,0]", \
      w->out = tap_reshape(w->in.a, rank_9)) \
    X(reshape_rank_min, TAP_ESHAPE, "reshape: [2,2] (theta): does not hold as many elements as []", \
      w->out = tap_reshape(w->in.a, rank_min)) \
    X(reshape_vast, TAP_ENOMEM, NULL, w->out = tap_reshape(tap_mT(tap_expand(w->in.v, vast_of_pairs)), TAP_SHAPE(-1))) \
    X(permute_count, TAP_ESHAPE, "permute: [2,2] (theta): needs one entry of axes for each axis", \
      w->out = tap_permute(w->in.a, 1, (int[]){ 0 })) \
    X(permute_negative, TAP_ESHAPE, "permute: [2,2] (theta): needs one entry of axes for each axis", \
      w->out = tap_permute(w->in.a, INT_MIN, (int[]){ 0 })) \
    X(permute_null, TAP_ESHAPE, "permute: [2,2] (theta): needs one entry of axes for each axis", \
      w->out = tap_permute(w->in.a, 2, NULL)) \
    X(permute_axis, TAP_EARG, "permute: [2,2] (theta): axis 2 is out of range", \
      w->out = tap_permute(w->in.a, 2, (int[]){ 0, 2 })) \
    X(permute_twice, TAP_ESHAPE, "permute: [2,2] (theta): an axis is named twice", \
      w->out = tap_permute(w->in.a, 2, (int[]){ 0, -2 })) \
    X(transpose_axes, TAP_EARG, "transpose: [2,2] (theta): axis 2147483647 is out of range", \
      w->out = tap_transpose(w->in.a, INT_MAX, INT_MIN)) \
    X(mT_vector, TAP_EARG, "mT: [2]: axis -2 is out of range", w->out = tap_mT(w->in.v)) \
    X(expand_shape, TAP_ESHAPE, "expand: [2,2] (theta): does not broadcast to [2,3]", \
      w->out = tap_expand(w->in.a, TAP_SHAPE(2, 3))) \
    X(expand_fewer, TAP_ESHAPE, "expand: [2,2] (theta): does not broadcast to [2]", \
      w->out = tap_expand(w->in.a, TAP_SHAPE(2))) \
    X(expand_overflowing, TAP_ESHAPE, "expand: []: does not broadcast to [9223372036854775807,9223372036854775807]", \
      w->out = tap_expand(w->in.s, overflowing)) \
    X(expand_negative, TAP_ESHAPE, "expand: []: does not broadcast to [-3]", w->out = tap_expand(w->in.s, negative)) \
    X(expand_rank, TAP_ESHAPE, "expand: [2,2] (theta): does not broadcast to [0,0,0,0,0,0,0,0]", \
      w->out = tap_expand(w->in.a, rank_9)) \
    X(expand_rank_min, TAP_ESHAPE, "expand: [2,2] (theta): does not broadcast to []", \
      w->out = tap_expand(w->in.a, rank_min)) \
    X(slice_axis, TAP_EARG, "slice: [2,2] (theta): axis 2 is out of range", w->out = tap_slice(w->in.a, 2, 0, 1, 1)) \
    X(slice_scalar, TAP_EARG, "slice: []: axis 0 is out of range", w->out = tap_slice(w->in.s, 0, 0, 1, 1)) \
    X(slice_step, TAP_ESHAPE, "slice: [2,2] (theta): the step must not be 0", w->out = tap_slice(w->in.a, 0, 0, 1, 0)) \
    X(select_axis, TAP_EARG, "select: [2,2] (theta): axis -3 is out of range", w->out = tap_select(w->in.a, -3, 0)) \
    X(select_index, TAP_EARG, "select: [2,2] (theta): index 2 is out of range for axis 0", w->out = tap_select(w->in.a, 0, 2)) \
    X(select_index_min, TAP_EARG, "select: [2,2] (theta): index -9223372036854775808 is out of range for axis 1", \
      w->out = tap_select(w->in.a, 1, INT64_MIN)) \
    X(unsqueeze_axis, TAP_EARG, "unsqueeze: [2,2] (theta): axis 3 is out of range", w->out = tap_unsqueeze(w->in.a, 3)) \
    X(unsqueeze_full, TAP_ESHAPE, "unsqueeze: [1,1,1,1,1,1,1,4]: a result of 9 axes would be above the maximum of 8", \
      w->out = tap_unsqueeze(tap_reshape(w->in.a, TAP_SHAPE(1, 1, 1, 1, 1, 1, 1, 4)), 0)) \
    X(squeeze_axis, TAP_EARG, "squeeze: []: axis 1 is out of range for rank 0", w->out = tap_squeeze(w->in.s, TAP_AXES(1))) \
    X(flatten_order, TAP_EARG, "flatten: [2,2] (theta): the axes are out of range or in the wrong order", \
      w->out = tap_flatten(w->in.a, 1, 0)) \
    X(unflatten_axis, TAP_EARG, "unflatten: [2,2] (theta): the axis is out of range", \
      w->out = tap_unflatten(w->in.a, INT_MIN, TAP_SHAPE(2))) \
    X(unflatten_rank, TAP_EARG, "unflatten: [2,2] (theta): sizes must have 1 to 7 axes, not -2147483648", \
      w->out = tap_unflatten(w->in.a, 0, rank_min)) \
    X(unflatten_sizes, TAP_EARG, "unflatten: [2,2] (theta): the product of the sizes must be 2", \
      w->out = tap_unflatten(w->in.a, 0, TAP_SHAPE(3, -1))) \
    X(movedim_null, TAP_EARG, "movedim: [2,2] (theta): from and to must not be NULL", \
      w->out = tap_movedim(w->in.a, 1, NULL, NULL)) \
    X(movedim_twice, TAP_EARG, "movedim: [2,2] (theta): axis 1 or -1 occurs twice", \
      w->out = tap_movedim(w->in.a, 2, (int[]){ 0, 1 }, (int[]){ 1, -1 })) \
    X(narrow_axis, TAP_EARG, "narrow: [2,2] (theta): the axis is out of range", w->out = tap_narrow(w->in.a, 2, 0, 1)) \
    X(narrow_length, TAP_EARG, "narrow: [2,2] (theta): start 1 and length 9223372036854775807 exceed the axis of size 2", \
      w->out = tap_narrow(w->in.a, 0, 1, INT64_MAX)) \
    X(flip_axis, TAP_EARG, "flip: [2,2] (theta): axis 3 is out of range for rank 2", w->out = tap_flip(w->in.a, TAP_AXES(3))) \
    X(diagonal_axis, TAP_EARG, "diagonal: [2,2] (theta): axis 2 is out of range", w->out = tap_diagonal(w->in.a, 0, 0, 2)) \
    X(diagonal_same, TAP_ESHAPE, "diagonal: [2,2] (theta): an axis is named twice", w->out = tap_diagonal(w->in.a, 0, 0, -2)) \
    X(diag_embed_offset, TAP_EARG, "diag_embed: [2,2] (theta): the offset is too large", \
      w->out = tap_diag_embed(w->in.a, INT64_MIN, 0, 1)) \
    X(diag_embed_axes, TAP_EARG, "diag_embed: [2,2] (theta): the axes are out of range or the same", \
      w->out = tap_diag_embed(w->in.a, 0, 1, 1)) \
    X(diag_scalar, TAP_EARG, "diag: []: the rank must be 1 or 2, not 0", w->out = tap_diag(w->in.s, 0)) \
    X(unfold_size, TAP_ESHAPE, "unfold: [2,2] (theta): the window is larger than the axis", \
      w->out = tap_unfold(w->in.a, 0, 3, 1)) \
    X(unfold_step, TAP_ESHAPE, "unfold: [2,2] (theta): size and step must be at least 1", w->out = tap_unfold(w->in.a, 0, 1, 0)) \
    X(fold_count, TAP_EARG, "fold: [2,2] (theta): 2 windows of size 2 and step 1 do not cover an axis of size 4", \
      w->out = tap_fold(w->in.a, 0, 4, 1)) \
    X(fold_rank, TAP_EARG, "fold: []: needs the windows as last axis, and the axis 0 before it", w->out = tap_fold(w->in.s, 0, 4, 1)) \
    X(zero_pad_crop, TAP_EARG, "zero_pad: [2,2] (theta): -2 before and -1 after leave no valid size of axis 1", \
      w->out = tap_zero_pad(w->in.a, 1, -2, -1)) \
    X(zero_pad_max, TAP_EARG, NULL, w->out = tap_zero_pad(w->in.a, 1, INT64_MAX, INT64_MAX)) \
    X(stack_shapes, TAP_ESHAPE, "stack: [2,2] x [2] (theta): inputs 0 and 1 may differ in shape along axis 0 only", \
      w->out = tap_stack(2, (tap_var[]){ w->in.a, w->in.v }, 0)) \
    X(split_capacity, TAP_EARG, "split: [2,2] (theta): the capacity of out must be at least 2, not 1", \
      tap_split(w->in.a, 1, 0, 1, &w->out)) \
    X(split_size, TAP_EARG, "split: [2,2] (theta): size must be at least 1, not -9223372036854775808", \
      assert_int_equal(tap_split(w->in.a, INT64_MIN, 0, 1, &w->out), 0)) \
    X(split_size_0, TAP_EARG, "split: [2,2] (theta): size must be at least 1, not 0", \
      assert_int_equal(tap_split(w->in.a, 0, 0, 1, &w->out), 0)) \
    X(split_axis, TAP_EARG, "split: [2,2] (theta): the axis is out of range", assert_int_equal(tap_split(w->in.a, 1, 2, 1, &w->out), 0)) \
    X(split_null, TAP_EARG, "split: [2,2] (theta): the capacity of out must be at least 2, not 0", \
      tap_split(w->in.a, 1, 0, 2, NULL)) \
    X(chunk_none, TAP_EARG, "chunk: [2,2] (theta): chunks must be at least 1, not 0", \
      tap_chunk(w->in.a, 0, 0, 1, &w->out)) \
    X(unbind_axis, TAP_EARG, "unbind: [2,2] (theta): the axis is out of range", tap_unbind(w->in.a, 7, 1, &w->out)) \
    X(repeat_rank, TAP_ESHAPE, "repeat: [2,2] (theta): times must have at least 2 numbers, not 1", \
      w->out = tap_repeat(w->in.a, TAP_SHAPE(2))) \
    X(repeat_overflowing, TAP_ESHAPE, "repeat: [2,2] (theta): the result has more than 2^63 - 1 elements", \
      w->out = tap_repeat(w->in.a, TAP_SHAPE(1ll << 30, 1ll << 29))) \
    X(repeat_wide, TAP_ESHAPE, "repeat: [1073741824,536870912]: the result has more than 2^63 - 1 elements", \
      w->out = tap_repeat(tap_expand(w->in.s, TAP_SHAPE(1ll << 30, 1ll << 29)), TAP_SHAPE(1ll << 10, 1ll << 30))) \
    X(repeat_vast, TAP_ENOMEM, NULL, w->out = tap_repeat(w->in.a, vast)) \
    X(tile_rank, TAP_ESHAPE, "tile: [2,2] (theta): times must be numbers from 0 up with a product below 2^63", \
      w->out = tap_tile(w->in.a, rank_min)) \
    X(roll_axis, TAP_EARG, "roll: [2,2] (theta): axis -3 is out of range", \
      w->out = tap_roll(w->in.a, 1, (int64_t[]){ 1 }, (int[]){ -3 })) \
    X(roll_null, TAP_EARG, "roll: [2,2] (theta): needs shifts, and axes unless n is 1", w->out = tap_roll(w->in.a, 1, NULL, NULL)) \
    X(cat_axis, TAP_EARG, "cat: [2,2] (theta): axis -2147483648 is out of range", w->out = tap_cat(1, &w->in.a, INT_MIN)) \
    X(cat_scalar, TAP_EARG, "cat: []: axis 0 is out of range", w->out = tap_cat(1, &w->in.s, 0)) \
    X(cat_shapes, TAP_ESHAPE, "cat: [2,2] x [2] (theta): inputs 0 and 1 may differ in shape along axis 0 only", \
      w->out = tap_cat(2, (tap_var[]){ w->in.a, w->in.v }, 0)) \
    X(cat_first_axis, TAP_ESHAPE, "cat: [2,2] x [1,2] (theta): inputs 0 and 1 may differ in shape along axis 1 only", \
      w->out = tap_cat(2, (tap_var[]){ w->in.a, tap_unsqueeze(w->in.v, 0) }, 1)) \
    X(cat_dtypes, TAP_EDTYPE, "cat: [2,2] x [2,2] (theta): the dtype of input 1 differs from input 0", \
      w->out = tap_cat(2, (tap_var[]){ w->in.a, w->in.condition }, 0)) \
    X(cat_overflowing, TAP_ESHAPE, \
      "cat: [1152921504606846975] x [1152921504606846975]: a result [2305843009213693950] of float64 cannot be", \
      tap_var long_one = tap_expand(w->in.s, TAP_SHAPE(INT64_MAX / 8)); \
      w->out = tap_cat(2, (tap_var[]){ long_one, long_one }, 0)) \
    X(cat_vast, TAP_ENOMEM, NULL, w->out = tap_cat(2, (tap_var[]){ wide(w, 1 << 25), wide(w, 1 << 25) }, 0))
/* clang-format on */

#endif
