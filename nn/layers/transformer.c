/* nn/layers/transformer.c: encoder and decoder layers of transformers (Vaswani et al. 2017), with the normalization after or
 * before (Xiong et al. 2020) each residual block, and stacks of them. */
#include <stdio.h>

#include "nn/layers/layer.h"

/* ---- Parts of encoder and decoder layers ---- */

/* The options with PyTorch's defaults. */
static tap_transformer_options resolve(tap_module *m, const char *what, tap_transformer_options o)
{
    o.dropout = tap__layer_option(m, what, "dropout", o.dropout, 0.1);
    if (o.dropout > 1) tap_module_fail(m, TAP_EARG, "%s: dropout must be within 0..1, not %g", what, o.dropout);
    if (!o.dim_feedforward) o.dim_feedforward = 2048;
    if (!o.activation) o.activation = tap_relu;
    return o;
}

static void init_attention(tap_multihead_attention *l, tap_module *m, const char *name, int64_t d_model, int64_t nhead,
                           const tap_transformer_options *o)
{
    tap_multihead_attention_init(
        l, m, name, d_model, nhead,
        (tap_multihead_attention_options){ .dropout = o->dropout, .no_bias = o->no_bias, .batch_first = o->batch_first });
}

static void init_feed_forward(tap_linear *linear1, tap_linear *linear2, tap_module *m, int64_t d_model,
                              const tap_transformer_options *o)
{
    const tap_linear_options bias = { .no_bias = o->no_bias };
    tap_linear_init_with(linear1, m, "linear1", d_model, o->dim_feedforward, bias);
    tap_linear_init_with(linear2, m, "linear2", o->dim_feedforward, d_model, bias);
}

static void init_norm(tap_layer_norm_layer *l, tap_module *m, const char *name, int64_t d_model,
                      const tap_transformer_options *o)
{
    tap_layer_norm_init(l, m, name, TAP_SHAPE(d_model),
                        (tap_layer_norm_options){ .eps = o->layer_norm_eps, .no_bias = o->no_bias });
}

/* A layer while it runs. */
typedef struct {
    const tap_transformer_options *o;
    double                         dropout; /* 0 in evaluation mode */
} run;

static run run_of(tap_tape *t, const tap_module *m, const tap_transformer_options *o)
{
    return (run){ o, tap_module_training_on(t, m) ? o->dropout : 0 };
}

/* The input of a residual block of x. */
static tap_var before(const run *r, const tap_layer_norm_layer *norm, tap_var x)
{
    return r->o->norm_first ? tap_layer_norm_forward(norm, x) : x;
}

/* x after a residual block that gave y. */
static tap_var after(const run *r, const tap_layer_norm_layer *norm, tap_var x, tap_var y)
{
    x = tap_add(x, tap_dropout(y, r->dropout, true));
    return r->o->norm_first ? x : tap_layer_norm_forward(norm, x);
}

static tap_var feed_forward(const run *r, const tap_linear *linear1, const tap_linear *linear2, tap_var x)
{
    const tap_var hidden = r->o->activation(tap_linear_forward(linear1, x));
    return tap_linear_forward(linear2, tap_dropout(hidden, r->dropout, true));
}

/* The call of layer i of a stack. */
static tap_attention_call call_of(tap_attention_call c, int i)
{
    if (c.weights) c.weights += i;
    if (c.cache) c.cache += i;
    return c;
}

/* Zeroed memory for the layers of a stack; NULL, and the root has failed, if there are none. */
static void *alloc_layers(tap_module *m, const char *what, int64_t num_layers, size_t size)
{
    if (num_layers >= 1 && num_layers <= 1 << 20) return tap__module_alloc(m, (size_t)num_layers * size);
    tap_module_fail(m, TAP_EARG, "%s: num_layers must be from 1 to 2^20, not %lld", what, (long long)num_layers);
    return NULL;
}

/* ---- Encoder ---- */

void tap_transformer_encoder_layer_init(tap_transformer_encoder_layer *l, tap_module *m, const char *name, int64_t d_model,
                                        int64_t nhead, tap_transformer_options o)
{
    tap_module *child = tap__layer_module(l, m, name, "transformer_encoder_layer");
    if (!child) return;
    *l = (tap_transformer_encoder_layer){ .module = child, .options = resolve(child, "transformer_encoder_layer", o) };
    init_attention(&l->self_attn, child, "self_attn", d_model, nhead, &l->options);
    init_feed_forward(&l->linear1, &l->linear2, child, d_model, &l->options);
    init_norm(&l->norm1, child, "norm1", d_model, &l->options);
    init_norm(&l->norm2, child, "norm2", d_model, &l->options);
}

tap_var tap_transformer_encoder_layer_forward(const tap_transformer_encoder_layer *l, tap_var src, tap_attention_call self)
{
    TAP_CALL("transformer_encoder_layer_forward", src, self.attn_mask, self.key_padding_mask);
    if (!tap__layer_usable(src, l ? l->module : NULL) || !l) return (tap_var){ .tape = src.tape };
    const run r = run_of(src.tape, l->module, &l->options);
    tap_var   x = before(&r, &l->norm1, src);
    src = after(&r, &l->norm1, src, tap_multihead_attention_forward(&l->self_attn, x, x, x, self));
    x = before(&r, &l->norm2, src);
    return after(&r, &l->norm2, src, feed_forward(&r, &l->linear1, &l->linear2, x));
}

