/* nn/layers/embedding.c: a table of vectors, one for each index. */
#include <math.h>

#include "nn/layers/layer.h"

void tap_embedding_init(tap_embedding_layer *l, tap_module *m, const char *name, int64_t num_embeddings, int64_t embedding_dim,
                        tap_embedding_options o)
{
    tap_module *child = tap__layer_module(l, m, name, "embedding");
    if (!child) return;
    *l = (tap_embedding_layer){ .padding_idx = TAP_NO_INDEX, .scale_grad_by_freq = o.scale_grad_by_freq };
    l->max_norm = tap__layer_option(child, "embedding", "max_norm", o.max_norm, (double)INFINITY);
    l->norm_type = o.norm_type == 0 ? 2 : o.norm_type;
    if (!(l->norm_type > 0)) tap_module_fail(child, TAP_EARG, "embedding: norm_type must be above 0, not %g", l->norm_type);
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

/* (sum |x|^p)^(1/p) of n elements from x[first] on, relative to the largest of them, so that no power overflows. */
static double norm_of(tap_tensor x, int64_t first, int64_t n, double p)
{
    double largest = 0, sum = 0;
    for (int64_t i = first; i < first + n; i++) largest = fmax(largest, fabs(tap_tensor_item(x, i)));
    if (isinf(p) || largest == 0 || isinf(largest)) return largest;
    for (int64_t i = first; i < first + n; i++) sum += pow(fabs(tap_tensor_item(x, i)) / largest, p);
    return largest * pow(sum, 1 / p);
}

/* Shortens the rows of these indices to max_norm, in the parameter. */
static void shorten_rows(const tap_embedding_layer *l, tap_var index, tap_var weight)
{
    const tap_tensor table = tap_param_value(l->weight), at = tap_value(index);
    if (tap_tape_status(index.tape, NULL) != TAP_OK || tap_tape_keeps_state(index.tape) || at.dtype != TAP_I64) return;
    if (tap_value(weight).data != table.data) {
        tap_fail(index, TAP_EARG, "max_norm shortens rows of the parameter itself, which another value replaces on this tape");
        return;
    }
    const int64_t rows = table.shape.n[0], width = table.shape.n[1], n = tap_numel(at.shape);
    for (int64_t i = 0; i < n; i++) {
        const double row = tap_tensor_item(at, i);
        if (row < 0 || row >= (double)rows) continue;
        const int64_t first = (int64_t)row * width;
        const double  norm = norm_of(table, first, width, l->norm_type);
        if (!(norm > l->max_norm)) continue;
        for (int64_t k = first; k < first + width; k++)
            tap_tensor_set_item(table, k, tap_tensor_item(table, k) * (l->max_norm / (norm + 1e-7)));
    }
}

tap_var tap_embedding_forward(const tap_embedding_layer *l, tap_var index)
{
    TAP_CALL("embedding_forward", index);
    static const tap_embedding_layer none = { .max_norm = (double)INFINITY };
    if (!l) l = &none;
    const tap_var weight = tap_param_var(index.tape, l->weight);
    if (isfinite(l->max_norm)) shorten_rows(l, index, weight);
    return l->scale_grad_by_freq ? tap__embedding_by_frequency(index, weight, l->padding_idx)
                                 : tap_embedding(index, weight, l->padding_idx);
}
