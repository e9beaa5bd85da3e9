/* tests/golden/test_driver.c: the program that runs PyTorch's samples must detect errors. Runs it on hand-written samples. */
#define _XOPEN_SOURCE 700
#include "tests/golden/driver.h"

#include <math.h>

#include "tests/golden/opinfo.h"

static double one_to_six[] = { 1, 2, 3, 4, 5, 6 }, column_sums[] = { 5, 7, 9 }, cotangent[] = { 1, 10, 100 };
static double gradient[] = { 1, 10, 100, 1, 10, 100 };

/* Writes a file of one case, with the input in0 = 1..6 and the expected results. */
static void write_samples(const char *operator_name, const char *sample, double *out, double *grad)
{
    char                   path[64];
    const tap_metadata     metadata = { "c0", sample };
    const tap_named_tensor tensors[] = {
        { "c0/in0", tap_tensor_wrap(TAP_F64, TAP_SHAPE(6), one_to_six) },
        { "c0/out0", tap_tensor_wrap(TAP_F64, TAP_SHAPE(3), out) },
        { "c0/cot0", tap_tensor_wrap(TAP_F64, TAP_SHAPE(3), cotangent) },
        { "c0/grad0", tap_tensor_wrap(TAP_F64, TAP_SHAPE(2, 3), grad) },
    };
    snprintf(path, sizeof path, "s/%s.safetensors", operator_name);
    assert_int_equal(tap_safetensors_write(path, 4, tensors, 1, &metadata, NULL), TAP_OK);
}

#define ARGUMENT(shape, strides, offset) \
    "{\"tensor\":\"c0/in0\",\"shape\":" shape ",\"strides\":" strides ",\"offset\":" offset "}"
#define SAMPLE(op, args, kwargs) "{\"op\":\"" op "\",\"args\":[" args "],\"kwargs\":{" kwargs "}}"
#define X                        ARGUMENT("[2,3]", "[3,1]", "0")

static int run(FILE *out)
{
    return opinfo_run(out, "s", 0, NULL);
}

static void expect_report(int failures, const char *report)
{
    expect_report_of(run, failures, report);
}

static void test_correct_samples_pass(void **state)
{
    (void)state;
    write_samples("sum", SAMPLE("sum", X ",0", ""), column_sums, gradient);
    expect_report(0, "sum 1/1\n1 passed, 0 failed, 0 skipped\n");
    write_samples("sum", SAMPLE("sum", X, "\"keepdim\":false,\"dim\":[0]"), column_sums, gradient);
    expect_report(0, "sum 1/1\n1 passed, 0 failed, 0 skipped\n");
}

static void test_wrong_values_fail(void **state)
{
    double almost[] = { 5, 7 + 7.1e-7, 9 }, enough[] = { 5, 7 + 6.9e-7, 9 }, bent[] = { 1, 10, 100, 1, 10, (double)NAN };
    (void)state;
    write_samples("sum", SAMPLE("sum", X ",0", ""), enough, gradient);
    expect_report(0, "sum 1/1\n1 passed, 0 failed, 0 skipped\n");
    write_samples("sum", SAMPLE("sum", X ",0", ""), almost, gradient);
    expect_report(1, "sum 0/1\n  c0 (float64[2,3], 0): out0[1] is 7, expected 7.0000007100000001 (1 of 3 elements differ)\n"
                     "0 passed, 1 failed, 0 skipped\n");
    write_samples("sum", SAMPLE("sum", X ",0", ""), column_sums, bent);
    expect_report(1, "sum 0/1\n  c0 (float64[2,3], 0): grad0[1,2] is 100, expected nan (1 of 6 elements differ)\n"
                     "0 passed, 1 failed, 0 skipped\n");
    write_samples("mean", SAMPLE("mean", X ",1", ""), column_sums, gradient);
    expect_report(1, "mean 0/1\n  c0 (float64[2,3], 1): out0 is float[2], expected float[3]\n0 passed, 1 failed, 0 skipped\n");
    write_samples("eq", SAMPLE("eq", X ",1", ""), column_sums, gradient);
    expect_report(1, "eq 0/1\n  c0 (float64[2,3], 1): out0 is bool[2,3], expected float[3]\n0 passed, 1 failed, 0 skipped\n");
}

static void test_views_of_storage(void **state)
{
    static const char *const outside[] = {
        SAMPLE("sum", ARGUMENT("[2,3]", "[3,1]", "1"), ""),
        SAMPLE("sum", ARGUMENT("[2,3]", "[9000000000000000,1]", "0"), ""),
        SAMPLE("sum", ARGUMENT("[2,3]", "[-3,1]", "0"), ""),
        SAMPLE("sum", ARGUMENT("[2,3]", "[3,1]", "-1"), ""),
    };
    (void)state;
    write_samples("sum", SAMPLE("sum", ARGUMENT("[3,2]", "[1,3]", "0") ",1", ""), column_sums, gradient);
    expect_report(1,
                  "sum 0/1\n  c0 (float64[3,2], 1): grad0 is float[3,2], expected float[2,3]\n0 passed, 1 failed, 0 skipped\n");
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        write_samples("sum", outside[i], column_sums, gradient);
        expect_report(1, "sum 0/1\n  c0 (float64[2,3]): tensor 'c0/in0' is no view within its storage\n"
                         "0 passed, 1 failed, 0 skipped\n");
    }
    write_samples("sum", SAMPLE("sum", ARGUMENT("[2,3]", "[3]", "0") ",0", ""), column_sums, gradient);
    expect_report(1, "sum 0/1\n  c0 (float64[2,3], 0): tensor 'c0/in0' needs a shape and as many strides, at most 8\n"
                     "0 passed, 1 failed, 0 skipped\n");
}

