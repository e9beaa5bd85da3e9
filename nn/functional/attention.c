/* nn/functional/attention.c: scaled dot-product attention, composed of masks, softmax and matrix products. */
#include <math.h>

#include "autograd/composed.h"
#include "nn/internal.h"

/* bool [queries,keys]: query i attends to keys 0..i. */
static tap_var causal_mask(tap_tape *t, int64_t queries, int64_t keys)
{
    return tap_ge(tap_unsqueeze(tap_arange(t, queries), 1), tap_arange(t, keys));
}

/* softmax over the keys. A fully masked row, whose softmax would be 0 / 0, has weight 0 everywhere, as in PyTorch. */
static tap_var attention_weights(tap_var scores)
{
    if (tap_numel(tap_shape_of(scores)) == 0) return scores;
    tap_var fully_masked = tap_eq(tap_amax(scores, tap_keepdim(TAP_LAST)), tap_scalar_like(scores, -(double)INFINITY));
    return tap_masked_fill(tap_softmax(tap_masked_fill(scores, fully_masked, 0), -1), fully_masked, 0);
}

/* scale q k^T. A scale of at most 1 is applied before the products, so that they do not overflow, and a larger one after
 * them. */
static tap_var scaled_products(tap_var query, tap_var key, double scale)
{
    if (fabs(scale) <= 1) return tap_matmul(tap_mul_scalar(query, scale), tap_mT(key));
    return tap_mul_scalar(tap_matmul(query, tap_mT(key)), scale);
}

/* Scores of masked keys are -infinity. */
static tap_var masked(tap_var scores, tap_var mask)
{
    const tap_var masked_score = tap_scalar_like(scores, -(double)INFINITY);
    if (tap_value(mask).dtype == TAP_BOOL) return tap_where(mask, scores, masked_score);
    return tap_where(tap_eq(mask, masked_score), masked_score, tap_add(scores, mask));
}

tap_var tap__attention(tap_var query, tap_var key, tap_var value, tap_var mask, double dropout_p, bool is_causal, double scale,
                       tap_var *weights)
{
    const tap_shape q = tap_shape_of(query), k = tap_shape_of(key);
    if (q.rank < 2 || k.rank < 2) return tap_fail(query, TAP_ESHAPE, "query and key need [..,length,width]");
    if (scale == 0) scale = 1 / sqrt((double)q.n[q.rank - 1]);
    tap_var scores = scaled_products(query, key, scale);
    if (is_causal) scores = masked(scores, causal_mask(query.tape, q.n[q.rank - 2], k.n[k.rank - 2]));
    if (mask.tape) scores = masked(scores, mask);
    const tap_var w = tap_dropout(attention_weights(scores), dropout_p, true);
    if (weights) *weights = w;
    return tap_matmul(w, value);
}

tap_var tap_scaled_dot_product_attention(tap_var query, tap_var key, tap_var value, tap_var mask, double dropout_p,
                                         bool is_causal, double scale)
{
    TAP_CALL("scaled_dot_product_attention", query, key, value, mask);
    if (!tap__same_tape("scaled_dot_product_attention", 3, (tap_var[]){ query, key, value })) return tap__inert(query.tape);
    return tap__attention(query, key, value, mask, dropout_p, is_causal, scale, NULL);
}
