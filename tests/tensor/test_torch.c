/* Files of torch.save, made by hand: tensors of every dtype in both formats, views of shared storages, nested dicts, and files
 * that must be refused, because they would run code, lie about sizes or are damaged. */
#define _XOPEN_SOURCE 700
#include "tests/tensor/scratch.h"

#include "tensor/arena.h"
#include "tensor/io/torch.h"
#include "tensor/io/zip.h"

/* ---- Pickles by hand --------------------------------------------------------------------------------------------- */

/* A literal with its size, as pickles hold NUL bytes. */
typedef struct {
    const char *bytes;
    size_t      n;
} bytes;

#define BYTES(literal) \
    { \
        literal, sizeof(literal) - 1 \
    }

/* Texts have their length as an octal escape in front. */
#define TEXT(n, text)        "U" n text
#define GLOBAL(module, name) "c" module "\n" name "\n"
#define STORAGE(type, key, numel) \
    "(" TEXT("\7", "storage") GLOBAL("torch", type) TEXT("\1", key) TEXT("\3", "cpu") "K" numel "tQ"
#define REBUILD(storage, offset, size, stride) \
    GLOBAL("torch._utils", "_rebuild_tensor_v2") "(" storage "K" offset size stride "\x89)tR"
#define TENSOR(type, key, numel, size, stride) REBUILD(STORAGE(type, key, numel), "\0", size, stride)
#define DICT(items)                            "}(" items "u"
#define SIZE_2                                 "K\2\x85"
#define STRIDE_1                               "K\1\x85"

#define MAGIC \
    "\x80\2\x8a\nl\xfc\x9c" \
    "F\xf9 j\xa8P\x19."
#define VERSION "\x80\2M\xe9\3."
#define SYSTEM  "\x80\2}."

enum { MAX_FILE = 4096 };

typedef struct {
    char   text[MAX_FILE];
    size_t n;
} buffer;

static void append(buffer *b, const void *from, size_t n)
{
    assert_true(b->n + n <= sizeof b->text);
    memcpy(b->text + b->n, from, n);
    b->n += n;
}

/* A file of the old format, x, with storages of these bytes under the keys "0", "1", ...; element size each. */
static void write_legacy(bytes pickle, int n, const bytes *storages, size_t element)
{
    buffer b = { .n = 0 };
    append(&b, MAGIC VERSION SYSTEM, sizeof(MAGIC VERSION SYSTEM) - 1);
    append(&b, pickle.bytes, pickle.n);
    append(&b, "](", 2);
    for (int i = 0; i < n; i++) append(&b, (char[]){ 'U', 1, (char)('0' + i) }, 3);
    append(&b, "e.", 2);
    for (int i = 0; i < n; i++) {
        append(&b, &(int64_t){ (int64_t)(storages[i].n / element) }, 8);
        append(&b, storages[i].bytes, storages[i].n);
    }
    scratch_write("x", b.text, b.n);
}

/* An archive x with the same contents. order may be NULL. */
static void write_archive(bytes pickle, int n, const bytes *storages, const char *order)
{
    tap_error        e = { 0 };
    char             name[] = "m/data/0";
    tap__zip_writer *w = tap__zip_create("x", n + 2, &e);
    assert_non_null(w);
    tap__zip_add(w, "m/data.pkl", 1, &(tap__zip_part){ pickle.bytes, pickle.n }, false);
    if (order) tap__zip_add(w, "m/byteorder", 1, &(tap__zip_part){ order, strlen(order) }, false);
    for (int i = 0; i < n; i++) {
        name[sizeof name - 2] = (char)('0' + i);
        tap__zip_add(w, name, 1, &(tap__zip_part){ storages[i].bytes, storages[i].n }, i % 2);
    }
    assert_int_equal(tap__zip_commit(w), TAP_OK);
}

/* Whether archives can be read; if not, the rest of a test is left out, visibly. */
static bool has_archives(void)
{
#ifdef TAP__HAS_ZIP
    return true;
#else
    print_message("built without libzip: no archives\n");
    return false;
#endif
}

