/* nn/optim/optim_kernels.c: the updates of adam_template.h and sgd_template.h for float and double, compiled for each
 * instruction set. */
#include <math.h>

#include "nn/internal.h"

#define T       float
#define SQRT    sqrtf
#define NAME(f) f##_f32
#include "nn/optim/adam_template.h"
#include "nn/optim/sgd_template.h"
#undef T
#undef SQRT
#undef NAME

#define T       double
#define SQRT    sqrt
#define NAME(f) f##_f64
#include "nn/optim/adam_template.h"
#include "nn/optim/sgd_template.h"

const tap__update_kernel TAP__KERNEL(tap__update_kernels)[TAP__N_UPDATES][2] = {
    [TAP__ADAM] = { adam_f32, adam_f64 },
    [TAP__SGD] = { sgd_f32, sgd_f64 },
    [TAP__SGD_MOMENTUM] = { momentum_f32, momentum_f64 },
};
