/* tests/bench/bench.c: command line, timing and JSON output of the benchmarks. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tensor/kernels/matmul.h"
#include "tests/bench/bench.h"

/* ---- The command line ---- */

static const char *program = "bench";

void bench_refuse(const char *name, const char *value, const char *takes)
{
    fprintf(stderr, "%s: %s%s%s: %s; see --help\n", program, name, *value ? " " : "", value, takes);
    exit(2);
}

void bench_fail(const char *message)
{
    fprintf(stderr, "%s: %s\n", program, message);
    exit(1);
}

static int64_t number(const bench_option *o, const char *text)
{
    char     *end, takes[96];
    long long n = (errno = 0, strtoll(text, &end, 10));
    if (end != text && !*end && !errno && n >= o->least && n <= o->most) return n;
    snprintf(takes, sizeof takes, "must be a whole number from %lld to %lld", (long long)o->least, (long long)o->most);
    bench_refuse(o->name, *text ? text : "''", takes);
}

void bench_parse(int argc, char **argv, const char *usage, const bench_option *options)
{
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    if (argc > 0) program = slash ? slash + 1 : argv[0];
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--help")) {
            fputs(usage, stdout);
            exit(0);
        }
        const bench_option *o = options;
        while (o->name && strcmp(o->name, argv[i])) o++;
        if (!o->name) bench_refuse(argv[i], "", argv[i][0] == '-' ? "there is no such option" : "not an option");
        if (o->flag) {
            *o->flag = true;
            continue;
        }
        if (++i == argc) bench_refuse(o->name, "", "a value is missing");
        if (o->number) *o->number = number(o, argv[i]);
        else *o->word = argv[i];
    }
}

/* ---- The clock ---- */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double seconds_of(const bench_case *c)
{
    double start = now();
    for (int64_t i = 0; i < c->calls; i++) c->run(c->context);
    return now() - start;
}

static void fill_round(bench_case *c, double seconds)
{
    double taken = 0;
    c->run(c->context); /* warms up the caches */
    for (c->calls = 1; taken < seconds; c->calls *= taken < seconds / 16 ? 8 : 2) taken = fmin(seconds_of(c), seconds_of(c));
}

void bench_measure(int n, bench_case *cases, int64_t rounds, double seconds)
{
    for (int i = 0; i < n; i++) {
        cases[i].seconds = HUGE_VAL;
        if (cases[i].calls == 0) fill_round(&cases[i], seconds);
    }
    for (int64_t round = 0; round < rounds; round++) {
        for (bench_case *c = cases; c < cases + n; c++) c->seconds = fmin(c->seconds, seconds_of(c) / (double)c->calls);
    }
}

tap_tensor bench_noise(tap_arena *a, tap_shape shape)
{
    const char *message;
    tap_tensor  x = tap_tensor_zeros(a, TAP_F32, shape);
    if (tap_arena_status(a, &message) != TAP_OK) bench_fail(message);
    tap_random_uniform(x, (tap_rng_key){ .seed = 1 });
    return x;
}

typedef struct {
    tap_tensor a, b, out;
} product;

static void multiply(void *context)
{
    const product *p = context;
    tap__matmul(p->a, p->b, p->out, false, NULL);
}

bench_case bench_peak(tap_arena *a)
{
    const char *message;
    tap_shape   square = TAP_SHAPE(BENCH_PEAK_SIZE, BENCH_PEAK_SIZE);
    product    *p = tap_arena_alloc(a, sizeof *p);
    if (tap_arena_status(a, &message) != TAP_OK) bench_fail(message);
    *p = (product){ bench_noise(a, square), bench_noise(a, square), bench_noise(a, square) };
    return (bench_case){ .run = multiply, .context = p };
}

double bench_peak_flops(void)
{
    return 2 * pow(BENCH_PEAK_SIZE, 3);
}

/* ---- JSON ---- */

static bool comma;

static void key(const char *name)
{
    if (comma) printf(", ");
    if (name) printf("\"%s\": ", name);
    comma = true;
}

void bench_json_open(const char *name, char bracket)
{
    key(name);
    putchar(bracket);
    comma = false;
}

void bench_json_close(char bracket)
{
    putchar(bracket);
    comma = true;
}

void bench_json_text(const char *name, const char *text)
{
    key(name);
    putchar('"');
    for (; *text; text++) printf(*text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
    putchar('"');
}

void bench_json_number(const char *name, double value, int decimals)
{
    key(name);
    if (isfinite(value)) printf("%.*f", decimals, value);
    else printf("null");
}
