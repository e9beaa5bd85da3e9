/* tests/nn/test_edges_norms.c: normalization, attention and other functions at the edges of their domains;
 * tests/autograd/edges.h says what is required of the rows. */
#include "tests/check.h"
#include "tests/nn/edge_tables.h"

static void test_functions(void **state)
{
    (void)state;
    check_edge_rows(function_edges);
}

static void test_vectors(void **state)
{
    (void)state;
    check_edge_vectors(norm_edges);
}

static void test_cases(void **state)
{
    (void)state;
    check_edge_cases(norm_cases);
}

/* (1 - momentum) stat + momentum value: a share of 0 of what is infinite is nothing. */
static void test_running_statistics(void **state)
{
    static const double numbers[2][2] = { { 1, 3 }, { HUGE_VAL, 3 } }; /* [batch,1] */
    (void)state;
    for (int k = 0; k < 2; k++) {
        double     mean = k == 0 ? HUGE_VAL : 5, var = k == 0 ? HUGE_VAL : 7, x[2] = { numbers[k][0], numbers[k][1] };
        tap_tape  *t = tap_tape_new(TAP_F64, 1);
        tap_tensor m = tap_tensor_wrap(TAP_F64, TAP_SHAPE(1), &mean), v = tap_tensor_wrap(TAP_F64, TAP_SHAPE(1), &var);
        tap_var    none = { 0 }, in = tap_input(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(2, 1), x));
        tap_batch_norm(in, &m, &v, none, none, true, k == 0, 0);
        assert_int_equal(tap_tape_status(t, NULL), TAP_OK);
        assert_true(mean == (k == 0 ? 2 : 5) && var == (k == 0 ? 2 : 7));
        tap_tape_free(t);
    }
}

static bool has_row(const char *name)
{
    return edge_has_row(name, function_edges, norm_edges, norm_cases);
}

static void test_every_function_has_a_row(void **state)
{
    (void)state;
    check_edge_section("nn/functional.h", "Activations", has_row);
    check_edge_section("nn/functional.h", "Products and tables", has_row);
    check_edge_section("nn/functional.h", "Normalization", has_row);
    check_edge_section("nn/functional.h", "Attention", has_row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_functions),
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_running_statistics),
        cmocka_unit_test(test_every_function_has_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
