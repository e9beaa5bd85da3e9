/* tensor/kernels/vmath_functions.h: the functions of vmath.h, for the type and constants that it has defined. Included twice.
 *
 * Every argument is valid; sin and cos give NaN beyond 1e6. The largest errors observed, in units of the last place, with fused
 * multiply-adds (float: every 13th bit pattern; double: 12 million arguments); without them, tanh has 2.3 and sigmoid 1.8:
 *
 *            exp   expm1  log   log1p  tanh  sigmoid  softplus  sin   cos
 *   float    0.85  1.29   0.97  1.01   1.64  1.60     1.74      1.49  1.48
 *   double   0.83  1.26   0.87  0.99   2.06  1.59     1.60      0.89  0.91 */

TAP__INLINE word NAME(bits)(real x)
{
    word u;
    memcpy(&u, &x, sizeof u);
    return u;
}

TAP__INLINE real NAME(from_bits)(word u)
{
    real x;
    memcpy(&x, &u, sizeof x);
    return x;
}

/* 2^n for a biased exponent n + EXPONENT_BIAS of a normal number. */
TAP__INLINE real NAME(power)(word biased)
{
    return NAME(from_bits)(biased << FRACTION_BITS);
}

/* x = n ln(2) + r + low, |r| <= ln(2)/2. Returns r; *t is n + ROUND. */
TAP__INLINE real NAME(exp_reduce)(real x, real *t, real *low)
{
    *t = FMA(x, C(1.44269504088896341), ROUND);
    real n = *t - ROUND;
    real a = FMA(n, -LN2_HI, x);
    real r = FMA(n, -LN2_LO, a);
    *low = FMA(n, -LN2_LO, a - r);
    return r;
}

/* e^x = 2^n e^r. The power is applied in two halves, so that results down to the subnormals and up to overflow round once. */
TAP__INLINE real NAME(exp)(real x)
{
    real t, low;
    real a = FABS(x);
    a = a > EXP_LIMIT ? EXP_LIMIT : a;
    real r = NAME(exp_reduce)(COPYSIGN(a, x), &t, &low);
    real y = C(1.0) + (r + FMA(r * r, NAME(exp_tail)(r), low));
    word n = NAME(bits)(t) - NAME(bits)(ROUND) + 2 * EXPONENT_BIAS;
    word half = n / 2;
    return y * NAME(power)(half) * NAME(power)(n - half);
}

/* e^x - 1 = 2 (s e^r - 1/2), s = 2^(n-1), with e^r = 1 + r + tail. Half the power keeps s finite at n = 128 or 1024. */
TAP__INLINE real NAME(expm1)(real x)
{
    real t, low, a = FABS(x);
    a = a > EXPM1_MAX ? EXPM1_MAX : a;
    real z = COPYSIGN(a, x);
    z = z < EXPM1_MIN ? EXPM1_MIN : z;
    real r = NAME(exp_reduce)(z, &t, &low);
    real tail = FMA(r, FMA(r, NAME(exp_tail)(r), low), low);
    real s = NAME(power)(NAME(bits)(t) - NAME(bits)(ROUND) + (EXPONENT_BIAS - 1));
    real y = FMA(s, tail, FMA(s, r, s - C(0.5)));
    return FABS(x) < C(0x1p-60) ? x : y + y; /* zeros keep their sign, subnormals their last bit */
}

/* x = 2^k (1 + f) with f in [-1/4, 1/2), for positive normal x. Returns f, exactly; *biased is k + EXPONENT_BIAS. */
TAP__INLINE real NAME(log_reduce)(real x, word *biased)
{
    word low = NAME(bits)(C(0.75));
    word u = NAME(bits)(x) + (NAME(bits)(C(1.0)) - low);
    word mask = ((word)1 << FRACTION_BITS) - 1;
    *biased = u >> FRACTION_BITS;
    return NAME(from_bits)((u & mask) + low) - C(1.0);
}

/* Converts the integer n exactly. It works on bits, as not every processor can convert vectors of words. */
TAP__INLINE real NAME(from_word)(word n)
{
    real one = NAME(from_bits)((word)(EXPONENT_BIAS + FRACTION_BITS) << FRACTION_BITS); /* its last bit has the value 1 */
    return NAME(from_bits)(NAME(bits)(one) | n) - one;
}

/* log(2^k (1 + f)) + low = k ln(2) + 2 atanh(s) + low, s = f / (2 + f). As 2 s = f - s f, the rounding of s matters little. */
TAP__INLINE real NAME(log_sum)(real k, real f, real low)
{
    real s = f / (C(2.0) + f);
    real z = s * s;
    real tail = s * FMA(-z, NAME(log_tail)(z), f) - FMA(k, LN2_LO, low);
    return FMA(k, LN2_HI, f - tail);
}

