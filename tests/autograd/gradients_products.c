/* tests/autograd/gradients_products.c: gradient rows of matrix products. */
#include "tests/autograd/gradients.h"

TWO(f_matmul, tap_matmul(a, b))
TWO(f_matmul_t, tap_matmul(a, tap_mT(b)))
TWO(f_matmul_self, tap_matmul(tap_matmul(a, tap_mT(a)), b))

TWO(f_dot, tap_dot(a, b))
TWO(f_mv, tap_mv(a, b))
TWO(f_mm, tap_mm(a, b))
TWO(f_bmm, tap_bmm(a, b))
TWO(f_outer, tap_outer(a, b))
TWO(f_inner, tap_inner(a, b))
THREE(f_addmm, tap_addmm(a, b, c, -0.7, 1.3))
THREE(f_addmm_plain, tap_addmm(a, b, c, 1, 1))
THREE(f_addmm_without, tap_addmm(a, b, c, 0, 2))
THREE(f_baddbmm, tap_baddbmm(a, b, c, 2, -0.5))
TWO(f_tensordot, tap_tensordot(a, b, 2, (int[]){ 0, -1 }, (int[]){ 1, 0 }))
TWO(f_tensordot_last, tap_tensordot(a, b, 1, NULL, NULL))
ONE(f_einsum_sum, tap_einsum("abc->b", 1, &a))
ONE(f_einsum_diagonal, tap_einsum("i...i", 1, &a))
ONE(f_einsum_trace, tap_einsum("...ii->...", 1, &a))
TWO(f_einsum_batch, tap_einsum("bij, bkj -> kbi", 2, in))
TWO(f_einsum_dots, tap_einsum("...ij,j...->...i", 2, in))
THREE(f_einsum_three, tap_einsum("bij,jk,bl->bkl", 3, in))

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
    { "matmul", f_matmul, .n = 2, .shape = { S(4), S(2, 4, 5) }, .low = { -1, -1 }, .high = { 1, 1 } },
    { "matmul", f_matmul, .n = 2, .shape = { S3, S(4) }, .low = { -1, -1 }, .high = { 1, 1 } },
    { "matmul", f_matmul, .n = 2, .shape = { S(4), S(4) }, .low = { -1, -1 }, .high = { 1, 1 } },
    { "matmul", f_matmul, .n = 2, .shape = { S(4), S(4, 3) }, .low = { -1, -1 }, .high = { 1, 1 } },
    { "dot", f_dot, .n = 2, .shape = { S(4), S(4) }, .low = { -1, -1 }, .high = { 1, 1 } },
    { "mv", f_mv, .n = 2, .shape = { S(3, 4), S(4) }, .low = { -1, -1 }, .high = { 1, 1 } },
    { "mm", f_mm, .n = 2, .shape = { S(3, 4), S(4, 2) }, .low = { -1, -1 }, .high = { 1, 1 } },
    { "mm", f_mm, .n = 2, .shape = { S(3, 0), S(0, 2) }, .low = { -1, -1 }, .high = { 1, 1 } },
    { "bmm", f_bmm, .n = 2, .shape = { S3, S(2, 4, 5) }, .low = { -1, -1 }, .high = { 1, 1 } },
    { "outer", f_outer, .n = 2, .shape = { S(3), S(4) }, .low = { -1, -1 }, .high = { 1, 1 } },
    { "inner", f_inner, .n = 2, .shape = { S3, S(5, 4) }, .low = { -1, -1 }, .high = { 1, 1 } },
    { "inner", f_inner, .n = 2, .shape = { S(4), S(4) }, .low = { -1, -1 }, .high = { 1, 1 } },
    { "inner", f_inner, .n = 2, .shape = { S3, { 0 } }, .low = { -1, -1 }, .high = { 1, 1 } },
    { "addmm", f_addmm, .n = 3, .shape = { S(2, 3), S(2, 4), S(4, 3) }, .low = { -1, -1, -1 }, .high = { 1, 1, 1 } },
    { "addmm", f_addmm, .n = 3, .shape = { { 0 }, S(2, 4), S(4, 3) }, .low = { -1, -1, -1 }, .high = { 1, 1, 1 } },
    { "addmm", f_addmm_plain, .n = 3, .shape = { S(3), S(2, 4), S(4, 3) }, .low = { -1, -1, -1 }, .high = { 1, 1, 1 } },
    { "addmm", f_addmm_without, .n = 3, .shape = { S(2, 1), S(2, 4), S(4, 3) }, .low = { -1, -1, -1 }, .high = { 1, 1, 1 } },
    { "baddbmm", f_baddbmm, .n = 3, .shape = { S(2, 3, 5), S3, S(2, 4, 5) }, .low = { -1, -1, -1 }, .high = { 1, 1, 1 } },
    { "baddbmm", f_baddbmm, .n = 3, .shape = { S(5), S3, S(2, 4, 5) }, .low = { -1, -1, -1 }, .high = { 1, 1, 1 } },
    { "tensordot", f_tensordot, .n = 2, .shape = { S(2, 3, 4), S(4, 2, 2) }, .low = { -1, -1 }, .high = { 1, 1 },
      .fixed = true },
    { "tensordot", f_tensordot_last, .n = 2, .shape = { S(2, 3), S(3, 2) }, .low = { -1, -1 }, .high = { 1, 1 } },
    { "einsum", f_einsum_sum, .n = 1, .shape = { S3 }, .low = { -1 }, .high = { 1 } },
    { "einsum", f_einsum_diagonal, .n = 1, .shape = { S(3, 2, 3) }, .low = { -1 }, .high = { 1 }, .fixed = true },
    { "einsum", f_einsum_trace, .n = 1, .shape = { S(2, 3, 3) }, .low = { -1 }, .high = { 1 } },
    { "einsum", f_einsum_batch, .n = 2, .shape = { S3, S(2, 5, 4) }, .low = { -1, -1 }, .high = { 1, 1 } },
    { "einsum", f_einsum_dots, .n = 2, .shape = { S(2, 1, 4), S(4, 2) }, .low = { -1, -1 }, .high = { 1, 1 } },
    { "einsum", f_einsum_three, .n = 3, .shape = { S3, S(4, 3), S(2, 2) }, .low = { -1, -1, -1 }, .high = { 1, 1, 1 } },
    { "affine", f_affine, .n = 3, .shape = { S3, S(5, 4), S(5) }, .low = { -1, -1, -1 }, .high = { 1, 1, 1 } },
    { "affine", f_affine, .n = 3, .shape = { S(3, 4), S(5, 4), S(5) }, .low = { -1, -1, -1 }, .high = { 1, 1, 1 } },
    { "affine", f_affine, .n = 3, .shape = { S(4), S(2, 4), S(2) }, .low = { -1, -1, -1 }, .high = { 1, 1, 1 } },
    { 0 },
};
