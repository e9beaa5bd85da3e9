/* tests/nn/test_averaged_model.c: averages of weights over steps. */
#define _XOPEN_SOURCE 700
#include "tests/tensor/scratch.h"

#include <math.h>

#include "nn/nn.h"
#include "tests/check.h"

enum { BIG = 20000 };

typedef struct {
    tap_module *root;
    tap_param  *w, *small;
    tap_buffer *mean, *count;
} model;

static model model_new(tap_dtype dtype)
{
    model       m = { .root = tap_module_new(dtype, 3) };
    tap_module *layer = tap_module_child(m.root, "layer");
    m.w = tap_param_new(layer, "weight", TAP_SHAPE(BIG), tap_init_normal(1));
    m.small = tap_param_new(m.root, "small", TAP_SCALAR, tap_init_constant(2));
    m.mean = tap_buffer_new(layer, "mean", dtype, TAP_SHAPE(2), 1);
    m.count = tap_buffer_new(layer, "count", TAP_I64, TAP_SCALAR, 3);
    return m;
}

static void set(model *m, double w, double mean, double count)
{
    tap_tensor_fill(tap_param_value(m->w), w);
    tap_tensor_fill(tap_buffer_value(m->mean), mean);
    tap_tensor_fill(tap_buffer_value(m->count), count);
}

static void assert_average(const tap_module *average, double w, double mean, double count)
{
    const tap_param *p = tap_module_param(average, "module.layer.weight");
    assert_near(param_item(p, 0), w, 1e-6);
    assert_near(param_item(p, BIG - 1), w, 1e-6);
    assert_near(tap_tensor_item(tap_buffer_value(tap_module_buffer(average, "module.layer.mean")), 1), mean, 1e-6);
    assert_near(tap_tensor_item(tap_buffer_value(tap_module_buffer(average, "module.layer.count")), 0), count, 0);
}

static void test_equal_average(void **state)
{
    (void)state;
    for (int dtype = TAP_F32; dtype <= TAP_F64; dtype++) {
        model                     m = model_new((tap_dtype)dtype);
        tap_module               *a = tap_averaged_model_new(m.root);
        const tap_average_options equal = { 0 };
        set(&m, 6, 5, 4);
        assert_int_equal(tap_averaged_model_update(a, m.root, equal), TAP_OK);
        assert_average(a, 6, 5, 4);
        set(&m, 2, 7, 8);
        tap_averaged_model_update(a, m.root, equal);
        assert_average(a, 4, 7, 8);
        set(&m, 1, 9, 9);
        tap_averaged_model_update(a, m.root, equal);
        assert_average(a, 3, 9, 9);
        assert_near(tap_tensor_item(tap_buffer_value(tap_module_buffer(a, "n_averaged")), 0), 3, 0);
        assert_near(param_item(m.small, 0), 2, 0);
        tap_module_free(a);
        tap_module_free(m.root);
    }
}

static void test_moving_average(void **state)
{
    (void)state;
    model                     m = model_new(TAP_F64);
    tap_module               *a = tap_averaged_model_new(m.root);
    const tap_average_options ema = { .decay = 0.75, .use_buffers = true };
    set(&m, 8, 4, 10);
    tap_averaged_model_update(a, m.root, ema);
    assert_average(a, 8, 4, 10);
    set(&m, 0, 8, 21);
    tap_averaged_model_update(a, m.root, ema);
    assert_average(a, 6, 5, 12); /* 12.75 */
    tap_averaged_model_update(a, m.root, (tap_average_options){ .decay = TAP_ZERO });
    assert_average(a, 0, 8, 21);
    set(&m, 1, 2, 3);
    tap_averaged_model_update(a, m.root, (tap_average_options){ .decay = 1, .use_buffers = true });
    assert_average(a, 0, 8, 21);
    tap_module_free(a);
    tap_module_free(m.root);
}

