/* A program that runs the library's operators on PyTorch's test samples, one safetensors file per operator.
 *
 * "__metadata__" maps each case to a JSON object {"op", "args": [...], "kwargs": {...}}, in PyTorch's argument order and names.
 * A tensor there is {"tensor": KEY, "shape", "strides", "offset"}, a view over the flat storage KEY = CASE/inI. CASE/outK are
 * the results; with cotangents CASE/cotK, CASE/gradI is the gradient of sum_k <out_k, cot_k> by input I. */
#ifndef TAP_TESTS_GOLDEN_OPINFO_H
#define TAP_TESTS_GOLDEN_OPINFO_H

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

#include "nn/nn.h"

enum { MAX_PARAMETERS = 16, MAX_OPERANDS = 32, MAX_OUTPUTS = 64, KEY_SIZE = 160, REASON_SIZE = 200, LIST_SIZE = 16 };

/* What one run computes with: the samples as they are; float inputs rounded to float32 but float64 again; float32. The second
 * is what the third is measured by: it leaves only the arithmetic to be blamed. */
typedef enum { EXACT, ROUNDED, SINGLE } precision;

typedef struct call call;

/* An operator under its name in PyTorch. The signature lists parameters in PyTorch's order, "input, dim=null", as JSON but
 * for strings. */
typedef struct {
    const char *name, *signature;
    tap_var (*run)(call *c);
} operator_row;

typedef struct {
    const cJSON *json;
    int          number; /* I of CASE/inI */
    tap_var      var;
} operand;

/* A case, bound to a signature, while it runs. */
struct call {
    const operator_row    *row;
    const tap_safetensors *file;
    const char            *name; /* of the case */
    int                    n_parameters, n_operands, n_out;
    char                   parameter[MAX_PARAMETERS][24];
    const cJSON           *argument[MAX_PARAMETERS];
    cJSON                 *defaults;
    precision              precision;
    tap_tape              *tape;
    tap_arena             *arena, *keep; /* of the run; of the case */
    tap_tensor             kept;         /* what one run of the case leaves to the next */
    operand                operands[MAX_OPERANDS];
    tap_var                list[MAX_OPERANDS], out[MAX_OUTPUTS];
    char                   skip[REASON_SIZE]; /* why the case cannot be run; "" */
};

const operator_row *opinfo_find(const char *name);
bool                opinfo_is_exempt(const char *name); /* the library does not offer this operator, and says so */

/* ---- Arguments (opinfo_args.c). One that is not what is asked for fails the tape. -------------------------------- */

bool opinfo_bind(call *c, const cJSON *sample, char reason[REASON_SIZE]);
void opinfo_unbind(call *c);
void opinfo_describe(FILE *out, const tap_safetensors *file, const cJSON *sample); /* "float64[3,5], dim=0" */
bool opinfo_begin(call *c, precision p); /* the tape and the tensors of a run; opinfo_end takes them away, also after false */
void opinfo_end(call *c);
const tap_tensor *opinfo_tensor(const call *c, const char *kind, int number); /* CASE/kindN of the file, or NULL */

tap_var        tensor(call *c, int i);
tap_var        optional(call *c, int i);        /* the same, or { 0 } for null */
tap_var        floating(call *c, int i);        /* a tensor or a number, in the tape's dtype */
tap_var        indices(call *c, int i);         /* a tensor as int64 */
const tap_var *tensors(call *c, int i, int *n); /* of a list; good until the next call */
double         number(call *c, int i);
int64_t        integer(call *c, int i);
int            small(call *c, int i); /* an int */
bool           flag(call *c, int i);
const char    *text(call *c, int i);
int            named(call *c, int i, int n, const char *const *names); /* which of n names */
bool           given(const call *c, int i);                            /* neither left out nor null */
bool           is_tensor(const call *c, int i);
bool           is_list(const call *c, int i);
bool           is_bool(const call *c, int i);
bool           is_text(const call *c, int i, const char *value);
/* The elements of a list of integers; a lone number counts as a list of one. */
int       integers(call *c, int i, int64_t to[LIST_SIZE]);
int       smalls(call *c, int i, int to[LIST_SIZE]);
call      part_of(const call *c, int i, int which); /* the call with this element of the list for the argument */
tap_shape shape(call *c, int i);
tap_axes  axes(call *c, int dim, int keepdim); /* null and [] are all axes; keepdim < 0: there is none */

/* A row returns out[0]. One with more results writes them to c->out, and says how many. */
tap_var two(call *c, tap_var first);
tap_var many(call *c, int n);
tap_var skip_case(call *c, const char *format, ...) TAP_PRINTF(2, 3);
tap_var wrong(call *c, int i, const char *expected); /* fails the tape: the argument is not what was expected */

/* ---- Comparison (opinfo_compare.c) ------------------------------------------------------------------------------- */

/* |got - want| <= absolute + relative |want|; integers and bools are equal or not. */
typedef struct {
    double absolute, relative;
} tolerance;

extern const tolerance opinfo_exact;
/* For float32 against `rounded`: as good as the arithmetic can be, plus what the rounding of the inputs moved the result. */
tolerance opinfo_single(tap_tensor exact, tap_tensor rounded);
/* One sentence about the worst element goes to out (may be NULL) when the two differ. dtypes are compared by class. */
bool opinfo_compare(FILE *out, const char *what, tap_tensor got, tap_tensor want, tolerance t);

/* ---- The run (opinfo_case.c, opinfo_run.c) ----------------------------------------------------------------------- */

typedef enum { PASSED, FAILED, SKIPPED } outcome;

/* What is wrong, or why the case is skipped, goes to out. */
outcome opinfo_case(const operator_row *row, const tap_safetensors *file, const char *name, const cJSON *sample, FILE *out);
/* Runs all files of a folder, or those of some operators. Returns the number of failures, -1 for a folder without any. */
int opinfo_run(FILE *out, const char *folder, int n, char *const *operators);

#endif
