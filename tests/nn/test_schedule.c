/* tests/nn/test_schedule.c: schedules of learning rates at chosen steps; what schedulers do to groups, momenta and checkpoints. */
#define _XOPEN_SOURCE 700
#include "tests/tensor/scratch.h"

#include <math.h>

#include "nn/nn.h"
#include "tests/check.h"

#define FILE_NAME "run"

static double half_after_two(double step, void *ctx)
{
    return step >= 2 ? *(double *)ctx : 1;
}

/* Rates for a base rate of 1. */
static void test_rates(void **state)
{
    static const int64_t milestones[] = { 2, 2, 4 };
    static double        half = 0.5;
    const struct {
        const char  *name;
        tap_schedule s;
        double       lr[6];
    } rows[] = {
        { "step", tap_step_lr(2, 0.5), { 1, 1, 0.5, 0.5, 0.25, 0.25 } },
        { "multi-step", tap_multi_step_lr(3, milestones, 0.5), { 1, 1, 0.25, 0.25, 0.125, 0.125 } },
        { "constant", tap_constant_lr(0.5, 2), { 0.5, 0.5, 1, 1, 1, 1 } },
        { "constant for ever", tap_constant_lr(0.5, 0), { 0.5, 0.5, 0.5, 0.5, 0.5, 0.5 } },
        { "linear", tap_linear_lr(0.25, 1.25, 4), { 0.25, 0.5, 0.75, 1, 1.25, 1.25 } },
        { "exponential", tap_exponential_lr(0.5), { 1, 0.5, 0.25, 0.125, 0.0625, 0.03125 } },
        { "polynomial", tap_polynomial_lr(4, 2), { 1, 0.5625, 0.25, 0.0625, 0, 0 } },
        { "lambda", tap_lambda_lr(half_after_two, &half), { 1, 1, 0.5, 0.5, 0.5, 0.5 } },
        { "cosine", tap_cosine_annealing_lr(2, 0.5), { 1, 0.75, 0.5, 0.75, 1, 0.75 } },
        { "restarts", tap_cosine_annealing_warm_restarts(2, 1, 0), { 1, 0.5, 1, 0.5, 1, 0.5 } },
        { "growing restarts", tap_cosine_annealing_warm_restarts(1, 2, 0), { 1, 1, 0.5, 1, 0.8535533905932737, 0.5 } },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int k = 0; k < 6; k++) {
            assert_near_msg(rows[i].name, tap_schedule_lr(rows[i].s, 1, k), rows[i].lr[k], 1e-15);
            if (rows[i].s.number[2] == 0)
                assert_near_msg(rows[i].name, tap_schedule_lr(rows[i].s, 3, k), 3 * rows[i].lr[k], 1e-14);
        }
    }
    assert_near(tap_schedule_lr(tap_cosine_annealing_warm_restarts(2, 1, 0), 1, 2.5), (1 + sqrt(0.5)) / 2, 1e-15);
    assert_true(isnan(tap_schedule_lr((tap_schedule){ 0 }, 1, 0)) && isnan(tap_schedule_lr(tap_step_lr(1, 1), 1, -1)));
}

/* ---- Schedulers ---- */

/* An optimizer of two groups, with base rates 1 and 2. */
typedef struct {
    tap_module *root;
    tap_param  *p[2];
    tap_optim  *o;
} model;

static model model_new(void)
{
    model m = { .root = tap_module_new(TAP_F64, 0) };
    m.p[0] = tap_param_new(m.root, "a", TAP_SCALAR, tap_init_constant(1));
    m.p[1] = tap_param_new(m.root, "b", TAP_SCALAR, tap_init_constant(1));
    m.o = tap_sgd_new(m.root, (tap_sgd_options){ .lr = 1, .momentum = 0.5 });
    tap_optim_group_list(m.o, 1, &m.p[1], (tap_group_options){ .lr = 2 });
    return m;
}

static void assert_lr(const model *m, double a, double b)
{
    assert_near(tap_optim_lr(m->o), a, 1e-14);
    assert_near(tap_optim_group_lr(m->o, 1), b, 1e-14);
}

