/* models/vae.h: the networks of a tap_vae, apart from its probabilities. Not installed. */
#ifndef TAP_MODELS_VAE_H
#define TAP_MODELS_VAE_H

#include "models/models.h"

/* Parameters of both networks for options that have been checked. */
void tap__vae_networks_init(tap_vae *v, tap_module *m);

/* The encoder's last hidden layer: x [..,D] -> [..,hidden]. c NULL: none is given. */
tap_var tap__vae_encoder(const tap_vae *v, tap_var x, const tap_var *c);

/* The decoder's: z [..,latent] -> [..,hidden] or, with convolutions, images [n,channels,height,width], n the number of z's. */
tap_var tap__vae_decoder(const tap_vae *v, tap_var z, const tap_var *c);

/* A number for each pixel from the decoder's last hidden layer: [..,D], the leading axes being those of z, whose shape is given. */
tap_var tap__vae_head(const tap_vae *v, const tap_vae_head *head, tap_var h, tap_shape of);

#endif
