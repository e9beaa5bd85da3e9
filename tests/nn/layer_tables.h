/* tests/nn/layer_tables.h: a table of layers for test_layers.c, which checks the gradients of each, and trains it. */
#ifndef TAP_TESTS_NN_LAYER_TABLES_H
#define TAP_TESTS_NN_LAYER_TABLES_H

#include "tests/check.h"

typedef struct {
    const char *name;
    tap_shape   x; /* of the input */
    /* Makes the layer below m. Returns its struct, zeroed memory of the arena. */
    void *(*make)(tap_module *m, tap_arena *a);
    tap_var (*call)(const void *layer, tap_var x);
    bool no_derivative; /* its gradient is not that of its value */
} layer_row;

/* Tables end with { 0 }. */
extern const layer_row plain_layers[];    /* nn/layers_plain.c */
extern const layer_row sequence_layers[]; /* nn/layers_sequences.c */

#endif
