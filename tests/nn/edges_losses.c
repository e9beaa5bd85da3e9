/* tests/nn/edges_losses.c: losses at the edges of their domains: terms against formulas on a grid of numbers, losses of classes
 * on a list of vectors of logits or log-probabilities, and reductions, weights and what is ignored in cases that are written
 * out. */
#include "tests/autograd/long_double_vectors.h"
#include "tests/nn/edge_tables.h"

#define ABSENT ((tap_var){ 0 })
#define NONE   TAP_REDUCE_NONE
#define WIDE   0x1p100L
#define NARROW 0x1p-100L

/* ---- Terms ---- */

/* f x, and 0 for f = 0, also if x is infinite */
static ldouble share(ldouble f, ldouble x)
{
    return f == 0 ? 0 : f * x;
}

static ldouble gap(ldouble a, ldouble b)
{
    return a == b ? 0 : a - b;
}

static ldouble sign_of(ldouble x)
{
    return (x > 0) - (x < 0);
}

/* x clamped to the bounds, and whether it was within them. */
static ldouble within(ldouble x, ldouble lo, ldouble hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

static bool is_within(ldouble x, ldouble lo, ldouble hi)
{
    return x >= lo && x <= hi;
}

static ldouble huber(ldouble d, ldouble delta)
{
    return fabsl(d) <= delta ? d * d / 2 : delta * (fabsl(d) - delta / 2);
}

static ldouble smooth_l1(ldouble d, ldouble beta)
{
    return fabsl(d) <= beta ? d * d / (2 * beta) : fabsl(d) - beta / 2;
}

static ldouble smooth_l1_slope(ldouble d, ldouble beta)
{
    return fabsl(d) <= beta ? d / beta : sign_of(d);
}

static ldouble kl(ldouble input, ldouble target)
{
    return target == 0 && !isnan(input) ? 0 : target * (logl(target) - input);
}

static ldouble kl_slope(ldouble input, ldouble target)
{
    return target == 0 ? 0 : logl(target) + 1 - input;
}

/* Of log-probabilities, of which none is above 0. */
static ldouble kl_log(ldouble input, ldouble log_target)
{
    const ldouble t = min_nan(log_target, 0);
    if (t == input || (t == -INF && !isnan(input))) return 0;
    return isinf(input) ? t - input : expl(t) * (t - input);
}

static ldouble kl_log_slope(ldouble input, ldouble t)
{
    return t == -INF || t > 0 ? 0 : isinf(input) ? t - input : expl(t) * (t - input + 1);
}

static ldouble bounded_log(ldouble p)
{
    return p < 0 ? NO_LIMIT : max_nan(logl(p), -100);
}

/* p and the target are in 0..1 */
static ldouble bce(ldouble p, ldouble target)
{
    const ldouble t = within(target, 0, 1), no = p > 1 ? NO_LIMIT : max_nan(log1pl(-p), -100);
    return isnan(target) ? target : -share(t, bounded_log(p)) - share(1 - t, no);
}

static ldouble bce_slope(ldouble p, ldouble target)
{
    const ldouble t = within(target, 0, 1), yes = logl(p) > -100 ? 1 / p : 0, no = log1pl(-p) > -100 ? 1 / (1 - p) : 0;
    return yes != 0 && no != 0 ? (p - t) / p / (1 - p) : (1 - t) * no - t * yes;
}

static ldouble bce_by_target(ldouble p, ldouble target)
{
    return is_within(target, 0, 1) ? max_nan(log1pl(-p), -100) - bounded_log(p) : 0;
}

static ldouble logits(ldouble x, ldouble target, ldouble w)
{
    const ldouble t = within(target, 0, 1);
    return isnan(target) ? NO_LIMIT : share(1 - t, softplus(x)) + share(t, share(w, softplus(-x)));
}

static ldouble logits_slope(ldouble x, ldouble target, ldouble w)
{
    const ldouble t = within(target, 0, 1);
    if (w == 1 && fabsl(x) < 1) return tanhl(x / 2) / 2 + (0.5L - t);
    return w == 1 && x > 0 ? (1 - t) - sigmoid(-x) : w == 1 ? sigmoid(x) - t : (1 - t) * sigmoid(x) - t * w * sigmoid(-x);
}

static ldouble logits_by_target(ldouble x, ldouble target, ldouble w)
{
    return !is_within(target, 0, 1) ? 0 : w == 1 ? -x : share(w, softplus(-x)) - softplus(x);
}

#define CHANCE(v) tap_clamp(v, 0, 1)
#define WEIGHT(v) tap_clamp(v, 0, 1e30)
#define HEAVY(v)  within(v, 0, (ldouble)1e30)
#define LIGHT(v)  within(v, 0, 1024)
#define NO_CHANCE "no chance is outside 0..1"
#define UNBOUNDED "no probability is below 0, and inf - inf may be anything"

/* clang-format off */
#define TERMS(X1, X2, X3)                                                                                                           \
    X2(mse_loss, tap_mse_loss(a, b, NONE), gap(a, b) * gap(a, b), 2 * gap(a, b), -2 * gap(a, b), 2, 1, NULL)                        \
    X2(l1_loss, tap_l1_loss(a, b, NONE), fabsl(gap(a, b)), sign_of(gap(a, b)), -sign_of(gap(a, b)), 0.51, 0, NULL)                  \
    X2(huber_loss, tap_huber_loss(a, b, NONE, 1.5), huber(gap(a, b), 1.5L), within(gap(a, b), -1.5L, 1.5L),                         \
       -within(gap(a, b), -1.5L, 1.5L), 3, 1, NULL)                                                                                 \
    X2(huber_loss__wide, tap_huber_loss(a, b, NONE, WIDE), huber(gap(a, b), WIDE), within(gap(a, b), -WIDE, WIDE),                  \
       -within(gap(a, b), -WIDE, WIDE), 3, 1, NULL)                                                                                 \
    X2(huber_loss__narrow, tap_huber_loss(a, b, NONE, NARROW), huber(gap(a, b), NARROW), within(gap(a, b), -NARROW, NARROW),        \
       -within(gap(a, b), -NARROW, NARROW), 3, 1, NULL, .by_parts = true) /* a - b */          \
    X2(huber_loss__parabola, tap_huber_loss(a, b, NONE, HUGE_VAL), gap(a, b) * gap(a, b) / 2, gap(a, b), -gap(a, b), 3, 1, NULL)    \
    X2(smooth_l1_loss, tap_smooth_l1_loss(a, b, NONE, 1.5), smooth_l1(gap(a, b), 1.5L), smooth_l1_slope(gap(a, b), 1.5L),           \
       -smooth_l1_slope(gap(a, b), 1.5L), 3, 2, NULL)                                                                               \
    X2(smooth_l1_loss__wide, tap_smooth_l1_loss(a, b, NONE, WIDE), smooth_l1(gap(a, b), WIDE), smooth_l1_slope(gap(a, b), WIDE),    \
       -smooth_l1_slope(gap(a, b), WIDE), 3, 2, NULL)                                                                               \
    X2(smooth_l1_loss__narrow, tap_smooth_l1_loss(a, b, NONE, NARROW), smooth_l1(gap(a, b), NARROW),                                \
       smooth_l1_slope(gap(a, b), NARROW), -smooth_l1_slope(gap(a, b), NARROW), 3, 2, NULL)                                         \
    X2(smooth_l1_loss__corner, tap_smooth_l1_loss(a, b, NONE, 0), fabsl(gap(a, b)), sign_of(gap(a, b)), -sign_of(gap(a, b)), 0.51,  \
       0, NULL)                                                                                                                     \
    /* log b is rounded before what may be near it is taken away, and infinite at 0, where it does not count */                       \
    X2(kl_div, tap_kl_div(a, b, NONE, false), kl(a, b), -b, kl_slope(a, b), 12, 3, UNBOUNDED, .slope_error_scale = 32,\
       .by_parts = true)                                        \
    X2(kl_div__log, tap_kl_div(a, tap_clamp_max(b, tap_scalar_like(b, 0)), NONE, true), kl_log(a, b), -expl(min_nan(b, 0)),          \
       kl_log_slope(a, b), 5, 5, NULL, .slope_error_scale = 1)                                                                            \
    /* log 0 is -inf before the bound */                                                                                            \
    X2(binary_cross_entropy, tap_binary_cross_entropy(a, CHANCE(b), ABSENT, NONE), bce(a, b), bce_slope(a, b), bce_by_target(a, b), \
       3, 3, NO_CHANCE, .by_parts = true)                                                                                           \
    X3(binary_cross_entropy__weight, tap_binary_cross_entropy(a, CHANCE(b), WEIGHT(c), NONE),                                       \
       isnan(c) ? c : share(HEAVY(c), bce(a, b)), share(HEAVY(c), bce_slope(a, b)), share(HEAVY(c), bce_by_target(a, b)),           \
       is_within(c, 0, (ldouble)1e30) ? bce(a, b) : 0, 4, 4, NO_CHANCE, .by_parts = true)                                              \
    X2(binary_cross_entropy_with_logits, tap_binary_cross_entropy_with_logits(a, CHANCE(b), ABSENT, NONE, ABSENT),                  \
       logits(a, b, 1), logits_slope(a, b, 1), logits_by_target(a, b, 1), 3, 3, NULL)                                               \
    X3(binary_cross_entropy_with_logits__weight, tap_binary_cross_entropy_with_logits(a, CHANCE(b), tap_clamp(c, 0, 1024), NONE,    \
       ABSENT), isnan(c) ? c : share(LIGHT(c), logits(a, b, 1)), share(LIGHT(c), logits_slope(a, b, 1)),                            \
       share(LIGHT(c), logits_by_target(a, b, 1)), is_within(c, 0, 1024) ? logits(a, b, 1) : 0, 4, 20, NULL, .tiny = 1024,          \
       .by_parts = true) /* the slope by a target that is held */                   \
    X3(binary_cross_entropy_with_logits__pos_weight, tap_binary_cross_entropy_with_logits(a, CHANCE(b), ABSENT, NONE, WEIGHT(c)),   \
       logits(a, b, HEAVY(c)), logits_slope(a, b, HEAVY(c)), logits_by_target(a, b, HEAVY(c)),                       \
       is_within(c, 0, (ldouble)1e30) ? share(within(b, 0, 1), softplus(-a)) : 0, 4, 24, NULL, .by_parts = true) /* as above */

EDGE_TABLE(loss_edges, TERMS)
/* clang-format on */

/* ---- Classes: of four logits or log-probabilities, each class with its weight ---- */

static const double weights[EDGE_LENGTH] = { 2, 0, 0.5, 1 }, soft[EDGE_LENGTH] = { 0.25, 0, 0.75, 0 };

static tap_var row_of(tap_var like, const double *x)
{
    tap_var v = tap_full_like(tap_select(like, 0, 0), 0);
    for (int i = 0; v.id && i < EDGE_LENGTH; i++) tap_tensor_set_item(tap_value(v), i, x[i]);
    return v;
}

static tap_var all_of(tap_var x, double class)
{
    return tap_cast(tap_full(x.tape, TAP_SHAPE(tap_shape_of(x).n[0]), class), TAP_I64);
}

static tap_var targets(tap_var x, const double *row)
{
    return tap_expand(row_of(x, row), tap_shape_of(x));
}

static void log_soften(const ldouble *x, ldouble *l, ldouble *p)
{
    ldouble top, sum = softmax_and_log_sum(x, N, p, &top);
    for (int i = 0; i < N; i++) l[i] = (x[i] == top ? 0 : x[i] - top) - sum;
}

static tap_var nll_f(tap_var x, int axis)
{
    (void)axis;
    return tap_nll_loss(x, all_of(x, 2), row_of(x, weights), TAP_NO_INDEX, NONE);
}

static void nll_y(const ldouble *x, ldouble *y)
{
    *y = -x[2] / 2;
}

static void nll_g(const ldouble *x, const ldouble *c, ldouble *g)
{
    (void)x;
    fill(g, 0);
    g[2] = -*c / 2;
}

static tap_var nll_light_f(tap_var x, int axis)
{
    (void)axis;
    return tap_nll_loss(x, all_of(x, 1), row_of(x, weights), TAP_NO_INDEX, NONE);
}

static tap_var nll_ignored_f(tap_var x, int axis)
{
    (void)axis;
    return tap_nll_loss(x, all_of(x, -7), ABSENT, -7, TAP_REDUCE_NONE);
}

static tap_var ignored_f(tap_var x, int axis)
{
    (void)axis;
    return tap_cross_entropy(x, all_of(x, -7), ABSENT, -7, NONE, 0.2);
}

static void zero_y(const ldouble *x, ldouble *y)
{
    (void)x;
    *y = 0;
}

static void zero_g(const ldouble *x, const ldouble *c, ldouble *g)
{
    (void)x, (void)c;
    fill(g, 0);
}

static tap_var hard_f(tap_var x, int axis)
{
    (void)axis;
    return tap_cross_entropy(x, all_of(x, 2), ABSENT, TAP_NO_INDEX, NONE, 0);
}

static tap_var of_hard_f(tap_var x, int axis)
{
    (void)axis;
    return tap_cross_entropy(x, targets(x, (const double[]){ 0, 0, 1, 0 }), ABSENT, TAP_NO_INDEX, NONE, 0);
}

static void hard_y(const ldouble *x, ldouble *y)
{
    ldouble l[N], p[N];
    log_soften(x, l, p);
    *y = -l[2];
}

static void hard_g(const ldouble *x, const ldouble *c, ldouble *g)
{
    ldouble l[N];
    log_soften(x, l, g);
    g[2] = -(g[0] + g[1] + g[3]);
    for (int i = 0; i < N; i++) g[i] *= *c;
}

/* A class of probability 0 in the target adds 0, also if its log-probability is -infinity. */
static ldouble expected(const ldouble *x, const ldouble *part, ldouble *p)
{
    ldouble l[N], y = 0;
    log_soften(x, l, p);
    for (int i = 0; i < N; i++) y -= isnan(l[i]) ? l[i] : share(part[i], l[i]);
    return y;
}

static void expected_gradient(const ldouble *x, ldouble c, const ldouble *part, ldouble *g)
{
    ldouble p[N];
    expected(x, part, p);
    for (int i = 0; i < N; i++) {
        g[i] = 0;
        for (int k = 0; k < N; k++) g[i] += k == i ? 0 : c * (p[i] * part[k] - p[k] * part[i]);
    }
}

#define EXPECTED(name, call, by, ...) \
    static tap_var name##_f(tap_var logits, int axis) \
    { \
        const tap_var x = tap_mul_scalar(logits, by); \
        (void)axis; \
        return call; \
    } \
    static void name##_y(const ldouble *x, ldouble *y) \
    { \
        const ldouble z[] = { (ldouble)(by)*x[0], (ldouble)(by)*x[1], (ldouble)(by)*x[2], (ldouble)(by)*x[3] }; \
        ldouble       p[N]; \
        *y = expected(z, (const ldouble[]){ __VA_ARGS__ }, p); \
    } \
    static void name##_g(const ldouble *x, const ldouble *c, ldouble *g) \
    { \
        const ldouble z[] = { (ldouble)(by)*x[0], (ldouble)(by)*x[1], (ldouble)(by)*x[2], (ldouble)(by)*x[3] }; \
        expected_gradient(z, (ldouble)(by) * *c, (const ldouble[]){ __VA_ARGS__ }, g); \
    }
EXPECTED(soft, tap_cross_entropy(x, targets(x, soft), ABSENT, TAP_NO_INDEX, NONE, 0), 1, 0.25L, 0, 0.75L, 0)
EXPECTED(soft_weighted,
         tap_cross_entropy(x, targets(x, (const double[]){ 0.5, 0.5, 0, 0 }), row_of(x, weights), TAP_NO_INDEX, NONE, 0), 1, 1,
         0, 0, 0)
/* Of logits whose differences are in range, as log-probabilities have to be that all count. */
EXPECTED(smooth, tap_cross_entropy(x, all_of(x, 2), ABSENT, TAP_NO_INDEX, NONE, 0.25), 0.25, 0.0625L, 0.0625L, 0.8125L, 0.0625L)
EXPECTED(smooth_weighted, tap_cross_entropy(x, all_of(x, 2), row_of(x, weights), TAP_NO_INDEX, NONE, 0.25), 0.25, 0.125L, 0,
         0.40625L, 0.0625L)
EXPECTED(soft_smooth, tap_cross_entropy(x, targets(x, soft), ABSENT, TAP_NO_INDEX, NONE, 0.5), 0.25, 0.25L, 0.125L, 0.5L,
         0.125L)

/* clang-format off */
#define ROW(id_, name, ulps_, slope_ulps_, ...)                                                                                      \
    { .id = id_, .f = name##_f, .y = name##_y, .gradient = name##_g, .ulps = ulps_, .slope_ulps = slope_ulps_, .reduces = true,       \
      .last = true, __VA_ARGS__ }
/* clang-format on */

/* Logits far below the largest are -inf, as seen from there: parts of what is finite. */
/* clang-format off */
const edge_vectors class_edges[] = {
    ROW("nll_loss", nll, 0.51, 0.51, 0),
    { .id = "nll_loss__light", .f = nll_light_f, .y = zero_y, .gradient = zero_g, .reduces = true, .last = true },
    { .id = "nll_loss__ignored", .f = nll_ignored_f, .y = zero_y, .gradient = zero_g, .reduces = true, .last = true },
    { .id = "cross_entropy__ignored", .f = ignored_f, .y = zero_y, .gradient = zero_g, .reduces = true, .last = true, .by_parts = true },
    ROW("cross_entropy", hard, 3, 8, .by_parts = true),
    { .id = "cross_entropy__one", .f = of_hard_f, .y = hard_y, .gradient = hard_g, .ulps = 3, .slope_ulps = 8, .reduces = true,
      .last = true, .by_parts = true },
    ROW("cross_entropy__soft", soft, 4, 12, .by_parts = true),
    ROW("cross_entropy__soft_weighted", soft_weighted, 4, 8, .by_parts = true),
    ROW("cross_entropy__smooth", smooth, 4, 8, .by_parts = true),
    ROW("cross_entropy__smooth_weighted", smooth_weighted, 4, 8, .by_parts = true),
    ROW("cross_entropy__soft_smooth", soft_smooth, 4, 8, .by_parts = true),
    { 0 },
};
/* clang-format on */

/* ---- Means, sums, weights, and what is ignored ---- */

#define D(...)   ((const double[]){ __VA_ARGS__ })
#define INFTY    ((double)HUGE_VAL)
#define NAN_     ((double)NAN)
#define TWO_LOG2 1.38629436111989061883446424291635313615

static tap_var whole(tap_var like, tap_shape shape, const int64_t *x)
{
    tap_var v = tap_cast(tap_zeros(like.tape, shape), TAP_I64);
    for (int64_t i = 0; v.id && i < tap_numel(shape); i++) ((int64_t *)tap_value(v).data)[i] = x[i];
    return v;
}
#define I(...) ((const int64_t[]){ __VA_ARGS__ })

#define CASE(name, call) \
    static tap_var name(const tap_var *v) \
    { \
        const tap_var a = v[0], b = v[1]; \
        (void)a, (void)b; \
        return call; \
    }
CASE(mse_mean, tap_mse_loss(a, b, TAP_REDUCE_MEAN))
CASE(mse_sum, tap_mse_loss(a, b, TAP_REDUCE_SUM))
CASE(mse_batch, tap_mse_loss(a, b, TAP_REDUCE_BATCHMEAN))
CASE(l1_mean, tap_l1_loss(a, b, TAP_REDUCE_MEAN))
CASE(l1_batch, tap_l1_loss(a, b, TAP_REDUCE_BATCHMEAN))
CASE(l1_sum, tap_l1_loss(a, b, TAP_REDUCE_SUM))
CASE(huber_mean, tap_huber_loss(a, b, TAP_REDUCE_MEAN, 1))
CASE(smooth_mean, tap_smooth_l1_loss(a, b, TAP_REDUCE_MEAN, 1e-60))
CASE(kl_batch, tap_kl_div(a, b, TAP_REDUCE_BATCHMEAN, false))
CASE(kl_log_sum, tap_kl_div(a, b, TAP_REDUCE_SUM, true))
CASE(bce_sum, tap_binary_cross_entropy(a, b, ABSENT, TAP_REDUCE_SUM))
CASE(bce_mean, tap_binary_cross_entropy(a, b, ABSENT, TAP_REDUCE_MEAN))
CASE(bce_light, tap_binary_cross_entropy_with_logits(a, tap_full_like(a, 0), b, TAP_REDUCE_SUM, ABSENT))
CASE(pos_weight_mean, tap_binary_cross_entropy_with_logits(a, b, ABSENT, TAP_REDUCE_MEAN, tap_scalar_like(a, 0)))
CASE(nll_mean, tap_nll_loss(a, whole(a, TAP_SHAPE(3), I(0, -100, 1)), b, -100, TAP_REDUCE_MEAN))
CASE(nll_sum, tap_nll_loss(a, whole(a, TAP_SHAPE(3), I(0, -100, 1)), b, -100, TAP_REDUCE_SUM))
CASE(nll_plain, tap_nll_loss(a, whole(a, TAP_SHAPE(3), I(0, 1, 1)), ABSENT, TAP_NO_INDEX, TAP_REDUCE_MEAN))
CASE(nll_none_left, tap_nll_loss(a, whole(a, TAP_SHAPE(2), I(1, 1)), ABSENT, 1, TAP_REDUCE_MEAN))
CASE(nll_none_left_weighted, tap_nll_loss(a, whole(a, TAP_SHAPE(2), I(1, 1)), b, 1, TAP_REDUCE_MEAN))
CASE(ce_mean, tap_cross_entropy(a, whole(a, TAP_SHAPE(2), I(0, 9)), ABSENT, 9, TAP_REDUCE_MEAN, 0))
CASE(ce_smooth_mean, tap_cross_entropy(a, whole(a, TAP_SHAPE(2), I(0, 9)), ABSENT, 9, TAP_REDUCE_MEAN, 0.5))
CASE(ce_images, tap_cross_entropy(a, whole(a, TAP_SHAPE(1, 2), I(9, 1)), ABSENT, 9, TAP_REDUCE_SUM, 0))
CASE(ce_even, tap_cross_entropy(a, whole(a, TAP_SHAPE(2), I(0, 9)), ABSENT, 9, TAP_REDUCE_SUM, 1))
CASE(ce_soft, tap_cross_entropy(a, b, ABSENT, TAP_NO_INDEX, TAP_REDUCE_MEAN, 0))

#define TWO_OF(...) .n = 2, .shape = { __VA_ARGS__, __VA_ARGS__ }

/* clang-format off */
const edge_case loss_cases[] = {
    /* squares out of range, the mean within it */
    { .id = "mse_loss__mean", .f = mse_mean, TWO_OF(S(4)), .x = { D(0x1p64, 0, 0, 0), D(0, 0, 0, 0) }, .y = D(0x1p126),
      .g = { D(0x1p63, 0, 0, 0), D(-0x1p63, 0, 0, 0) } },
    { .id = "mse_loss__mean_f64", .f = mse_mean, TWO_OF(S(4)), .x = { D(0x1p512, 0, 0, 0), D(0, 0, 0, 0) }, .y = D(0x1p1022),
      .g = { D(0x1p511, 0, 0, 0), D(-0x1p511, 0, 0, 0) }, .only = EDGE_F64 },
    { .id = "mse_loss__tiny", .f = mse_mean, TWO_OF(S(2)), .x = { D(0x1p-70, 0x1p-70), D(0, 0) }, .y = D(0x1p-140),
      .g = { D(0x1p-70, 0x1p-70), D(-0x1p-70, -0x1p-70) } },
    { .id = "mse_loss__infinite", .f = mse_mean, TWO_OF(S(2)), .x = { D(INFTY, 1), D(INFTY, 3) }, .y = D(2),
      .g = { D(0, -2), D(0, 2) } },
    { .id = "mse_loss__sum", .f = mse_sum, TWO_OF(S(2)), .x = { D(-INFTY, 1), D(-INFTY, 3) }, .y = D(4), .g = { D(0, -4), D(0, 4) } },
    { .id = "mse_loss__batch", .f = mse_batch, TWO_OF(S(2, 1)), .x = { D(0x1p63, 0x1p63), D(0, 0) }, .y = D(0x1p126),
      .g = { D(0x1p63, 0x1p63), D(-0x1p63, -0x1p63) } },
    { .id = "mse_loss__empty", .f = mse_mean, TWO_OF(S(0)), .x = { D(0), D(0) }, .y = D(NAN_),
      .no_limit = "the mean of nothing" },
    { .id = "l1_loss__mean", .f = l1_mean, TWO_OF(S(2)), .x = { D(0x1.8p127, 0x1.8p127), D(0, 0) }, .y = D(0x1.8p127),
      .g = { D(0.5, 0.5), D(-0.5, -0.5) } },
    { .id = "l1_loss__batch", .f = l1_batch, TWO_OF(S(2, 1)), .x = { D(0x1.8p127, 0x1.8p127), D(0, 0) }, .y = D(0x1.8p127),
      .g = { D(0.5, 0.5), D(-0.5, -0.5) } },
    { .id = "l1_loss__sum", .f = l1_sum, TWO_OF(S(3)), .x = { D(INFTY, 0, 3), D(INFTY, -0.0, 1) }, .y = D(2), .g = { D(0, 0, 1), D(0, 0, -1) } },
    { .id = "huber_loss__mean", .f = huber_mean, TWO_OF(S(2)), .x = { D(0x1p127, 0x1p127), D(0, 0) }, .y = D(0x1p127),
      .g = { D(0.5, 0.5), D(-0.5, -0.5) }, .ulps = 1 },
    /* a beta that float32 rounds to 0 */
    { .id = "smooth_l1_loss__mean", .f = smooth_mean, TWO_OF(S(2)), .x = { D(3, 0), D(1, 0) }, .y = D(1), .g = { D(0.5, 0), D(-0.5, 0) },
      .ulps = 1 },
    { .id = "kl_div__batch", .f = kl_batch, TWO_OF(S(2, 2)), .x = { D(-INFTY, 0, -1, -INFTY), D(0, 1, 1, 0) }, .y = D(0.5),
      .g = { D(0, -0.5, -0.5, 0), D(0, 0.5, 1, 0) } },
    { .id = "kl_div__log_sum", .f = kl_log_sum, TWO_OF(S(3)), .x = { D(-INFTY, -1, -2), D(-INFTY, 0, -INFTY) }, .y = D(1),
      .g = { D(0, -1, 0), D(0, 2, 0) } },
    { .id = "binary_cross_entropy__mean", .f = bce_mean, TWO_OF(S(4)), .x = { D(0, 1, 0, 1), D(0, 1, 1, 0) }, .y = D(50),
      .g = { D(0.25, -0.25, 0, 0), D(25, -25, 25, -25) } },
    /* -(1 - t) log(1 - p) - t log p at p = 3/4, t = p + 2^-20: the gradient is (p - t) / (p (1 - p)) */
    { .id = "binary_cross_entropy__near", .f = bce_sum, TWO_OF(S(1)), .x = { D(0.75), D(0.75 + 0x1p-20) },
      .y = D(0.5623340969004849592227), .g = { D(-0x1p-20 / 0.1875), NULL }, .ulps = 3 },
    { .id = "binary_cross_entropy_with_logits__light", .f = bce_light, TWO_OF(S(3)), .x = { D(INFTY, NAN_, 0), D(0, 0, 2) },
      .y = D(TWO_LOG2), .g = { D(0, 0, 1), NULL }, .ulps = 1 },
    { .id = "binary_cross_entropy_with_logits__no_pos_weight", .f = pos_weight_mean, TWO_OF(S(2)),
      .x = { D(-INFTY, INFTY), D(1, 1) }, .y = D(0), .g = { D(0, 0), NULL } },
    /* A target that is ignored and a class of no weight, where all is possible. */
    { .id = "nll_loss__mean", .f = nll_mean, .n = 2, .shape = { S(3, 2), S(2) },
      .x = { D(-1, -2, NAN_, -INFTY, -3, -4), D(1, 3) }, .y = D(3.25), .g = { D(-0.25, 0, 0, 0, 0, -0.75), D(-0.5625, 0.1875) } },
    { .id = "nll_loss__sum", .f = nll_sum, .n = 2, .shape = { S(3, 2), S(2) },
      .x = { D(-INFTY, -2, INFTY, NAN_, -3, -4), D(0, 3) }, .y = D(12), .g = { D(0, 0, 0, 0, 0, -3), D(INFTY, 4) } },
    { .id = "nll_loss__light", .f = nll_mean, .n = 2, .shape = { S(3, 2), S(2) },
      .x = { D(-INFTY, -2, -1, -1, -3, -4), D(0, 0x1p127) }, .y = D(4), .g = { D(0, 0, 0, 0, 0, -1), NULL } },
    { .id = "nll_loss__heavy", .f = nll_mean, .n = 2, .shape = { S(3, 2), S(2) },
      .x = { D(-1, -2, -1, -1, -3, -3), D(0x1p127, 0x1p127) }, .y = D(2), .g = { D(-0.5, 0, 0, 0, 0, -0.5), NULL } },
    { .id = "nll_loss__far", .f = nll_plain, .n = 1, .shape = { S(3, 2) }, .x = { D(-0x1.8p127, 0, 0, -0x1.8p127, 0, -0x1.8p127) },
      .y = D(0x1.8p127), .g = { D(-1 / 3.0, 0, 0, -1 / 3.0, 0, -1 / 3.0) }, .ulps = 1 },
    /* 0 / 0: all elements are ignored */
    { .id = "nll_loss__none_left", .f = nll_none_left, .n = 1, .shape = { S(2, 2) }, .x = { D(-1, -2, -INFTY, 0) }, .y = D(NAN_),
      .g = { D(0, 0, 0, 0) }, .no_limit = "the mean of nothing" },
    { .id = "nll_loss__none_left_weighted", .f = nll_none_left_weighted, .n = 2, .shape = { S(2, 2), S(2) },
      .x = { D(-1, -2, -INFTY, 0), D(1, 2) }, .y = D(NAN_), .g = { D(0, 0, 0, 0), D(0, 0) },
      .no_limit = "the mean of nothing" },
    { .id = "cross_entropy__mean", .f = ce_mean, .n = 1, .shape = { S(2, 2) }, .x = { D(0, 0x1.8p127, NAN_, INFTY) }, .y = D(0x1.8p127),
      .g = { D(-1, 1, 0, 0) } },
    { .id = "cross_entropy__smooth_mean", .f = ce_smooth_mean, .n = 1, .shape = { S(2, 2) }, .x = { D(5, 5, NAN_, -INFTY) },
      .y = D(TWO_LOG2 / 2), .g = { D(-0.25, 0.25, 0, 0) }, .ulps = 1 },
    { .id = "cross_entropy__even", .f = ce_even, .n = 1, .shape = { S(2, 2) }, .x = { D(5, 5, 3, INFTY) }, .y = D(TWO_LOG2 / 2),
      .g = { D(0, 0, 0, 0) }, .ulps = 1 },
    { .id = "cross_entropy__even_impossible", .f = ce_even, .n = 1, .shape = { S(2, 2) }, .x = { D(-INFTY, 0, 3, 0) }, .y = D(INFTY),
      .g = { D(-0.5, 0.5, 0, 0) } },
    { .id = "cross_entropy__images", .f = ce_images, .n = 1, .shape = { S(1, 2, 2) }, .x = { D(NAN_, -INFTY, 1, INFTY) }, .y = D(0),
      .g = { D(0, 0, 0, 0) } },
    { .id = "cross_entropy__impossible", .f = ce_soft, TWO_OF(S(2, 2)), .x = { D(-INFTY, 0, INFTY, 3), D(0, 1, 1, 0) }, .y = D(0),
      .g = { D(0, 0, 0, 0), NULL } },
    { 0 },
};
/* clang-format on */
