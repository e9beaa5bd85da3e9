/* tensor/random.h: random words and numbers, and variates that need more than one of them. Not installed. */
#ifndef TAP_TENSOR_RANDOM_H
#define TAP_TENSOR_RANDOM_H

#include "tensor/tensor.h"
#include "tensor/cpu.h"

/* Words 4 * block .. 4 * block + n - 1 of the key, 64 bits each. n is a multiple of 4. */
void tap__random_words(tap_rng_key key, uint64_t block, int n, uint64_t *word);

/* Number i of the key, uniform in 0 .. bound - 1; bound is not 0. */
uint64_t tap__random_below(tap_rng_key key, uint64_t i, uint64_t bound);

/* Variates that take a random number of words. */
double tap__next_log_gamma(tap_rng *s, double shape); /* log of a Gamma(shape, 1) variate */
double tap__next_poisson(tap_rng *s, double rate);
double tap__next_binomial(tap_rng *s, double n, double p); /* NaN for an invalid n or p */

/* Convert n words, n even, to n numbers, with the same bits for each vector width. */
TAP__KERNEL_DECLARE(void, tap__random_to_uniform, (int n, const uint64_t *word, double *x));
TAP__KERNEL_DECLARE(void, tap__random_to_normal, (int n, const uint64_t *word, double *x));

#endif
