/* Rows: products and decompositions of matrices. */
#include "tests/golden/opinfo_rows.h"

#define OP AS_FUNCTION
#include "tests/golden/opinfo_matrices.def"
#undef OP

#define OP AS_ROW
static const operator_row rows[] = {
#include "tests/golden/opinfo_matrices.def"
};

const table opinfo_matrices = TABLE(rows);
