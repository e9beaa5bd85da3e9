/* tests/bench/bench.h: what the benchmarks share. They are programs: what goes wrong is said, and ends them. */
#ifndef TAP_TESTS_BENCH_BENCH_H
#define TAP_TESTS_BENCH_BENCH_H

#include "tensor/tensor.h"

/* ---- The command line ---- */

/* An option and where its value goes: a whole number from least to most, a word, or true. */
typedef struct {
    const char  *name;
    int64_t     *number, least, most;
    const char **word;
    bool        *flag;
} bench_option;

/* options end with { 0 }. --help prints usage and is the end, as is a bad option, with one line that says why, and status 2. */
void bench_parse(int argc, char **argv, const char *usage, const bench_option *options);
/* The same line and end for a word that is none of those that the option takes. */
_Noreturn void bench_refuse(const char *name, const char *value, const char *takes);
/* Ends the program with status 1 and the message. */
_Noreturn void bench_fail(const char *message);

/* ---- The clock ---- */

typedef struct {
    void (*run)(void *context);
    void   *context;
    int64_t calls;   /* in a round; 0: bench_measure finds out how many fill it */
    double  seconds; /* of one call, in the best round: bench_measure sets it */
} bench_case;

/* All cases in turn, each for so many seconds, in each of so many rounds: a machine that is slow for a while is so for all of
 * them. */
void bench_measure(int n, bench_case *cases, int64_t rounds, double seconds);

/* Numbers in (0,1), float32, in the arena. */
tap_tensor bench_noise(tap_arena *a, tap_shape shape);

/* What counts as the processor's peak: a product of square matrices, all of whose work is in BLIS's innermost loop. */
enum { BENCH_PEAK_SIZE = 2048 };
bench_case bench_peak(tap_arena *a);
double     bench_peak_flops(void); /* of one call: multiplications and additions */

/* ---- JSON on standard output, on one line ---- */

void bench_json_open(const char *name, char bracket); /* '{' or '['; name NULL: of an array's element, or of the whole */
void bench_json_close(char bracket);                  /* '}' or ']' */
void bench_json_text(const char *name, const char *text);
void bench_json_number(const char *name, double value, int decimals); /* null if it is not finite */

#endif
