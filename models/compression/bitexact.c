/* models/compression/bitexact.c: the tables of whole numbers from which a coder takes its intervals; see bitexact.h. */
#define TAP__NO_FMA
#include "models/compression/bitexact.h"
#include "tensor/kernels/vmath.h"

/* The density of N(0, 1), up to a factor. */
static double normal_pdf(double x)
{
    return tap__exp_f64(-0.5 * x * x);
}

/* The distribution function, by Simpson's rule from each step to the next; divided by the last sum, so that it ends in 1. */
static void integrate(uint64_t normal_cdf[TAP__NORMALS])
{
    const double h = 1. / TAP__NORMAL_STEPS;
    double       sum[TAP__NORMALS] = { 0 };
    for (int i = 1; i < TAP__NORMALS; i++) {
        const double x = (i - 1) * h - TAP__NORMAL_RANGE;
        sum[i] = sum[i - 1] + (normal_pdf(x) + 4 * normal_pdf(x + h / 2) + normal_pdf(x + h));
    }
    for (int i = 0; i < TAP__NORMALS; i++) normal_cdf[i] = (uint64_t)(sum[i] / sum[TAP__NORMALS - 1] * 0x1p32);
}

/* The x at which the distribution function is p / 2^32, interpolated linearly between two steps of the table. */
static float quantile(const uint64_t *normal_cdf, uint64_t p)
{
    int low = 0, high = TAP__NORMALS - 1;
    while (high - low > 1) {
        const int middle = (low + high) / 2;
        if (normal_cdf[middle] <= p) low = middle;
        else high = middle;
    }
    const double part = (double)(p - normal_cdf[low]) / (double)(normal_cdf[high] - normal_cdf[low]);
    return (float)((low + part) / TAP__NORMAL_STEPS - TAP__NORMAL_RANGE);
}

void tap__bitexact_tables_make(tap__bitexact_tables *t)
{
    const uint64_t bin = ((uint64_t)1 << 32) / TAP__BINS;
    integrate(t->normal_cdf);
    for (uint64_t i = 0; i < TAP__BINS; i++) {
        t->bin_edge[i] = quantile(t->normal_cdf, i * bin);
        t->median[i] = quantile(t->normal_cdf, i * bin + bin / 2);
    }
    t->bin_edge[TAP__BINS] = TAP__NORMAL_RANGE;
    for (int i = 0; i < TAP__LOGITS; i++) {
        const double p = tap__sigmoid_f64((double)i / TAP__LOGIT_STEPS - TAP__LOGIT_MAX);
        t->p_one[i] = 1 + (uint32_t)(p * (TAP__RANS_SCALE - 2));
    }
}

/* The start of a bin's interval: the distribution function at its lower edge, interpolated in the table, plus one slot for each
 * bin below, so that no freq is 0. Every operation here is monotone even after rounding, so starts never decrease. */
static uint32_t bin_start(const tap__bitexact_tables *t, float mu, float precision, int bin)
{
    enum { BITS = 12 };
    if (bin <= 0) return 0;
    if (bin >= TAP__BINS) return TAP__RANS_SCALE;
    const double   range = TAP__NORMAL_RANGE, u = ((double)t->bin_edge[bin] - (double)mu) * (double)precision;
    const double   above = u > -range ? u : -range, clamped = above < range ? above : range;
    const uint64_t at = (uint64_t)((clamped + range) * (TAP__NORMAL_STEPS << BITS)), i = at >> BITS;
    const uint64_t low = t->normal_cdf[i], high = t->normal_cdf[i < TAP__NORMALS - 1 ? i + 1 : i];
    const uint64_t p = low + ((high - low) * (at & ((1 << BITS) - 1)) >> BITS);
    return (uint32_t)(p * (TAP__RANS_SCALE - TAP__BINS) >> 32) + (uint32_t)bin;
}

tap__interval tap__bin_interval(const tap__bitexact_tables *t, float mu, float precision, int bin)
{
    const uint32_t start = bin_start(t, mu, precision, bin);
    return (tap__interval){ start, bin_start(t, mu, precision, bin + 1) - start };
}

int tap__bin_at(const tap__bitexact_tables *t, float mu, float precision, uint32_t slot)
{
    int low = 0, high = TAP__BINS;
    while (high - low > 1) {
        const int middle = (low + high) / 2;
        if (bin_start(t, mu, precision, middle) <= slot) low = middle;
        else high = middle;
    }
    return low;
}

/* alpha or beta at a point of the grid. */
static double beta_parameter(int i)
{
    return tap__exp_f64((double)i / TAP__BETA_STEPS - TAP__BETA_MAX);
}

/* From p(0) = 1, by p(x + 1) / p(x) = (n - x) (alpha + x) / ((x + 1) (beta + n - x - 1)). Sums are scaled down before they
 * overflow; only their ratio to the last one counts. Each byte gets one slot more, so that no freq is 0. */
void tap__beta_binomial_table(uint32_t start[TAP__BYTES + 1], int alpha, int beta)
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
        start[x] = (uint32_t)(sum[x] / sum[TAP__BYTES] * (TAP__RANS_SCALE - TAP__BYTES)) + (uint32_t)x;
}
