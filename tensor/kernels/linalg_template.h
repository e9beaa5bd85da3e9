/* tensor/kernels/linalg_template.h: the kernels of linalg_kernels.c, written once for a type T of dtype DTYPE with its SQRT and
 * ABS. NAME(f) is f's name for T. Matrices lie in rows, and inner loops run along them: x_j += c y_j. A few rows or columns (a
 * block) are eliminated at a time; what lies beyond them follows in one product. */

#ifndef TAP_TENSOR_KERNELS_LINALG_TEMPLATE_H
#define TAP_TENSOR_KERNELS_LINALG_TEMPLATE_H

enum { BLOCK = TAP__LINALG_BLOCK, STRIP = 128, TILE = 16 };

static inline int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t block_end(int64_t begin, int64_t n)
{
    return least(begin + BLOCK, n);
}

#endif

static inline void NAME(add_row)(int64_t n, T *restrict x, T c, const T *restrict y)
{
    for (int64_t j = 0; j < n; j++) x[j] += c * y[j];
}

static inline void NAME(divide_row)(int64_t n, T *x, T by)
{
    for (int64_t j = 0; j < n; j++) x[j] /= by;
}

static inline void NAME(exchange)(int64_t n, T *restrict x, T *restrict y)
{
    for (int64_t j = 0; j < n; j++) {
        T kept = x[j];
        x[j] = y[j];
        y[j] = kept;
    }
}

/* By tiles, which stay in the cache. */
static void NAME(transpose)(int64_t n, T *a)
{
    for (int64_t tile = 0; tile < n; tile += TILE) {
        for (int64_t i = tile; i < n; i++) {
            for (int64_t j = tile; j < least(tile + TILE, i); j++) NAME(exchange)(1, a + i * n + j, a + j * n + i);
        }
    }
}

/* out -= a b, for pieces of matrices in rows of length stride; a in columns if it is turned. */
static void NAME(subtract)(int64_t stride, T *out, int64_t rows, int64_t columns, int64_t inner, const T *a, bool turned,
                           const T *b)
{
    tap__matrix am = { a, rows, inner, turned ? 1 : stride, turned ? stride : 1 }, bm = { b, inner, columns, stride, 1 };
    if (rows == 0 || columns == 0) return;
    tap__gemm(DTYPE, -1, am, bm, out, stride, true);
}

/* ---- Cholesky: U row by row, from the upper triangle alone ---- */

static int64_t NAME(cholesky_rows)(int64_t n, T *a, int64_t begin, int64_t end)
{
    for (int64_t k = begin; k < end; k++) {
        T *row = a + k * n;
        if (!(row[k] > 0)) return k + 1;
        row[k] = SQRT(row[k]);
        NAME(divide_row)(n - k - 1, row + k + 1, row[k]);
        for (int64_t i = k + 1; i < end; i++) NAME(add_row)(n - i, a + i * n + i, -row[i], row + i);
    }
    return 0;
}

static int64_t NAME(cholesky)(int64_t n, void *matrix, bool upper)
{
    T *a = matrix;
    if (!upper) NAME(transpose)(n, a);
    for (int64_t k = 0, end; k < n; k = end) {
        end = block_end(k, n);
        int64_t bad = NAME(cholesky_rows)(n, a, k, end);
        if (bad) return bad;
        for (int64_t i = end; i < n; i += STRIP) {
            const T *u = a + k * n + i;
            NAME(subtract)(n, a + i * n + i, least(STRIP, n - i), n - i, end - k, u, true, u);
        }
    }
    for (int64_t i = 1; i < n; i++) {
        for (int64_t j = 0; j < i; j++) a[i * n + j] = 0;
    }
    if (!upper) NAME(transpose)(n, a);
    return 0;
}

/* ---- LU, the largest of a column as pivot ---- */

static int64_t NAME(pivot_row)(int64_t n, const T *a, int64_t k)
{
    int64_t best = k;
    for (int64_t i = k + 1; i < n; i++) {
        if (!(ABS(a[i * n + k]) <= ABS(a[best * n + k]))) best = i; /* NaN wins, and shows */
    }
    return best;
}

