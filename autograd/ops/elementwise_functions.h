/* autograd/ops/elementwise_functions.h: functions that the rows of elementwise.def call as M(name), for the type T that the including file
 * has defined, with its L(). Included once for each type.
 *
 * A slope is the derivative of the function of that name. It takes the argument, as a result near its limit has lost the digits that
 * its slope needs: 1 - tanh(9)^2 is 0 in float32, and the slope 6.1e-8. */

/* y, what a slope makes of the gradient g, but 0 where that is 0 and y is no number */
TAP__INLINE T M(chain)(T g, T y)
{
    return ((g == 0) & (y != y)) ? 0 : y;
}

/* e^-|x| / (1 + e^-|x|)^2, y = sigmoid(x) */
TAP__INLINE T M(sigmoid_slope)(T x, T y)
{
    const T w = x > 0 ? y : 1 - y;
    return M(exp)(-L(fabs)(x)) * w * w;
}

/* 4 e^-2|x| / (1 + e^-2|x|)^2, y = tanh(x) = +-(2 / (1 + e^-2|x|) - 1) */
TAP__INLINE T M(tanh_slope)(T x, T y)
{
    const T w = 1 + L(fabs)(y);
    return M(exp)(-2 * L(fabs)(x)) * w * w;
}

/* a sigmoid(b), where the product may be in range and the sigmoid not: e^b comes in halves */
TAP__INLINE T M(gated)(T a, T b)
{
    const T h = M(exp)(-L(fabs)(b) / 2), w = 1 / (1 + h * h), y = b > 0 ? a * w : a * h * (h * w);
    return L(fabs)(a) == (T)INFINITY && b > -(T)INFINITY ? a : y;
}

/* a sigmoid'(b), the same */
TAP__INLINE T M(gated_slope)(T a, T b)
{
    const T h = M(exp)(-L(fabs)(b) / 2), w = 1 / (1 + h * h), y = a * h * (h * w) * w;
    return L(fabs)(a) == (T)INFINITY && L(fabs)(b) < (T)INFINITY ? a : y;
}

/* tanh(x / 2) / 2 = sigmoid(x) - 1/2, for |x| <= 1/4: its Taylor series */
TAP__INLINE T M(sigmoid_middle)(T x)
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

/* sigmoid(x) - t, with all digits also where both are near 1, or both near 1/2. */
TAP__INLINE T M(sigmoid_minus)(T x, T t)
{
    const T e = M(exp)(-L(fabs)(x)), tail = e * (1 / (1 + e));
    const T far = x > 0 ? (1 - t) - tail : tail - t;
    return L(fabs)(x) < (T)0.25 ? M(sigmoid_middle)(x) + ((T)0.5 - t) : far;
}

/* a - c e^b, with all digits also where e^b is nearly 1, and a where c is 0 */
TAP__INLINE T M(sub_exp)(T a, T b, T c)
{
    const T y = b > (T)-0.6875 ? (a - c) - c * M(expm1)(b) : a - c * M(exp)(b);
    return c == 0 ? a : y;
}

/* x between -most and most, where functions that multiply it by what is then 0 or 1 are as good as at infinity */
TAP__INLINE T M(within)(T x, T most)
{
    return x < -most ? -most : x > most ? most : x;
}

/* s + x s (1 - s), s = sigmoid(x) */
TAP__INLINE T M(silu_slope)(T x)
{
    const T z = M(within)(x, (T)1e4), e = M(exp)(-L(fabs)(z)), w = 1 / (1 + e);
    return z < 0 ? e * w * (1 + z * w) : w * (1 + z * (e * w));
}

/* (1 + tanh u) / 2 = sigmoid(2 u), which keeps its digits for u far below 0; 2 sqrt(2/pi) = 1.5957.. From 40 on it is 1. */
TAP__INLINE T M(gelu_tanh)(T x)
{
    const T z = M(within)(x, 40), u = z * (z * z * (T)0.044715 + 1) * (T)1.5957691216057308;
    return x > 40 ? x : z * M(sigmoid)(u);
}

