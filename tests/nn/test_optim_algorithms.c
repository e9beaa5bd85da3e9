/* tests/nn/test_optim_algorithms.c: each optimization algorithm compared with its formula in plain C; the same bits with any
 * number of threads; no allocations. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/internal.h"
#include "tensor/parallel.h"
#include "tests/check.h"
#include "tests/heap.h"

enum { BIG = 20000, STEPS = 12 };

/* One number under an optimizer, and what the algorithm keeps for it. */
typedef struct {
    double x, a, b, c;
} number;

static double square(double x)
{
    return x * x;
}

/* ---- The algorithms, with the options below ---- */

static tap_optim *new_sgd(tap_module *m)
{
    return tap_sgd_new(
        m, (tap_sgd_options){ .lr = 0.1, .momentum = 0.9, .dampening = 0.3, .weight_decay = 0.2, .maximize = true });
}

static void sgd(number *n, double g, int t)
{
    g = -g + 0.2 * n->x;
    n->a = t == 1 ? g : 0.9 * n->a + 0.7 * g;
    n->x -= 0.1 * n->a;
}

static tap_optim *new_amsgrad(tap_module *m)
{
    return tap_adam_new(m,
                        (tap_adam_options){ .lr = 0.01, .beta2 = 0.5, .weight_decay = 0.2, .amsgrad = true, .maximize = true });
}

static void amsgrad(number *n, double g, int t)
{
    g = -g + 0.2 * n->x;
    n->a = 0.9 * n->a + 0.1 * g;
    n->b = 0.5 * n->b + 0.5 * g * g;
    n->c = fmax(n->c, n->b);
    n->x -= 0.01 * n->a / (1 - pow(0.9, t)) / (sqrt(n->c / (1 - pow(0.5, t))) + 1e-8);
}

static tap_optim *new_adamw(tap_module *m)
{
    return tap_adamw_new(m, (tap_adamw_options){ .lr = 0.1 });
}

static void adamw(number *n, double g, int t)
{
    n->x -= 0.1 * 0.01 * n->x;
    n->a = 0.9 * n->a + 0.1 * g;
    n->b = 0.999 * n->b + 0.001 * g * g;
    n->x -= 0.1 * n->a / (1 - pow(0.9, t)) / (sqrt(n->b / (1 - pow(0.999, t))) + 1e-8);
}

static tap_optim *new_adamax(tap_module *m)
{
    return tap_adamax_new(m, (tap_adamax_options){ .beta2 = 0.6, .weight_decay = 0.2, .eps = 1e-3, .maximize = true });
}

static void adamax(number *n, double g, int t)
{
    g = -g + 0.2 * n->x;
    n->a = 0.9 * n->a + 0.1 * g;
    n->b = fmax(0.6 * n->b, fabs(g) + 1e-3);
    n->x -= 2e-3 / (1 - pow(0.9, t)) * n->a / n->b;
}

static tap_optim *new_nadam(tap_module *m)
{
    return tap_nadam_new(m, (tap_nadam_options){ .weight_decay = 0.2, .momentum_decay = 0.1, .maximize = true });
}

/* c is the product of the momenta, less 1, as it is 1 before the first step. */
static void nadam(number *n, double g, int t)
{
    const double mu = 0.9 * (1 - 0.5 * pow(0.96, t * 0.1)), next = 0.9 * (1 - 0.5 * pow(0.96, (t + 1) * 0.1));
    g = -g + 0.2 * n->x;
    n->a = 0.9 * n->a + 0.1 * g;
    n->b = 0.999 * n->b + 0.001 * g * g;
    n->c = (n->c + 1) * mu - 1;
    const double root = sqrt(n->b / (1 - pow(0.999, t))) + 1e-8, product = n->c + 1;
    n->x -= 2e-3 * ((1 - mu) / (1 - product) * g + next / (1 - product * next) * n->a) / root;
}

static tap_optim *new_decoupled_nadam(tap_module *m)
{
    return tap_nadam_new(m, (tap_nadam_options){ .lr = 0.1, .weight_decay = 0.2, .decoupled_weight_decay = true });
}

static void decoupled_nadam(number *n, double g, int t)
{
    const double mu = 0.9 * (1 - 0.5 * pow(0.96, t * 0.004)), next = 0.9 * (1 - 0.5 * pow(0.96, (t + 1) * 0.004));
    n->x -= 0.1 * 0.2 * n->x;
    n->a = 0.9 * n->a + 0.1 * g;
    n->b = 0.999 * n->b + 0.001 * g * g;
    n->c = (n->c + 1) * mu - 1;
    const double root = sqrt(n->b / (1 - pow(0.999, t))) + 1e-8, product = n->c + 1;
    n->x -= 0.1 * ((1 - mu) / (1 - product) * g + next / (1 - product * next) * n->a) / root;
}

