/* tests/nn/edge_tables.h: the rows of edges_*.c, in the terms of tests/autograd/edges.h. */
#ifndef TAP_TESTS_NN_EDGE_TABLES_H
#define TAP_TESTS_NN_EDGE_TABLES_H

#include "nn/dist/distribution.h"
#include "tests/autograd/edges.h"

extern const edge_row     loss_edges[], function_edges[], continuous_edges[], discrete_edges[], divergence_edges[];
extern const edge_vectors class_edges[], norm_edges[];
extern const edge_case    loss_cases[], norm_cases[], layer_cases[], sequence_cases[];

/* The module of all layers of layer_cases and sequence_cases, until the end of the program (test_edges_layers.c). */
tap_module *layers_root(void);

#endif
