/* tensor/io/cifar.c: the binary files of CIFAR-10: records of a label 0..9 and an image of 3 x 32 x 32 bytes. The tensors are
 * views of the records. */
#include <zlib.h>

#include "tensor/io/map.h"
#include "tensor/io/reader.h"
#include "tensor/arena.h"

enum { CLASSES = 10, SIDE = 32, IMAGE = 3 * SIDE * SIDE, RECORD = 1 + IMAGE };

/* Views of all records, whose labels are checked. */
static tap_tensor views_of(const tap__reader *in, unsigned char *data, int64_t bytes, tap_tensor *labels)
{
    tap_tensor x = { TAP_U8, { 4, { bytes / RECORD, 3, SIDE, SIDE } }, { RECORD, SIDE * SIDE, SIDE, 1 }, data + 1 };
    for (int64_t i = 0; i < bytes / RECORD; i++) {
        if (data[i * RECORD] < CLASSES) continue;
        tap__reader_fail(in, TAP_EIO, "not a CIFAR-10 file: record %lld has label %d, above 9", (long long)i, data[i * RECORD]);
        return (tap_tensor){ 0 };
    }
    if (labels) *labels = (tap_tensor){ TAP_U8, { 1, { bytes / RECORD } }, { RECORD }, data };
    return x;
}

static bool check_size(const tap__reader *in, int64_t bytes)
{
    if (bytes > 0 && bytes % RECORD == 0) return true;
    return tap__reader_fail(in, TAP_EIO, "not a CIFAR-10 file: %lld bytes are not a number of records of %d bytes",
                            (long long)bytes, RECORD);
}

/* The number of bytes of the decompressed stream, which is read to its end; -1 on an error. */
static int64_t count_bytes(tap__gzip_reader *from)
{
    char bytes[1 << 14];
    int  n;
    while ((n = tap__gzip_read_text(from, bytes, sizeof bytes)) > 0) continue;
    return n < 0 ? -1 : from->read;
}

static tap_tensor read_records(tap__gzip_reader *from, tap_tensor *labels)
{
    const int64_t bytes = gzdirect(from->stream) ? from->size : count_bytes(from);
    if (bytes < 0 || !check_size(&from->in, bytes)) return (tap_tensor){ 0 };
    unsigned char *data = tap__arena_acquire(from->in.arena, (size_t)bytes);
    if (!data) return (tap_tensor){ 0 };
    gzrewind(from->stream);
    from->read = 0;
    for (int64_t at = 0; at < bytes;) {
        const int64_t left = bytes - at;
        const int     part = left < 1 << 24 ? (int)left : 1 << 24, n = tap__gzip_read_text(from, (char *)data + at, part);
        if (n < 0) return (tap_tensor){ 0 };
        if (n < part) {
            tap__gzip_fail(from, "records");
            return (tap_tensor){ 0 };
        }
        at += n;
    }
    return views_of(&from->in, data, bytes, labels);
}

tap_tensor tap_cifar10_read(tap_arena *a, const char *path, tap_tensor *labels)
{
    tap__gzip_reader from;
    tap_tensor       x = { 0 };
    if (labels) *labels = (tap_tensor){ 0 };
    if (tap__gzip_open(&from, a, path, "cifar10")) x = read_records(&from, labels);
    tap__gzip_close(&from);
    return x;
}

tap_tensor tap_cifar10_map(tap_arena *a, const char *path, tap_tensor *labels)
{
    tap__reader in;
    tap_tensor  x = { 0 };
    if (labels) *labels = (tap_tensor){ 0 };
    if (!tap__reader_open(&in, a, path, "cifar10")) return x;
    const int64_t  bytes = (int64_t)in.left;
    unsigned char *data = check_size(&in, bytes) ? tap__map_file(&in, in.left) : NULL;
    if (data) x = views_of(&in, data, bytes, labels);
    tap__reader_close(&in);
    return x;
}
