/* tests/bench/bench.h: command line, timing and JSON output of the benchmarks. Any error ends the program with a message. */
#ifndef TAP_TESTS_BENCH_BENCH_H
#define TAP_TESTS_BENCH_BENCH_H

#include "tensor/tensor.h"

/* ---- The command line ---- */

/* An option and where its value goes: an integer between the bounds, a word, or true. */
typedef struct {
    const char  *name;
    int64_t     *number, least, most;
    const char **word;
    bool        *flag;
} bench_option;

/* Options end with { 0 }. --help prints the usage and exits; a bad option prints one line with the reason and exits with
 * status 2. */
void bench_parse(int argc, char **argv, const char *usage, const bench_option *options);
/* Rejects a word that the option does not accept, in the same way. */
_Noreturn void bench_refuse(const char *name, const char *value, const char *takes);
/* Ends the program with status 1 and the message. */
_Noreturn void bench_fail(const char *message);

/* ---- The clock ---- */

typedef struct {
    void (*run)(void *context);
    void   *context;
    int64_t calls;   /* per round; 0: bench_measure chooses the number that fills a round */
    double  seconds; /* per call in the best round, set by bench_measure */
} bench_case;

/* Measures all cases in turn, each for this many seconds per round. A machine that is slow for a while then affects all of
 * them. */
void bench_measure(int n, bench_case *cases, int64_t rounds, double seconds);

/* Random float32 numbers in (0,1), in the arena. */
tap_tensor bench_noise(tap_arena *a, tap_shape shape);

/* The peak of the processor: a product of square matrices, which spends all its time in BLIS's innermost loop. */
enum { BENCH_PEAK_SIZE = 2048 };
bench_case bench_peak(tap_arena *a);
double     bench_peak_flops(void); /* multiplications and additions of one call */

/* ---- JSON on standard output, on one line ---- */

void bench_json_open(const char *name,
                     char        bracket);  /* '{' or '['; name is NULL for an element of an array and for the whole */
void bench_json_close(char bracket); /* '}' or ']' */
void bench_json_text(const char *name, const char *text);
void bench_json_number(const char *name, double value, int decimals); /* null if it is not finite */

#endif
