/* Files that may be gzipped. zlib reads plain and packed ones alike. */
#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "tensor/io/reader.h"
#include "tensor/text.h"
#include "tensor/io/file.h"

/* Text of a matrix packs to a tenth, of one that is nearly all zeros to a hundredth. */
enum { TIGHTEST = 256, LITTLE = 1 << 20 };

#define fail(p, ...) tap__reader_fail(&(p)->in, __VA_ARGS__)

/* zlib takes the file over, and closes it. */
bool tap__gzip_open(tap__gzip_reader *p, tap_arena *a, const char *path, const char *format)
{
    *p = (tap__gzip_reader){ .read = 0 };
    if (!tap__reader_open(&p->in, a, path, format)) return false;
    p->size = (int64_t)p->in.left;
    p->stream = gzdopen(p->in.fd, "rb");
    if (!p->stream) return fail(p, TAP_ENOMEM, "no memory to read it");
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
    case Z_ERRNO: return fail(p, tap__errno_status(errno), "cannot read: %s", tap__strerror(errno));
    case Z_MEM_ERROR: return fail(p, TAP_ENOMEM, "no memory to unpack it");
    case Z_BUF_ERROR: return fail(p, TAP_EIO, "truncated: the gzip stream breaks off");
    case Z_OK:
    case Z_STREAM_END: return fail(p, TAP_EIO, "truncated: ends within its %s", part);
    default: return fail(p, TAP_EIO, "corrupt gzip stream: %s", reason ? reason + 2 : text);
    }
}

int64_t tap__gzip_max_size(const tap__gzip_reader *p)
{
    if (gzdirect(p->stream)) return p->size;
    return p->size < (INT64_MAX - LITTLE) / TIGHTEST ? p->size * TIGHTEST + LITTLE : INT64_MAX;
}

int tap__gzip_text(tap__gzip_reader *p, char *to, int most)
{
    int       code;
    const int n = gzread(p->stream, to, (unsigned)most);
    gzerror(p->stream, &code);
    if (n == most || code == Z_OK || code == Z_STREAM_END) p->read += n;
    else return tap__gzip_fail(p, "text"), -1;
    if (!gzdirect(p->stream) && p->read > tap__gzip_max_size(p))
        return fail(p, TAP_EIO, "unpacks to more than %d times its size", TIGHTEST), -1;
    return n;
}

int tap__gzip_mark(const tap__gzip_reader *p, const char *text, int n)
{
    if (n >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) return 3;
    if (n < 2 || (memcmp(text, "\xff\xfe", 2) && memcmp(text, "\xfe\xff", 2))) return 0;
    return fail(p, TAP_EIO, "is text in UTF-16; text in UTF-8 can be read"), -1;
}
