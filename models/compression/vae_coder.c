/* models/compression/vae_coder.c: a VAE's networks in bit-exact arithmetic, with the parameters of pixel distributions rounded
 * to grids, and the intervals that follow from them; see vae_coder.h. */
#include <string.h>
#include <xxhash.h>

#include "models/compression/vae_coder.h"
#include "tensor/cpu.h"

enum { MAX_TABLE_BITS = 14 }; /* a table takes 1 KB */

/* The intervals of all bytes for one pair of grid points. */
struct tap__byte_table {
    int32_t  key; /* 0: empty */
    uint32_t start[TAP__BYTES + 1];
};

/* ---- The model --------------------------------------------------------------------------------------------------- */

/* n layers of the same input as one layer, their outputs one behind the other, with weights transposed to [in,out]. */
static bool init_linear(tap__bitexact_linear *l, tap_arena *a, int n, const tap_linear *const *from)
{
    tap_tensor w[2] = { { 0 } }, b[2] = { { 0 } };
    *l = (tap__bitexact_linear){ .in = tap_param_value(from[0]->weight).shape.n[1] };
    for (int i = 0; i < n; i++) {
        w[i] = tap_tensor_cast(a, tap_param_value(from[i]->weight), TAP_F32);
        b[i] = tap_tensor_cast(a, tap_param_value(from[i]->bias), TAP_F32);
        l->out += b[i].shape.n[0];
    }
    tap_tensor weight = tap_tensor_zeros(a, TAP_F32, TAP_SHAPE(l->in, l->out));
    tap_tensor bias = tap_tensor_zeros(a, TAP_F32, TAP_SHAPE(l->out));
    int64_t    first = 0;
    for (int i = 0; i < n && bias.data; i++) {
        const int64_t last = first + b[i].shape.n[0];
        tap_tensor_copy(tap_tensor_slice(a, weight, 1, first, last, 1), tap_tensor_transpose(a, w[i], 0, 1),
                        tap_arena_error(a));
        tap_tensor_copy(tap_tensor_slice(a, bias, 0, first, last, 1), b[i], tap_arena_error(a));
        first = last;
    }
    l->w = weight.data;
    l->b = bias.data;
    return !tap_arena_status(a, NULL);
}

static bool init_layers(tap__vae_coder *c, tap_arena *a, const tap_vae *v)
{
    bool ok = true;
    for (int i = 0; ok && i < v->enc.n; i++) {
        ok = init_linear(&c->encoder[i], a, 1, (const tap_linear *[]){ &v->enc.layers[i] }) &&
             init_linear(&c->decoder[i], a, 1, (const tap_linear *[]){ &v->dec.layers[i] });
    }
    c->n_encoder = c->n_decoder = v->enc.n + 1;
    ok = ok && init_linear(&c->encoder[v->enc.n], a, 2, (const tap_linear *[]){ &v->loc, &v->logvar }) &&
         init_linear(&c->decoder[v->enc.n], a, c->beta_binomial ? 2 : 1,
                     (const tap_linear *[]){ &v->out.linear, &v->out_log_beta.linear });
    for (int i = 0; ok && i < c->n_encoder; i++) {
        if (c->encoder[i].out > c->max_width) c->max_width = c->encoder[i].out;
        if (c->decoder[i].out > c->max_width) c->max_width = c->decoder[i].out;
    }
    return ok;
}

/* NULL if the coder can run the VAE. */
static const char *unsupported_reason(const tap_vae *v)
{
    if (!v || v->options.data <= 0) return "the VAE is not initialized";
    const tap_vae_options *o = &v->options;
    if (o->n_conv > 0) return "a VAE with convolutions is not supported";
    if (o->condition > 0) return "a conditional VAE is not supported";
    if (o->activation != tap_relu) return "the VAE's activation must be tap_relu";
    if (o->likelihood != TAP_VAE_BERNOULLI && o->likelihood != TAP_VAE_BETA_BINOMIAL)
        return "the VAE's likelihood must be Bernoulli or beta-binomial";
    if (tap_param_value(v->loc.weight).shape.rank != 2 || v->enc.n != o->n_hidden) return "the VAE has no parameters";
    return NULL;
}

static uint64_t hash(uint64_t seed, const void *from, size_t size)
{
    return XXH3_64bits_withSeed(from, size, seed);
}

