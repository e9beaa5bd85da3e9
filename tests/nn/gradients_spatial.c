/* tests/nn/gradients_spatial.c: gradient tests of convolution, pooling, padding and interpolation. */
#include "autograd/ops/convolution.h"
#include "tests/autograd/gradients.h"
#include "nn/nn.h"

#define NO_BIAS      ((tap_var){ 0 })
#define OPTIONS(...) ((tap_conv_options){ __VA_ARGS__ })

/* ---- Convolution: x, weight, bias ---- */

THREE(f_conv1d, tap_conv1d(a, b, c, OPTIONS(.stride = { 2 }, .padding = { 1 })))
TWO(f_conv1d_dilated, tap_conv1d(a, b, NO_BIAS, OPTIONS(.dilation = { 2 }, .groups = 2)))
TWO(f_conv1d_same, tap_conv1d(a, b, NO_BIAS, OPTIONS(.dilation = { 3 }, .same = true)))
THREE(f_conv2d, tap_conv2d(a, b, c, OPTIONS(0)))
THREE(f_conv2d_options,
      tap_conv2d(a, b, c, OPTIONS(.stride = { 2, 1 }, .padding = { 1, 2 }, .dilation = { 1, 2 }, .groups = 2)))
TWO(f_conv1d_reflect, tap_conv1d(a, b, NO_BIAS, OPTIONS(.padding = { 2 }, .padding_mode = TAP_PAD_REFLECT)))
TWO(f_conv2d_circular,
    tap_conv2d(a, b, NO_BIAS, OPTIONS(.padding = { 2, 1 }, .stride = { 1, 2 }, .padding_mode = TAP_PAD_CIRCULAR)))
TWO(f_conv2d_same_replicate, tap_conv2d(a, b, NO_BIAS, OPTIONS(.same = true, .padding_mode = TAP_PAD_REPLICATE)))
TWO(f_conv2d_same, tap_conv2d(a, b, NO_BIAS, OPTIONS(.dilation = { 2, 1 }, .same = true)))
THREE(f_conv_transpose1d, tap_conv_transpose1d(a, b, c, OPTIONS(.stride = { 3 }, .padding = { 1 }, .output_padding = { 2 })))
TWO(f_conv_transpose1d_dilated, tap_conv_transpose1d(a, b, NO_BIAS, OPTIONS(.dilation = { 2 }, .groups = 2)))
THREE(f_conv_transpose2d, tap_conv_transpose2d(a, b, c, OPTIONS(.stride = { 2, 2 }, .padding = { 1, 1 })))
THREE(f_conv_transpose2d_options, tap_conv_transpose2d(a, b, c,
                                                       OPTIONS(.stride = { 2, 1 }, .padding = { 0, 1 }, .dilation = { 3, 2 },
                                                               .output_padding = { 1, 1 }, .groups = 2)))

/* The operators underneath, of which each is the rule of the others. */
static const tap__conv geometry = {
    .batch = 2, .in = 2, .out = 4, .groups = 2, .axis = { { 5, 2, 3, 2, 1, 1 }, { 4, 2, 3, 1, 2, 1 } }
};
THREE(f_conv, tap__conv_of(a, b, c, &geometry))
THREE(f_conv_adjoint, tap__conv_adjoint_of(a, b, c, &geometry))
TWO(f_conv_weight, tap__conv_weight_of(a, b, &geometry))

#define CONV(x, w)      .n = 2, .shape = { x, w }, .low = { -1, -1 }, .high = { 1, 1.2 }
#define BIASED(x, w, b) .n = 3, .shape = { x, w, b }, .low = { -1, -1, -1 }, .high = { 1, 1.2, 1.1 }

/* ---- Pooling ---- */

#define POOL(...) ((tap_pool_options){ __VA_ARGS__ })

ONE(f_max_pool2d, tap_max_pool2d(a, POOL(.kernel = { 2, 2 }), NULL))
ONE(f_max_pool2d_options,
    tap_max_pool2d(a,
                   POOL(.kernel = { 3, 2 }, .stride = { 2, 1 }, .padding = { 1, 1 }, .dilation = { 1, 2 }, .ceil_mode = true),
                   NULL))
ONE(f_avg_pool2d, tap_avg_pool2d(a, POOL(.kernel = { 2, 2 })))
ONE(f_avg_pool2d_pad, tap_avg_pool2d(a, POOL(.kernel = { 3, 2 }, .stride = { 2, 2 }, .padding = { 1, 1 }, .ceil_mode = true)))
ONE(f_avg_pool2d_exclude,
    tap_avg_pool2d(a, POOL(.kernel = { 3, 2 }, .stride = { 1, 2 }, .padding = { 1, 0 }, .exclude_pad = true)))
