/* tests/nn/layers_sequences.c: rows of the layers of sequences: recurrent layers and cells, attention, transformers. */
#include "tests/nn/layer_tables.h"

#define NAMED       l, m, "layer"
#define RNN(...)    ((tap_rnn_options){ __VA_ARGS__ })
#define CELL(...)   ((tap_rnn_cell_options){ __VA_ARGS__ })
#define HEADS(...)  ((tap_multihead_attention_options){ __VA_ARGS__ })
#define FORMER(...) ((tap_transformer_options){ .dim_feedforward = 3, __VA_ARGS__ })
#define STACK(...) \
    ((tap_transformer_stack_options){ .layer = { .dim_feedforward = 2, .activation = tap_gelu, __VA_ARGS__ }, \
                                      .final_norm = true })
#define CALLED(...) ((tap_attention_call){ __VA_ARGS__ })
#define EVERY_KEY   CALLED(.is_causal = false)

/* Output and state of a recurrent layer, so that gradients come from both. */
static tap_var with_state(const tap_rnn *l, tap_var x, bool given, const int64_t *lengths)
{
    const int64_t batch = tap_shape_of(x).n[l->options.batch_first ? 0 : 1], layers = l->options.num_layers;
    const int64_t size = l->options.proj_size ? l->options.proj_size : l->hidden_size;
    const tap_var number = tap_mean(x, TAP_ALL);
    tap_rnn_state s = { { 0 }, { 0 } };
    if (given) s.h = tap_expand(number, TAP_SHAPE(layers * (l->options.bidirectional ? 2 : 1), batch, size));
    if (given) s.c = tap_expand(number, TAP_SHAPE(layers * (l->options.bidirectional ? 2 : 1), batch, l->hidden_size));
    tap_var n = { 0 };
    if (lengths) n = tap_input(x.tape, tap_tensor_wrap(TAP_I64, TAP_SHAPE(batch), (void *)(uintptr_t)lengths));
    const tap_var y = tap_rnn_forward(l, x, &s, n);
    tap_var       sum = tap_mul(y, tap_mean(s.h, TAP_ALL));
    return s.c.tape ? tap_add(sum, tap_mean(tap_square(s.c), TAP_ALL)) : sum;
}

static tap_var cell_twice(const tap_rnn_cell *l, tap_var x)
{
    tap_rnn_state s = { { 0 }, { 0 } };
    tap_rnn_cell_forward(l, x, &s);
    return tap_rnn_cell_forward(l, tap_sin(x), &s);
}

/* The second sequence has no first key. */
static tap_var with_weights(const tap_multihead_attention *l, tap_var x)
{
    const tap_shape s = tap_shape_of(x);
    const tap_var   padding = tap_cast(tap_tril(tap_ones(x.tape, TAP_SHAPE(s.n[1], s.n[0])), -1), TAP_BOOL);
    tap_var         weights;
    const tap_var   y = tap_multihead_attention_forward(
          l, x, tap_sin(x), tap_cos(x), CALLED(.key_padding_mask = padding, .no_average = true, .weights = &weights));
    return tap_mul(y, tap_sum(tap_square(weights), TAP_ALL));
}

/* Keys of 2 numbers, values of 3, a mask of numbers that depend on x. */
static tap_var across(const tap_multihead_attention *l, tap_var x)
{
    const tap_var mask = tap_slice(tap_flatten(x, 1, 2), 1, 0, 2, 1);
    return tap_multihead_attention_forward(l, x, tap_narrow(tap_sin(x), 2, 0, 2), tap_narrow(tap_cos(x), 2, 0, 3),
                                           CALLED(.attn_mask = tap_narrow(mask, 0, 0, 2)));
}

static tap_var decode(const tap_transformer_decoder *l, tap_var x)
{
    return tap_transformer_decoder_forward(l, x, tap_sin(x), CALLED(.is_causal = true), EVERY_KEY);
}

