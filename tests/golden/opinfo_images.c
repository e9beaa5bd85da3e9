/* tests/golden/opinfo_images.c: convolution, pooling, padding, interpolation. */
#include "tests/golden/opinfo_rows.h"

#define CONVOLUTION "input, weight, bias=null, stride=1, padding=0, dilation=1, groups=1"
#define TRANSPOSED  "input, weight, bias=null, stride=1, padding=0, output_padding=0, groups=1, dilation=1"
#define AVERAGE \
    "input, kernel_size, stride=null, padding=0, ceil_mode=false, count_include_pad=true, " \
    "divisor_override=null"
#define MAXIMUM       "input, kernel_size, stride=null, padding=0, dilation=1, ceil_mode=false, return_indices=false"
#define INTERPOLATION "input, size=null, scale_factor=null, mode=nearest, align_corners=null, recompute_scale_factor=null"

/* Reads a number for each spatial axis, or one for all of them. Null and [] change nothing. */
static void read_per_axis(call *c, int i, int axes, int64_t to[])
{
    int64_t x[LIST_SIZE];
    int     n = is_given(c, i) ? integers(c, i, x) : 0;
    if (n > 1 && n != axes) bad_argument(c, i, "a number for each axis");
    for (int k = 0; k < axes && (n == 1 || n == axes); k++) to[k] = x[n == 1 ? 0 : k];
}

static tap_conv_options conv_options(call *c, int axes)
{
    tap_conv_options o = { .groups = I(6), .same = is_text(c, 4, "same") };
    read_per_axis(c, 3, axes, o.stride);
    if (!o.same && !is_text(c, 4, "valid")) read_per_axis(c, 4, axes, o.padding);
    read_per_axis(c, 5, axes, o.dilation);
    return o;
}

static tap_conv_options conv_transpose_options(call *c, int axes)
{
    tap_conv_options o = { .groups = I(6) };
    read_per_axis(c, 3, axes, o.stride);
    read_per_axis(c, 4, axes, o.padding);
    read_per_axis(c, 5, axes, o.output_padding);
    read_per_axis(c, 7, axes, o.dilation);
    return o;
}

static tap_pool_options pool_options(call *c)
{
    tap_pool_options o = { .divisor = 0 };
    read_per_axis(c, 1, 2, o.kernel);
    read_per_axis(c, 2, 2, o.stride);
    read_per_axis(c, 3, 2, o.padding);
    return o;
}

static tap_pool_options avg_pool_options(call *c)
{
    tap_pool_options o = pool_options(c);
    o.ceil_mode = B(4);
    o.exclude_pad = !B(5);
    if (is_given(c, 6)) o.divisor = I(6);
    return o;
}

static tap_var max_pool(call *c)
{
    tap_pool_options o = pool_options(c);
    read_per_axis(c, 4, 2, o.dilation);
    o.ceil_mode = B(5);
    return B(6) ? two_results(c, tap_max_pool2d(T(0), o, &c->out[1])) : tap_max_pool2d(T(0), o, NULL);
}

/* Either of two sizes may be null, which keeps the size, as 0 does in Tapestry. */
static tap_var adaptive_pool(call *c)
{
    int64_t size[2] = { 0 };
    if (!is_list(c, 1)) read_per_axis(c, 1, 2, size);
    for (int k = 0; k < 2 && is_list(c, 1); k++) {
        call part = list_element(c, 1, k);
        if (is_given(&part, 1)) size[k] = integer(&part, 1);
    }
    return tap_adaptive_avg_pool2d(T(0), size[0], size[1]);
}

static tap_interpolate_options interpolate_options(call *c)
{
    static const char *const names[] = { "nearest", "nearest-exact", "linear", "bilinear", "trilinear", "bicubic", "area" };
    tap_interpolate_options  o = { .align_corners = is_given(c, 4) && B(4), .recompute_scale = is_given(c, 5) && B(5) };
    int                      mode = named(c, 3, 7, names), axes = tap_shape_of(T(0)).rank - 2;
    o.mode = mode < 2 ? mode : mode < 5 ? TAP_INTERPOLATE_LINEAR : mode == 5 ? TAP_INTERPOLATE_BICUBIC : TAP_INTERPOLATE_AREA;
    if (axes < 1 || axes > 3) bad_argument(c, 0, "of three to five axes");
    else read_per_axis(c, 1, axes, o.size);
    for (int k = 0; k < axes && k < 3 && is_given(c, 2); k++) {
        call part = is_list(c, 2) ? list_element(c, 2, k) : *c;
        o.scale[k] = number(&part, 2);
    }
    return o;
}

static tap_var pad(call *c)
{
    static const char *const names[] = { "constant", "reflect", "replicate", "circular" };
    int64_t                  padding[LIST_SIZE];
    int                      n = integers(c, 1, padding);
    return tap_pad(T(0), n, padding, (tap_pad_mode)named(c, 2, 4, names), is_given(c, 3) ? N(3) : 0);
}

#define OP AS_FUNCTION
#include "tests/golden/opinfo_images.def"
#undef OP

#define OP AS_ROW
static const operator_row rows[] = {
#include "tests/golden/opinfo_images.def"
};

const table opinfo_images = TABLE(rows);
