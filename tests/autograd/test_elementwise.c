/* tests/autograd/test_elementwise.c: values and gradients of elementwise functions at zeros, poles, bounds, ties, infinities
 * and NaN. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "autograd/internal.h"
#include "tests/check.h"

#define LN2  0.693147180559945309
#define TAIL 4.24835425529158900e-18 /* e^-40 */

static const double inf = HUGE_VAL, nan_ = (double)NAN;

typedef tap_var (*one)(tap_var x);
typedef tap_var (*two)(tap_var a, tap_var b);

/* ---- Functions of one input ---- */

#define ONE(name, expression) \
    static tap_var name(tap_var x) \
    { \
        return expression; \
    }
ONE(polygamma_1, tap_polygamma(1, x))
ONE(polygamma_2, tap_polygamma(2, x))
ONE(polygamma_171, tap_polygamma(171, x))
ONE(polygamma_200, tap_polygamma(200, x))
ONE(leaky, tap_leaky_relu(x, 0.5))
ONE(elu_2, tap_elu(x, 2))
ONE(celu_2, tap_celu(x, 2))
ONE(clamped, tap_clamp(x, -1, 2))
ONE(clamped_apart, tap_clamp(x, 2, -1))
ONE(clamped_nan, tap_clamp(x, (double)NAN, 2))
ONE(hard, tap_hardtanh(x, -1, 2))
ONE(to_num, tap_nan_to_num(x, 7, 8, -9))
ONE(to_largest, tap_nan_to_num(x, 0, HUGE_VAL, -HUGE_VAL))
ONE(soft_2, tap_softplus_beta(x, 2, 4))
ONE(power_0, tap_pow_scalar(x, 0))
ONE(power_1, tap_pow_scalar(x, 1))
ONE(power_2, tap_pow_scalar(x, 2))
ONE(power_3, tap_pow(x, tap_scalar(x.tape, 3)))
ONE(power_constant_0, tap_pow(x, tap_scalar(x.tape, 0)))
ONE(power_half, tap_pow_scalar(x, 0.5))

