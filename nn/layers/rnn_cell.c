/* nn/layers/rnn_cell.c: the steps of recurrences (Elman 1990; LSTM, Hochreiter & Schmidhuber 1997; GRU, Cho et al. 2014), and
 * the cells that do one step. */
#include <math.h>
#include <stdio.h>

#include "nn/layers/rnn.h"

/* ---- Steps ---- */

static tap_var gate(tap_var x, int i, int n_gates)
{
    const int64_t size = tap_shape_of(x).n[1] / n_gates;
    return tap_narrow(x, 1, i * size, size);
}

static void step_tanh(const tap__rnn_step_weights *w, tap_var from_input, tap_rnn_state *s)
{
    s->h = tap_tanh(tap_add(from_input, tap_matmul(s->h, w->weight_hh_t)));
}

static void step_relu(const tap__rnn_step_weights *w, tap_var from_input, tap_rnn_state *s)
{
    s->h = tap_relu(tap_add(from_input, tap_matmul(s->h, w->weight_hh_t)));
}

/* Rows of the weights: input gate i, forget gate f, candidate g, output gate o. */
static void step_lstm(const tap__rnn_step_weights *w, tap_var from_input, tap_rnn_state *s)
{
    const tap_var x = tap_add(from_input, tap_matmul(s->h, w->weight_hh_t));
    if (tap_tape_status(x.tape, NULL) != TAP_OK) return;
    const tap_var i = tap_sigmoid(gate(x, 0, 4)), f = tap_sigmoid(gate(x, 1, 4)), g = tap_tanh(gate(x, 2, 4));
    const tap_var o = tap_sigmoid(gate(x, 3, 4));
    s->c = tap_add(tap_mul(f, s->c), tap_mul(i, g));
    s->h = tap_mul(o, tap_tanh(s->c));
    if (w->weight_hr_t.tape) s->h = tap_matmul(s->h, w->weight_hr_t);
}

/* Rows of the weights: reset gate r, update gate z, candidate n. */
static void step_gru(const tap__rnn_step_weights *w, tap_var from_input, tap_rnn_state *s)
{
    const bool    bias = w->bias_hh.tape;
    const tap_var from_h = bias ? tap_affine(s->h, w->weight_hh, w->bias_hh) : tap_matmul(s->h, w->weight_hh_t);
    if (tap_tape_status(from_h.tape, NULL) != TAP_OK) return;
    const tap_var r = tap_sigmoid(tap_add(gate(from_input, 0, 3), gate(from_h, 0, 3)));
    const tap_var z = tap_sigmoid(tap_add(gate(from_input, 1, 3), gate(from_h, 1, 3)));
    const tap_var n = tap_tanh(tap_add(gate(from_input, 2, 3), tap_mul(r, gate(from_h, 2, 3))));
    s->h = tap_lerp(n, s->h, z);
}

static const tap_rnn_kind tanh_kind = { "rnn", "rnn_cell", 1, false, false, step_tanh };
static const tap_rnn_kind relu_kind = { "rnn", "rnn_cell", 1, false, false, step_relu };
const tap_rnn_kind        tap__lstm_kind = { "lstm", "lstm_cell", 4, true, false, step_lstm };
const tap_rnn_kind        tap__gru_kind = { "gru", "gru_cell", 3, false, true, step_gru };

const tap_rnn_kind *tap__rnn_kind(bool relu)
{
    return relu ? &relu_kind : &tanh_kind;
}

/* ---- Weights ---- */

static tap_param *weight(tap_module *m, const char *name, const char *suffix, tap_shape shape, int64_t hidden_size)
{
    char full[64];
    snprintf(full, sizeof full, "%s%s", name, suffix);
    return tap_param_new(m, full, shape, tap_init_default(hidden_size));
}

tap_rnn_weights tap__rnn_weights(tap_module *m, const tap_rnn_kind *kind, const char *suffix, const int64_t size[3],
                                 bool no_bias)
{
    const int64_t   hidden = size[1], out = size[2] ? size[2] : hidden, rows = tap__layer_rows(kind->gates, hidden);
    tap_rnn_weights w = { 0 };
    w.weight_ih = weight(m, "weight_ih", suffix, TAP_SHAPE(rows, size[0]), hidden);
    w.weight_hh = weight(m, "weight_hh", suffix, TAP_SHAPE(rows, out), hidden);
    if (!no_bias) {
        w.bias_ih = weight(m, "bias_ih", suffix, TAP_SHAPE(rows), hidden);
        w.bias_hh = weight(m, "bias_hh", suffix, TAP_SHAPE(rows), hidden);
    }
    if (size[2]) w.weight_hr = weight(m, "weight_hr", suffix, TAP_SHAPE(out, hidden), hidden);
    return w;
}

tap_var tap__rnn_from_input(const tap_rnn_kind *kind, const tap_rnn_weights *w, tap_var x)
{
    tap_var bias = tap__layer_var(x.tape, w->bias_ih);
    if (w->bias_hh && !kind->own_bias) bias = tap_add(bias, tap_param_var(x.tape, w->bias_hh));
    return tap__layer_affine(x, tap_param_var(x.tape, w->weight_ih), bias);
}

