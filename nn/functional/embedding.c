/* nn/functional/embedding.c: rows of an embedding table, selected by integer indices. */
#include "autograd/internal.h"
#include "nn/internal.h"

tap_var tap_embedding(tap_var index, tap_var weight, int64_t padding_idx)
{
    TAP_CALL("embedding", index, weight);
    char a[TAP_SHAPE_TEXT];
    if (!tap__same_tape("embedding", 2, (tap_var[]){ index, weight })) return tap__inert(index.tape);
    tap_shape i = tap_shape_of(index), w = tap_shape_of(weight);
    if (w.rank != 2)
        return tap__fail(index.tape, TAP_ESHAPE, "embedding", "the weight must be [rows,width], not %s",
                         tap_shape_format(a, w));
    if (i.rank == TAP_MAX_RANK)
        return tap__fail(index.tape, TAP_ESHAPE, "embedding", "the index has too many axes for one more");
    if (!tap__check_indices(index, w.n[0], TAP_NO_INDEX, "index", "row", NULL)) return tap__inert(index.tape);
    tap_var flat = tap_reshape(index, TAP_SHAPE(-1)), rows = tap_index_select(weight, 0, flat);
    if (padding_idx != TAP_NO_INDEX) {
        if (padding_idx < 0) padding_idx += w.n[0];
        tap_var pads = tap_eq(flat, tap__scalar(index.tape, TAP_I64, (double)padding_idx));
        rows = tap_where(tap_unsqueeze(pads, 1), tap_detach(rows), rows);
    }
    i.n[i.rank++] = w.n[1];
    return tap_reshape(rows, i);
}
