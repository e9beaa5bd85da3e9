/* tests/nn/test_freezing.c: frozen parameters get no gradient, their backward pass costs nothing, and other gradients do not
 * change. */
#include <string.h>

#include "autograd/internal.h"
#include "nn/internal.h"
#include "tests/check.h"

enum { BATCH = 16, WIDTH = 64 };

static int rules; /* that have run */

/* The identity, with a rule that counts its calls. */
static tap_status counted_infer(tap_call *c, tap_tensor *out)
{
    out->dtype = c->in[0].dtype;
    out->shape = c->in[0].shape;
    return TAP_OK;
}

static void counted_forward(tap_call *c, tap_tensor *out)
{
    tap_tensor_copy(*out, c->in[0], NULL);
}

static void counted_vjp(const tap_node *n, tap_var g, tap_var *gin)
{
    (void)n;
    rules++;
    gin[0] = g;
}

static const tap_op counted_op = { "counted", counted_infer, counted_forward, counted_vjp, 0 };

static tap_var counted(tap_var x)
{
    return tap_apply(&counted_op, NULL, 1, &x);
}

/* Two layers, each followed by a counter. */
typedef struct {
    tap_module *root, *back, *head;
    tap_linear  first, second;
    tap_tape   *t;
} net;

static net net_new(void)
{
    net n = { .root = tap_module_new(TAP_F32, 1), .t = tap_tape_new(TAP_F32, 2) };
    n.back = tap_module_child(n.root, "back");
    n.head = tap_module_child(n.root, "head");
    tap_linear_init(&n.first, n.back, "l", WIDTH, WIDTH);
    tap_linear_init(&n.second, n.head, "l", WIDTH, WIDTH);
    return n;
}

static void net_free(net *n)
{
    tap_tape_free(n->t);
    tap_module_free(n->root);
}

static tap_status train_step(net *n)
{
    tap_tape_reset(n->t);
    rules = 0;
    tap_var h = counted(tap_tanh(tap_linear_forward(&n->first, tap_randn(n->t, TAP_SHAPE(BATCH, WIDTH)))));
    return tap_backward(tap_mean(tap_square(counted(tap_linear_forward(&n->second, h))), TAP_ALL));
}

static void assert_same_tensor(tap_tensor a, tap_tensor b)
{
    assert_memory_equal(a.data, b.data, (size_t)tap_tensor_numel(a) * sizeof(float));
}

/* Only the rules after the frozen layer run, the other gradients have the same bits, and the backward pass adds no nodes for
 * the frozen layer. */
static void test_frozen_layers_run_no_rules(void **state)
{
    (void)state;
    net whole = net_new(), frozen = net_new();
    tap_module_set_requires_grad(frozen.back, false);
    assert_int_equal(train_step(&whole), TAP_OK);
    assert_int_equal(rules, 2);
    assert_int_equal(train_step(&frozen), TAP_OK);
    assert_int_equal(rules, 1);
    assert_same_tensor(tap_param_grad(whole.second.weight), tap_param_grad(frozen.second.weight));
    assert_same_tensor(tap_param_grad(whole.second.bias), tap_param_grad(frozen.second.bias));
    assert_true(frozen.first.weight->fresh && frozen.first.bias->fresh);
    assert_true(tap_tape_bytes(frozen.t) <= tap_tape_bytes(whole.t));
    for (uint32_t id = 1; id < frozen.t->n_nodes; id++) {
        const tap_node *n = tap__node(frozen.t, id);
        if (n->op == &counted_op) assert_true(n->n_in == 1 && n->in[0] > 0);
    }
    net_free(&whole);
    net_free(&frozen);
}

/* If all parameters are frozen, nothing is recorded. */
static void test_nothing_is_recorded_if_all_is_frozen(void **state)
{
    (void)state;
    net n = net_new();
    tap_module_set_requires_grad(n.root, false);
    assert_int_equal(train_step(&n), TAP_EARG);
    assert_string_equal(tap_tape_message(n.t), "backward: the loss depends on no parameter, or was not recorded");
    for (uint32_t id = 1; id < n.t->n_nodes; id++) assert_null(tap__node(n.t, id)->op);
    net_free(&n);
}

/* An optimizer does not change a frozen parameter, by weight decay neither; freezing within a step takes effect at the next
 * use. */
