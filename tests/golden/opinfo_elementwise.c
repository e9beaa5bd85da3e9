/* Rows: elementwise operators. */
#include "tests/golden/opinfo_rows.h"

#include <float.h>
#include <math.h>

/* Bounds are numbers or tensors, and either may be missing. */
static tap_var clamped(call *c)
{
    tap_var x = F(0);
    if (!is_tensor(c, 1) && !is_tensor(c, 2))
        return tap_clamp(x, given(c, 1) ? N(1) : -HUGE_VAL, given(c, 2) ? N(2) : HUGE_VAL);
    if (given(c, 1)) x = tap_clamp_min(x, F(1));
    return given(c, 2) ? tap_clamp_max(x, F(2)) : x;
}

static tap_var divided(call *c)
{
    const char *mode = given(c, 2) ? text(c, 2) : "";
    if (strcmp(mode, "floor") == 0) return tap_floor_divide(F(0), F(1));
    tap_var quotient = tap_div(F(0), F(1));
    return strcmp(mode, "trunc") == 0 ? tap_trunc(quotient) : quotient;
}

static tap_var to_decimals(call *c)
{
    double unit = pow(10, N(1));
    return N(1) == 0 ? tap_round(F(0)) : tap_mul_scalar(tap_round(tap_mul_scalar(F(0), unit)), 1 / unit);
}

/* What infinity becomes: left out, the largest number of the dtype that the run is about. */
static double bound(call *c, int i, int sign)
{
    return given(c, i) ? N(i) : sign * (c->precision == EXACT ? DBL_MAX : (double)FLT_MAX);
}

#define OP AS_FUNCTION
#include "tests/golden/opinfo_elementwise.def"
#undef OP

#define OP AS_ROW
static const operator_row rows[] = {
#include "tests/golden/opinfo_elementwise.def"
};

const table opinfo_elementwise = TABLE(rows);
