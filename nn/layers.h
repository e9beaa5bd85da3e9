/* nn/layers.h: layers. Each is a struct, a function that creates its parameters and buffers below a new module of m, with
 * PyTorch's names, layouts and initial values, and a forward function. The parameters belong to the root. A parameter that
 * options leave out is NULL. Pooling, upsampling and activations have no parameters, and are functions only (functional.h).
 *
 * The struct is tap_NAME or, where that is a function, tap_NAME_layer. Options of {0} give PyTorch's defaults, in brackets; a
 * flag no_NAME turns off what PyTorch does by default: its bias = False is no_bias = true. For numbers, TAP_ZERO asks for 0;
 * another negative one is an error. tap_..._init_with is tap_..._init with options.
 *
 * Training and evaluation mode are those of the layer's own module (tap_module_train, tap_module_eval), which its state comes
 * from, too. */
#ifndef TAP_NN_LAYERS_H
#define TAP_NN_LAYERS_H

#include "nn/functional.h"
#include "nn/module.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Linear layers (layers/linear.c, layers/mlp.c) ------------------------------------------------------------------ */

/* x W^T + b: Linear */
typedef struct {
    tap_param *weight, *bias; /* [out,in], [out] */
} tap_linear;

typedef struct {
    bool no_bias; /* PyTorch's bias = False */
} tap_linear_options;

TAP_API void    tap_linear_init(tap_linear *l, tap_module *m, const char *name, int64_t in, int64_t out);
TAP_API void    tap_linear_init_with(tap_linear *l, tap_module *m, const char *name, int64_t in, int64_t out,
                                     tap_linear_options o);
TAP_API tap_var tap_linear_forward(const tap_linear *l, tap_var x); /* [..,in] -> [..,out] */

/* A multilayer perceptron: linear layers "name.0", "name.1", ..., each followed by the activation. sizes: in, hidden, ...,
 * out. */
typedef struct {
    int            n;
    tap_linear    *layers; /* owned by the root */
    tap_activation activation;
    bool           linear_output;
} tap_mlp;

typedef struct {
    bool linear_output; /* no activation follows the last layer: for logits, and for numbers of any sign */
} tap_mlp_options;

TAP_API void    tap_mlp_init(tap_mlp *l, tap_module *m, const char *name, int n_sizes, const int64_t *sizes,
                             tap_activation activation);
TAP_API void    tap_mlp_init_with(tap_mlp *l, tap_module *m, const char *name, int n_sizes, const int64_t *sizes,
                                  tap_activation activation, tap_mlp_options o);
TAP_API tap_var tap_mlp_forward(const tap_mlp *l, tap_var x); /* [..,sizes[0]] -> [..,sizes[n_sizes-1]] */

/* tap_bilinear (functional.h) with weight [out,in1,in2] and bias [out]: Bilinear */
typedef struct {
    tap_param *weight, *bias;
} tap_bilinear_layer;

TAP_API void    tap_bilinear_init(tap_bilinear_layer *l, tap_module *m, const char *name, int64_t in1, int64_t in2, int64_t out,
                                  tap_linear_options o);
TAP_API tap_var tap_bilinear_forward(const tap_bilinear_layer *l, tap_var x1, tap_var x2);

/* ---- Convolutions (layers/conv.c) ----------------------------------------------------------------------------------- */

/* Convolution, 1-D or 2-D, plain or transposed: weight [out,in/groups,kernel..] or, transposed, [in,out/groups,kernel..]; bias
 * [out]. */
typedef struct {
    tap_param       *weight, *bias;
    tap_conv_options options;
    int              axes; /* 1 or 2 */
    bool             transposed;
} tap_conv;

TAP_API void tap_conv1d_init(tap_conv *l, tap_module *m, const char *name, int64_t in, int64_t out, int64_t kernel,
                             tap_conv_options o);
