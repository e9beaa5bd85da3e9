/* tests/golden/opinfo_matrices.c: products and decompositions of matrices. */
#include "tests/golden/opinfo_rows.h"

/* PyTorch's samples name the operands first. */
static tap_var einsum(call *c)
{
    int            n;
    const tap_var *x = tensors(c, 0, &n);
    return tap_einsum(text(c, 1), n, x);
}

/* One of the lists in an argument that is a list of lists. */
static int axis_list(const call *c, int i, int which, int to[LIST_SIZE])
{
    call part = list_element(c, i, which);
    return small_integers(&part, i, to);
}

/* dims is a number of axes (the last ones of a and the first ones of b), or a list of axes for each operand. */
static tap_var tensordot(call *c)
{
    int a[LIST_SIZE], b[LIST_SIZE];
    if (!is_list(c, 2)) return tap_tensordot(T(0), T(1), D(2), NULL, NULL);
    int n = axis_list(c, 2, 0, a), m = axis_list(c, 2, 1, b);
    return n == m ? tap_tensordot(T(0), T(1), n, a, b) : bad_argument(c, 2, "two lists of equal length");
}

static tap_var slogdet(call *c)
{
    c->out[1] = tap_slogdet(T(0), &c->out[0]);
    return results_of(c, 2);
}

#define OP AS_FUNCTION
#include "tests/golden/opinfo_matrices.def"
#undef OP

#define OP AS_ROW
static const operator_row rows[] = {
#include "tests/golden/opinfo_matrices.def"
};

const table opinfo_matrices = TABLE(rows);
