/* tests/bad_arguments/sequence_calls.h: a call of every function of recurrent layers, attention and transformers, and bad calls, for
 * test_nn.c. A layer is made below the fixture's module, and called at once. */
#ifndef TAP_TESTS_BAD_ARGUMENTS_SEQUENCE_CALLS_H
#define TAP_TESTS_BAD_ARGUMENTS_SEQUENCE_CALLS_H

typedef void (*rnn_init)(tap_rnn *, tap_module *, const char *, int64_t, int64_t, tap_rnn_options);
typedef void (*cell_init)(tap_rnn_cell *, tap_module *, const char *, int64_t, int64_t, tap_rnn_cell_options);

static tap_var use_rnn(fixture *f, rnn_init init, int64_t in, int64_t hidden, tap_rnn_options o, tap_rnn_state s)
{
    tap_rnn l = { 0 };
    init(&l, f->m, "new", in, hidden, o);
    return tap_rnn_forward(&l, f->in.x, &s, NOTHING);
}

/* x is a batch of sequences of one step. */
static tap_var use_lengths(fixture *f, int64_t n, double length)
{
    tap_rnn l = { 0 };
    tap_gru_init(&l, f->m, "new", IN, 1, (tap_rnn_options){ 0 });
    const tap_var lengths = tap_cast(tap_full(f->t, TAP_SHAPE(n), length), TAP_I64);
    return tap_rnn_forward(&l, tap_unsqueeze(f->in.x, 0), NULL, lengths);
}

static tap_var use_cell(fixture *f, cell_init init, int64_t in, int64_t hidden, tap_rnn_cell_options o, tap_rnn_state s)
{
    tap_rnn_cell l = { 0 };
    init(&l, f->m, "new", in, hidden, o);
    return tap_rnn_cell_forward(&l, f->in.x, &s);
}

static tap_var use_heads(fixture *f, int64_t size, int64_t n, tap_multihead_attention_options o, tap_attention_call c)
{
    tap_multihead_attention l = { 0 };
    tap_multihead_attention_init(&l, f->m, "new", size, n, o);
    return tap_multihead_attention_forward(&l, f->in.x, f->in.x, f->in.x, c);
}

/* Two tokens go through a cache of this capacity. */
static tap_var use_cache(fixture *f, int64_t batch, int64_t capacity, bool record, bool keys)
{
    tap_multihead_attention l = { 0 };
    tap_attention_cache     c;
    tap_arena              *a = tap_arena_new();
    tap_multihead_attention_init(&l, f->m, "new", IN, 2, (tap_multihead_attention_options){ 0 });
    tap_attention_cache_init(&c, a, &l, batch, capacity);
    tap_tape_set_recording(f->t, record);
    const tap_var key = keys ? f->in.x : NOTHING;
    const tap_var y = tap_multihead_attention_forward(&l, f->in.x, key, key, (tap_attention_call){ .cache = &c });
    tap_tape_reset(f->t); /* which has borrowed the cache */
    tap_arena_free(a);
    return y;
}

/* The error becomes the module's. */
static void make_cache(fixture *f, tap_attention_cache *c, const tap_multihead_attention *l, int64_t capacity)
{
    const char *message;
    tap_arena  *a = tap_arena_new();
    tap_attention_cache_init(c, a, l, BATCH, capacity);
    f->status = (int)tap_arena_status(a, &message);
    if (f->status != TAP_OK) tap_module_fail(f->m, (tap_status)f->status, "%s", message);
    tap_arena_free(a);
}

static void call_tap_attention_cache_init(fixture *f)
{
    tap_multihead_attention l = { 0 };
    tap_attention_cache     c;
    tap_multihead_attention_init(&l, f->m, "new", IN, 2, (tap_multihead_attention_options){ 0 });
    make_cache(f, &c, &l, 3);
}

static void bad_cache_capacity(fixture *f)
{
    tap_multihead_attention l = { 0 };
    tap_attention_cache     c;
    tap_multihead_attention_init(&l, f->m, "new", IN, 2, (tap_multihead_attention_options){ 0 });
    make_cache(f, &c, &l, -1);
}

