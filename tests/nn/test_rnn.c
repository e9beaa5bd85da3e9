/* tests/nn/test_rnn.c: recurrent layers and cells: sequences of different lengths, states, directions, and the ends of sizes.
 * test_layers checks their gradients and trains them. */
#include "tests/check.h"

enum { TIME = 5, BATCH = 3, IN = 2, HIDDEN = 4 };

typedef void (*rnn_init)(tap_rnn *, tap_module *, const char *, int64_t, int64_t, tap_rnn_options);
typedef void (*cell_init)(tap_rnn_cell *, tap_module *, const char *, int64_t, int64_t, tap_rnn_cell_options);

static const rnn_init  layers[] = { tap_rnn_init, tap_lstm_init, tap_gru_init };
static const cell_init cells[] = { tap_rnn_cell_init, tap_lstm_cell_init, tap_gru_cell_init };
static const tap_var   none = { 0 };

/* A layer, and a tape. */
typedef struct {
    tap_module *root;
    tap_tape   *t;
    tap_rnn     l;
} fixture;

static fixture begin(rnn_init init, tap_rnn_options o)
{
    fixture f = { .root = tap_module_new(TAP_F64, 7), .t = tap_tape_new(TAP_F64, 3) };
    init(&f.l, f.root, "rnn", IN, HIDDEN, o);
    assert_string_equal(tap_module_message(f.root), "");
    return f;
}

static void end(fixture *f)
{
    assert_tape_ok(f->t);
    tap_tape_free(f->t);
    tap_module_free(f->root);
}

static tap_var noise(tap_tape *t, tap_shape shape)
{
    return tap_randn(t, shape);
}

static tap_var int64s(tap_tape *t, int64_t n, const int64_t *values)
{
    return tap_input(t, tap_tensor_wrap(TAP_I64, TAP_SHAPE(n), (void *)(uintptr_t)values));
}

static void assert_same(tap_var a, tap_var b, double tolerance)
{
    const tap_tensor x = tap_value(a), y = tap_value(b);
    assert_true(tap_shape_equal(x.shape, y.shape));
    for (int64_t i = 0; i < tap_tensor_numel(x); i++) assert_near(tap_tensor_item(x, i), tap_tensor_item(y, i), tolerance);
}

/* ---- Lengths ---- */

/* x with NaN where a sequence has ended. */
static tap_var with_padding(tap_tape *t, tap_var x, const int64_t *lengths)
{
    const tap_var step = tap_reshape(tap_arange(t, TIME), TAP_SHAPE(TIME, 1, 1));
    const tap_var length = tap_unsqueeze(int64s(t, BATCH, lengths), 1);
    return tap_where(tap_lt(step, length), x, tap_scalar(t, (double)NAN));
}

/* Each sequence gives what it gives alone; its padding does not matter, nor does it get a gradient. */
static void check_lengths(rnn_init init, const int64_t *lengths)
{
    fixture       f = begin(init, (tap_rnn_options){ .num_layers = 2, .bidirectional = true });
    double        numbers[TIME * BATCH * IN];
    tap_tensor    data = tap_tensor_wrap(TAP_F64, TAP_SHAPE(TIME, BATCH, IN), numbers);
    tap_rnn_state all = { { 0 }, { 0 } };
    tap_var       dx;
    tap_tensor_copy(data, tap_value(with_padding(f.t, noise(f.t, data.shape), lengths)), NULL);
    const tap_var x = tap_variable(f.t, data), y = tap_rnn_forward(&f.l, x, &all, int64s(f.t, BATCH, lengths));
    tap_grad(tap_add(tap_sum(tap_square(y), TAP_ALL), tap_sum(all.h, TAP_ALL)), 1, &x, &dx);
    for (int64_t b = 0; b < BATCH; b++) {
        const int64_t n = lengths[b];
        tap_rnn_state one = { { 0 }, { 0 } };
        const tap_var alone = tap_rnn_forward(&f.l, tap_narrow(tap_narrow(x, 1, b, 1), 0, 0, n), &one, none);
        const tap_var rest = tap_narrow(tap_narrow(y, 1, b, 1), 0, n, TIME - n);
        assert_same(tap_narrow(tap_narrow(y, 1, b, 1), 0, 0, n), alone, 1e-14);
        assert_same(rest, tap_full_like(rest, 0), 0);
        assert_same(tap_narrow(all.h, 1, b, 1), one.h, 1e-14);
        if (one.c.tape) assert_same(tap_narrow(all.c, 1, b, 1), one.c, 1e-14);
        const tap_var of_rest = tap_narrow(tap_narrow(dx, 1, b, 1), 0, n, TIME - n);
        assert_same(of_rest, tap_full_like(of_rest, 0), 0);
    }
    assert_true(item(tap_all(tap_isfinite(dx), TAP_ALL), 0) == 1);
    end(&f);
}

