/* tests/tensor/test_vmath.c: the vector functions against the C library in a wider type, over the whole range and at special
 * values. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "tensor/kernels/vmath.h"
#include "tests/check.h"

typedef long double wide;

static wide sigmoid(wide x)
{
    return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x));
}

static wide softplus(wide x)
{
    return fmaxl(x, 0) + log1pl(expl(-fabsl(x)));
}

/* Functions to call by address: those of vmath.h are always inlined. */
#define CALL(name) \
    static float name##_f32(float x) \
    { \
        return tap__##name##_f32(x); \
    } \
    static double name##_f64(double x) \
    { \
        return tap__##name##_f64(x); \
    }
CALL(exp)
CALL(expm1)
CALL(log)
CALL(log1p)
CALL(tanh)
CALL(sigmoid)
CALL(softplus)
CALL(sin)
CALL(cos)

/* The errors allowed, in units of the last place, in float and in double, with and without fused multiply-adds. */
typedef struct {
    const char *name;
    float (*f32)(float);
    double (*f64)(double);
    wide (*exact)(wide);
    double bound32, bound64, max; /* max: the largest |x| */
} function;

#define FUNCTION(name, exact, bound32, bound64, max) \
    { \
#name, name##_f32, name##_f64, exact, bound32, bound64, max \
    }
static const function functions[] = {
    FUNCTION(exp, expl, 0.82, 0.87, HUGE_VAL),
    FUNCTION(expm1, expm1l, 1.25, 1.25, HUGE_VAL),
    FUNCTION(log, logl, 1.0, 1.0, HUGE_VAL),
    FUNCTION(log1p, log1pl, 0.93, 0.95, HUGE_VAL),
    FUNCTION(tanh, tanhl, 2.5, 2.5, HUGE_VAL),
    FUNCTION(sigmoid, sigmoid, 2.0, 2.0, HUGE_VAL),
    FUNCTION(softplus, softplus, 2.0, 2.0, HUGE_VAL),
    FUNCTION(sin, sinl, 1.5, 1.0, 1e6),
    FUNCTION(cos, cosl, 1.5, 1.0, 1e6),
};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

/* A floating-point type, as <float.h> describes it. */
typedef struct {
    const char *name;
    int         digits, min_exponent, max_exponent;
} type;

static const type float_type = { "float", FLT_MANT_DIG, FLT_MIN_EXP, FLT_MAX_EXP };
static const type double_type = { "double", DBL_MANT_DIG, DBL_MIN_EXP, DBL_MAX_EXP };

static wide clip(wide x, wide max)
{
    return fabsl(x) > max ? copysignl(max, x) : x;
}

/* The error of y as f(x), in units of the last place. A result that overflows counts as the power of two above the largest
 * number. */
static double error(const function *f, const type *t, double x, double y)
{
    wide top = ldexpl(1, t->max_exponent), exact = clip(f->exact((wide)x), top), got = clip((wide)y, top);
    int  exponent;
    if (isnan(exact) || isnan(got)) return isnan(exact) && isnan(got) ? 0 : HUGE_VAL;
    if (exact == 0) return got == 0 && !signbit(got) == !signbit(exact) ? 0 : HUGE_VAL;
    frexpl(exact, &exponent);
    if (exponent < t->min_exponent) exponent = t->min_exponent;
    if (exponent > t->max_exponent) exponent = t->max_exponent;
    return (double)(fabsl(got - exact) / ldexpl(1, exponent - t->digits));
}

typedef struct {
    double error, x;
} worst;

static void check(worst *w, const function *f, const type *t, double x, double y)
{
    if (fabs(x) > f->max) return;
    double e = error(f, t, x, y);
    if (e > w->error) *w = (worst){ e, x };
}

static void report(const worst *w, const function *f, const type *t)
{
    const double bound = t == &float_type ? f->bound32 : f->bound64;
    print_message("  %-8s %-6s %.2f ulp at %a, %.2f allowed\n", f->name, t->name, w->error, w->x, bound);
    assert_true(w->error <= bound);
}

