/* tensor/kernels/product_kernels.c: the kernels of matrix products, compiled for each vector width. The words are those of
 * BLIS: the micro-kernel keeps a tile of the result, some rows by some vectors, in registers while k runs; the macro-kernel
 * runs it over all rows of a for one panel of b, which is as wide as a tile. a is read an element at a time, from its own
 * memory or a packed copy; b is read in vectors. */
#include <string.h>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "tensor/kernels/compiler.h"
#include "tensor/kernels/product.h"

/* PANEL_DEPTH: the rows of a panel of b, at most (BLIS: KC), so that it stays in the second cache. PACK_MIN_ROWS: the rows of a
 * from which on packing a panel of b is worth it. BLOCK_SIDE: the rows and columns of a block of the result (BLIS: MC, NC),
 * roughly. DOT_ROWS: the rows of a, and of b's transpose, whose dot products are computed together. */
enum { PANEL_DEPTH = 512, PACK_MIN_ROWS = 64, BLOCK_SIDE = 384, DOT_ROWS = 4 };
/* SUM_BLOCK: the terms that a register sums before its sum is added to that of the earlier blocks. MAX_LANE_TERMS: the terms of
 * a dot product that each lane sums before the sum goes on in double. product.h has the error that follows. */
enum { SUM_BLOCK = 32, MAX_LANE_TERMS = 16 * SUM_BLOCK };
/* PACKED_A_BYTES: the bytes of a column of a's packed copy. PACK_A_MIN_COLUMNS: the columns of b from which on a is packed,
 * too. */
enum { PACKED_A_BYTES = 256, PACK_A_MIN_COLUMNS = 512 };

/* The number of blocks that an axis is cut into: one if it is shorter than three sides. */
static inline int64_t blocks_of(int64_t size, int64_t side)
{
    return size < 3 * side ? 1 : size / side;
}

/* The first index of block i of an axis, a multiple of unit. */
static inline int64_t block_begin(int64_t size, int64_t blocks, int64_t i, int64_t unit)
{
    return i == blocks ? size : size * i / blocks / unit * unit;
}

/* The tile of a micro-kernel (BLIS: MR x NR). Its sums leave just enough of the 32 or 16 vector registers for a row of b and an
 * element of a. */
#if defined(__AVX512F__)
enum { TILE_ROWS = 8, TILE_VECTORS = 3, BYTES = 64 };
#define TILES \
    TILE(8, 1) \
    TILE(8, 2) TILE(8, 3) TILE(4, 1) TILE(4, 2) TILE(4, 3) TILE(2, 1) TILE(2, 2) TILE(2, 3) TILE(1, 1) TILE(1, 2) TILE(1, 3)
#else
#if defined(__AVX2__)
enum { TILE_ROWS = 4, TILE_VECTORS = 3, BYTES = 32 };
#else
enum { TILE_ROWS = 4, TILE_VECTORS = 3, BYTES = 16 };
#endif
#define TILES TILE(4, 1) TILE(4, 2) TILE(4, 3) TILE(2, 1) TILE(2, 2) TILE(2, 3) TILE(1, 1) TILE(1, 2) TILE(1, 3)
#endif
#define LOG2(rows) ((rows) == 8 ? 3 : (rows) == 4 ? 2 : (rows) == 2 ? 1 : 0)

typedef float vec_f32  TAP__VECTOR(BYTES);
typedef double vec_f64 TAP__VECTOR(BYTES);

#if defined(__AVX512F__)
#define FMA_f32(a, b, c) ((vec_f32)_mm512_fmadd_ps((__m512)(a), (__m512)(b), (__m512)(c)))
#define FMA_f64(a, b, c) ((vec_f64)_mm512_fmadd_pd((__m512d)(a), (__m512d)(b), (__m512d)(c)))
#elif defined(__AVX2__)
#define FMA_f32(a, b, c) ((vec_f32)_mm256_fmadd_ps((__m256)(a), (__m256)(b), (__m256)(c)))
#define FMA_f64(a, b, c) ((vec_f64)_mm256_fmadd_pd((__m256d)(a), (__m256d)(b), (__m256d)(c)))
#else
#define FMA_f32(a, b, c) ((a) * (b) + (c))
#define FMA_f64(a, b, c) ((a) * (b) + (c))
#endif
#define BROADCAST(x) ((x) - (VEC){ 0 })

#define T       float
#define VEC     vec_f32
#define LANES   (BYTES / 4)
#define FMA     FMA_f32
#define NAME(f) f##_f32
#include "tensor/kernels/product_template.h"
#undef T
#undef VEC
#undef LANES
#undef FMA
#undef NAME

#define T       double
#define VEC     vec_f64
#define LANES   (BYTES / 8)
#define FMA     FMA_f64
#define NAME(f) f##_f64
#include "tensor/kernels/product_template.h"

const tap__product_kernel TAP__KERNEL(tap__product_kernels)[2][2] = { { product_f32, small_product_f32 },
                                                                      { product_f64, small_product_f64 } };
