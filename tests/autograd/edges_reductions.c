/* tests/autograd/edges_reductions.c: reductions, softmax, norms and cumulative sums at the edges of their domains, by
 * formulas for vectors of four numbers. Infinite elements of the same sign have equal shares. */
#include "nn/nn.h"
#include "tests/autograd/long_double_vectors.h"

/* ---- sums, means, extremes, products ---- */

static void sum_y(const ldouble *x, ldouble *y)
{
    *y = sum_of(x);
}

static void sum_g(const ldouble *x, const ldouble *c, ldouble *g)
{
    (void)x;
    fill(g, *c);
}

static void mean_y(const ldouble *x, ldouble *y)
{
    *y = sum_of(x) / N;
}

static void mean_g(const ldouble *x, const ldouble *c, ldouble *g)
{
    (void)x;
    fill(g, *c / N);
}

static void amax_y(const ldouble *x, ldouble *y)
{
    *y = max_of(x);
}

static void amax_g(const ldouble *x, const ldouble *c, ldouble *g)
{
    ldouble ties = 0, top = max_of(x);
    for (int i = 0; i < N; i++) ties += x[i] == top;
    for (int i = 0; i < N; i++) g[i] = x[i] == top ? *c / ties : 0;
}

static void negative(const ldouble *x, ldouble *z)
{
    for (int i = 0; i < N; i++) z[i] = -x[i];
}

static void amin_y(const ldouble *x, ldouble *y)
{
    ldouble z[N];
    negative(x, z);
    *y = -max_of(z);
}

static void amin_g(const ldouble *x, const ldouble *c, ldouble *g)
{
    ldouble z[N];
    negative(x, z);
    amax_g(z, c, g);
}

static void prod_y(const ldouble *x, ldouble *y)
{
    *y = (x[0] * x[1]) * (x[2] * x[3]);
}

static void prod_g(const ldouble *x, const ldouble *c, ldouble *g)
{
    g[0] = *c * x[1] * (x[2] * x[3]);
    g[1] = *c * x[0] * (x[2] * x[3]);
    g[2] = *c * (x[0] * x[1]) * x[3];
    g[3] = *c * (x[0] * x[1]) * x[2];
}

/* ---- exponentials ---- */

static void logsumexp_y(const ldouble *x, ldouble *y)
{
    ldouble p[N];
    *y = softmax_and_logsumexp(x, N, p);
}

static void logsumexp_g(const ldouble *x, const ldouble *c, ldouble *g)
{
    softmax_and_logsumexp(x, N, g);
    for (int i = 0; i < N; i++) g[i] *= *c;
}

static void softmax_y(const ldouble *x, ldouble *y)
{
    softmax_and_logsumexp(x, N, y);
}

static void softmax_g(const ldouble *x, const ldouble *c, ldouble *g)
{
    ldouble p[N];
    softmax_and_logsumexp(x, N, p);
    for (int i = 0; i < N; i++) {
        g[i] = 0;
        for (int k = 0; k < N; k++) g[i] += p[i] * p[k] * (c[i] - c[k]);
    }
}

static void softmin_y(const ldouble *x, ldouble *y)
{
    ldouble z[N];
    negative(x, z);
    softmax_and_logsumexp(z, N, y);
}

static void softmin_g(const ldouble *x, const ldouble *c, ldouble *g)
{
    ldouble z[N];
    negative(x, z);
    softmax_g(z, c, g);
    negative(g, g);
}

static void log_softmax_y(const ldouble *x, ldouble *y)
{
    ldouble p[N], top, sum = softmax_and_log_sum(x, N, p, &top);
    for (int i = 0; i < N; i++) y[i] = (x[i] == top ? 0 : x[i] - top) - sum;
}

static void log_softmax_g(const ldouble *x, const ldouble *c, ldouble *g)
{
    ldouble p[N];
    softmax_and_logsumexp(x, N, p);
    for (int i = 0; i < N; i++) g[i] = c[i] - sum_of(c) * p[i];
}

