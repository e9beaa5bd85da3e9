/* tests/bench/bench_ops.c: measures operators and the limits of the machine, in turn within one process. */
#include <stdio.h>
#include <string.h>

#include "models/models.h"
#include "tests/bench/bench.h"
#include "tests/bench/bench_kernels.h"
#include "tests/bench/operations.h"
#include "tensor/parallel.h"

enum { MAX_ROWS = 96, CHAIN = 100, NONE = -1 };

static const char usage[] =
    "usage: bench_ops [--only WORD] [--threads N] [--rounds N] [--json]\n"
    "  Times single operators beside what the machine can do in the same rounds: bytes per second are compared with a\n"
    "  triad a = b + 3 c over arrays of the same size, operations per second with a large matrix product, and one image's\n"
    "  way through a model with reading the weights once.\n"
    "  --only     rows with this word in group or name: elementwise, reduction, matmul, conv, tiny, model, exp, row, ...\n"
    "  --threads  [all processors]\n"
    "  --rounds   of which the best counts [7]\n"
    "  --json     one JSON object in place of the table\n";

/* A row of the table. */
typedef struct {
    const char      *group, *name;
    int              parts; /* operators per call */
    double           work;  /* per call: bytes, or multiplications and additions; 0: not counted */
    const char      *unit;  /* of the rate: 1e9 of these per second */
    int              limit; /* the row that measures the limit of such work, or NONE */
    const operation *op;
    tap_tensor       x, y;
} row;

static const char *only = "";
static tap_arena  *memory;
static tap_tape   *tape;
static float      *pool[3]; /* EDGE^2 elements each: the operands x and y, and the output of triad and copy */
static row         rows[MAX_ROWS];
static bench_case  cases[MAX_ROWS];
static int         n_rows;

static row *add_row(const char *group, const char *name, const char *unit, void (*run)(void *context), void *context)
{
    if (n_rows == MAX_ROWS) bench_fail("there are more rows than MAX_ROWS");
    row *r = &rows[n_rows];
    *r = (row){ .group = group, .name = name, .parts = 1, .unit = unit, .limit = NONE };
    cases[n_rows++] = (bench_case){ .run = run, .context = context ? context : r };
    return r;
}

static bool wanted(const char *group, const char *name)
{
    return strstr(group, only) || strstr(name, only);
}

static void fill_pool(void)
{
    if (pool[0]) return;
    for (int i = 0; i < 3; i++) pool[i] = bench_noise(memory, TAP_SHAPE(EDGE, EDGE)).data;
    copies = pool[2];
}

static tap_tensor tensor_of(operand o, int which)
{
    tap_shape s = TAP_SCALAR;
    for (; s.rank < 4 && o.n[s.rank]; s.rank++) s.n[s.rank] = o.n[s.rank];
    tap_tensor x = tap_tensor_wrap(TAP_F32, s, pool[which]);
    int64_t   *stride = &x.stride[s.rank - 1];
    if (o.how == TRANSPOSED) stride[-1] = 1, stride[0] = s.n[s.rank - 2];
    if (o.how == STRIDED) stride[-1] *= 4, stride[0] = 2;
    return x;
}

/* ---- The limits of the machine ---- */

static void triad_range(void *context, int64_t first, int64_t last)
{
    (void)context;
    TAP__KERNEL_PICK(bench_triad)(last - first, pool[2] + first, pool[0] + first, pool[1] + first);
}

static void run_triad(void *context)
{
    const int64_t n = tap_tensor_numel(((row *)context)->x);
    tap__parallel(n, n / 4, triad_range, NULL);
}

static int add_triad(tap_tensor x)
{
    row *r = add_row("machine", "triad", "GB/s", run_triad, NULL);
    r->x = x;
    r->work = 12 * (double)tap_tensor_numel(x);
    return n_rows - 1;
}

static int add_peak(void)
{
    bench_case c = bench_peak(memory);
    row       *r = add_row("machine", "mm", "GFLOP/s", c.run, c.context);
    r->x.shape = TAP_SHAPE(BENCH_PEAK_SIZE, BENCH_PEAK_SIZE);
    r->work = bench_peak_flops();
    return n_rows - 1;
}

