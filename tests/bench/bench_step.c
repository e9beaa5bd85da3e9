/* How long a training step takes, beside the time of its matrix products alone, measured in turn within one process. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "tensor/matmul.h"
#include "tests/bench/architectures.h"
#include "tests/heap.h"

enum { ROWS = 10240, PIXELS = 784, ROUNDS = 9, FIRST = 4, MOST_PRODUCTS = 128 };

static const char usage[] =
    "usage: bench_step [--arch NAME] [--batch N] [--threads N] [--steps N] [--hidden N] [--layers N]\n"
    "  Prints one JSON object: the best of several rounds of a whole training step with Adam, in microseconds, and of\n"
    "  its matrix products alone (us_floor).\n"
    "  --arch     mlp: 784-400-20 ReLU; burda: 784-200-200-50 tanh; iwae50: burda with the importance-weighted bound\n"
    "             of 50 samples; conv: two convolutions 4x4, stride 2, of 32 and 64 channels, latent 20, and back [mlp]\n"
    "  --batch    images in a batch [128; iwae50: 20]\n"
    "  --threads  [all processors]\n"
    "  --steps    steps in a round [as many as take a tenth of a second]\n"
    "  --hidden   width of the hidden layers [the architecture's]\n"
    "  --layers   number of hidden layers [the architecture's]\n";

typedef struct {
    const char     *arch;
    tap_vae_options model;
    int64_t         batch, steps, hidden, layers;
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

static int64_t number(const char *option, const char *text, long most)
{
    char *end;
    long  n = strtol(text, &end, 10);
    if (end == text || *end || n < 1 || n > most) refuse(option, text);
    return n;
}

static void choose(options *o)
{
    for (int i = 0; i < N_ARCHITECTURES; i++) {
        const architecture *a = &architectures()[i];
        if (strcmp(a->name, o->arch) != 0) continue;
        o->model = a->model;
        if (!o->batch) o->batch = a->batch;
        if (o->layers) o->model.n_hidden = (int)o->layers;
        for (int k = 0; k < o->model.n_hidden; k++) {
            if (o->hidden) o->model.hidden[k] = o->hidden;
            else if (o->model.hidden[k] == 0) o->model.hidden[k] = o->model.hidden[0];
        }
        return;
    }
    refuse("unknown --arch", o->arch);
}

static options parse(int argc, char **argv)
{
    options o = { .arch = "mlp" };
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--help")) {
            fputs(usage, stdout);
            exit(0);
        }
        if (i + 1 == argc) refuse("unknown option, or no value for", argv[i]);
        const char *name = argv[i], *value = argv[++i];
        if (!strcmp(name, "--arch")) o.arch = value;
        else if (!strcmp(name, "--batch")) o.batch = number(name, value, ROWS);
        else if (!strcmp(name, "--threads")) o.threads = (int)number(name, value, 256);
        else if (!strcmp(name, "--steps")) o.steps = number(name, value, 1000000);
        else if (!strcmp(name, "--hidden")) o.hidden = number(name, value, 65536);
        else if (!strcmp(name, "--layers")) o.layers = number(name, value, TAP_VAE_MAX_HIDDEN);
        else refuse("unknown option", name);
    }
    choose(&o);
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

static void start(trainer *r, const options *o)
{
    static uint8_t pixels[ROWS * PIXELS];
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)(i * 2654435761u >> 24);
    tap_set_threads(o->threads);
    r->root = tap_module_new(TAP_F32, 0);
    r->tape = tap_tape_new(TAP_F32, 0);
    r->batches = tap_loader_new(tap_tensor_wrap(TAP_U8, TAP_SHAPE(ROWS, PIXELS), pixels),
                                (tap_loader_options){ .batch = o->batch, .shuffle = true, .drop_last = true });
    tap_vae_init(&r->v, r->root, o->model);
    r->optim = tap_adam(r->root, (tap_adam_options){ 0 });
}

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

/* Requests for heap memory in a step, once things have settled; -1 where they cannot be counted. */
static long allocations(trainer *r)
{
    enum { WATCHED = 5 };
    for (int i = 0; i < FIRST; i++) step(r);
    heap_watch(true);
    for (int i = 0; i < WATCHED; i++) step(r);
    heap_watch(false);
    const heap_requests taken = heap_take();
    return heap_counts() ? (taken.here + taken.elsewhere + WATCHED - 1) / WATCHED : -1;
}

/* ---- Its products: y = x W^T, dx = dy W, dW = dy^T x of every layer ---- */

typedef struct {
    tap_tensor a, b, out;
} product;

typedef struct {
    product each[MOST_PRODUCTS];
    int     n;
    double  operations; /* multiplications and additions */
} products;

static float *noise(int64_t n)
{
    float *x = malloc((size_t)n * sizeof *x);
    if (!x) {
        fprintf(stderr, "bench_step: no memory\n");
        exit(1);
    }
    tap_random_normal(tap_tensor_wrap(TAP_F32, TAP_SHAPE(n), x), (tap_random){ .seed = (uint64_t)n });
    return x;
}

