/* safetensors files: the exact bytes written, what is read back, and hostile files. */
#define _XOPEN_SOURCE 700
#include "tensor/tensor.h"
#include "tests/tensor/scratch.h"
#include "tensor/arena.h"

#include <math.h>
#include <sys/stat.h>

static char golden[4096]; /* a file of the format's own writer, as an absolute path */

static int enter(void **state)
{
    const char *root = getenv("TAP_SOURCE_ROOT");
    char        path[4096 - 64];
    if (!realpath(root ? root : ".", path)) return -1;
    snprintf(golden, sizeof golden, "%s/../shared/golden/vae_gaussian_f64.safetensors", path);
    return scratch_enter(state);
}

/* Address sanitizer would rather stop than let malloc return NULL, which test_no_memory is about. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

/* A file made by hand: length, header, then `data` bytes 1, 2, 3, ... */
static void write_raw(const char *header, size_t length, size_t data)
{
    unsigned char *bytes = malloc(8 + length + data);
    assert_non_null(bytes);
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)((uint64_t)length >> 8 * i);
    memcpy(bytes + 8, header, length);
    for (size_t i = 0; i < data; i++) bytes[8 + length + i] = (unsigned char)(i + 1);
    scratch_write("x", bytes, 8 + length + data);
    free(bytes);
}

static void write_file(const char *header, size_t data)
{
    write_raw(header, strlen(header), data);
}

/* The message of the error that reading x must give; good until the next call. */
static const char *refusal(tap_status status)
{
    static char     message[TAP_MESSAGE_SIZE];
    const char     *text;
    tap_arena      *a = tap_arena_new();
    tap_safetensors s = tap_safetensors_read(a, "x");
    assert_int_equal(s.n, 0);
    assert_null(s.tensors);
    assert_int_equal(s.n_metadata, 0);
    assert_int_equal(tap_arena_status(a, &text), status);
    assert_true(tap__arena_bytes(a) < 1 << 20);
    snprintf(message, sizeof message, "%s", text);
    tap_arena_free(a);
    return message;
}

static bool accepted(void)
{
    tap_arena *a = tap_arena_new();
    tap_safetensors_read(a, "x");
    tap_status status = tap_arena_status(a, NULL);
    tap_arena_free(a);
    return status == TAP_OK;
}

/* ---- Round trips ------------------------------------------------------------------------------------------------- */

static void test_bytes(void **state)
{
    float                  f[] = { 1.5f, -2 };
    unsigned char          u[] = { 7, 8, 9 }, b[] = { 1, 0 };
    int64_t                i[] = { -2 };
    double                 d[] = { 0.5, 0.25 };
    const tap_named_tensor tensors[] = {
        { "flags", tap_tensor_wrap(TAP_BOOL, TAP_SHAPE(2), b) },  { "b.weight", tap_tensor_wrap(TAP_F32, TAP_SHAPE(1, 1), f) },
        { "bytes", tap_tensor_wrap(TAP_U8, TAP_SHAPE(3), u) },    { "a.weight", tap_tensor_wrap(TAP_F32, TAP_SHAPE(2), f) },
        { "double", tap_tensor_wrap(TAP_F64, TAP_SHAPE(2), d) },  { "step", tap_tensor_wrap(TAP_I64, TAP_SCALAR, i) },
        { "nothing", tap_tensor_wrap(TAP_F64, TAP_SHAPE(0), d) },
    };
    const tap_metadata  metadata[] = { { "quote\"\\", "line\nbell\a \xC3\xA9/" }, { "", "" } };
    const char          header[] = "{\"__metadata__\":{\"quote\\\"\\\\\":\"line\\nbell\\u0007 \xC3\xA9/\",\"\":\"\"},"
                                   "\"step\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]},"
                                   "\"double\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[8,24]},"
                                   "\"nothing\":{\"dtype\":\"F64\",\"shape\":[0],\"data_offsets\":[24,24]},"
                                   "\"a.weight\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[24,32]},"
                                   "\"b.weight\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[32,36]},"
                                   "\"bytes\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[36,39]},"
                                   "\"flags\":{\"dtype\":\"BOOL\",\"shape\":[2],\"data_offsets\":[39,41]}}";
    const unsigned char data[] = { 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, /* -2 */
                                   0,    0,    0,    0,    0,    0,    0xe0, 0x3f, 0, 0, 0, 0,
                                   0,    0,    0xd0, 0x3f, 0,    0,    0xc0, 0x3f, 0, 0, 0, 0xc0, /* 1.5, -2 */
                                   0,    0,    0xc0, 0x3f, 7,    8,    9,    1,    0 };
    size_t              n, length = (sizeof header - 1 + 7) / 8 * 8;
    tap_error           e = { 0 };
    (void)state;
    assert_int_equal(tap_safetensors_write("x", 7, tensors, 2, metadata, &e), TAP_OK);
    char *bytes = scratch_read("x", &n);
    assert_int_equal(n, 8 + length + sizeof data);
    assert_int_equal((unsigned char)bytes[0] + 256 * (unsigned char)bytes[1], length);
    assert_memory_equal(bytes + 2, "\0\0\0\0\0\0", 6);
    assert_memory_equal(bytes + 8, header, sizeof header - 1);
    for (size_t k = sizeof header - 1; k < length; k++) assert_int_equal(bytes[8 + k], ' ');
    assert_memory_equal(bytes + 8 + length, data, sizeof data);
    free(bytes);

    tap_arena      *a = tap_arena_new();
    tap_safetensors s = tap_safetensors_read(a, "x");
    assert_int_equal(s.n, 7);
    assert_string_equal(s.tensors[0].name, "step");
    assert_string_equal(s.tensors[6].name, "flags");
    for (int k = 0; k < 7; k++) {
        const tap_tensor *x = tap_safetensors_find(&s, tensors[k].name);
        assert_non_null(x);
        assert_int_equal(x->dtype, tensors[k].tensor.dtype);
        assert_true(tap_shape_equal(x->shape, tensors[k].tensor.shape));
        assert_true(tap_tensor_is_contiguous(*x));
        assert_memory_equal(x->data, tensors[k].tensor.data, (size_t)tap_numel(x->shape) * tap_dtype_size(x->dtype));
    }
    assert_int_equal(s.n_metadata, 2);
    assert_string_equal(tap_safetensors_metadata(&s, "quote\"\\"), metadata[0].value);
    assert_string_equal(tap_safetensors_metadata(&s, ""), "");
    assert_null(tap_safetensors_metadata(&s, "quote"));
    assert_null(tap_safetensors_find(&s, "Step"));
    assert_null(tap_safetensors_find(&s, NULL));
    tap_arena_free(a);
    assert_int_equal(scratch_count(), 1);
    unlink("x");
}

