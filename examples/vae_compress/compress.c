/* examples/vae_compress/compress.c: images to a file and back. */
#include "vae_compress.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_binary(tap_tensor images)
{
    const uint8_t *x = images.data;
    bool           seen[256] = { false };
    int            values = 0;
    for (int64_t i = 0; i < tap_tensor_numel(images); i++) {
        values += !seen[x[i]];
        seen[x[i]] = true;
    }
    return values <= 2;
}

static bool read_images(tap_tensor *images, tap_arena *a, const char *path)
{
    char        text[TAP_SHAPE_TEXT];
    const char *message;
    *images = tap_idx_read(a, path);
    if (tap_arena_status(a, &message)) return fail("%s", message);
    const tap_shape s = images->shape;
    return (images->dtype == TAP_U8 && s.rank == 3 && s.n[1] == SIDE && s.n[2] == SIDE) ||
           fail("%s: holds %s %s, not images uint8 [n,28,28]", path, tap_dtype_name(images->dtype), tap_shape_format(text, s));
}

static bool read_bytes(tap_tensor *bytes, tap_arena *a, const char *path)
{
    FILE *f = fopen(path, "rb");
    long  n = -1;
    bool  ok = f && !fseek(f, 0, SEEK_END) && (n = ftell(f)) >= 0 && !fseek(f, 0, SEEK_SET);
    *bytes = tap_tensor_zeros(a, TAP_U8, TAP_SHAPE(ok ? n : 0));
    ok = ok && bytes->data && fread(bytes->data, 1, (size_t)n, f) == (size_t)n;
    if (!ok) fail("%s: %s", path, errno ? strerror(errno) : "cannot be read");
    if (f) fclose(f);
    return ok;
}

/* n images of 28x28 as IDX, or, with no images, bytes alone. */
static bool write_file(const char *path, const int64_t *images, tap_tensor bytes)
{
    tap_error     e = { 0 };
    uint8_t       header[16] = { 0, 0, 8, 3, [11] = SIDE, [15] = SIDE };
    tap_file     *f = tap_file_create(path, &e);
    const int64_t n = images ? *images : 0;
    for (int i = 0; i < 4; i++) header[7 - i] = (uint8_t)(n >> 8 * i);
    if (images) tap_file_write(f, header, sizeof header);
    tap_file_write(f, bytes.data, (size_t)tap_tensor_numel(bytes));
    tap_file_commit(f);
    return !e.status || fail("%s", e.message);
}

static bool read_model(tap_vae *vae, tap_module *root, options *o, bool binary)
{
    const char *path = binary ? "out/vae_compress/binary/model.safetensors" : "out/vae_compress/grey/model.safetensors";
    return model_read(vae, root, o, o->model ? o->model : path);
}

static bool compress(options *o, tap_arena *a, tap_module *root)
{
    tap_vae      vae;
    tap_tensor   images;
    const char  *message;
    if (!read_images(&images, a, o->from) || !read_model(&vae, root, o, is_binary(images))) return false;
    const double     start = now();
    const tap_tensor bytes = tap_bits_back_encode(a, &vae, images);
    if (tap_arena_status(a, &message)) return fail("%s: %s", o->from, message);
    const double seconds = now() - start;
    return write_file(o->to, NULL, bytes) && (o->quiet || report(&vae, a, images, tap_tensor_numel(bytes), seconds));
}

static bool decompress(options *o, tap_arena *a, tap_module *root)
{
    tap_bits_back_header h;
    tap_vae              vae;
    tap_tensor           bytes;
    tap_error            e = { 0 };
    const char          *message;
    if (!read_bytes(&bytes, a, o->from)) return false;
    if (tap_bits_back_inspect(bytes, &h, &e)) return fail("%s: %s", o->from, e.message);
    if (h.data != SIDE * SIDE || h.count > UINT32_MAX) return fail("%s: holds no images of 28x28 that IDX has room for", o->from);
    if (!read_model(&vae, root, o, h.binary)) return false;
    const double     start = now();
    const tap_tensor images = tap_bits_back_decode(a, &vae, bytes);
    if (tap_arena_status(a, &message)) return fail("%s: %s", o->from, message);
    const double seconds = now() - start;
    if (!write_file(o->to, &h.count, images)) return false;
    if (!o->quiet) printf("%lld images, %.2f MB of pixels per second\n", (long long)h.count, (double)(h.count * h.data) / 1e6 / seconds);
    return true;
}

static bool binarize(const options *o, tap_arena *a)
{
    tap_tensor    images;
    const char   *message;
    if (!read_images(&images, a, o->from)) return false;
    const int64_t n = tap_tensor_numel(images);
    tap_tensor    noise = tap_tensor_zeros(a, TAP_F32, TAP_SHAPE(n));
    if (tap_arena_status(a, &message)) return fail("%s: %s", o->from, message);
    tap_random_uniform(noise, (tap_random){ .seed = o->seed, .stream = tap_random_hash("binarize") });
    uint8_t     *x = images.data;
    const float *u = noise.data;
    for (int64_t i = 0; i < n; i++) x[i] = 255 * u[i] < (float)x[i] ? 255 : 0;
    return write_file(o->to, &images.shape.n[0], images);
}

bool perform(options *o)
{
    if (o->task == TRAIN) return model_train(o);
    tap_arena  *a = tap_arena_new();
    tap_module *root = tap_module_new(TAP_F32, 0);
    bool        ok = o->task == COMPRESS ? compress(o, a, root) : o->task == DECOMPRESS ? decompress(o, a, root) : binarize(o, a);
    tap_module_free(root);
    tap_arena_free(a);
    return ok;
}
