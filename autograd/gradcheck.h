/* autograd/gradcheck.h: what the gradient checks of functions and of modules share. Not installed. */
#ifndef TAP_AUTOGRAD_GRADCHECK_H
#define TAP_AUTOGRAD_GRADCHECK_H

#include "autograd/autograd.h"

tap_gradcheck_options tap__gradcheck_defaults(tap_gradcheck_options o);
/* How many elements of n are checked, and which one is the i-th of them. */
int64_t    tap__gradcheck_count(tap_gradcheck_options o, int64_t n);
int64_t    tap__gradcheck_place(tap_gradcheck_options o, int input, int64_t n, int64_t i);
tap_tensor tap__gradcheck_cotangent(tap_arena *a, tap_gradcheck_options o, tap_shape shape);
double     tap__gradcheck_contract(tap_tensor y, tap_tensor cotangent); /* sum_j cotangent_j y_j; NaN if they have two shapes */
/* Counts a pair of derivatives in, and keeps it if it is the worst so far. */
void tap__gradcheck_compare(tap_gradcheck_result *r, tap_gradcheck_options o, int input, int64_t element, double analytic,
                            double numeric);
void tap__gradcheck_fail(tap_gradcheck_result *r, tap_status status, const char *message);
void tap__gradcheck_conclude(tap_gradcheck_result *r, tap_gradcheck_options o, const char *where); /* writes the sentence */

#endif
