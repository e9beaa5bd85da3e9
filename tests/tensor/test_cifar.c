/* tests/tensor/test_cifar.c: CIFAR-10's binary files, read or mapped, and files that are none. */
#define _XOPEN_SOURCE 700
#include <zlib.h>

#include "tests/tensor/scratch.h"

enum { IMAGE = 3072, RECORD = IMAGE + 1, RECORDS = 5 };

static unsigned char records[RECORDS][RECORD];

static int begin(void **state)
{
    for (int i = 0; i < RECORDS; i++) {
        for (int k = 1; k < RECORD; k++) records[i][k] = (unsigned char)(7 * i + k % 251);
        records[i][0] = (unsigned char)((3 * i) % 10);
    }
    return scratch_enter(state);
}

static void write_gzipped(size_t n)
{
    gzFile f = gzopen("x", "wb");
    assert_non_null(f);
    assert_int_equal(gzwrite(f, records, (unsigned)n), n);
    assert_int_equal(gzclose(f), Z_OK);
}

static void check(tap_tensor x, tap_tensor labels)
{
    assert_true(x.dtype == TAP_U8 && tap_shape_equal(x.shape, TAP_SHAPE(RECORDS, 3, 32, 32)));
    assert_true(labels.dtype == TAP_U8 && tap_shape_equal(labels.shape, TAP_SHAPE(RECORDS)));
    for (int i = 0; i < RECORDS; i++) {
        assert_true(tap_tensor_item(labels, i) == records[i][0]);
        for (int k = 0; k < IMAGE; k += 97) assert_true(tap_tensor_item(x, i * IMAGE + k) == records[i][1 + k]);
        assert_true(tap_tensor_get(x, (int64_t[]){ i, 2, 31, 31 }) == records[i][IMAGE]);
    }
}

static void test_plain_gzipped_and_mapped(void **state)
{
    (void)state;
    for (int how = 0; how < 3; how++) {
        tap_arena *a = tap_arena_new();
        tap_tensor labels;
        int        fd = scratch_next_fd();
        if (how == 1) write_gzipped(sizeof records);
        else scratch_write("x", records, sizeof records);
        tap_tensor x = how == 2 ? tap_cifar10_map(a, "x", &labels) : tap_cifar10_read(a, "x", &labels);
        assert_int_equal(tap_arena_status(a, NULL), TAP_OK);
        check(x, labels);
        assert_true((how == 2 ? tap_cifar10_map(a, "x", NULL) : tap_cifar10_read(a, "x", NULL)).data != NULL);
        assert_int_equal(scratch_next_fd(), fd);
        tap_arena_free(a);
    }
}

/* The file stays as it is; the tensor changes. */
static void test_writes_stay_in_memory(void **state)
{
    tap_arena *a = tap_arena_new();
    size_t     n;
    (void)state;
    scratch_write("x", records, sizeof records);
    tap_tensor x = tap_cifar10_map(a, "x", NULL);
    tap_tensor_fill(x, 9);
    assert_true(tap_tensor_item(x, 5000) == 9);
    tap_arena_free(a);
    char *bytes = scratch_read("x", &n);
    assert_int_equal(n, sizeof records);
    assert_memory_equal(bytes, records, n);
    free(bytes);
}

static void refuse(bool map, const char *expected)
{
    tap_arena  *a = tap_arena_new();
    tap_tensor  labels = { .data = records };
    const char *message;
    int         fd = scratch_next_fd();
    tap_tensor  x = map ? tap_cifar10_map(a, "x", &labels) : tap_cifar10_read(a, "x", &labels);
    assert_null(x.data);
    assert_null(labels.data);
    assert_int_equal(tap_arena_status(a, &message), TAP_EIO);
    assert_string_equal(message, expected);
    assert_int_equal(scratch_next_fd(), fd);
    tap_arena_free(a);
}

static void test_files_that_are_none(void **state)
{
    (void)state;
    for (int map = 0; map < 2; map++) {
        scratch_write("x", records, 0);
        refuse(map, "x: not a CIFAR-10 file: 0 bytes are not a number of records of 3073 bytes");
        scratch_write("x", records, sizeof records - 1);
        refuse(map, "x: not a CIFAR-10 file: 15364 bytes are not a number of records of 3073 bytes");
        records[3][0] = 10;
        scratch_write("x", records, sizeof records);
        refuse(map, "x: not a CIFAR-10 file: record 3 has label 10, above 9");
        records[3][0] = 9;
    }
    write_gzipped(sizeof records - 1);
    refuse(false, "x: not a CIFAR-10 file: 15364 bytes are not a number of records of 3073 bytes");
    write_gzipped(sizeof records);
    size_t n;
    char  *bytes = scratch_read("x", &n);
    scratch_write("x", bytes, n / 2);
    free(bytes);
    refuse(false, "x: truncated: the gzip stream ends early");
}

/* The first of the real files, if it lies beside the checkout: the first image is a frog. */
static void test_a_real_file(void **state)
{
    const char *root = getenv("TAP_SOURCE_ROOT");
    char        path[4096];
    (void)state;
    snprintf(path, sizeof path, "%s/../shared/data/cifar10/cifar10_data_batch_1_first4000.bin.gz", root ? root : ".");
    if (access(path, R_OK) != 0) skip();
    tap_arena *a = tap_arena_new();
    tap_tensor labels, x = tap_cifar10_read(a, path, &labels);
    assert_true(tap_shape_equal(x.shape, TAP_SHAPE(4000, 3, 32, 32)));
    assert_true(tap_tensor_item(labels, 0) == 6 && tap_tensor_item(labels, 1) == 9);
    tap_arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_gzipped_and_mapped),
        cmocka_unit_test(test_writes_stay_in_memory),
        cmocka_unit_test(test_files_that_are_none),
        cmocka_unit_test(test_a_real_file),
    };
    return cmocka_run_group_tests(tests, begin, scratch_leave);
}
