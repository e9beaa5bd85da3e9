/* tensor/kernels/linalg_template.h: the kernels of linalg_kernels.c, written once for a type T of dtype DTYPE with its SQRT and
 * ABS. NAME(f) is f's name for T. Matrices are row-major, and inner loops run along rows: x_j += c y_j. The algorithms are
 * LAPACK's blocked ones: a block of BLOCK rows or columns is factored at a time, and the trailing matrix is updated by one
 * product. */

#ifndef TAP_TENSOR_KERNELS_LINALG_TEMPLATE_H
#define TAP_TENSOR_KERNELS_LINALG_TEMPLATE_H

enum { BLOCK = TAP__LINALG_BLOCK, STRIP = 128, TILE = 16 };

static inline int64_t min_i64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t block_end(int64_t begin, int64_t n)
{
    return min_i64(begin + BLOCK, n);
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

static inline void NAME(swap_elements)(int64_t n, T *restrict x, T *restrict y)
{
    for (int64_t j = 0; j < n; j++) {
        T tmp = x[j];
        x[j] = y[j];
        y[j] = tmp;
    }
}

/* Transposes a [n,n] in place, by tiles that stay in the cache. */
static void NAME(transpose)(int64_t n, T *a)
{
    for (int64_t tile = 0; tile < n; tile += TILE) {
        for (int64_t i = tile; i < n; i++) {
            for (int64_t j = tile; j < min_i64(tile + TILE, i); j++) NAME(swap_elements)(1, a + i * n + j, a + j * n + i);
        }
    }
}

/* out -= a b, or a^T b if transposed, for submatrices of matrices with rows of length stride. */
static void NAME(subtract_product)(int64_t stride, T *out, int64_t rows, int64_t columns, int64_t inner, const T *a,
                                   bool transposed, const T *b)
{
    tap__matrix am = { a, rows, inner, transposed ? 1 : stride, transposed ? stride : 1 },
                bm = { b, inner, columns, stride, 1 };
    if (rows == 0 || columns == 0) return;
    tap__gemm(DTYPE, -1, am, bm, out, stride, true);
}

/* ---- Cholesky: U row by row; only the upper triangle is read ---- */

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
        int64_t info = NAME(cholesky_rows)(n, a, k, end);
        if (info) return info;
        for (int64_t i = end; i < n; i += STRIP) {
            const T *u = a + k * n + i;
            NAME(subtract_product)(n, a + i * n + i, min_i64(STRIP, n - i), n - i, end - k, u, true, u);
        }
    }
    for (int64_t i = 1; i < n; i++) {
        for (int64_t j = 0; j < i; j++) a[i * n + j] = 0;
    }
    if (!upper) NAME(transpose)(n, a);
    return 0;
}

/* ---- LU with partial pivoting ---- */

static int64_t NAME(pivot_row)(int64_t n, const T *a, int64_t k)
{
    int64_t best = k;
    for (int64_t i = k + 1; i < n; i++) {
        if (!(ABS(a[i * n + k]) <= ABS(a[best * n + k]))) best = i; /* a NaN becomes the pivot, so that it reaches the result */
    }
    return best;
}

/* Factors the panel of columns begin..end-1 in rows begin..n-1. Whole rows are swapped. */
static int64_t NAME(factor_panel)(int64_t n, T *a, int64_t begin, int64_t end, int64_t *pivots)
{
    int64_t info = 0;
    for (int64_t k = begin; k < end; k++) {
        T *row = a + k * n;
        pivots[k] = NAME(pivot_row)(n, a, k);
        if (pivots[k] != k) NAME(swap_elements)(n, row, a + pivots[k] * n);
        if (row[k] == 0) {
            info = info ? info : k + 1;
            continue;
        }
        for (int64_t i = k + 1; i < n; i++) {
            T *below = a + i * n;
            below[k] /= row[k];
            NAME(add_row)(end - k - 1, below + k + 1, -below[k], row + k + 1);
        }
    }
    return info;
}

static int64_t NAME(lu)(int64_t n, void *matrix, int64_t *pivots)
{
    T      *a = matrix;
    int64_t info = 0;
    for (int64_t k = 0, end; k < n; k = end) {
        end = block_end(k, n);
        int64_t first = NAME(factor_panel)(n, a, k, end, pivots), rest = n - end;
        info = info ? info : first;
        for (int64_t i = k + 1; i < end; i++) {
            for (int64_t p = k; p < i; p++) NAME(add_row)(rest, a + i * n + end, -a[i * n + p], a + p * n + end);
        }
        NAME(subtract_product)(n, a + end * n + end, rest, rest, end - k, a + end * n + k, false, a + k * n + end);
    }
    return info;
}

