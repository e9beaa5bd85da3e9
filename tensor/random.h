/* tensor/random.h: random words and numbers, and variates that need more than one of them. Not installed. */
#ifndef TAP_TENSOR_RANDOM_H
#define TAP_TENSOR_RANDOM_H

#include "tensor/tensor.h"
#include "tensor/cpu.h"

/* Words 4 * block .. 4 * block + n - 1 of the key, 64 bits each. n is a multiple of 4. */
void tap__random_words(tap_rng_key key, uint64_t block, int n, uint64_t *word);

/* Number i of the key, uniform in 0 .. bound - 1; bound is not 0. */
uint64_t tap__random_below(tap_rng_key key, uint64_t i, uint64_t bound);

/* The words of a key one after the other, for variates that take a random number of them. Starts as { .key = key }. */
typedef struct {
    tap_rng_key key;
    uint64_t    next;    /* index of the next word */
    uint64_t    word[4]; /* the block of the last one */
} tap__rng_stream;

double tap__next_uniform(tap__rng_stream *s);                 /* in (0,1) */
double tap__next_log_gamma(tap__rng_stream *s, double shape); /* log of a Gamma(shape, 1) variate */
double tap__next_poisson(tap__rng_stream *s, double rate);
double tap__next_binomial(tap__rng_stream *s, double n, double p); /* NaN for an invalid n or p */

/* Convert n words, n even, to n numbers, with the same bits for each vector width. */
TAP__KERNEL_DECLARE(void, tap__random_to_uniform, (int n, const uint64_t *word, double *x));
TAP__KERNEL_DECLARE(void, tap__random_to_normal, (int n, const uint64_t *word, double *x));

#endif
