/* Bits-back coding: images to bytes and back. Images are dealt out to a few lanes, each a stack of its own, which threads share out
 * among them. A compressed file is, all numbers little-endian:
 *
 *   "TAPZ", u32 version, u64 checksum of all that follows, u64 checksum of the model, u64 checksum of the images, u64 count,
 *   u32 data, u8 likelihood, u8[2] the two values, u8 0, for each lane u32 words, and the lanes' words, the state's two at the end
 *
 * Checksums are XXH3's of 64 bits. */
#include <string.h>
#include <xxhash.h>

#include "models/compression/bits_back.h"

enum { VERSION = 1, MOST_LANES = 4, WORTH_A_LANE = 64, CHECKED = 16, HEADER = 48 };

/* Each pixel leaves some of its interval to the others, so that an image needs 1/64 of a bit at least. */
enum { MOST_PER_BIT = 64, BITS_TO_BEGIN = 4096 };

static const uint8_t MAGIC[4] = { 'T', 'A', 'P', 'Z' };

typedef struct {
    const tap__coder *coder;
    uint8_t          *images; /* [n,data] */
    int64_t           n;
    int               lanes;
    uint8_t           value[2];
    tap__rans         lane[MOST_LANES];
} job;

/* ---- Images on stacks -------------------------------------------------------------------------------------------- */

static int lanes_for(int64_t n)
{
    const int64_t lanes = (n + WORTH_A_LANE - 1) / WORTH_A_LANE;
    return lanes < MOST_LANES ? (int)lanes : MOST_LANES;
}

/* Lane k has the images k, k + lanes, ..: so many. */
static int64_t in_lane(const job *j, int64_t k)
{
    return (j->n - k + j->lanes - 1) / j->lanes;
}

static uint8_t *image_at(const job *j, int64_t lane, int64_t step)
{
    return j->images + (step * j->lanes + lane) * j->coder->data;
}

/* As the encoder takes it. */
static void show(const job *j, float *x, const uint8_t *image)
{
    const tap__coder *c = j->coder;
    for (int64_t i = 0; i < c->data; i++)
        x[i] = c->bytes ? (float)image[i] * (1.0f / (TAP__BYTES - 1)) : image[i] == j->value[1] ? 1.0f : 0.0f;
}

static tap__interval prior(uint32_t bin)
{
    return (tap__interval){ bin << (TAP__RANS_SCALE_BITS - TAP__BIN_BITS), 1u << (TAP__RANS_SCALE_BITS - TAP__BIN_BITS) };
}

/* z ~ q(z|x), by the bits on the stack; bin[] is where it came to lie. */
static void draw(const tap__coder *c, const tap__coder_buffers *room, int64_t row, tap__rans *r, int *bin)
{
    for (int64_t k = row * c->latent; k < (row + 1) * c->latent; k++, bin++) {
        *bin = tap__bin_at(c->tables, room->mu[k], room->precision[k], tap__rans_dec_get(r));
        tap__rans_pop(r, tap__bin_interval(c->tables, room->mu[k], room->precision[k], *bin));
        room->z[k] = c->tables->median[*bin];
    }
}

static void undraw(const tap__coder *c, const tap__coder_buffers *room, int64_t row, tap__rans *r, const int *bin)
{
    for (int64_t k = c->latent - 1; k >= 0; k--) {
        const int64_t at = row * c->latent + k;
        tap__rans_push(r, tap__bin_interval(c->tables, room->mu[at], room->precision[at], bin[k]));
    }
}

static void push(const job *j, tap__coder_buffers *room, int64_t row, tap__rans *r, const uint8_t *image, const int *bin)
{
    const tap__coder *c = j->coder;
    for (int64_t i = c->data - 1; i >= 0; i--)
        tap__rans_push(r, tap__pixel_interval(c, room, row, i, c->bytes ? image[i] : image[i] == j->value[1]));
    for (int64_t k = c->latent - 1; k >= 0; k--) tap__rans_push(r, prior((uint32_t)bin[k]));
}

static void pop_z(const tap__coder *c, const tap__coder_buffers *room, int64_t row, tap__rans *r, int *bin)
{
    for (int64_t k = 0; k < c->latent; k++) {
        bin[k] = (int)(tap__rans_dec_get(r) >> (TAP__RANS_SCALE_BITS - TAP__BIN_BITS));
        tap__rans_pop(r, prior((uint32_t)bin[k]));
        room->z[row * c->latent + k] = c->tables->median[bin[k]];
    }
}