static void test_optimizers_skip_frozen_parameters(void **state)
{
    (void)state;
    net        n = net_new();
    float      before[WIDTH];
    tap_optim *o = tap_adam_new(n.root, (tap_adam_options){ .weight_decay = 0.1 });
    tap_tensor value = tap_param_value(n.first.bias);
    assert_true(tap_param_requires_grad(n.first.bias));
    tap_param_set_requires_grad(n.first.bias, false);
    assert_false(tap_param_requires_grad(n.first.bias));
    memcpy(before, value.data, sizeof before);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(train_step(&n), TAP_OK);
        assert_int_equal(tap_optim_step(o, n.t), TAP_OK);
    }
    assert_memory_equal(before, value.data, sizeof before);
    tap_param_set_requires_grad(n.first.bias, true);
    assert_int_equal(train_step(&n), TAP_OK);
    assert_int_equal(tap_optim_step(o, n.t), TAP_OK);
    assert_memory_not_equal(before, value.data, sizeof before);

    tap_tape_reset(n.t);
    tap_var used = tap_param_var(n.t, n.first.bias);
    tap_param_set_requires_grad(n.first.bias, false);
    tap_var frozen = tap_param_var(n.t, n.first.bias);
    assert_true(tap__node(n.t, used.id)->requires_grad && !tap__node(n.t, frozen.id)->requires_grad);
    tap_param_set_requires_grad(n.first.bias, true);
    assert_true(tap__node(n.t, tap_param_var(n.t, n.first.bias).id)->requires_grad);
    net_free(&n);
}

/* ---- A parameter that is changed, or freed, before the backward pass --------------------------------------------- */

static void assert_stale(net *n, tap_var loss, const char *part)
{
    assert_int_equal(tap_backward(loss), TAP_ESTALE);
    if (!strstr(tap_tape_message(n->t), part)) fail_msg("%s", tap_tape_message(n->t));
}

static tap_var loss_of(net *n)
{
    tap_tape_reset(n->t);
    tap_var x = tap_randn(n->t, TAP_SHAPE(BATCH, WIDTH));
    return tap_mean(tap_linear_forward(&n->second, tap_linear_forward(&n->first, x)), TAP_ALL);
}

static void test_a_parameter_changed_before_backward_is_stale(void **state)
{
    (void)state;
    for (int how = 0; how < 5; how++) {
        net        n = net_new();
        tap_var    loss = loss_of(&n);
        tap_tensor w = tap_param_value(n.second.weight), g = tap_param_grad(n.second.weight);
        tap_optim *o = how == 0 ? tap_sgd_new(n.head, (tap_sgd_options){ 0 }) : NULL;
        tap_tensor_fill(tap_param_grad(n.second.weight), 1);
        if (o) tap_optim_step(o, n.t);
        if (how == 1) tap_tensor_copy(w, g, NULL);
        if (how == 2) ((float *)w.data)[5] = 3;
        if (how == 2) tap_tensor_written(w);
        if (how == 3) assert_int_equal(tap_module_save(n.root, "test_freezing.safetensors", 0, NULL, NULL), TAP_OK);
        if (how == 3) assert_int_equal(tap_module_load(n.root, "test_freezing.safetensors", NULL), TAP_OK);
        if (how == 4) tap_module_free(n.root);
        if (how == 4) assert_stale(&n, loss, "was freed");
        else assert_stale(&n, loss, "head.l.weight [64,64] was changed after the forward pass");
        tap_tape_free(n.t);
        if (how != 4) tap_module_free(n.root);
    }
    remove("test_freezing.safetensors");
}

/* Used again after the change, the parameter has a second leaf, and both gradients are accumulated. */
static void test_a_changed_parameter_gets_a_new_leaf(void **state)
{
    (void)state;
    tap_module *root = tap_module_new(TAP_F64, 0);
    tap_param  *p = tap_param_new(root, "p", TAP_SHAPE(1), tap_init_constant(1));
    tap_tape   *t = tap_tape_new(TAP_F64, 0);
    tap_optim  *o = tap_sgd_new(root, (tap_sgd_options){ .lr = 0.25 });
    for (int i = 0; i < 3; i++) { /* no reset in between */
        assert_int_equal(tap_backward(tap_sum(tap_square(tap_param_var(t, p)), TAP_ALL)), TAP_OK);
        assert_int_equal(tap_optim_step(o, t), TAP_OK);
        assert_true(tap_tensor_item(tap_param_value(p), 0) == 1. / (2 << i));
    }
    tap_tape_free(t);
    tap_module_free(root);
}

int main(void)
{
    /* clang-format off */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frozen_layers_run_no_rules), cmocka_unit_test(test_nothing_is_recorded_if_all_is_frozen),
        cmocka_unit_test(test_optimizers_skip_frozen_parameters),             cmocka_unit_test(test_a_parameter_changed_before_backward_is_stale),
        cmocka_unit_test(test_a_changed_parameter_gets_a_new_leaf),
    };
    /* clang-format on */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
