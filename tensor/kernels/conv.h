/* tensor/kernels/conv.h: convolution in two axes as products. */
#ifndef TAP_TENSOR_KERNELS_CONV_H
#define TAP_TENSOR_KERNELS_CONV_H

#include "tensor/tensor.h"
#include "tensor/cpu.h"

/* Windows along one axis: place p covers the elements p stride + k dilation - before, k = 0..kernel-1, those from 0 to size - 1
 * being there, the others 0. All are small numbers, below 2^31. */
typedef struct {
    int64_t size, kernel, count, stride, dilation, before;
} tap__conv_axis;

/* x [batch,in,H,W], y [batch,out,P,Q], w [out,in/groups,kH,kW] of the convolution y = w * x, the axes being H and W. */
typedef struct {
    int64_t        batch, in, out, groups;
    tap__conv_axis axis[2];
} tap__conv;

/* All three take float32 or float64 tensors of these shapes, inputs with any strides, outputs contiguous; windows are copied to
 * memory from scratch, a few images at a time. False (and scratch has failed) if there is none. The error of float32 sums is about 1e-6
 * of the sum of absolute values at most, however many terms they have. The bits do not depend on the number of threads. bias may be
 * NULL: none. */

/* y[n,o,p] = bias[o] + sum w[o,c,k] x[n,c,p stride + k dilation - before] */
bool tap__conv_forward(const tap__conv *c, tap_tensor x, tap_tensor w, const tap_tensor *bias, tap_tensor y,
                       tap_arena *scratch);
/* The adjoint by x: x[n,c,i] = bias[c] + the sum of w[o,c,k] y[n,o,p] where p stride + k dilation - before = i */
bool tap__conv_adjoint(const tap__conv *c, tap_tensor y, tap_tensor w, const tap_tensor *bias, tap_tensor x,
                       tap_arena *scratch);
/* The adjoint by w: w[o,c,k] = sum y[n,o,p] x[n,c,p stride + k dilation - before] */
bool tap__conv_weight(const tap__conv *c, tap_tensor x, tap_tensor y, tap_tensor w, tap_arena *scratch);

/* x [images,channels,H,W], some images and a group of channels of it, as columns [channels,kH,kW,images,P,Q], and the sum of
 * such columns, with bias [channels] or NULL. lines: room for the images in one channel, tap__conv_padded_size elements. Both may be read
 * and written TAP__CONV_SPARE elements beyond their end. total, as many doubles as lines, is where gather sums what has been summed
 * over TAP__CONV_RUN window elements; NULL: all of them are summed in the precision of x. */
enum { TAP__CONV_SPARE = 8, TAP__CONV_RUN = 32 };
typedef struct {
    void (*spread)(const tap__conv *c, tap_tensor x, void *lines, void *columns);
    void (*gather)(const tap__conv *c, tap_tensor x, void *lines, double *total, const void *columns, const void *bias);
} tap__conv_kernel;
int64_t tap__conv_padded_size(const tap__conv *c, int64_t images);

/* Elements of an axis with its padding: as far as windows reach, and all that there are. */
static inline int64_t tap__conv_padded(tap__conv_axis a)
{
    const int64_t reach = (a.count - 1) * a.stride + (a.kernel - 1) * a.dilation + 1;
    return reach > a.size + a.before ? reach : a.size + a.before;
}

TAP__KERNEL_DECLARE(extern const tap__conv_kernel, tap__conv_kernels, [2]); /* float32, float64 */

#endif
