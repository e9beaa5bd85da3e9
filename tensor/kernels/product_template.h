/* tensor/kernels/product_template.h: the kernels of product_kernels.c, written once for a type T; NAME(f) is f's name for T.
 * VEC is a vector of LANES of T, BROADCAST(x) one that holds x in every lane, FMA(a, b, c) is a b + c. */

/* The columns of a panel of b, and of a tile of the result (BLIS: NR). */
#define WIDTH (TILE_VECTORS * LANES)

/* A vector that begins at any element of an array. */
typedef T NAME(unaligned_vec) TAP__UNALIGNED_VECTOR(T, BYTES);

TAP__INLINE VEC NAME(load)(const T *x)
{
    return (VEC) * (const NAME(unaligned_vec) *)x;
}

TAP__INLINE void NAME(store)(T *x, VEC v)
{
    *(NAME(unaligned_vec) *)x = (NAME(unaligned_vec))v;
}

/* ---- Micro-kernels: a tile of rows x vectors in registers. All is inlined, so that rows and vectors are constants. ---- */

typedef VEC NAME(accumulators)[TILE_ROWS][TILE_VECTORS];

/* sum = a b over n terms, by rank-1 updates. *a and *b advance past these terms. Rows 4 to 7 have a pointer of their own: with
 * one pointer, the loop would run out of registers for multiples of a_row. */
TAP__INLINE void NAME(multiply_add_terms)(const int rows, const int vectors, int64_t n, const T **a, int64_t a_row,
                                          int64_t a_column, const T **b, int64_t b_row, NAME(accumulators) sum)
{
    const T *upper = *a, *lower = rows > 4 ? upper + 4 * a_row : upper, *x = *b;
    for (int r = 0; r < rows; r++) {
        for (int v = 0; v < vectors; v++) sum[r][v] = BROADCAST(0);
    }
    for (int64_t i = 0; i < n; i++) {
        VEC right[TILE_VECTORS];
        for (int v = 0; v < vectors; v++) right[v] = NAME(load)(x + v * LANES);
        for (int r = 0; r < rows; r++) {
            const VEC left = BROADCAST((r < 4 ? upper : lower)[r % 4 * a_row]);
            for (int v = 0; v < vectors; v++) sum[r][v] = FMA(left, right[v], sum[r][v]);
        }
        upper += a_column;
        lower += a_column;
        x += b_row;
    }
    *a = upper;
    *b = x;
}

TAP__INLINE void NAME(add_tile)(const int rows, const int vectors, NAME(accumulators) sum, const T *x, int64_t x_row)
{
    for (int r = 0; r < rows; r++) {
        for (int v = 0; v < vectors; v++) sum[r][v] = NAME(load)(x + r * x_row + v * LANES) + sum[r][v];
    }
}

TAP__INLINE void NAME(store_tile)(const int rows, const int vectors, NAME(accumulators) sum, T *x, int64_t x_row)
{
    for (int r = 0; r < rows; r++) {
        for (int v = 0; v < vectors; v++) NAME(store)(x + r * x_row + v * LANES, sum[r][v]);
    }
}

/* out = a b + (add ? out : 0) for one tile. Every block of SUM_BLOCK terms is summed from 0; partial holds the sum of the
 * blocks so far. */
TAP__INLINE void NAME(micro_kernel)(const int rows, const int vectors, int64_t k, const T *a, int64_t a_row, int64_t a_column,
                                    const T *b, int64_t b_row, T *out, int64_t out_row, bool add, T *partial)
{
    NAME(accumulators) sum;
    for (int64_t left = k, n;; left -= n) {
        n = left < SUM_BLOCK ? left : SUM_BLOCK;
        NAME(multiply_add_terms)(rows, vectors, n, &a, a_row, a_column, &b, b_row, sum);
        if (left < k) NAME(add_tile)(rows, vectors, sum, partial, WIDTH);
        if (left == n) break;
        NAME(store_tile)(rows, vectors, sum, partial, WIDTH);
    }
    if (add) NAME(add_tile)(rows, vectors, sum, out, out_row);
    NAME(store_tile)(rows, vectors, sum, out, out_row);
}