static tap_tensor matrix(int64_t rows, int64_t columns, bool transposed)
{
    tap_tensor x = tap_tensor_wrap(TAP_F32, TAP_SHAPE(rows, columns), noise(rows * columns));
    if (transposed) x.stride[0] = 1, x.stride[1] = rows;
    return x;
}

static void add_product(products *p, int64_t m, int64_t k, int64_t n, bool a_transposed, bool b_transposed)
{
    p->each[p->n++] = (product){ matrix(m, k, a_transposed), matrix(k, n, b_transposed), matrix(m, n, false) };
    p->operations += 2 * (double)m * (double)k * (double)n;
}

/* The first layer has no dx. */
static void add_layer(products *p, int64_t rows, int64_t in, int64_t out, bool first)
{
    add_product(p, rows, in, out, false, true);
    if (!first) add_product(p, rows, out, in, false, false);
    add_product(p, out, rows, in, true, false);
}

/* A convolution or its adjoint: between pixels, side x side of them, and windows, a quarter as many. */
static void add_convolution(products *p, int64_t batch, int64_t side, int64_t channels, int64_t out, bool first)
{
    add_layer(p, batch * side * side / 4, channels * 16, out, first);
}

static void add_networks(products *p, const options *o)
{
    const tap_vae_options *m = &o->model;
    const int64_t          draws = o->batch * (m->samples ? m->samples : 1), sides = m->image[1];
    int64_t                in = m->data, channels = m->image[0];
    for (int i = 0; i < m->n_conv; channels = m->conv[i++]) {
        add_convolution(p, o->batch, sides >> i, channels, m->conv[i], i == 0);
        add_convolution(p, draws, sides >> i, channels, m->conv[i], false);
        in = m->conv[i] * (sides >> i) * (sides >> i) / 4;
    }
    const int64_t wide = in;
    for (int i = 0; i < m->n_hidden; in = m->hidden[i++]) add_layer(p, o->batch, in, m->hidden[i], i == 0 && m->n_conv == 0);
    add_layer(p, o->batch, in, m->latent, false);
    add_layer(p, o->batch, in, m->latent, false);
    in = m->latent;
    for (int i = m->n_hidden - 1; i >= 0; in = m->hidden[i--]) add_layer(p, draws, in, m->hidden[i], false);
    add_layer(p, draws, in, wide, false);
}

static void run(const products *p)
{
    for (int i = 0; i < p->n; i++) tap__matmul_by_blis(p->each[i].a, p->each[i].b, p->each[i].out, false, NULL);
}

static void free_products(products *p)
{
    for (int i = 0; i < p->n; i++) {
        free(p->each[i].a.data);
        free(p->each[i].b.data);
        free(p->each[i].out.data);
    }
}

/* ---- Both in turn ---- */

typedef struct {
    double step, floor; /* seconds, the best of all rounds */
} times;

static times measure(trainer *r, const products *p, int64_t steps)
{
    times best = { 1e9, 1e9 };
    for (int round = 0; round < ROUNDS; round++) {
        double begin = now();
        for (int64_t i = 0; i < steps; i++) step(r);
        double middle = now();
        for (int64_t i = 0; i < steps; i++) run(p);
        double each = (middle - begin) / (double)steps, floor = (now() - middle) / (double)steps;
        if (each < best.step) best.step = each;
        if (floor < best.floor) best.floor = floor;
    }
    return best;
}

static int64_t steps_in_a_round(trainer *r)
{
    double begin = now();
    step(r);
    int64_t n = (int64_t)(0.1 / (now() - begin)) + 1;
    return n < 1000 ? n : 1000;
}

static void report(const options *o, const products *p, times t, long taken)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    printf("{\"arch\": \"%s\", \"batch\": %lld, \"threads\": %d, \"us_per_step\": %.1f, \"us_floor\": %.1f, \"ratio\": %.3f, "
           "\"gflops\": %.1f, \"images_per_second\": %.0f, \"peak_rss_kib\": %ld, ",
           o->arch, (long long)o->batch, tap_threads(), t.step * 1e6, t.floor * 1e6, t.step / t.floor,
           p->operations / t.step * 1e-9, (double)o->batch / t.step, used.ru_maxrss);
    if (taken < 0) printf("\"allocations_per_step\": null, ");
    else printf("\"allocations_per_step\": %ld, ", taken);
    printf("\"kernels\": \"%s\"}\n", tap_config());
}

int main(int argc, char **argv)
{
    options         o = parse(argc, argv);
    trainer         r = { 0 };
    static products p;
    start(&r, &o);
    long taken = allocations(&r);
    add_networks(&p, &o);
    times       t = measure(&r, &p, o.steps ? o.steps : steps_in_a_round(&r));
    const char *message = NULL;
    if (tap_tape_status(r.tape, &message) != TAP_OK || tap_module_status(r.root, &message) != TAP_OK)
        fprintf(stderr, "bench_step: %s\n", message);
    else report(&o, &p, t, taken);
    free_products(&p);
    tap_loader_free(r.batches);
    tap_tape_free(r.tape);
    tap_module_free(r.root);
    return message && *message ? 1 : 0;
}
