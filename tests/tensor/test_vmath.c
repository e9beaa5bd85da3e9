/* The vector functions against the C library in a wider type: all over the range, and at the special values. */
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

/* always_inline functions have no address worth taking. */
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
    double bound32, bound64, most; /* the largest |x| */
} function;

#define FUNCTION(name, exact, bound32, bound64, most) \
    { \
#name, name##_f32, name##_f64, exact, bound32, bound64, most \
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
    int         digits, least, largest;
} type;

static const type float_type = { "float", FLT_MANT_DIG, FLT_MIN_EXP, FLT_MAX_EXP };
static const type double_type = { "double", DBL_MANT_DIG, DBL_MIN_EXP, DBL_MAX_EXP };

static wide clip(wide x, wide most)
{
    return fabsl(x) > most ? copysignl(most, x) : x;
}

/* How far y is from f(x), in units of the last place. What overflows counts as the power of two after the largest number. */
static double error(const function *f, const type *t, double x, double y)
{
    wide top = ldexpl(1, t->largest), exact = clip(f->exact((wide)x), top), got = clip((wide)y, top);
    int  exponent;
    if (isnan(exact) || isnan(got)) return isnan(exact) && isnan(got) ? 0 : HUGE_VAL;
    if (exact == 0) return got == 0 && !signbit(got) == !signbit(exact) ? 0 : HUGE_VAL;
    frexpl(exact, &exponent);
    if (exponent < t->least) exponent = t->least;
    if (exponent > t->largest) exponent = t->largest;
    return (double)(fabsl(got - exact) / ldexpl(1, exponent - t->digits));
}

typedef struct {
    double error, x;
} worst;

static void check(worst *w, const function *f, const type *t, double x, double y)
{
    if (fabs(x) > f->most) return;
    double e = error(f, t, x, y);
    if (e > w->error) *w = (worst){ e, x };
}

static void report(const worst *w, const function *f, const type *t)
{
    const double bound = t == &float_type ? f->bound32 : f->bound64;
    print_message("  %-8s %-6s %.2f ulp at %a, %.2f allowed\n", f->name, t->name, w->error, w->x, bound);
    assert_true(w->error <= bound);
}

/* Bit patterns at equal steps, which reach all exponents, both signs, subnormals, infinities and NaN. */
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

/* By turns: any bit pattern, and numbers up to 8 (as many small as large ones), 1, 30 and 800, where the work is done. */
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

/* Is long double wider than double? Not on all machines, and not under valgrind. */
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

static void same(const char *what, double x, double y, double expected)
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
        same(f->name, cases[i].x, (double)f->f32((float)cases[i].x), cases[i].y);
        same(f->name, cases[i].x, f->f64(cases[i].x), cases[i].y);
    }
}

/* The last arguments with a finite result, with one that is not 0, and with one at all. */
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

/* Small numbers keep all their digits: through functions that begin like x, and where e^x is all that is left. */
static void test_small_numbers(void **state)
{
    (void)state;
    for (int k = 0; k < FUNCTIONS; k++) {
        const function *f = &functions[k];
        if (f->exact(0) != 0) continue; /* expm1, log1p, tanh and sin are left */
        same(f->name, (double)FLT_TRUE_MIN, (double)f->f32(FLT_TRUE_MIN), (double)FLT_TRUE_MIN);
        same(f->name, -DBL_TRUE_MIN, f->f64(-DBL_TRUE_MIN), -DBL_TRUE_MIN);
        same(f->name, 1e-20, f->f64(1e-20), 1e-20);
    }
    assert_true(tap__softplus_f64(-700) == tap__exp_f64(-700));
    assert_true(tap__sigmoid_f64(-740) == tap__exp_f64(-740));
}

/* Where e^-|x| is one half, and with it a choice is made. */
static void test_softplus_at_one_half(void **state)
{
    (void)state;
    const float  x32 = -0x1.62e43p-1f;
    const double x64 = -0x1.62e42fefa39efp-1;
    assert_true(tap__exp_f32(x32) == 0.5f && tap__exp_f64(x64) == 0.5);
    assert_true(fabs((double)tap__softplus_f32(x32) - log(1.5)) < (double)FLT_EPSILON);
    assert_true(fabs(tap__softplus_f64(x64) - log(1.5)) < DBL_EPSILON);
}

/* Names for templates. */
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
