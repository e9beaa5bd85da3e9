/* Tensors as text: what PyTorch prints for the same numbers. */
#define _XOPEN_SOURCE 700
#include <limits.h>
#include <locale.h>
#include <math.h>

#include "scratch.h"
#include "tensor/tensor.h"

static void assert_printed(tap_tensor x, const char *expected)
{
    FILE *f = fopen("printed", "w");
    assert_non_null(f);
    tap_fprint(f, x);
    fclose(f);
    scratch_expect("printed", expected);
}

#define ARRAY(T, ...)       ((void *)(T[]){ __VA_ARGS__ })
#define FLOATS(shape, ...)  tap_tensor_wrap(TAP_F32, shape, ARRAY(float, __VA_ARGS__))
#define DOUBLES(shape, ...) tap_tensor_wrap(TAP_F64, shape, ARRAY(double, __VA_ARGS__))
#define INTS(shape, ...)    tap_tensor_wrap(TAP_I64, shape, ARRAY(int64_t, __VA_ARGS__))

static void test_numbers(void **state)
{
    (void)state;
    const float nan = NAN, inf = INFINITY;
    assert_printed(FLOATS(TAP_SCALAR, 3), "tensor(3.)\n");
    assert_printed(FLOATS(TAP_SCALAR, 3.14159265f), "tensor(3.1416)\n");
    assert_printed(FLOATS(TAP_SHAPE(3), 1, -2, 300), "tensor([  1.,  -2., 300.])\n");
    assert_printed(FLOATS(TAP_SHAPE(3), 1, 0.5f, -100), "tensor([   1.0000,    0.5000, -100.0000])\n");
    assert_printed(FLOATS(TAP_SHAPE(2), 0, -0.0f), "tensor([0., -0.])\n");
    assert_printed(FLOATS(TAP_SHAPE(4), 1, nan, inf, -inf), "tensor([1., nan, inf, -inf])\n");
    assert_printed(FLOATS(TAP_SHAPE(3), 0.25f, nan, -inf), "tensor([0.2500,    nan,   -inf])\n");
    assert_printed(FLOATS(TAP_SHAPE(2), nan, -nan), "tensor([nan, nan])\n");
    assert_printed(DOUBLES(TAP_SHAPE(2), 0.1, 2), "tensor([0.1000, 2.0000], dtype=float64)\n");
}

/* The largest by the smallest above 1000, the largest above 1e8, or the smallest below 1e-4. */
static void test_exponents(void **state)
{
    (void)state;
    const double inf = HUGE_VAL;
    assert_printed(FLOATS(TAP_SHAPE(2), 1, 1000), "tensor([   1., 1000.])\n");
    assert_printed(FLOATS(TAP_SHAPE(2), 1, 1001), "tensor([1.0000e+00, 1.0010e+03])\n");
    assert_printed(FLOATS(TAP_SHAPE(2), 0.5f, 500), "tensor([  0.5000, 500.0000])\n");
    assert_printed(FLOATS(TAP_SHAPE(3), 0.5f, 501, 0), "tensor([5.0000e-01, 5.0100e+02, 0.0000e+00])\n");
    assert_printed(FLOATS(TAP_SHAPE(1), 1e8f), "tensor([100000000.])\n");
    assert_printed(FLOATS(TAP_SHAPE(1), -1.00000008e8f), "tensor([-1.0000e+08])\n");
    assert_printed(DOUBLES(TAP_SHAPE(1), 1e-4), "tensor([0.0001], dtype=float64)\n");
    assert_printed(DOUBLES(TAP_SHAPE(2), 9.9e-5, -inf), "tensor([9.9000e-05,       -inf], dtype=float64)\n");
    assert_printed(DOUBLES(TAP_SHAPE(2), 1e300, 1e-300), "tensor([1.0000e+300, 1.0000e-300], dtype=float64)\n");
}

static void test_other_dtypes(void **state)
{
    (void)state;
    assert_printed(INTS(TAP_SHAPE(3), 1, -20, 300), "tensor([  1, -20, 300])\n");
    assert_printed(INTS(TAP_SHAPE(2), INT64_MIN, INT64_MAX), "tensor([-9223372036854775808,  9223372036854775807])\n");
    assert_printed(tap_tensor_wrap(TAP_U8, TAP_SHAPE(2), ARRAY(uint8_t, 0, 255)), "tensor([  0, 255], dtype=uint8)\n");
    assert_printed(tap_tensor_wrap(TAP_BOOL, TAP_SHAPE(2), ARRAY(uint8_t, 1, 0)), "tensor([ True, False])\n");
    assert_printed(tap_tensor_wrap(TAP_BOOL, TAP_SCALAR, ARRAY(uint8_t, 1)), "tensor(True)\n");
}

