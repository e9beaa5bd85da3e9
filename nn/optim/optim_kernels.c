/* nn/optim/optim_kernels.c: the updates of all optimizers for float and double, compiled for each instruction set. */
#include <math.h>

#include "nn/optim/optimizer.h"

#define TAP__INCLUDE_OPTIMIZERS

#define T       float
#define SQRT    sqrtf
#define ABS     fabsf
#define NAME(f) f##_f32
#include "nn/optim/optimizers.h"
#undef T
#undef SQRT
#undef ABS
#undef NAME

#define T       double
#define SQRT    sqrt
#define ABS     fabs
#define NAME(f) f##_f64
#include "nn/optim/optimizers.h"

#define ROW(name) [TAP__OPTIM_##name] = { name##_f32, name##_f64 },
const tap__update_kernel TAP__KERNEL(tap__update_kernels)[TAP__N_OPTIMIZERS][2] = { TAP__OPTIMIZERS(ROW) };
