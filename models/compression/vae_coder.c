/* The networks of a VAE as a coder runs them: in strict arithmetic, with distributions rounded to tables. */
#include <string.h>
#include <xxhash.h>

#include "models/compression/bits_back.h"

enum { MOST_TABLE_BITS = 14 }; /* each table has 1 KB */

struct tap__byte_table {
    int32_t  key; /* 0: none yet */
    uint32_t begin[TAP__BYTES + 1];
};

/* ---- The model --------------------------------------------------------------------------------------------------- */

/* Layers side by side as one, transposed: [in,out]. */
static bool linear_of(tap__bitexact_linear *l, tap_arena *a, int n, const tap_linear *const *from)
{
    tap_tensor w[2] = { { 0 } }, b[2] = { { 0 } };
    *l = (tap__bitexact_linear){ .in = tap_param_value(from[0]->weight).shape.n[1] };
    for (int i = 0; i < n; i++) {
        w[i] = tap_tensor_cast(a, tap_param_value(from[i]->weight), TAP_F32);
        b[i] = tap_tensor_cast(a, tap_param_value(from[i]->bias), TAP_F32);
        l->out += b[i].shape.n[0];
    }
    tap_tensor all = tap_tensor_zeros(a, TAP_F32, TAP_SHAPE(l->in, l->out)),
               bias = tap_tensor_zeros(a, TAP_F32, TAP_SHAPE(l->out));
    for (int64_t i = 0, at = 0; i < n && bias.data; at += b[i++].shape.n[0]) {
        const int64_t out = b[i].shape.n[0];
        tap_tensor_copy(tap_tensor_slice(a, all, 1, at, at + out, 1), tap_tensor_transpose(a, w[i], 0, 1), tap_arena_error(a));
        tap_tensor_copy(tap_tensor_slice(a, bias, 0, at, at + out, 1), b[i], tap_arena_error(a));
    }
    l->w = all.data;
    l->b = bias.data;
    return !tap_arena_status(a, NULL);
}

static bool layers_of(tap__coder *c, tap_arena *a, const tap_vae *v)
{
    bool ok = true;
    for (int i = 0; ok && i < v->enc.n; i++) {
        ok = linear_of(&c->encoder[i], a, 1, (const tap_linear *[]){ &v->enc.layers[i] }) &&
             linear_of(&c->decoder[i], a, 1, (const tap_linear *[]){ &v->dec.layers[i] });
    }
    c->n_encoder = c->n_decoder = v->enc.n + 1;
    ok = ok && linear_of(&c->encoder[v->enc.n], a, 2, (const tap_linear *[]){ &v->loc, &v->logvar }) &&
         linear_of(&c->decoder[v->enc.n], a, c->bytes ? 2 : 1,
                   (const tap_linear *[]){ &v->out.linear, &v->out_log_beta.linear });
    for (int i = 0; ok && i < c->n_encoder; i++) {
        if (c->encoder[i].out > c->widest) c->widest = c->encoder[i].out;
        if (c->decoder[i].out > c->widest) c->widest = c->decoder[i].out;
    }
    return ok;
}

static const char *cannot_run(const tap_vae *v)
{
    if (!v || v->options.data <= 0) return "the VAE is not initialized";
    const tap_vae_options *o = &v->options;
    if (o->n_conv > 0) return "the VAE has convolutions";
    if (o->condition > 0) return "the VAE is conditional";
    if (o->activation != tap_relu) return "the VAE's activation is not relu";
    if (o->likelihood != TAP_VAE_BERNOULLI && o->likelihood != TAP_VAE_BETA_BINOMIAL)
        return "the VAE's likelihood is neither Bernoulli nor beta-binomial";
    if (tap_param_value(v->loc.weight).shape.rank != 2 || v->enc.n != o->n_hidden) return "the VAE has no parameters";
    return NULL;
}