#define TILE(rows, vectors) \
    static TAP__NOINLINE void NAME(micro_kernel_##rows##_##vectors)(int64_t k, const T *a, int64_t a_row, int64_t a_column, \
                                                                    const T *b, int64_t b_row, T *out, int64_t out_row, \
                                                                    bool add, T *partial) \
    { \
        NAME(micro_kernel)(rows, vectors, k, a, a_row, a_column, b, b_row, out, out_row, add, partial); \
    }
TILES
#undef TILE

typedef void (*NAME(micro_kernel_function))(int64_t k, const T *a, int64_t a_row, int64_t a_column, const T *b, int64_t b_row,
                                            T *out, int64_t out_row, bool add, T *partial);

/* The micro-kernels, by the binary logarithm of their rows and by their vectors - 1. */
#define TILE(rows, vectors) [LOG2(rows)][vectors - 1] = NAME(micro_kernel_##rows##_##vectors),
static const NAME(micro_kernel_function) NAME(micro_kernels)[4][TILE_VECTORS] = { TILES };
#undef TILE

typedef T NAME(vec4) TAP__VECTOR(4 * sizeof(T));

/* Transposes 4 x 4 elements: column j of `from` begins at j from_column, row i of `to` at i to_row. */
TAP__INLINE void NAME(transpose4x4)(const T *from, int64_t from_column, T *to, int64_t to_row)
{
    NAME(vec4) c[4], lo[2], hi[2];
    for (int j = 0; j < 4; j++) memcpy(&c[j], from + j * from_column, sizeof c[j]);
    for (int j = 0; j < 2; j++) {
        lo[j] = __builtin_shufflevector(c[2 * j], c[2 * j + 1], 0, 4, 1, 5);
        hi[j] = __builtin_shufflevector(c[2 * j], c[2 * j + 1], 2, 6, 3, 7);
    }
    c[0] = __builtin_shufflevector(lo[0], lo[1], 0, 1, 4, 5);
    c[1] = __builtin_shufflevector(lo[0], lo[1], 2, 3, 6, 7);
    c[2] = __builtin_shufflevector(hi[0], hi[1], 0, 1, 4, 5);
    c[3] = __builtin_shufflevector(hi[0], hi[1], 2, 3, 6, 7);
    for (int i = 0; i < 4; i++) memcpy(to + i * to_row, &c[i], sizeof c[i]);
}

/* Packs a panel of b: its rows follow each other, each filled up with zeros to whole vectors. */
static void NAME(pack)(int64_t k, int64_t columns, const T *b, int64_t b_row, int64_t b_column, T *panel)
{
    const int64_t width = (columns + LANES - 1) / LANES * LANES, transposed = b_row == 1 ? columns / 4 * 4 : 0;
    int64_t       i = 0;
    for (; i + 4 <= k && transposed > 0; i += 4) {
        for (int64_t j = 0; j < transposed; j += 4)
            NAME(transpose4x4)(b + i + j * b_column, b_column, panel + i * width + j, width);
    }
    for (int64_t first = 0; first < k; first++) {
        T       *to = panel + first * width;
        const T *from = b + first * b_row;
        int64_t  j = first < i ? transposed : 0;
        for (; b_column == 1 && j + LANES <= columns; j += LANES) NAME(store)(to + j, NAME(load)(from + j));
        for (; j < columns; j++) to[j] = from[j * b_column];
        for (; j < width; j++) to[j] = 0;
    }
}

/* A tile at the edge, whose width is no multiple of a vector, or one of a transposed result: computed in a buffer and
 * copied. */
