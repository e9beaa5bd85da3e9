/* autograd/gradcheck.h: what the gradient checks of functions and of modules share. Not installed. */
#ifndef TAP_AUTOGRAD_GRADCHECK_H
#define TAP_AUTOGRAD_GRADCHECK_H

#include "autograd/autograd.h"

/* Fills in the defaults; an error for options that make no sense. */
tap_status tap__gradcheck_options(tap_gradcheck_options *o, tap_error *e);
/* The elements of n to check: NULL for all; else some at random, and *n becomes their number (0, and a has failed, without
 * memory). */
const int64_t *tap__gradcheck_elements(tap_arena *a, const tap_gradcheck_options *o, uint64_t stream, int64_t *n);
/* Counts a pair of derivatives in; whether it is the worst so far, and now the one in *r. NaN is worse than anything. */
bool tap__gradcheck_compare(tap_gradcheck_result *r, const tap_gradcheck_options *o, int input, int64_t element, double analytic,
                            double numeric);
void tap__gradcheck_conclude(tap_gradcheck_result *r, const char *where);                     /* writes the sentence */
tap_gradcheck_result tap__gradcheck_failed(tap_status status, const char *message); /* the result of a check that could not be made */

#endif
