/* Views, pieces and triangles of tensors that hold NaN, infinities, zeros and the ends of the range: what is shown is shown as it is, and
 * what is not shown has gradient 0. */
#include "tests/autograd/edge_cases.h"

#define X    N(NO, 1, -0.0, IN, LEAST, -MOST) /* of [2,3] */
#define ONES N(1, 1, 1, 1, 1, 1)

/* The pieces of an axis, last one first. */
static tap_var split_back(tap_var x, int how)
{
    tap_var   piece[3] = { { 0 } };
    const int n = how == 0   ? tap_split(x, 2, 1, 3, piece)
                  : how == 1 ? tap_chunk(x, 2, 1, 3, piece)
                             : tap_unbind(x, 1, 3, piece);
    if (how == 2) return tap_stack(2, VARS(piece[2], piece[0]), 1);
    return n == 2 ? tap_cat(2, VARS(piece[1], piece[0]), 1) : piece[2];
}

/* clang-format off */
#define VIEWS(X1, X2, X3)                                                                                                             \
    X1(reshape, tap_reshape(x, TAP_SHAPE(3, 2)), S(2, 3), X, S(3, 2), X, ONES)                                                        \
    X1(reshape__copy, tap_reshape(tap_mT(x), TAP_SHAPE(6)), S(2, 3), X, S(6), N(NO, IN, 1, LEAST, -0.0, -MOST), ONES)                 \
    X1(flatten, tap_flatten(x, 0, 1), S(2, 3), X, S(6), X, ONES)                                                                      \
    X1(unflatten, tap_unflatten(x, 1, TAP_SHAPE(3, 1)), S(2, 3), X, S(2, 3, 1), X, ONES)                                              \
    X1(unsqueeze, tap_unsqueeze(x, 1), S(2, 3), X, S(2, 1, 3), X, ONES)                                                               \
    X1(squeeze, tap_squeeze(x, TAP_ALL), S(2, 1, 3), X, S(2, 3), X, ONES)                                                             \
    X1(permute, tap_permute(x, 2, AXES(1, 0)), S(2, 3), X, S(3, 2), N(NO, IN, 1, LEAST, -0.0, -MOST), ONES)                           \
    X1(transpose, tap_transpose(x, 0, 1), S(2, 3), X, S(3, 2), N(NO, IN, 1, LEAST, -0.0, -MOST), ONES)                                \
    X1(mT, tap_mT(x), S(2, 3), X, S(3, 2), N(NO, IN, 1, LEAST, -0.0, -MOST), ONES)                                                    \
    X1(movedim, tap_movedim(x, 1, AXES(0), AXES(1)), S(2, 3), X, S(3, 2), N(NO, IN, 1, LEAST, -0.0, -MOST), ONES)                     \
    X1(expand, tap_expand(x, TAP_SHAPE(2, 3)), S(1, 3), N(IN, LEAST, -0.0), S(2, 3), N(IN, LEAST, -0.0, IN, LEAST, -0.0), N(2, 2, 2)) \
    X1(expand__large, tap_expand(x, TAP_SHAPE(3, 2)), S(1, 2), N(NO, 1), S(3, 2), N(NO, 1, NO, 1, NO, 1), N(MOST, IN),                \
       .c = N(MOST, IN, MOST, -1, -MOST, 2))                                                                                          \
    X1(slice, tap_slice(x, 1, 1, 2, 1), S(2, 3), X, S(2, 1), N(1, LEAST), N(0, 1, 0, 0, 1, 0))                                        \
    X1(slice__back, tap_slice(x, 1, TAP_END, TAP_END, -2), S(2, 3), X, S(2, 2), N(-0.0, NO, -MOST, IN), N(1, 0, 1, 1, 0, 1))          \
    X1(narrow, tap_narrow(x, 1, 1, 1), S(2, 3), X, S(2, 1), N(1, LEAST), N(0, 1, 0, 0, 1, 0), .c = N(1, 1))                           \
    X1(narrow__weights, tap_narrow(x, 1, 1, 2), S(2, 3), X, S(2, 2), N(1, -0.0, LEAST, -MOST), N(0, IN, MOST, 0, LEAST, -1),          \
       .c = N(IN, MOST, LEAST, -1))                                                                                                   \
    X1(select, tap_select(x, 0, 1), S(2, 3), X, S(3), N(IN, LEAST, -MOST), N(0, 0, 0, 1, 1, 1))                                       \
    X1(flip, tap_flip(x, TAP_ALL), S(2, 3), X, S(2, 3), N(-MOST, LEAST, IN, -0.0, 1, NO), ONES)                                       \
    X1(diagonal, tap_diagonal(x, 1, 0, 1), S(2, 3), N(NO, 1, IN, IN, -IN, -MOST), S(2), N(1, -MOST), N(0, 1, 0, 0, 0, 1))             \
    X1(diag_embed, tap_diag_embed(x, 0, 0, 1), S(2), N(NO, IN), S(2, 2), N(NO, 0, 0, IN), N(1, 1), .c = N(1, NO, IN, 1))              \
    X1(embed, tap_diag_embed(x, -1, 1, 0), S(2), N(IN, -MOST), S(3, 3), N(0, IN, 0, 0, 0, -MOST, 0, 0, 0), N(1, 1))                   \
    X1(diag, tap_diag(x, 0), S(2, 3), N(1, NO, IN, IN, LEAST, NO), S(2), N(1, LEAST), N(1, 0, 0, 0, 1, 0))                            \
    X1(diag__of_vector, tap_diag(x, 1), S(1), N(IN), S(2, 2), N(0, IN, 0, 0), N(1))                                                   \
    X1(unfold, tap_unfold(x, 0, 2, 1), S(4), N(NO, 1, IN, LEAST), S(3, 2), N(NO, 1, 1, IN, IN, LEAST), N(1, 2, 2, 1))                 \
    X1(unfold__apart, tap_unfold(x, 0, 1, 2), S(4), N(1, NO, LEAST, IN), S(2, 1), N(1, LEAST), N(1, 0, 1, 0))                         \
    X1(fold, tap_fold(x, 0, 4, 1), S(3, 2), N(1, 2, IN, -1, LEAST, NO), S(4), N(1, IN, -1, NO), ONES)                                 \
    X1(fold__apart, tap_fold(x, 0, 5, 3), S(2, 2), N(1, -IN, NO, LEAST), S(5), N(1, -IN, 0, NO, LEAST), N(1, 1, 1, 1),                \
       .c = N(1, 1, NO, 1, 1))                                                                                                        \
    X1(zero_pad, tap_zero_pad(x, 0, 1, -1), S(3), N(IN, LEAST, NO), S(3), N(0, IN, LEAST), N(1, 1, 0), .c = N(NO, 1, 1))              \
    X2(cat, tap_cat(2, VARS(a, b), 0), S(2), N(NO, IN), S(1), N(-0.0), S(3), N(NO, IN, -0.0), N(1, 1), N(1))                          \
    X2(cat__weights, tap_cat(2, VARS(a, b), 0), S(2), N(NO, IN), S(1), N(LEAST), S(3), N(NO, IN, LEAST), N(IN, 1), N(0),              \
       .c = N(IN, 1, 0))                                                                                                              \
    X2(cat__empty, tap_cat(3, VARS(a, b, a), 1), S(0), N(0), S(2, 1), N(IN, NO), S(2, 1), N(IN, NO), N(0), N(1, 1))                   \
    X2(stack, tap_stack(2, VARS(a, b), 1), S(2), N(NO, IN), S(2), N(-0.0, LEAST), S(2, 2), N(NO, -0.0, IN, LEAST), N(1, 1), N(1, 1))  \
    X1(split, split_back(x, 0), S(2, 3), X, S(2, 3), N(-0.0, NO, 1, -MOST, IN, LEAST), ONES)                                          \
    X1(chunk, split_back(x, 1), S(2, 3), X, S(2, 3), N(-0.0, NO, 1, -MOST, IN, LEAST), ONES)                                          \
    X1(unbind, split_back(x, 2), S(2, 3), N(1, NO, -0.0, IN, NO, LEAST), S(2, 2), N(-0.0, 1, LEAST, IN), N(1, 0, 1, 1, 0, 1))         \
    X1(repeat, tap_repeat(x, TAP_SHAPE(2)), S(3), N(NO, IN, -0.0), S(6), N(NO, IN, -0.0, NO, IN, -0.0), N(2, 2, 2))                   \
    X1(tile, tap_tile(x, TAP_SHAPE(2, 1)), S(3), N(NO, IN, -0.0), S(2, 3), N(NO, IN, -0.0, NO, IN, -0.0), N(2, 2, 2))                 \
    X1(roll, tap_roll(x, 1, ((const int64_t[]){ 1 }), AXES(1)), S(2, 3), X, S(2, 3), N(-0.0, NO, 1, -MOST, IN, LEAST), ONES)          \
    X1(tril, tap_tril(x, 0), S(2, 3), N(1, NO, IN, -0.0, LEAST, -IN), S(2, 3), N(1, 0, 0, -0.0, LEAST, 0), N(1, 0, 0, 1, 1, 0))       \
    X1(tril__weights, tap_tril(x, 0), S(2, 2), N(1, NO, IN, 2), S(2, 2), N(1, 0, IN, 2), N(1, 0, 1, IN), .c = N(1, NO, 1, IN))        \
    X1(triu, tap_triu(x, 1), S(2, 3), N(NO, 1, IN, IN, -IN, LEAST), S(2, 3), N(0, 1, IN, 0, 0, LEAST), N(0, 1, 1, 0, 0, 1))           \
    X1(trace, tap_trace(x), S(2, 3), N(1, NO, IN, -IN, 2, NO), SCALAR, N(3), N(1, 0, 0, 0, 1, 0))                                     \
    X1(trace__large, tap_trace(x), S(3, 3), N(MOST, 0, 0, 0, MOST, 0, 0, 0, -MOST), SCALAR, N(MOST), N(1, 0, 0, 0, 1, 0, 0, 0, 1))    \
    X1(cast__bool, tap_cast(x, TAP_BOOL), S(2, 3), X, S(2, 3), N(1, 1, 0, 1, 1, 1), NULL)                                             \
    X1(named, tap_named(x, "x"), S(2, 3), X, S(2, 3), X, ONES)

EDGE_CASES(view_edges, VIEWS)
/* clang-format on */