static void test_empty(void **state)
{
    const tap_metadata metadata = { "framework", "pt" };
    tap_error          e = { 0 };
    (void)state;
    assert_int_equal(tap_safetensors_write("x", 0, NULL, 0, NULL, &e), TAP_OK);
    size_t n;
    char  *bytes = scratch_read("x", &n);
    assert_int_equal(n, 16);
    assert_memory_equal(bytes, "\x08\0\0\0\0\0\0\0{}      ", 16);
    free(bytes);
    assert_true(accepted());
    assert_int_equal(tap_safetensors_write("x", 0, NULL, 1, &metadata, &e), TAP_OK);
    bytes = scratch_read("x", &n);
    assert_string_equal(bytes + 8, "{\"__metadata__\":{\"framework\":\"pt\"}}     ");
    free(bytes);
    assert_true(accepted());
    unlink("x");
}

static void test_views_are_written_in_order(void **state)
{
    double           values[] = { 1, 2, 3, 4, 5, 6 }, nan_bits;
    const uint64_t   payload = 0x7ff4000000c0ffee;
    tap_arena       *a = tap_arena_new();
    tap_tensor       x = tap_tensor_wrap(TAP_F64, TAP_SHAPE(2, 3), values);
    tap_named_tensor tensors[3] = { { "transposed", tap_tensor_transpose(a, x, 0, 1) },
                                    { "expanded", tap_tensor_expand(a, x, TAP_SHAPE(2, 2, 3)) },
                                    { "nan", tap_tensor_wrap(TAP_F64, TAP_SHAPE(1), &nan_bits) } };
    const double     transposed[] = { 1, 4, 2, 5, 3, 6 }, expanded[] = { 1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6 };
    (void)state;
    memcpy(&nan_bits, &payload, sizeof payload);
    assert_int_equal(tap_safetensors_write("x", 3, tensors, 0, NULL, NULL), TAP_OK);
    tap_safetensors s = tap_safetensors_read(a, "x");
    assert_int_equal(s.n, 3);
    assert_memory_equal(tap_safetensors_find(&s, "transposed")->data, transposed, sizeof transposed);
    assert_memory_equal(tap_safetensors_find(&s, "expanded")->data, expanded, sizeof expanded);
    assert_memory_equal(tap_safetensors_find(&s, "nan")->data, &payload, sizeof payload);
    tap_arena_free(a);
    unlink("x");
}

