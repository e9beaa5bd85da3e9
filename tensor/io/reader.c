/* tensor/io/reader.c: opening and reading regular files, for the readers of all formats. */
#define _POSIX_C_SOURCE 200809L
#include "tensor/io/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tensor/text.h"
#include "tensor/arena.h"
#include "tensor/error.h"
#include "tensor/io/file.h"

enum { MAX_READ = 1 << 30 };

bool tap__reader_fail(const tap__reader *in, tap_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tap__error_set_in(tap_arena_error(in->arena), status, in->path, format, args);
    va_end(args);
    return false;
}

/* Without O_NONBLOCK, opening a pipe would wait for a writer. */
bool tap__reader_open(tap__reader *in, tap_arena *a, const char *path, const char *format)
{
    struct stat s;
    *in = (tap__reader){ .arena = a, .path = path ? path : format, .fd = -1 };
    if (tap_arena_status(a, NULL) != TAP_OK) return false;
    if (!path) return tap__reader_fail(in, TAP_EARG, "the path is NULL");
    in->before = tap__arena_name(a, in->path);
    in->fd = tap__open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
    if (in->fd < 0) tap__reader_fail(in, tap__errno_status(errno), "cannot open: %s", tap__strerror(errno));
    else if (fstat(in->fd, &s) != 0) tap__reader_fail(in, tap__errno_status(errno), "cannot read: %s", tap__strerror(errno));
    else if (!S_ISREG(s.st_mode)) tap__reader_fail(in, TAP_EIO, "is not a regular file");
    else in->size = in->left = (uint64_t)s.st_size;
    if (tap_arena_status(a, NULL) == TAP_OK) return true;
    tap__reader_close(in);
    return false;
}

void tap__reader_close(tap__reader *in)
{
    if (in->fd >= 0) close(in->fd);
    in->fd = -1;
    tap__arena_name(in->arena, in->before);
}

bool tap__reader_read(tap__reader *in, void *to, size_t n)
{
    if (in->read) return in->read(in, to, n);
    for (char *at = to; n > 0;) {
        ssize_t count = read(in->fd, at, n < MAX_READ ? n : MAX_READ);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return tap__reader_fail(in, tap__errno_status(errno), "cannot read: %s", tap__strerror(errno));
        if (count == 0) return tap__reader_fail(in, TAP_EIO, "became shorter while it was read");
        at += count;
        n -= (size_t)count;
        in->left -= (uint64_t)count;
    }
    return true;
}

bool tap__reader_check_data(const tap__reader *in, tap_shape shape, int size)
{
    char                     text[TAP_SHAPE_TEXT];
    const int64_t            n = tap_numel(shape);
    const unsigned long long left = in->left, bytes = (unsigned long long)n * (unsigned)size;
    tap_shape_format(text, shape);
    if (n < 0) return tap__reader_fail(in, TAP_EIO, "shape %s is too large", text);
    if (bytes > left)
        return tap__reader_fail(in, TAP_EIO, "truncated: shape %s takes %llu bytes, the file has %llu", text, bytes, left);
    if (bytes < left)
        return tap__reader_fail(in, TAP_EIO, "bytes left over behind the data of shape %s: %llu", text, left - bytes);
    return true;
}

bool tap__reader_seek(tap__reader *in, uint64_t at)
{
    if (lseek(in->fd, (off_t)at, SEEK_SET) < 0)
        return tap__reader_fail(in, tap__errno_status(errno), "cannot read: %s", tap__strerror(errno));
    in->left = in->size - at;
    return true;
}