TAP__INLINE T M(gelu_tanh_slope)(T x)
{
    const T z = M(within)(x, 40), u = z * (z * z * (T)0.044715 + 1) * (T)1.5957691216057308;
    const T du = (z * z * (T)0.134145 + 1) * (T)1.5957691216057308, s = M(sigmoid)(u);
    return s + z * du * M(sigmoid_slope)(u, s);
}

/* x t, t = tanh(softplus(x)) = n / (n + 2) with n = e^x (e^x + 2). From 40 on t is 1. */
TAP__INLINE T M(mish)(T x)
{
    const T e = M(exp)(x > 40 ? 40 : x), n = TAP__FMA(L(fma), e, e, 2 * e);
    return x < (T)-1e4 ? 0 : x * (n / (n + 2));
}

/* t + x t', t' = 4 e^x (1 + e^x) / (n + 2)^2 */
TAP__INLINE T M(mish_slope)(T x)
{
    const T z = x < (T)-1e4 ? (T)-1e4 : x > 40 ? 40 : x, e = M(exp)(z), n = e * (e + 2), w = 1 / (n + 2);
    return n * w + z * (4 * e * w) * ((1 + e) * w);
}

/* g / (1 + x^2) */
TAP__INLINE T M(atan_grad)(T g, T x)
{
    return L(fabs)(x) > (T)1e10 ? g / x / x : g / (1 + x * x);
}

/* e^(rate x^2). What rounding the square loses is worth many digits of a large power. */
TAP__INLINE T M(exp_square)(T x, T rate)
{
    const T square = rate * x * x, y = M(exp)(square), lost = L(fma)(rate * x, x, -square);
    return L(fabs)(square) < (T)1e4 && y < (T)INFINITY ? y + y * lost : y;
}

/* a / sqrt(a^2 + b^2), whatever the squares are; 0 at 0, 0. Of infinities, two are equal, and one is all there is. */
TAP__INLINE T M(hypot_slope)(T a, T b)
{
    const T p = L(fabs)(a), q = L(fabs)(b), most = p > q ? p : q;
    if (p != p || q != q) return p + q;
    if (most == 0) return 0;
    const T u = most < (T)INFINITY ? a / most : p == most ? L(copysign)(1, a) : 0;
    const T v = most < (T)INFINITY ? b / most : q == most ? 1 : 0;
    return u / L(sqrt)(u * u + v * v);
}

/* b / (a^2 + b^2), whatever the squares are; 0 at 0, 0 */
TAP__INLINE T M(atan2_slope)(T a, T b)
{
    const T u = M(hypot_slope)(b, a);
    const T h = L(hypot)(a, b);
    return u == 0 ? 0 : h < (T)INFINITY ? u / h : u / L(hypot)(a / 2, b / 2) / 2;
}

/* b a^(b-1), 0 where b is 0. The power comes in halves where it is out of range, as the product may not be; and from a^b where b - 1
 * rounds. */
TAP__INLINE T M(pow_slope)(T a, T b)
{
    const T    less = b - 1, size = L(fabs)(a);
    const bool rounds = less + 1 != b || less == b,
               apart = size > 0 && size < (T)INFINITY; /* from where the power has no quotient */
    const T y = !rounds ? L(pow)(a, less) : apart ? L(pow)(a, b) / a : L(pow)(size, less);
    if (b == 0) return 0;
    if (L(fabs)(y) >= SMALLEST && L(fabs)(y) < (T)INFINITY) return b * y;
    if (y != y || size == 0 || !(L(fabs)(less) < (T)INFINITY)) return y == 0 ? 0 : b * y;
    const T half = L(pow)(size, less / 2);
    return L(copysign)(half * b * half, (y < 0 || (y == 0 && 1 / y < 0)) != (b < 0) ? -1 : 1);
}

