/* tests/autograd/test_tape.c: memory, errors, recording, noise and printing of tapes. */
#define _XOPEN_SOURCE 700
#include <math.h>

#include "tests/autograd/tape.h"

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

enum { WATCHED = 5 };

/* A step of a small network. */
static void step(tap_tape *t, const tap_leaf *w, void *address[WATCHED])
{
    tap_tape_reset(t);
    tap_var x = tap_randn(t, TAP_SHAPE(40, 30)), weight = tap_leaf_var(t, w);
    tap_var h = tap_tanh(tap_matmul(x, weight)), y = tap_logsumexp(tap_mul(h, h), TAP_LAST), loss = tap_mean(y, TAP_ALL);
    tap_backward(loss);
    tap_var       last = tap_exp(loss);
    const tap_var watched[WATCHED] = { x, h, y, loss, last };
    for (int i = 0; i < WATCHED; i++) address[i] = tap_value(watched[i]).data;
}

static void test_reset_keeps_memory(void **state)
{
    tap_tape  *t = tap_tape_new(TAP_F64, 1);
    tap_arena *a = tap_arena_new();
    tap_shape  shape = TAP_SHAPE(30, 20);
    tap_leaf   w = { tap_tensor_zeros(a, TAP_F64, shape), tap_tensor_zeros(a, TAP_F64, shape), NULL, "w" };
    void      *second[WATCHED], *address[WATCHED];
    (void)state;
    tap_random_normal(w.value, (tap_rng_key){ 0 });
    step(t, &w, address);
    step(t, &w, second);
    const size_t bytes = tap_tape_bytes(t);
    assert_true(bytes > 40 * 30 * sizeof(double));
    for (int i = 3; i <= 100; i++) {
        step(t, &w, address);
        assert_memory_equal(address, second, sizeof second);
        assert_int_equal(tap_tape_bytes(t), bytes);
    }
    assert_tape_ok(t);
    tap_tape_free(t);
    tap_arena_free(a);
}

/* A backward pass releases all memory that it has used, the gradients of leaves included: a hundred passes over one graph need
 * no more memory than one. */
static void test_backward_gives_memory_back(void **state)
{
    enum { LONG = 5000 };
    static double x[LONG], g[LONG];
    tap_tape     *t = tap_tape_new(TAP_F64, 1);
    tap_shape     shape = TAP_SHAPE(LONG);
    tap_leaf      leaf = { tap_tensor_wrap(TAP_F64, shape, x), tap_tensor_wrap(TAP_F64, shape, g), NULL, "x" };
    (void)state;
    tap_var wide = tap_expand(tap_unsqueeze(tap_leaf_var(t, &leaf), 0), TAP_SHAPE(3, LONG));
    tap_var loss = tap_sum(tap_sin(tap_exp(tap_mul(wide, wide))), TAP_ALL);
    tap_backward(loss);
    const size_t bytes = tap_tape_bytes(t);
    for (int i = 0; i < 100; i++) assert_int_equal(tap_backward(loss), TAP_OK);
    assert_int_equal(tap_tape_bytes(t), bytes);
    tap_tape_free(t);
}

/* ---- Errors ------------------------------------------------------------------------------------------------------ */

static void test_first_error_sticks(void **state)
{
    tap_tape *t = tap_tape_new(TAP_F32, 1);
    tap_var   a = tap_zeros(t, TAP_SHAPE(2, 3)), b = tap_zeros(t, TAP_SHAPE(4));
    (void)state;
    assert_tape_ok(t);
    tap_var bad = tap_add(a, b);
    assert_int_equal(bad.id, 0);
    tap_matmul(bad, b);
    tap_tape_fail(t, TAP_EIO, "too late");
    tap_backward(a);
    assert_true(isnan(tap_item(bad)));
    assert_true(tap_shape_equal(tap_shape_of(a), TAP_SHAPE(2, 3)));
    for (int i = 0; i < 6; i++) assert_true(isnan(((float *)tap_value(a).data)[i]));
    assert_true(isnan(*(float *)tap_value(bad).data));
    assert_tape_error(t, TAP_ESHAPE, "add: [2,3] x [4]: the shapes do not broadcast");
    tap_tape_reset(t);
    assert_int_equal(tap_zeros(t, TAP_SCALAR).id, 0);
    assert_tape_error(t, TAP_ESHAPE, "add: [2,3] x [4]: the shapes do not broadcast");
    tap_tape_free(t);

    t = tap_tape_new(TAP_I64, 0);
    assert_tape_error(t, TAP_EDTYPE, "tape: its dtype must be float32 or float64, not int64");
    assert_int_equal(tap_scalar(t, 1).id, 0);
    tap_tape_free(t);
    assert_tape_error(NULL, TAP_EARG, "tape: NULL");
}

