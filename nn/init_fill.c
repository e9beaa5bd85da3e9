/* nn/init_fill.c: initializers whose elements are not independent draws from U or N: truncated normal, orthogonal,
 * identities. */
#include "nn/init_fill.h"

#include <math.h>

#include "tensor/arena.h"
#include "tensor/error.h"
#include "tensor/kernels/special.h"

/* ---- Truncated normal ---- */

static const double root_2 = 1.4142135623730951;

static double normal_cdf(double z)
{
    return erfc(-z / root_2) / 2;
}

double tap__trunc_normal_quantile(tap_init how, double p)
{
    const double lo = normal_cdf((how.a - how.mean) / how.value), hi = normal_cdf((how.b - how.mean) / how.value);
    const double x = how.mean + how.value * root_2 * tap__erfinv_f64(2 * (lo + p * (hi - lo)) - 1);
    return fmin(fmax(x, how.a), how.b);
}

/* Farther from the mean the quantiles lose their digits. */
static tap_status check_trunc_normal(tap_init how, const char *path, tap_error *e)
{
    const double reach = 5 * how.value;
    if (how.value > 0 && how.a < how.b && how.a < how.mean + reach && how.b > how.mean - reach) return TAP_OK;
    return tap_error_set(e, TAP_EARG,
                         "%s: trunc_normal needs a standard deviation above 0 and a below b, within 5 of them around the mean, "
                         "not mean %g, std %g, a %g and b %g",
                         path, how.mean, how.value, how.a, how.b);
}

static tap_status fill_trunc_normal(tap_init how, tap_tensor x, tap_rng_key key, const char *path, tap_error *e)
{
    const int64_t n = tap_tensor_numel(x);
    if (check_trunc_normal(how, path, e) != TAP_OK) return e->status;
    tap_random_uniform(x, key);
    for (int64_t i = 0; i < n; i++) tap_tensor_set_item(x, i, tap__trunc_normal_quantile(how, tap_tensor_item(x, i)));
    return TAP_OK;
}

/* ---- Orthogonal ---- */

static double dot(int64_t n, const double *a, const double *b, int64_t stride)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += a[i * stride] * b[i * stride];
    return sum;
}

/* Gram-Schmidt, each projection done twice, so that the vectors are perpendicular to rounding: Giraud et al. 2005. */
void tap__orthogonalize(double *x, int64_t rows, int64_t columns)
{
    const bool    tall = rows >= columns;
    const int64_t count = tall ? columns : rows, n = tall ? rows : columns, stride = tall ? columns : 1;
    const int64_t step = tall ? 1 : columns; /* from one vector to the next; stride: from one of its elements to the next */
    for (int64_t k = 0; k < count; k++) {
        double *v = x + k * step;
        for (int64_t i = 0; i < 2 * k; i++) {
            const double *u = x + i % k * step;
            const double  d = dot(n, u, v, stride);
            for (int64_t at = 0; at < n; at++) v[at * stride] -= d * u[at * stride];
        }
        const double length = sqrt(dot(n, v, v, stride));
        for (int64_t at = 0; at < n; at++) v[at * stride] /= length;
    }
}

static tap_status fill_orthogonal(tap_init how, tap_tensor x, tap_rng_key key, const char *path, tap_error *e)
{
    const int64_t n = tap_tensor_numel(x);
    char          text[TAP_SHAPE_TEXT];
    if (x.shape.rank < 2)
        return tap_error_set(e, TAP_EARG, "%s: orthogonal needs two or more axes, not shape %s", path,
                             tap_shape_format(text, x.shape));
    if (n == 0) return TAP_OK;
    tap_arena *a = tap__arena_new_internal();
    tap__arena_name(a, path);
    const tap_tensor matrix = tap_tensor_zeros(a, TAP_F64, x.shape);
    if (tap_arena_status(a, NULL) == TAP_OK) {
        tap_random_normal(matrix, key);
        tap__orthogonalize(matrix.data, x.shape.n[0], n / x.shape.n[0]);
        for (int64_t i = 0; i < n; i++) tap_tensor_set_item(x, i, how.value * ((double *)matrix.data)[i]);
    }
    tap__error_copy(e, tap_arena_error(a));
    tap_arena_free(a);
    return e->status;
}

/* ---- Identities ---- */

static tap_status fill_eye(tap_tensor x, const char *path, tap_error *e)
{
    char text[TAP_SHAPE_TEXT];
    if (x.shape.rank != 2)
        return tap_error_set(e, TAP_EARG, "%s: eye needs two axes, not shape %s", path, tap_shape_format(text, x.shape));
    tap_tensor_fill(x, 0);
    for (int64_t i = 0; i < x.shape.n[0] && i < x.shape.n[1]; i++) tap_tensor_set_item(x, i * x.shape.n[1] + i, 1);
    return TAP_OK;
}

/* Channel i of each group passes to channel i, through the middle of the kernel. */
static tap_status fill_dirac(tap_init how, tap_tensor x, const char *path, tap_error *e)
{
    const int64_t *n = x.shape.n, groups = how.groups == 0 ? 1 : how.groups;
    int64_t        middle = 0, kernel = 1;
    char           text[TAP_SHAPE_TEXT];
    if (x.shape.rank < 3 || x.shape.rank > 5 || groups < 1 || n[0] % groups != 0)
        return tap_error_set(e, TAP_EARG,
                             "%s: dirac needs three to five axes, the first of which the groups divide, not shape %s and %lld "
                             "groups",
                             path, tap_shape_format(text, x.shape), (long long)groups);
    for (int i = 2; i < x.shape.rank; i++) {
        middle = middle * n[i] + n[i] / 2;
        kernel *= n[i];
    }
    tap_tensor_fill(x, 0);
    if (tap_tensor_numel(x) == 0) return TAP_OK;
    for (int64_t out = 0; out < n[0]; out++) {
        const int64_t in = out % (n[0] / groups);
        if (in < n[1]) tap_tensor_set_item(x, (out * n[1] + in) * kernel + middle, 1);
    }
    return TAP_OK;
}

tap_status tap__init_fill_other(tap_init how, tap_tensor x, tap_rng_key key, const char *path, tap_error *e)
{
    switch (how.how) {
    case TAP_INIT_TRUNC_NORMAL: return fill_trunc_normal(how, x, key, path, e);
    case TAP_INIT_ORTHOGONAL: return fill_orthogonal(how, x, key, path, e);
    case TAP_INIT_EYE: return fill_eye(x, path, e);
    default: return fill_dirac(how, x, path, e);
    }
}