static void test_brackets(void **state)
{
    (void)state;
    assert_printed(FLOATS(TAP_SHAPE(2, 2), 1, 2, 3, 4), "tensor([[1., 2.],\n"
                                                        "        [3., 4.]])\n");
    assert_printed(DOUBLES(TAP_SHAPE(2, 2), 1, 2.5, 3, 4), "tensor([[1.0000, 2.5000],\n"
                                                           "        [3.0000, 4.0000]], dtype=float64)\n");
    assert_printed(INTS(TAP_SHAPE(2, 1, 2, 2), 1, 2, 3, 4, 5, 6, 7, 8), "tensor([[[[1, 2],\n"
                                                                        "          [3, 4]]],\n"
                                                                        "\n"
                                                                        "\n"
                                                                        "        [[[5, 6],\n"
                                                                        "          [7, 8]]]])\n");
}

/* 80 characters, of which 8 are "tensor([", hold 18 numbers of one digit and a point. */
static void test_long_rows(void **state)
{
    (void)state;
    float x[40];
    for (int i = 0; i < 40; i++) x[i] = (float)(i % 10);
    assert_printed(tap_tensor_wrap(TAP_F32, TAP_SHAPE(40), x),
                   "tensor([0., 1., 2., 3., 4., 5., 6., 7., 8., 9., 0., 1., 2., 3., 4., 5., 6., 7.,\n"
                   "        8., 9., 0., 1., 2., 3., 4., 5., 6., 7., 8., 9., 0., 1., 2., 3., 4., 5.,\n"
                   "        6., 7., 8., 9.])\n");
    assert_printed(tap_tensor_wrap(TAP_F32, TAP_SHAPE(2, 19), x),
                   "tensor([[0., 1., 2., 3., 4., 5., 6., 7., 8., 9., 0., 1., 2., 3., 4., 5., 6., 7.,\n"
                   "         8.],\n"
                   "        [9., 0., 1., 2., 3., 4., 5., 6., 7., 8., 9., 0., 1., 2., 3., 4., 5., 6.,\n"
                   "         7.]])\n");
}

/* More than 1000 elements: the first and last three of each axis longer than six, whose numbers alone decide how all are written. */
static void test_edges(void **state)
{
    (void)state;
    tap_arena *a = tap_arena_new();
    tap_tensor x = tap_tensor_zeros(a, TAP_F32, TAP_SHAPE(1001)), y = tap_tensor_zeros(a, TAP_I64, TAP_SHAPE(2, 20, 30));
    tap_tensor_set_item(x, 500, 0.1);
    tap_tensor_set_item(x, 998, 12);
    assert_printed(x, "tensor([ 0.,  0.,  0.,  ..., 12.,  0.,  0.])\n");
    assert_printed(tap_tensor_slice(a, x, 0, 497, 505, 1),
                   "tensor([0.0000, 0.0000, 0.0000, 0.1000, 0.0000, 0.0000, 0.0000, 0.0000])\n");
    for (int i = 0; i < 1200; i++) tap_tensor_set_item(y, i, i);
    assert_printed(y, "tensor([[[   0,    1,    2,  ...,   27,   28,   29],\n"
                      "         [  30,   31,   32,  ...,   57,   58,   59],\n"
                      "         [  60,   61,   62,  ...,   87,   88,   89],\n"
                      "         ...,\n"
                      "         [ 510,  511,  512,  ...,  537,  538,  539],\n"
                      "         [ 540,  541,  542,  ...,  567,  568,  569],\n"
                      "         [ 570,  571,  572,  ...,  597,  598,  599]],\n"
                      "\n"
                      "        [[ 600,  601,  602,  ...,  627,  628,  629],\n"
                      "         [ 630,  631,  632,  ...,  657,  658,  659],\n"
                      "         [ 660,  661,  662,  ...,  687,  688,  689],\n"
                      "         ...,\n"
                      "         [1110, 1111, 1112,  ..., 1137, 1138, 1139],\n"
                      "         [1140, 1141, 1142,  ..., 1167, 1168, 1169],\n"
                      "         [1170, 1171, 1172,  ..., 1197, 1198, 1199]]])\n");
    assert_printed(tap_tensor_expand(a, tap_tensor_slice(a, x, 0, 998, 999, 1), TAP_SHAPE(1 << 20, 1 << 20)),
                   "tensor([[12., 12., 12.,  ..., 12., 12., 12.],\n"
                   "        [12., 12., 12.,  ..., 12., 12., 12.],\n"
                   "        [12., 12., 12.,  ..., 12., 12., 12.],\n"
                   "        ...,\n"
                   "        [12., 12., 12.,  ..., 12., 12., 12.],\n"
                   "        [12., 12., 12.,  ..., 12., 12., 12.],\n"
                   "        [12., 12., 12.,  ..., 12., 12., 12.]])\n");
    tap_arena_free(a);
}