static uint64_t hash(uint64_t seed, const void *from, size_t size)
{
    return XXH3_64bits_withSeed(from, size, seed);
}

/* What the networks and tables are here, and what they make of two images and a z. */
static bool probe(tap__coder *c, tap_arena *a)
{
    const int64_t      sizes[] = { c->data, c->latent, c->bytes, c->n_encoder };
    tap__coder_buffers room;
    if (!tap__coder_buffers_init(&room, a, c, 1, 8)) return false;
    uint64_t sum = hash(0, sizes, sizeof sizes);
    sum = hash(sum, &c->clip, sizeof c->clip);
    for (int i = 0; i < c->n_encoder; i++) {
        for (int k = 0; k < 2; k++) {
            const tap__bitexact_linear *l = k ? &c->decoder[i] : &c->encoder[i];
            sum = hash(sum, l->w, (size_t)(l->in * l->out) * sizeof *l->w);
            sum = hash(sum, l->b, (size_t)l->out * sizeof *l->b);
        }
    }
    sum = hash(sum, c->tables, sizeof *c->tables);
    for (int64_t i = 0; i < c->data; i++) room.x[i] = (float)(i % 3) * 0.5f;
    for (int64_t i = 0; i < c->latent; i++) room.z[i] = c->tables->median[i * 517 % TAP__BINS];
    tap__coder_encode(c, &room, 1);
    tap__coder_decode(c, &room, 1);
    sum = hash(sum, room.mu, (size_t)c->latent * sizeof *room.mu);
    sum = hash(sum, room.precision, (size_t)c->latent * sizeof *room.precision);
    sum = hash(sum, room.at, (size_t)c->data * (c->bytes ? 2 : 1) * sizeof *room.at);
    for (int64_t i = 0; c->bytes && i < c->data; i += c->data / 8 + 1) {
        const tap__interval in = tap__pixel_interval(c, &room, 0, i, 128);
        sum = hash(sum, &in, sizeof in);
    }
    c->checksum = sum;
    return true;
}

bool tap__coder_init(tap__coder *c, tap_arena *a, const tap_vae *v)
{
    const char *wrong = cannot_run(v);
    if (wrong) {
        tap_error_set(tap_arena_error(a), TAP_EARG, "bits_back: %s", wrong);
        return false;
    }
    tap__bitexact_tables *tables = tap_arena_alloc(a, sizeof *tables);
    if (!tables) return false;
    tap__bitexact_tables_make(tables);
    *c = (tap__coder){ .data = v->options.data,
                       .latent = v->options.latent,
                       .bytes = v->options.likelihood == TAP_VAE_BETA_BINOMIAL,
                       .clip = (float)v->options.clip,
                       .run = TAP__KERNEL_PICK(tap__bitexact),
                       .tables = tables };
    return layers_of(c, a, v) && probe(c, a);
}

/* ---- Running it -------------------------------------------------------------------------------------------------- */

bool tap__coder_buffers_init(tap__coder_buffers *room, tap_arena *a, const tap__coder *c, int64_t rows, int64_t images)
{
    const size_t n = (size_t)rows, floats = sizeof(float);
    int          bits = 1;
    while (bits < MOST_TABLE_BITS && ((int64_t)1 << bits) / images < c->data) bits++;
    *room = (tap__coder_buffers){
        .x = tap_arena_alloc(a, n * (size_t)c->data * floats),
        .z = tap_arena_alloc(a, n * (size_t)c->latent * floats),
        .mu = tap_arena_alloc(a, n * (size_t)c->latent * floats),
        .precision = tap_arena_alloc(a, n * (size_t)c->latent * floats),
        .at = tap_arena_alloc(a, n * (size_t)c->data * 2 * sizeof(int32_t)),
        .h = { tap_arena_alloc(a, n * (size_t)c->widest * floats), tap_arena_alloc(a, n * (size_t)c->widest * floats) },
        .table_bits = bits,
        .tables = c->bytes ? tap_arena_alloc(a, sizeof(tap__byte_table) << bits) : NULL,
    };
    return !tap_arena_status(a, NULL);
}

