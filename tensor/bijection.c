/* tensor/bijection.c: a permutation of 0..n-1 that needs no array. A Feistel network permutes the numbers below a power of two:
 * each round adds, modulo 2, a function of one half of the bits to the other half. An element that it sends to n or above is
 * sent on until it is below n; as at least half of the numbers are below n, it takes two applications at most on average. */
#include "tensor/bijection.h"
#include "tensor/random.h"

tap__bijection tap__bijection_of(int64_t n, tap_rng_key key)
{
    tap__bijection b = { .n = (uint64_t)n };
    int            bits = 2; /* each half needs one */
    while (bits < 63 && (b.n - 1) >> bits) bits++;
    b.low = bits / 2;
    b.high = bits - b.low;
    tap__random_words(key, 0, TAP__BIJECTION_ROUNDS, b.key);
    return b;
}

/* A function of a half and of the round's key whose bits all depend on all bits of both: the finalizer of SplitMix64 (Steele et
 * al. 2014). */
static uint64_t mix(uint64_t x, uint64_t key)
{
    x = (x + key) * 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

int64_t tap__bijection_at(const tap__bijection *b, int64_t i)
{
    uint64_t x = (uint64_t)i;
    do {
        uint64_t low = x & ((1ull << b->low) - 1), high = x >> b->low;
        for (int round = 0; round < TAP__BIJECTION_ROUNDS; round += 2) {
            high ^= mix(low, b->key[round]) >> (64 - b->high);
            low ^= mix(high, b->key[round + 1]) >> (64 - b->low);
        }
        x = high << b->low | low;
    } while (x >= b->n);
    return (int64_t)x;
}

int64_t tap_random_permuted(int64_t i, int64_t n, tap_rng_key key)
{
    if (i < 0 || i >= n) return -1;
    const tap__bijection b = tap__bijection_of(n, key);
    return tap__bijection_at(&b, i);
}