/* The first element of log_softmax, as in a cross entropy */
static void first_log_softmax_y(const ldouble *x, ldouble *y)
{
    ldouble all[N];
    log_softmax_y(x, all);
    *y = all[0];
}

static void first_log_softmax_g(const ldouble *x, const ldouble *c, ldouble *g)
{
    softmax_and_logsumexp(x, N, g);
    const ldouble others = (g[1] + g[2]) + g[3];
    for (int i = 1; i < N; i++) g[i] *= -*c;
    g[0] = *c * others;
}

/* ---- moments ---- */

static void variance_y(const ldouble *x, ldouble *y)
{
    ldouble z[N], s = standardize(x, true, 0, z);
    *y = s * s * N / (N - 1);
}

static void variance_g(const ldouble *x, const ldouble *c, ldouble *g)
{
    ldouble s = standardize(x, true, 0, g);
    for (int i = 0; i < N; i++) g[i] *= *c * 2 * s / (N - 1);
}

static void std_y(const ldouble *x, ldouble *y)
{
    ldouble z[N];
    *y = standardize(x, true, 0, z) * sqrtl(N / (N - 1.L));
}

static void std_g(const ldouble *x, const ldouble *c, ldouble *g)
{
    standardize(x, true, 0, g);
    for (int i = 0; i < N; i++) g[i] *= *c / sqrtl(N * (N - 1.L));
}

static void no_variance_y(const ldouble *x, ldouble *y)
{
    (void)x;
    *y = NO_LIMIT;
}

static void no_variance_g(const ldouble *x, const ldouble *c, ldouble *g)
{
    (void)x, (void)c;
    fill(g, NO_LIMIT);
}

static const char *const too_few = "there are no degrees of freedom, n <= correction";

/* ---- norms ---- */

#define NORM(name, order) \
    static void name##_y(const ldouble *x, ldouble *y) \
    { \
        ldouble u[N]; \
        *y = norm(x, order, u); \
    } \
    static void name##_g(const ldouble *x, const ldouble *c, ldouble *g) \
    { \
        norm(x, order, g); \
        for (int i = 0; i < N; i++) g[i] *= *c; \
    }
NORM(norm_half, 0.5L)
NORM(norm_2, 2)
NORM(norm_3, 3)
NORM(norm_100, 100)
NORM(norm_minus_1, -1)
NORM(norm_minus_3, -3)

static void norm_0_y(const ldouble *x, ldouble *y)
{
    *y = (x[0] != 0) + (x[1] != 0) + (x[2] != 0) + (x[3] != 0);
}

static void norm_0_g(const ldouble *x, const ldouble *c, ldouble *g)
{
    (void)x, (void)c;
    fill(g, 0);
}

static void sizes(const ldouble *x, ldouble *z)
{
    for (int i = 0; i < N; i++) z[i] = fabsl(x[i]);
}

static void signs(const ldouble *x, ldouble *g)
{
    for (int i = 0; i < N; i++) g[i] *= (x[i] > 0) - (x[i] < 0);
}

static void norm_1_y(const ldouble *x, ldouble *y)
{
    ldouble z[N];
    sizes(x, z);
    *y = sum_of(z);
}

static void norm_1_g(const ldouble *x, const ldouble *c, ldouble *g)
{
    fill(g, *c);
    signs(x, g);
}

static void norm_inf_y(const ldouble *x, ldouble *y)
{
    ldouble z[N];
    sizes(x, z);
    *y = max_of(z);
}

static void norm_inf_g(const ldouble *x, const ldouble *c, ldouble *g)
{
    ldouble z[N];
    sizes(x, z);
    amax_g(z, c, g);
    signs(x, g);
}

static void norm_minus_inf_y(const ldouble *x, ldouble *y)
{
    ldouble z[N];
    sizes(x, z);
    amin_y(z, y);
}

