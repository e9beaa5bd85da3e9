/* nn/blur.c: images seen less sharply. */
#include "autograd/internal.h"
#include "nn/nn.h"

/* [1,1,1,2r+1] */
static tap_var weights(tap_tape *t, tap_dtype dtype, int64_t r, double sigma)
{
    tap_var d = tap_add_scalar(tap_cast(tap_arange(t, 2 * r + 1), dtype), -(double)r);
    tap_var w = tap_exp(tap_mul_scalar(tap_square(tap_mul_scalar(d, 1 / sigma)), -0.5));
    return tap_reshape(tap_div(w, tap_sum(w, TAP_ALL)), TAP_SHAPE(1, 1, 1, 2 * r + 1));
}

tap_var tap_gaussian_blur(tap_var x, int64_t kernel_size, double sigma)
{
    TAP_CALL("gaussian_blur", x);
    const tap_node *node = tap__live(x);
    if (!node) return tap__inert(x.tape);
    const tap_shape s = node->value.shape;
    if (s.rank < 2) return tap__refuse(node, TAP_ESHAPE, "gaussian_blur", "is no image [..,H,W]");
    const int64_t r = kernel_size / 2, height = s.n[s.rank - 2], width = s.n[s.rank - 1];
    if (!(kernel_size > 0 && kernel_size % 2 == 1 && r < height && r < width))
        return tap__refuse(node, TAP_EARG, "gaussian_blur", "kernel_size %lld is not odd and below twice height and width",
                           (long long)kernel_size);
    if (!(sigma > 0 && sigma < 1e100 && sigma > 1e-100))
        return tap__refuse(node, TAP_EARG, "gaussian_blur", "sigma %g is not above 0", sigma);
    int64_t images = 1;
    for (int i = 0; i < s.rank - 2; i++) images *= s.n[i];
    const tap_var none = { 0 }, across = weights(x.tape, node->value.dtype, r, sigma);
    tap_var y = tap_pad(tap_reshape(x, TAP_SHAPE(images, 1, height, width)), 4, (int64_t[]){ r, r, r, r }, TAP_PAD_REFLECT, 0);
    y = tap_conv2d(tap_conv2d(y, across, none, (tap_conv_options){ 0 }), tap_mT(across), none, (tap_conv_options){ 0 });
    return tap_reshape(y, s);
}
