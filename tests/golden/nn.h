/* tests/golden/nn.h: a program that runs Tapestry's optimizers, schedules, initializers and so on on numbers of PyTorch.
 *
 * "__metadata__" of a safetensors file maps each case to a JSON object: what is run, with which arguments. Tensors are named
 * CASE/.... What a case is an example of, its kind, is seen from the fields of the object. */
#ifndef TAP_TESTS_GOLDEN_NN_H
#define TAP_TESTS_GOLDEN_NN_H

#include "tests/golden/opinfo.h"

/* A case while it runs. A runner writes a sentence to out if the case fails, or has to be skipped. */
typedef struct {
    const tap_safetensors *file;
    const char            *name;
    const cJSON           *json;
    FILE                  *out;
    tap_arena             *arena; /* freed after the case */
} nn_case;

/* A kind of case. */
typedef struct {
    const char *name;
    bool (*has)(const cJSON *json); /* whether the case is of this kind */
    outcome (*run)(nn_case *c);     /* NULL: this program cannot run it, and says so */
} nn_kind;

outcome nn_run_optimizer(nn_case *c); /* golden/nn_optimizer.c */
outcome nn_run_schedule(nn_case *c);  /* golden/nn_schedule.c */
outcome nn_run_init(nn_case *c);      /* golden/nn_init.c */
outcome nn_run_average(nn_case *c);   /* golden/nn_average.c */
outcome nn_run_layer(nn_case *c);     /* golden/nn_layer.c */
/* Makes the layer "layer" of the case's "class" and "args" in the root. False, with a sentence, if the class is not known. */
bool nn_make_layer(nn_case *c, tap_module *root);
/* A schedule from {"class", "args"}; it borrows memory of the case. */
tap_schedule nn_make_schedule(nn_case *c, const cJSON *json);
/* An optimizer with default options, by its class of torch.optim; NULL if the class is not known. */
tap_optim *nn_make_optim(const char *class_name, tap_module *m);

/* Runs all files in and below a folder. Returns the number of failures, or -1 if there was nothing to run. */
int nn_run(FILE *out, const char *folder);

/* ---- Arguments and tensors of a case (golden/nn_case.c) ---- */

/* Each of these fails the case by a sentence, once, if there is no such thing; nn_failed tells. */
const cJSON      *nn_field(const cJSON *object, const char *name); /* NULL for a missing or null one */
double            nn_number(const cJSON *x, double otherwise);     /* numbers and { "float": "inf" }; otherwise for NULL */
bool              nn_flag(const cJSON *object, const char *name);
const char       *nn_text(const cJSON *object, const char *name);                      /* "" for a missing one */
const tap_tensor *nn_find(const nn_case *c, const char *format, ...) TAP_PRINTF(2, 3); /* CASE/..., or NULL */
tap_tensor        nn_tensor(nn_case *c, const char *format, ...) TAP_PRINTF(2, 3); /* CASE/..., or the case fails, and NaN [] */
tap_tensor        nn_at(tap_tensor x, int64_t i);                                  /* x[i], a view */
bool              nn_failed(const nn_case *c);
outcome nn_fail(nn_case *c, const char *format, ...) TAP_PRINTF(2, 3); /* FAILED; only the first sentence is written */
/* Whether the tensors agree within 1e-9 + 1e-7 |want|. If not, the case has failed. */
bool nn_compare(nn_case *c, const char *what, tap_tensor got, tap_tensor want);
bool nn_compare_number(nn_case *c, const char *what, double got, double want);
/* Whether the root has no error. If it has, the case has failed by its message. */
bool nn_module_ok(nn_case *c, tap_module *m);

#endif
