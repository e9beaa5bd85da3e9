/* tests/autograd/edge_tables.h: the tables that edges_*.c define. */
#ifndef TAP_TESTS_AUTOGRAD_EDGE_TABLES_H
#define TAP_TESTS_AUTOGRAD_EDGE_TABLES_H

#include "tests/autograd/edges.h"

extern const edge_row     elementwise_edges[], activation_edges[], density_edges[], piece_edges[], functional_edges[];
extern const edge_vectors reduction_edges[];
extern const edge_case    view_edges[], indexing_edges[], product_edges[], linalg_edges[], spatial_edges[];

#endif
