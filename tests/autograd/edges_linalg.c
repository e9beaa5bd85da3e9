/* tests/autograd/edges_linalg.c: linear algebra with matrices that are tiny, huge or singular, or hold NaN in the triangle
 * that is not read. The numbers are worked out by hand for A = [4,2;2,5] = [2,0;1,2] [2,1;0,2], for B = [1,2;3,4] with the
 * determinant -2, and for C = [2,1;1,3] with the determinant 5. */
#include "autograd/ops/rules.h"
#include "tests/autograd/edge_cases.h"

static const char *const over_0 = "0 / 0 and 0 inf may be anything";
static const char *const negative = "negative numbers have no logarithm";

#define T    0x1p-140 /* a scale at which float32 has few digits left, */
#define H    0x1p125  /* one at which it has little room; */
#define TT   0x1p-1070
#define HH   0x1p1021 /* and both in float64 */
#define ROOT 1.7320508075688772935274463415058723669

static tap_var sign_of(tap_var x)
{
    tap_var sign;
    tap_slogdet(x, &sign);
    return sign;
}

/* clang-format off */
#define LINALG(X1, X2, X3)                                                                                                            \
    X1(cholesky, tap_cholesky(x, false), S(2, 2), N(4, NaN, 2, 5), S(2, 2), N(2, 0, 1, 2), N(0.0625, -0.125, -0.125, 0.25),            \
       .c = N(0, NaN, 0, 1), .ulps = 1)                                                                                                \
    X1(cholesky__upper, tap_cholesky(x, true), S(2, 2), N(4, 2, Inf, 5), S(2, 2), N(2, 1, 0, 2), N(0.25, 0, 0, 0),                     \
       .c = N(1, 0, Inf, 0), .ulps = 1)                                                                                                \
    X1(cholesky__tiny, tap_cholesky(x, false), S(2, 2), N(4 * T, 0, 2 * T, 5 * T), S(2, 2), N(0x1p-69, 0, 0x1p-70, 0x1p-69),          \
       N(0x1p66, -0x1p67, -0x1p67, 0x1p68), .c = N(0, 0, 0, 1), .ulps = 2)                                                            \
    X1(cholesky__tiny_64, tap_cholesky(x, TAP_LOWER), S(2, 2), N(4 * TT, 0, 2 * TT, 5 * TT), S(2, 2),                                 \
       N(0x1p-534, 0, 0x1p-535, 0x1p-534), N(0x1p531, -0x1p532, -0x1p532, 0x1p533), .c = N(0, 0, 0, 1), .ulps = 2, .only = EDGE_F64)  \
    X1(cholesky__subnormal, tap_cholesky(x, TAP_LOWER), S(2, 2), N(3 * 0x1p-148, 0, 0x1p-148, 3 * 0x1p-148), S(2, 2),                 \
       N(ROOT * 0x1p-74, 0, ROOT / 3 * 0x1p-74, 1.6329931618554520654648560498 * 0x1p-74), N(0.5 / ROOT * 0x1p74, 0, 0, 0),           \
       .c = N(1, 0, 0, 0), .ulps = 2)                                                                                                 \
    X1(cholesky__subnormal_64, tap_cholesky(x, TAP_LOWER), S(2, 2), N(3 * 0x1p-1074, 0, 0x1p-1074, 3 * 0x1p-1074), S(2, 2),           \
       N(ROOT * 0x1p-537, 0, ROOT / 3 * 0x1p-537, 1.6329931618554520654648560498 * 0x1p-537), N(0.5 / ROOT * 0x1p537, 0, 0, 0),       \
       .c = N(1, 0, 0, 0), .ulps = 2, .only = EDGE_F64)                                                                               \
    X1(cholesky__huge, tap_cholesky(x, TAP_LOWER), S(2, 2), N(0x1p126, 0, 0x1p125, 0x1p126), S(2, 2),                                 \
       N(0x1p63, 0, 0x1p62, ROOT / 2 * 0x1p63), N(0x1p-64, 0, 0, 0), .c = N(1, 0, 0, 0), .ulps = 2)                                   \
    X1(cholesky__huge_64, tap_cholesky(x, TAP_LOWER), S(2, 2), N(0x1p1022, 0, 0x1p1021, 0x1p1022), S(2, 2),                           \
       N(0x1p511, 0, 0x1p510, ROOT / 2 * 0x1p511), N(0x1p-512, 0, 0, 0), .c = N(1, 0, 0, 0), .ulps = 2, .only = EDGE_F64)             \
    X2(cholesky_solve, tap_cholesky_solve(a, b, false), S(2, 1), N(16, 0), S(2, 2), N(2, NaN, 1, 2), S(2, 1), N(5, -2),                \
       N(0.1875, 0.125), NULL, .ulps = 2)                                                                                             \
    X2(cholesky_solve__factor, tap_cholesky_solve(a, b, TAP_LOWER), S(2, 1), N(16, 0), S(2, 2), N(2, 0, 1, 2), S(2, 1), N(5, -2),     \
       N(0.1875, 0.125), N(-4, -0.5, 0, 1), .ulps = 4)                                                                                \
    X2(cholesky_solve__tiny, tap_cholesky_solve(a, b, true), S(2, 1), N(16 * T, 0), S(2, 2), N(0x1p-69, 0x1p-70, Inf, 0x1p-69),        \
       S(2, 1), N(5, -2), N(0.1875, 0.125), NULL, .c = N(T, T), .ulps = 2)                                                            \
    X2(solve_triangular, tap_solve_triangular(a, b, false, true, false), S(2, 2), N(2, NaN, 1, 4), S(2, 1), N(2, 9), S(2, 1), N(1, 2), \
       N(-0.375, 0, -0.25, -0.5), N(0.375, 0.25), .ulps = 1)                                                                          \
    X2(solve_triangular__unit, tap_solve_triangular(a, b, true, true, true), S(2, 2), N(NaN, 3, Inf, 0), S(2, 1), N(7, 2), S(2, 1),     \
       N(1, 2), N(0, -2, 0, 0), N(1, -2), .ulps = 1)                                                                                  \
    X2(solve_triangular__right, tap_solve_triangular(a, b, true, false, false), S(2, 2), N(2, 1, NaN, 4), S(1, 2), N(2, 9), S(1, 2),   \
       N(1, 2), N(-0.375, -0.25, 0, -0.5), N(0.375, 0.25), .ulps = 1)                                                                 \
    X2(solve_triangular__ends, tap_solve_triangular(a, b, false, true, false), S(2, 2), N(MIN, NaN, 0, MAX), S(2, 1),               \
       N(MIN, MAX), S(2, 1), N(1, 1), N(-1, 0, -1, -1), N(1, 1), .c = N(MIN, MAX), .ulps = 1)                                   \
    X2(solve_triangular__0, tap_solve_triangular(a, b, false, true, false), S(1, 1), N(0), S(1, 1), N(3), S(1, 1), N(Inf), N(-Inf),     \
       N(Inf), .unmasked = over_0)                                                                                                     \
    X2(solve, tap_solve(a, b), S(2, 2), N(1 * T, 2 * T, 3 * T, 4 * T), S(2), N(5 * T, 11 * T), S(2), N(1, 2), N(0.5, 1, -0.5, -1),    \
       N(-0.5, 0.5), .c = N(T, T), .ulps = 4)                                                                                         \
    X2(solve__64, tap_solve(a, b), S(2, 2), N(1 * TT, 2 * TT, 3 * TT, 4 * TT), S(2), N(5 * TT, 11 * TT), S(2), N(1, 2),               \
       N(0.5, 1, -0.5, -1), N(-0.5, 0.5), .c = N(TT, TT), .ulps = 4, .only = EDGE_F64)                                                \
    X2(solve__huge, tap_solve(a, b), S(2, 2), N(1 * H, 2 * H, 3 * H, 4 * H), S(2), N(2.5 * H, 5.5 * H), S(2), N(0.5, 1),              \
       N(0.25, 0.5, -0.25, -0.5), N(-0.5, 0.5), .c = N(H, H), .ulps = 4)                                                              \
    X2(solve__most, tap_solve(a, b), S(2, 2), N(MAX, MAX, -MAX, MAX), S(2), N(MAX, MAX), S(2), N(0, 1), N(0, -1, 0, 0),         \
       N(1, 0), .c = N(MAX, MAX), .ulps = 1)                                                                                        \
    X2(solve__apart, tap_solve(a, b), S(2, 2), N(0x1p100, 0, 0, 0x1p-100), S(2), N(0x1p100, 0x1p-100), S(2), N(1, 1),                 \
       N(-0x1p-100, -0x1p-100, -0x1p-100, -0x1p-100), N(0x1p-100, 0x1p-100), .c = N(1, 0x1p-200), .ulps = 1, .only = EDGE_F64)        \
    X1(inv, tap_inv(x), S(2, 2), N(0x1p100, 0, 0, 0x1p-100), S(2, 2), N(0x1p-100, 0, 0, 0x1p100), N(-0x1p-100, 0, 0, 0),              \
       .c = N(0x1p100, 0, 0, 0), .ulps = 1)                                                                                           \
    X1(inv__tiny, tap_inv(x), S(2, 2), N(0x1p-120, 0x1p-119, 3 * 0x1p-120, 0x1p-118), S(2, 2),                                        \
       N(-0x1p121, 0x1p120, 1.5 * 0x1p120, -0x1p119), N(-0x1p122, 3 * 0x1p120, 0x1p121, -1.5 * 0x1p120), .c = N(0x1p-120, 0, 0, 0),   \
       .ulps = 4)                                                                                                                     \
    X1(inv__huge, tap_inv(x), S(2, 2), N(0x1p127, 0x1p127, -0x1p127, 0x1p127), S(2, 2), N(0x1p-128, -0x1p-128, 0x1p-128, 0x1p-128),   \
       N(0, 0, 0, 0), .c = N(0, 0, 0, 0), .only = EDGE_F32)                                                                           \
    X1(inv__1, tap_inv(x), S(3, 1, 1), N(0x1p-149, Inf, MAX), S(3, 1, 1), N(Inf, 0, 0x1p-128), N(-Inf, 0, 0), .c = N(1, 1, 0),          \
       .only = EDGE_F32, .ulps = 1, .unmasked = over_0)                                                                               \
    X1(det, tap_det(x), S(2, 2), N(1, 2, 3, 4), SCALAR, N(-2), N(4, -3, -2, 1), .ulps = 2)                                            \
    X1(det__apart, tap_det(x), S(3, 3), N(0x1p100, 0, 0, 0, 0x1p100, 0, 0, 0, 0x1p-140), SCALAR, N(0x1p60),                           \
       N(0x1p-140, 0, 0, 0, 0x1p-140, 0, 0, 0, 0x1p100), .c = N(0x1p-100), .ulps = 2)                                                 \
    X1(det__apart_64, tap_det(x), S(3, 3), N(0x1p1000, 0, 0, 0, 0x1p1000, 0, 0, 0, 0x1p-1060), SCALAR, N(0x1p940),                    \
       N(0x1p-1060, 0, 0, 0, 0x1p-1060, 0, 0, 0, 0x1p1000), .c = N(0x1p-1000), .ulps = 2, .only = EDGE_F64)                           \
    X1(det__tiny_first, tap_det(x), S(3, 3), N(0x1p-1000, 0, 0, 0, 0x1p-1000, 0, 0, 0, 0x1p1000), SCALAR, N(0x1p-1000),               \
       N(1, 0, 0, 0, 1, 0, 0, 0, 0), .ulps = 2, .only = EDGE_F64)                                                                     \
    X1(det__most, tap_det(x), S(2, 2), N(MAX, MAX, -MAX, MAX), SCALAR, N(Inf), N(1, 1, -1, 1), .c = N(1 / MAX), .ulps = 2,        \
       .only = EDGE_F64)                                                                                                              \
    X1(det__singular, tap_det(x), S(2, 2), N(1, 2, 2, 4), SCALAR, N(0), N(4, -2, -2, 1), .ulps = 1)                                   \
    X1(det__of_nothing, tap_det(x), S(2, 2), N(0, 0, 0, -0.0), SCALAR, N(-0.0), N(0, 0, 0, 0), .ulps = 1)                             \
    X1(det__rank_1, tap_det(x), S(3, 3), N(1, 2, 3, 2, 4, 6, 3, 6, 9), SCALAR, N(0), N(0, 0, 0, 0, 0, 0, 0, 0, 0), .ulps = 1)         \
    X1(det__0, tap_det(x), S(1, 1), N(0), SCALAR, N(0), N(1))                                                                         \
    X1(det__empty, tap_det(x), S(2, 0, 0), N(0), S(2), N(1, 1), N(0))                                                                 \
    X1(cofactors, tap__cofactors(x), S(3, 3), N(0x1p100, 0, 0, 0, 0, 0, 0, 0, 0x1p-40), S(3, 3), N(0, 0, 0, 0, 0x1p60, 0, 0, 0, 0),   \
       NULL, .ulps = 1)                                                                                                               \
    X1(cofactors__tiny, tap__cofactors(x), S(2, 2), N(1 * T, 2 * T, 3 * T, 4 * T), S(2, 2), N(4 * T, -3 * T, -2 * T, T), NULL,        \
       .ulps = 0.5)                                                                                                                   \
    X1(slogdet, tap_slogdet(x, NULL), S(2, 2), N(2 * T, T, T, 3 * T), SCALAR, N(-192.47177264435058626222423467506325142),            \
       N(0.6, -0.2, -0.2, 0.4), .c = N(T), .ulps = 2)                                                                                 \
    X1(slogdet__64, tap_slogdet(x, NULL), S(2, 2), N(2 * TT, TT, TT, 3 * TT), SCALAR, N(-1481.7255284858488617782759805872716680),    \
       N(0.6, -0.2, -0.2, 0.4), .c = N(TT), .ulps = 2, .only = EDGE_F64)                                                              \
    X1(slogdet__most, tap_slogdet(x, NULL), S(2, 2), N(MAX, MAX, -MAX, MAX), SCALAR, N(178.13882528469665141673358524208626),     \
       N(0.5, 0.5, -0.5, 0.5), .c = N(MAX), .ulps = 2, .only = EDGE_F32)                                                             \
    X1(slogdet__most_64, tap_slogdet(x, NULL), S(2, 2), N(MAX, MAX, -MAX, MAX), SCALAR, N(1420.2585729673279387738640119427725),  \
       N(0.5, 0.5, -0.5, 0.5), .c = N(MAX), .ulps = 2, .only = EDGE_F64)                                                             \
    X1(slogdet__sign, sign_of(x), S(4, 1, 1), N(-Inf, MIN, -0.0, -MIN), S(4), N(-1, 1, 0, -1), NULL, .ulps = 1)                    \
    X1(slogdet__singular, tap_slogdet(x, NULL), S(2, 2), N(1, 2, 2, 4), SCALAR, N(-Inf), NULL)                                         \
    X1(logdet, tap_logdet(x), S(2, 2), N(2 * 0x1p120, 0x1p120, 0x1p120, 3 * 0x1p120), SCALAR,                                         \
       N(167.96476124682097463473646848318856398), N(0.6, -0.2, -0.2, 0.4), .c = N(0x1p120), .ulps = 2)                               \
    X1(logdet__negative, tap_logdet(x), S(2, 2), N(1, 2, 3, 4), SCALAR, N(NaN), N(0, 0, 0, 0), .no_limit = negative)                   \
    X1(logdet__0, tap_logdet(x), S(1, 1), N(0), SCALAR, N(-Inf), NULL)

EDGE_CASES(linalg_edges, LINALG)
/* clang-format on */
