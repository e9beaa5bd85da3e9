/* tests/autograd/edge_cases.h: macros with which tables of edge_case are written. */
#ifndef TAP_TESTS_AUTOGRAD_EDGE_CASES_H
#define TAP_TESTS_AUTOGRAD_EDGE_CASES_H

#include "tests/autograd/edges.h"

/* A list of cases is a macro of rows. X1(id, call, shape, numbers, shape of the result, numbers of the result, gradient,
 * ...) has one input, x in the call; X2 has two, a and b, with a shape, numbers and a gradient for each; X3 has three, a, b
 * and c. Numbers are N(1, 2, ..), shapes S(2, 3) or SCALAR; a gradient may be NULL. The other arguments set further members. */
#define N(...) ((const double[]){ __VA_ARGS__ })
/* clang-format off */
#define SCALAR { .rank = 0 }
/* clang-format on */

#define CASE_FUNCTION(id_, call) \
    static tap_var id_##_case(const tap_var *v) \
    { \
        const tap_var a = v[0], b = v[1], c = v[2], x = a; \
        (void)a, (void)b, (void)c, (void)x; \
        return call; \
    }
#define CASE1_FUNCTION(id, call, ...) CASE_FUNCTION(id, call)
#define CASE1_ROW(id_, call, s, from, s_out, to, ...) \
    { .id = #id_, .n = 1, .f = id_##_case, .shape = { s }, .x = { from }, .out = s_out, .y = to, .g[0] = __VA_ARGS__ },
/* clang-format off */
#define CASE2_ROW(id_, call, sa, from_a, sb, from_b, s_out, to, by_a, ...)                                                    \
    { .id = #id_, .n = 2, .f = id_##_case, .shape = { sa, sb }, .x = { from_a, from_b }, .out = s_out, .y = to, .g[0] = by_a, \
      .g[1] = __VA_ARGS__ },
/* clang-format on */
/* clang-format off */
#define CASE3_ROW(id_, call, sa, from_a, sb, from_b, sc, from_c, s_out, to, by_a, by_b, ...)                                \
    { .id = #id_, .n = 3, .f = id_##_case, .shape = { sa, sb, sc }, .x = { from_a, from_b, from_c }, .out = s_out, .y = to, \
      .g[0] = by_a, .g[1] = by_b, .g[2] = __VA_ARGS__ },
/* clang-format on */

/* The table `name` of the list CASES(X1, X2, X3). */
#define EDGE_CASES(name, CASES) \
    CASES(CASE1_FUNCTION, CASE1_FUNCTION, CASE1_FUNCTION) \
    const edge_case name[] = { CASES(CASE1_ROW, CASE2_ROW, CASE3_ROW){ 0 } };

/* The largest and the smallest positive number of the type under test are MAX and MIN. */
#define NaN ((double)NAN)
#define Inf HUGE_VAL
#define MAX EDGE_MAX
#define MIN EDGE_MIN

#define PLACES(shape, ...) (edge_places(v[0], shape, (const int64_t[]){ __VA_ARGS__ }))
#define AXES(...)          ((const int[]){ __VA_ARGS__ })
#define VARS(...)          ((const tap_var[]){ __VA_ARGS__ })

#endif
