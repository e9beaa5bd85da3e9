/* nn/layers/rnn.h: what recurrent layers and recurrent cells share: the kinds of recurrences, and their weights. Not
 * installed. */
#ifndef TAP_NN_LAYERS_RNN_H
#define TAP_NN_LAYERS_RNN_H

#include "nn/layers/layer.h"

/* The weights of a step on a tape; bias_hh and weight_hr_t may be absent. */
typedef struct {
    tap_var weight_hh, weight_hh_t; /* [rows,out], and its transpose */
    tap_var bias_hh;                /* only where it does not simply add to bias_ih */
    tap_var weight_hr_t;            /* [hidden_size,proj_size] */
} tap__rnn_step_weights;

/* A kind of recurrence. */
struct tap_rnn_kind {
    const char *name;     /* of its layer, for messages */
    const char *cell;     /* of its cell */
    int         gates;    /* weights have this many times hidden_size rows */
    bool        has_c;    /* the state has a cell state c */
    bool        own_bias; /* bias_hh takes part in a product with a gate, so that the step adds it */
    /* One step: from h and c before it and W_ih x + b [batch,rows] to those after it. */
    void (*step)(const tap__rnn_step_weights *w, tap_var from_input, tap_rnn_state *s);
};

const tap_rnn_kind       *tap__rnn_kind(bool relu);
extern const tap_rnn_kind tap__lstm_kind, tap__gru_kind;

/* The weights of a cell or of one direction of a layer, with U(+-1 / sqrt(hidden_size)), as PyTorch names them with this
 * suffix: weight_ih, weight_hh, bias_ih, bias_hh, weight_hr. size: input_size, hidden_size, proj_size (0: none). */
tap_rnn_weights tap__rnn_weights(tap_module *m, const tap_rnn_kind *kind, const char *suffix, const int64_t size[3],
                                 bool no_bias);
/* W_ih x + b for all steps at once: [..,input_size] -> [..,rows]. */
tap_var               tap__rnn_from_input(const tap_rnn_kind *kind, const tap_rnn_weights *w, tap_var x);
tap__rnn_step_weights tap__rnn_step_weights_on(tap_tape *t, const tap_rnn_kind *kind, const tap_rnn_weights *w);
/* A constant of zeros of x's dtype. */
tap_var tap__rnn_zeros(tap_var x, tap_shape shape);
/* Whether a given state v fits; if not, the tape has failed. name: "h" or "c". */
bool tap__rnn_state_fits(tap_var v, const char *name, tap_shape expected);

#endif
