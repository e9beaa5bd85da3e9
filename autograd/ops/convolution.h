/* autograd/ops/convolution.h: the operators that convolutions in one axis or two are made of. */
#ifndef TAP_AUTOGRAD_OPS_CONVOLUTION_H
#define TAP_AUTOGRAD_OPS_CONVOLUTION_H

#include "autograd/internal.h"
#include "tensor/kernels/conv.h"

/* x [batch,in,H,W], w [out,in/groups,kH,kW], y [batch,out,P,Q], as c says; formulas in tensor/kernels/conv.h. bias [out], or [in] for the
 * adjoint, or { 0 }. Each is a sum of products of its first two inputs, and the rule of each is the two others. */
tap_var tap__conv_of(tap_var x, tap_var w, tap_var bias, const tap__conv *c);         /* y */
tap_var tap__conv_adjoint_of(tap_var y, tap_var w, tap_var bias, const tap__conv *c); /* x */
tap_var tap__conv_weight_of(tap_var x, tap_var y, const tap__conv *c);                /* w */

#endif
