/* autograd/ops/elementwise_functions.h: the functions that rows of elementwise.def call as M(name). elementwise_kernels.c
 * defines the type T and the macros M and L, and includes this file once for each type.
 *
 * A slope is the derivative of the function of that name. Slopes are computed from the argument x, because a result near its
 * limit has lost the digits that the slope needs: 1 - tanh(9)^2 is 0 in float32, while the slope is 6.1e-8.
 *
 * Exponentials are often computed as squares of h = e^(x/2), because e^x may be out of range where its product with another
 * number is not. */

/* The product or quotient y of the gradient g with a slope: 0 where g is 0 and y is NaN. */
TAP__INLINE T M(chain)(T g, T y)
{
    return ((g == 0) & (y != y)) ? 0 : y;
}

/* sigmoid'(x) = e^-|x| / (1 + e^-|x|)^2; y = sigmoid(x) */
TAP__INLINE T M(sigmoid_slope)(T x, T y)
{
    const T w = x > 0 ? y : 1 - y;
    return M(exp)(-L(fabs)(x)) * w * w;
}

/* tanh'(x) = 4 e^-2|x| / (1 + e^-2|x|)^2; y = tanh(x), and |y| = 2 / (1 + e^-2|x|) - 1 */
TAP__INLINE T M(tanh_slope)(T x, T y)
{
    const T w = 1 + L(fabs)(y);
    return M(exp)(-2 * L(fabs)(x)) * w * w;
}

/* a sigmoid(b), in range also where sigmoid(b) alone is not */
TAP__INLINE T M(gated)(T a, T b)
{
    const T h = M(exp)(-L(fabs)(b) / 2), w = 1 / (1 + h * h), y = b > 0 ? a * w : a * h * (h * w);
    return L(fabs)(a) == (T)INFINITY && b > -(T)INFINITY ? a : y;
}

/* a sigmoid'(b), in range also where sigmoid'(b) alone is not */
TAP__INLINE T M(gated_slope)(T a, T b)
{
    const T h = M(exp)(-L(fabs)(b) / 2), w = 1 / (1 + h * h), y = a * h * (h * w) * w;
    return L(fabs)(a) == (T)INFINITY && L(fabs)(b) < (T)INFINITY ? a : y;
}

/* sigmoid(x) - 1/2 = tanh(x / 2) / 2 for |x| <= 1/4, by its Taylor series */
TAP__INLINE T M(sigmoid_minus_half)(T x)
{
    const T z = x * x;
    T       sum = 0;
    if (sizeof(T) > sizeof(float)) {
        sum = (T)(-929569. / 638512875 / 65536);
        sum = sum * z + (T)(21844. / 6081075 / 16384);
        sum = sum * z - (T)(691. / 319334400);
        sum = sum * z + (T)(31. / 1451520);
        sum = sum * z;
    }
    sum = (sum - (T)(17. / 80640)) * z + (T)(1. / 480);
    sum = sum * z - (T)(1. / 48);
    return x * (sum * z + (T)0.25);
}

/* sigmoid(x) - t, with all digits also where both are near 1 or both are near 1/2 */
TAP__INLINE T M(sigmoid_minus)(T x, T t)
{
    const T e = M(exp)(-L(fabs)(x)), tail = e * (1 / (1 + e));
    const T large = x > 0 ? (1 - t) - tail : tail - t; /* where |x| is */
    return L(fabs)(x) < (T)0.25 ? M(sigmoid_minus_half)(x) + ((T)0.5 - t) : large;
}

/* a - c e^b, with all digits also where e^b is nearly 1; a where c is 0, whatever b is */
TAP__INLINE T M(sub_exp)(T a, T b, T c)
{
    const T y = b > (T)-0.6875 ? (a - c) - c * M(expm1)(b) : a - c * M(exp)(b);
    return c == 0 ? a : y;
}

/* min(max(x, -limit), limit), for functions that have reached their limits at +-limit but would multiply 0 by infinity
 * further on */
TAP__INLINE T M(clamp_abs)(T x, T limit)
{
    return x < -limit ? -limit : x > limit ? limit : x;
}

/* silu'(x) = s + x s (1 - s), s = sigmoid(x) */
TAP__INLINE T M(silu_slope)(T x)
{
    const T z = M(clamp_abs)(x, (T)1e4), e = M(exp)(-L(fabs)(z)), w = 1 / (1 + e);
    return z < 0 ? e * w * (1 + z * w) : w * (1 + z * (e * w));
}