static tap_optim *new_radam(tap_module *m)
{
    return tap_radam_new(m, (tap_radam_options){ .lr = 0.1, .beta2 = 0.9, .weight_decay = 0.2, .maximize = true });
}

static void radam(number *n, double g, int t)
{
    const double rho_inf = 2 / 0.1 - 1, power = pow(0.9, t), rho = rho_inf - 2 * t * power / (1 - power);
    g = -g + 0.2 * n->x;
    n->a = 0.9 * n->a + 0.1 * g;
    n->b = 0.9 * n->b + 0.1 * g * g;
    const double r = sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho));
    n->x -= 0.1 * n->a / (1 - power) * (rho > 5 ? r * sqrt(1 - power) / (sqrt(n->b) + 1e-8) : 1);
}

static tap_optim *new_rmsprop(tap_module *m)
{
    return tap_rmsprop_new(m, (tap_rmsprop_options){ .alpha = 0.8, .eps = 1e-3, .weight_decay = 0.2, .maximize = true });
}

static void rmsprop(number *n, double g, int t)
{
    (void)t;
    g = -g + 0.2 * n->x;
    n->a = 0.8 * n->a + 0.2 * g * g;
    n->x -= 0.01 * g / (sqrt(n->a) + 1e-3);
}

static tap_optim *new_centered_rmsprop(tap_module *m)
{
    return tap_rmsprop_new(m, (tap_rmsprop_options){ .eps = 1e-3, .momentum = 0.5, .centered = true });
}

static void centered_rmsprop(number *n, double g, int t)
{
    (void)t;
    n->a = 0.99 * n->a + 0.01 * g * g;
    n->b = 0.99 * n->b + 0.01 * g;
    n->c = 0.5 * n->c + g / (sqrt(n->a - square(n->b)) + 1e-3);
    n->x -= 0.01 * n->c;
}

static tap_optim *new_adagrad(tap_module *m)
{
    return tap_adagrad_new(
        m, (tap_adagrad_options){ .lr_decay = 0.5, .weight_decay = 0.2, .initial_accumulator_value = 2, .maximize = true });
}

static void adagrad(number *n, double g, int t)
{
    g = -g + 0.2 * n->x;
    n->a = (t == 1 ? 2 : n->a) + g * g;
    n->x -= 0.01 / (1 + (t - 1) * 0.5) * g / (sqrt(n->a) + 1e-10);
}

static tap_optim *new_adadelta(tap_module *m)
{
    return tap_adadelta_new(m, (tap_adadelta_options){ .weight_decay = 0.2, .eps = 1e-3, .maximize = true });
}

static void adadelta(number *n, double g, int t)
{
    (void)t;
    g = -g + 0.2 * n->x;
    n->a = 0.9 * n->a + 0.1 * g * g;
    const double d = sqrt(n->b + 1e-3) / sqrt(n->a + 1e-3) * g;
    n->b = 0.9 * n->b + 0.1 * d * d;
    n->x -= d;
}

static tap_optim *new_rprop(tap_module *m)
{
    return tap_rprop_new(m, (tap_rprop_options){ .lr = 0.1, .step_size_min = 0.06, .step_size_max = 0.11, .maximize = true });
}

static void rprop(number *n, double g, int t)
{
    if (t == 1) n->b = 0.1;
    g = -g;
    n->b = fmin(fmax(n->b * (g * n->a > 0 ? 1.2 : g * n->a < 0 ? 0.5 : 1), 0.06), 0.11);
    if (g * n->a < 0) g = 0;
    n->x -= g > 0 ? n->b : g < 0 ? -n->b : 0;
    n->a = g;
}

static tap_optim *new_asgd(tap_module *m)
{
    return tap_asgd_new(
        m, (tap_asgd_options){ .lr = 0.1, .lambd = 0.5, .alpha = 0.5, .t0 = 4, .weight_decay = 0.2, .maximize = true });
}

