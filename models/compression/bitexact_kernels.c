/* Networks whose every operation rounds as IEEE says, in an order that is written down; see bitexact.h. */
#define TAP__NO_FMA
#include "models/compression/bitexact.h"
#include "tensor/kernels/vmath.h"

#if defined(__FAST_MATH__) || (defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ != 0)
#error "the coder's networks need IEEE arithmetic: no -ffast-math, and no x87"
#endif

/* Several rows at a time use a row of weights while it is near; a zero adds nothing. */
static void linear(const tap__bitexact_linear *l, int64_t rows, const float *x, float *y)
{
    const int64_t n = l->out;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t j = 0; j < n; j++) y[r * n + j] = l->b[j];
    for (int64_t k = 0; k < l->in; k++) {
        const float *restrict w = l->w + k * n;
        for (int64_t r = 0; r < rows; r++) {
            const float xk = x[r * l->in + k];
            float *restrict to = y + r * n;
            if (xk == 0) continue;
            for (int64_t j = 0; j < n; j++) to[j] += xk * w[j];
        }
    }
}

static void relu(int64_t n, float *x)
{
    for (int64_t i = 0; i < n; i++) x[i] = x[i] > 0 ? x[i] : 0;
}

static void clip(int64_t n, float *x, float most)
{
    for (int64_t i = 0; i < n; i++) x[i] = most - tap__softplus_f32(2 * most - tap__softplus_f32(x[i] + most));
}

static void precision(int64_t n, float *x)
{
    for (int64_t i = 0; i < n; i++) x[i] = tap__exp_f32(-x[i]);
}

static void grid(int64_t n, const float *x, int most, int steps, int32_t *y)
{
    const float end = (float)(2 * most * steps);
    for (int64_t i = 0; i < n; i++) {
        const float at = (x[i] + (float)most) * (float)steps + 0.5f, up = at > 0 ? at : 0;
        y[i] = (int32_t)(up < end ? up : end);
    }
}

const tap__bitexact_kernels TAP__KERNEL(tap__bitexact)[1] = { { linear, relu, clip, precision, grid } };
