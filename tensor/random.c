/* tensor/random.c: counter-based random numbers. Word i of a key is word i % 4 of Philox4x64-10's block with the counter {i
 * / 4, stream, step, attempt} and the key {seed, 0}; attempt is 0 but in tap__random_below. Uniform number i is made from
 * word i, normal numbers 2 j and 2 j + 1 from words 2 j and 2 j + 1. No number depends on which ones were drawn before. */
#include <math.h>
#include <string.h>
#include <Random123/philox.h>

#include "tensor/borrow.h"
#include "tensor/random.h"
#include "tensor/parallel.h"

enum { BLOCK = 512 }; /* numbers converted at a time: their words and values stay in the first-level cache */

typedef void (*convert_fn)(int n, const uint64_t *word, double *x);

static philox4x64_ctr_t philox(tap_rng_key key, uint64_t block, uint64_t attempt)
{
    philox4x64_ctr_t counter = { { block, key.stream, key.step, attempt } };
    philox4x64_key_t seed = { { key.seed, 0 } };
    return philox4x64(counter, seed);
}

void tap__random_words(tap_rng_key key, uint64_t block, int n, uint64_t *word)
{
    for (int i = 0; i < n; i += 4) {
        philox4x64_ctr_t four = philox(key, block++, 0);
        memcpy(word + i, four.v, sizeof four.v);
    }
}

/* Stores numbers first, first + 1, ... in the elements of x with these indices in C order. */
static void store(tap_tensor x, int64_t first, int n, const double *value)
{
    if (!tap_tensor_is_contiguous(x)) {
        for (int i = 0; i < n; i++) tap_tensor_set_item(x, first + i, value[i]);
    } else if (x.dtype == TAP_F64) {
        memcpy((double *)x.data + first, value, (size_t)n * sizeof *value);
    } else {
        float *to = (float *)x.data + first;
        for (int i = 0; i < n; i++) to[i] = (float)value[i];
    }
}

typedef struct {
    tap_tensor  x;
    tap_rng_key key;
    convert_fn  convert;
    double      max_value; /* larger values are replaced by it */
} job;

/* Blocks first..last-1 of BLOCK numbers. */
static void fill_blocks(void *context, int64_t first, int64_t last)
{
    const job *j = context;
    int64_t    n = tap_numel(j->x.shape);
    for (int64_t block = first; block < last; block++) {
        uint64_t word[BLOCK];
        double   value[BLOCK];
        int64_t  start = block * BLOCK;
        int      count = n - start < BLOCK ? (int)(n - start) : BLOCK, whole = (count + 3) / 4 * 4;
        tap__random_words(j->key, (uint64_t)start / 4, whole, word);
        j->convert(whole, word, value);
        for (int i = 0; i < whole; i++) value[i] = value[i] < j->max_value ? value[i] : j->max_value;
        store(j->x, start, count, value);
    }
}

/* Elements of a view may share memory: a single thread fills views, so that the last number always wins. */
static void fill(tap_tensor x, tap_rng_key key, convert_fn convert, double max_value, int cost)
{
    int64_t n = tap_tensor_numel(x), blocks = (n + BLOCK - 1) / BLOCK;
    job     j = { x, key, convert, max_value };
    if (!x.data || n < 0 || !tap_dtype_is_float(x.dtype)) return;
    if (tap_tensor_is_contiguous(x)) tap__parallel(blocks, n * cost, fill_blocks, &j);
    else fill_blocks(&j, 0, blocks);
    tap__note_write(x);
}

void tap_random_uniform(tap_tensor x, tap_rng_key key)
{
    double max_value = x.dtype == TAP_F32 ? 1 - 0x1p-24 : 1; /* the largest float below 1: larger numbers would round to 1 */
    fill(x, key, TAP__KERNEL_PICK(tap__random_to_uniform), max_value, 4);
}

void tap_random_normal(tap_tensor x, tap_rng_key key)
{
    fill(x, key, TAP__KERNEL_PICK(tap__random_to_normal), (double)INFINITY, 8);
}

/* The upper half of word * bound (Lemire 2019). As 2^64 is no multiple of bound, some results would be more likely by one
 * word in 2^64: products whose lower half is below 2^64 mod bound are rejected, and drawn again with the next attempt. */
uint64_t tap__random_below(tap_rng_key key, uint64_t i, uint64_t bound)
{
    uint64_t threshold = (0 - bound) % bound; /* 2^64 mod bound */
    uint64_t low, high, attempt = 0;
    do {
        low = mulhilo64(philox(key, i / 4, attempt++).v[i % 4], bound, &high);
    } while (low < threshold);
    return high;
}

/* Fisher and Yates's shuffle, inside out: i is appended, and swapped with a random element of 0..i. */
void tap_random_permutation(int64_t *index, int64_t n, tap_rng_key key)
{
    if (!index) return;
    for (int64_t i = 0; i < n; i++) {
        int64_t j = (int64_t)tap__random_below(key, (uint64_t)i, (uint64_t)i + 1);
        index[i] = i;
        int64_t other = index[j];
        index[j] = i;
        index[i] = other;
    }
    tap__note_write(tap_tensor_wrap(TAP_I64, TAP_SHAPE(n), index));
}

uint64_t tap_random_hash(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (; text && *text; text++) hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return hash;
}
