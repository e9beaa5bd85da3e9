/* Rows: elementwise operators. */
#include "tests/golden/opinfo_rows.h"

#define OP AS_FUNCTION
#include "tests/golden/opinfo_elementwise.def"
#undef OP

#define OP AS_ROW
static const operator_row rows[] = {
#include "tests/golden/opinfo_elementwise.def"
};

const table opinfo_elementwise = TABLE(rows);
