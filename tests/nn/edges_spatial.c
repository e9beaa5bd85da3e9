/* tests/nn/edges_spatial.c: functions of images with NaN, infinity and numbers at the ends of the range: an element that has
 * weight 0, is cropped, or is not the maximum, adds nothing, and means do not overflow. */
#include "autograd/ops/convolution.h"
#include "nn/nn.h"
#include "tests/autograd/edge_cases.h"

static const char *const sums = "each element is a sum of products, and 0 times NaN or infinity may be anything";
static const char *const zeros = "padding is zeros, and 0 inf may be anything";

#define NONE                  ((tap_var){ 0 })
#define CONV(...)             ((tap_conv_options){ __VA_ARGS__ })
#define POOL(...)             ((tap_pool_options){ __VA_ARGS__ })
#define TO(...)               tap_interpolate(x, (tap_interpolate_options){ __VA_ARGS__ })
#define PAD(mode, value, ...) tap_pad(x, 2, ((const int64_t[]){ __VA_ARGS__ }), mode, value)
#define WIDE                  0x1.fffffep127 /* the largest of float32 */

/* One channel, one row, a kernel of two. */
static const tap__conv geometry = {
    .batch = 1, .in = 1, .out = 1, .groups = 1, .axis = { { 1, 1, 1, 1, 1, 0 }, { 4, 2, 3, 1, 1, 0 } }
};

