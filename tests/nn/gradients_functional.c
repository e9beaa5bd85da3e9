/* tests/nn/gradients_functional.c: gradient tests of the functions and losses of nn.h. */
#include "nn/nn.h"
#include "tests/autograd/gradients.h"

#define ABSENT ((tap_var){ 0 })

/* Classes 0, 1, ..., n-1, 0, ... */
static tap_var classes(tap_tape *t, tap_shape shape, int64_t n)
{
    tap_var    v = tap_reshape(tap_arange(t, tap_numel(shape)), shape);
    tap_tensor x = tap_value(v);
    for (int64_t i = 0; i < tap_tensor_numel(x); i++) tap_tensor_set_item(x, i, (double)(i % n));
    return v;
}

/* The shape of targets for x [batch,classes,..] or [classes]. */
static tap_shape targets(tap_var x)
{
    tap_shape s = tap_shape_of(x), kept = { .rank = 0 };
    for (int i = 0; i < s.rank; i++) {
        if (i != (s.rank > 1)) kept.n[kept.rank++] = s.n[i];
    }
    return kept;
}

TWO(f_prelu, tap_prelu(a, b))
ONE(f_glu, tap_glu(a, -1))
ONE(f_glu_first, tap_glu(tap_cat(2, ((const tap_var[]){ a, tap_sin(a) }), 1), 1))
ONE(f_smooth_clip, tap_smooth_clip(a, -1.5, 0.5))
ONE(f_softmin, tap_softmin(a, 1))
ONE(f_dropout, tap_dropout(a, 0.4, true))
ONE(f_embedding, tap_embedding(classes(t, TAP_SHAPE(2, 5), 3), a, TAP_NO_INDEX))
ONE(f_normalize, tap_normalize(a, 2, -1, 1e-12))
ONE(f_normalize_3, tap_normalize(a, 3, 1, 1e-12))
ONE(f_normalize_eps, tap_normalize(a, 2, 1, 50))
TWO(f_cosine_similarity, tap_cosine_similarity(a, b, 1, 1e-8))
THREE(f_layer_norm, tap_layer_norm(a, TAP_SHAPE(3, 4), b, c, 0.1))
ONE(f_layer_norm_bare, tap_layer_norm(a, TAP_SHAPE(4), ABSENT, ABSENT, 1e-5))
TWO(f_rms_norm, tap_rms_norm(a, TAP_SHAPE(4), b, 0.1))
THREE(f_group_norm, tap_group_norm(a, 2, b, c, 0.1))
THREE(f_batch_norm, tap_batch_norm(a, NULL, NULL, b, c, true, 0.1, 0.1))

static tap_var f_batch_norm_running(tap_tape *t, const tap_var *in, void *ctx)
{
    double           mean[3] = { 0.1, -0.2, 0.3 }, var[3] = { 1, 0.5, 2 };
    const tap_tensor m = tap_tensor_wrap(TAP_F64, TAP_SHAPE(3), mean), v = tap_tensor_wrap(TAP_F64, TAP_SHAPE(3), var);
    (void)t, (void)ctx;
    return tap_batch_norm(in[0], &m, &v, in[1], in[2], false, 0.1, 0.1);
}

THREE(f_instance_norm, tap_instance_norm(a, NULL, NULL, b, c, true, 0.1, 0.1))

static tap_var f_instance_norm_running(tap_tape *t, const tap_var *in, void *ctx)
{
    double           mean[3] = { 0.1, -0.2, 0.3 }, var[3] = { 1, 0.5, 2 };
    const tap_tensor m = tap_tensor_wrap(TAP_F64, TAP_SHAPE(3), mean), v = tap_tensor_wrap(TAP_F64, TAP_SHAPE(3), var);
    (void)t, (void)ctx;
    return tap_instance_norm(in[0], &m, &v, in[1], in[2], false, 0.1, 0.1);
}

static tap_var f_bilinear(tap_tape *t, const tap_var *in, void *ctx)
{
    (void)t, (void)ctx;
    return tap_bilinear(in[0], in[1], in[2], in[3]);
}

