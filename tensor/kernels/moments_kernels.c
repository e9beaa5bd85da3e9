/* tensor/kernels/moments_kernels.c: the inner loop of tap__moments_apply, with fast paths for contiguous x and y whose center
 * and factor are constant along the run, or contiguous as well. */
#include "tensor/kernels/moments.h"

#define CENTERED_SCALED(name, T) \
    static void name(int64_t n, void *const *data, const int64_t *stride, const void *context) \
    { \
        T *restrict y = data[0]; \
        const T *restrict x = data[1]; \
        const double *restrict center = data[2], *restrict factor = data[3]; \
        (void)context; \
        if (stride[0] == 1 && stride[1] == 1 && stride[2] == 0) { \
            const double c = *center, f = *factor; \
            for (int64_t i = 0; i < n; i++) y[i] = (T)(((double)x[i] - c) * f); \
        } else if (stride[0] == 1 && stride[1] == 1 && stride[2] == 1) { \
            for (int64_t i = 0; i < n; i++) y[i] = (T)(((double)x[i] - center[i]) * factor[i]); \
        } else { \
            for (int64_t i = 0; i < n; i++) \
                y[i * stride[0]] = (T)(((double)x[i * stride[1]] - center[i * stride[2]]) * factor[i * stride[2]]); \
        } \
    }

CENTERED_SCALED(centered_scaled_f32, float)
CENTERED_SCALED(centered_scaled_f64, double)

const tap__run TAP__KERNEL(tap__centered_scaled_kernels)[2] = { centered_scaled_f32, centered_scaled_f64 };
