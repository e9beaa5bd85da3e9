/* models/compression/bits_back.c: lossless compression by bits-back coding with ANS (BB-ANS; Townsend, Bird & Barber 2019).
 *
 *     append an image x                        pop an image
 *       posterior_pop    z ~ q(z|x)              prior_pop         z by p(z)
 *       likelihood_push  x by p(x|z)             likelihood_pop    x by p(x|z)
 *       prior_push       z by p(z)               posterior_push    z by q(z|x)
 *
 * To pop by a distribution is to draw a sample from it, with the bits on the stack as the random numbers. So append takes -log2
 * q(z|x) bits off the stack and puts -log2 p(x|z) - log2 p(z) bits on it: -ELBO(x) in expectation. pop undoes append step by
 * step, in reverse, and thereby puts the bits back that z was drawn with.
 *
 * Images are dealt out to up to four streams, image i to stream i mod n_streams; each is an ANS stack of its own. Threads share
 * the streams out among them. The networks run on the next image of several streams at a time. Invariants:
 *
 * - Pixels and latents are pushed from the last to the first, and so popped from the first to the last.
 * - Images of a stream are popped in the reverse order of appending.
 * - Once all images are popped, a stack holds what it held when the encoder began: state RANS_L and the initial words, back in
 * place.
 *
 * The file, all numbers little-endian:
 *
 *   "TAPZ", u32 version, u64 checksum of all that follows, u64 checksum of the model, u64 checksum of the images, u64 count,
 *   u32 data, u8 likelihood (1: beta-binomial), u8[2] the two values, u8 0,
 *   for each stream u32 number of its words, then the words of each stream, the last two being its state
 *
 * Checksums are XXH3's of 64 bits. */
#include <string.h>
#include <xxhash.h>

#include "models/compression/vae_coder.h"
#include "tensor/arena.h"
#include "tensor/internal.h"
#include "tensor/parallel.h"

enum { VERSION = 1, MAX_STREAMS = 4, MIN_IMAGES_PER_STREAM = 64 };

/* Offsets of the header's fields, and its size. */
enum {
    AT_VERSION = 4,
    AT_CHECKSUM = 8,
    AT_MODEL = 16,
    AT_IMAGES = 24,
    AT_COUNT = 32,
    AT_DATA = 40,
    AT_LIKELIHOOD = 44,
    AT_VALUES = 45,
    AT_ZERO = 47,
    HEADER = 48
};

/* Every value of a pixel has freq >= 1, and so every other one less than all slots: an image costs at least 1/64 bit. This
 * bounds the number of images that a header may claim. INITIAL_BITS allows for what the stacks are given to begin with. */
enum { MAX_IMAGES_PER_BIT = 64, INITIAL_BITS = 4096 };

static const uint8_t MAGIC[4] = { 'T', 'A', 'P', 'Z' };

/* What is encoded or decoded. */
typedef struct {
    const tap__vae_coder *coder;
    uint8_t              *images; /* [n,data] */
    int64_t               n;
    uint8_t               value[2]; /* Bernoulli: the bytes that stand for 0 and 1 */
    int                   n_streams;
    tap__rans             stream[MAX_STREAMS];
} codec;

/* One thread at work on streams first, first + 1, ..; row r of the buffers belongs to stream first + r. */
typedef struct {
    codec                 *c;
    int64_t                first;
    tap__vae_coder_buffers b;
    int                   *bins; /* [rows,latent]: z by the numbers of its bins */
} worker;

/* ---- Streams ----------------------------------------------------------------------------------------------------- */

static int n_streams_for(int64_t n_images)
{
    const int64_t n = (n_images + MIN_IMAGES_PER_STREAM - 1) / MIN_IMAGES_PER_STREAM;
    return n < MAX_STREAMS ? (int)n : MAX_STREAMS;
}

static int64_t images_in_stream(const codec *c, int64_t k)
{
    return (c->n - k + c->n_streams - 1) / c->n_streams;
}

