/* tensor/io/idx.c: IDX files, plain or gzipped: two zero bytes, a type, a rank, big-endian sizes, big-endian data. Memory is
 * allocated only for data that a file of this size can hold, and large amounts only for data that was found in it. */
#include <string.h>
#include <zlib.h>

#include "tensor/io/stored.h"
#include "tensor/arena.h"

/* Deflate's best is 258 bytes from two bits; images and labels are far from it. */
enum { MAX_DEFLATE_RATIO = 1032, USUAL_DEFLATE_RATIO = 16, SMALL_DATA = 1 << 20, MAX_READ = 1 << 30 };

typedef struct {
    unsigned char code;
    tap__element  element;
} idx_type;

static const idx_type idx_types[] = {
    { 0x08, TAP__FILE_U8 },  { 0x09, TAP__FILE_I8 },  { 0x0B, TAP__FILE_I16 },
    { 0x0C, TAP__FILE_I32 }, { 0x0D, TAP__FILE_F32 }, { 0x0E, TAP__FILE_F64 },
};

/* from.stream is NULL while a plain file is located. */
typedef struct {
    tap__gzip_reader from;
    tap__element     element;
    tap_shape        shape;
} reader;

static bool read_part(reader *r, void *to, int n, const char *part)
{
    if (!r->from.stream) {
        if (r->from.in.left >= (uint64_t)n) return tap__reader_read(&r->from.in, to, (size_t)n);
        return tap__reader_fail(&r->from.in, TAP_EIO, "truncated: ends within its %s", part);
    }
    return gzread(r->from.stream, to, (unsigned)n) == n || tap__gzip_fail(&r->from, part);
}

static bool read_header(reader *r)
{
    enum { TYPES = sizeof idx_types / sizeof *idx_types };
    unsigned char magic[4] = { 0 }, sizes[4 * TAP_MAX_RANK] = { 0 };
    int           type = 0;
    if (!read_part(r, magic, sizeof magic, "header")) return false;
    if (!r->from.stream && magic[0] == 0x1f && magic[1] == 0x8b)
        return tap__reader_fail(&r->from.in, TAP_EIO, "is gzipped, and must be decompressed to be used in parts");
    if (magic[0] != 0 || magic[1] != 0)
        return tap__reader_fail(&r->from.in, TAP_EIO, "not an IDX file: begins with %02x %02x instead of 00 00", magic[0],
                                magic[1]);
    while (type < TYPES && idx_types[type].code != magic[2]) type++;
    if (type == TYPES)
        return tap__reader_fail(&r->from.in, TAP_EIO, "has IDX type 0x%02x; 0x08, 0x09 and 0x0b to 0x0e can be read", magic[2]);
    if (magic[3] > TAP_MAX_RANK)
        return tap__reader_fail(&r->from.in, TAP_EIO, "has %d axes, more than %d", magic[3], TAP_MAX_RANK);
    r->element = idx_types[type].element;
    r->shape.rank = magic[3];
    if (!read_part(r, sizes, 4 * r->shape.rank, "header")) return false;
    for (int i = 0; i < r->shape.rank; i++) {
        const unsigned char *p = sizes + 4 * i;
        r->shape.n[i] = (int64_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
    }
    return true;
}

/* Whether a file of this size can hold the data that its header states: a few forged bytes must not allocate all memory. */
static bool check_size(const reader *r)
{
    char    text[TAP_SHAPE_TEXT];
    int64_t n = tap_numel(r->shape), capacity = r->from.size - 4 - 4 * r->shape.rank, size = tap__element_size(r->element);
    tap_shape_format(text, r->shape);
    if (n < 0) return tap__reader_fail(&r->from.in, TAP_EIO, "shape %s is too large", text);
    if (!gzdirect(r->from.stream))
        capacity = r->from.size < INT64_MAX / MAX_DEFLATE_RATIO ? r->from.size * MAX_DEFLATE_RATIO : INT64_MAX;
    if (n <= capacity / size) return true;
    return tap__reader_fail(&r->from.in, TAP_EIO, "truncated: shape %s takes %lld bytes, the file can hold %lld", text,
                            (long long)n * size, (long long)(capacity < 0 ? 0 : capacity));
}

static bool read_data(reader *r, int64_t bytes, char *to)
{
    while (bytes > 0) {
        int n = bytes < MAX_READ ? (int)bytes : MAX_READ;
        if (!read_part(r, to, n, "data")) return false;
        to += n;
        bytes -= n;
    }
    return true;
}

/* Reading past the data also makes zlib verify the checksum. */
static bool check_end(const reader *r)
{
    char text[TAP_SHAPE_TEXT];
    char extra;
    int  code, n = gzread(r->from.stream, &extra, 1);
    gzerror(r->from.stream, &code);
    if (n == 1)
        return tap__reader_fail(&r->from.in, TAP_EIO, "bytes left over behind the data of shape %s",
                                tap_shape_format(text, r->shape));
    return (n == 0 && code == Z_OK) || tap__gzip_fail(&r->from, "data");
}

/* A forged header may still state a thousand times the data of the stream. If that would be a lot of memory, the stream is
 * first decompressed to its end, and then read again from the beginning of the data. */
static bool check_stream(reader *r, int64_t bytes, int64_t memory)
{
    char    last;
    z_off_t data = gztell(r->from.stream);
    if (gzdirect(r->from.stream) || memory <= SMALL_DATA || memory / USUAL_DEFLATE_RATIO <= r->from.size) return true;
    if (gzseek(r->from.stream, (z_off_t)bytes - 1, SEEK_CUR) < 0 || !read_part(r, &last, 1, "data") || !check_end(r))
        return false;
    return gzseek(r->from.stream, data, SEEK_SET) == data || tap__gzip_fail(&r->from, "data");
}

static tap_tensor read_tensor(reader *r)
{
    if (!read_header(r) || !check_size(r)) return (tap_tensor){ 0 };
    tap_dtype dtype = tap__element_dtype(r->element);
    int64_t   n = tap_numel(r->shape), bytes = n * tap__element_size(r->element), memory = n * (int64_t)tap_dtype_size(dtype);
    if (!check_stream(r, bytes, memory)) return (tap_tensor){ 0 };
    void *data = tap__arena_acquire(r->from.in.arena, (size_t)memory);
    if (!data || !read_data(r, bytes, data) || !check_end(r)) return (tap_tensor){ 0 };
    tap__decode(data, n, r->element, true);
    return tap_tensor_wrap(dtype, r->shape, data);
}

bool tap__idx_locate(tap__reader *in, tap__stored *x)
{
    const uint64_t size = in->left;
    reader         r = { .from = { .in = *in } };
    if (!read_header(&r)) return false;
    *x = (tap__stored){ .element = r.element, .big_endian = true, .shape = r.shape, .offset = size - r.from.in.left };
    return tap__reader_check_data(&r.from.in, r.shape, tap__element_size(r.element));
}

tap_tensor tap_idx_read(tap_arena *a, const char *path)
{
    reader     r = { .shape = TAP_SCALAR };
    tap_tensor x = { 0 };
    if (tap__gzip_open(&r.from, a, path, "idx")) x = read_tensor(&r);
    tap__gzip_close(&r.from);
    return x;
}