/* Columns k..end-1 of rows k..n-1 are eliminated, whole rows exchanged. */
static int64_t NAME(lu_columns)(int64_t n, T *a, int64_t begin, int64_t end, int64_t *swap)
{
    int64_t bad = 0;
    for (int64_t k = begin; k < end; k++) {
        T *row = a + k * n;
        swap[k] = NAME(pivot_row)(n, a, k);
        if (swap[k] != k) NAME(exchange)(n, row, a + swap[k] * n);
        if (row[k] == 0) {
            bad = bad ? bad : k + 1;
            continue;
        }
        for (int64_t i = k + 1; i < n; i++) {
            T *below = a + i * n;
            below[k] /= row[k];
            NAME(add_row)(end - k - 1, below + k + 1, -below[k], row + k + 1);
        }
    }
    return bad;
}

static int64_t NAME(lu)(int64_t n, void *matrix, int64_t *swap)
{
    T      *a = matrix;
    int64_t bad = 0;
    for (int64_t k = 0, end; k < n; k = end) {
        end = block_end(k, n);
        int64_t first = NAME(lu_columns)(n, a, k, end, swap), rest = n - end;
        bad = bad ? bad : first;
        for (int64_t i = k + 1; i < end; i++) {
            for (int64_t p = k; p < i; p++) NAME(add_row)(rest, a + i * n + end, -a[i * n + p], a + p * n + end);
        }
        NAME(subtract)(n, a + end * n + end, rest, rest, end - k, a + end * n + k, false, a + k * n + end);
    }
    return bad;
}

static void NAME(swap_rows)(int64_t n, const int64_t *swap, void *rows, int64_t columns, int64_t stride)
{
    T *x = rows;
    for (int64_t k = 0; k < n; k++) {
        if (swap[k] != k) NAME(exchange)(columns, x + k * stride, x + swap[k] * stride);
    }
}

/* The matrix was multiplied by 2^shift before it was factored. */
static void NAME(determinant)(int64_t n, const void *matrix, const int64_t *swap, int64_t shift, double *det, double *sign,
                              double *log_abs)
{
    const T    *lu = matrix;
    tap__scaled product = tap__scaled_of(1, -n * shift);
    double      signs = 1, sum = 0;
    for (int64_t k = 0; k < n; k++) {
        double u = (double)lu[k * n + k] * (swap[k] == k ? 1 : -1);
        product = tap__scaled_mul(product, tap__scaled_of(u, 0));
        signs *= u > 0 ? 1 : u < 0 ? -1 : u;
        sum += log(fabs(u));
    }
    *det = tap__scaled_value(product);
    *sign = signs;
    *log_abs = sum - (double)(n * shift) * 0.69314718055994530942;
}

/* ---- Triangular systems ---- */

/* Row s of those that are solved for, in their order. */
static inline int64_t NAME(row_number)(int64_t first, int64_t size, int64_t s, bool upper)
{
    return upper ? first + size - 1 - s : first + s;
}

static void NAME(solve_block)(tap__matrix m, T *x, int64_t columns, int64_t stride, int64_t first, int64_t size, bool upper,
                              bool unit)
{
    const T *a = m.data;
    for (int64_t s = 0; s < size; s++) {
        int64_t i = NAME(row_number)(first, size, s, upper);
        for (int64_t q = 0; q < s; q++) {
            int64_t p = NAME(row_number)(first, size, q, upper);
            NAME(add_row)(columns, x + i * stride, -a[i * m.row_stride + p * m.column_stride], x + p * stride);
        }
        if (!unit) NAME(divide_row)(columns, x + i * stride, a[i * (m.row_stride + m.column_stride)]);
    }
}

static void NAME(solve)(tap__matrix m, void *rows, int64_t columns, int64_t stride, bool upper, bool unit)
{
    T *x = rows;
    for (int64_t done = 0, n = m.rows; done < n; done += BLOCK) {
        int64_t size = block_end(done, n) - done, rest = n - done - size;
        int64_t first = upper ? rest : done, next = upper ? 0 : done + size;
        NAME(solve_block)(m, x, columns, stride, first, size, upper, unit);
        if (rest == 0) return;
        const T    *a = (const T *)m.data + next * m.row_stride + first * m.column_stride;
        tap__matrix beside = { a, rest, size, m.row_stride, m.column_stride };
        tap__matrix known = { x + first * stride, size, columns, stride, 1 };
        tap__gemm(DTYPE, -1, beside, known, x + next * stride, stride, true);
    }
}

