/* autograd/gradcheck.h: the gradient check that tap_gradcheck and tap_module_gradcheck share. Not installed. */
#ifndef TAP_AUTOGRAD_GRADCHECK_H
#define TAP_AUTOGRAD_GRADCHECK_H

#include "autograd/autograd.h"

/* A function of n float64 tensors whose gradients are checked. */
typedef struct {
    int               n;
    const tap_tensor *x;           /* contiguous; perturbed, and put back */
    bool              promote_f32; /* float32 values that the function brings onto the tape become float64 */
    bool              by_name;     /* messages call the x by their names, not by their numbers */
    const void       *ctx;
    tap_var (*call)(tap_tape *t, tap_var *in, const void *ctx); /* also sets in[0..n-1], the x on this tape */
} tap__gradcheck_function;

/* Replaces zeros by the defaults; an error if an option is invalid. */
tap_status           tap__gradcheck_options(tap_gradcheck_options *o, tap_error *e);
tap_gradcheck_result tap__gradcheck(const tap__gradcheck_function *f, tap_gradcheck_options o);
/* The result of a check that an error has ended. */
tap_gradcheck_result tap__gradcheck_failed(tap_status status, const char *message);

#endif
