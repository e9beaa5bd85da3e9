/* tests/nn/test_module.c: the tree of modules: names, paths, sticky errors, parameters as vars and their gradients; and
 * layers. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "nn/nn.h"
#include "tests/check.h"

/* A shape too large for memory is an error of the library, but the address sanitizer would abort. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void assert_module_error(const tap_module *m, tap_status status, const char *expected)
{
    const char *message;
    assert_int_equal(tap_module_status(m, &message), status);
    assert_string_equal(message, expected);
}

static void test_tree(void **state)
{
    (void)state;
    tap_module *root = tap_module_new(TAP_F64, 7), *enc = tap_module_child(root, "enc"), *deep = tap_module_child(enc, "0");
    tap_param  *w = tap_param_new(deep, "weight", TAP_SHAPE(3, 2), tap_init_constant(2));
    tap_param  *s = tap_param_new(root, "log_sigma", TAP_SCALAR, tap_init_zeros());
    tap_param  *b = tap_param_new(deep, "bias", TAP_SHAPE(3), tap_init_zeros());
    tap_param  *none = tap_param_new(enc, "none", TAP_SHAPE(0, 5), tap_init_normal(1));

    assert_int_equal(tap_module_status(root, NULL), TAP_OK);
    assert_module_error(deep, TAP_OK, "");
    assert_int_equal(tap_module_dtype(deep), TAP_F64);
    assert_string_equal(tap_param_path(w), "enc.0.weight");
    assert_string_equal(tap_param_path(s), "log_sigma");
    assert_int_equal(tap_module_numel(root), 10);
    assert_int_equal(tap_module_numel(enc), 9);

    assert_ptr_equal(tap_module_next(root, NULL), w);
    assert_ptr_equal(tap_module_next(root, w), s);
    assert_ptr_equal(tap_module_next(root, s), b);
    assert_ptr_equal(tap_module_next(root, b), none);
    assert_null(tap_module_next(root, none));
    assert_ptr_equal(tap_module_next(deep, NULL), w);
    assert_ptr_equal(tap_module_next(deep, w), b);
    assert_null(tap_module_next(deep, b));

    assert_ptr_equal(tap_module_param(root, "enc.0.bias"), b);
    assert_ptr_equal(tap_module_param(enc, "enc.0.bias"), b);
    assert_null(tap_module_param(enc, "log_sigma"));
    assert_null(tap_module_param(root, "enc.0"));
    assert_null(tap_module_param(root, NULL));

    tap_tensor v = tap_param_value(w);
    assert_int_equal(v.dtype, TAP_F64);
    assert_true(tap_shape_equal(v.shape, TAP_SHAPE(3, 2)));
    assert_int_equal((uintptr_t)v.data % 64, 0);
    for (int i = 0; i < 6; i++) assert_true(tap_tensor_item(v, i) == 2);
    tap_module_free(enc); /* only a root is freed */
    assert_string_equal(tap_param_path(w), "enc.0.weight");
    tap_module_free(root);
    tap_module_free(NULL);
}

static void test_bad_names(void **state)
{
    (void)state;
    const char *bad[] = { "", "a.b", "a\"b", "a\\b", "a b", "a\n", "\xc3\xa9", "__metadata__" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char        expected[200];
        tap_module *root = tap_module_new(TAP_F32, 0), *m = tap_module_child(root, "m");
        snprintf(expected, sizeof expected, "m: a name must be printable ASCII without space, dot, \" and \\, not '%s'",
                 bad[i]);
        char *end_of_line = strchr(expected, '\n');
        if (end_of_line) *end_of_line = '?';
        if (i % 2) assert_non_null(tap_module_child(m, bad[i]));
        else assert_non_null(tap_param_new(m, bad[i], TAP_SCALAR, tap_init_zeros()));
        assert_module_error(root, TAP_EARG, expected);
        assert_int_equal(tap_module_numel(root), 0);
        tap_module_free(root);
    }
    tap_module *root = tap_module_new(TAP_F32, 0);
    tap_module_child(root, NULL);
    assert_module_error(root, TAP_EARG, "a name must be printable ASCII without space, dot, \" and \\, not ''");
    tap_module_free(root);
}

