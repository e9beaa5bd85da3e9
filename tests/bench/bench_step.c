/* tests/bench/bench_step.c: measures a training step, and its matrix products alone, in turn within one process. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "tensor/kernels/matmul.h"
#include "tests/bench/architectures.h"
#include "tests/bench/bench.h"
#include "tests/heap.h"

enum { ROWS = 10240, PIXELS = 784, ROUNDS = 9, FIRST = 4, MOST_LAYERS = 3 * TAP_VAE_MAX_HIDDEN };

static const char usage[] =
    "usage: bench_step [--arch NAME] [--batch N] [--threads N] [--steps N] [--hidden N] [--layers N]\n"
    "  Prints one JSON object: the best of several rounds of a whole training step with Adam, in microseconds, and of\n"
    "  its matrix products alone, by BLIS (us_floor) and by the library's own kernels (us_products).\n"
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
    int64_t         batch, steps, hidden, layers, threads;
} options;

static void choose(options *o)
{
    const architecture *a = architectures();
    while (a < architectures() + N_ARCHITECTURES && strcmp(a->name, o->arch)) a++;
    if (a == architectures() + N_ARCHITECTURES) bench_refuse("--arch", o->arch, "takes mlp, burda, iwae50 or conv");
    o->model = a->model;
    if (!o->batch) o->batch = a->batch;
    if (o->layers) o->model.n_hidden = (int)o->layers;
    for (int k = 0; k < o->model.n_hidden; k++) {
        int64_t *width = &o->model.hidden[k];
        if (o->hidden) *width = o->hidden;
        else if (*width == 0) *width = k > 0 ? o->model.hidden[0] : 400;
    }
}

static options parse(int argc, char **argv)
{
    options            o = { .arch = "mlp" };
    const bench_option all[] = {
        { "--arch", .word = &o.arch },
        { "--batch", .number = &o.batch, .least = 1, .most = ROWS },
        { "--threads", .number = &o.threads, .least = 1, .most = 256 },
        { "--steps", .number = &o.steps, .least = 1, .most = 1000000 },
        { "--hidden", .number = &o.hidden, .least = 1, .most = 65536 },
        { "--layers", .number = &o.layers, .least = 1, .most = TAP_VAE_MAX_HIDDEN },
        { 0 },
    };
    bench_parse(argc, argv, usage, all);
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
    tap_set_threads((int)o->threads);
    r->root = tap_module_new(TAP_F32, 0);
    r->tape = tap_tape_new(TAP_F32, 0);
    r->batches = tap_loader_new(tap_tensor_wrap(TAP_U8, TAP_SHAPE(ROWS, PIXELS), pixels),
                                (tap_loader_options){ .batch = o->batch, .shuffle = true, .drop_last = true });
    tap_vae_init(&r->v, r->root, o->model);
    r->optim = tap_adam_new(r->root, (tap_adam_options){ 0 });
}

static void step(void *context)
{
    trainer   *r = context;
    tap_tensor x;
    if (!tap_loader_next(r->batches, &x)) {
        tap_loader_start(r->batches, ++r->epoch);
        tap_loader_next(r->batches, &x);
    }
    tap_tape_reset(r->tape);
    tap_backward(tap_vae_loss(&r->v, tap_input(r->tape, x)));
    tap_optim_step(r->optim, r->tape);
}

/* Measures a training run after its first steps: peak memory, and requests for heap memory per step, or -1 if they cannot be
 * counted. */
typedef struct {
    long peak_kib, requests;
} memory;

static memory settle(trainer *r)
{
    enum { WATCHED = 5 };
    struct rusage used;
    for (int i = 0; i < FIRST; i++) step(r);
    heap_watch(true);
    for (int i = 0; i < WATCHED; i++) step(r);
    heap_watch(false);
    const heap_requests taken = heap_take();
    getrusage(RUSAGE_SELF, &used);
    return (memory){ used.ru_maxrss,
                     heap_is_interposed() ? (taken.by_program + taken.by_libraries + WATCHED - 1) / WATCHED : -1 };
}

/* ---- Its products: of every layer y = x W^T, dx = dy W, dW = dy^T x ---- */

