/* tensor/random_kernels.c: from random words to uniform and normal numbers. There are no fused multiply-adds and no calls of
 * the C library, and every operation rounds as IEEE 754 says: the numbers have the same bits on every machine. */
#define TAP__NO_FMA
#include "tensor/random.h"
#include "tensor/kernels/vmath.h"

/* (k + 1/2) / 2^52 for the upper 52 bits k, which is exact and can neither be 0 nor 1. */
static inline double uniform(uint64_t word)
{
    return (tap__from_bits_f64(word >> 12 | tap__bits_f64(1.0)) - 1.0) + 0x1p-53;
}

void TAP__KERNEL(tap__random_to_uniform)(int n, const uint64_t *word, double *x)
{
    for (int i = 0; i < n; i++) x[i] = uniform(word[i]);
}

/* Box and Muller 1958: a pair of numbers is a point at the distance sqrt(-2 log(u)), in the direction 2 pi v. The angle is
 * split into quarter turns, which are exact, and a remainder of at most 1/2 of one, whose sine and cosine are taken. */
void TAP__KERNEL(tap__random_to_normal)(int n, const uint64_t *word, double *x)
{
    for (int i = 0; i < n / 2; i++) {
        double   distance = sqrt(-2.0 * tap__log_f64(uniform(word[2 * i])));
        double   quarters = 4.0 * uniform(word[2 * i + 1]);
        double   t = quarters + 0x1.8p52; /* rounds to a whole number, which is in t's last bits */
        double   angle = (quarters - (t - 0x1.8p52)) * 0x1.921fb54442d18p+0;
        uint64_t quadrant = tap__bits_f64(t);
        x[2 * i] = distance * tap__sin_quadrant_f64(quadrant + 1, angle, 0.0);
        x[2 * i + 1] = distance * tap__sin_quadrant_f64(quadrant, angle, 0.0);
    }
}
