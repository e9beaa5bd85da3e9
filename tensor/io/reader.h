/* tensor/io/reader.h: what readers of files share. Nothing in a file is believed, its size least of all: it may change meanwhile.
 * Not installed. */
#ifndef TAP_TENSOR_IO_READER_H
#define TAP_TENSOR_IO_READER_H

#include "tensor/tensor.h"

typedef struct {
    tap_arena  *arena;
    const char *path;
    int         fd;     /* -1: none */
    uint64_t    left;   /* bytes of the file not read yet, going by its size when it was opened */
    const char *before; /* what the arena's memory was for */
} tap__input;

/* Opens a regular file. What goes wrong with it, now or later, is the arena's error and begins with the path, or the format if
 * there is no path. */
bool tap__input_open(tap__input *in, tap_arena *a, const char *path, const char *format);
void tap__input_close(tap__input *in);

/* Always false. */
bool tap__input_fail(const tap__input *in, tap_status status, const char *format, ...) TAP_PRINTF(3, 4);

/* Exactly n bytes, of which the caller knows that the file has them left. */
bool tap__input_read(tap__input *in, void *to, size_t n);

/* A file that zlib unpacks, if it is gzipped, while it is read. */
typedef struct {
    tap__input       in;
    struct gzFile_s *stream;
    int64_t          size; /* of the file on disk */
    int64_t          read; /* bytes that were read of what is in it */
} tap__packed;

bool tap__packed_open(tap__packed *p, tap_arena *a, const char *path, const char *format);
void tap__packed_close(tap__packed *p);
/* Why the stream gave fewer bytes than were asked for; false. */
bool tap__packed_fail(const tap__packed *p, const char *part);
/* Up to so many bytes of text: how many, fewer only at its end; -1 on an error. Text that is packed more tightly than text ever is
 * has been made to fill somebody's memory, and is refused. */
int tap__packed_text(tap__packed *p, char *to, int most);
/* How many of the first n bytes of text are a byte order mark: 3 or 0; -1, and an error, for text in UTF-16. */
int tap__packed_mark(const tap__packed *p, const char *text, int n);
/* How many bytes of text there can be. */
int64_t tap__packed_room(const tap__packed *p);

/* n elements of `size` bytes, as a file has them, lie in front in room for n of the dtype, and become these: big-endian ones
 * are turned round, smaller integers widened to int64, and whatever is not 0 is true. */
void tap__decode(void *data, int64_t n, tap_dtype dtype, int size, bool big_endian);

#endif
