/* tensor/kernels/linalg_kernels.c: factorizations and solves of one matrix, compiled for each vector width. */
#include <math.h>

#include "tensor/kernels/linalg.h"
#include "tensor/cpu.h"

#define T       float
#define DTYPE   TAP_F32
#define SQRT    sqrtf
#define ABS     fabsf
#define NAME(f) f##_f32
#include "tensor/kernels/linalg_template.h"
#undef T
#undef DTYPE
#undef SQRT
#undef ABS
#undef NAME

#define T       double
#define DTYPE   TAP_F64
#define SQRT    sqrt
#define ABS     fabs
#define NAME(f) f##_f64
#include "tensor/kernels/linalg_template.h"

const tap__linalg_kernel TAP__KERNEL(tap__linalg_kernels)[2] = {
    { cholesky_f32, lu_f32, swap_rows_f32, determinant_f32, solve_f32, cofactors_f32 },
    { cholesky_f64, lu_f64, swap_rows_f64, determinant_f64, solve_f64, cofactors_f64 },
};