static uint64_t hash_layers(uint64_t sum, const tap__vae_coder *c)
{
    for (int i = 0; i < c->n_encoder; i++) {
        for (int k = 0; k < 2; k++) {
            const tap__bitexact_linear *l = k ? &c->decoder[i] : &c->encoder[i];
            sum = hash(sum, l->w, (size_t)(l->in * l->out) * sizeof *l->w);
            sum = hash(sum, l->b, (size_t)l->out * sizeof *l->b);
        }
    }
    return sum;
}

/* Hashes weights, tables and the outputs for a fixed image and a fixed z, to detect another model and arithmetic that
 * differs. */
static bool fingerprint(tap__vae_coder *c, tap_arena *a)
{
    const int64_t          sizes[] = { c->data, c->latent, c->beta_binomial, c->n_encoder };
    tap__vae_coder_buffers b;
    if (!tap__vae_coder_buffers_init(&b, a, c, 1, 8)) return false;
    uint64_t sum = hash(0, sizes, sizeof sizes);
    sum = hash(sum, &c->clip, sizeof c->clip);
    sum = hash_layers(sum, c);
    sum = hash(sum, c->tables, sizeof *c->tables);
    for (int64_t i = 0; i < c->data; i++) b.x[i] = (float)(i % 3) * 0.5f;
    for (int64_t i = 0; i < c->latent; i++) b.z[i] = c->tables->median[i * 517 % TAP__BINS];
    tap__vae_coder_posterior(c, &b, 1);
    tap__vae_coder_likelihood(c, &b, 1);
    sum = hash(sum, b.mu, (size_t)c->latent * sizeof *b.mu);
    sum = hash(sum, b.precision, (size_t)c->latent * sizeof *b.precision);
    sum = hash(sum, b.grid, (size_t)c->data * (c->beta_binomial ? 2 : 1) * sizeof *b.grid);
    for (int64_t i = 0; c->beta_binomial && i < c->data; i += c->data / 8 + 1) {
        const tap__interval in = tap__pixel_interval(c, &b, 0, i, 128);
        sum = hash(sum, &in, sizeof in);
    }
    c->checksum = sum;
    return true;
}

bool tap__vae_coder_init(tap__vae_coder *c, tap_arena *a, const tap_vae *v)
{
    const char *reason = unsupported_reason(v);
    if (reason) {
        tap_error_set(tap_arena_error(a), TAP_EARG, "bits_back: %s", reason);
        return false;
    }
    tap__bitexact_tables *tables = tap_arena_alloc(a, sizeof *tables);
    if (!tables) return false;
    tap__bitexact_tables_make(tables);
    *c = (tap__vae_coder){ .data = v->options.data,
                           .latent = v->options.latent,
                           .beta_binomial = v->options.likelihood == TAP_VAE_BETA_BINOMIAL,
                           .clip = (float)v->options.clip,
                           .kernels = TAP__KERNEL_PICK(tap__bitexact),
                           .tables = tables };
    return init_layers(c, a, v) && fingerprint(c, a);
}

/* ---- The networks ------------------------------------------------------------------------------------------------ */

bool tap__vae_coder_buffers_init(tap__vae_coder_buffers *b, tap_arena *a, const tap__vae_coder *c, int64_t rows,
                                 int64_t n_images)
{
    const size_t n = (size_t)rows, size = sizeof(float);
    int          bits = 1;
    while (bits < MAX_TABLE_BITS && ((int64_t)1 << bits) / n_images < c->data) bits++;
    *b = (tap__vae_coder_buffers){
        .x = tap_arena_alloc(a, n * (size_t)c->data * size),
        .z = tap_arena_alloc(a, n * (size_t)c->latent * size),
        .mu = tap_arena_alloc(a, n * (size_t)c->latent * size),
        .precision = tap_arena_alloc(a, n * (size_t)c->latent * size),
        .grid = tap_arena_alloc(a, n * (size_t)c->data * 2 * sizeof(int32_t)),
        .h = { tap_arena_alloc(a, n * (size_t)c->max_width * size), tap_arena_alloc(a, n * (size_t)c->max_width * size) },
        .byte_table_bits = bits,
        .byte_tables = c->beta_binomial ? tap_arena_alloc(a, sizeof(tap__byte_table) << bits) : NULL,
    };
    return !tap_arena_status(a, NULL);
}