/* clang-format off */
#define SPATIAL(X1, X2, X3)                                                                                                           \
    X2(conv, tap__conv_of(a, b, NONE, &geometry), S(1, 1, 1, 4), N(NaN, 1, 2, Inf), S(1, 1, 1, 2), N(2, 1), S(1, 1, 1, 3), N(NaN, 4, Inf),\
       N(2, 3, 3, 1), N(NaN, Inf), .unmasked = sums)                                                                                    \
    X2(conv_adjoint, tap__conv_adjoint_of(a, b, NONE, &geometry), S(1, 1, 1, 3), N(1, 2, Inf), S(1, 1, 1, 2), N(2, 1),                 \
       S(1, 1, 1, 4), N(2, 5, Inf, Inf), N(3, 3, 3), N(Inf, Inf), .unmasked = sums)                                                       \
    X2(conv_weight, tap__conv_weight_of(a, b, &geometry), S(1, 1, 1, 4), N(1, 2, 3, Inf), S(1, 1, 1, 3), N(1, 1, 1), S(1, 1, 1, 2),    \
       N(6, Inf), N(1, 2, 2, 1), N(3, 5, Inf), .unmasked = sums)                                                                        \
    X3(conv1d, tap_conv1d(a, b, c, CONV(0)), S(1, 1, 4), N(NaN, 1, 2, 3), S(1, 1, 2), N(1, 1), S(1), N(-0.0), S(1, 1, 3), N(NaN, 3, 5), \
       N(1, 2, 2, 1), N(NaN, 6), N(3), .unmasked = sums)                                                                               \
    X2(conv1d__0, tap_conv1d(a, b, NONE, CONV(0)), S(1, 1, 3), N(Inf, 1, 2), S(1, 1, 2), N(0, 1), S(1, 1, 2), N(NaN, 2), N(0, 1, 1),    \
       N(Inf, 3), .no_limit = sums, .unmasked = sums)                                                                                  \
    X2(conv1d__padding, tap_conv1d(a, b, NONE, CONV(.padding = { 1 })), S(1, 1, 2), N(1, 2), S(1, 1, 3), N(Inf, 1, 1), S(1, 1, 2),     \
       N(NaN, Inf), N(Inf, 2), N(1, 3, 2), .no_limit = zeros, .unmasked = sums)                                                          \
    X2(conv2d, tap_conv2d(a, b, NONE, CONV(.groups = 2)), S(1, 2, 1, 2), N(NaN, Inf, 1, 2), S(2, 1, 1, 1), N(2, 3), S(1, 2, 1, 2),      \
       N(NaN, Inf, 3, 6), N(2, 2, 3, 3), N(NaN, 3), .unmasked = sums)                                                                    \
    X3(conv_transpose1d, tap_conv_transpose1d(a, b, c, CONV(.stride = { 2 })), S(1, 1, 2), N(NaN, 2), S(1, 1, 2), N(1, 3), S(1),       \
       N(1), S(1, 1, 4), N(NaN, NaN, 3, 7), N(4, 4), N(NaN, NaN), N(4), .unmasked = sums)                                                 \
    X2(conv_transpose2d, tap_conv_transpose2d(a, b, NONE, CONV(.stride = { 1, 3 })), S(1, 1, 1, 2), N(Inf, 2), S(1, 1, 1, 2), N(1, 3), \
       S(1, 1, 1, 5), N(Inf, Inf, 0, 2, 6), N(4, 4), N(Inf, Inf), .unmasked = sums)                                                       \
    X1(max_pool2d, tap_max_pool2d(x, POOL(.kernel = { 2, 2 }), NULL), S(1, 2, 4), N(-Inf, -Inf, 1, NaN, -Inf, -Inf, 2, 3), S(1, 1, 2),     \
       N(-Inf, NaN), N(1, 0, 0, 1, 0, 0, 0, 0))                                                                                         \
    X1(max_pool2d__padding, tap_max_pool2d(x, POOL(.kernel = { 1, 2 }, .padding = { 0, 1 }), NULL), S(1, 1, 2), N(-Inf, -MAX),        \
       S(1, 1, 2), N(-Inf, -MAX), N(1, 1))                                                                                            \
    X1(max_pool2d__beside, tap_max_pool2d(x, POOL(.kernel = { 1, 2 }), NULL), S(1, 1, 4), N(-0.0, -MIN, Inf, 1), S(1, 1, 2),         \
       N(-0.0, Inf), N(1, 0, MAX, 0), .c = N(1, MAX))                                                                                \
    X1(avg_pool2d, tap_avg_pool2d(x, POOL(.kernel = { 1, 2 })), S(1, 1, 6), N(MAX, MAX, Inf, 1, MAX, -MAX), S(1, 1, 3),            \
       N(MAX, Inf, 0), N(0.5, 0.5, 0.5, 0.5, 0.5, 0.5))                                                                               \
    X1(avg_pool2d__padding, tap_avg_pool2d(x, POOL(.kernel = { 1, 2 }, .stride = { 1, 1 }, .padding = { 0, 1 })), S(1, 1, 2),         \
       N(WIDE, WIDE), S(1, 1, 3), N(WIDE / 2, WIDE, WIDE / 2), N(1, 1), .only = EDGE_F32)                                             \
    X1(avg_pool2d__exclude, tap_avg_pool2d(x, POOL(.kernel = { 1, 2 }, .stride = { 1, 1 }, .padding = { 0, 1 }, .exclude_pad = true)),\
       S(1, 1, 2), N(MAX, MAX), S(1, 1, 3), N(MAX, MAX, MAX), N(1.5, 1.5))                                                       \
    X1(avg_pool2d__divisor, tap_avg_pool2d(x, POOL(.kernel = { 1, 2 }, .divisor = 4)), S(1, 1, 2), N(WIDE, WIDE), S(1, 1, 1),         \
       N(WIDE / 2), N(0.25, 0.25), .only = EDGE_F32)                                                                                  \
    X1(adaptive_avg_pool2d, tap_adaptive_avg_pool2d(x, 1, 2), S(1, 1, 3), N(MAX, MAX, Inf), S(1, 1, 2), N(MAX, Inf),                 \
       N(0.5, 1, 0.5))                                                                                                                \
    X1(adaptive_avg_pool2d__whole, tap_adaptive_avg_pool2d(x, 1, 1), S(1, 2, 2), N(MAX, MAX, -MAX, -MAX), S(1, 1, 1), N(0),       \
       N(0.25, 0.25, 0.25, 0.25))                                                                                                     \
    X2(conv1d__replicate, tap_conv1d(a, b, NONE, CONV(.padding = { 1 }, .padding_mode = TAP_PAD_REPLICATE)), S(1, 1, 2), N(1, Inf),    \
       S(1, 1, 2), N(1, 1), S(1, 1, 3), N(2, Inf, Inf), N(3, 3), N(Inf, Inf), .unmasked = sums)                                            \
    X1(max_pool1d, tap_max_pool1d(x, POOL(.kernel = { 2 }), NULL), S(1, 4), N(-Inf, -MAX, NaN, 1), S(1, 2), N(-MAX, NaN), N(0, 1, 1, 0))    \
    X1(avg_pool1d, tap_avg_pool1d(x, POOL(.kernel = { 2 })), S(1, 4), N(MAX, MAX, MAX, -MAX), S(1, 2), N(MAX, 0), N(0.5, 0.5, 0.5, 0.5))     \
    X1(adaptive_avg_pool1d, tap_adaptive_avg_pool1d(x, 2), S(1, 3), N(MAX, MAX, Inf), S(1, 2), N(MAX, Inf), N(0.5, 1, 0.5))               \
    X1(adaptive_max_pool1d, tap_adaptive_max_pool1d(x, 2, NULL), S(1, 3), N(-Inf, -MAX, Inf), S(1, 2), N(-MAX, Inf), N(0, 1, 1))          \
    X1(adaptive_max_pool2d, tap_adaptive_max_pool2d(x, 1, 2, NULL), S(1, 2, 3), N(-Inf, 1, 1, 2, NaN, Inf), S(1, 1, 2), N(NaN, NaN),        \
       N(0, 0, 0, 0, 2, 0))                                                                                                               \
    X1(gaussian_blur, tap_gaussian_blur(x, 3, 1e-3), S(2, 3), N(NaN, 1, Inf, 2, MIN, -MAX), S(2, 3), N(NaN, 1, Inf, 2, MIN, -MAX),  \
       N(1, 1, 1, 1, 1, 1))                                                                                                           \
    X1(gaussian_blur__sharp, tap_gaussian_blur(x, 3, 1e-99), S(2, 3), N(1, 2, Inf, 3, 4, 5), S(2, 3), N(1, 2, Inf, 3, 4, 5),            \
       N(1, 1, 1, 1, 1, 1))                                                                                                           \
    X1(gaussian_blur__most, tap_gaussian_blur(x, 3, 1), S(2, 2), N(MAX, MAX, MAX, MAX), S(2, 2), N(MAX, MAX, MAX, MAX),       \
       N(1, 1, 1, 1), .ulps = 8)                                                                                                      \
    X1(pad, PAD(TAP_PAD_CONSTANT, Inf, 1, 1), S(2), N(NaN, -0.0), S(4), N(Inf, NaN, -0.0, Inf), N(1, 1), .c = N(NaN, 1, 1, Inf))             \
    X1(pad__crop, PAD(TAP_PAD_CONSTANT, NaN, -1, 1), S(3), N(Inf, 1, 2), S(3), N(1, 2, NaN), N(0, 1, 1), .c = N(1, 1, NaN),               \
       .no_limit = "NaN is what is padded with")                                                                                      \
    X1(pad__reflect, PAD(TAP_PAD_REFLECT, 0, 2, -1), S(1, 4), N(1, NaN, 2, Inf), S(1, 5), N(2, NaN, 1, NaN, 2), N(1, 2, 2, 0))            \
    X1(pad__replicate, PAD(TAP_PAD_REPLICATE, 0, 2, -1), S(1, 3), N(Inf, 1, NaN), S(1, 4), N(Inf, Inf, Inf, 1), N(3, 1, 0))                \
    X1(pad__circular, PAD(TAP_PAD_CIRCULAR, 0, 1, -1), S(1, 3), N(Inf, 1, NaN), S(1, 3), N(1, Inf, 1), N(1, 2, 0))                       \
    X1(interpolate, TO(.size = { 2 }), S(1, 1, 4), N(1, NaN, Inf, NaN), S(1, 1, 2), N(1, Inf), N(1, 0, 1, 0))                             \
    X1(interpolate__exact, TO(.size = { 2 }, .mode = TAP_INTERPOLATE_NEAREST_EXACT), S(1, 1, 4), N(NaN, 1, NaN, Inf), S(1, 1, 2),        \
       N(1, Inf), N(0, 1, 0, 1))                                                                                                       \
    X1(interpolate__linear, TO(.size = { 5 }, .mode = TAP_INTERPOLATE_LINEAR, .align_corners = true), S(1, 1, 3), N(1, Inf, 2),        \
       S(1, 1, 5), N(1, Inf, Inf, Inf, 2), N(1.5, 2, 1.5))                                                                               \
    X1(interpolate__linear_nan, TO(.size = { 3 }, .mode = TAP_INTERPOLATE_LINEAR, .align_corners = true), S(1, 1, 5),                 \
       N(MIN, NaN, -MAX, NaN, Inf), S(1, 1, 3), N(MIN, -MAX, Inf), N(1, 0, 1, 0, 1))                                                \
    X1(interpolate__linear_most, TO(.size = { 4 }, .mode = TAP_INTERPOLATE_LINEAR), S(1, 1, 2), N(MAX, MAX), S(1, 1, 4),            \
       N(MAX, MAX, MAX, MAX), N(2, 2), .ulps = 1)                                                                                 \
    X1(interpolate__bicubic, TO(.size = { 1, 5 }, .mode = TAP_INTERPOLATE_BICUBIC, .align_corners = true), S(1, 1, 1, 3),             \
       N(1, Inf, 2), S(1, 1, 1, 5), N(1, Inf, Inf, Inf, 2), N(1.40625, 2.1875, 1.40625))                                                  \
    X1(interpolate__bicubic_most, TO(.size = { 1, 4 }, .mode = TAP_INTERPOLATE_BICUBIC), S(1, 1, 1, 2), N(MAX, MAX),                \
       S(1, 1, 1, 4), N(MAX, MAX, MAX, MAX), N(2, 2), .ulps = 2)                                                                  \
    X1(interpolate__area, TO(.size = { 2 }, .mode = TAP_INTERPOLATE_AREA), S(1, 1, 3), N(Inf, MAX, MAX), S(1, 1, 2), N(Inf, MAX),    \
       N(0.5, 1, 0.5))                                                                                                                \
    X1(pixel_shuffle, tap_pixel_shuffle(x, 2), S(4, 1, 1), N(NaN, 1, Inf, -0.0), S(1, 2, 2), N(NaN, 1, Inf, -0.0), N(1, 1, 1, 1))         \
    X1(pixel_unshuffle, tap_pixel_unshuffle(x, 2), S(1, 2, 2), N(NaN, 1, Inf, -0.0), S(4, 1, 1), N(NaN, 1, Inf, -0.0), N(1, 1, 1, 1))

EDGE_CASES(spatial_edges, SPATIAL)
/* clang-format on */
