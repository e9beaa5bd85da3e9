/* tensor/product_template.h: the kernels of product_kernels.c, written once for a type T; NAME(f) is f's name for T. VEC is a
 * vector of LANES of T, SPREAD(x) one that holds x everywhere, FMA(a, b, c) is a b + c. */

/* Columns of a panel of b: as wide as a tile of the result. */
#define WIDTH (TILE_VECTORS * LANES)

static ALWAYS_INLINE VEC NAME(load)(const T *x)
{
    VEC v;
    memcpy(&v, x, sizeof v);
    return v;
}

/* A tile, rows x vectors, of out = a b + (add ? out : 0). Inlined, so that rows and vectors are constants and the sums registers. */
static ALWAYS_INLINE void NAME(tile)(const int rows, const int vectors, int64_t k, const T *a, int64_t a_row, int64_t a_column,
                                     const T *b, int64_t b_row, T *out, int64_t out_row, bool add)
{
    VEC sum[TILE_ROWS][TILE_VECTORS];
    for (int r = 0; r < rows; r++) {
        for (int v = 0; v < vectors; v++) sum[r][v] = SPREAD(0);
    }
    for (int64_t i = 0; i < k; i++, a += a_column, b += b_row) {
        VEC right[TILE_VECTORS];
        for (int v = 0; v < vectors; v++) right[v] = NAME(load)(b + v * LANES);
        for (int r = 0; r < rows; r++) {
            const VEC left = SPREAD(a[r * a_row]);
            for (int v = 0; v < vectors; v++) sum[r][v] = FMA(left, right[v], sum[r][v]);
        }
    }
    for (int r = 0; r < rows; r++) {
        for (int v = 0; v < vectors; v++) {
            T *to = out + r * out_row + v * LANES;
            if (add) sum[r][v] = NAME(load)(to) + sum[r][v];
            memcpy(to, &sum[r][v], sizeof(VEC));
        }
    }
}

#define TILE(rows, vectors)                                                                                               \
    static NOINLINE void NAME(tile_##rows##_##vectors)(int64_t k, const T *a, int64_t a_row, int64_t a_column, const T *b, \
                                                       int64_t b_row, T *out, int64_t out_row, bool add)                  \
    {                                                                                                                     \
        NAME(tile)(rows, vectors, k, a, a_row, a_column, b, b_row, out, out_row, add);                                    \
    }
TILES
#undef TILE

typedef void (*NAME(tile_of))(int64_t k, const T *a, int64_t a_row, int64_t a_column, const T *b, int64_t b_row, T *out,
                              int64_t out_row, bool add);

/* By the binary logarithm of the rows, and by vectors. */
#define TILE(rows, vectors) [LOG2(rows)][vectors - 1] = NAME(tile_##rows##_##vectors),
static const NAME(tile_of) NAME(tiles)[4][TILE_VECTORS] = { TILES };
#undef TILE

typedef T NAME(quad) __attribute__((vector_size(4 * sizeof(T))));

/* 4 x 4 elements, turned: from in columns, to in rows. */
static ALWAYS_INLINE void NAME(turn)(const T *from, int64_t from_column, T *to, int64_t to_row)
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
        T *to = panel + first * width;
        if (b_column == 1) memcpy(to, b + first * b_row, (size_t)columns * sizeof(T));
        else
            for (int64_t j = first < i ? turned : 0; j < columns; j++) to[j] = b[first * b_row + j * b_column];
        for (int64_t j = columns; j < width; j++) to[j] = 0;
    }
}

/* A tile that is not whole vectors wide, or lies in columns: by way of one that does not. */
static void NAME(edge)(NAME(tile_of) tile, int64_t rows, int64_t columns, int64_t k, const T *a, int64_t a_row, int64_t a_column,
                       const T *b, int64_t b_row, T *out, int64_t out_row, int64_t out_column, bool add)
{
    T sum[TILE_ROWS * WIDTH];
    tile(k, a, a_row, a_column, b, b_row, sum, WIDTH, false);
    for (int64_t j = 0; j < columns; j++) {
        T *to = out + j * out_column;
        for (int64_t r = 0; r < rows; r++) to[r * out_row] = add ? to[r * out_row] + sum[r * WIDTH + j] : sum[r * WIDTH + j];
    }
}

/* All tiles on one panel. */
static void NAME(down)(int64_t m, int64_t columns, int64_t k, const T *a, int64_t a_row, int64_t a_column, const T *b,
                       int64_t b_row, T *out, int64_t out_row, int64_t out_column, bool add)
{
    const int64_t vectors = (columns + LANES - 1) / LANES;
    const bool    whole = columns == vectors * LANES && out_column == 1;
    int           log = LOG2(TILE_ROWS);
    for (int64_t i = 0; i < m; i += (int64_t)1 << log) {
        while (m - i < (int64_t)1 << log) log--;
        const NAME(tile_of) tile = NAME(tiles)[log][vectors - 1];
        if (whole) tile(k, a + i * a_row, a_row, a_column, b, b_row, out + i * out_row, out_row, add);
        else
            NAME(edge)(tile, (int64_t)1 << log, columns, k, a + i * a_row, a_row, a_column, b, b_row, out + i * out_row, out_row,
                       out_column, add);
    }
}

/* One panel, columns of b for a piece of k. It is packed where it does not lie in rows of whole vectors, or is used so often that
 * it pays: rows far apart are apt to fall into the same few lines of a cache. */
