/* tests/golden/test_nn_driver.c: the program that runs PyTorch's numbers of nn must detect errors. Runs it on hand-written cases. */
#define _XOPEN_SOURCE 700
#include "tests/golden/driver.h"

#include <math.h>

#include "tests/golden/nn.h"

/* One step of SGD with rate 0.5 from 1 and 2, with gradients 2 and 4. */
static double start[] = { 1, 2 }, gradient[] = { 2, 4 }, rate[] = { 0.5 };

#define SGD "{\"class\":\"SGD\",\"args\":{\"lr\":0.5},\"steps\":1,\"params\":1,\"state\":{\"0\":[]}}"

static void write_sgd(const char *path, const char *json, double *after)
{
    static bool            have[] = { true };
    const tap_metadata     metadata = { "c0", json };
    const tap_named_tensor tensors[] = {
        { "c0/start/0", tap_tensor_wrap(TAP_F64, TAP_SHAPE(2), start) },
        { "c0/grad/0", tap_tensor_wrap(TAP_F64, TAP_SHAPE(1, 2), gradient) },
        { "c0/have_grad", tap_tensor_wrap(TAP_BOOL, TAP_SHAPE(1, 1), have) },
        { "c0/lr", tap_tensor_wrap(TAP_F64, TAP_SHAPE(1, 1), rate) },
        { "c0/value/0", tap_tensor_wrap(TAP_F64, TAP_SHAPE(1, 2), after) },
    };
    assert_int_equal(tap_safetensors_write(path, after ? 5 : 4, tensors, 1, &metadata, NULL), TAP_OK);
}

static int run(FILE *out)
{
    return nn_run(out, "s");
}

static void expect_report(int failures, const char *report)
{
    expect_report_of(run, failures, report);
}

static void test_values(void **state)
{
    double right[] = { 0, 0 }, almost[] = { 0, 9e-10 }, wrong[] = { 0, 1.1e-9 };
    (void)state;
    write_sgd("s/SGD.safetensors", SGD, right);
    expect_report(0, "SGD 1/1\n1 passed, 0 failed, 0 skipped\n");
    write_sgd("s/SGD.safetensors", SGD, almost);
    assert_int_equal(mkdir("s/optimizer", 0777), 0);
    write_sgd("s/optimizer/x.safetensors", SGD, wrong);
    expect_report(1, "SGD 1/1\noptimizer/x 0/1\n  c0: value/0 after step 0[1] is 0, expected 1.0999999999999999e-09 (1 of 2 "
                     "elements differ)\n1 passed, 1 failed, 0 skipped\n");
}

static void test_bad_cases(void **state)
{
    static const struct {
        const char *json, *message;
    } bad[] = {
        { "{\"class\":\"SDG\",\"steps\":1,\"params\":1}", "there is no optimizer 'SDG'" },
        { "{\"class\":\"SGD\",\"steps\":1,\"params\":9999}", "needs 1 to 16 params" },
        { "{\"class\":\"SGD\",\"args\":{\"lr\":0.5,\"mass\":1},\"steps\":1,\"params\":1}",
          "optim_set: sgd has no option mass" },
        { "{\"class\":\"SGD\",\"args\":{\"lr\":\"x\"},\"steps\":1,\"params\":1}",
          "optim_set: lr must be a finite number, at least 0, not nan" },
        { "{\"class\":\"SGD\",\"args\":{\"lr\":0.25},\"steps\":1,\"params\":1}",
          "lr of group 0 in step 0 is 0.25, expected 0.5 (1 of 1 elements differ)" },
        { "{\"class\":\"SGD\",\"args\":{\"lr\":0.5},\"steps\":1,\"params\":1,\"state\":{\"0\":[\"x\"]}}",
          "there is no tensor 'c0/state/0/x'" },
        { "{}", "not a case of a kind known to this program" },
        { "nonsense", "not a case of a kind known to this program" },
        { "{\"function\":\"fill_\",\"shape\":[2]}", "there is no initializer 'fill_'" },
        { "{\"class\":\"NoLR\",\"base_lr\":[0.1],\"optimizer\":\"SGD\",\"steps\":1}", "there is no schedule 'NoLR'" },
        { "{\"class\":\"StepLR\",\"args\":{},\"base_lr\":[0.1],\"optimizer\":\"SGD\",\"steps\":1}",
          "step_lr: step_size must be a finite number of at least 1, not 0" },
    };
    double after[] = { 0, 0 };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char report[400];
        snprintf(report, sizeof report, "x 0/1\n  c0: %s\n0 passed, 1 failed, 0 skipped\n", bad[i].message);
        write_sgd("s/x.safetensors", bad[i].json, after);
        expect_report(1, report);
    }
    write_sgd("s/x.safetensors", SGD, NULL);
    expect_report(1, "x 0/1\n  c0: there is no tensor 'c0/value/0'\n0 passed, 1 failed, 0 skipped\n");
}

static void test_what_is_not_run(void **state)
{
    double after[] = { 0, 0 };
    (void)state;
    write_sgd("s/x.safetensors", "{\"p\":{},\"q\":{}}", after);
    expect_report(-1, "s: no cases to run\nnot run: 1 cases of kl\n");
    expect_report(-1, "s: no cases to run\n");
    scratch_write("s/x.safetensors", "garbage", 7);
    expect_report(1, "x 0/1\n  s/x.safetensors: truncated: ends within the header's length\n0 passed, 1 failed, 0 skipped\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_values, driver_enter, scratch_leave),
        cmocka_unit_test_setup_teardown(test_bad_cases, driver_enter, scratch_leave),
        cmocka_unit_test_setup_teardown(test_what_is_not_run, driver_enter, scratch_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