/* ---- Cofactors ---- */

/* P a Q = L U, the largest of all that is left as pivot. Returns the sign of P and Q; 0 when what is left is 0 before the last
 * row. */
static int NAME(lu_complete)(int64_t n, T *a, int64_t *row_swap, int64_t *column_swap)
{
    int sign = 1;
    for (int64_t k = 0; k < n; k++) {
        int64_t r = k, c = k;
        for (int64_t i = k; i < n; i++) {
            for (int64_t j = k; j < n; j++) {
                if (!(ABS(a[i * n + j]) <= ABS(a[r * n + c]))) r = i, c = j;
            }
        }
        row_swap[k] = r;
        column_swap[k] = c;
        sign *= (r == k) == (c == k) ? 1 : -1;
        if (r != k) NAME(exchange)(n, a + k * n, a + r * n);
        for (int64_t i = 0; c != k && i < n; i++) NAME(exchange)(1, a + i * n + k, a + i * n + c);
        const T *row = a + k * n;
        if (row[k] == 0) return k == n - 1 ? sign : 0;
        for (int64_t i = k + 1; i < n; i++) {
            T *below = a + i * n;
            below[k] /= row[k];
            NAME(add_row)(n - k - 1, below + k + 1, -below[k], row + k + 1);
        }
    }
    return sign;
}

/* Row k of what L^-1 left, times the pivots but the k-th and the weight, and row k of U divided by its pivot. Only the last
 * pivot may be 0. */
static void NAME(weigh_rows)(int64_t n, T *a, T *out, tap__scaled weight)
{
    const tap__scaled last = tap__scaled_of((double)a[n * n - 1], 0);
    for (int64_t k = 0; k < n - 1; k++) weight = tap__scaled_mul(weight, tap__scaled_of((double)a[k * (n + 1)], 0));
    for (int64_t k = 0; k < n; k++) {
        const tap__scaled pivot = tap__scaled_of((double)a[k * (n + 1)], 0);
        const tap__scaled others =
            k == n - 1 ? weight : tap__scaled_mul(tap__scaled_of(weight.m / pivot.m, weight.e - pivot.e), last);
        const T by = (T)tap__scaled_value(others);
        for (int64_t j = 0; j < n; j++) out[k * n + j] = out[k * n + j] == 0 ? 0 : out[k * n + j] * by;
        if (k < n - 1) NAME(divide_row)(n - k - 1, a + k * (n + 1) + 1, a[k * (n + 1)]);
    }
}

/* The transpose of weight adj(a) = weight sign Q adj(U) L^-1 P. With D the diagonal of U, and V = D^-1 U, adj(U) is V^-1 times
 * the products of all pivots but one. Nothing is divided by the last, which alone is 0 or nearly so when a has lost one rank;
 * when it has lost more, all cofactors are 0. */
static void NAME(cofactors)(int64_t n, void *matrix, int64_t *swap, tap__scaled weight, void *result)
{
    T  *a = matrix, *out = result;
    int sign = NAME(lu_complete)(n, a, swap, swap + n);
    for (int64_t i = 0; i < n * n; i++) out[i] = sign && i % (n + 1) == 0 ? 1 : 0;
    if (!sign || n == 0) return;
    tap__matrix m = { a, n, n, n, 1 };
    NAME(swap_rows)(n, swap, out, n, n);
    NAME(solve)(m, out, n, n, false, true);
    weight.m *= sign;
    NAME(weigh_rows)(n, a, out, weight);
    NAME(solve)(m, out, n, n, true, true);
    for (int64_t k = n - 1; k >= 0; k--) {
        if (swap[n + k] != k) NAME(exchange)(n, out + k * n, out + swap[n + k] * n);
    }
    NAME(transpose)(n, out);
}
