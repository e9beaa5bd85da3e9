/* tensor/io/npy.c: NumPy's .npy files: magic bytes, a version, the length of the header, the header (a Python dict, padded
 * with spaces up to a newline), and the elements. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/io/npy.h"
#include "tensor/io/stored.h"
#include "tensor/arena.h"

#define MAGIC "\x93NUMPY"

enum { MAGIC_SIZE = 6, MAX_HEADER = 65535, N_TYPES = 12, N_KEYS = 3 };

/* Type codes follow a character for the byte order. Of the codes of one dtype, the last is written. */
static const struct {
    const char  *code;
    tap__element element;
} types[N_TYPES] = {
    { "b1", TAP__FILE_BOOL }, { "u1", TAP__FILE_U8 },  { "i1", TAP__FILE_I8 },  { "i2", TAP__FILE_I16 },
    { "u2", TAP__FILE_U16 },  { "i4", TAP__FILE_I32 }, { "u4", TAP__FILE_U32 }, { "u8", TAP__FILE_U64 },
    { "i8", TAP__FILE_I64 },  { "f2", TAP__FILE_F16 }, { "f4", TAP__FILE_F32 }, { "f8", TAP__FILE_F64 },
};

static int type_size(int type)
{
    return tap__element_size(types[type].element);
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

typedef struct {
    tap__reader *in;
    char        *header, *at, *end; /* the dict, NUL-terminated, and where parsing it is */
    tap_shape    shape;
    int          type;
    bool         big_endian, fortran;
} reader;

static bool fail_expected(const reader *r, const char *expected)
{
    return tap__reader_fail(r->in, TAP_EIO, "header byte %d: expected %s", (int)(r->at - r->header), expected);
}

static void skip_spaces(reader *r)
{
    r->at += strspn(r->at, " \t\n\r\f");
}

/* Skips c if it comes next, after spaces; otherwise false. */
static bool accept(reader *r, char c)
{
    skip_spaces(r);
    if (*r->at != c) return false;
    r->at++;
    return true;
}

static bool accept_word(reader *r, const char *word)
{
    size_t n = strlen(word);
    skip_spaces(r);
    if (strncmp(r->at, word, n) != 0) return false;
    r->at += n;
    return true;
}

/* Parses a string without escapes, and ends it by a NUL byte instead of its quote; NULL if there is none. */
static const char *parse_string(reader *r)
{
    skip_spaces(r);
    char  quote = *r->at;
    char *text = r->at + 1;
    if (quote != '\'' && quote != '"') return NULL;
    char *stop = text + strcspn(text, quote == '"' ? "\"\\\n" : "'\\\n");
    if (*stop != quote) return NULL;
    *stop = '\0';
    r->at = stop + 1;
    return text;
}

/* Python 2 may have written a suffix L. Numbers above int64 become INT64_MAX, which is too large for any file. */
static bool parse_size(reader *r, int64_t *n)
{
    char *stop;
    skip_spaces(r);
    if (*r->at < '0' || *r->at > '9') return false;
    *n = strtoll(r->at, &stop, 10);
    if (*r->at == '0' && stop - r->at > 1) return false;
    r->at = stop + (*stop == 'L');
    return true;
}

static bool parse_dtype(reader *r)
{
    const char *text = parse_string(r);
    if (!text) return fail_expected(r, "a string with a single dtype");
    for (r->type = 0; r->type < N_TYPES; r->type++) {
        const char *order = type_size(r->type) == 1 ? "|<>" : "<>";
        if (!*text || !strchr(order, *text) || strcmp(text + 1, types[r->type].code) != 0) continue;
        r->big_endian = *text == '>';
        return true;
    }
    return tap__reader_fail(r->in, TAP_EDTYPE, "has dtype '%.20s'; f2 to f8, i1 to i8, u1 to u8 and b1, < or >, can be read",
                            text);
}

static bool parse_order(reader *r)
{
    r->fortran = accept_word(r, "True");
    return r->fortran || accept_word(r, "False") || fail_expected(r, "True or False");
}

/* A tuple. That of a single size needs a comma. */
static bool parse_shape(reader *r)
{
    int64_t n;
    int     rank = 0;
    bool    comma = true;
    if (!accept(r, '(')) return fail_expected(r, "a tuple of sizes");
    for (; !accept(r, ')'); rank++) {
        if (!comma || !parse_size(r, &n)) return fail_expected(r, comma ? "a size" : "a comma");
        if (rank < TAP_MAX_RANK) r->shape.n[rank] = n;
        comma = accept(r, ',');
    }
    if (rank == 1 && !comma) return fail_expected(r, "a comma within the tuple");
    if (rank > TAP_MAX_RANK) return tap__reader_fail(r->in, TAP_ESHAPE, "has %d axes, more than %d", rank, TAP_MAX_RANK);
    r->shape.rank = rank;
    return true;
}

static const struct {
    const char *name;
    bool (*read)(reader *r);
} keys[N_KEYS] = { { "descr", parse_dtype }, { "fortran_order", parse_order }, { "shape", parse_shape } };

static bool parse_entry(reader *r, bool *found)
{
    int         k = 0;
    const char *name = parse_string(r);
    if (!name) return fail_expected(r, "a key");
    while (k < N_KEYS && strcmp(keys[k].name, name) != 0) k++;
    if (k == N_KEYS)
        return tap__reader_fail(r->in, TAP_EIO, "has an unknown key '%.20s'; descr, fortran_order and shape are known", name);
    if (found[k]) return tap__reader_fail(r->in, TAP_EIO, "has %s twice", keys[k].name);
    found[k] = true;
    return accept(r, ':') ? keys[k].read(r) : fail_expected(r, "a colon");
}

static bool parse_header(reader *r)
{
    bool comma = true, found[N_KEYS] = { false };
    if (!accept(r, '{')) return fail_expected(r, "a dict");
    while (!accept(r, '}')) {
        if (!comma) return fail_expected(r, "a comma");
        if (!parse_entry(r, found)) return false;
        comma = accept(r, ',');
    }
    skip_spaces(r);
    if (r->at != r->end) return fail_expected(r, "the end of the header");
    for (int k = 0; k < N_KEYS; k++) {
        if (!found[k]) return tap__reader_fail(r->in, TAP_EIO, "has no %s", keys[k].name);
    }
    return true;
}

/* Reads n bytes as a little-endian number. */
static bool read_number(reader *r, size_t n, unsigned long long *value)
{
    unsigned char bytes[8] = { 0 };
    if (!tap__reader_read(r->in, bytes, n)) return false;
    memcpy(value, bytes, sizeof bytes);
    return true;
}

static bool read_header(reader *r)
{
    char               start[MAGIC_SIZE + 2];
    unsigned long long length;
    if (r->in->left < sizeof start) return tap__reader_fail(r->in, TAP_EIO, "truncated: ends within its magic bytes");
    if (!tap__reader_read(r->in, start, sizeof start)) return false;
    if (memcmp(start, MAGIC, MAGIC_SIZE) != 0)
        return tap__reader_fail(r->in, TAP_EIO, "not an npy file: does not begin with \\x93NUMPY");
    int major = (unsigned char)start[MAGIC_SIZE], minor = (unsigned char)start[MAGIC_SIZE + 1];
    if (major < 1 || major > 3 || minor != 0)
        return tap__reader_fail(r->in, TAP_EIO, "is npy version %d.%d; 1.0, 2.0 and 3.0 can be read", major, minor);
    size_t size = major == 1 ? 2 : 4;
    if (r->in->left < size) return tap__reader_fail(r->in, TAP_EIO, "truncated: ends within the header's length");
    if (!read_number(r, size, &length)) return false;
    if (length > MAX_HEADER)
        return tap__reader_fail(r->in, TAP_EIO, "has a header of %llu bytes, more than %d", length, MAX_HEADER);
    if (length > r->in->left)
        return tap__reader_fail(r->in, TAP_EIO, "truncated: the header takes %llu bytes, the file has %llu", length,
                                (unsigned long long)r->in->left);
    r->header = r->at = tap__arena_acquire(r->in->arena, length + 1);
    if (!r->header || !tap__reader_read(r->in, r->header, length)) return false;
    r->end = r->header + length;
    *r->end = '\0';
    bool ok = parse_header(r);
    tap__arena_release(r->in->arena, r->header);
    return ok;
}

/* Fortran order is C order of the reversed axes. */
static tap_tensor from_fortran(tap_arena *a, tap_dtype dtype, tap_shape shape, void *data)
{
    tap_shape reverse = shape;
    int       axes[TAP_MAX_RANK];
    for (int i = 0; i < shape.rank; i++) {
        axes[i] = shape.rank - 1 - i;
        reverse.n[i] = shape.n[axes[i]];
    }
    return tap_tensor_permute(a, tap_tensor_wrap(dtype, reverse, data), shape.rank, axes);
}

static tap_tensor read_tensor(reader *r)
{
    if (!read_header(r) || !tap__reader_check_data(r->in, r->shape, type_size(r->type))) return (tap_tensor){ 0 };
    int64_t   n = tap_numel(r->shape);
    tap_dtype dtype = tap__element_dtype(types[r->type].element);
    void     *data = tap__arena_acquire(r->in->arena, (size_t)n * tap_dtype_size(dtype));
    if (!data || !tap__reader_read(r->in, data, (size_t)(n * type_size(r->type)))) return (tap_tensor){ 0 };
    if (!tap__decode(data, n, types[r->type].element, r->big_endian)) {
        tap__reader_fail(r->in, TAP_EIO, "holds a uint64 that is above INT64_MAX");
        return (tap_tensor){ 0 };
    }
    return r->fortran ? from_fortran(r->in->arena, dtype, r->shape, data) : tap_tensor_wrap(dtype, r->shape, data);
}

tap_tensor tap_npy_read(tap_arena *a, const char *path)
{
    tap__reader in;
    if (!tap__reader_open(&in, a, path, "npy")) return (tap_tensor){ 0 };
    tap_tensor x = tap__npy_read(&in);
    tap__reader_close(&in);
    return x;
}

bool tap__npy_locate(tap__reader *in, tap__stored *x)
{
    const uint64_t size = in->left;
    reader         r = { .in = in };
    if (!read_header(&r) || !tap__reader_check_data(in, r.shape, type_size(r.type))) return false;
    *x = (tap__stored){ .element = types[r.type].element,
                        .big_endian = r.big_endian,
                        .fortran = r.fortran,
                        .shape = r.shape,
                        .offset = size - in->left };
    return true;
}

tap_tensor tap__npy_read(tap__reader *in)
{
    reader r = { .in = in };
    return read_tensor(&r);
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

static int type_index(tap_dtype dtype)
{
    int type = N_TYPES - 1;
    while (type >= 0 && tap__element_dtype(types[type].element) != dtype) type--;
    return type;
}

enum { DICT_START = MAGIC_SIZE + 4, HEADER_SIZE = TAP__NPY_HEADER };
_Static_assert(TAP_MAX_RANK == 8, "a header with more axes may be longer");

void tap__npy_header(char header[HEADER_SIZE], tap_dtype dtype, tap_shape shape)
{
    const int type = type_index(dtype);
    char      sizes[HEADER_SIZE] = "", text[2 * HEADER_SIZE];
    int       n = 0;
    for (int i = 0; i < shape.rank; i++)
        n += snprintf(sizes + n, sizeof sizes - (size_t)n, i ? ", %lld" : "%lld", (long long)shape.n[i]);
    n = snprintf(text, sizeof text, "{'descr': '%c%s', 'fortran_order': False, 'shape': (%s%s), }",
                 type_size(type) == 1 ? '|' : '<', types[type].code, sizes, shape.rank == 1 ? "," : "");
    memset(header, ' ', HEADER_SIZE);
    memcpy(header, MAGIC "\x01\x00", MAGIC_SIZE + 2);
    header[DICT_START - 2] = HEADER_SIZE - DICT_START;
    header[DICT_START - 1] = 0;
    memcpy(header + DICT_START, text, (size_t)n);
    header[HEADER_SIZE - 1] = '\n';
}

bool tap__npy_can_write(tap_tensor x)
{
    return x.data && type_index(x.dtype) >= 0 && tap_numel(x.shape) >= 0;
}

tap_file *tap_npy_create(const char *path, tap_dtype dtype, tap_shape shape, tap_error *e)
{
    char header[HEADER_SIZE];
    if (!path) {
        tap_error_set(e, TAP_EARG, "npy: the path is NULL");
        return NULL;
    }
    if (type_index(dtype) < 0 || tap_numel(shape) < 0) {
        tap_error_set(e, TAP_EARG, "%s: the tensor is inert or invalid", path);
        return NULL;
    }
    tap_file *f = tap_file_create(path, e);
    if (!f) return NULL;
    tap__npy_header(header, dtype, shape);
    if (tap_file_write(f, header, HEADER_SIZE) == TAP_OK) return f;
    tap_file_abandon(f);
    return NULL;
}

static tap_status write_file(const char *path, tap_tensor x, tap_error *e)
{
    tap_file *f = tap_npy_create(path, x.dtype, x.shape, e);
    if (!f) return e ? e->status : TAP_EIO;
    tap_status status = tap_file_write(f, x.data, (size_t)tap_numel(x.shape) * tap_dtype_size(x.dtype));
    if (status == TAP_OK) return tap_file_commit(f);
    tap_file_abandon(f);
    return status;
}

tap_status tap_npy_write(const char *path, tap_tensor x, tap_error *e)
{
    if (!path) return tap_error_set(e, TAP_EARG, "npy: the path is NULL");
    if (!tap__npy_can_write(x)) return tap_error_set(e, TAP_EARG, "%s: the tensor is inert or invalid", path);
    tap_arena *scratch = tap__arena_new_internal();
    tap_tensor copy = tap_tensor_contiguous(scratch, x);
    tap_status status = copy.data ? write_file(path, copy, e) : tap_error_set(e, TAP_ENOMEM, "%s: no memory for a copy", path);
    tap_arena_free(scratch);
    return status;
}
