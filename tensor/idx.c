/* IDX files: two zero bytes, a type, a rank, big-endian sizes, big-endian data. zlib reads plain and gzipped ones alike. Memory
 * is taken only for data that a file of this size can hold. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "tensor/internal.h"

/* Deflate's best is 258 bytes from two bits. PIECE is a multiple of every element size. */
enum { DEFLATE_LIMIT = 1032, PIECE = 1 << 14 };

typedef struct {
    unsigned char code;
    int           size;
    tap_dtype     dtype; /* that it is read as */
} idx_type;

static const idx_type idx_types[] = {
    { 0x08, 1, TAP_U8 },  { 0x09, 1, TAP_I64 }, { 0x0B, 2, TAP_I64 },
    { 0x0C, 4, TAP_I64 }, { 0x0D, 4, TAP_F32 }, { 0x0E, 8, TAP_F64 },
};

typedef struct {
    tap_arena  *arena;
    const char *path;
    gzFile      file;
    int64_t     size; /* of the file on disk */
    idx_type    type;
    tap_shape   shape;
} reader;

static bool fail(const reader *r, tap_status status, const char *format, ...) TAP_PRINTF(3, 4);
static bool fail(const reader *r, tap_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tap__error_set_in(tap_arena_error(r->arena), status, r->path, format, args);
    va_end(args);
    return false;
}

/* Why the stream gave fewer bytes than asked for. */
static bool fail_short(const reader *r, const char *part)
{
    int         code;
    const char *text = gzerror(r->file, &code), *reason = strstr(text, ": "); /* "<fd:3>: incorrect data check" */
    switch (code) {
    case Z_ERRNO: return fail(r, TAP_EIO, "cannot read: %s", strerror(errno));
    case Z_MEM_ERROR: return fail(r, TAP_ENOMEM, "no memory to unpack it");
    case Z_BUF_ERROR: return fail(r, TAP_EIO, "truncated: the gzip stream breaks off");
    case Z_OK:
    case Z_STREAM_END: return fail(r, TAP_EIO, "truncated: ends within its %s", part);
    default: return fail(r, TAP_EIO, "corrupt gzip stream: %s", reason ? reason + 2 : text);
    }
}

static bool read_part(const reader *r, void *to, int n, const char *part)
{
    return gzread(r->file, to, (unsigned)n) == n || fail_short(r, part);
}

static uint64_t big_endian(const unsigned char *p, int size)
{
    uint64_t x = 0;
    for (int i = 0; i < size; i++) x = x << 8 | p[i];
    return x;
}

static bool read_header(reader *r)
{
    enum { TYPES = sizeof idx_types / sizeof *idx_types };
    unsigned char magic[4], sizes[4 * TAP_MAX_RANK];
    int           known = 0;
    if (!read_part(r, magic, sizeof magic, "header")) return false;
    if (magic[0] != 0 || magic[1] != 0)
        return fail(r, TAP_EIO, "not an IDX file: begins with %02x %02x instead of 00 00", magic[0], magic[1]);
    while (known < TYPES && idx_types[known].code != magic[2]) known++;
    if (known == TYPES) return fail(r, TAP_EIO, "0x%02x is no IDX type", magic[2]);
    if (magic[3] > TAP_MAX_RANK) return fail(r, TAP_EIO, "has %d axes, more than %d", magic[3], TAP_MAX_RANK);
    r->type = idx_types[known];
    r->shape.rank = magic[3];
    if (!read_part(r, sizes, 4 * r->shape.rank, "header")) return false;
    for (int i = 0; i < r->shape.rank; i++) r->shape.n[i] = (int64_t)big_endian(sizes + 4 * i, 4);
    return true;
}

