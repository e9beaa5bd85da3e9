/* models/compression/bitexact_kernels.c: layers in which every operation rounds as IEEE 754 says, in a fixed order; see
 * bitexact.h. */
#define TAP__NO_FMA
#include "models/compression/bitexact.h"
#include "tensor/kernels/vmath.h"

#if defined(__FAST_MATH__) || (defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ != 0)
#error "the coder's networks need IEEE arithmetic: no -ffast-math, and no x87"
#endif

/* The loop over rows is inside that over inputs, so that a row of weights stays in the cache for all rows. Inputs that are 0,
 * frequent behind a relu, are skipped. */
static void linear(const tap__bitexact_linear *l, int64_t rows, const float *x, float *y)
{
    const int64_t n = l->out;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t j = 0; j < n; j++) y[r * n + j] = l->b[j];
    for (int64_t k = 0; k < l->in; k++) {
        const float *restrict w = l->w + k * n;
        for (int64_t r = 0; r < rows; r++) {
            const float xk = x[r * l->in + k];
            float *restrict yr = y + r * n;
            if (xk == 0) continue;
            for (int64_t j = 0; j < n; j++) yr[j] += xk * w[j];
        }
    }
}

static void relu(int64_t n, float *x)
{
    for (int64_t i = 0; i < n; i++) x[i] = x[i] > 0 ? x[i] : 0;
}

static void clip(int64_t n, float *x, float c)
{
    for (int64_t i = 0; i < n; i++) x[i] = c - tap__softplus_f32(2 * c - tap__softplus_f32(x[i] + c));
}

static void precision(int64_t n, float *x)
{
    for (int64_t i = 0; i < n; i++) x[i] = tap__exp_f32(-x[i]);
}

static void grid(int64_t n, const float *x, int max, int steps, int32_t *y)
{
    const float end = (float)(2 * max * steps);
    for (int64_t i = 0; i < n; i++) {
        const float at = (x[i] + (float)max) * (float)steps + 0.5f, above = at > 0 ? at : 0;
        y[i] = (int32_t)(above < end ? above : end);
    }
}

const tap__bitexact_kernels TAP__KERNEL(tap__bitexact)[1] = { { linear, relu, clip, precision, grid } };
