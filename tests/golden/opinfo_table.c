/* tests/golden/opinfo_table.c: finds an operator by its name in PyTorch. */
#include "tests/golden/opinfo_rows.h"

static const table *const tables[] = { &opinfo_elementwise, &opinfo_reductions, &opinfo_shapes, &opinfo_matrices,
                                       &opinfo_images,      &opinfo_layers,     &opinfo_losses };

const operator_row *opinfo_find(const char *name)
{
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
        for (int i = 0; i < tables[t]->n; i++) {
            if (strcmp(tables[t]->rows[i].name, name) == 0) return &tables[t]->rows[i];
        }
    }
    return NULL;
}

/* Operators of PyTorch that Tapestry leaves out on purpose. */
static const char *const exempt[] = {
    "addcdiv",
    "addcmul",
    "addmv",
    "index_add",
    "kron",
    "linalg.eigh",
    "linalg.matrix_norm",
    "linalg.multi_dot",
    "linalg.qr",
    "nn.functional.gaussian_nll_loss",
    "nn.functional.poisson_nll_loss",
    "nn.functional.unfold",
    "repeat_interleave",
};

bool opinfo_is_exempt(const char *name)
{
    for (size_t i = 0; i < sizeof exempt / sizeof *exempt; i++) {
        if (strcmp(exempt[i], name) == 0) return true;
    }
    return false;
}