static void norm_minus_inf_g(const ldouble *x, const ldouble *c, ldouble *g)
{
    ldouble z[N];
    sizes(x, z);
    amin_g(z, c, g);
    signs(x, g);
}

/* ---- cumulative sums ---- */

static void cumsum_y(const ldouble *x, ldouble *y)
{
    ldouble sum = 0;
    for (int i = 0; i < N; i++) y[i] = sum += x[i];
}

static void cumsum_g(const ldouble *x, const ldouble *c, ldouble *g)
{
    (void)x;
    ldouble sum = 0;
    for (int i = N - 1; i >= 0; i--) g[i] = sum += c[i];
}

static void cumprod_y(const ldouble *x, ldouble *y)
{
    ldouble product = 1;
    for (int i = 0; i < N; i++) y[i] = product *= x[i];
}

/* By Horner's rule: x_0 .. x_(i-1) (c_i + x_(i+1) (c_(i+1) + ..)) */
static void cumprod_g(const ldouble *x, const ldouble *c, ldouble *g)
{
    ldouble before = 1, rest = 0;
    for (int i = N - 1; i >= 0; i--) {
        rest = c[i] + (i + 1 < N ? x[i + 1] * rest : 0);
        g[i] = rest;
    }
    for (int i = 0; i < N; before *= x[i++]) g[i] *= before;
}

static void logcumsumexp_y(const ldouble *x, ldouble *y)
{
    ldouble p[N];
    for (int i = 0; i < N; i++) y[i] = softmax_and_logsumexp(x, i + 1, p);
}

static void logcumsumexp_g(const ldouble *x, const ldouble *c, ldouble *g)
{
    ldouble p[N];
    fill(g, 0);
    for (int i = 0; i < N; i++) {
        softmax_and_logsumexp(x, i + 1, p);
        for (int k = 0; k <= i; k++) g[k] += c[i] * p[k];
    }
}

/* ---- the table ---- */

#define CALL(name, call) \
    static tap_var name##_f(tap_var x, int axis) \
    { \
        const tap_axes axes = TAP_AXES(axis); \
        (void)axes; \
        return call; \
    }
CALL(sum, tap_sum(x, axes))
CALL(sum_to, tap_sum_to(x, axis == 0 ? TAP_SHAPE(1, tap_shape_of(x).n[1]) : TAP_SHAPE(tap_shape_of(x).n[0], 1)))
CALL(mean, tap_mean(x, axes))
CALL(amax, tap_amax(x, axes))
CALL(amin, tap_amin(x, axes))
CALL(prod, tap_prod(x, axes))
CALL(logsumexp, tap_logsumexp(x, axes))
CALL(softmax, tap_softmax(x, axis))
CALL(softmin, tap_softmin(x, axis))
CALL(log_softmax, tap_log_softmax(x, axis))
CALL(first_log_softmax, tap_select(tap_log_softmax(x, axis), axis, 0))
CALL(variance, tap_variance(x, axes, 1))
CALL(var_mean, tap_var_mean(x, tap_keepdim(axes), 1, NULL))
CALL(no_variance, tap_variance(x, axes, 4))
CALL(std, tap_std(x, axes, 1))
CALL(no_std, tap_std(x, axes, 7))
CALL(norm_half, tap_vector_norm(x, 0.5, axes))
CALL(norm_0, tap_vector_norm(x, 0, axes))
CALL(norm_1, tap_vector_norm(x, 1, axes))
CALL(norm_2, tap_vector_norm(x, 2, axes))
CALL(norm_3, tap_vector_norm(x, 3, axes))
CALL(norm_100, tap_vector_norm(x, 100, axes))
CALL(norm_minus_1, tap_vector_norm(x, -1, axes))
CALL(norm_minus_3, tap_vector_norm(x, -3, axes))
CALL(norm_inf, tap_vector_norm(x, HUGE_VAL, axes))
CALL(norm_minus_inf, tap_vector_norm(x, -HUGE_VAL, axes))
CALL(cumsum, tap_cumsum(x, axis))
CALL(cumprod, tap_cumprod(x, axis))
CALL(logcumsumexp, tap_logcumsumexp(x, axis))

