/* tests/nn/test_edges_sequences.c: recurrent layers, attention and transformers at the edges of their domains;
 * tests/autograd/edges.h says what is required of the rows. */
#include "tests/check.h"
#include "tests/nn/edge_tables.h"

static void test_cases(void **state)
{
    (void)state;
    check_edge_cases(sequence_cases);
}

static bool has_row(const char *name)
{
    return edge_has_row(name, NULL, NULL, sequence_cases);
}

static void test_every_layer_has_a_row(void **state)
{
    (void)state;
    check_edge_section("nn/layers.h", "Recurrent layers", has_row);
    check_edge_section("nn/layers.h", "Attention and transformers", has_row);
}

static int free_all(void **state)
{
    (void)state;
    free_sequences();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_every_layer_has_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, free_all);
}
