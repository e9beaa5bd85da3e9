/* tests/nn/test_nodes.c: the number of nodes that calls leave on the tape: a call that changes nothing adds none, special cases
 * take their shortcut, and a cost that grows is noticed. */
#include "nn/nn.h"
#include "tests/autograd/nodes.h"

static void test_node_counts_of_spatial_functions(void **state)
{
    (void)state;
    tap_var x = tap_ones(t, TAP_SHAPE(1, 2, 4, 6));
    for (int mode = TAP_PAD_CONSTANT; mode <= TAP_PAD_CIRCULAR; mode++)
        ASSERT_NODES(0, tap_pad(x, 4, I(0, 0, 0, 0), (tap_pad_mode)mode, 0));
    ASSERT_NODES(2, tap_pad(x, 4, I(1, 0, 0, 0), TAP_PAD_CONSTANT, 0));
    ASSERT_NODES(0, tap_adaptive_avg_pool2d(x, 4, 6));
    ASSERT_NODES(4, tap_adaptive_avg_pool2d(x, 2, 3));
    ASSERT_NODES(0, tap_interpolate(x, (tap_interpolate_options){ .size = { 4, 6 }, .mode = TAP_INTERPOLATE_LINEAR }));
    ASSERT_NODES(20, tap_max_pool2d(x, (tap_pool_options){ .kernel = { 2, 2 } }, NULL));
    ASSERT_NODES(26, tap_max_pool2d(x, (tap_pool_options){ .kernel = { 2, 2 }, .dilation = { 2, 2 } }, NULL));
}

static void test_node_counts_of_densities(void **state)
{
    (void)state;
    tap_var  loc = tap_zeros(t, TAP_SHAPE(3)), eye = tap_eye(t, 3), rows = tap_zeros(t, TAP_SHAPE(5, 3));
    tap_var  index = tap_arange(t, 2);
    tap_dist one = tap_multivariate_normal(loc, eye), isotropic = tap_isotropic_normal(loc, loc);
    ASSERT_NODES(16, tap_log_prob(one, rows));
    ASSERT_NODES(5, tap_sample_n(one, 5));
    ASSERT_NODES(17, tap_kl(isotropic, isotropic));
    ASSERT_NODES(6, tap_embedding(index, eye, TAP_NO_INDEX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_node_counts_of_spatial_functions, begin, end),
        cmocka_unit_test_setup_teardown(test_node_counts_of_densities, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