static void test_written_by_others(void **state)
{
    tap_arena *a = tap_arena_new();
    (void)state;
    if (access(golden, R_OK) != 0) {
        print_message("%s is not there\n", golden);
        tap_arena_free(a);
        skip();
    }
    tap_safetensors   s = tap_safetensors_read(a, golden);
    const tap_tensor *x = tap_safetensors_find(&s, "x"), *terms = tap_safetensors_find(&s, "terms");
    assert_int_equal(tap_arena_status(a, NULL), TAP_OK);
    assert_non_null(x);
    assert_non_null(terms);
    assert_int_equal(x->dtype, TAP_F64);
    assert_true(tap_shape_equal(x->shape, TAP_SHAPE(64, 784)));
    assert_true(tap_shape_equal(terms->shape, TAP_SHAPE(10, 3)));
    for (int64_t i = 0; i < 64 * 784; i++) assert_true(tap_tensor_item(*x, i) >= 0 && tap_tensor_item(*x, i) <= 1);
    /* loss = KL - reconstruction */
    double loss = tap_tensor_item(*terms, 0), rec = tap_tensor_item(*terms, 1), kl = tap_tensor_item(*terms, 2);
    assert_true(fabs(loss - (kl - rec)) < 1e-6 * fabs(loss) || fabs(loss - (kl + rec)) < 1e-6 * fabs(loss));
    tap_arena_free(a);
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

#define ENTRY(name, dtype, shape, begin, end) \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end "]}"

static void test_unusual_but_valid(void **state)
{
    static const struct {
        const char *header;
        size_t      data;
    } good[] = {
        { "{}", 0 },
        { "{ \t\r\n}\n \t ", 0 },
        { "{\"__metadata__\":{}}", 0 },
        { "{" ENTRY("", "F32", "[]", 0, 4) "}", 4 },
        { "{" ENTRY("a", "F32", "[0]", 0, 0) "}", 0 },
        { "{" ENTRY("a", "U8", "[9007199254740992,0]", 0, 0) "}", 0 },
        { "{" ENTRY("a", "U8", "[1,1,1,1,1,1,1,1]", 0, 1) "}", 1 },
        { "{" ENTRY("b", "U8", "[2]", 1, 3) "," ENTRY("a", "U8", "[1]", 0, 1) "," ENTRY("e", "F64", "[0]", 1, 1) "}", 3 },
        { "{" ENTRY("dtype", "U8", "[1]", 0, 1) "," ENTRY("Dtype", "U8", "[1]", 1, 2) "}", 2 },
        { "{\"a\":{\"extra\":[{\"b\":null}],\"data_offsets\":[0,1],\"shape\":[1],\"dtype\":\"U8\"}}", 1 },
        { "{\"\\u00e9\\ud83d\\ude00\\/\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        write_file(good[i].header, good[i].data);
        if (!accepted()) fail_msg("%s", good[i].header);
    }
    tap_arena      *a = tap_arena_new();
    tap_safetensors s = tap_safetensors_read(a, "x");
    assert_non_null(tap_safetensors_find(&s, "\xC3\xA9\xF0\x9F\x98\x80/"));
    tap_arena_free(a);
    unlink("x");
}

/* Neither the header's length nor the tensors before it align a tensor in the file. */
static void test_alignment(void **state)
{
    const unsigned char ones[] = { 4, 5, 6, 7, 8, 9, 10, 11 };
    (void)state;
    for (size_t pad = 0; pad < 8; pad++) {
        char header[256];
        snprintf(header, sizeof header, "{%s,%s}%.*s", ENTRY("u", "U8", "[3]", 0, 3), ENTRY("d", "F64", "[1]", 3, 11), (int)pad,
                 "        ");
        write_file(header, 11);
        tap_arena        *a = tap_arena_new();
        tap_safetensors   s = tap_safetensors_read(a, "x");
        const tap_tensor *d = tap_safetensors_find(&s, "d");
        assert_non_null(d);
        assert_int_equal((uintptr_t)d->data % 8, 0);
        assert_memory_equal(d->data, ones, 8);
        tap_arena_free(a);
    }
    unlink("x");
}

static void test_bools(void **state)
{
    tap_arena *a = tap_arena_new();
    (void)state;
    write_file("{" ENTRY("b", "BOOL", "[3]", 0, 3) "}", 3); /* bytes 1, 2, 3 */
    tap_safetensors s = tap_safetensors_read(a, "x");
    assert_int_equal(s.n, 1);
    assert_memory_equal(s.tensors[0].tensor.data, "\1\1\1", 3);
    tap_arena_free(a);
    unlink("x");
}

static void test_small_integers(void **state)
{
    const char header[] = "{" ENTRY("a", "I8", "[3]", 0, 3) "," ENTRY("b", "I16", "[2,1]", 3, 7) "," ENTRY(
        "c", "I32", "[2]", 7, 15) "," ENTRY("d", "I32", "[0]", 15, 15) "}";
    const unsigned char data[] = { 1, 255, 128, 0, 128, 44, 1, 255, 255, 255, 255, 255, 255, 255, 127 };
    const struct {
        const char *name;
        int         n;
        int64_t     values[3];
    } want[] = { { "a", 3, { 1, -1, -128 } }, { "b", 2, { -32768, 300 } }, { "c", 2, { -1, 2147483647 } }, { "d", 0, { 0 } } };
    size_t n = 0;
    (void)state;
    write_raw(header, sizeof header - 1, sizeof data);
    char *bytes = scratch_read("x", &n);
    memcpy(bytes + n - sizeof data, data, sizeof data);
    scratch_write("x", bytes, n);
    free(bytes);
    tap_arena      *a = tap_arena_new();
    tap_safetensors s = tap_safetensors_read(a, "x");
    assert_int_equal(s.n, 4);
    for (int i = 0; i < 4; i++) {
        const tap_tensor *x = tap_safetensors_find(&s, want[i].name);
        assert_int_equal(x->dtype, TAP_I64);
        assert_int_equal(tap_tensor_numel(*x), want[i].n);
        assert_memory_equal(x->data, want[i].values, (size_t)want[i].n * sizeof *want[i].values);
    }
    tap_arena_free(a);
    unlink("x");
}

/* Writes the header with this data. */
static void write_with(const char *header, const void *data, size_t n)
{
    size_t size;
    write_raw(header, strlen(header), n);
    char *bytes = scratch_read("x", &size);
    memcpy(bytes + size - n, data, n);
    scratch_write("x", bytes, size);
    free(bytes);
}

static void test_converted_dtypes(void **state)
{
    const char header[] = "{" ENTRY("h", "F16", "[2]", 0, 4) "," ENTRY("b", "BF16", "[2]", 4, 8) "," ENTRY(
        "u", "U16", "[1]", 8, 10) "," ENTRY("v", "U32", "[1]", 10, 14) "," ENTRY("w", "U64", "[1]", 14, 22) "}";
    unsigned char data[] = { 0x55, 0x35, 1,   0x80, 0x80, 0x3f, 0xab, 0xc2, 255,  255,  255,
                             255,  255,  255, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f };
    (void)state;
    write_with(header, data, sizeof data);
    tap_arena      *a = tap_arena_new();
    tap_safetensors s = tap_safetensors_read(a, "x");
    assert_int_equal(s.n, 5);
    const float   *h = tap_safetensors_find(&s, "h")->data, *b = tap_safetensors_find(&s, "b")->data;
    const int64_t *u = tap_safetensors_find(&s, "u")->data, *v = tap_safetensors_find(&s, "v")->data;
    assert_int_equal(tap_safetensors_find(&s, "h")->dtype, TAP_F32);
    assert_int_equal(tap_safetensors_find(&s, "w")->dtype, TAP_I64);
    assert_true(h[0] == 0x1.554p-2f && h[1] == -0x1p-24f && b[0] == 1 && b[1] == -85.5f && *u == 65535 && *v == 4294967295);
    assert_true(*(const int64_t *)tap_safetensors_find(&s, "w")->data == INT64_MAX);
    tap_arena_free(a);
    data[21] = 0x80;
    write_with(header, data, sizeof data);
    assert_string_equal(refusal(TAP_EIO), "x: tensor 'w' holds a uint64 that is above INT64_MAX");
    unlink("x");
}

static void test_hostile_headers(void **state)
{
    static const struct {
        const char *header;
        size_t      data;
        const char *message;
    } bad[] = {
        /* layout */
        { "{" ENTRY("a", "U8", "[2]", 0, 2) "," ENTRY("b", "U8", "[2]", 1, 3) "}", 3, "tensor 'b' overlaps the one before it" },
        { "{" ENTRY("a", "U8", "[2]", 0, 2) "," ENTRY("b", "U8", "[2]", 0, 2) "}", 2, "tensor 'b' overlaps the one before it" },
        { "{" ENTRY("a", "U8", "[2]", 0, 2) "," ENTRY("b", "U8", "[2]", 3, 5) "}", 5,
          "tensor 'b' begins behind a gap in the data" },
        { "{" ENTRY("a", "U8", "[2]", 1, 3) "}", 3, "tensor 'a' begins behind a gap in the data" },
        { "{" ENTRY("a", "U8", "[2]", 0, 2) "}", 3, "bytes left over behind the tensors: 1" },
        { "{}", 5, "bytes left over behind the tensors: 5" },
        { "{" ENTRY("a", "U8", "[2]", 0, 2) "}", 1, "truncated: the tensors take 2 bytes, the file has 1" },
        { "{" ENTRY("a", "F32", "[2]", 8, 0) "}", 8, "tensor 'a' is float32[2], 8 bytes, but lies from offset 8 to 0" },
        { "{" ENTRY("a", "F32", "[2]", 0, 9) "}", 9, "tensor 'a' is float32[2], 8 bytes, but lies from offset 0 to 9" },
        { "{" ENTRY("a", "U8", "[9007199254740992]", 0, 9007199254740992) "}", 8,
          "truncated: the tensors take 9007199254740992 bytes, the file has 8" },
        { "{" ENTRY("a", "I16", "[2]", 0, 16) "}", 16, "tensor 'a' is int16[2], 4 bytes, but lies from offset 0 to 16" },
        /* names */
        { "{" ENTRY("a", "U8", "[1]", 0, 1) "," ENTRY("a", "U8", "[1]", 1, 2) "}", 2, "tensor 'a' occurs twice" },
        { "{" ENTRY("a", "U8", "[1]", 0, 1) "," ENTRY("\\u0061", "U8", "[1]", 1, 2) "}", 2, "tensor 'a' occurs twice" },
        { "{" ENTRY("b", "U8", "[0]", 0, 0) "," ENTRY("a", "U8", "[0]", 0, 0) "," ENTRY("b", "U8", "[1]", 0, 1) "}", 1,
          "tensor 'b' occurs twice" },
        { "{" ENTRY("a\\u0000b", "U8", "[1]", 0, 1) "}", 1, "header byte 3: a NUL character in a string" },
        { "{" ENTRY("\\u00zz", "U8", "[1]", 0, 1) "}", 1, "header byte 2: a \\u without four hexadecimal digits" },
        { "{" ENTRY("\\u12", "U8", "[1]", 0, 1) "}", 1, "header byte 2: a \\u without four hexadecimal digits" },
        { "{" ENTRY("\\\\u12", "U8", "[1]", 1, 2) "}", 2, "tensor '\\u12' begins behind a gap in the data" },
        { "{\"__metadata__\":{},\"__metadata__\":{}}", 0, "has __metadata__ twice" },
        { "{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0, "__metadata__ has 'k' twice" },
        { "{\"__metadata__\":{\"k\":1}}", 0, "__metadata__ entry 'k' is not a string" },
        { "{\"__metadata__\":[]}", 0, "__metadata__ is not a table of strings" },
        /* entries */
        { "{\"a\":[\"U8\",[1],[0,1]]}", 1, "tensor 'a' needs an object for its entry" },
        { "{\"\\u001b[2J\\n\":null}", 0, "tensor '?[2J?' needs an object for its entry" }, /* nothing that a terminal obeys */
        { "{\"a\":null}", 0, "tensor 'a' needs an object for its entry" },
        { "{\"a\":{\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "tensor 'a' needs one dtype" },
        { "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "tensor 'a' needs one dtype" },
        { "{\"a\":{\"dtype\":8,\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "tensor 'a' needs one dtype" },
        { "{\"a\":{\"dtype\":\"U8\",\"Shape\":[1],\"data_offsets\":[0,1]}}", 1, "tensor 'a' needs one shape, a list of sizes" },
        { "{" ENTRY("a", "U8", "1", 0, 1) "}", 1, "tensor 'a' needs one shape, a list of sizes" },
        { "{" ENTRY("a", "U8", "[\"1\"]", 0, 1) "}", 1, "tensor 'a' needs one shape, a list of sizes" },
        { "{" ENTRY("a", "U8", "[[1]]", 0, 1) "}", 1, "tensor 'a' needs one shape, a list of sizes" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"offsets\":[0,1]}}", 1, "tensor 'a' needs one data_offsets, a list of two" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0]}}", 1,
          "tensor 'a' needs one data_offsets, a list of two" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1,2]}}", 1,
          "tensor 'a' needs one data_offsets, a list of two" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,true]}}", 1,
          "tensor 'a' needs one data_offsets, a list of two" },
        /* numbers */
        { "{" ENTRY("a", "U8", "[-1]", 0, 1) "}", 1, "header byte 28: a number that is not a plain integer from 0 to 2^53" },
        { "{" ENTRY("a", "U8", "[1.0]", 0, 1) "}", 1, "header byte 28: a number that is not a plain integer from 0 to 2^53" },
        { "{" ENTRY("a", "U8", "[1e0]", 0, 1) "}", 1, "header byte 28: a number that is not a plain integer from 0 to 2^53" },
        { "{" ENTRY("a", "U8", "[01]", 0, 1) "}", 1, "header byte 28: a number that is not a plain integer from 0 to 2^53" },
        { "{" ENTRY("a", "U8", "[9007199254740993]", 0, 1) "}", 1,
          "header byte 28: a number that is not a plain integer from 0 to 2^53" },
        { "{" ENTRY("a", "U8", "[99999999999999999999999]", 0, 1) "}", 1,
          "header byte 28: a number that is not a plain integer from 0 to 2^53" },
        { "{" ENTRY("a", "F64", "[4294967296,4294967296]", 0, 0) "}", 0,
          "tensor 'a' has shape [4294967296,4294967296], which is too large" },
        { "{" ENTRY("a", "F64", "[2305843009213693952]", 0, 0) "}", 0,
          "header byte 29: a number that is not a plain integer from 0 to 2^53" },
        { "{" ENTRY("a", "F64", "[0,4294967296,4294967296]", 0, 0) "}", 0,
          "tensor 'a' has shape [0,4294967296,4294967296], which is too large" },
        /* JSON */
        { "", 0, "not safetensors: the header does not begin with '{'" },
        { " {}", 0, "not safetensors: the header does not begin with '{'" },
        { "[]", 0, "not safetensors: the header does not begin with '{'" },
        { "{}{}", 0, NULL },
        { "{},", 0, NULL },
        { "{\"a\":", 0, NULL },
        { "{\"a\"", 0, NULL },
        { "{\"a", 0, "header byte 3: a control character in a string" },
        { "{\"a\\", 0, "header byte 4: a control character in a string" },
        { "{\"a\\\"", 0, "header byte 5: a control character in a string" },
        { "{\"__metadata__\":{\"k\":\"\n\"}}", 0, "header byte 22: a control character in a string" },
        { "{\"__metadata__\":{\"k\":\"\\x\"}}", 0, NULL },
        { "{\"__metadata__\":{\"k\":\"\\ud83d\"}}", 0, NULL },
        { "{\"__metadata__\":{\"k\":\"\xff\"}}", 0, "header byte 22: not UTF-8" },
        { "{\"__metadata__\":{\"k\":\"v\",}}", 0, NULL },
        { "{\v}", 0, "header byte 1: a control character" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_file(bad[i].header, bad[i].data);
        const char *message = refusal(TAP_EIO);
        assert_memory_equal(message, "x: ", 3);
        if (bad[i].message) assert_string_equal(message + 3, bad[i].message);
        else assert_non_null(strstr(message, "not valid JSON"));
    }
    unlink("x");
}