typedef struct {
    tap_tensor x, w, y, dx, dw;
    bool       first; /* the first layer has no dx */
} layer;

typedef bool multiplier(tap_tensor a, tap_tensor b, tap_tensor out, bool add, tap_arena *scratch);

typedef struct {
    layer       layers[MOST_LAYERS];
    int         n;
    double      operations; /* multiplications and additions */
    tap_arena  *memory;
    multiplier *multiply;
} products;

static void add_layer(products *p, int64_t rows, int64_t in, int64_t out, bool first)
{
    tap_tensor x = bench_noise(p->memory, TAP_SHAPE(rows, in)), w = bench_noise(p->memory, TAP_SHAPE(out, in));
    p->layers[p->n++] = (layer){
        x,    w, bench_noise(p->memory, TAP_SHAPE(rows, out)), bench_noise(p->memory, x.shape), bench_noise(p->memory, w.shape),
        first
    };
    p->operations += (first ? 4 : 6) * (double)rows * (double)in * (double)out;
}

static tap_tensor turned(tap_tensor x)
{
    return (tap_tensor){
        .dtype = x.dtype, .shape = TAP_SHAPE(x.shape.n[1], x.shape.n[0]), .stride = { 1, x.shape.n[1] }, .data = x.data
    };
}

static void multiply_all(void *context)
{
    const products *p = context;
    for (const layer *l = p->layers; l < p->layers + p->n; l++) p->multiply(l->x, turned(l->w), l->y, false, NULL);
    for (const layer *l = p->layers + p->n; l-- > p->layers;) {
        if (!l->first) p->multiply(l->y, l->w, l->dx, false, NULL);
        p->multiply(turned(l->y), l->x, l->dw, false, NULL);
    }
}

/* A convolution or its adjoint between side x side pixels and a quarter as many windows. */
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

/* ---- Measurement ---- */

enum { STEP, FLOOR, PRODUCTS, PEAK, CASES };

static void report(const options *o, const products *p, const bench_case *c, memory m)
{
    const double seconds = c[STEP].seconds, flops = p->operations / seconds;
    bench_json_open(NULL, '{');
    bench_json_text("arch", o->arch);
    bench_json_number("batch", (double)o->batch, 0);
    bench_json_number("threads", tap_threads(), 0);
    bench_json_number("us_per_step", seconds * 1e6, 1);
    bench_json_number("us_floor", c[FLOOR].seconds * 1e6, 1);
    bench_json_number("ratio", seconds / c[FLOOR].seconds, 3);
    bench_json_number("us_products", c[PRODUCTS].seconds * 1e6, 1);
    bench_json_number("gflops", flops * 1e-9, 1);
    bench_json_number("peak_fraction", flops / (bench_peak_flops() / c[PEAK].seconds), 3);
    bench_json_number("images_per_second", (double)o->batch / seconds, 0);
    bench_json_number("peak_rss_kib", (double)m.peak_kib, 0);
    bench_json_number("allocations_per_step", m.requests < 0 ? (double)NAN : (double)m.requests, 0);
    bench_json_text("kernels", tap_config());
    bench_json_close('}');
    printf("\n");
}

int main(int argc, char **argv)
{
    static products p, own;
    const char     *message;
    options         o = parse(argc, argv);
    trainer         r = { 0 };
    start(&r, &o);
    const memory m = settle(&r);
    p = (products){ .memory = tap_arena_new(), .multiply = tap__matmul_by_blis };
    add_networks(&p, &o);
    own = p;
    own.multiply = tap__matmul;
    bench_case cases[CASES] = {
        { step, &r, o.steps, 0 }, { multiply_all, &p, o.steps, 0 }, { multiply_all, &own, o.steps, 0 }, bench_peak(p.memory)
    };
    cases[PEAK].calls = 1;
    bench_measure(CASES, cases, ROUNDS, 0.1);
    if (tap_tape_status(r.tape, &message) != TAP_OK) bench_fail(message);
    if (tap_module_status(r.root, &message) != TAP_OK) bench_fail(message);
    report(&o, &p, cases, m);
    tap_arena_free(p.memory);
    tap_loader_free(r.batches);
    tap_tape_free(r.tape);
    tap_module_free(r.root);
    return 0;
}
