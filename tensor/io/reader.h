/* tensor/io/reader.h: opening and reading files, plain or gzipped. No size that a file states is trusted, not even the
 * file's own: it may change while it is read. Not installed. */
#ifndef TAP_TENSOR_IO_READER_H
#define TAP_TENSOR_IO_READER_H

#include "tensor/tensor.h"

typedef struct tap__reader tap__reader;

struct tap__reader {
    tap_arena  *arena;
    const char *path;
    int         fd;     /* -1: closed */
    uint64_t    size;   /* of the file when it was opened */
    uint64_t    left;   /* of these bytes, how many are behind the place that is read next */
    const char *before; /* the arena's name until it is closed */
    /* Reads from an entry of an archive (tensor/io/zip.h); NULL: bytes come from fd. */
    bool (*read)(tap__reader *in, void *to, size_t n);
    void *entry;
};

/* Opens a regular file. Errors, now and later, go to the arena, and begin with the path, or with the format if the path is
 * NULL. */
bool tap__reader_open(tap__reader *in, tap_arena *a, const char *path, const char *format);
void tap__reader_close(tap__reader *in);

/* Records an error that begins with the path. Always false. */
bool tap__reader_fail(const tap__reader *in, tap_status status, const char *format, ...) TAP_PRINTF(3, 4);

/* Reads exactly n bytes; n must be at most in->left. */
bool tap__reader_read(tap__reader *in, void *to, size_t n);

/* Whether the rest of the file is the data of this shape, in elements of `size` bytes; if not, an error. */
bool tap__reader_check_data(const tap__reader *in, tap_shape shape, int size);

/* The next read begins at this byte of the file, at most in->size. Not for entries of archives. */
bool tap__reader_seek(tap__reader *in, uint64_t at);

/* A plain or gzipped file, which zlib decompresses while it is read. */
typedef struct {
    tap__reader      in;
    struct gzFile_s *stream;
    int64_t          size; /* of the file on disk */
    int64_t          read; /* bytes of decompressed text so far */
} tap__gzip_reader;

bool tap__gzip_open(tap__gzip_reader *p, tap_arena *a, const char *path, const char *format);
void tap__gzip_close(tap__gzip_reader *p);
/* Records why the stream ended before all of `part` was read. Always false. */
bool tap__gzip_fail(const tap__gzip_reader *p, const char *part);
/* Reads up to `size` bytes of text and returns how many, which are fewer only at the end of the file; -1 on an error. A file
 * that decompresses to an implausible size is an error, so that a few bytes cannot fill all memory. */
int tap__gzip_read_text(tap__gzip_reader *p, char *to, int size);
/* Bytes of the byte order mark at the beginning of the text: 3 or 0; -1, and an error, if the text is UTF-16. */
int tap__gzip_bom_size(const tap__gzip_reader *p, const char *text, int n);
/* Maximum number of bytes of text that a file of this size may decompress to. */
int64_t tap__gzip_max_size(const tap__gzip_reader *p);

#endif
