/* tests/golden/nn_init.c: cases of torch.nn.init, and of how the constructors of layers fill their parameters. What is drawn is
 * compared, not the random numbers. */
#include <math.h>

#include "nn/init_fill.h"
#include "nn/internal.h"
#include "tests/golden/nn.h"

/* ---- Draws ---- */

static void compare_draw(nn_case *c, const char *name, const tap_param *p, const cJSON *want)
{
    static const char *const kinds[] = { "constant", "uniform", "normal", "another" };
    const tap__init_draw     draw = tap__init_draw_of(p->init, tap_param_value(p).shape);
    const char              *kind = nn_text(want, "kind");
    const bool               constant = !strcmp(kind, "constant"), uniform = !strcmp(kind, "uniform");
    char                     what[96];
    if (strcmp(kind, kinds[draw.kind]) != 0) nn_fail(c, "%s: the draw is %s, expected %s", name, kinds[draw.kind], kind);
    snprintf(what, sizeof what, "%s: %s", name, constant ? "value" : uniform ? "low" : "mean");
    nn_compare_number(c, what, draw.a, nn_number(nn_field(want, constant ? "value" : uniform ? "low" : "mean"), (double)NAN));
    snprintf(what, sizeof what, "%s: %s", name, uniform ? "high" : "std");
    if (!constant) nn_compare_number(c, what, draw.b, nn_number(nn_field(want, uniform ? "high" : "std"), (double)NAN));
    for (int64_t i = 0; i < tap_tensor_numel(tap_param_value(p)) && draw.kind != TAP__DRAW_NORMAL; i++) {
        const double x = tap_tensor_item(tap_param_value(p), i);
        if (!(x >= draw.a && x <= draw.b)) nn_fail(c, "%s: %.17g is not within the bounds", name, x);
    }
}

/* The shape of a list of sizes. */
static tap_shape shape_of(nn_case *c, const cJSON *list)
{
    tap_shape s = { cJSON_GetArraySize(list), { 0 } };
    if (s.rank < 1 || s.rank > TAP_MAX_RANK) nn_fail(c, "needs a shape");
    if (s.rank > TAP_MAX_RANK) s.rank = 0;
    for (int i = 0; i < s.rank; i++) s.n[i] = (int64_t)nn_number(cJSON_GetArrayItem(list, i), -1);
    return s;
}

static double gain_of(const cJSON *args, const char *otherwise, const char *param, double param_otherwise)
{
    const char  *name = nn_text(args, "nonlinearity");
    const double p = nn_number(nn_field(args, param), param_otherwise);
    return tap_calculate_gain(*name ? name : otherwise, p == 0 ? TAP_ZERO : p);
}

static tap_init kaiming(const cJSON *args, tap_init (*how)(double gain))
{
    const tap_init init = how(gain_of(args, "leaky_relu", "a", 0));
    return strcmp(nn_text(args, "mode"), "fan_out") ? init : tap_init_fan_out(init);
}

/* The initializer of a function; `known` says whether there is one. */
static tap_init init_of(const cJSON *json, bool *known)
{
    const char  *function = nn_text(json, "function");
    const cJSON *args = nn_field(json, "args");
    const double gain = nn_number(nn_field(args, "gain"), 1);
    *known = true;
    if (!strcmp(function, "uniform_"))
        return tap_init_uniform_between(nn_number(nn_field(args, "a"), 0), nn_number(nn_field(args, "b"), 1));
    if (!strcmp(function, "normal_"))
        return tap_init_normal_around(nn_number(nn_field(args, "mean"), 0), nn_number(nn_field(args, "std"), 1));
    if (!strcmp(function, "xavier_uniform_")) return tap_init_xavier_uniform(gain);
    if (!strcmp(function, "xavier_normal_")) return tap_init_xavier_normal(gain);
    if (!strcmp(function, "kaiming_uniform_")) return kaiming(args, tap_init_kaiming_uniform);
    if (!strcmp(function, "kaiming_normal_")) return kaiming(args, tap_init_kaiming_normal);
    if (!strcmp(function, "orthogonal_")) return tap_init_orthogonal(gain);
    if (!strcmp(function, "eye_")) return tap_init_eye();
    if (!strcmp(function, "dirac_")) return tap_init_dirac((int64_t)nn_number(nn_field(args, "groups"), 1));
    if (!strcmp(function, "zeros_")) return tap_init_zeros();
    if (!strcmp(function, "ones_")) return tap_init_constant(1);
    if (!strcmp(function, "constant_")) return tap_init_constant(nn_number(nn_field(args, "val"), (double)NAN));
    *known = false;
    return tap_init_zeros();
}

/* ---- Functions ---- */

static void compare_normal_matrix(nn_case *c)
{
    const double     gain = nn_number(nn_field(nn_field(c->json, "args"), "gain"), 1);
    const tap_tensor normal = nn_tensor(c, "normal"), want = nn_tensor(c, "result");
    const tap_tensor result = tap_tensor_zeros(c->arena, TAP_F64, want.shape);
    const int64_t    n = tap_numel(want.shape), rows = n > 0 ? want.shape.n[0] : 1;
    if (tap_numel(normal.shape) != n) nn_fail(c, "normal must have as many elements as the result");
    for (int64_t i = 0; i < n && !nn_failed(c); i++) tap_tensor_set_item(result, i, tap_tensor_item(normal, i));
    tap__orthogonalize(result.data, rows, n / rows);
    for (int64_t i = 0; i < n; i++) ((double *)result.data)[i] *= gain;
    nn_compare(c, "result", result, want);
}

