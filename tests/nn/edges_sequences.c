/* tests/nn/edges_sequences.c: recurrent layers, attention and transformers with infinity, NaN and numbers at the ends of the
 * range. The inputs are x and two weights, which take the place of the layer's own parameters. */
#include "tests/nn/edge_layers.h"

#define NAMED     &l, layers_root(), __func__
#define RNN(...)  ((tap_rnn_options){ .no_bias = true, __VA_ARGS__ })
#define CELL(...) ((tap_rnn_cell_options){ .no_bias = true, __VA_ARGS__ })
#define HEADS     ((tap_multihead_attention_options){ .no_bias = true })
#define OF_RNN(w) (l.weights ? l.weights->w : NULL)
#define FIRST     .dim_feedforward = 2, .norm_first = true, .dropout = TAP_ZERO
#define FORMER    ((tap_transformer_options){ FIRST })
#define STACK(n)  ((tap_transformer_stack_options){ .layer = { FIRST }, .final_norm = n })
#define PLAIN     ((tap_attention_call){ .is_causal = false })
#define LAST(w)   (l.has_norm ? l.norm.w : NULL)
#define MEMORY    tap_full_like(x, 1)

static tap_var recur(const tap_rnn *l, tap_var x)
{
    return tap_rnn_forward(l, x, NULL, (tap_var){ 0 });
}

/* The first step only. */
static tap_var recur_once(const tap_rnn *l, tap_var x)
{
    return tap_rnn_forward(l, x, NULL, tap_full_like(tap_narrow(tap_arange(x.tape, 2), 0, 1, 1), 1));
}

static tap_var attend(const tap_multihead_attention *l, tap_var x, bool masked)
{
    const int64_t            n = tap_shape_of(x).n[0];
    const tap_attention_call c = { .attn_mask = tap_cast(tap_full(x.tape, TAP_SHAPE(n, n), masked), TAP_BOOL) };
    return tap_multihead_attention_forward(l, x, x, x, c);
}

/* clang-format off */
CASE(relu, tap_rnn, tap_rnn_init(NAMED, 1, 1, RNN(.relu = true)), OF_RNN(weight_ih), OF_RNN(weight_hh), recur(&l, x))
CASE(ended, tap_rnn, tap_rnn_init(NAMED, 1, 1, RNN(.relu = true)), OF_RNN(weight_ih), OF_RNN(weight_hh), recur_once(&l, x))
CASE(hyperbolic, tap_rnn, tap_rnn_init(NAMED, 1, 1, RNN(0)), OF_RNN(weight_ih), OF_RNN(weight_hh), recur(&l, x))
CASE(lstm, tap_rnn, tap_lstm_init(NAMED, 1, 1, RNN(0)), OF_RNN(weight_ih), OF_RNN(weight_hh), recur(&l, x))
CASE(gru, tap_rnn, tap_gru_init(NAMED, 1, 1, RNN(0)), OF_RNN(weight_ih), OF_RNN(weight_hh), recur(&l, x))
CASE(cell, tap_rnn_cell, tap_rnn_cell_init(NAMED, 1, 1, CELL(.relu = true)), l.weights.weight_ih, l.weights.weight_hh,
     tap_rnn_cell_forward(&l, x, NULL))
CASE(gru_cell, tap_rnn_cell, tap_gru_cell_init(NAMED, 1, 1, CELL(0)), l.weights.weight_ih, l.weights.weight_hh,
     tap_rnn_cell_forward(&l, x, NULL))
CASE(attention, tap_multihead_attention, tap_multihead_attention_init(NAMED, 1, 1, HEADS), l.in_proj_weight, l.out_proj.weight,
     attend(&l, x, false))
CASE(masked, tap_multihead_attention, tap_multihead_attention_init(NAMED, 1, 1, HEADS), l.in_proj_weight, l.out_proj.weight,
     attend(&l, x, true))
CASE(encoder_layer, tap_transformer_encoder_layer, tap_transformer_encoder_layer_init(NAMED, 1, 1, FORMER), l.norm1.weight, l.norm2.weight,
     tap_transformer_encoder_layer_forward(&l, x, PLAIN))
CASE(decoder_layer, tap_transformer_decoder_layer, tap_transformer_decoder_layer_init(NAMED, 1, 1, FORMER), l.norm1.weight, l.norm3.weight,
     tap_transformer_decoder_layer_forward(&l, x, MEMORY, PLAIN, PLAIN))
CASE(encoder, tap_transformer_encoder, tap_transformer_encoder_init(NAMED, 1, 1, 2, STACK(true)), LAST(weight), LAST(bias),
     tap_transformer_encoder_forward(&l, x, PLAIN))
CASE(decoder, tap_transformer_decoder, tap_transformer_decoder_init(NAMED, 1, 1, 2, STACK(true)), LAST(weight), LAST(bias),
     tap_transformer_decoder_forward(&l, x, MEMORY, PLAIN, PLAIN))

