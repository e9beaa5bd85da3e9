/* tests/nn/test_errors.c: errors on tapes and roots: the call that messages name, reports of unread errors, and clearing of
 * errors. */
#define _XOPEN_SOURCE 700
#include <math.h>
#include <unistd.h>

#include "nn/nn.h"
#include "tests/autograd/tape.h"

/* ---- What is written to stderr while f runs ---- */

static char said[4096];

static void listen_to(void (*f)(void))
{
    FILE     *file = tmpfile();
    const int before = dup(STDERR_FILENO);
    assert_true(file && before >= 0);
    fflush(stderr);
    dup2(fileno(file), STDERR_FILENO);
    f();
    fflush(stderr);
    dup2(before, STDERR_FILENO);
    const ssize_t n = pread(fileno(file), said, sizeof said - 1, 0);
    said[n > 0 ? n : 0] = '\0';
    close(before);
    fclose(file);
}

static int lines(void)
{
    int n = 0;
    for (const char *c = said; *c; c++) n += *c == '\n';
    return n;
}

static tap_var fail_on(tap_tape *t)
{
    return tap_add(tap_zeros(t, TAP_SHAPE(2)), tap_zeros(t, TAP_SHAPE(3)));
}

/* ---- Unread errors ---- */

static void tape_never_read(void)
{
    tap_tape *t = tap_tape_new(TAP_F64, 0);
    for (int step = 0; step < 5; step++) {
        tap_tape_reset(t);
        fail_on(t);
        assert_int_equal(tap_tape_status(t, NULL), TAP_ESHAPE); /* that it failed is not why */
    }
    tap_tape_free(t);
}

static void tape_freed_at_once(void)
{
    tap_tape *t = tap_tape_new(TAP_F64, 0);
    fail_on(t);
    tap_tape_free(t);
}

static void arena_never_read(void)
{
    tap_arena *a = tap_arena_new();
    tap_tensor_reshape(a, tap_tensor_zeros(a, TAP_F32, TAP_SHAPE(6)), TAP_SHAPE(4));
    tap_arena_reset(a);
    tap_arena_free(a);
}

static void module_never_read(void)
{
    tap_module *m = tap_module_new(TAP_F32, 0);
    tap_module_child(m, "a.b");
    tap_module_free(m);
}

static void loader_never_read(void)
{
    tap_loader_free(tap_loader_new((tap_tensor){ 0 }, (tap_loader_options){ 0 }));
}

static void checkpoint_never_read(void)
{
    tap_checkpoint_free(tap_checkpoint_new(""));
}

