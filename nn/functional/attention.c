/* Attention and dropout. */
#include <math.h>

#include "autograd/internal.h"
#include "nn/internal.h"

tap_var tap_dropout(tap_var x, double p, bool training)
{
    TAP_CALL("dropout", x);
    const tap_node *n = tap__node_of(x);
    if (!n) return tap__inert(x.tape);
    if (!(p >= 0 && p <= 1)) return tap__fail_input(n, TAP_EARG, "dropout", "p is %g, not within 0..1", p);
    if (!training || p == 0) return x;
    tap_var u = tap_rand(x.tape, n->value.shape), zero = tap_scalar_like(x, 0);
    return tap_where(tap_ge(u, tap_scalar_like(u, p)), tap_mul_scalar(x, p < 1 ? 1 / (1 - p) : 0), zero);
}

/* Query i sees keys 0..i. */
static tap_var causal_mask(tap_tape *t, int64_t queries, int64_t keys)
{
    return tap_ge(tap_unsqueeze(tap_arange(t, queries), 1), tap_arange(t, keys));
}

/* A query that sees no key takes part with weight 0 everywhere, as in PyTorch; its row is kept out of the softmax, where it
 * would be 0 / 0. */
static tap_var attention_weights(tap_var scores)
{
    if (tap_numel(tap_shape_of(scores)) == 0) return scores;
    tap_var blind = tap_eq(tap_amax(scores, tap_keepdim(TAP_LAST)), tap_scalar_like(scores, -(double)INFINITY));
    return tap_masked_fill(tap_softmax(tap_masked_fill(scores, blind, 0), -1), blind, 0);
}

/* A scale below 1 comes before the products, lest they be out of range; one above 1 after them. */
static tap_var scaled_products(tap_var query, tap_var key, double scale)
{
    if (fabs(scale) <= 1) return tap_matmul(tap_mul_scalar(query, scale), tap_mT(key));
    return tap_mul_scalar(tap_matmul(query, tap_mT(key)), scale);
}

tap_var tap_scaled_dot_product_attention(tap_var query, tap_var key, tap_var value, tap_var mask, double dropout_p,
                                         bool is_causal, double scale)
{
    TAP_CALL("scaled_dot_product_attention", query, key, value, mask);
    const char *call = "scaled_dot_product_attention";
    if (!tap__same_tape(call, 3, (tap_var[]){ query, key, value })) return tap__inert(query.tape);
    tap_shape q = tap_shape_of(query), k = tap_shape_of(key);
    if (q.rank < 2 || k.rank < 2)
        return tap__fail_input(tap__node_of(query), TAP_ESHAPE, call, "query and key need [..,length,width]");
    if (scale == 0) scale = 1 / sqrt((double)q.n[q.rank - 1]);
    tap_var scores = scaled_products(query, key, scale), never = tap_scalar_like(scores, -(double)INFINITY);
    if (is_causal) scores = tap_where(causal_mask(query.tape, q.n[q.rank - 2], k.n[k.rank - 2]), scores, never);
    if (mask.tape && tap_value(mask).dtype == TAP_BOOL) scores = tap_where(mask, scores, never);
    else if (mask.tape) scores = tap_where(tap_eq(mask, never), never, tap_add(scores, mask));
    return tap_matmul(tap_dropout(attention_weights(scores), dropout_p, true), value);
}
