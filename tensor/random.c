/* Counter-based random numbers. Word i of a place is word i % 4 of Philox4x64-10's block {i / 4, stream, step, 0}, with the
 * key {seed, 0}. Uniform number i is made of word i; normal numbers 2 j and 2 j + 1 are made of the words with these numbers.
 * Nothing depends on what was drawn before. */
#include <math.h>
#include <string.h>
#include <Random123/philox.h>

#include "tensor/borrow.h"
#include "tensor/random.h"
#include "tensor/parallel.h"

enum { BLOCK = 512 }; /* numbers made at a time: their words and values stay in the first-level cache */

typedef void (*transform)(int n, const uint64_t *word, double *x);

static philox4x64_ctr_t philox(tap_rng_key at, uint64_t block, uint64_t attempt)
{
    philox4x64_ctr_t counter = { { block, at.stream, at.step, attempt } };
    philox4x64_key_t key = { { at.seed, 0 } };
    return philox4x64(counter, key);
}

void tap__random_words(tap_rng_key at, uint64_t block, int n, uint64_t *word)
{
    for (int i = 0; i < n; i += 4) {
        philox4x64_ctr_t four = philox(at, block++, 0);
        memcpy(word + i, four.v, sizeof four.v);
    }
}

/* Numbers first, first + 1, ... of a place into the elements of x with these indices in C order. */
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
    tap_rng_key at;
    transform   make;
    double      most; /* no value is above it */
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
        tap__random_words(j->at, (uint64_t)start / 4, whole, word);
        j->make(whole, word, value);
        for (int i = 0; i < whole; i++) value[i] = value[i] < j->most ? value[i] : j->most;
        store(j->x, start, count, value);
    }
}

/* Elements of a view may share memory: then one thread, so that the last number wins. */
static void fill(tap_tensor x, tap_rng_key at, transform make, double most, int cost)
{
    int64_t n = tap_tensor_numel(x), blocks = (n + BLOCK - 1) / BLOCK;
    job     j = { x, at, make, most };
    if (!x.data || n < 0 || !tap_dtype_is_float(x.dtype)) return;
    if (tap_tensor_is_contiguous(x)) tap__parallel(blocks, n * cost, fill_blocks, &j);
    else fill_blocks(&j, 0, blocks);
    tap__note_write(x);
}

void tap_random_uniform(tap_tensor x, tap_rng_key at)
{
    double most = x.dtype == TAP_F32 ? 1 - 0x1p-24 : 1; /* the last float before 1, which larger numbers would round to */
    fill(x, at, TAP__KERNEL_PICK(tap__random_to_uniform), most, 4);
}

void tap_random_normal(tap_tensor x, tap_rng_key at)
{
    fill(x, at, TAP__KERNEL_PICK(tap__random_to_normal), (double)INFINITY, 8);
}

/* Lemire's method: the upper half of word * bound. It would favour some numbers by one word in 2^64; the words that make
 * the difference are those with a small lower half, and a further attempt at the same i replaces them. */
uint64_t tap__random_below(tap_rng_key at, uint64_t i, uint64_t bound)
{
    uint64_t unfair = (0 - bound) % bound; /* 2^64 mod bound */
    uint64_t low, high, attempt = 0;
    do {
        low = mulhilo64(philox(at, i / 4, attempt++).v[i % 4], bound, &high);
    } while (low < unfair);
    return high;
}

/* The shuffle of Fisher and Yates, inside out: i comes last and changes places with one of those before, or with itself. */
void tap_random_permutation(int64_t *index, int64_t n, tap_rng_key at)
{
    if (!index) return;
    for (int64_t i = 0; i < n; i++) {
        int64_t j = (int64_t)tap__random_below(at, (uint64_t)i, (uint64_t)i + 1);
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