static void pop_image(const job *j, tap__coder_buffers *room, int64_t row, tap__rans *r, uint8_t *image)
{
    const tap__coder *c = j->coder;
    tap__interval     of;
    for (int64_t i = 0; i < c->data; i++) {
        const int pixel = tap__pixel_at(c, room, row, i, tap__rans_dec_get(r), &of);
        tap__rans_pop(r, of);
        image[i] = c->bytes ? (uint8_t)pixel : j->value[pixel];
    }
}

/* An image of each of the lanes. */
static void encode_step(job *j, tap__coder_buffers *room, int *bins, int64_t first, int64_t rows, int64_t step)
{
    const tap__coder *c = j->coder;
    for (int64_t r = 0; r < rows; r++) show(j, room->x + r * c->data, image_at(j, first + r, step));
    tap__coder_encode(c, room, rows);
    for (int64_t r = 0; r < rows; r++) draw(c, room, r, &j->lane[first + r], bins + r * c->latent);
    tap__coder_decode(c, room, rows);
    for (int64_t r = 0; r < rows; r++)
        push(j, room, r, &j->lane[first + r], image_at(j, first + r, step), bins + r * c->latent);
}

static void decode_step(job *j, tap__coder_buffers *room, int *bins, int64_t first, int64_t rows, int64_t step)
{
    const tap__coder *c = j->coder;
    for (int64_t r = 0; r < rows; r++) pop_z(c, room, r, &j->lane[first + r], bins + r * c->latent);
    tap__coder_decode(c, room, rows);
    for (int64_t r = 0; r < rows; r++) {
        pop_image(j, room, r, &j->lane[first + r], image_at(j, first + r, step));
        show(j, room->x + r * c->data, image_at(j, first + r, step));
    }
    tap__coder_encode(c, room, rows);
    for (int64_t r = 0; r < rows; r++) undraw(c, room, r, &j->lane[first + r], bins + r * c->latent);
}

/* How many of the lanes have an image at this step: those in front. */
static int64_t rows_at(const job *j, int64_t first, int64_t last, int64_t step)
{
    while (last > first && in_lane(j, last - 1) <= step) last--;
    return last - first;
}

static bool failed(const job *j, int64_t first, int64_t last)
{
    for (int64_t k = first; k < last; k++)
        if (j->lane[k].failed) return true;
    return false;
}

/* What a thread does: all images of some lanes, forwards or, what came last first, backwards. */
static void run(const void *context, int64_t first, int64_t last)
{
    job               *j = *(job *const *)context;
    const int64_t      rows = last - first, steps = in_lane(j, first);
    const bool         decode = !j->lane[first].lends;
    tap_arena         *a = tap__arena_new_internal();
    tap__coder_buffers room;
    int               *bins = tap_arena_alloc(a, (size_t)(rows * j->coder->latent) * sizeof *bins);
    if (!tap__coder_buffers_init(&room, a, j->coder, rows, j->n) || !bins)
        for (int64_t k = first; k < last; k++) j->lane[k].failed = j->lane[k].no_memory = true;
    for (int64_t i = 0; i < steps && !failed(j, first, last); i++) {
        const int64_t step = decode ? steps - 1 - i : i;
        (decode ? decode_step : encode_step)(j, &room, bins, first, rows_at(j, first, last, step), step);
    }
    tap_arena_free(a);
}

static void run_lanes(job *j)
{
    tap__parallel(j->lanes, tap__cost_ns((double)j->n * 1e5), run, &(job *){ j });
}

/* ---- Bytes ------------------------------------------------------------------------------------------------------- */

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

static void free_lanes(job *j)
{
    for (int k = 0; k < MOST_LANES; k++) free(j->lane[k].words);
}

static int64_t words_in(const job *j)
{
    int64_t words = 0;
    for (int k = 0; k < j->lanes; k++) words += j->lane[k].n;
    return words;
}

static bool is_likely(int64_t n, int64_t words)
{
    return n / MOST_PER_BIT <= 32 * words + BITS_TO_BEGIN;
}

static tap_tensor written(tap_arena *a, const job *j)
{
    const int64_t words = words_in(j), at = HEADER + 4 * j->lanes, n = at + 4 * words;
    tap_tensor    all = tap_tensor_zeros(a, TAP_U8, TAP_SHAPE(n));
    if (!all.data) return all;
    uint8_t *to = all.data, *end = to + at;
    memcpy(to, MAGIC, sizeof MAGIC);
    put(to + 4, VERSION, 4);
    put(to + 16, j->coder->checksum, 8);
    put(to + 24, checksum(j->images, j->n * j->coder->data), 8);
    put(to + 32, (uint64_t)j->n, 8);
    put(to + 40, (uint64_t)j->coder->data, 4);
    to[44] = j->coder->bytes;
    to[45] = j->value[0];
    to[46] = j->value[1];
    for (int k = 0; k < j->lanes; k++) {
        put(to + HEADER + 4 * k, (uint64_t)j->lane[k].n, 4);
        for (int64_t i = 0; i < j->lane[k].n; i++, end += 4) put(end, j->lane[k].words[i], 4);
    }
    put(to + 8, checksum(to + CHECKED, n - CHECKED), 8);
    return all;
}

