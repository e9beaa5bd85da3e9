/* models/vae_networks.c: the networks of the variational autoencoder: linear layers and, for images, convolutions next to the
 * pixels. */
#include <stdio.h>

#include "models/internal.h"

/* 4x4 windows with stride 2 and padding 1 halve height and width. */
static const tap_conv_options halving = { .stride = { 2, 2 }, .padding = { 1, 1 } };
enum { KERNEL = 4 };

/* Height and width after the last convolution. */
static int64_t height(const tap_vae_options *o)
{
    return o->image[1] >> o->n_conv;
}

static int64_t width(const tap_vae_options *o)
{
    return o->image[2] >> o->n_conv;
}

/* The size of what the linear layers of the encoder take: the output of the convolutions, or the image itself. */
static int64_t features(const tap_vae_options *o)
{
    return o->n_conv > 0 ? o->conv[o->n_conv - 1] * height(o) * width(o) : o->data;
}

/* Hidden linear layers may be left out (n_hidden = 0) only if there are convolutions. */
static bool has_mlp(const tap_vae_options *o)
{
    return o->n_hidden > 0 || o->n_conv == 0;
}

/* n + condition; INT64_MAX instead of an overflow, which tap_param_new reports. */
static int64_t width_with_condition(const tap_vae_options *o, int64_t n)
{
    return n > INT64_MAX - o->condition ? INT64_MAX : n + o->condition;
}

static const char *format_number(char text[16], int i)
{
    snprintf(text, 16, "%d", i);
    return text;
}

static void init_head(tap_vae_head *head, tap_module *m, const char *name, const tap_vae_options *o)
{
    if (o->n_conv > 0) tap_conv_transpose_init(&head->conv, m, name, o->conv[0], o->image[0], KERNEL, halving);
    else tap_linear_init(&head->linear, m, name, o->hidden[0], o->data);
}

static void init_convolutions(tap_vae *v, tap_module *m)
{
    const tap_vae_options *o = &v->options;
    tap_module            *enc = tap_module_child(m, "conv"), *dec = tap_module_child(m, "conv_t");
    char                   name[16];
    for (int i = 0; i < o->n_conv; i++)
        tap_conv_init(&v->conv[i], enc, format_number(name, i), i == 0 ? o->image[0] : o->conv[i - 1], o->conv[i], KERNEL,
                      halving);
    for (int i = o->n_conv - 1; i > 0; i--)
        tap_conv_transpose_init(&v->conv_t[i], dec, format_number(name, o->n_conv - 1 - i), o->conv[i], o->conv[i - 1], KERNEL,
                                halving);
}

void tap__vae_networks_init(tap_vae *v, tap_module *m)
{
    const tap_vae_options *o = &v->options;
    const int              n = o->n_hidden;
    const int64_t          in = width_with_condition(o, features(o)), last = n > 0 ? o->hidden[n - 1] : in;
    int64_t                enc_sizes[TAP_VAE_MAX_HIDDEN + 1] = { in };
    int64_t                dec_sizes[TAP_VAE_MAX_HIDDEN + 1] = { width_with_condition(o, o->latent) };
    for (int i = 0; i < n; i++) {
        enc_sizes[i + 1] = o->hidden[i];
        dec_sizes[i + 1] = o->hidden[n - 1 - i];
    }
    if (o->n_conv > 0) init_convolutions(v, m);
    if (has_mlp(o)) tap_mlp_init(&v->enc, m, "enc", n + 1, enc_sizes, o->activation);
    tap_linear_init(&v->loc, m, "loc", last, o->latent);
    tap_linear_init(&v->logvar, m, "logvar", last, o->latent);
    if (has_mlp(o)) tap_mlp_init(&v->dec, m, "dec", n + 1, dec_sizes, o->activation);
    if (o->n_conv > 0) tap_linear_init(&v->up, m, "up", dec_sizes[n], features(o));
    init_head(&v->out, m, "out", o);
    if (o->likelihood == TAP_VAE_GAUSSIAN && o->sigma_kind == TAP_VAE_SIGMA_BY_DECODER)
        init_head(&v->out_log_sigma, m, "out_log_sigma", o);
    if (o->likelihood == TAP_VAE_BETA_BINOMIAL) init_head(&v->out_log_beta, m, "out_log_beta", o);
}