static void expect(const tap_safetensors *s, const char *name, tap_dtype dtype, tap_shape shape, const double *values)
{
    const tap_tensor *x = tap_safetensors_find(s, name);
    if (!x) fail_msg("there is no '%s'", name);
    assert_int_equal(x->dtype, dtype);
    assert_true(tap_shape_equal(x->shape, shape));
    for (int64_t i = 0; i < tap_numel(shape); i++) assert_true(tap_tensor_item(*x, i) == values[i]);
}

static void expect_metadata(const tap_safetensors *s, const char *key, const char *value)
{
    const char *found = tap_safetensors_metadata(s, key);
    if (!found) fail_msg("there is no '%s'", key);
    assert_string_equal(found, value);
}

static tap_safetensors read_well(tap_arena *a)
{
    const char     *message;
    tap_safetensors s = tap_torch_read(a, "x");
    if (tap_arena_status(a, &message) != TAP_OK) fail_msg("%s", message);
    return s;
}

/* x is refused with this message, which begins with its path, and little memory. */
static void expect_refusal(const char *what, const char *expected)
{
    const char      *message;
    tap_arena       *a = tap_arena_new();
    const int        fd = scratch_next_fd();
    tap_safetensors  s = tap_torch_read(a, "x");
    const tap_status status = tap_arena_status(a, &message);
    if (status != TAP_EIO && status != TAP_EDTYPE && status != TAP_ESHAPE) fail_msg("%s: %s", what, tap_status_name(status));
    if (strncmp(message, "x: ", 3) != 0 || strcmp(message + 3, expected) != 0)
        fail_msg("%s: %s\n not %s", what, message, expected);
    assert_true(s.n == 0 && !s.tensors && s.n_metadata == 0 && !s.metadata);
    assert_true(tap__arena_bytes(a) < 1 << 20);
    assert_int_equal(scratch_next_fd(), fd);
    tap_arena_free(a);
}

/* ---- Good files -------------------------------------------------------------------------------------------------- */

static const float six[] = { 1, 2, 3, 4, 5, 6 };

/* Names with a path, a transposed view and a part of one storage, a parameter, and values of all kinds. */
#define BY_TWO REBUILD(STORAGE("FloatStorage", "0", "\6"), "\1", SIZE_2, STRIDE_1)
static const bytes model = BYTES(
    "\x80\2" GLOBAL("collections", "OrderedDict") ")R(" TEXT("\1", "w")
        TENSOR("FloatStorage", "0", "\6", "K\3K\2\x86", "K\1K\3\x86") "q\1" TEXT("\4", "tied") "h\1" TEXT("\2", "in") DICT(
            TEXT("\1", "p") GLOBAL("torch._utils", "_rebuild_parameter") "(" BY_TWO "\x88)tR"
                                                                         "K\7" TENSOR("LongStorage", "1", "\1", ")", ")"))
            TEXT("\5", "typed")
                GLOBAL("torch._tensor", "_rebuild_from_type_v2") "(" GLOBAL("torch._utils", "_rebuild_tensor_v2") GLOBAL(
                    "torch.nn.parameter",
                    "Buffer") "(" STORAGE("FloatStorage", "0",
                                          "\6") "K\5"
                                                ")"
                                                ")"
                                                "\x89)t"
                                                "}tR" TEXT("\1", "n") "N" TEXT("\1", "i") "J\xfe\xff\xff\xff" TEXT("\1", "f") "G\x3f\xb9\x99\x99\x99\x99\x99\x9a" TEXT(
                                                    "\1",
                                                    "l") "](K\1\x88\x89X\2\0\0\0\xc3\xa9"
                                                         "e" TEXT("\1", "d") GLOBAL("torch", "float16")
                                                             TEXT("\1", "g") GLOBAL("torch", "device")
                                                                 TEXT("\3", "cpu") "\x85R" TEXT("\1", "s")
                                                                     GLOBAL("torch", "Size") "K\4K\5\x86\x85R" TEXT(
                                                                         "\1",
                                                                         "b") "C\1\0" TEXT("\1",
                                                                                           "B") "\x8a\x9\0\0\0\0\0\0\0\0\1"
                                                                                                "u}" TEXT("\11",
                                                                                                          "_metadata") "}sb.");

