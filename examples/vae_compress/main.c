/* examples/vae_compress/main.c: compresses images losslessly with a VAE as their model. */
#include "vae_compress.h"
#include "examples/common/sizes.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const program = "vae_compress";

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
    { "--model", "FILE", TEXT, FIELD(model),
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
    CHECKPOINT_ROWS(""),

    GENERAL_ROWS("not a word"),
    { 0 },
};
/* clang-format on */

/* Parses the task and its files, which come first. Returns the number of arguments consumed, 0 on an error. */
static int take_task(options *o, int argc, char **argv)
{
    static const char *const names[TASKS] = { "-c", "-d", "--binarize", "--train" };
    const char              *name = argc > 1 ? argv[1] : "";
    for (o->task = 0; o->task < TASKS && strcmp(name, names[o->task]); o->task++) continue;
    if (o->task == TASKS) return usage(name, "", "what to do comes first, -c, -d, --train or --binarize");
    if (o->task == TRAIN) return 1;
    if (argc < 4 || !*argv[2] || !*argv[3]) return usage(name, "", "takes two files");
    o->from = argv[2], o->to = argv[3];
    return 3;
}

/* Parses the command line, checks which options go together, and completes them. */
static bool parse(options *o, int argc, char **argv)
{
    arguments_help(argc, argv);
    const int taken = take_task(o, argc, argv);
    if (!taken) return false;
    const uint64_t given = arguments_take(o, argc - taken, argv + taken);
    const bool     codes = o->task == COMPRESS || o->task == DECOMPRESS;
    if (!o->train.out) o->train.out = o->binary ? "out/vae_compress/binary" : "out/vae_compress/grey";
    if (o->task != TRAIN && !arguments_exclude(given, codes ? TRAINS | SEEDS : TRAINS, "goes with --train")) return false;
    return codes || !o->model || usage("--model", "", "goes with -c and -d");
}

enum { HEADER = 16 }; /* size in bytes of the header of an IDX file of images */

static bool read_images(tap_tensor *images, tap_arena *a, const char *path)
{
    char text[TAP_SHAPE_TEXT];
    *images = tap_idx_read(a, path);
    if (!arena_ok(a)) return false;
    const tap_shape s = images->shape;
    return (images->dtype == TAP_U8 && s.rank == 3 && s.n[1] == SIDE && s.n[2] == SIDE) ||
           fail("%s: holds %s %s, not images uint8 [n,28,28]", path, tap_dtype_name(images->dtype), tap_shape_format(text, s));
}

static bool read_bytes(tap_tensor *bytes, tap_arena *a, const char *path)
{
    FILE *f = fopen(path, "rb");
    long  n = -1;
    bool  ok = f && !fseek(f, 0, SEEK_END) && (n = ftell(f)) >= 0 && n < LONG_MAX && !fseek(f, 0, SEEK_SET);
    *bytes = tap_tensor_zeros(a, TAP_U8, TAP_SHAPE(ok ? n : 0));
    ok = ok && bytes->data && fread(bytes->data, 1, (size_t)n, f) == (size_t)n;
    if (!ok) fail("%s: %s", path, errno ? strerror(errno) : "cannot be read");
    if (f) fclose(f);
    return ok;
}

/* Writes a header of n bytes and the tensor's bytes. */
static bool write_file(const char *path, const uint8_t *header, size_t n, tap_tensor bytes)
{
    tap_error e = { 0 };
    tap_file *f = tap_file_create(path, &e);
    if (n) tap_file_write(f, header, n);
    tap_file_write(f, bytes.data, (size_t)tap_tensor_numel(bytes));
    tap_file_commit(f);
    return !e.status || fail("%s", e.message);
}

static bool write_images(const char *path, int64_t n, tap_tensor images)
{
    uint8_t header[HEADER] = { 0, 0, 8, 3, [11] = SIDE, [15] = SIDE };
    for (int i = 0; i < 4; i++) header[7 - i] = (uint8_t)(n >> 8 * i);
    return write_file(path, header, sizeof header, images);
}

