/* models/compression/rans.h: range asymmetric numeral systems (Duda 2013), with a state of 64 bits and a stack of 32-bit words. What is pushed
 * last comes off first. A symbol is an interval of 0 .. 2^24 - 1, whose share of it is its probability. Not installed. */
#ifndef TAP_MODELS_COMPRESSION_RANS_H
#define TAP_MODELS_COMPRESSION_RANS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define TAP__RANS_SCALE_BITS 24
#define TAP__RANS_SCALE      ((uint32_t)1 << TAP__RANS_SCALE_BITS)
#define TAP__RANS_L          ((uint64_t)1 << 31) /* the state is from here to 2^63 - 1 */

typedef struct {
    uint32_t start, size; /* size > 0 */
} tap__interval;

typedef struct {
    uint64_t  state;
    uint32_t *words; /* by malloc */
    int64_t   n, room;
    uint32_t  lent;  /* words of noise that were taken off an empty stack */
    bool      lends; /* whether there are any: bits back need some to begin with */
    bool      failed, no_memory;
} tap__rans;

/* The words below the stack, the same for whoever encodes and decodes: the finalizer of MurmurHash3, counting. */
static inline uint32_t tap__rans_noise(uint32_t i)
{
    uint32_t h = (i + 1) * 0x9e3779b9u;
    h = (h ^ h >> 16) * 0x85ebca6bu;
    h = (h ^ h >> 13) * 0xc2b2ae35u;
    return h ^ h >> 16;
}

static inline void tap__rans_push_word(tap__rans *r, uint32_t word)
{
    if (r->n == r->room) {
        const int64_t room = r->room < 512 ? 1024 : 2 * r->room;
        uint32_t     *words = realloc(r->words, (size_t)room * sizeof *words);
        if (!words) {
            r->failed = r->no_memory = true;
            return;
        }
        r->words = words;
        r->room = room;
    }
    r->words[r->n++] = word;
}

static inline uint32_t tap__rans_pop_word(tap__rans *r)
{
    if (r->n > 0) return r->words[--r->n];
    if (r->lends) return tap__rans_noise(r->lent++);
    r->failed = true;
    return 0;
}

static inline void tap__rans_push(tap__rans *r, tap__interval i)
{
    if (r->state >= (uint64_t)i.size << (63 - TAP__RANS_SCALE_BITS)) {
        tap__rans_push_word(r, (uint32_t)r->state);
        r->state >>= 32;
    }
    r->state = (r->state / i.size << TAP__RANS_SCALE_BITS) + r->state % i.size + i.start;
}

/* Where in its interval the next symbol is: it is to be found, and taken off. */
static inline uint32_t tap__rans_dec_get(const tap__rans *r)
{
    return (uint32_t)r->state & (TAP__RANS_SCALE - 1);
}

static inline void tap__rans_pop(tap__rans *r, tap__interval i)
{
    r->state = i.size * (r->state >> TAP__RANS_SCALE_BITS) + (tap__rans_dec_get(r) - i.start);
    if (r->state < TAP__RANS_L) r->state = r->state << 32 | tap__rans_pop_word(r);
}

#endif
