/* tensor/kernels/conv.h: convolutions over two axes, by im2col and matrix products. Part of the seam that map.h describes. */
#ifndef TAP_TENSOR_KERNELS_CONV_H
#define TAP_TENSOR_KERNELS_CONV_H

#include "tensor/tensor.h"
#include "tensor/cpu.h"

/* One axis of a convolution: output pixel p, 0 <= p < count, sees the input elements p stride + k dilation - pad_before,
 * 0 <= k < kernel. Elements outside 0..size-1 are padding, 0. All numbers are below 2^31. */
typedef struct {
    int64_t size, kernel, count, stride, dilation, pad_before;
} tap__conv_axis;

/* x [batch,in,H,W], y [batch,out,P,Q], w [out,in/groups,kH,kW] of the convolution y = w * x, the axes being H and W. */
typedef struct {
    int64_t        batch, in, out, groups;
    tap__conv_axis axis[2];
} tap__conv;

/* The three functions below take float32 or float64 tensors of these shapes: inputs with any strides, outputs contiguous. bias
 * is NULL for none. im2col copies windows to memory from scratch, a few images at a time; false (and scratch has failed)
 * without memory. The error of float32 sums is at most about 1e-6 of the sum of absolute values, for any number of terms. The
 * bits do not depend on the number of threads. */

/* y[n,o,p] = bias[o] + sum w[o,c,k] x[n,c,p stride + k dilation - pad_before] */
bool tap__conv_forward(const tap__conv *c, tap_tensor x, tap_tensor w, const tap_tensor *bias, tap_tensor y,
                       tap_arena *scratch);
/* The adjoint by x, a transposed convolution: x[n,c,i] = bias[c] + the sum of w[o,c,k] y[n,o,p] over p, k with
 * p stride + k dilation - pad_before = i */
bool tap__conv_adjoint(const tap__conv *c, tap_tensor y, tap_tensor w, const tap_tensor *bias, tap_tensor x,
                       tap_arena *scratch);
/* The adjoint by w: w[o,c,k] = sum y[n,o,p] x[n,c,p stride + k dilation - pad_before] */
bool tap__conv_weight(const tap__conv *c, tap_tensor x, tap_tensor y, tap_tensor w, tap_arena *scratch);

/* im2col copies the windows of x [images,channels,H,W] to columns [channels,kH,kW,images,P,Q]. col2im, its adjoint, sets each
 * element of x to the sum of its copies in columns, plus bias [channels], which may be NULL. padded_rows is a buffer of
 * tap__conv_padded_size elements: one channel of all images, padded. padded_rows and columns may be read and written up to
 * TAP__CONV_SPARE elements beyond their end. totals, as many doubles as padded_rows has elements, is where col2im sums blocks
 * of TAP__CONV_SUM_BLOCK kernel elements; with NULL it sums all of them in the precision of x. */
enum { TAP__CONV_SPARE = 8, TAP__CONV_SUM_BLOCK = 32 };
typedef struct {
    void (*im2col)(const tap__conv *c, tap_tensor x, void *padded_rows, void *columns);
    void (*col2im)(const tap__conv *c, tap_tensor x, void *padded_rows, double *totals, const void *columns, const void *bias);
} tap__conv_kernel;
int64_t tap__conv_padded_size(const tap__conv *c, int64_t images); /* elements of one channel of all images, padded */

/* The size of an axis with its padding: all elements of the input, and all that windows reach. */
static inline int64_t tap__conv_padded(tap__conv_axis a)
{
    const int64_t reach = (a.count - 1) * a.stride + (a.kernel - 1) * a.dilation + 1;
    return reach > a.size + a.pad_before ? reach : a.size + a.pad_before;
}

TAP__KERNEL_DECLARE(extern const tap__conv_kernel, tap__conv_kernels, [2]); /* float32, float64 */

#endif