/* x sigmoid(2 v) = x (1 + tanh v) / 2, v = sqrt(2/pi) (x + 0.044715 x^3). The sigmoid keeps its digits where v is far below
 * 0. Here u = 2 v, and 2 sqrt(2/pi) = 1.5957..; for x above 40 the sigmoid is 1. */
TAP__INLINE T M(gelu_tanh)(T x)
{
    const T z = M(clamp_abs)(x, 40), u = z * (z * z * (T)0.044715 + 1) * (T)1.5957691216057308;
    return x > 40 ? x : z * M(sigmoid)(u);
}

TAP__INLINE T M(gelu_tanh_slope)(T x)
{
    const T z = M(clamp_abs)(x, 40), u = z * (z * z * (T)0.044715 + 1) * (T)1.5957691216057308;
    const T du = (z * z * (T)0.134145 + 1) * (T)1.5957691216057308, s = M(sigmoid)(u);
    return s + z * du * M(sigmoid_slope)(u, s);
}

/* x t, t = tanh(softplus(x)) = n / (n + 2) with n = e^x (e^x + 2). For x above 40, t is 1. */
TAP__INLINE T M(mish)(T x)
{
    const T e = M(exp)(x > 40 ? 40 : x), n = TAP__FMA(L(fma), e, e, 2 * e);
    return x < (T)-1e4 ? 0 : x * (n / (n + 2));
}

/* mish'(x) = t + x t', t' = 4 e^x (1 + e^x) / (n + 2)^2, with t and n as in mish */
TAP__INLINE T M(mish_slope)(T x)
{
    const T z = x < (T)-1e4 ? (T)-1e4 : x > 40 ? 40 : x, e = M(exp)(z), n = e * (e + 2), w = 1 / (n + 2);
    return n * w + z * (4 * e * w) * ((1 + e) * w);
}

/* g / (1 + x^2), without overflow of x^2 */
TAP__INLINE T M(atan_grad)(T g, T x)
{
    return L(fabs)(x) > (T)1e10 ? g / x / x : g / (1 + x * x);
}

/* e^(rate x^2). The exponent's rounding error, which fma recovers, would cost many digits of a large power. */
TAP__INLINE T M(exp_square)(T x, T rate)
{
    const T square = rate * x * x, y = M(exp)(square), error = L(fma)(rate * x, x, -square);
    return L(fabs)(square) < (T)1e4 && y < (T)INFINITY ? y + y * error : y;
}

/* a / sqrt(a^2 + b^2), without overflow of the squares; 0 at (0, 0). An infinity counts as +-1 beside finite numbers, which
 * count as 0. */
TAP__INLINE T M(hypot_slope)(T a, T b)
{
    const T p = L(fabs)(a), q = L(fabs)(b), max = p > q ? p : q;
    if (p != p || q != q) return p + q;
    if (max == 0) return 0;
    const T u = max < (T)INFINITY ? a / max : p == max ? L(copysign)(1, a) : 0;
    const T v = max < (T)INFINITY ? b / max : q == max ? 1 : 0;
    return u / L(sqrt)(u * u + v * v);
}

/* b / (a^2 + b^2), without overflow of the squares; 0 at (0, 0) */
TAP__INLINE T M(atan2_slope)(T a, T b)
{
    const T u = M(hypot_slope)(b, a);
    const T h = L(hypot)(a, b);
    return u == 0 ? 0 : h < (T)INFINITY ? u / h : u / L(hypot)(a / 2, b / 2) / 2;
}

/* b a^(b-1); 0 where b is 0. Where a^(b-1) is out of range, it is multiplied in as two factors a^((b-1)/2), because the
 * product may be in range. Where b - 1 rounds, the power is a^b / a. */
TAP__INLINE T M(pow_slope)(T a, T b)
{
    const T    exponent = b - 1, size = L(fabs)(a);
    const bool rounds = exponent + 1 != b || exponent == b;
    const bool can_divide = size > 0 && size < (T)INFINITY;
    const T    y = !rounds ? L(pow)(a, exponent) : can_divide ? L(pow)(a, b) / a : L(pow)(size, exponent);
    if (b == 0) return 0;
    if (L(fabs)(y) >= MIN_NORMAL && L(fabs)(y) < (T)INFINITY) return b * y;
    if (y != y || size == 0 || !(L(fabs)(exponent) < (T)INFINITY)) return y == 0 ? 0 : b * y;
    const T half = L(pow)(size, exponent / 2);
    return L(copysign)(half * b * half, (y < 0 || (y == 0 && 1 / y < 0)) != (b < 0) ? -1 : 1);
}

/* a^b log a; 0 where a^b is 0 and the logarithm is infinite, and at (0, 0). Where a^b is subnormal or 0, it is multiplied in
 * as two factors a^(b/2). */
