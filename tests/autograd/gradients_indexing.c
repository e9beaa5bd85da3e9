/* tests/autograd/gradients_indexing.c: gradient rows of indexing and sorting. */
#include "tests/autograd/gradients.h"

/* An index of this shape with numbers from 0 to n - 1, some of them repeated. */
static tap_var indices(tap_tape *t, tap_shape shape, int64_t n)
{
    tap_var i = tap_arange(t, tap_numel(shape));
    tap_var x = tap_cast(i, TAP_F64);
    return tap_reshape(tap_cast(tap_mul_scalar(tap_add_scalar(tap_sin(tap_mul_scalar(x, 3)), 1), 0.499 * (double)n), TAP_I64),
                       shape);
}

static tap_shape with_size(tap_var x, int axis, int64_t n)
{
    tap_shape s = tap_shape_of(x);
    s.n[axis] = n;
    return s;
}

ONE(f_gather, tap_gather(a, 1, indices(t, with_size(a, 1, 5), 3)))
ONE(f_gather_last, tap_gather(a, -1, indices(t, with_size(a, 1, 2), 4)))
ONE(f_gather_scalar, tap_gather(tap_sum(a, TAP_ALL), 0, tap_cast(tap_zeros(t, TAP_SHAPE(1)), TAP_I64)))
TWO(f_scatter, tap_scatter(a, 1, indices(t, with_size(b, 1, 3), 3), b))
TWO(f_scatter_fewer, tap_scatter(a, 2, indices(t, with_size(b, 1, 2), 4), b))
TWO(f_scatter_last, tap_scatter(a, -1, indices(t, with_size(b, 1, 2), 4), b))
TWO(f_scatter_add, tap_scatter_add(a, 1, indices(t, with_size(b, 1, 3), 3), b))
TWO(f_scatter_add_last, tap_scatter_add(a, -1, indices(t, with_size(b, 1, 2), 4), b))
ONE(f_index_select, tap_index_select(a, 1, indices(t, TAP_SHAPE(6), 3)))
ONE(f_take_along_dim, tap_take_along_dim(a, indices(t, TAP_SHAPE(1, 1, 5), 4), 2))
ONE(f_masked_fill, tap_masked_fill(a, tap_gt(a, tap_scalar_like(a, 0.5)), 0.5))
ONE(f_sort, tap_sort(a, 1, false, NULL))
ONE(f_sort_descending, tap_mul(tap_sort(a, -1, true, NULL), a))
ONE(f_topk, tap_topk(a, 2, 2, true, NULL))
ONE(f_topk_smallest, tap_topk(a, 1, 1, false, NULL))

const gradient_row indexing_gradients[] = {
    { "gather", f_gather, R1 },
    { "gather", f_gather_last, R1 },
    { "gather", f_gather_scalar, R1 },
    { "scatter", f_scatter, R2 },
    { "scatter", f_scatter_fewer, R2 },
    { "scatter", f_scatter_last, R2 },
    { "scatter_add", f_scatter_add, R2 },
    { "scatter_add", f_scatter_add_last, R2 },
    { "index_select", f_index_select, R1 },
    { "take_along_dim", f_take_along_dim, R1, .fixed = true },
    { "masked_fill", f_masked_fill, R1, KINK(0.5) },
    { "sort", f_sort, R1, .ties = true },
    { "sort", f_sort_descending, R1, .ties = true },
    { "topk", f_topk, R1, .ties = true },
    { "topk", f_topk_smallest, R1, .ties = true },
    { 0 },
};
