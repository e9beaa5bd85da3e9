/* tensor/io/reader.h: what readers of files share. Nothing in a file is believed, its size least of all: it may change
 * meanwhile. Not installed. */
#ifndef TAP_TENSOR_IO_READER_H
#define TAP_TENSOR_IO_READER_H

#include "tensor/tensor.h"

typedef struct {
    tap_arena  *arena;
    const char *path;
    int         fd;     /* -1: none */
    uint64_t    left;   /* bytes of the file not read yet, going by its size when it was opened */
    const char *before; /* what the arena's memory was for */
} tap__reader;

/* Opens a regular file. What goes wrong with it, now or later, is the arena's error and begins with the path, or the format if
 * there is no path. */
bool tap__reader_open(tap__reader *in, tap_arena *a, const char *path, const char *format);
void tap__reader_close(tap__reader *in);

/* Always false. */
bool tap__reader_fail(const tap__reader *in, tap_status status, const char *format, ...) TAP_PRINTF(3, 4);

/* Exactly n bytes, of which the caller knows that the file has them left. */
bool tap__reader_read(tap__reader *in, void *to, size_t n);

/* A file that zlib unpacks, if it is gzipped, while it is read. */
typedef struct {
    tap__reader      in;
    struct gzFile_s *stream;
    int64_t          size; /* of the file on disk */
    int64_t          read; /* bytes that were read of what is in it */
} tap__gzip_reader;

bool tap__gzip_open(tap__gzip_reader *p, tap_arena *a, const char *path, const char *format);
void tap__gzip_close(tap__gzip_reader *p);
/* Why the stream gave fewer bytes than were asked for; false. */
bool tap__gzip_fail(const tap__gzip_reader *p, const char *part);
/* Up to so many bytes of text: how many, fewer only at its end; -1 on an error. Text that is packed more tightly than text
 * ever is has been made to fill somebody's memory, and is refused. */
int tap__gzip_text(tap__gzip_reader *p, char *to, int most);
/* How many of the first n bytes of text are a byte order mark: 3 or 0; -1, and an error, for text in UTF-16. */
int tap__gzip_mark(const tap__gzip_reader *p, const char *text, int n);
/* How many bytes of text there can be. */
int64_t tap__gzip_max_size(const tap__gzip_reader *p);

/* n elements of `size` bytes, as a file has them, lie in front in room for n of the dtype, and become these: big-endian ones
 * are turned round, smaller integers widened to int64, and whatever is not 0 is true. */
void tap__decode(void *data, int64_t n, tap_dtype dtype, int size, bool big_endian);

#endif