static uint8_t *image_at(const codec *c, int64_t stream, int64_t step)
{
    return c->images + (step * c->n_streams + stream) * c->coder->data;
}

static tap__rans *stream_of(const worker *w, int64_t row)
{
    return &w->c->stream[w->first + row];
}

static bool any_failed(const codec *c, int64_t first, int64_t last)
{
    for (int64_t k = first; k < last; k++)
        if (c->stream[k].failed) return true;
    return false;
}

/* ---- Symbols ----------------------------------------------------------------------------------------------------- */

/* The encoder's input: bytes as x / 255, the two values as 0 and 1. */
static void load_image(worker *w, int64_t row, const uint8_t *image)
{
    const tap__vae_coder *coder = w->c->coder;
    float                *x = w->b.x + row * coder->data;
    for (int64_t i = 0; i < coder->data; i++)
        x[i] = coder->beta_binomial ? (float)image[i] * (1.0f / (TAP__BYTES - 1)) : image[i] == w->c->value[1] ? 1.0f : 0.0f;
}

/* All bins are equally likely under the prior. */
static tap__interval prior_interval(int bin)
{
    const int shift = TAP__RANS_SCALE_BITS - TAP__BIN_BITS;
    return (tap__interval){ (uint32_t)bin << shift, (uint32_t)1 << shift };
}

static void prior_push(const worker *w, int64_t row)
{
    const int64_t latent = w->c->coder->latent;
    const int    *bin = w->bins + row * latent;
    for (int64_t k = latent - 1; k >= 0; k--) tap__rans_enc_put(stream_of(w, row), prior_interval(bin[k]));
}

static void prior_pop(worker *w, int64_t row)
{
    const int64_t latent = w->c->coder->latent;
    tap__rans    *r = stream_of(w, row);
    int          *bin = w->bins + row * latent;
    for (int64_t k = 0; k < latent; k++) {
        bin[k] = (int)(tap__rans_dec_get(r) >> (TAP__RANS_SCALE_BITS - TAP__BIN_BITS));
        tap__rans_dec_advance(r, prior_interval(bin[k]));
        w->b.z[row * latent + k] = w->c->coder->tables->median[bin[k]];
    }
}

static void posterior_push(const worker *w, int64_t row)
{
    const int64_t latent = w->c->coder->latent;
    const float  *mu = w->b.mu + row * latent, *precision = w->b.precision + row * latent;
    const int    *bin = w->bins + row * latent;
    for (int64_t k = latent - 1; k >= 0; k--)
        tap__rans_enc_put(stream_of(w, row), tap__bin_interval(w->c->coder->tables, mu[k], precision[k], bin[k]));
}

static void posterior_pop(worker *w, int64_t row)
{
    const tap__bitexact_tables *t = w->c->coder->tables;
    const int64_t               latent = w->c->coder->latent;
    const float                *mu = w->b.mu + row * latent, *precision = w->b.precision + row * latent;
    tap__rans                  *r = stream_of(w, row);
    int                        *bin = w->bins + row * latent;
    for (int64_t k = 0; k < latent; k++) {
        bin[k] = tap__bin_at(t, mu[k], precision[k], tap__rans_dec_get(r));
        tap__rans_dec_advance(r, tap__bin_interval(t, mu[k], precision[k], bin[k]));
        w->b.z[row * latent + k] = t->median[bin[k]];
    }
}

static void likelihood_push(worker *w, int64_t row, const uint8_t *image)
{
    const tap__vae_coder *coder = w->c->coder;
    for (int64_t i = coder->data - 1; i >= 0; i--) {
        const int value = coder->beta_binomial ? image[i] : image[i] == w->c->value[1];
        tap__rans_enc_put(stream_of(w, row), tap__pixel_interval(coder, &w->b, row, i, value));
    }
}

