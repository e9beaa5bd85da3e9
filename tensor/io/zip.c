/* tensor/io/zip.c: zip archives, by libzip. It gets the archive's bytes from tap__reader, so that files are opened, read and
 * checked here as in all other readers. */
#include "tensor/io/zip.h"

#include <stdio.h>
#include <string.h>

#include "tensor/arena.h"

#ifndef TAP__HAS_ZIP

bool tap__zip_open(tap__zip *z, tap__reader *in)
{
    *z = (tap__zip){ .in = in };
    return tap__reader_fail(in, TAP_EIO, "is a zip archive, which needs a library that was built with libzip");
}

void tap__zip_close(tap__zip *z)
{
    (void)z;
}

const char *tap__zip_name(const tap__zip *z, int i)
{
    (void)z, (void)i;
    return NULL;
}

int tap__zip_find(const tap__zip *z, const char *name)
{
    (void)z, (void)name;
    return -1;
}

bool tap__zip_enter(tap__zip *z, int i, tap__reader *entry)
{
    (void)z, (void)i, (void)entry;
    return false;
}

void tap__zip_leave(tap__reader *entry)
{
    (void)entry;
}

#else

#include <errno.h>
#include <zip.h>
#include <zlib.h>

/* Deflate's best is 258 bytes from two bits. An entry that states more than USUAL_RATIO times its bytes, and a lot of memory,
 * is decompressed to its end before memory is allocated for it. */
enum { MAX_RATIO = 1032, USUAL_RATIO = 16, SMALL = 1 << 20, NAME_SIZE = 512 };

/* ---- The archive's bytes ----------------------------------------------------------------------------------------- */

/* The source of libzip's bytes. */
typedef struct {
    tap__reader *in;
    zip_error_t  error;
} source;

static zip_int64_t source_read(source *s, void *to, zip_uint64_t n)
{
    if (n > s->in->left) n = s->in->left;
    if (tap__reader_read(s->in, to, (size_t)n)) return (zip_int64_t)n;
    zip_error_set(&s->error, ZIP_ER_READ, 0);
    return -1;
}

static zip_int64_t source_seek(source *s, void *args, zip_uint64_t n)
{
    zip_int64_t at = zip_source_seek_compute_offset(s->in->size - s->in->left, s->in->size, args, n, &s->error);
    if (at < 0 || tap__reader_seek(s->in, (uint64_t)at)) return at < 0 ? -1 : 0;
    zip_error_set(&s->error, ZIP_ER_SEEK, 0);
    return -1;
}

static zip_int64_t source_stat(const source *s, zip_stat_t *stat)
{
    zip_stat_init(stat);
    stat->valid = ZIP_STAT_SIZE;
    stat->size = s->in->size;
    return sizeof *stat;
}

static zip_int64_t source_call(void *data, void *args, zip_uint64_t n, zip_source_cmd_t command)
{
    source *s = data;
    switch (command) {
    case ZIP_SOURCE_SUPPORTS: return ZIP_SOURCE_SUPPORTS_SEEKABLE;
    case ZIP_SOURCE_OPEN: return tap__reader_seek(s->in, 0) ? 0 : -1;
    case ZIP_SOURCE_READ: return source_read(s, args, n);
    case ZIP_SOURCE_SEEK: return source_seek(s, args, n);
    case ZIP_SOURCE_TELL: return (zip_int64_t)(s->in->size - s->in->left);
    case ZIP_SOURCE_STAT: return source_stat(s, args);
    case ZIP_SOURCE_ERROR: return zip_error_to_data(&s->error, args, n);
    case ZIP_SOURCE_CLOSE:
    case ZIP_SOURCE_FREE: return 0;
    default: zip_error_set(&s->error, ZIP_ER_OPNOTSUPP, 0); return -1;
    }
}

/* ---- The archive ------------------------------------------------------------------------------------------------- */

/* Records an error of libzip, unless reading the file has recorded its cause. Without memory to search for its directory,
 * libzip says that a file is no archive, so errno must be 0 before a call. Always false. */
static bool fail(const tap__reader *in, zip_error_t *error)
{
    const int code = zip_error_code_zip(error);
    if (errno == ENOMEM || code == ZIP_ER_MEMORY || (code == ZIP_ER_ZLIB && zip_error_code_system(error) == Z_MEM_ERROR))
        return tap__reader_fail(in, TAP_ENOMEM, "no memory to read the archive");
    return tap__reader_fail(in, TAP_EIO, "bad zip archive: %s", zip_error_strerror(error));
}

bool tap__zip_open(tap__zip *z, tap__reader *in)
{
    zip_error_t error;
    source     *s = tap__arena_acquire(in->arena, sizeof *s);
    *z = (tap__zip){ .in = in };
    if (!s) return false;
    s->in = in;
    zip_error_init(&s->error);
    zip_error_init(&error);
    errno = 0;
    zip_source_t *from = zip_source_function_create(source_call, s, &error);
    if (from) z->archive = zip_open_from_source(from, ZIP_RDONLY, &error);
    if (from && !z->archive) zip_source_free(from);
    if (!z->archive) fail(in, &error);
    zip_error_fini(&error);
    zip_int64_t n = z->archive ? zip_get_num_entries(z->archive, 0) : 0;
    z->n = n < INT32_MAX ? (int)n : INT32_MAX;
    return z->archive;
}

