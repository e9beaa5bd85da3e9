/* examples/vae_compress/main.c: compresses images losslessly with a VAE as their model, which it trains as well. */
#include "vae_compress.h"
#include "examples/common/sizes.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const char *const program = "vae_compress";

enum { HEADER = 16 };   /* size in bytes of the header of an IDX file of images */
enum { HELD_OUT = 12 }; /* the last 1/HELD_OUT of the training images is held out */

/* All that the program works with. */
typedef struct {
    options     o;
    tap_arena  *arena;
    tap_module *root; /* of vae */
    tap_vae     vae;
} state;

static bool init(state *s)
{
    tap_vae_options v = { .data = SIDE * SIDE, .hidden = { s->o.hidden }, .latent = s->o.latent };
    v.likelihood = s->o.binary ? TAP_VAE_BERNOULLI : TAP_VAE_BETA_BINOMIAL;
    tap_vae_init(&s->vae, s->root, v);
    return module_ok(s->root);
}

/* Converts pixels in [0,1] back to bytes or, for a Bernoulli likelihood, binarizes them with fresh noise in each call. */
static tap_var loss(const void *net, tap_tape *t, batch *b)
{
    const tap_vae *vae = net;
    tap_var        x = tap_input(t, b->x);
    if (vae->options.likelihood == TAP_VAE_BERNOULLI) x = tap_cast(tap_lt(tap_rand(t, tap_shape_of(x)), x), TAP_F32);
    else x = tap_round(tap_mul_scalar(x, 255));
    return tap_vae_loss(vae, x);
}

/* Trains the model on MNIST and saves it. */
static bool train_model(state *s)
{
    options *o = &s->o;
    argument table[OPTIONS + 1];
    dataset  d;
    bool     whole;
    options_table(table, o);
    if (!dataset_load(&d, s->arena, o->data) || !init(s)) return false;
    const int64_t n = d.train.shape.n[0], end = n - n / HELD_OUT;
    train_config  config = { .options = o->train, .root = s->root, .net = &s->vae, .loss = loss };
    config.data = tap_tensor_slice(s->arena, d.train, 0, 0, end, 1);
    if (end < n) config.held_out = tap_tensor_slice(s->arena, d.train, 0, end, n, 1);
    if (!o->train.quiet)
        printf("%s from %s: %lld for training, %lld held out\n%s VAE, %lld parameters; %s\n", d.name, d.from, (long long)end,
               (long long)(n - end), o->binary ? "Bernoulli" : "beta-binomial", (long long)tap_module_numel(s->root),
               tap_config());
    return train_and_save(config, d.name, table, MODEL_OPTIONS, &whole);
}

/* Loads the model that the options name, or else the default one for images of two values or of bytes. */
static bool load_model(state *s, bool binary)
{
    argument    table[OPTIONS + 1];
    const char *usual = binary ? "out/vae_compress/binary/model.safetensors" : "out/vae_compress/grey/model.safetensors";
    const char *path = s->o.model ? s->o.model : usual;
    options_table(table, &s->o);
    return model_options(s->arena, path, table, BUILT_BY) && init(s) && model_load(s->root, path);
}

static bool read_images(tap_tensor *images, const state *s)
{
    char text[TAP_SHAPE_TEXT];
    *images = tap_idx_read(s->arena, s->o.from);
    if (!arena_ok(s->arena)) return false;
    const tap_shape n = images->shape;
    return (images->dtype == TAP_U8 && n.rank == 3 && n.n[1] == SIDE && n.n[2] == SIDE) ||
           fail("%s: holds %s %s, not images uint8 [n,28,28]", s->o.from, tap_dtype_name(images->dtype),
                tap_shape_format(text, n));
}

static bool read_bytes(tap_tensor *bytes, const state *s)
{
    FILE *f = fopen(s->o.from, "rb");
    long  n = -1;
    bool  ok = f && !fseek(f, 0, SEEK_END) && (n = ftell(f)) >= 0 && n < LONG_MAX && !fseek(f, 0, SEEK_SET);
    *bytes = tap_tensor_zeros(s->arena, TAP_U8, TAP_SHAPE(ok ? n : 0));
    ok = ok && bytes->data && fread(bytes->data, 1, (size_t)n, f) == (size_t)n;
    if (!ok) fail("%s: %s", s->o.from, errno ? strerror(errno) : "cannot be read");
    if (f) fclose(f);
    return ok;
}

/* Writes the bytes, behind the header of an IDX file if they are images; n is their number, else TAP_NONE. */
static bool write_file(const char *path, int64_t n, tap_tensor bytes)
{
    uint8_t   header[HEADER] = { 0, 0, 8, 3, [11] = SIDE, [15] = SIDE };
    tap_error e = { 0 };
    tap_file *f = tap_file_create(path, &e);
    for (int i = 0; i < 4; i++) header[7 - i] = (uint8_t)(n >> 8 * i);
    if (n != TAP_NONE) tap_file_write(f, header, sizeof header);
    tap_file_write(f, bytes.data, (size_t)tap_tensor_numel(bytes));
    tap_file_commit(f);
    return !e.status || fail("%s", e.message);
}

/* Whether the images have at most two values. If so, maps the larger one to 255 and the other one to 0. */
static bool whiten(tap_tensor images)
{
    const int64_t n = tap_tensor_numel(images);
    uint8_t      *x = images.data;
    bool          seen[256] = { false };
    int           values = 0, largest = 0;
    for (int64_t i = 0; i < n; i++) seen[x[i]] = true;
    for (int v = 0; v < 256; v++)
        if (seen[v]) values++, largest = v;
    for (int64_t i = 0; i < n && values <= 2; i++) x[i] = values == 2 && x[i] == largest ? 255 : 0;
    return values <= 2;
}

