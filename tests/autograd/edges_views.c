/* tests/autograd/edges_views.c: views, parts and triangles of tensors that hold NaN, infinities, zeros and the ends of the
 * range. Elements are copied bit by bit, and those that a view leaves out have gradient 0. */
#include "tests/autograd/edge_cases.h"

#define X    N(NaN, 1, -0.0, Inf, MIN, -MAX) /* of [2,3] */
#define ONES N(1, 1, 1, 1, 1, 1)

/* The parts of an axis in reverse order. */
static tap_var split_reversed(tap_var x, int how)
{
    tap_var   part[3] = { { 0 } };
    const int n = how == 0 ? tap_split(x, 2, 1, 3, part) : how == 1 ? tap_chunk(x, 2, 1, 3, part) : tap_unbind(x, 1, 3, part);
    if (how == 2) return tap_stack(2, VARS(part[2], part[0]), 1);
    return n == 2 ? tap_cat(2, VARS(part[1], part[0]), 1) : part[2];
}

/* clang-format off */
#define VIEWS(X1, X2, X3)                                                                                                             \
    X1(reshape, tap_reshape(x, TAP_SHAPE(3, 2)), S(2, 3), X, S(3, 2), X, ONES)                                                        \
    X1(reshape__copy, tap_reshape(tap_mT(x), TAP_SHAPE(6)), S(2, 3), X, S(6), N(NaN, Inf, 1, MIN, -0.0, -MAX), ONES)                 \
    X1(flatten, tap_flatten(x, 0, 1), S(2, 3), X, S(6), X, ONES)                                                                      \
    X1(unflatten, tap_unflatten(x, 1, TAP_SHAPE(3, 1)), S(2, 3), X, S(2, 3, 1), X, ONES)                                              \
    X1(unsqueeze, tap_unsqueeze(x, 1), S(2, 3), X, S(2, 1, 3), X, ONES)                                                               \
    X1(squeeze, tap_squeeze(x, TAP_ALL), S(2, 1, 3), X, S(2, 3), X, ONES)                                                             \
    X1(permute, tap_permute(x, 2, AXES(1, 0)), S(2, 3), X, S(3, 2), N(NaN, Inf, 1, MIN, -0.0, -MAX), ONES)                           \
    X1(transpose, tap_transpose(x, 0, 1), S(2, 3), X, S(3, 2), N(NaN, Inf, 1, MIN, -0.0, -MAX), ONES)                                \
    X1(mT, tap_mT(x), S(2, 3), X, S(3, 2), N(NaN, Inf, 1, MIN, -0.0, -MAX), ONES)                                                    \
    X1(movedim, tap_movedim(x, 1, AXES(0), AXES(1)), S(2, 3), X, S(3, 2), N(NaN, Inf, 1, MIN, -0.0, -MAX), ONES)                     \
    X1(expand, tap_expand(x, TAP_SHAPE(2, 3)), S(1, 3), N(Inf, MIN, -0.0), S(2, 3), N(Inf, MIN, -0.0, Inf, MIN, -0.0), N(2, 2, 2)) \
    X1(expand__large, tap_expand(x, TAP_SHAPE(3, 2)), S(1, 2), N(NaN, 1), S(3, 2), N(NaN, 1, NaN, 1, NaN, 1), N(MAX, Inf),                \
       .c = N(MAX, Inf, MAX, -1, -MAX, 2))                                                                                          \
    X1(slice, tap_slice(x, 1, 1, 2, 1), S(2, 3), X, S(2, 1), N(1, MIN), N(0, 1, 0, 0, 1, 0))                                        \
    X1(slice__back, tap_slice(x, 1, TAP_END, TAP_END, -2), S(2, 3), X, S(2, 2), N(-0.0, NaN, -MAX, Inf), N(1, 0, 1, 1, 0, 1))          \
    X1(narrow, tap_narrow(x, 1, 1, 1), S(2, 3), X, S(2, 1), N(1, MIN), N(0, 1, 0, 0, 1, 0), .c = N(1, 1))                           \
    X1(narrow__weights, tap_narrow(x, 1, 1, 2), S(2, 3), X, S(2, 2), N(1, -0.0, MIN, -MAX), N(0, Inf, MAX, 0, MIN, -1),          \
       .c = N(Inf, MAX, MIN, -1))                                                                                                   \
    X1(select, tap_select(x, 0, 1), S(2, 3), X, S(3), N(Inf, MIN, -MAX), N(0, 0, 0, 1, 1, 1))                                       \
    X1(flip, tap_flip(x, TAP_ALL), S(2, 3), X, S(2, 3), N(-MAX, MIN, Inf, -0.0, 1, NaN), ONES)                                       \
    X1(diagonal, tap_diagonal(x, 1, 0, 1), S(2, 3), N(NaN, 1, Inf, Inf, -Inf, -MAX), S(2), N(1, -MAX), N(0, 1, 0, 0, 0, 1))             \
    X1(diag_embed, tap_diag_embed(x, 0, 0, 1), S(2), N(NaN, Inf), S(2, 2), N(NaN, 0, 0, Inf), N(1, 1), .c = N(1, NaN, Inf, 1))              \
    X1(embed, tap_diag_embed(x, -1, 1, 0), S(2), N(Inf, -MAX), S(3, 3), N(0, Inf, 0, 0, 0, -MAX, 0, 0, 0), N(1, 1))                   \
    X1(diag, tap_diag(x, 0), S(2, 3), N(1, NaN, Inf, Inf, MIN, NaN), S(2), N(1, MIN), N(1, 0, 0, 0, 1, 0))                            \
    X1(diag__of_vector, tap_diag(x, 1), S(1), N(Inf), S(2, 2), N(0, Inf, 0, 0), N(1))                                                   \
    X1(unfold, tap_unfold(x, 0, 2, 1), S(4), N(NaN, 1, Inf, MIN), S(3, 2), N(NaN, 1, 1, Inf, Inf, MIN), N(1, 2, 2, 1))                 \
    X1(unfold__apart, tap_unfold(x, 0, 1, 2), S(4), N(1, NaN, MIN, Inf), S(2, 1), N(1, MIN), N(1, 0, 1, 0))                         \
    X1(fold, tap_fold(x, 0, 4, 1), S(3, 2), N(1, 2, Inf, -1, MIN, NaN), S(4), N(1, Inf, -1, NaN), ONES)                                 \
    X1(fold__apart, tap_fold(x, 0, 5, 3), S(2, 2), N(1, -Inf, NaN, MIN), S(5), N(1, -Inf, 0, NaN, MIN), N(1, 1, 1, 1),                \
       .c = N(1, 1, NaN, 1, 1))                                                                                                        \
    X1(zero_pad, tap_zero_pad(x, 0, 1, -1), S(3), N(Inf, MIN, NaN), S(3), N(0, Inf, MIN), N(1, 1, 0), .c = N(NaN, 1, 1))              \
    X2(cat, tap_cat(2, VARS(a, b), 0), S(2), N(NaN, Inf), S(1), N(-0.0), S(3), N(NaN, Inf, -0.0), N(1, 1), N(1))                          \
    X2(cat__weights, tap_cat(2, VARS(a, b), 0), S(2), N(NaN, Inf), S(1), N(MIN), S(3), N(NaN, Inf, MIN), N(Inf, 1), N(0),              \
       .c = N(Inf, 1, 0))                                                                                                              \
    X2(cat__empty, tap_cat(3, VARS(a, b, a), 1), S(0), N(0), S(2, 1), N(Inf, NaN), S(2, 1), N(Inf, NaN), N(0), N(1, 1))                   \
    X2(stack, tap_stack(2, VARS(a, b), 1), S(2), N(NaN, Inf), S(2), N(-0.0, MIN), S(2, 2), N(NaN, -0.0, Inf, MIN), N(1, 1), N(1, 1))  \
    X1(split, split_reversed(x, 0), S(2, 3), X, S(2, 3), N(-0.0, NaN, 1, -MAX, Inf, MIN), ONES)                                          \
    X1(chunk, split_reversed(x, 1), S(2, 3), X, S(2, 3), N(-0.0, NaN, 1, -MAX, Inf, MIN), ONES)                                          \
    X1(unbind, split_reversed(x, 2), S(2, 3), N(1, NaN, -0.0, Inf, NaN, MIN), S(2, 2), N(-0.0, 1, MIN, Inf), N(1, 0, 1, 1, 0, 1))         \
    X1(repeat, tap_repeat(x, TAP_SHAPE(2)), S(3), N(NaN, Inf, -0.0), S(6), N(NaN, Inf, -0.0, NaN, Inf, -0.0), N(2, 2, 2))                   \
    X1(tile, tap_tile(x, TAP_SHAPE(2, 1)), S(3), N(NaN, Inf, -0.0), S(2, 3), N(NaN, Inf, -0.0, NaN, Inf, -0.0), N(2, 2, 2))                 \
    X1(roll, tap_roll(x, 1, ((const int64_t[]){ 1 }), AXES(1)), S(2, 3), X, S(2, 3), N(-0.0, NaN, 1, -MAX, Inf, MIN), ONES)          \
    X1(tril, tap_tril(x, 0), S(2, 3), N(1, NaN, Inf, -0.0, MIN, -Inf), S(2, 3), N(1, 0, 0, -0.0, MIN, 0), N(1, 0, 0, 1, 1, 0))       \
    X1(tril__weights, tap_tril(x, 0), S(2, 2), N(1, NaN, Inf, 2), S(2, 2), N(1, 0, Inf, 2), N(1, 0, 1, Inf), .c = N(1, NaN, 1, Inf))        \
    X1(triu, tap_triu(x, 1), S(2, 3), N(NaN, 1, Inf, Inf, -Inf, MIN), S(2, 3), N(0, 1, Inf, 0, 0, MIN), N(0, 1, 1, 0, 0, 1))           \
    X1(trace, tap_trace(x), S(2, 3), N(1, NaN, Inf, -Inf, 2, NaN), SCALAR, N(3), N(1, 0, 0, 0, 1, 0))                                     \
    X1(trace__large, tap_trace(x), S(3, 3), N(MAX, 0, 0, 0, MAX, 0, 0, 0, -MAX), SCALAR, N(MAX), N(1, 0, 0, 0, 1, 0, 0, 0, 1))    \
    X1(cast__bool, tap_cast(x, TAP_BOOL), S(2, 3), X, S(2, 3), N(1, 1, 0, 1, 1, 1), NULL)                                             \
    X1(named, tap_named(x, "x"), S(2, 3), X, S(2, 3), X, ONES)

EDGE_CASES(view_edges, VIEWS)
/* clang-format on */