static void NAME(edge_tile)(NAME(micro_kernel_function) kernel, int64_t rows, int64_t columns, int64_t k, const T *a,
                            int64_t a_row, int64_t a_column, const T *b, int64_t b_row, T *out, int64_t out_row,
                            int64_t out_column, bool add, T *partial)
{
    T sum[TILE_ROWS * WIDTH];
    kernel(k, a, a_row, a_column, b, b_row, sum, WIDTH, false, partial);
    for (int64_t j = 0; j < columns; j++) {
        T *to = out + j * out_column;
        for (int64_t r = 0; r < rows; r++) to[r * out_row] = add ? to[r * out_row] + sum[r * WIDTH + j] : sum[r * WIDTH + j];
    }
}

/* The macro-kernel: out = a b + (add ? out : 0) for one panel b, tile by tile down the rows of a. */
static void NAME(macro_kernel)(int64_t m, int64_t columns, int64_t k, const T *a, int64_t a_row, int64_t a_column, const T *b,
                               int64_t b_row, T *out, int64_t out_row, int64_t out_column, bool add, T *partial)
{
    const int64_t vectors = (columns + LANES - 1) / LANES;
    const bool    whole = columns == vectors * LANES && out_column == 1;
    int           log = LOG2(TILE_ROWS);
    for (int64_t i = 0; i < m; i += (int64_t)1 << log) {
        while (m - i < (int64_t)1 << log) log--;
        const NAME(micro_kernel_function) kernel = NAME(micro_kernels)[log][vectors - 1];
        if (whole) kernel(k, a + i * a_row, a_row, a_column, b, b_row, out + i * out_row, out_row, add, partial);
        else NAME(edge_tile)
        (kernel, (int64_t)1 << log, columns, k, a + i * a_row, a_row, a_column, b, b_row, out + i * out_row, out_row,
         out_column, add, partial);
    }
}

/* Packs a panel of b and runs the macro-kernel on it. The panel is used where it lies if its rows are whole vectors and few
 * rows of a use it; for many rows packing pays, as rows of b that are far apart are apt to share a few sets of the cache. */
static void NAME(multiply_panel)(tap__matrix a, tap__matrix b, T *out, int64_t out_row, int64_t out_column, bool add)
{
    _Alignas(BYTES) T packed[PANEL_DEPTH * WIDTH], partial[TILE_ROWS * WIDTH];

    const T *right = b.data;
    int64_t  right_row = b.row_stride;
    if (b.column_stride != 1 || b.columns % LANES != 0 || a.rows >= PACK_MIN_ROWS) {
        NAME(pack)(a.columns, b.columns, b.data, b.row_stride, b.column_stride, packed);
        right = packed;
        right_row = (b.columns + LANES - 1) / LANES * LANES;
    }
    NAME(macro_kernel)
    (a.rows, b.columns, a.columns, a.data, a.row_stride, a.column_stride, right, right_row, out, out_row, out_column, add,
     partial);
}

/* Columns first..last-1 of x, as a view. */
static tap__matrix NAME(column_range)(tap__matrix x, int64_t first, int64_t last)
{
    x.data = (const T *)x.data + first * x.column_stride;
    x.columns = last - first;
    return x;
}

static tap__matrix NAME(transposed)(tap__matrix x)
{
    return (tap__matrix){ x.data, x.columns, x.rows, x.column_stride, x.row_stride };
}

/* Rows first..last-1 of x, as a view. */
static tap__matrix NAME(row_range)(tap__matrix x, int64_t first, int64_t last)
{
    return NAME(transposed)(NAME(column_range)(NAME(transposed)(x), first, last));
}

/* out = a b + (add ? out : 0) for at most PANEL_DEPTH terms: panels of b, cut as evenly as possible. */
static void NAME(multiply_panels)(tap__matrix a, tap__matrix b, T *out, int64_t out_row, int64_t out_column, bool add)
{
    const int64_t vectors = (b.columns + LANES - 1) / LANES, panels = (vectors + TILE_VECTORS - 1) / TILE_VECTORS;
    for (int64_t p = 0; p < panels; p++) {
        const int64_t j = vectors * p / panels * LANES, end = vectors * (p + 1) / panels * LANES;
        NAME(multiply_panel)
        (a, NAME(column_range)(b, j, end < b.columns ? end : b.columns), out + j * out_column, out_row, out_column, add);
    }
}