static void check_model(void)
{
    tap_arena      *a = tap_arena_new();
    tap_safetensors s = read_well(a);
    const double    turned[] = { 1, 4, 2, 5, 3, 6 }, part[] = { 2, 3 }, number[] = { 258 }, last[] = { 6 };
    assert_int_equal(s.n, 5);
    assert_string_equal(s.tensors[0].name, "w");
    expect(&s, "w", TAP_F32, TAP_SHAPE(3, 2), turned);
    expect(&s, "tied", TAP_F32, TAP_SHAPE(3, 2), turned);
    expect(&s, "in.p", TAP_F32, TAP_SHAPE(2), part);
    expect(&s, "in.7", TAP_I64, TAP_SCALAR, number);
    expect(&s, "typed", TAP_F32, TAP_SCALAR, last);
    assert_ptr_equal((float *)tap_safetensors_find(&s, "w")->data + 1, tap_safetensors_find(&s, "in.p")->data);
    expect_metadata(&s, "n", "None");
    expect_metadata(&s, "i", "-2");
    expect_metadata(&s, "f", "0.1");
    expect_metadata(&s, "l.0", "1");
    expect_metadata(&s, "l.1", "True");
    expect_metadata(&s, "l.2", "False");
    expect_metadata(&s, "l.3", "\xc3\xa9");
    expect_metadata(&s, "d", "torch.float16");
    expect_metadata(&s, "g", "cpu");
    expect_metadata(&s, "s.1", "5");
    assert_int_equal(s.n_metadata, 11);
    tap_arena_free(a);
}

static void test_both_formats(void **state)
{
    buffer b = { .n = 0 };
    (void)state;
    /* The storages of the old format have different element sizes here. */
    append(&b, MAGIC VERSION SYSTEM, sizeof(MAGIC VERSION SYSTEM) - 1);
    append(&b, model.bytes, model.n);
    append(&b,
           "](U\1"
           "1U\1"
           "0e.",
           10);
    append(&b, "\1\0\0\0\0\0\0\0\2\1\0\0\0\0\0\0\6\0\0\0\0\0\0\0", 24);
    append(&b, six, sizeof six);
    scratch_write("x", b.text, b.n);
    check_model();
    if (has_archives()) {
        const bytes storages[] = { { (const char *)six, sizeof six }, { "\2\1\0\0\0\0\0\0", 8 } };
        write_archive(model, 2, storages, NULL);
        check_model();
        write_archive(model, 2, storages, "little");
        check_model();
    }
    unlink("x");
}

static const struct {
    bytes     pickle, data;
    size_t    element;
    tap_dtype dtype;
    double    values[2];
} dtypes[] = {
#define OF(type) BYTES("\x80\2" TENSOR(type "Storage", "0", "\2", SIZE_2, STRIDE_1) ".")
    { OF("Float"), BYTES("\0\0\xc0\x3f\0\0\x20\xc0"), 4, TAP_F32, { 1.5, -2.5 } },
    { OF("Double"), BYTES("\0\0\0\0\0\0\xf8\x3f\0\0\0\0\0\0\4\xc0"), 8, TAP_F64, { 1.5, -2.5 } },
    { OF("Half"), BYTES("\0\x3e\1\x80"), 2, TAP_F32, { 1.5, -0x1p-24 } },
    { OF("BFloat16"), BYTES("\xc0\x3f\xab\xc2"), 2, TAP_F32, { 1.5, -85.5 } },
    { OF("Long"), BYTES("\0\0\0\0\1\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff"), 8, TAP_I64, { 4294967296.0, -1 } },
    { OF("Int"), BYTES("\2\1\0\0\xfe\xff\xff\xff"), 4, TAP_I64, { 258, -2 } },
    { OF("Short"), BYTES("\2\1\xfe\xff"), 2, TAP_I64, { 258, -2 } },
    { OF("Char"), BYTES("\2\xfe"), 1, TAP_I64, { 2, -2 } },
    { OF("Byte"), BYTES("\2\xfe"), 1, TAP_U8, { 2, 254 } },
    { OF("Bool"), BYTES("\0\1"), 1, TAP_BOOL, { 0, 1 } },
#undef OF
};

