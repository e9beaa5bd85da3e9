/* tests/nn/test_edges_layers.c: layers at the edges of their domains; tests/autograd/edges.h says what is required of the
 * rows. */
#include "tests/check.h"
#include "tests/nn/edge_tables.h"

tap_module *layers_root(void)
{
    static tap_module *root;
    if (!root) root = tap_module_new(TAP_F64, 0);
    return root;
}

static void test_layers(void **state)
{
    (void)state;
    check_edge_cases(layer_cases);
}

static void test_layers_of_sequences(void **state)
{
    (void)state;
    check_edge_cases(sequence_cases);
}

static bool has_row(const char *name)
{
    return edge_has_row(name, NULL, NULL, layer_cases) || edge_has_row(name, NULL, NULL, sequence_cases);
}

static void test_every_layer_has_a_row(void **state)
{
    (void)state;
    check_edge_section("nn/layers.h", "", has_row); /* all sections */
}

static int free_all(void **state)
{
    (void)state;
    tap_module_free(layers_root());
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layers),
        cmocka_unit_test(test_layers_of_sequences),
        cmocka_unit_test(test_every_layer_has_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, free_all);
}