TAP_API void tap_conv2d_init(tap_conv *l, tap_module *m, const char *name, int64_t in, int64_t out, int64_t kernel_height,
                             int64_t kernel_width, tap_conv_options o);
TAP_API void tap_conv_transpose1d_init(tap_conv *l, tap_module *m, const char *name, int64_t in, int64_t out, int64_t kernel,
                                       tap_conv_options o);
TAP_API void tap_conv_transpose2d_init(tap_conv *l, tap_module *m, const char *name, int64_t in, int64_t out,
                                       int64_t kernel_height, int64_t kernel_width, tap_conv_options o);
/* 2-D, with a square kernel */
TAP_API void tap_conv_init(tap_conv *l, tap_module *m, const char *name, int64_t in, int64_t out, int64_t kernel,
                           tap_conv_options o);
TAP_API void tap_conv_transpose_init(tap_conv *l, tap_module *m, const char *name, int64_t in, int64_t out, int64_t kernel,
                                     tap_conv_options o);
/* The convolution of x [N,in,L] or [in,L], or [N,in,H,W] or [in,H,W] */
TAP_API tap_var tap_conv_forward(const tap_conv *l, tap_var x);
/* A transposed convolution whose result has the given size, a number for each axis, in place of the options' output_padding:
 * PyTorch's output_size. Up to stride - 1 more than without output_padding are possible. */
TAP_API tap_var tap_conv_forward_to(const tap_conv *l, tap_var x, const int64_t *size);

/* ---- Normalization (layers/normalization.c) ------------------------------------------------------------------------- */

/* Batch normalization of x [batch,features,..]: PyTorch's BatchNorm1d, 2d and 3d. In training mode by the statistics of the
 * batch, which the running ones follow, in evaluation mode by the running ones. */
typedef struct {
    tap_module *module;
    tap_param  *weight, *bias;              /* [features] */
    tap_buffer *running_mean, *running_var; /* [features]; NULL: the batch's statistics are used in both modes */
    tap_buffer *num_batches_tracked;        /* int64 [] */
    double      momentum, eps;
    bool        cumulative;
} tap_batch_norm_layer;

typedef struct {
    double eps;              /* [1e-5] */
    double momentum;         /* share of a batch in the running statistics [0.1] */
    bool   cumulative;       /* PyTorch's momentum = None: they are the means over all batches */
    bool   no_affine;        /* PyTorch's affine = False: neither weight nor bias */
    bool   no_running_stats; /* PyTorch's track_running_stats = False */
} tap_batch_norm_options;

TAP_API void    tap_batch_norm_init(tap_batch_norm_layer *l, tap_module *m, const char *name, int64_t features,
                                    tap_batch_norm_options o);
TAP_API tap_var tap_batch_norm_forward(const tap_batch_norm_layer *l, tap_var x);

/* Instance normalization of x [batch,features,..]: PyTorch's InstanceNorm1d, 2d and 3d. num_batches_tracked is not counted, as
 * in PyTorch. */
typedef tap_batch_norm_layer tap_instance_norm_layer;

typedef struct {
    double eps;                 /* [1e-5] */
    double momentum;            /* [0.1] */
    bool   affine;              /* with weight and bias */
    bool   track_running_stats; /* and use them in evaluation mode */
} tap_instance_norm_options;

TAP_API void    tap_instance_norm_init(tap_instance_norm_layer *l, tap_module *m, const char *name, int64_t features,
                                       tap_instance_norm_options o);
TAP_API tap_var tap_instance_norm_forward(const tap_instance_norm_layer *l, tap_var x);

/* Layer normalization over the last axes, of these sizes, with weight and bias of that shape. */
typedef struct {
    tap_module *module;
    tap_param  *weight, *bias;
    tap_shape   normalized_shape;
    double      eps;
} tap_layer_norm_layer;

typedef struct {
    double eps;       /* [1e-5] */
    bool   no_affine; /* PyTorch's elementwise_affine = False: neither weight nor bias */
    bool   no_bias;   /* a weight, but no bias */
} tap_layer_norm_options;

