/* Products of matrices, tile by tile: some rows and vectors of the result are kept in registers while k runs. a is read an element
 * at a time from where it lies; b in vectors, a panel of them at a time. */
#include <string.h>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "tensor/kernels/compiler.h"
#include "tensor/kernels/product.h"

/* DEPTH: of a panel, which then stays in the second cache; OFTEN: rows of the result that make packing worth it; SIDE: of a block. */
enum { DEPTH = 512, OFTEN = 64, SIDE = 384, DOT_ROWS = 4 };
/* Registers sum BLOCK terms; the lanes of a dot product's sum DOT_LONG, and double what goes beyond. */
enum { BLOCK = 32, DOT_LONG = 16 * BLOCK };
/* PACKED: bytes of each column of a, if it is packed, for MANY columns of b. */
enum { PACKED = 256, MANY = 512 };

/* An axis of less than three SIDEs is not cut. */
static inline int64_t parts_of(int64_t size, int64_t side)
{
    return size < 3 * side ? 1 : size / side;
}

/* Where part i of an axis begins, in whole units. */
static inline int64_t part_begin(int64_t size, int64_t parts, int64_t i, int64_t unit)
{
    return i == parts ? size : size * i / parts / unit * unit;
}

/* Sums of a tile fill the registers there are, 32 or 16, but for a row of b and an element of a. */
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
#define SPREAD(x) ((x) - (VEC){ 0 })

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

const tap__product_kernel TAP__KERNEL(tap__product_kernels)[2][2] = { { product_f32, few_f32 }, { product_f64, few_f64 } };
