/* One step of an optimizer on a piece of a parameter: everything in one pass over its memory. */
#include <math.h>

#include "nn/internal.h"

#define T       float
#define SQRT    sqrtf
#define NAME(f) f##_f32
#include "nn/optim/optim_template.h"
#undef T
#undef SQRT
#undef NAME

#define T       double
#define SQRT    sqrt
#define NAME(f) f##_f64
#include "nn/optim/optim_template.h"

const tap__optim_kernel TAP__KERNEL(tap__optim_kernels)[TAP__OPTIMS][2] = {
    [TAP__ADAM] = { adam_f32, adam_f64 },
    [TAP__SGD] = { sgd_f32, sgd_f64 },
    [TAP__MOMENTUM] = { momentum_f32, momentum_f64 },
};
