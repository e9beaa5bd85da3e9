/* tests/autograd/no_gradient.h: public functions that return a var but need no row of the gradient tests. */
#ifndef TAP_TESTS_AUTOGRAD_NO_GRADIENT_H
#define TAP_TESTS_AUTOGRAD_NO_GRADIENT_H

#include <stdbool.h>
#include <string.h>

static inline bool needs_no_gradient(const char *name)
{
    /* clang-format off */
    static const char *const names[] = {
        /* inputs, constants and handles */
        "input", "variable", "scalar", "zeros", "scalar_like", "ones", "full", "full_like", "arange", "eye", "randn", "rand", "leaf_var", "named", "apply",
        "in", "out", "param_var", "fail",
        /* results that are bool or integer */
        "one_hot", "csr_select", "eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_not", "isnan", "isinf",
        "isfinite", "any", "all", "count_nonzero", "argmax", "argmin", "argsort",
        /* gradients of products that are out of range: they have no second derivative, and test_edges has their values */
        "prod_others", "cumprod_grad",
        /* the gradient of an embedding by frequency, which is not a derivative; test_layers has its values */
        "scale_grad",
        /* layers, distributions and models, whose gradients are checked in tests/nn and tests/models */
        "linear_forward", "mlp_forward", "conv_forward", "conv_forward_to", "batch_norm_forward", "instance_norm_forward",
        "layer_norm_forward", "rms_norm_forward", "group_norm_forward", "embedding_forward", "prelu_forward", "dropout_forward", "bilinear_forward", "rnn_forward", "rnn_cell_forward", "multihead_attention_forward",
        "transformer_encoder_layer_forward", "transformer_decoder_layer_forward", "transformer_encoder_forward", "transformer_decoder_forward",
        "identity", "sample", "sample_n", "rsample", "rsample_n", "sample_from", "log_prob",
        "entropy", "dist_mean", "dist_variance", "kl", "kl_monte_carlo", "estimator_sample", "variational_bound", "free_bits", "vae_loss",
        "vae_loss_from", "vae_sample", "vae_reconstruct", "vae_loss_given", "vae_sample_given", "vae_reconstruct_given",
        "vae_reconstruction_log_prob", "vae_log_likelihood", "vae_deviance", "vae_regret",
        "scalar_vae_elbo", "standardize", "unstandardize", "linear_vae_elbo", "linear_vae_elbo_from", "linear_vae_log_prob", "autoencoder_encode", "autoencoder_decode", "autoencoder_loss",
        "count_vae_rates", "count_vae_loss", "count_vae_log_prob",
    };
    /* clang-format on */
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!strcmp(names[i], name)) return true;
    }
    return false;
}

#endif
