/* IDX files, whole ones and hostile ones, plain and gzipped. */
#define _XOPEN_SOURCE 700
#include "tensor/tensor.h"
#include "tests/tensor/scratch.h"
#include "tensor/arena.h"

#include <zlib.h>

static char mnist[4096]; /* the folder, as an absolute path */

static int enter(void **state)
{
    const char *root = getenv("TAP_SOURCE_ROOT");
    char        path[4096 - 64];
    if (!realpath(root ? root : ".", path)) return -1;
    snprintf(mnist, sizeof mnist, "%s/../shared/data/mnist", path);
    return scratch_enter(state);
}

typedef struct {
    unsigned char bytes[512];
    size_t        n;
} blob;

#define BLOB(...) ((blob){ .bytes = { __VA_ARGS__ }, .n = sizeof((unsigned char[]){ __VA_ARGS__ }) })

static blob gzipped(blob plain)
{
    blob     packed = { .n = 0 };
    z_stream z = {
        .next_in = plain.bytes, .avail_in = (unsigned)plain.n, .next_out = packed.bytes, .avail_out = sizeof packed.bytes
    };
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    packed.n = z.total_out;
    assert_int_equal(deflateEnd(&z), Z_OK);
    return packed;
}

static tap_tensor read_blob(tap_arena *a, blob b)
{
    scratch_write("x", b.bytes, b.n);
    tap_tensor x = tap_idx_read(a, "x");
    unlink("x");
    return x;
}

/* The message of the error that reading these bytes must give; good until the next call. */
static const char *refusal(blob b)
{
    static char message[TAP_MESSAGE_SIZE];
    const char *text;
    tap_arena  *a = tap_arena_new();
    tap_tensor  x = read_blob(a, b);
    assert_null(x.data);
    assert_int_equal(tap_arena_status(a, &text), TAP_EIO);
    assert_true(tap__arena_bytes(a) < 1 << 20);
    snprintf(message, sizeof message, "%s", text);
    tap_arena_free(a);
    return message;
}

static void expect_values(tap_tensor x, tap_dtype dtype, tap_shape shape, const double *values)
{
    assert_non_null(x.data);
    assert_int_equal(x.dtype, dtype);
    assert_true(tap_shape_equal(x.shape, shape));
    for (int64_t i = 0; i < tap_numel(shape); i++) assert_true(tap_tensor_item(x, i) == values[i]);
}

static void test_types(void **state)
{
    const struct {
        blob      file;
        tap_dtype dtype;
        double    values[2];
    } types[] = {
        { BLOB(0, 0, 0x08, 1, 0, 0, 0, 2, 7, 255), TAP_U8, { 7, 255 } },
        { BLOB(0, 0, 0x09, 1, 0, 0, 0, 2, 0x7f, 0x80), TAP_I64, { 127, -128 } },
        { BLOB(0, 0, 0x0B, 1, 0, 0, 0, 2, 0x01, 0x02, 0xff, 0xfe), TAP_I64, { 258, -2 } },
        { BLOB(0, 0, 0x0C, 1, 0, 0, 0, 2, 0x7f, 0xff, 0xff, 0xff, 0x80, 0, 0, 1), TAP_I64, { 2147483647, -2147483647 } },
        { BLOB(0, 0, 0x0D, 1, 0, 0, 0, 2, 0x3f, 0xc0, 0, 0, 0xc0, 0x20, 0, 0), TAP_F32, { 1.5, -2.5 } },
        { BLOB(0, 0, 0x0E, 1, 0, 0, 0, 2, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0, 0xc0, 0x04, 0, 0, 0, 0, 0, 0), TAP_F64, { 1.5, -2.5 } },
    };
    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        tap_arena *a = tap_arena_new();
        expect_values(read_blob(a, types[i].file), types[i].dtype, TAP_SHAPE(2), types[i].values);
        expect_values(read_blob(a, gzipped(types[i].file)), types[i].dtype, TAP_SHAPE(2), types[i].values);
        assert_int_equal(tap_arena_status(a, NULL), TAP_OK);
        tap_arena_free(a);
    }
}

static void test_shapes(void **state)
{
    const double values[] = { 1, 2, 3, 4, 5, 6 };
    tap_arena   *a = tap_arena_new();
    (void)state;
    expect_values(read_blob(a, BLOB(0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6)), TAP_U8, TAP_SHAPE(2, 3), values);
    expect_values(read_blob(a, BLOB(0, 0, 8, 0, 1)), TAP_U8, TAP_SCALAR, values);
    expect_values(read_blob(a, BLOB(0, 0, 8, 2, 0, 0, 0, 0, 0, 0, 0, 3)), TAP_U8, TAP_SHAPE(0, 3), values);
    expect_values(read_blob(a, gzipped(BLOB(0, 0, 8, 1, 0, 0, 0, 0))), TAP_U8, TAP_SHAPE(0), values);
    assert_int_equal(tap_arena_status(a, NULL), TAP_OK);
    tap_arena_free(a);
}

