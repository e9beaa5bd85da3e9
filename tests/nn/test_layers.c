/* tests/nn/test_layers.c: every layer has the gradients of its value, to second order, in both modes; and trains to the same
 * bits with any number of threads and after a resume, without a request for memory after the third step. */
#define _XOPEN_SOURCE 700
#include "tests/tensor/scratch.h"

#include <string.h>

#include "nn/internal.h"
#include "tensor/parallel.h"
#include "tests/heap.h"
#include "tests/nn/layer_tables.h"

enum { STEPS = 10, STOP = 6, EVAL = 5 };

static const layer_row *const tables[] = { plain_layers, sequence_layers };

/* A layer whose input is a parameter, so that it has a gradient, too. */
typedef struct {
    const layer_row *row;
    tap_arena       *a;
    tap_module      *root;
    tap_param       *x;
    void            *layer;
} net;

static net net_new(const layer_row *row, tap_dtype dtype)
{
    net        n = { .row = row, .a = tap_arena_new(), .root = tap_module_new(dtype, 3) };
    tap_tensor x;
    n.x = tap_param_new(n.root, "x", row->x, tap_init_zeros());
    x = tap_param_value(n.x);
    for (int64_t i = 0; i < tap_tensor_numel(x); i++) tap_tensor_set_item(x, i, 1.7 * sin(1.3 * (double)i + 0.4) + 0.01);
    n.layer = row->make(n.root, n.a);
    if (tap_module_status(n.root, NULL) != TAP_OK) fail_msg("%s: %s", row->name, tap_module_message(n.root));
    return n;
}

static void net_free(net *n)
{
    tap_module_free(n->root);
    tap_arena_free(n->a);
}

static tap_var forward(tap_tape *t, void *ctx)
{
    const net *n = ctx;
    return n->row->call(n->layer, tap_param_var(t, n->x));
}

static void for_each(void (*test)(const layer_row *row))
{
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        for (const layer_row *r = tables[i]; r->name; r++) test(r);
    }
}

/* ---- Gradients ---- */

static void check_gradients(const layer_row *row)
{
    if (row->no_derivative) return;
    for (int k = 0; k < 4; k++) {
        net n = net_new(row, k < 2 ? TAP_F64 : TAP_F32);
        if (k % 2) tap_module_eval(n.root);
        const tap_gradcheck_result r =
            tap_module_gradcheck(n.root, forward, &n, (tap_gradcheck_options){ .order = k < 2 ? 2 : 1 });
        if (!r.ok) fail_msg("%s, %s: %s", row->name, k % 2 ? "evaluation" : "training", r.message);
        assert_true(r.checked > 0);
        net_free(&n);
    }
}

static void test_gradients(void **state)
{
    (void)state;
    for_each(check_gradients);
}

/* The gradient of a row that is looked up twice is halved; that of the padding row is 0. */
static void test_gradients_of_an_embedding(void **state)
{
    (void)state;
    tap_embedding_layer l;
    tap_module         *root = tap_module_new(TAP_F64, 0);
    tap_tape           *t = tap_tape_new(TAP_F64, 0);
    const int64_t       places[] = { 2, 0, 2, 1 };
    tap_embedding_init(&l, root, "e", 3, 1,
                       (tap_embedding_options){ .has_padding_idx = true, .padding_idx = -2, .scale_grad_by_freq = true });
    assert_near(param_item(l.weight, 1), 0, 0);
    assert_true(param_item(l.weight, 0) != 0);
    const tap_var index = tap_input(t, tap_tensor_wrap(TAP_I64, TAP_SHAPE(4), (void *)(uintptr_t)places));
    tap_backward(tap_sum(tap_embedding_forward(&l, index), TAP_ALL));
    assert_tape_ok(t);
    const double expected[] = { 1, 0, 1 };
    for (int i = 0; i < 3; i++) assert_near(tap_tensor_item(tap_param_grad(l.weight), i), expected[i], 0);
    tap_tape_free(t);
    tap_module_free(root);
}

/* ---- Training ---- */

typedef struct {
    net             n;
    tap_tape       *t;
    tap_optim      *adam;
    tap_checkpoint *c;
    int64_t         step;
} run;

