/* tests/golden/opinfo_elementwise.c: elementwise operators. */
#include "tests/golden/opinfo_rows.h"

#include <float.h>
#include <math.h>

/* A bound is a number or a tensor, or is missing. */
static tap_var clamp(call *c)
{
    tap_var x = F(0);
    if (!is_tensor(c, 1) && !is_tensor(c, 2))
        return tap_clamp(x, is_given(c, 1) ? N(1) : -HUGE_VAL, is_given(c, 2) ? N(2) : HUGE_VAL);
    if (is_given(c, 1)) x = tap_clamp_min(x, F(1));
    return is_given(c, 2) ? tap_clamp_max(x, F(2)) : x;
}

static tap_var divide(call *c)
{
    const char *mode = is_given(c, 2) ? text(c, 2) : "";
    if (strcmp(mode, "floor") == 0) return tap_floor_divide(F(0), F(1));
    tap_var quotient = tap_div(F(0), F(1));
    return strcmp(mode, "trunc") == 0 ? tap_trunc(quotient) : quotient;
}

static tap_var round_to_decimals(call *c)
{
    double unit = pow(10, N(1));
    return N(1) == 0 ? tap_round(F(0)) : tap_mul_scalar(tap_round(tap_mul_scalar(F(0), unit)), 1 / unit);
}

/* The replacement of infinity: by default, the largest finite number of the run's dtype. */
static double bound(call *c, int i, int sign)
{
    return is_given(c, i) ? N(i) : sign * (c->precision == EXACT ? DBL_MAX : (double)FLT_MAX);
}

#define OP AS_FUNCTION
#include "tests/golden/opinfo_elementwise.def"
#undef OP

#define OP AS_ROW
static const operator_row rows[] = {
#include "tests/golden/opinfo_elementwise.def"
};

const table opinfo_elementwise = TABLE(rows);