/* clang-format off */
#define ROW(id_, name, ulps_, slope_ulps_, ...) \
    { .id = id_, .f = name##_f, .y = name##_y, .gradient = name##_g, .ulps = ulps_, .slope_ulps = slope_ulps_, .no_limit = __VA_ARGS__ }
/* clang-format on */

/* clang-format off */
const edge_vectors reduction_edges[] = {
    ROW("sum", sum, 1, 0, "inf - inf may be anything", .reduces = true),
    { .id = "sum_to", .f = sum_to_f, .y = sum_y, .gradient = sum_g, .ulps = 1, .no_limit = "inf - inf may be anything", .reduces = true },
    ROW("mean", mean, 1, 0.51, "inf - inf may be anything", .reduces = true),
    ROW("amax", amax, 0, 0.51, NULL, .reduces = true),
    ROW("amin", amin, 0, 0.51, NULL, .reduces = true),
    ROW("prod", prod, 2, 3, "0 inf may be anything", .reduces = true),
    /* max - M overflows to -infinity, and e^-infinity is 0 */
    ROW("logsumexp", logsumexp, 2, 8, NULL, .reduces = true, .by_parts = true),
    ROW("softmax", softmax, 3, 8, NULL, .by_parts = true),
    ROW("softmin", softmin, 3, 8, NULL, .by_parts = true),
    ROW("log_softmax", log_softmax, 2, 4, NULL, .by_parts = true),
    ROW("log_softmax__picked", first_log_softmax, 3, 8, NULL, .reduces = true, .by_parts = true),
    ROW("variance", variance, 1, 3, "of inf, inf and a finite number that lies between their means", .reduces = true),
    { .id = "var_mean", .f = var_mean_f, .y = variance_y, .gradient = variance_g, .ulps = 1, .slope_ulps = 3,
      .no_limit = "of inf, inf and a finite number that lies between their means", .reduces = true },
    ROW("variance__correction", no_variance, 0, 0, too_few, .reduces = true),
    { .id = "std__correction", .f = no_std_f, .y = no_variance_y, .gradient = no_variance_g, .no_limit = too_few, .reduces = true },
    ROW("std", std, 1, 3, NULL, .reduces = true),
    ROW("vector_norm__half", norm_half, 8, 8, NULL, .reduces = true),
    ROW("vector_norm__0", norm_0, 0, 0, NULL, .reduces = true),
    ROW("vector_norm__1", norm_1, 1, 0, NULL, .reduces = true),
    ROW("vector_norm", norm_2, 1, 1, NULL, .reduces = true),
    ROW("vector_norm__3", norm_3, 4, 8, NULL, .reduces = true),
    ROW("vector_norm__100", norm_100, 4, 120, NULL, .reduces = true),
    ROW("vector_norm__minus_1", norm_minus_1, 4, 8, NULL, .reduces = true, .by_parts = true), /* 1 / 0 is an intermediate result */
    ROW("vector_norm__minus_3", norm_minus_3, 4, 16, NULL, .reduces = true, .by_parts = true),
    ROW("vector_norm__inf", norm_inf, 0, 0.51, NULL, .reduces = true),
    ROW("vector_norm__minus_inf", norm_minus_inf, 0, 0.51, NULL, .reduces = true),
    ROW("cumsum", cumsum, 1, 1, "inf - inf may be anything"),
    ROW("cumprod", cumprod, 2, 4, "0 inf may be anything"),
    ROW("logcumsumexp", logcumsumexp, 3, 8, NULL, .by_parts = true),
    { 0 },
};
/* clang-format on */