TAP_API void    tap_layer_norm_init(tap_layer_norm_layer *l, tap_module *m, const char *name, tap_shape normalized_shape,
                                    tap_layer_norm_options o);
TAP_API tap_var tap_layer_norm_forward(const tap_layer_norm_layer *l, tap_var x);

/* RMS normalization over the last axes, of these sizes, with a weight of that shape. */
typedef struct {
    tap_module *module;
    tap_param  *weight;
    tap_shape   normalized_shape;
    double      eps; /* TAP_NONE: the machine epsilon of x's dtype */
} tap_rms_norm_layer;

typedef struct {
    double eps;       /* [the machine epsilon of x's dtype] */
    bool   no_affine; /* no weight */
} tap_rms_norm_options;

TAP_API void    tap_rms_norm_init(tap_rms_norm_layer *l, tap_module *m, const char *name, tap_shape normalized_shape,
                                  tap_rms_norm_options o);
TAP_API tap_var tap_rms_norm_forward(const tap_rms_norm_layer *l, tap_var x);

/* Group normalization of x [batch,channels,..]; weight and bias [channels]. */
typedef struct {
    tap_module *module;
    tap_param  *weight, *bias;
    int64_t     groups;
    double      eps;
} tap_group_norm_layer;

typedef struct {
    double eps;       /* [1e-5] */
    bool   no_affine; /* neither weight nor bias */
} tap_group_norm_options;

TAP_API void    tap_group_norm_init(tap_group_norm_layer *l, tap_module *m, const char *name, int64_t groups, int64_t channels,
                                    tap_group_norm_options o);
TAP_API tap_var tap_group_norm_forward(const tap_group_norm_layer *l, tap_var x);

/* ---- Embedding, PReLU and dropout (layers/embedding.c, layers/activation.c) ----------------------------------------- */

/* A table of vectors: weight [num_embeddings,embedding_dim], from N(0,1). */
typedef struct {
    tap_param *weight;
    int64_t    padding_idx;         /* TAP_NO_INDEX: none */
    double     max_norm, norm_type; /* max_norm: INFINITY for none */
    bool       scale_grad_by_freq;
} tap_embedding_layer;

typedef struct {
    bool    has_padding_idx;    /* the row padding_idx begins as 0, and gets no gradient */
    int64_t padding_idx;        /* from the end if it is negative */
    bool    scale_grad_by_freq; /* the gradient of a row is divided by how often its index occurs in the call */
    /* Before a call reads rows whose norm of order norm_type is above max_norm, it divides them by norm + 1e-7 and multiplies
     * them by max_norm, in the weight itself and in both modes; no gradient flows through that. Not for several threads at
     * once. */
    double max_norm;  /* [none] */
    double norm_type; /* above 0, or INFINITY [2] */
} tap_embedding_options;

TAP_API void    tap_embedding_init(tap_embedding_layer *l, tap_module *m, const char *name, int64_t num_embeddings,
                                   int64_t embedding_dim, tap_embedding_options o);
TAP_API tap_var tap_embedding_forward(const tap_embedding_layer *l, tap_var index); /* int64 [..] -> [..,embedding_dim] */

/* max(x, 0) + weight min(x, 0): weight [num_parameters], one slope for all, or one for each of the channels, axis 1 of x */
typedef struct {
    tap_param *weight;
} tap_prelu_layer;

typedef struct {
    int64_t num_parameters; /* [1] */
    double  init;           /* [0.25] */
} tap_prelu_options;

TAP_API void    tap_prelu_init(tap_prelu_layer *l, tap_module *m, const char *name, tap_prelu_options o);
TAP_API tap_var tap_prelu_forward(const tap_prelu_layer *l, tap_var x);

