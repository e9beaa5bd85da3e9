/* models/autoencoder.c: the plain autoencoder: the networks of a VAE, with a code instead of q(z|x), and without noise and
 * KL. */
#include "models/internal.h"

void tap_autoencoder_init(tap_autoencoder *a, tap_module *m, tap_autoencoder_options o)
{
    if (o.n_hidden == 0) o.n_hidden = 1;
    if (o.n_hidden == 1 && o.hidden[0] == 0) o.hidden[0] = 400;
    if (!o.activation) o.activation = tap_relu;
    if (o.latent == 0) o.latent = 20;
    if (!a) {
        tap_module_fail(m, TAP_EARG, "autoencoder: NULL");
        return;
    }
    if (o.n_hidden < 1 || o.n_hidden > TAP_VAE_MAX_HIDDEN) {
        tap_module_fail(m, TAP_EARG, "autoencoder: n_hidden must be within 1..%d, not %d", TAP_VAE_MAX_HIDDEN, o.n_hidden);
        o.n_hidden = 1;
    }
    const int n = o.n_hidden;
    int64_t   enc_sizes[TAP_VAE_MAX_HIDDEN + 1] = { o.data }, dec_sizes[TAP_VAE_MAX_HIDDEN + 1] = { o.latent };
    for (int i = 0; i < n; i++) {
        enc_sizes[i + 1] = o.hidden[i];
        dec_sizes[i + 1] = o.hidden[n - 1 - i];
    }
    *a = (tap_autoencoder){ .options = o };
    tap_mlp_init(&a->enc, m, "enc", n + 1, enc_sizes, o.activation);
    tap_linear_init(&a->code, m, "code", enc_sizes[n], o.latent);
    tap_mlp_init(&a->dec, m, "dec", n + 1, dec_sizes, o.activation);
    tap_linear_init(&a->out, m, "out", dec_sizes[n], o.data);
}

tap_var tap_autoencoder_encode(const tap_autoencoder *a, tap_var x)
{
    TAP_CALL("autoencoder_encode", x);
    a = tap__or_uninitialized(a);
    return tap_linear_forward(&a->code, tap_mlp_forward(&a->enc, x));
}

static tap_var logits(const tap_autoencoder *a, tap_var z)
{
    a = tap__or_uninitialized(a);
    return tap_linear_forward(&a->out, tap_mlp_forward(&a->dec, z));
}

tap_var tap_autoencoder_decode(const tap_autoencoder *a, tap_var z)
{
    TAP_CALL("autoencoder_decode", z);
    return tap_sigmoid(logits(a, z));
}

tap_var tap_autoencoder_loss(const tap_autoencoder *a, tap_var x)
{
    TAP_CALL("autoencoder_loss", x);
    tap_var loss = tap_bce_with_logits(logits(a, tap_autoencoder_encode(a, x)), x);
    return tap_mean(tap_sum(loss, TAP_LAST), TAP_ALL);
}