/* Layers of the model compute with the average on a tape. */
static void test_forward_with_the_average(void **state)
{
    (void)state;
    model       m = model_new(TAP_F64);
    tap_module *a = tap_averaged_model_new(m.root);
    tap_tape   *t = tap_tape_new(TAP_F64, 0);
    tap_averaged_model_update(a, m.root, (tap_average_options){ 0 });
    tap_tensor_fill(tap_param_value(m.small), 6);
    tap_averaged_model_update(a, m.root, (tap_average_options){ 0 });
    tap_module_replace(t, m.root, tap_averaged_model_module(a));
    assert_near(tap_item(tap_param_var(t, m.small)), 4, 0);
    tap_tape_reset(t);
    assert_near(tap_item(tap_param_var(t, m.small)), 6, 0);
    assert_tape_ok(t);
    tap_tape_free(t);
    tap_module_free(a);
    tap_module_free(m.root);
}

/* A backward pass through an average that has changed since the forward pass is refused. */
static void test_an_update_is_a_change(void **state)
{
    (void)state;
    model       m = model_new(TAP_F64);
    tap_module *a = tap_averaged_model_new(m.root);
    tap_tape   *t = tap_tape_new(TAP_F64, 0);
    tap_averaged_model_update(a, m.root, (tap_average_options){ 0 });
    tap_var y = tap_square(tap_param_var(t, tap_module_param(a, "module.small")));
    tap_averaged_model_update(a, m.root, (tap_average_options){ 0 });
    assert_int_equal(tap_backward(y), TAP_ESTALE);
    assert_non_null(tap_tape_message(t));
    tap_tape_free(t);
    tap_module_free(a);
    tap_module_free(m.root);
}

static void test_other_modules_are_refused(void **state)
{
    (void)state;
    model       m = model_new(TAP_F64), other = model_new(TAP_F64);
    tap_module *a = tap_averaged_model_new(m.root);
    tap_buffer_new(other.root, "more", TAP_F64, TAP_SCALAR, 0);
    assert_int_equal(tap_averaged_model_update(a, other.root, (tap_average_options){ 0 }), TAP_EARG);
    assert_string_equal(tap_module_message(a),
                        "averaged_model_update: the average must be of this module; it has nothing in place of more");
    tap_module_clear_error(a);
    tap_averaged_model_update(a, m.root, (tap_average_options){ .decay = 1.5 });
    assert_string_equal(tap_module_message(a), "averaged_model_update: decay must be within 0..1, not 1.5");
    tap_module_clear_error(a);
    assert_int_equal(tap_averaged_model_update(a, m.root, (tap_average_options){ 0 }), TAP_OK);
    tap_module_free(a);
    tap_module_free(other.root);
    tap_module_free(m.root);
}

static void test_checkpoints_hold_averages(void **state)
{
    (void)state;
    for (int part = 0; part < 2; part++) {
        tap_error       e = { 0 };
        model           m = model_new(TAP_F64);
        tap_module     *a = tap_averaged_model_new(m.root);
        tap_checkpoint *c = tap_checkpoint_new("run");
        tap_checkpoint_module(c, "net", m.root);
        tap_checkpoint_module(c, "average", a);
        assert_true(tap_checkpoint_resume(c, &e) == (part > 0));
        set(&m, part == 0 ? 8 : 4, 1, 1);
        tap_averaged_model_update(a, m.root, (tap_average_options){ 0 });
        assert_average(a, part == 0 ? 8 : 6, 1, 1);
        assert_int_equal(tap_checkpoint_save(c, &e), TAP_OK);
        tap_checkpoint_free(c);
        tap_module_free(a);
        tap_module_free(m.root);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_average),
        cmocka_unit_test(test_moving_average),
        cmocka_unit_test(test_forward_with_the_average),
        cmocka_unit_test(test_an_update_is_a_change),
        cmocka_unit_test(test_other_modules_are_refused),
        cmocka_unit_test_setup_teardown(test_checkpoints_hold_averages, scratch_enter, scratch_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
