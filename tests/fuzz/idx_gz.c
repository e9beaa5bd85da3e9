/* tests/fuzz/idx_gz.c: gzipped IDX files. Random changes break a stream's checksum, so most mutations change the uncompressed
 * contents, which are compressed again. Compressed and plain files must give the same tensor. */
#include <zlib.h>

#include "tests/fuzz/idx_seeds.h"

enum { MAX_PLAIN = 1 << 16 };

/* Returns the uncompressed size, or -1 if the stream is invalid, does not end with `packed`, or exceeds the capacity. */
static int unpack(const unsigned char *packed, size_t n, unsigned char *plain, size_t capacity)
{
    static z_stream z;
    if (z.state ? inflateReset(&z) : inflateInit2(&z, 15 + 16)) return -1;
    z.next_in = (unsigned char *)packed;
    z.avail_in = (unsigned)n;
    z.next_out = plain;
    z.avail_out = (unsigned)capacity;
    return inflate(&z, Z_FINISH) == Z_STREAM_END && z.avail_in == 0 ? (int)z.total_out : -1;
}

/* Returns the compressed size, or 0 if it exceeds the capacity. */
static size_t pack(const void *plain, size_t n, unsigned char *packed, size_t capacity)
{
    static z_stream z;
    if (z.state ? deflateReset(&z) : deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY)) return 0;
    z.next_in = (unsigned char *)plain;
    z.avail_in = (unsigned)n;
    z.next_out = packed;
    z.avail_out = (unsigned)capacity;
    return deflate(&z, Z_FINISH) == Z_STREAM_END ? z.total_out : 0;
}

static void check_same_as_plain(tap_tensor x, const unsigned char *bytes, size_t n)
{
    static unsigned char plain[MAX_PLAIN];
    int                  size = unpack(bytes, n, plain, MAX_PLAIN);
    if (size < 0 || (size >= 2 && plain[0] == 0x1f && plain[1] == 0x8b)) return;
    tap_arena *a = tap_arena_new();
    tap_tensor y = tap_idx_read(a, fuzz_file(plain, (size_t)size));
    FUZZ_CHECK((x.data != NULL) == (y.data != NULL), "only one of the compressed and the plain file can be read");
    if (y.data) fuzz_check_same(x, y);
    tap_arena_free(a);
}

void fuzz(const unsigned char *bytes, size_t n)
{
    tap_arena  *a = tap_arena_new();
    const char *path = fuzz_file(bytes, n);
    tap_tensor  x = tap_idx_read(a, path);
    fuzz_check_read(a, x, path, n);
    check_same_as_plain(x, bytes, n);
    tap_arena_free(a);
}

/* One mutation in eight changes the compressed stream. */
size_t LLVMFuzzerCustomMutator(unsigned char *bytes, size_t n, size_t capacity, unsigned seed)
{
    static unsigned char plain[MAX_PLAIN];
    int                  size = unpack(bytes, n, plain, MAX_PLAIN);
    if (size < 0 || seed % 8 == 0) return LLVMFuzzerMutate(bytes, n, capacity);
    size_t packed = pack(plain, LLVMFuzzerMutate(plain, (size_t)size, MAX_PLAIN), bytes, capacity);
    return packed ? packed : LLVMFuzzerMutate(bytes, n, capacity);
}

/* ---- Seeds ------------------------------------------------------------------------------------------------------- */

static fuzz_put *put_packed_to;

static void put_packed(const char *name, const void *bytes, size_t n)
{
    unsigned char packed[MAX_PLAIN];
    put_packed_to(name, packed, pack(bytes, n, packed, sizeof packed));
}

/* A header and zeros, which gzip compresses a thousandfold. */
static void put_bomb(const char *name, const char header[8], size_t zeros)
{
    unsigned char *plain = calloc(8 + zeros, 1);
    FUZZ_CHECK(plain, "no memory");
    memcpy(plain, header, 8);
    put_packed(name, plain, 8 + zeros);
    free(plain);
}

static void put_streams(fuzz_put *put)
{
    const char    plain[] = "\0\0\x08\1\0\0\0\4\1\2\3\4";
    unsigned char bytes[256];
    size_t        n = pack(plain, 12, bytes, sizeof bytes);
    bytes[n - 8] ^= 1;
    put("bad_checksum", bytes, n);
    bytes[n - 8] ^= 1;
    bytes[n - 4] ^= 1;
    put("bad_length", bytes, n);
    bytes[n - 4] ^= 1;
    memset(bytes + n, 0, 16);
    put("zeros_behind", bytes, n + 16);
    memcpy(bytes + n, "junk", 4);
    put("junk_behind", bytes, n + 4);
    n = pack(plain, 6, bytes, sizeof bytes);
    n += pack(plain + 6, 6, bytes + n, sizeof bytes - n);
    put("two_members", bytes, n);
    n = pack(bytes, n, bytes + 128, 128);
    put("packed_twice", bytes + 128, n);
    FUZZ_PUT(put, "named", "\x1f\x8b\x08\x1e\0\0\0\0\0\3\2\0xxname\0comment\0\0\0\3\0\0\0\0\0\0\0\0\0");
    FUZZ_PUT(put, "method_7", "\x1f\x8b\x07\0\0\0\0\0\0\3");
}

void fuzz_seeds(fuzz_put *put)
{
    put_packed_to = put;
    idx_seeds(put_packed);
    put_streams(put);
    put_bomb("bomb_kept", "\0\0\x09\1\0\3\0\0", 3 << 16);   /* as long as the header says, 1.5 MB in memory */
    put_bomb("bomb_broken", "\0\0\x09\1\0\3\0\1", 3 << 16); /* one byte too short */
    put_bomb("bomb_behind", "\0\0\x09\1\0\0\0\1", 3 << 16);
    put_bomb("promise", "\0\0\x09\1\0\4\0\0", 300);
}