static void NAME(swap_rows)(int64_t n, const int64_t *pivots, void *rows, int64_t columns, int64_t stride)
{
    T *x = rows;
    for (int64_t k = 0; k < n; k++) {
        if (pivots[k] != k) NAME(swap_elements)(columns, x + k * stride, x + pivots[k] * stride);
    }
}

/* The determinant of a matrix that was scaled by 2^shift before it was factored. */
static void NAME(determinant)(int64_t n, const void *matrix, const int64_t *pivots, int64_t shift, double *det, double *sign,
                              double *log_abs)
{
    const T    *lu = matrix;
    tap__scaled product = tap__scaled_of(1, -n * shift);
    double      signs = 1, sum = 0;
    for (int64_t k = 0; k < n; k++) {
        double u = (double)lu[k * n + k] * (pivots[k] == k ? 1 : -1);
        product = tap__scaled_mul(product, tap__scaled_of(u, 0));
        signs *= u > 0 ? 1 : u < 0 ? -1 : u;
        sum += log(fabs(u));
    }
    *det = tap__scaled_value(product);
    *sign = signs;
    *log_abs = sum - (double)(n * shift) * 0.69314718055994530942;
}

/* ---- Triangular systems ---- */

/* The row that is solved in step s: backward substitution for upper, forward for lower triangles. */
static inline int64_t NAME(row_of_step)(int64_t first, int64_t size, int64_t s, bool upper)
{
    return upper ? first + size - 1 - s : first + s;
}

static void NAME(solve_block)(tap__matrix m, T *x, int64_t columns, int64_t stride, int64_t first, int64_t size, bool upper,
                              bool unit)
{
    const T *a = m.data;
    for (int64_t s = 0; s < size; s++) {
        int64_t i = NAME(row_of_step)(first, size, s, upper);
        for (int64_t q = 0; q < s; q++) {
            int64_t p = NAME(row_of_step)(first, size, q, upper);
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
        tap__matrix coefficients = { a, rest, size, m.row_stride, m.column_stride };
        tap__matrix solved = { x + first * stride, size, columns, stride, 1 };
        tap__gemm(DTYPE, -1, coefficients, solved, x + next * stride, stride, true);
    }
}

/* ---- Cofactors ---- */

/* P a Q = L U by complete pivoting: the pivot is the largest element of the trailing matrix. Returns det(P) det(Q), or 0 if the
 * trailing matrix is 0 before the last row. */
static int NAME(lu_complete_pivoting)(int64_t n, T *a, int64_t *row_pivots, int64_t *column_pivots)
{
    int sign = 1;
    for (int64_t k = 0; k < n; k++) {
        int64_t r = k, c = k;
        for (int64_t i = k; i < n; i++) {
            for (int64_t j = k; j < n; j++) {
                if (!(ABS(a[i * n + j]) <= ABS(a[r * n + c]))) {
                    r = i;
                    c = j;
                }
            }
        }
        row_pivots[k] = r;
        column_pivots[k] = c;
        sign *= (r == k) == (c == k) ? 1 : -1;
        if (r != k) NAME(swap_elements)(n, a + k * n, a + r * n);
        for (int64_t i = 0; c != k && i < n; i++) NAME(swap_elements)(1, a + i * n + k, a + i * n + c);
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

/* Multiplies row k of out, which is L^-1 P, by the weight and all pivots but the k-th, and divides row k of U by its pivot.
 * Only the last pivot may be 0. */
static void NAME(scale_by_other_pivots)(int64_t n, T *a, T *out, tap__scaled weight)
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

/* The transpose of weight adj(a) = weight det(P) det(Q) Q adj(U) L^-1 P. With D the diagonal of U and V = D^-1 U, adj(U) = V^-1
 * E, where E is diagonal and E_kk the product of all pivots but the k-th. The last pivot is never divided by: it is the only
 * one that is 0, or nearly 0, if a has rank n - 1. If the rank is lower, all cofactors are 0. */
static void NAME(cofactors)(int64_t n, void *matrix, int64_t *pivots, tap__scaled weight, void *result)
{
    T  *a = matrix, *out = result;
    int sign = NAME(lu_complete_pivoting)(n, a, pivots, pivots + n);
    for (int64_t i = 0; i < n * n; i++) out[i] = sign && i % (n + 1) == 0 ? 1 : 0;
    if (!sign || n == 0) return;
    tap__matrix m = { a, n, n, n, 1 };
    NAME(swap_rows)(n, pivots, out, n, n);
    NAME(solve)(m, out, n, n, false, true);
    weight.m *= sign;
    NAME(scale_by_other_pivots)(n, a, out, weight);
    NAME(solve)(m, out, n, n, true, true);
    for (int64_t k = n - 1; k >= 0; k--) {
        if (pivots[n + k] != k) NAME(swap_elements)(n, out + k * n, out + pivots[n + k] * n);
    }
    NAME(transpose)(n, out);
}
