/* tensor/variates.c: Gamma, Poisson and binomial variates, by rejection and by recursion. They are exact for all parameters,
 * and take at most a logarithmic number of steps. */
#include <math.h>

#include "tensor/random.h"

enum { MAX_DIRECT = 16 }; /* up to this size, events are counted one by one */

#define PI 3.14159265358979323846

double tap__next_uniform(tap__rng_stream *s)
{
    const uint64_t i = s->next++;
    if (i % 4 == 0) tap__random_words(s->key, i / 4, 4, s->word);
    return ((double)(s->word[i % 4] >> 12) + 0.5) * 0x1p-52;
}

static double next_normal(tap__rng_stream *s)
{
    double distance = sqrt(-2 * log(tap__next_uniform(s)));
    return distance * cos(2 * PI * tap__next_uniform(s));
}

/* Marsaglia & Tsang 2000: d (1 + y)^3 for a normal y with standard deviation c, accepted if
 * log u < 9/2 d y^2 + d - d (1 + y)^3 + 3 d log(1 + y). For a shape below 1, Gamma(shape) is Gamma(shape + 1) u^(1/shape). */
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

/* Ahrens & Dieter 1974: counts the events of a Poisson process of rate 1 in the time `rate`. The time of the m-th event is
 * Gamma(m)-distributed. If it is past `rate`, the m - 1 events before it are independent and uniform in time: a binomial
 * number of them is before `rate`. Otherwise m events are counted, and the rest of the time follows. */
double tap__next_poisson(tap__rng_stream *s, double rate)
{
    double k = 0;
    if (!(rate < HUGE_VAL)) return rate;
    while (rate > MAX_DIRECT) {
        double m = floor(rate * 7 / 8), time = exp(tap__next_log_gamma(s, m));
        if (time > rate) return k + tap__next_binomial(s, m - 1, rate / time);
        k += m;
        rate -= time;
    }
    const double limit = exp(-rate);
    for (double product = tap__next_uniform(s); product > limit; product *= tap__next_uniform(s)) k++;
    return k;
}

/* Relles 1972: counts how many of n uniform numbers are below p. The i-th smallest of them is Beta(i, n + 1 -
 * i)-distributed. If it is below p, i of them are, and the n - i larger ones are uniform above it; otherwise only the i - 1
 * smaller ones are left to count. */
double tap__next_binomial(tap__rng_stream *s, double n, double p)
{
    double k = 0;
    if (!(n == floor(n) && n >= 0 && p >= 0 && p <= 1)) return (double)NAN;
    while (n > MAX_DIRECT) {
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
