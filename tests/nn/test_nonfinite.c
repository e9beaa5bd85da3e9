/* tests/nn/test_nonfinite.c: tracing of NaN and infinity in a model: messages name the paths of parameters. */
#include <math.h>
#include <string.h>

#include "nn/nn.h"
#include "tests/check.h"

static float data[2][3] = { { 1, 2, 3 }, { -1, 0, 1 } };

typedef struct {
    tap_module *root;
    tap_mlp     enc;
    tap_tape   *t;
} model;

static model model_new(void)
{
    model m = { .root = tap_module_new(TAP_F32, 0), .t = tap_tape_new(TAP_F32, 0) };
    tap_mlp_init(&m.enc, m.root, "enc", 3, (int64_t[]){ 3, 4, 2 }, tap_relu);
    tap_tape_trace_nonfinite(m.t, true);
    return m;
}

static tap_var forward(const model *m)
{
    return tap_mlp_forward(&m->enc, tap_input(m->t, tap_tensor_wrap(TAP_F32, TAP_SHAPE(2, 3), data)));
}

static void assert_finds_and_frees(model *m, const char *begin, const char *end)
{
    const char *message;
    assert_int_equal(tap_tape_status(m->t, &message), TAP_ENONFINITE);
    size_t n = strlen(message), k = strlen(end);
    if (strncmp(message, begin, strlen(begin)) != 0 || n < k || strcmp(message + n - k, end) != 0) fail_msg("%s", message);
    tap_tape_free(m->t);
    tap_module_free(m->root);
}

static void test_a_finite_model_passes(void **state)
{
    (void)state;
    model m = model_new();
    for (int step = 0; step < 3; step++) {
        tap_tape_reset(m.t);
        tap_dist q = tap_normal(forward(&m), tap_scalar(m.t, -1));
        assert_int_equal(tap_backward(tap_mean(tap_square(tap_sample(q)), TAP_ALL)), TAP_OK);
    }
    tap_tape_free(m.t);
    tap_module_free(m.root);
}

static void test_forward(void **state)
{
    (void)state;
    model m = model_new();
    tap_tensor_fill(tap_param_value(m.enc.layers[0].weight), 3e38);
    forward(&m);
    assert_finds_and_frees(&m, "affine: [2,3] x [4,3] x [4] (enc.0.weight, enc.0.bias): gives inf at [0,0]", "");

    m = model_new();
    tap_tensor_fill(tap_param_value(m.enc.layers[1].bias), -200);
    tap_log(forward(&m));
    assert_finds_and_frees(&m, "log: [2,2]: gives -inf at [0,0], downstream of enc.1.weight", "");
}

static void test_parameters(void **state)
{
    (void)state;
    model m = model_new();
    tap_tensor_set_item(tap_param_value(m.enc.layers[1].weight), 5, (double)NAN);
    forward(&m);
    assert_finds_and_frees(&m, "leaf: [2,4] (enc.1.weight): holds nan at [1,1]", "");
}

static void test_backward(void **state)
{
    (void)state;
    model m = model_new();
    tap_tensor_fill(tap_param_value(m.enc.layers[1].weight), 0);
    tap_tensor_fill(tap_param_value(m.enc.layers[1].bias), 0);
    assert_int_equal(tap_backward(tap_sum(tap_sqrt(forward(&m)), TAP_ALL)), TAP_ENONFINITE);
    for (tap_param *p = tap_module_next(m.root, NULL); p; p = tap_module_next(m.root, p)) {
        tap_tensor g = tap_param_grad(p);
        for (int64_t i = 0; i < tap_tensor_numel(g); i++) assert_true(tap_tensor_item(g, i) == 0);
    }
    assert_finds_and_frees(&m, "backward of sqrt: [2,2]: ", "gives inf at [0,0], downstream of enc.1.weight");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_finite_model_passes),
        cmocka_unit_test(test_forward),
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_backward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