static void likelihood_pop(worker *w, int64_t row, uint8_t *image)
{
    const tap__vae_coder *coder = w->c->coder;
    tap__rans            *r = stream_of(w, row);
    tap__interval         interval;
    for (int64_t i = 0; i < coder->data; i++) {
        const int value = tap__pixel_at(coder, &w->b, row, i, tap__rans_dec_get(r), &interval);
        tap__rans_dec_advance(r, interval);
        image[i] = coder->beta_binomial ? (uint8_t)value : w->c->value[value];
    }
}

/* ---- Images ------------------------------------------------------------------------------------------------------ */

/* Image `step` of each of the first `rows` streams. */
static void append(worker *w, int64_t rows, int64_t step)
{
    for (int64_t r = 0; r < rows; r++) load_image(w, r, image_at(w->c, w->first + r, step));
    tap__vae_coder_posterior(w->c->coder, &w->b, rows);
    for (int64_t r = 0; r < rows; r++) posterior_pop(w, r);
    tap__vae_coder_likelihood(w->c->coder, &w->b, rows);
    for (int64_t r = 0; r < rows; r++) {
        likelihood_push(w, r, image_at(w->c, w->first + r, step));
        prior_push(w, r);
    }
}

static void pop(worker *w, int64_t rows, int64_t step)
{
    for (int64_t r = 0; r < rows; r++) prior_pop(w, r);
    tap__vae_coder_likelihood(w->c->coder, &w->b, rows);
    for (int64_t r = 0; r < rows; r++) {
        uint8_t *image = image_at(w->c, w->first + r, step);
        likelihood_pop(w, r, image);
        load_image(w, r, image);
    }
    tap__vae_coder_posterior(w->c->coder, &w->b, rows);
    for (int64_t r = 0; r < rows; r++) posterior_push(w, r);
}

/* How many of the streams first .. last - 1 have an image at this step. These come first: later streams are never longer. */
static int64_t rows_at(const codec *c, int64_t first, int64_t last, int64_t step)
{
    while (last > first && images_in_stream(c, last - 1) <= step) last--;
    return last - first;
}

/* Thread body: codes all images of streams first .. last - 1. Decoding runs in reverse order. */
static void run_streams(void *context, int64_t first, int64_t last)
{
    codec        *c = context;
    const int64_t rows = last - first, steps = images_in_stream(c, first);
    const bool    decode = !c->stream[first].supply_initial_bits;
    tap_arena    *a = tap__arena_new_internal();
    worker        w = { .c = c, .first = first };
    w.bins = tap_arena_alloc(a, (size_t)(rows * c->coder->latent) * sizeof *w.bins);
    if (!tap__vae_coder_buffers_init(&w.b, a, c->coder, rows, c->n) || !w.bins)
        for (int64_t k = first; k < last; k++) c->stream[k].failed = c->stream[k].no_memory = true;
    for (int64_t i = 0; i < steps && !any_failed(c, first, last); i++) {
        const int64_t step = decode ? steps - 1 - i : i;
        (decode ? pop : append)(&w, rows_at(c, first, last, step), step);
    }
    tap_arena_free(a);
}

static void run_all_streams(codec *c)
{
    tap__parallel(c->n_streams, tap__cost_ns((double)c->n * 1e5), run_streams, c);
}

/* ---- The file ---------------------------------------------------------------------------------------------------- */

static void put(uint8_t *to, uint64_t value, int n)
{
    for (int i = 0; i < n; i++) to[i] = (uint8_t)(value >> 8 * i);
}

static uint64_t get(const uint8_t *from, int n)
{
    uint64_t value = 0;
    for (int i = 0; i < n; i++) value |= (uint64_t)from[i] << 8 * i;
    return value;
}

static uint64_t checksum(const uint8_t *from, int64_t n)
{
    return XXH3_64bits(from, (size_t)n);
}

static void free_streams(codec *c)
{
    for (int k = 0; k < MAX_STREAMS; k++) free(c->stream[k].words);
}

/* Whether that many words can hold n images; a damaged header must not make the decoder allocate more. */
static bool is_plausible_count(int64_t n, int64_t words)
{
    return n / MAX_IMAGES_PER_BIT <= 32 * words + INITIAL_BITS;
}

