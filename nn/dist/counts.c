/* nn/dist/counts.c: what the distributions of counts share; see counts.h. */
#include <float.h>
#include <string.h>

#include "nn/dist/counts.h"
#include "tensor/kernels/map.h"

/* log(1 2 .. x) */
tap_var tap__log_factorial(tap_var x)
{
    return tap__log_rising(x, tap_scalar_like(x, 0));
}

tap_var tap__max_float_like(tap_var x)
{
    return tap_scalar_like(x, DBL_MAX);
}

tap_var tap__equals_number(tap_var x, double value)
{
    return tap_eq(x, tap_scalar_like(x, value));
}

/* ---- Samples ----------------------------------------------------------------------------------------------------- */

typedef struct {
    tap__generator generator;
    uint64_t       stream;
} generate_attr;

static tap_status generate_infer(tap_call *c, tap_tensor *out)
{
    out->dtype = TAP_F64;
    out->shape = c->in[0].shape;
    for (int i = 1; i < c->n_in; i++) {
        if (!tap__broadcast_shapes(out->shape, c->in[i].shape, &out->shape))
            return tap_call_fail(c, TAP_ESHAPE, "the shapes do not broadcast");
    }
    return tap__one_float(c);
}

static void generate_run(int64_t n, void *const *data, const int64_t *stride, const void *context)
{
    const generate_attr *g = context;
    double              *y = data[0];
    const double        *noise = data[1], *a = data[2], *b = data[3];
    for (int64_t i = 0; i < n; i++) {
        tap_rng s = { .key = { .stream = g->stream } };
        memcpy(&s.key.seed, &noise[i * stride[1]], sizeof s.key.seed);
        y[i * stride[0]] = g->generator(&s, a[i * stride[2]], b[i * stride[3]]);
    }
}

static void generate_forward(tap_call *c, tap_tensor *out)
{
    enum { COST = 4000 };
    tap__map(generate_run, c->attr, out, c->n_in, c->in, COST);
}

static const tap_op generate_op = { "sample", generate_infer, generate_forward, NULL, sizeof(generate_attr) };

tap_var tap__generate(tap__generator generator, uint64_t stream, tap_var noise, tap_var a, tap_var b)
{
    const generate_attr g = { generator, stream };
    const tap_var       in[] = { tap_detach(noise), tap_detach(a), tap_detach(b) };
    return tap_apply(&generate_op, &g, 3, (tap_var[]){ tap__to_f64(in[0]), tap__to_f64(in[1]), tap__to_f64(in[2]) });
}