/* a^b log a, 0 where a and b are, or where the power is and the logarithm is infinite. The power comes in halves where it is out of range. */
TAP__INLINE T M(pow_log)(T a, T b)
{
    const T y = L(pow)(a, b);
    if ((a == 0 && b >= 0) || (a == (T)INFINITY && b < 0)) return 0;
    if (a < 0 || L(fabs)(y) >= SMALLEST || y != y) return y * L(log)(a);
    const T half = L(pow)(a, b / 2), z = half * L(log)(a);
    return half == 0 ? 0 : z * half;
}

/* a + c (b - a) where b - a is infinite: what has no weight is nothing, and what is finite, beside what is not. */
TAP__INLINE T M(lerp_far)(T a, T b, T c)
{
    const T    rest = 1 - c, p = rest == 0 ? 0 : rest * a, q = c == 0 ? 0 : c * b;
    const bool finite_a = L(fabs)(a) < (T)INFINITY, finite_b = L(fabs)(b) < (T)INFINITY;
    if (finite_a == finite_b) return p + q;
    return finite_a ? c == 0 ? a : q : rest == 0 ? b : p;
}

/* d^2 / 2 for d = |a - b| up to delta, then delta (d - delta / 2); by halves, of which none is out of range */
TAP__INLINE T M(huber)(T a, T b, T delta)
{
    const T d = a == b ? 0 : L(fabs)(a - b), half = L(fabs)(a / 2 - b / 2);
    const T line = d < (T)INFINITY ? delta * (d - delta / 2) : 2 * delta * (half - delta / 4);
    return d <= delta ? d * (d / 2) : line;
}

/* e^a (a - b), and 0 where e^a is, or where a == b; by halves of a, lest e^a be out of range where the product is not */
TAP__INLINE T M(kl_log_term)(T a, T b)
{
    const T half = M(exp)(a / 2), way = a - b, y = half * way * half;
    if (L(fabs)(b) == (T)INFINITY) return a == b || a == -(T)INFINITY ? 0 : way;
    return a == b || (half == 0 && b == b) ? 0 : y;
}

/* -t log p - (1 - t) log(1 - p), logarithms not below -100, of which none counts where its factor is 0 */
TAP__INLINE T M(bce)(T p, T t)
{
    const T yes = M(log)(p), no = M(log1p)(-p);
    return -M(chain)(t, t * HIGHER(yes, -100)) - M(chain)(1 - t, (1 - t) * HIGHER(no, -100));
}

/* (1 - t) log(1 + e^x) + t w log(1 + e^-x), of which none counts where its factor is 0 */
TAP__INLINE T M(weighted_bce)(T x, T t, T w)
{
    const T rest = M(softplus)(-L(fabs)(x)), no = HIGHER(x, 0) + rest, yes = HIGHER(-x, 0) + rest;
    const T share = yes > 1 ? t * yes * w : t * w * yes; /* t w may be too small for a number, w yes too large */
    return M(chain)(1 - t, (1 - t) * no) + M(chain)(t, M(chain)(w, share));
}

/* (x - mean) / s, and 0 where x is the mean; by halves where x - mean is out of range */
TAP__INLINE T M(standard_score)(T x, T mean, T s)
{
    const T d = x - mean;
    if (x == mean) return 0;
    return L(fabs)(d) < (T)INFINITY ? d / s : (x / 2 - mean / 2) / (s / 2);
}

/* a + c (b - a), from the nearer end, so that both ends are met, and a where a == b. */
TAP__INLINE T M(lerp)(T a, T b, T c)
{
    const T way = b - a;
    if (a == b) return a;
    if (L(fabs)(c) == (T)INFINITY) return c * way;
    if (!(L(fabs)(way) < (T)INFINITY)) return M(lerp_far)(a, b, c);
    return c < (T)0.5 ? a + way * c : b - way * (1 - c);
}

/* a c^2, a by c first if the square is out of range; 0 for 0, as of a gradient that is masked */
TAP__INLINE T M(times_square)(T a, T c)
{
    const T square = c * c, y = ((square >= SMALLEST) & (square < (T)INFINITY)) ? a * square : a * c * c;
    return a == 0 ? 0 : y;
}