static run run_new(const layer_row *row, const char *checkpoint)
{
    run r = { .n = net_new(row, TAP_F32), .t = tap_tape_new(TAP_F32, 9) };
    r.adam = tap_adam_new(r.n.root, (tap_adam_options){ .lr = 0.05 });
    if (!checkpoint) return r;
    r.c = tap_checkpoint_new(checkpoint);
    tap_checkpoint_module(r.c, "net", r.n.root);
    tap_checkpoint_optim(r.c, "adam", r.adam);
    tap_checkpoint_tape(r.c, "tape", r.t);
    return r;
}

static void run_free(run *r)
{
    tap_checkpoint_free(r->c);
    tap_tape_free(r->t);
    net_free(&r->n);
}

/* Trains until this step. Everything below the root is in evaluation mode from the middle on. */
static void train(run *r, int64_t until)
{
    for (; r->step < until; r->step++) {
        heap_watch(r->step >= 3);
        if (r->step == EVAL) tap_module_eval(r->n.root);
        tap_tape_reset(r->t);
        const tap_var y = forward(r->t, &r->n);
        tap_backward(tap_mean(tap_square(tap_add_scalar(y, -1)), TAP_ALL));
        tap_optim_step(r->adam, r->t);
    }
    heap_watch(false);
    assert_tape_ok_msg(r->n.row->name, r->t);
    if (tap_module_status(r->n.root, NULL) != TAP_OK) fail_msg("%s: %s", r->n.row->name, tap_module_message(r->n.root));
}

static void assert_same_bytes(const run *r, const char *path, tap_tensor x, tap_tensor y, const char *when)
{
    if (memcmp(x.data, y.data, (size_t)tap_tensor_numel(x) * tap_dtype_size(x.dtype)) != 0)
        fail_msg("%s: %s differs %s", r->n.row->name, path, when);
}

static void assert_same(const run *a, const run *b, const char *when)
{
    const tap_module *m = a->n.root, *n = b->n.root;
    tap_param        *p = tap_module_next(m, NULL), *q = tap_module_next(n, NULL);
    for (; p && q; p = tap_module_next(m, p), q = tap_module_next(n, q))
        assert_same_bytes(a, p->path, p->value, q->value, when);
    tap_buffer *u = tap_module_next_buffer(m, NULL), *v = tap_module_next_buffer(n, NULL);
    for (; u && v; u = tap_module_next_buffer(m, u), v = tap_module_next_buffer(n, v))
        assert_same_bytes(a, u->path, u->value, v->value, when);
    assert_true(!p && !q && !u && !v);
    assert_int_equal(tap_module_training(m), tap_module_training(n));
}

static void check_threads(const layer_row *row)
{
    run one = run_new(row, NULL);
    tap_set_threads(1);
    train(&one, STEPS);
    const heap_requests taken = heap_take();
    if (taken.by_program + taken.by_libraries > 0)
        fail_msg("%s: %ld requests for memory after the third step", row->name, taken.by_program + taken.by_libraries);
    for (int threads = 2; threads <= 4; threads++) {
        run many = run_new(row, NULL);
        tap_set_threads(threads);
        train(&many, STEPS);
        assert_int_equal(heap_take().by_program, 0);
        assert_same(&one, &many, "with more threads");
        run_free(&many);
    }
    run_free(&one);
    tap_set_threads(0);
}

static void test_threads_change_no_bits(void **state)
{
    (void)state;
    for_each(check_threads);
}

static void check_resume(const layer_row *row)
{
    tap_error e = { 0 };
    run       whole = run_new(row, NULL), first = run_new(row, "run");
    train(&whole, STEPS);
    train(&first, STOP);
    if (tap_checkpoint_save(first.c, &e) != TAP_OK) fail_msg("%s: %s", row->name, e.message);
    run_free(&first);
    run second = run_new(row, "run");
    if (!tap_checkpoint_resume(second.c, &e)) fail_msg("%s: %s", row->name, e.message);
    second.step = STOP;
    train(&second, STEPS);
    assert_same(&whole, &second, "after a resume");
    run_free(&second);
    run_free(&whole);
    heap_take();
    unlink("run"), unlink("run.previous");
}

static void test_resumed_runs_have_the_same_bits(void **state)
{
    (void)state;
    for_each(check_resume);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_gradients_of_an_embedding),
        cmocka_unit_test(test_threads_change_no_bits),
        cmocka_unit_test(test_resumed_runs_have_the_same_bits),
    };
    tap__parallel_threshold_for_tests(0); /* share every loop among threads */
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
