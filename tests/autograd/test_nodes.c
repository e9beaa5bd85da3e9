/* tests/autograd/test_nodes.c: the number of nodes that calls leave on the tape. A call that changes nothing leaves none,
 * special cases take their shortcuts, and a growing cost is noticed. */
#include "tests/autograd/nodes.h"

static void test_identities_add_no_nodes(void **state)
{
    (void)state;
    tap_var x = tap_ones(t, TAP_SHAPE(4, 6)), none = tap_input(t, tap_tensor_wrap(TAP_I64, TAP_SHAPE(0, 6), &(int64_t){ 0 }));
    tap_var empty = tap_zeros(t, TAP_SHAPE(0, 6)), number = tap_ones(t, TAP_SCALAR);
    ASSERT_NODES(0, tap_sum_to(x, TAP_SHAPE(4, 6)));
    ASSERT_NODES(0, tap_scatter(x, 0, none, empty));
    ASSERT_NODES(0, tap_roll(x, 2, I(0, 12), (const int[]){ 0, 1 }));
    ASSERT_NODES(1, tap_repeat(x, TAP_SHAPE(1, 1)));
    ASSERT_NODES(1, tap_zero_pad(x, 0, 0, 0));
    ASSERT_NODES(1, tap_zero_pad(x, 0, -1, 0));
    ASSERT_NODES(1, tap_zero_pad(x, 0, 0, -1));
    ASSERT_NODES(2, tap_zero_pad(x, 0, 0, 1));
    ASSERT_NODES(0, tap_sum_to(number, TAP_SCALAR));
}

static void test_special_cases_add_few_nodes(void **state)
{
    (void)state;
    tap_var x = tap_ones(t, TAP_SHAPE(4, 6)), w = tap_ones(t, TAP_SHAPE(6, 3)), b = tap_ones(t, TAP_SHAPE(3));
    tap_var index = tap_input(t, tap_tensor_wrap(TAP_I64, TAP_SHAPE(1, 6), (int64_t[6]){ 0 })),
            row = tap_ones(t, TAP_SHAPE(1, 6));
    ASSERT_NODES(2, tap_addmm(b, x, w, 1, 1));
    ASSERT_NODES(3, tap_addmm(b, x, w, 1, 2));
    ASSERT_NODES(1, tap_addmm(b, x, w, 0, 1));
    ASSERT_NODES(2, tap_vector_norm(x, 1, TAP_LAST));
    ASSERT_NODES(2, tap_vector_norm(x, Inf, TAP_LAST));
    ASSERT_NODES(2, tap_scatter(x, 0, index, row));
    ASSERT_NODES(4, tap_einsum("ij,jk->ik", 2, (const tap_var[]){ x, w }));
    ASSERT_NODES(1, tap_einsum("ij->ji", 1, &x));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_identities_add_no_nodes, begin, end),
        cmocka_unit_test_setup_teardown(test_special_cases_add_few_nodes, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
