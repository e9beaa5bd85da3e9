/* tests/golden/opinfo_shapes.c: views, joining and splitting, and indexing. */
#include "tests/golden/opinfo_rows.h"

static tap_var join_list(call *c, tap_var (*join)(int n, const tap_var *x, int axis))
{
    int            n;
    const tap_var *x = tensors(c, 0, &n);
    return join(n, x, D(1));
}

/* Only null stands for all axes; [] for none. */
static tap_axes listed_axes(call *c, int dim)
{
    tap_axes a = axes(c, dim, -1);
    a.all = !is_given(c, dim);
    return a;
}

static tap_var permute(call *c)
{
    int axis[LIST_SIZE], n = small_integers(c, 1, axis);
    return tap_permute(T(0), n, axis);
}

static tap_var movedim(call *c)
{
    int from[LIST_SIZE], to[LIST_SIZE], n = small_integers(c, 1, from), m = small_integers(c, 2, to);
    return n == m ? tap_movedim(T(0), n, from, to) : bad_argument(c, 2, "as long as the other");
}

static tap_var roll(call *c)
{
    int64_t shift[LIST_SIZE];
    int     axis[LIST_SIZE], n = integers(c, 1, shift), m = is_given(c, 2) ? small_integers(c, 2, axis) : 0;
    return m == 0 || m == n ? tap_roll(T(0), n, shift, m ? axis : NULL) : bad_argument(c, 2, "as long as the shifts");
}

static tap_var split_sections(call *c)
{
    int64_t size[LIST_SIZE], start = 0;
    int     n = integers(c, 1, size);
    for (int i = 0; i < n; i++) {
        c->out[i] = tap_narrow(T(0), D(2), start, size[i]);
        start += size[i];
    }
    return results_of(c, n);
}

#define OP AS_FUNCTION
#include "tests/golden/opinfo_shapes.def"
#undef OP

#define OP AS_ROW
static const operator_row rows[] = {
#include "tests/golden/opinfo_shapes.def"
};

const table opinfo_shapes = TABLE(rows);