/* tap_dropout in training mode, with p within 0..1; x itself in evaluation mode. */
typedef struct {
    const tap_module *module;
    double            p;
} tap_dropout_layer;

TAP_API void    tap_dropout_init(tap_dropout_layer *l, tap_module *m, const char *name, double p);
TAP_API tap_var tap_dropout_forward(const tap_dropout_layer *l, tap_var x);

/* ---- Recurrent layers and cells (layers/rnn.c, layers/rnn_cell.c) --------------------------------------------------- */
/* With gates and products by element, W = weight_ih, U = weight_hh, sigma(x) = 1 / (1 + e^-x):
 *     RNN:   h' = tanh(W x + b_ih + U h + b_hh), or relu of it                                          Elman 1990
 *     LSTM:  i, f, o = sigma(W x + b_ih + U h + b_hh), g = tanh(the same), by rows i, f, g, o,
 *            c' = f c + i g,  h' = o tanh(c'), with proj_size h' = weight_hr (o tanh(c'))  Hochreiter & Schmidhuber 1997
 *     GRU:   r, z = sigma(W x + b_ih + U h + b_hh),  n = tanh(W x + b_ih + r (U h + b_hh)), by rows r, z, n,
 *            h' = (1 - z) n + z h                                                                      Cho et al. 2014 */

typedef struct tap_rnn_kind tap_rnn_kind;

/* Of a cell, or of one direction of one layer: [gates * hidden_size,input size], [gates * hidden_size,output size], twice
 * [gates * hidden_size], and [proj_size,hidden_size]. */
typedef struct {
    tap_param *weight_ih, *weight_hh, *bias_ih, *bias_hh, *weight_hr;
} tap_rnn_weights;

/* What a recurrence hands on from step to step; c is of LSTMs only. A forward function takes the state before the first step,
 * zeros where a var is { 0 }, and leaves the state after the last one. To go on after a reset of the tape, copy the values. */
typedef struct {
    tap_var h, c;
} tap_rnn_state;

typedef struct {
    int64_t num_layers;    /* each above the one before [1] */
    bool    bidirectional; /* a second recurrence from the end of each sequence; the next layer gets both outputs */
    bool    batch_first;   /* x and the output are [batch,time,..]; states are not */
    bool    no_bias;
    double  dropout;   /* of the outputs of all layers but the last, in training mode [0] */
    int64_t proj_size; /* LSTM only: size of h, by a product after each step [0: hidden_size, without a product] */
    bool    relu;      /* RNN only: PyTorch's nonlinearity = "relu" [tanh] */
} tap_rnn_options;

/* RNN, LSTM or GRU, made by one of the three functions below. */
typedef struct {
    tap_module         *module;
    const tap_rnn_kind *kind;
    int64_t             input_size, hidden_size;
    tap_rnn_options     options;
    tap_rnn_weights    *weights; /* of weight_.._l0, weight_.._l0_reverse, weight_.._l1, ...; owned by the root */
} tap_rnn;

TAP_API void tap_rnn_init(tap_rnn *l, tap_module *m, const char *name, int64_t input_size, int64_t hidden_size,
                          tap_rnn_options o);
TAP_API void tap_lstm_init(tap_rnn *l, tap_module *m, const char *name, int64_t input_size, int64_t hidden_size,
                           tap_rnn_options o);
TAP_API void tap_gru_init(tap_rnn *l, tap_module *m, const char *name, int64_t input_size, int64_t hidden_size,
                          tap_rnn_options o);
/* x [time,batch,input_size], or one sequence [time,input_size], gives the h of the last layer after each step, [time,batch,out]
 * or [time,out]; with both directions, their h side by side. The state, which may be NULL, is h [layers * directions,batch,out]
 * and c [layers * directions,batch,hidden_size], without batch for one sequence.
 *
 * lengths, int64 [batch], optional, are the numbers of steps of the sequences, 0..time, in any order, as if x had been packed
 * by pack_padded_sequence with enforce_sorted = False: what follows them in x is not used, whatever it is, the output is 0
 * there, and the state is that after the last step of each sequence. */
