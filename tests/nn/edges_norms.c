/* tests/nn/edges_norms.c: layers without parameters at the edges of their domains: normalization on a list of vectors, what
 * goes element by element on a grid of numbers, tables and attention in cases that are written out. */
#include "tests/autograd/long_double_vectors.h"
#include "tests/nn/edge_tables.h"

#define ABSENT ((tap_var){ 0 })
#define FAR    0x1.8p127L

/* ---- Element by element ---- */

static tap_var column(tap_var x)
{
    return tap_unsqueeze(x, 1);
}

/* (x - mean) / sqrt(var + eps), as in use after training */
static tap_var in_use(tap_var x, double mean, double var, double eps)
{
    const tap_tensor m = tap_tensor_wrap(TAP_F64, TAP_SHAPE(1), &mean), v = tap_tensor_wrap(TAP_F64, TAP_SHAPE(1), &var);
    return tap_squeeze(tap_batch_norm(column(x), &m, &v, ABSENT, ABSENT, false, 0, eps), TAP_AXES(1));
}

/* Within 80, where e^x is a normal number. */
static ldouble near(ldouble x)
{
    return x < -80 ? -80 : x > 80 ? 80 : x;
}

static ldouble clipped(ldouble x)
{
    return 3 - softplus(5 - softplus(x + 2));
}

/* clang-format off */
#define FUNCTIONS(X1, X2, X3)                                                                                                       \
    X1(identity, tap_identity(x), x, 1, 0, 0, NULL)                                                                                 \
    X1(prelu, tap_prelu(x, tap_scalar_like(x, 0.25)), x > 0 ? x : x / 4, x > 0 ? 1 : 0.25L, 0.51, 0, NULL)                         \
    X1(smooth_clip, tap_smooth_clip(x, -2, 3), clipped(x), sigmoid(5 - softplus(x + 2)) * sigmoid(x + 2), 4, 12, NULL, .error_scale = 1)  \
    X2(glu, tap_glu(tap_cat(2, (const tap_var[]){ a, tap_clamp(b, -80, 80) }, 0), 0), a * sigmoid(near(b)), sigmoid(near(b)),       \
       b != near(b) || a == 0 ? 0 : a * sigmoid(b) * sigmoid(-b), 4, 8, NULL)                \
    X1(dropout, tap_dropout(x, 0.4, false), x, 1, 0, 0, NULL)                                                                       \
    X1(dropout__all, tap_dropout(x, 1, true), 0, 0, 0, 0, NULL)                                                                     \
    X1(batch_norm, in_use(x, 3, 4, 0), (x - 3) / 2, 0.5L, 1, 0, NULL)                                                               \
    X1(batch_norm__far, in_use(x, -FAR, 0x1p100, 0), (x + FAR) / 0x1p50L, 0x1p-50L, 2, 0, NULL)                                     \
    X1(batch_norm__faint, in_use(x, 0, 0, 0x1p-160), x * 0x1p80L, 0x1p80L, 1, 0, NULL)                                              \
    X1(batch_norm__still, in_use(x, 1, 0, 0), x == 1 ? 0 : (x - 1) * INF, INF, 0, 0, NULL)

EDGE_TABLE(function_edges, FUNCTIONS)
/* clang-format on */

/* ---- Of vectors ---- */

/* What (x - mean) / s, or x / s, makes of the gradient from above. */
static void standardize_back(const ldouble *x, bool centered, ldouble eps, const ldouble *c, ldouble *g)
{
    ldouble y[N], s = standardize(x, centered, eps, y), along = 0;
    for (int i = 0; i < N; i++) along += c[i] * y[i] / N;
    for (int i = 0; i < N; i++) {
        const ldouble rest = (centered ? c[i] - sum_of(c) / N : c[i]) - y[i] * along;
        g[i] = s == 0 || isinf(s) ? 0 : rest / s;
    }
}

#define STANDARDIZED(name, call, centered, eps) \
    static tap_var name##_f(tap_var x, int axis) \
    { \
        (void)axis; \
        return call; \
    } \
    static void name##_y(const ldouble *x, ldouble *y) \
    { \
        standardize(x, centered, eps, y); \
    } \
    static void name##_g(const ldouble *x, const ldouble *c, ldouble *g) \
    { \
        standardize_back(x, centered, eps, c, g); \
    }