static void test_dtypes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        tap_arena *a = tap_arena_new();
        write_legacy(dtypes[i].pickle, 1, &dtypes[i].data, dtypes[i].element);
        tap_safetensors s = read_well(a);
        assert_int_equal(s.n, 1);
        expect(&s, "", dtypes[i].dtype, TAP_SHAPE(2), dtypes[i].values);
        if (has_archives()) {
            char turned[16];
            for (size_t k = 0; k < dtypes[i].data.n; k++) turned[k] = dtypes[i].data.bytes[k ^ (dtypes[i].element - 1)];
            write_archive(dtypes[i].pickle, 1, &(bytes){ turned, dtypes[i].data.n }, "big");
            s = read_well(a);
            expect(&s, "", dtypes[i].dtype, TAP_SHAPE(2), dtypes[i].values);
        }
        tap_arena_free(a);
    }
    unlink("x");
}

/* Dtypes without a storage class are an argument of the call, and the storage is one of bytes. */
#define V3(dtype, numel) \
    BYTES("\x80\2" GLOBAL("torch._utils", "_rebuild_tensor_v3") "(" STORAGE( \
        "UntypedStorage", "0", numel) "K\0" SIZE_2 STRIDE_1 "\x89}" GLOBAL("torch", dtype) "}tR.")

static void test_untyped_storages(void **state)
{
    static const bytes u16 = V3("uint16", "\4"), u64 = V3("uint64", "\20"), f8 = V3("float8_e5m2", "\2"),
                       odd = V3("uint16", "\5");
    const double values[] = { 258, 65535 };
    tap_arena   *a = tap_arena_new();
    (void)state;
    write_legacy(u16, 1, &(bytes)BYTES("\2\1\xff\xff"), 1);
    tap_safetensors s = read_well(a);
    expect(&s, "", TAP_I64, TAP_SHAPE(2), values);
    tap_arena_free(a);
    if (has_archives()) {
        a = tap_arena_new();
        write_archive(u16, 1, &(bytes)BYTES("\2\1\xff\xff"), NULL);
        s = read_well(a);
        expect(&s, "", TAP_I64, TAP_SHAPE(2), values);
        tap_arena_free(a);
        write_archive(u64, 1, &(bytes)BYTES("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x80"), NULL);
        expect_refusal("uint64", "entry 'm/data/0': storage '0' holds a uint64 that is above INT64_MAX");
        write_archive(f8, 1, &(bytes)BYTES("\0\0"), NULL);
        expect_refusal("float8",
                       "tensor '' is of torch.float8_e5m2; bool, integers and floats from bfloat16 to float64 can be read");
        write_archive(odd, 1, &(bytes)BYTES("\0\0\0\0\0"), NULL);
        expect_refusal("an odd size", "entry 'm/data/0': has 5 bytes, not those of 2 elements of uint16");
    }
    unlink("x");
}

/* Python's own pickles of protocols 1, 4 and 5: {'a': 1.5, 'b': [True, None, -7, 70000], 'c': {1: 'x'}, 'd': (1, 2, 3, 4),
 * 'e': 2**70, 'f': {'s'} or [], 'g': OrderedDict([('k', 5)])}. */
