/* tests/models/train_linear_vae.c: the linear VAE with 20 latent dimensions, trained on all 60,000 images of MNIST by its
 * analytic ELBO, against the optimum in closed form:
 *
 *     build/tests/train_linear_vae [DIR [steps [rate]]]     with train-images-idx3-ubyte.gz in DIR
 *
 * Without DIR, it is $TAPESTRY_DATA or ../shared/data/mnist; without images there, nothing is done (exit 77).
 *
 * The ELBO depends on the images by their mean and covariance alone, so each step is over all images. sigma is learned first,
 * then fixed between two eigenvalues of the covariance, where the number of active units is known beforehand. The learned
 * model's ELBO and exact log-likelihood are averaged over the images one by one, too, and the latter is estimated by draws. */
#define _POSIX_C_SOURCE 200809L
#include <unistd.h>

#include "tests/models/ppca.h"

enum { LATENT = 20, ITERATIONS = 1500, KEPT = 12, CHECKED = 100, DRAWS = 1000 };

static double average(const tap_linear_vae *v, tap_tensor images, tap_var (*f)(const tap_linear_vae *v, tap_var x))
{
    double      sum = 0;
    tap_tensor  x;
    tap_tape   *t = tap_tape_new(TAP_F64, 0);
    tap_loader *l = tap_loader_new(images, (tap_loader_options){ .batch = 1000, .dtype = TAP_F64 });
    tap_tape_set_recording(t, false);
    for (tap_loader_start(l, 0); tap_loader_next(l, &x); tap_tape_reset(t))
        sum += tap_item(tap_sum(f(v, tap_input(t, x)), TAP_ALL));
    tap_loader_free(l);
    tap_tape_free(t);
    return sum / (double)images.shape.n[0];
}

static bool is_within(const char *what, double value, double expected, double tolerance)
{
    bool ok = fabs(value - expected) <= tolerance;
    printf("%-40s %.9f, expected %.9f within %g: %s\n", what, value, expected, tolerance, ok ? "yes" : "NO");
    return ok;
}

/* log p(x) of some images by K draws each from q, against the exact one, in standard errors of the estimate. */
static bool k_draws(const tap_linear_vae *v, tap_tensor images)
{
    double      error = 0, variance = 0;
    tap_tensor  x;
    tap_tape   *t = tap_tape_new(TAP_F64, 1);
    tap_loader *l = tap_loader_new(images, (tap_loader_options){ .batch = 1, .dtype = TAP_F64 });
    tap_tape_set_recording(t, false);
    for (int i = 0; i < CHECKED && tap_loader_next(l, &x); i++, tap_tape_reset(t)) {
        tap_var         image = tap_input(t, x);
        tap_dist        q = tap_linear_vae_encode(v, image);
        tap_var         z = tap_sample_n(q, DRAWS);
        tap_bound_terms d = { .log_px_z = tap_sum(tap_log_prob(tap_linear_vae_decode(v, z), image), TAP_LAST),
                              .log_pz = tap_sum(tap_log_prob(tap_standard_normal_like(q), z), TAP_LAST),
                              .log_q = tap_sum(tap_log_prob(q, z), TAP_LAST) };
        tap_var         estimate = tap_variational_bound(d, (tap_bound_options){ .bound = TAP_IWAE });
        tap_var         log_w = tap_sub(tap_add(d.log_px_z, d.log_pz), d.log_q);
        tap_var         w = tap_mul_scalar(tap_softmax(log_w, 0), DRAWS); /* w / mean(w) */
        error += tap_item(tap_sub(estimate, tap_linear_vae_log_prob(v, image))) / CHECKED;
        variance += tap_item(tap_variance(w, TAP_ALL, 1)) / DRAWS / CHECKED / CHECKED;
    }
    tap_loader_free(l);
    tap_tape_free(t);
    printf("log p(x) of %d images by %d draws: off by %.2e, standard error %.2e\n", CHECKED, DRAWS, error, sqrt(variance));
    return fabs(error) < 2 * sqrt(variance);
}

static bool learned_sigma(tap_tensor images, moments m, const double *value, int64_t steps, double rate)
{
    double         sigma2, best = optimum(m, LATENT, value, &sigma2);
    tap_module    *root = tap_module_new(TAP_F64, 1);
    tap_linear_vae v;
    printf("optimum in closed form: %.6f nats per image, sigma^2 = %.9f\n", best, sigma2);
    tap_linear_vae_init(&v, root, m.d, LATENT, 0);
    double elbo = maximize_elbo(&v, root, m, steps, rate, steps / 20);
    bool   ok = is_within("ELBO", elbo, best, 0.05);
    ok &= is_within("sigma^2", sigma2_of(&v), sigma2, 1e-5);
    ok &= is_within("ELBO, mean over the images", average(&v, images, tap_linear_vae_elbo), best, 0.05);
    ok &= is_within("log p(x), mean over the images", average(&v, images, tap_linear_vae_log_prob), best, 0.05);
    ok &= k_draws(&v, images);
    tap_module_free(root);
    return ok;
}

static bool fixed_sigma(moments m, const double *value, int64_t steps, double rate)
{
    const double   sigma2 = (value[KEPT - 1] + value[KEPT]) / 2;
    tap_module    *root = tap_module_new(TAP_F64, 2);
    tap_linear_vae v;
    printf("\nsigma^2 = %.6f, between eigenvalues %d and %d: %.6f and %.6f\n", sigma2, KEPT, KEPT + 1, value[KEPT - 1],
           value[KEPT]);
    tap_linear_vae_init(&v, root, m.d, LATENT, sqrt(sigma2));
    maximize_elbo(&v, root, m, steps, rate, steps / 10);
    bool ok = is_within("active units", active_units(&v, m), KEPT, 0);
    tap_module_free(root);
    return ok;
}

int main(int argc, char **argv)
{
    char        path[4096], *end = NULL;
    const char *message;
    double      value[LATENT + 1];
    int64_t     steps = argc > 2 ? strtoll(argv[2], &end, 10) : 4000;
    double      rate = argc > 3 ? strtod(argv[3], &end) : 0.01;
    const char *given = argc > 1 ? argv[1] : getenv("TAPESTRY_DATA"), *dir = given && *given ? given : "../shared/data/mnist";
    if (argc > 4 || steps < 20 || !(rate > 0) || (end && *end)) {
        fprintf(stderr, "usage: %s [DIR [steps [rate]]]\n", argv[0]);
        return 2;
    }
    snprintf(path, sizeof path, "%s/train-images-idx3-ubyte.gz", dir);
    if (argc < 2 && access(path, R_OK) != 0) {
        printf("skipped: there is no %s\n", path);
        return 77;
    }
    tap_arena *a = tap_arena_new();
    tap_tensor images = tap_idx_read(a, path);
    bool       ok = tap_arena_status(a, &message) == TAP_OK;
    if (!ok) fprintf(stderr, "train_linear_vae: %s\n", message);
    if (ok) {
        moments m = moments_of(images);
        eigenvalues(m, LATENT + 1, ITERATIONS, value);
        printf("%lld images, variance %.6f in all, eigenvalues %d and %d: %.6f and %.6f\n", (long long)m.n, trace_of(m), LATENT,
               LATENT + 1, value[LATENT - 1], value[LATENT]);
        ok = learned_sigma(images, m, value, steps, rate);
        ok &= fixed_sigma(m, value, steps, rate);
        moments_free(m);
    }
    tap_arena_free(a);
    return !ok;
}