#define ROW(id_, name, n_, ...) { .id = id_, .f = name##_of, .n = n_, __VA_ARGS__ }
#define SHAPES(...)             .shape = { __VA_ARGS__ }
#define XS(...)                 .x = { __VA_ARGS__ }
#define GS(...)                 .g = { __VA_ARGS__ }
#define WEIGHTS                 .only = EDGE_F64 /* their other weights are float64 */
#define TANH_1                  0.76159415595576488812

const edge_case sequence_cases[] = {
    ROW("rnn_forward__relu", relu, 3, SHAPES(S(2, 1, 1), S(1, 1), S(1, 1)), XS(N(Inf, 1), N(1), N(1)), .out = S(2, 1, 1), .y = N(Inf, Inf),
        GS(N(2, 1), N(Inf), N(Inf)), .unmasked = sums),
    ROW("rnn_forward__lengths", ended, 3, SHAPES(S(2, 1, 1), S(1, 1), S(1, 1)), XS(N(5, NaN), N(2), N(1)), .out = S(2, 1, 1), .y = N(10, 0),
        GS(N(2, 0), N(5), N(0))),
    ROW("rnn_forward", hyperbolic, 3, SHAPES(S(2, 1, 1), S(1, 1), S(1, 1)), XS(N(MAX, -MAX), N(1), N(1)), .out = S(2, 1, 1), .y = N(1, -1),
        GS(N(0, 0), N(0), N(0))),
    ROW("rnn_forward__lstm", lstm, 3, SHAPES(S(1, 1, 1), S(4, 1), S(4, 1)), XS(N(MAX), N(1, 1, 1, 1), N(1, 1, 1, 1)), .out = S(1, 1, 1),
        .y = N(TANH_1), GS(N(0), N(0, 0, 0, 0), N(0, 0, 0, 0)), .ulps = 2),
    ROW("rnn_forward__lstm_closed", lstm, 3, SHAPES(S(1, 1, 1), S(4, 1), S(4, 1)), XS(N(MAX), N(-1, -1, 1, 1), N(1, 1, 1, 1)),
        .out = S(1, 1, 1), .y = N(0), GS(N(0), N(0, 0, 0, 0), N(0, 0, 0, 0))),
    ROW("rnn_forward__gru", gru, 3, SHAPES(S(1, 1, 1), S(3, 1), S(3, 1)), XS(N(MAX), N(1, -1, 1), N(1, 1, 1)), .out = S(1, 1, 1), .y = N(1),
        GS(N(0), N(0, 0, 0), N(0, 0, 0))),
    ROW("rnn_cell_forward", cell, 3, SHAPES(S(1, 1), S(1, 1), S(1, 1)), XS(N(Inf), N(2), N(1)), .out = S(1, 1), .y = N(Inf),
        GS(N(2), N(Inf), N(0)), .unmasked = sums),
    ROW("rnn_cell_forward__gru", gru_cell, 3, SHAPES(S(1, 1), S(3, 1), S(3, 1)), XS(N(MAX), N(1, 1, 1), N(1, 1, 1)), .out = S(1, 1),
        .y = N(0), GS(N(0), N(0, 0, 0), N(0, 0, 0))),
    ROW("multihead_attention_forward", attention, 3, SHAPES(S(1, 1, 1), S(3, 1), S(1, 1)), XS(N(2), N(1, 1, MAX / 4), N(1)),
        .out = S(1, 1, 1), .y = N(MAX / 2), .only = EDGE_F64, GS(N(MAX / 4), N(0, 0, 2), N(MAX / 2))),
    ROW("multihead_attention_forward__no_key", masked, 3, SHAPES(S(2, 1, 1), S(3, 1), S(1, 1)), XS(N(3, -2), N(1, 1, 1), N(1)),
        .out = S(2, 1, 1), .y = N(0, 0), GS(N(0, 0), N(0, 0, 0), N(0))),
    ROW("transformer_encoder_layer_forward", encoder_layer, 3, SHAPES(S(1, 1, 1), S(1), S(1)), XS(N(MAX), N(1), N(1)), .out = S(1, 1, 1),
        .y = N(MAX), WEIGHTS, GS(N(1), N(0), N(0))),
    ROW("transformer_decoder_layer_forward", decoder_layer, 3, SHAPES(S(1, 1, 1), S(1), S(1)), XS(N(-MAX), N(1), N(1)), .out = S(1, 1, 1),
        .y = N(-MAX), WEIGHTS, GS(N(1), N(0), N(0))),
    ROW("transformer_encoder_forward", encoder, 3, SHAPES(S(1, 1, 1), S(1), S(1)), XS(N(MAX), N(2), N(3)), .out = S(1, 1, 1), .y = N(3),
        WEIGHTS, GS(N(0), N(0), N(1))),
    ROW("transformer_decoder_forward", decoder, 3, SHAPES(S(1, 1, 1), S(1), S(1)), XS(N(-MAX), N(2), N(3)), .out = S(1, 1, 1), .y = N(3),
        WEIGHTS, GS(N(0), N(0), N(1))),
    { 0 },
};
/* clang-format on */
