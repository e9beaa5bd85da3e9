/* nn/functional/blur.c: Gaussian blur of images: a separable convolution with reflected borders. */
#include <math.h>

#include "autograd/internal.h"
#include "nn/nn.h"

/* The radius up to which weights are not 0 in the dtype, at most r, so that a pixel of weight 0, which may be infinite, is left
 * out. */
static int64_t effective_radius(tap_dtype dtype, int64_t r, double sigma)
{
    const double max_exponent = dtype == TAP_F32 ? 103 : 745; /* e^-x is 0 beyond */
    while (r > 0 && (double)r / sigma * ((double)r / sigma) / 2 > max_exponent) r--;
    return r;
}

/* The weights [1,1,1,2r+1], normalized in float64. */
static tap_var gaussian_weights(tap_tape *t, tap_dtype dtype, int64_t r, double sigma)
{
    tap_tensor x;
    double     sum = 0;
    tap_var    v = tap__push_empty(t, TAP_F64, TAP_SHAPE(1, 1, 1, 2 * r + 1), &x);
    double    *w = x.data;
    for (int64_t i = 0; w && i <= 2 * r; i++) {
        const double d = (double)(i - r) / sigma;
        w[i] = exp(-d * d / 2);
        sum += w[i];
    }
    for (int64_t i = 0; w && i <= 2 * r; i++) w[i] /= sum;
    return tap_cast(v, dtype);
}

tap_var tap_gaussian_blur(tap_var x, int64_t kernel_size, double sigma)
{
    TAP_CALL("gaussian_blur", x);
    const tap_node *node = tap__node_of(x);
    if (!node) return tap__inert(x.tape);
    const tap_shape s = node->value.shape;
    if (s.rank < 2) return tap__fail_input(node, TAP_ESHAPE, "gaussian_blur", "needs an image [..,H,W]");
    int64_t       r = kernel_size / 2;
    const int64_t height = s.n[s.rank - 2], width = s.n[s.rank - 1];
    if (!(kernel_size > 0 && kernel_size % 2 == 1 && r < height && r < width))
        return tap__fail_input(node, TAP_EARG, "gaussian_blur",
                               "kernel_size must be odd and below twice height and width, not %lld", (long long)kernel_size);
    if (!(sigma > 0 && sigma < 1e100 && sigma > 1e-100))
        return tap__fail_input(node, TAP_EARG, "gaussian_blur", "sigma must be above 0, not %g", sigma);
    int64_t images = 1;
    r = effective_radius(node->value.dtype, r, sigma);
    for (int i = 0; i < s.rank - 2; i++) images *= s.n[i];
    const tap_var none = { 0 }, across = gaussian_weights(x.tape, node->value.dtype, r, sigma);
    tap_var y = tap_pad(tap_reshape(x, TAP_SHAPE(images, 1, height, width)), 4, (int64_t[]){ r, r, r, r }, TAP_PAD_REFLECT, 0);
    y = tap_conv2d(tap_conv2d(y, across, none, (tap_conv_options){ 0 }), tap_mT(across), none, (tap_conv_options){ 0 });
    return tap_reshape(y, s);
}
