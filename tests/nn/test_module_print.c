/* tests/nn/test_module_print.c: modules as text: the tree, shapes and counts, also of a failed root. */
#define _XOPEN_SOURCE 700
#include "nn/nn.h"
#include "tests/tensor/scratch.h"

static void assert_printed(const tap_module *m, const char *expected)
{
    FILE *f = fopen("printed", "w");
    assert_non_null(f);
    tap_module_fprint(f, m);
    fclose(f);
    scratch_expect("printed", expected);
}

static void test_tree(void **state)
{
    (void)state;
    tap_module *root = tap_module_new(TAP_F32, 0), *enc = tap_module_child(root, "encoder");
    tap_linear  l;
    tap_mlp     mlp;
    tap_mlp_init(&mlp, enc, "mlp", 3, (int64_t[]){ 784, 400, 20 }, tap_tanh);
    tap_param_new(root, "log_sigma", TAP_SCALAR, tap_init_zeros());
    tap_module *empty = tap_module_child(root, "empty");
    tap_linear_init(&l, enc, "loc", 20, 1);
    tap_param_new(root, "none", TAP_SHAPE(0, 3), tap_init_zeros());
    tap_module_child(root, "last");
    assert_printed(root, "module                     322,042\n"
                         "  log_sigma     []               1\n"
                         "  none          [0,3]            0\n"
                         "  encoder                  322,041\n"
                         "    mlp                    322,020\n"
                         "      0                    314,000\n"
                         "        weight  [400,784]  313,600\n"
                         "        bias    [400]          400\n"
                         "      1                      8,020\n"
                         "        weight  [20,400]     8,000\n"
                         "        bias    [20]            20\n"
                         "    loc                         21\n"
                         "      weight    [1,20]          20\n"
                         "      bias      [1]              1\n"
                         "  empty                          0\n"
                         "  last                           0\n"
                         "total: 322,042 parameters, float32\n");
    assert_printed(tap_module_child(enc, "later"), "encoder.later    0\n"
                                                   "total: 0 parameters, float32\n");
    assert_printed(empty, "empty    0\n"
                          "total: 0 parameters, float32\n");
    tap_module_free(root);
}

/* A module that is not the root, by its path. */
static void test_printing_a_child(void **state)
{
    (void)state;
    tap_module *root = tap_module_new(TAP_F64, 0), *a = tap_module_child(root, "a"), *b = tap_module_child(a, "b");
    tap_param_new(b, "x", TAP_SHAPE(1000, 1000), tap_init_zeros());
    tap_param_new(root, "y", TAP_SHAPE(2), tap_init_zeros());
    assert_printed(b, "a.b               1,000,000\n"
                      "  x  [1000,1000]  1,000,000\n"
                      "total: 1,000,000 parameters, float64\n");
    assert_printed(root, "module                1,000,002\n"
                         "  y      [2]                  2\n"
                         "  a                   1,000,000\n"
                         "    b                 1,000,000\n"
                         "      x  [1000,1000]  1,000,000\n"
                         "total: 1,000,002 parameters, float64\n");
    tap_module_free(root);
}

static void test_printing_a_failed_root(void **state)
{
    (void)state;
    tap_module *root = tap_module_new(TAP_F32, 0), *wrong = tap_module_new(TAP_I64, 0);
    assert_printed(NULL, "failed module (TAP_EARG: module: NULL)\n");
    assert_printed(wrong, "failed module (TAP_EDTYPE: module: parameters are float32 or float64, not int64)\n");
    tap_param_new(root, "x", TAP_SHAPE(3), tap_init_zeros());
    tap_param_new(root, "x", TAP_SHAPE(3), tap_init_zeros());
    assert_printed(root, "failed module (TAP_EARG: x: the name is in use already)\n"
                         "module       3\n"
                         "  x     [3]  3\n"
                         "total: 3 parameters, float32\n");
    tap_module_fprint(NULL, root);
    tap_module_free(root);
    tap_module_free(wrong);
}

/* What tap_module_print writes comes to stdout. */
static void test_stdout(void **state)
{
    (void)state;
    tap_module *root = tap_module_new(TAP_F32, 0);
    fflush(stdout);
    const int kept = dup(STDOUT_FILENO);
    FILE     *f = fopen("stdout", "w");
    assert_non_null(f);
    assert_true(kept >= 0 && dup2(fileno(f), STDOUT_FILENO) >= 0);
    tap_module_print(root);
    fflush(stdout);
    assert_true(dup2(kept, STDOUT_FILENO) >= 0);
    close(kept);
    fclose(f);
    scratch_expect("stdout", "module    0\ntotal: 0 parameters, float32\n");
    tap_module_free(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree),
        cmocka_unit_test(test_printing_a_child),
        cmocka_unit_test(test_printing_a_failed_root),
        cmocka_unit_test(test_stdout),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