STANDARDIZED(layer_norm, tap_layer_norm(x, TAP_SHAPE(N), ABSENT, ABSENT, 0), true, 0)
STANDARDIZED(layer_norm_eps, tap_layer_norm(x, TAP_SHAPE(N), ABSENT, ABSENT, 0.5), true, 0.5L)
STANDARDIZED(rms_norm, tap_rms_norm(x, TAP_SHAPE(N), ABSENT, 0), false, 0)
STANDARDIZED(rms_norm_eps, tap_rms_norm(x, TAP_SHAPE(N), ABSENT, 0.5), false, 0.5L)
STANDARDIZED(group_norm, tap_group_norm(x, 1, ABSENT, ABSENT, 0), true, 0)
STANDARDIZED(instance_norm,
             tap_squeeze(tap_instance_norm(tap_unsqueeze(x, 1), NULL, NULL, ABSENT, ABSENT, true, 0, 0), TAP_AXES(1)), true, 0)
STANDARDIZED(batch_stats, tap_batch_norm(x, NULL, NULL, ABSENT, ABSENT, true, 0, 0), true, 0)
STANDARDIZED(batch_norm_eps, tap_batch_norm(x, NULL, NULL, ABSENT, ABSENT, true, 0, 0.5), true, 0.5L)

/* x / |x|, |x| and its gradient u: |x| by order, or the largest, which those that have it share. */
static ldouble direction(const ldouble *x, ldouble order, ldouble *y, ldouble *u)
{
    ldouble z[N], size, top = 0, ties = 0;
    scale_infinite(x, z, &size);
    for (int i = 0; i < N; i++) top = max_nan(top, fabsl(z[i]));
    for (int i = 0; i < N; i++) ties += fabsl(z[i]) == top;
    ldouble n = isinf(order) ? top : norm(z, order, u);
    for (int i = 0; i < N && isinf(order); i++) u[i] = fabsl(z[i]) == top ? copysignl(1 / ties, z[i]) : 0;
    for (int i = 0; i < N; i++) y[i] = n == 0 ? 0 : z[i] / n;
    return times(size, n);
}

static void normalize(const ldouble *x, ldouble order, ldouble eps, ldouble *y)
{
    ldouble u[N], n = direction(x, order, y, u);
    for (int i = 0; i < N && n < eps; i++) y[i] = x[i] / eps;
}

static void normalize_back(const ldouble *x, ldouble order, ldouble eps, const ldouble *c, ldouble *g)
{
    ldouble y[N], u[N], n = direction(x, order, y, u), along = 0;
    for (int i = 0; i < N; i++) along += c[i] * y[i];
    for (int i = 0; i < N; i++) g[i] = n < eps ? c[i] / eps : n == 0 || isinf(n) ? 0 : (c[i] - u[i] * along) / n;
}

#define NORMALIZED(name, order, eps) \
    static tap_var name##_f(tap_var x, int axis) \
    { \
        return tap_normalize(x, (double)(order), axis, (double)(eps)); \
    } \
    static void name##_y(const ldouble *x, ldouble *y) \
    { \
        normalize(x, order, eps, y); \
    } \
    static void name##_g(const ldouble *x, const ldouble *c, ldouble *g) \
    { \
        normalize_back(x, order, eps, c, g); \
    }
NORMALIZED(unit, 2.0L, 0.0L)
NORMALIZED(unit_eps, 2.0L, 0x1p-30L)
NORMALIZED(unit_1, 1.0L, 0.0L)
NORMALIZED(unit_3, 3.0L, 0x1p-30L)
NORMALIZED(unit_max, INF, 0.0L)

static const ldouble other[N] = { 1, -2, 3, 0.5L };

static tap_var cosine_f(tap_var x, int axis)
{
    tap_var v = tap_full_like(tap_select(x, axis == 0 ? 1 : 0, 0), 0);
    for (int i = 0; v.id && i < N; i++) tap_tensor_set_item(tap_value(v), i, (double)other[i]);
    return tap_cosine_similarity(x, axis == 0 ? column(v) : v, axis, 0x1p-30);
}

static void cosine_y(const ldouble *x, ldouble *y)
{
    ldouble u[N], v[N];
    normalize(x, 2, 0x1p-30L, u);
    normalize(other, 2, 0, v);
    *y = (u[0] * v[0] + u[1] * v[1]) + (u[2] * v[2] + u[3] * v[3]);
}

