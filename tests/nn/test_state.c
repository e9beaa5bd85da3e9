/* tests/nn/test_state.c: the state of modules beyond parameters: buffers, training and evaluation, clones, forward passes with
 * other parameters, loading of parts, and one module in several threads. */
#define _XOPEN_SOURCE 700
#include <pthread.h>

#include "tests/tensor/scratch.h"

enum { IN = 3, OUT = 2, BATCH = 5 };

static const char file[] = "model.safetensors";

/* Two linear layers, and running statistics between them. */
typedef struct {
    tap_module *root, *bn;
    tap_linear  first, second;
    tap_buffer *mean, *var, *batches;
} net;

static net net_new(tap_dtype dtype, uint64_t seed)
{
    net n = { .root = tap_module_new(dtype, seed) };
    tap_linear_init(&n.first, tap_module_child(n.root, "back"), "l", IN, OUT);
    n.bn = tap_module_child(n.root, "bn");
    n.mean = tap_buffer_new(n.bn, "running_mean", dtype, TAP_SHAPE(OUT), 0);
    n.var = tap_buffer_new(n.bn, "running_var", dtype, TAP_SHAPE(OUT), 1);
    n.batches = tap_buffer_new(n.bn, "num_batches_tracked", TAP_I64, TAP_SCALAR, 0);
    tap_linear_init(&n.second, n.root, "head", OUT, 1);
    assert_int_equal(tap_module_status(n.root, NULL), TAP_OK);
    return n;
}

static tap_var net_forward(const net *n, tap_var x)
{
    const tap_tensor mean = tap_buffer_value_on(x.tape, n->mean), var = tap_buffer_value_on(x.tape, n->var);
    const bool       training = tap_module_training_on(x.tape, n->bn);
    const tap_var    none = { 0 };
    tap_var          h = tap_batch_norm(tap_linear_forward(&n->first, x), &mean, &var, none, none, training, 0.1, 1e-5);
    return tap_linear_forward(&n->second, h);
}

static const double data[BATCH * IN] = { 1, 2, -1, 0.5, 3, 2, -2, 0, 1, 4, -1, 0.25, 2, 2, -3 };

static tap_tensor data_tensor(void)
{
    return tap_tensor_wrap(TAP_F64, TAP_SHAPE(BATCH, IN), (void *)(uintptr_t)data);
}

static double result(const net *n, tap_tape *t)
{
    return tap_item(tap_sum(net_forward(n, tap_input(t, data_tensor())), TAP_ALL));
}

/* The result with the state of `other` in place of the net's own. */
static double result_with(const net *n, tap_module *other)
{
    tap_tape *t = tap_tape_new(TAP_F64, 0);
    tap_module_replace(t, n->root, other);
    const double y = result(n, t);
    assert_tape_ok(t);
    tap_tape_free(t);
    return y;
}

static void test_buffers_are_state_but_not_parameters(void **state)
{
    (void)state;
    net n = net_new(TAP_F64, 1);
    assert_int_equal(tap_module_numel(n.root), IN * OUT + OUT + OUT + 1);
    assert_string_equal(tap_buffer_path(n.batches), "bn.num_batches_tracked");
    assert_ptr_equal(tap_module_buffer(n.root, "bn.running_var"), n.var);
    assert_null(tap_module_buffer(n.root, "back.l.weight"));
    assert_null(tap_module_param(n.root, "bn.running_var"));
    assert_ptr_equal(tap_module_next_buffer(n.bn, NULL), n.mean);
    assert_null(tap_module_next_buffer(tap_module_child(n.root, "empty"), NULL));
    assert_near(tap_tensor_item(tap_buffer_value(n.var), 1), 1, 0);
    tap_param_new(n.bn, "running_mean", TAP_SCALAR, tap_init_zeros());
    assert_string_equal(tap_module_message(n.root), "bn.running_mean: the name is in use already");
    tap_module_free(n.root);
}

/* A gradient check of a float32 module runs in float64, and leaves running statistics alone. */
static tap_var checked(tap_tape *t, void *ctx)
{
    return tap_sum(tap_square(net_forward(ctx, tap_input(t, data_tensor()))), TAP_ALL);
}

static void test_gradient_checks_leave_buffers_alone(void **state)
{
    (void)state;
    net n = net_new(TAP_F32, 1);
    for (int training = 1; training >= 0; training--) {
        if (!training) tap_module_eval(n.root);
        const tap_gradcheck_result r = tap_module_gradcheck(n.root, checked, &n, (tap_gradcheck_options){ .order = 2 });
        if (!r.ok) fail_msg("%s", r.message);
        assert_near(tap_tensor_item(tap_buffer_value(n.mean), 0), 0, 0);
    }
    tap_module_free(n.root);
}

