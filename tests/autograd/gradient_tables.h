/* tests/autograd/gradient_tables.h: all tables of gradient rows. */
#ifndef TAP_TESTS_AUTOGRAD_GRADIENT_TABLES_H
#define TAP_TESTS_AUTOGRAD_GRADIENT_TABLES_H

#include "tests/autograd/gradients.h"

/* clang-format off */
static const gradient_row *const tables[] = {
    elementwise_gradients,
    special_gradients,
    views_gradients,
    reductions_gradients,
    indexing_gradients,
    products_gradients,
    linalg_gradients,
    functional_gradients,
    spatial_gradients,
};
/* clang-format on */

enum { TABLES = sizeof tables / sizeof *tables };

#endif
