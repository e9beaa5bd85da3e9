/* tests/bad_arguments/functional.h: bad calls of the functions and losses of nn.h, for test_nn.c. */
#ifndef TAP_TESTS_BAD_ARGUMENTS_FUNCTIONAL_H
#define TAP_TESTS_BAD_ARGUMENTS_FUNCTIONAL_H

#define ABSENT ((tap_var){ 0 })
#define X_VAR  f->in.x /* [2,4] */

/* int64 classes 0 of this shape, on the tape of v. */
static inline tap_var classes_like(tap_var v, tap_shape shape)
{
    return v.tape ? tap_cast(tap_zeros(v.tape, shape), TAP_I64) : v;
}

static void bad_batch_norm_mean(fixture *f)
{
    const tap_tensor stat = data_of(f);
    f->out = tap_batch_norm(X_VAR, &stat, &stat, ABSENT, ABSENT, true, 0, 0);
}

static void bad_batch_norm_column(fixture *f)
{
    double           numbers[4] = { 0 };
    const tap_tensor stat = tap_tensor_wrap(TAP_F64, TAP_SHAPE(4), numbers),
                     column = tap_tensor_wrap(TAP_F64, TAP_SHAPE(4, 1), numbers);
    f->out = tap_batch_norm(X_VAR, &stat, &column, ABSENT, ABSENT, true, 0, 0);
}

static void bad_attention_rank(fixture *f)
{
    tap_var v = tap_zeros(f->t, TAP_SHAPE(3));
    f->out = tap_scaled_dot_product_attention(v, v, v, ABSENT, 0, false, 0);
}

static void bad_cross_entropy_range(fixture *f)
{
    tap_var target = tap_reshape(tap_arange(f->t, 6), TAP_SHAPE(2, 1, 3));
    tap_var safe =
        tap_where(tap_eq(target, tap_cast(tap_scalar(f->t, 4), TAP_I64)), tap_cast(tap_scalar(f->t, 0), TAP_I64), target);
    f->out = tap_cross_entropy(tap_zeros(f->t, TAP_SHAPE(2, 4, 1, 3)), safe, ABSENT, TAP_NO_INDEX, TAP_REDUCE_MEAN, 0);
}

static void bad_embedding_turned(fixture *f)
{
    tap_var index = tap_transpose(tap_reshape(tap_arange(f->t, 6), TAP_SHAPE(2, 3)), 0, 1);
    f->out = tap_embedding(index, tap_zeros(f->t, TAP_SHAPE(4, 4)), TAP_NO_INDEX);
}

