/* tensor/kernels/product_template.h: the kernels of product_kernels.c, written once for a type T; NAME(f) is f's name for T. VEC is a
 * vector of LANES of T, SPREAD(x) one that holds x everywhere, FMA(a, b, c) is a b + c. */

/* Columns of a panel of b: as wide as a tile of the result. */
#define WIDTH (TILE_VECTORS * LANES)

/* A vector at any element. */
typedef T NAME(unaligned) TAP__UNALIGNED_VECTOR(T, BYTES);

TAP__INLINE VEC NAME(load)(const T *x)
{
    return (VEC) * (const NAME(unaligned) *)x;
}

TAP__INLINE void NAME(store)(T *x, VEC v)
{
    *(NAME(unaligned) *)x = (NAME(unaligned))v;
}

/* ---- Tiles: rows x vectors of a result, in registers. All is inlined, so that rows and vectors are constants. ---- */

typedef VEC NAME(sums)[TILE_ROWS][TILE_VECTORS];

/* sum = a b over n terms; a and b are then behind them. The lower four rows have a pointer of their own, or the loop would run out of
 * registers for the distances of rows. */
TAP__INLINE void NAME(sum_terms)(const int rows, const int vectors, int64_t n, const T **a, int64_t a_row, int64_t a_column,
                                 const T **b, int64_t b_row, NAME(sums) sum)
{
    const T *upper = *a, *lower = rows > 4 ? upper + 4 * a_row : upper, *x = *b;
    for (int r = 0; r < rows; r++) {
        for (int v = 0; v < vectors; v++) sum[r][v] = SPREAD(0);
    }
    for (int64_t i = 0; i < n; i++) {
        VEC right[TILE_VECTORS];
        for (int v = 0; v < vectors; v++) right[v] = NAME(load)(x + v * LANES);
        for (int r = 0; r < rows; r++) {
            const VEC left = SPREAD((r < 4 ? upper : lower)[r % 4 * a_row]);
            for (int v = 0; v < vectors; v++) sum[r][v] = FMA(left, right[v], sum[r][v]);
        }
        upper += a_column, lower += a_column, x += b_row;
    }
    *a = upper, *b = x;
}

TAP__INLINE void NAME(add_tile)(const int rows, const int vectors, NAME(sums) sum, const T *x, int64_t x_row)
{
    for (int r = 0; r < rows; r++) {
        for (int v = 0; v < vectors; v++) sum[r][v] = NAME(load)(x + r * x_row + v * LANES) + sum[r][v];
    }
}

TAP__INLINE void NAME(store_tile)(const int rows, const int vectors, NAME(sums) sum, T *x, int64_t x_row)
{
    for (int r = 0; r < rows; r++) {
        for (int v = 0; v < vectors; v++) NAME(store)(x + r * x_row + v * LANES, sum[r][v]);
    }
}

/* out = a b + (add ? out : 0). Each BLOCK terms are summed from 0 on; partial holds the sum of the blocks so far. */
TAP__INLINE void NAME(tile)(const int rows, const int vectors, int64_t k, const T *a, int64_t a_row, int64_t a_column,
                            const T *b, int64_t b_row, T *out, int64_t out_row, bool add, T *partial)
{
    NAME(sums) sum;
    for (int64_t left = k, n;; left -= n) {
        n = left < BLOCK ? left : BLOCK;
        NAME(sum_terms)(rows, vectors, n, &a, a_row, a_column, &b, b_row, sum);
        if (left < k) NAME(add_tile)(rows, vectors, sum, partial, WIDTH);
        if (left == n) break;
        NAME(store_tile)(rows, vectors, sum, partial, WIDTH);
    }
    if (add) NAME(add_tile)(rows, vectors, sum, out, out_row);
    NAME(store_tile)(rows, vectors, sum, out, out_row);
}

#define TILE(rows, vectors) \
    static TAP__NOINLINE void NAME(tile_##rows##_##vectors)(int64_t k, const T *a, int64_t a_row, int64_t a_column, \
                                                            const T *b, int64_t b_row, T *out, int64_t out_row, bool add, \
                                                            T *partial) \
    { \
        NAME(tile)(rows, vectors, k, a, a_row, a_column, b, b_row, out, out_row, add, partial); \
    }
TILES
#undef TILE

typedef void (*NAME(tile_of))(int64_t k, const T *a, int64_t a_row, int64_t a_column, const T *b, int64_t b_row, T *out,
                              int64_t out_row, bool add, T *partial);

/* By the binary logarithm of the rows, and by vectors. */
#define TILE(rows, vectors) [LOG2(rows)][vectors - 1] = NAME(tile_##rows##_##vectors),
static const NAME(tile_of) NAME(tiles)[4][TILE_VECTORS] = { TILES };
#undef TILE

typedef T NAME(quad) TAP__VECTOR(4 * sizeof(T));