/* a is the average, b is eta, c is mu. */
static void asgd(number *n, double g, int t)
{
    if (t == 1) n->b = 0.1;
    if (t == 1) n->c = 1;
    g = -g + 0.2 * n->x;
    n->x = n->x * (1 - 0.5 * n->b) - n->b * g;
    n->a += n->c * (n->x - n->a);
    n->b = 0.1 / sqrt(1 + 0.5 * 0.1 * t);
    n->c = 1 / fmax(1, t - 4);
}

static const struct {
    const char *name;
    tap_optim *(*make)(tap_module *m);
    void (*reference)(number *n, double g, int t);
    int average; /* 1: state 0 is the average, number.a */
} algorithms[] = {
    { "sgd", new_sgd, sgd, 0 },
    { "amsgrad", new_amsgrad, amsgrad, 0 },
    { "adamw", new_adamw, adamw, 0 },
    { "adamax", new_adamax, adamax, 0 },
    { "nadam", new_nadam, nadam, 0 },
    { "nadam, decoupled", new_decoupled_nadam, decoupled_nadam, 0 },
    { "radam", new_radam, radam, 0 },
    { "rmsprop", new_rmsprop, rmsprop, 0 },
    { "rmsprop, centered", new_centered_rmsprop, centered_rmsprop, 0 },
    { "adagrad", new_adagrad, adagrad, 0 },
    { "adadelta", new_adadelta, adadelta, 0 },
    { "rprop", new_rprop, rprop, 0 },
    { "asgd", new_asgd, asgd, 1 },
};
enum { N_ALGORITHMS = sizeof algorithms / sizeof *algorithms };

/* ---- Steps ---- */

/* A gradient that differs in each step and element, changes its sign, and is sometimes 0. */
static double gradient(int step, int64_t i)
{
    return i % 7 == 3 ? 0 : sin((double)(i + 1) * 0.37 + step) * (i % 5 == 0 ? 1e-2 : 1);
}

static tap_module *model(tap_dtype dtype)
{
    tap_module *root = tap_module_new(dtype, 1);
    tap_param_new(root, "a", TAP_SHAPE(BIG), tap_init_normal(1));
    tap_param_new(root, "b", TAP_SHAPE(0), tap_init_normal(1));
    tap_param_new(root, "c", TAP_SHAPE(3), tap_init_normal(1));
    return root;
}

static void set_gradients(tap_module *root, int step)
{
    int64_t at = 0;
    for (tap_param *p = tap_module_next(root, NULL); p; p = tap_module_next(root, p)) {
        tap_tensor g = tap_param_grad(p);
        for (int64_t i = 0; i < tap_tensor_numel(g); i++) tap_tensor_set_item(g, i, gradient(step, at++));
    }
}

static void assert_element(const char *name, int step, int64_t i, double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance * (1 + fabs(want))))
        fail_msg("%s, step %d: element %lld is %.17g, not %.17g", name, step, (long long)i, got, want);
}

static void compare(int k, tap_dtype dtype, double tolerance)
{
    tap_module *root = model(dtype);
    tap_optim  *o = algorithms[k].make(root);
    number     *n = calloc(BIG + 3, sizeof *n);
    tap_param  *p;
    int64_t     at = 0;
    for (p = tap_module_next(root, NULL); p; p = tap_module_next(root, p)) {
        for (int64_t i = 0; i < tap_tensor_numel(tap_param_value(p)); i++) n[at++].x = tap_tensor_item(tap_param_value(p), i);
    }
    for (int step = 1; step <= STEPS; step++) {
        set_gradients(root, step);
        assert_int_equal(tap_optim_step(o, NULL), TAP_OK);
        at = 0;
        for (p = tap_module_next(root, NULL); p; p = tap_module_next(root, p)) {
            for (int64_t i = 0; i < tap_tensor_numel(tap_param_value(p)); i++, at++) {
                const double g = dtype == TAP_F32 ? (double)(float)gradient(step, at) : gradient(step, at);
                algorithms[k].reference(&n[at], g, step);
                assert_element(algorithms[k].name, step, at, tap_tensor_item(tap_param_value(p), i), n[at].x, tolerance);
            }
        }
    }
    for (int64_t i = 0; i < BIG && algorithms[k].average; i++)
        assert_element("ax", STEPS, i, ((double *)o->slots[0].state[0])[i], n[i].a, tolerance);
    free(n);
    tap_module_free(root);
}

static void test_formulas(void **state)
{
    (void)state;
    for (int k = 0; k < N_ALGORITHMS; k++) compare(k, TAP_F64, 1e-11);
}