/* ---- In front ---------------------------------------------------------------------------------------------------- */

/* NULL, or what is wrong with it. */
static const char *two_values_in(const uint8_t *images, int64_t n, uint8_t value[2])
{
    for (int64_t i = 0; i < n; i++) {
        if (i == 0 || images[i] == value[0]) value[0] = images[i];
        else if (value[0] == value[1] || images[i] == value[1]) value[1] = images[i];
        else return "the images have more than two values, and the model is for two";
        if (i == 0) value[1] = value[0];
    }
    return NULL;
}

/* The work on tensors of a in an arena of its own; what goes wrong there becomes a's error. */
typedef tap_tensor conversion(tap_arena *a, tap_arena *work, const tap_vae *v, tap_tensor x);

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

static tap_tensor lanes_failed(tap_arena *work, const job *j)
{
    for (int k = 0; k < j->lanes; k++)
        if (j->lane[k].no_memory)
            return tap__tensor_fail(work, TAP_ENOMEM, "bits_back: no memory for %lld images", (long long)j->n);
    return tap__tensor_fail(work, TAP_EIO, "bits_back: the compressed bytes end before the images do");
}

static tap_tensor encode(tap_arena *a, tap_arena *work, const tap_vae *v, tap_tensor images)
{
    char       text[TAP_SHAPE_TEXT];
    tap__coder c;
    job        j = { .coder = &c };
    if (!tap__coder_init(&c, work, v)) return images;
    const int64_t n = images.shape.rank > 0 ? images.shape.n[0] : -1;
    if (images.dtype != TAP_U8 || n < 0 || tap_numel(images.shape) % c.data || tap_numel(images.shape) / c.data != n)
        return tap__tensor_fail(work, TAP_ESHAPE, "bits_back: %s %s are not images uint8 [n,..] of %lld bytes each",
                                tap_dtype_name(images.dtype), tap_shape_format(text, images.shape), (long long)c.data);
    images = tap_tensor_contiguous(work, images);
    const char *wrong = images.data && !c.bytes ? two_values_in(images.data, n * c.data, j.value) : NULL;
    if (wrong) return tap__tensor_fail(work, TAP_EARG, "bits_back: %s", wrong);
    j.images = images.data;
    j.n = n;
    j.lanes = lanes_for(n);
    for (int k = 0; k < j.lanes; k++) j.lane[k] = (tap__rans){ .state = TAP__RANS_L, .lends = true };
    if (!tap_arena_status(work, NULL)) run_lanes(&j);
    for (int k = 0; k < j.lanes; k++) {
        tap__rans_push_word(&j.lane[k], (uint32_t)j.lane[k].state);
        tap__rans_push_word(&j.lane[k], (uint32_t)(j.lane[k].state >> 32));
    }
    images = failed(&j, 0, j.lanes) ? lanes_failed(work, &j) : written(a, &j);
    free_lanes(&j);
    return images;
}

tap_tensor tap_bits_back_encode(tap_arena *a, const tap_vae *v, tap_tensor images)
{
    tap_tensor none;
    if (!tap__check_input(a, images, &none, "bits_back_encode")) return none;
    return convert(encode, a, v, images);
}

/* NULL, or what is wrong. *words is how many all lanes have. */
static const char *wrong_lanes(const uint8_t *from, int64_t size, int64_t n, int64_t *words)
{
    const int lanes = lanes_for(n);
    if (size < HEADER + 4 * lanes) return "they end before the lanes are named";
    *words = 0;
    for (int k = 0; k < lanes; k++) {
        const int64_t here = (int64_t)get(from + HEADER + 4 * k, 4);
        if (here < 2) return "a lane has no state";
        *words += here;
    }
    if (size != HEADER + 4 * lanes + 4 * *words) return "the lanes are not as long as they say";
    return is_likely(n, *words) ? NULL : "there cannot be so many images in them";
}

