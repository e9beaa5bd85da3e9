/* Rows: convolution, pooling, padding, interpolation. */
#include "tests/golden/opinfo_rows.h"

#define CONVOLUTION   "input, weight, bias=null, stride=1, padding=0, dilation=1, groups=1"
#define TRANSPOSED    "input, weight, bias=null, stride=1, padding=0, output_padding=0, groups=1, dilation=1"
#define AVERAGE       "input, kernel_size, stride=null, padding=0, ceil_mode=false, count_include_pad=true, divisor_override=null"
#define MAXIMUM       "input, kernel_size, stride=null, padding=0, dilation=1, ceil_mode=false, return_indices=false"
#define INTERPOLATION "input, size=null, scale_factor=null, mode=nearest, align_corners=null, recompute_scale_factor=null"

/* A number per spatial axis, or one for all of them. Null and [] leave what is there. */
static void per_axis(call *c, int i, int axes, int64_t to[])
{
    int64_t x[LIST_SIZE];
    int     n = given(c, i) ? integers(c, i, x) : 0;
    if (n > 1 && n != axes) wrong(c, i, "a number for each axis");
    for (int k = 0; k < axes && (n == 1 || n == axes); k++) to[k] = x[n == 1 ? 0 : k];
}

static tap_conv_options convolution(call *c, int axes)
{
    tap_conv_options o = { .groups = I(6), .same = is_text(c, 4, "same") };
    per_axis(c, 3, axes, o.stride);
    if (!o.same && !is_text(c, 4, "valid")) per_axis(c, 4, axes, o.padding);
    per_axis(c, 5, axes, o.dilation);
    return o;
}

static tap_conv_options transposed(call *c, int axes)
{
    tap_conv_options o = { .groups = I(6) };
    per_axis(c, 3, axes, o.stride);
    per_axis(c, 4, axes, o.padding);
    per_axis(c, 5, axes, o.output_padding);
    per_axis(c, 7, axes, o.dilation);
    return o;
}

static tap_pool_options windows(call *c)
{
    tap_pool_options o = { .divisor = 0 };
    per_axis(c, 1, 2, o.kernel);
    per_axis(c, 2, 2, o.stride);
    per_axis(c, 3, 2, o.padding);
    return o;
}

static tap_pool_options means(call *c)
{
    tap_pool_options o = windows(c);
    o.ceil_mode = B(4);
    o.exclude_pad = !B(5);
    if (given(c, 6)) o.divisor = I(6);
    return o;
}

static tap_var maxima(call *c)
{
    tap_pool_options o = windows(c);
    per_axis(c, 4, 2, o.dilation);
    o.ceil_mode = B(5);
    return B(6) ? two(c, tap_max_pool2d(T(0), o, &c->out[1])) : tap_max_pool2d(T(0), o, NULL);
}

/* Each of two sizes may be null: as large as it is, which is 0 here. */
static tap_var adaptive(call *c)
{
    int64_t size[2] = { 0 };
    if (!is_list(c, 1)) per_axis(c, 1, 2, size);
    for (int k = 0; k < 2 && is_list(c, 1); k++) {
        call part = part_of(c, 1, k);
        if (given(&part, 1)) size[k] = integer(&part, 1);
    }
    return tap_adaptive_avg_pool2d(T(0), size[0], size[1]);
}

static tap_interpolate_options interpolation(call *c)
{
    static const char *const names[] = { "nearest", "nearest-exact", "linear", "bilinear", "trilinear", "bicubic", "area" };
    tap_interpolate_options  o = { .align_corners = given(c, 4) && B(4), .recompute_scale = given(c, 5) && B(5) };
    int                      mode = named(c, 3, 7, names), axes = tap_shape_of(T(0)).rank - 2;
    o.mode = mode < 2 ? mode : mode < 5 ? TAP_INTERPOLATE_LINEAR : mode == 5 ? TAP_INTERPOLATE_BICUBIC : TAP_INTERPOLATE_AREA;
    if (axes < 1 || axes > 3) wrong(c, 0, "of three to five axes");
    else per_axis(c, 1, axes, o.size);
    for (int k = 0; k < axes && k < 3 && given(c, 2); k++) {
        call part = is_list(c, 2) ? part_of(c, 2, k) : *c;
        o.scale[k] = number(&part, 2);
    }
    return o;
}

static tap_var padded(call *c)
{
    static const char *const names[] = { "constant", "reflect", "replicate", "circular" };
    int64_t                  padding[LIST_SIZE];
    int                      n = integers(c, 1, padding);
    return tap_pad(T(0), n, padding, (tap_pad_mode)named(c, 2, 4, names), given(c, 3) ? N(3) : 0);
}

#define OP AS_FUNCTION
#include "tests/golden/opinfo_images.def"
#undef OP

#define OP AS_ROW
static const operator_row rows[] = {
#include "tests/golden/opinfo_images.def"
};

const table opinfo_images = TABLE(rows);