TAP__INLINE T M(pow_log)(T a, T b)
{
    const T y = L(pow)(a, b);
    if ((a == 0 && b >= 0) || (a == (T)INFINITY && b < 0)) return 0;
    if (a < 0 || L(fabs)(y) >= MIN_NORMAL || y != y) return y * L(log)(a);
    const T half = L(pow)(a, b / 2), z = half * L(log)(a);
    return half == 0 ? 0 : z * half;
}

/* (1 - c) a + c b where b - a is infinite. A number of weight 0 counts as 0, and so does a finite number beside an infinite
 * one. */
TAP__INLINE T M(lerp_infinite)(T a, T b, T c)
{
    const T    weight_a = 1 - c, p = weight_a == 0 ? 0 : weight_a * a, q = c == 0 ? 0 : c * b;
    const bool finite_a = L(fabs)(a) < (T)INFINITY, finite_b = L(fabs)(b) < (T)INFINITY;
    if (finite_a == finite_b) return p + q;
    return finite_a ? c == 0 ? a : q : weight_a == 0 ? b : p;
}

/* d^2 / 2 for d = |a - b| <= delta, else delta (d - delta / 2). Where d overflows, d / 2 does not. */
TAP__INLINE T M(huber)(T a, T b, T delta)
{
    const T d = a == b ? 0 : L(fabs)(a - b), half = L(fabs)(a / 2 - b / 2);
    const T linear = d < (T)INFINITY ? delta * (d - delta / 2) : 2 * delta * (half - delta / 4);
    return d <= delta ? d * (d / 2) : linear;
}

/* e^a (a - b); 0 where e^a is 0, and where a == b */
TAP__INLINE T M(kl_log_term)(T a, T b)
{
    const T half = M(exp)(a / 2), d = a - b, y = half * d * half;
    if (L(fabs)(b) == (T)INFINITY) return a == b || a == -(T)INFINITY ? 0 : d;
    return a == b || (half == 0 && b == b) ? 0 : y;
}

/* -t log p - (1 - t) log(1 - p), with logarithms of at least -100; a term is 0 where its factor t or 1 - t is 0 */
TAP__INLINE T M(bce)(T p, T t)
{
    const T log_p = M(log)(p), log_q = M(log1p)(-p);
    return -M(chain)(t, t * MAX(log_p, -100)) - M(chain)(1 - t, (1 - t) * MAX(log_q, -100));
}

/* (1 - t) log(1 + e^x) + t w log(1 + e^-x); a term is 0 where its factor t or 1 - t is 0 */
TAP__INLINE T M(weighted_bce)(T x, T t, T w)
{
    const T rest = M(softplus)(-L(fabs)(x)), negative = MAX(x, 0) + rest, positive = MAX(-x, 0) + rest;
    const T weighted = positive > 1 ? t * positive * w : t * w * positive; /* t w may underflow, w positive overflow */
    return M(chain)(1 - t, (1 - t) * negative) + M(chain)(t, M(chain)(w, weighted));
}

/* (x - mean) / s; 0 where x is the mean. Where x - mean overflows, x / 2 - mean / 2 does not. */
TAP__INLINE T M(standard_score)(T x, T mean, T s)
{
    const T d = x - mean;
    if (x == mean) return 0;
    return L(fabs)(d) < (T)INFINITY ? d / s : (x / 2 - mean / 2) / (s / 2);
}

/* a + c (b - a), computed from the nearer end, so that c = 0 gives a and c = 1 gives b exactly; a where a == b */
TAP__INLINE T M(lerp)(T a, T b, T c)
{
    const T d = b - a;
    if (a == b) return a;
    if (L(fabs)(c) == (T)INFINITY) return c * d;
    if (!(L(fabs)(d) < (T)INFINITY)) return M(lerp_infinite)(a, b, c);
    return c < (T)0.5 ? a + d * c : b - d * (1 - c);
}

/* a c^2, multiplied as (a c) c where the square is out of range; 0 where a is 0, as a masked gradient is, whatever c is */
TAP__INLINE T M(times_square)(T a, T c)
{
    const T square = c * c, y = ((square >= MIN_NORMAL) & (square < (T)INFINITY)) ? a * square : a * c * c;
    return a == 0 ? 0 : y;
}

/* e^x - 1 - x, for |x| < 1/2 by its series x^2/2 (1 + x/3 (1 + x/4 (..))) */
TAP__INLINE T M(expm1_minus_x)(T x)
{
    const bool small = L(fabs)(x) < (T)0.5;
    const T    z = small ? x : 0;
    T          sum = 1;
    TAP__UNROLL
    for (int k = sizeof(T) > sizeof(float) ? 17 : 10; k > 2; k--) sum = 1 + sum * z * (T)(1. / k);
    const T large = x == (T)INFINITY ? x : M(expm1)(x) - x;
    return small ? z * z / 2 * sum : large;
}

