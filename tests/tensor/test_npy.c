/* NumPy's files: the exact bytes written, what is read back, all that the header may look like, and hostile files. */
#define _XOPEN_SOURCE 700
#include "tensor/tensor.h"
#include "tests/tensor/scratch.h"
#include "tensor/arena.h"

/* A file made by hand: version, header and its true length, then `data` bytes 1, 2, 3, ... Returns the file's length. */
static size_t write_raw(int major, const char *header, size_t data)
{
    unsigned char bytes[1024] = "\x93NUMPY";
    size_t        n = 8, length = strlen(header);
    bytes[6] = (unsigned char)major;
    for (int i = 0; i < (major == 1 ? 2 : 4); i++) bytes[n++] = (unsigned char)(length >> 8 * i);
    memcpy(bytes + n, header, length);
    n += length;
    for (size_t i = 1; i <= data; i++) bytes[n++] = (unsigned char)i;
    scratch_write("x", bytes, n);
    return n;
}

/* The message of the error that reading x must give; good until the next call. */
static const char *refusal(tap_status status)
{
    static char message[TAP_MESSAGE_SIZE];
    const char *text;
    tap_arena  *a = tap_arena_new();
    int         fd = scratch_next_fd();
    tap_tensor  x = tap_npy_read(a, "x");
    assert_null(x.data);
    assert_int_equal(tap_arena_status(a, &text), status);
    assert_true(tap__arena_bytes(a) < 1 << 20);
    assert_int_equal(scratch_next_fd(), fd);
    snprintf(message, sizeof message, "%s", text);
    tap_arena_free(a);
    return message;
}

/* ---- Writing, and reading it back -------------------------------------------------------------------------------- */

static void expect_bytes(tap_tensor x, const char *header, const void *data, size_t size)
{
    size_t    n, length = 128;
    tap_error e = { 0 };
    assert_int_equal(tap_npy_write("x", x, &e), TAP_OK);
    char *bytes = scratch_read("x", &n);
    assert_int_equal(n, length + size);
    assert_memory_equal(bytes, "\x93NUMPY\1\0", 8);
    assert_int_equal((unsigned char)bytes[8] + 256 * (unsigned char)bytes[9], length - 10);
    assert_memory_equal(bytes + 10, header, strlen(header));
    for (size_t i = 10 + strlen(header); i < length - 1; i++) assert_int_equal(bytes[i], ' ');
    assert_int_equal(bytes[length - 1], '\n');
    assert_memory_equal(bytes + length, data, size);
    free(bytes);
    assert_int_equal(scratch_count(), 1);
    unlink("x");
}

