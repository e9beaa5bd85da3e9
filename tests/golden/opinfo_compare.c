/* tests/golden/opinfo_compare.c: compares two tensors, and reports where they differ most. */
#include "tests/golden/opinfo.h"

#include <float.h>
#include <math.h>

const tolerance opinfo_exact = { 1e-9, 1e-7 };

/* The error relative to the tolerance: at most 1 passes. */
static double distance(double got, double want, tolerance t)
{
    if (got == want || (isnan(got) && isnan(want))) return 0;
    double d = fabs(got - want) / (t.absolute + t.relative * fabs(want));
    return isfinite(d) ? d : HUGE_VAL;
}

static void print_index(FILE *out, tap_shape shape, int64_t i)
{
    int64_t index[TAP_MAX_RANK];
    for (int axis = shape.rank - 1; axis >= 0; axis--) {
        index[axis] = i % shape.n[axis];
        i /= shape.n[axis];
    }
    for (int axis = 0; axis < shape.rank; axis++)
        fprintf(out, "%s%lld%s", axis ? "," : "[", (long long)index[axis], axis + 1 == shape.rank ? "]" : "");
}

static const char *kind(tap_dtype dtype)
{
    return tap_dtype_is_float(dtype) ? "float" : dtype == TAP_BOOL ? "bool" : "integer";
}

static bool same_dtype_and_shape(FILE *out, const char *what, tap_tensor got, tap_tensor want)
{
    char a[TAP_SHAPE_TEXT], b[TAP_SHAPE_TEXT];
    if (strcmp(kind(got.dtype), kind(want.dtype)) == 0 && tap_shape_equal(got.shape, want.shape)) return true;
    if (out)
        fprintf(out, "%s is %s%s, expected %s%s", what, kind(got.dtype), tap_shape_format(a, got.shape), kind(want.dtype),
                tap_shape_format(b, want.shape));
    return false;
}

bool opinfo_compare(FILE *out, const char *what, tap_tensor got, tap_tensor want, tolerance t)
{
    double  worst = 0;
    int64_t at = 0, n = tap_tensor_numel(want), bad = 0;
    if (!same_dtype_and_shape(out, what, got, want)) return false;
    if (!tap_dtype_is_float(want.dtype)) t = (tolerance){ 0 };
    for (int64_t i = 0; i < n; i++) {
        double d = distance(tap_tensor_item(got, i), tap_tensor_item(want, i), t);
        bad += d > 1;
        if (d > worst) {
            worst = d;
            at = i;
        }
    }
    if (bad && out) {
        int digits = got.dtype == TAP_F32 ? 9 : 17;
        fputs(what, out);
        print_index(out, want.shape, at);
        fprintf(out, " is %.*g, expected %.*g (%lld of %lld elements differ)", digits, tap_tensor_item(got, at), digits,
                tap_tensor_item(want, at), (long long)bad, (long long)n);
    }
    return bad == 0;
}

/* The error of a sum or a solution is proportional to its largest term, which is estimated by the largest result or, as for
 * log_softmax, by 1. If a result is ill-conditioned, an algorithm may have several times the error that rounding the inputs
 * causes. A result that jumps because of the rounding is excluded from this estimate. */
tolerance opinfo_single(tap_tensor exact, tap_tensor rounded)
{
    double  largest = 1, movedim = 0;
    int64_t n = tap_tensor_numel(exact);
    if (!tap_shape_equal(exact.shape, rounded.shape)) n = 0;
    for (int64_t i = 0; i < n; i++) {
        double y = fabs(tap_tensor_item(rounded, i)), d = fabs(tap_tensor_item(exact, i) - tap_tensor_item(rounded, i));
        if (isfinite(y)) largest = fmax(largest, y);
        if (d <= 1e-3 * fmax(y, 1)) movedim = fmax(movedim, d);
    }
    return (tolerance){ (double)FLT_EPSILON * largest + 16 * movedim, 4 * (double)FLT_EPSILON };
}
