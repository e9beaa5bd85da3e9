/* Wrong arguments, for test_abuse_autograd.c, of operators that sum, order and choose elements. */
#ifndef TAP_TESTS_BAD_ARGUMENTS_REDUCTIONS_H
#define TAP_TESTS_BAD_ARGUMENTS_REDUCTIONS_H

/* clang-format off */
#define REDUCTION_WRONGS \
    X(amin_bool, TAP_EDTYPE, NULL, w->out = tap_amin(w->in.condition, TAP_ALL)) \
    X(prod_int, TAP_EDTYPE, "prod: [2,2]: int64 is not float32 or float64; tap_cast makes it so", \
      w->out = tap_prod(var_of(w, TAP_I64), TAP_ALL)) \
    X(prod_axis, TAP_EARG, "prod: [2,2] (theta): axis 2 is out of range for rank 2", w->out = tap_prod(w->in.a, TAP_AXES(2))) \
    X(argmax_axes, TAP_EARG, "argmax: [2,2] (theta): takes one axis, or all", w->out = tap_argmax(w->in.a, TAP_AXES(0, 1))) \
    X(argmax_empty, TAP_ESHAPE, "argmax: [0]: an axis of size 0 has no largest or smallest element", \
      w->out = tap_argmax(tap_zeros(w->t, TAP_SHAPE(0)), TAP_ALL)) \
    X(softmax_axis, TAP_EARG, "softmax: [2,2] (theta): axis -3 is out of range for rank 2", w->out = tap_softmax(w->in.a, -3)) \
    X(cumsum_int, TAP_EDTYPE, "cumsum: [2,2]: int64 is not float32 or float64; tap_cast makes it so", \
      w->out = tap_cumsum(var_of(w, TAP_I64), 0)) \
    X(cumsum_axis, TAP_EARG, "cumsum: [2,2] (theta): axis 2 is out of range", w->out = tap_cumsum(w->in.a, 2)) \
    X(cumprod_axis, TAP_EARG, "cumprod: [2,2] (theta): axis 2 is out of range", w->out = tap_cumprod(w->in.a, 2)) \
    X(argsort_axis, TAP_EARG, "argsort: [2,2] (theta): axis 2 is out of range", w->out = tap_argsort(w->in.a, 2, TAP_ASCENDING)) \
    X(topk_many, TAP_EARG, "topk: [2,2] (theta): k must be 0 to 2, not 3", \
      w->out = tap_topk(w->in.a, 3, 0, TAP_LARGEST, NULL)) \
    X(gather_dtype, TAP_EDTYPE, "gather: [2,2] x [2,2] (theta): the index is float64, not int64", \
      w->out = tap_gather(w->in.a, 0, w->in.b)) \
    X(gather_range, TAP_EARG, "gather: [2,2] x [2,2] (theta): index 4 is out of range for axis 1", \
      w->out = tap_gather(w->in.a, 1, places(w, 4))) \
    X(gather_negative, TAP_EARG, "gather: [2,2] x [2,2] (theta): index -1 is out of range for axis -1", \
      w->out = tap_gather(w->in.a, -1, places(w, -1))) \
    X(gather_axis, TAP_EARG, "gather: [2,2] x [2,2] (theta): axis 2 is out of range", \
      w->out = tap_gather(w->in.a, 2, places(w, 0))) \
    X(gather_rank, TAP_ESHAPE, "gather: [2,2] x [3] (theta): the index must have as many axes as the tensor", \
      w->out = tap_gather(w->in.a, 0, tap_arange(w->t, 3))) \
    X(gather_longer, TAP_ESHAPE, "gather: [2,2] x [3,1] (theta): only along axis 1 may the index be larger than the tensor", \
      w->out = tap_gather(w->in.a, 1, tap_unsqueeze(tap_arange(w->t, 3), 1))) \
    X(gather_larger, TAP_ESHAPE, "gather: [2,2] x [1,3] (theta): only along axis 0 may the index be larger than the tensor", \
      w->out = tap_gather(w->in.a, 0, tap_unsqueeze(tap_arange(w->t, 3), 0))) \
    X(scatter_shapes, TAP_ESHAPE, "scatter: [2,2] x [2,2] x [2] (theta): index and source differ in shape", \
      w->out = tap_scatter(w->in.a, 0, places(w, 0), w->in.v)) \
    X(scatter_foreign_nothing, TAP_ESTALE, "scatter: input 1 is on another tape", \
      tap_var none = tap_cast(tap_zeros(w->other, TAP_SHAPE(0, 2)), TAP_I64); w->out = tap_scatter(w->in.a, 0, none, w->in.b)) \
    X(scatter_dtypes, TAP_EDTYPE, "scatter: [2,2] x [2,2] x [2,2] (theta): dtypes float64 and bool differ", \
      w->out = tap_scatter(w->in.a, 0, places(w, 0), w->in.condition)) \
    X(scatter_add_int, TAP_EDTYPE, NULL, \
      w->out = tap_scatter_add(places(w, 0), 0, places(w, 0), places(w, 0))) \
    X(index_select_rank, TAP_ESHAPE, "index_select: [2,2] x [2,2] (theta): the index must have one axis, not 2", \
      w->out = tap_index_select(w->in.a, 0, places(w, 0))) \
    X(take_along_dim_rank, TAP_ESHAPE, "take_along_dim: [2,2] x [2] (theta): the index must have as many axes as the tensor", \
      w->out = tap_take_along_dim(w->in.a, tap_arange(w->t, 2), 0)) \
    X(masked_fill_dtype, TAP_EDTYPE, "masked_fill: [2,2] x [2,2] (theta): the mask must be bool, not float64", \
      w->out = tap_masked_fill(w->in.a, w->in.b, 0)) \
    X(sum_int, TAP_EDTYPE, "sum: [2,2]: int64 is not float32 or float64; tap_cast makes it so", \
      w->out = tap_sum(var_of(w, TAP_I64), TAP_ALL)) \
    X(sum_axis, TAP_EARG, "sum: [2,2] (theta): axis 2 is out of range for rank 2", w->out = tap_sum(w->in.a, TAP_AXES(0, 2))) \
    X(sum_twice, TAP_EARG, "sum: [2,2] (theta): axis -1 is named twice", w->out = tap_sum(w->in.a, TAP_AXES(1, -1))) \
    X(sum_axes, TAP_EARG, "sum: [2,2] (theta): the number of axes must be 0 to 8, not 9", \
      w->out = tap_sum(w->in.a, ((tap_axes){ .n = 9 }))) \
    X(sum_axes_min, TAP_EARG, "sum: [2,2] (theta): the number of axes must be 0 to 8, not -2147483648", \
      w->out = tap_sum(w->in.a, ((tap_axes){ .n = INT_MIN }))) \
    X(mean_bool, TAP_EDTYPE, "mean: [2,2]: bool is not float32 or float64; tap_cast makes it so", \
      w->out = tap_mean(w->in.condition, TAP_ALL)) \
    X(mean_axis, TAP_EARG, "mean: [2,2] (theta): axis -2147483648 is out of range for rank 2", \
      w->out = tap_mean(w->in.a, TAP_AXES(INT_MIN))) \
    X(amax_axis, TAP_EARG, "amax: [2,2] (theta): axis -3 is out of range for rank 2", \
      w->out = tap_amax(w->in.a, TAP_AXES(-3))) \
    X(amax_empty, TAP_ESHAPE, "amax: [2,0]: an axis of size 0 has no maximum", \
      w->out = tap_amax(tap_slice(w->in.a, 1, 0, 0, 1), TAP_LAST)) \
    X(logsumexp_int, TAP_EDTYPE, "logsumexp: [2,2]: int64 is not float32 or float64; tap_cast makes it so", \
      w->out = tap_logsumexp(var_of(w, TAP_I64), TAP_LAST)) \
    X(logsumexp_empty_int, TAP_EDTYPE, "logsumexp: [0,2]: int64 is not float32 or float64; tap_cast makes it so", \
      w->out = tap_logsumexp(tap_slice(var_of(w, TAP_I64), 0, 0, 0, 1), TAP_LAST)) \
    X(logsumexp_axis, TAP_EARG, "logsumexp: [2,2] (theta): axis 2147483647 is out of range for rank 2", \
      w->out = tap_logsumexp(w->in.a, TAP_AXES(INT_MAX))) \
    X(sum_to_shape, TAP_ESHAPE, "sum_to: [2,2] (theta): [3,1] does not broadcast to [2,2]", w->out = tap_sum_to(w->in.a, TAP_SHAPE(3, 1))) \
    X(sum_to_more, TAP_ESHAPE, "sum_to: [2,2] (theta): [1,2,2] does not broadcast to [2,2]", \
      w->out = tap_sum_to(w->in.a, TAP_SHAPE(1, 2, 2))) \
    X(sum_to_negative, TAP_ESHAPE, "sum_to: [2,2] (theta): [-3] does not broadcast to [2,2]", w->out = tap_sum_to(w->in.a, negative)) \
    X(sum_to_rank, TAP_ESHAPE, "sum_to: [2,2] (theta): [0,0,0,0,0,0,0,0] does not broadcast to [2,2]", w->out = tap_sum_to(w->in.a, rank_9)) \
    X(sum_to_rank_min, TAP_ESHAPE, "sum_to: [2,2] (theta): [] does not broadcast to [2,2]", w->out = tap_sum_to(w->in.a, rank_min)) \
    X(sum_to_int, TAP_EDTYPE, "sum_to: [2,2]: int64 is not float32 or float64; tap_cast makes it so", \
      w->out = tap_sum_to(var_of(w, TAP_I64), TAP_SHAPE(1)))
/* clang-format on */

#endif