/* The row that an operator on x is compared with, which is added at the first request. */
static int limit_of(const operation *op, tap_tensor x)
{
    static int large = NONE, small = NONE, peak = NONE;
    if (op->work != BYTES) return peak = peak == NONE ? add_peak() : peak;
    int *triad = op->x.n[0] == EDGE ? &large : &small;
    return *triad = *triad == NONE ? add_triad(x) : *triad;
}

/* ---- Operators ---- */

static tap_var compute(const row *r)
{
    const operation *op = r->op;
    tap_var (*put)(tap_tape *, tap_tensor) = op->gradients ? tap_variable : tap_input;
    tap_var in[2] = { put(tape, r->x) }, dx[2];
    if (op->two) in[1] = put(tape, r->y);
    tap_var out = op->two ? op->two(in[0], in[1]) : op->one(in[0]);
    if (op->gradients) tap_vjp(out, tap_detach(out), 2, in, dx);
    return out;
}

static void run_operation(void *context)
{
    tap_tape_reset(tape);
    compute(context);
}

/* Counts the bytes of operands and result, each once; or a multiplication and an addition for each use of a weight. */
static double work_of(const row *r, int64_t out)
{
    const operation *op = r->op;
    const int64_t    x = tap_tensor_numel(r->x), y = op->two ? tap_tensor_numel(r->y) : 0;
    if (op->work == BYTES) return 4 * (double)(x + y + out);
    const int64_t each = op->work == PRODUCT ? r->x.shape.n[r->x.shape.rank - 1] : y / r->y.shape.n[0];
    return 2 * (double)each * (double)(op->work == WEIGHTS_OF_INPUT ? x : out) * (op->gradients ? 3 : 1);
}

static void add_operation(const operation *op)
{
    if (!wanted(op->group, op->name)) return;
    fill_pool();
    tap_tensor x = tensor_of(op->x, 0);
    const int  limit = limit_of(op, x);
    row       *r = add_row(op->group, op->name, op->work == BYTES ? "GB/s" : "GFLOP/s", run_operation, NULL);
    r->op = op;
    r->limit = limit;
    r->x = x;
    if (op->two) r->y = tensor_of(op->y, 1);
    r->work = work_of(r, tap_numel(tap_shape_of(compute(r))));
}

/* ---- The overhead of an operator ---- */

typedef struct {
    bool     tanh, backward, fresh;
    float    value[4], grad[4];
    tap_leaf leaf;
} chain;

static void run_chain(void *context)
{
    chain *c = context;
    tap_tape_reset(tape);
    c->fresh = true;
    tap_var x = tap_leaf_var(tape, &c->leaf), y = x;
    for (int i = 0; i < CHAIN; i++) y = c->tanh ? tap_tanh(y) : tap_add(y, x);
    if (c->backward) tap_backward(tap_sum(y, TAP_ALL));
}

static void add_tiny(void)
{
    static const char *const name[] = { "add", "tanh", "add, and backward", "tanh, and backward" };
    static chain             c[4];
    for (int i = 0; i < 4; i++) {
        if (!wanted("tiny", name[i])) continue;
        tap_tensor value = tap_tensor_wrap(TAP_F32, TAP_SHAPE(4), c[i].value);
        c[i].tanh = i % 2, c[i].backward = i / 2;
        c[i].leaf = (tap_leaf){ value, tap_tensor_wrap(TAP_F32, TAP_SHAPE(4), c[i].grad), &c[i].fresh, NULL };
        tap_random_uniform(value, (tap_rng_key){ 0 });
        row *r = add_row("tiny", name[i], "", run_chain, &c[i]);
        r->x = value;
        r->parts = CHAIN;
    }
}

/* ---- One image through a model ---- */

typedef struct {
    tap_vae     v;
    tap_module *root;
    tap_tensor  x;
} model;

static void run_model(void *context)
{
    const model *m = context;
    tap_tape_reset(tape);
    tap_tape_set_recording(tape, false);
    tap_vae_reconstruct(&m->v, tap_input(tape, m->x));
    tap_tape_set_recording(tape, true);
}

static void read_range(void *x, int64_t first, int64_t last)
{
    volatile float sum = TAP__KERNEL_PICK(bench_sum)(last - first, (const float *)x + first);
    (void)sum;
}

static void run_reading(void *context)
{
    for (tap_param *p = NULL; (p = tap_module_next(((model *)context)->root, p));) {
        tap_tensor x = tap_param_value(p);
        tap__parallel(tap_tensor_numel(x), tap_tensor_numel(x) / 16, read_range, x.data);
    }
}