TAP_API tap_var tap_rnn_forward(const tap_rnn *l, tap_var x, tap_rnn_state *state, tap_var lengths);

/* One step: PyTorch's RNNCell, LSTMCell and GRUCell. */
typedef struct {
    tap_module         *module;
    const tap_rnn_kind *kind;
    int64_t             hidden_size;
    tap_rnn_weights     weights;
} tap_rnn_cell;

typedef struct {
    bool no_bias;
    bool relu; /* RNN only [tanh] */
} tap_rnn_cell_options;

TAP_API void tap_rnn_cell_init(tap_rnn_cell *l, tap_module *m, const char *name, int64_t input_size, int64_t hidden_size,
                               tap_rnn_cell_options o);
TAP_API void tap_lstm_cell_init(tap_rnn_cell *l, tap_module *m, const char *name, int64_t input_size, int64_t hidden_size,
                                tap_rnn_cell_options o);
TAP_API void tap_gru_cell_init(tap_rnn_cell *l, tap_module *m, const char *name, int64_t input_size, int64_t hidden_size,
                               tap_rnn_cell_options o);
/* h' [batch,hidden_size] of x [batch,input_size], or [hidden_size] of [input_size], which is also state->h. The state, which
 * may be NULL, has the shape of the result. */
TAP_API tap_var tap_rnn_cell_forward(const tap_rnn_cell *l, tap_var x, tap_rnn_state *state);

/* ---- Attention and transformers (layers/attention.c, layers/transformer.c) ------------------------------------------ */

typedef struct {
    int64_t kdim, vdim;    /* sizes of key and value [embed_dim] */
    double  dropout;       /* of the weights, in training mode [0] */
    bool    batch_first;   /* inputs and output are [batch,length,..] */
    bool    no_bias;       /* neither in_proj_bias nor that of out_proj */
    bool    add_bias_kv;   /* one more key and value, bias_k and bias_v, after the others */
    bool    add_zero_attn; /* one more key and value, zeros, after those */
} tap_multihead_attention_options;

/* Attention of num_heads heads of width embed_dim / num_heads: Vaswani et al. 2017. q, k and v are products of query, key and
 * value with in_proj_weight, rows of q, k, v above each other, plus in_proj_bias; each head computes softmax(q k^T /
 * sqrt(width)) v of its columns, and out_proj all of them. */
typedef struct {
    tap_module *module;
    tap_param  *in_proj_weight; /* [3 embed_dim,embed_dim]; with another kdim or vdim NULL, and: */
    tap_param  *q_proj_weight, *k_proj_weight, *v_proj_weight; /* [embed_dim,embed_dim], [embed_dim,kdim], [embed_dim,vdim] */
    tap_param  *in_proj_bias;                                  /* [3 embed_dim] */
    tap_param  *bias_k, *bias_v;                               /* [1,1,embed_dim] */
    tap_linear  out_proj;
    int64_t     embed_dim, num_heads;
    tap_multihead_attention_options options;
} tap_multihead_attention;

/* Keys and values of earlier calls, so that the next token of a text is computed from itself and these: each call with the
 * cache appends its own keys and values, and attends to all. The tape must not record, since no gradient passes through the
 * cache. To begin another text, set length to 0. For a stack l of n layers:
 *
 *     for (int i = 0; i < n; i++) tap_attention_cache_init(&cache[i], arena, &l.layers[i].self_attn, batch, longest);
 *     for (...) {
 *         ...
 *         y = tap_transformer_encoder_forward(&l, token, (tap_attention_call){ .is_causal = true, .cache = cache });
 *     } */
typedef struct {
    tap_tensor key, value; /* [batch,heads,capacity,width] */
    int64_t    length;     /* keys and values that it holds */
} tap_attention_cache;