/* As numpy.save writes them. */
static void test_bytes(void **state)
{
    float         f[] = { 1.5f, -2, 3, 4, 5, 6 };
    double        d[] = { 0.5 };
    int64_t       i[] = { -2 };
    unsigned char u[] = { 7, 8 }, b[] = { 1, 0 };
    const float   columns[] = { 1.5f, 4, -2, 5, 3, 6 };
    tap_arena    *a = tap_arena_new();
    tap_tensor    rows = tap_tensor_wrap(TAP_F32, TAP_SHAPE(2, 3), f);
    (void)state;
    expect_bytes(rows, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", f, sizeof f);
    expect_bytes(tap_tensor_transpose(a, rows, 0, 1), "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }", columns,
                 sizeof columns);
    expect_bytes(tap_tensor_wrap(TAP_F64, TAP_SCALAR, d), "{'descr': '<f8', 'fortran_order': False, 'shape': (), }", d,
                 sizeof d);
    expect_bytes(tap_tensor_wrap(TAP_I64, TAP_SHAPE(1), i), "{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }", i,
                 sizeof i);
    expect_bytes(tap_tensor_wrap(TAP_U8, TAP_SHAPE(1, 2), u), "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2), }", u,
                 sizeof u);
    expect_bytes(tap_tensor_wrap(TAP_BOOL, TAP_SHAPE(2), b), "{'descr': '|b1', 'fortran_order': False, 'shape': (2,), }", b,
                 sizeof b);
    tap_shape long_text = TAP_SHAPE(0, 10000, 1000, 1000, 100, 100, 100, 100); /* there is none longer */
    expect_bytes(tap_tensor_wrap(TAP_U8, long_text, u),
                 "{'descr': '|u1', 'fortran_order': False, 'shape': (0, 10000, 1000, 1000, 100, 100, 100, 100), }", u, 0);
    assert_int_equal(tap_arena_status(a, NULL), TAP_OK);
    tap_arena_free(a);
}

static void test_round_trip(void **state)
{
    const tap_dtype dtypes[] = { TAP_F32, TAP_F64, TAP_I64, TAP_U8, TAP_BOOL };
    const tap_shape shapes[] = { TAP_SCALAR, TAP_SHAPE(5), TAP_SHAPE(3, 1, 4), TAP_SHAPE(2, 0, 3),
                                 TAP_SHAPE(1, 2, 1, 2, 1, 2, 1, 2) };
    tap_error       e = { 0 };
    (void)state;
    for (int d = 0; d < 5; d++) {
        for (int s = 0; s < 5; s++) {
            tap_arena *a = tap_arena_new();
            tap_tensor x = tap_tensor_zeros(a, dtypes[d], shapes[s]);
            int64_t    n = tap_tensor_numel(x);
            for (int64_t i = 0; i < n; i++) tap_tensor_set_item(x, i, (double)(dtypes[d] == TAP_BOOL ? i % 2 : 3 * i));
            assert_int_equal(tap_npy_write("x", x, &e), TAP_OK);
            tap_tensor y = tap_npy_read(a, "x");
            assert_int_equal(tap_arena_status(a, NULL), TAP_OK);
            assert_int_equal(y.dtype, x.dtype);
            assert_true(tap_shape_equal(y.shape, x.shape));
            assert_true(tap_tensor_is_contiguous(y));
            assert_memory_equal(x.data, y.data, (size_t)n * tap_dtype_size(x.dtype));
            tap_arena_free(a);
        }
    }
    unlink("x");
}

static void test_refused_writing(void **state)
{
    double     d[2] = { 1, 2 };
    tap_tensor x = tap_tensor_wrap(TAP_F64, TAP_SHAPE(2), d), bad[4];
    (void)state;
    for (int i = 0; i < 4; i++) bad[i] = x;
    bad[0].data = NULL;
    bad[1].dtype = (tap_dtype)99;
    bad[2].shape.n[0] = -1;
    bad[3].shape.rank = TAP_MAX_RANK + 1;
    for (int i = 0; i < 4; i++) {
        tap_error e = { 0 };
        assert_int_equal(tap_npy_write("x", bad[i], &e), TAP_EARG);
        assert_string_equal(e.message, "x: the tensor is inert or invalid");
        assert_int_equal(tap_npy_write("x", bad[i], NULL), TAP_EARG);
    }
    assert_int_equal(tap_npy_write(NULL, x, NULL), TAP_EARG);
    assert_int_equal(tap_npy_write("none/x", x, NULL), TAP_EIO);
    assert_int_equal(tap_npy_write("/dev/full", x, NULL), TAP_EIO);
    tap_error  e = { 0 };
    tap_tensor vast = x;
    vast.shape.n[0] = 1ll << 58;
    vast.stride[0] = 0;
    assert_int_equal(tap_npy_write("x", vast, &e), TAP_ENOMEM);
    assert_string_equal(e.message, "x: no memory for a copy");
    assert_int_equal(scratch_count(), 0);
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

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
        const char   *descr;
        tap_dtype     dtype;
        size_t        size;
        unsigned char bytes[16];
        double        values[2];
    } cases[] = {
        { "<f4", TAP_F32, 8, { 0, 0, 0xc0, 0x3f, 0, 0, 0x20, 0xc0 }, { 1.5, -2.5 } },
        { ">f4", TAP_F32, 8, { 0x3f, 0xc0, 0, 0, 0xc0, 0x20, 0, 0 }, { 1.5, -2.5 } },
        { "<f8", TAP_F64, 16, { 0, 0, 0, 0, 0, 0, 0xf8, 0x3f, 0, 0, 0, 0, 0, 0, 4, 0xc0 }, { 1.5, -2.5 } },
        { ">f8", TAP_F64, 16, { 0x3f, 0xf8, 0, 0, 0, 0, 0, 0, 0xc0, 4 }, { 1.5, -2.5 } },
        { "|i1", TAP_I64, 2, { 0x7f, 0x80 }, { 127, -128 } },
        { "<i1", TAP_I64, 2, { 0x7f, 0x80 }, { 127, -128 } },
        { "<i2", TAP_I64, 4, { 2, 1, 0xfe, 0xff }, { 258, -2 } },
        { ">i2", TAP_I64, 4, { 1, 2, 0xff, 0xfe }, { 258, -2 } },
        { "<i4", TAP_I64, 8, { 3, 2, 1, 0, 0, 0, 0, 0x80 }, { 66051, -2147483648.0 } },
        { ">i4", TAP_I64, 8, { 0, 1, 2, 3, 0x80, 0, 0, 0 }, { 66051, -2147483648.0 } },
        { "<i8", TAP_I64, 16, { 0, 0, 0, 0, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255 }, { 4294967296.0, -1 } },
        { ">i8", TAP_I64, 16, { 0, 0, 0, 1, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 254 }, { 4294967296.0, -2 } },
        { "<f2", TAP_F32, 4, { 0, 0x3e, 0x55, 0xb5 }, { 1.5, -0x1.554p-2 } },
        { ">f2", TAP_F32, 4, { 0x3e, 0, 0xb5, 0x55 }, { 1.5, -0x1.554p-2 } },
        { "<u2", TAP_I64, 4, { 2, 1, 0xfe, 0xff }, { 258, 65534 } },
        { ">u4", TAP_I64, 8, { 0, 1, 2, 3, 0x80, 0, 0, 0 }, { 66051, 2147483648.0 } },
        { "<u8", TAP_I64, 16, { 0, 0, 0, 0, 1 }, { 4294967296.0, 0 } },
        { "|u1", TAP_U8, 2, { 7, 255 }, { 7, 255 } },
        { ">u1", TAP_U8, 2, { 7, 255 }, { 7, 255 } },
        { "|b1", TAP_BOOL, 2, { 0, 200 }, { 0, 1 } },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char       header[128];
        tap_arena *a = tap_arena_new();
        snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': (2,), }\n", cases[i].descr);
        size_t n = write_raw(1, header, 0);
        FILE  *f = fopen("x", "ab");
        assert_non_null(f);
        assert_int_equal(fwrite(cases[i].bytes, 1, cases[i].size, f), cases[i].size);
        fclose(f);
        assert_int_equal(n, 10 + strlen(header));
        expect_values(tap_npy_read(a, "x"), cases[i].dtype, TAP_SHAPE(2), cases[i].values);
        tap_arena_free(a);
    }
}