static const tap_attention_call to_all_keys = { .is_causal = false };

static tap_var use_encoder_layer(fixture *f, int64_t size, tap_transformer_options o)
{
    tap_transformer_encoder_layer l = { 0 };
    tap_transformer_encoder_layer_init(&l, f->m, "new", size, 1, o);
    return tap_transformer_encoder_layer_forward(&l, f->in.x, to_all_keys);
}

static tap_var use_decoder_layer(fixture *f, int64_t size, tap_transformer_options o, tap_var memory)
{
    tap_transformer_decoder_layer l = { 0 };
    tap_transformer_decoder_layer_init(&l, f->m, "new", size, 1, o);
    return tap_transformer_decoder_layer_forward(&l, f->in.x, memory, to_all_keys, to_all_keys);
}

static tap_var use_encoder(fixture *f, int64_t layers)
{
    tap_transformer_encoder l = { 0 };
    tap_transformer_encoder_init(&l, f->m, "new", IN, 2, layers,
                                 (tap_transformer_stack_options){ .layer = { .dim_feedforward = 1 }, .final_norm = true });
    return tap_transformer_encoder_forward(&l, f->in.x, to_all_keys);
}

static tap_var use_decoder(fixture *f, int64_t layers)
{
    tap_transformer_decoder l = { 0 };
    tap_transformer_decoder_init(&l, f->m, "new", IN, 2, layers,
                                 (tap_transformer_stack_options){ .layer = { .dim_feedforward = 1 } });
    return tap_transformer_decoder_forward(&l, f->in.x, f->in.x, to_all_keys, to_all_keys);
}

/* clang-format off */
#define RNN(...)      ((tap_rnn_options){ __VA_ARGS__ })
#define CELL(...)     ((tap_rnn_cell_options){ __VA_ARGS__ })
#define STATE(h_, c_) ((tap_rnn_state){ h_, c_ })
#define NO_STATE      STATE({ 0 }, { 0 })
#define HEADS(...)    ((tap_multihead_attention_options){ __VA_ARGS__ })
#define FORMER(...)   ((tap_transformer_options){ .dim_feedforward = 2, __VA_ARGS__ })

#define FUNCTIONS_OF_SEQUENCES \
    LAYER_CALL(tap_rnn_init, use_rnn(f, tap_rnn_init, IN, 2, RNN(.relu = true), NO_STATE)) \
    LAYER_CALL(tap_lstm_init, use_rnn(f, tap_lstm_init, IN, 2, RNN(.proj_size = 1), NO_STATE)) \
    LAYER_CALL(tap_gru_init, use_rnn(f, tap_gru_init, IN, 2, RNN(.bidirectional = true), NO_STATE)) \
    LAYER_CALL(tap_rnn_forward, use_rnn(f, tap_lstm_init, IN, 1, RNN(.num_layers = 2), NO_STATE)) \
    LAYER_CALL(tap_rnn_cell_init, use_cell(f, tap_rnn_cell_init, IN, 3, CELL(.no_bias = true), NO_STATE)) \
    LAYER_CALL(tap_lstm_cell_init, use_cell(f, tap_lstm_cell_init, IN, 3, CELL(0), NO_STATE)) \
    LAYER_CALL(tap_gru_cell_init, use_cell(f, tap_gru_cell_init, IN, 3, CELL(0), NO_STATE)) \
    LAYER_CALL(tap_rnn_cell_forward, use_cell(f, tap_lstm_cell_init, IN, LATENT, CELL(0), STATE(f->in.z, { 0 }))) \
    LAYER_CALL(tap_multihead_attention_init, use_heads(f, IN, 2, HEADS(.add_bias_kv = true), to_all_keys)) \
    LAYER_CALL(tap_multihead_attention_forward, \
      use_heads(f, IN, 1, HEADS(.dropout = 0.5), ((tap_attention_call){ .attn_mask = f->in.z }))) \
    CALL_FUNCTION(tap_attention_cache_init, MODULE) \
    LAYER_CALL(tap_transformer_encoder_layer_init, use_encoder_layer(f, IN, FORMER(.norm_first = true))) \
    LAYER_CALL(tap_transformer_encoder_layer_forward, use_encoder_layer(f, IN, FORMER(.no_bias = true))) \
    LAYER_CALL(tap_transformer_decoder_layer_init, use_decoder_layer(f, IN, FORMER(.batch_first = true), f->in.x)) \
    LAYER_CALL(tap_transformer_decoder_layer_forward, use_decoder_layer(f, IN, FORMER(.dropout = TAP_ZERO), f->in.x)) \
    LAYER_CALL(tap_transformer_encoder_init, use_encoder(f, 1)) \
    LAYER_CALL(tap_transformer_encoder_forward, use_encoder(f, 2)) \
    LAYER_CALL(tap_transformer_decoder_init, use_decoder(f, 1)) \
    LAYER_CALL(tap_transformer_decoder_forward, use_decoder(f, 2))