/* More pieces than one, and int16 that grows fourfold in memory. Zeros pack as tightly as deflate can. */
static void test_file_larger_than_a_buffer(void **state)
{
    enum { N = 3000000 };
    const unsigned char header[] = { 0, 0, 0x0B, 1, 0, N >> 16, N >> 8 & 255, N & 255 }, last[] = { 1, 44 };
    unsigned char      *zeros = calloc(N, 2);
    tap_arena          *a = tap_arena_new();
    gzFile              f = gzopen("x", "wb9");
    (void)state;
    assert_non_null(zeros);
    gzwrite(f, header, sizeof header);
    gzwrite(f, zeros, 2 * N - 2);
    gzwrite(f, last, 2);
    assert_int_equal(gzclose(f), Z_OK);
    tap_tensor x = tap_idx_read(a, "x");
    assert_int_equal(tap_arena_status(a, NULL), TAP_OK);
    assert_true(tap_shape_equal(x.shape, TAP_SHAPE(N)));
    assert_true(tap_tensor_item(x, N - 2) == 0);
    assert_true(tap_tensor_item(x, N - 1) == 300);
    free(zeros);
    tap_arena_free(a);
    unlink("x");
}

static void test_truncated(void **state)
{
    blob plain = BLOB(0, 0, 0x0B, 2, 0, 0, 0, 2, 0, 0, 0, 3, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6), packed = gzipped(plain);
    (void)state;
    for (size_t n = 0; n < plain.n; n++) {
        blob cut = plain;
        cut.n = n;
        assert_non_null(strstr(refusal(cut), "x: truncated: "));
        assert_non_null(strstr(refusal(gzipped(cut)), "x: truncated: "));
    }
    for (size_t n = 0; n < packed.n; n++) {
        blob cut = packed;
        cut.n = n;
        assert_non_null(strstr(refusal(cut), "x: truncated: "));
    }
}

