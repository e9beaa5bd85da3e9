/* nn/optim/vector.h: sums and products in double of adjacent numbers, and of vectors of all parameters
 * together, in an order that does not depend on the
 * number of threads. Not installed. */
#ifndef TAP_NN_OPTIM_VECTOR_H
#define TAP_NN_OPTIM_VECTOR_H

#include "tensor/tensor.h"

/* Elements that are summed up together. */
enum { TAP__VECTOR_CHUNK = 8192 };

/* n adjacent numbers of a float dtype. partial: memory for a sum of each chunk, tap__vector_chunks(n) numbers. */
typedef struct {
    tap_dtype dtype;
    int64_t   n;
    double   *partial;
} tap__vector_space;

/* For adjacent numbers: the sum of a b, the largest |a| (NaN if an element is NaN), and the sum of |a / scale|^p. */
double tap__dot(tap_dtype dtype, int64_t n, const void *a, const void *b);
double tap__max_abs(tap_dtype dtype, int64_t n, const void *a);
double tap__sum_powers(tap_dtype dtype, int64_t n, const void *a, double p, double scale);

int64_t tap__vector_chunks(int64_t n);
double  tap__vector_dot(const tap__vector_space *v, const void *a, const void *b);
double  tap__vector_sum_abs(const tap__vector_space *v, const void *a);
double  tap__vector_max_abs(const tap__vector_space *v, const void *a); /* NaN if an element is NaN */
void    tap__vector_copy(const tap__vector_space *v, void *to, const void *a);
void    tap__vector_scale(const tap__vector_space *v, void *to, double factor, const void *a);               /* factor a */
void    tap__vector_axpy(const tap__vector_space *v, void *to, const void *a, double factor, const void *b); /* a + factor b */

#endif
