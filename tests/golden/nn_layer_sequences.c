/* tests/golden/nn_layer_sequences.c: how torch.nn's layers of sequences are made and called here: recurrent layers and cells. */
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

/* clang-format off */
#define RECURRENT "input_size hidden_size num_layers bias batch_first dropout bidirectional"
#define CELL      "input_size hidden_size bias"

const nn_layer_class nn_layer_sequences[] = {
    { "RNN", RECURRENT " nonlinearity", make_rnn, run_recurrent },
    { "LSTM", RECURRENT " proj_size", make_lstm, run_recurrent },
    { "GRU", RECURRENT, make_gru, run_recurrent },
    { "RNNCell", CELL " nonlinearity", make_rnn_cell, run_cell },
    { "LSTMCell", CELL, make_lstm_cell, run_cell },
    { "GRUCell", CELL, make_gru_cell, run_cell },
    { 0 },
};
/* clang-format on */