/* Whether the file is large enough for what its header promises: a few forged bytes must not claim all memory. */
static bool check_size(const reader *r)
{
    char    text[TAP_SHAPE_TEXT];
    int64_t n = tap_numel(r->shape), room = r->size - 4 - 4 * r->shape.rank;
    tap_shape_format(text, r->shape);
    if (n < 0) return fail(r, TAP_EIO, "shape %s is too large", text);
    if (!gzdirect(r->file)) room = r->size < INT64_MAX / DEFLATE_LIMIT ? r->size * DEFLATE_LIMIT : INT64_MAX;
    if (n <= room / r->type.size) return true;
    return fail(r, TAP_EIO, "truncated: shape %s takes %lld bytes, the file can hold %lld", text, (long long)n * r->type.size,
                (long long)(room < 0 ? 0 : room));
}

static void decode(idx_type type, const unsigned char *from, int64_t n, void *to)
{
    int above = 64 - 8 * type.size;
    for (int64_t i = 0; i < n; i++) {
        uint64_t bits = big_endian(from + i * type.size, type.size);
        uint32_t low = (uint32_t)bits;
        if (type.dtype == TAP_F32) memcpy((float *)to + i, &low, sizeof low);
        else if (type.dtype == TAP_F64) memcpy((double *)to + i, &bits, sizeof bits);
        else ((int64_t *)to)[i] = (int64_t)(bits << above) >> above;
    }
}

static bool read_data(const reader *r, int64_t n, void *to)
{
    unsigned char  piece[PIECE];
    const idx_type type = r->type;
    char          *at = to;
    for (int64_t rest = n * type.size; rest > 0; rest -= PIECE) {
        int     bytes = rest < PIECE ? (int)rest : PIECE;
        int64_t count = bytes / type.size;
        if (!read_part(r, type.dtype == TAP_U8 ? (void *)at : piece, bytes, "data")) return false;
        if (type.dtype != TAP_U8) decode(type, piece, count, at);
        at += count * (int64_t)tap_dtype_size(type.dtype);
    }
    return true;
}

/* Reading on past the data is also what makes zlib compare the checksum. */
static bool check_end(const reader *r)
{
    char text[TAP_SHAPE_TEXT];
    char extra;
    int  code, n = gzread(r->file, &extra, 1);
    gzerror(r->file, &code);
    if (n == 1) return fail(r, TAP_EIO, "bytes left over behind the data of shape %s", tap_shape_format(text, r->shape));
    return (n == 0 && code == Z_OK) || fail_short(r, "data");
}

static tap_tensor read_tensor(reader *r)
{
    if (!read_header(r) || !check_size(r)) return (tap_tensor){ 0 };
    int64_t n = tap_numel(r->shape);
    void   *data = tap__arena_take(r->arena, (size_t)n * tap_dtype_size(r->type.dtype));
    if (!data || !read_data(r, n, data) || !check_end(r)) return (tap_tensor){ 0 };
    return tap_tensor_wrap(r->type.dtype, r->shape, data);
}

static bool open_file(reader *r)
{
    struct stat s;
    int         fd = open(r->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return fail(r, TAP_EIO, "cannot open: %s", strerror(errno));
    if (fstat(fd, &s) != 0) fail(r, TAP_EIO, "cannot read: %s", strerror(errno));
    else if (!S_ISREG(s.st_mode)) fail(r, TAP_EIO, "is not a regular file");
    else if (!(r->file = gzdopen(fd, "rb"))) fail(r, TAP_ENOMEM, "no memory to read it");
    else r->size = (int64_t)s.st_size;
    if (!r->file) close(fd);
    return r->file;
}

tap_tensor tap_idx_read(tap_arena *a, const char *path)
{
    reader r = { .arena = a, .path = path };
    if (tap_arena_status(a, NULL) != TAP_OK) return (tap_tensor){ 0 };
    if (!path) return tap__tensor_fail(a, TAP_EARG, "idx: the path is NULL");
    if (!open_file(&r)) return (tap_tensor){ 0 };
    tap_tensor x = read_tensor(&r);
    gzclose(r.file);
    return x;
}