static const bytes protocols[] = {
    BYTES("}q\000(X\001\000\000\000aq\001G?\370\000\000\000\000\000\000X\001\000\000\000bq\002]q\003(I01\nNJ\371\377\377\377"
          "Jp\021\001\000eX\001\000\000\000cq\004}q\005K\001X\001\000\000\000xq\006sX\001\000\000\000dq\007(K\001K\002K\003K"
          "\004tq\010X\001\000\000\000eq\011L1180591620717411303424L\nX\001\000\000\000fq\n]q\013X\001\000\000\000gq\014"
          "ccollections\nOrderedDict\nq\015)Rq\016X\001\000\000\000kq\017K\005su."),
    BYTES("\200\004\225\211\000\000\000\000\000\000\000}\224(\214\001a\224G?\370\000\000\000\000\000\000\214\001b\224]\224("
          "\210NJ\371\377\377\377Jp\021\001\000e\214\001c\224}\224K\001\214\001x\224s\214\001d\224(K\001K\002K\003K\004t\224"
          "\214\001e\224\212\011\000\000\000\000\000\000\000\000@\214\001f\224\217\224(\214\001s\224\220\214\001g\224\214\013"
          "collections\224\214\013OrderedDict\224\223\224)R\224\214\001k\224K\005su."),
    BYTES("\200\005\225\203\000\000\000\000\000\000\000}\224(\214\001a\224G?\370\000\000\000\000\000\000\214\001b\224]\224("
          "\210NJ\371\377\377\377Jp\021\001\000e\214\001c\224}\224K\001\214\001x\224s\214\001d\224(K\001K\002K\003K\004t\224"
          "\214\001e\224\212\011\000\000\000\000\000\000\000\000@\214\001f\224]\224\214\001g\224\214\013collections\224\214"
          "\013OrderedDict\224\223\224)R\224\214\001k\224K\005su."),
    /* by hand: what Python 2 makes of a set and of an OrderedDict, pops and duplicates, and no e */
    BYTES("}(U\001aG?\370\000\000\000\000\000\000T\001\000\000\000b](I01\nNI-7\nJp\021\001\000eU\001c}(K\001U\001xuU\001d(K"
          "\001K\002K\003K\004tK\0000K\000200U\001fc__builtin__\nset\n(]U\001satRU\001g"
          "ccollections\nOrderedDict\n(](]U\001kaK\005aetRu."),
};

static void test_protocols(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++) {
        tap_arena *a = tap_arena_new();
        write_legacy(protocols[i], 0, NULL, 1);
        tap_safetensors s = read_well(a);
        assert_int_equal(s.n, 0);
        expect_metadata(&s, "a", "1.5");
        expect_metadata(&s, "b.0", "True");
        expect_metadata(&s, "b.1", "None");
        expect_metadata(&s, "b.2", "-7");
        expect_metadata(&s, "b.3", "70000");
        expect_metadata(&s, "c.1", "x");
        expect_metadata(&s, "d.3", "4");
        expect_metadata(&s, "g.k", "5");
        assert_null(tap_safetensors_metadata(&s, "e"));
        assert_int_equal(s.n_metadata, 11 + (int)(i % 2));
        tap_arena_free(a);
    }
    unlink("x");
}

/* ---- Bad files --------------------------------------------------------------------------------------------------- */

#define FOUR_FLOATS                   "\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40\0\0\x80\x40"
#define OF_FOUR(offset, size, stride) REBUILD(STORAGE("FloatStorage", "0", "\4"), offset, size, stride)