/* clang-format off */
/* y = f(x) and the derivative there */
static const struct {
    const char *name;
    one         f;
    double      x, y, slope;
} singles[] = {
#define X(f, x, y, slope) { #f, f, x, y, slope },
    X(tap_ceil, -0.5, -0.0, 0) X(tap_floor, -0.5, -1, 0) X(tap_trunc, -0.5, -0.0, 0) X(tap_trunc, -inf, -inf, 0)
    X(tap_round, 0.5, 0, 0) X(tap_round, 1.5, 2, 0) X(tap_round, 2.5, 2, 0) X(tap_round, -0.5, -0.0, 0)
    X(tap_round, -3.5, -4, 0) X(tap_round, nan_, nan_, 0) X(tap_rsqrt, 0.0, inf, -inf) X(tap_rsqrt, inf, 0, -0.0)
    X(tap_rsqrt, -1, nan_, nan_) X(tap_rsqrt, 4, 0.5, -0.0625) X(tap_exp2, 10, 1024, 1024 * LN2)
    X(tap_exp2, -inf, 0, 0) X(tap_exp2, 1024, inf, inf) X(tap_log2, 8, 3, 1 / (8 * LN2))
    X(tap_log2, 0.0, -inf, inf) X(tap_log10, 1000, 3, 1 / (1000 * 2.30258509299404568)) X(tap_tan, 0.0, 0.0, 1)
    X(tap_tan, inf, nan_, nan_) X(tap_asin, 1, 1.57079632679489662, inf) X(tap_asin, -1, -1.57079632679489662, inf)
    X(tap_asin, 2, nan_, nan_) X(tap_acos, 1, 0, -inf) X(tap_acos, -1, 3.14159265358979324, -inf)
    X(tap_acos, 0.0, 1.57079632679489662, -1) X(tap_atan, inf, 1.57079632679489662, 0)
    X(tap_atan, 1e200, 1.57079632679489662, 0) X(tap_sinh, 1000, inf, inf) X(tap_cosh, 0.0, 1, 0)
    X(tap_cosh, -inf, inf, -inf) X(tap_asinh, -0.0, -0.0, 1) X(tap_asinh, 1e200, 461.210165779369082, 1e-200)
    X(tap_acosh, 1, 0, inf) X(tap_acosh, 0.5, nan_, nan_) X(tap_atanh, 1, inf, inf) X(tap_atanh, -1, -inf, inf)
    X(tap_erf, inf, 1, 0) X(tap_erf, 0.0, 0, 1.12837916709551257) X(tap_erfc, -inf, 2, -0.0) X(tap_erfc, 30, 0, -0.0)
    X(tap_erfinv, 0.0, 0, 0.886226925452758014) X(tap_erfinv, 1, inf, inf) X(tap_erfinv, -1, -inf, inf)
    X(tap_erfinv, 1.5, nan_, nan_) X(tap_erfinv, 0.5, 0.476936276204469873, 1.11258481897194980)
    X(tap_lgamma, 1, 0, -0.577215664901532861) X(tap_lgamma, 0.0, inf, -inf) X(tap_lgamma, -2, inf, nan_)
    X(tap_lgamma, inf, inf, inf) X(tap_digamma, 1, -0.577215664901532861, 1.64493406684822644)
    X(tap_digamma, 0.0, -inf, inf) X(tap_digamma, -0.0, inf, inf) X(tap_digamma, -3, nan_, inf) X(tap_digamma, inf, inf, 0)
    X(tap_digamma, -0.5, 0.0364899739785765206, 8.93480220054467931)
    X(tap_digamma, 1.4616321449683623, -9.24126552172942752e-17, 0.967672245447621255)
    X(polygamma_1, -0.25, 18.5418796476716065, 122.69736678366236) X(polygamma_1, -4, inf, -inf)
    X(polygamma_1, 1, 1.64493406684822644, -2.40411380631918857) X(polygamma_2, inf, -0.0, 0)
    X(polygamma_171, -2, inf, -inf) X(polygamma_171, 0.0, inf, -inf) X(polygamma_2, nan_, nan_, nan_)
    X(polygamma_2, -inf, nan_, nan_) X(tap_log_sigmoid, -1e4, -1e4, 1) X(tap_log_sigmoid, 1e4, -0.0, 0)
    X(tap_log_sigmoid, 40, -TAIL, TAIL) X(tap_log_sigmoid, -inf, -inf, 1)
    X(tap_softplus, -40, TAIL, TAIL) X(tap_softplus, 1e4, 1e4, 1)
    X(soft_2, 2, 2.00907496395890487, 0.982013790037908442) X(soft_2, 2.5, 2.5, 1) X(tap_softsign, -1e300, -1, 0)
    X(tap_softsign, 0.0, 0, 1) X(tap_gelu, 1e4, 1e4, 1) X(tap_gelu_tanh, -1e4, -0.0, 0) X(tap_gelu_tanh, 1e4, 1e4, 1)
    X(tap_mish, -1e4, -0.0, 0) X(tap_mish, 1e4, 1e4, 1) X(leaky, -2, -1, 0.5) X(leaky, 0.0, 0, 0.5)
    X(leaky, nan_, nan_, 0.5) X(elu_2, 0.0, 0, 2) X(elu_2, -inf, -2, 0) X(elu_2, -40, -2, 2 * TAIL)
    X(elu_2, 1e4, 1e4, 1) X(celu_2, 0.0, 0, 1) X(celu_2, -80, -2, TAIL) X(clamped, -1, -1, 1)
    X(clamped, 2, 2, 1) X(clamped, -1.5, -1, 0) X(clamped, inf, 2, 0) X(clamped, nan_, nan_, 0) X(clamped_apart, 0.0, -1, 0)
    X(clamped_nan, 0.0, nan_, 0) X(hard, -1, -1, 0) X(hard, 2, 2, 0) X(hard, 1.5, 1.5, 1) X(hard, nan_, nan_, 0)
    X(tap_relu6, 0.0, 0, 0) X(tap_relu6, 6, 6, 0) X(tap_relu6, 7, 6, 0) X(to_num, nan_, 7, 0) X(to_num, inf, 8, 0)
    X(to_num, -inf, -9, 0) X(to_num, -2, -2, 1) X(to_largest, inf, DBL_MAX, 0) X(to_largest, -inf, -DBL_MAX, 0)
    X(to_largest, nan_, 0, 0) X(power_0, 0.0, 1, 0) X(power_0, nan_, 1, 0) X(power_1, 0.0, 0, 1) X(power_2, 0.0, 0, 0)
    X(power_2, -3, 9, -6) X(power_3, -2, -8, 12) X(power_3, 0.0, 0, 0) X(power_constant_0, 0.0, 1, 0)
    X(power_half, 0.0, 0, inf) X(power_half, -1, nan_, nan_)
#undef X
};

/* clang-format on */

static void expect(const char *name, double a, double b, const char *what, double y, double expected)
{
    if (isnan(y) && isnan(expected)) return;
    if (y == expected && signbit(y) == signbit(expected)) return;
    if (fabs(y - expected) <= 2e-15 * fabs(expected)) return;
    fail_msg("%s(%g, %g): %s is %.17g, not %.17g", name, a, b, what, y, expected);
}

