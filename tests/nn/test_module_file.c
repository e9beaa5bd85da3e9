/* tests/nn/test_module_file.c: saving and loading of modules: a round trip restores all values, and a file that does not fit
 * changes none. */
#define _XOPEN_SOURCE 700
#include "nn/nn.h"
#include "tests/tensor/scratch.h"

static const char file[] = "model.safetensors";

/* Fails if a temporary file was left behind. */
static int leave(void **state)
{
    unlink(file);
    const int left = scratch_count();
    return scratch_leave(state) == 0 && left == 0 ? 0 : -1;
}

static tap_module *model(tap_dtype dtype, uint64_t seed)
{
    tap_module *root = tap_module_new(dtype, seed);
    tap_linear  l;
    tap_linear_init(&l, tap_module_child(root, "enc"), "0", 3, 2);
    tap_param_new(root, "log_sigma", TAP_SCALAR, tap_init_normal(1));
    assert_int_equal(tap_module_status(root, NULL), TAP_OK);
    return root;
}

static void assert_same_values(const tap_module *a, const tap_module *b, double tolerance)
{
    tap_param *p = tap_module_next(a, NULL), *q = tap_module_next(b, NULL);
    for (; p && q; p = tap_module_next(a, p), q = tap_module_next(b, q)) {
        for (int64_t i = 0; i < tap_tensor_numel(tap_param_value(p)); i++) {
            double d = tap_tensor_item(tap_param_value(p), i) - tap_tensor_item(tap_param_value(q), i);
            assert_true(d <= tolerance && d >= -tolerance);
        }
    }
    assert_true(!p && !q);
}

static void test_round_trip(void **state)
{
    (void)state;
    tap_error          e = { 0 };
    const tap_metadata metadata[] = { { "seed", "1" }, { "note", "a \"quoted\" one" } };
    tap_module        *a = model(TAP_F64, 1), *b = model(TAP_F64, 2);
    assert_int_equal(tap_module_save(a, file, 2, metadata, &e), TAP_OK);
    assert_int_equal(tap_module_load(b, file, &e), TAP_OK);
    assert_same_values(a, b, 0);
    assert_int_equal(tap_module_status(b, NULL), TAP_OK);

    tap_arena      *arena = tap_arena_new();
    tap_safetensors s = tap_safetensors_read(arena, file);
    assert_int_equal(s.n, 3);
    assert_string_equal(tap_safetensors_metadata(&s, "note"), "a \"quoted\" one");
    assert_true(tap_shape_equal(tap_safetensors_find(&s, "enc.0.weight")->shape, TAP_SHAPE(2, 3)));
    assert_int_equal(tap_safetensors_find(&s, "log_sigma")->dtype, TAP_F64);
    tap_arena_free(arena);
    tap_module_free(a);
    tap_module_free(b);
}

static void test_float32_and_float64_convert(void **state)
{
    (void)state;
    tap_error   e = { 0 };
    tap_module *narrow = model(TAP_F32, 1), *wide = model(TAP_F64, 2), *again = model(TAP_F32, 3);
    assert_int_equal(tap_module_save(narrow, file, 0, NULL, &e), TAP_OK);
    assert_int_equal(tap_module_load(wide, file, &e), TAP_OK);
    assert_same_values(narrow, wide, 0);
    assert_int_equal(tap_module_save(wide, file, 0, NULL, &e), TAP_OK);
    assert_int_equal(tap_module_load(again, file, &e), TAP_OK);
    assert_same_values(narrow, again, 0);
    tap_module_free(narrow);
    tap_module_free(wide);
    tap_module_free(again);
}

/* A file as other programs write it: the weight in float16, the bias in bfloat16, log_sigma in float64. */
static void test_half_precision_converts(void **state)
{
    const char header[] = "{\"enc.0.weight\":{\"dtype\":\"F16\",\"shape\":[2,3],\"data_offsets\":[0,12]},"
                          "\"enc.0.bias\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[12,16]},"
                          "\"log_sigma\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[16,24]}}";
    const char data[24] = {
        0, 0x3c, 0, 0x40, 0, 0x44, 1, 0, 0, (char)0xbc, 0x55, 0x35, (char)0x80, 0x3f, (char)0xab, (char)0xc2
    };
    const double weight[] = { 1, 2, 4, 0x1p-24, -1, 0x1.554p-2 };
    (void)state;
    FILE *f = fopen(file, "wb");
    assert_non_null(f);
    fwrite((unsigned char[8]){ sizeof header - 1 }, 1, 8, f);
    fwrite(header, 1, sizeof header - 1, f);
    fwrite(data, 1, sizeof data, f);
    assert_int_equal(fclose(f), 0);
    for (int wide = 0; wide < 2; wide++) {
        tap_error   e = { 0 };
        tap_module *m = model(wide ? TAP_F64 : TAP_F32, 1);
        assert_int_equal(tap_module_load(m, file, &e), TAP_OK);
        for (int i = 0; i < 6; i++) assert_true(param_item(tap_module_param(m, "enc.0.weight"), i) == weight[i]);
        assert_true(param_item(tap_module_param(m, "enc.0.bias"), 1) == -85.5);
        tap_module_free(m);
    }
}