static void test_invalid_samples_are_reported(void **state)
{
    static const struct {
        const char *sample, *mismatch;
    } bad[] = {
        { "nonsense", "(): not a JSON object" },
        { "[]", "(): not a JSON object" },
        { "{}", "(): is a sample of ''" },
        { SAMPLE("prod", X, ""), "(float64[2,3]): is a sample of 'prod'" },
        { "{\"op\":\"sum\",\"args\":{}}", "(): needs a list of args and an object of kwargs" },
        { SAMPLE("sum", "", ""), "(): lacks the argument 'input'" },
        { SAMPLE("sum", "0", ""), "(0): the argument 'input' is not a tensor" },
        { SAMPLE("sum", X ",1.5", ""), "(float64[2,3], 1.5): the argument 'dim' is not an integer" },
        { SAMPLE("sum", X ",1e300", ""), "(float64[2,3], 1e+300): the argument 'dim' is not an integer" },
        { SAMPLE("sum", X ",4294967296", ""), "(float64[2,3], 4294967296): the argument 'dim' is not a list of ints" },
        { SAMPLE("sum", X ",[\"a\"]", ""), "(float64[2,3], [\"a\"]): the argument 'dim' is not a list of a few integers" },
        { SAMPLE("sum", X ",0,1", ""), "(float64[2,3], 0, 1): the argument 'keepdim' is not true or false" },
        { SAMPLE("sum", X ",0,false,3,4", ""), "(float64[2,3], 0, false, 3, 4): more than 4 arguments (input, dim=null, "
                                               "keepdim=false, dtype=null)" },
        { SAMPLE("sum", X, "\"axis\":0"), "(float64[2,3], axis=0): there is no parameter 'axis' (input, dim=null, "
                                          "keepdim=false, dtype=null)" },
        { SAMPLE("sum", "{\"tensor\":\"c0/in1\"}", ""), "(tensor?): the file has no tensor 'c0/in1'" },
        { SAMPLE("sum", "{\"tensor\":7}", ""), "(tensor?): the file has no tensor ''" },
        { SAMPLE("sum", X ",{\"float\":\"nan\"}", ""), "(float64[2,3], nan): the argument 'dim' is not an integer" },
        { SAMPLE("sum", X ",7", ""), "(float64[2,3], 7): sum: [2,3]: axis 7 is out of range for rank 2" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char report[512];
        write_samples("sum", bad[i].sample, column_sums, gradient);
        snprintf(report, sizeof report, "sum 0/1\n  c0 %s\n0 passed, 1 failed, 0 skipped\n", bad[i].mismatch);
        expect_report(1, report);
    }
}

static void test_unknown_operators_and_bad_files(void **state)
{
    (void)state;
    write_samples("kron", SAMPLE("kron", X, ""), column_sums, gradient);
    write_samples("nonesuch", SAMPLE("nonesuch", X, ""), column_sums, gradient);
    scratch_write("s/cos.safetensors", "half", 4);
    scratch_write("s/notes.txt", "", 0);
    assert_int_equal(tap_safetensors_write("s/sin.safetensors", 0, NULL, 0, NULL, NULL), TAP_OK);
    expect_report(3, "cos 0/1\n  s/cos.safetensors: truncated: ends within the header's length\n"
                     "kron 0/0, 1 skipped\n"
                     "nonesuch 0/1\n  not known to this program\n"
                     "sin 0/1\n  has no samples\n"
                     "0 passed, 3 failed, 1 skipped\n"
                     "kron: not supported\n");
    expect_report(-1, "s: no samples, *.safetensors\n");
    assert_int_equal(rmdir("s"), 0);
    char  *text = NULL;
    size_t size;
    FILE  *out = open_memstream(&text, &size);
    assert_int_equal(opinfo_run(out, "s", 0, NULL), -1);
    fclose(out);
    assert_string_equal(text, "s: cannot read: No such file or directory\n");
    free(text);
    assert_int_equal(mkdir("s", 0777), 0);
}

/* The tolerance for float32 separates accurate from inaccurate results. */
static void test_float32_tolerance(void **state)
{
    double     y[] = { 1, 1000, 0 }, moved[] = { 1, 1000 + 1e-5, 0 };
    float      accurate[] = { 1, 1000.0001f, 1e-4f }, inaccurate[] = { 1, 1000.01f, 0 };
    tap_tensor exact = tap_tensor_wrap(TAP_F64, TAP_SHAPE(3), y), rounded = tap_tensor_wrap(TAP_F64, TAP_SHAPE(3), moved);
    tolerance  t = opinfo_single(exact, rounded);
    (void)state;
    assert_true(opinfo_compare(NULL, "y", tap_tensor_wrap(TAP_F32, TAP_SHAPE(3), accurate), exact, t));
    assert_false(opinfo_compare(NULL, "y", tap_tensor_wrap(TAP_F32, TAP_SHAPE(3), inaccurate), exact, t));
}

int main(void)
{
    /* clang-format off */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_correct_samples_pass),
        cmocka_unit_test(test_wrong_values_fail),
        cmocka_unit_test(test_views_of_storage),
        cmocka_unit_test(test_invalid_samples_are_reported),
        cmocka_unit_test(test_unknown_operators_and_bad_files),
        cmocka_unit_test(test_float32_tolerance),
    };
    /* clang-format on */
    return cmocka_run_group_tests(tests, driver_enter, scratch_leave);
}
