/* tensor/random.h: the pieces of the random numbers. */
#ifndef TAP_TENSOR_RANDOM_H
#define TAP_TENSOR_RANDOM_H

#include "tensor/internal.h"

/* n 64-bit words, from word number 4 * block on. n is a multiple of 4. */
void tap__random_words(tap_random at, uint64_t block, int n, uint64_t *word);

/* A whole number below bound (which is not 0), each as likely as the others: number i of the place. */
uint64_t tap__random_below(tap_random at, uint64_t i, uint64_t bound);

/* Turn n words, n even, into n numbers; the same bits for each vector width. */
TAP__KERNEL_DECLARE(void, tap__random_to_uniform, (int n, const uint64_t *word, double *x));
TAP__KERNEL_DECLARE(void, tap__random_to_normal, (int n, const uint64_t *word, double *x));

#endif
