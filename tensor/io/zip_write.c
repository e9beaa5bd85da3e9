/* tensor/io/zip_write.c: writing zip archives from front to back, so that they can go into a pipe. All have the fields of
 * ZIP64, which large arrays need. An entry is its local header and its bytes; a deflated one, whose size is not known before,
 * has a data descriptor behind them. The directory follows, with the same facts about all entries. */
#define _XOPEN_SOURCE 700 /* strdup */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "tensor/io/zip.h"

/* The format's versions and flags, and its oldest date. */
enum { VERSION = 45, HAS_DESCRIPTOR = 8, UTF_8 = 0x800, STORED = 0, DEFLATED = 8, DATE = 1 << 5 | 1, ZIP64 = 1 };
enum { MAX_NAME = 65535, MAX_HEADER = 64, CHUNK = 1 << 16, PIECE = 1 << 30 };

#define IN_ZIP64 0xffffffffu /* in place of a size */

typedef struct {
    char    *name;
    uint32_t crc;
    uint64_t at, size, packed;
    bool     deflated;
} member;

struct tap__zip_writer {
    tap_file     *f;
    tap_status    status;
    tap_error    *e;
    const char   *path; /* the caller's */
    uint64_t      at;   /* bytes written so far */
    int           n, capacity;
    member       *members;
    unsigned char out[CHUNK];
};

static void free_writer(tap__zip_writer *w)
{
    for (int i = 0; i < w->n; i++) free(w->members[i].name);
    free(w->members);
    free(w);
}

tap__zip_writer *tap__zip_create(const char *path, int n, tap_error *e)
{
    tap__zip_writer *w = calloc(1, sizeof *w);
    if (w) w->members = calloc((size_t)n + 1, sizeof *w->members);
    if (w && w->members) {
        w->e = e;
        w->path = path;
        w->capacity = n;
        w->f = tap_file_create(path, e);
        if (w->f) return w;
    } else {
        tap_error_set(e, TAP_ENOMEM, "%s: no memory to write %d entries", path, n);
    }
    if (w) free_writer(w);
    return NULL;
}

/* ---- Headers ----------------------------------------------------------------------------------------------------- */

typedef struct {
    unsigned char bytes[MAX_HEADER];
    size_t        n;
} header;

static void put(header *h, int bytes, uint64_t x)
{
    for (int i = 0; i < bytes; i++) h->bytes[h->n++] = (unsigned char)(x >> 8 * i);
}

static void write_bytes(tap__zip_writer *w, const void *bytes, size_t n)
{
    if (w->status == TAP_OK) w->status = tap_file_write(w->f, bytes, n);
    w->at += n;
}

static bool is_ascii(const char *text)
{
    while (*text && !((unsigned char)*text & 0x80)) text++;
    return !*text;
}

/* Fields that local headers and the directory have in common. */
static void put_facts(header *h, const member *m, uint32_t crc)
{
    put(h, 2, VERSION);
    put(h, 2, (m->deflated ? HAS_DESCRIPTOR : 0) | (is_ascii(m->name) ? 0 : UTF_8));
    put(h, 2, m->deflated ? DEFLATED : STORED);
    put(h, 2, 0); /* midnight */
    put(h, 2, DATE);
    put(h, 4, crc);
    put(h, 4, IN_ZIP64);
    put(h, 4, IN_ZIP64);
    put(h, 2, strlen(m->name));
}

static void write_local_header(tap__zip_writer *w, const member *m)
{
    header h = { .n = 0 }, extra = { .n = 0 };
    put(&h, 4, 0x04034b50);
    put_facts(&h, m, m->crc);
    put(&h, 2, 20);
    put(&extra, 2, ZIP64);
    put(&extra, 2, 16);
    put(&extra, 8, m->size);
    put(&extra, 8, m->packed);
    write_bytes(w, h.bytes, h.n);
    write_bytes(w, m->name, strlen(m->name));
    write_bytes(w, extra.bytes, extra.n);
}

static void write_descriptor(tap__zip_writer *w, const member *m)
{
    header h = { .n = 0 };
    put(&h, 4, 0x08074b50);
    put(&h, 4, m->crc);
    put(&h, 8, m->packed);
    put(&h, 8, m->size);
    write_bytes(w, h.bytes, h.n);
}

static void write_directory_entry(tap__zip_writer *w, const member *m)
{
    header h = { .n = 0 }, extra = { .n = 0 };
    put(&h, 4, 0x02014b50);
    put(&h, 2, 3 << 8 | VERSION); /* permissions below are those of Unix */
    put_facts(&h, m, m->crc);
    put(&h, 2, 28);
    put(&h, 2 + 2 + 2, 0); /* no comment, on the first disk, no text */
    put(&h, 4, (uint64_t)0100644 << 16);
    put(&h, 4, IN_ZIP64);
    put(&extra, 2, ZIP64);
    put(&extra, 2, 24);
    put(&extra, 8, m->size);
    put(&extra, 8, m->packed);
    put(&extra, 8, m->at);
    write_bytes(w, h.bytes, h.n);
    write_bytes(w, m->name, strlen(m->name));
    write_bytes(w, extra.bytes, extra.n);
}

