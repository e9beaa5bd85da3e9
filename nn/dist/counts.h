/* nn/dist/counts.h: what the distributions of counts share. Not installed.
 *
 * Their log masses are small differences of large numbers. So all is computed in float64 and rounded at the end, and
 * lgamma(theta + x) - lgamma(theta) is one operator, tap__log_rising, which keeps its digits for any theta. */
#ifndef TAP_NN_DIST_COUNTS_H
#define TAP_NN_DIST_COUNTS_H

#include "nn/dist/distribution.h"
#include "tensor/random.h"

tap_var tap__log_factorial(tap_var x);               /* log x! */
tap_var tap__max_float_like(tap_var x);              /* the largest float64: the upper end of counts without a bound */
tap_var tap__equals_number(tap_var x, double value); /* x == value */

/* Draws a number with two parameters from a random stream. */
typedef double (*tap__generator)(tap_rng *s, double a, double b);

/* One draw for each element, in float64: each element of the noise is the seed of a random stream of its own, with that
 * number. */
tap_var tap__generate(tap__generator generator, uint64_t stream, tap_var noise, tap_var a, tap_var b);

#endif