static tap_tensor write_file(tap_arena *a, const codec *c)
{
    int64_t words = 0;
    for (int k = 0; k < c->n_streams; k++) words += c->stream[k].n;
    const int64_t start = HEADER + 4 * c->n_streams, n = start + 4 * words;
    tap_tensor    bytes = tap_tensor_zeros(a, TAP_U8, TAP_SHAPE(n));
    if (!bytes.data) return bytes;
    uint8_t *to = bytes.data, *word = to + start;
    memcpy(to, MAGIC, sizeof MAGIC);
    put(to + AT_VERSION, VERSION, 4);
    put(to + AT_MODEL, c->coder->checksum, 8);
    put(to + AT_IMAGES, checksum(c->images, c->n * c->coder->data), 8);
    put(to + AT_COUNT, (uint64_t)c->n, 8);
    put(to + AT_DATA, (uint64_t)c->coder->data, 4);
    to[AT_LIKELIHOOD] = c->coder->beta_binomial;
    memcpy(to + AT_VALUES, c->value, sizeof c->value);
    for (int k = 0; k < c->n_streams; k++) {
        put(to + HEADER + 4 * k, (uint64_t)c->stream[k].n, 4);
        for (int64_t i = 0; i < c->stream[k].n; i++, word += 4) put(word, c->stream[k].words[i], 4);
    }
    put(to + AT_CHECKSUM, checksum(to + AT_MODEL, n - AT_MODEL), 8);
    return bytes;
}

/* NULL if the table of streams is that of n images and agrees with the size. */
static const char *check_streams(const uint8_t *from, int64_t size, int64_t n)
{
    const int n_streams = n_streams_for(n);
    int64_t   words = 0;
    if (size < HEADER + 4 * n_streams) return "the table of streams is cut short";
    for (int k = 0; k < n_streams; k++) {
        const int64_t length = (int64_t)get(from + HEADER + 4 * k, 4);
        if (length < 2) return "a stream has no state";
        words += length;
    }
    if (size != HEADER + 4 * n_streams + 4 * words) return "the lengths of the streams do not add up to the size";
    return is_plausible_count(n, words) ? NULL : "the header counts more images than the bytes can hold";
}

/* NULL if these are compressed images. */
static const char *check_file(const uint8_t *from, int64_t size)
{
    if (size < AT_CHECKSUM || memcmp(from, MAGIC, sizeof MAGIC)) return "they do not begin with TAPZ";
    if (get(from + AT_VERSION, 4) != VERSION) return "the version of the format is not 1";
    if (size < HEADER) return "the header is cut short";
    if (checksum(from + AT_MODEL, size - AT_MODEL) != get(from + AT_CHECKSUM, 8))
        return "their checksum does not match: they are damaged";
    const bool has_values = from[AT_VALUES] || from[AT_VALUES + 1];
    if (get(from + AT_COUNT, 8) > INT64_MAX / 2 || get(from + AT_DATA, 4) == 0 || from[AT_LIKELIHOOD] > 1 || from[AT_ZERO] ||
        (from[AT_LIKELIHOOD] && has_values))
        return "a field of the header is out of range";
    return check_streams(from, size, (int64_t)get(from + AT_COUNT, 8));
}

tap_status tap_bits_back_inspect(tap_tensor bytes, tap_bits_back_header *h, tap_error *e)
{
    const uint8_t *from = bytes.data;
    if (h) *h = (tap_bits_back_header){ 0 };
    if (!h) return tap_error_set(e, TAP_EARG, "bits_back_inspect: NULL");
    if (!from || bytes.dtype != TAP_U8 || bytes.shape.rank != 1 || !tap_tensor_is_contiguous(bytes))
        return tap_error_set(e, TAP_EARG, "bits_back_inspect: the bytes must be uint8 [n], contiguous");
    const char *wrong = check_file(from, tap_tensor_numel(bytes));
    if (wrong) return tap_error_set(e, TAP_EIO, "bits_back: the bytes are not compressed images: %s", wrong);
    *h = (tap_bits_back_header){ .count = (int64_t)get(from + AT_COUNT, 8),
                                 .data = (int64_t)get(from + AT_DATA, 4),
                                 .binary = !from[AT_LIKELIHOOD],
                                 .model = get(from + AT_MODEL, 8) };
    return TAP_OK;
}