/* clang-format off */
LAYER(rnn, tap_rnn, tap_rnn_init(NAMED, 2, 2, RNN(.num_layers = 2, .bidirectional = true)), with_state(l, x, true, NULL))
LAYER(rnn_relu, tap_rnn, tap_rnn_init(NAMED, 2, 3, RNN(.relu = true, .no_bias = true)), with_state(l, x, false, NULL))
LAYER(rnn_dropout, tap_rnn, tap_rnn_init(NAMED, 2, 2, RNN(.num_layers = 2, .dropout = 0.4)), with_state(l, x, false, NULL))
LAYER(lstm, tap_rnn, tap_lstm_init(NAMED, 2, 3, RNN(.batch_first = true, .proj_size = 2)), with_state(l, x, true, NULL))
LAYER(lstm_lengths, tap_rnn, tap_lstm_init(NAMED, 2, 2, RNN(.bidirectional = true)), with_state(l, x, true, (const int64_t[]){ 1, 3 }))
LAYER(gru, tap_rnn, tap_gru_init(NAMED, 2, 2, RNN(.num_layers = 2)), with_state(l, x, true, NULL))
LAYER(gru_lengths, tap_rnn, tap_gru_init(NAMED, 2, 2, RNN(.bidirectional = true, .no_bias = true)), with_state(l, x, false, (const int64_t[]){ 2, 0 }))
LAYER(rnn_cell, tap_rnn_cell, tap_rnn_cell_init(NAMED, 2, 3, CELL(.no_bias = true)), cell_twice(l, x))
LAYER(lstm_cell, tap_rnn_cell, tap_lstm_cell_init(NAMED, 2, 2, CELL(0)), cell_twice(l, x))
LAYER(gru_cell, tap_rnn_cell, tap_gru_cell_init(NAMED, 2, 2, CELL(0)), cell_twice(l, x))
LAYER(attention, tap_multihead_attention, tap_multihead_attention_init(NAMED, 4, 2, HEADS(.dropout = 0.3)),
      tap_multihead_attention_forward(l, x, x, x, CALLED(.is_causal = true)))
LAYER(attention_weights, tap_multihead_attention,
      tap_multihead_attention_init(NAMED, 4, 2, HEADS(.add_bias_kv = true, .add_zero_attn = true)), with_weights(l, x))
LAYER(attention_across, tap_multihead_attention, tap_multihead_attention_init(NAMED, 4, 1, HEADS(.kdim = 2, .vdim = 3, .no_bias = true)), across(l, x))
LAYER(encoder_layer, tap_transformer_encoder_layer, tap_transformer_encoder_layer_init(NAMED, 4, 2, FORMER(.norm_first = true, .activation = tap_tanh)),
      tap_transformer_encoder_layer_forward(l, x, CALLED(.is_causal = true)))
LAYER(encoder_layer_after, tap_transformer_encoder_layer, tap_transformer_encoder_layer_init(NAMED, 4, 1, FORMER(.no_bias = true, .dropout = TAP_ZERO, .activation = tap_silu, .layer_norm_eps = 0.1)),
      tap_transformer_encoder_layer_forward(l, x, EVERY_KEY))
LAYER(decoder_layer, tap_transformer_decoder_layer, tap_transformer_decoder_layer_init(NAMED, 4, 2, FORMER(.batch_first = true, .activation = tap_tanh, .layer_norm_eps = 0.1)),
      tap_transformer_decoder_layer_forward(l, x, tap_sin(x), CALLED(.is_causal = true), EVERY_KEY))
LAYER(encoder, tap_transformer_encoder, tap_transformer_encoder_init(NAMED, 2, 1, 2, STACK(.norm_first = true, .layer_norm_eps = 0.1)),
      tap_transformer_encoder_forward(l, x, CALLED(.is_causal = true)))
LAYER(decoder, tap_transformer_decoder, tap_transformer_decoder_init(NAMED, 2, 1, 2, STACK(.norm_first = true, .layer_norm_eps = 0.1)), decode(l, x))
/* clang-format on */

#define ROW(name, ...) \
    { \
#name, S(__VA_ARGS__), name##_make, name##_call, false \
    }

/* clang-format off */
const layer_row sequence_layers[] = {
    ROW(rnn, 3, 2, 2),
    ROW(rnn_relu, 3, 2, 2),
    ROW(rnn_dropout, 2, 3, 2),
    ROW(lstm, 2, 3, 2),
    ROW(lstm_lengths, 3, 2, 2),
    ROW(gru, 3, 2, 2),
    ROW(gru_lengths, 3, 2, 2),
    ROW(rnn_cell, 2, 2),
    ROW(lstm_cell, 2, 2),
    ROW(gru_cell, 2, 2),
    ROW(attention, 3, 2, 4),
    ROW(attention_weights, 2, 2, 4),
    ROW(attention_across, 2, 1, 4),
    ROW(encoder_layer, 2, 2, 4),
    ROW(encoder_layer_after, 2, 2, 4),
    ROW(decoder_layer, 2, 2, 4),
    ROW(encoder, 3, 1, 2),
    ROW(decoder, 3, 1, 2),
    { 0 },
};
/* clang-format on */
