/* tests/golden/nn_layer_sequences.c: how torch.nn's layers of sequences are made and called here: recurrent layers and
 * cells, attention and transformers. */
#include <math.h>

#include "tests/golden/nn_layer.h"

/* The struct of a layer, zeroed. */
#define NEW(type) ((type *)(l->layer = tap_arena_alloc(l->c->arena, sizeof(type))))
#define GET(type) ((const type *)l->layer)

/* ---- Recurrent layers ---- */

static bool is_relu(nn_layer *l)
{
    const char *how = nn_text(l->args, "nonlinearity");
    if (*how && strcmp(how, "tanh") != 0 && strcmp(how, "relu") != 0) nn_fail(l->c, "nonlinearity '%s' is not known", how);
    return strcmp(how, "relu") == 0;
}

typedef void (*rnn_init)(tap_rnn *, tap_module *, const char *, int64_t, int64_t, tap_rnn_options);

static void make_recurrent(nn_layer *l, rnn_init init)
{
    tap_rnn_options o = { .num_layers = nn_integer(l, "num_layers", 1),
                          .bidirectional = nn_bool(l, "bidirectional", false),
                          .batch_first = nn_bool(l, "batch_first", false),
                          .no_bias = !nn_bool(l, "bias", true),
                          .dropout = nn_number(nn_field(l->args, "dropout"), 0),
                          .proj_size = nn_integer(l, "proj_size", 0),
                          .relu = is_relu(l) };
    init(NEW(tap_rnn), l->root, "layer", nn_integer(l, "input_size", 0), nn_integer(l, "hidden_size", 0), o);
}

static void make_rnn(nn_layer *l)
{
    make_recurrent(l, tap_rnn_init);
}

static void make_lstm(nn_layer *l)
{
    make_recurrent(l, tap_lstm_init);
}

static void make_gru(nn_layer *l)
{
    make_recurrent(l, tap_gru_init);
}

/* The case's "lengths" on the tape; *longest: the largest of them. */
static tap_var read_lengths(nn_layer *l, const cJSON *lengths, int64_t *longest)
{
    const int64_t n = cJSON_GetArraySize(lengths);
    int64_t      *values = tap_arena_alloc(l->c->arena, (size_t)(n > 0 ? n : 1) * sizeof *values);
    for (int i = 0; i < n; i++) {
        values[i] = (int64_t)nn_number(cJSON_GetArrayItem(lengths, i), 0);
        if (values[i] > *longest) *longest = values[i];
    }
    return tap_input(l->t, tap_tensor_wrap(TAP_I64, TAP_SHAPE(n), values));
}

/* pad_packed_sequence makes the output as long as the longest sequence. */
static void run_recurrent(nn_layer *l)
{
    const tap_rnn *layer = GET(tap_rnn);
    const cJSON   *lengths = nn_field(l->c->json, "lengths");
    int64_t        longest = 0;
    tap_rnn_state  s = { nn_input(l, "h0"), nn_input(l, "c0") };
    const tap_var  steps = lengths ? read_lengths(l, lengths, &longest) : (tap_var){ 0 };
    l->result[0] = tap_rnn_forward(layer, nn_input(l, "input"), &s, steps);
    if (lengths) l->result[0] = tap_narrow(l->result[0], layer->options.batch_first, 0, longest);
    l->result[1] = s.h;
    l->result[2] = s.c;
}

/* ---- Recurrent cells ---- */

typedef void (*cell_init)(tap_rnn_cell *, tap_module *, const char *, int64_t, int64_t, tap_rnn_cell_options);

static void make_cell(nn_layer *l, cell_init init)
{
    tap_rnn_cell_options o = { .no_bias = !nn_bool(l, "bias", true), .relu = is_relu(l) };
    init(NEW(tap_rnn_cell), l->root, "layer", nn_integer(l, "input_size", 0), nn_integer(l, "hidden_size", 0), o);
}

static void make_rnn_cell(nn_layer *l)
{
    make_cell(l, tap_rnn_cell_init);
}

static void make_lstm_cell(nn_layer *l)
{
    make_cell(l, tap_lstm_cell_init);
}

static void make_gru_cell(nn_layer *l)
{
    make_cell(l, tap_gru_cell_init);
}

static void run_cell(nn_layer *l)
{
    tap_rnn_state s = { nn_input(l, "h0"), nn_input(l, "c0") };
    l->result[0] = tap_rnn_cell_forward(GET(tap_rnn_cell), nn_input(l, "input"), &s);
    l->result[1] = s.c;
}

/* ---- Attention ---- */