tap_status tap_bits_back_inspect(tap_tensor bytes, tap_bits_back_header *h, tap_error *e)
{
    const uint8_t *from = bytes.data;
    const int64_t  size = tap_tensor_numel(bytes);
    const char    *wrong = NULL;
    int64_t        words;
    if (h) *h = (tap_bits_back_header){ 0 };
    if (!h || !from || bytes.dtype != TAP_U8 || bytes.shape.rank != 1 || !tap_tensor_is_contiguous(bytes))
        return tap_error_set(e, TAP_EARG, "bits_back_inspect: %s", h ? "not contiguous bytes, uint8 [n]" : "NULL");
    if (size < 8 || memcmp(from, MAGIC, sizeof MAGIC)) wrong = "they do not begin as such";
    else if (get(from + 4, 4) != VERSION) wrong = "they are of another version";
    else if (size < HEADER) wrong = "they are cut short";
    else if (checksum(from + CHECKED, size - CHECKED) != get(from + 8, 8))
        wrong = "they are damaged: their checksum is another";
    else if (get(from + 32, 8) > INT64_MAX / 2 || get(from + 40, 4) == 0 || from[44] > 1 || from[47] ||
             (from[44] && (from[45] || from[46])))
        wrong = "their header is none";
    else wrong = wrong_lanes(from, size, (int64_t)get(from + 32, 8), &words);
    if (wrong) return tap_error_set(e, TAP_EIO, "bits_back: no compressed images: %s", wrong);
    *h = (tap_bits_back_header){ (int64_t)get(from + 32, 8), (int64_t)get(from + 40, 4), !from[44], get(from + 16, 8) };
    return TAP_OK;
}

/* The words of all lanes; false if there is no memory. */
static bool read_lanes(job *j, const uint8_t *from)
{
    const uint8_t *word = from + HEADER + 4 * j->lanes;
    for (int k = 0; k < j->lanes; k++) {
        tap__rans    *r = &j->lane[k];
        const int64_t n = (int64_t)get(from + HEADER + 4 * k, 4);
        for (int64_t i = 0; i < n; i++, word += 4) tap__rans_push_word(r, (uint32_t)get(word, 4));
        if (r->failed) return false;
        r->state = (uint64_t)r->words[n - 1] << 32 | r->words[n - 2];
        r->n -= 2;
        if (r->state < TAP__RANS_L || r->state >> 63) r->failed = true;
    }
    return !failed(j, 0, j->lanes);
}

/* The stacks are as the encoder found them, empty, with what it borrowed given back, and the two values are those of the images. */
static bool is_clean(const job *j)
{
    uint8_t value[2] = { 0, 0 };
    if (!j->coder->bytes && two_values_in(j->images, j->n * j->coder->data, value)) return false;
    if (memcmp(value, j->value, sizeof value)) return false;
    for (int k = 0; k < j->lanes; k++) {
        const tap__rans *r = &j->lane[k];
        if (r->state != TAP__RANS_L) return false;
        for (int64_t i = 0; i < r->n; i++)
            if (r->words[r->n - 1 - i] != tap__rans_noise((uint32_t)i)) return false;
    }
    return true;
}

static tap_tensor decode(tap_arena *a, tap_arena *work, const tap_vae *v, tap_tensor bytes)
{
    tap_bits_back_header h;
    tap__coder           c;
    bytes = tap_tensor_contiguous(work, bytes);
    if (tap_bits_back_inspect(bytes, &h, tap_arena_error(work)) || !tap__coder_init(&c, work, v)) return bytes;
    if (h.model != c.checksum || h.data != c.data || h.binary == c.bytes)
        return tap__tensor_fail(work, TAP_EARG,
                                "bits_back: compressed with another model: its checksum is %016llx, this one's %016llx",
                                (unsigned long long)h.model, (unsigned long long)c.checksum);
    const uint8_t *from = bytes.data;
    tap_tensor     images = tap_tensor_zeros(a, TAP_U8, TAP_SHAPE(h.count, h.data));
    job j = { .coder = &c, .images = images.data, .n = h.count, .lanes = lanes_for(h.count), .value = { from[45], from[46] } };
    if (!images.data) return images;
    if (read_lanes(&j, from)) run_lanes(&j);
    if (failed(&j, 0, j.lanes)) images = lanes_failed(work, &j);
    else if (!is_clean(&j) || checksum(j.images, h.count * h.data) != get(from + 24, 8))
        images = tap__tensor_fail(work, TAP_EIO,
                                  "bits_back: these are not the images that were compressed: their checksum is another");
    free_lanes(&j);
    return images;
}

tap_tensor tap_bits_back_decode(tap_arena *a, const tap_vae *v, tap_tensor bytes)
{
    tap_tensor none;
    if (!tap__check_input(a, bytes, &none, "bits_back_decode")) return none;
    return convert(decode, a, v, bytes);
}
