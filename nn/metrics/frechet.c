/* nn/metrics/frechet.c: the Frechet distance of two sets of features, each described by its mean and covariance. A float64 tape
 * computes it. */
#include <math.h>

#include "nn/internal.h"
#include "tensor/arena.h"
#include "tensor/kernels/eigen.h"

enum { MAX_FEATURES = 4096 };

static tap_var covariance(tap_var x)
{
    tap_var d = tap_sub(x, tap_mean(x, TAP_AXES(0)));
    return tap_mul_scalar(tap_matmul(tap_mT(d), d), 1.0 / (double)(tap_shape_of(x).n[0] - 1));
}

/* tr sqrt(A B), by the eigenvalues of sqrt(A) B sqrt(A), which is symmetric and has those of A B; sqrt(A) = Q^T sqrt(D) Q. */
static double trace_of_root(tap_tape *t, tap_arena *m, tap_var a, tap_var b)
{
    const int  n = (int)tap_shape_of(a).n[0];
    tap_tensor values = tap_tensor_zeros(m, TAP_F64, TAP_SHAPE(n)), q = tap_tensor_zeros(m, TAP_F64, TAP_SHAPE(n, n)),
               work = tap_tensor_zeros(m, TAP_F64, TAP_SHAPE(n, n));
    double sum = 0;
    if (tap_tape_status(t, NULL) || tap_arena_status(m, NULL)) return (double)NAN;
    tap_tensor_copy(work, tap_value(a), NULL);
    tap__symmetric_eigen(n, work.data, values.data, q.data);
    tap_var vectors = tap_input(t, q), roots = tap_sqrt(tap_relu(tap_input(t, values)));
    tap_var root = tap_matmul(tap_mul(tap_mT(vectors), roots), vectors), product = tap_matmul(root, tap_matmul(b, root));
    tap_tensor_copy(work, tap_value(product), NULL);
    tap__symmetric_eigen(n, work.data, values.data, NULL);
    for (int i = 0; i < n; i++) sum += sqrt(fmax(tap_tensor_item(values, i), 0));
    return sum;
}

/* NULL, or what is wrong with the features. */
static const char *check(tap_tensor a, tap_tensor b)
{
    if (!tap_dtype_is_float(a.dtype) || !tap_dtype_is_float(b.dtype)) return "both need float32 or float64";
    if (a.shape.rank != 2 || b.shape.rank != 2 || a.shape.n[1] != b.shape.n[1])
        return "both need shapes [n,k], with the same k";
    if (a.shape.n[0] < 2 || b.shape.n[0] < 2) return "both need at least two rows";
    if (a.shape.n[1] < 1 || a.shape.n[1] > MAX_FEATURES) return "needs 1 to 4096 columns";
    return NULL;
}

double tap_frechet_distance(tap_tensor a, tap_tensor b, tap_error *e)
{
    const char *message = check(a, b);
    double      distance = (double)NAN;
    if (message) {
        tap_error_set(e, TAP_EARG, "frechet_distance: %s", message);
        return distance;
    }
    tap_tape  *t = tap_tape_new(TAP_F64, 0);
    tap_arena *memory = tap__arena_new_internal();
    tap_var    x = tap_cast(tap_input(t, a), TAP_F64), y = tap_cast(tap_input(t, b), TAP_F64), A = covariance(x),
            B = covariance(y);
    tap_var means = tap_sum(tap_square(tap_sub(tap_mean(x, TAP_AXES(0)), tap_mean(y, TAP_AXES(0)))), TAP_ALL);
    distance = tap_item(means) + tap_item(tap_trace(tap_add(A, B))) - 2 * trace_of_root(t, memory, A, B);
    tap_status status = tap_tape_status(t, &message);
    if (!status) status = tap_arena_status(memory, &message);
    if (status) {
        tap_error_set(e, status, "frechet_distance: %s", message);
        distance = (double)NAN;
    }
    tap_arena_free(memory);
    tap_tape_free(t);
    return distance;
}