static void line(const char *name, double bytes, int64_t pixels)
{
    if (bytes > 0) printf("  %-22s %7.4f bits per pixel %12.0f bytes\n", name, 8 * bytes / (double)pixels, bytes);
    else printf("  %-22s       -\n", name);
}

/* Prints the bits per pixel, the model's -ELBO and those of other programs. shown: the original images, or their
 * whitened version if they have two values. */
static bool report(const state *s, tap_tensor images, tap_tensor shown, bool binary, int64_t bytes, double seconds)
{
    const int64_t n = images.shape.n[0], pixels = tap_tensor_numel(images);
    train_config  config = { .net = &s->vae, .loss = loss, .held_out = s->o.binary ? shown : images };
    double        nats; /* the mean of -ELBO, with one draw of z per image, as the coder uses */
    printf("%lld images, %s: %.2f MB of pixels per second\n", (long long)n, binary ? "of two values" : "of bytes",
           (double)pixels / 1e6 / seconds);
    if (n == 0) return true;
    if (!held_out_loss(&config, &nats)) return false;
    uint8_t *from = shown.data, *packed = tap_tensor_zeros(s->arena, TAP_U8, TAP_SHAPE(pixels)).data;
    if (!arena_ok(s->arena)) return false;
    const size_t size = binary ? pack_bits(packed, from, (size_t)pixels) : (size_t)pixels;
    const size_t png = size_by_png(from, (size_t)n, SIDE, SIDE, binary ? 1 : 8);
    if (binary) from = packed;
    line("vae_compress", (double)bytes, pixels);
    line("-ELBO", (double)n * nats / log(2) / 8, pixels);
    line("gzip -9", (double)size_by_gzip(from, size), pixels);
    line("bzip2 -9", (double)size_by_bzip2(from, size), pixels);
    line("xz -9", (double)size_by_xz(from, size), pixels);
    line("PNG, one for each", (double)png, pixels);
    return true;
}

static bool compress(state *s)
{
    tap_tensor  images;
    const char *message;
    if (!read_images(&images, s)) return false;
    tap_tensor shown = tap_tensor_zeros(s->arena, TAP_U8, images.shape);
    tap_tensor_copy(shown, images, tap_arena_error(s->arena));
    const bool binary = shown.data && whiten(shown);
    if (!load_model(s, binary) || !prepare_file(s->o.to, 0)) return false;
    const double     start = now();
    const tap_tensor bytes = tap_bits_back_encode(s->arena, &s->vae, images);
    const double     seconds = now() - start;
    if (tap_arena_status(s->arena, &message)) return fail("%s: %s", s->o.from, message);
    return write_file(s->o.to, TAP_NONE, bytes) &&
           (s->o.train.quiet || report(s, images, shown, binary, tap_tensor_numel(bytes), seconds));
}

static bool decompress(state *s)
{
    tap_bits_back_header h;
    tap_tensor           bytes;
    tap_error            e = { 0 };
    const char          *message;
    if (!read_bytes(&bytes, s)) return false;
    if (tap_bits_back_inspect(bytes, &h, &e)) return fail("%s: %s", s->o.from, e.message);
    if (h.data != SIDE * SIDE || h.count > UINT32_MAX)
        return fail("%s: holds no images of 28x28, or too many for IDX", s->o.from);
    if (!load_model(s, h.binary) || !prepare_file(s->o.to, HEADER + (double)h.count * SIDE * SIDE)) return false;
    const double     start = now();
    const tap_tensor images = tap_bits_back_decode(s->arena, &s->vae, bytes);
    const double     seconds = now() - start;
    if (tap_arena_status(s->arena, &message)) return fail("%s: %s", s->o.from, message);
    if (!write_file(s->o.to, h.count, images)) return false;
    if (!s->o.train.quiet)
        printf("%lld images: %.2f MB of pixels per second\n", (long long)h.count, (double)(h.count * h.data) / 1e6 / seconds);
    return true;
}

static bool binarize(state *s)
{
    tap_tensor  images;
    const char *message;
    if (!read_images(&images, s) || !prepare_file(s->o.to, HEADER + (double)tap_tensor_numel(images))) return false;
    tap_tensor noise = tap_tensor_zeros(s->arena, TAP_F32, images.shape);
    if (tap_arena_status(s->arena, &message)) return fail("%s: %s", s->o.from, message);
    tap_random_uniform(noise, (tap_rng_key){ .seed = s->o.train.seed, .stream = tap_random_hash("binarize") });
    for (int64_t i = 0; i < tap_tensor_numel(images); i++)
        ((uint8_t *)images.data)[i] = 255 * ((float *)noise.data)[i] < (float)((uint8_t *)images.data)[i] ? 255 : 0;
    return write_file(s->o.to, images.shape.n[0], images);
}

int main(int argc, char **argv)
{
    static bool (*const tasks[TASKS])(state *) = { compress, decompress, binarize, train_model };
    state s;
    int   status;
    if (!options_parse(&s.o, argc, argv, &status)) return status;
    begin_program(s.o.train.threads);
    s.arena = tap_arena_new();
    s.root = tap_module_new(TAP_F32, s.o.train.seed);
    status = end_program(tasks[s.o.task](&s));
    tap_module_free(s.root);
    tap_arena_free(s.arena);
    return status;
}
