/* tests/autograd/edges_indexing.c: indexing and sorting of tensors that hold NaN, infinities and the ends of the range.
 * Elements that are not selected, or are replaced, have gradient 0. */
#include "nn/nn.h"
#include "tests/autograd/edge_cases.h"

/* The sorted elements of x, or their indices as floats. */
static tap_var sorted(tap_var x, bool descending, bool indices)
{
    tap_var index, y = tap_sort(x, 0, descending, &index);
    return indices ? tap_cast(index, TAP_F64) : y;
}

static tap_var best(tap_var x, int64_t k, bool largest)
{
    tap_var index, y = tap_topk(x, k, -1, largest, &index);
    return tap_shape_equal(tap_shape_of(y), tap_shape_of(index)) ? y : tap_detach(y);
}

static tap_var above_1(tap_var x)
{
    return tap_gt(x, tap_scalar_like(x, 1));
}

/* clang-format off */
#define INDEXING(X1, X2, X3)                                                                                                           \
    X1(gather, tap_gather(x, 0, PLACES(TAP_SHAPE(2), 1, 3)), S(4), N(NaN, 1, Inf, MIN), S(2), N(1, MIN), N(0, 1, 0, 1))              \
    X1(gather__weights, tap_gather(x, 1, PLACES(TAP_SHAPE(2, 2), 1, 1, 0, 2)), S(2, 3), N(NaN, 2, Inf, -0.0, NaN, -MAX), S(2, 2),        \
       N(2, 2, -0.0, -MAX), N(0, MAX, 0, Inf, 0, MIN), .c = N(MAX, 0, Inf, MIN))                                                  \
    X1(gather__empty, tap_gather(x, 0, PLACES(TAP_SHAPE(0), 0)), S(2), N(NaN, Inf), S(0), N(0), N(0, 0))                                 \
    X2(scatter, tap_scatter(a, 0, PLACES(TAP_SHAPE(3), 1, 1, 2), b), S(4), N(1, NaN, Inf, MIN), S(3), N(NaN, 5, -0.0), S(4),            \
       N(1, 5, -0.0, MIN), N(1, 0, 0, 1), N(0, 1, 1))                                                                                \
    X2(scatter__weights, tap_scatter(a, 0, PLACES(TAP_SHAPE(2), 1, 1), b), S(3), N(1, NaN, 2), S(2), N(Inf, 5), S(3), N(1, 5, 2),        \
       N(1, 0, Inf), N(0, MAX), .c = N(1, MAX, Inf))                                                                                   \
    X2(scatter_add, tap_scatter_add(a, 0, PLACES(TAP_SHAPE(3), 1, 1, 3), b), S(4), N(MIN, 1, NaN, Inf), S(3), N(2, 3, 7), S(4),        \
       N(MIN, 6, NaN, Inf), N(1, 1, 1, 1), N(1, 1, 1))                                                                                 \
    X2(scatter_add__beside, tap_scatter_add(a, 0, PLACES(TAP_SHAPE(2), 0, 2), b), S(3), N(0, -0.0, 0), S(2), N(Inf, NaN), S(3),          \
       N(Inf, -0.0, NaN), N(1, 1, 1), N(1, 1))                                                                                           \
    X1(index_select, tap_index_select(x, 1, PLACES(TAP_SHAPE(2), 1, 1)), S(2, 3), N(NaN, 1, Inf, -Inf, MIN, NaN), S(2, 2),               \
       N(1, 1, MIN, MIN), N(0, 2, 0, 0, 2, 0))                                                                                     \
    X1(take_along_dim, tap_take_along_dim(x, PLACES(TAP_SHAPE(2, 1), 2, 0), 1), S(2, 3), N(NaN, Inf, 1, -MAX, NaN, Inf), S(2, 1),         \
       N(1, -MAX), N(0, 0, 1, 1, 0, 0))                                                                                               \
    X2(where, tap_where(above_1(a), a, b), S(4), N(2, Inf, NaN, 0), S(4), N(NaN, NaN, 3, Inf), S(4), N(2, Inf, 3, Inf), N(1, 1, 0, 0),        \
       N(0, 0, 1, 1))                                                                                                                  \
    X2(where__weights, tap_where(above_1(a), a, b), S(2), N(2, 0), S(2), N(NaN, 3), S(2), N(2, 3), N(NaN, 0), N(0, Inf), .c = N(NaN, Inf))  \
    X2(where__root, tap_where(above_1(a), tap_sqrt(tap_add_scalar(a, -1)), b), S(3), N(5, 1, NaN), S(3), N(NaN, 7, 8), S(3), N(2, 7, 8), \
       N(0.25, 0, 0), N(0, 1, 1))                                                                                                      \
    X1(masked_fill, tap_masked_fill(x, tap_isnan(x), -Inf), S(3), N(NaN, 1, Inf), S(3), N(-Inf, 1, Inf), N(0, 1, 1), .c = N(NaN, 1, 1))      \
    X1(sort, sorted(x, false, false), S(6), N(NaN, 1, Inf, -Inf, MIN, -MAX), S(6), N(-Inf, -MAX, MIN, 1, Inf, NaN),                    \
       N(6, 4, 5, 1, 3, 2), .c = N(1, 2, 3, 4, 5, 6))                                                                                  \
    X1(sort__falling, sorted(x, true, false), S(4), N(0, NaN, -0.0, Inf), S(4), N(NaN, Inf, 0, -0.0), N(3, 1, 4, 2), .c = N(1, 2, 3, 4))   \
    X1(argsort, tap_argsort(x, 0, false), S(6), N(NaN, 1, Inf, -Inf, MIN, NaN), S(6), N(3, 4, 1, 2, 0, 5), NULL)                         \
    X1(argsort__falling, tap_cast(tap_argsort(x, 0, true), TAP_F32), S(4), N(-0.0, 0, NaN, -Inf), S(4), N(2, 0, 1, 3), NULL)             \
    X1(argsort__of_sort, sorted(x, false, true), S(3), N(Inf, -Inf, MIN), S(3), N(1, 2, 0), NULL)                                      \
    X1(topk, best(x, 2, false), S(2, 3), N(1, NaN, Inf, -Inf, MIN, NaN), S(2, 2), N(1, Inf, -Inf, MIN), N(1, 0, 1, 1, 1, 0))             \
    X1(topk__largest, best(x, 1, true), S(2, 3), N(1, 2, 3, -Inf, -MAX, -Inf), S(2, 1), N(3, -MAX), N(0, 0, 1, 0, 1, 0))               \
    X1(argmax, tap_argmax(x, TAP_LAST), S(3, 3), N(1, NaN, Inf, -Inf, -Inf, -Inf, -0.0, 0, MIN), S(3), N(1, 0, 2), NULL)                  \
    X1(argmin, tap_argmin(x, TAP_LAST), S(3, 3), N(1, -Inf, NaN, Inf, Inf, Inf, MIN, 0, -0.0), S(3), N(2, 0, 1), NULL)                    \
    X1(any, tap_any(x, TAP_LAST), S(4, 2), N(0, -0.0, 0, MIN, NaN, 0, Inf, -Inf), S(4), N(0, 1, 1, 1), NULL)                            \
    X1(all, tap_all(x, TAP_LAST), S(4, 2), N(1, -0.0, 1, MIN, NaN, -1, Inf, 0), S(4), N(0, 1, 1, 0), NULL)                             \
    X1(count_nonzero, tap_count_nonzero(x, TAP_LAST), S(2, 3), N(0, -0.0, MIN, NaN, Inf, 0), S(2), N(1, 2), NULL)                      \
    X1(one_hot, tap_one_hot(tap_argmax(x, TAP_LAST), 3), S(2, 3), N(1, NaN, 2, -Inf, -Inf, -Inf), S(2, 3), N(0, 1, 0, 1, 0, 0), NULL)      \
    X1(masked_fill__sum, tap_sum(tap_masked_fill(x, tap_isnan(x), 0), TAP_ALL), S(3), N(NaN, 1, 2), SCALAR, N(3), N(0, 1, 1))

EDGE_CASES(indexing_edges, INDEXING)
/* clang-format on */