static void test_unread_errors_are_reported_once(void **state)
{
    static const struct {
        void (*f)(void);
        const char *owner, *why;
    } owners[] = {
        { tape_never_read, "tape", "add: [2] x [3]: the shapes do not broadcast" },
        { tape_freed_at_once, "tape", "add: [2] x [3]: the shapes do not broadcast" },
        { arena_never_read, "arena", "reshape: [6]" },
        { module_never_read, "module", "a name must be printable ASCII" },
        { loader_never_read, "loader", "loader: data" },
        { checkpoint_never_read, "checkpoint", "checkpoint: the path is empty" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof owners / sizeof *owners; i++) {
        char begin[64];
        listen_to(owners[i].f);
        snprintf(begin, sizeof begin, "tapestry: this %s has failed, and its error was not read: ", owners[i].owner);
        if (lines() != 1 || strncmp(said, begin, strlen(begin)) != 0 || !strstr(said, owners[i].why)) fail_msg("%s", said);
        bool was = tap_report_unread_errors(false);
        listen_to(owners[i].f);
        tap_report_unread_errors(was);
        assert_true(was);
        assert_string_equal(said, "");
    }
}

static void everything_read(void)
{
    const char *message;
    tap_tape   *t = tap_tape_new(TAP_F64, 0), *u = tap_tape_new(TAP_F64, 0);
    tap_module *m = tap_module_new(TAP_F32, 0);
    tap_arena  *a = tap_arena_new();
    fail_on(t);
    fail_on(u);
    tap_module_child(m, "");
    tap_tensor_zeros(a, TAP_F32, TAP_SHAPE(-1));
    assert_string_not_equal(tap_tape_message(t), "");
    tap_tape_status(u, &message);
    assert_string_not_equal(tap_module_message(m), "");
    tap_arena_status(a, &message);
    tap_tape_reset(t);
    tap_tape_free(t);
    tap_tape_free(u);
    tap_module_free(m);
    tap_arena_free(a);
}

/* Errors of arenas and tapes inside the library are passed on, and not reported. */
static void errors_that_went_elsewhere(void)
{
    tap_error   e = { 0 };
    tap_arena  *a = tap_arena_new();
    tap_module *m = tap_module_new(TAP_F32, 0);
    tap_matrix_market_read(a, "/nowhere");
    tap_csv_read_matrix(a, "/nowhere", ',', NULL, NULL);
    tap_module_load(m, "/nowhere", &e);
    tap_gradcheck(NULL, NULL, 0, NULL, (tap_gradcheck_options){ 0 });
    assert_int_equal(e.status, TAP_EIO);
    tap_arena_error(a)->status = TAP_OK;
    tap_arena_free(a);
    tap_module_free(m);
}

static void test_read_errors_are_not_reported(void **state)
{
    (void)state;
    listen_to(everything_read);
    assert_string_equal(said, "");
    listen_to(errors_that_went_elsewhere);
    assert_string_equal(said, "");
}

/* ---- Clearing errors ---- */

static void test_clearing_the_error_of_a_tape(void **state)
{
    (void)state;
    tap_tape    *t = tap_tape_new(TAP_F64, 0);
    double       number[N] = { 1, 2, 3 };
    tap_var      x = tap_variable(t, vector(number)), dx, y = tap_square(x), bad = fail_on(t);
    const size_t bytes = tap_tape_bytes(t);
    assert_int_equal(tap_exp(x).id, 0);
    tap_tape_clear_error(t);
    assert_tape_ok(t);
    tap_grad(tap_sum(y, TAP_ALL), 1, &x, &dx);
    assert_elements(dx, (double[]){ 2, 4, 6 });
    assert_true(tap_tape_bytes(t) >= bytes);
    tap_exp(bad);
    assert_tape_error(t, TAP_EARG, "exp: an empty var is used");
    tap_tape_clear_error(t);
    tap_tape_reset(t);
    assert_true(tap_item(tap_scalar(t, 5)) == 5);
    tap_tape_free(t);
}

static void test_clearing_the_error_of_a_root(void **state)
{
    (void)state;
    tap_module *root = tap_module_new(TAP_F64, 0);
    tap_linear  good, bad;
    tap_linear_init(&good, root, "l", 2, 2);
    tap_optim   *o = tap_adam_new(root, (tap_adam_options){ 0 });
    const double before = tap_tensor_item(tap_param_value(good.weight), 0);
    tap_optim_set_lr(o, -1);
    tap_linear_init(&bad, root, "late", 2, 2);
    assert_int_equal(tap_optim_step(o, NULL), TAP_EARG);
    tap_module_clear_error(root);
    assert_int_equal(tap_module_status(root, NULL), TAP_OK);
    assert_true(tap_tensor_item(tap_param_value(good.weight), 0) == before);

    tap_tape *t = tap_tape_new(TAP_F64, 0);
    assert_int_equal(tap_backward(tap_sum(tap_linear_forward(&good, tap_ones(t, TAP_SHAPE(1, 2))), TAP_ALL)), TAP_OK);
    assert_int_equal(tap_optim_step(o, t), TAP_OK);
    assert_true(tap_tensor_item(tap_param_value(good.weight), 0) != before);
    tap_linear_forward(&bad, tap_ones(t, TAP_SHAPE(1, 2)));
    assert_int_equal(tap_tape_status(t, NULL), TAP_EARG);
    tap_linear_init(&bad, root, "late", 2, 2);
    tap_tape_clear_error(t);
    assert_true(tap_linear_forward(&bad, tap_ones(t, TAP_SHAPE(1, 2))).id != 0);
    tap_tape_free(t);
    tap_module_free(root);
}

/* ---- The call and inputs that messages name ---- */

static void test_calls_are_counted(void **state)
{
    (void)state;
    tap_tape *t = tap_tape_new(TAP_F64, 0);
    tap_var   x = tap_zeros(t, TAP_SHAPE(2)), y = tap_named(tap_zeros(t, TAP_SHAPE(3)), "odd one");
    for (int i = 0; i < 1000; i++) tap_softmax(tap_add(x, x), 0); /* what softmax calls does not count */
    tap_add(x, y);
    assert_tape_error(t, TAP_ESHAPE, "add, call 1001: [2] x [3] (odd one): the shapes do not broadcast");
    tap_tape_clear_error(t);
    tap_tape_reset(t);
    fail_on(t);
    assert_tape_error(t, TAP_ESHAPE, "add: [2] x [3]: the shapes do not broadcast");
    tap_tape_free(t);
}

/* A rule's error names the function that recorded it, not what the rule calls. */
static void test_errors_of_rules(void **state)
{
    (void)state;
    double    singular[4] = { 1, 2, 2, 4 };
    tap_tape *t = tap_tape_new(TAP_F64, 0);
    tap_var   x = tap_variable(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(2, 2), singular)), dx;
    tap_slogdet(tap_eye(t, 2), NULL);
    tap_grad(tap_slogdet(x, NULL), 1, &x, &dx);
    assert_true(!strncmp(tap_tape_message(t), "backward of slogdet, call 2: [2,2]: ", 36));
    tap_tape_free(t);
}

/* A message of a composed function shows its inputs and, of the operator that failed within it, a named parameter. */
static void test_errors_within_layers(void **state)
{
    (void)state;
    tap_module *root = tap_module_new(TAP_F64, 0);
    tap_tape   *t = tap_tape_new(TAP_F64, 0);
    tap_mlp     net;
    tap_mlp_init(&net, root, "net", 3, (int64_t[]){ 4, 3, 2 }, tap_relu);
    tap_mlp_forward(&net, tap_zeros(t, TAP_SHAPE(5, 4)));
    tap_mlp_forward(&net, tap_named(tap_zeros(t, TAP_SHAPE(5, 6)), "x"));
    const char *begin = "mlp_forward, call 2: [5,6] (x): ";
    if (strncmp(tap_tape_message(t), begin, strlen(begin)) != 0 || !strstr(tap_tape_message(t), "net.0.weight"))
        fail_msg("%s", tap_tape_message(t));
    tap_tape_free(t);
    tap_module_free(root);
}

int main(void)
{
    /* clang-format off */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unread_errors_are_reported_once), cmocka_unit_test(test_read_errors_are_not_reported),
        cmocka_unit_test(test_clearing_the_error_of_a_tape),            cmocka_unit_test(test_clearing_the_error_of_a_root),
        cmocka_unit_test(test_calls_are_counted),           cmocka_unit_test(test_errors_of_rules),
        cmocka_unit_test(test_errors_within_layers),
    };
    /* clang-format on */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