static void NAME(panel)(tap__matrix a, tap__matrix b, T *out, int64_t out_row, int64_t out_column, bool add)
{
    T        packed[DEPTH * WIDTH];
    const T *right = b.data;
    int64_t  right_row = b.row_stride;
    if (b.column_stride != 1 || b.columns % LANES != 0 || a.rows >= OFTEN) {
        NAME(pack)(a.columns, b.columns, b.data, b.row_stride, b.column_stride, packed);
        right = packed;
        right_row = (b.columns + LANES - 1) / LANES * LANES;
    }
    NAME(down)(a.rows, b.columns, a.columns, a.data, a.row_stride, a.column_stride, right, right_row, out, out_row, out_column, add);
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

/* Pieces of k and of b's columns that are as even as can be. */
static void NAME(panels)(tap__matrix a, tap__matrix b, T *out, int64_t out_row, int64_t out_column, bool add)
{
    const int64_t depths = (a.columns + DEPTH - 1) / DEPTH, vectors = (b.columns + LANES - 1) / LANES;
    const int64_t widths = (vectors + TILE_VECTORS - 1) / TILE_VECTORS;
    for (int64_t d = 0; d < depths; d++) {
        const int64_t     from = a.columns * d / depths, to = a.columns * (d + 1) / depths;
        const tap__matrix left = NAME(columns)(a, from, to);
        const tap__matrix right = NAME(turned)(NAME(columns)(NAME(turned)(b), from, to));
        for (int64_t w = 0; w < widths; w++) {
            const int64_t j = vectors * w / widths * LANES, end = vectors * (w + 1) / widths * LANES;
            NAME(panel)(left, NAME(columns)(right, j, end < b.columns ? end : b.columns), out + j * out_column, out_row, out_column,
                        add || d > 0);
        }
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
    if (NAME(turning_pays)(a, b)) NAME(panels)(NAME(turned)(b), NAME(turned)(a), out, 1, out_stride, add);
    else NAME(panels)(a, b, out, out_stride, 1, add);
}

/* ---- Few rows ---- */

/* The lanes of v brought together in four sums or, where there are only two, two and zeros. */
static ALWAYS_INLINE void NAME(fourths)(VEC v, T *to)
{
    T          lanes[LANES > 4 ? LANES : 4] = { 0 };
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
static ALWAYS_INLINE void NAME(totals)(const int n, const VEC *v, T *total)
{
    T          sums[4 * 4] = { 0 }, turned[4 * 4];
    NAME(quad) s[4];
    for (int i = 0; i < n; i++) NAME(fourths)(v[i], sums + 4 * i);
    NAME(turn)(sums, 4, turned, 4);
    memcpy(s, turned, sizeof turned);
    s[0] = (s[0] + s[1]) + (s[2] + s[3]);
    memcpy(total, &s[0], (size_t)n * sizeof(T));
}

/* out = a b^T for rows of a and `columns` rows of b, each k elements side by side. */
static ALWAYS_INLINE void NAME(dot_tile)(const int rows, const int columns, int64_t k, const T *a, int64_t a_row, const T *b,
                                         int64_t b_row, T *out, int64_t out_row, int64_t out_column, bool add)
{
    VEC sum[DOT_ROWS][DOT_ROWS];
    for (int r = 0; r < rows; r++) {
        for (int c = 0; c < columns; c++) sum[r][c] = SPREAD(0);
    }
    int64_t i = 0;
    for (; i + LANES <= k; i += LANES) {
        VEC right[DOT_ROWS];
        for (int c = 0; c < columns; c++) right[c] = NAME(load)(b + c * b_row + i);
        for (int r = 0; r < rows; r++) {
            const VEC left = NAME(load)(a + r * a_row + i);
            for (int c = 0; c < columns; c++) sum[r][c] = FMA(left, right[c], sum[r][c]);
        }
    }
    for (int r = 0; r < rows; r++) {
        T all[DOT_ROWS];
        NAME(totals)(columns, sum[r], all);
        for (int c = 0; c < columns; c++) {
            T *to = out + r * out_row + c * out_column;
            for (int64_t j = i; j < k; j++) all[c] += a[r * a_row + j] * b[c * b_row + j];
            *to = add ? *to + all[c] : all[c];
        }
    }
}

/* a in groups of rows and then one by one, likewise b; the loop over b's rows is the outer one: they are many, and read once. */
static NOINLINE void NAME(dots)(tap__matrix a, tap__matrix b, void *out, int64_t out_row, int64_t out_column, bool add)
{
    const int64_t k = a.columns;
    for (int64_t j = 0, c; j < b.columns; j += c) {
        const T *right = (const T *)b.data + j * b.column_stride;
        c = b.columns - j >= DOT_ROWS ? DOT_ROWS : 1;
        for (int64_t i = 0, r; i < a.rows; i += r) {
            const T *left = (const T *)a.data + i * a.row_stride;
            T       *to = (T *)out + i * out_row + j * out_column;
            r = a.rows - i >= DOT_ROWS ? DOT_ROWS : 1;
            if (r > 1 && c > 1) NAME(dot_tile)(DOT_ROWS, DOT_ROWS, k, left, a.row_stride, right, b.column_stride, to, out_row, out_column, add);
            else if (c > 1) NAME(dot_tile)(1, DOT_ROWS, k, left, a.row_stride, right, b.column_stride, to, out_row, out_column, add);
            else if (r > 1) NAME(dot_tile)(DOT_ROWS, 1, k, left, a.row_stride, right, b.column_stride, to, out_row, out_column, add);
            else NAME(dot_tile)(1, 1, k, left, a.row_stride, right, b.column_stride, to, out_row, out_column, add);
        }
    }
}

static void NAME(few)(tap__matrix a, tap__matrix b, void *out, int64_t out_stride, bool add)
{
    if (a.rows <= b.columns) NAME(dots)(a, b, out, out_stride, 1, add);
    else NAME(dots)(NAME(turned)(b), NAME(turned)(a), out, 1, out_stride, add);
}

#undef WIDTH
