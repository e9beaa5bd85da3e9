/* tensor/kernels/powers.c: products of numbers with an exponent of any size, one result after the other: the slow path for
 * products whose partial products are out of range. */
#include "tensor/kernels/powers.h"

#include "tensor/kernels/reduce.h"
#include "tensor/kernels/rows.h"
#include "tensor/arena.h"

static const tap__scaled one = { 0.5, 1 };

static tap__scaled get(const tap__row *r, int64_t k)
{
    return tap__scaled_of(tap__row_get(r, k), 0);
}

static void set(const tap__row *r, int64_t k, tap__scaled value)
{
    tap__row_set(r, k, tap__scaled_value(value));
}

static int64_t count_results(const tap_tensor *x, unsigned mask)
{
    int64_t n = 1;
    for (int k = 0; k < x->shape.rank; k++) n *= mask & 1u << k ? 1 : x->shape.n[k];
    return n;
}

/* |log2| of any partial product is at most the sum of the factors' |log2|; the limits leave a margin for its error. */
int tap__products_in_range(tap_tensor x, unsigned mask, tap_arena *scratch)
{
    const int64_t n = count_results(&x, mask);
    const double  max = x.dtype == TAP_F32 ? 110 : 900;
    double       *log2_sizes = tap__arena_acquire(scratch, (size_t)n * sizeof *log2_sizes);
    int           in_range = 1;
    if (!log2_sizes) return -1;
    if (!tap__reduce_about(TAP__LOG2_SIZES, x, mask, NULL, log2_sizes, scratch)) in_range = -1;
    for (int64_t i = 0; i < n && in_range == 1; i++) in_range = log2_sizes[i] < max;
    tap__arena_release(scratch, log2_sizes);
    return in_range;
}

void tap__products(tap_tensor x, unsigned mask, tap_tensor out)
{
    const tap__row to = tap__row_of(&out, ~0u, 0);
    for (int64_t i = 0, n = count_results(&x, mask); i < n; i++) {
        const tap__row r = tap__row_of(&x, mask, i);
        tap__scaled    product = one;
        for (int64_t k = 0; k < r.count; k++) product = tap__scaled_mul(product, get(&r, k));
        set(&to, i, product);
    }
}

/* The product of the elements before it, times that of the elements after it. */
void tap__products_of_others(tap_tensor x, unsigned mask, tap_tensor out, tap__scaled *prefix)
{
    for (int64_t i = 0, n = count_results(&x, mask); i < n; i++) {
        const tap__row r = tap__row_of(&x, mask, i), to = tap__row_of(&out, mask, i);
        tap__scaled    before = one, after = one;
        for (int64_t k = 0; k < r.count; k++) {
            prefix[k] = before;
            before = tap__scaled_mul(before, get(&r, k));
        }
        for (int64_t k = r.count - 1; k >= 0; k--) {
            set(&to, k, tap__scaled_mul(prefix[k], after));
            after = tap__scaled_mul(after, get(&r, k));
        }
    }
}

void tap__running_products(tap_tensor x, int axis, tap_tensor out)
{
    const unsigned mask = 1u << axis;
    for (int64_t i = 0, n = count_results(&x, mask); i < n; i++) {
        const tap__row r = tap__row_of(&x, mask, i), to = tap__row_of(&out, mask, i);
        tap__scaled    product = one;
        for (int64_t k = 0; k < r.count; k++) {
            product = tap__scaled_mul(product, get(&r, k));
            set(&to, k, product);
        }
    }
}

/* The product of the elements before it, times s_k = g_k + x_(k+1) s_(k+1). */
void tap__running_products_gradient(tap_tensor x, tap_tensor g, int axis, tap_tensor out, tap__scaled *prefix)
{
    const unsigned mask = 1u << axis;
    for (int64_t i = 0, n = count_results(&x, mask); i < n; i++) {
        const tap__row r = tap__row_of(&x, mask, i), above = tap__row_of(&g, mask, i), to = tap__row_of(&out, mask, i);
        tap__scaled    before = one, rest = { 0, 0 };
        for (int64_t k = 0; k < r.count; k++) {
            prefix[k] = before;
            before = tap__scaled_mul(before, get(&r, k));
        }
        for (int64_t k = r.count - 1; k >= 0; k--) {
            const tap__scaled s = tap__scaled_add(get(&above, k), rest);
            set(&to, k, s.m == 0 ? s : tap__scaled_mul(prefix[k], s));
            rest = s.m == 0 ? s : tap__scaled_mul(get(&r, k), s);
        }
    }
}
