/* models/compression/rans.h: range asymmetric numeral systems (rANS, Duda 2013), in the form and with the words of ryg_rans.
 * Not installed.
 *
 * The coder is a stack: a 64-bit state on top of 32-bit words. Symbols come off in the reverse order in which they were put on.
 * A symbol owns an interval of the 2^SCALE_BITS slots; its probability is freq / 2^SCALE_BITS:
 *
 *     0           start          start + freq               2^SCALE_BITS
 *     |-------------|################|---------------------------|
 *                    <---- freq ---->
 *
 *   put:  x' = (x / freq) 2^SCALE_BITS + x mod freq + start                  x grows by log2(2^SCALE_BITS / freq) bits
 *   get:  the symbol whose interval holds x' mod 2^SCALE_BITS
 *   then: x  = freq (x' / 2^SCALE_BITS) + x' mod 2^SCALE_BITS - start        the inverse of put, exactly
 *
 * Between calls RANS_L <= state < 2^32 RANS_L: put moves the low 32 bits to the words before the state would overflow, and
 * advance takes them back when the state falls below RANS_L. */
#ifndef TAP_MODELS_COMPRESSION_RANS_H
#define TAP_MODELS_COMPRESSION_RANS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define TAP__RANS_SCALE_BITS 24
#define TAP__RANS_SCALE      ((uint32_t)1 << TAP__RANS_SCALE_BITS)
#define TAP__RANS_L          ((uint64_t)1 << 31) /* lower bound of the state, which stays below 2^63 */

/* The slots start .. start + freq - 1 of a symbol; freq > 0. */
typedef struct {
    uint32_t start, freq;
} tap__interval;

typedef struct {
    uint64_t  state;
    uint32_t *words; /* by malloc */
    int64_t   n, capacity;
    uint32_t  n_initial_words_used; /* initial words that were read because the stack was empty */
    bool supply_initial_bits; /* true while encoding: an empty stack reads deterministic initial words; else it is an error */
    bool failed, no_memory;
} tap__rans;

/* Word i below the bottom of the stack, the same for the encoder and the decoder: the finalizer of MurmurHash3 on a counter. */
static inline uint32_t tap__rans_initial_word(uint32_t i)
{
    uint32_t h = (i + 1) * 0x9e3779b9u;
    h = (h ^ h >> 16) * 0x85ebca6bu;
    h = (h ^ h >> 13) * 0xc2b2ae35u;
    return h ^ h >> 16;
}

static inline void tap__rans_push_word(tap__rans *r, uint32_t word)
{
    if (r->n == r->capacity) {
        const int64_t capacity = r->capacity < 512 ? 1024 : 2 * r->capacity;
        uint32_t     *words = realloc(r->words, (size_t)capacity * sizeof *words);
        if (!words) {
            r->failed = r->no_memory = true;
            return;
        }
        r->words = words;
        r->capacity = capacity;
    }
    r->words[r->n++] = word;
}

static inline uint32_t tap__rans_pop_word(tap__rans *r)
{
    if (r->n > 0) return r->words[--r->n];
    if (r->supply_initial_bits) return tap__rans_initial_word(r->n_initial_words_used++);
    r->failed = true;
    return 0;
}

/* Puts a symbol on the stack. */
static inline void tap__rans_enc_put(tap__rans *r, tap__interval s)
{
    if (r->state >= (uint64_t)s.freq << (63 - TAP__RANS_SCALE_BITS)) {
        tap__rans_push_word(r, (uint32_t)r->state);
        r->state >>= 32;
    }
    r->state = (r->state / s.freq << TAP__RANS_SCALE_BITS) + r->state % s.freq + s.start;
}

/* The slot of the symbol on top, by which the caller finds its interval: start <= slot < start + freq. */
static inline uint32_t tap__rans_dec_get(const tap__rans *r)
{
    return (uint32_t)r->state & (TAP__RANS_SCALE - 1);
}

/* Takes the symbol on top, whose interval this is, off the stack. */
static inline void tap__rans_dec_advance(tap__rans *r, tap__interval s)
{
    r->state = s.freq * (r->state >> TAP__RANS_SCALE_BITS) + (tap__rans_dec_get(r) - s.start);
    if (r->state < TAP__RANS_L) r->state = r->state << 32 | tap__rans_pop_word(r);
}

#endif