/* Whatever NumPy takes for the same dict. */
static void test_headers(void **state)
{
    const char *headers[] = {
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }          \n",
        "{'descr':'|u1','fortran_order':False,'shape':(2,3)}",
        "{'shape': (2, 3), 'fortran_order': False, 'descr': '|u1'}\n",
        "{\"descr\": \"|u1\", \"fortran_order\": False, \"shape\": (2, 3,)}",
        " \t{ 'descr' :\n'|u1' ,\r\n 'fortran_order' : False , 'shape' : ( 2 , 3 , ) , } \f\n",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2L, 3L)}",
    };
    const double values[] = { 1, 2, 3, 4, 5, 6 };
    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        for (int version = 1; version <= 3; version++) {
            tap_arena *a = tap_arena_new();
            write_raw(version, headers[i], 6);
            expect_values(tap_npy_read(a, "x"), TAP_U8, TAP_SHAPE(2, 3), values);
            tap_arena_free(a);
        }
    }
}

/* A view: the data stay as they are in the file. */
static void test_fortran(void **state)
{
    const double values[] = { 1, 3, 5, 2, 4, 6 }, deep[] = { 1, 3, 5, 7, 9, 11, 2, 4, 6, 8, 10, 12 };
    tap_arena   *a = tap_arena_new();
    (void)state;
    write_raw(1, "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }", 6);
    tap_tensor x = tap_npy_read(a, "x");
    expect_values(x, TAP_U8, TAP_SHAPE(2, 3), values);
    assert_int_equal(x.stride[0], 1);
    assert_int_equal(x.stride[1], 2);
    write_raw(1, "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 2), }", 12);
    x = tap_npy_read(a, "x");
    assert_int_equal(x.stride[2], 6);
    for (int64_t i = 0; i < 2; i++) {
        for (int64_t j = 0; j < 6; j++) assert_true(tap_tensor_get(x, (int64_t[]){ i, j % 3, j / 3 }) == deep[i * 6 + j]);
    }
    write_raw(1, "{'descr': '|u1', 'fortran_order': True, 'shape': (), }", 1);
    expect_values(tap_npy_read(a, "x"), TAP_U8, TAP_SCALAR, values);
    assert_int_equal(tap_arena_status(a, NULL), TAP_OK);
    tap_arena_free(a);
}