static void make_attention(nn_layer *l)
{
    tap_multihead_attention_options o = { .kdim = nn_integer(l, "kdim", 0),
                                          .vdim = nn_integer(l, "vdim", 0),
                                          .dropout = nn_number(nn_field(l->args, "dropout"), 0),
                                          .batch_first = nn_bool(l, "batch_first", false),
                                          .no_bias = !nn_bool(l, "bias", true),
                                          .add_bias_kv = nn_bool(l, "add_bias_kv", false),
                                          .add_zero_attn = nn_bool(l, "add_zero_attn", false) };
    tap_multihead_attention_init(NEW(tap_multihead_attention), l->root, "layer", nn_integer(l, "embed_dim", 0),
                                 nn_integer(l, "num_heads", 0), o);
}

/* Where no weights are wanted and keys are not masked, PyTorch reads is_causal in place of the mask, to which no gradient flows. */
static tap_attention_call without_hint(tap_attention_call c)
{
    if (c.is_causal && !c.weights && !c.key_padding_mask.tape) c.attn_mask = (tap_var){ 0 };
    return c;
}

static void run_attention(nn_layer *l)
{
    const nn_layer     of_call = { .c = l->c, .args = l->call };
    tap_attention_call c = { .attn_mask = nn_input(l, "attn_mask"),
                             .key_padding_mask = nn_input(l, "key_padding_mask"),
                             .is_causal = nn_bool(&of_call, "is_causal", false),
                             .no_average = !nn_bool(&of_call, "average_attn_weights", true) };
    if (nn_bool(&of_call, "need_weights", true)) c.weights = &l->result[1];
    l->result[0] = tap_multihead_attention_forward(GET(tap_multihead_attention), nn_input(l, "query"), nn_input(l, "key"),
                                                   nn_input(l, "value"), without_hint(c));
}

/* ---- Transformers ---- */

static tap_transformer_options transformer_options(const nn_layer *l)
{
    const char             *given = nn_text(l->args, "activation");
    tap_transformer_options o = { .dim_feedforward = nn_integer(l, "dim_feedforward", 0),
                                  .dropout = nn_option(l, "dropout"),
                                  .activation = tap_activation_find(*given ? given : "relu"),
                                  .layer_norm_eps = nn_option(l, "layer_norm_eps"),
                                  .batch_first = nn_bool(l, "batch_first", false),
                                  .norm_first = nn_bool(l, "norm_first", false),
                                  .no_bias = !nn_bool(l, "bias", true) };
    if (!o.activation) nn_fail(l->c, "activation '%s' is not known", given);
    return o;
}

/* The arguments of the layers of a stack, which are its argument of this name. */
static nn_layer arguments_of_layer(const nn_layer *l, const char *name)
{
    return (nn_layer){ .c = l->c, .args = nn_field(l->args, name) };
}

static tap_transformer_stack_options stack_options(const nn_layer *l, const nn_layer *of_layer)
{
    const nn_layer                of_norm = arguments_of_layer(l, "norm");
    tap_transformer_stack_options o = { .layer = transformer_options(of_layer), .final_norm = of_norm.args };
    if (!of_norm.args) return o;
    o.norm = (tap_layer_norm_options){ .eps = nn_option(&of_norm, "eps"),
                                       .no_affine = !nn_bool(&of_norm, "elementwise_affine", true),
                                       .no_bias = !nn_bool(&of_norm, "bias", true) };
    return o;
}

static void make_encoder_layer(nn_layer *l)
{
    tap_transformer_encoder_layer_init(NEW(tap_transformer_encoder_layer), l->root, "layer", nn_integer(l, "d_model", 0),
                                       nn_integer(l, "nhead", 0), transformer_options(l));
}

static void make_decoder_layer(nn_layer *l)
{
    tap_transformer_decoder_layer_init(NEW(tap_transformer_decoder_layer), l->root, "layer", nn_integer(l, "d_model", 0),
                                       nn_integer(l, "nhead", 0), transformer_options(l));
}

static void make_encoder(nn_layer *l)
{
    const nn_layer of_layer = arguments_of_layer(l, "encoder_layer");
    tap_transformer_encoder_init(NEW(tap_transformer_encoder), l->root, "layer", nn_integer(&of_layer, "d_model", 0),
                                 nn_integer(&of_layer, "nhead", 0), nn_integer(l, "num_layers", 0),
                                 stack_options(l, &of_layer));
}

static void make_decoder(nn_layer *l)
{
    const nn_layer of_layer = arguments_of_layer(l, "decoder_layer");
    tap_transformer_decoder_init(NEW(tap_transformer_decoder), l->root, "layer", nn_integer(&of_layer, "d_model", 0),
                                 nn_integer(&of_layer, "nhead", 0), nn_integer(l, "num_layers", 0),
                                 stack_options(l, &of_layer));
}