TAP__INLINE real NAME(log)(real x)
{
    real small = x < SMALLEST_NORMAL ? C(1.0) : C(0.0);
    real scale = x < SMALLEST_NORMAL ? 1 / EPSILON : C(1.0);
    word biased;
    real f = NAME(log_reduce)(x * scale, &biased);
    real k = NAME(from_word)(biased) - EXPONENT_BIAS - small * FRACTION_BITS;
    real y = NAME(log_sum)(k, f, C(0.0));
    y = x < (real)INFINITY ? y : x;
    return x > 0 ? y : x == 0 ? -(real)INFINITY : (real)NAN;
}

/* log(1 + x) = log(u) + c / u, where u is 1 + x rounded and c is the rounding error; c / u needs few correct bits. From ROUND
 * on, c is too small to matter. */
TAP__INLINE real NAME(log1p)(real x)
{
    word biased;
    real u = C(1.0) + x;
    real c = x - (u - C(1.0));
    real f = NAME(log_reduce)(u, &biased);
    real k = NAME(from_word)(biased) - EXPONENT_BIAS;
    real v = (C(1.0) - f * FMA(C(-0.8), f, C(1.0))) * NAME(power)(2 * EXPONENT_BIAS - biased); /* 1 / u within 5% */
    real y = NAME(log_sum)(k, f, x < ROUND ? c * v : C(0.0));
    y = x < (real)INFINITY ? COPYSIGN(y, x) : x;
    return x > -1 ? y : x == -1 ? -(real)INFINITY : (real)NAN;
}

/* tanh |x| = t / (t + 2) with t = e^(2|x|) - 1, which keeps all digits of a small x. It is computed as h - h (2 h / (t + 2))
 * with h = t / 2 for t <= 2. For t > 2, h = 1 gives 1 - 2 / (t + 2), which is the same number and has a smaller rounding
 * error. */
TAP__INLINE real NAME(tanh)(real x)
{
    real t = NAME(expm1)(2 * FABS(x));
    real m = t > 2 ? C(2.0) : t;
    real q = m / (t + 2);
    real h = C(0.5) * m;
    return COPYSIGN(FMA(-h, q, h), x);
}

TAP__INLINE real NAME(sigmoid)(real x)
{
    real e = NAME(exp)(-FABS(x));
    real w = e / (1 + e);
    real h = x < 0 ? e : C(1.0);
    return FMA(-h, w, h);
}

/* log(1 + e^x) = max(x, 0) + log(1 + e), e = e^-|x|; 1 + e = 2^k (1 + f) needs no rounding with k = (e > 1/2). */
TAP__INLINE real NAME(softplus)(real x)
{
    real e = NAME(exp)(-FABS(x));
    real k = e > C(0.5) ? C(1.0) : C(0.0);
    real f = e > C(0.5) ? C(0.5) * e - C(0.5) : e;
    real y = (x > 0 ? x : C(0.0)) + NAME(log_sum)(k, f, C(0.0));
    return x < (real)INFINITY ? y : x;
}

/* sin and cos of r + low, |r| <= pi/4. */
TAP__INLINE real NAME(sin_core)(real r, real low)
{
    real z = r * r;
    return r + FMA(r * z, NAME(sin_tail)(z), low);
}

TAP__INLINE real NAME(cos_core)(real r, real low)
{
    real z = r * r;
    real h = C(0.5) * z;
    real y = 1 - h;
    return y + (((1 - y) - h) + FMA(z * z, NAME(cos_tail)(z), -(r * low)));
}

/* sin(quadrant pi/2 + r + low). A mask selects sine or cosine, as SSE2 cannot compare 64-bit words. */
TAP__INLINE real NAME(sin_quadrant)(word quadrant, real r, real low)
{
    word s = NAME(bits)(NAME(sin_core)(r, low));
    word c = NAME(bits)(NAME(cos_core)(r, low));
    word odd = 0 - (quadrant & 1);
    word sign = (quadrant & 2) << (FRACTION_BITS + EXPONENT_BITS - 1);
    return NAME(from_bits)(((c & odd) | (s & ~odd)) ^ sign);
}

/* sin and cos are NaN for |x| > TRIG_MAX. Callers that allow such arguments use the C library for them. */
TAP__INLINE real NAME(sin)(real x)
{
    word quadrant;
    real low, r = NAME(quadrant)(x, &quadrant, &low);
    real y = NAME(sin_quadrant)(quadrant, r, low);
    y = FABS(x) < C(0x1p-30) ? x : y; /* a zero keeps its sign */
    return FABS(x) <= TRIG_MAX ? y : (real)NAN;
}

TAP__INLINE real NAME(cos)(real x)
{
    word quadrant;
    real low, r = NAME(quadrant)(x, &quadrant, &low);
    real y = NAME(sin_quadrant)(quadrant + 1, r, low);
    return FABS(x) <= TRIG_MAX ? y : (real)NAN;
}

#undef real
#undef word
#undef NAME
#undef FMA
#undef FABS
#undef COPYSIGN
#undef C
#undef FRACTION_BITS
#undef EXPONENT_BITS
#undef EXPONENT_BIAS
#undef EPSILON
#undef ROUND
#undef SMALLEST_NORMAL
#undef EXP_LIMIT
#undef EXPM1_MAX
#undef EXPM1_MIN
#undef LN2_HI
#undef LN2_LO
#undef TRIG_MAX