/* An empty cache for a layer, in memory of the arena. */
TAP_API void tap_attention_cache_init(tap_attention_cache *c, tap_arena *a, const tap_multihead_attention *l, int64_t batch,
                                      int64_t capacity);

/* How attention is called; {0}: to all keys. Masks are bool, true where attention is forbidden, the opposite of
 * tap_scaled_dot_product_attention, or float, added to the scores; both may be given. A query that may attend to no key gets 0
 * from all of them. keys: those in the cache, and the new ones. */
typedef struct {
    tap_var attn_mask;        /* [queries,keys] or [batch * heads,queries,keys] */
    tap_var key_padding_mask; /* [batch,keys]; [keys] for one sequence */
    bool    is_causal;        /* a query attends to no key after its own position; with attn_mask only a hint, as in PyTorch */
    bool    no_average;       /* weights: of each head; PyTorch's average_attn_weights = False */
    /* If not NULL, *weights becomes the weights of the keys, the mean of the heads [batch,queries,keys], or [batch,heads,
     * queries,keys]; without batch for one sequence. In a stack, an array: one var for each layer. */
    tap_var             *weights;
    tap_attention_cache *cache; /* NULL: none. In a stack, an array: one cache for each layer */
} tap_attention_call;

TAP_API void tap_multihead_attention_init(tap_multihead_attention *l, tap_module *m, const char *name, int64_t embed_dim,
                                          int64_t num_heads, tap_multihead_attention_options o);
/* query [queries,batch,embed_dim], key [keys,batch,kdim], value [keys,batch,vdim] -> [queries,batch,embed_dim], or all of them
 * without batch for one sequence. One product serves inputs that are the same var. With a cache that holds keys, key and value
 * may be { 0 }. */
TAP_API tap_var tap_multihead_attention_forward(const tap_multihead_attention *l, tap_var query, tap_var key, tap_var value,
                                                tap_attention_call c);

/* Of encoder and decoder layers. TAP_ZERO asks for 0. */
typedef struct {
    int64_t        dim_feedforward; /* [2048] */
    double         dropout;         /* of attention weights, hidden units, and what residual blocks add [0.1] */
    tap_activation activation;      /* [tap_relu] */
    double         layer_norm_eps;  /* [1e-5] */
    bool           batch_first;
    bool           norm_first; /* x + f(norm(x)) in place of norm(x + f(x)) */
    bool           no_bias;    /* in no layer */
} tap_transformer_options;

/* norm(x + f(x)) for f = self-attention, then linear2(activation(linear1)). */
typedef struct {
    tap_module             *module;
    tap_multihead_attention self_attn;
    tap_linear              linear1, linear2; /* [dim_feedforward,d_model] and back */
    tap_layer_norm_layer    norm1, norm2;
    tap_transformer_options options;
} tap_transformer_encoder_layer;

/* The same, but between them attention to the memory, the output of an encoder. */
typedef struct {
    tap_module             *module;
    tap_multihead_attention self_attn, multihead_attn;
    tap_linear              linear1, linear2;
    tap_layer_norm_layer    norm1, norm2, norm3;
    tap_transformer_options options;
} tap_transformer_decoder_layer;

TAP_API void tap_transformer_encoder_layer_init(tap_transformer_encoder_layer *l, tap_module *m, const char *name,
                                                int64_t d_model, int64_t nhead, tap_transformer_options o);
TAP_API void tap_transformer_decoder_layer_init(tap_transformer_decoder_layer *l, tap_module *m, const char *name,
                                                int64_t d_model, int64_t nhead, tap_transformer_options o);
/* src [length,batch,d_model], or [length,d_model], to the same shape. PyTorch's src_mask and src_key_padding_mask are those of
 * the self-attention. With is_causal, this is the layer of a decoder-only transformer. */
TAP_API tap_var tap_transformer_encoder_layer_forward(const tap_transformer_encoder_layer *l, tap_var src,
                                                      tap_attention_call self);