static const struct {
    bytes       pickle;
    const char *message;
} bad[] = {
    /* code; bytes are counted from the beginning of the file, where 25 bytes precede the pickle */
    { BYTES("\x80\2}U\1acposix\nsystem\nU\4true\x85Rs."),
      "its pickle asks for posix.system, which is not data, and is not run" },
    { BYTES("\x80\4}\x8c\1a\x8c\5posix\x8c\6system\x93\x8c\4true\x85Rs."),
      "its pickle asks for posix.system, which is not data, and is not run" },
    { BYTES("\x80\2c__builtin__\neval\n."), "its pickle asks for __builtin__.eval, which is not data, and is not run" },
    { BYTES("\x80\2ctorch.nn.modules.linear\nLinear\n)\x81."),
      "its pickle asks for torch.nn.modules.linear.Linear, which is not data, and is not run" },
    { BYTES("(U\4trueiposix\nsystem\n."), "pickle byte 32: opcode 0x69, which is not data" },
    { BYTES("\x80\2(cposix\nsystem\nU\4trueo."), "its pickle asks for posix.system, which is not data, and is not run" },
    { BYTES("\x80\2\x82\1."), "pickle byte 27: opcode 0x82, which is not data" },
    { BYTES("\x80\2ctorch\nfloat32\n)R."), "its pickle calls torch.float32, which is not run" },
    { BYTES("\x80\2}K\1b."), NULL }, /* attributes of a dict are ignored */
    { BYTES("\x80\2K\1}b."), "pickle byte 31: the state of an object that is no dict, which is not set" },
    { BYTES("\x80\2K\1)R."), "pickle byte 31: a call of something that is no function" },
    { BYTES("\x80\2U\1x)\x93."), "pickle byte 32: a global without a name" },
    /* the machine */
    { BYTES("."), "pickle byte 26: the stack is empty" },
    { BYTES("\x80\6N."), "its pickle has protocol 6; 1 to 5 can be read" },
    { BYTES("]K\1u."), "pickle byte 29: there is no mark" },
    { BYTES("](K\1u."), "pickle byte 30: there is no dict to set items of" },
    { BYTES("}(K\1u."), "pickle byte 30: a dict gets a key without a value" },
    { BYTES("}K\1a."), "pickle byte 29: there is no list to append to" },
    { BYTES("(K\1e."), "pickle byte 29: there is no list to append to" },
    { BYTES("K\1\x86."), "pickle byte 28: the stack is empty" },
    { BYTES("h\0."), "pickle byte 27: a place in the memo that is empty" },
    { BYTES("Nr\xff\xff\xff\x7f."), "pickle byte 31: a place in the memo that is too far away" },
    { BYTES("I1.5\n."), "pickle byte 30: a number that is no integer" },
    { BYTES("X\xff\xff\xff\x7f."), "truncated: ends within its pickle" },
    { BYTES("\x8e\xff\xff\xff\xff\xff\xff\xff\xff."), "truncated: ends within its pickle" },
    { BYTES("}(K\1K\2"), "pickle byte 31: opcode 0xff, which is not data" },
    { BYTES("ccollections\nOrderedDict\nK\1\x85R."), "pickle byte 54: a dict is made of something else" },
    { BYTES("ccollections\nOrderedDict\n]K\1a\x85R."), "pickle byte 56: a dict is made of something else" },
    /* what is in it */
    { BYTES("](U\1\0e."), "holds a text with a NUL character, or not in UTF-8: ''" },
    { BYTES("](U\1\xff"
            "e."),
      "holds a text with a NUL character, or not in UTF-8: '\xff'" },
    { BYTES("}(U\3a\0bNu."), "holds a text with a NUL character, or not in UTF-8: 'a'" },
    { BYTES("}NNs."), "a dict has a key that is neither a string nor an integer" },
    { BYTES("]q\1h\1a."), "is nested more than 64 levels deep" },
    { BYTES("}(U\3a.bK\1U\1a}U\1bK\2su."), "value 'a.b' occurs twice" },
    { BYTES("(U\7storagetQ."), "its pickle refers to something that is no storage" },
    { BYTES("K\1Q."), "its pickle refers to something that is no storage" },
    { BYTES("\x80\2" STORAGE("FloatStorage", "0", "\4") "."), "'' is no value that can be read" },
    { BYTES("\x80\2](" STORAGE("FloatStorage", "0", "\4") STORAGE("LongStorage", "0", "\4") "e."),
      "storage '0' has two dtypes or sizes" },
    { BYTES("\x80\2]" GLOBAL("torch._utils", "_rebuild_parameter") "(NtRa."), "'0' is no value that can be read" },
    /* tensors */
    { BYTES("\x80\2}(U\1w" OF_FOUR("\1", "K\4\x85", STRIDE_1) "u."), "tensor 'w' has elements outside its storage" },
    { BYTES("\x80\2}(U\1w" OF_FOUR("\0", SIZE_2, "K\4\x85") "u."), "tensor 'w' has elements outside its storage" },
    { BYTES("\x80\2}(U\1w" OF_FOUR("\4", ")", ")") "u."), "tensor 'w' has elements outside its storage" },
    { BYTES("\x80\2" OF_FOUR("\0", SIZE_2, "\x8a\10\xff\xff\xff\xff\xff\xff\xff\x7f\x85") "."),
      "tensor '' has elements outside its storage" },
    { BYTES("\x80\2" OF_FOUR("\0", SIZE_2, "J\xff\xff\xff\xff\x85") "."),
      "tensor '' is not described by a storage, an offset, sizes and strides" },
    { BYTES("\x80\2" OF_FOUR("\0", SIZE_2, ")") "."), "tensor '' is not described by a storage, an offset, sizes and strides" },
    { BYTES("\x80\2" OF_FOUR("\0", "\x8a\10\xff\xff\xff\xff\xff\xff\xff\x7fK\2\x86", "K\0K\0\x86") "."),
      "tensor '' is too large" },
    { BYTES("\x80\2" OF_FOUR("\0", "(K\1K\1K\1K\1K\1K\1K\1K\1K\1t", "(K\1K\1K\1K\1K\1K\1K\1K\1K\1t") "."),
      "tensor '' has 9 axes, more than 8" },
    { BYTES("\x80\2" TENSOR("ComplexFloatStorage", "0", "\2", SIZE_2, STRIDE_1) "."),
      "tensor '' is of torch.ComplexFloatStorage; bool, integers and floats from bfloat16 to float64 can be read" },
    { BYTES("\x80\2" TENSOR("FloatStorage", "0", "\5", SIZE_2, STRIDE_1) "."), "storage '0' has 4 elements, not 5" },
    { BYTES("\x80\2" TENSOR("FloatStorage", "7", "\4", SIZE_2, STRIDE_1) "."),
      "the list of its storages does not fit its pickle" },
    { BYTES("\x80\2" TENSOR("DoubleStorage", "0", "\4", SIZE_2, STRIDE_1) "."),
      "truncated: storage '0' takes 4 elements of 8 bytes, the file has 16 bytes" },
};