static void test_modes_reach_all_below(void **state)
{
    (void)state;
    net         n = net_new(TAP_F64, 1);
    tap_module *block = tap_module_child(n.root, "block"), *inner = tap_module_child(block, "inner");
    assert_true(tap_module_training(n.root) && tap_module_training(inner));
    tap_module_eval(block);
    assert_false(tap_module_training(block) || tap_module_training(inner));
    assert_true(tap_module_training(n.root) && tap_module_training(n.bn));
    assert_false(tap_module_training(tap_module_child(inner, "late")));
    tap_module_eval(n.root);
    assert_false(tap_module_training(n.bn));
    tap_module_train(n.root);
    assert_true(tap_module_training(inner));
    tap_module_free(n.root);
}

static void test_clones_are_independent(void **state)
{
    (void)state;
    net n = net_new(TAP_F64, 1);
    tap_module_eval(n.bn);
    tap_param_set_requires_grad(n.second.bias, false);
    tap_tensor_fill(tap_buffer_value(n.mean), 0.5);
    tap_module  *copy = tap_module_clone(n.root, TAP_F64);
    const double before = result_with(&n, n.root);
    assert_int_equal(tap_module_numel(copy), tap_module_numel(n.root));
    assert_near(tap_tensor_item(tap_buffer_value(tap_module_buffer(copy, "bn.running_mean")), 1), 0.5, 0);
    assert_false(tap_param_requires_grad(tap_module_param(copy, "head.bias")));
    assert_near(result_with(&n, copy), before, 0);

    tap_tensor_fill(tap_param_value(n.first.weight), 3);
    tap_tensor_fill(tap_buffer_value(n.mean), 0);
    assert_true(result_with(&n, n.root) != before);
    assert_near(result_with(&n, copy), before, 0);
    tap_module_train(n.root); /* the clone's mode counts, not that of the module that it stands for */
    assert_near(result_with(&n, copy), before, 0);

    tap_module *part = tap_module_clone(n.bn, TAP_F64);
    assert_non_null(tap_module_buffer(part, "running_mean"));
    tap_module_free(part);
    tap_module_free(copy);
    tap_module_free(n.root);
}

/* A clone in float64 of a float32 module computes in float64. */
static void test_clones_convert(void **state)
{
    (void)state;
    net         n = net_new(TAP_F32, 1);
    tap_module *wide = tap_module_clone(n.root, TAP_F64);
    assert_int_equal(tap_buffer_value(tap_module_buffer(wide, "bn.running_var")).dtype, TAP_F64);
    assert_int_equal(tap_buffer_value(tap_module_buffer(wide, "bn.num_batches_tracked")).dtype, TAP_I64);
    tap_module_eval(n.root);
    tap_module_eval(wide);
    tap_tape *t = tap_tape_new(TAP_F32, 0);
    tap_var   y = net_forward(&n, tap_cast(tap_input(t, data_tensor()), TAP_F32));
    assert_near(result_with(&n, wide), tap_item(tap_sum(y, TAP_ALL)), 1e-5);
    tap_tape_free(t);
    tap_module_free(wide);
    tap_module_free(n.root);
}

/* Gradients reach the clone that stands for the module, and its optimizer changes the clone alone. */
static void test_clones_train(void **state)
{
    (void)state;
    net          n = net_new(TAP_F64, 1);
    tap_module  *copy = tap_module_clone(n.root, TAP_F64);
    tap_optim   *sgd = tap_sgd_new(copy, (tap_sgd_options){ .lr = 0.1 });
    tap_tape    *t = tap_tape_new(TAP_F64, 0);
    const double original = param_item(n.first.weight, 0),
                 *mean = tap_buffer_value(tap_module_buffer(copy, "bn.running_mean")).data;
    for (int step = 0; step < 2; step++) {
        tap_tape_reset(t);
        tap_module_replace(t, n.root, copy);
        tap_backward(tap_sum(tap_square(net_forward(&n, tap_input(t, data_tensor()))), TAP_ALL));
        assert_int_equal(tap_optim_step(sgd, t), TAP_OK);
    }
    assert_near(param_item(n.first.weight, 0), original, 0);
    assert_near(tap_tensor_item(tap_buffer_value(n.mean), 0), 0, 0);
    assert_true(param_item(tap_module_param(copy, "back.l.weight"), 0) != original);
    assert_true(mean[0] != 0);
    tap_tape_reset(t); /* the replacement ends with the reset */
    assert_ptr_equal(tap_value(tap_param_var(t, n.first.weight)).data, tap_param_value(n.first.weight).data);
    tap_tape_free(t);
    tap_module_free(copy);
    tap_module_free(n.root);
}