static void test_limits(void **state)
{
    char header[2000] = "{\"a\":";
    (void)state;
    write_file("{" ENTRY("a", "F8_E4M3", "[1]", 0, 1) "}", 1);
    assert_string_equal(refusal(TAP_EDTYPE),
                        "x: tensor 'a' has dtype F8_E4M3; BF16, F16 to F64, I8 to I64, U8 to U64 and BOOL can be read");
    write_file("{" ENTRY("a", "f32", "[1]", 0, 4) "}", 4);
    assert_string_equal(refusal(TAP_EDTYPE),
                        "x: tensor 'a' has dtype f32; BF16, F16 to F64, I8 to I64, U8 to U64 and BOOL can be read");
    write_file("{" ENTRY("a", "U8", "[1,1,1,1,1,1,1,1,1]", 0, 1) "}", 1);
    assert_string_equal(refusal(TAP_ESHAPE), "x: tensor 'a' has 9 axes, more than 8");
    memset(header + 5, '[', 1000);
    write_file(header, 0);
    assert_string_equal(refusal(TAP_EIO), "x: header byte 131: nested too deeply");
    unlink("x");
}

static void test_header_length(void **state)
{
    static const struct {
        unsigned char bytes[10];
        size_t        n;
        const char   *message;
    } bad[] = {
        { { 0 }, 0, "x: truncated: ends within the header's length" },
        { { 2, 0, 0, 0, 0, 0, 0 }, 7, "x: truncated: ends within the header's length" },
        { { 0 }, 8, "x: not safetensors: the header does not begin with '{'" },
        { { 3, 0, 0, 0, 0, 0, 0, 0, '{', '}' }, 10, "x: truncated: the header takes 3 bytes, the file has 2" },
        { { 0, 0xe1, 0xf5, 5, 0, 0, 0, 0, '{', '}' }, 10, "x: truncated: the header takes 100000000 bytes, the file has 2" },
        { { 1, 0xe1, 0xf5, 5, 0, 0, 0, 0, '{', '}' },
          10,
          "x: not safetensors: a header of 100000001 bytes, more than 100000000" },
        { { 255, 255, 255, 255, 255, 255, 255, 255, '{', '}' },
          10,
          "x: not safetensors: a header of 18446744073709551615 bytes, more than 100000000" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        scratch_write("x", bad[i].bytes, bad[i].n);
        assert_string_equal(refusal(TAP_EIO), bad[i].message);
    }
    unlink("x");
}

static void test_embedded_nul(void **state)
{
    (void)state;
    write_raw("{}\0}", 4, 0);
    assert_string_equal(refusal(TAP_EIO), "x: header byte 2: a control character");
    unlink("x");
}

static void test_utf8(void **state)
{
    static const struct {
        const char *bytes;
        bool        valid;
    } cases[] = {
        { "\x7f", true },
        { "\xc2\x80", true },
        { "\xdf\xbf", true },
        { "\xe0\xa0\x80", true },
        { "\xed\x9f\xbf", true },
        { "\xee\x80\x80", true },
        { "\xf0\x90\x80\x80", true },
        { "\xf4\x8f\xbf\xbf", true },
        { "\x80", false },
        { "\xc1\xbf", false },
        { "\xc2", false },
        { "\xc2\x41", false },
        { "\xe0\x9f\xbf", false },
        { "\xed\xa0\x80", false },
        { "\xe2\x82", false },
        { "\xf0\x8f\xbf\xbf", false },
        { "\xf4\x90\x80\x80", false },
        { "\xf5\x80\x80\x80", false },
        { "\xf0\x90\x80", false },
        { "\xf0\x90\x80\xc0", false },
    };
    unsigned char byte = 0;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char                   header[128];
        const tap_named_tensor tensor = { cases[i].bytes, tap_tensor_wrap(TAP_U8, TAP_SHAPE(1), &byte) };
        snprintf(header, sizeof header, "{\"%s\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", cases[i].bytes);
        write_file(header, 1);
        if (accepted() != cases[i].valid) fail_msg("case %zu read", i);
        if ((tap_safetensors_write("x", 1, &tensor, 0, NULL, NULL) == TAP_OK) != cases[i].valid)
            fail_msg("case %zu written", i);
    }
    unlink("x");
}