static void test_bad_pickles(void **state)
{
    static const bytes storage = BYTES(FOUR_FLOATS);
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const bool has_storage = strstr(bad[i].message ? bad[i].message : "", "storage") || i + 12 > sizeof bad / sizeof *bad;
        buffer     b = { .n = 0 };
        char       what[32];
        snprintf(what, sizeof what, "case %zu", i);
        append(&b, bad[i].pickle.bytes, bad[i].pickle.n);
        if (b.text[b.n - 1] != '.') append(&b, "\xff", 1);
        write_legacy((bytes){ b.text, b.n }, has_storage, &storage, 4);
        tap_arena *a = tap_arena_new();
        if (bad[i].message) expect_refusal(what, bad[i].message);
        else read_well(a);
        tap_arena_free(a);
    }
    unlink("x");
}

/* A dict that holds the same dict twice, thirty levels deep, has a billion items. */
static void test_repeated_objects(void **state)
{
    buffer b = { .n = 0 };
    (void)state;
    append(&b, "]q\0", 3);
    for (int i = 0; i < 30; i++) append(&b, (char[]){ ']', 'q', (char)(i + 1), '(', 'h', (char)i, 'h', (char)i, 'e' }, 9);
    append(&b, ".", 1);
    write_legacy((bytes){ b.text, b.n }, 0, NULL, 1);
    expect_refusal("repeated lists", "holds the same objects again and again");
    /* a long name in front of many values */
    b.n = 0;
    append(&b, "}U\xff", 3);
    for (int i = 0; i < 255; i++) append(&b, "n", 1);
    append(&b, "](", 2);
    for (int i = 0; i < 3000; i++) append(&b, "N", 1);
    append(&b, "es.", 3);
    write_legacy((bytes){ b.text, b.n }, 0, NULL, 1);
    expect_refusal("long names", "the names of its contents take more than 32 times the bytes of its pickle");
    unlink("x");
}

/* The file is refused when it ends early, wherever that is. */
static void expect_refusal_when_cut(const char *whole, size_t n)
{
    const char *message;
    for (size_t cut = 0; cut < n; cut++) {
        tap_arena *a = tap_arena_new();
        scratch_write("x", whole, cut);
        assert_int_equal(tap_torch_read(a, "x").n, 0);
        assert_int_equal(tap_arena_status(a, &message), TAP_EIO);
        tap_arena_free(a);
    }
}

