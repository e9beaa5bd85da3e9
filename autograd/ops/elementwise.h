/* autograd/ops/elementwise.h: the kernels made from the rows of elementwise.def. */
#ifndef TAP_AUTOGRAD_OPS_ELEMENTWISE_H
#define TAP_AUTOGRAD_OPS_ELEMENTWISE_H

#include "tensor/kernels/map.h"

/* One number per row, in order. */
enum {
#define UNARY(name, cost, value, rule)                     TAP__ROW_##name,
#define WITH                                               UNARY
#define WITH2                                              UNARY
#define INNER1                                             UNARY
#define INNER_WITH                                         UNARY
#define INNER_WITH2                                        UNARY
#define BINARY(name, cost, value, rule_a, rule_b)          TAP__ROW_##name,
#define INNER                                              BINARY
#define TERNARY(name, cost, value, rule_a, rule_b, rule_c) TAP__ROW_##name,
#define INNER3                                             TERNARY
#define COMPARE(name, value)                               TAP__ROW_##name,
#include "autograd/ops/elementwise.def"
#undef UNARY
#undef WITH
#undef WITH2
#undef INNER1
#undef INNER_WITH
#undef INNER_WITH2
#undef BINARY
#undef INNER
#undef TERNARY
#undef INNER3
#undef COMPARE
    TAP__ROW_where,
    TAP__ROW_accumulate,
    TAP__ROWS
};

/* Loops per row and dtype (TAP_F32 ... TAP_BOOL); NULL where the operator has no such dtype. */
typedef tap__run tap__elementwise_table[TAP__ROWS][5];

#if defined(__x86_64__)
extern const tap__elementwise_table tap__elementwise_avx2, tap__elementwise_avx512;
#endif
extern const tap__elementwise_table tap__elementwise_generic;

#endif