THREE(f_attention, tap_scaled_dot_product_attention(a, b, c, ABSENT, 0, false, 0))
THREE(f_attention_causal, tap_scaled_dot_product_attention(a, b, c, ABSENT, 0, true, 0.7))
THREE(f_attention_mask,
      tap_scaled_dot_product_attention(a, b, c, tap_ge(tap_arange(t, 5), tap_cast(tap_full(t, TAP_SHAPE(1), 2), TAP_I64)), 0,
                                       false, 0))
THREE(f_attention_dropout,
      tap_scaled_dot_product_attention(a, b, c, tap_cast(tap_randn(t, TAP_SHAPE(3, 5)), tap_value(a).dtype), 0.3, false, 0))

TWO(f_mse, tap_mse_loss(a, b, TAP_REDUCE_MEAN))
TWO(f_mse_batch, tap_mse_loss(a, b, TAP_REDUCE_BATCHMEAN))
TWO(f_l1, tap_l1_loss(a, b, TAP_REDUCE_SUM))
TWO(f_smooth_l1, tap_smooth_l1_loss(a, b, TAP_REDUCE_NONE, 0.9))
TWO(f_smooth_l1_0, tap_smooth_l1_loss(a, b, TAP_REDUCE_NONE, 0))
TWO(f_huber, tap_huber_loss(a, b, TAP_REDUCE_NONE, 1.1))
TWO(f_kl_div, tap_kl_div(a, b, TAP_REDUCE_NONE, false))
TWO(f_kl_div_log, tap_kl_div(a, b, TAP_REDUCE_BATCHMEAN, true))
THREE(f_bce, tap_binary_cross_entropy(a, b, c, TAP_REDUCE_MEAN))
TWO(f_bce_bare, tap_binary_cross_entropy(a, b, ABSENT, TAP_REDUCE_NONE))
THREE(f_bce_logits, tap_binary_cross_entropy_with_logits(a, b, c, TAP_REDUCE_SUM, ABSENT))
THREE(f_bce_logits_pos, tap_binary_cross_entropy_with_logits(a, b, ABSENT, TAP_REDUCE_MEAN, c))
TWO(f_nll, tap_nll_loss(a, classes(t, targets(a), 3), b, 1, TAP_REDUCE_MEAN))
ONE(f_nll_bare, tap_nll_loss(a, classes(t, targets(a), 3), ABSENT, TAP_NO_INDEX, TAP_REDUCE_NONE))
TWO(f_cross_entropy, tap_cross_entropy(a, classes(t, targets(a), 3), b, 2, TAP_REDUCE_MEAN, 0.2))
ONE(f_cross_entropy_bare, tap_cross_entropy(a, classes(t, targets(a), 3), ABSENT, TAP_NO_INDEX, TAP_REDUCE_SUM, 0))
THREE(f_cross_entropy_soft, tap_cross_entropy(a, b, c, TAP_NO_INDEX, TAP_REDUCE_NONE, 0.1))

TWO(f_byte_mean, tap_dist_mean(tap_discretized_logistic(a, b)))

#define R3(second, third) .n = 3, .shape = { S3, second, third }, .low = { -2, -1.9, -2 }, .high = { 2.3, 2.1, 2 }
#define ATTENTION         .n = 3, .shape = { S(2, 3, 4), S(2, 5, 4), S(2, 5, 2) }, .low = { -1, -1, -1 }, .high = { 1, 1, 1 }
#define APART             .n = 2, .shape = { S3, S3 }, .low = { -2, 2.5 }, .high = { 2, 4 } /* no two equal */
#define CHANCES           .low = { 0.1, 0.1, 0.2 }, .high = { 0.9, 0.8, 2 }