/* The same state as PyTorch saves it, in its old format: the weight is a transposed view in float16. */
#define STORAGE(type, key, numel)      "(U\7storagectorch\n" type "Storage\nU\1" key "U\3cpuK" numel "tQ"
#define REBUILT(storage, size, stride) "ctorch._utils\n_rebuild_tensor_v2\n(" storage "K\0" size stride "\x89}tR"
static const char state_dict[] =
    "\x80\2\x8a\nl\xfc\x9c"
    "F\xf9 j\xa8P\x19.\x80\2M\xe9\3.\x80\2}."
    "\x80\2}(U\14enc.0.weight" REBUILT(STORAGE("Half", "0", "\6"), "K\2K\3\x86", "K\1K\2\x86") "U\12enc.0.bias" REBUILT(
        STORAGE("Float", "1", "\2"), "K\2\x85",
        "K\1\x85") "U\11log_sigma" REBUILT(STORAGE("Double", "2", "\1"), ")",
                                           ")") "u."
                                                "](U\1"
                                                "0U\1"
                                                "1U\1"
                                                "2e."
                                                "\6\0\0\0\0\0\0\0\0\x3c\1\0\0\x40\0\xbc\0\x44\x55\x35"
                                                "\2\0\0\0\0\0\0\0\0\0\x80\x3f\0\0\xab\xc2"
                                                "\1\0\0\0\0\0\0\0\0\0\0\0\0\0\xe0\x3f";