static void test_taken_names(void **state)
{
    (void)state;
    for (int k = 0; k < 4; k++) {
        tap_module *root = tap_module_new(TAP_F32, 0), *enc = tap_module_child(root, "enc");
        tap_param_new(root, "x", TAP_SCALAR, tap_init_zeros()); /* elsewhere, so not in the way */
        if (k < 2) tap_module_child(enc, "x");
        else tap_param_new(enc, "x", TAP_SCALAR, tap_init_zeros());
        assert_int_equal(tap_module_status(root, NULL), TAP_OK);
        if (k % 2) tap_module_child(enc, "x");
        else tap_param_new(enc, "x", TAP_SCALAR, tap_init_zeros());
        assert_module_error(root, TAP_EARG, "enc.x: the name is in use already");
        tap_module_free(root);
    }
}

static void test_failed_root(void **state)
{
    (void)state;
    tap_module *root = tap_module_new(TAP_F64, 0);
    tap_param  *good = tap_param_new(root, "good", TAP_SHAPE(2), tap_init_constant(1));
    assert_int_equal(tap_module_fail(tap_module_child(root, "mine"), TAP_EARG, "%d is too much", 3), TAP_EARG);
    assert_module_error(root, TAP_EARG, "mine: 3 is too much");

    tap_module_fail(root, TAP_EIO, "another");
    tap_module *child = tap_module_child(root, "x");
    tap_param  *p = tap_param_new(child, "p", TAP_SHAPE(-1), tap_init_zeros());
    tap_optim  *o = tap_adam_new(root, (tap_adam_options){ 0 });
    assert_module_error(child, TAP_EARG, "mine: 3 is too much");
    assert_string_equal(tap_param_path(p), "");
    assert_true(isnan(*(double *)tap_param_value(p).data));
    assert_true(isnan(*(double *)tap_param_grad(p).data));
    assert_null(tap_module_next(child, good));
    tap_optim_set_lr(o, 1);

    tap_linear l;
    tap_mlp    mlp;
    tap_linear_init(&l, child, "l", 2, 2);
    tap_mlp_init(&mlp, child, "mlp", 2, (int64_t[]){ 2, 2 }, tap_relu);
    for (int k = 0; k < 4; k++) {
        tap_tape *t = tap_tape_new(TAP_F64, 0);
        tap_var   x = tap_zeros(t, TAP_SHAPE(1, 2));
        if (k == 0) tap_param_var(t, good);
        if (k == 1) tap_param_var(t, p);
        if (k == 2) tap_linear_forward(&l, x);
        if (k == 3) tap_mlp_forward(&mlp, x);
        assert_tape_error(t, TAP_EARG, "mine: 3 is too much");
        tap_tape_free(t);
    }
    tap_tape *t = tap_tape_new(TAP_F64, 0);
    assert_int_equal(tap_optim_step(o, t), TAP_EARG);
    tap_tape_free(t);
    tap_module_free(root);
}