static void test_no_tape(void **state)
{
    (void)state;
    assert_false(tap_tape_set_recording(NULL, true));
    assert_false(tap_tape_trace_nonfinite(NULL, true));
    assert_int_equal(tap_tape_dtype(NULL), TAP_F32);
    assert_int_equal(tap_tape_step(NULL), 0);
    assert_int_equal(tap_tape_bytes(NULL), 0);
}

/* A bad leaf is the first call on a new tape. */
static void test_a_bad_leaf_on_a_new_tape(void **state)
{
    (void)state;
    double         grad[N] = { 4, 5, 6 };
    const tap_leaf leaf = { { .dtype = TAP_F64, .shape = TAP_SHAPE(N) }, vector(grad), NULL, "w" };
    tap_tape      *t = tap_tape_new(TAP_F64, 1);
    assert_int_equal(tap_leaf_var(t, &leaf).id, 0);
    assert_tape_error(t, TAP_EARG, "leaf_var: the tensor is inert or invalid");
    tap_tape_free(t);
}

static void test_messages_name_what_failed(void **state)
{
    (void)state;
    tap_tape *t = tap_tape_new(TAP_F32, 1);
    tap_var   x = tap_zeros(t, TAP_SHAPE(128, 784)), w = tap_named(tap_zeros(t, TAP_SHAPE(400, 20)), "vae.dec.weight");
    tap_matmul(x, w);
    assert_tape_error(t, TAP_ESHAPE, "matmul: [128,784] x [400,20] (vae.dec.weight): inner sizes 784 and 400 differ");
    tap_tape_free(t);

    t = tap_tape_new(TAP_F32, 1);
    tap_var many[6];
    for (int i = 0; i < 6; i++) many[i] = tap_named(tap_zeros(t, TAP_SHAPE(2, 1 + i)), i == 1 ? "b" : i == 2 ? "c" : NULL);
    tap_cat(6, many, 0);
    assert_tape_error(t, TAP_ESHAPE,
                      "cat: [2,1] x [2,2] x [2,3] x [2,4] x ... (b, c): inputs 0 and 1 may differ in shape along axis 0 only");
    tap_tape_free(t);

    t = tap_tape_new(TAP_F32, 1);
    tap_var old = tap_scalar(t, 1);
    tap_tape_reset(t);
    tap_scalar(t, 2); /* has the number of the old one */
    tap_exp(old);
    assert_tape_error(t, TAP_ESTALE, "exp: var 1 is used after its tape was reset");
    tap_tape_free(t);
}

/* With a name of any length, the message is still a whole sentence. */
static void test_long_names(void **state)
{
    char        name[2 * TAP_MESSAGE_SIZE];
    const char *message;
    tap_tape   *t = tap_tape_new(TAP_F32, 1);
    (void)state;
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    tap_add(tap_named(tap_zeros(t, TAP_SHAPE(2)), name), tap_zeros(t, TAP_SHAPE(3)));
    assert_int_equal(tap_tape_status(t, &message), TAP_ESHAPE);
    assert_true(strlen(message) < TAP_MESSAGE_SIZE);
    assert_non_null(strstr(message, "the shapes do not broadcast"));
    tap_tape_free(t);
}

static void test_two_tapes(void **state)
{
    tap_tape *t = tap_tape_new(TAP_F32, 1), *other = tap_tape_new(TAP_F32, 1);
    tap_var   a = tap_scalar(t, 1), b = tap_scalar(other, 2);
    (void)state;
    tap_mul(a, a);
    tap_mul(b, b);
    assert_tape_ok(t);
    assert_tape_ok(other);
    tap_mul(a, b);
    assert_tape_error(t, TAP_ESTALE, "mul, call 2: input 1 is on another tape");
    assert_tape_error(other, TAP_ESTALE, "mul: input 0 is on another tape");
    tap_tape_free(t);
    tap_tape_free(other);
}

static void test_item(void **state)
{
    tap_tape *t = tap_tape_new(TAP_F32, 1);
    (void)state;
    assert_true(tap_item(tap_scalar(t, 2.5)) == 2.5);
    assert_true(tap_item(tap_reshape(tap_scalar(t, 3), TAP_SHAPE(1, 1))) == 3);
    assert_true(tap_item(tap_lt(tap_scalar(t, 1), tap_scalar(t, 2))) == 1);
    assert_tape_ok(t);
    assert_true(isnan(tap_item(tap_zeros(t, TAP_SHAPE(2)))));
    assert_tape_error(t, TAP_ESHAPE, "item: the var must have one element, not [2]");
    tap_tape_free(t);
}

/* ---- Recording --------------------------------------------------------------------------------------------------- */