static void test_formulas_in_float32(void **state)
{
    (void)state;
    for (int k = 0; k < N_ALGORITHMS; k++) {
        if (!algorithms[k].average) compare(k, TAP_F32, 2e-4);
    }
}

/* The values after some steps, which make no request for memory after the first. */
static float *values_after_steps(int k, int threads)
{
    tap_module *root = model(TAP_F32);
    tap_optim  *o = algorithms[k].make(root);
    float      *x = malloc(BIG * sizeof *x);
    tap_set_threads(threads);
    for (int step = 1; step <= STEPS; step++) {
        set_gradients(root, step);
        heap_watch(step > 3);
        tap_optim_step(o, NULL);
        heap_watch(false);
    }
    const heap_requests taken = heap_take();
    if (taken.by_program) fail_msg("%s: %ld requests for heap memory", algorithms[k].name, taken.by_program);
    memcpy(x, tap_param_value(tap_module_next(root, NULL)).data, BIG * sizeof *x);
    tap_module_free(root);
    return x;
}

static void test_threads_change_no_bits(void **state)
{
    (void)state;
    tap__parallel_threshold_for_tests(0);
    for (int k = 0; k < N_ALGORITHMS; k++) {
        float *one = values_after_steps(k, 1);
        for (int threads = 2; threads <= 4; threads++) {
            float *many = values_after_steps(k, threads);
            if (memcmp(one, many, BIG * sizeof *one) != 0) fail_msg("%s: 1 and %d threads differ", algorithms[k].name, threads);
            free(many);
        }
        free(one);
    }
    tap__parallel_threshold_for_tests(25000);
    tap_set_threads(2);
}

/* A NaN in a gradient is seen in the values, whatever the algorithm. */
static void test_nan_is_not_swallowed(void **state)
{
    (void)state;
    for (int k = 0; k < N_ALGORITHMS; k++) {
        tap_module *root = model(TAP_F64);
        tap_optim  *o = algorithms[k].make(root);
        tap_param  *p = tap_module_next(root, NULL);
        set_gradients(root, 1);
        tap_tensor_set_item(tap_param_grad(p), 5, (double)NAN);
        assert_int_equal(tap_optim_step(o, NULL), TAP_OK);
        if (!isnan(tap_tensor_item(tap_param_value(p), 5))) fail_msg("%s ignores NaN", algorithms[k].name);
        assert_true(isfinite(tap_tensor_item(tap_param_value(p), 6)));
        tap_module_free(root);
    }
}

/* ---- L-BFGS ---- */

typedef struct {
    tap_param *x;
    int        evaluations;
} quadratic;

/* sum_i (i + 1) (x_i - 1)^2 / 2 */
static tap_var bowl(tap_tape *t, void *ctx)
{
    quadratic *q = ctx;
    tap_var    d = tap_add_scalar(tap_param_var(t, q->x), -1);
    tap_var    i = tap_cast(tap_arange(t, tap_numel(tap_param_value(q->x).shape)), tap_tape_dtype(t));
    q->evaluations++;
    return tap_mul_scalar(tap_sum(tap_mul(tap_add_scalar(i, 1), tap_square(d)), TAP_ALL), 0.5);
}

/* On a quadratic function of n numbers, a few iterations reach the minimum. */
static void test_lbfgs_finds_the_minimum(void **state)
{
    (void)state;
    for (int search = 0; search < 2; search++) {
        tap_module  *root = tap_module_new(TAP_F64, 0);
        tap_tape    *t = tap_tape_new(TAP_F64, 0);
        quadratic    q = { .x = tap_param_new(root, "x", TAP_SHAPE(6), tap_init_normal(3)) };
        tap_optim   *o = tap_lbfgs_new(root, (tap_lbfgs_options){ .max_iter = 30, .strong_wolfe = search });
        const double before = tap_optim_step_closure(o, t, bowl, &q);
        const int    evaluations = q.evaluations;
        assert_true(before > 1 && evaluations > 5 && evaluations < 40);
        for (int i = 0; i < 6; i++) assert_near(tap_tensor_item(tap_param_value(q.x), i), 1, 1e-4);
        assert_true(tap_optim_step_closure(o, t, bowl, &q) < 1e-8);
        assert_true(q.evaluations <= evaluations + 3);
        assert_int_equal(tap_module_status(root, NULL), TAP_OK);
        tap_tape_free(t);
        tap_module_free(root);
    }
}

