/* examples/elbo_tour/main.c: checks the mathematics of variational autoencoders, section by section, in numbers and plots. */
#include "elbo_tour.h"

#include <stdio.h>

const char *const program = "elbo_tour";

static const char help[] = "usage: elbo_tour [options]\n"
                           "\n"
                           "Walks through the theory of the variational autoencoder: each equation with both\n"
                           "of its sides computed by different means, what every gradient estimator\n"
                           "scatters, and four pictures. Fails if a difference is not within 4 standard\n"
                           "errors.\n"
                           "\n"
                           "  --data DIR   MNIST, or images in its format, for the picture of codes [where\n"
                           "               vae_mnist looks for them; without any, made-up discs]\n"
                           "  --out DIR    where the pictures go; made if need be [out/elbo_tour]\n"
                           "  --seed N     of all that is random [0]\n"
                           "  --quick      fewer draws, less training\n"
                           "  --help       print this\n";

int main(int argc, char **argv)
{
    options o = { .out = "out/elbo_tour" };
    /* clang-format off */
    const argument table[] = {
        ARGUMENT("--data", FOLDER, &o.data), ARGUMENT("--out", FOLDER, &o.out),  ARGUMENT("--seed", SEED, &o.seed),
        ARGUMENT("--quick", FLAG, &o.quick), ARGUMENT_END,
    };
    /* clang-format on */
    int status;
    if (!arguments_take(table, help, argc, argv, NULL, &status)) return status;
    o.draws = o.quick ? 20000 : 200000;
    const out_file files[] = { { "delta.png", PICTURE_BYTES },
                               { "kl.png", PICTURE_BYTES },
                               { "variance.png", PICTURE_BYTES },
                               { "codes.png", 2 * PICTURE_BYTES } };
    if (!check_images(&o) || !prepare_out(o.out, 4, files) || !check_trivial(&o) || !check_bounds(&o) || !check_gradients(&o) ||
        !check_gaussians(&o) || !draw_figures(&o) || !check_codes(&o))
        return 1;
    bool ok = table_end();
    printf("delta.png, kl.png, variance.png and codes.png are in %s\n", o.out);
    return end_program(ok);
}