ONE(f_avg_pool2d_divisor, tap_avg_pool2d(a, POOL(.kernel = { 2, 3 }, .stride = { 1, 1 }, .divisor = -3)))
ONE(f_max_pool1d, tap_max_pool1d(a, POOL(.kernel = { 3 }, .stride = { 2 }, .padding = { 1 }), NULL))
ONE(f_avg_pool1d, tap_avg_pool1d(a, POOL(.kernel = { 2 }, .stride = { 1 }, .padding = { 1 }, .exclude_pad = true)))
ONE(f_adaptive_1d, tap_adaptive_avg_pool1d(a, 3))
ONE(f_adaptive_max_1d, tap_adaptive_max_pool1d(a, 3, NULL))
ONE(f_adaptive_max, tap_adaptive_max_pool2d(a, 2, 3, NULL))
ONE(f_gaussian_blur, tap_gaussian_blur(a, 3, 0.8))
ONE(f_gaussian_blur_wide, tap_gaussian_blur(a, 5, 2))
ONE(f_adaptive, tap_adaptive_avg_pool2d(a, 2, 3))
ONE(f_adaptive_up, tap_adaptive_avg_pool2d(a, 5, 0))

/* ---- Padding ---- */

#define PAD(mode, value, ...) \
    tap_pad(a, (int)(sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t)), (const int64_t[]){ __VA_ARGS__ }, mode, value)

ONE(f_pad, PAD(TAP_PAD_CONSTANT, 1.5, 1, 2, -1, 1))
ONE(f_pad_zeros, PAD(TAP_PAD_CONSTANT, 0, -1, -1, 0, 0, 1, 0))
ONE(f_pad_reflect, PAD(TAP_PAD_REFLECT, 0, 3, 2, -1, 2))
ONE(f_pad_replicate, PAD(TAP_PAD_REPLICATE, 0, -2, 5))
ONE(f_pad_circular, PAD(TAP_PAD_CIRCULAR, 0, 3, -1, 2, 3))

/* ---- Resolution ---- */

#define TO(...) tap_interpolate(a, (tap_interpolate_options){ __VA_ARGS__ })

ONE(f_nearest, TO(.size = { 5, 3 }))
ONE(f_nearest_exact, TO(.size = { 7 }, .mode = TAP_INTERPOLATE_NEAREST_EXACT))
ONE(f_linear, TO(.scale = { 1.7 }, .mode = TAP_INTERPOLATE_LINEAR))
ONE(f_bilinear, TO(.scale = { 0.6, 2 }, .mode = TAP_INTERPOLATE_LINEAR, .align_corners = true))
ONE(f_trilinear, TO(.size = { 3, 1, 4 }, .mode = TAP_INTERPOLATE_LINEAR))
ONE(f_bicubic, TO(.size = { 5, 3 }, .mode = TAP_INTERPOLATE_BICUBIC))
ONE(f_area, TO(.size = { 3, 5 }, .mode = TAP_INTERPOLATE_AREA))
ONE(f_pixel_shuffle, tap_pixel_shuffle(a, 2))
ONE(f_pixel_unshuffle, tap_pixel_unshuffle(a, 2))

#define IMAGE(...) .n = 1, .shape = { S(__VA_ARGS__) }, .low = { -2 }, .high = { 2.3 }