/* As multiply_panels, with a packed as well, PACKED_A_BYTES of its rows at a time. */
static TAP__NOINLINE void NAME(multiply_packed_a)(tap__matrix a, tap__matrix b, T *out, int64_t out_row, int64_t out_column,
                                                  bool add)
{
    enum { ROWS = PACKED_A_BYTES / sizeof(T) };
    _Alignas(BYTES) T packed[PANEL_DEPTH * ROWS];
    for (int64_t i = 0; i < a.rows; i += ROWS) {
        tap__matrix packed_a = NAME(row_range)(a, i, i + ROWS < a.rows ? i + ROWS : a.rows);
        NAME(pack)(a.columns, packed_a.rows, packed_a.data, packed_a.column_stride, packed_a.row_stride, packed);
        packed_a.data = packed;
        packed_a.row_stride = 1;
        packed_a.column_stride = (packed_a.rows + LANES - 1) / LANES * LANES;
        NAME(multiply_panels)(packed_a, b, out + i * out_row, out_row, out_column, add);
    }
}

/* Whether a should be packed: its column stride is a multiple of 1024 bytes, so that the elements of a row share a few sets of
 * the cache, and each of many panels would fetch them again, a whole cache line for the half of it that a tile reads. */
static bool NAME(packing_a_pays)(tap__matrix a, tap__matrix b)
{
    return TILE_ROWS * sizeof(T) < 32 && a.column_stride != 1 && a.column_stride % (1024 / (int64_t)sizeof(T)) == 0 &&
           a.rows >= PACKED_A_BYTES / (int64_t)sizeof(T) && b.columns >= PACK_A_MIN_COLUMNS;
}

/* out = a b + (add ? out : 0) for any number of terms: k is cut, as evenly as possible, into at most PANEL_DEPTH each. */
static void NAME(multiply_by_depth)(tap__matrix a, tap__matrix b, T *out, int64_t out_row, int64_t out_column, bool add)
{
    const int64_t depths = (a.columns + PANEL_DEPTH - 1) / PANEL_DEPTH;
    for (int64_t d = 0; d < depths; d++) {
        const int64_t     from = a.columns * d / depths, to = a.columns * (d + 1) / depths;
        const tap__matrix left = NAME(column_range)(a, from, to), right = NAME(row_range)(b, from, to);
        if (NAME(packing_a_pays)(a, b)) NAME(multiply_packed_a)(left, right, out, out_row, out_column, add || d > 0);
        else NAME(multiply_panels)(left, right, out, out_row, out_column, add || d > 0);
    }
}

/* Cuts a large result into blocks: the rows of a and columns of b that a block needs, for one depth of k, stay in the second
 * cache. */
static void NAME(multiply_blocks)(tap__matrix a, tap__matrix b, T *out, int64_t out_row, int64_t out_column, bool add)
{
    const int64_t m = blocks_of(a.rows, BLOCK_SIDE), n = blocks_of(b.columns, BLOCK_SIDE);
    for (int64_t p = 0; p < m * n; p++) {
        const int64_t i = block_begin(a.rows, m, p % m, TILE_ROWS), j = block_begin(b.columns, n, p / m, WIDTH);
        NAME(multiply_by_depth)
        (NAME(row_range)(a, i, block_begin(a.rows, m, p % m + 1, TILE_ROWS)),
         NAME(column_range)(b, j, block_begin(b.columns, n, p / m + 1, WIDTH)), out + i * out_row + j * out_column, out_row,
         out_column, add);
    }
}

/* n, rounded up to whole vectors. */
static inline int64_t NAME(round_up_to_lanes)(int64_t n)
{
    return (n + LANES - 1) / LANES * LANES;
}

/* Whether out^T = b^T a^T is cheaper than out = a b. It saves transposing b while packing, but transposes the result, and its
 * vectors hold rows of a. The cost counts elements that are transposed (those of an operand at half the cost of the result's)
 * and vectors that are multiplied. */