static void test_lengths(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        check_lengths(layers[i], (const int64_t[]){ 5, 3, 1 });
        check_lengths(layers[i], (const int64_t[]){ 1, 4, 0 });
        check_lengths(layers[i], (const int64_t[]){ 2, 2, 2 });
        check_lengths(layers[i], (const int64_t[]){ 0, 0, 0 });
    }
}

/* Weights get the gradient of the steps that exist, and NaN in the padding reaches none. */
static void test_padding_reaches_no_gradient(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        const int64_t lengths[] = { 2, 5, 1 };
        fixture       f = begin(layers[i], (tap_rnn_options){ .bidirectional = true });
        const tap_var x = with_padding(f.t, noise(f.t, TAP_SHAPE(TIME, BATCH, IN)), lengths);
        tap_backward(tap_sum(tap_rnn_forward(&f.l, x, NULL, int64s(f.t, BATCH, lengths)), TAP_ALL));
        assert_tape_ok(f.t);
        for (tap_param *p = tap_module_next(f.root, NULL); p; p = tap_module_next(f.root, p)) {
            const tap_tensor g = tap_param_grad(p);
            for (int64_t k = 0; k < tap_tensor_numel(g); k++) assert_true(isfinite(tap_tensor_item(g, k)));
        }
        end(&f);
    }
}

/* ---- States, layouts, sizes ---- */

/* Two halves with the state between them are the whole. */
static void test_state_goes_on(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        fixture       f = begin(layers[i], (tap_rnn_options){ .num_layers = 2 });
        const tap_var x = noise(f.t, TAP_SHAPE(TIME, BATCH, IN));
        tap_rnn_state whole = { { 0 }, { 0 } }, half = whole;
        const tap_var y = tap_rnn_forward(&f.l, x, &whole, none);
        assert_same(tap_rnn_forward(&f.l, tap_narrow(x, 0, 0, 2), &half, none), tap_narrow(y, 0, 0, 2), 1e-14);
        assert_same(tap_rnn_forward(&f.l, tap_narrow(x, 0, 2, 3), &half, none), tap_narrow(y, 0, 2, 3), 1e-14);
        assert_same(half.h, whole.h, 1e-14);
        assert_true((whole.c.tape != NULL) == (layers[i] == tap_lstm_init));
        if (whole.c.tape) assert_same(half.c, whole.c, 1e-14);
        assert_same(tap_select(whole.h, 0, 1), tap_select(y, 0, TIME - 1), 0);
        end(&f);
    }
}

/* A state of zeros is that of a call without one. */
static void test_absent_states_are_zeros(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        fixture       f = begin(layers[i], (tap_rnn_options){ .bidirectional = true });
        const tap_var x = noise(f.t, TAP_SHAPE(TIME, BATCH, IN)), zeros = tap_zeros(f.t, TAP_SHAPE(2, BATCH, HIDDEN));
        tap_rnn_state s = { zeros, zeros }, only_h = { zeros, { 0 } };
        const tap_var y = tap_rnn_forward(&f.l, x, NULL, none);
        assert_same(tap_rnn_forward(&f.l, x, &s, none), y, 0);
        assert_same(tap_rnn_forward(&f.l, x, &only_h, none), y, 0);
        end(&f);
    }
}

