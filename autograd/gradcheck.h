/* autograd/gradcheck.h: what the gradient checks of functions and of modules share. Not installed. */
#ifndef TAP_AUTOGRAD_GRADCHECK_H
#define TAP_AUTOGRAD_GRADCHECK_H

#include "autograd/autograd.h"

/* What is checked: a function of n float64 tensors. */
typedef struct {
    int               n;
    const tap_tensor *x;       /* contiguous; perturbed, and put back */
    bool              widen;   /* float32 values that it brings along become float64 */
    bool              by_name; /* the x are called by their names alone */
    const void       *ctx;
    tap_var (*call)(tap_tape *t, tap_var *in, const void *ctx); /* sets in[0..n-1], the x on this tape, too */
} tap__checked;

/* Fills in the defaults; an error for options that make no sense. */
tap_status           tap__gradcheck_options(tap_gradcheck_options *o, tap_error *e);
tap_gradcheck_result tap__gradcheck(const tap__checked *f, tap_gradcheck_options o);
tap_gradcheck_result tap__gradcheck_failed(tap_status status, const char *message); /* of a check that could not be made */

#endif