static bool NAME(transposed_is_cheaper)(tap__matrix a, tap__matrix b)
{
    const int64_t m = a.rows, k = a.columns, n = b.columns;
    const int64_t straight = (b.column_stride == 1 ? 0 : k * n / 2) + m * NAME(round_up_to_lanes)(n) / LANES * k;
    const int64_t transposed = (a.row_stride == 1 ? 0 : m * k / 2) + m * n + n * NAME(round_up_to_lanes)(m) / LANES * k;
    return transposed < straight;
}

static void NAME(product)(tap__matrix a, tap__matrix b, void *out, int64_t out_stride, bool add)
{
    if (NAME(transposed_is_cheaper)(a, b))
        NAME(multiply_blocks)(NAME(transposed)(b), NAME(transposed)(a), out, 1, out_stride, add);
    else NAME(multiply_blocks)(a, b, out, out_stride, 1, add);
}

/* ---- Few rows or few columns: dot products ---- */

/* Sums the lanes of v into four; a vector of two lanes gives these and two zeros. */
TAP__INLINE void NAME(reduce_to_4)(VEC v, T *to)
{
    T lanes[LANES > 4 ? LANES : 4] = { 0 };
    NAME(vec4) sum, next;
    memcpy(lanes, &v, sizeof v);
    memcpy(&sum, lanes, sizeof sum);
    for (int i = 4; i < LANES; i += 4) {
        memcpy(&next, lanes + i, sizeof next);
        sum += next;
    }
    memcpy(to, &sum, sizeof sum);
}

/* The horizontal sums of n vectors, at most 4: total[i] is the sum of the lanes of v[i]. */
TAP__INLINE void NAME(horizontal_sums)(const int n, const VEC *v, T *total)
{
    T sums[4 * 4] = { 0 }, transposed[4 * 4];
    NAME(vec4) s[4];
    for (int i = 0; i < n; i++) NAME(reduce_to_4)(v[i], sums + 4 * i);
    NAME(transpose4x4)(sums, 4, transposed, 4);
    memcpy(s, transposed, sizeof transposed);
    s[0] = (s[0] + s[1]) + (s[2] + s[3]);
    memcpy(total, &s[0], (size_t)n * sizeof(T));
}

/* One vector of sums for each pair of a row of a and a row of b. */
typedef VEC NAME(dot_sums)[DOT_ROWS][DOT_ROWS];

/* sum = a b^T over n vectors of terms. *a and *b advance past them. */
TAP__INLINE void NAME(dot_terms)(const int rows, const int columns, int64_t n, const T **a, int64_t a_row, const T **b,
                                 int64_t b_row, NAME(dot_sums) sum)
{
    for (int r = 0; r < rows; r++) {
        for (int c = 0; c < columns; c++) sum[r][c] = BROADCAST(0);
    }
    for (int64_t i = 0; i < n; i++, *a += LANES, *b += LANES) {
        VEC right[DOT_ROWS];
        for (int c = 0; c < columns; c++) right[c] = NAME(load)(*b + c * b_row);
        for (int r = 0; r < rows; r++) {
            const VEC left = NAME(load)(*a + r * a_row);
            for (int c = 0; c < columns; c++) sum[r][c] = FMA(left, right[c], sum[r][c]);
        }
    }
}

/* total = a b^T over k terms, at most MAX_LANE_TERMS per lane. Each lane sums by blocks of SUM_BLOCK terms, as a micro-kernel
 * does. */
TAP__INLINE void NAME(dot_block)(const int rows, const int columns, int64_t k, const T *a, int64_t a_row, const T *b,
                                 int64_t b_row, T total[DOT_ROWS][DOT_ROWS], T *partial)
{
    NAME(dot_sums) sum;
    const int64_t vectors = k / LANES;
    for (int64_t left = vectors, n;; left -= n) {
        n = left < SUM_BLOCK ? left : SUM_BLOCK;
        NAME(dot_terms)(rows, columns, n, &a, a_row, &b, b_row, sum);
        for (int i = 0; left < vectors && i < rows * columns; i++)
            sum[i / columns][i % columns] = NAME(load)(partial + i * LANES) + sum[i / columns][i % columns];
        if (left == n) break;
        for (int i = 0; i < rows * columns; i++) NAME(store)(partial + i * LANES, sum[i / columns][i % columns]);
    }
    for (int r = 0; r < rows; r++) {
        NAME(horizontal_sums)(columns, sum[r], total[r]);
        for (int c = 0; c < columns; c++) {
            for (int64_t j = 0; j < k % LANES; j++) total[r][c] += a[r * a_row + j] * b[c * b_row + j];
        }
    }
}