void tap_transformer_encoder_init(tap_transformer_encoder *l, tap_module *m, const char *name, int64_t d_model, int64_t nhead,
                                  int64_t num_layers, tap_transformer_stack_options o)
{
    tap_module *child = tap__layer_module(l, m, name, "transformer_encoder");
    if (!child) return;
    *l = (tap_transformer_encoder){ .module = child, .has_norm = o.final_norm };
    l->layers = alloc_layers(child, "transformer_encoder", num_layers, sizeof *l->layers);
    if (!l->layers) return;
    tap_module *layers = tap_module_child(child, "layers");
    for (; l->num_layers < num_layers; l->num_layers++) {
        char number[16];
        snprintf(number, sizeof number, "%d", l->num_layers);
        tap_transformer_encoder_layer_init(&l->layers[l->num_layers], layers, number, d_model, nhead, o.layer);
    }
    if (o.final_norm) tap_layer_norm_init(&l->norm, child, "norm", TAP_SHAPE(d_model), o.norm);
}

tap_var tap_transformer_encoder_forward(const tap_transformer_encoder *l, tap_var src, tap_attention_call self)
{
    TAP_CALL("transformer_encoder_forward", src, self.attn_mask, self.key_padding_mask);
    if (!tap__layer_usable(src, l ? l->module : NULL) || !l) return (tap_var){ .tape = src.tape };
    if (!l->layers) return tap_fail(src, TAP_EARG, "the layer could not be made");
    for (int i = 0; i < l->num_layers; i++) src = tap_transformer_encoder_layer_forward(&l->layers[i], src, call_of(self, i));
    return l->has_norm ? tap_layer_norm_forward(&l->norm, src) : src;
}

/* ---- Decoder ---- */

void tap_transformer_decoder_layer_init(tap_transformer_decoder_layer *l, tap_module *m, const char *name, int64_t d_model,
                                        int64_t nhead, tap_transformer_options o)
{
    tap_module *child = tap__layer_module(l, m, name, "transformer_decoder_layer");
    if (!child) return;
    *l = (tap_transformer_decoder_layer){ .module = child, .options = resolve(child, "transformer_decoder_layer", o) };
    init_attention(&l->self_attn, child, "self_attn", d_model, nhead, &l->options);
    init_attention(&l->multihead_attn, child, "multihead_attn", d_model, nhead, &l->options);
    init_feed_forward(&l->linear1, &l->linear2, child, d_model, &l->options);
    init_norm(&l->norm1, child, "norm1", d_model, &l->options);
    init_norm(&l->norm2, child, "norm2", d_model, &l->options);
    init_norm(&l->norm3, child, "norm3", d_model, &l->options);
}

tap_var tap_transformer_decoder_layer_forward(const tap_transformer_decoder_layer *l, tap_var tgt, tap_var memory,
                                              tap_attention_call self, tap_attention_call cross)
{
    TAP_CALL("transformer_decoder_layer_forward", tgt, memory, self.attn_mask, self.key_padding_mask, cross.attn_mask,
             cross.key_padding_mask);
    if (!tap__layer_usable(tgt, l ? l->module : NULL) || !l) return (tap_var){ .tape = tgt.tape };
    const run r = run_of(tgt.tape, l->module, &l->options);
    tap_var   x = before(&r, &l->norm1, tgt);
    if (cross.cache && cross.cache->length > 0) memory = (tap_var){ 0 };
    tgt = after(&r, &l->norm1, tgt, tap_multihead_attention_forward(&l->self_attn, x, x, x, self));
    x = before(&r, &l->norm2, tgt);
    tgt = after(&r, &l->norm2, tgt, tap_multihead_attention_forward(&l->multihead_attn, x, memory, memory, cross));
    x = before(&r, &l->norm3, tgt);
    return after(&r, &l->norm3, tgt, feed_forward(&r, &l->linear1, &l->linear2, x));
}

void tap_transformer_decoder_init(tap_transformer_decoder *l, tap_module *m, const char *name, int64_t d_model, int64_t nhead,
                                  int64_t num_layers, tap_transformer_stack_options o)
{
    tap_module *child = tap__layer_module(l, m, name, "transformer_decoder");
    if (!child) return;
    *l = (tap_transformer_decoder){ .module = child, .has_norm = o.final_norm };
    l->layers = alloc_layers(child, "transformer_decoder", num_layers, sizeof *l->layers);
    if (!l->layers) return;
    tap_module *layers = tap_module_child(child, "layers");
    for (; l->num_layers < num_layers; l->num_layers++) {
        char number[16];
        snprintf(number, sizeof number, "%d", l->num_layers);
        tap_transformer_decoder_layer_init(&l->layers[l->num_layers], layers, number, d_model, nhead, o.layer);
    }
    if (o.final_norm) tap_layer_norm_init(&l->norm, child, "norm", TAP_SHAPE(d_model), o.norm);
}

tap_var tap_transformer_decoder_forward(const tap_transformer_decoder *l, tap_var tgt, tap_var memory, tap_attention_call self,
                                        tap_attention_call cross)
{
    TAP_CALL("transformer_decoder_forward", tgt, memory, self.attn_mask, self.key_padding_mask, cross.attn_mask,
             cross.key_padding_mask);
    if (!tap__layer_usable(tgt, l ? l->module : NULL) || !l) return (tap_var){ .tape = tgt.tape };
    if (!l->layers) return tap_fail(tgt, TAP_EARG, "the layer could not be made");
    for (int i = 0; i < l->num_layers; i++)
        tgt = tap_transformer_decoder_layer_forward(&l->layers[i], tgt, memory, call_of(self, i), call_of(cross, i));
    return l->has_norm ? tap_layer_norm_forward(&l->norm, tgt) : tgt;
}
