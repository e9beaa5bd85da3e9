/* models/internal.h: what the models share, and the networks of a tap_vae apart from its probabilities. Not installed. */
#ifndef TAP_MODELS_INTERNAL_H
#define TAP_MODELS_INTERNAL_H

#include "models/models.h"

/* The model or, for NULL, one of the same type that was never initialized: its layers and parameters report that. */
const void *tap__or_uninitialized(const void *model);

/* ELBO = E_q[log p(x|z)] - KL(q(z|x) || p(z)), per image: the expectation is the mean over the L draws of log_px_z [L,batch],
 * the KL is given per latent dimension [batch,latent]. The bound is the ELBO itself. */
tap_vae_terms tap__elbo(tap_var log_px_z, tap_var kl);

/* Whether the estimator goes by the score function grad log q, so that no gradient flows through z. */
static inline bool tap__is_score(tap_estimator e)
{
    return e == TAP_SCORE || e == TAP_SCORE_BASELINE || e == TAP_SCORE_LEAVE_ONE_OUT;
}

/* ---- Of a tap_vae ------------------------------------------------------------------------------------------------- */

/* The options with defaults filled in (vae_options.c). Options that cannot be used are an error of the module. */
tap_vae_options tap__vae_options_resolve(tap_module *m, tap_vae_options o);

/* Creates the parameters of both networks, for options that have been resolved (vae_networks.c, as all below). */
void tap__vae_networks_init(tap_vae *v, tap_module *m);

/* The encoder's last hidden layer: x [..,D] -> [..,hidden]. c is NULL for a VAE without a condition. */
tap_var tap__vae_encoder(const tap_vae *v, tap_var x, const tap_var *c);

/* The decoder's last hidden layer: z [..,latent] -> [..,hidden] or, with convolutions, [n,channels,height,width] with n =
 * numel(z) / latent. */
tap_var tap__vae_decoder(const tap_vae *v, tap_var z, const tap_var *c);

/* A head of the decoder, one number for each pixel, from its last hidden layer h: [..,D], the leading axes being those of
 * z_shape. */
tap_var tap__vae_head(const tap_vae *v, const tap_vae_head *head, tap_var h, tap_shape z_shape);

#endif
