/* examples/elbo_tour/main.c: the mathematics of the variational autoencoder, section by section, in numbers and pictures. */
#define _POSIX_C_SOURCE 200809L
#include "elbo_tour.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

static bool usage(const char *name, const char *value, const char *takes)
{
    return fail("%s%s%s: %s; see --help", name, *value ? " " : "", value, takes);
}

static bool set(tour *o, const char *name, size_t n, const char *value)
{
    const bool data = n == 6 && !memcmp(name, "--data", n), out = n == 5 && !memcmp(name, "--out", n);
    const bool seed = n == 6 && !memcmp(name, "--seed", n);
    char       option[32];
    if (!data && !out && !seed) return usage(name, "", name[0] == '-' ? "there is no such option" : "not an option");
    snprintf(option, sizeof option, "%.*s", (int)n, name);
    if (!value || !strncmp(value, "--", 2)) return usage(option, "", "a value is missing");
    if (seed) {
        errno = 0;
        o->seed = strtoull(value, NULL, 10);
        if (*value && !value[strspn(value, "0123456789")] && !errno) return true;
        return usage(option, *value ? value : "''", "must be a whole number from 0 to 18446744073709551615");
    }
    if (!*value || strlen(value) >= PATH_SIZE - 64) return usage(option, *value ? value : "''", "must name a directory");
    *(data ? &o->data : &o->out) = value;
    return true;
}

static bool parse(tour *o, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *equals = strchr(argv[i], '=');
        const bool  joined = equals && !strncmp(argv[i], "--", 2);
        if (!strcmp(argv[i], "--quick")) o->quick = true;
        else if (!set(o, argv[i], joined ? (size_t)(equals - argv[i]) : strlen(argv[i]), joined ? equals + 1 : argv[i + 1]))
            return false;
        else
            i += !joined;
    }
    o->draws = o->quick ? 20000 : 200000;
    return true;
}

static bool make_out(const char *out)
{
    char path[PATH_SIZE];
    join(path, out, "x");
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0777) && errno != EEXIST) return fail("%s: cannot be created: %s", path, strerror(errno));
        *slash = '/';
    }
    return true;
}

int main(int argc, char **argv)
{
    tour o = { .out = "out/elbo_tour" };
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") && strcmp(argv[i], "-h")) continue;
        fputs(help, stdout);
        return fflush(stdout) ? !fail("standard output: %s", strerror(errno)) : 0;
    }
    if (!parse(&o, argc, argv)) return 2;
    if (!make_out(o.out) || !walk_trivial(&o) || !walk_bounds(&o) || !walk_gradients(&o) || !walk_gaussians(&o)) return 1;
    if (!draw_figures(&o) || !walk_codes(&o)) return 1;
    bool ok = table_end();
    printf("delta.png, kl.png, variance.png and codes.png are in %s\n", o.out);
    if (fflush(stdout) || ferror(stdout)) ok = fail("standard output: %s", strerror(errno));
    return !ok;
}
