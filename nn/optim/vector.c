/* nn/optim/vector.c: sums and products of adjacent numbers, and of vectors of all parameters together. */
#include "nn/optim/vector.h"

#include <math.h>
#include <string.h>

#include "tensor/parallel.h"

enum { LANES = 8 }; /* partial sums within a chunk, which the compiler keeps in vectors */

int64_t tap__vector_chunks(int64_t n)
{
    return (n + TAP__VECTOR_CHUNK - 1) / TAP__VECTOR_CHUNK;
}

typedef struct {
    const tap__vector_space *v;
    void                    *to;
    const void              *a, *b;
    double                   factor;
} operands;

/* The numbers of chunk i of a vector. */
static const void *chunk(const tap__vector_space *v, const void *x, int64_t i)
{
    return (const char *)x + (size_t)i * TAP__VECTOR_CHUNK * tap_dtype_size(v->dtype);
}

static int64_t chunk_size(const tap__vector_space *v, int64_t i)
{
    const int64_t rest = v->n - i * TAP__VECTOR_CHUNK;
    return rest < TAP__VECTOR_CHUNK ? rest : TAP__VECTOR_CHUNK;
}

static double add_up(const double sum[LANES])
{
    return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

static double dot_f32(int64_t n, const float *a, const float *b)
{
    double  sum[LANES] = { 0 };
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (int k = 0; k < LANES; k++) sum[k] += (double)a[i + k] * (double)b[i + k];
    }
    for (; i < n; i++) sum[i % LANES] += (double)a[i] * (double)b[i];
    return add_up(sum);
}

static double dot_f64(int64_t n, const double *a, const double *b)
{
    double  sum[LANES] = { 0 };
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (int k = 0; k < LANES; k++) sum[k] += a[i + k] * b[i + k];
    }
    for (; i < n; i++) sum[i % LANES] += a[i] * b[i];
    return add_up(sum);
}

double tap__dot(tap_dtype dtype, int64_t n, const void *a, const void *b)
{
    return dtype == TAP_F32 ? dot_f32(n, a, b) : dot_f64(n, a, b);
}

static double item(tap_dtype dtype, const void *a, int64_t i)
{
    return dtype == TAP_F32 ? (double)((const float *)a)[i] : ((const double *)a)[i];
}

/* The larger one, NaN if one is. */
static double larger(double a, double b)
{
    return b <= a || isnan(a) ? a : b;
}

double tap__max_abs(tap_dtype dtype, int64_t n, const void *a)
{
    double max = 0;
    for (int64_t i = 0; i < n; i++) max = larger(max, fabs(item(dtype, a, i)));
    return max;
}

double tap__sum_powers(tap_dtype dtype, int64_t n, const void *a, double p, double scale)
{
    double sum = 0;
    if (p == 2 && scale == 1) return tap__dot(dtype, n, a, a);
    for (int64_t i = 0; i < n; i++) {
        const double x = fabs(item(dtype, a, i)) / scale;
        sum += p == 1 ? x : p == 2 ? x * x : pow(x, p);
    }
    return sum;
}

static void dot_chunks(void *context, int64_t first, int64_t last)
{
    const operands *o = context;
    for (int64_t i = first; i < last; i++)
        o->v->partial[i] = tap__dot(o->v->dtype, chunk_size(o->v, i), chunk(o->v, o->a, i), chunk(o->v, o->b, i));
}

static void sum_abs_chunks(void *context, int64_t first, int64_t last)
{
    const operands *o = context;
    for (int64_t i = first; i < last; i++)
        o->v->partial[i] = tap__sum_powers(o->v->dtype, chunk_size(o->v, i), chunk(o->v, o->a, i), 1, 1);
}

static void max_abs_chunks(void *context, int64_t first, int64_t last)
{
    const operands *o = context;
    for (int64_t i = first; i < last; i++)
        o->v->partial[i] = tap__max_abs(o->v->dtype, chunk_size(o->v, i), chunk(o->v, o->a, i));
}

static void axpy_chunks(void *context, int64_t first, int64_t last)
{
    const operands *o = context;
    for (int64_t i = first; i < last; i++) {
        const void   *a = chunk(o->v, o->a, i), *b = chunk(o->v, o->b, i);
        void         *to = (void *)(uintptr_t)chunk(o->v, o->to, i);
        const int64_t n = chunk_size(o->v, i);
        if (o->v->dtype == TAP_F32) {
            const float factor = (float)o->factor;
            for (int64_t k = 0; k < n; k++) ((float *)to)[k] = ((const float *)a)[k] + factor * ((const float *)b)[k];
        } else {
            for (int64_t k = 0; k < n; k++) ((double *)to)[k] = ((const double *)a)[k] + o->factor * ((const double *)b)[k];
        }
    }
}

static void scale_chunks(void *context, int64_t first, int64_t last)
{
    const operands *o = context;
    for (int64_t i = first; i < last; i++) {
        const void   *a = chunk(o->v, o->a, i);
        void         *to = (void *)(uintptr_t)chunk(o->v, o->to, i);
        const int64_t n = chunk_size(o->v, i);
        if (o->v->dtype == TAP_F32) {
            for (int64_t k = 0; k < n; k++) ((float *)to)[k] = (float)o->factor * ((const float *)a)[k];
        } else {
            for (int64_t k = 0; k < n; k++) ((double *)to)[k] = o->factor * ((const double *)a)[k];
        }
    }
}

static void run(const tap__vector_space *v, tap__range_fn body, operands o)
{
    o.v = v;
    tap__parallel(tap__vector_chunks(v->n), v->n / 2, body, &o);
}

static double sum_of_chunks(const tap__vector_space *v)
{
    double sum = 0;
    for (int64_t i = 0; i < tap__vector_chunks(v->n); i++) sum += v->partial[i];
    return sum;
}

double tap__vector_dot(const tap__vector_space *v, const void *a, const void *b)
{
    run(v, dot_chunks, (operands){ .a = a, .b = b });
    return sum_of_chunks(v);
}

double tap__vector_sum_abs(const tap__vector_space *v, const void *a)
{
    run(v, sum_abs_chunks, (operands){ .a = a });
    return sum_of_chunks(v);
}

double tap__vector_max_abs(const tap__vector_space *v, const void *a)
{
    double max = 0;
    run(v, max_abs_chunks, (operands){ .a = a });
    for (int64_t i = 0; i < tap__vector_chunks(v->n); i++) max = larger(max, v->partial[i]);
    return max;
}

void tap__vector_copy(const tap__vector_space *v, void *to, const void *a)
{
    if (v->n > 0) memcpy(to, a, (size_t)v->n * tap_dtype_size(v->dtype));
}

void tap__vector_scale(const tap__vector_space *v, void *to, double factor, const void *a)
{
    run(v, scale_chunks, (operands){ .to = to, .a = a, .factor = factor });
}

void tap__vector_axpy(const tap__vector_space *v, void *to, const void *a, double factor, const void *b)
{
    run(v, axpy_chunks, (operands){ .to = to, .a = a, .b = b, .factor = factor });
}