static void test_bad_parameters(void **state)
{
    (void)state;
    tap_module *root = tap_module_new(TAP_I64, 0);
    assert_module_error(root, TAP_EDTYPE, "module: parameters are float32 or float64, not int64");
    tap_module_free(root);

    root = tap_module_new(TAP_F32, 0);
    tap_param_new(root, "w", TAP_SHAPE(2, -1), tap_init_zeros());
    assert_module_error(root, TAP_ESHAPE, "w: tensor: invalid shape [2,-1]");
    tap_module_free(root);

    root = tap_module_new(TAP_F32, 0);
    tap_param_new(root, "w", TAP_SHAPE(INT64_MAX / 16), tap_init_zeros());
    assert_int_equal(tap_module_status(root, NULL), TAP_ENOMEM);
    tap_module_free(root);

    tap_tape *t = tap_tape_new(TAP_F32, 0);
    root = tap_module_new(TAP_F64, 0);
    tap_param_var(t, tap_param_new(root, "w", TAP_SHAPE(2), tap_init_zeros()));
    assert_tape_error(t, TAP_EDTYPE, "param_var: w is float64, but the tape is float32");
    tap_module_free(root);
    tap_tape_free(t);

    t = tap_tape_new(TAP_F32, 0);
    const tap_linear never = { NULL, NULL };
    tap_linear_forward(&never, tap_zeros(t, TAP_SHAPE(1, 2)));
    assert_tape_error(t, TAP_EARG, "linear_forward: [1,2]: the parameter is NULL; was the layer initialized?");
    tap_tape_free(t);

    t = tap_tape_new(TAP_F32, 0);
    const tap_mlp never_either = { 0 };
    tap_mlp_forward(&never_either, tap_zeros(t, TAP_SHAPE(1, 2)));
    assert_tape_error(t, TAP_EARG, "mlp_forward: [1,2]: the layer was never initialized");
    tap_tape_free(t);
    assert_null(tap_param_var(NULL, NULL).tape);
    assert_null(tap_linear_forward(&never, (tap_var){ 0 }).tape);
}

static void test_param_var(void **state)
{
    (void)state;
    tap_module *root = tap_module_new(TAP_F64, 0);
    tap_param  *p = tap_param_new(root, "p", TAP_SHAPE(2), tap_init_constant(3));
    tap_param  *q = tap_param_new(root, "q", TAP_SHAPE(2), tap_init_constant(4));
    tap_tape   *t = tap_tape_new(TAP_F64, 0), *u = tap_tape_new(TAP_F64, 0);

    tap_var a = tap_param_var(t, p);
    assert_int_equal(tap_param_var(t, p).id, a.id);
    assert_ptr_equal(tap_value(a).data, tap_param_value(p).data);
    assert_ptr_equal(tap_value(tap_param_var(u, p)).data, tap_param_value(p).data);
    assert_ptr_equal(tap_value(tap_param_var(t, p)).data, tap_param_value(p).data);
    tap_tape_reset(t);
    assert_ptr_equal(tap_value(tap_param_var(t, q)).data, tap_param_value(q).data); /* takes the place that p had */
    assert_ptr_equal(tap_value(tap_param_var(t, p)).data, tap_param_value(p).data);
    tap_tape_free(t);
    tap_tape_free(u);
    for (int k = 0; k < 4; k++) { /* tapes that may well come to lie where another one lay */
        t = tap_tape_new(TAP_F64, 0);
        tap_param *first = k % 2 ? p : q, *second = k % 2 ? q : p;
        assert_ptr_equal(tap_value(tap_param_var(t, first)).data, tap_param_value(first).data);
        assert_ptr_equal(tap_value(tap_param_var(t, second)).data, tap_param_value(second).data);
        tap_tape_free(t);
    }
    tap_module_free(root);
}

static void test_param_var_without_recording(void **state)
{
    (void)state;
    tap_module *root = tap_module_new(TAP_F64, 0);
    tap_param  *p = tap_param_new(root, "p", TAP_SHAPE(2), tap_init_constant(3));
    tap_tape   *t = tap_tape_new(TAP_F64, 0);
    tap_tape_set_recording(t, false);
    tap_var loss = tap_sum(tap_square(tap_param_var(t, p)), TAP_ALL);
    assert_true(tap_item(loss) == 18);
    tap_tape_set_recording(t, true);
    assert_int_equal(tap_backward(tap_sum(tap_square(tap_param_var(t, p)), TAP_ALL)), TAP_OK);
    assert_true(tap_tensor_item(tap_param_grad(p), 0) == 6);
    tap_tape_free(t);
    tap_module_free(root);
}

static tap_var squares(tap_tape *t, tap_param *p)
{
    return tap_sum(tap_square(tap_param_var(t, p)), TAP_ALL);
}

