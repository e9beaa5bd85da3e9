/* Tables of operators. A table is a file of rows, each OP(name, signature, value) on one line, which is included twice: once to
 * make a function of every value, and once to list them. */
#ifndef TAP_TESTS_GOLDEN_OPINFO_ROWS_H
#define TAP_TESTS_GOLDEN_OPINFO_ROWS_H

#include "tests/golden/opinfo.h"

/* The argument number i, as */
#define T(i) tensor(c, i)   /* a tensor, */
#define O(i) optional(c, i) /* one that may be absent, */
#define F(i) floating(c, i) /* a tensor or a number, in the float dtype of the run, */
#define X(i) indices(c, i)
#define N(i) number(c, i)
#define I(i) integer(c, i)
#define D(i) small(c, i) /* an axis or another int, */
#define B(i) flag(c, i)
#define S(i) shape(c, i)

#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)

/* clang-format off */
#define AS_FUNCTION(name, signature, ...) \
    static tap_var JOIN(row_, __LINE__)(call * c) { return __VA_ARGS__; }
/* clang-format on */
#define AS_ROW(name, signature, ...) { name, signature, JOIN(row_, __LINE__) },

#define UNARY(name, f)      OP(name, "input, inplace=false", f(F(0)))
#define BINARY(name, f)     OP(name, "input, other", f(F(0), F(1)))
#define REDUCTION(name, f)  OP(name, "input, dim=null, keepdim=false, dtype=null", f(T(0), axes(c, 1, 2)))
#define CUMULATIVE(name, f) OP(name, "input, dim, dtype=null", f(F(0), D(1)))

typedef struct {
    int                 n;
    const operator_row *rows;
} table;

/* clang-format off */
#define TABLE(rows) { (int)(sizeof(rows) / sizeof *(rows)), rows }
/* clang-format on */

extern const table opinfo_elementwise, opinfo_reductions, opinfo_shapes, opinfo_matrices, opinfo_images, opinfo_layers,
    opinfo_losses;

#endif