/* w - log(1 + w) for w >= -1/2. For w < 1 it is w s - 2 (s^3/3 + s^5/5 + ..), s = w / (2 + w), since log(1 + w) = 2
 * atanh(s). */
TAP__INLINE T M(x_minus_log1p)(T w)
{
    const T s = w / (2 + w), z = s * s;
    T       sum = 0;
    TAP__UNROLL
    for (int k = sizeof(T) > sizeof(float) ? 33 : 17; k > 1; k -= 2) sum = sum * z + (T)(1. / k);
    return w < 1 ? s * (w - 2 * z * sum) : w - M(log1p)(w);
}

/* e^a - e^b = e^max (1 - e^-|a - b|), with the sign of a - b */
TAP__INLINE T M(exp_difference)(T a, T b)
{
    const T max = a > b ? a : b, y = M(exp)(max) * -M(expm1)(-L(fabs)(a - b));
    return a == b ? 0 : a > b ? y : -y;
}

/* e^a (a - b); 0 where a == b or e^a is 0 */
TAP__INLINE T M(categorical_kl_grad)(T a, T b)
{
    const T d = a - b, half = M(exp)(a / 2);
    return a == b || a == -(T)INFINITY ? (b != b ? b : 0) : L(fabs)(d) == (T)INFINITY ? d : d * half * half;
}

/* p log(p / r) - p + r for p = e^a, r = e^b: e^a (e^d - 1 - d) with d = b - a or, for large d, e^b (1 - (1 + d) e^-d) */
TAP__INLINE T M(categorical_kl_term)(T a, T b)
{
    const T d = b - a, half = M(exp)(a / 2);
    const T small = M(expm1_minus_x)(d < 1 ? d : 1) * half * half;
    const T large = d < (T)1e4 ? M(exp)(b) * (1 - (1 + d) * M(exp)(-d)) : M(exp)(b);
    return a == b ? 0 : d == -(T)INFINITY ? -d : d < 1 ? small : d != d ? d : large;
}

/* The entropy of a Bernoulli variable with logit x: log(1 + e^-|x|) + |x| sigmoid(-|x|) */
TAP__INLINE T M(bernoulli_entropy)(T x)
{
    const T z = L(fabs)(x), half = M(exp)(-z / 2);
    return M(softplus)(-z) + (z < (T)1e4 ? z * half * half / (1 + half * half) : x != x ? x : 0);
}

/* KL from logit a to logit b. If a > 0, both change sign, which leaves KL as it is. With s = sigmoid(a) and d = b - a it is
 * s (e^d - 1 - d) - (w - log(1 + w)), w = s (e^d - 1), where nothing cancels; for large d, log(1 + e^b) - log(1 + e^a) - s
 * d. */
TAP__INLINE T M(bernoulli_kl)(T a, T b)
{
    const T q = a > 0 ? -a : a, p = a > 0 ? -b : b, d = p - q, d2 = d < 2 ? d : 2;
    const T half = M(exp)(q / 2), rest = 1 / (1 + half * half), s = half * half * rest;
    const T small = M(expm1_minus_x)(d2) * half * half * rest - M(x_minus_log1p)(s * M(expm1)(d2));
    const T large = M(softplus)(p) - M(softplus)(q) - (s == 0 ? 0 : s * d);
    return q == p ? 0 : p == (T)INFINITY || d == -(T)INFINITY ? L(fabs)(d) : d < 2 ? small : large;
}

/* sigmoid'(a) (a - b); 0 where sigmoid'(a) is 0 */
TAP__INLINE T M(bernoulli_kl_grad)(T a, T b)
{
    const T d = a - b, half = M(exp)(-L(fabs)(a) / 2), rest = 1 / (1 + half * half);
    if (a == b || L(fabs)(a) == (T)INFINITY || (L(fabs)(a) > (T)1e4 && L(fabs)(b) < (T)INFINITY)) return b != b ? b : 0;
    return L(fabs)(d) == (T)INFINITY ? d : d * half * half * rest * rest;
}

/* sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - e^(b - a)) */
TAP__INLINE T M(sigmoid_difference)(T a, T b)
{
    const T high = a > b ? a : b, low = a > b ? b : a;
    const T y = M(sigmoid)(high) * M(sigmoid)(-low) * -M(expm1)(low - high);
    return a == b ? 0 : a > b ? y : -y;
}
