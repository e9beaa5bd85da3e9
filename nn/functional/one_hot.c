/* nn/functional/one_hot.c: class indices as one-hot vectors. */
#include "nn/internal.h"

static int64_t max_index(tap_tensor x)
{
    tap_shape position;
    int64_t   max = -1;
    for (int64_t i = 0; i < tap_numel(x.shape); i++) {
        const int64_t index = tap__index_at(x, i, &position);
        if (index > max) max = index;
    }
    return max;
}

tap_var tap_one_hot(tap_var index, int64_t num_classes)
{
    TAP_CALL("one_hot", index);
    const bool    from_indices = num_classes == TAP_NONE;
    const int64_t n = from_indices ? -1 : num_classes;
    if (num_classes < TAP_NONE)
        return tap_fail(index, TAP_EARG, "num_classes must be at least 1, or TAP_NONE, not %lld", (long long)num_classes);
    if (!tap__check_indices(index, n, TAP_NO_INDEX, "index", "class", NULL)) return (tap_var){ .tape = index.tape };
    if (from_indices) num_classes = max_index(tap_value(index)) + 1;
    if (num_classes < 1) return tap_fail(index, TAP_EARG, "there must be at least 1 class, not 0");
    return tap_cast(tap_eq(tap_unsqueeze(index, -1), tap_arange(index.tape, num_classes)), TAP_I64);
}
