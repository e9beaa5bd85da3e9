/* examples/common/sheet.c: arranges many images in a grid and writes it as one picture. */
#include "common.h"

static tap_tensor enlarge(tap_arena *a, tap_tensor x, int64_t k)
{
    int64_t    h = x.shape.n[0], w = x.shape.n[1];
    tap_tensor blocks = tap_tensor_expand(a, tap_tensor_reshape(a, x, TAP_SHAPE(h, 1, w, 1)), TAP_SHAPE(h, k, w, k));
    return tap_tensor_reshape(a, blocks, TAP_SHAPE(h * k, w * k));
}

/* Arranges images x [rows,columns,h,w] with gaps in one image [height,width]. */
static tap_tensor lay_out(tap_arena *a, tap_tensor x, int64_t gap)
{
    const int64_t rows = x.shape.n[0], columns = x.shape.n[1], h = x.shape.n[2], w = x.shape.n[3];
    tap_tensor    sheet = tap_tensor_zeros(a, TAP_F32, TAP_SHAPE(rows, h + gap, columns, w + gap));
    tap_tensor    frames = tap_tensor_slice(a, tap_tensor_slice(a, sheet, 1, 0, h, 1), 3, 0, w, 1);
    tap_tensor_fill(sheet, 0.3);
    tap_tensor_copy(frames, tap_tensor_transpose(a, x, 1, 2), tap_arena_error(a));
    tap_tensor flat = tap_tensor_reshape(a, sheet, TAP_SHAPE(rows * (h + gap), columns * (w + gap)));
    flat = tap_tensor_slice(a, flat, 0, 0, rows * (h + gap) - gap, 1);
    return tap_tensor_slice(a, flat, 1, 0, columns * (w + gap) - gap, 1);
}

bool sheet_write(const char *dir, const char *name, tap_tensor images, int64_t gap)
{
    char       path[PATH_SIZE];
    tap_arena *a = tap_arena_new();
    tap_tensor picture = enlarge(a, lay_out(a, images, gap), 2);
    join(path, dir, name);
    if (!tap_arena_error(a)->status) tap_png_write(path, picture, tap_arena_error(a));
    return arena_end(a);
}

bool sheet_write_var(const char *dir, const char *name, tap_var images, int64_t gap)
{
    const tap_shape  n = tap_shape_of(images);
    const tap_tensor x = tap_value(n.rank == 3 ? tap_reshape(images, TAP_SHAPE(n.n[0], n.n[1], SIDE, SIDE)) : images);
    return !x.data || sheet_write(dir, name, x, gap);
}

tap_var images_select(tap_tape *t, tap_tensor images, tap_var index)
{
    const tap_var x = tap_cast(tap_index_select(tap_input(t, images), 0, index), TAP_F32);
    return tap_mul_scalar(tap_reshape(x, TAP_SHAPE(-1, SIDE * SIDE)), 1.0 / 255);
}