static float *network(const tap__coder *c, tap__coder_buffers *room, int n, const tap__bitexact_linear *l, int64_t rows,
                      const float *x)
{
    for (int i = 0; i < n; i++) {
        c->run->linear(&l[i], rows, x, room->h[i % 2]);
        if (i + 1 < n) c->run->relu(rows * l[i].out, room->h[i % 2]);
        x = room->h[i % 2];
    }
    return room->h[(n - 1) % 2];
}

void tap__coder_encode(const tap__coder *c, tap__coder_buffers *room, int64_t rows)
{
    const float  *y = network(c, room, c->n_encoder, c->encoder, rows, room->x);
    const int64_t n = c->latent;
    for (int64_t r = 0; r < rows; r++) {
        memcpy(room->mu + r * n, y + 2 * r * n, (size_t)n * sizeof *y);
        for (int64_t i = 0; i < n; i++) room->precision[r * n + i] = 0.5f * y[(2 * r + 1) * n + i];
    }
    if (c->clip > 0) c->run->clip(rows * n, room->precision, c->clip);
    c->run->precision(rows * n, room->precision);
}

void tap__coder_decode(const tap__coder *c, tap__coder_buffers *room, int64_t rows)
{
    float        *y = network(c, room, c->n_decoder, c->decoder, rows, room->z);
    const int64_t n = rows * c->data * (c->bytes ? 2 : 1);
    if (c->bytes && c->clip > 0) c->run->clip(n, y, c->clip);
    if (c->bytes) c->run->grid(n, y, TAP__BETA_MAX, TAP__BETA_STEPS, room->at);
    else c->run->grid(n, y, TAP__LOGIT_MAX, TAP__LOGIT_STEPS, room->at);
}

/* ---- Pixels ------------------------------------------------------------------------------------------------------ */

static const uint32_t *byte_table(const tap__coder *c, tap__coder_buffers *room, int64_t row, int64_t i)
{
    const int32_t   *at = room->at + 2 * row * c->data;
    const int32_t    key = 1 + at[i] * TAP__BETAS + at[c->data + i];
    tap__byte_table *t = &room->tables[(uint32_t)key * 2654435761u >> (32 - room->table_bits)];
    if (t->key != key) tap__beta_binomial_table(t->begin, at[i], at[c->data + i]);
    t->key = key;
    return t->begin;
}

static tap__interval two_values(const tap__coder *c, const tap__coder_buffers *room, int64_t row, int64_t i, bool white)
{
    const uint32_t size = c->tables->white[room->at[row * c->data + i]], rest = TAP__RANS_SCALE - size;
    return white ? (tap__interval){ rest, size } : (tap__interval){ 0, rest };
}

tap__interval tap__pixel_interval(const tap__coder *c, tap__coder_buffers *room, int64_t row, int64_t i, int pixel)
{
    if (!c->bytes) return two_values(c, room, row, i, pixel != 0);
    const uint32_t *begin = byte_table(c, room, row, i);
    return (tap__interval){ begin[pixel], begin[pixel + 1] - begin[pixel] };
}

int tap__pixel_at(const tap__coder *c, tap__coder_buffers *room, int64_t row, int64_t i, uint32_t place, tap__interval *of)
{
    if (!c->bytes) {
        const tap__interval white = two_values(c, room, row, i, true);
        *of = two_values(c, room, row, i, place >= white.start);
        return place >= white.start;
    }
    const uint32_t *begin = byte_table(c, room, row, i);
    int             low = 0, high = place < begin[1] ? 1 : TAP__BYTES;
    while (high - low > 1) {
        const int middle = (low + high) / 2;
        if (begin[middle] <= place) low = middle;
        else high = middle;
    }
    *of = (tap__interval){ begin[low], begin[low + 1] - begin[low] };
    return low;
}