const gradient_row spatial_gradients[] = {
    { "conv1d", f_conv1d, BIASED(S(2, 3, 6), S(2, 3, 3), S(2)), .fixed = true },
    { "conv1d", f_conv1d_dilated, CONV(S(4, 6), S(2, 2, 3)) },
    { "conv1d", f_conv1d_same, CONV(S(2, 2, 5), S(3, 2, 2)), .fixed = true },
    { "conv", f_conv, BIASED(S(2, 2, 5, 4), S(4, 1, 2, 2), S(4)), .fixed = true },
    { "conv_adjoint", f_conv_adjoint, BIASED(S(2, 4, 3, 3), S(4, 1, 2, 2), S(2)), .fixed = true },
    { "conv_weight", f_conv_weight, CONV(S(2, 2, 5, 4), S(2, 4, 3, 3)), .fixed = true },
    { "conv2d", f_conv2d, BIASED(S(1, 2, 4, 3), S(2, 2, 2, 3), S(2)) },
    { "conv2d", f_conv2d_options, BIASED(S(2, 4, 4, 3), S(2, 2, 3, 2), S(2)) },
    { "conv2d", f_conv2d_options, BIASED(S(0, 4, 4, 3), S(2, 2, 3, 2), S(2)) },
    { "conv1d", f_conv1d_reflect, CONV(S(2, 2, 5), S(3, 2, 3)), .fixed = true },
    { "conv2d", f_conv2d_circular, CONV(S(1, 2, 4, 3), S(2, 2, 3, 2)), .fixed = true },
    { "conv2d", f_conv2d_same_replicate, CONV(S(1, 2, 4, 3), S(2, 2, 2, 3)), .fixed = true },
    { "conv2d", f_conv2d_same, CONV(S(2, 3, 4), S(2, 2, 2, 3)) },
    { "conv_transpose1d", f_conv_transpose1d, BIASED(S(2, 3, 3), S(3, 2, 2), S(2)), .fixed = true },
    { "conv_transpose1d", f_conv_transpose1d_dilated, CONV(S(4, 3), S(4, 1, 3)) },
    { "conv_transpose2d", f_conv_transpose2d, BIASED(S(2, 3, 3), S(2, 2, 2, 3), S(2)) },
    { "conv_transpose2d", f_conv_transpose2d_options, BIASED(S(2, 2, 2, 3), S(2, 2, 2, 2), S(4)) },
    { "conv_transpose2d", f_conv_transpose2d_options, BIASED(S(0, 2, 2, 3), S(2, 2, 2, 2), S(4)) },
    { "max_pool2d", f_max_pool2d, IMAGE(2, 4, 5), .ties = true },
    { "max_pool2d", f_max_pool2d_options, IMAGE(2, 2, 5, 4), .ties = true },
    { "avg_pool2d", f_avg_pool2d, IMAGE(2, 4, 5) },
    { "avg_pool2d", f_avg_pool2d_pad, IMAGE(1, 2, 4, 5) },
    { "avg_pool2d", f_avg_pool2d_exclude, IMAGE(2, 3, 4) },
    { "avg_pool2d", f_avg_pool2d_divisor, IMAGE(2, 3, 4) },
    { "adaptive_avg_pool2d", f_adaptive, IMAGE(2, 4, 5) },
    { "adaptive_avg_pool2d", f_adaptive_up, IMAGE(1, 2, 3, 2) },
    { "max_pool1d", f_max_pool1d, IMAGE(2, 2, 6), .ties = true, .fixed = true },
    { "avg_pool1d", f_avg_pool1d, IMAGE(2, 2, 5), .fixed = true },
    { "adaptive_avg_pool1d", f_adaptive_1d, IMAGE(2, 2, 5), .fixed = true },
    { "adaptive_max_pool1d", f_adaptive_max_1d, IMAGE(2, 7), .ties = true, .fixed = true },
    { "adaptive_max_pool2d", f_adaptive_max, IMAGE(2, 5, 4), .ties = true, .fixed = true },
    { "gaussian_blur", f_gaussian_blur, IMAGE(2, 3, 4), .fixed = true },
    { "gaussian_blur", f_gaussian_blur_wide, IMAGE(1, 2, 4, 5), .fixed = true },
    { "pad", f_pad, R1 },
    { "pad", f_pad_zeros, R1, .fixed = true },
    { "pad", f_pad_reflect, IMAGE(2, 4, 4) },
    { "pad", f_pad_replicate, R1 },
    { "pad", f_pad_circular, IMAGE(2, 3, 5) },
    { "interpolate", f_nearest, IMAGE(1, 2, 3, 4) },
    { "interpolate", f_nearest_exact, R1 },
    { "interpolate", f_linear, R1 },
    { "interpolate", f_bilinear, IMAGE(1, 2, 4, 3) },
    { "interpolate", f_trilinear, IMAGE(1, 2, 2, 3, 2) },
    { "interpolate", f_bicubic, IMAGE(1, 2, 3, 4) },
    { "interpolate", f_area, IMAGE(2, 1, 6, 4) },
    { "pixel_shuffle", f_pixel_shuffle, IMAGE(2, 4, 2, 3) },
    { "pixel_shuffle", f_pixel_shuffle, IMAGE(8, 1, 2), .fixed = true },
    { "pixel_unshuffle", f_pixel_unshuffle, IMAGE(1, 2, 2, 4) },
    { 0 },
};