static void test_gradients_accumulate(void **state)
{
    (void)state;
    tap_module *root = tap_module_new(TAP_F64, 0), *child = tap_module_child(root, "c");
    tap_param  *p = tap_param_new(child, "p", TAP_SHAPE(3), tap_init_constant(5));
    tap_param  *q = tap_param_new(root, "q", TAP_SCALAR, tap_init_constant(5));
    tap_tape   *t = tap_tape_new(TAP_F64, 0);

    assert_true(tap_tensor_item(tap_param_grad(p), 2) == 0);
    for (int k = 1; k <= 2; k++) {
        tap_tape_reset(t);
        assert_int_equal(tap_backward(tap_add(squares(t, p), squares(t, q))), TAP_OK);
        for (int i = 0; i < 3; i++) assert_true(tap_tensor_item(tap_param_grad(p), i) == 10 * k);
    }
    assert_true(tap_tensor_item(tap_param_grad(q), 0) == 20);
    tap_module_zero_grad(child);
    assert_true(tap_tensor_item(tap_param_grad(p), 1) == 0);
    assert_true(tap_tensor_item(tap_param_grad(q), 0) == 20);

    tap_tensor_fill(tap_param_grad(p), 1); /* what the caller puts there counts */
    tap_tape_reset(t);
    tap_backward(squares(t, p));
    assert_true(tap_tensor_item(tap_param_grad(p), 0) == 11);

    tap_module_zero_grad(root);
    tap_tape_reset(t);
    tap_backward(squares(t, p));
    assert_true(tap_tensor_item(tap_param_grad(p), 0) == 10);
    assert_true(tap_tensor_item(tap_param_grad(q), 0) == 0);
    tap_tape_free(t);
    tap_module_free(root);
}

static void set(tap_param *p, const double *values)
{
    tap_tensor v = tap_param_value(p);
    for (int64_t i = 0; i < tap_tensor_numel(v); i++) tap_tensor_set_item(v, i, values[i]);
}

/* PyTorch's: weight and bias from U(+-1/sqrt(in)). */
static void test_linear_initial_values(void **state)
{
    (void)state;
    tap_module *root = tap_module_new(TAP_F64, 0);
    tap_linear  l;
    tap_linear_init(&l, root, "l", 4, 1000);
    for (tap_param *p = tap_module_next(root, NULL); p; p = tap_module_next(root, p)) {
        double max = 0;
        for (int i = 0; i < 1000; i++) max = fmax(max, fabs(tap_tensor_item(tap_param_value(p), i)));
        assert_true(max > 0.49 && max <= 0.5 * (1 + 1e-15));
    }
    tap_module_free(root);
}

static void test_linear(void **state)
{
    (void)state;
    tap_module *root = tap_module_new(TAP_F64, 0);
    tap_linear  l;
    tap_linear_init(&l, root, "l", 2, 3);
    assert_string_equal(tap_param_path(l.weight), "l.weight");
    assert_true(tap_shape_equal(tap_param_value(l.weight).shape, TAP_SHAPE(3, 2)));
    assert_true(tap_shape_equal(tap_param_value(l.bias).shape, TAP_SHAPE(3)));

    set(l.weight, (double[]){ 1, 2, 3, 4, 5, 6 });
    set(l.bias, (double[]){ 0.5, -1, 2 });
    tap_tape *t = tap_tape_new(TAP_F64, 0);
    double    x[] = { 1, -1, 2, 3 }, y[] = { -0.5, -2, 1, 8.5, 17, 30 };
    tap_var   out = tap_linear_forward(&l, tap_input(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(2, 1, 2), x)));
    assert_true(tap_shape_equal(tap_shape_of(out), TAP_SHAPE(2, 1, 3)));
    for (int i = 0; i < 6; i++) assert_true(tap_tensor_item(tap_value(out), i) == y[i]);
    tap_tape_free(t);

    tap_linear_init(&l, root, "bad", 0, 3);
    assert_module_error(root, TAP_EARG, "bad: linear: sizes must be at least 1, not 0 -> 3");
    tap_module_free(root);
}