/* The values after some steps on a large problem; no requests for memory after the third. */
static float *lbfgs_after_steps(int threads)
{
    tap_module *root = tap_module_new(TAP_F32, 1);
    tap_tape   *t = tap_tape_new(TAP_F32, 0);
    quadratic   q = { .x = tap_param_new(root, "x", TAP_SHAPE(BIG), tap_init_normal(1)) };
    tap_optim  *o = tap_lbfgs_new(root, (tap_lbfgs_options){ .max_iter = 3, .history_size = 2, .strong_wolfe = true });
    float      *x = malloc(BIG * sizeof *x);
    tap_set_threads(threads);
    for (int step = 1; step <= 6; step++) {
        heap_watch(step > 3);
        assert_true(isfinite(tap_optim_step_closure(o, t, bowl, &q)));
        heap_watch(false);
    }
    const heap_requests taken = heap_take();
    if (taken.by_program) fail_msg("lbfgs: %ld requests for heap memory", taken.by_program);
    memcpy(x, tap_param_value(q.x).data, BIG * sizeof *x);
    tap_tape_free(t);
    tap_module_free(root);
    return x;
}

static void test_threads_change_no_bits_of_lbfgs(void **state)
{
    (void)state;
    tap__parallel_threshold_for_tests(0);
    float *one = lbfgs_after_steps(1);
    for (int threads = 2; threads <= 4; threads++) {
        float *many = lbfgs_after_steps(threads);
        assert_memory_equal(one, many, BIG * sizeof *one);
        free(many);
    }
    free(one);
    tap__parallel_threshold_for_tests(25000);
    tap_set_threads(2);
}

static tap_var half_a_loss(tap_tape *t, void *ctx)
{
    quadratic *q = ctx;
    if (q->evaluations++ == 2) tap_tape_fail(t, TAP_EIO, "the disk is full");
    return bowl(t, ctx);
}

/* A failed evaluation in the middle of a line search leaves the values as they were. */
static void test_lbfgs_fails_cleanly(void **state)
{
    (void)state;
    tap_module *root = tap_module_new(TAP_F32, 0);
    tap_tape   *t = tap_tape_new(TAP_F32, 0);
    quadratic   q = { .x = tap_param_new(root, "x", TAP_SHAPE(6), tap_init_constant(3)) };
    tap_optim  *o = tap_lbfgs_new(root, (tap_lbfgs_options){ .strong_wolfe = true });
    assert_true(isnan(tap_optim_step_closure(o, t, half_a_loss, &q)));
    assert_true(tap_tensor_item(tap_param_value(q.x), 2) == 3);
    assert_int_equal(tap_tape_status(t, NULL), TAP_EIO);
    assert_int_equal(tap_optim_step(o, NULL), TAP_EARG);
    assert_string_equal(tap_module_message(root), "optim_step: lbfgs evaluates the loss itself: call tap_optim_step_closure");
    tap_module_clear_error(root);
    tap_optim_group(o, tap_is_vector, NULL, (tap_group_options){ 0 });
    assert_string_equal(tap_module_message(root), "optim_group: lbfgs has no groups");
    tap_module_clear_error(root);
    tap_optim_set(o, 0, "history_size", 3);
    assert_string_equal(tap_module_message(root), "optim_set: history_size must be set before the first step");
    tap_tape_free(t);
    tap_module_free(root);
}

/* Other optimizers make one step by a closure. */
static void test_steps_by_closures(void **state)
{
    (void)state;
    tap_module *root = tap_module_new(TAP_F64, 0);
    tap_tape   *t = tap_tape_new(TAP_F64, 0);
    quadratic   q = { .x = tap_param_new(root, "x", TAP_SHAPE(1), tap_init_constant(3)) };
    tap_optim  *o = tap_sgd_new(root, (tap_sgd_options){ .lr = 0.5 });
    assert_true(tap_optim_step_closure(o, t, bowl, &q) == 2);
    assert_true(tap_tensor_item(tap_param_value(q.x), 0) == 2 && q.evaluations == 1);
    assert_true(tap_optim_step_closure(o, t, bowl, &q) == 0.5);
    tap_tape_free(t);
    tap_module_free(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formulas),
        cmocka_unit_test(test_formulas_in_float32),
        cmocka_unit_test(test_threads_change_no_bits),
        cmocka_unit_test(test_nan_is_not_swallowed),
        cmocka_unit_test(test_lbfgs_finds_the_minimum),
        cmocka_unit_test(test_threads_change_no_bits_of_lbfgs),
        cmocka_unit_test(test_lbfgs_fails_cleanly),
        cmocka_unit_test(test_steps_by_closures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