/* e^x - 1 - x, near 0 by its series x^2/2 (1 + x/3 (1 + x/4 (..))) */
TAP__INLINE T M(expm1_minus_x)(T x)
{
    const bool near = L(fabs)(x) < (T)0.5;
    const T    z = near ? x : 0;
    T          sum = 1;
    TAP__UNROLL
    for (int k = sizeof(T) > sizeof(float) ? 17 : 10; k > 2; k--) sum = 1 + sum * z * (T)(1. / k);
    const T far = x == (T)INFINITY ? x : M(expm1)(x) - x;
    return near ? z * z / 2 * sum : far;
}

/* w - log(1 + w), w >= -1/2; up to 1 it is w s - 2 (s^3/3 + s^5/5 + ..), s = w / (2 + w), as log(1 + w) = 2 atanh(s). */
TAP__INLINE T M(log1p_rest)(T w)
{
    const T s = w / (2 + w), z = s * s;
    T       sum = 0;
    TAP__UNROLL
    for (int k = sizeof(T) > sizeof(float) ? 33 : 17; k > 1; k -= 2) sum = sum * z + (T)(1. / k);
    return w < 1 ? s * (w - 2 * z * sum) : w - M(log1p)(w);
}

/* e^a - e^b */
TAP__INLINE T M(exp_difference)(T a, T b)
{
    const T most = a > b ? a : b, y = M(exp)(most) * -M(expm1)(-L(fabs)(a - b));
    return a == b ? 0 : a > b ? y : -y;
}

/* e^a (a - b), the power in halves, as it may be out of range where the product is not */
TAP__INLINE T M(categorical_kl_grad)(T a, T b)
{
    const T way = a - b, half = M(exp)(a / 2);
    return a == b || a == -(T)INFINITY ? (b != b ? b : 0) : L(fabs)(way) == (T)INFINITY ? way : way * half * half;
}

/* e^a (e^d - 1 - d), d = b - a, which is e^b (1 - (1 + d) e^-d) */
TAP__INLINE T M(categorical_kl_term)(T a, T b)
{
    const T d = b - a, half = M(exp)(a / 2);
    const T near = M(expm1_minus_x)(d < 1 ? d : 1) * half * half;
    const T far = d < (T)1e4 ? M(exp)(b) * (1 - (1 + d) * M(exp)(-d)) : M(exp)(b);
    return a == b ? 0 : d == -(T)INFINITY ? -d : d < 1 ? near : d != d ? d : far;
}

/* log(1 + e^-|x|) + |x| sigmoid(-|x|) */
TAP__INLINE T M(bernoulli_entropy)(T x)
{
    const T z = L(fabs)(x), half = M(exp)(-z / 2);
    return M(softplus)(-z) + (z < (T)1e4 ? z * half * half / (1 + half * half) : x != x ? x : 0);
}

/* With both logits mirrored so that the first is not above 0, s = sigmoid(a) and d = b - a: s (e^d - 1 - d) - (w - log(1 + w)),
 * w = s (e^d - 1), in which nothing cancels; for large d, log(1 + e^b) - log(1 + e^a) - s d. */
TAP__INLINE T M(bernoulli_kl)(T a, T b)
{
    const T q = a > 0 ? -a : a, p = a > 0 ? -b : b, d = p - q, some = d < 2 ? d : 2;
    const T half = M(exp)(q / 2), rest = 1 / (1 + half * half), s = half * half * rest;
    const T near = M(expm1_minus_x)(some) * half * half * rest - M(log1p_rest)(s * M(expm1)(some));
    const T far = M(softplus)(p) - M(softplus)(q) - (s == 0 ? 0 : s * d);
    return q == p ? 0 : p == (T)INFINITY || d == -(T)INFINITY ? L(fabs)(d) : d < 2 ? near : far;
}

/* sigmoid'(a) (a - b), the exponential in halves; 0 where the first factor is */
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