/* Whether the images have at most two values. If so, maps the larger one to 255 and the other one to 0. */
static bool whiten(tap_tensor images)
{
    uint8_t      *x = images.data, low = 255, high = 0;
    const int64_t n = tap_tensor_numel(images);
    for (int64_t i = 0; i < n; i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    for (int64_t i = 0; i < n; i++)
        if (x[i] != low && x[i] != high) return false;
    for (int64_t i = 0; i < n; i++) x[i] = x[i] == high && high != low ? 255 : 0;
    return true;
}

static void line(const char *name, double bytes, int64_t pixels)
{
    if (bytes > 0) printf("  %-22s %7.4f bits per pixel %12.0f bytes\n", name, 8 * bytes / (double)pixels, bytes);
    else printf("  %-22s       -\n", name);
}

/* Prints the bits per pixel, the model's -ELBO and those of other programs. shown: the original images, or their
 * whitened version if they have two values. */
static bool report(const tap_vae *vae, tap_tensor images, tap_tensor shown, bool binary, int64_t bytes, double seconds)
{
    const int64_t  n = images.shape.n[0], pixels = tap_tensor_numel(images);
    const uint8_t *from = shown.data;
    double         nats;
    printf("%lld images, %s: %.2f MB of pixels per second\n", (long long)n, binary ? "of two values" : "of bytes",
           (double)pixels / 1e6 / seconds);
    if (n == 0) return true;
    if (!model_promise(vae, vae->options.likelihood == TAP_VAE_BERNOULLI ? shown : images, &nats)) return false;
    uint8_t     *packed = malloc((size_t)pixels);
    const size_t size = binary && packed ? pack_bits(packed, from, (size_t)pixels) : (size_t)pixels;
    const size_t png = size_by_png(from, (size_t)n, SIDE, SIDE, binary ? 1 : 8);
    if (binary) from = packed;
    line("vae_compress", (double)bytes, pixels);
    line("-ELBO", (double)n * nats / log(2) / 8, pixels);
    line("gzip -9", from ? (double)size_by_gzip(from, size) : 0, pixels);
    line("bzip2 -9", from ? (double)size_by_bzip2(from, size) : 0, pixels);
    line("xz -9", from ? (double)size_by_xz(from, size) : 0, pixels);
    line("PNG, one for each", (double)png, pixels);
    free(packed);
    return true;
}

static bool compress(options *o, tap_arena *a, tap_module *root)
{
    tap_vae     vae;
    tap_tensor  images;
    const char *message;
    if (!read_images(&images, a, o->from)) return false;
    tap_tensor shown = tap_tensor_zeros(a, TAP_U8, images.shape);
    tap_tensor_copy(shown, images, tap_arena_error(a));
    const bool binary = shown.data && whiten(shown);
    if (!model_read(&vae, root, o, binary) || !prepare_file(o->to, 0)) return false;
    const double     start = now();
    const tap_tensor bytes = tap_bits_back_encode(a, &vae, images);
    const double     seconds = now() - start;
    if (tap_arena_status(a, &message)) return fail("%s: %s", o->from, message);
    return write_file(o->to, NULL, 0, bytes) &&
           (o->train.quiet || report(&vae, images, shown, binary, tap_tensor_numel(bytes), seconds));
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
    if (h.data != SIDE * SIDE || h.count > UINT32_MAX)
        return fail("%s: holds no images of 28x28, or too many for IDX", o->from);
    if (!model_read(&vae, root, o, h.binary) || !prepare_file(o->to, HEADER + (double)h.count * SIDE * SIDE)) return false;
    const double     start = now();
    const tap_tensor images = tap_bits_back_decode(a, &vae, bytes);
    const double     seconds = now() - start;
    if (tap_arena_status(a, &message)) return fail("%s: %s", o->from, message);
    if (!write_images(o->to, h.count, images)) return false;
    if (!o->train.quiet)
        printf("%lld images: %.2f MB of pixels per second\n", (long long)h.count, (double)(h.count * h.data) / 1e6 / seconds);
    return true;
}

static bool binarize(const options *o, tap_arena *a)
{
    tap_tensor  images;
    const char *message;
    if (!read_images(&images, a, o->from) || !prepare_file(o->to, HEADER + (double)tap_tensor_numel(images))) return false;
    tap_tensor noise = tap_tensor_zeros(a, TAP_F32, images.shape);
    if (tap_arena_status(a, &message)) return fail("%s: %s", o->from, message);
    tap_random_uniform(noise, (tap_rng_key){ .seed = o->train.seed, .stream = tap_random_hash("binarize") });
    for (int64_t i = 0; i < tap_tensor_numel(images); i++)
        ((uint8_t *)images.data)[i] = 255 * ((float *)noise.data)[i] < (float)((uint8_t *)images.data)[i] ? 255 : 0;
    return write_images(o->to, images.shape.n[0], images);
}

int main(int argc, char **argv)
{
    options o = { .task = TASKS };
    if (!parse(&o, argc, argv)) return 2;
    begin_program(o.train.threads);
    tap_arena  *a = tap_arena_new();
    tap_module *root = tap_module_new(TAP_F32, 0);
    bool        ok = o.task == COMPRESS     ? compress(&o, a, root)
                     : o.task == DECOMPRESS ? decompress(&o, a, root)
                     : o.task == BINARIZE   ? binarize(&o, a)
                                            : train_on_mnist(&o);
    tap_module_free(root);
    tap_arena_free(a);
    return end_program(ok);
}
