/* nn/init_fill.h: what initializers draw. Not installed. */
#ifndef TAP_NN_INIT_FILL_H
#define TAP_NN_INIT_FILL_H

#include "nn/nn.h"

/* Independent elements: a constant a, U(a, b), or N(a, b^2). */
typedef struct {
    enum { TAP__DRAW_CONSTANT, TAP__DRAW_UNIFORM, TAP__DRAW_NORMAL, TAP__DRAW_OTHER } kind;
    double a, b;
} tap__init_draw;

tap__init_draw tap__init_draw_of(tap_init how, tap_shape shape);

/* Fills x by an initializer that is none of these. */
tap_status tap__init_fill_other(tap_init how, tap_tensor x, tap_rng_key key, const char *path, tap_error *e);

/* The number below which a truncated normal variable is with probability p. */
double tap__trunc_normal_quantile(tap_init how, double p);

/* The matrix [rows,columns] becomes orthogonal: columns or, if there are fewer of them, rows of length 1 and perpendicular to
 * each other. It is the factor Q of a QR decomposition of the matrix, or its transpose, whose R has a positive diagonal. */
void tap__orthogonalize(double *x, int64_t rows, int64_t columns);

#endif