static void test_modules_that_do_not_match_are_not_replaced(void **state)
{
    (void)state;
    net         n = net_new(TAP_F64, 1);
    tap_module *other = tap_module_new(TAP_F64, 0);
    tap_linear  l;
    tap_tape   *t = tap_tape_new(TAP_F64, 0);
    tap_linear_init(&l, tap_module_child(other, "back"), "l", IN + 1, OUT);
    tap_module_replace(t, n.root, other);
    assert_tape_error(t, TAP_ESHAPE, "module_replace: back.l.weight is [2,3], but back.l.weight of the other module [2,4]");
    tap_tape_clear_error(t);
    tap_module_replace(t, n.root, n.bn);
    assert_tape_error(t, TAP_EARG, "module_replace: the other module has no back.l.weight");
    tap_tape_free(t);
    tap_module_free(other);
    tap_module_free(n.root);
}

/* One inner step of MAML: the second derivative flows through the weights that the inner step has computed. With the loss
 * w^2 x^2 / 2 and w' = w - lr w x^2, d/dw (w'^2 x^2 / 2) = w' x^2 (1 - lr x^2). */
static void test_computed_weights_stand_for_parameters(void **state)
{
    (void)state;
    const double x = 1.5, lr = 0.1;
    tap_module  *root = tap_module_new(TAP_F64, 0);
    tap_param   *p = tap_param_new(root, "w", TAP_SCALAR, tap_init_constant(2));
    tap_tape    *t = tap_tape_new(TAP_F64, 0);
    tap_var      w = tap_param_var(t, p), g;
    tap_grad(tap_mul_scalar(tap_square(w), x * x / 2), 1, &w, &g);
    tap_param_replace(t, p, tap_sub(w, tap_mul_scalar(g, lr)));
    tap_var fast = tap_param_var(t, p);
    assert_near(tap_item(fast), 2 - lr * 2 * x * x, 1e-15);
    assert_int_equal(tap_backward(tap_mul_scalar(tap_square(fast), x * x / 2)), TAP_OK);
    assert_near(tap_tensor_item(tap_param_grad(p), 0), (2 - lr * 2 * x * x) * x * x * (1 - lr * x * x), 1e-14);
    tap_param_replace(t, p, (tap_var){ 0 });
    assert_near(tap_item(tap_param_var(t, p)), 2, 0);
    tap_param_replace(t, p, tap_zeros(t, TAP_SHAPE(2)));
    assert_tape_error(t, TAP_ESHAPE, "param_replace: w: the var must have shape [], not [2]");
    tap_tape_free(t);
    tap_module_free(root);
}

/* ---- Loading parts ---- */

static bool holds(int n, const char *const *names, const char *name)
{
    for (int i = 0; i < n; i++) {
        if (!strcmp(names[i], name)) return true;
    }
    return false;
}

static void test_buffers_are_saved_and_loaded(void **state)
{
    (void)state;
    tap_error e = { 0 };
    net       n = net_new(TAP_F64, 1), m = net_new(TAP_F32, 2);
    tap_tensor_fill(tap_buffer_value(n.var), 0.25);
    tap_tensor_fill(tap_buffer_value(n.batches), 7);
    assert_int_equal(tap_module_save(n.root, file, 0, NULL, &e), TAP_OK);
    assert_int_equal(tap_module_load(m.root, file, &e), TAP_OK);
    assert_near(tap_tensor_item(tap_buffer_value(m.var), 1), 0.25, 0);
    assert_near(tap_tensor_item(tap_buffer_value(m.batches), 0), 7, 0);
    tap_module_free(n.root);
    tap_module_free(m.root);
}