/* ---- Hostile files ----------------------------------------------------------------------------------------------- */

#define HEAD       "{'descr': '|u1', 'fortran_order': False, "
#define SHAPE(...) HEAD "'shape': " __VA_ARGS__ "}"

static void test_messages(void **state)
{
    const struct {
        const char *header;
        size_t      data;
        tap_status  status;
        const char *message;
    } bad[] = {
        { SHAPE("(3,)"), 2, TAP_EIO, "x: truncated: shape [3] takes 3 bytes, the file has 2" },
        { SHAPE("(3,)"), 4, TAP_EIO, "x: bytes left over behind the data of shape [3]: 1" },
        { SHAPE("()"), 0, TAP_EIO, "x: truncated: shape [] takes 1 bytes, the file has 0" },
        { SHAPE("(0,)"), 1, TAP_EIO, "x: bytes left over behind the data of shape [0]: 1" },
        { SHAPE("(9999999999999999999999,)"), 1, TAP_EIO, "x: shape [9223372036854775807] is too large" },
        { SHAPE("(4294967296, 4294967296)"), 1, TAP_EIO, "x: shape [4294967296,4294967296] is too large" },
        { SHAPE("(0, 4294967296, 4294967296)"), 0, TAP_EIO, "x: shape [0,4294967296,4294967296] is too large" },
        { SHAPE("(1000000000000,)"), 1, TAP_EIO,
          "x: truncated: shape [1000000000000] takes 1000000000000 bytes, the file has 1" },
        { SHAPE("(1, 1, 1, 1, 1, 1, 1, 1, 1)"), 1, TAP_ESHAPE, "x: has 9 axes, more than 8" },
        { SHAPE("(3)"), 3, TAP_EIO, "x: header byte 53: expected a comma within the tuple" },
        { SHAPE("3"), 3, TAP_EIO, "x: header byte 50: expected a tuple of sizes" },
        { SHAPE("[3]"), 3, TAP_EIO, "x: header byte 50: expected a tuple of sizes" },
        { SHAPE("(-3,)"), 3, TAP_EIO, "x: header byte 51: expected a size" },
        { SHAPE("(03,)"), 3, TAP_EIO, "x: header byte 51: expected a size" },
        { SHAPE("(3.0,)"), 3, TAP_EIO, "x: header byte 52: expected a comma" },
        { SHAPE("(3 3)"), 9, TAP_EIO, "x: header byte 53: expected a comma" },
        { SHAPE("(,)"), 1, TAP_EIO, "x: header byte 51: expected a size" },
        { SHAPE("(3,,)"), 3, TAP_EIO, "x: header byte 53: expected a size" },
        { "{'descr': '|u1', 'fortran_order': False, 'shape': (3,", 3, TAP_EIO, "x: header byte 53: expected a size" },
        { "", 0, TAP_EIO, "x: header byte 0: expected a dict" },
        { "[]", 0, TAP_EIO, "x: header byte 0: expected a dict" },
        { "{}", 0, TAP_EIO, "x: has no descr" },
        { "{,}", 0, TAP_EIO, "x: header byte 1: expected a key" },
        { "{3: 4}", 0, TAP_EIO, "x: header byte 1: expected a key" },
        { "{'descr: '|u1'}", 0, TAP_EIO, "x: has an unknown key 'descr: '; descr, fortran_order and shape are known" },
        { "{'descr'", 0, TAP_EIO, "x: header byte 8: expected a colon" },
        { "{'de\\x73cr': '|u1'}", 0, TAP_EIO, "x: header byte 1: expected a key" },
        { "{'descr': '|u1' 'shape': ()}", 0, TAP_EIO, "x: header byte 16: expected a comma" },
        { "{'descr': '|u1', 'descr': '|u1'}", 0, TAP_EIO, "x: has descr twice" },
        { "{'descr': '|u1', 'shape': ()}", 1, TAP_EIO, "x: has no fortran_order" },
        { "{'descr': '|u1', 'fortran_order': False}", 1, TAP_EIO, "x: has no shape" },
        { "{'descr': '|u1', 'fortran_order': 1, 'shape': ()}", 1, TAP_EIO, "x: header byte 34: expected True or False" },
        { "{'descr': '|u1', 'fortran_order': Falsehood, 'shape': ()}", 1, TAP_EIO, "x: header byte 39: expected a comma" },
        { "{'descr': '|u1', 'order': False}", 1, TAP_EIO,
          "x: has an unknown key 'order'; descr, fortran_order and shape are known" },
        { SHAPE("()") " {}", 1, TAP_EIO, "x: header byte 54: expected the end of the header" },
        { "{'descr': [('a', '<f4')]", 4, TAP_EIO, "x: header byte 10: expected a string with a single dtype" },
        { "{'descr': '|O'", 4, TAP_EDTYPE, "x: has dtype '|O'; f2 to f8, i1 to i8, u1 to u8 and b1, < or >, can be read" },
        { "{'descr': '<c16'", 4, TAP_EDTYPE, "x: has dtype '<c16'; f2 to f8, i1 to i8, u1 to u8 and b1, < or >, can be read" },
        { "{'descr': '|f4'", 4, TAP_EDTYPE, "x: has dtype '|f4'; f2 to f8, i1 to i8, u1 to u8 and b1, < or >, can be read" },
        { "{'descr': 'f4'", 4, TAP_EDTYPE, "x: has dtype 'f4'; f2 to f8, i1 to i8, u1 to u8 and b1, < or >, can be read" },
        { "{'descr': ''", 4, TAP_EDTYPE, "x: has dtype ''; f2 to f8, i1 to i8, u1 to u8 and b1, < or >, can be read" },
        { "{'descr': '<u3'", 4, TAP_EDTYPE, "x: has dtype '<u3'; f2 to f8, i1 to i8, u1 to u8 and b1, < or >, can be read" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_raw(1, bad[i].header, bad[i].data);
        assert_string_equal(refusal(bad[i].status), bad[i].message);
    }
}

static const char *refusal_of(const void *bytes, size_t n)
{
    scratch_write("x", bytes, n);
    return refusal(TAP_EIO);
}

static void test_magic_bytes_and_versions(void **state)
{
    (void)state;
    assert_string_equal(refusal_of("", 0), "x: truncated: ends within its magic bytes");
    assert_string_equal(refusal_of("\x93NUMPY\1", 7), "x: truncated: ends within its magic bytes");
    assert_string_equal(refusal_of("\x92NUMPY\1\0\0\0", 10), "x: not an npy file: does not begin with \\x93NUMPY");
    assert_string_equal(refusal_of("PK\3\4aaaaaaaa", 12), "x: not an npy file: does not begin with \\x93NUMPY");
    assert_string_equal(refusal_of("\x93NUMPY\0\0\0\0", 10), "x: is npy version 0.0; 1.0, 2.0 and 3.0 can be read");
    assert_string_equal(refusal_of("\x93NUMPY\1\1\0\0", 10), "x: is npy version 1.1; 1.0, 2.0 and 3.0 can be read");
    assert_string_equal(refusal_of("\x93NUMPY\4\0\0\0", 10), "x: is npy version 4.0; 1.0, 2.0 and 3.0 can be read");
    assert_string_equal(refusal_of("\x93NUMPY\1\0\0", 9), "x: truncated: ends within the header's length");
    assert_string_equal(refusal_of("\x93NUMPY\2\0\0\0\0", 11), "x: truncated: ends within the header's length");
    assert_string_equal(refusal_of("\x93NUMPY\1\0\2\0{", 11), "x: truncated: the header takes 2 bytes, the file has 1");
    assert_string_equal(refusal_of("\x93NUMPY\1\0\xff\xff{", 11), "x: truncated: the header takes 65535 bytes, the file has 1");
    assert_string_equal(refusal_of("\x93NUMPY\2\0\xff\xff\xff\xff{", 13),
                        "x: has a header of 4294967295 bytes, more than 65535");
    assert_string_equal(refusal_of("\x93NUMPY\3\0\0\0\1\0{", 13), "x: has a header of 65536 bytes, more than 65535");
    assert_string_equal(refusal_of("\x93NUMPY\1\0\3\0{\0}", 13), "x: header byte 1: expected a key");
    assert_string_equal(refusal_of("\x93NUMPY\1\0\3\0{}\0", 13), "x: header byte 2: expected the end of the header");
}

static void test_truncated(void **state)
{
    size_t n, size = write_raw(1, SHAPE("(2, 3)"), 6);
    char  *bytes = scratch_read("x", &n);
    (void)state;
    assert_int_equal(n, size);
    for (n = 0; n < size; n++) assert_non_null(strstr(refusal_of(bytes, n), "x: truncated: "));
    free(bytes);
}

static void test_paths(void **state)
{
    tap_arena  *a = tap_arena_new();
    const char *message;
    (void)state;
    assert_null(tap_npy_read(NULL, "x").data);
    assert_null(tap_npy_read(a, NULL).data);
    assert_int_equal(tap_arena_status(a, &message), TAP_EARG);
    assert_string_equal(message, "npy: the path is NULL");
    write_raw(1, SHAPE("()"), 1);
    assert_null(tap_npy_read(a, "x").data);
    tap_arena_free(a);
}

/* Written piece by piece, the same file. */
static void test_pieces(void **state)
{
    const float x[2][3] = { { 1, 2, 3 }, { 4, 5, 6 } };
    tap_error   e = { 0 }, none = { 0 }, wrong = { 0 };
    size_t      n[2];
    (void)state;
    assert_int_equal(tap_npy_write("x", tap_tensor_wrap(TAP_F32, TAP_SHAPE(2, 3), (void *)(uintptr_t)x), &e), TAP_OK);
    tap_file *f = tap_npy_create("y", TAP_F32, TAP_SHAPE(2, 3), &e);
    for (int i = 0; i < 2; i++) assert_int_equal(tap_file_write(f, x[i], sizeof x[i]), TAP_OK);
    assert_int_equal(tap_file_commit(f), TAP_OK);
    char *whole = scratch_read("x", &n[0]), *pieces = scratch_read("y", &n[1]);
    assert_int_equal(n[0], n[1]);
    assert_memory_equal(whole, pieces, n[0]);
    free(whole), free(pieces);
    unlink("x"), unlink("y");
    assert_null(tap_npy_create(NULL, TAP_F32, TAP_SHAPE(2), &none));
    assert_string_equal(none.message, "npy: the path is NULL");
    assert_null(tap_npy_create("y", (tap_dtype)99, TAP_SHAPE(2), &wrong));
    assert_string_equal(wrong.message, "y: the tensor is inert or invalid");
    assert_null(tap_npy_create("y", TAP_F32, TAP_SHAPE(-2), NULL));
    assert_null(tap_npy_create("none/y", TAP_F32, TAP_SHAPE(2), NULL));
    assert_int_equal(scratch_count(), 0);
}

int main(void)
{
    /* clang-format off */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),    cmocka_unit_test(test_round_trip), cmocka_unit_test(test_refused_writing),
        cmocka_unit_test(test_types),    cmocka_unit_test(test_headers),    cmocka_unit_test(test_fortran),
        cmocka_unit_test(test_messages), cmocka_unit_test(test_magic_bytes_and_versions), cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_paths), cmocka_unit_test(test_pieces),
    };
    /* clang-format on */
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
