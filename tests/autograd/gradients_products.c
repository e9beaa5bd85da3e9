/* Gradient tests of the matrix products. */
#include "tests/autograd/gradients.h"

TWO(f_matmul, tap_matmul(a, b))
TWO(f_matmul_t, tap_matmul(a, tap_mT(b)))
TWO(f_matmul_self, tap_matmul(tap_matmul(a, tap_mT(a)), b))

static tap_var f_affine(tap_tape *t, const tap_var *in, void *ctx)
{
    (void)t, (void)ctx;
    return tap_affine(in[0], in[1], in[2]);
}

const gradient_row products_gradients[] = {
    { "matmul", f_matmul, .n = 2, .shape = { S3, S(2, 4, 5) }, .low = { -1, -1 }, .high = { 1, 1 } },
    { "matmul", f_matmul, .n = 2, .shape = { S3, S(4, 5) }, .low = { -1, -1 }, .high = { 1, 1 } },
    { "matmul", f_matmul, .n = 2, .shape = { S(3, 4), S(2, 1, 4, 1) }, .low = { -1, -1 }, .high = { 1, 1 } },
    { "matmul", f_matmul_t, .n = 2, .shape = { S3, S(5, 4) }, .low = { -1, -1 }, .high = { 1, 1 } },
    { "matmul", f_matmul_self, .n = 2, .shape = { S(3, 4), S(3, 2) }, .low = { -1, -1 }, .high = { 1, 1 } },
    { "affine", f_affine, .n = 3, .shape = { S3, S(5, 4), S(5) }, .low = { -1, -1, -1 }, .high = { 1, 1, 1 } },
    { "affine", f_affine, .n = 3, .shape = { S(3, 4), S(5, 4), S(5) }, .low = { -1, -1, -1 }, .high = { 1, 1, 1 } },
    { "affine", f_affine, .n = 3, .shape = { S(4), S(2, 4), S(2) }, .low = { -1, -1, -1 }, .high = { 1, 1, 1 } },
    { 0 },
};