static void test_damaged_files(void **state)
{
    static const bytes pickle = BYTES("\x80\2" OF_FOUR("\0", SIZE_2, STRIDE_1) "."), data = BYTES(FOUR_FLOATS);
    size_t             n;
    (void)state;
    scratch_write("x", "abc", 3);
    expect_refusal("no format", "is not a file of torch.save: neither a zip archive nor its old format");
    scratch_write("x", "", 0);
    expect_refusal("nothing", "is not a file of torch.save: neither a zip archive nor its old format");
    scratch_write("x", "\x80\2}.", 4);
    expect_refusal("another pickle", "is a pickle, but not one of torch.save");
    scratch_write("x", MAGIC "\x80\2K\1." SYSTEM "}.].", sizeof(MAGIC "\x80\2K\1." SYSTEM "}.].") - 1);
    expect_refusal("another version", "is not of version 1001 of PyTorch's old format");
    write_legacy(pickle, 1, &data, 4);
    char *whole = scratch_read("x", &n);
    expect_refusal_when_cut(whole, n);
    free(whole);
    unlink("x");
}

static void test_damaged_archives(void **state)
{
    static const bytes pickle = BYTES("\x80\2" OF_FOUR("\0", SIZE_2, STRIDE_1) "."), data = BYTES(FOUR_FLOATS);
    size_t             n;
    (void)state;
    if (!has_archives()) skip();
    write_archive(pickle, 0, NULL, NULL);
    expect_refusal("no storage", "has no entry 'm/data/0' for a storage");
    write_archive(pickle, 1, &(bytes){ FOUR_FLOATS, 12 }, NULL);
    expect_refusal("a short storage", "entry 'm/data/0': has 12 bytes, not those of 4 elements of float32");
    write_archive(pickle, 1, &data, "middle");
    expect_refusal("no byte order", "entry 'm/byteorder': says neither little nor big");
    tap_npz_write("x", 1, &(tap_named_tensor){ "w", tap_tensor_wrap(TAP_F32, TAP_SHAPE(6), (void *)(uintptr_t)six) }, NULL);
    expect_refusal("another archive", "is a zip archive without PyTorch's data.pkl");
    write_archive(pickle, 1, &data, NULL);
    char *whole = scratch_read("x", &n), *at = whole;
    while (memcmp(at, FOUR_FLOATS, 16) != 0) at++;
    at[5] ^= 1;
    scratch_write("x", whole, n);
    expect_refusal("a wrong checksum", "entry 'm/data/0': bad zip archive: CRC error");
    at[5] ^= 1;
    expect_refusal_when_cut(whole, n);
    free(whole);
    unlink("x");
}

/* The contents decide, not the name. */
static void test_state_dicts(void **state)
{
    static const bytes     pickle = BYTES("\x80\2}(U\1w" OF_FOUR("\0", SIZE_2, STRIDE_1) "u."), data = BYTES(FOUR_FLOATS);
    const double           values[] = { 1, 2 };
    const tap_named_tensor w = { "w", tap_tensor_wrap(TAP_F32, TAP_SHAPE(2), (void *)(uintptr_t)six) };
    (void)state;
    for (int kind = 0; kind < (has_archives() ? 4 : 2); kind++) {
        tap_arena *a = tap_arena_new();
        if (kind == 0) assert_int_equal(tap_safetensors_write("x", 1, &w, 0, NULL, NULL), TAP_OK);
        else if (kind == 1) write_legacy(pickle, 1, &data, 4);
        else if (kind == 2) write_archive(pickle, 1, &data, NULL);
        else assert_int_equal(tap_npz_write_compressed("x", 1, &w, NULL), TAP_OK);
        tap_safetensors s = tap__state_dict_read(a, "x");
        assert_int_equal(s.n, 1);
        expect(&s, "w", TAP_F32, TAP_SHAPE(2), values);
        tap_arena_free(a);
    }
    unlink("x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_formats),  cmocka_unit_test(test_dtypes),           cmocka_unit_test(test_untyped_storages),
        cmocka_unit_test(test_protocols),     cmocka_unit_test(test_bad_pickles),      cmocka_unit_test(test_repeated_objects),
        cmocka_unit_test(test_damaged_files), cmocka_unit_test(test_damaged_archives), cmocka_unit_test(test_state_dicts),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
