/* tests/golden/opinfo.h: a program that runs Tapestry's operators on PyTorch's test samples, one safetensors file per operator.
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

/* The precision of a run: EXACT uses the samples as they are, ROUNDED uses float64 inputs that are rounded to float32, SINGLE
 * computes in float32. SINGLE is compared with ROUNDED, so that only the arithmetic differs. */
typedef enum { EXACT, ROUNDED, SINGLE } precision;

typedef struct call call;

/* An operator under its name in PyTorch. The signature lists parameters in PyTorch's order, as in "input, dim=null". Default
 * values are JSON, or else strings. */
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
    tap_arena             *arena, *case_arena; /* freed after the run; after the case */
    tap_tensor             dropout_mask;       /* set by the first run of the case, for the later ones */
    operand                operands[MAX_OPERANDS];
    tap_var                list[MAX_OPERANDS], out[MAX_OUTPUTS];
    char                   skip[REASON_SIZE]; /* the reason why the case cannot be run, or "" */
};

const operator_row *opinfo_find(const char *name);
bool                opinfo_is_exempt(const char *name); /* Tapestry leaves out this operator on purpose */

/* ---- Arguments (opinfo_args.c, opinfo_bind.c). An argument of another type fails the tape. ---- */

bool opinfo_bind(call *c, const cJSON *sample, char reason[REASON_SIZE]);
void opinfo_unbind(call *c);
void opinfo_describe(FILE *out, const tap_safetensors *file, const cJSON *sample); /* "float64[3,5], dim=0" */
bool opinfo_begin(call *c, precision p); /* makes the tape and the tensors of a run; opinfo_end frees them, even after false */
void opinfo_end(call *c);
const tap_tensor *opinfo_tensor(const call *c, const char *kind, int number); /* CASE/kindN of the file, or NULL */

tap_var        tensor(call *c, int i);
tap_var        optional(call *c, int i);        /* as tensor, or { 0 } for null */
tap_var        floating(call *c, int i);        /* a tensor or a number, in the tape's dtype */
tap_var        indices(call *c, int i);         /* a tensor as int64 */
const tap_var *tensors(call *c, int i, int *n); /* the tensors of a list; valid until the next call */
double         number(call *c, int i);
int64_t        integer(call *c, int i);
int            small_integer(call *c, int i); /* an int */
bool           flag(call *c, int i);
const char    *text(call *c, int i);
int            named(call *c, int i, int n, const char *const *names); /* the index of a string among n names */
bool           is_given(const call *c, int i);                         /* the argument is neither missing nor null */
bool           is_tensor(const call *c, int i);
bool           is_list(const call *c, int i);
bool           is_bool(const call *c, int i);
bool           is_text(const call *c, int i, const char *value);
/* The elements of a list of integers, or a single number. Return their count. */
int       integers(call *c, int i, int64_t to[LIST_SIZE]);
int       small_integers(call *c, int i, int to[LIST_SIZE]);
call      list_element(const call *c, int i, int which); /* the call with one element of the list as its argument */
tap_shape shape(call *c, int i);
tap_axes  axes(call *c, int dim, int keepdim); /* null and [] stand for all axes; keepdim < 0: no such argument */

/* A row returns out[0]. A row of several results writes them to c->out, and returns results_of(c, n). */
tap_var two_results(call *c, tap_var first);
tap_var results_of(call *c, int n);
tap_var skip_case(call *c, const char *format, ...) TAP_PRINTF(2, 3);
tap_var bad_argument(call *c, int i, const char *expected); /* fails the tape */

/* ---- Comparison (opinfo_compare.c) ------------------------------------------------------------------------------- */

/* |got - want| <= absolute + relative |want|. Integers and bools must be equal. */
typedef struct {
    double absolute, relative;
} tolerance;

extern const tolerance opinfo_exact;
/* For float32 results against `rounded`: the accuracy of the arithmetic, plus the effect of rounding the inputs. */
tolerance opinfo_single(tap_tensor exact, tap_tensor rounded);
/* Writes a sentence about the worst element to out (may be NULL) if the tensors differ. float32 and float64 count as one dtype,
 * and so do all integers. */
bool opinfo_compare(FILE *out, const char *what, tap_tensor got, tap_tensor want, tolerance t);

/* ---- The run (opinfo_case.c, opinfo_run.c) ----------------------------------------------------------------------- */

typedef enum { PASSED, FAILED, SKIPPED } outcome;

/* Writes the error, or the reason to skip the case, to out. */
outcome opinfo_case(const operator_row *row, const tap_safetensors *file, const char *name, const cJSON *sample, FILE *out);
/* Runs all files of a folder, or those of n operators. Returns the number of failures, or -1 if the folder has no samples. */
int opinfo_run(FILE *out, const char *folder, int n, char *const *operators);

#endif