static void test_warm_up_then_cosine(void **state)
{
    (void)state;
    model              m = model_new();
    const tap_schedule parts[] = { tap_linear_lr(0.5, 1, 2), tap_cosine_annealing_lr(2, 0) };
    tap_scheduler     *s = tap_scheduler_new(m.o, tap_sequential_lr(2, parts, (int64_t[]){ 2 }));
    const double       lr[] = { 0.5, 0.75, 1, 0.5, 0 };
    for (int k = 0; k < 5; k++) {
        assert_lr(&m, lr[k], 2 * lr[k]);
        assert_true(tap_optim_get(m.o, 0, "momentum") == 0.5);
        tap_scheduler_step(s);
    }
    tap_scheduler_step_to(s, 3);
    assert_lr(&m, 0.5, 1);
    tap_scheduler_step(s);
    assert_lr(&m, 0, 0);
    assert_int_equal(tap_module_status(m.root, NULL), TAP_OK);
    tap_module_free(m.root);
}

/* Factors multiply; cosine annealing is that of a rate which the other schedule shrinks. */
static void test_chains(void **state)
{
    (void)state;
    model              m = model_new();
    const tap_schedule factors[] = { tap_constant_lr(0.5, 2), tap_exponential_lr(0.5) };
    tap_scheduler     *s = tap_scheduler_new(m.o, tap_chained_lr(2, factors));
    const double       lr[] = { 0.5, 0.25, 0.25, 0.125 };
    for (int k = 0; k < 4; k++) {
        assert_lr(&m, lr[k], 2 * lr[k]);
        assert_near(tap_schedule_lr(tap_chained_lr(2, factors), 1, k), lr[k], 1e-15);
        tap_scheduler_step(s);
    }
    tap_scheduler_step_to(s, 1);
    assert_lr(&m, 0.25, 0.5);
    tap_module_free(m.root);

    m = model_new();
    const tap_schedule cosine[] = { tap_cosine_annealing_lr(2, 0.25), tap_exponential_lr(0.5) };
    s = tap_scheduler_new(m.o, tap_chained_lr(2, cosine));
    double rate = 1;
    for (int k = 1; k <= 2; k++) {
        tap_scheduler_step(s);
        rate = ((k == 1 ? 0.5 : 0) * (rate - 0.25) + 0.25) * 0.5;
        assert_near(tap_optim_lr(m.o), rate, 1e-15);
    }
    tap_scheduler_step(s); /* after eta_min was reached */
    assert_near(tap_optim_lr(m.o), (rate + 0.75 / 2) * 0.5, 1e-15);
    tap_module_free(m.root);
}

/* A part of a sequence in a chain begins at its own rate, and changes that of the chain from there. */
static void test_a_sequence_in_a_chain(void **state)
{
    (void)state;
    model              m = model_new();
    const tap_schedule parts[] = { tap_linear_lr(0.5, 1, 2), tap_exponential_lr(0.25) };
    const tap_schedule chain[] = { tap_exponential_lr(0.5), tap_sequential_lr(2, parts, (int64_t[]){ 3 }) };
    tap_scheduler     *s = tap_scheduler_new(m.o, tap_chained_lr(2, chain));
    const double       lr[] = { 0.5, 0.5 * 0.75, 0.25, 1, 0.125, 0.125 * 0.125 };
    for (int k = 0; k < 6; k++) {
        assert_lr(&m, lr[k], 2 * lr[k]);
        tap_scheduler_step(s);
    }
    tap_scheduler_step_to(s, 4);
    assert_lr(&m, lr[4], 2 * lr[4]);
    tap_module_free(m.root);
}

/* Half-cycles of 1.5 and 0.5 steps; a momentum of its own for each group. */
static void test_cyclic(void **state)
{
    (void)state;
    model          m = model_new();
    const double   low[] = { 0.5, 0.25 }, high[] = { 1, 0.75 };
    tap_scheduler *s = tap_scheduler_new(
        m.o,
        tap_cyclic_lr((tap_cyclic_lr_options){
            .base_lr = 1, .max_lr = 4, .step_size_up = 1.5, .step_size_down = 0.5, .base_momenta = low, .max_momenta = high }));
    const double height[] = { 0, 1 / 1.5, 0, 1 / 1.5 };
    for (int k = 0; k < 4; k++) {
        assert_lr(&m, 1 + 3 * height[k], 1 + 3 * height[k]);
        for (int i = 0; i < 2; i++) {
            const double momentum = high[i] - (high[i] - low[i]) * height[k];
            assert_near(tap_optim_get(m.o, i, "momentum"), momentum, 1e-12);
        }
        tap_scheduler_step(s);
    }
    tap_module_free(m.root);
}

