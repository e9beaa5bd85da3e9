/* tests/bad_arguments/spatial.h: bad calls of convolution, pooling, padding, interpolation and blur, for test_nn.c. */
#ifndef TAP_TESTS_BAD_ARGUMENTS_SPATIAL_H
#define TAP_TESTS_BAD_ARGUMENTS_SPATIAL_H

/* An image [1,2,2,2], and a weight [o,i,1,2] for it. */
#define IMAGE        tap_reshape(f->in.x, TAP_SHAPE(1, 2, 2, 2))
#define WEIGHT(o, i) tap_reshape(f->in.noise, TAP_SHAPE(o, i, 1, 2))
#define CONV(...)    ((tap_conv_options){ __VA_ARGS__ })
#define POOL(...)    ((tap_pool_options){ __VA_ARGS__ })
#define TO(...)      ((tap_interpolate_options){ __VA_ARGS__ })
#define PAD(x, mode, ...) \
    tap_pad(x, (int)(sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t)), (const int64_t[]){ __VA_ARGS__ }, mode, 1)

static void bad_pool_window_outside(fixture *f)
{
    tap_pool_options o = { .kernel = { 3, 1 }, .stride = { 3 }, .padding = { 1 }, .dilation = { 2 }, .ceil_mode = true };
    f->out = tap_max_pool2d(tap_ones(f->t, TAP_SHAPE(1, 1, 2)), o, NULL);
}

static void bad_pool_window_beside(fixture *f)
{
    tap_pool_options o = {
        .kernel = { 1, 3 }, .stride = { 1, 3 }, .padding = { 0, 1 }, .dilation = { 1, 2 }, .ceil_mode = true
    };
    f->out = tap_max_pool2d(tap_ones(f->t, TAP_SHAPE(1, 2, 1)), o, NULL);
}

