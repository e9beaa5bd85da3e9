/* .npz files: round trips, files as NumPy writes them, and hostile archives. */
#define _XOPEN_SOURCE 700
#include "tests/tensor/scratch.h"

#include "tensor/arena.h"

static float         w[] = { 1, 2, 3, 4, 5, 6 };
static int64_t       step[] = { -7 };
static unsigned char flags[] = { 1, 0, 1 };
static double        zeros[200000];

static tap_status (*const writers[])(const char *, int, const tap_named_tensor *, tap_error *) = { tap_npz_write,
                                                                                                   tap_npz_write_compressed };

/* Without libzip there is nothing to read with. */
static void need_archives(void)
{
#ifndef TAP__HAS_ZIP
    print_message("built without libzip\n");
    skip();
#endif
}

static void expect_refusal(const char *expected)
{
    const char     *message;
    tap_arena      *a = tap_arena_new();
    const int       fd = scratch_next_fd();
    tap_safetensors s = tap_npz_read(a, "x");
    assert_true(tap_arena_status(a, &message) == TAP_EIO || tap_arena_status(a, NULL) == TAP_EDTYPE);
    if (strcmp(message, expected) != 0) fail_msg("%s\n not %s", message, expected);
    assert_true(s.n == 0 && !s.tensors);
    assert_true(tap__arena_bytes(a) < 1 << 20);
    assert_int_equal(scratch_next_fd(), fd);
    tap_arena_free(a);
}

static void test_round_trips(void **state)
{
    (void)state;
    need_archives();
    for (int kind = 0; kind < 2; kind++) {
        tap_error              e = { 0 };
        tap_arena             *a = tap_arena_new();
        const tap_tensor       wide = tap_tensor_wrap(TAP_F32, TAP_SHAPE(2, 3), w);
        const tap_named_tensor arrays[] = { { "w.t", tap_tensor_transpose(a, wide, 0, 1) },
                                            { "\xc3\xa9", tap_tensor_wrap(TAP_I64, TAP_SCALAR, step) },
                                            { "", tap_tensor_wrap(TAP_BOOL, TAP_SHAPE(3), flags) },
                                            { "none", tap_tensor_wrap(TAP_F64, TAP_SHAPE(0, 3), zeros) },
                                            { "zeros", tap_tensor_wrap(TAP_F64, TAP_SHAPE(200000), zeros) } };
        assert_int_equal(writers[kind]("x", 5, arrays, &e), TAP_OK);
        tap_safetensors s = tap_npz_read(a, "x");
        assert_int_equal(s.n, 5);
        for (int i = 0; i < 5; i++) {
            const tap_tensor *x = tap_safetensors_find(&s, arrays[i].name);
            assert_ptr_equal(x, &s.tensors[i].tensor);
            assert_true(x->dtype == arrays[i].tensor.dtype && tap_shape_equal(x->shape, arrays[i].tensor.shape));
            for (int64_t k = 0; k < tap_tensor_numel(*x) && k < 10; k++)
                assert_true(tap_tensor_item(*x, k) == tap_tensor_item(arrays[i].tensor, k));
        }
        size_t n;
        free(scratch_read("x", &n));
        assert_true(kind == 0 ? n > sizeof zeros : n < sizeof zeros / 100);
        tap_arena_free(a);
        assert_int_equal(scratch_count(), 1);
    }
    unlink("x");
}