/* A small file, cut after each byte and with each bit turned over. */
static void test_every_byte(void **state)
{
    const char header[] =
        "{\"__metadata__\":{\"k\":\"v\"}," ENTRY("a", "F32", "[2,1]", 0, 8) "," ENTRY("b", "U8", "[3]", 8, 11) "} ";
    size_t n;
    int    fd = scratch_next_fd();
    (void)state;
    write_file(header, 11);
    assert_true(accepted());
    char *bytes = scratch_read("x", &n);
    for (size_t cut = 0; cut < n; cut++) {
        scratch_write("x", bytes, cut);
        assert_non_null(strstr(refusal(TAP_EIO), "x: truncated: "));
    }
    for (size_t i = 0; i < n; i++) {
        for (int bit = 0; bit < 8; bit++) {
            bytes[i] ^= (char)(1 << bit);
            scratch_write("x", bytes, n);
            bytes[i] ^= (char)(1 << bit);
            bool ok = accepted();
            if (i >= n - 11) assert_true(ok); /* data may be anything, */
            if (i < 8) assert_false(ok);      /* the length may not */
        }
    }
    assert_int_equal(scratch_next_fd(), fd);
    free(bytes);
    unlink("x");
}

static void expect_path_error(const char *path, tap_status status, const char *expected)
{
    tap_arena  *a = tap_arena_new();
    const char *message;
    assert_int_equal(tap_safetensors_read(a, path).n, 0);
    assert_int_equal(tap_arena_status(a, &message), status);
    assert_string_equal(message, expected);
    /* An arena that has failed gets nothing more. */
    assert_int_equal(tap_safetensors_read(a, "x").n, 0);
    assert_string_equal(message, expected);
    tap_arena_free(a);
}

