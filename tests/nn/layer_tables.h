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

/* A row's functions: `make` makes the layer l below m, under the name "layer"; `call` calls it on x. */
#define LAYER(name, type, make, call) \
    static void *name##_make(tap_module *m, tap_arena *a) \
    { \
        type *l = tap_arena_alloc(a, sizeof *l); \
        if (l) { \
            make; \
        } \
        return l; \
    } \
    static tap_var name##_call(const void *layer, tap_var x) \
    { \
        const type *l = layer; \
        return call; \
    }

/* Tables end with { 0 }. */
extern const layer_row plain_layers[];    /* nn/layers_plain.c */
extern const layer_row sequence_layers[]; /* nn/layers_sequences.c */

#endif