/* 4 x 4 elements, turned: from in columns, to in rows. */
TAP__INLINE void NAME(turn)(const T *from, int64_t from_column, T *to, int64_t to_row)
{
    NAME(quad) c[4], lo[2], hi[2];
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

/* A panel of b: columns side by side, with zeros up to whole vectors. */
static void NAME(pack)(int64_t k, int64_t columns, const T *b, int64_t b_row, int64_t b_column, T *panel)
{
    const int64_t width = (columns + LANES - 1) / LANES * LANES, turned = b_row == 1 ? columns / 4 * 4 : 0;
    int64_t       i = 0;
    for (; i + 4 <= k && turned > 0; i += 4) {
        for (int64_t j = 0; j < turned; j += 4) NAME(turn)(b + i + j * b_column, b_column, panel + i * width + j, width);
    }
    for (int64_t first = 0; first < k; first++) {
        T       *to = panel + first * width;
        const T *from = b + first * b_row;
        int64_t  j = first < i ? turned : 0;
        for (; b_column == 1 && j + LANES <= columns; j += LANES) NAME(store)(to + j, NAME(load)(from + j));
        for (; j < columns; j++) to[j] = from[j * b_column];
        for (; j < width; j++) to[j] = 0;
    }
}

/* A tile that is not whole vectors wide, or lies in columns: by way of one that does not. */
static void NAME(edge)(NAME(tile_of) tile, int64_t rows, int64_t columns, int64_t k, const T *a, int64_t a_row,
                       int64_t a_column, const T *b, int64_t b_row, T *out, int64_t out_row, int64_t out_column, bool add,
                       T *partial)
{
    T sum[TILE_ROWS * WIDTH];
    tile(k, a, a_row, a_column, b, b_row, sum, WIDTH, false, partial);
    for (int64_t j = 0; j < columns; j++) {
        T *to = out + j * out_column;
        for (int64_t r = 0; r < rows; r++) to[r * out_row] = add ? to[r * out_row] + sum[r * WIDTH + j] : sum[r * WIDTH + j];
    }
}

/* All tiles on one panel. */
static void NAME(down)(int64_t m, int64_t columns, int64_t k, const T *a, int64_t a_row, int64_t a_column, const T *b,
                       int64_t b_row, T *out, int64_t out_row, int64_t out_column, bool add, T *partial)
{
    const int64_t vectors = (columns + LANES - 1) / LANES;
    const bool    whole = columns == vectors * LANES && out_column == 1;
    int           log = LOG2(TILE_ROWS);
    for (int64_t i = 0; i < m; i += (int64_t)1 << log) {
        while (m - i < (int64_t)1 << log) log--;
        const NAME(tile_of) tile = NAME(tiles)[log][vectors - 1];
        if (whole) tile(k, a + i * a_row, a_row, a_column, b, b_row, out + i * out_row, out_row, add, partial);
        else NAME(edge)
        (tile, (int64_t)1 << log, columns, k, a + i * a_row, a_row, a_column, b, b_row, out + i * out_row, out_row, out_column,
         add, partial);
    }
}

/* One panel, columns of b for a piece of k. It is packed where it does not lie in rows of whole vectors, or is used so often that
 * it pays: rows far apart are apt to fall into the same few lines of a cache. */
static void NAME(panel)(tap__matrix a, tap__matrix b, T *out, int64_t out_row, int64_t out_column, bool add)
{
    _Alignas(BYTES) T packed[DEPTH * WIDTH], partial[TILE_ROWS * WIDTH];

    const T *right = b.data;
    int64_t  right_row = b.row_stride;
    if (b.column_stride != 1 || b.columns % LANES != 0 || a.rows >= OFTEN) {
        NAME(pack)(a.columns, b.columns, b.data, b.row_stride, b.column_stride, packed);
        right = packed;
        right_row = (b.columns + LANES - 1) / LANES * LANES;
    }
    NAME(down)
    (a.rows, b.columns, a.columns, a.data, a.row_stride, a.column_stride, right, right_row, out, out_row, out_column, add,
     partial);
}

/* Columns first..last-1 of x. */
static tap__matrix NAME(columns)(tap__matrix x, int64_t first, int64_t last)
{
    x.data = (const T *)x.data + first * x.column_stride;
    x.columns = last - first;
    return x;
}

static tap__matrix NAME(turned)(tap__matrix x)
{
    return (tap__matrix){ x.data, x.columns, x.rows, x.column_stride, x.row_stride };
}

/* Rows first..last-1 of x. */
static tap__matrix NAME(rows)(tap__matrix x, int64_t first, int64_t last)
{
    return NAME(turned)(NAME(columns)(NAME(turned)(x), first, last));
}

/* A piece of k: panels of b that are as even as can be. */
static void NAME(panels)(tap__matrix a, tap__matrix b, T *out, int64_t out_row, int64_t out_column, bool add)
{
    const int64_t vectors = (b.columns + LANES - 1) / LANES, panels = (vectors + TILE_VECTORS - 1) / TILE_VECTORS;
    for (int64_t p = 0; p < panels; p++) {
        const int64_t j = vectors * p / panels * LANES, end = vectors * (p + 1) / panels * LANES;
        NAME(panel)(a, NAME(columns)(b, j, end < b.columns ? end : b.columns), out + j * out_column, out_row, out_column, add);
    }
}

/* The same, some rows of a at a time, which are packed, too. */
static TAP__NOINLINE void NAME(panels_packed)(tap__matrix a, tap__matrix b, T *out, int64_t out_row, int64_t out_column,
                                              bool add)
{
    enum { ROWS = PACKED / sizeof(T) };
    _Alignas(BYTES) T packed[DEPTH * ROWS];
    for (int64_t i = 0; i < a.rows; i += ROWS) {
        tap__matrix some = NAME(rows)(a, i, i + ROWS < a.rows ? i + ROWS : a.rows);
        NAME(pack)(a.columns, some.rows, some.data, some.column_stride, some.row_stride, packed);
        some.data = packed;
        some.row_stride = 1;
        some.column_stride = (some.rows + LANES - 1) / LANES * LANES;
        NAME(panels)(some, b, out + i * out_row, out_row, out_column, add);
    }
}

/* Whether the elements of a that follow each other in k lie in so few sets of the cache that many panels would fetch them again and
 * again, a whole line for the half of it that a tile reads. */
static bool NAME(packing_pays)(tap__matrix a, tap__matrix b)
{
    return TILE_ROWS * sizeof(T) < 32 && a.column_stride != 1 && a.column_stride % (1024 / (int64_t)sizeof(T)) == 0 &&
           a.rows >= PACKED / (int64_t)sizeof(T) && b.columns >= MANY;
}

/* Pieces of k that are as even as can be. */
static void NAME(pieces)(tap__matrix a, tap__matrix b, T *out, int64_t out_row, int64_t out_column, bool add)
{
    const int64_t depths = (a.columns + DEPTH - 1) / DEPTH;
    for (int64_t d = 0; d < depths; d++) {
        const int64_t     from = a.columns * d / depths, to = a.columns * (d + 1) / depths;
        const tap__matrix left = NAME(columns)(a, from, to), right = NAME(rows)(b, from, to);
        if (NAME(packing_pays)(a, b)) NAME(panels_packed)(left, right, out, out_row, out_column, add || d > 0);
        else NAME(panels)(left, right, out, out_row, out_column, add || d > 0);
    }
}

/* Blocks of a large result: what one needs of a and b, for a piece of k, stays in the second cache. */
static void NAME(blocks)(tap__matrix a, tap__matrix b, T *out, int64_t out_row, int64_t out_column, bool add)
{
    const int64_t m = parts_of(a.rows, SIDE), n = parts_of(b.columns, SIDE);
    for (int64_t p = 0; p < m * n; p++) {
        const int64_t i = part_begin(a.rows, m, p % m, TILE_ROWS), j = part_begin(b.columns, n, p / m, WIDTH);
        NAME(pieces)
        (NAME(rows)(a, i, part_begin(a.rows, m, p % m + 1, TILE_ROWS)),
         NAME(columns)(b, j, part_begin(b.columns, n, p / m + 1, WIDTH)), out + i * out_row + j * out_column, out_row,
         out_column, add);
    }
}

static inline int64_t NAME(whole_vectors)(int64_t n)
{
    return (n + LANES - 1) / LANES * LANES;
}

/* out^T = b^T a^T saves turning b, but turns the result, and fills vectors with the rows of a. What both ways cost: elements to be
 * turned, two of an operand in the time of one of the result, and vectors to be multiplied. */
static bool NAME(turning_pays)(tap__matrix a, tap__matrix b)
{
    const int64_t m = a.rows, k = a.columns, n = b.columns;
    const int64_t straight = (b.column_stride == 1 ? 0 : k * n / 2) + m * NAME(whole_vectors)(n) / LANES * k;
    const int64_t turned = (a.row_stride == 1 ? 0 : m * k / 2) + m * n + n * NAME(whole_vectors)(m) / LANES * k;
    return turned < straight;
}

static void NAME(product)(tap__matrix a, tap__matrix b, void *out, int64_t out_stride, bool add)
{
    if (NAME(turning_pays)(a, b)) NAME(blocks)(NAME(turned)(b), NAME(turned)(a), out, 1, out_stride, add);
    else NAME(blocks)(a, b, out, out_stride, 1, add);
}

/* ---- Few rows ---- */

/* The lanes of v brought together in four sums or, where there are only two, two and zeros. */
TAP__INLINE void NAME(fourths)(VEC v, T *to)
{
    T lanes[LANES > 4 ? LANES : 4] = { 0 };
    NAME(quad) sum, more;
    memcpy(lanes, &v, sizeof v);
    memcpy(&sum, lanes, sizeof sum);
    for (int i = 4; i < LANES; i += 4) {
        memcpy(&more, lanes + i, sizeof more);
        sum += more;
    }
    memcpy(to, &sum, sizeof sum);
}

/* The sums over all lanes of some vectors, four at most. */
TAP__INLINE void NAME(totals)(const int n, const VEC *v, T *total)
{
    T sums[4 * 4] = { 0 }, turned[4 * 4];
    NAME(quad) s[4];
    for (int i = 0; i < n; i++) NAME(fourths)(v[i], sums + 4 * i);
    NAME(turn)(sums, 4, turned, 4);
    memcpy(s, turned, sizeof turned);
    s[0] = (s[0] + s[1]) + (s[2] + s[3]);
    memcpy(total, &s[0], (size_t)n * sizeof(T));
}

/* One vector of sums for each pair of a row of a and a row of b. */
typedef VEC NAME(dot_sums)[DOT_ROWS][DOT_ROWS];

/* sum = a b^T over n vectors; a and b are then behind them. */
TAP__INLINE void NAME(dot_terms)(const int rows, const int columns, int64_t n, const T **a, int64_t a_row, const T **b,
                                 int64_t b_row, NAME(dot_sums) sum)
{
    for (int r = 0; r < rows; r++) {
        for (int c = 0; c < columns; c++) sum[r][c] = SPREAD(0);
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

/* total = a b^T over k terms, DOT_LONG in a lane at most. A lane's sum is one of blocks, as an element's of a tile is. */
TAP__INLINE void NAME(dot_piece)(const int rows, const int columns, int64_t k, const T *a, int64_t a_row, const T *b,
                                 int64_t b_row, T total[DOT_ROWS][DOT_ROWS], T *partial)
{
    NAME(dot_sums) sum;
    const int64_t vectors = k / LANES;
    for (int64_t left = vectors, n;; left -= n) {
        n = left < BLOCK ? left : BLOCK;
        NAME(dot_terms)(rows, columns, n, &a, a_row, &b, b_row, sum);
        for (int i = 0; left < vectors && i < rows * columns; i++)
            sum[i / columns][i % columns] = NAME(load)(partial + i * LANES) + sum[i / columns][i % columns];
        if (left == n) break;
        for (int i = 0; i < rows * columns; i++) NAME(store)(partial + i * LANES, sum[i / columns][i % columns]);
    }
    for (int r = 0; r < rows; r++) {
        NAME(totals)(columns, sum[r], total[r]);
        for (int c = 0; c < columns; c++) {
            for (int64_t j = 0; j < k % LANES; j++) total[r][c] += a[r * a_row + j] * b[c * b_row + j];
        }
    }
}

/* out = a b^T for rows of a and `columns` rows of b, each k elements side by side. */
TAP__INLINE void NAME(dot_tile)(const int rows, const int columns, int64_t k, const T *a, int64_t a_row, const T *b,
                                int64_t b_row, T *out, int64_t out_row, int64_t out_column, bool add, T *partial)
{
    T       total[DOT_ROWS][DOT_ROWS];
    double  sum[DOT_ROWS][DOT_ROWS] = { { 0 } };
    int64_t i = 0, n;
    do {
        n = k - i < DOT_LONG * LANES ? k - i : DOT_LONG * LANES;
        NAME(dot_piece)(rows, columns, n, a + i, a_row, b + i, b_row, total, partial);
        for (int j = 0; n < k && j < rows * columns; j++) {
            const int r = j / columns, c = j % columns;
            total[r][c] = (T)(sum[r][c] += (double)total[r][c]);
        }
    } while ((i += n) < k);
    for (int r = 0; r < rows; r++) {
        for (int c = 0; c < columns; c++) {
            T *to = out + r * out_row + c * out_column;
            *to = add ? *to + total[r][c] : total[r][c];
        }
    }
}

/* a in groups of rows and then one by one, likewise b; the loop over b's rows is the outer one: they are many, and read once. */
static TAP__NOINLINE void NAME(dots)(tap__matrix a, tap__matrix b, void *out, int64_t out_row, int64_t out_column, bool add,
                                     T *partial)
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

static void NAME(few)(tap__matrix a, tap__matrix b, void *out, int64_t out_stride, bool add)
{
    _Alignas(BYTES) T partial[DOT_ROWS * DOT_ROWS * LANES];
    if (a.rows <= b.columns) NAME(dots)(a, b, out, out_stride, 1, add, partial);
    else NAME(dots)(NAME(turned)(b), NAME(turned)(a), out, 1, out_stride, add, partial);
}

#undef WIDTH