static void test_empty(void **state)
{
    size_t n;
    (void)state;
    assert_int_equal(tap_npz_write("x", 0, NULL, NULL), TAP_OK);
    char *bytes = scratch_read("x", &n);
    assert_int_equal(n, 22);
    assert_memory_equal(bytes, "PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22);
    free(bytes);
#ifdef TAP__HAS_ZIP
    tap_arena *a = tap_arena_new();
    assert_int_equal(tap_npz_read(a, "x").n, 0);
    assert_int_equal(tap_arena_status(a, NULL), TAP_OK);
    tap_arena_free(a);
#else
    expect_refusal("x: is a zip archive, which needs a library that was built with libzip");
#endif
    unlink("x");
}

/* By numpy.save and Python's zipfile, deflated: {'a': numpy.arange(3, dtype='<u2')}. */
static const char from_numpy[] =
    "PK\003\004\024\000\000\000\010\000\000\000!\000]\207\303kJ\000\000\000\206\000\000\000\005\000\000\000"
    "a.npy\233\354\027\352\033\020\311\310P\306P\255\236\222Z\234\\\244n\245\240nSj\244\256\243\240\236\226"
    "_TR\224\230\027\237_\224\222\012\022wK\314)N\005\212\027g$\026\244\002\371\032\306:\232:\012\265\012\024"
    "\000.\006\006F\006&\006\000PK\001\002\024\003\024\000\000\000\010\000\000\000!\000]\207\303kJ\000\000"
    "\000\206\000\000\000\005\000\000\000\000\000\000\000\000\000\000\000\200\001\000\000\000\000a.npyPK\005"
    "\006\000\000\000\000\001\000\001\0003\000\000\000m\000\000\000\000\000";

static void test_written_by_others(void **state)
{
    (void)state;
    need_archives();
    scratch_write("x", from_numpy, sizeof from_numpy - 1);
    tap_arena        *a = tap_arena_new();
    tap_safetensors   s = tap_npz_read(a, "x");
    const tap_tensor *x = tap_safetensors_find(&s, "a");
    assert_non_null(x);
    assert_true(x->dtype == TAP_I64 && tap_shape_equal(x->shape, TAP_SHAPE(3)));
    for (int i = 0; i < 3; i++) assert_true(tap_tensor_item(*x, i) == i);
    tap_arena_free(a);
    unlink("x");
}

static void test_bad_arguments(void **state)
{
    const tap_tensor x = tap_tensor_wrap(TAP_F32, TAP_SHAPE(6), w);
    const struct {
        const char      *path, *message;
        tap_named_tensor arrays[2];
        tap_status       status;
    } bad[] = {
        { NULL, "npz: the path or the arrays are missing", { { "a", x }, { "b", x } }, TAP_EARG },
        { "x", "x: array 'a' is given twice", { { "a", x }, { "a", x } }, TAP_EARG },
        { "x", "x: name 1 is not UTF-8", { { "a", x }, { NULL, x } }, TAP_EARG },
        { "x", "x: name 0 is not UTF-8", { { "\xff", x }, { "b", x } }, TAP_EARG },
        { "x", "x: array 'b' is inert or invalid", { { "a", x }, { "b", { .data = NULL } } }, TAP_EARG },
        { "none/x",
          "none/x: cannot create a file in its folder: No such file or directory",
          { { "a", x }, { "b", x } },
          TAP_EIO },
        { "/dev/full", "/dev/full: cannot write: No space left on device", { { "a", x }, { "b", x } }, TAP_EIO },
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        for (int kind = 0; kind < 2; kind++) {
            tap_error e = { 0 };
            assert_int_equal(writers[kind](bad[i].path, 2, bad[i].arrays, &e), bad[i].status);
            assert_string_equal(e.message, bad[i].message);
            assert_int_equal(writers[kind](bad[i].path, 2, bad[i].arrays, NULL), bad[i].status);
        }
    }
    assert_int_equal(scratch_count(), 0);
}

/* Where the bytes are found in the file's bytes. */
static char *find(char *bytes, size_t n, const char *what, size_t length)
{
    for (char *at = bytes; at + length <= bytes + n; at++) {
        if (memcmp(at, what, length) == 0) return at;
    }
    fail();
    return NULL;
}

static void put(char *at, uint64_t x)
{
    memcpy(at, &x, sizeof x);
}

/* Changes the directory's sizes of the first entry, which begin 54 bytes behind the entry's name. */
static void forge(char *bytes, size_t n, uint64_t size, uint64_t packed)
{
    char *entry = find(bytes, n, "PK\1\2", 4);
    put(entry + 46 + 5 + 4, size);
    put(entry + 46 + 5 + 12, packed);
    scratch_write("x", bytes, n);
}

/* A few bytes that state a gigabyte must not allocate it. */
static void test_bombs(void **state)
{
    const tap_named_tensor one = { "a", tap_tensor_wrap(TAP_F64, TAP_SHAPE(200000), zeros) };
    size_t                 n;
    (void)state;
    need_archives();
    assert_int_equal(tap_npz_write_compressed("x", 1, &one, NULL), TAP_OK);
    char    *bytes = scratch_read("x", &n);
    uint64_t packed;
    memcpy(&packed, find(bytes, n, "PK\1\2", 4) + 46 + 5 + 12, sizeof packed);
    char text[160];
    forge(bytes, n, 1ull << 40, packed);
    snprintf(text, sizeof text, "x: entry 'a.npy': states a size of 1099511627776 bytes, which its %llu bytes cannot hold",
             (unsigned long long)packed);
    expect_refusal(text);
    forge(bytes, n, packed * 1000, packed);
    snprintf(text, sizeof text, "x: entry 'a.npy': truncated: %llu bytes are missing",
             (unsigned long long)(packed * 1000 - 1600128));
    expect_refusal(text);
    forge(bytes, n, 1600100, packed);
    expect_refusal("x: entry 'a.npy': has more bytes than it states");
    forge(bytes, n, 1600128, n + 1);
    snprintf(text, sizeof text, "x: entry 'a.npy': takes %llu bytes, more than the file has for it", (unsigned long long)n + 1);
    expect_refusal(text);
    free(bytes);
    unlink("x");
}

static void test_damaged(void **state)
{
    const tap_named_tensor two[] = { { "a", tap_tensor_wrap(TAP_F32, TAP_SHAPE(6), w) },
                                     { "b", tap_tensor_wrap(TAP_I64, TAP_SHAPE(1), step) } };
    size_t                 n;
    (void)state;
    need_archives();
    assert_int_equal(tap_npz_write("x", 2, two, NULL), TAP_OK);
    char *bytes = scratch_read("x", &n), *method = find(bytes, n, "PK\1\2", 4) + 10, *name = find(bytes, n, "PK\1\2", 4) + 46;
    *find(bytes, n, "\0\0\x80\x3f", 4) = 1;
    scratch_write("x", bytes, n);
    expect_refusal("x: entry 'a.npy': bad zip archive: CRC error");
    *method = 12;
    scratch_write("x", bytes, n);
    expect_refusal("x: entry 'a.npy': is compressed by method 12; stored and deflated entries can be read");
    *method = 0;
    method[-2] |= 1;
    scratch_write("x", bytes, n);
    expect_refusal("x: entry 'a.npy': is encrypted");
    method[-2] = 0;
    *name = 'b';
    *find(bytes, n, "\1\0\x80\x3f", 4) = 0;
    scratch_write("x", bytes, n);
    free(bytes);
    expect_refusal("x: array 'b' occurs twice");
    scratch_write("x", "PK\3\4 and no more", 15);
    expect_refusal("x: bad zip archive: Not a zip archive");
    unlink("x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips),   cmocka_unit_test(test_empty), cmocka_unit_test(test_written_by_others),
        cmocka_unit_test(test_bad_arguments), cmocka_unit_test(test_bombs), cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
