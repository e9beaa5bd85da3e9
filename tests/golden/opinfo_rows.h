/* tests/golden/opinfo_rows.h: tables of operators. A table is a .def file of rows OP(name, signature, value). It is included
 * twice: first each value becomes the body of a function, then the rows are listed. */
#ifndef TAP_TESTS_GOLDEN_OPINFO_ROWS_H
#define TAP_TESTS_GOLDEN_OPINFO_ROWS_H

#include "tests/golden/opinfo.h"

/* Argument i, as */
#define T(i) tensor(c, i)        /* a tensor, */
#define O(i) optional(c, i)      /* an optional tensor, */
#define F(i) floating(c, i)      /* a tensor or a number, in the float dtype of the run, */
#define X(i) indices(c, i)       /* an int64 tensor, */
#define N(i) number(c, i)        /* a number, */
#define I(i) integer(c, i)       /* an int64, */
#define D(i) small_integer(c, i) /* an int, such as an axis, */
#define B(i) flag(c, i)          /* a bool, */
#define S(i) shape(c, i)         /* a shape. */

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