static void test_messages(void **state)
{
    const blob plain = BLOB(0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3);
    blob       shorter = plain, longer = plain, packed = gzipped(plain), cut = packed, crc = packed, length = packed;
    (void)state;
    shorter.n--;
    longer.n++;
    cut.n -= 8;
    crc.bytes[packed.n - 8] ^= 1;
    length.bytes[packed.n - 4] ^= 1;
    const struct {
        blob        file;
        const char *message;
    } bad[] = {
        { { .n = 0 }, "x: truncated: ends within its header" },
        { BLOB(0, 0, 8, 2, 0, 0), "x: truncated: ends within its header" },
        { shorter, "x: truncated: shape [3] takes 3 bytes, the file can hold 2" },
        { gzipped(shorter), "x: truncated: ends within its data" },
        { cut, "x: truncated: the gzip stream ends early" },
        { longer, "x: bytes left over behind the data of shape [3]" },
        { gzipped(longer), "x: bytes left over behind the data of shape [3]" },
        { crc, "x: corrupt gzip stream: incorrect data check" },
        { length, "x: corrupt gzip stream: incorrect length check" },
        { BLOB(0x1f, 0x8b, 7, 0, 0, 0, 0, 0, 0, 0), "x: corrupt gzip stream: unknown compression method" },
        { BLOB(0x89, 'P', 'N', 'G', 1, 2, 3, 4), "x: not an IDX file: begins with 89 50 instead of 00 00" },
        { BLOB(0, 1, 8, 0, 1), "x: not an IDX file: begins with 00 01 instead of 00 00" },
        { BLOB(0, 0, 0x0A, 1, 0, 0, 0, 1, 1), "x: has IDX type 0x0a; 0x08, 0x09 and 0x0b to 0x0e can be read" },
        { BLOB(0, 0, 8, 9, 0, 0, 0, 1), "x: has 9 axes, more than 8" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_string_equal(refusal(bad[i].file), bad[i].message);
}

/* Headers that claim more than the file can hold get no memory (refusal() looks). */
static void test_forged_sizes(void **state)
{
    blob huge = BLOB(0, 0, 0x0E, 8);
    (void)state;
    memset(huge.bytes + 4, 0xff, 32);
    huge.n = 36 + 100;
    assert_non_null(strstr(refusal(huge), "4294967295] is too large"));
    assert_non_null(strstr(refusal(gzipped(huge)), "4294967295] is too large"));
    assert_string_equal(refusal(BLOB(0, 0, 8, 2, 0x1f, 0xff, 0xff, 0xff, 0x1f, 0xff, 0xff, 0xff, 1)),
                        "x: truncated: shape [536870911,536870911] takes 288230375077969921 bytes, the file can hold 1");
    assert_non_null(strstr(refusal(gzipped(BLOB(0, 0, 0x0C, 1, 0x10, 0, 0, 0, 1))),
                           "x: truncated: shape [268435456] takes 1073741824 bytes, the file can hold "));
}

/* A damaged byte is found, or (in the gzip header) without effect. */
static void test_damaged_gzip(void **state)
{
    const double values[] = { 3, 1, 4, 1, 5, 9, 2, 6 };
    const blob   packed = gzipped(BLOB(0, 0, 8, 1, 0, 0, 0, 8, 3, 1, 4, 1, 5, 9, 2, 6));
    int          refused = 0, fd = scratch_next_fd();
    (void)state;
    for (size_t i = 0; i < packed.n; i++) {
        for (int bit = 0; bit < 8; bit++) {
            tap_arena *a = tap_arena_new();
            blob       damaged = packed;
            damaged.bytes[i] ^= (unsigned char)(1 << bit);
            tap_tensor x = read_blob(a, damaged);
            if (x.data) expect_values(x, TAP_U8, TAP_SHAPE(8), values);
            else assert_int_equal(tap_arena_status(a, NULL), TAP_EIO);
            refused += !x.data;
            tap_arena_free(a);
        }
    }
    assert_true(refused > (int)packed.n * 8 / 2);
    assert_int_equal(scratch_next_fd(), fd);
}

static void expect_path_error(const char *path, tap_status status, const char *expected)
{
    tap_arena  *a = tap_arena_new();
    const char *message;
    assert_null(tap_idx_read(a, path).data);
    assert_int_equal(tap_arena_status(a, &message), status);
    assert_string_equal(message, expected);
    tap_arena_free(a);
}

static void test_bad_paths(void **state)
{
    int fd = scratch_next_fd();
    (void)state;
    expect_path_error("missing", TAP_EIO, "missing: cannot open: No such file or directory");
    expect_path_error(".", TAP_EIO, ".: is not a regular file");
    expect_path_error("/dev/zero", TAP_EIO, "/dev/zero: is not a regular file");
    expect_path_error(NULL, TAP_EARG, "idx: the path is NULL");
    assert_null(tap_idx_read(NULL, "missing").data);
    assert_int_equal(scratch_next_fd(), fd);
}

static void test_failed_arena(void **state)
{
    tap_arena  *a = tap_arena_new();
    const char *message;
    (void)state;
    tap_error_set(tap_arena_error(a), TAP_EARG, "first");
    assert_null(read_blob(a, BLOB(0, 0, 8, 0, 1)).data);
    assert_int_equal(tap_arena_status(a, &message), TAP_EARG);
    assert_string_equal(message, "first");
    tap_arena_free(a);
}

static tap_tensor read_mnist(tap_arena *a, const char *name)
{
    char path[sizeof mnist + 64];
    snprintf(path, sizeof path, "%s/%s", mnist, name);
    if (access(path, R_OK) != 0) {
        print_message("%s is not there\n", path);
        tap_arena_free(a);
        skip();
    }
    return tap_idx_read(a, path);
}

static void test_mnist(void **state)
{
    const int  digits[10] = { 980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009 };
    int        count[10] = { 0 };
    tap_arena *a = tap_arena_new();
    tap_tensor labels = read_mnist(a, "t10k-labels-idx1-ubyte.gz"), images = read_mnist(a, "t10k-images-idx3-ubyte.gz");
    (void)state;
    assert_int_equal(tap_arena_status(a, NULL), TAP_OK);
    assert_true(tap_shape_equal(labels.shape, TAP_SHAPE(10000)));
    assert_true(tap_shape_equal(images.shape, TAP_SHAPE(10000, 28, 28)));
    assert_int_equal(labels.dtype, TAP_U8);
    assert_int_equal(images.dtype, TAP_U8);
    for (int i = 0; i < 10000; i++) count[((const unsigned char *)labels.data)[i]]++;
    assert_memory_equal(count, digits, sizeof digits);
    int64_t sum = 0;
    for (int64_t i = 0; i < tap_tensor_numel(images); i++) sum += ((const unsigned char *)images.data)[i];
    assert_int_equal(sum, 264923200);
    tap_arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),        cmocka_unit_test(test_shapes),    cmocka_unit_test(test_file_larger_than_a_buffer),
        cmocka_unit_test(test_truncated),    cmocka_unit_test(test_messages),  cmocka_unit_test(test_forged_sizes),
        cmocka_unit_test(test_damaged_gzip), cmocka_unit_test(test_bad_paths), cmocka_unit_test(test_failed_arena),
        cmocka_unit_test(test_mnist),
    };
    return cmocka_run_group_tests(tests, enter, scratch_leave);
}
