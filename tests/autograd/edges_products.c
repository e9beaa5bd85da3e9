/* Products of matrices. What is 0 in one factor and infinite or NaN in the other has no product, neither in the value nor where the
 * gradient from above is the 0: a product of matrices is a sum of products, of which none is left out. */
#include "tests/autograd/edge_cases.h"

static const char *const sums = "each element is a sum of products, and 0 times NaN or infinity may be anything";

/* clang-format off */
#define PRODUCTS(X1, X2, X3)                                                                                                           \
    X2(matmul, tap_matmul(a, b), S(2, 2), N(1, 2, NO, IN), S(2, 1), N(3, 4), S(2, 1), N(11, NO), N(3, 4, 3, 4), N(NO, IN),             \
       .unmasked = sums)                                                                                                               \
    X2(matmul__0, tap_matmul(a, b), S(1, 2), N(0, 1), S(2, 2), N(IN, 2, 3, 4), S(1, 2), N(NO, 4), N(IN, 7), N(0, 0, 1, 1),             \
       .no_limit = sums, .unmasked = sums)                                                                                             \
    X2(matmul__inf, tap_matmul(a, b), S(2, 2), N(1, 1, -1, 0.5), S(2, 1), N(IN, MOST), S(2, 1), N(IN, -IN), N(IN, MOST, IN, MOST),     \
       N(0, 1.5), .unmasked = sums)                                                                                                    \
    X2(matmul__ends, tap_matmul(a, b), S(1, 2), N(LEAST, MOST), S(2, 1), N(0x1p60, 0x1p-60), S(1, 1), N(0x1.fffffep67), N(0x1p60, 0x1p-60), \
       N(LEAST, MOST), .ulps = 2, .only = EDGE_F32)                                                                                    \
    X2(matmul__none, tap_matmul(a, b), S(2, 0), N(0), S(0, 1), N(0), S(2, 1), N(0, 0), N(0), N(0))                                     \
    X2(dot, tap_dot(a, b), S(3), N(MOST, MOST, -0.0), S(3), N(0.5, -0.5, LEAST), SCALAR, N(0), N(0.5, -0.5, LEAST),                    \
       N(MOST, MOST, 0))                                                                                                               \
    X2(mv, tap_mv(a, b), S(2, 2), N(1, 2, IN, 3), S(2), N(3, 4), S(2), N(11, IN), N(3, 4, 3, 4), N(IN, 5), .unmasked = sums)           \
    X2(mm, tap_mm(a, b), S(1, 2), N(2, 3), S(2, 2), N(1, NO, 4, 5), S(1, 2), N(14, NO), N(NO, 9), N(2, 2, 3, 3), .unmasked = sums)     \
    X2(bmm, tap_bmm(a, b), S(2, 1, 1), N(2, IN), S(2, 1, 2), N(1, 3, NO, 1), S(2, 1, 2), N(2, 6, NO, IN), N(4, NO), N(2, 2, IN, IN),   \
       .unmasked = sums)                                                                                                               \
    X2(outer, tap_outer(a, b), S(2), N(2, IN), S(2), N(3, NO), S(2, 2), N(6, NO, IN, NO), N(3, 0), N(2, 0), .c = N(1, 0, 0, 0))        \
    X2(inner, tap_inner(a, b), S(2), N(1, 2), S(2, 2), N(3, 4, NO, IN), S(2), N(11, NO), N(NO, IN), N(1, 2, 1, 2), .unmasked = sums)   \
    X2(inner__scalar, tap_inner(a, b), SCALAR, N(2), S(2), N(3, NO), S(2), N(6, NO), N(3), N(2, 0), .c = N(1, 0))                      \
    X3(affine, tap_affine(a, b, c), S(2, 2), N(1, 2, 3, IN), S(1, 2), N(2, 1), S(1), N(-0.0), S(2, 1), N(4, IN), N(2, 1, 2, 1),        \
       N(4, IN), N(2), .unmasked = sums)                                                                                               \
    X3(affine__bias, tap_affine(a, b, c), S(1, 1), N(2), S(2, 1), N(3, 4), S(2), N(IN, NO), S(1, 2), N(IN, NO), N(7), N(2, 2),         \
       N(1, 1))                                                                                                                        \
    X3(addmm, tap_addmm(a, b, c, 0, 2), S(1, 1), N(NO), S(1, 1), N(3), S(1, 1), N(4), S(1, 1), N(24), N(0), N(8), N(6))                \
    X3(addmm__input, tap_addmm(a, b, c, 1, 1), S(1, 2), N(IN, 1), S(1, 1), N(3), S(1, 2), N(4, 5), S(1, 2), N(IN, 16), N(1, 1), N(9),  \
       N(3, 3))                                                                                                                        \
    X3(baddbmm, tap_baddbmm(a, b, c, 0, 1), S(1), N(IN), S(1, 1, 1), N(3), S(1, 1, 1), N(4), S(1, 1, 1), N(12), N(0), N(4), N(3))      \
    X2(tensordot, tap_tensordot(a, b, 1, NULL, NULL), S(2, 2), N(1, 2, NO, 4), S(2), N(3, 5), S(2), N(13, NO), N(3, 5, 3, 5),          \
       N(NO, 6), .unmasked = sums)                                                                                                     \
    X2(einsum, tap_einsum("ij,j->i", 2, VARS(a, b)), S(2, 2), N(1, 2, IN, 4), S(2), N(3, 5), S(2), N(13, IN), N(3, 5, 3, 5),           \
       N(IN, 6), .unmasked = sums)                                                                                                     \
    X1(einsum__diagonal, tap_einsum("ii->i", 1, &x), S(2, 2), N(1, NO, IN, LEAST), S(2), N(1, LEAST), N(1, 0, 0, 1))                   \
    X2(einsum__each, tap_einsum("i,i->i", 2, VARS(a, b)), S(3), N(2, IN, LEAST), S(3), N(3, NO, 1), S(3), N(6, NO, LEAST), N(3, 0, 0), \
       N(2, 0, 0), .c = N(1, 0, 0))

EDGE_CASES(product_edges, PRODUCTS)
/* clang-format on */