static void test_layouts(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        fixture       f = begin(layers[i], (tap_rnn_options){ .bidirectional = true });
        const tap_var x = noise(f.t, TAP_SHAPE(TIME, BATCH, IN)), y = tap_rnn_forward(&f.l, x, NULL, none);
        tap_rnn       batch_first = f.l;
        tap_rnn_state one = { { 0 }, { 0 } };
        batch_first.options.batch_first = true;
        assert_same(tap_transpose(tap_rnn_forward(&batch_first, tap_transpose(x, 0, 1), NULL, none), 0, 1), y, 1e-14);
        assert_same(tap_rnn_forward(&f.l, tap_select(x, 1, 2), &one, none), tap_select(y, 1, 2), 1e-14);
        assert_true(tap_shape_equal(tap_shape_of(one.h), TAP_SHAPE(2, HIDDEN)));
        assert_same(tap_rnn_forward(&batch_first, tap_select(x, 1, 2), NULL, none), tap_select(y, 1, 2), 1e-14);
        tap_rnn_forward(&f.l, tap_select(x, 1, 0), &one, none); /* the state of one sequence goes in, too */
        assert_true(tap_shape_equal(tap_shape_of(one.h), TAP_SHAPE(2, HIDDEN)));
        end(&f);
    }
}

static void test_empty(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        fixture       f = begin(layers[i], (tap_rnn_options){ .num_layers = 2 });
        tap_rnn_state s = { { 0 }, { 0 } };
        tap_var       y = tap_rnn_forward(&f.l, tap_zeros(f.t, TAP_SHAPE(TIME, 0, IN)), &s, none);
        assert_true(tap_shape_equal(tap_shape_of(y), TAP_SHAPE(TIME, 0, HIDDEN)));
        assert_true(tap_shape_equal(tap_shape_of(s.h), TAP_SHAPE(2, 0, HIDDEN)));
        tap_rnn_state given = { noise(f.t, TAP_SHAPE(2, BATCH, HIDDEN)), { 0 } };
        s = given;
        y = tap_rnn_forward(&f.l, tap_zeros(f.t, TAP_SHAPE(0, BATCH, IN)), &s, none);
        assert_true(tap_shape_equal(tap_shape_of(y), TAP_SHAPE(0, BATCH, HIDDEN)));
        assert_same(s.h, given.h, 0);
        end(&f);
    }
}

/* A layer whose sequences have one step is its cell. */
static void test_cells(void **state)
{
    (void)state;
    static const char *const names[] = { "weight_ih", "weight_hh", "bias_ih", "bias_hh" };
    for (int i = 0; i < 3; i++) {
        fixture      f = begin(layers[i], (tap_rnn_options){ 0 });
        tap_rnn_cell cell;
        char         path[32];
        cells[i](&cell, f.root, "cell", IN, HIDDEN, (tap_rnn_cell_options){ 0 });
        for (int k = 0; k < 4; k++) {
            snprintf(path, sizeof path, "cell.%s", names[k]);
            tap_param *to = tap_module_param(f.root, path);
            snprintf(path, sizeof path, "rnn.%s_l0", names[k]);
            tap_param_replace(f.t, to, tap_param_var(f.t, tap_module_param(f.root, path)));
        }
        const tap_var x = noise(f.t, TAP_SHAPE(2, BATCH, IN));
        tap_rnn_state s = { { 0 }, { 0 } }, one = s, of_layer = s;
        const tap_var y = tap_rnn_forward(&f.l, x, &of_layer, none);
        assert_same(tap_rnn_cell_forward(&cell, tap_select(x, 0, 0), &s), tap_select(y, 0, 0), 1e-14);
        assert_same(tap_rnn_cell_forward(&cell, tap_select(x, 0, 1), &s), tap_select(y, 0, 1), 1e-14);
        if (s.c.tape) assert_same(tap_unsqueeze(s.c, 0), of_layer.c, 1e-14);
        assert_same(tap_rnn_cell_forward(&cell, tap_select(tap_select(x, 0, 0), 0, 1), &one),
                    tap_select(tap_select(y, 0, 0), 0, 1), 1e-14);
        assert_true(tap_shape_equal(tap_shape_of(one.h), TAP_SHAPE(HIDDEN)));
        end(&f);
    }
}

