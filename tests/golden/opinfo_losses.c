/* tests/golden/opinfo_losses.c: losses. */
#include "tests/golden/opinfo_rows.h"

/* The first two are deprecated in PyTorch in favour of the third. */
#define REDUCTION_ARGUMENTS "size_average=null, reduce=null, reduction=mean"
#define CLASSES             "input, target, weight=null, size_average=null, ignore_index=-100, reduce=null, reduction=mean"

static tap_reduction reduction(call *c, int i)
{
    static const char *const names[] = { "mean", "sum", "none", "batchmean" }; /* in tap_reduction's order */
    return (tap_reduction)named(c, i, 4, names);
}

#define OP AS_FUNCTION
#include "tests/golden/opinfo_losses.def"
#undef OP

#define OP AS_ROW
static const operator_row rows[] = {
#include "tests/golden/opinfo_losses.def"
};

const table opinfo_losses = TABLE(rows);
