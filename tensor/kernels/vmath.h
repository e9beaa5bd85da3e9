/* tensor/kernels/vmath.h: exp, expm1, log, log1p, tanh, sigmoid, softplus, sin and cos, in float and double, which compilers
 * vectorize.
 *
 * The functions have no branches, calls or tables, so a plain loop over one of them vectorizes at -O3 with -fno-math-errno
 * -fno-trapping-math (never -ffast-math: NaN, infinities, signed zeros and subnormals are handled as C's annex F demands). A
 * multiplication and an addition are fused where FMA is written and the processor has it. With -ffp-contract=off a result
 * therefore depends on the argument and the instruction set alone, not on where the argument stands in its loop; and, in a file
 * that defines TAP__NO_FMA first, not even on the instruction set.
 *
 * This file holds what differs between float and double: constants and polynomials. The functions are written once, in
 * vmath_functions.h. The polynomials are minimax fits (Remez) to the functions named beside them. */
#ifndef TAP_TENSOR_KERNELS_VMATH_H
#define TAP_TENSOR_KERNELS_VMATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "tensor/kernels/compiler.h"

/* For template files: with TAP__SUFFIX defined as f32 or f64, TAP__MATH(exp)(x) is tap__exp_f32(x) or tap__exp_f64(x). */
#define TAP__MATH(name)          TAP__MATH2(name, TAP__SUFFIX)
#define TAP__MATH2(name, suffix) TAP__MATH3(name, suffix)
#define TAP__MATH3(name, suffix) tap__##name##_##suffix

#if (defined(__FMA__) || defined(__ARM_FEATURE_FMA)) && !defined(TAP__NO_FMA)
#define TAP__FMA(fma, a, b, c) fma(a, b, c)
#else
#define TAP__FMA(fma, a, b, c) ((a) * (b) + (c))
#endif

/* ---- float ------------------------------------------------------------------------------------------------------- */

#define real            float
#define word            uint32_t
#define NAME(name)      tap__##name##_f32
#define FMA(a, b, c)    TAP__FMA(fmaf, a, b, c)
#define FABS            fabsf
#define COPYSIGN        copysignf
#define C(x)            x##f
#define EPSILON         0x1p-23f
#define FRACTION_BITS   23
#define EXPONENT_BITS   8
#define EXPONENT_BIAS   127
#define ROUND           0x1.8p23f /* x + ROUND - ROUND rounds x to an integer; the last bits of x + ROUND are that integer */
#define SMALLEST_NORMAL 0x1p-126f
#define EXP_LIMIT       104.5f /* exp rounds to 0 from -EXP_LIMIT on down and overflows from +EXP_LIMIT on up */
#define EXPM1_MAX       89.0f
#define EXPM1_MIN       -20.0f
#define LN2_HI          0x1.62e4p-1f /* few bits: its products with exponents are exact */
#define LN2_LO          0x1.7f7d1cp-20f
#define TRIG_MAX        1e6f

/* (e^r - 1 - r) / r^2 for |r| <= ln(2)/2. */
TAP__INLINE float tap__exp_tail_f32(float r)
{
    float p = 0x1.a17b9ap-13f;

    p = FMA(p, r, 0x1.6d413p-10f);
    p = FMA(p, r, 0x1.1110aap-7f);
    p = FMA(p, r, 0x1.5554f2p-5f);
    p = FMA(p, r, 0x1.555556p-3f);
    return FMA(p, r, 0.5f);
}

/* (2 atanh(s) - 2 s) / s^3, z = s^2 <= 0.04. */
TAP__INLINE float tap__log_tail_f32(float z)
{
    float p = 0x1.37b322p-2f;

    p = FMA(p, z, 0x1.992352p-2f);
    return FMA(p, z, 0x1.5555b6p-1f);
}

/* (sin(r) - r) / r^3 and (cos(r) - 1 + r^2/2) / r^4, z = r^2, |r| <= pi/4. */
TAP__INLINE float tap__sin_tail_f32(float z)
{
    float p = 0x1.6cb75p-19f;

    p = FMA(p, z, -0x1.a00f3ap-13f);
    p = FMA(p, z, 0x1.111108p-7f);
    return FMA(p, z, -0x1.555556p-3f);
}

TAP__INLINE float tap__cos_tail_f32(float z)
{
    float p = 0x1.9a6f44p-16f;

    p = FMA(p, z, -0x1.6c0e78p-10f);
    return FMA(p, z, 0x1.55554ep-5f);
}