tap__rnn_step_weights tap__rnn_step_weights_on(tap_tape *t, const tap_rnn_kind *kind, const tap_rnn_weights *w)
{
    tap__rnn_step_weights on = { .weight_hh = tap_param_var(t, w->weight_hh) };
    on.weight_hh_t = tap_mT(on.weight_hh);
    if (kind->own_bias) on.bias_hh = tap__layer_var(t, w->bias_hh);
    if (w->weight_hr) on.weight_hr_t = tap_mT(tap_param_var(t, w->weight_hr));
    return on;
}

tap_var tap__rnn_zeros(tap_var x, tap_shape shape)
{
    return tap_expand(tap_scalar_like(x, 0), shape);
}

bool tap__rnn_state_fits(tap_var v, const char *name, tap_shape expected)
{
    char            want[TAP_SHAPE_TEXT], got[TAP_SHAPE_TEXT];
    const tap_shape s = tap_shape_of(v);
    if (tap_tape_status(v.tape, NULL) != TAP_OK) return false;
    if (tap_shape_equal(s, expected)) return true;
    tap_fail(v, TAP_ESHAPE, "the state %s must be %s, not %s", name, tap_shape_format(want, expected),
             tap_shape_format(got, s));
    return false;
}

/* ---- Cells ---- */

static void init(tap_rnn_cell *l, tap_module *m, const char *name, const tap_rnn_kind *kind, const int64_t size[3],
                 tap_rnn_cell_options o)
{
    tap_module *child = tap__layer_module(l, m, name, kind->cell);
    if (!child) return;
    *l = (tap_rnn_cell){ .module = child, .kind = kind, .hidden_size = size[1] };
    if (o.relu && (kind->has_c || kind->own_bias)) tap_module_fail(child, TAP_EARG, "%s: relu is of rnn_cell only", kind->cell);
    if (size[0] < 1 || size[1] < 1)
        tap_module_fail(child, TAP_EARG, "%s: input_size and hidden_size must be at least 1, not %lld and %lld", kind->cell,
                        (long long)size[0], (long long)size[1]);
    l->weights = tap__rnn_weights(child, kind, "", size, o.no_bias);
}

void tap_rnn_cell_init(tap_rnn_cell *l, tap_module *m, const char *name, int64_t input_size, int64_t hidden_size,
                       tap_rnn_cell_options o)
{
    init(l, m, name, tap__rnn_kind(o.relu), (const int64_t[]){ input_size, hidden_size, 0 }, o);
}

void tap_lstm_cell_init(tap_rnn_cell *l, tap_module *m, const char *name, int64_t input_size, int64_t hidden_size,
                        tap_rnn_cell_options o)
{
    init(l, m, name, &tap__lstm_kind, (const int64_t[]){ input_size, hidden_size, 0 }, o);
}

void tap_gru_cell_init(tap_rnn_cell *l, tap_module *m, const char *name, int64_t input_size, int64_t hidden_size,
                       tap_rnn_cell_options o)
{
    init(l, m, name, &tap__gru_kind, (const int64_t[]){ input_size, hidden_size, 0 }, o);
}

/* The state before the step as [batch,hidden_size]: zeros if it is absent. */
static bool begin(const tap_rnn_cell *l, tap_var x, const tap_rnn_state *given, tap_rnn_state *s)
{
    const tap_shape x_shape = tap_shape_of(x), rows = TAP_SHAPE(x_shape.rank == 2 ? x_shape.n[0] : 1, l->hidden_size);
    const tap_shape expected = x_shape.rank == 2 ? rows : TAP_SHAPE(l->hidden_size);
    if (x_shape.rank != 1 && x_shape.rank != 2) {
        tap_fail(x, TAP_ESHAPE, "x must be [batch,input_size] or [input_size]");
        return false;
    }
    if (given->h.tape && !tap__rnn_state_fits(given->h, "h", expected)) return false;
    if (l->kind->has_c && given->c.tape && !tap__rnn_state_fits(given->c, "c", expected)) return false;
    s->h = given->h.tape ? tap_reshape(given->h, rows) : tap__rnn_zeros(x, rows);
    if (l->kind->has_c) s->c = given->c.tape ? tap_reshape(given->c, rows) : tap__rnn_zeros(x, rows);
    return true;
}

tap_var tap_rnn_cell_forward(const tap_rnn_cell *l, tap_var x, tap_rnn_state *state)
{
    const tap_rnn_state given = state ? *state : (tap_rnn_state){ { 0 }, { 0 } };
    tap_rnn_state       s = { { 0 }, { 0 } };
    TAP_CALL("rnn_cell_forward", x, given.h, given.c);
    if (!tap__layer_usable(x, l ? l->module : NULL) || !l || !begin(l, x, &given, &s)) return (tap_var){ .tape = x.tape };
    const tap_shape             x_shape = tap_shape_of(x);
    const tap__rnn_step_weights w = tap__rnn_step_weights_on(x.tape, l->kind, &l->weights);
    if (x_shape.rank == 1) x = tap_unsqueeze(x, 0);
    l->kind->step(&w, tap__rnn_from_input(l->kind, &l->weights, x), &s);
    if (x_shape.rank == 1)
        s = (tap_rnn_state){ tap_squeeze(s.h, TAP_AXES(0)), l->kind->has_c ? tap_squeeze(s.c, TAP_AXES(0)) : s.c };
    if (!l->kind->has_c) s.c = (tap_var){ 0 };
    if (state) *state = s;
    return s.h;
}
