/* autograd/ops/elementwise.h: the kernels made from the rows of elementwise.def. */
#ifndef TAP_AUTOGRAD_OPS_ELEMENTWISE_H
#define TAP_AUTOGRAD_OPS_ELEMENTWISE_H

#include "tensor/kernels/map.h"

/* The numbers of the rows, in order. */
enum {
#define UNARY(name, cost, value, rule)                     TAP__ROW_##name,
#define UNARY_P                                            UNARY
#define UNARY_PQ                                           UNARY
#define PRIVATE_UNARY                                      UNARY
#define PRIVATE_UNARY_P                                    UNARY
#define PRIVATE_UNARY_PQ                                   UNARY
#define BINARY(name, cost, value, rule_a, rule_b)          TAP__ROW_##name,
#define PRIVATE_BINARY                                     BINARY
#define TERNARY(name, cost, value, rule_a, rule_b, rule_c) TAP__ROW_##name,
#define PRIVATE_TERNARY                                    TERNARY
#define COMPARE(name, value)                               TAP__ROW_##name,
#include "autograd/ops/elementwise.def"
#undef UNARY
#undef UNARY_P
#undef UNARY_PQ
#undef PRIVATE_UNARY
#undef PRIVATE_UNARY_P
#undef PRIVATE_UNARY_PQ
#undef BINARY
#undef PRIVATE_BINARY
#undef TERNARY
#undef PRIVATE_TERNARY
#undef COMPARE
    TAP__ROW_where,
    TAP__ROW_accumulate,
    TAP__ROWS
};

/* The loop of each row for each dtype, TAP_F32 to TAP_BOOL; NULL if the operator does not take that dtype. */
typedef tap__run tap__elementwise_table[TAP__ROWS][5];

#if defined(__x86_64__)
extern const tap__elementwise_table tap__elementwise_avx2, tap__elementwise_avx512;
#endif
extern const tap__elementwise_table tap__elementwise_generic;

#endif