/* Equally spaced bit patterns, which include all exponents, both signs, subnormals, infinities and NaN. */
static void test_float_errors(void **state)
{
    (void)state;
    for (int k = 0; k < FUNCTIONS; k++) {
        worst w = { 0, 0 };
        for (uint64_t i = 0; i < UINT64_C(1) << 32; i += 20011) {
            uint32_t bits = (uint32_t)i;
            float    x;
            memcpy(&x, &bits, sizeof x);
            check(&w, &functions[k], &float_type, (double)x, (double)functions[k].f32(x));
        }
        report(&w, &functions[k], &float_type);
    }
}

static uint64_t next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state ^ *state >> 29;
}

/* Five kinds in turn: any bit pattern; numbers up to 8 with all exponents; numbers up to 1, 30 and 800. */
static double argument(uint64_t *random, int i)
{
    uint64_t bits = next(random);
    double   any, unit = (double)(bits >> 11) * 0x1p-52 - 1;
    switch (i % 5) {
    case 0: memcpy(&any, &bits, sizeof any); return any;
    case 1: return ldexp(unit, (int)(next(random) >> 32) % 24 - 20);
    case 2: return unit;
    case 3: return unit * 30;
    default: return unit * 800;
    }
}

/* Whether long double is wider than double: not on all machines, and not under valgrind. */
static int is_wider(void)
{
    volatile wide one = 1, sum = one + (wide)DBL_EPSILON / 16;
    return sum != one;
}

static void test_double_errors(void **state)
{
    (void)state;
    if (!is_wider()) {
        print_message("skipped: long double is no wider than double here\n");
        skip();
    }
    for (int k = 0; k < FUNCTIONS; k++) {
        worst    w = { 0, 0 };
        uint64_t random = 1;
        for (int i = 0; i < 150000; i++) {
            double x = argument(&random, i);
            check(&w, &functions[k], &double_type, x, functions[k].f64(x));
        }
        report(&w, &functions[k], &double_type);
    }
}

static void assert_same_value(const char *what, double x, double y, double expected)
{
    if ((isnan(y) && isnan(expected)) || (y == expected && !signbit(y) == !signbit(expected))) return;
    fail_msg("%s(%a) is %a, not %a", what, x, y, expected);
}

static void test_special_values(void **state)
{
    (void)state;
    const double inf = HUGE_VAL, nan = (double)NAN;
    const struct {
        int    k;
        double x, y;
    } cases[] = {
        { 0, 0.0, 1 },    { 0, -0.0, 1 },   { 0, inf, inf },   { 0, -inf, 0 },   { 0, nan, nan },   { 0, 1e30, inf },
        { 0, -1e30, 0 },  { 1, 0.0, 0.0 },  { 1, -0.0, -0.0 }, { 1, inf, inf },  { 1, -inf, -1 },   { 1, nan, nan },
        { 1, 1e30, inf }, { 1, -1e30, -1 }, { 2, 1, 0 },       { 2, 0.0, -inf }, { 2, -0.0, -inf }, { 2, -1, nan },
        { 2, inf, inf },  { 2, -inf, nan }, { 2, nan, nan },   { 3, 0.0, 0.0 },  { 3, -0.0, -0.0 }, { 3, -1, -inf },
        { 3, -1.5, nan }, { 3, inf, inf },  { 3, -inf, nan },  { 3, nan, nan },  { 4, 0.0, 0.0 },   { 4, -0.0, -0.0 },
        { 4, inf, 1 },    { 4, -inf, -1 },  { 4, nan, nan },   { 4, 50, 1 },     { 4, -50, -1 },    { 5, 0.0, 0.5 },
        { 5, inf, 1 },    { 5, -inf, 0 },   { 5, nan, nan },   { 5, 1000, 1 },   { 5, -1000, 0 },   { 6, inf, inf },
        { 6, -inf, 0 },   { 6, nan, nan },  { 6, 1000, 1000 }, { 6, -1000, 0 },  { 7, 0.0, 0.0 },   { 7, -0.0, -0.0 },
        { 7, inf, nan },  { 7, nan, nan },  { 8, 0.0, 1 },     { 8, -0.0, 1 },   { 8, -inf, nan },  { 8, nan, nan },
        { 7, 2e6, nan },  { 8, -2e6, nan },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const function *f = &functions[cases[i].k];
        assert_same_value(f->name, cases[i].x, (double)f->f32((float)cases[i].x), cases[i].y);
        assert_same_value(f->name, cases[i].x, f->f64(cases[i].x), cases[i].y);
    }
}

