/* tensor/io/gzip.c: reading files that may be gzipped. zlib reads plain files, too. */
#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "tensor/io/reader.h"
#include "tensor/text.h"
#include "tensor/io/file.h"

/* The text of a matrix compresses to a tenth, that of a nearly empty one to a hundredth. A file that decompresses to more
 * than MAX_RATIO times its size and SLACK bytes was made to exhaust memory. */
enum { MAX_RATIO = 256, SLACK = 1 << 20 };

/* zlib owns the file descriptor from here on, and closes it. */
bool tap__gzip_open(tap__gzip_reader *p, tap_arena *a, const char *path, const char *format)
{
    *p = (tap__gzip_reader){ .read = 0 };
    if (!tap__reader_open(&p->in, a, path, format)) return false;
    p->size = (int64_t)p->in.left;
    p->stream = gzdopen(p->in.fd, "rb");
    if (!p->stream) return tap__reader_fail(&p->in, TAP_ENOMEM, "no memory to read it");
    p->in.fd = -1;
    return true;
}

void tap__gzip_close(tap__gzip_reader *p)
{
    if (p->stream) gzclose(p->stream);
    p->stream = NULL;
    tap__reader_close(&p->in);
}

bool tap__gzip_fail(const tap__gzip_reader *p, const char *part)
{
    int         code;
    const char *text = gzerror(p->stream, &code), *reason = strstr(text, ": "); /* "<fd:3>: incorrect data check" */
    switch (code) {
    case Z_ERRNO: return tap__reader_fail(&p->in, tap__errno_status(errno), "cannot read: %s", tap__strerror(errno));
    case Z_MEM_ERROR: return tap__reader_fail(&p->in, TAP_ENOMEM, "no memory to decompress it");
    case Z_BUF_ERROR: return tap__reader_fail(&p->in, TAP_EIO, "truncated: the gzip stream ends early");
    case Z_OK:
    case Z_STREAM_END: return tap__reader_fail(&p->in, TAP_EIO, "truncated: ends within its %s", part);
    default: return tap__reader_fail(&p->in, TAP_EIO, "corrupt gzip stream: %s", reason ? reason + 2 : text);
    }
}

int64_t tap__gzip_max_size(const tap__gzip_reader *p)
{
    if (gzdirect(p->stream)) return p->size;
    return p->size < (INT64_MAX - SLACK) / MAX_RATIO ? p->size * MAX_RATIO + SLACK : INT64_MAX;
}

int tap__gzip_read_text(tap__gzip_reader *p, char *to, int size)
{
    int       code;
    const int n = gzread(p->stream, to, (unsigned)size);
    gzerror(p->stream, &code);
    if (n != size && code != Z_OK && code != Z_STREAM_END) {
        tap__gzip_fail(p, "text");
        return -1;
    }
    p->read += n;
    if (gzdirect(p->stream) || p->read <= tap__gzip_max_size(p)) return n;
    tap__reader_fail(&p->in, TAP_EIO, "decompresses to more than %d times its size", MAX_RATIO);
    return -1;
}

int tap__gzip_bom_size(const tap__gzip_reader *p, const char *text, int n)
{
    if (n >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) return 3;
    if (n < 2 || (memcmp(text, "\xff\xfe", 2) && memcmp(text, "\xfe\xff", 2))) return 0;
    tap__reader_fail(&p->in, TAP_EIO, "is text in UTF-16; text in UTF-8 can be read");
    return -1;
}
