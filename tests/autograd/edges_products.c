/* tests/autograd/edges_products.c: products of matrices. A 0 in one factor times an infinity or NaN in the other is NaN, in
 * the value and, where the 0 is a gradient from above, in the gradient: no product is left out of the sums. */
#include "tests/autograd/edge_cases.h"

static const char *const sums = "each element is a sum of products, and 0 times NaN or infinity may be anything";

/* clang-format off */
#define PRODUCTS(X1, X2, X3)                                                                                                           \
    X2(matmul, tap_matmul(a, b), S(2, 2), N(1, 2, NaN, Inf), S(2, 1), N(3, 4), S(2, 1), N(11, NaN), N(3, 4, 3, 4), N(NaN, Inf),             \
       .unmasked = sums)                                                                                                               \
    X2(matmul__0, tap_matmul(a, b), S(1, 2), N(0, 1), S(2, 2), N(Inf, 2, 3, 4), S(1, 2), N(NaN, 4), N(Inf, 7), N(0, 0, 1, 1),             \
       .no_limit = sums, .unmasked = sums)                                                                                             \
    X2(matmul__inf, tap_matmul(a, b), S(2, 2), N(1, 1, -1, 0.5), S(2, 1), N(Inf, MAX), S(2, 1), N(Inf, -Inf), N(Inf, MAX, Inf, MAX),     \
       N(0, 1.5), .unmasked = sums)                                                                                                    \
    X2(matmul__ends, tap_matmul(a, b), S(1, 2), N(MIN, MAX), S(2, 1), N(0x1p60, 0x1p-60), S(1, 1), N(0x1.fffffep67), N(0x1p60, 0x1p-60), \
       N(MIN, MAX), .ulps = 2, .only = EDGE_F32)                                                                                    \
    X2(matmul__none, tap_matmul(a, b), S(2, 0), N(0), S(0, 1), N(0), S(2, 1), N(0, 0), N(0), N(0))                                     \
    X2(dot, tap_dot(a, b), S(3), N(MAX, MAX, -0.0), S(3), N(0.5, -0.5, MIN), SCALAR, N(0), N(0.5, -0.5, MIN),                    \
       N(MAX, MAX, 0))                                                                                                               \
    X2(mv, tap_mv(a, b), S(2, 2), N(1, 2, Inf, 3), S(2), N(3, 4), S(2), N(11, Inf), N(3, 4, 3, 4), N(Inf, 5), .unmasked = sums)           \
    X2(mm, tap_mm(a, b), S(1, 2), N(2, 3), S(2, 2), N(1, NaN, 4, 5), S(1, 2), N(14, NaN), N(NaN, 9), N(2, 2, 3, 3), .unmasked = sums)     \
    X2(bmm, tap_bmm(a, b), S(2, 1, 1), N(2, Inf), S(2, 1, 2), N(1, 3, NaN, 1), S(2, 1, 2), N(2, 6, NaN, Inf), N(4, NaN), N(2, 2, Inf, Inf),   \
       .unmasked = sums)                                                                                                               \
    X2(outer, tap_outer(a, b), S(2), N(2, Inf), S(2), N(3, NaN), S(2, 2), N(6, NaN, Inf, NaN), N(3, 0), N(2, 0), .c = N(1, 0, 0, 0))        \
    X2(inner, tap_inner(a, b), S(2), N(1, 2), S(2, 2), N(3, 4, NaN, Inf), S(2), N(11, NaN), N(NaN, Inf), N(1, 2, 1, 2), .unmasked = sums)   \
    X2(inner__scalar, tap_inner(a, b), SCALAR, N(2), S(2), N(3, NaN), S(2), N(6, NaN), N(3), N(2, 0), .c = N(1, 0))                      \
    X3(affine, tap_affine(a, b, c), S(2, 2), N(1, 2, 3, Inf), S(1, 2), N(2, 1), S(1), N(-0.0), S(2, 1), N(4, Inf), N(2, 1, 2, 1),        \
       N(4, Inf), N(2), .unmasked = sums)                                                                                               \
    X3(affine__bias, tap_affine(a, b, c), S(1, 1), N(2), S(2, 1), N(3, 4), S(2), N(Inf, NaN), S(1, 2), N(Inf, NaN), N(7), N(2, 2),         \
       N(1, 1))                                                                                                                        \
    X3(addmm, tap_addmm(a, b, c, 0, 2), S(1, 1), N(NaN), S(1, 1), N(3), S(1, 1), N(4), S(1, 1), N(24), N(0), N(8), N(6))                \
    X3(addmm__input, tap_addmm(a, b, c, 1, 1), S(1, 2), N(Inf, 1), S(1, 1), N(3), S(1, 2), N(4, 5), S(1, 2), N(Inf, 16), N(1, 1), N(9),  \
       N(3, 3))                                                                                                                        \
    X3(baddbmm, tap_baddbmm(a, b, c, 0, 1), S(1), N(Inf), S(1, 1, 1), N(3), S(1, 1, 1), N(4), S(1, 1, 1), N(12), N(0), N(4), N(3))      \
    X2(tensordot, tap_tensordot(a, b, 1, NULL, NULL), S(2, 2), N(1, 2, NaN, 4), S(2), N(3, 5), S(2), N(13, NaN), N(3, 5, 3, 5),          \
       N(NaN, 6), .unmasked = sums)                                                                                                     \
    X2(einsum, tap_einsum("ij,j->i", 2, VARS(a, b)), S(2, 2), N(1, 2, Inf, 4), S(2), N(3, 5), S(2), N(13, Inf), N(3, 5, 3, 5),           \
       N(Inf, 6), .unmasked = sums)                                                                                                     \
    X1(einsum__diagonal, tap_einsum("ii->i", 1, &x), S(2, 2), N(1, NaN, Inf, MIN), S(2), N(1, MIN), N(1, 0, 0, 1))                   \
    X2(einsum__each, tap_einsum("i,i->i", 2, VARS(a, b)), S(3), N(2, Inf, MIN), S(3), N(3, NaN, 1), S(3), N(6, NaN, MIN), N(3, 0, 0), \
       N(2, 0, 0), .c = N(1, 0, 0))

EDGE_CASES(product_edges, PRODUCTS)
/* clang-format on */