static void test_single_inputs(void **state)
{
    (void)state;
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    for (size_t i = 0; i < sizeof singles / sizeof *singles; i++) {
        double  number = singles[i].x;
        tap_var x = tap_variable(t, tap_tensor_wrap(TAP_F64, TAP_SCALAR, &number)), y = singles[i].f(x), slope;
        tap_grad(y, 1, &x, &slope);
        expect(singles[i].name, number, 0, "the value", tap_item(y), singles[i].y);
        expect(singles[i].name, number, 0, "the slope", tap_item(slope), singles[i].slope);
        tap_tape_reset(t);
    }
    assert_int_equal(tap_tape_status(t, NULL), TAP_OK);
    tap_tape_free(t);
}

/* ---- Functions of two inputs ---- */

/* clang-format off */
static const struct {
    const char *name;
    two         f;
    double      a, b, y, slope_a, slope_b;
} pairs[] = {
#define X(f, a, b, y, slope_a, slope_b) { #f, f, a, b, y, slope_a, slope_b },
    X(tap_atan2, 0.0, 0.0, 0, 0, -0.0) X(tap_atan2, 0.0, -1, 3.14159265358979324, -1, -0.0)
    X(tap_atan2, 1e200, 1e200, 0.785398163397448310, 5e-201, -5e-201) X(tap_hypot, 0.0, 0.0, 0, 0, 0)
    X(tap_hypot, -3e200, 4e200, 5e200, -0.6, 0.8) X(tap_hypot, nan_, inf, inf, nan_, nan_)
    X(tap_xlogy, 0.0, 0.0, 0, 0, 0) X(tap_xlogy, 0.0, -1, 0, 0, -0.0) X(tap_xlogy, 0.0, 2, 0, LN2, 0)
    X(tap_xlogy, 0.0, nan_, nan_, nan_, nan_) X(tap_xlogy, 2, 0.0, -inf, -inf, inf) X(tap_xlogy, 1, -1, nan_, nan_, -1)
    X(tap_xlogy, 0.0, inf, 0, inf, 0) X(tap_logaddexp, inf, 0.0, inf, 1, 0) X(tap_logaddexp, inf, inf, inf, 0.5, 0.5)
    X(tap_logaddexp, -inf, -inf, -inf, 0.5, 0.5) X(tap_logaddexp, -inf, 3, 3, 0, 1) X(tap_logaddexp, inf, -inf, inf, 1, 0)
    X(tap_logaddexp, nan_, 0.0, nan_, nan_, nan_) X(tap_logaddexp, -1e4, -1e4, -9999.30685281944005, 0.5, 0.5)
    X(tap_logaddexp, 0.0, -40, TAIL, 1, TAIL) X(tap_floor_divide, 7, -2, -4, 0, 0)
    X(tap_floor_divide, -7, -2, 3, 0, 0) X(tap_floor_divide, 1, 0.1, 9, 0, 0) X(tap_floor_divide, -1, inf, -1, 0, 0)
    X(tap_floor_divide, 1, 0.0, inf, 0, 0) X(tap_floor_divide, 0.0, 0.0, nan_, 0, 0) X(tap_floor_divide, inf, 2, nan_, 0, 0)
    X(tap_floor_divide, -0.0, 2, -0.0, 0, 0) X(tap_clamp_min, 1, 1, 1, 1, 0) X(tap_clamp_min, 0.0, 1, 1, 0, 1)
    X(tap_clamp_min, nan_, 1, nan_, 0, 0) X(tap_clamp_min, 1, nan_, nan_, 0, 0) X(tap_clamp_max, 1, 1, 1, 1, 0)
    X(tap_clamp_max, 2, 1, 1, 0, 1) X(tap_clamp_max, nan_, 1, nan_, 0, 0) X(tap_clamp_max, 1, nan_, nan_, 0, 0)
    X(tap_pow, nan_, 0.0, 1, 0, nan_)
    X(tap_pow, 0.0, 0.0, 1, 0, 0) X(tap_pow, 0.0, 1, 0, 1, 0) X(tap_pow, 0.0, 2, 0, 0, 0)
    X(tap_pow, 0.0, -1, inf, -inf, -inf) X(tap_pow, -2, 2, 4, -4, nan_) X(tap_pow, 2, 0.0, 1, 0, LN2)
    X(tap_bce_with_logits, 1e4, 1, 0, 0, -1e4) X(tap_bce_with_logits, 40, 1, TAIL, -TAIL, -40)
    X(tap_bce_with_logits, -1e4, 0.0, 0, 0, 1e4)
    X(tap_bce_with_logits, -40, 0.0, TAIL, TAIL, 40)
    X(tap_bce_with_logits, -1e4, 1, 1e4, -1, 1e4) X(tap_bce_with_logits, 0.0, 0.5, LN2, 0, -0.0)
    X(tap_bce_with_logits, 1e4, 0.0, 1e4, 1, -1e4)
#undef X
};

