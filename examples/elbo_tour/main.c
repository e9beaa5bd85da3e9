/* examples/elbo_tour/main.c: checks the mathematics of variational autoencoders, section by section, in numbers and plots. */
#include "elbo_tour.h"

#include <stdio.h>

const char *const program = "elbo_tour";

/* clang-format off */
const argument options_table[] = {
    { .name = "usage: elbo_tour [options]\n\n"
              "Walks through the theory of the variational autoencoder: each equation with both of its sides computed by different "
              "means, what every gradient estimator scatters, and four pictures. Fails if a difference is not within 4 standard "
              "errors.\n" },
    { "--data", "DIR", FOLDER, FIELD(data),
      .help = "MNIST, or images in its format, for the picture of codes [where vae_mnist looks for them; without any, made-up "
              "discs]" },
    { "--out", "DIR", FOLDER, FIELD(out), .initial = "out/elbo_tour", .help = "where the pictures go; made if need be" },
    { "--seed", "N", SEED, FIELD(seed), .initial = "0", .help = "of all that is random" },
    { "--quick", NULL, FLAG, FIELD(quick), .help = "fewer draws, less training" },
    { "--help", NULL, HELP, .help = "print this help" },
    { 0 },
};
/* clang-format on */

int main(int argc, char **argv)
{
    options o = { .data = NULL };
    arguments_take(&o, argc, argv);
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
