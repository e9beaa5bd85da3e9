/* tensor/bijection.h: a permutation of 0..n-1 that is computed element by element. Not installed. */
#ifndef TAP_TENSOR_BIJECTION_H
#define TAP_TENSOR_BIJECTION_H

#include "tensor/tensor.h"

enum { TAP__BIJECTION_ROUNDS = 12 };

typedef struct {
    uint64_t n;
    int      low, high; /* bits of the two halves of an element */
    uint64_t key[TAP__BIJECTION_ROUNDS];
} tap__bijection;

tap__bijection tap__bijection_of(int64_t n, tap_rng_key key);
int64_t        tap__bijection_at(const tap__bijection *b, int64_t i); /* 0 <= i < n */

#endif