/* clang-format on */

static void test_two_inputs(void **state)
{
    (void)state;
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        double  number[2] = { pairs[i].a, pairs[i].b };
        tap_var in[2], slope[2];
        for (int k = 0; k < 2; k++) in[k] = tap_variable(t, tap_tensor_wrap(TAP_F64, TAP_SCALAR, &number[k]));
        tap_var y = pairs[i].f(in[0], in[1]);
        tap_grad(y, 2, in, slope);
        expect(pairs[i].name, number[0], number[1], "the value", tap_item(y), pairs[i].y);
        expect(pairs[i].name, number[0], number[1], "the slope by the first", tap_item(slope[0]), pairs[i].slope_a);
        expect(pairs[i].name, number[0], number[1], "the slope by the second", tap_item(slope[1]), pairs[i].slope_b);
        tap_tape_reset(t);
    }
    assert_int_equal(tap_tape_status(t, NULL), TAP_OK);
    tap_tape_free(t);
}

/* ---- Further properties ---- */

/* Results far out in a tail, and results for which an intermediate factorial would overflow. */
static void test_small_results(void **state)
{
    (void)state;
    static const struct {
        one    f;
        double x, y, slope;
    } rows[] = {
        { tap_gelu, -37, -2.11846135233409342e-298, -7.83829866941851624e-297 },
        { polygamma_200, 150.5, -2.21705141181731969e-63, 2.95393494054559602e-63 },
    };
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double  number = rows[i].x;
        tap_var x = tap_variable(t, tap_tensor_wrap(TAP_F64, TAP_SCALAR, &number)), y = rows[i].f(x), slope;
        tap_grad(y, 1, &x, &slope);
        assert_true(fabs(tap_item(y) / rows[i].y - 1) < 1e-12 && fabs(tap_item(slope) / rows[i].slope - 1) < 1e-12);
        tap_tape_reset(t);
    }
    tap_tape_free(t);
}

/* Second derivatives of powers at 0 are finite. */
static void test_second_derivatives_of_powers(void **state)
{
    (void)state;
    static const struct {
        one    f;
        double second;
    } rows[] = { { power_0, 0 }, { power_1, 0 }, { power_2, 2 }, { power_3, 0 }, { power_constant_0, 0 } };
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    double    zero = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tap_var x = tap_variable(t, tap_tensor_wrap(TAP_F64, TAP_SCALAR, &zero)), dx, ddx;
        tap_grad(rows[i].f(x), 1, &x, &dx);
        tap_grad(tap_add(dx, tap_mul(x, tap_scalar(t, 0))), 1, &x, &ddx); /* dx itself may be a constant */
        assert_true(tap_item(ddx) == rows[i].second);
    }
    assert_int_equal(tap_tape_status(t, NULL), TAP_OK);
    tap_tape_free(t);
}

/* d^2 a^b / da db is a^(b-1) (1 + b log a), in either order; at a = b = 0, where it does not exist, it is 0. */
static void test_mixed_derivatives_of_powers(void **state)
{
    (void)state;
    static const double rows[][3] = { { 2, 0, 0.5 }, { 4, 0, 0.25 }, { 1, 3, 1 }, { 0, 0, 0 }, { 2, 1, 1.69314718055994531 } };
    tap_tape           *t = tap_tape_new(TAP_F64, 1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double  number[2] = { rows[i][0], rows[i][1] };
        tap_var in[2], first[2], mixed;
        for (int k = 0; k < 2; k++) in[k] = tap_variable(t, tap_tensor_wrap(TAP_F64, TAP_SCALAR, &number[k]));
        tap_grad(tap_pow(in[0], in[1]), 2, in, first);
        for (int k = 0; k < 2; k++) {
            tap_grad(first[k], 1, &in[1 - k], &mixed);
            expect("pow", number[0], number[1], k ? "d/da d/db" : "d/db d/da", tap_item(mixed), rows[i][2]);
        }
    }
    assert_int_equal(tap_tape_status(t, NULL), TAP_OK);
    tap_tape_free(t);
}

