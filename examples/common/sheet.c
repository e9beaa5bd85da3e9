/* examples/common/sheet.c: arranges many images in a grid and writes it as one picture. */
#include "common.h"

bool sheet_write(const char *dir, const char *name, tap_var images, int64_t gap)
{
    char            path[PATH_SIZE];
    tap_error       e = { 0 };
    const tap_shape s = tap_shape_of(images);
    tap_var         x = s.rank == 3 ? tap_reshape(images, TAP_SHAPE(s.n[0], s.n[1], SIDE, SIDE)) : images;
    x = tap_pad(x, 4, (int64_t[]){ 0, gap, 0, gap }, TAP_PAD_CONSTANT, 0.3);
    const tap_shape padded = tap_shape_of(x);
    const int64_t   height = padded.n[0] * padded.n[2], width = padded.n[1] * padded.n[3];
    x = tap_reshape(tap_transpose(x, 1, 2), TAP_SHAPE(height, 1, width, 1));
    x = tap_reshape(tap_expand(x, TAP_SHAPE(height, 2, width, 2)), TAP_SHAPE(2 * height, 2 * width));
    x = tap_pad(x, 4, (int64_t[]){ 0, -2 * gap, 0, -2 * gap }, TAP_PAD_CONSTANT, 0); /* no gap after the last images */
    join(path, dir, name);
    return !tap_value(x).data || !tap_png_write(path, tap_value(x), &e) || fail("%s", e.message);
}

tap_var images_select(tap_tape *t, tap_tensor images, tap_var index)
{
    const tap_var x = tap_cast(tap_index_select(tap_input(t, images), 0, index), TAP_F32);
    return tap_mul_scalar(tap_reshape(x, TAP_SHAPE(-1, SIDE * SIDE)), 1.0 / 255);
}