static void test_recording(void **state)
{
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    double    numbers[N] = { 1, 2, 3 };
    tap_var   x = tap_variable(t, vector(numbers)), dx;
    (void)state;
    assert_true(tap_tape_set_recording(t, false));
    tap_var y = tap_sum(tap_square(x), TAP_ALL), late = tap_variable(t, vector(numbers));
    assert_false(tap_tape_set_recording(t, true));
    assert_true(tap_item(y) == 14);
    tap_grad(y, 1, &x, &dx);
    assert_elements(dx, (double[]){ 0, 0, 0 });
    tap_grad(tap_sum(tap_square(late), TAP_ALL), 1, &late, &dx);
    assert_elements(dx, (double[]){ 0, 0, 0 });
    tap_grad(tap_sum(tap_square(x), TAP_ALL), 1, &x, &dx);
    assert_elements(dx, (double[]){ 2, 4, 6 });
    assert_tape_ok(t);
    tap_backward(y);
    assert_tape_error(t, TAP_EARG, "backward: the loss depends on no parameter, or was not recorded");
    assert_true(tap_tape_set_recording(t, true));
    tap_tape_free(t);
}

static void test_detach(void **state)
{
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    double    numbers[N] = { 1, 2, 3 };
    tap_var   x = tap_variable(t, vector(numbers)), y = tap_square(x), constant = tap_detach(y), dx;
    (void)state;
    assert_ptr_equal(tap_value(constant).data, tap_value(y).data);
    tap_grad(tap_sum(tap_mul(x, constant), TAP_ALL), 1, &x, &dx);
    assert_elements(dx, (double[]){ 1, 4, 9 });
    assert_tape_ok(t);
    tap_tape_free(t);
}

/* ---- Noise ------------------------------------------------------------------------------------------------------- */

static void draw(tap_tape *t, double *four)
{
    for (int i = 0; i < 2; i++) {
        four[2 * i] = item(tap_randn(t, TAP_SHAPE(5)), 4);
        four[2 * i + 1] = item(tap_rand(t, TAP_SHAPE(5)), 4);
    }
}

static void test_noise(void **state)
{
    double    first[4], second[4], again[4];
    tap_tape *t = tap_tape_new(TAP_F64, 7), *same = tap_tape_new(TAP_F64, 7), *other = tap_tape_new(TAP_F64, 8);
    (void)state;
    draw(t, first);
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < i; k++) assert_true(first[i] != first[k]);
    }
    draw(same, again);
    assert_memory_equal(first, again, sizeof first);
    draw(other, again);
    for (int i = 0; i < 4; i++) assert_true(first[i] != again[i]);

    assert_int_equal(tap_tape_step(t), 0);
    tap_tape_reset(t);
    assert_int_equal(tap_tape_step(t), 1);
    draw(t, second);
    for (int i = 0; i < 4; i++) assert_true(first[i] != second[i]);
    tap_tape_set_step(t, 0);
    draw(t, again);
    assert_memory_equal(first, again, sizeof first);
    tap_tape_set_step(same, 1);
    draw(same, again);
    assert_memory_equal(second, again, sizeof second);
    tap_tape_set_step(t, UINT64_MAX);
    assert_true(tap_tape_step(t) == UINT64_MAX);
    tap_tape_reset(t);
    draw(t, again);
    assert_memory_equal(first, again, sizeof first);
    assert_tape_ok(t);
    tap_tape_free(t);
    tap_tape_free(same);
    tap_tape_free(other);
}

/* ---- Printing ---------------------------------------------------------------------------------------------------- */

static void assert_dump(tap_var v, const char *expected)
{
    FILE *f = fopen("dump", "w");
    assert_non_null(f);
    tap_dump(v, f);
    fclose(f);
    scratch_expect("dump", expected);
}

static void test_dump(void **state)
{
    memory    m = { { 1, 2.5, -3 }, { 0 }, true };
    tap_leaf  leaf = leaf_of(&m, "w");
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    tap_var   w = tap_leaf_var(t, &leaf), y = tap_neg(w);
    (void)state;
    assert_dump(w, "%1 parameter w float64 [3], needs a gradient: 1 2.5 -3\n");
    assert_dump(y, "%2 neg float64 [3], needs a gradient: -1 -2.5 3\n");
    assert_dump(tap_named(tap_zeros(t, TAP_SHAPE(2, 4)), "z"), "%3 constant z float64 [2,4]: 0 0 0 0 0 0 ...\n");
    assert_dump(tap_variable(t, vector(m.value)), "%4 variable float64 [3], needs a gradient: 1 2.5 -3\n");
    assert_dump(tap_gt(w, w), "%5 constant bool [3]: 0 0 0\n");
    assert_dump((tap_var){ 0 }, "inert var (TAP_EARG: tape: NULL)\n");
    assert_tape_ok(t);
    tap_tape_fail(t, TAP_EIO, "it broke");
    assert_dump(w, "inert var (TAP_EIO: it broke)\n");
    tap_tape_free(t);
}

