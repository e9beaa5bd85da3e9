/* Random numbers that take others until one is accepted. Exact for all parameters, in a few steps for any. */
#include <math.h>

#include "tensor/random.h"

enum { FEW = 16 }; /* counted one by one */

#define PI 3.14159265358979323846

double tap__next_uniform(tap__rng_stream *s)
{
    const uint64_t i = s->next++;
    if (i % 4 == 0) tap__random_words(s->at, i / 4, 4, s->word);
    return ((double)(s->word[i % 4] >> 12) + 0.5) * 0x1p-52;
}

static double next_normal(tap__rng_stream *s)
{
    double distance = sqrt(-2 * log(tap__next_uniform(s)));
    return distance * cos(2 * PI * tap__next_uniform(s));
}

/* Marsaglia & Tsang 2000: d (1 + y)^3 for a normal y, accepted by log u < 9/2 d y^2 + d - d (1 + y)^3 + 3 d log(1 + y). A shape
 * below 1 is one higher, less an exponential number. */
double tap__next_log_gamma(tap__rng_stream *s, double shape)
{
    if (!(shape > 0 && shape < HUGE_VAL)) return log(shape);
    if (shape < 1) {
        double power = log(tap__next_uniform(s)) / shape;
        return tap__next_log_gamma(s, shape + 1) + power;
    }
    const double d = shape - 1. / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        double y = c * next_normal(s);
        if (y <= -1) continue;
        double l = log1p(y);
        if (log(tap__next_uniform(s)) < d * (3 * l - y * (3 - y * (1.5 - y)))) return log(d) + 3 * l;
    }
}

/* Ahrens & Dieter 1974: the m-th event comes at a Gamma(m). If that is too late, each of those before it comes in time with the same
 * chance; if not, there is time left. */
double tap__next_poisson(tap__rng_stream *s, double rate)
{
    double k = 0;
    if (!(rate < HUGE_VAL)) return rate;
    while (rate > FEW) {
        double m = floor(rate * 7 / 8), when = exp(tap__next_log_gamma(s, m));
        if (when > rate) return k + tap__next_binomial(s, m - 1, rate / when);
        k += m;
        rate -= when;
    }
    const double end = exp(-rate);
    for (double left = tap__next_uniform(s); left > end; left *= tap__next_uniform(s)) k++;
    return k;
}

/* How many of n uniform numbers are below p: the i-th smallest is a Beta(i, n + 1 - i), and tells about which half is open. */
double tap__next_binomial(tap__rng_stream *s, double n, double p)
{
    double k = 0;
    if (!(n == floor(n) && n >= 0 && p >= 0 && p <= 1)) return (double)NAN;
    while (n > FEW) {
        double i = floor(n / 2) + 1, low = tap__next_log_gamma(s, i), high = tap__next_log_gamma(s, n + 1 - i);
        double middle = 1 / (1 + exp(high - low));
        if (middle < p) {
            k += i;
            n -= i;
            p = (p - middle) / (1 - middle);
        } else {
            n = i - 1;
            p /= middle;
        }
    }
    for (; n > 0; n--) k += tap__next_uniform(s) < p;
    return k;
}