/* The smaller Gram matrix of a drawn matrix. */
static void compare_gram(nn_case *c, tap_tensor x)
{
    const int64_t    rows = x.shape.n[0], columns = tap_numel(x.shape) / rows, k = rows < columns ? rows : columns;
    const tap_tensor gram = tap_tensor_zeros(c->arena, TAP_F64, TAP_SHAPE(k, k));
    const double    *at = x.data;
    for (int64_t i = 0; i < k * k; i++) {
        const int64_t a = i / k, b = i % k;
        double        sum = 0;
        if (k == rows) {
            for (int64_t j = 0; j < columns; j++) sum += at[a * columns + j] * at[b * columns + j];
        } else {
            for (int64_t j = 0; j < rows; j++) sum += at[j * columns + a] * at[j * columns + b];
        }
        ((double *)gram.data)[i] = sum;
    }
    nn_compare(c, "gram", gram, nn_tensor(c, "gram"));
}

static void run_function(nn_case *c, tap_module *root)
{
    bool           known;
    const tap_init how = init_of(c->json, &known);
    if (!known) {
        nn_fail(c, "there is no initializer '%s'", nn_text(c->json, "function"));
        return;
    }
    tap_param   *p = tap_param_new(root, "p", shape_of(c, nn_field(c->json, "shape")), how);
    const cJSON *draw = nn_field(c->json, "draw");
    if (!nn_module_ok(c, root)) return;
    if (draw) compare_draw(c, "p", p, draw);
    else if (nn_find(c, "normal")) {
        compare_normal_matrix(c);
        compare_gram(c, tap_param_value(p));
    } else nn_compare(c, "result", tap_param_value(p), nn_tensor(c, "result"));
}

/* ---- The truncated normal distribution ---- */

/* The integral over p in 0..1 of (quantile(p) - center)^power: the trapezoidal rule for t with p = (1 + tanh(pi/2 sinh t)) / 2
 * (tanh-sinh quadrature), since the quantile may be as steep as that of the normal distribution at 0 and 1. Below 2^-52 it has lost its digits. */
static double central_moment(tap_init how, double center, int power)
{
    enum { POINTS = 400 };
    const double pi = 3.14159265358979323846, step = 3.5 / POINTS;
    double       sum = 0;
    for (int i = -POINTS; i <= POINTS; i++) {
        const double x = pi / 2 * sinh(i * step), p = 1 / (1 + exp(-2 * x)), weight = pi / 4 * cosh(i * step) / pow(cosh(x), 2);
        if (p > 0x1p-52 && p < 1) sum += step * weight * pow(tap__trunc_normal_quantile(how, p) - center, power);
    }
    return sum;
}

static void run_trunc_normal(nn_case *c, tap_module *root)
{
    const cJSON     *args = nn_field(c->json, "args"), *at = nn_field(c->json, "quantile_at");
    const tap_init   how = tap_init_trunc_normal(nn_number(nn_field(args, "mean"), 0), nn_number(nn_field(args, "std"), 1),
                                                 nn_number(nn_field(args, "a"), -2), nn_number(nn_field(args, "b"), 2));
    const double     mean = central_moment(how, 0, 1), variance = central_moment(how, mean, 2);
    const double     got[] = { mean, variance, central_moment(how, mean, 3) / pow(variance, 1.5),
                               central_moment(how, mean, 4) / (variance * variance) - 3 };
    const tap_tensor moments = nn_tensor(c, "moments"), quantiles = nn_tensor(c, "quantiles");
    tap_param_new(root, "p", TAP_SHAPE(100), how);
    for (int i = 0; i < 4 && !nn_failed(c); i++) nn_compare_number(c, "moment", got[i], tap_tensor_item(moments, i));
    for (int i = 0; i < cJSON_GetArraySize(at) && !nn_failed(c); i++) {
        const double p = nn_number(cJSON_GetArrayItem(at, i), (double)NAN);
        nn_compare_number(c, "quantile", tap__trunc_normal_quantile(how, p), tap_tensor_item(quantiles, i));
    }
}

/* ---- Layers ---- */

static outcome run_layer(nn_case *c, tap_module *root)
{
    const cJSON *draw;
    if (!nn_make_layer(c, root)) return SKIPPED;
    cJSON_ArrayForEach(draw, nn_field(c->json, "draws"))
    {
        char path[96];
        snprintf(path, sizeof path, "layer.%s", draw->string);
        const tap_param *p = tap_module_param(root, path);
        const tap_shape  shape = shape_of(c, nn_field(nn_field(c->json, "shapes"), draw->string));
        char             a[TAP_SHAPE_TEXT], b[TAP_SHAPE_TEXT];
        if (!p) nn_fail(c, "there is no parameter '%s'", draw->string);
        else if (!tap_shape_equal(tap_param_value(p).shape, shape))
            nn_fail(c, "%s is %s, expected %s", draw->string, tap_shape_format(a, tap_param_value(p).shape),
                    tap_shape_format(b, shape));
        else compare_draw(c, draw->string, p, draw);
    }
    return nn_failed(c) ? FAILED : PASSED;
}

outcome nn_run_init(nn_case *c)
{
    tap_module *root = tap_module_new(TAP_F64, 0);
    const char *function = nn_text(c->json, "function");
    outcome     got = PASSED;
    if (!strcmp(function, "calculate_gain")) {
        const double param = nn_number(nn_field(nn_field(c->json, "args"), "param"), 0.01);
        nn_compare_number(c, "gain", gain_of(nn_field(c->json, "args"), "", "param", param),
                          tap_tensor_item(nn_tensor(c, "gain"), 0));
    } else if (!strcmp(function, "trunc_normal_")) run_trunc_normal(c, root);
    else if (!strcmp(function, "reset_parameters")) got = run_layer(c, root);
    else run_function(c, root);
    if (got == PASSED) nn_module_ok(c, root);
    tap_module_free(root);
    return got == PASSED && nn_failed(c) ? FAILED : got;
}
