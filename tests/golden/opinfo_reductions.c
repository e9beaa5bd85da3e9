/* tests/golden/opinfo_reductions.c: reductions, scans, sorting and indexing. */
#include "tests/golden/opinfo_rows.h"

/* PyTorch has var(x, dim, unbiased, keepdim), var(x, dim, correction=...) and var(x, unbiased). */
#define VARIANCE "input, dim=null, unbiased=null, keepdim=false, correction=null"

static tap_axes variance_axes(call *c)
{
    return is_bool(c, 1) ? TAP_ALL : axes(c, 1, 3);
}

static double correction(call *c)
{
    if (is_given(c, 4)) return N(4);
    if (is_bool(c, 1)) return B(1);
    return is_given(c, 2) ? B(2) : 1;
}

/* A number to scatter is expanded to the shape of the index. */
static tap_var source(call *c, int i)
{
    return is_tensor(c, i) ? T(i) : tap_expand(F(i), tap_shape_of(T(2)));
}

/* Without an axis, both are flattened. */
static tap_var take_along_dim(call *c)
{
    if (is_given(c, 2)) return tap_take_along_dim(T(0), X(1), D(2));
    return tap_take_along_dim(tap_flatten(T(0), 0, -1), tap_flatten(X(1), 0, -1), 0);
}

#define OP AS_FUNCTION
#include "tests/golden/opinfo_reductions.def"
#undef OP

#define OP AS_ROW
static const operator_row rows[] = {
#include "tests/golden/opinfo_reductions.def"
};

const table opinfo_reductions = TABLE(rows);
