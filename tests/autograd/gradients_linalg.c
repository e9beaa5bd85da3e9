/* tests/autograd/gradients_linalg.c: gradient rows of linear algebra. The functions turn their inputs into well-conditioned
 * matrices. */
#include "autograd/ops/rules.h"
#include "tests/autograd/gradients.h"

/* scale I for the last axis of a */
static tap_var diagonal(tap_var a, double scale)
{
    tap_shape s = tap_shape_of(a);
    tap_var   eye = tap_eye(a.tape, s.rank > 0 ? s.n[s.rank - 1] : 0);
    return tap_mul_scalar(tap_cast(eye, tap_value(a).dtype), scale);
}

/* a + 4 I */
static tap_var regular(tap_var a)
{
    return tap_add(a, diagonal(a, 4));
}

/* a a^T + 3 I */
static tap_var positive(tap_var a)
{
    return tap_add(tap_matmul(a, tap_mT(a)), diagonal(a, 3));
}

static tap_var slogdet_and_sign(tap_var a)
{
    tap_var sign, log_abs = tap_slogdet(a, &sign);
    return tap_mul(log_abs, sign);
}

/* Swaps two rows: a negative determinant. */
static tap_var negative(tap_var a)
{
    return tap_flip(regular(a), TAP_AXES(-2));
}

ONE(f_tril, tap_tril(a, 0))
ONE(f_tril_below, tap_tril(a, -2))
ONE(f_triu, tap_triu(a, 1))
ONE(f_triu_all, tap_triu(a, -9))
ONE(f_trace, tap_trace(a))
ONE(f_cholesky, tap_cholesky(positive(a), TAP_LOWER))
ONE(f_cholesky_upper, tap_cholesky(positive(a), TAP_UPPER))
TWO(f_cholesky_solve, tap_cholesky_solve(b, tap_tril(regular(a), 0), TAP_LOWER))
TWO(f_cholesky_solve_upper, tap_cholesky_solve(b, tap_triu(regular(a), 0), TAP_UPPER))
TWO(f_lower_left, tap_solve_triangular(regular(a), b, TAP_LOWER, TAP_LEFT, TAP_NON_UNIT))
TWO(f_upper_left, tap_solve_triangular(regular(a), b, TAP_UPPER, TAP_LEFT, TAP_NON_UNIT))
TWO(f_lower_right, tap_solve_triangular(regular(a), b, TAP_LOWER, TAP_RIGHT, TAP_NON_UNIT))
TWO(f_upper_right, tap_solve_triangular(regular(a), b, TAP_UPPER, TAP_RIGHT, TAP_NON_UNIT))
TWO(f_unit_lower, tap_solve_triangular(a, b, TAP_LOWER, TAP_LEFT, TAP_UNIT))
TWO(f_unit_upper, tap_solve_triangular(a, b, TAP_UPPER, TAP_LEFT, TAP_UNIT))
TWO(f_unit_right, tap_solve_triangular(a, b, TAP_UPPER, TAP_RIGHT, TAP_UNIT))
TWO(f_solve, tap_solve(regular(a), b))
TWO(f_solve_negative, tap_solve(negative(a), b))
ONE(f_inv, tap_inv(regular(a)))
ONE(f_det, tap_det(regular(a)))
ONE(f_det_negative, tap_det(negative(a)))
ONE(f_cofactors, tap__cofactors(negative(a)))
ONE(f_slogdet, slogdet_and_sign(negative(a)))
ONE(f_logdet, tap_logdet(regular(a)))

#define ONE_OF(...) .n = 1, .shape = { S(__VA_ARGS__) }, .low = { -0.9 }, .high = { 1 }
#define TWO_OF(...) .n = 2, .shape = { __VA_ARGS__ }, .low = { -0.9, -1 }, .high = { 1, 1 }

const gradient_row linalg_gradients[] = {
    { "tril", f_tril, R1 },
    { "tril", f_tril_below, ONE_OF(4, 3) },
    { "triu", f_triu, R1 },
    { "triu", f_triu_all, ONE_OF(3, 4) },
    { "trace", f_trace, R1 },
    { "cholesky", f_cholesky, ONE_OF(2, 3, 3) },
    { "cholesky", f_cholesky_upper, ONE_OF(2, 3, 3) },
    { "cholesky", f_cholesky, ONE_OF(4, 4) },
    { "cholesky_solve", f_cholesky_solve, TWO_OF(S(2, 3, 3), S(2, 3, 2)) },
    { "cholesky_solve", f_cholesky_solve_upper, TWO_OF(S(3, 3), S(2, 3, 2)) },
    { "solve_triangular", f_lower_left, TWO_OF(S(2, 3, 3), S(2, 3, 2)) },
    { "solve_triangular", f_upper_left, TWO_OF(S(2, 3, 3), S(3, 2)) },
    { "solve_triangular", f_lower_right, TWO_OF(S(3, 3), S(2, 2, 3)) },
    { "solve_triangular", f_upper_right, TWO_OF(S(2, 3, 3), S(2, 1, 3)) },
    { "solve_triangular", f_unit_lower, TWO_OF(S(2, 3, 3), S(2, 3, 2)) },
    { "solve_triangular", f_unit_upper, TWO_OF(S(3, 3), S(3, 1)) },
    { "solve_triangular", f_unit_right, TWO_OF(S(2, 1, 3, 3), S(2, 2, 3)) },
    { "solve", f_solve, TWO_OF(S(2, 3, 3), S(2, 3, 2)) },
    { "solve", f_solve, TWO_OF(S(2, 3, 3), S(2, 3)), .fixed = true },
    { "solve", f_solve, TWO_OF(S(2, 3, 3), S(3)) },
    { "solve", f_solve, TWO_OF(S(3, 3), S(2, 3, 1)) },
    { "solve", f_solve_negative, TWO_OF(S(2, 1, 3, 3), S(2, 3, 2)) },
    { "inv", f_inv, ONE_OF(2, 3, 3) },
    { "inv", f_inv, ONE_OF(1, 1) },
    { "det", f_det, ONE_OF(2, 3, 3) },
    { "det", f_det_negative, ONE_OF(4, 4) },
    { "cofactors", f_cofactors, ONE_OF(2, 3, 3) },
    { "slogdet", f_slogdet, ONE_OF(2, 3, 3) },
    { "logdet", f_logdet, ONE_OF(2, 3, 3) },
    { 0 },
};
