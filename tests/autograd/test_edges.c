/* The operators of autograd at the edges of their domains: edges.h says what is asked of the rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/autograd/edge_tables.h"

static void test_elementwise(void **state)
{
    (void)state;
    check_edge_rows(elementwise_edges);
}

static void test_activations(void **state)
{
    (void)state;
    check_edge_rows(activation_edges);
}

static void test_pieces_of_rules(void **state)
{
    (void)state;
    check_edge_rows(piece_edges);
}

static void test_reductions(void **state)
{
    (void)state;
    check_edge_vectors(reduction_edges);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elementwise),
        cmocka_unit_test(test_activations),
        cmocka_unit_test(test_pieces_of_rules),
        cmocka_unit_test(test_reductions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