/* Where the function is linear, intermediate powers do not overflow into the second derivative. */
static void test_second_derivatives_in_linear_tails(void **state)
{
    (void)state;
    static const one functions[] = { elu_2, celu_2, tap_selu, tap_softplus, tap_silu };
    tap_tape        *t = tap_tape_new(TAP_F64, 1);
    double           far = 1e4;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        tap_var x = tap_variable(t, tap_tensor_wrap(TAP_F64, TAP_SCALAR, &far)), dx, ddx;
        tap_grad(functions[i](x), 1, &x, &dx);
        tap_grad(dx, 1, &x, &ddx);
        assert_true(tap_item(ddx) == 0);
    }
    assert_int_equal(tap_tape_status(t, NULL), TAP_OK);
    tap_tape_free(t);
}

/* lerp is exact at weights 0 and 1, and a where a == b. */
static void test_lerp_is_exact_at_its_ends(void **state)
{
    (void)state;
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    tap_var   a = tap_scalar(t, 0.1), b = tap_scalar(t, 1e17 / 3);
    assert_true(tap_item(tap_lerp(a, b, tap_scalar(t, 0))) == 0.1);
    assert_true(tap_item(tap_lerp(a, b, tap_scalar(t, 1))) == 1e17 / 3);
    assert_true(tap_item(tap_lerp(b, a, tap_scalar(t, 1))) == 0.1);
    assert_true(tap_item(tap_lerp(b, a, tap_scalar(t, 0))) == 1e17 / 3);
    assert_true(tap_item(tap_lerp(a, a, tap_scalar(t, 0.7))) == 0.1);
    for (int i = -1; i <= 5; i++)
        assert_true(tap_item(tap_lerp(tap_scalar(t, 8), tap_scalar(t, 12), tap_scalar(t, i * 0.25))) == 8 + i);
    tap_tape_free(t);
}

/* Above 10^6 the C library computes sin and cos instead of the vector functions. */
static void test_large_angles(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        tap_tape *t = tap_tape_new(k ? TAP_F64 : TAP_F32, 1);
        for (double x = 999000; fabs(x) < 1e7; x *= -1.003) {
            double angle = k ? x : (double)(float)x;
            assert_true(fabs(tap_item(tap_sin(tap_scalar(t, angle))) - sin(angle)) < 1e-6);
            assert_true(fabs(tap_item(tap_cos(tap_scalar(t, angle))) - cos(angle)) < 1e-6);
        }
        tap_tape_free(t);
    }
}

/* Replacements that float32 cannot hold become its largest number. */
static void test_nan_to_num_in_float32(void **state)
{
    (void)state;
    tap_tape *t = tap_tape_new(TAP_F32, 1);
    assert_true(tap_item(tap_nan_to_num(tap_scalar(t, inf), 0, DBL_MAX, 0)) == (double)FLT_MAX);
    assert_true(tap_item(tap_nan_to_num(tap_scalar(t, -inf), 0, 0, -inf)) == -(double)FLT_MAX);
    tap_tape_free(t);
}

/* Integer dtypes as well: 0, 1, 2, 3 where above 1, else 1, after a cast. As bool, all are true. */
static void test_where_of_every_dtype(void **state)
{
    (void)state;
    tap_tape *t = tap_tape_new(TAP_F64, 1);
    tap_var   i = tap_arange(t, 4), x = tap_cast(i, TAP_F64), low = tap_scalar(t, 1);
    for (int dtype = TAP_F32; dtype <= TAP_BOOL; dtype++) {
        tap_var y = tap_where(tap_gt(x, low), tap_cast(x, (tap_dtype)dtype), tap_cast(low, (tap_dtype)dtype));
        assert_int_equal(tap_value(y).dtype, dtype);
        for (int k = 0; k < 4; k++) assert_true(tap_tensor_item(tap_value(y), k) == (dtype == TAP_BOOL ? 1 : fmax(1, k)));
    }
    assert_int_equal(tap_tape_status(t, NULL), TAP_OK);
    tap_tape_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single_inputs),
        cmocka_unit_test(test_two_inputs),
        cmocka_unit_test(test_small_results),
        cmocka_unit_test(test_second_derivatives_of_powers),
        cmocka_unit_test(test_mixed_derivatives_of_powers),
        cmocka_unit_test(test_second_derivatives_in_linear_tails),
        cmocka_unit_test(test_large_angles),
        cmocka_unit_test(test_lerp_is_exact_at_its_ends),
        cmocka_unit_test(test_nan_to_num_in_float32),
        cmocka_unit_test(test_where_of_every_dtype),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