/* clang-format off */
#define FUNCTIONAL_BAD_CALLS \
    BAD_VAR(prelu_channels, TAP_ESHAPE, "prelu: [2,4] x [3]: the weight must have the size of axis 1", \
      tap_prelu(X_VAR, tap_zeros(f->t, TAP_SHAPE(3)))) \
    BAD_VAR(prelu_rank, TAP_ESHAPE, "prelu: [2,4] x [2,4]: the weight must be [], [1] or [channels]", tap_prelu(X_VAR, X_VAR)) \
    BAD_VAR(glu_axis, TAP_EARG, "glu: [2,4]: axis 2 is out of range", tap_glu(X_VAR, 2)) \
    BAD_VAR(glu_odd, TAP_ESHAPE, "glu: [3]: axis 0 must have an even size above 0", tap_glu(tap_zeros(f->t, TAP_SHAPE(3)), 0)) \
    BAD_VAR(dropout_p, TAP_EARG, "dropout: [2,4]: p must be within 0..1, not nan", tap_dropout(X_VAR, (double)NAN, false)) \
    BAD_VAR(embedding_weight, TAP_ESHAPE, "embedding: [3] x [3]: the weight must be [rows,width], not [3]", \
      tap_embedding(classes_like(X_VAR, TAP_SHAPE(3)), tap_zeros(f->t, TAP_SHAPE(3)), 0)) \
    BAD_VAR(embedding_range, TAP_EARG, "embedding: [3] x [2,4]: index at [2] must be a row of 0..1, not 2", \
      tap_embedding(tap_arange(f->t, 3), X_VAR, TAP_NO_INDEX)) \
    BAD_VAR(one_hot_dtype, TAP_EDTYPE, "one_hot: [2,4]: the index must be int64, not float64", tap_one_hot(X_VAR, 3)) \
    BAD_VAR(one_hot_classes, TAP_EARG, "one_hot: [3]: index at [2] must be a class of 0..1, not 2", \
      tap_one_hot(tap_arange(f->t, 3), 2)) \
    BAD_VAR(one_hot_negative, TAP_EARG, "one_hot: []: index must be at least 0, not -1", \
      tap_one_hot(tap_cast(tap_scalar(f->t, -1), TAP_I64), TAP_NONE)) \
    BAD_VAR(one_hot_none, TAP_EARG, "one_hot: [0]: there must be at least 1 class, not 0", \
      tap_one_hot(tap_arange(f->t, 0), TAP_NONE)) \
    BAD_VAR(cosine_shapes, TAP_ESHAPE, "cosine_similarity: [2,4] x [3]: the shapes do not broadcast", \
      tap_cosine_similarity(X_VAR, tap_zeros(f->t, TAP_SHAPE(3)), 0, 0)) \
    BAD_VAR(layer_norm_shape, TAP_ESHAPE, "layer_norm: [2,4]: normalized_shape must be the sizes of the last axes, not [2]", \
      tap_layer_norm(X_VAR, TAP_SHAPE(2), ABSENT, ABSENT, 0)) \
    BAD_VAR(layer_norm_rank, TAP_ESHAPE, NULL, tap_layer_norm(X_VAR, rank_min, ABSENT, ABSENT, 0)) \
    BAD_VAR(layer_norm_none, TAP_ESHAPE, "layer_norm: [2,4]: normalized_shape must be the sizes of the last axes, not []", \
      tap_layer_norm(X_VAR, TAP_SCALAR, ABSENT, ABSENT, 0)) \
    BAD_VAR(layer_norm_foreign, TAP_ESTALE, "layer_norm: input 1 is on another tape", \
      tap_layer_norm(X_VAR, TAP_SHAPE(4), tap_ones(f->other, TAP_SHAPE(4)), ABSENT, 0)) \
    BAD_VAR(layer_norm_weight, TAP_ESHAPE, "layer_norm: [2,4] x [2,4]: the weight must be [4], not [2,4]", \
      tap_layer_norm(X_VAR, TAP_SHAPE(4), X_VAR, ABSENT, 0)) \
    BAD_VAR(layer_norm_bias, TAP_ESHAPE, "layer_norm: [2,4] x [2,4]: the bias must be [4], not [2,4]", \
      tap_layer_norm(X_VAR, TAP_SHAPE(4), ABSENT, X_VAR, 0)) \
    BAD_VAR(layer_norm_foreign_bias, TAP_ESTALE, "layer_norm: input 2 is on another tape", \
      tap_layer_norm(X_VAR, TAP_SHAPE(4), ABSENT, tap_ones(f->other, TAP_SHAPE(4)), 0)) \
    BAD_VAR(rms_norm_weight, TAP_ESHAPE, "rms_norm: [2,4] x [2,4]: the weight must be [4], not [2,4]", \
      tap_rms_norm(X_VAR, TAP_SHAPE(4), X_VAR, 0)) \
    BAD_VAR(group_norm_groups, TAP_ESHAPE, "group_norm: [2,4]: channels, axis 1, must be divisible by groups = 3", \
      tap_group_norm(X_VAR, 3, ABSENT, ABSENT, 0)) \
    BAD_VAR(group_norm_weight, TAP_ESHAPE, "group_norm: [2,4] x [2,4]: the weight must be [4], not [2,4]", \
      tap_group_norm(X_VAR, 2, X_VAR, ABSENT, 0)) \
    BAD_VAR(batch_norm_rank, TAP_ESHAPE, "batch_norm: [3]: needs [batch,channels,..]", \
      tap_batch_norm(tap_zeros(f->t, TAP_SHAPE(3)), NULL, NULL, ABSENT, ABSENT, true, 0, 0)) \
    BAD_VAR(batch_norm_none, TAP_EARG, "batch_norm: [2,4]: needs running statistics unless it is training", \
      tap_batch_norm(X_VAR, NULL, NULL, ABSENT, ABSENT, false, 0, 0)) \
    BAD_VAR(batch_norm_one, TAP_ESHAPE, "batch_norm: [1,4]: training needs more than one value per channel", \
      tap_batch_norm(tap_slice(X_VAR, 0, 0, 1, 1), NULL, NULL, ABSENT, ABSENT, true, 0, 0)) \
    BAD_FUNCTION(batch_norm_mean, TAP_ESHAPE, "batch_norm: [2,4]: the running mean must be [channels], of floats, not [2,4]") \
    BAD_FUNCTION(batch_norm_column, TAP_ESHAPE, \
      "batch_norm: [2,4]: the running variance must be [channels], of floats, not [4,1]") \
    BAD_FUNCTION(attention_rank, TAP_ESHAPE, \
      "scaled_dot_product_attention: [3] x [3] x [3]: query and key need [..,length,width]") \
    BAD_VAR(attention_mask, TAP_ESHAPE, NULL, \
      tap_scaled_dot_product_attention(X_VAR, X_VAR, X_VAR, tap_zeros(f->t, TAP_SHAPE(3)), 0, false, 0)) \
    BAD_VAR(loss_reduction, TAP_EARG, "mse_loss: [2,4] x [2,4]: the reduction must be a tap_reduction, not 99", \
      tap_mse_loss(X_VAR, X_VAR, (tap_reduction)99)) \
    BAD_VAR(huber_delta, TAP_EARG, "huber_loss: [2,4] x [2,4]: delta must be above 0, not nan", \
      tap_huber_loss(X_VAR, X_VAR, TAP_REDUCE_MEAN, (double)NAN)) \
    BAD_VAR(smooth_l1_beta, TAP_EARG, "smooth_l1_loss: [2,4] x [2,4]: beta must be at least 0, not -1", \
      tap_smooth_l1_loss(X_VAR, X_VAR, TAP_REDUCE_MEAN, -1)) \
    BAD_VAR(nll_dtype, TAP_EDTYPE, "nll_loss: [2,4] x [2,4]: the target must be int64, not float64", \
      tap_nll_loss(X_VAR, X_VAR, ABSENT, 0, TAP_REDUCE_MEAN)) \
    BAD_VAR(nll_shape, TAP_ESHAPE, "nll_loss: [2,4] x [3]: the target must be the input's shape without its class axis", \
      tap_nll_loss(X_VAR, tap_arange(f->t, 3), ABSENT, TAP_NO_INDEX, TAP_REDUCE_MEAN)) \
    BAD_VAR(nll_range, TAP_EARG, "nll_loss: [2,1] x [2]: target at [1] must be a class of 0..0, not 1", \
      tap_nll_loss(tap_slice(X_VAR, 1, 0, 1, 1), tap_arange(f->t, 2), ABSENT, TAP_NO_INDEX, TAP_REDUCE_MEAN)) \
    BAD_VAR(nll_weight, TAP_ESHAPE, "nll_loss: [2,4] x [2] x [3]: the weight must be [4], not [3]", \
      tap_nll_loss(X_VAR, tap_arange(f->t, 2), tap_zeros(f->t, TAP_SHAPE(3)), TAP_NO_INDEX, TAP_REDUCE_MEAN)) \
    BAD_VAR(nll_negative, TAP_EARG, "nll_loss: [2,4] x [2]: target at [0] must be a class of 0..3, not -1", \
      tap_nll_loss(X_VAR, tap_cast(tap_full(f->t, TAP_SHAPE(2), -1), TAP_I64), ABSENT, 0, TAP_REDUCE_MEAN)) \
    BAD_FUNCTION(cross_entropy_range, TAP_EARG, \
      "cross_entropy: [2,4,1,3] x [2,1,3]: target at [1,0,2] must be a class of 0..3, not 5") \
    BAD_FUNCTION(embedding_turned, TAP_EARG, "embedding: [3,2] x [4,4]: index at [1,1] must be a row of 0..3, not 4") \
    BAD_VAR(embedding_dtype, TAP_EDTYPE, "embedding: [2,4] x [2,4]: the index must be int64, not float64", \
      tap_embedding(X_VAR, X_VAR, TAP_NO_INDEX)) \
    BAD_VAR(cross_entropy_smoothing, TAP_EARG, "cross_entropy: [2,4] x [2,4]: label_smoothing must be within 0..1, not nan", \
      tap_cross_entropy(X_VAR, X_VAR, ABSENT, 0, TAP_REDUCE_MEAN, (double)NAN)) \
    BAD_VAR(cross_entropy_whole, TAP_ESHAPE, \
      "cross_entropy: [2,4] x [2,4]: the target must be the input's shape without its class axis", \
      tap_cross_entropy(X_VAR, tap_cast(X_VAR, TAP_I64), ABSENT, 0, TAP_REDUCE_MEAN, 0)) \
    BAD_VAR(cross_entropy_dtype, TAP_EDTYPE, "cross_entropy: [2,4] x [2]: the target must be int64, not float64", \
      tap_cross_entropy(X_VAR, tap_zeros(f->t, TAP_SHAPE(2)), ABSENT, 0, TAP_REDUCE_MEAN, 0)) \
    BAD_VAR(cross_entropy_shape, TAP_ESHAPE, \
      "cross_entropy: [2,4] x [3]: the target must be the input's shape without its class axis", \
      tap_cross_entropy(X_VAR, tap_arange(f->t, 3), ABSENT, 0, TAP_REDUCE_MEAN, 0))
/* clang-format on */

#endif