/* n layers with relu between them; the output is in b->h. */
static float *forward(const tap__vae_coder *c, tap__vae_coder_buffers *b, int n, const tap__bitexact_linear *l, int64_t rows,
                      const float *x)
{
    for (int i = 0; i < n; i++) {
        c->kernels->linear(&l[i], rows, x, b->h[i % 2]);
        if (i + 1 < n) c->kernels->relu(rows * l[i].out, b->h[i % 2]);
        x = b->h[i % 2];
    }
    return b->h[(n - 1) % 2];
}

void tap__vae_coder_posterior(const tap__vae_coder *c, tap__vae_coder_buffers *b, int64_t rows)
{
    const float  *y = forward(c, b, c->n_encoder, c->encoder, rows, b->x);
    const int64_t n = c->latent;
    for (int64_t r = 0; r < rows; r++) {
        memcpy(b->mu + r * n, y + 2 * r * n, (size_t)n * sizeof *y);
        for (int64_t i = 0; i < n; i++) b->precision[r * n + i] = 0.5f * y[(2 * r + 1) * n + i]; /* log sigma */
    }
    if (c->clip > 0) c->kernels->clip(rows * n, b->precision, c->clip);
    c->kernels->precision(rows * n, b->precision);
}

void tap__vae_coder_likelihood(const tap__vae_coder *c, tap__vae_coder_buffers *b, int64_t rows)
{
    float        *y = forward(c, b, c->n_decoder, c->decoder, rows, b->z);
    const int64_t n = rows * c->data * (c->beta_binomial ? 2 : 1);
    if (c->beta_binomial && c->clip > 0) c->kernels->clip(n, y, c->clip);
    if (c->beta_binomial) c->kernels->grid(n, y, TAP__BETA_MAX, TAP__BETA_STEPS, b->grid);
    else c->kernels->grid(n, y, TAP__LOGIT_MAX, TAP__LOGIT_STEPS, b->grid);
}

/* ---- Pixels ------------------------------------------------------------------------------------------------------ */

/* The starts of a pixel's 256 intervals, from the cache. */
static const uint32_t *byte_starts(const tap__vae_coder *c, tap__vae_coder_buffers *b, int64_t row, int64_t i)
{
    const int32_t   *alpha = b->grid + 2 * row * c->data, *beta = alpha + c->data;
    const int32_t    key = 1 + alpha[i] * TAP__BETAS + beta[i];
    tap__byte_table *t = &b->byte_tables[(uint32_t)key * 2654435761u >> (32 - b->byte_table_bits)];
    if (t->key != key) tap__beta_binomial_table(t->start, alpha[i], beta[i]);
    t->key = key;
    return t->start;
}

/* Of a pixel that is 0 or 1; the interval of 0 comes first. */
static tap__interval binary_interval(const tap__vae_coder *c, const tap__vae_coder_buffers *b, int64_t row, int64_t i, bool one)
{
    const uint32_t freq_one = c->tables->p_one[b->grid[row * c->data + i]], freq_zero = TAP__RANS_SCALE - freq_one;
    return one ? (tap__interval){ freq_zero, freq_one } : (tap__interval){ 0, freq_zero };
}

tap__interval tap__pixel_interval(const tap__vae_coder *c, tap__vae_coder_buffers *b, int64_t row, int64_t i, int value)
{
    if (!c->beta_binomial) return binary_interval(c, b, row, i, value != 0);
    const uint32_t *start = byte_starts(c, b, row, i);
    return (tap__interval){ start[value], start[value + 1] - start[value] };
}

int tap__pixel_at(const tap__vae_coder *c, tap__vae_coder_buffers *b, int64_t row, int64_t i, uint32_t slot, tap__interval *of)
{
    if (!c->beta_binomial) {
        const bool one = slot >= binary_interval(c, b, row, i, true).start;
        *of = binary_interval(c, b, row, i, one);
        return one;
    }
    const uint32_t *start = byte_starts(c, b, row, i);
    int             low = 0, high = slot < start[1] ? 1 : TAP__BYTES;
    while (high - low > 1) {
        const int middle = (low + high) / 2;
        if (start[middle] <= slot) low = middle;
        else high = middle;
    }
    *of = (tap__interval){ start[low], start[low + 1] - start[low] };
    return low;
}