/* NumPy knows an empty archive by its first bytes, so it must have the old end alone. */
static void write_empty(tap__zip_writer *w)
{
    header h = { .n = 0 };
    put(&h, 4, 0x06054b50);
    put(&h, 6, 0);
    put(&h, 6, 0);
    put(&h, 6, 0);
    write_bytes(w, h.bytes, h.n);
}

/* The ends of the directory: that of ZIP64, where it is, and the old one. */
static void write_end(tap__zip_writer *w, uint64_t directory)
{
    const uint64_t end = w->at;
    header         h = { .n = 0 }, old = { .n = 0 };
    put(&h, 4, 0x06064b50);
    put(&h, 8, 44);
    put(&h, 2, 3 << 8 | VERSION);
    put(&h, 2, VERSION);
    put(&h, 4 + 4, 0); /* disks */
    put(&h, 8, (uint64_t)w->n);
    put(&h, 8, (uint64_t)w->n);
    put(&h, 8, end - directory);
    put(&h, 8, directory);
    put(&old, 4, 0x07064b50);
    put(&old, 4, 0);
    put(&old, 8, end);
    put(&old, 4, 1);
    put(&old, 4, 0x06054b50);
    put(&old, 2 + 2, 0);
    put(&old, 2, 0xffff);
    put(&old, 2, 0xffff);
    put(&old, 4, IN_ZIP64);
    put(&old, 4, IN_ZIP64);
    put(&old, 2, 0);
    write_bytes(w, h.bytes, h.n);
    write_bytes(w, old.bytes, old.n);
}

/* ---- Entries ----------------------------------------------------------------------------------------------------- */

static uint32_t checksum(int n, const tap__zip_part *parts)
{
    uLong crc = crc32(0, NULL, 0);
    for (int i = 0; i < n; i++) {
        const unsigned char *at = parts[i].bytes;
        for (size_t left = parts[i].n; left > 0;) {
            const uInt count = (uInt)(left < PIECE ? left : PIECE);
            crc = crc32(crc, at, count);
            at += count;
            left -= count;
        }
    }
    return (uint32_t)crc;
}

/* Compresses a part; the last one ends the stream. */
static void deflate_part(tap__zip_writer *w, z_stream *z, tap__zip_part part, bool last)
{
    const unsigned char *at = part.bytes;
    int                  result = Z_OK;
    do {
        z->next_in = (unsigned char *)(uintptr_t)at;
        z->avail_in = (uInt)(part.n < PIECE ? part.n : PIECE);
        at += z->avail_in;
        part.n -= z->avail_in;
        do {
            z->next_out = w->out;
            z->avail_out = CHUNK;
            result = deflate(z, last && part.n == 0 ? Z_FINISH : Z_NO_FLUSH);
            write_bytes(w, w->out, CHUNK - z->avail_out);
        } while (w->status == TAP_OK && z->avail_out == 0);
    } while (w->status == TAP_OK && part.n > 0);
    if (last && w->status == TAP_OK && result != Z_STREAM_END)
        w->status = tap_error_set(w->e, TAP_EIO, "%s: cannot compress", w->path);
}

static void write_deflated(tap__zip_writer *w, member *m, int n, const tap__zip_part *parts)
{
    z_stream       z = { .zalloc = NULL };
    const uint64_t begin = w->at;
    if (w->status != TAP_OK) return;
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        w->status = tap_error_set(w->e, TAP_ENOMEM, "%s: no memory to compress", w->path);
        return;
    }
    for (int i = 0; i < n; i++) deflate_part(w, &z, parts[i], i + 1 == n);
    deflateEnd(&z);
    m->packed = w->at - begin;
}

tap_status tap__zip_add(tap__zip_writer *w, const char *name, int n, const tap__zip_part *parts, bool deflated)
{
    if (w->status != TAP_OK) return w->status;
    if (strlen(name) > MAX_NAME || w->n == w->capacity)
        return w->status =
                   tap_error_set(w->e, TAP_EARG, "%s: entry '%.100s' has too long a name, or is one too many", w->path, name);
    member *m = &w->members[w->n];
    *m = (member){ .name = strdup(name), .at = w->at, .deflated = deflated };
    if (!m->name) return w->status = tap_error_set(w->e, TAP_ENOMEM, "%s: no memory for a name", w->path);
    w->n++;
    for (int i = 0; i < n; i++) m->size += parts[i].n;
    const uint64_t size = m->size;
    const uint32_t crc = checksum(n, parts);
    if (deflated) m->size = 0; /* sizes and checksum are in the descriptor */
    else m->packed = size, m->crc = crc;
    write_local_header(w, m);
    m->size = size;
    m->crc = crc;
    if (deflated) {
        write_deflated(w, m, n, parts);
        write_descriptor(w, m);
        return w->status;
    }
    for (int i = 0; i < n; i++) write_bytes(w, parts[i].bytes, parts[i].n);
    return w->status;
}

tap_status tap__zip_commit(tap__zip_writer *w)
{
    const uint64_t directory = w->at;
    for (int i = 0; i < w->n; i++) write_directory_entry(w, &w->members[i]);
    if (w->n > 0) write_end(w, directory);
    else write_empty(w);
    tap_status status = w->status;
    if (status == TAP_OK) status = tap_file_commit(w->f);
    else tap_file_abandon(w->f);
    free_writer(w);
    return status;
}

void tap__zip_abandon(tap__zip_writer *w)
{
    if (!w) return;
    tap_file_abandon(w->f);
    free_writer(w);
}