#define SEQUENCE_BAD_CALLS \
    BAD_CALL(rnn_null, TAP_EARG, "new: rnn: the layer is NULL", tap_rnn_init(NULL, f->m, "new", 1, 1, RNN(0))) \
    BAD_CALL(lstm_null, TAP_EARG, "new: lstm: the layer is NULL", tap_lstm_init(NULL, f->m, "new", 1, 1, RNN(0))) \
    BAD_CALL(gru_null, TAP_EARG, "new: gru: the layer is NULL", tap_gru_init(NULL, f->m, "new", 1, 1, RNN(0))) \
    BAD_VAR(rnn_sizes, TAP_EARG, "new: rnn: input_size and hidden_size must be at least 1, not 4 and 0", \
      use_rnn(f, tap_rnn_init, IN, 0, RNN(0), NO_STATE)) \
    BAD_VAR(rnn_sizes_min, TAP_EARG, \
      "new: gru: input_size and hidden_size must be at least 1, not -9223372036854775808 and 9223372036854775807", \
      use_rnn(f, tap_gru_init, INT64_MIN, INT64_MAX, RNN(0), NO_STATE)) \
    BAD_VAR(rnn_overflowing, TAP_ESHAPE, NULL, use_rnn(f, tap_lstm_init, INT64_MAX, INT64_MAX, RNN(0), NO_STATE)) \
    BAD_VAR(rnn_vast, TAP_ENOMEM, NULL, use_rnn(f, tap_lstm_init, IN, 1 << 25, RNN(0), NO_STATE)) \
    BAD_VAR(rnn_layers, TAP_EARG, "new: rnn: num_layers must be from 1 to 2^20, not -1", \
      use_rnn(f, tap_rnn_init, IN, 1, RNN(.num_layers = -1), NO_STATE)) \
    BAD_VAR(rnn_layers_max, TAP_EARG, "new: rnn: num_layers must be from 1 to 2^20, not 9223372036854775807", \
      use_rnn(f, tap_rnn_init, IN, 1, RNN(.num_layers = INT64_MAX), NO_STATE)) \
    BAD_VAR(rnn_dropout, TAP_EARG, "new: rnn: dropout must be within 0..1, not nan", \
      use_rnn(f, tap_rnn_init, IN, 1, RNN(.dropout = (double)NAN), NO_STATE)) \
    BAD_VAR(rnn_projection, TAP_EARG, "new: gru: proj_size is of lstm only", \
      use_rnn(f, tap_gru_init, IN, 2, RNN(.proj_size = 1), NO_STATE)) \
    BAD_VAR(lstm_projection, TAP_EARG, "new: lstm: proj_size must be below hidden_size 2, not 2", \
      use_rnn(f, tap_lstm_init, IN, 2, RNN(.proj_size = 2), NO_STATE)) \
    BAD_VAR(lstm_relu, TAP_EARG, "new: lstm: relu is of rnn only", \
      use_rnn(f, tap_lstm_init, IN, 2, RNN(.relu = true), NO_STATE)) \
    BAD_VAR(rnn_none, TAP_EARG, "rnn_forward: [2,4]: the layer was never initialized", \
      tap_rnn_forward(&(tap_rnn){ 0 }, f->in.x, NULL, NOTHING)) \
    BAD_VAR(rnn_forward_null, TAP_EARG, "rnn_forward: [2,4]: the layer was never initialized", \
      tap_rnn_forward(NULL, f->in.x, NULL, NOTHING)) \
    BAD_VAR(rnn_shape, TAP_ESHAPE, \
      "rnn_forward: [2,4]: x must be [time,batch,input_size], or one sequence [time,input_size], with input_size 3", \
      use_rnn(f, tap_rnn_init, 3, 2, RNN(0), NO_STATE)) \
    BAD_VAR(rnn_state, TAP_ESHAPE, "rnn_forward: [2,4] x [2,2]: the state h must be [1,2], not [2,2]", \
      use_rnn(f, tap_rnn_init, IN, 2, RNN(0), STATE(f->in.z, { 0 }))) \
    BAD_VAR(lstm_state, TAP_ESHAPE, "rnn_forward: [2,4] x [2,2] x [2,4]: the state c must be [2,2], not [2,4]", \
      use_rnn(f, tap_lstm_init, IN, 2, RNN(.num_layers = 2), STATE(f->in.z, f->in.x))) \
    BAD_VAR(rnn_lengths, TAP_EARG, NULL, use_lengths(f, 2, 2)) \
    BAD_VAR(rnn_lengths_negative, TAP_EARG, NULL, use_lengths(f, 2, -1)) \
    BAD_VAR(rnn_lengths_count, TAP_ESHAPE, \
      "rnn_forward: [1,2,4] x [3]: lengths must be a vector of 2 numbers, one for each sequence", use_lengths(f, 3, 1)) \
    BAD_CALL(rnn_cell_null, TAP_EARG, "new: rnn_cell: the layer is NULL", \
      tap_rnn_cell_init(NULL, f->m, "new", 1, 1, CELL(0))) \
    BAD_CALL(lstm_cell_null, TAP_EARG, "new: lstm_cell: the layer is NULL", \
      tap_lstm_cell_init(NULL, f->m, "new", 1, 1, CELL(0))) \
    BAD_CALL(gru_cell_null, TAP_EARG, "new: gru_cell: the layer is NULL", \
      tap_gru_cell_init(NULL, f->m, "new", 1, 1, CELL(0))) \
    BAD_VAR(cell_sizes, TAP_EARG, "new: gru_cell: input_size and hidden_size must be at least 1, not 0 and 1", \
      use_cell(f, tap_gru_cell_init, 0, 1, CELL(0), NO_STATE)) \
    BAD_VAR(cell_relu, TAP_EARG, "new: gru_cell: relu is of rnn_cell only", \
      use_cell(f, tap_gru_cell_init, IN, 1, CELL(.relu = true), NO_STATE)) \
    BAD_VAR(cell_none, TAP_EARG, "rnn_cell_forward: [2,4]: the layer was never initialized", \
      tap_rnn_cell_forward(NULL, f->in.x, NULL)) \
    BAD_VAR(cell_shape, TAP_ESHAPE, NULL, use_cell(f, tap_rnn_cell_init, 3, 1, CELL(0), NO_STATE)) \
    BAD_VAR(cell_state, TAP_ESHAPE, "rnn_cell_forward: [2,4] x [2,2]: the state h must be [2,3], not [2,2]", \
      use_cell(f, tap_rnn_cell_init, IN, 3, CELL(0), STATE(f->in.z, { 0 }))) \
    BAD_CALL(heads_null, TAP_EARG, "new: multihead_attention: the layer is NULL", \
      tap_multihead_attention_init(NULL, f->m, "new", 1, 1, HEADS(0))) \
    BAD_VAR(heads_zero, TAP_EARG, "new: multihead_attention: embed_dim 4 must be at least 1 and divisible by 0 heads", \
      use_heads(f, IN, 0, HEADS(0), to_all_keys)) \
    BAD_VAR(heads_three, TAP_EARG, "new: multihead_attention: embed_dim 4 must be at least 1 and divisible by 3 heads", \
      use_heads(f, IN, 3, HEADS(0), to_all_keys)) \
    BAD_VAR(heads_kdim, TAP_EARG, "new: multihead_attention: kdim and vdim must be at least 1, not -1 and 4", \
      use_heads(f, IN, 2, HEADS(.kdim = -1), to_all_keys)) \
    BAD_VAR(heads_dropout, TAP_EARG, "new: multihead_attention: dropout must be within 0..1, not 2", \
      use_heads(f, IN, 2, HEADS(.dropout = 2), to_all_keys)) \
    BAD_VAR(heads_overflowing, TAP_ESHAPE, NULL, use_heads(f, INT64_MAX, 1, HEADS(0), to_all_keys)) \
    BAD_VAR(heads_none, TAP_EARG, "multihead_attention_forward: [2,4] x [2,4] x [2,4]: the layer was never initialized", \
      tap_multihead_attention_forward(NULL, f->in.x, f->in.x, f->in.x, to_all_keys)) \
    BAD_VAR(heads_size, TAP_ESHAPE, NULL, use_heads(f, 6, 2, HEADS(0), to_all_keys)) \
    BAD_VAR(heads_mask, TAP_ESHAPE, \
      "multihead_attention_forward: [2,4] x [2,4] x [2,4] x [2,4]: attn_mask must be [2,2] or [2,2,2], not [2,4]", \
      use_heads(f, IN, 2, HEADS(0), ((tap_attention_call){ .attn_mask = f->in.x }))) \
    BAD_VAR(heads_mask_dtype, TAP_EDTYPE, \
      "multihead_attention_forward: [2,4] x [2,4] x [2,4] x [2,2]: a mask must be bool or float, not int64", \
      use_heads(f, IN, 2, HEADS(0), ((tap_attention_call){ .attn_mask = tap_cast(f->in.z, TAP_I64) }))) \
    BAD_VAR(heads_padding, TAP_ESHAPE, "multihead_attention_forward: [2,4] x [2,4] x [2,4] x [2,2]: key_padding_mask must be " \
      "[batch,keys], with a batch of 1 and 2 keys, not [2,2]", \
      use_heads(f, IN, 2, HEADS(0), ((tap_attention_call){ .key_padding_mask = f->in.z }))) \
    BAD_VAR(cache_records, TAP_EARG, NULL, use_cache(f, 1, 4, true, true)) \
    BAD_VAR(cache_full, TAP_ESHAPE, "multihead_attention_forward: [2,4] x [2,4] x [2,4]: the cache has a capacity of 1 keys, " \
      "too few for 0 and 2 more", use_cache(f, 1, 1, false, true)) \
    BAD_VAR(cache_batch, TAP_ESHAPE, "multihead_attention_forward: [2,4] x [2,4] x [2,4]: the cache must be made for this " \
      "layer and a batch of 1; its keys are [3,2,4,2]", use_cache(f, 3, 4, false, true)) \
    BAD_VAR(cache_empty, TAP_EARG, "multihead_attention_forward: [2,4]: there is neither a key nor one in the cache", \
      use_cache(f, 1, 4, false, false)) \
    BAD_CALL(cache_null, TAP_EARG, "attention_cache: the cache is NULL", \
      make_cache(f, NULL, &(tap_multihead_attention){ 0 }, 1)) \
    BAD_CALL(cache_no_layer, TAP_EARG, "attention_cache: the layer was never initialized", \
      make_cache(f, &(tap_attention_cache){ .length = 0 }, NULL, 1)) \
    BAD_CALL(cache_layer, TAP_EARG, "attention_cache: the layer was never initialized", \
      make_cache(f, &(tap_attention_cache){ .length = 0 }, &(tap_multihead_attention){ 0 }, 1)) \
    BAD_FUNCTION(cache_capacity, TAP_ESHAPE, NULL) \
    BAD_CALL(encoder_layer_null, TAP_EARG, "new: transformer_encoder_layer: the layer is NULL", \
      tap_transformer_encoder_layer_init(NULL, f->m, "new", 1, 1, FORMER(0))) \
    BAD_CALL(decoder_layer_null, TAP_EARG, "new: transformer_decoder_layer: the layer is NULL", \
      tap_transformer_decoder_layer_init(NULL, f->m, "new", 1, 1, FORMER(0))) \
    BAD_CALL(encoder_null, TAP_EARG, "new: transformer_encoder: the layer is NULL", \
      tap_transformer_encoder_init(NULL, f->m, "new", 1, 1, 1, (tap_transformer_stack_options){ .final_norm = false })) \
    BAD_CALL(decoder_null, TAP_EARG, "new: transformer_decoder: the layer is NULL", \
      tap_transformer_decoder_init(NULL, f->m, "new", 1, 1, 1, (tap_transformer_stack_options){ .final_norm = false })) \
    BAD_VAR(encoder_layer_dropout, TAP_EARG, "new: transformer_encoder_layer: dropout must be within 0..1, not 1.5", \
      use_encoder_layer(f, IN, FORMER(.dropout = 1.5))) \
    BAD_VAR(encoder_layer_negative, TAP_EARG, \
      "new: transformer_encoder_layer: dropout must be a finite number, at least 0, not -2", \
      use_encoder_layer(f, IN, FORMER(.dropout = -2))) \
    BAD_VAR(encoder_layer_feedforward, TAP_EARG, "new.linear1: linear: sizes must be at least 1, not 4 -> -1", \
      use_encoder_layer(f, IN, ((tap_transformer_options){ .dim_feedforward = -1 }))) \
    BAD_VAR(encoder_layer_eps, TAP_EARG, "new.norm1: layer_norm: eps must be a finite number, at least 0, not -5", \
      use_encoder_layer(f, IN, FORMER(.layer_norm_eps = -5))) \
    BAD_VAR(encoder_layer_size, TAP_EARG, \
      "new.self_attn: multihead_attention: embed_dim 0 must be at least 1 and divisible by 1 heads", \
      use_encoder_layer(f, 0, FORMER(0))) \
    BAD_VAR(encoder_layer_shape, TAP_ESHAPE, NULL, use_encoder_layer(f, 3, FORMER(0))) \
    BAD_VAR(encoder_layer_none, TAP_EARG, "transformer_encoder_layer_forward: [2,4]: the layer was never initialized", \
      tap_transformer_encoder_layer_forward(NULL, f->in.x, to_all_keys)) \
    BAD_VAR(decoder_layer_memory, TAP_EARG, "transformer_decoder_layer_forward: [2,4]: there is no key", \
      use_decoder_layer(f, IN, FORMER(0), NOTHING)) \
    BAD_VAR(decoder_layer_shape, TAP_ESHAPE, NULL, use_decoder_layer(f, IN, FORMER(0), f->in.z)) \
    BAD_VAR(decoder_layer_none, TAP_EARG, \
      "transformer_decoder_layer_forward: [2,4] x [2,4]: the layer was never initialized", \
      tap_transformer_decoder_layer_forward(NULL, f->in.x, f->in.x, to_all_keys, to_all_keys)) \
    BAD_VAR(encoder_layers, TAP_EARG, "new: transformer_encoder: num_layers must be from 1 to 2^20, not 0", use_encoder(f, 0)) \
    BAD_VAR(decoder_layers, TAP_EARG, "new: transformer_decoder: num_layers must be from 1 to 2^20, not 9223372036854775807", \
      use_decoder(f, INT64_MAX)) \
    BAD_VAR(encoder_none, TAP_EARG, "transformer_encoder_forward: [2,4]: the layer was never initialized", \
      tap_transformer_encoder_forward(NULL, f->in.x, to_all_keys)) \
    BAD_VAR(decoder_none, TAP_EARG, "transformer_decoder_forward: [2,4] x [2,4]: the layer was never initialized", \
      tap_transformer_decoder_forward(&(tap_transformer_decoder){ 0 }, f->in.x, f->in.x, to_all_keys, to_all_keys))
/* clang-format on */

#endif