static void test_partial_loading_says_what_it_left_out(void **state)
{
    (void)state;
    tap_error       e = { 0 };
    tap_arena      *a = tap_arena_new();
    net             n = net_new(TAP_F64, 1), m = net_new(TAP_F64, 2);
    tap_load_result r;
    tap_param_new(n.root, "extra", TAP_SCALAR, tap_init_zeros());
    tap_param_new(m.root, "own", TAP_SCALAR, tap_init_constant(4));
    assert_int_equal(tap_module_save(n.root, file, 0, NULL, &e), TAP_OK);
    assert_int_equal(tap_module_load(m.root, file, &e), TAP_EIO);
    assert_int_equal(tap_module_load_with(m.root, file, (tap_load_options){ .partial = true }, a, &r, NULL), TAP_OK);
    assert_true(r.n_missing == 1 && holds(r.n_missing, r.missing, "own"));
    assert_true(r.n_unexpected == 1 && holds(r.n_unexpected, r.unexpected, "extra"));
    assert_near(param_item(m.first.weight, 3), param_item(n.first.weight, 3), 0);
    assert_near(param_item(tap_module_param(m.root, "own"), 0), 4, 0);

    tap_error   shape = { 0 }; /* what both have must fit, also in partial loading */
    tap_module *wide = tap_module_new(TAP_F64, 0);
    tap_linear  l;
    tap_linear_init(&l, wide, "head", OUT + 1, 1);
    assert_int_equal(tap_module_load_with(wide, file, (tap_load_options){ .partial = true }, a, &r, &shape), TAP_EIO);
    assert_non_null(strstr(shape.message, "different head.weight (float64 [1,2], not float64 [1,3])"));
    tap_module_free(wide);
    tap_module_free(n.root);
    tap_module_free(m.root);
    tap_arena_free(a);
}

/* The file's "back." goes into the module "trunk", whose other parameters are not asked for. */
static void test_part_of_a_file_goes_into_part_of_a_tree(void **state)
{
    (void)state;
    const tap_load_options back = { .prefix = "back." };
    tap_error              e = { 0 };
    net                    n = net_new(TAP_F64, 1);
    tap_module            *root = tap_module_new(TAP_F64, 5), *trunk = tap_module_child(root, "trunk");
    tap_linear             body, head;
    tap_linear_init(&body, trunk, "l", IN, OUT);
    tap_linear_init(&head, root, "head", OUT, 1);
    assert_int_equal(tap_module_save(n.root, file, 0, NULL, &e), TAP_OK);
    assert_int_equal(tap_module_load_with(trunk, file, back, NULL, NULL, &e), TAP_OK);
    assert_near(param_item(body.weight, 2), param_item(n.first.weight, 2), 0);
    assert_true(param_item(head.weight, 0) != param_item(n.second.weight, 0));
    assert_int_equal(tap_module_load_with(root, file, back, NULL, NULL, &e), TAP_EIO);
    assert_non_null(strstr(e.message, "missing back.trunk.l.weight"));

    e = (tap_error){ 0 }; /* a child's own paths are its part of the root's file */
    assert_int_equal(tap_module_save(trunk, file, 0, NULL, &e), TAP_OK);
    tap_tensor_fill(tap_param_value(body.weight), 0);
    assert_int_equal(tap_module_load(trunk, file, &e), TAP_OK);
    assert_near(param_item(body.weight, 2), param_item(n.first.weight, 2), 0);
    tap_module_free(root);
    tap_module_free(n.root);
}

/* ---- Threads ---- */

typedef struct {
    const net *n;
    double     y;
} job;

static void *evaluate(void *argument)
{
    job      *j = argument;
    tap_tape *t = tap_tape_new(TAP_F64, 0);
    tap_tape_set_recording(t, false);
    for (int i = 0; i < 50; i++) {
        tap_tape_reset(t);
        j->y = result(j->n, t);
    }
    tap_tape_free(t);
    return NULL;
}

/* Also right after a backward pass whose gradients nobody owns, which the next forward pass that records drops. */
static void test_threads_share_a_module_for_inference(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    net n = net_new(TAP_F64, 1);
    tap_module_eval(n.root);
    const double expected = result_with(&n, n.root);
    pthread_t    thread[THREADS];
    job          jobs[THREADS];
    for (int i = 0; i < THREADS; i++) {
        jobs[i] = (job){ &n, 0 };
        assert_int_equal(pthread_create(&thread[i], NULL, evaluate, &jobs[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
        assert_near(jobs[i].y, expected, 0);
    }
    tap_module_free(n.root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buffers_are_state_but_not_parameters),
        cmocka_unit_test(test_gradient_checks_leave_buffers_alone),
        cmocka_unit_test(test_modes_reach_all_below),
        cmocka_unit_test(test_clones_are_independent),
        cmocka_unit_test(test_clones_convert),
        cmocka_unit_test(test_clones_train),
        cmocka_unit_test(test_modules_that_do_not_match_are_not_replaced),
        cmocka_unit_test(test_computed_weights_stand_for_parameters),
        cmocka_unit_test(test_buffers_are_saved_and_loaded),
        cmocka_unit_test(test_partial_loading_says_what_it_left_out),
        cmocka_unit_test(test_part_of_a_file_goes_into_part_of_a_tree),
        cmocka_unit_test(test_threads_share_a_module_for_inference),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
