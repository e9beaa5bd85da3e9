/* tests/nn/edge_layers.h: how the rows of edges_layers.c and edges_sequences.c make and call layers. */
#ifndef TAP_TESTS_NN_EDGE_LAYERS_H
#define TAP_TESTS_NN_EDGE_LAYERS_H

#include "nn/nn.h"
#include "tests/nn/edge_tables.h"
#include "tests/autograd/edge_cases.h"

static const char *const sums = "each element is a sum of products, and 0 times NaN or infinity may be anything";

/* A function NAME_of, which returns the call with the layer l and the vars x, w and b, after `make` has made the layer. w and
 * b take the place of these two parameters, or of none (NULL). */
#define CASE(name, type, make, first, second, call) \
    static tap_var name##_of(const tap_var *v) \
    { \
        static type      l; \
        static bool      made; \
        const tap_var    x = v[0], w = v[1], b = v[2]; \
        tap_param *const params[] = { first, second }; \
        (void)w, (void)b; \
        if (!made) { \
            make; \
            made = true; \
            return name##_of(v); \
        } \
        for (int i = 0; i < 2; i++) { \
            if (params[i]) tap_param_replace(x.tape, params[i], v[1 + i]); \
        } \
        return call; \
    }

#endif
