/* nn/functional/indices.c: checks of integer indices: of rows, for tap_embedding, and of classes, for tap_one_hot and the
 * losses. */
#include "nn/internal.h"

int64_t tap__index_at(tap_tensor x, int64_t i, tap_shape *position)
{
    int64_t offset = 0;
    *position = (tap_shape){ .rank = x.shape.rank };
    for (int k = x.shape.rank - 1; k >= 0; i /= x.shape.n[k--]) {
        position->n[k] = i % x.shape.n[k];
        offset += position->n[k] * x.stride[k];
    }
    return ((const int64_t *)x.data)[offset];
}

static bool fail_range(tap_var v, const char *what, const char *noun, int64_t index, tap_shape position, int64_t n)
{
    char where[TAP_SHAPE_TEXT + 4] = " at ";
    tap_shape_format(where + 4, position);
    if (position.rank == 0) where[0] = '\0';
    if (n < 0) tap_fail(v, TAP_EARG, "%s%s must be at least 0, not %lld", what, where, (long long)index);
    else if (n == 0) tap_fail(v, TAP_EARG, "%s %lld%s is out of range: there is no %s", what, (long long)index, where, noun);
    else
        tap_fail(v, TAP_EARG, "%s%s must be a %s of 0..%lld, not %lld", what, where, noun, (long long)(n - 1),
                 (long long)index);
    return false;
}

bool tap__check_indices(tap_var v, int64_t n, int64_t except, const char *what, const char *noun, int64_t *n_except)
{
    const tap_tensor x = tap_value(v);
    int64_t          count = 0;
    if (tap_tape_status(v.tape, NULL) != TAP_OK) return false;
    if (x.dtype != TAP_I64) {
        tap_fail(v, TAP_EDTYPE, "the %s must be int64, not %s", what, tap_dtype_name(x.dtype));
        return false;
    }
    for (int64_t i = 0; i < tap_numel(x.shape); i++) {
        tap_shape     position;
        const int64_t index = tap__index_at(x, i, &position);
        if (index == except) count++;
        else if (index < 0 || (n >= 0 && index >= n)) return fail_range(v, what, noun, index, position, n);
    }
    if (n_except) *n_except = count;
    return true;
}
