/* examples/vae_compress/main.c: compresses images losslessly with a VAE as their model, which it trains as well. */
#include "examples/common/common.h"

#include <bzlib.h>
#include <errno.h>
#include <limits.h>
#include <lzma.h>
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

const char *const program = "vae_compress";

typedef enum { COMPRESS, DECOMPRESS, BINARIZE, TRAIN, TASKS } task;

typedef struct {
    task          task;
    const char   *from, *to; /* input and output file; unused when training */
    train_options train;
    bool          binary;
    int64_t       latent, hidden;
    const char   *data;
} options;

/* clang-format off */
const argument options_table[] = {
    { .name = "usage: vae_compress -c IMAGES.idx FILE.tapz [options]\n"
              "       vae_compress -d FILE.tapz IMAGES.idx [options]\n"
              "       vae_compress --train [options]\n"
              "       vae_compress --binarize GREY.idx BINARY.idx [options]\n\n"
              "Lossless compression of images of 28x28 bytes (IDX, plain or gzipped) by bits-back coding (Townsend et al. 2019) "
              "with a variational autoencoder.\n" },
    { "-c", .help = "compress, and say how small, beside what the model promises and other compressors reach" },
    { "-d", .help = "the images again, bit for bit" },
    { "--train", .help = "train a model on MNIST" },
    { "--binarize", .help = "pixels become 255 with probability grey / 255, else 0; --seed N decides" },
    { "--model", "FILE", TEXT, FIELD(train.model),
      .help = "of --train [out/vae_compress/grey/model.safetensors or, for images of two values, binary/ instead of grey/]" },

    { .name = "Training" },
    { "--binary", NULL, FLAG, FIELD(binary), .roles = SAVED | BUILDS | TRAINS,
      .help = "for images of two values: binarized anew in each epoch" },
    { "--data", "DIR", FOLDER, FIELD(data), .roles = TRAINS,
      .help = "directory with MNIST's four files, plain or .gz [as of vae_mnist]" },
    { "--out", "DIR", FOLDER, FIELD(train.out), .roles = TRAINS,
      .help = "for model and checkpoint [out/vae_compress/grey or binary]" },
    { "--latent", "N", WHOLE, FIELD(latent), 1, 1e4, SAVED | BUILDS | TRAINS, "50", .help = "dimensions of z" },
    { "--hidden", "N", WHOLE, FIELD(hidden), 1, 1e5, SAVED | BUILDS | TRAINS, "500", .help = "units of the hidden layers" },
    TRAINING_ROWS("images", "20", "128", "1e-3"),

    GENERAL_ROWS("not a word"),
    { 0 },
};
/* clang-format on */

/* Parses the command line, which begins with the task and its files, checks which options go together, and completes them. */
static bool parse(options *o, int argc, char **argv)
{
    static const char *const names[TASKS] = { "-c", "-d", "--binarize", "--train" };
    const char              *name = argc > 1 ? argv[1] : "";
    arguments_help(argc, argv);
    for (o->task = 0; o->task < TASKS && strcmp(name, names[o->task]); o->task++) continue;
    if (o->task == TASKS) return usage(name, "", "what to do comes first, -c, -d, --train or --binarize");
    const int taken = o->task == TRAIN ? 1 : 3;
    if (taken == 3 && (argc < 4 || !*argv[2] || !*argv[3])) return usage(name, "", "takes two files");
    o->from = taken == 3 ? argv[2] : NULL;
    o->to = taken == 3 ? argv[3] : NULL;
    const uint64_t given = arguments_take(o, argc - taken, argv + taken);
    const bool     codes = o->task == COMPRESS || o->task == DECOMPRESS;
    if (!o->train.out) o->train.out = o->binary ? "out/vae_compress/binary" : "out/vae_compress/grey";
    if (o->task != TRAIN && !arguments_exclude(given, codes ? TRAINS | SEEDS : TRAINS, "goes with --train")) return false;
    return codes || !o->train.model || usage("--model", "", "goes with -c and -d");
}

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
    dataset  d;
    if (!dataset_load(&d, s->arena, o->data) || !init(s)) return false;
    const int64_t n = d.train.shape.n[0], end = n - n / HELD_OUT;
    train_config  config = { .options = o->train, .root = s->root, .net = &s->vae, .loss = loss };
    config.data = tap_tensor_slice(s->arena, d.train, 0, 0, end, 1);
    if (end < n) config.held_out = tap_tensor_slice(s->arena, d.train, 0, end, n, 1);
    if (!o->train.quiet)
        printf("%s from %s: %lld for training, %lld held out\n", d.name, d.from, (long long)end, (long long)(n - end));
    return train_or_load(config, d.name, o->binary ? "Bernoulli VAE" : "beta-binomial VAE", o);
}

