/* tensor/random.h: the pieces of the random numbers. */
#ifndef TAP_TENSOR_RANDOM_H
#define TAP_TENSOR_RANDOM_H

#include "tensor/tensor.h"
#include "tensor/cpu.h"

/* n 64-bit words, from word number 4 * block on. n is a multiple of 4. */
void tap__random_words(tap_rng_key at, uint64_t block, int n, uint64_t *word);

/* A whole number below bound (which is not 0), each as likely as the others: number i of the place. */
uint64_t tap__random_below(tap_rng_key at, uint64_t i, uint64_t bound);

/* A sequence of numbers of its own, for what takes more than one; any seed begins one. */
typedef struct {
    tap_rng_key at;
    uint64_t    next;
    uint64_t    word[4];
} tap__rng_stream;

double tap__next_uniform(tap__rng_stream *s);                 /* in (0,1) */
double tap__next_log_gamma(tap__rng_stream *s, double shape); /* the logarithm of a Gamma(shape, 1) */
double tap__next_poisson(tap__rng_stream *s, double rate);
double tap__next_binomial(tap__rng_stream *s, double n, double p); /* NaN where there is none */

/* Turn n words, n even, into n numbers; the same bits for each vector width. */
TAP__KERNEL_DECLARE(void, tap__random_to_uniform, (int n, const uint64_t *word, double *x));
TAP__KERNEL_DECLARE(void, tap__random_to_normal, (int n, const uint64_t *word, double *x));

#endif