void tap__zip_close(tap__zip *z)
{
    if (z->archive) zip_discard(z->archive);
    z->archive = NULL;
}

const char *tap__zip_name(const tap__zip *z, int i)
{
    errno = 0;
    const char *name = zip_get_name(z->archive, (zip_uint64_t)i, 0);
    if (!name) fail(z->in, zip_get_error(z->archive));
    return name;
}

int tap__zip_find(const tap__zip *z, const char *name)
{
    const zip_int64_t i = zip_name_locate(z->archive, name, 0);
    return i < z->n ? (int)i : -1;
}

/* ---- Entries ----------------------------------------------------------------------------------------------------- */

/* Reads n bytes from the entry. libzip verifies the checksum when it is asked for what is behind the last byte. */
static bool read_entry(tap__reader *in, void *to, size_t n)
{
    char extra;
    errno = 0;
    for (char *at = to; n > 0;) {
        const zip_int64_t count = zip_fread(in->entry, at, n);
        if (count < 0) return fail(in, zip_file_get_error(in->entry));
        if (count == 0) return tap__reader_fail(in, TAP_EIO, "truncated: %llu bytes are missing", (unsigned long long)in->left);
        at += count;
        n -= (size_t)count;
        in->left -= (uint64_t)count;
    }
    if (in->left > 0) return true;
    const zip_int64_t more = zip_fread(in->entry, &extra, 1);
    if (more < 0) return fail(in, zip_file_get_error(in->entry));
    return more == 0 || tap__reader_fail(in, TAP_EIO, "has more bytes than it states");
}

static bool open_entry(tap__zip *z, int i, uint64_t size, tap__reader *entry)
{
    errno = 0;
    entry->read = read_entry;
    entry->left = entry->size = size;
    entry->entry = zip_fopen_index(z->archive, (zip_uint64_t)i, 0);
    return entry->entry || fail(entry, zip_get_error(z->archive));
}

static void close_entry(tap__reader *entry)
{
    if (entry->entry) zip_fclose(entry->entry);
    entry->entry = NULL;
}

/* Decompresses an entry to its end, so that it really has the bytes that it states. */
static bool try_entry(tap__zip *z, int i, uint64_t size, tap__reader *entry)
{
    char part[4096];
    bool ok = open_entry(z, i, size, entry);
    while (ok && entry->left > 0) ok = read_entry(entry, part, entry->left < sizeof part ? entry->left : sizeof part);
    close_entry(entry);
    return ok;
}

static bool check_size(tap__zip *z, const zip_stat_t *s, const tap__reader *entry)
{
    const unsigned long long size = s->size, packed = s->comp_size;
    const bool               deflated = s->comp_method == ZIP_CM_DEFLATE;
    if (s->encryption_method != ZIP_EM_NONE) return tap__reader_fail(entry, TAP_EIO, "is encrypted");
    if (!deflated && s->comp_method != ZIP_CM_STORE)
        return tap__reader_fail(entry, TAP_EIO, "is compressed by method %d; stored and deflated entries can be read",
                                s->comp_method);
    if (packed > z->in->size - z->taken)
        return tap__reader_fail(entry, TAP_EIO, "takes %llu bytes, more than the file has for it", packed);
    if (deflated ? size / MAX_RATIO > packed : size != packed)
        return tap__reader_fail(entry, TAP_EIO, "states a size of %llu bytes, which its %llu bytes cannot hold", size, packed);
    z->taken += packed;
    return true;
}

bool tap__zip_enter(tap__zip *z, int i, tap__reader *entry)
{
    const zip_uint64_t needed = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
    zip_stat_t         s;
    const char        *name = tap__zip_name(z, i);
    char              *path = tap__arena_acquire(z->in->arena, NAME_SIZE);
    *entry = (tap__reader){ .arena = z->in->arena, .path = path, .fd = -1 };
    if (!name || !path) return false;
    snprintf(path, NAME_SIZE, "%.380s: entry '%.100s'", z->in->path, name);
    if (zip_stat_index(z->archive, (zip_uint64_t)i, 0, &s) != 0) return fail(entry, zip_get_error(z->archive));
    if ((s.valid & needed) != needed) return tap__reader_fail(entry, TAP_EIO, "does not state its size");
    if (!check_size(z, &s, entry)) return false;
    if (s.size > SMALL && s.size / USUAL_RATIO > s.comp_size && !try_entry(z, i, s.size, entry)) return false;
    return open_entry(z, i, s.size, entry);
}

void tap__zip_leave(tap__reader *entry)
{
    close_entry(entry);
    if (entry->path) tap__arena_release(entry->arena, (void *)(uintptr_t)entry->path);
    entry->path = NULL;
}

#endif