/* The words of all streams; false if there is no memory, or a state is out of range. */
static bool read_streams(codec *c, const uint8_t *from)
{
    const uint8_t *word = from + HEADER + 4 * c->n_streams;
    for (int k = 0; k < c->n_streams; k++) {
        tap__rans    *r = &c->stream[k];
        const int64_t n = (int64_t)get(from + HEADER + 4 * k, 4);
        for (int64_t i = 0; i < n; i++, word += 4) tap__rans_push_word(r, (uint32_t)get(word, 4));
        if (r->failed) return false;
        r->state = (uint64_t)r->words[n - 1] << 32 | r->words[n - 2];
        r->n -= 2;
        if (r->state < TAP__RANS_L || r->state >> 63) r->failed = true;
    }
    return !any_failed(c, 0, c->n_streams);
}

/* ---- Encoding and decoding --------------------------------------------------------------------------------------- */

/* Finds the values of images that have at most two; NULL if they do. Images of a single value have it twice. */
static const char *find_two_values(const uint8_t *images, int64_t n, uint8_t value[2])
{
    for (int64_t i = 0; i < n; i++) {
        if (i == 0 || images[i] == value[0]) value[0] = images[i];
        else if (value[0] == value[1] || images[i] == value[1]) value[1] = images[i];
        else return "the images have more than two values; a Bernoulli likelihood takes two";
        if (i == 0) value[1] = value[0];
    }
    return NULL;
}

/* Encodes or decodes x to a tensor of a, with work for everything else. */
typedef tap_tensor conversion(tap_arena *a, tap_arena *work, const tap_vae *v, tap_tensor x);

/* Gives a conversion its arena for work, and passes that one's error on to a. */
static tap_tensor convert(conversion *how, tap_arena *a, const tap_vae *v, tap_tensor x)
{
    const char *message, *before = tap__arena_name(a, "bits_back");
    tap_arena  *work = tap__arena_new_internal();
    tap__arena_name(work, "bits_back");
    x = how(a, work, v, x);
    const tap_status status = tap_arena_status(work, &message);
    if (status) x = tap__tensor_fail(a, status, "%s", message);
    tap__arena_name(a, before);
    tap_arena_free(work);
    return x;
}

static tap_tensor fail_streams(tap_arena *work, const codec *c)
{
    for (int k = 0; k < c->n_streams; k++)
        if (c->stream[k].no_memory)
            return tap__tensor_fail(work, TAP_ENOMEM, "bits_back: no memory for %lld images", (long long)c->n);
    return tap__tensor_fail(work, TAP_EIO, "bits_back: the compressed bytes end before the last image");
}

/* Encodes c->images into c->stream, each ending in its state. */
static void encode_streams(codec *c)
{
    for (int k = 0; k < c->n_streams; k++) c->stream[k] = (tap__rans){ .state = TAP__RANS_L, .supply_initial_bits = true };
    run_all_streams(c);
    for (int k = 0; k < c->n_streams; k++) {
        tap__rans_push_word(&c->stream[k], (uint32_t)c->stream[k].state);
        tap__rans_push_word(&c->stream[k], (uint32_t)(c->stream[k].state >> 32));
    }
}

