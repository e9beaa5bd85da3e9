/* tensor/kernels/conv_kernels.c: im2col and col2im, compiled for each vector width. */
#include <string.h>

#include "tensor/kernels/compiler.h"
#include "tensor/kernels/conv.h"

#define T       float
#define BITS    int32_t
#define NAME(f) f##_f32
#include "tensor/kernels/conv_template.h"
#undef T
#undef BITS
#undef NAME

#define T       double
#define BITS    int64_t
#define NAME(f) f##_f64
#include "tensor/kernels/conv_template.h"

const tap__conv_kernel TAP__KERNEL(tap__conv_kernels)[2] = { { im2col_f32, col2im_f32 }, { im2col_f64, col2im_f64 } };