/* tgt [length,batch,d_model] and memory [keys,batch,d_model], or both without batch. PyTorch's tgt_.. masks are those of self,
 * its memory_.. masks those of cross. A cache of cross that holds keys stands for the memory, which is then not read. */
TAP_API tap_var tap_transformer_decoder_layer_forward(const tap_transformer_decoder_layer *l, tap_var tgt, tap_var memory,
                                                      tap_attention_call self, tap_attention_call cross);

typedef struct {
    tap_transformer_options layer;
    bool                    final_norm; /* a layer normalization after the last layer, "norm" */
    tap_layer_norm_options  norm;
} tap_transformer_stack_options;

/* num_layers layers "layers.0", "layers.1", ... */
typedef struct {
    tap_module                    *module;
    int                            num_layers;
    tap_transformer_encoder_layer *layers; /* owned by the root */
    bool                           has_norm;
    tap_layer_norm_layer           norm;
} tap_transformer_encoder;

typedef struct {
    tap_module                    *module;
    int                            num_layers;
    tap_transformer_decoder_layer *layers; /* owned by the root */
    bool                           has_norm;
    tap_layer_norm_layer           norm;
} tap_transformer_decoder;

TAP_API void tap_transformer_encoder_init(tap_transformer_encoder *l, tap_module *m, const char *name, int64_t d_model,
                                          int64_t nhead, int64_t num_layers, tap_transformer_stack_options o);
TAP_API void tap_transformer_decoder_init(tap_transformer_decoder *l, tap_module *m, const char *name, int64_t d_model,
                                          int64_t nhead, int64_t num_layers, tap_transformer_stack_options o);
/* As of one layer; the masks are those of each layer. */
TAP_API tap_var tap_transformer_encoder_forward(const tap_transformer_encoder *l, tap_var src, tap_attention_call self);
TAP_API tap_var tap_transformer_decoder_forward(const tap_transformer_decoder *l, tap_var tgt, tap_var memory,
                                                tap_attention_call self, tap_attention_call cross);

/* ---- Parametrizations (layers/parametrizations.c) ------------------------------------------------------------------- */
/* PyTorch's nn.utils.parametrizations. The weight of a layer leaves the tree. Others take its place, under PyTorch's names,
 * and are trained and saved; from them the layer's weight is computed whenever tap_param_var asks for it, and the layer
 * remains as it is:
 *
 *     tap_linear_init(&l, m, "l", 8, 16);
 *     tap_weight_norm(l.weight, (tap_weight_norm_options){ 0 });
 *
 * tap_param_value and tap_param_grad of the weight itself are NaN [] from then on. It must come before the optimizer. */

typedef struct {
    int  dim; /* the axis that has an element of g for each index [0] */
    bool all; /* PyTorch's dim = None: g is [], and the norm that of the whole v */
} tap_weight_norm_options;

/* weight = g v / |v|, with the norm over all axes but dim: Salimans & Kingma 2016. g is
 * NAME.parametrizations.weight.original0, v NAME.parametrizations.weight.original1. */
TAP_API void tap_weight_norm(tap_param *weight, tap_weight_norm_options o);

typedef struct {
    int    n_power_iterations; /* [1] */
    double eps;                /* least length in the normalization of u and v [1e-12] */
    int    dim;                /* the axis of the rows, negative from the end; 1 for a transposed convolution, as PyTorch [0] */
} tap_spectral_norm_options;

/* weight = w / sigma, where sigma = u^T W v approximates the largest singular value of the matrix W of w: Miyato et al. 2018.
 * w is NAME.parametrizations.weight.original. Each use in training mode refines the buffers NAME.parametrizations.weight.0._u
 * and ._v by power iterations first, which no gradient flows through. */
TAP_API void tap_spectral_norm(tap_param *weight, tap_spectral_norm_options o);

#ifdef __cplusplus
}
#endif

#endif
