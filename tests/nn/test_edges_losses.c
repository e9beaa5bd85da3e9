/* tests/nn/test_edges_losses.c: losses at the edges of their domains: tests/autograd/edges.h says what is asked of the rows. */
#include "tests/check.h"
#include "tests/nn/edge_tables.h"

static void test_terms(void **state)
{
    (void)state;
    check_edge_rows(loss_edges);
}

static void test_classes(void **state)
{
    (void)state;
    check_edge_vectors(class_edges);
}

static void test_cases(void **state)
{
    (void)state;
    check_edge_cases(loss_cases);
}

static bool has_row(const char *name)
{
    return edge_has_row(name, loss_edges, class_edges, loss_cases);
}

static void test_every_loss_has_a_row(void **state)
{
    (void)state;
    check_edge_section("nn/functional.h", "Losses", has_row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_terms),
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_every_loss_has_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
