/* tests/autograd/tape.h: what tests of the tape share. Values are vectors of three numbers, mostly. */
#ifndef TAP_TESTS_AUTOGRAD_TAPE_H
#define TAP_TESTS_AUTOGRAD_TAPE_H

#include "autograd/internal.h"
#include "tests/tensor/scratch.h"

enum { N = 3 };

static inline tap_tensor vector(double *numbers)
{
    return tap_tensor_wrap(TAP_F64, TAP_SHAPE(N), numbers);
}

/* All elements are equal to the expected ones, to the last bit. */
static inline void assert_elements(tap_var v, const double *expected)
{
    tap_tensor x = tap_value(v);
    assert_non_null(x.data);
    for (int64_t i = 0; i < tap_tensor_numel(x); i++) {
        double element = tap_tensor_item(x, i);
        if (element != expected[i]) fail_msg("element %d: %.17g != %.17g", (int)i, element, expected[i]);
    }
}

/* A parameter, as a leaf sees it. */
typedef struct {
    double value[N], grad[N];
    bool   fresh;
} memory;

static inline tap_leaf leaf_of(memory *m, const char *name)
{
    return (tap_leaf){ vector(m->value), vector(m->grad), &m->fresh, name };
}

static inline void assert_untouched(const memory *before, const memory *after)
{
    assert_memory_equal(before->value, after->value, sizeof before->value);
    assert_memory_equal(before->grad, after->grad, sizeof before->grad);
    assert_int_equal(before->fresh, after->fresh);
}

/* A result like the first input, which is no pair. */
static inline tap_status infer_like(tap_call *c, tap_tensor *out)
{
    if (tap_tensor_numel(c->in[0]) == 2) return tap_call_fail(c, TAP_EARG, "%d elements are a pair", 2);
    out->dtype = c->in[0].dtype;
    out->shape = c->in[0].shape;
    return TAP_OK;
}

#endif