/* clang-format off */
#define SPATIAL_BAD_CALLS \
    BAD_VAR(conv_channels, TAP_ESHAPE, "conv2d: [1,2,2,2] x [4,1,1,1]: 2 channels, but the weight expects 1", \
      tap_conv2d(IMAGE, tap_reshape(f->in.noise, TAP_SHAPE(4, 1, 1, 1)), NOTHING, CONV(0))) \
    BAD_VAR(conv_names, TAP_ESHAPE, \
      "conv_transpose2d: [1,2,2,2] x [1,2,1,2] x [1] (image, weight): 2 channels, but the weight expects 1", \
      tap_conv_transpose2d(tap_named(IMAGE, "image"), tap_named(WEIGHT(1, 2), "weight"), tap_ones(f->t, TAP_SHAPE(1)), \
      CONV(0))) \
    BAD_VAR(conv_groups, TAP_ESHAPE, "conv2d: [1,2,2,2] x [1,1,1,2]: 1 channels must be divisible by 2 groups", \
      tap_conv2d(IMAGE, tap_ones(f->t, TAP_SHAPE(1, 1, 1, 2)), NOTHING, CONV(.groups = 2))) \
    BAD_VAR(conv_groups_min, TAP_EARG, "conv1d: [2,4] x [1,2,2]: groups must be within 1..2^31 - 1, not -9223372036854775808", \
      tap_conv1d(f->in.x, f->in.noise, NOTHING, CONV(.groups = INT64_MIN))) \
    BAD_VAR(conv_groups_transposed, TAP_ESHAPE, "conv_transpose1d: [2,4] x [2,1,2]: 2 channels must be divisible by 3 groups", \
      tap_conv_transpose1d(f->in.x, tap_reshape(f->in.noise, TAP_SHAPE(2, 1, 2)), NOTHING, CONV(.groups = 3))) \
    BAD_VAR(conv_rank, TAP_ESHAPE, "conv2d: [2,4] x [1,2,1,2]: needs x of 3 or 4 axes, and a weight of 4", \
      tap_conv2d(f->in.x, WEIGHT(1, 2), NOTHING, CONV(0))) \
    BAD_VAR(conv_weight_rank, TAP_ESHAPE, "conv1d: [2,4] x [2,4]: needs x of 2 or 3 axes, and a weight of 3", \
      tap_conv1d(f->in.x, f->in.x, NOTHING, CONV(0))) \
    BAD_VAR(conv_bias, TAP_ESHAPE, "conv2d: [1,2,2,2] x [1,2,1,2] x []: the bias must be [1]", \
      tap_conv2d(IMAGE, WEIGHT(1, 2), tap_scalar(f->t, 1), CONV(0))) \
    BAD_VAR(conv_bias_size, TAP_ESHAPE, "conv2d: [1,2,2,2] x [1,2,1,2] x [2]: the bias must be [1]", \
      tap_conv2d(IMAGE, WEIGHT(1, 2), tap_ones(f->t, TAP_SHAPE(2)), CONV(0))) \
    BAD_VAR(conv_bias_rank, TAP_ESHAPE, "conv2d: [1,2,2,2] x [1,2,1,2] x [1,1]: the bias must be [1]", \
      tap_conv2d(IMAGE, WEIGHT(1, 2), tap_ones(f->t, TAP_SHAPE(1, 1)), CONV(0))) \
    BAD_VAR(conv_kernel, TAP_ESHAPE, \
      "conv1d: [2,4] x [1,2,2]: the kernel covers 9 elements, but axis -1 has only 6 with its padding", \
      tap_conv1d(f->in.x, f->in.noise, NOTHING, CONV(.padding = { 1 }, .dilation = { 8 }))) \
    BAD_VAR(conv_no_kernel, TAP_ESHAPE, "conv1d: [2,4] x [1,2,0]: the weight has no elements", \
      tap_conv1d(f->in.x, tap_ones(f->t, TAP_SHAPE(1, 2, 0)), NOTHING, CONV(0))) \
    BAD_VAR(conv_stride, TAP_EARG, "conv2d: [1,2,2,2] x [1,2,1,2]: stride -1 is out of range", \
      tap_conv2d(IMAGE, WEIGHT(1, 2), NOTHING, CONV(.stride = { 1, -1 }))) \
    BAD_VAR(conv_padding, TAP_EARG, "conv2d: [1,2,2,2] x [1,2,1,2]: padding -2 is out of range", \
      tap_conv2d(IMAGE, WEIGHT(1, 2), NOTHING, CONV(.padding = { -2 }))) \
    BAD_VAR(conv_padding_max, TAP_EARG, \
      "conv_transpose2d: [1,2,2,2] x [2,1,1,2]: padding 9223372036854775807 is out of range", \
      tap_conv_transpose2d(IMAGE, WEIGHT(2, 1), NOTHING, CONV(.padding = { INT64_MAX }))) \
    BAD_VAR(conv_padding_vast, TAP_ENOMEM, NULL, \
      tap_conv2d(IMAGE, WEIGHT(1, 2), NOTHING, CONV(.padding = { INT32_MAX, 1 << 20 }))) \
    BAD_VAR(conv_dilation, TAP_EARG, "conv1d: [2,4] x [1,2,2]: dilation 2147483648 is out of range", \
      tap_conv1d(f->in.x, f->in.noise, NOTHING, CONV(.dilation = { 1ll << 31 }))) \
    BAD_VAR(conv_same, TAP_EARG, "conv1d: [2,4] x [1,2,2]: same needs a convolution of stride 1 without other padding", \
      tap_conv1d(f->in.x, f->in.noise, NOTHING, CONV(.same = true, .stride = { 2 }))) \
    BAD_VAR(conv_output_padding, TAP_EARG, "conv1d: [2,4] x [1,2,2]: output_padding is for transposed convolutions", \
      tap_conv1d(f->in.x, f->in.noise, NOTHING, CONV(.output_padding = { 1 }))) \
    BAD_VAR(conv_output_padding_range, TAP_EARG, "conv1d: [2,4] x [1,2,2]: output_padding -1 is out of range", \
      tap_conv1d(f->in.x, f->in.noise, NOTHING, CONV(.output_padding = { -1 }))) \
    BAD_VAR(conv_transpose_padding, TAP_EARG, \
      "conv_transpose2d: [1,2,2,2] x [2,1,1,2]: output_padding must be below stride or dilation, not 2", \
      tap_conv_transpose2d(IMAGE, WEIGHT(2, 1), NOTHING, CONV(.stride = { 2, 2 }, .output_padding = { 2 }))) \
    BAD_VAR(conv_transpose_nothing, TAP_ESHAPE, \
      "conv_transpose2d: [1,2,2,2] x [2,1,1,2]: the result has no elements along axis -2", \
      tap_conv_transpose2d(IMAGE, WEIGHT(2, 1), NOTHING, CONV(.padding = { 1, 0 }))) \
    BAD_VAR(conv_vast, TAP_ESHAPE, "conv1d: [2,1099511627776] x [1,2,2]: sizes must be below 2^31", \
      tap_conv1d(tap_expand(tap_ones(f->t, TAP_SHAPE(1)), TAP_SHAPE(2, 1ll << 40)), f->in.noise, NOTHING, CONV(0))) \
    BAD_VAR(conv_dtype, TAP_EDTYPE, "conv1d: [2,4] x [1,2,2]: int64 is not float32 or float64; tap_cast makes it so", \
      tap_conv1d(tap_cast(f->in.x, TAP_I64), f->in.noise, NOTHING, CONV(0))) \
    BAD_VAR(conv_dtypes, TAP_EDTYPE, "conv1d: [2,4] x [1,2,2]: dtypes float64 and float32 differ", \
      tap_conv1d(f->in.x, tap_cast(f->in.noise, TAP_F32), NOTHING, CONV(0))) \
    BAD_VAR(conv_no_x, TAP_EARG, "conv1d: [1,2,2]: input 0 is an empty var", \
      tap_conv1d(NOTHING, f->in.noise, NOTHING, CONV(0))) \
    BAD_VAR(conv_no_weight, TAP_EARG, "conv2d: [1,2,2,2] x [2,4]: input 1 is an empty var", \
      tap_conv2d(IMAGE, NOTHING, f->in.x, CONV(0))) \
    BAD_VAR(pool_rank, TAP_ESHAPE, "max_pool2d: [2,4]: needs [N,C,H,W] or [C,H,W]", \
      tap_max_pool2d(f->in.x, POOL(.kernel = { 1, 1 }), NULL)) \
    BAD_VAR(pool_dtype, TAP_EDTYPE, "avg_pool2d: [1,2,2,2]: int64 is not float32 or float64; tap_cast makes it so", \
      tap_avg_pool2d(tap_cast(IMAGE, TAP_I64), POOL(.kernel = { 1, 1 }))) \
    BAD_VAR(pool_empty, TAP_ESHAPE, "max_pool2d: [2,0,2]: images must have sizes from 1 to 2^31 - 1", \
      tap_max_pool2d(tap_ones(f->t, TAP_SHAPE(2, 0, 2)), POOL(.kernel = { 1, 1 }), NULL)) \
    BAD_VAR(pool_nothing, TAP_EARG, "avg_pool2d: [1,2,2,2]: kernel 0, stride 0, padding 0 or dilation 0 is out of range", \
      tap_avg_pool2d(IMAGE, POOL(0))) \
    BAD_VAR(pool_stride, TAP_EARG, "max_pool2d: [1,2,2,2]: kernel 1, stride -2, padding 0 or dilation 0 is out of range", \
      tap_max_pool2d(IMAGE, POOL(.kernel = { 1, 1 }, .stride = { 0, -2 }), &f->out)) \
    BAD_VAR(pool_padding, TAP_EARG, "max_pool2d: [1,2,2,2]: padding must be at most half of the kernel 3, not 2", \
      tap_max_pool2d(IMAGE, POOL(.kernel = { 3, 3 }, .padding = { 1, 2 }), NULL)) \
    BAD_VAR(pool_window, TAP_ESHAPE, \
      "avg_pool2d: [1,2,2,2]: a window covers 3 elements, but axis -2 has only 2 with its padding", \
      tap_avg_pool2d(IMAGE, POOL(.kernel = { 3, 1 }))) \
    BAD_FUNCTION(pool_window_outside, TAP_ESHAPE, "max_pool2d: [1,1,2]: the first window must not lie in the padding alone") \
    BAD_FUNCTION(pool_window_beside, TAP_ESHAPE, "max_pool2d: [1,2,1]: the first window must not lie in the padding alone") \
    BAD_VAR(pool_divisor, TAP_EARG, "max_pool2d: [1,2,2,2]: divisor and exclude_pad are for tap_avg_pool2d", \
      tap_max_pool2d(IMAGE, POOL(.kernel = { 1, 1 }, .divisor = 1), NULL)) \
    BAD_VAR(pool_dilation, TAP_EARG, "avg_pool2d: [1,2,2,2]: dilation is for tap_max_pool2d", \
      tap_avg_pool2d(IMAGE, POOL(.kernel = { 1, 1 }, .dilation = { 1, 2 }))) \
    BAD_VAR(adaptive_size, TAP_EARG, "adaptive_avg_pool2d: [1,2,2,2]: [-1,9223372036854775807] is out of range", \
      tap_adaptive_avg_pool2d(IMAGE, -1, INT64_MAX)) \
    BAD_VAR(adaptive_vast, TAP_ENOMEM, NULL, tap_adaptive_avg_pool2d(IMAGE, INT32_MAX, INT32_MAX)) \
    BAD_VAR(pad_mode, TAP_EARG, "pad: [2,4]: mode must be a tap_pad_mode, not 99", PAD(f->in.x, (tap_pad_mode)99, 1, 1)) \
    BAD_VAR(pad_odd, TAP_EARG, "pad: [2,4]: n must be twice the number of padded axes, and padding not NULL, not 3", \
      PAD(f->in.x, TAP_PAD_CONSTANT, 1, 1, 1)) \
    BAD_VAR(pad_many, TAP_EARG, "pad: [2,4]: n must be twice the number of padded axes, and padding not NULL, not 6", \
      PAD(f->in.x, TAP_PAD_CONSTANT, 1, 1, 1, 1, 1, 1)) \
    BAD_VAR(pad_null, TAP_EARG, "pad: [2,4]: n must be twice the number of padded axes, and padding not NULL, not 2", \
      tap_pad(f->in.x, 2, NULL, TAP_PAD_CONSTANT, 0)) \
    BAD_VAR(pad_n_min, TAP_EARG, \
      "pad: [2,4]: n must be twice the number of padded axes, and padding not NULL, not -2147483648", \
      tap_pad(f->in.x, INT_MIN, NULL, TAP_PAD_REFLECT, 0)) \
    BAD_VAR(pad_rank, TAP_ESHAPE, "pad: [2,4]: 4 numbers of this mode need 3 or 4 axes", \
      PAD(f->in.x, TAP_PAD_REFLECT, 1, 1, 1, 1)) \
    BAD_VAR(pad_crop, TAP_EARG, "pad: [2,4]: -2 and -3 at axis -1: more is cropped than the axis has", \
      PAD(f->in.x, TAP_PAD_CONSTANT, -2, -3)) \
    BAD_VAR(pad_crop_far, TAP_EARG, "pad: [2,4]: -5 and 9 at axis -1: more is cropped than the axis has", \
      PAD(f->in.x, TAP_PAD_CONSTANT, -5, 9)) \
    BAD_VAR(pad_min, TAP_EARG, "pad: [2,4]: 0 and -9223372036854775808 at axis -2: padding must be below 2^31", \
      PAD(f->in.x, TAP_PAD_CONSTANT, 0, 0, 0, INT64_MIN)) \
    BAD_VAR(pad_vast, TAP_ENOMEM, NULL, PAD(f->in.x, TAP_PAD_CONSTANT, INT32_MAX, 0, INT32_MAX, 0)) \
    BAD_VAR(pad_before_least, TAP_EARG, "pad: [2,4]: -2147483647 and 0 at axis -1: more is cropped than the axis has", \
      PAD(f->in.x, TAP_PAD_CONSTANT, -INT64_C(2147483647), 0)) \
    BAD_VAR(pad_before_less, TAP_EARG, "pad: [2,4]: -2147483648 and 0 at axis -1: padding must be below 2^31", \
      PAD(f->in.x, TAP_PAD_CONSTANT, -INT64_C(2147483648), 0)) \
    BAD_VAR(pad_before_most, TAP_EARG, \
      "pad: [2,4]: 2147483647 and 0 at axis -1: reflection needs less padding than the axis has elements", \
      PAD(f->in.x, TAP_PAD_REFLECT, INT64_C(2147483647), 0)) \
    BAD_VAR(pad_before_more, TAP_EARG, "pad: [2,4]: 2147483648 and 0 at axis -1: padding must be below 2^31", \
      PAD(f->in.x, TAP_PAD_REFLECT, INT64_C(2147483648), 0)) \
    BAD_VAR(pad_after_least, TAP_EARG, "pad: [2,4]: 0 and -2147483647 at axis -1: more is cropped than the axis has", \
      PAD(f->in.x, TAP_PAD_CONSTANT, 0, -INT64_C(2147483647))) \
    BAD_VAR(pad_after_less, TAP_EARG, "pad: [2,4]: 0 and -2147483648 at axis -1: padding must be below 2^31", \
      PAD(f->in.x, TAP_PAD_CONSTANT, 0, -INT64_C(2147483648))) \
    BAD_VAR(pad_after_most, TAP_EARG, \
      "pad: [2,4]: 0 and 2147483647 at axis -1: reflection needs less padding than the axis has elements", \
      PAD(f->in.x, TAP_PAD_REFLECT, 0, INT64_C(2147483647))) \
    BAD_VAR(pad_after_more, TAP_EARG, "pad: [2,4]: 0 and 2147483648 at axis -1: padding must be below 2^31", \
      PAD(f->in.x, TAP_PAD_REFLECT, 0, INT64_C(2147483648))) \
    BAD_VAR(pad_reflect, TAP_EARG, "pad: [2,4]: 0 and 4 at axis -1: reflection needs less padding than the axis has elements", \
      PAD(f->in.x, TAP_PAD_REFLECT, 0, 4)) \
    BAD_VAR(pad_reflect_before, TAP_EARG, \
      "pad: [2,4]: 4 and 0 at axis -1: reflection needs less padding than the axis has elements", \
      PAD(f->in.x, TAP_PAD_REFLECT, 4, 0)) \
    BAD_VAR(pad_replicate, TAP_EARG, "pad: [2,4]: -2 and -2 at axis -1: the axis is empty, or nothing is left of it", \
      PAD(f->in.x, TAP_PAD_REPLICATE, -2, -2)) \
    BAD_VAR(pad_circular, TAP_EARG, \
      "pad: [2,4]: 5 and 0 at axis -1: circular padding must not repeat the axis more than once", \
      PAD(f->in.x, TAP_PAD_CIRCULAR, 5, 0)) \
    BAD_VAR(pad_around, TAP_EARG, "pad: [2,4]: 0 and 5 at axis -1: circular padding must not repeat the axis more than once", \
      PAD(f->in.x, TAP_PAD_CIRCULAR, 0, 5)) \
    BAD_VAR(pad_around_rest, TAP_EARG, \
      "pad: [2,4]: -1 and 4 at axis -1: circular padding must not repeat the axis more than once", \
      PAD(f->in.x, TAP_PAD_CIRCULAR, -1, 4)) \
    BAD_VAR(pad_around_left, TAP_EARG, \
      "pad: [2,4]: 4 and -1 at axis -1: circular padding must not repeat the axis more than once", \
      PAD(f->in.x, TAP_PAD_CIRCULAR, 4, -1)) \
    BAD_VAR(interpolate_mode, TAP_EARG, "interpolate: [1,2,2,2]: mode must be one of tap_interpolate_options, not 99", \
      tap_interpolate(IMAGE, TO(.mode = 99))) \
    BAD_VAR(interpolate_rank, TAP_ESHAPE, "interpolate: [2,4]: needs [N,C,..] with one to three spatial axes", \
      tap_interpolate(f->in.x, TO(.size = { 1 }))) \
    BAD_VAR(interpolate_dtype, TAP_EDTYPE, "interpolate: [1,2,2,2]: bool is not float32 or float64; tap_cast makes it so", \
      tap_interpolate(tap_cast(IMAGE, TAP_BOOL), TO(.size = { 1, 1 }))) \
    BAD_VAR(interpolate_nothing, TAP_EARG, "interpolate: [1,2,2,2]: axis 2 needs either a size or a scale", \
      tap_interpolate(IMAGE, TO(0))) \
    BAD_VAR(interpolate_both, TAP_EARG, "interpolate: [1,2,2,2]: axis 3 needs either a size or a scale", \
      tap_interpolate(IMAGE, TO(.size = { 1, 1 }, .scale = { 0, 1 }))) \
    BAD_VAR(interpolate_size, TAP_EARG, "interpolate: [1,2,2,2]: size -9223372036854775808 or scale 0 is out of range", \
      tap_interpolate(IMAGE, TO(.size = { INT64_MIN, 1 }))) \
    BAD_VAR(interpolate_scale, TAP_EARG, "interpolate: [1,2,2,2]: size 0 or scale 0.4 is out of range", \
      tap_interpolate(IMAGE, TO(.scale = { 1, 0.4 }))) \
    BAD_VAR(interpolate_nan, TAP_EARG, "interpolate: [1,2,2,2]: size 0 or scale nan is out of range", \
      tap_interpolate(IMAGE, TO(.scale = { (double)NAN, 1 }))) \
    BAD_VAR(interpolate_inf, TAP_EARG, "interpolate: [1,2,2,2]: size 0 or scale inf is out of range", \
      tap_interpolate(IMAGE, TO(.scale = { (double)INFINITY, 1 }))) \
    BAD_VAR(interpolate_empty, TAP_ESHAPE, "interpolate: [1,1,0]: axis 2 is empty or too large", \
      tap_interpolate(tap_ones(f->t, TAP_SHAPE(1, 1, 0)), TO(.size = { 1 }))) \
    BAD_VAR(interpolate_vast, TAP_ENOMEM, NULL, \
      tap_interpolate(IMAGE, TO(.size = { INT32_MAX, INT32_MAX }, .mode = TAP_INTERPOLATE_AREA))) \
    BAD_VAR(interpolate_align, TAP_EARG, "interpolate: [1,2,2,2]: align_corners needs the mode linear or bicubic", \
      tap_interpolate(IMAGE, TO(.size = { 1, 1 }, .align_corners = true))) \
    BAD_VAR(interpolate_bicubic, TAP_ESHAPE, "interpolate: [1,2,2]: bicubic needs [N,C,H,W]", \
      tap_interpolate(f->in.noise, TO(.size = { 1 }, .mode = TAP_INTERPOLATE_BICUBIC))) \
    BAD_VAR(pixel_shuffle_channels, TAP_ESHAPE, "pixel_shuffle: [1,2,2,2]: 2 channels must be divisible by 2^2", \
      tap_pixel_shuffle(IMAGE, 2)) \
    BAD_VAR(pixel_shuffle_factor, TAP_EARG, "pixel_shuffle: [1,2,2,2]: factor -9223372036854775808 is out of range", \
      tap_pixel_shuffle(IMAGE, INT64_MIN)) \
    BAD_VAR(pixel_shuffle_rank, TAP_ESHAPE, "pixel_shuffle: [2,4]: needs [..,C,H,W]", tap_pixel_shuffle(f->in.x, 1)) \
    BAD_VAR(pixel_shuffle_vast, TAP_ESHAPE, "pixel_shuffle: [0,1099511627776,1]: the result is too large", \
      tap_pixel_shuffle(tap_ones(f->t, TAP_SHAPE(0, 1ll << 40, 1)), INT32_MAX)) \
    BAD_VAR(pixel_unshuffle_sizes, TAP_ESHAPE, "pixel_unshuffle: [1,2,2,2]: height 2 and width 2 must be divisible by 3", \
      tap_pixel_unshuffle(IMAGE, 3)) \
    BAD_VAR(pixel_unshuffle_vast, TAP_ESHAPE, "pixel_unshuffle: [1099511627776,0,0]: the result is too large", \
      tap_pixel_unshuffle(tap_ones(f->t, TAP_SHAPE(1ll << 40, 0, 0)), INT32_MAX)) \
    BAD_VAR(pixel_unshuffle_factor, TAP_EARG, "pixel_unshuffle: [1,2,2,2]: factor 0 is out of range", \
      tap_pixel_unshuffle(IMAGE, 0)) \
    BAD_VAR(gaussian_blur_size, TAP_EARG, \
      "gaussian_blur: [2,4]: kernel_size must be odd and below twice height and width, not 2", \
      tap_gaussian_blur(f->in.x, 2, 1)) \
    BAD_VAR(gaussian_blur_wide, TAP_EARG, \
      "gaussian_blur: [2,4]: kernel_size must be odd and below twice height and width, not 5", \
      tap_gaussian_blur(f->in.x, 5, 1)) \
    BAD_VAR(gaussian_blur_min, TAP_EARG, \
      "gaussian_blur: [2,4]: kernel_size must be odd and below twice height and width, not -9223372036854775807", \
      tap_gaussian_blur(f->in.x, -INT64_MAX, 1)) \
    BAD_VAR(gaussian_blur_sigma, TAP_EARG, "gaussian_blur: [2,4]: sigma must be above 0, not nan", \
      tap_gaussian_blur(f->in.x, 3, (double)NAN)) \
    BAD_VAR(gaussian_blur_rank, TAP_ESHAPE, "gaussian_blur: [2]: needs an image [..,H,W]", tap_gaussian_blur(f->in.c, 3, 1)) \
    BAD_VAR(gaussian_blur_dtype, TAP_EDTYPE, NULL, tap_gaussian_blur(tap_cast(f->in.x, TAP_U8), 3, 1))
/* clang-format on */

#endif
