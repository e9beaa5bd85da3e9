/* Tables of whole numbers from which a coder takes its intervals; see bitexact.h. */
#define TAP__NO_FMA
#include "models/compression/bitexact.h"
#include "tensor/kernels/vmath.h"

static double bell(double x)
{
    return tap__exp_f64(-0.5 * x * x);
}

/* By Simpson's rule, from one step to the next. */
static void integrate(uint64_t normal[TAP__NORMALS])
{
    const double h = 1. / TAP__NORMAL_STEPS;
    double       sum[TAP__NORMALS] = { 0 };
    for (int i = 1; i < TAP__NORMALS; i++) {
        const double x = (i - 1) * h - TAP__NORMAL_RANGE;
        sum[i] = sum[i - 1] + (bell(x) + 4 * bell(x + h / 2) + bell(x + h));
    }
    for (int i = 0; i < TAP__NORMALS; i++) normal[i] = (uint64_t)(sum[i] / sum[TAP__NORMALS - 1] * 0x1p32);
}

/* Where the distribution function comes to p / 2^32, between two of its steps. */
static float quantile(const uint64_t *normal, uint64_t p)
{
    int low = 0, high = TAP__NORMALS - 1;
    while (high - low > 1) {
        const int middle = (low + high) / 2;
        if (normal[middle] <= p) low = middle;
        else high = middle;
    }
    const double part = (double)(p - normal[low]) / (double)(normal[high] - normal[low]);
    return (float)((low + part) / TAP__NORMAL_STEPS - TAP__NORMAL_RANGE);
}

void tap__bitexact_tables_make(tap__bitexact_tables *t)
{
    const uint64_t bin = ((uint64_t)1 << 32) / TAP__BINS;
    integrate(t->normal);
    for (uint64_t i = 0; i < TAP__BINS; i++) {
        t->edge[i] = quantile(t->normal, i * bin);
        t->median[i] = quantile(t->normal, i * bin + bin / 2);
    }
    t->edge[TAP__BINS] = TAP__NORMAL_RANGE;
    for (int i = 0; i < TAP__LOGITS; i++) {
        const double white = tap__sigmoid_f64((double)i / TAP__LOGIT_STEPS - TAP__LOGIT_MAX);
        t->white[i] = 1 + (uint32_t)(white * (TAP__RANS_SCALE - 2));
    }
}

/* Where the bin begins: the distribution function, between two of its steps, and a place for each bin below. No operation here
 * makes more of less, rounded as it may be, so that bins begin one after the other. */
static uint32_t bin_begin(const tap__bitexact_tables *t, float mu, float precision, int bin)
{
    enum { BITS = 12 };
    if (bin <= 0) return 0;
    if (bin >= TAP__BINS) return TAP__RANS_SCALE;
    const double end = TAP__NORMAL_RANGE, u = ((double)t->edge[bin] - (double)mu) * (double)precision, up = u > -end ? u : -end;
    const uint64_t at = (uint64_t)(((up < end ? up : end) + end) * (TAP__NORMAL_STEPS << BITS)), i = at >> BITS;
    const uint64_t low = t->normal[i], high = t->normal[i < TAP__NORMALS - 1 ? i + 1 : i];
    const uint64_t p = low + ((high - low) * (at & ((1 << BITS) - 1)) >> BITS);
    return (uint32_t)(p * (TAP__RANS_SCALE - TAP__BINS) >> 32) + (uint32_t)bin;
}

tap__interval tap__bin_interval(const tap__bitexact_tables *t, float mu, float precision, int bin)
{
    const uint32_t start = bin_begin(t, mu, precision, bin);
    return (tap__interval){ start, bin_begin(t, mu, precision, bin + 1) - start };
}

int tap__bin_at(const tap__bitexact_tables *t, float mu, float precision, uint32_t place)
{
    int low = 0, high = TAP__BINS;
    while (high - low > 1) {
        const int middle = (low + high) / 2;
        if (bin_begin(t, mu, precision, middle) <= place) low = middle;
        else high = middle;
    }
    return low;
}

static double beta_parameter(int i)
{
    return tap__exp_f64((double)i / TAP__BETA_STEPS - TAP__BETA_MAX);
}

/* By the ratio of neighbours, p(x + 1) / p(x) = (n - x) (alpha + x) / ((x + 1) (beta + n - x - 1)). */
void tap__beta_binomial_table(uint32_t begin[TAP__BYTES + 1], int alpha, int beta)
{
    const double a = beta_parameter(alpha), b = beta_parameter(beta), n = TAP__BYTES - 1;
    double       sum[TAP__BYTES + 1] = { 0 }, p = 1;
    for (int x = 0; x < TAP__BYTES; x++) {
        sum[x + 1] = sum[x] + p;
        p *= (n - x) * (a + x) / ((x + 1) * (b + n - x - 1));
        if (!(p > 0x1p500)) continue;
        p *= 0x1p-500;
        for (int i = 0; i <= x + 1; i++) sum[i] *= 0x1p-500;
    }
    for (int x = 0; x <= TAP__BYTES; x++)
        begin[x] = (uint32_t)(sum[x] / sum[TAP__BYTES] * (TAP__RANS_SCALE - TAP__BYTES)) + (uint32_t)x;
}
