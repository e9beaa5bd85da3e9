/* nn/layers/embedding.c: a table of vectors, one for each index. */
#include "nn/layers/layer.h"

void tap_embedding_init(tap_embedding_layer *l, tap_module *m, const char *name, int64_t num_embeddings, int64_t embedding_dim,
                        tap_embedding_options o)
{
    tap_module *child = tap__layer_module(l, m, name, "embedding");
    if (!child) return;
    *l = (tap_embedding_layer){ .padding_idx = TAP_NO_INDEX, .scale_grad_by_freq = o.scale_grad_by_freq };
    if (num_embeddings < 1 || embedding_dim < 1)
        tap_module_fail(child, TAP_EARG, "embedding: sizes must be at least 1, not %lld and %lld", (long long)num_embeddings,
                        (long long)embedding_dim);
    else if (o.has_padding_idx && (o.padding_idx < -num_embeddings || o.padding_idx >= num_embeddings))
        tap_module_fail(child, TAP_EARG, "embedding: padding_idx must be a row of %lld, not %lld", (long long)num_embeddings,
                        (long long)o.padding_idx);
    l->weight = tap_param_new(child, "weight", TAP_SHAPE(num_embeddings, embedding_dim), tap_init_normal(1));
    if (!o.has_padding_idx || tap_module_status(child, NULL) != TAP_OK) return;
    l->padding_idx = o.padding_idx < 0 ? o.padding_idx + num_embeddings : o.padding_idx;
    const tap_tensor table = tap_param_value(l->weight);
    for (int64_t i = 0; i < embedding_dim; i++) tap_tensor_set_item(table, l->padding_idx * embedding_dim + i, 0);
}

tap_var tap_embedding_forward(const tap_embedding_layer *l, tap_var index)
{
    TAP_CALL("embedding_forward", index);
    static const tap_embedding_layer none;
    if (!l) l = &none;
    const tap_var weight = tap_param_var(index.tape, l->weight);
    return l->scale_grad_by_freq ? tap__embedding_by_frequency(index, weight, l->padding_idx)
                                 : tap_embedding(index, weight, l->padding_idx);
}