/* x = quadrant pi/2 + r + *low, |r| <= pi/4. Computed in double, so that *low is 0. */
TAP__INLINE float tap__quadrant_f32(float x, uint32_t *quadrant, float *low)
{
    double   t = TAP__FMA(fma, (double)x, 0x1.45f306dc9c883p-1, 0x1.8p52), n = t - 0x1.8p52;
    uint64_t bits;
    memcpy(&bits, &t, sizeof bits);
    *quadrant = (uint32_t)bits;
    *low = 0.0f;
    double r = TAP__FMA(fma, n, -0x1.921fb544p+0, (double)x); /* the first 33 bits of pi/2: exact */
    return (float)TAP__FMA(fma, n, -0x1.0b4611a626331p-34, r);
}

#include "tensor/kernels/vmath_functions.h"

/* ---- double ------------------------------------------------------------------------------------------------------ */

#define real            double
#define word            uint64_t
#define NAME(name)      tap__##name##_f64
#define FMA(a, b, c)    TAP__FMA(fma, a, b, c)
#define FABS            fabs
#define COPYSIGN        copysign
#define C(x)            x
#define EPSILON         0x1p-52
#define FRACTION_BITS   52
#define EXPONENT_BITS   11
#define EXPONENT_BIAS   1023
#define ROUND           0x1.8p52
#define SMALLEST_NORMAL 0x1p-1022
#define EXP_LIMIT       746.0
#define EXPM1_MAX       710.0
#define EXPM1_MIN       -40.0
#define LN2_HI          0x1.62e42fefa2p-1
#define LN2_LO          0x1.9ef35793c7673p-41
#define TRIG_MAX        1e6

TAP__INLINE double tap__exp_tail_f64(double r)
{
    double p = 0x1.1f89389867382p-29;

    p = FMA(p, r, 0x1.af5e715a1f2d3p-26);
    p = FMA(p, r, 0x1.27e4cd4b68b95p-22);
    p = FMA(p, r, 0x1.71ddf895fe401p-19);
    p = FMA(p, r, 0x1.a01a01ad2241bp-16);
    p = FMA(p, r, 0x1.a01a01afc050fp-13);
    p = FMA(p, r, 0x1.6c16c16c1508cp-10);
    p = FMA(p, r, 0x1.111111110f72dp-7);
    p = FMA(p, r, 0x1.5555555555558p-5);
    p = FMA(p, r, 0x1.5555555555559p-3);
    return FMA(p, r, 0.5);
}

TAP__INLINE double tap__log_tail_f64(double z)
{
    double p = 0x1.1bdca037f56e0p-3;

    p = FMA(p, z, 0x1.0dc2d37fce8ecp-3);
    p = FMA(p, z, 0x1.3b35e4caef7dcp-3);
    p = FMA(p, z, 0x1.745c4ddd412e9p-3);
    p = FMA(p, z, 0x1.c71c746a56fdbp-3);
    p = FMA(p, z, 0x1.249249223651bp-2);
    p = FMA(p, z, 0x1.999999999b82ep-2);
    return FMA(p, z, 0x1.5555555555552p-1);
}

TAP__INLINE double tap__sin_tail_f64(double z)
{
    double p = 0x1.5d87602f1dafdp-33;

    p = FMA(p, z, -0x1.ae5e4c16873e9p-26);
    p = FMA(p, z, 0x1.71de356f239e0p-19);
    p = FMA(p, z, -0x1.a01a019c30648p-13);
    p = FMA(p, z, 0x1.111111110fb4dp-7);
    return FMA(p, z, -0x1.555555555554dp-3);
}

TAP__INLINE double tap__cos_tail_f64(double z)
{
    double p = -0x1.8ff9c9b65ef92p-37;

    p = FMA(p, z, 0x1.1eea893d58450p-29);
    p = FMA(p, z, -0x1.27e4f903e4f38p-22);
    p = FMA(p, z, 0x1.a01a019e24c67p-16);
    p = FMA(p, z, -0x1.6c16c16c16132p-10);
    return FMA(p, z, 0x1.5555555555553p-5);
}

/* pi/2 is the sum of three parts. The products with the first two, of 33 bits each, and the differences up to `b` are exact. */
TAP__INLINE double tap__quadrant_f64(double x, uint64_t *quadrant, double *low)
{
    double t = FMA(x, 0x1.45f306dc9c883p-1, 0x1.8p52), n = t - 0x1.8p52;
    memcpy(quadrant, &t, sizeof t);
    double a = FMA(n, -0x1.921fb544p+0, x);
    double w = n * 0x1.0b4611a6p-34;
    double b = a - w;
    double c = FMA(n, -0x1.3198a2e037073p-69, (a - b) - w);
    double r = b + c;
    *low = (b - r) + c;
    return r;
}

#include "tensor/kernels/vmath_functions.h"

#endif