/* Whether braces, brackets and quotes that are not escaped are closed, and the only control character is the newline. */
static void assert_balanced(const char *text)
{
    int  depth = 0;
    bool quoted = false;
    for (const char *c = text; *c; c++) {
        assert_true((unsigned char)*c >= ' ' || *c == '\n');
        if (*c == '\\' && c[1]) c++;
        else if (*c == '"') quoted = !quoted;
        else if (!quoted) depth += (*c == '{') + (*c == '[') - (*c == '}') - (*c == ']');
        assert_true(depth >= 0);
    }
    assert_int_equal(depth, 0);
    assert_false(quoted);
}

static void test_dot(void **state)
{
    memory    m = { { 1, 2, 3 }, { 0 }, true };
    tap_leaf  leaf = leaf_of(&m, "a \"quoted\" \\ name\n");
    tap_error e = { 0 };
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    tap_var   w = tap_leaf_var(t, &leaf), x = tap_named(tap_scalar(t, 2), "x");
    size_t    n;
    (void)state;
    tap_scalar(t, 3); /* nothing uses it: it is left out */
    tap_named(tap_mul(w, x), "y");
    assert_int_equal(tap_tape_write_dot(t, "graph.dot", &e), TAP_OK);
    char *text = scratch_read("graph.dot", &n);
    assert_balanced(text);
    assert_string_equal(text, "digraph tape {\n"
                              "  rankdir=BT;\n"
                              "  node [shape=box, fontname=monospace];\n"
                              "  n1 [label=\"parameter\\na \\\"quoted\\\" \\\\ name\\nfloat64 [3]\", "
                              "style=filled, fillcolor=lightblue];\n"
                              "  n2 [label=\"constant\\nx\\nfloat64 []\", style=filled, fillcolor=lightgrey];\n"
                              "  n4 [label=\"mul\\ny\\nfloat64 [3]\"];\n"
                              "  n1 -> n4;\n"
                              "  n2 -> n4;\n"
                              "}\n");
    free(text);
    if (system("command -v dot >/dev/null") == 0) assert_int_equal(system("dot -Tcanon graph.dot >/dev/null"), 0);

    assert_int_equal(tap_tape_write_dot(t, "none/graph.dot", &e), TAP_EIO);
    assert_non_null(strstr(e.message, "none/graph.dot"));
    assert_tape_ok(t);
    tap_tape_reset(t);
    assert_int_equal(tap_tape_write_dot(t, "graph.dot", NULL), TAP_OK);
    scratch_expect("graph.dot", "digraph tape {\n  rankdir=BT;\n  node [shape=box, fontname=monospace];\n}\n");
    tap_tape_free(t);
}

/* A new tape often has the address of the freed one, since malloc returns the same memory again. */
static void test_a_new_tape_at_an_old_address(void **state)
{
    (void)state;
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    tap_var   old = tap_scalar(t, 1);
    tap_tape_free(t);
    t = tap_tape_new(TAP_F64, 1);
    tap_var new = tap_scalar(t, 2);
    assert_true(tap_item(new) == 2);
    if (old.tape == t) {
        assert_true(isnan(tap_item(old)));
        assert_int_equal(tap_tape_status(t, NULL), TAP_ESTALE);
    }
    tap_tape_free(t);
}

/* More nodes than a tape first allocates. */
static void test_a_long_tape(void **state)
{
    (void)state;
    enum { NODES = 20000 };
    double    one = 1;
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    tap_var   x = tap_variable(t, tap_tensor_wrap(TAP_F64, TAP_SCALAR, &one)), y = x, dx;
    for (int i = 0; i < NODES; i++) y = tap_add_scalar(y, 1);
    assert_true(tap_item(y) == NODES + 1);
    tap_grad(y, 1, &x, &dx);
    assert_true(tap_item(dx) == 1);
    tap_tape_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reset_keeps_memory),
        cmocka_unit_test(test_backward_gives_memory_back),
        cmocka_unit_test(test_first_error_sticks),
        cmocka_unit_test(test_no_tape),
        cmocka_unit_test(test_a_bad_leaf_on_a_new_tape),
        cmocka_unit_test(test_messages_name_what_failed),
        cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_two_tapes),
        cmocka_unit_test(test_item),
        cmocka_unit_test(test_recording),
        cmocka_unit_test(test_detach),
        cmocka_unit_test(test_noise),
        cmocka_unit_test(test_dump),
        cmocka_unit_test(test_dot),
        cmocka_unit_test(test_a_new_tape_at_an_old_address),
        cmocka_unit_test(test_a_long_tape),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
