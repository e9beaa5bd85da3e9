/* Picking, placing and ordering among NaN, infinities and the ends of the range: what an index does not pick has gradient 0, and what
 * is replaced adds nothing. */
#include "nn/nn.h"
#include "tests/autograd/edge_cases.h"

/* Elements of [3] at the places, or the places as numbers. */
static tap_var sorted(tap_var x, bool descending, bool places)
{
    tap_var index, y = tap_sort(x, 0, descending, &index);
    return places ? tap_cast(index, TAP_F64) : y;
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
    X1(gather, tap_gather(x, 0, PLACES(TAP_SHAPE(2), 1, 3)), S(4), N(NO, 1, IN, LEAST), S(2), N(1, LEAST), N(0, 1, 0, 1))              \
    X1(gather__weights, tap_gather(x, 1, PLACES(TAP_SHAPE(2, 2), 1, 1, 0, 2)), S(2, 3), N(NO, 2, IN, -0.0, NO, -MOST), S(2, 2),        \
       N(2, 2, -0.0, -MOST), N(0, MOST, 0, IN, 0, LEAST), .c = N(MOST, 0, IN, LEAST))                                                  \
    X1(gather__empty, tap_gather(x, 0, PLACES(TAP_SHAPE(0), 0)), S(2), N(NO, IN), S(0), N(0), N(0, 0))                                 \
    X2(scatter, tap_scatter(a, 0, PLACES(TAP_SHAPE(3), 1, 1, 2), b), S(4), N(1, NO, IN, LEAST), S(3), N(NO, 5, -0.0), S(4),            \
       N(1, 5, -0.0, LEAST), N(1, 0, 0, 1), N(0, 1, 1))                                                                                \
    X2(scatter__weights, tap_scatter(a, 0, PLACES(TAP_SHAPE(2), 1, 1), b), S(3), N(1, NO, 2), S(2), N(IN, 5), S(3), N(1, 5, 2),        \
       N(1, 0, IN), N(0, MOST), .c = N(1, MOST, IN))                                                                                   \
    X2(scatter_add, tap_scatter_add(a, 0, PLACES(TAP_SHAPE(3), 1, 1, 3), b), S(4), N(LEAST, 1, NO, IN), S(3), N(2, 3, 7), S(4),        \
       N(LEAST, 6, NO, IN), N(1, 1, 1, 1), N(1, 1, 1))                                                                                 \
    X2(scatter_add__beside, tap_scatter_add(a, 0, PLACES(TAP_SHAPE(2), 0, 2), b), S(3), N(0, -0.0, 0), S(2), N(IN, NO), S(3),          \
       N(IN, -0.0, NO), N(1, 1, 1), N(1, 1))                                                                                           \
    X1(index_select, tap_index_select(x, 1, PLACES(TAP_SHAPE(2), 1, 1)), S(2, 3), N(NO, 1, IN, -IN, LEAST, NO), S(2, 2),               \
       N(1, 1, LEAST, LEAST), N(0, 2, 0, 0, 2, 0))                                                                                     \
    X1(take_along_dim, tap_take_along_dim(x, PLACES(TAP_SHAPE(2, 1), 2, 0), 1), S(2, 3), N(NO, IN, 1, -MOST, NO, IN), S(2, 1),         \
       N(1, -MOST), N(0, 0, 1, 1, 0, 0))                                                                                               \
    X2(where, tap_where(above_1(a), a, b), S(4), N(2, IN, NO, 0), S(4), N(NO, NO, 3, IN), S(4), N(2, IN, 3, IN), N(1, 1, 0, 0),        \
       N(0, 0, 1, 1))                                                                                                                  \
    X2(where__weights, tap_where(above_1(a), a, b), S(2), N(2, 0), S(2), N(NO, 3), S(2), N(2, 3), N(NO, 0), N(0, IN), .c = N(NO, IN))  \
    X2(where__root, tap_where(above_1(a), tap_sqrt(tap_add_scalar(a, -1)), b), S(3), N(5, 1, NO), S(3), N(NO, 7, 8), S(3), N(2, 7, 8), \
       N(0.25, 0, 0), N(0, 1, 1))                                                                                                      \
    X1(masked_fill, tap_masked_fill(x, tap_isnan(x), -IN), S(3), N(NO, 1, IN), S(3), N(-IN, 1, IN), N(0, 1, 1), .c = N(NO, 1, 1))      \
    X1(sort, sorted(x, false, false), S(6), N(NO, 1, IN, -IN, LEAST, -MOST), S(6), N(-IN, -MOST, LEAST, 1, IN, NO),                    \
       N(6, 4, 5, 1, 3, 2), .c = N(1, 2, 3, 4, 5, 6))                                                                                  \
    X1(sort__falling, sorted(x, true, false), S(4), N(0, NO, -0.0, IN), S(4), N(NO, IN, 0, -0.0), N(3, 1, 4, 2), .c = N(1, 2, 3, 4))   \
    X1(argsort, tap_argsort(x, 0, false), S(6), N(NO, 1, IN, -IN, LEAST, NO), S(6), N(3, 4, 1, 2, 0, 5), NULL)                         \
    X1(argsort__falling, tap_cast(tap_argsort(x, 0, true), TAP_F32), S(4), N(-0.0, 0, NO, -IN), S(4), N(2, 0, 1, 3), NULL)             \
    X1(argsort__of_sort, sorted(x, false, true), S(3), N(IN, -IN, LEAST), S(3), N(1, 2, 0), NULL)                                      \
    X1(topk, best(x, 2, false), S(2, 3), N(1, NO, IN, -IN, LEAST, NO), S(2, 2), N(1, IN, -IN, LEAST), N(1, 0, 1, 1, 1, 0))             \
    X1(topk__largest, best(x, 1, true), S(2, 3), N(1, 2, 3, -IN, -MOST, -IN), S(2, 1), N(3, -MOST), N(0, 0, 1, 0, 1, 0))               \
    X1(argmax, tap_argmax(x, TAP_LAST), S(3, 3), N(1, NO, IN, -IN, -IN, -IN, -0.0, 0, LEAST), S(3), N(1, 0, 2), NULL)                  \
    X1(argmin, tap_argmin(x, TAP_LAST), S(3, 3), N(1, -IN, NO, IN, IN, IN, LEAST, 0, -0.0), S(3), N(2, 0, 1), NULL)                    \
    X1(any, tap_any(x, TAP_LAST), S(4, 2), N(0, -0.0, 0, LEAST, NO, 0, IN, -IN), S(4), N(0, 1, 1, 1), NULL)                            \
    X1(all, tap_all(x, TAP_LAST), S(4, 2), N(1, -0.0, 1, LEAST, NO, -1, IN, 0), S(4), N(0, 1, 1, 0), NULL)                             \
    X1(count_nonzero, tap_count_nonzero(x, TAP_LAST), S(2, 3), N(0, -0.0, LEAST, NO, IN, 0), S(2), N(1, 2), NULL)                      \
    X1(one_hot, tap_one_hot(tap_argmax(x, TAP_LAST), 3), S(2, 3), N(1, NO, 2, -IN, -IN, -IN), S(2, 3), N(0, 1, 0, 1, 0, 0), NULL)      \
    X1(masked_fill__sum, tap_sum(tap_masked_fill(x, tap_isnan(x), 0), TAP_ALL), S(3), N(NO, 1, 2), SCALAR, N(3), N(0, 1, 1))

EDGE_CASES(indexing_edges, INDEXING)
/* clang-format on */
