/* examples/elbo_tour/main.c: checks the mathematics of variational autoencoders, section by section, in plots and in a table of
 * equations, which fails if one of them does not hold. */
#include "elbo_tour.h"

#include <math.h>
#include <stdarg.h>
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

static int n_equations, n_wrong;

estimate estimate_of(tap_var draws)
{
    double       squares = 0;
    tap_tensor   v = tap_value(draws);
    const double sum = total(draws), n = (double)tap_tensor_numel(v);
    for (int64_t i = 0; i < tap_tensor_numel(v); i++) squares += pow(tap_tensor_item(v, i) - sum / n, 2);
    return (estimate){ sum / n, squares / (n - 1), sqrt(squares / (n - 1) / n) };
}

void section(const char *title)
{
    printf("\n%s\n%-47s %14s %14s %10s %9s\n", title, "", "left", "right", "difference", "std.error");
}

/* NaN counts as a failure, since comparisons with NaN are false. */
void equation(const char *name, double left, double right, double error)
{
    const double difference = left - right;
    const bool   holds = fabs(difference) <= (error > 0 ? 4 * error : 1e-9 * fmax(1, fabs(right)));
    n_equations++;
    n_wrong += !holds;
    printf("%-47s %14.8f %14.8f %10.1e ", name, left, right, difference);
    if (error > 0) printf("%9.1e%s\n", error, holds ? "" : "  WRONG");
    else printf("%9s%s\n", "exact", holds ? "" : "  WRONG");
}

void print_note(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("    ");
    vprintf(format, args);
    printf("\n");
    va_end(args);
}

tap_var vector(tap_tape *t, int64_t n, const double *x)
{
    return tap_input(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(n), (void *)x));
}

tap_var grid(tap_tape *t, int64_t n, double first, double last)
{
    const tap_var i = tap_cast(tap_arange(t, n), TAP_F64);
    return tap_add_scalar(tap_mul_scalar(i, (last - first) / (double)(n - 1)), first);
}

int main(int argc, char **argv)
{
    static bool (*const checks[])(const options *) = { check_trivial,    check_kl,        check_scalar_vae, check_bounds,
                                                       check_linear_vae, check_gradients, check_gaussians,  check_codes };
    options o = { .data = NULL };
    arguments_take(&o, argc, argv);
    o.draws = o.quick ? 20000 : 200000;
    const double   size = PICTURE_BYTES;
    const out_file files[] = { { "delta.png", size }, { "kl.png", size }, { "variance.png", size }, { "codes.png", 2 * size } };
    tap_arena     *a = tap_arena_new();
    bool           ok = find_images(&o, a) && prepare_out(o.out, 4, files);
    for (size_t i = 0; i < sizeof checks / sizeof *checks && ok; i++) {
        o.tape = tap_tape_new(TAP_F64, o.seed);
        o.root = tap_module_new(TAP_F64, o.seed);
        ok = checks[i](&o);
        ok = tape_end(o.tape) && ok;
        tap_module_free(o.root);
    }
    tap_arena_free(a);
    if (!ok) return 1;
    if (n_wrong) printf("\n%d of %d differences are not within 4 standard errors\n", n_wrong, n_equations);
    else printf("\nall %d differences are within 4 standard errors\n", n_equations);
    printf("delta.png, kl.png, variance.png and codes.png are in %s\n", o.out);
    return end_program(n_wrong == 0);
}