static void test_one_cycle(void **state)
{
    (void)state;
    model          m = model_new();
    const double   peaks[] = { 1, 4 }, high[] = { 0.9, 0.95 };
    tap_scheduler *s = tap_scheduler_new(m.o, tap_one_cycle_lr((tap_one_cycle_lr_options){ .max_lrs = peaks,
                                                                                           .max_momenta = high,
                                                                                           .total_steps = 6,
                                                                                           .pct_start = 0.5,
                                                                                           .div_factor = 2,
                                                                                           .final_div_factor = 5,
                                                                                           .anneal = TAP_ANNEAL_LINEAR }));
    assert_near(tap_optim_get(m.o, 0, "momentum"), 0.9, 1e-15);
    const double lr[] = { 0.5, 0.75, 1, 0.7, 0.4, 0.1 }, momentum[] = { 0.95, 0.9, 0.85, 0.95 - 0.2 / 3, 0.95 - 0.1 / 3, 0.95 };
    for (int k = 0; k < 6; k++) {
        assert_lr(&m, lr[k], 4 * lr[k]);
        assert_near(tap_optim_get(m.o, 1, "momentum"), momentum[k], 1e-15);
        if (k < 5) tap_scheduler_step(s);
    }
    tap_scheduler_step(s);
    assert_int_equal(tap_module_status(m.root, NULL), TAP_EARG); /* a negative rate */
    tap_module_clear_error(m.root);
    tap_scheduler_step_to(s, 7);
    assert_string_equal(tap_module_message(m.root), "scheduler_step_to: step 7 is beyond the schedule's total of 6 steps");
    tap_module_free(m.root);
}

static void test_momentum_needs_an_optimizer_with_one(void **state)
{
    (void)state;
    tap_module *root = tap_module_new(TAP_F64, 0);
    tap_param_new(root, "a", TAP_SCALAR, tap_init_constant(1));
    tap_optim            *o = tap_adagrad_new(root, (tap_adagrad_options){ 0 });
    tap_cyclic_lr_options c = { .base_lr = 0.1, .max_lr = 0.3, .step_size_up = 1 };
    tap_scheduler_new(o, tap_cyclic_lr(c));
    assert_string_equal(tap_module_message(root), "cyclic_lr: adagrad has no momentum to cycle: set keep_momentum");
    tap_module_clear_error(root);
    c.keep_momentum = true;
    tap_scheduler *s = tap_scheduler_new(o, tap_cyclic_lr(c));
    tap_scheduler_step(s);
    assert_near(tap_optim_lr(o), 0.3, 1e-15);
    tap_optim_group(o, tap_is_vector, NULL, (tap_group_options){ 0 });
    assert_string_equal(tap_module_message(root), "optim_group: groups must be made before the scheduler");
    tap_module_clear_error(root);
    tap_optim_free(o);
    o = tap_adam_new(root, (tap_adam_options){ 0 });
    c.keep_momentum = false;
    tap_scheduler_new(o, tap_cyclic_lr(c));
    assert_near(tap_optim_get(o, 0, "beta1"), 0.9, 1e-15);
    assert_int_equal(tap_module_status(root, NULL), TAP_OK);
    tap_module_free(root);
}

static void test_plateau(void **state)
{
    static const double metrics[] = { 3, 2, 2, (double)NAN, 2.5, 1, 1, 1, 1, 1 },
                        lr[] = { 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25 };
    (void)state;
    model          m = model_new();
    tap_scheduler *s = tap_scheduler_new(
        m.o, tap_reduce_lr_on_plateau((tap_plateau_options){ .factor = 0.5, .patience = 1, .cooldown = 1, .min_lr = 0.8 }));
    assert_lr(&m, 1, 2);
    for (int k = 0; k < 10; k++) {
        tap_scheduler_step_metric(s, metrics[k]);
        assert_lr(&m, fmax(lr[k], 0.8), fmax(2 * lr[k], 0.8));
    }
    tap_module_free(m.root);
}

/* ---- Checkpoints ---- */