static void test_state_dict_of_pytorch(void **state)
{
    const double weight[] = { 1, 2, 4, 0x1p-24, -1, 0x1.554p-2 };
    tap_error    e = { 0 };
    tap_module  *m = model(TAP_F64, 1);
    (void)state;
    FILE *f = fopen(file, "wb");
    assert_non_null(f);
    fwrite(state_dict, 1, sizeof state_dict - 1, f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(tap_module_load(m, file, &e), TAP_OK);
    for (int i = 0; i < 6; i++) assert_true(param_item(tap_module_param(m, "enc.0.weight"), i) == weight[i]);
    assert_true(param_item(tap_module_param(m, "enc.0.bias"), 1) == -85.5);
    assert_true(param_item(tap_module_param(m, "log_sigma"), 0) == 0.5);
    tap_module_free(m);
}

static void test_saving_a_part_of_a_module(void **state)
{
    (void)state;
    tap_error   e = { 0 };
    tap_module *root = tap_module_new(TAP_F64, 1), *part = tap_module_child(root, "part");
    tap_param  *in = tap_param_new(part, "in", TAP_SHAPE(2), tap_init_constant(1));
    tap_param  *out = tap_param_new(root, "out", TAP_SHAPE(2), tap_init_constant(2));
    assert_int_equal(tap_module_save(part, file, 0, NULL, &e), TAP_OK);
    tap_tensor_fill(tap_param_value(in), 5);
    tap_tensor_fill(tap_param_value(out), 5);
    assert_int_equal(tap_module_load(part, file, &e), TAP_OK);
    assert_true(tap_tensor_item(tap_param_value(in), 1) == 1);
    assert_true(tap_tensor_item(tap_param_value(out), 1) == 5);
    assert_int_equal(tap_module_load(root, file, &e), TAP_EIO);
    tap_module_free(root);
}

/* The file does not load into the model, the sentence ends as expected, and no parameter has changed. */
static void assert_refused(tap_status status, const char *ending)
{
    tap_error   e = { 0 };
    tap_module *m = model(TAP_F64, 1), *same = model(TAP_F64, 1);
    assert_int_equal(tap_module_load(m, file, &e), status);
    assert_int_equal(e.status, status);
    assert_non_null(strstr(e.message, file));
    size_t n = strlen(e.message), k = strlen(ending);
    if (n < k || strcmp(e.message + n - k, ending) != 0) fail_msg("'%s' does not end with '%s'", e.message, ending);
    assert_int_equal(tap_module_load(m, file, NULL), status);
    assert_same_values(m, same, 0);
    assert_int_equal(tap_module_status(m, NULL), TAP_OK);
    tap_module_free(m);
    tap_module_free(same);
}

static void write_file(int n, const tap_named_tensor *tensors)
{
    tap_error e = { 0 };
    assert_int_equal(tap_safetensors_write(file, n, tensors, 0, NULL, &e), TAP_OK);
}

static void test_files_that_do_not_fit(void **state)
{
    (void)state;
    double           data[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    int64_t          numbers[6] = { 1, 2, 3, 4, 5, 6 };
    tap_named_tensor good[] = {
        { "enc.0.weight", tap_tensor_wrap(TAP_F64, TAP_SHAPE(2, 3), data) },
        { "enc.0.bias", tap_tensor_wrap(TAP_F64, TAP_SHAPE(2), data) },
        { "log_sigma", tap_tensor_wrap(TAP_F64, TAP_SCALAR, data) },
        { "extra", tap_tensor_wrap(TAP_F64, TAP_SHAPE(1), data) },
        { "enc.0", tap_tensor_wrap(TAP_F64, TAP_SHAPE(1), data) },
        { "enc.0.weight.0", tap_tensor_wrap(TAP_F64, TAP_SHAPE(1), data) },
    };
    write_file(2, good);
    assert_refused(TAP_EIO, "does not fit the module: missing log_sigma");
    write_file(4, good);
    assert_refused(TAP_EIO, "does not fit the module: unexpected extra");
    write_file(6, good);
    assert_refused(TAP_EIO, " and 1 more");
    write_file(0, good);
    assert_refused(TAP_EIO, "missing enc.0.weight, enc.0.bias and 1 more");

    tap_named_tensor bad[] = { good[0], good[1], good[2] };
    bad[0].tensor.shape = TAP_SHAPE(3, 2);
    write_file(3, bad);
    assert_refused(TAP_EIO, "different enc.0.weight (float64 [3,2], not float64 [2,3])");
    bad[0].tensor = tap_tensor_wrap(TAP_I64, TAP_SHAPE(2, 3), numbers);
    write_file(3, bad);
    assert_refused(TAP_EIO, "different enc.0.weight (int64 [2,3], not float64 [2,3])");
    bad[0].name = "enc.weight";
    write_file(3, bad);
    assert_refused(TAP_EIO, "missing enc.0.weight; unexpected enc.weight");
}

static void test_broken_files(void **state)
{
    (void)state;
    unlink(file);
    assert_refused(TAP_EIO, "");
    FILE *f = fopen(file, "wb");
    assert_non_null(f);
    fputs("this is not what it seems", f);
    fclose(f);
    assert_refused(TAP_EIO, "");
}

static void test_failures(void **state)
{
    (void)state;
    tap_error   e = { 0 };
    const char  nowhere[] = "none/model.safetensors";
    tap_module *m = model(TAP_F64, 1);
    unlink(file);
    assert_int_equal(tap_module_save(m, nowhere, 0, NULL, &e), TAP_EIO);
    assert_non_null(strstr(e.message, nowhere));
    assert_int_equal(tap_module_save(m, NULL, 0, NULL, NULL), TAP_EARG);
    assert_int_equal(tap_module_load(m, NULL, NULL), TAP_EARG);
    /* An error in *e from before does not prevent saving, and is kept. */
    assert_int_equal(tap_module_save(m, file, 0, NULL, &e), TAP_OK);
    assert_int_equal(e.status, TAP_EIO);
    assert_int_equal(access(file, R_OK), 0);

    unlink(file);
    tap_module_fail(m, TAP_EARG, "broken");
    e = (tap_error){ 0 };
    assert_int_equal(tap_module_save(m, file, 0, NULL, &e), TAP_EARG);
    assert_string_equal(e.message, "broken");
    assert_int_equal(access(file, R_OK), -1);
    assert_int_equal(tap_module_load(m, file, NULL), TAP_EARG);
    tap_module_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_float32_and_float64_convert),
        cmocka_unit_test(test_half_precision_converts),
        cmocka_unit_test(test_state_dict_of_pytorch),
        cmocka_unit_test(test_saving_a_part_of_a_module),
        cmocka_unit_test(test_files_that_do_not_fit),
        cmocka_unit_test(test_broken_files),
        cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests(tests, scratch_enter, leave);
}