static void add_model(model *m)
{
    static const char name[] = "mlp 784-400-20, forward";
    if (!wanted("model", name)) return;
    m->root = tap_module_new(TAP_F32, 0);
    m->x = bench_noise(memory, TAP_SHAPE(1, 784));
    tap_vae_init(&m->v, m->root, (tap_vae_options){ .data = 784 });
    row *reading = add_row("machine", "read weights", "GB/s", run_reading, m);
    row *r = add_row("model", name, "GB/s", run_model, m);
    r->limit = (int)(reading - rows);
    r->x = m->x;
    reading->x.shape = TAP_SHAPE(tap_module_numel(m->root));
    r->work = reading->work = 4 * (double)tap_module_numel(m->root);
}

/* ---- Output ---- */

static void print_row(const row *r, const char *size, double seconds, double floor)
{
    printf("%-12s%-29s%-31s", r->group, r->name, size);
    if (seconds < 1e-6) printf("%8.1f ns", seconds * 1e9);
    else if (seconds < 1e-3) printf("%8.1f us", seconds * 1e6);
    else printf("%8.1f ms", seconds * 1e3);
    if (r->work > 0) printf("%8.1f %-7s", r->work / seconds * 1e-9, r->unit);
    if (floor > 0) printf("%5.0f %% of %s", 100 * floor / seconds, rows[r->limit].name);
    putchar('\n');
}

static void print_json(const row *r, const char *size, double seconds, double floor)
{
    bench_json_open(NULL, '{');
    bench_json_text("group", r->group);
    bench_json_text("name", r->name);
    bench_json_text("size", size);
    bench_json_number("us", seconds * 1e6, 4);
    if (r->work > 0) bench_json_number(!strcmp(r->unit, "GB/s") ? "gb_per_s" : "gflops", r->work / seconds * 1e-9, 2);
    if (floor > 0) {
        bench_json_text("limit", rows[r->limit].name);
        bench_json_number("us_floor", floor * 1e6, 4);
        bench_json_number("ratio", seconds / floor, 3);
        bench_json_number("fraction", floor / seconds, 4);
    }
    bench_json_close('}');
}

static void print_all(bool json)
{
    for (int i = 0; i < n_rows; i++) {
        const row *r = &rows[i];
        char       x[TAP_SHAPE_TEXT], y[TAP_SHAPE_TEXT], size[2 * TAP_SHAPE_TEXT];
        snprintf(size, sizeof size, "%s%s%s", tap_shape_format(x, r->x.shape), r->y.data ? " " : "",
                 r->y.data ? tap_shape_format(y, r->y.shape) : "");
        double floor = r->limit == NONE ? 0 : cases[r->limit].seconds * r->work / rows[r->limit].work;
        (json ? print_json : print_row)(r, size, cases[i].seconds / r->parts, floor);
    }
}

int main(int argc, char **argv)
{
    static model m;
    int64_t      threads = 0, rounds = 7;
    bool         json = false;
    bench_option options[] = { { "--only", .word = &only },
                               { "--threads", .number = &threads, .least = 1, .most = 256 },
                               { "--rounds", .number = &rounds, .least = 1, .most = 1000 },
                               { "--json", .flag = &json },
                               { 0 } };
    bench_parse(argc, argv, usage, options);
    tap_set_threads((int)threads);
    memory = tap_arena_new();
    tape = tap_tape_new(TAP_F32, 0);
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) add_operation(&operations[i]);
    add_tiny();
    add_model(&m);
    if (n_rows == 0) bench_refuse("--only", only, "no row has this in its group or name");
    bench_measure(n_rows, cases, rounds, 10e-3);

    const char *message;
    if (tap_tape_status(tape, &message) != TAP_OK) bench_fail(message);
    if (m.root && tap_module_status(m.root, &message) != TAP_OK) bench_fail(message);
    if (json) {
        bench_json_open(NULL, '{');
        bench_json_number("threads", tap_threads(), 0);
        bench_json_text("kernels", tap_config());
        bench_json_open("rows", '[');
        print_all(json);
        bench_json_close(']');
        bench_json_close('}');
        putchar('\n');
    } else {
        printf("%s\n", tap_config());
        print_all(json);
    }
    tap_module_free(m.root);
    tap_tape_free(tape);
    tap_arena_free(memory);
    return 0;
}
