/* tests/bench/architectures.h: the models that bench_step measures, and that test_determinism trains. */
#ifndef TAP_TESTS_BENCH_ARCHITECTURES_H
#define TAP_TESTS_BENCH_ARCHITECTURES_H

#include "models/models.h"

typedef struct {
    const char     *name;
    int64_t         batch; /* the batch size to measure with */
    tap_vae_options model;
} architecture;

#define N_ARCHITECTURES 4

/* For images of 28 x 28 pixels. */
static inline const architecture *architectures(void)
{
    /* clang-format off */
    static const architecture all[N_ARCHITECTURES] = {
        { "mlp", 128, { .data = 784, .n_hidden = 1, .hidden = { 400 }, .latent = 20, .activation = tap_relu } },
        { "burda", 128, { .data = 784, .n_hidden = 2, .hidden = { 200, 200 }, .latent = 50, .activation = tap_tanh } },
        { "iwae50", 20, { .data = 784, .n_hidden = 2, .hidden = { 200, 200 }, .latent = 50, .activation = tap_tanh,
                          .bound = TAP_IWAE, .samples = 50 } },
        { "conv", 128, { .data = 784, .image = { 1, 28, 28 }, .n_conv = 2, .conv = { 32, 64 }, .latent = 20,
                         .activation = tap_relu } },
    };
    /* clang-format on */
    return all;
}

#endif
