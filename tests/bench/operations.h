/* tests/bench/operations.h: the rows of bench_ops. */
#ifndef TAP_TESTS_BENCH_OPERATIONS_H
#define TAP_TESTS_BENCH_OPERATIONS_H

#include "nn/nn.h"

/* The side of large arrays: 61 MiB, far more than the caches. A power of two would map a column to few lines of a cache. */
enum { EDGE = 4000 };

/* Sizes of an operand, and its layout in memory: strided means every second row and column of a larger array. */
typedef struct {
    enum { WHOLE, TRANSPOSED, STRIDED } how;
    int64_t n[4];
} operand;

typedef struct {
    const char *group, *name;
    tap_var (*one)(tap_var x);            /* either, */
    tap_var (*two)(tap_var x, tap_var y); /* or */
    operand x, y;
    enum { BYTES, PRODUCT, WEIGHTS, WEIGHTS_OF_INPUT } work;
    bool gradients;
} operation;

/* A copy is not an operator: it writes to an array of its own, EDGE^2 elements. */
static float  *copies;
static tap_var copied(tap_var x)
{
    tap_tensor_copy(tap_tensor_wrap(TAP_F32, tap_shape_of(x), copies), tap_value(x), NULL);
    return x;
}

/* clang-format off */
#define FUNCTION(name, value, ...) static tap_var name(__VA_ARGS__) { return value; }
FUNCTION(sum_all,         tap_sum(x, TAP_ALL),           tap_var x)
FUNCTION(sum_columns,     tap_sum(x, TAP_AXES(0)),       tap_var x)
FUNCTION(sum_rows,        tap_sum(x, TAP_AXES(1)),       tap_var x)
FUNCTION(logsumexp,       tap_logsumexp(x, TAP_AXES(1)), tap_var x)
FUNCTION(softmax,         tap_softmax(x, 1),             tap_var x)
#define HALVES (tap_conv_options){ .stride = { 2, 2 }, .padding = { 1, 1 } }
FUNCTION(conv,            tap_conv2d(x, y, (tap_var){ 0 }, HALVES),           tap_var x, tap_var y)
FUNCTION(conv_transposed, tap_conv_transpose2d(x, y, (tap_var){ 0 }, HALVES), tap_var x, tap_var y)

#define W(...) { WHOLE, { __VA_ARGS__ } }
#define T(...) { TRANSPOSED, { __VA_ARGS__ } }
#define S(...) { STRIDED, { __VA_ARGS__ } }
#define BOTH_SIZES(group, name, one, two)                                        \
    { group, name, one, two, W(EDGE, EDGE), W(EDGE, EDGE), BYTES, false },       \
    { group, name, one, two, W(128, 256), W(128, 256), BYTES, false }
#define ELEMENTWISE(name, one, two)                                              \
    BOTH_SIZES("elementwise", name, one, two),                                   \
    { "elementwise", name ", transposed", one, two, T(EDGE, EDGE), W(EDGE, EDGE), BYTES, false }
#define ROW(name, two)        { "elementwise", name ", row", NULL, two, W(EDGE, EDGE), W(EDGE), BYTES, false }
#define REDUCTION(name, one)  BOTH_SIZES("reduction", name, one, NULL)
#define MATMUL(name, x, y)    { "matmul", name, NULL, tap_matmul, x, y, PRODUCT, false }
#define CONV(name, two, work, x, y)                                              \
    { "conv", name, NULL, two, x, y, work, false }, { "conv", name ", and backward", NULL, two, x, y, work, true }

static const operation operations[] = {
    ELEMENTWISE("copy", copied, NULL),
    ELEMENTWISE("add", NULL, tap_add),
    ROW("add", tap_add),
    ELEMENTWISE("mul", NULL, tap_mul),
    ROW("mul", tap_mul),
    ELEMENTWISE("exp", tap_exp, NULL),
    ELEMENTWISE("tanh", tap_tanh, NULL),
    ELEMENTWISE("sigmoid", tap_sigmoid, NULL),
    ELEMENTWISE("softplus", tap_softplus, NULL),
    ELEMENTWISE("log", tap_log, NULL),
    REDUCTION("sum, all", sum_all),
    REDUCTION("sum, axis 0", sum_columns),
    REDUCTION("sum, axis 1", sum_rows),
    REDUCTION("logsumexp, axis 1", logsumexp),
    REDUCTION("softmax, axis 1", softmax),
    MATMUL("large", W(2048, 2048), W(2048, 2048)),
    MATMUL("x transposed", T(1000, 1000), W(1000, 1000)),
    MATMUL("y transposed", W(1000, 1000), T(1000, 1000)),
    MATMUL("both strided", S(1000, 1000), S(1000, 1000)),
    MATMUL("layer", W(128, 784), T(784, 400)),
    MATMUL("layer's weight", T(400, 128), W(128, 784)),
    MATMUL("narrow", W(2000, 2000), W(2000, 20)),
    MATMUL("thin", W(2000, 20), W(20, 2000)),
    MATMUL("one row", W(1, 2000), W(2000, 2000)),
    MATMUL("small", W(64, 64), W(64, 64)),
    MATMUL("batch of small", W(64, 64, 64), W(64, 64, 64)),
    MATMUL("batch", W(16, 256, 256), W(16, 256, 256)),
    CONV("4x4", conv, WEIGHTS, W(128, 1, 28, 28), W(32, 1, 4, 4)),
    CONV("4x4", conv, WEIGHTS, W(128, 32, 14, 14), W(64, 32, 4, 4)),
    CONV("4x4 transposed", conv_transposed, WEIGHTS_OF_INPUT, W(128, 64, 7, 7), W(64, 32, 4, 4)),
    CONV("4x4 transposed", conv_transposed, WEIGHTS_OF_INPUT, W(128, 32, 14, 14), W(32, 1, 4, 4)),
};
/* clang-format on */

#endif