static void test_bad_paths(void **state)
{
    (void)state;
    write_file("{" ENTRY("a", "U8", "[1]", 0, 1) "}", 1);
    expect_path_error("missing", TAP_EIO, "missing: cannot open: No such file or directory");
    expect_path_error(".", TAP_EIO, ".: is not a regular file");
    expect_path_error("/dev/zero", TAP_EIO, "/dev/zero: is not a regular file");
    expect_path_error(NULL, TAP_EARG, "safetensors: the path is NULL");
    assert_int_equal(tap_safetensors_read(NULL, "x").n, 0);
    unlink("x");
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

static void test_bad_arguments(void **state)
{
    double           memory[4] = { 0 };
    const tap_tensor good = tap_tensor_wrap(TAP_F64, TAP_SHAPE(2), memory),
                     bytes = tap_tensor_wrap(TAP_U8, TAP_SHAPE(2), memory);
    tap_tensor no_dtype = good, no_shape = good;
    no_dtype.dtype = (tap_dtype)17;
    no_shape.shape.n[0] = -1;
    const struct {
        tap_named_tensor tensors[2];
        tap_metadata     metadata[2];
        const char      *message;
    } bad[] = {
        { { { "a", good }, { "a", good } }, { { "k", "v" }, { "l", "v" } }, "x: tensor 'a' is given twice" },
        { { { "a", bytes }, { "a", good } }, { { "k", "v" }, { "l", "v" } }, "x: tensor 'a' is given twice" },
        { { { "a", good }, { "\xff", good } }, { { "k", "v" }, { "l", "v" } }, "x: name 1 is not UTF-8" },
        { { { NULL, good }, { "b", good } }, { { "k", "v" }, { "l", "v" } }, "x: name 0 is not UTF-8" },
        { { { "__metadata__", good }, { "b", good } },
          { { "k", "v" }, { "l", "v" } },
          "x: tensor '__metadata__' has a name that the format reserves" },
        { { { "a", good }, { "b", { 0 } } }, { { "k", "v" }, { "l", "v" } }, "x: tensor 'b' is inert or invalid" },
        { { { "a", good }, { "b", no_dtype } }, { { "k", "v" }, { "l", "v" } }, "x: tensor 'b' is inert or invalid" },
        { { { "a", good }, { "b", no_shape } }, { { "k", "v" }, { "l", "v" } }, "x: tensor 'b' is inert or invalid" },
        { { { "a", good }, { "b", good } }, { { "k", "v" }, { "k", "v" } }, "x: metadata 'k' is given twice" },
        { { { "a", good }, { "b", good } }, { { "k", "v" }, { NULL, "v" } }, "x: metadata 1 is not UTF-8" },
        { { { "a", good }, { "b", good } }, { { "k", NULL }, { "l", "v" } }, "x: metadata 0 is not UTF-8" },
        { { { "a", good }, { "b", good } }, { { "k", "\xc0\x80" }, { "l", "v" } }, "x: metadata 0 is not UTF-8" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        tap_error e = { 0 };
        assert_int_equal(tap_safetensors_write("x", 2, bad[i].tensors, 2, bad[i].metadata, &e), TAP_EARG);
        assert_string_equal(e.message, bad[i].message);
        assert_int_equal(tap_safetensors_write("x", 2, bad[i].tensors, 2, bad[i].metadata, NULL), TAP_EARG);
    }
    assert_int_equal(tap_safetensors_write(NULL, 0, NULL, 0, NULL, NULL), TAP_EARG);
    assert_int_equal(tap_safetensors_write("x", -1, NULL, 0, NULL, NULL), TAP_EARG);
    assert_int_equal(tap_safetensors_write("x", 1, NULL, 0, NULL, NULL), TAP_EARG);
    assert_int_equal(tap_safetensors_write("x", 0, NULL, 1, NULL, NULL), TAP_EARG);
    assert_int_equal(scratch_count(), 0);
}

static void test_bad_targets(void **state)
{
    double                 memory[2] = { 0 };
    const tap_named_tensor x = { "x", tap_tensor_wrap(TAP_F64, TAP_SHAPE(2), memory) };
    static const struct {
        const char *path, *message;
    } bad[] = {
        { "/dev/full", "/dev/full: cannot write: No space left on device" },
        { "missing/x", "missing/x: cannot create a file in its folder: No such file or directory" },
        { ".", ".: cannot replace: Is a directory" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        tap_error e = { 0 };
        assert_int_equal(tap_safetensors_write(bad[i].path, 1, &x, 0, NULL, &e), TAP_EIO);
        assert_string_equal(e.message, bad[i].message);
        assert_int_equal(tap_safetensors_write(bad[i].path, 1, &x, 0, NULL, NULL), TAP_EIO);
    }
    assert_int_equal(scratch_count(), 0);
}

/* An expanded tensor can be larger than any memory; the file that it should have replaced stays. */
static void test_no_memory(void **state)
{
    unsigned char    byte = 1;
    tap_arena       *a = tap_arena_new();
    tap_tensor       x = tap_tensor_wrap(TAP_U8, TAP_SHAPE(1), &byte);
    tap_named_tensor named = { "huge", tap_tensor_expand(a, x, TAP_SHAPE(INT64_MAX / 16)) };
    tap_error        e = { 0 };
    (void)state;
    scratch_write("x", "before", 6);
    assert_int_equal(tap_safetensors_write("x", 1, &named, 0, NULL, &e), TAP_ENOMEM);
    assert_string_equal(e.message, "x: no memory for a copy of tensor 'huge'");
    scratch_expect("x", "before");
    assert_int_equal(scratch_count(), 1);
    tap_arena_free(a);
    unlink("x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_views_are_written_in_order),
        cmocka_unit_test(test_written_by_others),
        cmocka_unit_test(test_unusual_but_valid),
        cmocka_unit_test(test_alignment),
        cmocka_unit_test(test_bools),
        cmocka_unit_test(test_small_integers),
        cmocka_unit_test(test_converted_dtypes),
        cmocka_unit_test(test_hostile_headers),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_header_length),
        cmocka_unit_test(test_embedded_nul),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_bad_paths),
        cmocka_unit_test(test_bad_arguments),
        cmocka_unit_test(test_bad_targets),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, enter, scratch_leave);
}