static void test_mlp(void **state)
{
    (void)state;
    tap_module *root = tap_module_new(TAP_F64, 0);
    tap_mlp     l;
    tap_mlp_init(&l, root, "net", 3, (int64_t[]){ 1, 2, 1 }, tap_relu);
    assert_int_equal(l.n, 2);
    assert_string_equal(tap_param_path(l.layers[1].bias), "net.1.bias");
    set(l.layers[0].weight, (double[]){ 1, -1 });
    set(l.layers[0].bias, (double[]){ 0, 1 });
    set(l.layers[1].weight, (double[]){ 2, 3 });
    set(l.layers[1].bias, (double[]){ -4 });
    tap_tape *t = tap_tape_new(TAP_F64, 0);
    double    x[] = { 3, -1 };
    tap_var   y = tap_mlp_forward(&l, tap_input(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(2, 1), x)));
    assert_true(tap_tensor_item(tap_value(y), 0) == 2); /* relu(2 relu(3) + 3 relu(-2) - 4) */
    assert_true(tap_tensor_item(tap_value(y), 1) == 2); /* relu(2 relu(-1) + 3 relu(2) - 4) */
    tap_tape_free(t);

    tap_mlp_init(&l, root, "short", 1, (int64_t[]){ 1 }, tap_relu);
    assert_module_error(root, TAP_EARG, "short: mlp: there must be at least 2 sizes, in and out, not 1");
    tap_module_free(root);

    root = tap_module_new(TAP_F64, 0);
    tap_mlp_init(&l, root, "plain", 2, (int64_t[]){ 1, 1 }, NULL);
    assert_module_error(root, TAP_EARG,
                        "plain: mlp: the activation is NULL; there are relu, tanh, sigmoid, softplus, elu, silu, gelu, "
                        "leaky_relu, selu, mish, identity");
    tap_module_free(root);

    root = tap_module_new(TAP_F64, 0);
    tap_mlp_init(&l, root, "net", 3, (int64_t[]){ 1, -2, 1 }, tap_relu);
    assert_module_error(root, TAP_EARG, "net.0: linear: sizes must be at least 1, not 1 -> -2");
    tap_module_free(root);
}

static void test_activations(void **state)
{
    (void)state;
    assert_ptr_equal(tap_activation_find("relu"), tap_relu);
    assert_ptr_equal(tap_activation_find("silu"), tap_silu);
    assert_ptr_equal(tap_activation_find("identity"), tap_identity);
    assert_null(tap_activation_find("rectifier"));
    assert_null(tap_activation_find(""));
    assert_null(tap_activation_find(NULL));
    char names[200];
    int  n = 0;
    snprintf(names, sizeof names, "%s", tap_activation_names());
    for (char *name = strtok(names, ", "); name; name = strtok(NULL, ", "), n++) assert_non_null(tap_activation_find(name));
    assert_int_equal(n, 11);
}

/* elu and leaky_relu have a parameter; by name it has PyTorch's default. */
static void test_activations_with_defaults(void **state)
{
    (void)state;
    tap_tape *t = tap_tape_new(TAP_F64, 0);
    tap_var   x = tap_scalar(t, -2);
    assert_true(tap_item(tap_activation_find("elu")(x)) == tap_item(tap_elu(x, 1)));
    assert_true(tap_item(tap_activation_find("leaky_relu")(x)) == -0.02);
    tap_tape_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree),
        cmocka_unit_test(test_bad_names),
        cmocka_unit_test(test_taken_names),
        cmocka_unit_test(test_failed_root),
        cmocka_unit_test(test_bad_parameters),
        cmocka_unit_test(test_param_var),
        cmocka_unit_test(test_param_var_without_recording),
        cmocka_unit_test(test_gradients_accumulate),
        cmocka_unit_test(test_linear_initial_values),
        cmocka_unit_test(test_linear),
        cmocka_unit_test(test_mlp),
        cmocka_unit_test(test_activations),
        cmocka_unit_test(test_activations_with_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
