/* Layers without parameters, normalization and attention at the edges of their domains: tests/autograd/edges.h says what is asked of the rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

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

static bool has_row(const char *name)
{
    return edge_has_row(name, function_edges, norm_edges, norm_cases);
}

static void test_every_function_has_a_row(void **state)
{
    (void)state;
    check_edge_section("nn/nn.h", "Functions in PyTorch's terms", has_row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_functions),
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_every_function_has_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
