/* tensor/variates.c: Gamma, Poisson and binomial variates, by rejection and by recursion. They are exact for all parameters,
 * and take at most a logarithmic number of steps. */
#include <math.h>

#include "tensor/random.h"

enum { MAX_DIRECT = 16 }; /* up to this size, events are counted one by one */

#define PI 3.14159265358979323846

static uint64_t next_word(tap_rng *rng)
{
    const uint64_t i = rng->next++;
    if (i % 4 == 0) tap__random_words(rng->key, i / 4, 4, rng->word);
    return rng->word[i % 4];
}

double tap_rng_uniform(tap_rng *rng)
{
    return rng ? ((double)(next_word(rng) >> 12) + 0.5) * 0x1p-52 : (double)NAN;
}

double tap_rng_normal(tap_rng *rng)
{
    double distance = sqrt(-2 * log(tap_rng_uniform(rng)));
    return distance * cos(2 * PI * tap_rng_uniform(rng));
}

/* Words of the last, incomplete multiple of n are rejected: the others are equally many for each remainder. */
int64_t tap_rng_below(tap_rng *rng, int64_t n)
{
    if (!rng || n < 1) return -1;
    const uint64_t bound = (uint64_t)n, first = (0 - bound) % bound; /* 2^64 mod n */
    uint64_t       word;
    do {
        word = next_word(rng);
    } while (word < first);
    return (int64_t)(word % bound);
}

/* Marsaglia & Tsang 2000: d (1 + y)^3 for a normal y with standard deviation c, accepted if
 * log u < 9/2 d y^2 + d - d (1 + y)^3 + 3 d log(1 + y). For a shape below 1, Gamma(shape) is Gamma(shape + 1) u^(1/shape). */
double tap__next_log_gamma(tap_rng *s, double shape)
{
    if (!(shape > 0 && shape < HUGE_VAL)) return log(shape);
    if (shape < 1) {
        double power = log(tap_rng_uniform(s)) / shape;
        return tap__next_log_gamma(s, shape + 1) + power;
    }
    const double d = shape - 1. / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        double y = c * tap_rng_normal(s);
        if (y <= -1) continue;
        double l = log1p(y);
        if (log(tap_rng_uniform(s)) < d * (3 * l - y * (3 - y * (1.5 - y)))) return log(d) + 3 * l;
    }
}

/* Ahrens & Dieter 1974: counts the events of a Poisson process of rate 1 in the time `rate`. The time of the m-th event is
 * Gamma(m)-distributed. If it is past `rate`, the m - 1 events before it are independent and uniform in time: a binomial
 * number of them is before `rate`. Otherwise m events are counted, and the rest of the time follows. */
double tap__next_poisson(tap_rng *s, double rate)
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
    for (double product = tap_rng_uniform(s); product > limit; product *= tap_rng_uniform(s)) k++;
    return k;
}

/* Relles 1972: counts how many of n uniform numbers are below p. The i-th smallest of them is Beta(i, n + 1 -
 * i)-distributed. If it is below p, i of them are, and the n - i larger ones are uniform above it; otherwise only the i - 1
 * smaller ones are left to count. */
double tap__next_binomial(tap_rng *s, double n, double p)
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
    for (; n > 0; n--) k += tap_rng_uniform(s) < p;
    return k;
}