static void test_views(void **state)
{
    (void)state;
    tap_arena *a = tap_arena_new();
    tap_tensor x = FLOATS(TAP_SHAPE(2, 3), 1, 2, 3, 4, 5, 6);
    assert_printed(tap_tensor_transpose(a, x, 0, 1), "tensor([[1., 4.],\n"
                                                     "        [2., 5.],\n"
                                                     "        [3., 6.]])\n");
    assert_printed(tap_tensor_slice(a, x, 1, -1, TAP_END, -2), "tensor([[3., 1.],\n"
                                                               "        [6., 4.]])\n");
    tap_arena_free(a);
}

static void test_empty(void **state)
{
    (void)state;
    float memory = 0;
    assert_printed(tap_tensor_wrap(TAP_F32, TAP_SHAPE(0), &memory), "tensor([])\n");
    assert_printed(tap_tensor_wrap(TAP_F32, TAP_SHAPE(0, 3), &memory), "tensor([], size=(0, 3))\n");
    assert_printed(tap_tensor_wrap(TAP_I64, TAP_SHAPE(0), &memory), "tensor([], dtype=int64)\n");
    assert_printed(tap_tensor_wrap(TAP_BOOL, TAP_SHAPE(2, 0, 1), &memory), "tensor([], size=(2, 0, 1), dtype=bool)\n");
}

/* What is behind the brackets goes to a line of its own where the line, not counting what is before them, would get too long. */
static void test_long_suffixes(void **state)
{
    (void)state;
    uint8_t hundreds[13], ones[22];
    memset(hundreds, 100, sizeof hundreds);
    memset(ones, 1, sizeof ones);
    assert_printed(tap_tensor_wrap(TAP_U8, TAP_SHAPE(13), hundreds),
                   "tensor([100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100], dtype=uint8)\n");
    assert_printed(tap_tensor_wrap(TAP_U8, TAP_SHAPE(22), ones),
                   "tensor([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],\n"
                   "       dtype=uint8)\n");
}

static void test_not_a_tensor(void **state)
{
    (void)state;
    float      memory = 1;
    tap_tensor x = tap_tensor_wrap(TAP_F32, TAP_SHAPE(1), &memory), bad = x, none = x;
    bad.shape.n[0] = -2;
    none.dtype = (tap_dtype)99;
    assert_printed((tap_tensor){ 0 }, "inert tensor\n");
    assert_printed(bad, "invalid tensor (float32, [-2])\n");
    assert_printed(none, "invalid tensor (unknown dtype, [1])\n");
    tap_fprint(NULL, x);
}

/* What tap_print writes comes to stdout. */
static void test_stdout(void **state)
{
    (void)state;
    fflush(stdout);
    const int kept = dup(STDOUT_FILENO);
    FILE     *f = fopen("stdout", "w");
    assert_non_null(f);
    assert_true(kept >= 0 && dup2(fileno(f), STDOUT_FILENO) >= 0);
    tap_print(FLOATS(TAP_SHAPE(2), 1, 2));
    fflush(stdout);
    assert_true(dup2(kept, STDOUT_FILENO) >= 0);
    close(kept);
    fclose(f);
    scratch_expect("stdout", "tensor([1., 2.])\n");
}

/* Where the decimal point is another character, or two bytes. */
static void test_locales(void **state)
{
    (void)state;
    static const char *const names[] = { "de_DE", "ps_AF" };
    char                     command[96], name[32];
    int                      tried = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(name, sizeof name, "%s.UTF-8", names[i]);
        snprintf(command, sizeof command, "localedef -i %s -f UTF-8 ./%s >locale.log 2>&1", names[i], name);
        if (system(command) != 0) print_message("%s: localedef cannot make this locale\n", name);
        setenv("LOCPATH", scratch_folder, 1);
        if (!setlocale(LC_ALL, name) || !strcmp(localeconv()->decimal_point, ".")) continue;
        assert_printed(FLOATS(TAP_SHAPE(2), 1.5f, -2), "tensor([ 1.5000, -2.0000])\n");
        assert_printed(FLOATS(TAP_SHAPE(2), 1, 2), "tensor([1., 2.])\n");
        assert_printed(FLOATS(TAP_SHAPE(1), 1e-5f), "tensor([1.0000e-05])\n");
        setlocale(LC_ALL, "C");
        tried++;
    }
    if (!tried) skip();
}

int main(void)
{
    /* clang-format off */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),   cmocka_unit_test(test_exponents),     cmocka_unit_test(test_other_dtypes),
        cmocka_unit_test(test_brackets),  cmocka_unit_test(test_long_rows),     cmocka_unit_test(test_edges),
        cmocka_unit_test(test_views),     cmocka_unit_test(test_empty),         cmocka_unit_test(test_long_suffixes),
        cmocka_unit_test(test_stdout),    cmocka_unit_test(test_not_a_tensor),  cmocka_unit_test(test_locales),
    };
    /* clang-format on */
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