/* x [..,size] as [n,C,H,W], n being the product of the leading axes. */
static tap_var as_images(tap_var x, int64_t channels, int64_t h, int64_t w)
{
    char      text[TAP_SHAPE_TEXT];
    tap_shape s = tap_shape_of(x);
    int64_t   n = 1, size = channels * h * w;
    for (int i = 0; i + 1 < s.rank; i++) n *= s.n[i];
    if (x.tape && (s.rank == 0 || s.n[s.rank - 1] != size))
        tap_fail(x, TAP_ESHAPE, "the last axis must be the %lld numbers of an image, not %s", (long long)size,
                 tap_shape_format(text, s));
    return tap_reshape(x, TAP_SHAPE(n, channels, h, w));
}

/* x [n,C,H,W] as [..,size], with the leading axes of s. */
static tap_var as_rows(tap_var x, tap_shape s, int64_t size)
{
    if (s.rank > 0) s.n[s.rank - 1] = size;
    return tap_reshape(x, s);
}

/* Whether c is [..,condition] and broadcasts to the leading axes of s. */
static bool condition_broadcasts(const tap_vae_options *o, tap_shape c, tap_shape s)
{
    if (c.rank < 1 || c.rank > s.rank || c.n[c.rank - 1] != o->condition) return false;
    for (int i = 2; i <= c.rank; i++)
        if (c.n[c.rank - i] != 1 && c.n[c.rank - i] != s.n[s.rank - i]) return false;
    return true;
}

/* x [..,n] and c along the last axis: [..,n+condition]. x itself where the VAE has no condition and c is NULL. */
static tap_var append_condition(const tap_vae_options *o, tap_var x, const tap_var *c)
{
    char            text[2][TAP_SHAPE_TEXT];
    const long long n = (long long)o->condition;
    tap_shape       s = tap_shape_of(x), c_shape = c ? tap_shape_of(*c) : TAP_SCALAR;
    if (!c && n == 0) return x;
    if (!c) {
        tap_fail(x, TAP_EARG, "c must be given, as condition = %lld", n);
        return (tap_var){ .tape = x.tape };
    }
    if (n == 0) tap_fail(x, TAP_EARG, "c must not be given, as condition = 0");
    else if (x.tape && c->tape && !condition_broadcasts(o, c_shape, s))
        tap_fail(x, TAP_ESHAPE, "c must be [..,%lld] and broadcast to the leading axes of %s, not %s", n,
                 tap_shape_format(text[0], s), tap_shape_format(text[1], c_shape));
    if (s.rank > 0) s.n[s.rank - 1] = o->condition;
    return tap_cat(2, (tap_var[]){ x, tap_expand(*c, s) }, -1);
}

tap_var tap__vae_encoder(const tap_vae *v, tap_var x, const tap_var *c)
{
    const tap_vae_options *o = &v->options;
    const tap_shape        s = tap_shape_of(x);
    if (o->n_conv > 0) {
        x = as_images(x, o->image[0], o->image[1], o->image[2]);
        for (int i = 0; i < o->n_conv; i++) x = o->activation(tap_conv_forward(&v->conv[i], x));
        x = as_rows(x, s, features(o));
    }
    x = append_condition(o, x, c);
    return has_mlp(o) ? tap_mlp_forward(&v->enc, x) : x;
}

tap_var tap__vae_decoder(const tap_vae *v, tap_var z, const tap_var *c)
{
    const tap_vae_options *o = &v->options;
    z = append_condition(o, z, c);
    if (has_mlp(o)) z = tap_mlp_forward(&v->dec, z);
    if (o->n_conv == 0) return z;
    z = as_images(o->activation(tap_linear_forward(&v->up, z)), o->conv[o->n_conv - 1], height(o), width(o));
    for (int i = o->n_conv - 1; i > 0; i--) z = o->activation(tap_conv_forward(&v->conv_t[i], z));
    return z;
}

tap_var tap__vae_head(const tap_vae *v, const tap_vae_head *head, tap_var h, tap_shape z_shape)
{
    return v->options.n_conv > 0 ? as_rows(tap_conv_forward(&head->conv, h), z_shape, v->options.data)
                                 : tap_linear_forward(&head->linear, h);
}