static void cosine_g(const ldouble *x, const ldouble *c, ldouble *g)
{
    ldouble v[N];
    normalize(other, 2, 0, v);
    for (int i = 0; i < N; i++) v[i] *= *c;
    normalize_back(x, 2, 0x1p-30L, v, g);
}

static tap_var softmin_f(tap_var x, int axis)
{
    return tap_softmin(x, axis);
}

static void softmin_y(const ldouble *x, ldouble *y)
{
    softmax_and_logsumexp((const ldouble[]){ -x[0], -x[1], -x[2], -x[3] }, N, y);
}

static void softmin_g(const ldouble *x, const ldouble *c, ldouble *g)
{
    ldouble p[N];
    softmin_y(x, p);
    for (int i = 0; i < N; i++) {
        g[i] = 0;
        for (int k = 0; k < N; k++) g[i] -= p[i] * p[k] * (c[i] - c[k]);
    }
}

/* clang-format off */
#define ROW(id_, name, ulps_, slope_ulps_, ...) \
    { .id = id_, .f = name##_f, .y = name##_y, .gradient = name##_g, .ulps = ulps_, .slope_ulps = slope_ulps_, __VA_ARGS__ }
/* clang-format on */

const edge_vectors norm_edges[] = {
    ROW("layer_norm", layer_norm, 2, 8, .last = true),
    ROW("layer_norm__eps", layer_norm_eps, 2, 8, .last = true),
    ROW("rms_norm", rms_norm, 2, 8, .last = true),
    ROW("rms_norm__eps", rms_norm_eps, 2, 8, .last = true),
    ROW("group_norm", group_norm, 2, 8, .last = true),
    ROW("instance_norm", instance_norm, 2, 8, .last = true),
    ROW("batch_norm", batch_stats, 2, 8, .first = true),
    ROW("batch_norm__eps", batch_norm_eps, 2, 8, .first = true),
    ROW("normalize", unit, 1, 8, 0),
    ROW("normalize__eps", unit_eps, 1, 8, 0),
    ROW("normalize__1", unit_1, 3, 8, 0),
    ROW("normalize__3", unit_3, 4, 12, 0),
    ROW("normalize__inf", unit_max, 2, 8, 0),
    ROW("cosine_similarity", cosine, 4, 8, .reduces = true),
    ROW("softmin", softmin, 3, 8, .by_parts = true), /* as softmax */
    { 0 },
};

/* ---- Written out ---- */

#define D(...) ((const double[]){ __VA_ARGS__ })
#define I(...) ((const int64_t[]){ __VA_ARGS__ })
#define INFTY  ((double)HUGE_VAL)
#define NAN_   ((double)NAN)

static tap_var whole(tap_var like, tap_shape shape, const int64_t *x)
{
    tap_var v = tap_cast(tap_zeros(like.tape, shape), TAP_I64);
    for (int64_t i = 0; v.id && i < tap_numel(shape); i++) ((int64_t *)tap_value(v).data)[i] = x[i];
    return v;
}

static const tap_csr sparse = { 2, 2, (const int64_t[]){ 0, 1, 3 }, (const int32_t[]){ 1, 0, 1 },
                                (const float[]){ HUGE_VALF, 2, 3 } };

#define CASE(name, call) \
    static tap_var name(const tap_var *v) \
    { \
        const tap_var a = v[0], b = v[1], c = v[2]; \
        (void)a, (void)b, (void)c; \
        return call; \
    }
CASE(rows, tap_embedding(whole(a, TAP_SHAPE(3), I(2, 0, 2)), a, 0))
CASE(hot, tap_one_hot(tap_cast(a, TAP_I64), 3))
CASE(selected, tap_csr_select(sparse, tap_cast(a, TAP_I64)))
CASE(products, tap_bilinear(a, b, c, ABSENT))
CASE(affine, tap_layer_norm(a, TAP_SHAPE(2), b, c, 0))
CASE(by_count, tap_normalize(a, 0, -1, 0))
CASE(by_least, tap_normalize(a, -1, -1, 0))
CASE(attended, tap_scaled_dot_product_attention(a, b, c, ABSENT, 0, false, 0))
CASE(causal, tap_scaled_dot_product_attention(a, b, c, ABSENT, 0, true, 1))
CASE(masked, tap_scaled_dot_product_attention(a, b, c, tap_log(tap_cast(whole(a, TAP_SHAPE(2), I(0, 1)), tap_value(a).dtype)),
                                              0, false, 1))
CASE(blind, tap_scaled_dot_product_attention(a, b, c, tap_lt(whole(a, TAP_SHAPE(2), I(1, 1)), whole(a, TAP_SHAPE(2), I(0, 0))),
                                             0, false, 1))

#define ATTENTION(queries, width) .n = 3, .shape = { S(queries, width), S(2, width), S(2, 1) }

/* clang-format off */
const edge_case norm_cases[] = {
    { .id = "embedding", .f = rows, .n = 1, .shape = { S(3, 2) }, .x = { D(INFTY, 1, NAN_, NAN_, 2, -0.0) }, .out = S(3, 2),
      .y = D(2, -0.0, INFTY, 1, 2, -0.0), .g = { D(0, 0, 0, 0, 2, 2) } },
    { .id = "one_hot", .f = hot, .n = 1, .shape = { S(2) }, .x = { D(2, -0.0) }, .out = S(2, 3), .y = D(0, 0, 1, 1, 0, 0) },
    { .id = "csr_select", .f = selected, .n = 1, .shape = { S(2) }, .x = { D(1, 0) }, .out = S(2, 2), .y = D(2, 3, 0, INFTY),
      .g = { D(0, 0) } },
    { .id = "bilinear", .f = products, .n = 3, .shape = { S(1, 2), S(1, 1), S(1, 2, 1) }, .x = { D(INFTY, 2), D(3), D(1, -1) },
      .out = S(1, 1), .y = D(INFTY), .g = { D(3, -3), D(INFTY), D(INFTY, 6) }, .unmasked = "0 inf may be anything" },
    { .id = "layer_norm__constant", .f = affine, .n = 3, .shape = { S(1, 2), S(2), S(2) },
      .x = { D(7, 7), D(2, 3), D(1, -1) }, .out = S(1, 2), .y = D(1, -1), .g = { D(0, 0), D(0, 0), D(1, 1) } },
    { .id = "normalize__count", .f = by_count, .n = 1, .shape = { S(2, 2) }, .x = { D(0, 0, 3, 0) }, .out = S(2, 2),
      .y = D(0, 0, 3, 0), .c = D(0, 0, 1, 2), .g = { D(0, 0, 1, 2) } },
    { .id = "normalize__least", .f = by_least, .n = 1, .shape = { S(1, 2) }, .x = { D(0, 0) }, .out = S(1, 2), .y = D(0, 0),
      .c = D(0, 0), .g = { D(0, 0) } },
    /* products out of range, but not when they are scaled */
    { .id = "scaled_dot_product_attention", .f = attended, ATTENTION(1, 4),
      .x = { D(0x1p63, 0x1p63, 0x1p63, 0x1p63), D(0x1.8p63, 0x1.8p63, 0x1.8p63, 0x1.8p63, 0x1p63, 0x1p63, 0x1p63, 0x1p63), D(1, 2) },
      .out = S(1, 1), .y = D(1),
      .g = { D(0, 0, 0, 0), D(0, 0, 0, 0, 0, 0, 0, 0), D(1, 0) } },
    { .id = "scaled_dot_product_attention__causal", .f = causal, ATTENTION(2, 1), .x = { D(5, 5), D(1, INFTY), D(1, 3) },
      .out = S(2, 1), .y = D(1, 3), .c = D(2, 7), .g = { NULL, D(0, 0), D(2, 7) } },
    /* infinity that is masked, and a query that sees nothing */
    { .id = "scaled_dot_product_attention__masked", .f = masked, ATTENTION(1, 1), .x = { D(1), D(INFTY, 2), D(1, 5) }, .out = S(1, 1),
      .y = D(5), .g = { NULL, D(0, 0), D(0, 1) } },
    { .id = "scaled_dot_product_attention__blind", .f = blind, ATTENTION(1, 1), .x = { D(1), D(2, 2), D(1, 5) }, .out = S(1, 1),
      .y = D(0), .g = { D(0), D(0, 0), D(0, 0) } },
    { 0 },
};
/* clang-format on */