/* Whether a mask is 0 on and below the diagonal and -infinity above. */
static bool is_causal_mask(tap_var mask)
{
    if (!mask.tape || !tap_dtype_is_float(tap_value(mask).dtype) || tap_shape_of(mask).rank != 2) return false;
    const tap_tensor x = tap_value(mask);
    const int64_t    n = x.shape.n[0];
    bool             same = x.shape.n[1] == n;
    for (int64_t i = 0; i < n * n && same; i++) same = tap_tensor_item(x, i) == (i % n > i / n ? -(double)INFINITY : 0);
    return same;
}

static tap_attention_call attention_call(nn_layer *l, const char *mask, const char *padding, const char *is_causal)
{
    const nn_layer of_call = { .c = l->c, .args = l->call };
    return without_hint((tap_attention_call){ .attn_mask = nn_input(l, mask),
                                              .key_padding_mask = nn_input(l, padding),
                                              .is_causal = nn_bool(&of_call, is_causal, false) });
}

/* The self-attention of a stack, which, if is_causal is not given, finds out itself. */
static tap_attention_call stack_call(nn_layer *l, const char *mask, const char *padding, const char *is_causal)
{
    tap_attention_call c = attention_call(l, mask, padding, is_causal);
    if (!nn_field(l->call, is_causal)) c.is_causal = is_causal_mask(c.attn_mask);
    return without_hint(c);
}

static void run_encoder_layer(nn_layer *l)
{
    l->result[0] = tap_transformer_encoder_layer_forward(GET(tap_transformer_encoder_layer), nn_input(l, "src"),
                                                         attention_call(l, "src_mask", "src_key_padding_mask", "is_causal"));
}

static void run_encoder(nn_layer *l)
{
    l->result[0] = tap_transformer_encoder_forward(GET(tap_transformer_encoder), nn_input(l, "src"),
                                                   stack_call(l, "mask", "src_key_padding_mask", "is_causal"));
}

static tap_attention_call self_call(nn_layer *l)
{
    return attention_call(l, "tgt_mask", "tgt_key_padding_mask", "tgt_is_causal");
}

static tap_attention_call cross_call(nn_layer *l)
{
    return attention_call(l, "memory_mask", "memory_key_padding_mask", "memory_is_causal");
}

static void run_decoder_layer(nn_layer *l)
{
    l->result[0] = tap_transformer_decoder_layer_forward(GET(tap_transformer_decoder_layer), nn_input(l, "tgt"),
                                                         nn_input(l, "memory"), self_call(l), cross_call(l));
}

static void run_decoder(nn_layer *l)
{
    l->result[0] =
        tap_transformer_decoder_forward(GET(tap_transformer_decoder), nn_input(l, "tgt"), nn_input(l, "memory"),
                                        stack_call(l, "tgt_mask", "tgt_key_padding_mask", "tgt_is_causal"), cross_call(l));
}

/* clang-format off */
#define RECURRENT "input_size hidden_size num_layers bias batch_first dropout bidirectional"
#define CELL      "input_size hidden_size bias"
#define ATTENTION "embed_dim num_heads dropout bias add_bias_kv add_zero_attn kdim vdim batch_first " \
                  "need_weights average_attn_weights is_causal"
#define LAYER     "d_model nhead dim_feedforward dropout activation layer_norm_eps batch_first norm_first bias"

const nn_layer_class nn_layer_sequences[] = {
    { "RNN", RECURRENT " nonlinearity", make_rnn, run_recurrent },
    { "LSTM", RECURRENT " proj_size", make_lstm, run_recurrent },
    { "GRU", RECURRENT, make_gru, run_recurrent },
    { "RNNCell", CELL " nonlinearity", make_rnn_cell, run_cell },
    { "LSTMCell", CELL, make_lstm_cell, run_cell },
    { "GRUCell", CELL, make_gru_cell, run_cell },
    { "MultiheadAttention", ATTENTION, make_attention, run_attention },
    { "TransformerEncoderLayer", LAYER " is_causal", make_encoder_layer, run_encoder_layer },
    { "TransformerDecoderLayer", LAYER " tgt_is_causal memory_is_causal", make_decoder_layer, run_decoder_layer },
    { "TransformerEncoder", "encoder_layer num_layers norm is_causal enable_nested_tensor mask_check", make_encoder, run_encoder },
    { "TransformerDecoder", "decoder_layer num_layers norm tgt_is_causal memory_is_causal", make_decoder, run_decoder },
    { 0 },
};
/* clang-format on */