const gradient_row functional_gradients[] = {
    { "prelu", f_prelu, .n = 2, .shape = { S3, S(3) }, .low = { -2, -1 }, .high = { 2, 1 }, KINK(0) },
    { "prelu", f_prelu, .n = 2, .shape = { S3, { .rank = 0 } }, .low = { -2, -1 }, .high = { 2, 1 }, KINK(0) },
    { "glu", f_glu, R1 },
    { "glu", f_glu_first, R1 },
    { "smooth_clip", f_smooth_clip, R1 },
    { "softmin", f_softmin, R1 },
    { "dropout", f_dropout, R1 },
    { "embedding", f_embedding, .n = 1, .shape = { S(3, 4) }, .low = { -2 }, .high = { 2 } },
    { "normalize", f_normalize, R1 },
    { "normalize", f_normalize_3, R1, KINK(0) },
    { "normalize", f_normalize_eps, R1 },
    { "cosine_similarity", f_cosine_similarity, R2 },
    { "cosine_similarity", f_cosine_similarity, .n = 2, .shape = { S3, S(3, 1) }, .low = { -2, 0.5 }, .high = { 2, 2 } },
    { "layer_norm", f_layer_norm, R3(S(3, 4), S(3, 4)) },
    { "layer_norm", f_layer_norm_bare, R1 },
    { "rms_norm", f_rms_norm, .n = 2, .shape = { S3, S(4) }, .low = { -2, -1 }, .high = { 2, 1 } },
    { "group_norm", f_group_norm, .n = 3, .shape = { S(2, 4, 3), S(4), S(4) }, .low = { -2, -1, -1 }, .high = { 2, 1, 1 } },
    { "batch_norm", f_batch_norm, R3(S(3), S(3)) },
    { "batch_norm", f_batch_norm_running, R3(S(3), S(3)) },
    { "instance_norm", f_instance_norm, R3(S(3), S(3)), .fixed = true },
    { "instance_norm", f_instance_norm_running, R3(S(3), S(3)), .fixed = true },
    { "bilinear", f_bilinear, .n = 4, .shape = { S(2, 3), S(2, 4), S(2, 3, 4), S(2) }, .low = { -1, -1, -1, -1 },
      .high = { 1, 1.2, 1.1, 1.3 }, .fixed = true },
    { "scaled_dot_product_attention", f_attention, ATTENTION },
    { "scaled_dot_product_attention", f_attention_causal, ATTENTION },
    { "scaled_dot_product_attention", f_attention_mask, ATTENTION },
    { "scaled_dot_product_attention", f_attention_dropout, ATTENTION },
    { "mse_loss", f_mse, R2, .not_empty = true },
    { "mse_loss", f_mse_batch, R2, .not_empty = true },
    { "l1_loss", f_l1, APART },
    { "smooth_l1_loss", f_smooth_l1, R2, .ties = true },
    { "smooth_l1_loss", f_smooth_l1_0, APART },
    { "huber_loss", f_huber, R2 },
    { "kl_div", f_kl_div, .n = 2, .shape = { S3, S3 }, .low = { -2, 0.1 }, .high = { 0, 0.9 } },
    { "kl_div", f_kl_div_log, R2, .not_empty = true },
    { "binary_cross_entropy", f_bce, .n = 3, .shape = { S3, S3, S3 }, CHANCES, .not_empty = true },
    { "binary_cross_entropy", f_bce_bare, .n = 2, .shape = { S3, S3 }, CHANCES },
    { "binary_cross_entropy_with_logits", f_bce_logits, R3(S3, S3) },
    { "binary_cross_entropy_with_logits", f_bce_logits_pos, R3(S3, S(4)) },
    { "nll_loss", f_nll, .n = 2, .shape = { S3, S(3) }, .low = { -2, 0.5 }, .high = { 2, 2 } },
    { "nll_loss", f_nll_bare, R1 },
    { "nll_loss", f_nll_bare, .n = 1, .shape = { S(3) }, .low = { -2 }, .high = { 2 } },
    { "cross_entropy", f_cross_entropy, .n = 2, .shape = { S3, S(3) }, .low = { -2, 0.5 }, .high = { 2, 2 } },
    { "cross_entropy", f_cross_entropy_bare, R1 },
    { "cross_entropy", f_cross_entropy_soft, R3(S3, S(3)) },
    { "byte_mean", f_byte_mean, .n = 2, .shape = { S(2, 4), S(4) }, .low = { -1, -3 }, .high = { 1, 0 } },
    { 0 },
};
