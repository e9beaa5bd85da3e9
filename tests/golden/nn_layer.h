/* tests/golden/nn_layer.h: classes of torch.nn, for cases of layers and of their initial values. */
#ifndef TAP_TESTS_GOLDEN_NN_LAYER_H
#define TAP_TESTS_GOLDEN_NN_LAYER_H

#include "tests/golden/nn.h"

enum { NN_MAX_INPUTS = 8, NN_MAX_RESULTS = 8 };

/* A layer of a case: made, called once. */
typedef struct {
    nn_case     *c;
    const cJSON *args, *call; /* arguments of the constructor and of the call, under PyTorch's names */
    tap_module  *root;        /* the layer is its child "layer" */
    void        *layer;       /* the struct, in the arena of the case */
    bool         transposed;  /* of a transposed convolution */
    tap_tape    *t;
    int          n_in;
    const char  *input_name[NN_MAX_INPUTS];
    tap_var      input[NN_MAX_INPUTS], result[NN_MAX_RESULTS]; /* the results in the order of PyTorch's */
} nn_layer;

/* What is done for a class. A case with another argument than these fails. */
typedef struct {
    const char *name, *arguments; /* of constructor and call: "in_features out_features bias" */
    void (*make)(nn_layer *l);    /* NULL: there is nothing to make */
    void (*run)(nn_layer *l);     /* fills l->result */
} nn_layer_class;

/* Tables end with { 0 }. */
extern const nn_layer_class nn_layer_classes[];   /* golden/nn_layer_classes.c */
extern const nn_layer_class nn_layer_sequences[]; /* golden/nn_layer_sequences.c */

tap_var nn_input(nn_layer *l, const char *name); /* an input, or { 0 } if there is no such */

/* Arguments of the constructor. */
int64_t   nn_integer(const nn_layer *l, const char *name, int64_t otherwise);
bool      nn_bool(const nn_layer *l, const char *name, bool otherwise);
double    nn_option(const nn_layer *l, const char *name);  /* as an option: 0 if it is not given, TAP_ZERO for 0 */
bool      nn_is_none(const nn_layer *l, const char *name); /* it is given, as null */
tap_shape nn_sizes(const nn_layer *l, const char *name);   /* a number, or a list of them, with 0 for null */
/* A number for each of these axes: the same for all of them, or a list. Nothing changes if it is not given. */
void nn_per_axis(const nn_layer *l, const char *name, int axes, int64_t *to);

#endif
