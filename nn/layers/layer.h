/* nn/layers/layer.h: what layers share: their modules, options that are numbers, and parameters that may be absent. Not
 * installed. */
#ifndef TAP_NN_LAYERS_LAYER_H
#define TAP_NN_LAYERS_LAYER_H

#include "nn/internal.h"

/* The module of a new layer; NULL, and the root has failed, if the layer is NULL. what: its kind, for the message. */
tap_module *tap__layer_module(const void *layer, tap_module *m, const char *name, const char *what);
/* An option from 0 up: 0 stands for the default, TAP_ZERO for 0. Anything else fails the module. */
double tap__layer_option(tap_module *m, const char *what, const char *option, double x, double otherwise);
/* A parameter filled with a constant; NULL if the layer is to be without it. */
tap_param *tap__layer_param(bool wanted, tap_module *m, const char *name, tap_shape shape, double value);

/* n sizes in a row, for parameters that lie above each other; -1, which is no size, if that is too large. */
static inline int64_t tap__layer_rows(int n, int64_t size)
{
    return size <= INT64_MAX / n ? n * size : -1;
}

/* p on the tape; { 0 } if the layer has no such parameter. */
static inline tap_var tap__layer_var(tap_tape *t, tap_param *p)
{
    return p ? tap_param_var(t, p) : (tap_var){ 0 };
}

/* x W^T + b; the bias may be absent. Unlike tap_matmul(x, tap_mT(weight)), one product for all leading axes of x, and of its
 * gradients. */
tap_var tap__layer_affine(tap_var x, tap_var weight, tap_var bias);

/* Whether a layer with this module can be used on x's tape. If not, the tape has failed: the layer was never initialized
 * (NULL), or the root of the module has failed. */
bool tap__layer_usable(tap_var x, const tap_module *m);

#endif
