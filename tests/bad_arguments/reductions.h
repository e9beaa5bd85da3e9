/* tests/bad_arguments/reductions.h: bad calls of reductions, sorting and indexing, for test_autograd.c. */
#ifndef TAP_TESTS_BAD_ARGUMENTS_REDUCTIONS_H
#define TAP_TESTS_BAD_ARGUMENTS_REDUCTIONS_H

static void bad_scatter_foreign_nothing(fixture *f)
{
    tap_var none = tap_cast(tap_zeros(f->other, TAP_SHAPE(0, 2)), TAP_I64);
    f->out = tap_scatter(f->in.a, 0, none, f->in.b);
}

/* clang-format off */
#define REDUCTION_BAD_CALLS \
    BAD_VAR(amin_bool, TAP_EDTYPE, NULL, tap_amin(f->in.condition, TAP_ALL)) \
    BAD_VAR(prod_int, TAP_EDTYPE, "prod: [2,2]: int64 is not float32 or float64; tap_cast makes it so", \
      tap_prod(var_of(f, TAP_I64), TAP_ALL)) \
    BAD_VAR(prod_axis, TAP_EARG, "prod: [2,2] (theta): axis 2 is out of range for rank 2", tap_prod(f->in.a, TAP_AXES(2))) \
    BAD_VAR(argmax_axes, TAP_EARG, "argmax: [2,2] (theta): takes one axis, or all", tap_argmax(f->in.a, TAP_AXES(0, 1))) \
    BAD_VAR(argmax_empty, TAP_ESHAPE, "argmax: [0]: an axis of size 0 has no largest or smallest element", \
      tap_argmax(tap_zeros(f->t, TAP_SHAPE(0)), TAP_ALL)) \
    BAD_VAR(softmax_axis, TAP_EARG, "softmax: [2,2] (theta): axis -3 is out of range for rank 2", tap_softmax(f->in.a, -3)) \
    BAD_VAR(cumsum_int, TAP_EDTYPE, "cumsum: [2,2]: int64 is not float32 or float64; tap_cast makes it so", \
      tap_cumsum(var_of(f, TAP_I64), 0)) \
    BAD_VAR(cumsum_axis, TAP_EARG, "cumsum: [2,2] (theta): axis 2 is out of range", tap_cumsum(f->in.a, 2)) \
    BAD_VAR(cumprod_axis, TAP_EARG, "cumprod: [2,2] (theta): axis 2 is out of range", tap_cumprod(f->in.a, 2)) \
    BAD_VAR(argsort_axis, TAP_EARG, "argsort: [2,2] (theta): axis 2 is out of range", tap_argsort(f->in.a, 2, TAP_ASCENDING)) \
    BAD_VAR(topk_many, TAP_EARG, "topk: [2,2] (theta): k must be 0 to 2, not 3", tap_topk(f->in.a, 3, 0, TAP_LARGEST, NULL)) \
    BAD_VAR(gather_dtype, TAP_EDTYPE, "gather: [2,2] x [2,2] (theta): the index is float64, not int64", \
      tap_gather(f->in.a, 0, f->in.b)) \
    BAD_VAR(gather_range, TAP_EARG, "gather: [2,2] x [2,2] (theta): index 4 is out of range for axis 1", \
      tap_gather(f->in.a, 1, indices(f, 4))) \
    BAD_VAR(gather_negative, TAP_EARG, "gather: [2,2] x [2,2] (theta): index -1 is out of range for axis -1", \
      tap_gather(f->in.a, -1, indices(f, -1))) \
    BAD_VAR(gather_axis, TAP_EARG, "gather: [2,2] x [2,2] (theta): axis 2 is out of range", \
      tap_gather(f->in.a, 2, indices(f, 0))) \
    BAD_VAR(gather_rank, TAP_ESHAPE, "gather: [2,2] x [3] (theta): the index must have as many axes as the tensor", \
      tap_gather(f->in.a, 0, tap_arange(f->t, 3))) \
    BAD_VAR(gather_longer, TAP_ESHAPE, \
      "gather: [2,2] x [3,1] (theta): only along axis 1 may the index be larger than the tensor", \
      tap_gather(f->in.a, 1, tap_unsqueeze(tap_arange(f->t, 3), 1))) \
    BAD_VAR(gather_larger, TAP_ESHAPE, \
      "gather: [2,2] x [1,3] (theta): only along axis 0 may the index be larger than the tensor", \
      tap_gather(f->in.a, 0, tap_unsqueeze(tap_arange(f->t, 3), 0))) \
    BAD_VAR(scatter_shapes, TAP_ESHAPE, "scatter: [2,2] x [2,2] x [2] (theta): index and source differ in shape", \
      tap_scatter(f->in.a, 0, indices(f, 0), f->in.v)) \
    BAD_FUNCTION(scatter_foreign_nothing, TAP_ESTALE, "scatter: input 1 is on another tape") \
    BAD_VAR(scatter_dtypes, TAP_EDTYPE, "scatter: [2,2] x [2,2] x [2,2] (theta): dtypes float64 and bool differ", \
      tap_scatter(f->in.a, 0, indices(f, 0), f->in.condition)) \
    BAD_VAR(scatter_add_int, TAP_EDTYPE, NULL, tap_scatter_add(indices(f, 0), 0, indices(f, 0), indices(f, 0))) \
    BAD_VAR(index_select_rank, TAP_ESHAPE, "index_select: [2,2] x [2,2] (theta): the index must have one axis, not 2", \
      tap_index_select(f->in.a, 0, indices(f, 0))) \
    BAD_VAR(take_along_dim_rank, TAP_ESHAPE, \
      "take_along_dim: [2,2] x [2] (theta): the index must have as many axes as the tensor", \
      tap_take_along_dim(f->in.a, tap_arange(f->t, 2), 0)) \
    BAD_VAR(masked_fill_dtype, TAP_EDTYPE, "masked_fill: [2,2] x [2,2] (theta): the mask must be bool, not float64", \
      tap_masked_fill(f->in.a, f->in.b, 0)) \
    BAD_VAR(sum_int, TAP_EDTYPE, "sum: [2,2]: int64 is not float32 or float64; tap_cast makes it so", \
      tap_sum(var_of(f, TAP_I64), TAP_ALL)) \
    BAD_VAR(sum_axis, TAP_EARG, "sum: [2,2] (theta): axis 2 is out of range for rank 2", tap_sum(f->in.a, TAP_AXES(0, 2))) \
    BAD_VAR(sum_twice, TAP_EARG, "sum: [2,2] (theta): axis -1 is named twice", tap_sum(f->in.a, TAP_AXES(1, -1))) \
    BAD_VAR(sum_axes, TAP_EARG, "sum: [2,2] (theta): the number of axes must be 0 to 8, not 9", \
      tap_sum(f->in.a, ((tap_axes){ .n = 9 }))) \
    BAD_VAR(sum_axes_min, TAP_EARG, "sum: [2,2] (theta): the number of axes must be 0 to 8, not -2147483648", \
      tap_sum(f->in.a, ((tap_axes){ .n = INT_MIN }))) \
    BAD_VAR(mean_bool, TAP_EDTYPE, "mean: [2,2]: bool is not float32 or float64; tap_cast makes it so", \
      tap_mean(f->in.condition, TAP_ALL)) \
    BAD_VAR(mean_axis, TAP_EARG, "mean: [2,2] (theta): axis -2147483648 is out of range for rank 2", \
      tap_mean(f->in.a, TAP_AXES(INT_MIN))) \
    BAD_VAR(amax_axis, TAP_EARG, "amax: [2,2] (theta): axis -3 is out of range for rank 2", tap_amax(f->in.a, TAP_AXES(-3))) \
    BAD_VAR(amax_empty, TAP_ESHAPE, "amax: [2,0]: an axis of size 0 has no maximum", \
      tap_amax(tap_slice(f->in.a, 1, 0, 0, 1), TAP_LAST)) \
    BAD_VAR(logsumexp_int, TAP_EDTYPE, "logsumexp: [2,2]: int64 is not float32 or float64; tap_cast makes it so", \
      tap_logsumexp(var_of(f, TAP_I64), TAP_LAST)) \
    BAD_VAR(logsumexp_empty_int, TAP_EDTYPE, "logsumexp: [0,2]: int64 is not float32 or float64; tap_cast makes it so", \
      tap_logsumexp(tap_slice(var_of(f, TAP_I64), 0, 0, 0, 1), TAP_LAST)) \
    BAD_VAR(logsumexp_axis, TAP_EARG, "logsumexp: [2,2] (theta): axis 2147483647 is out of range for rank 2", \
      tap_logsumexp(f->in.a, TAP_AXES(INT_MAX))) \
    BAD_VAR(sum_to_shape, TAP_ESHAPE, "sum_to: [2,2] (theta): [3,1] does not broadcast to [2,2]", \
      tap_sum_to(f->in.a, TAP_SHAPE(3, 1))) \
    BAD_VAR(sum_to_more, TAP_ESHAPE, "sum_to: [2,2] (theta): [1,2,2] does not broadcast to [2,2]", \
      tap_sum_to(f->in.a, TAP_SHAPE(1, 2, 2))) \
    BAD_VAR(sum_to_negative, TAP_ESHAPE, "sum_to: [2,2] (theta): [-3] does not broadcast to [2,2]", \
      tap_sum_to(f->in.a, negative)) \
    BAD_VAR(sum_to_rank, TAP_ESHAPE, "sum_to: [2,2] (theta): [0,0,0,0,0,0,0,0] does not broadcast to [2,2]", \
      tap_sum_to(f->in.a, rank_9)) \
    BAD_VAR(sum_to_rank_min, TAP_ESHAPE, "sum_to: [2,2] (theta): [] does not broadcast to [2,2]", \
      tap_sum_to(f->in.a, rank_min)) \
    BAD_VAR(sum_to_int, TAP_EDTYPE, "sum_to: [2,2]: int64 is not float32 or float64; tap_cast makes it so", \
      tap_sum_to(var_of(f, TAP_I64), TAP_SHAPE(1)))
/* clang-format on */

#endif