static tap_tensor encode(tap_arena *a, tap_arena *work, const tap_vae *v, tap_tensor images)
{
    char           text[TAP_SHAPE_TEXT];
    tap__vae_coder coder;
    codec          c = { .coder = &coder };
    if (!tap__vae_coder_init(&coder, work, v)) return images;
    const int64_t n = images.shape.rank > 0 ? images.shape.n[0] : -1, numel = tap_numel(images.shape);
    if (images.dtype != TAP_U8 || n < 0 || numel % coder.data || numel / coder.data != n)
        return tap__tensor_fail(work, TAP_ESHAPE, "bits_back: images must be uint8 [n,..] of %lld bytes each, not %s %s",
                                (long long)coder.data, tap_dtype_name(images.dtype), tap_shape_format(text, images.shape));
    images = tap_tensor_contiguous(work, images);
    if (tap_arena_status(work, NULL)) return images;
    const char *wrong = coder.beta_binomial ? NULL : find_two_values(images.data, numel, c.value);
    if (wrong) return tap__tensor_fail(work, TAP_EARG, "bits_back: %s", wrong);
    c.images = images.data;
    c.n = n;
    c.n_streams = n_streams_for(n);
    encode_streams(&c);
    const bool failed = any_failed(&c, 0, c.n_streams);
    tap_tensor bytes = failed ? fail_streams(work, &c) : write_file(a, &c);
    free_streams(&c);
    return bytes;
}

/* Whether the stacks are back to what the encoder began with, and the two values in the header are those of the images.
 * Anything else means that the bytes are not what the encoder wrote. */
static bool streams_are_drained(const codec *c)
{
    uint8_t value[2] = { 0, 0 };
    if (!c->coder->beta_binomial && find_two_values(c->images, c->n * c->coder->data, value)) return false;
    if (memcmp(value, c->value, sizeof value)) return false;
    for (int k = 0; k < c->n_streams; k++) {
        const tap__rans *r = &c->stream[k];
        if (r->state != TAP__RANS_L) return false;
        for (int64_t i = 0; i < r->n; i++)
            if (r->words[r->n - 1 - i] != tap__rans_initial_word((uint32_t)i)) return false;
    }
    return true;
}

static tap_tensor decode(tap_arena *a, tap_arena *work, const tap_vae *v, tap_tensor bytes)
{
    tap_bits_back_header h;
    tap__vae_coder       coder;
    bytes = tap_tensor_contiguous(work, bytes);
    if (tap_bits_back_inspect(bytes, &h, tap_arena_error(work)) || !tap__vae_coder_init(&coder, work, v)) return bytes;
    if (h.model != coder.checksum || h.data != coder.data || h.binary == coder.beta_binomial)
        return tap__tensor_fail(work, TAP_EARG,
                                "bits_back: compressed with another model: its checksum is %016llx, this one's %016llx",
                                (unsigned long long)h.model, (unsigned long long)coder.checksum);
    const uint8_t *from = bytes.data;
    tap_tensor     images = tap_tensor_zeros(a, TAP_U8, TAP_SHAPE(h.count, h.data));
    if (!images.data) return images;
    codec c = { .coder = &coder, .images = images.data, .n = h.count, .n_streams = n_streams_for(h.count) };
    memcpy(c.value, from + AT_VALUES, sizeof c.value);
    if (read_streams(&c, from)) run_all_streams(&c);
    if (any_failed(&c, 0, c.n_streams)) images = fail_streams(work, &c);
    else if (!streams_are_drained(&c) || checksum(c.images, h.count * h.data) != get(from + AT_IMAGES, 8))
        images = tap__tensor_fail(
            work, TAP_EIO, "bits_back: the decoded images are not those that were compressed: their checksum does not match");
    free_streams(&c);
    return images;
}

tap_tensor tap_bits_back_encode(tap_arena *a, const tap_vae *v, tap_tensor images)
{
    tap_tensor failed;
    if (!tap__check_input(a, images, &failed, "bits_back_encode")) return failed;
    return convert(encode, a, v, images);
}

tap_tensor tap_bits_back_decode(tap_arena *a, const tap_vae *v, tap_tensor bytes)
{
    tap_tensor failed;
    if (!tap__check_input(a, bytes, &failed, "bits_back_decode")) return failed;
    return convert(decode, a, v, bytes);
}