/* The largest arguments with a finite result, with a result above 0, and with a result that is not NaN. */
static void test_ranges(void **state)
{
    (void)state;
    assert_true(tap__exp_f32(0x1.62e43p+6f) > FLT_MAX && tap__expm1_f32(0x1.62e43p+6f) > FLT_MAX);
    assert_true(tap__exp_f32(0x1.62e42ep+6f) < FLT_MAX && tap__expm1_f32(0x1.62e42ep+6f) < FLT_MAX);
    assert_true(tap__exp_f32(-103.9f) == FLT_TRUE_MIN && tap__exp_f32(-104.0f) == 0);
    assert_true(tap__exp_f64(0x1.62e42fefa39fp+9) > DBL_MAX && tap__expm1_f64(0x1.62e42fefa39fp+9) > DBL_MAX);
    assert_true(tap__exp_f64(0x1.62e42fefa39efp+9) < DBL_MAX && tap__expm1_f64(0x1.62e42fefa39efp+9) < DBL_MAX);
    assert_true(tap__exp_f64(-745.1) == DBL_TRUE_MIN && tap__exp_f64(-745.2) == 0);
    assert_true(fabs((double)tap__log_f32(FLT_MIN) - log((double)FLT_MIN)) < 1e-5 &&
                fabs(tap__log_f64(DBL_MIN) - log(DBL_MIN)) < 1e-12);
    assert_true(isfinite(tap__sin_f32(1e6f)) && isfinite(tap__cos_f32(-1e6f)) && isnan(tap__sin_f32(1.0001e6f)));
    assert_true(isfinite(tap__sin_f64(-1e6)) && isfinite(tap__cos_f64(1e6)) && isnan(tap__cos_f64(1e6 + 1)));
}

/* Small numbers keep all their digits, in functions that are x near 0, and in those that are e^x for negative x. */
static void test_small_numbers(void **state)
{
    (void)state;
    for (int k = 0; k < FUNCTIONS; k++) {
        const function *f = &functions[k];
        if (f->exact(0) != 0) continue; /* only expm1, log1p, tanh and sin */
        assert_same_value(f->name, (double)FLT_TRUE_MIN, (double)f->f32(FLT_TRUE_MIN), (double)FLT_TRUE_MIN);
        assert_same_value(f->name, -DBL_TRUE_MIN, f->f64(-DBL_TRUE_MIN), -DBL_TRUE_MIN);
        assert_same_value(f->name, 1e-20, f->f64(1e-20), 1e-20);
    }
    assert_true(tap__softplus_f64(-700) == tap__exp_f64(-700));
    assert_true(tap__sigmoid_f64(-740) == tap__exp_f64(-740));
}

/* softplus at e^-|x| = 1/2, where its two formulas meet. */
static void test_softplus_at_one_half(void **state)
{
    (void)state;
    const float  x32 = -0x1.62e43p-1f;
    const double x64 = -0x1.62e42fefa39efp-1;
    assert_true(tap__exp_f32(x32) == 0.5f && tap__exp_f64(x64) == 0.5);
    assert_true(fabs((double)tap__softplus_f32(x32) - log(1.5)) < (double)FLT_EPSILON);
    assert_true(fabs(tap__softplus_f64(x64) - log(1.5)) < DBL_EPSILON);
}

/* TAP__MATH selects the function by TAP__SUFFIX. */
static void test_name_by_suffix(void **state)
{
    (void)state;
#define TAP__SUFFIX f32
    assert_int_equal(sizeof TAP__MATH(exp)(1), sizeof(float));
#undef TAP__SUFFIX
#define TAP__SUFFIX f64
    assert_int_equal(sizeof TAP__MATH(exp)(1), sizeof(double));
#undef TAP__SUFFIX
}

int main(void)
{
    /* clang-format off */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_float_errors), cmocka_unit_test(test_double_errors), cmocka_unit_test(test_special_values),
        cmocka_unit_test(test_softplus_at_one_half),
        cmocka_unit_test(test_ranges),       cmocka_unit_test(test_small_numbers), cmocka_unit_test(test_name_by_suffix),
    };
    /* clang-format on */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