/* Dropout is between the layers, in training mode. */
static void test_dropout(void **state)
{
    (void)state;
    for (int n = 1; n <= 2; n++) {
        fixture       f = begin(tap_gru_init, (tap_rnn_options){ .num_layers = n, .dropout = 1 });
        const tap_var x = noise(f.t, TAP_SHAPE(TIME, BATCH, IN)), y = tap_rnn_forward(&f.l, x, NULL, none);
        const tap_var of_zeros = tap_rnn_forward(&f.l, tap_zeros(f.t, TAP_SHAPE(TIME, BATCH, IN)), NULL, none);
        tap_module_eval(f.root);
        const tap_var eval = tap_rnn_forward(&f.l, x, NULL, none);
        const double  difference = item(tap_amax(tap_abs(tap_sub(y, eval)), TAP_ALL), 0);
        const double  dropped = item(tap_amax(tap_abs(tap_sub(y, of_zeros)), TAP_ALL), 0);
        assert_true(n == 1 ? difference == 0 : difference > 1e-3);
        assert_true(n == 1 ? dropped > 1e-3 : dropped == 0);
        end(&f);
    }
}

static void test_state_dict(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "rnn.weight_ih_l0",       "rnn.weight_hh_l0",         "rnn.bias_ih_l0",           "rnn.bias_hh_l0",
        "rnn.weight_hr_l0",       "rnn.weight_ih_l0_reverse", "rnn.weight_hh_l0_reverse", "rnn.bias_ih_l0_reverse",
        "rnn.bias_hh_l0_reverse", "rnn.weight_hr_l0_reverse", "rnn.weight_ih_l1",
    };
    fixture f = begin(tap_lstm_init, (tap_rnn_options){ .num_layers = 2, .bidirectional = true, .proj_size = 3 });
    int     i = 0;
    for (tap_param *p = tap_module_next(f.root, NULL); p; p = tap_module_next(f.root, p), i++) {
        if (i < 11) assert_string_equal(tap_param_path(p), paths[i]);
        const tap_tensor x = tap_param_value(p);
        for (int64_t k = 0; k < tap_tensor_numel(x); k++) assert_true(fabs(tap_tensor_item(x, k)) <= 1 / sqrt(HIDDEN));
    }
    assert_int_equal(i, 20);
    assert_true(tap_shape_equal(tap_param_value(f.l.weights[2].weight_ih).shape, TAP_SHAPE(4 * HIDDEN, 6)));
    assert_true(tap_shape_equal(tap_param_value(f.l.weights[2].weight_hh).shape, TAP_SHAPE(4 * HIDDEN, 3)));
    assert_true(tap_shape_equal(tap_param_value(f.l.weights[2].weight_hr).shape, TAP_SHAPE(3, HIDDEN)));
    end(&f);
}

/* Long sequences, whose outputs are joined in groups of groups. */
static void test_long_sequence(void **state)
{
    (void)state;
    enum { LONG = 700 };
    fixture       f = begin(tap_rnn_init, (tap_rnn_options){ 0 });
    const tap_var x = noise(f.t, TAP_SHAPE(LONG, 1, IN)), y = tap_rnn_forward(&f.l, x, NULL, none);
    tap_rnn_state s = { { 0 }, { 0 } };
    for (int64_t k = 0; k < LONG; k++)
        assert_same(tap_rnn_forward(&f.l, tap_narrow(x, 0, k, 1), &s, none), tap_narrow(y, 0, k, 1), 1e-14);
    end(&f);
}

/* A layer whose construction has failed stays unusable, also when the error has been cleared. */
static void test_failed_layer(void **state)
{
    (void)state;
    tap_module *root = tap_module_new(TAP_F64, 0);
    tap_tape   *t = tap_tape_new(TAP_F64, 0);
    tap_rnn     l;
    tap_lstm_init(&l, root, "rnn", IN, HIDDEN, (tap_rnn_options){ .num_layers = -1 });
    assert_string_equal(tap_module_message(root), "rnn: lstm: num_layers must be from 1 to 2^20, not -1");
    tap_module_clear_error(root);
    tap_rnn_forward(&l, tap_zeros(t, TAP_SHAPE(TIME, IN)), NULL, none);
    assert_tape_error_and_free(t, TAP_EARG, "rnn_forward: [5,2]: the layer could not be made");
    tap_module_free(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths),       cmocka_unit_test(test_padding_reaches_no_gradient),
        cmocka_unit_test(test_state_goes_on), cmocka_unit_test(test_absent_states_are_zeros),
        cmocka_unit_test(test_layouts),       cmocka_unit_test(test_empty),
        cmocka_unit_test(test_cells),         cmocka_unit_test(test_dropout),
        cmocka_unit_test(test_state_dict),    cmocka_unit_test(test_long_sequence),
        cmocka_unit_test(test_failed_layer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