/* out = a b^T + (add ? out : 0) for `rows` rows of a and `columns` rows of b, each of k contiguous elements. */
TAP__INLINE void NAME(dot_tile)(const int rows, const int columns, int64_t k, const T *a, int64_t a_row, const T *b,
                                int64_t b_row, T *out, int64_t out_row, int64_t out_column, bool add, T *partial)
{
    T       total[DOT_ROWS][DOT_ROWS];
    double  sum[DOT_ROWS][DOT_ROWS] = { { 0 } };
    int64_t i = 0, n;
    do {
        n = k - i < MAX_LANE_TERMS * LANES ? k - i : MAX_LANE_TERMS * LANES;
        NAME(dot_block)(rows, columns, n, a + i, a_row, b + i, b_row, total, partial);
        for (int j = 0; n < k && j < rows * columns; j++) {
            const int r = j / columns, c = j % columns;
            sum[r][c] += (double)total[r][c];
            total[r][c] = (T)sum[r][c];
        }
        i += n;
    } while (i < k);
    for (int r = 0; r < rows; r++) {
        for (int c = 0; c < columns; c++) {
            T *to = out + r * out_row + c * out_column;
            *to = add ? *to + total[r][c] : total[r][c];
        }
    }
}

/* Rows of a, and columns of b, in groups of DOT_ROWS and then one by one. The outer loop is over b: its columns are many, and
 * each is read once. */
static TAP__NOINLINE void NAME(dot_products)(tap__matrix a, tap__matrix b, void *out, int64_t out_row, int64_t out_column,
                                             bool add, T *partial)
{
    const int64_t k = a.columns;
    for (int64_t j = 0, c; j < b.columns; j += c) {
        const T *right = (const T *)b.data + j * b.column_stride;
        c = b.columns - j >= DOT_ROWS ? DOT_ROWS : 1;
        for (int64_t i = 0, r; i < a.rows; i += r) {
            const T *left = (const T *)a.data + i * a.row_stride;
            T       *to = (T *)out + i * out_row + j * out_column;
            r = a.rows - i >= DOT_ROWS ? DOT_ROWS : 1;
            if (r > 1 && c > 1) NAME(dot_tile)
            (DOT_ROWS, DOT_ROWS, k, left, a.row_stride, right, b.column_stride, to, out_row, out_column, add, partial);
            else if (c > 1) NAME(dot_tile)(1, DOT_ROWS, k, left, a.row_stride, right, b.column_stride, to, out_row, out_column,
                                           add, partial);
            else if (r > 1) NAME(dot_tile)(DOT_ROWS, 1, k, left, a.row_stride, right, b.column_stride, to, out_row, out_column,
                                           add, partial);
            else NAME(dot_tile)(1, 1, k, left, a.row_stride, right, b.column_stride, to, out_row, out_column, add, partial); }
    }
}

/* A product of few rows or few columns. The larger of a and b is read once, by the outer loop of dot_products. */
static void NAME(small_product)(tap__matrix a, tap__matrix b, void *out, int64_t out_stride, bool add)
{
    _Alignas(BYTES) T partial[DOT_ROWS * DOT_ROWS * LANES];
    if (a.rows <= b.columns) NAME(dot_products)(a, b, out, out_stride, 1, add, partial);
    else NAME(dot_products)(NAME(transposed)(b), NAME(transposed)(a), out, 1, out_stride, add, partial);
}

#undef WIDTH
