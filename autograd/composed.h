/* autograd/composed.h: what functions that are composed of operators use, in autograd/ops and in nn: checks of their inputs,
 * errors in the name of the call, and constants. Not installed. */
#ifndef TAP_AUTOGRAD_COMPOSED_H
#define TAP_AUTOGRAD_COMPOSED_H

#include "autograd/autograd.h"

/* ---- Checks of inputs (errors.c) ---- */

/* The node behind v, or NULL and an error on v's tape (no error where v has no tape). call: the name of the function that asks,
 * for the message; tap__node_of leaves it to the composed function that is running. */
tap_node *tap__node_for_call(const char *call, tap_var v);
tap_node *tap__node_of(tap_var v);
/* Whether all n vars can be used and are on one tape; if not, each of their tapes has failed in the name of the call. For
 * functions that read the values of several vars before the first operator does. */
bool tap__same_tape(const char *call, int n, const tap_var *in);
/* tap__same_tape, and values[i] = the value of x[i]. */
bool tap__inputs(const char *call, int n, const tap_var *x, tap_tensor *values);
/* Whether all inputs of a call are of one float dtype; an error if not (ops/matmul.c). */
tap_status tap__one_float(tap_call *c);
/* The tape of the first var that has one; NULL if none has. */
tap_tape *tap__tape_of(int n, const tap_var *v);
/* The dtype of v; float32 if v is inert. */
tap_dtype tap__dtype_of(tap_var v);
/* Whether y was computed from x, as far as the tape has recorded it. Both are on one tape (backward.c). */
bool tap__depends(tap_var y, tap_var x);
/* Whether all of a tensor is finite; if not, the text says which element is not: "nan at [3,7]" (nonfinite.c). */
bool tap__is_finite(tap_tensor x, char *text, size_t size);

/* ---- Errors; each result is inert (errors.c) ---- */

/* Fails the tape in the name of the composed function that is running, or else of the call: "call: format". */
tap_var tap__fail(tap_tape *t, tap_status status, const char *call, const char *format, ...) TAP_PRINTF(4, 5);
/* The message shows the input n: "call: [2,3] (name): format". */
tap_var tap__fail_input(const tap_node *n, tap_status status, const char *call, const char *format, ...) TAP_PRINTF(4, 5);
/* The message shows all n inputs, at most TAP_MAX_INPUTS: "call: [2,3] x [4] (name): format". */
tap_var tap__fail_inputs(const char *call, int n, const tap_var *x, tap_status status, const char *format, ...)
    TAP_PRINTF(5, 6);

/* ---- Constants (tape.c) ---- */

/* Node 0 of the tape. */
tap_var tap__inert(tap_tape *t);
/* A constant [] of the dtype. */
tap_var tap__scalar(tap_tape *t, tap_dtype dtype, double value);
/* Uniform noise as of tap_rand, in float64 whatever the tape's dtype. */
tap_var tap__rand_f64(tap_tape *t, tap_shape shape);

#endif
