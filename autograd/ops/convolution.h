/* autograd/ops/convolution.h: the operators of which convolutions over one or two axes are made. */
#ifndef TAP_AUTOGRAD_OPS_CONVOLUTION_H
#define TAP_AUTOGRAD_OPS_CONVOLUTION_H

#include "autograd/internal.h"
#include "tensor/kernels/conv.h"

/* x [batch,in,H,W], w [out,in/groups,kH,kW] and y [batch,out,P,Q] have the sizes of c; tensor/kernels/conv.h has the
 * formulas. The bias is [out], for the adjoint [in], or { 0 } for none. Each operator is bilinear in its first two inputs,
 * and its gradients are the two others. */
tap_var tap__conv_of(tap_var x, tap_var w, tap_var bias, const tap__conv *c);         /* y: the convolution */
tap_var tap__conv_adjoint_of(tap_var y, tap_var w, tap_var bias, const tap__conv *c); /* x: the adjoint by x */
tap_var tap__conv_weight_of(tap_var x, tap_var y, const tap__conv *c);                /* w: the adjoint by w */

#endif