/* Loads the model that the options name, or else the default one for images of two values or of bytes. */
static bool load_model(state *s, bool binary)
{
    const char *usual = binary ? "out/vae_compress/binary/model.safetensors" : "out/vae_compress/grey/model.safetensors";
    const char *path = s->o.train.model ? s->o.train.model : usual;
    return model_options(s->arena, path, &s->o, BUILDS) && init(s) && model_load(s->root, path);
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
    for (int i = 0; i < 4; i++) header[7 - i] = (uint8_t)((uint64_t)n >> 8 * i);
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

/* ---- Other compressors -------------------------------------------------------------------------------------------- */

/* Their number, the maximum compression level of all of them, and the largest input. */
enum { OTHERS = 4, BEST = 9, LARGEST = 1 << 30 };

static void count(png_structp png, png_bytep bytes, size_t n)
{
    (void)bytes;
    *(size_t *)png_get_io_ptr(png) += n;
}

static void no_flush(png_structp png)
{
    (void)png;
}

/* The frame that libpng's errors return to with longjmp; none of its variables changes after setjmp. */
static bool encode(png_structp png, png_infop info, size_t *size, const uint8_t *image, int depth)
{
    if (setjmp(png_jmpbuf(png))) return false;
    png_set_write_fn(png, size, count, no_flush);
    png_set_compression_level(png, BEST);
    png_set_IHDR(png, info, SIDE, SIDE, depth, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    png_set_packing(png);
    for (int y = 0; y < SIDE; y++) png_write_row(png, image + y * SIDE);
    png_write_end(png, info);
    return true;
}

static size_t size_by_png(tap_tensor images, int depth)
{
    size_t all = 0;
    for (int64_t i = 0; i < images.shape.n[0]; i++) {
        png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
        png_infop   info = png ? png_create_info_struct(png) : NULL;
        const bool  ok = info && encode(png, info, &all, (const uint8_t *)images.data + i * SIDE * SIDE, depth);
        png_destroy_write_struct(&png, &info);
        if (!ok) return 0;
    }
    return all;
}

/* Sizes in bytes after compression by gzip -9, bzip2 -9 and xz -9, and as separate PNG files; 0 if unknown. binary: measured
 * as one bit per pixel, set if not 0. */
static void measure_others(double bytes[OTHERS], tap_tensor images, bool binary)
{
    const uint8_t *pixel = images.data;
    const size_t   pixels = (size_t)tap_tensor_numel(images), n = binary ? (pixels + 7) / 8 : pixels, room = n + n / 50 + 4096;
    uint8_t       *packed = calloc(n, 1), *to = malloc(room);
    uLongf         gzip = room;
    unsigned       bzip2 = (unsigned)room;
    size_t         xz = 0;
    for (size_t i = 0; packed && i < pixels; i++) {
        if (binary) packed[i / 8] |= (uint8_t)((pixel[i] != 0) << (7 - i % 8));
        else packed[i] = pixel[i];
    }
    if (packed && to && n < LARGEST) {
        if (compress2(to, &gzip, packed, n, BEST) == Z_OK) bytes[0] = (double)gzip + 18 - 6; /* gzip's header for zlib's */
        if (BZ2_bzBuffToBuffCompress((char *)to, &bzip2, (char *)packed, (unsigned)n, BEST, 0, 0) == BZ_OK) bytes[1] = bzip2;
        if (lzma_easy_buffer_encode(BEST, LZMA_CHECK_CRC64, NULL, packed, n, to, &xz, room) == LZMA_OK) bytes[2] = (double)xz;
    }
    bytes[3] = (double)size_by_png(images, binary ? 1 : 8);
    free(packed);
    free(to);
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
    static const char *const names[OTHERS] = { "gzip -9", "bzip2 -9", "xz -9", "PNG, one for each" };
    const int64_t            n = images.shape.n[0], pixels = tap_tensor_numel(images);
    double                   others[OTHERS] = { 0 };
    train_config             config = { .net = &s->vae, .loss = loss, .held_out = s->o.binary ? shown : images };
    double                   nats; /* the mean of -ELBO, with one draw of z per image, as the coder uses */
    printf("%lld images, %s: %.2f MB of pixels per second\n", (long long)n, binary ? "of two values" : "of bytes",
           (double)pixels / 1e6 / seconds);
    if (n == 0) return true;
    if (!held_out_loss(&config, &nats)) return false;
    measure_others(others, shown, binary);
    line("vae_compress", (double)bytes, pixels);
    line("-ELBO", (double)n * nats / log(2) / 8, pixels);
    for (int i = 0; i < OTHERS; i++) line(names[i], others[i], pixels);
    return true;
}

/* Whether the arena has no error, which is otherwise reported as one of the file that was read. */
static bool is_sound(const state *s)
{
    const char *message;
    return !tap_arena_status(s->arena, &message) || fail("%s: %s", s->o.from, message);
}

static bool compress_images(state *s)
{
    tap_tensor images;
    if (!images_read(&images, s->arena, s->o.from)) return false;
    tap_tensor shown = tap_tensor_zeros(s->arena, TAP_U8, images.shape);
    tap_tensor_copy(shown, images, tap_arena_error(s->arena));
    const bool binary = shown.data && whiten(shown);
    if (!load_model(s, binary) || !prepare_file(s->o.to, 0)) return false;
    const double     start = now();
    const tap_tensor bytes = tap_bits_back_encode(s->arena, &s->vae, images);
    const double     seconds = now() - start;
    return is_sound(s) && write_file(s->o.to, TAP_NONE, bytes) &&
           (s->o.train.quiet || report(s, images, shown, binary, tap_tensor_numel(bytes), seconds));
}

static bool decompress_images(state *s)
{
    tap_bits_back_header h;
    tap_tensor           bytes;
    tap_error            e = { 0 };
    if (!read_bytes(&bytes, s)) return false;
    if (tap_bits_back_inspect(bytes, &h, &e)) return fail("%s: %s", s->o.from, e.message);
    if (h.data != SIDE * SIDE || h.count > UINT32_MAX)
        return fail("%s: holds no images of 28x28, or too many for IDX", s->o.from);
    if (!load_model(s, h.binary) || !prepare_file(s->o.to, HEADER + (double)h.count * SIDE * SIDE)) return false;
    const double     start = now();
    const tap_tensor images = tap_bits_back_decode(s->arena, &s->vae, bytes);
    const double     seconds = now() - start;
    if (!is_sound(s) || !write_file(s->o.to, h.count, images)) return false;
    if (!s->o.train.quiet)
        printf("%lld images: %.2f MB of pixels per second\n", (long long)h.count, (double)(h.count * h.data) / 1e6 / seconds);
    return true;
}

static bool binarize(state *s)
{
    tap_tensor images;
    if (!images_read(&images, s->arena, s->o.from) || !prepare_file(s->o.to, HEADER + (double)tap_tensor_numel(images)))
        return false;
    tap_tensor noise = tap_tensor_zeros(s->arena, TAP_F32, images.shape);
    if (!is_sound(s)) return false;
    tap_random_uniform(noise, (tap_rng_key){ .seed = s->o.train.seed, .stream = tap_random_hash("binarize") });
    for (int64_t i = 0; i < tap_tensor_numel(images); i++)
        ((uint8_t *)images.data)[i] = 255 * ((float *)noise.data)[i] < (float)((uint8_t *)images.data)[i] ? 255 : 0;
    return write_file(s->o.to, images.shape.n[0], images);
}

int main(int argc, char **argv)
{
    static bool (*const tasks[TASKS])(state *) = { compress_images, decompress_images, binarize, train_model };
    state s = { .o = { .task = TASKS } };
    if (!parse(&s.o, argc, argv)) return 2;
    begin_program(s.o.train.threads);
    s.arena = tap_arena_new();
    s.root = tap_module_new(TAP_F32, s.o.train.seed);
    const bool ok = tasks[s.o.task](&s);
    tap_module_free(s.root);
    tap_arena_free(s.arena);
    return end_program(ok);
}
