/* How long a training step takes, beside the time of its matrix products alone, measured in turn within one process. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "models/models.h"
#include "tensor/matmul.h"

enum { ROWS = 10240, PIXELS = 784, ROUNDS = 7 };

static const char usage[] =
    "usage: bench_step [--arch mlp|burda] [--batch N] [--threads N] [--steps N]\n"
    "  Prints one JSON object: the best of several rounds of a whole training step, in microseconds, and of its\n"
    "  matrix products alone (us_floor).\n"
    "  --arch     mlp: 784-400-20 ReLU; burda: 784-200-200-50 tanh [mlp]\n"
    "  --batch    images in a batch [128]\n"
    "  --threads  [all processors]\n"
    "  --steps    steps in a round [40]\n";

typedef struct {
    const char     *arch;
    tap_vae_options model;
    int64_t         batch, steps;
    int             threads;
} options;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void refuse(const char *what, const char *value)
{
    fprintf(stderr, "bench_step: %s %s\n%s", what, value, usage);
    exit(2);
}

static int64_t number(const char *option, const char *text)
{
    char *end;
    long  n = strtol(text, &end, 10);
    if (end == text || *end || n < 1 || n > 1000000) refuse(option, text);
    return n;
}

static options parse(int argc, char **argv)
{
    options o = { .arch = "mlp", .batch = 128, .steps = 40 };
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--help")) {
            fputs(usage, stdout);
            exit(0);
        }
        if (i + 1 == argc) refuse("unknown option, or no value for", argv[i]);
        const char *name = argv[i], *value = argv[++i];
        if (!strcmp(name, "--arch")) o.arch = value;
        else if (!strcmp(name, "--batch")) o.batch = number(name, value);
        else if (!strcmp(name, "--threads")) o.threads = (int)number(name, value);
        else if (!strcmp(name, "--steps")) o.steps = number(name, value);
        else refuse("unknown option", name);
    }
    if (!strcmp(o.arch, "mlp")) o.model = (tap_vae_options){ .data = PIXELS };
    else if (!strcmp(o.arch, "burda"))
        o.model = (tap_vae_options){ .data = PIXELS, .n_hidden = 2, .hidden = { 200, 200 }, .latent = 50, .activation = tap_tanh };
    else refuse("unknown --arch", o.arch);
    return o;
}

/* ---- The step ---- */

typedef struct {
    tap_vae     v;
    tap_module *root;
    tap_optim  *optim;
    tap_tape   *tape;
    tap_loader *batches;
    uint64_t    epoch;
} trainer;

static void step(trainer *r)
{
    tap_tensor x;
    if (!tap_loader_next(r->batches, &x)) {
        tap_loader_start(r->batches, ++r->epoch);
        tap_loader_next(r->batches, &x);
    }
    tap_tape_reset(r->tape);
    tap_backward(tap_vae_loss(&r->v, tap_input(r->tape, x)));
    tap_optim_step(r->optim, r->tape);
}

/* ---- Its products: x W^T, dY W, dY^T x of every layer (the first has no dY W) ---- */

typedef struct {
    tap_tensor a, b, out;
} product;

static float *noise(int64_t n)
{
    float *x = malloc((size_t)n * sizeof *x);
    if (!x) exit(1);
    tap_random_normal(tap_tensor_wrap(TAP_F32, TAP_SHAPE(n), x), (tap_random){ .seed = (uint64_t)n });
    return x;
}

static void add_product(product *p, int *n, int64_t m, int64_t k, int64_t width, bool a_transposed, bool b_transposed)
{
    tap_tensor a = tap_tensor_wrap(TAP_F32, TAP_SHAPE(m, k), noise(m * k));
    tap_tensor b = tap_tensor_wrap(TAP_F32, TAP_SHAPE(k, width), noise(k * width));
    if (a_transposed) a.stride[0] = 1, a.stride[1] = m;
    if (b_transposed) b.stride[0] = 1, b.stride[1] = k;
    p[(*n)++] = (product){ a, b, tap_tensor_wrap(TAP_F32, TAP_SHAPE(m, width), noise(m * width)) };
}

static void add_layer(product *p, int *n, int64_t batch, int64_t in, int64_t out, bool first)
{
    add_product(p, n, batch, in, out, false, true);
    if (!first) add_product(p, n, batch, out, in, false, false);
    add_product(p, n, out, batch, in, true, false);
}

static int products_of(const options *o, const tap_vae_options *m, product *p)
{
    int     n = 0;
    int64_t in = m->data;
    for (int i = 0; i < m->n_hidden; in = m->hidden[i++]) add_layer(p, &n, o->batch, in, m->hidden[i], i == 0);
    add_layer(p, &n, o->batch, in, m->latent, false);
    add_layer(p, &n, o->batch, in, m->latent, false);
    in = m->latent;
    for (int i = m->n_hidden - 1; i >= 0; in = m->hidden[i--]) add_layer(p, &n, o->batch, in, m->hidden[i], false);
    add_layer(p, &n, o->batch, in, m->data, false);
    return n;
}

static void run_products(const product *p, int n)
{
    for (int i = 0; i < n; i++) tap__matmul(p[i].a, p[i].b, p[i].out, false, NULL);
}

int main(int argc, char **argv)
{
    static uint8_t pixels[ROWS * PIXELS];
    options        o = parse(argc, argv);
    product        p[6 * TAP_VAE_MAX_HIDDEN];
    trainer        r = { .root = tap_module_new(TAP_F32, 0), .tape = tap_tape_new(TAP_F32, 0) };
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)(i * 2654435761u >> 24);
    tap_set_threads(o.threads);
    r.batches = tap_loader_new(tap_tensor_wrap(TAP_U8, TAP_SHAPE(ROWS, PIXELS), pixels),
                               (tap_loader_options){ .batch = o.batch, .shuffle = true, .drop_last = true });
    tap_vae_init(&r.v, r.root, o.model);
    r.optim = tap_adam(r.root, (tap_adam_options){ 0 });
    int    n = products_of(&o, &r.v.options, p);
    double best = 1e9, floor = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        double start = now();
        for (int64_t i = 0; i < o.steps; i++) step(&r);
        double middle = now();
        for (int64_t i = 0; i < o.steps; i++) run_products(p, n);
        double end = now(), each = (middle - start) / (double)o.steps, product_each = (end - middle) / (double)o.steps;
        if (each < best) best = each;
        if (product_each < floor) floor = product_each;
    }
    const char *message;
    if (tap_tape_status(r.tape, &message) != TAP_OK || tap_module_status(r.root, &message) != TAP_OK) {
        fprintf(stderr, "bench_step: %s\n", message);
        return 1;
    }
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    printf("{\"arch\": \"%s\", \"batch\": %lld, \"us_per_step\": %.1f, \"us_floor\": %.1f, \"ratio\": %.3f, "
           "\"images_per_second\": %.0f, \"peak_rss_kib\": %ld, \"kernels\": \"%s\"}\n",
           o.arch, (long long)o.batch, best * 1e6, floor * 1e6, best / floor, (double)o.batch / best, used.ru_maxrss, tap_config());
    for (int i = 0; i < n; i++) {
        free(p[i].a.data);
        free(p[i].b.data);
        free(p[i].out.data);
    }
    tap_loader_free(r.batches);
    tap_tape_free(r.tape);
    tap_module_free(r.root);
    return 0;
}