static void train(model *m, tap_scheduler *s, int steps)
{
    for (int k = 0; k < steps; k++) {
        for (int i = 0; i < 2; i++) tap_tensor_fill(tap_param_grad(m->p[i]), param_item(m->p[i], 0));
        tap_optim_step(m->o, NULL);
        tap_scheduler_step(s);
    }
}

static tap_schedule chain_of(double gamma)
{
    static tap_schedule parts[2];
    parts[0] = tap_cosine_annealing_lr(7, 0.125);
    parts[1] = tap_exponential_lr(gamma);
    return tap_chained_lr(2, parts);
}

static void test_resumed_schedulers_go_on(void **state)
{
    (void)state;
    model whole = model_new(), m = model_new();
    train(&whole, tap_scheduler_new(whole.o, chain_of(0.9)), 12);
    for (int part = 0; part < 3; part++) {
        if (part > 0) tap_module_free(m.root);
        if (part > 0) m = model_new();
        tap_error       e = { 0 };
        tap_scheduler  *s = tap_scheduler_new(m.o, chain_of(0.9));
        tap_checkpoint *c = tap_checkpoint_new(FILE_NAME);
        tap_checkpoint_module(c, "net", m.root);
        tap_checkpoint_optim(c, "optim", m.o);
        assert_true(tap_checkpoint_resume(c, &e) == (part > 0));
        train(&m, s, 4);
        assert_int_equal(tap_checkpoint_save(c, &e), TAP_OK);
        tap_checkpoint_free(c);
    }
    assert_true(param_item(m.p[1], 0) == param_item(whole.p[1], 0));
    assert_true(tap_optim_lr(m.o) == tap_optim_lr(whole.o));
    tap_module_free(whole.root);
    tap_module_free(m.root);

    tap_error e = { 0 };
    m = model_new();
    tap_scheduler_new(m.o, chain_of(0.5));
    tap_checkpoint *c = tap_checkpoint_new(FILE_NAME);
    tap_checkpoint_module(c, "net", m.root);
    tap_checkpoint_optim(c, "optim", m.o);
    assert_false(tap_checkpoint_resume(c, &e));
    assert_string_equal(e.message, FILE_NAME
                        ": optim.scheduler was chained_lr(cosine_annealing_lr(7, 0, 0.125), exponential_lr(0, "
                        "0.90000000000000002, 0)) and is chained_lr(cosine_annealing_lr(7, 0, 0.125), exponential_lr(0, 0.5, "
                        "0)) now");
    tap_checkpoint_free(c);
    tap_module_free(m.root);
}

/* The best metric and the counts of a plateau are a part of the checkpoint. */
static void test_resumed_plateaus_go_on(void **state)
{
    (void)state;
    for (int part = 0; part < 3; part++) {
        tap_error      e = { 0 };
        model          m = model_new();
        tap_scheduler *s =
            tap_scheduler_new(m.o, tap_reduce_lr_on_plateau((tap_plateau_options){ .patience = 2, .cooldown = 3 }));
        tap_checkpoint *c = tap_checkpoint_new(FILE_NAME);
        tap_checkpoint_optim(c, "optim", m.o);
        assert_true(tap_checkpoint_resume(c, &e) == (part > 0));
        const double metrics[3][3] = { { 1, 2, 2 }, { 1.5, 1, 1 }, { 1, 1, 1 } };
        for (int k = 0; k < 3; k++) {
            tap_scheduler_step_metric(s, metrics[part][k]);
            assert_lr(&m, part == 0 ? 1 : 0.1, part == 0 ? 2 : 0.2);
        }
        assert_int_equal(tap_checkpoint_save(c, &e), TAP_OK);
        tap_checkpoint_free(c);
        tap_module_free(m.root);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_warm_up_then_cosine),
        cmocka_unit_test(test_chains),
        cmocka_unit_test(test_one_cycle),
        cmocka_unit_test(test_a_sequence_in_a_chain),
        cmocka_unit_test(test_cyclic),
        cmocka_unit_test(test_momentum_needs_an_optimizer_with_one),
        cmocka_unit_test(test_plateau),
        cmocka_unit_test_setup_teardown(test_resumed_schedulers_go_on, scratch_enter, scratch_leave),
        cmocka_unit_test_setup_teardown(test_resumed_plateaus_go_on, scratch_enter, scratch_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
