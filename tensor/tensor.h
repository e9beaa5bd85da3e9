/* tensor/tensor.h: strided tensors, the memory they live in, random numbers and files.
 *
 * A tensor is a view: a dtype, a shape, a stride per axis (in elements) and a pointer. It owns nothing; an arena, a tape,
 * a module or the caller does. Functions that need memory take an arena, and the arena keeps the first error that
 * happened in it: later calls then return inert tensors, so one check at the end is enough.
 *
 * Nothing here aborts, whatever it is given. Set TAP_ABORT=1 in the environment to stop at the first error in a debugger.
 */
#ifndef TAP_TENSOR_TENSOR_H
#define TAP_TENSOR_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#if defined(__GNUC__)
#define TAP_API            __attribute__((visibility("default")))
#define TAP_PRINTF(at, va) __attribute__((format(printf, at, va)))
#else
#define TAP_API
#define TAP_PRINTF(at, va)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* In options structs a field of 0 stands for its default. These ask for the number 0 itself, and for leaving a thing out. */
#define TAP_ZERO (-1)
#define TAP_NONE (-1)

/* ---- Errors ------------------------------------------------------------------------------------------------------ */

typedef enum {
    TAP_OK,
    TAP_ENOMEM,    /* no memory */
    TAP_ESHAPE,    /* shapes that do not fit */
    TAP_EDTYPE,    /* dtypes that do not fit */
    TAP_EARG,      /* any other bad argument */
    TAP_ESTALE,    /* a var used after its tape was reset, or on another tape */
    TAP_EIO,       /* a file that cannot be read or written, or holds what it should not */
    TAP_ENONFINITE /* a NaN or an infinity came up on a tape that traces them */
} tap_status;

#define TAP_MESSAGE_SIZE 480

/* The first error of an owner, and its sentence. {0} is "no error". */
typedef struct {
    tap_status status;
    char       message[TAP_MESSAGE_SIZE];
} tap_error;

/* Records an error unless `e` already holds one (the first is the one that matters); returns e->status. All errors of the
 * library pass here: set a breakpoint on it, or TAP_ABORT=1 in the environment. `e` may be NULL. */
TAP_API tap_status  tap_error_set(tap_error *e, tap_status status, const char *format, ...) TAP_PRINTF(3, 4);
TAP_API const char *tap_status_name(tap_status status); /* "TAP_ESHAPE" */

/* An owner (an arena, a tape, the root of a module, a loader, a checkpoint) whose error nobody has read is reported on stderr,
 * once, when it is reset or freed: "tapestry: this tape has failed, and nobody has read why: add: [8,4] x [8,5]: ...". To read is
 * to ask for the message. Returns whether owners were reported; they are at first. For all threads. */
TAP_API bool tap_report_unread_errors(bool on);

/* ---- Dtypes and shapes ------------------------------------------------------------------------------------------- */

typedef enum { TAP_F32, TAP_F64, TAP_I64, TAP_U8, TAP_BOOL } tap_dtype;

TAP_API size_t      tap_dtype_size(tap_dtype dtype); /* bytes per element; 0 for a value that is no dtype */
TAP_API const char *tap_dtype_name(tap_dtype dtype); /* "float32" */
TAP_API bool        tap_dtype_is_float(tap_dtype dtype);

#define TAP_MAX_RANK 8

/* Sizes of the axes, outermost first. Rank 0 is a scalar, with one element; an axis of size 0 makes an empty tensor. */
typedef struct {
    int     rank;
    int64_t n[TAP_MAX_RANK];
} tap_shape;

#define TAP_SHAPE(...) \
    ((tap_shape){ .rank = (int)(sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t)), .n = { __VA_ARGS__ } })
#define TAP_SCALAR ((tap_shape){ .rank = 0 })

TAP_API int64_t tap_numel(tap_shape shape); /* product of the sizes; -1 for a shape that is none (negative, overflow) */
TAP_API bool    tap_shape_equal(tap_shape a, tap_shape b);

#define TAP_SHAPE_TEXT 176

/* Writes "[128,784]" into text and returns it. */
TAP_API const char *tap_shape_format(char text[TAP_SHAPE_TEXT], tap_shape shape);

/* A set of axes, as reductions take it: negative axes count from the end, `all` is every axis. With keepdim the reduced
 * axes stay, with size 1. */
typedef struct {
    bool all, keepdim;
    int  n;
    int  axis[TAP_MAX_RANK];
} tap_axes;

#define TAP_AXES(...) ((tap_axes){ .n = (int)(sizeof((int[]){ __VA_ARGS__ }) / sizeof(int)), .axis = { __VA_ARGS__ } })
#define TAP_ALL       ((tap_axes){ .all = true })
#define TAP_LAST      TAP_AXES(-1)

TAP_API tap_axes tap_keepdim(tap_axes axes); /* the same axes, with keepdim */

/* ---- Arenas ------------------------------------------------------------------------------------------------------ */

/* Memory that is handed out piece by piece and given back all at once. Not for several threads at a time. */
typedef struct tap_arena tap_arena;

TAP_API tap_arena *tap_arena_new(void);          /* never NULL; with no memory it is an arena that has failed */
TAP_API void       tap_arena_free(tap_arena *a); /* gives everything back; NULL is allowed */
/* Ends every tensor in the arena and keeps its memory, so that the same sequence of requests gets the same addresses
 * again. Keeps the error. */
TAP_API void tap_arena_reset(tap_arena *a);
/* `bytes` zeroed bytes, aligned to 64; NULL once the arena has failed. */
TAP_API void *tap_arena_alloc(tap_arena *a, size_t bytes);
/* The first error in this arena; *message (may be NULL) is "" when there is none, and lives as long as the arena. */
TAP_API tap_status tap_arena_status(const tap_arena *a, const char **message);
TAP_API tap_error *tap_arena_error(tap_arena *a); /* to pass to functions that report into a tap_error */
TAP_API void tap_arena_clear_error(tap_arena *a); /* the arena can be used again; what failed calls returned stays inert */

/* ---- Tensors ----------------------------------------------------------------------------------------------------- */

/* Element [i0,i1,...] is data[i0*stride[0] + i1*stride[1] + ...], strides in elements, of any sign, 0 for an expanded axis.
 * An inert tensor, which failed calls return, has data NULL and shape []. */
typedef struct {
    tap_dtype dtype;
    tap_shape shape;
    int64_t   stride[TAP_MAX_RANK];
    void     *data;
} tap_tensor;

/* A contiguous tensor over memory of the caller, borrowed for as long as it is used. An invalid shape gives an inert tensor. */
TAP_API tap_tensor tap_tensor_wrap(tap_dtype dtype, tap_shape shape, void *data);
TAP_API tap_tensor tap_tensor_zeros(tap_arena *a, tap_dtype dtype, tap_shape shape);
TAP_API bool       tap_tensor_is_contiguous(tap_tensor x); /* elements in C order, without gaps */
TAP_API int64_t    tap_tensor_numel(tap_tensor x);

/* Views, without a copy. Errors (named after the call, with shapes) go to the arena; none of them allocates but reshape. */
TAP_API tap_tensor tap_tensor_permute(tap_arena *a, tap_tensor x, int rank, const int *axes); /* out axis i = x axis axes[i] */
TAP_API tap_tensor tap_tensor_transpose(tap_arena *a, tap_tensor x, int axis0, int axis1);
/* Elements start, start+step, ... before stop, as in Python: negative indices count from the end, bounds are clipped, step is
 * not 0; with a negative step, stop may be TAP_END to run through element 0. */
TAP_API tap_tensor tap_tensor_slice(tap_arena *a, tap_tensor x, int axis, int64_t start, int64_t stop, int64_t step);
#define TAP_END INT64_MAX
TAP_API tap_tensor tap_tensor_select(tap_arena *a, tap_tensor x, int axis, int64_t index); /* drops the axis */
TAP_API tap_tensor tap_tensor_expand(tap_arena *a, tap_tensor x,
                                     tap_shape shape);                         /* size 1 -> n, -1 keeps, new axes in front */
TAP_API tap_tensor tap_tensor_unsqueeze(tap_arena *a, tap_tensor x, int axis); /* a new axis of size 1 there */
TAP_API tap_tensor tap_tensor_squeeze(tap_arena *a, tap_tensor x, int axis);   /* drops an axis of size 1 */
/* The same elements in C order under another shape, one size of which may be -1. A view when strides allow it, else a copy. */
TAP_API tap_tensor tap_tensor_reshape(tap_arena *a, tap_tensor x, tap_shape shape);

TAP_API tap_tensor tap_tensor_contiguous(tap_arena *a, tap_tensor x); /* x itself, or a copy in C order */
TAP_API tap_tensor tap_tensor_cast(tap_arena *a, tap_tensor x, tap_dtype dtype);
/* Copies src into dst, converting the dtype and broadcasting src to dst's shape. Overlapping memory: as with memcpy. */
TAP_API tap_status tap_tensor_copy(tap_tensor dst, tap_tensor src, tap_error *e);
TAP_API void       tap_tensor_fill(tap_tensor x, double value);
/* To be called after writing to x's memory through its pointer, when a tape may have borrowed it (see tap_input): writes by the
 * library's functions are noticed by themselves. */
TAP_API void tap_tensor_written(tap_tensor x);
/* One element as a double: index[rank]. NaN for an index out of range or an inert tensor. */
TAP_API double tap_tensor_get(tap_tensor x, const int64_t *index);
/* The i-th element in C order as a double, and its place set; the same care. */
TAP_API double tap_tensor_item(tap_tensor x, int64_t i);
TAP_API void   tap_tensor_set_item(tap_tensor x, int64_t i, double value);

/* ---- Printing ---------------------------------------------------------------------------------------------------- */

/* The elements as PyTorch prints them, and a new line. All numbers have one width: whole ones as "3.", others with four digits behind
 * the point, with exponents where sizes differ by more than a factor of 1000, exceed 1e8 or fall below 1e-4. Of more than 1000 elements
 * the first and last three of each axis. A dtype is named unless it is float32, int64 or bool.
 *
 *     tensor([[1.0000, 2.5000],
 *             [3.0000, 4.0000]], dtype=float64)
 *
 * An inert tensor gives "inert tensor". The decimal point is '.' in any locale. */
TAP_API void tap_print(tap_tensor x);             /* to stdout */
TAP_API void tap_fprint(FILE *out, tap_tensor x); /* nothing if out is NULL */

/* ---- Random numbers ---------------------------------------------------------------------------------------------- */

/* Where a random number comes from: number i of this place is a pure function (Philox4x64-10 of Salmon et al. 2011) of
 * (seed, stream, step, i). No state is kept anywhere; the same place gives the same numbers, for any number of threads. */
typedef struct {
    uint64_t seed, stream, step;
} tap_rng_key;

TAP_API void     tap_random_uniform(tap_tensor x, tap_rng_key at); /* x in (0,1); any but float32 and float64 is left alone */
TAP_API void     tap_random_normal(tap_tensor x, tap_rng_key at);  /* x ~ N(0,1); float32 is float64 rounded */
TAP_API void     tap_random_permutation(int64_t *index, int64_t n, tap_rng_key at); /* a shuffle of 0..n-1 */
TAP_API uint64_t tap_random_hash(const char *text);                                 /* a stream for a name (FNV-1a) */

/* ---- Sparse matrices ---------------------------------------------------------------------------------------------- */

/* [rows,columns], of which only what is not 0 is kept, by rows: row i's are value[j] in column[j], ascending, for j from start[i] up to
 * start[i+1]. A view, like a tensor. One that is inert has start NULL, and no rows. */
typedef struct {
    int64_t        rows, columns;
    const int64_t *start; /* [rows+1]; start[0] is 0 */
    const int32_t *column;
    const float   *value;
} tap_csr;

TAP_API tap_csr tap_csr_from_dense(tap_arena *a, tap_tensor x); /* x [rows,columns], rounded to float32 */
TAP_API tap_csr tap_csr_transpose(tap_arena *a, tap_csr x);
/* out [n,columns], float32 or float64, contiguous, becomes the rows row[0..n-1], any of them more than once; NULL: the first n. */
TAP_API tap_status tap_csr_rows(tap_tensor out, tap_csr x, const int64_t *row, tap_error *e);
/* log(1 + scale x / the sum of its row), x >= 0, which is 0 where x is, also in a row of zeros; start and column are x's own. */
TAP_API tap_csr tap_csr_log_normalize(tap_arena *a, tap_csr x, double scale);
/* Principal components: x's rows, less their mean, along the k directions in which they vary most, the first one first: float64
 * [rows,k]. By subspace iteration from random directions (Halko et al. 2011), without a dense matrix of x's size. */
TAP_API tap_tensor tap_csr_pca(tap_arena *a, tap_csr x, int64_t k, uint64_t seed);

/* ---- Threads ----------------------------------------------------------------------------------------------------- */

TAP_API void tap_set_threads(
    int n); /* how many threads kernels use, 1 to 256; <= 0: as OMP_NUM_THREADS says, else all processors */
TAP_API int tap_threads(void);
/* What the machine runs, for a log: "tapestry 0.1.0, avx2 kernels, BLIS zen3, 2 threads". Lives until the next call in this
 * thread. */
TAP_API const char *tap_config(void);

/* ---- Files ------------------------------------------------------------------------------------------------------- */
/* Readers put the tensor into the arena. Writers write beside the old file, sync and rename: a file is whole or untouched.
 * Messages name the file. */

typedef struct tap_file tap_file;

/* IDX, the format of MNIST, plain or gzipped: big-endian, dtype uint8, int8..int32 (read as int64), float32 or float64. */
TAP_API tap_tensor tap_idx_read(tap_arena *a, const char *path);

/* NumPy's .npy, versions 1 to 3: dtypes f4, f8, i1 to i8 (read as int64), u1 and b1 in either byte order. A file in Fortran
 * order gives a transposed view; what is written is in C order, byte for byte as numpy.save has it. */
TAP_API tap_tensor tap_npy_read(tap_arena *a, const char *path);
TAP_API tap_status tap_npy_write(const char *path, tap_tensor x, tap_error *e);
/* A file of such an array, for one that is larger than memory: the caller writes its elements, in C order, and commits. */
TAP_API tap_file *tap_npy_create(const char *path, tap_dtype dtype, tap_shape shape, tap_error *e);

/* Matrix Market: coordinate or array; real, integer, unsigned-integer or pattern (every entry is 1); general, symmetric or
 * skew-symmetric. Entries come in any order; zeros are dropped, and none may come twice. Comments stand before the line of sizes, empty
 * lines anywhere. Plain or gzipped; written as coordinate, general, gzipped if the name ends in .gz, as integers if all are. */
TAP_API tap_csr    tap_matrix_market_read(tap_arena *a, const char *path);
TAP_API tap_status tap_matrix_market_write(const char *path, tap_csr x, tap_error *e);

/* Fields of text: field j of row i is text[i * columns + j]. */
typedef struct {
    int64_t            rows, columns;
    const char *const *text;
} tap_csv;

/* Rows of fields between separators, such as ',' or '\t', all as long as the first, plain or gzipped. A field in double quotes may
 * hold anything, two quotes standing for one (RFC 4180). Spaces around fields, empty rows and a byte order mark do not count. */
TAP_API tap_csv tap_csv_read(tap_arena *a, const char *path, char separator);
/* The same between tabs, without quoting: a quote is a character like any other, as in the files of 10x Genomics. */
TAP_API tap_csv tap_tsv_read(tap_arena *a, const char *path);
/* Of , ; tab and | the one that a line of text holds most often; '\0' if it holds none of them, or line is NULL. */
TAP_API char tap_csv_guess_separator(const char *line);
/* As tap_csv_read, of numbers, behind a row and a column of names, which go into *columns [1,columns] and *rows [rows,1] (NULL: they
 * do not). The corner may hold anything. Zeros, and empty fields, take no memory. A single column, of names, is an error. */
TAP_API tap_csr tap_csv_read_matrix(tap_arena *a, const char *path, char separator, tap_csv *rows, tap_csv *columns);
/* The texts below the first row's `name`, numbered in alphabetical order: int64 [rows-1]. *n is how many there are; 0, and an inert
 * tensor, if there is no such column. */
TAP_API tap_tensor tap_csv_labels(tap_arena *a, tap_csv t, const char *name, int64_t *n);

/* Counts of genes in cells: counts [cells,genes], a row of names for each cell, and for each gene. */
typedef struct {
    tap_csr counts;
    tap_csv barcodes, features;
} tap_cells;

/* From a folder as 10x Genomics has it, matrix.mtx, barcodes.tsv and features.tsv (or genes.tsv), gzipped or plain, or by
 * tap_cells_read_csv from a file that ends in .csv or .csv.gz (separated by ','), .tsv or .tsv.gz (by tabs). */
TAP_API tap_cells tap_cells_read(tap_arena *a, const char *path);
/* From a file of cells by genes for tap_csv_read_matrix. Both refuse numbers that are not counts, whole and from 0 up. */
TAP_API tap_cells tap_cells_read_csv(tap_arena *a, const char *path, char separator);
/* Such a folder, which there must be; all its files are gzipped. Absent tables of names stand for cell1, ... and gene1, ... */
TAP_API tap_status tap_cells_write(const char *dir, tap_cells c, tap_error *e);

/* 8-bit greyscale PNG. image: [height,width]; floats in [0,1] (clipped, NaN black) or uint8. */
TAP_API tap_status tap_png_write(const char *path, tap_tensor image, tap_error *e);

/* A named tensor of a safetensors file. */
typedef struct {
    const char *name;
    tap_tensor  tensor;
} tap_named_tensor;

/* An entry of a safetensors file's "__metadata__". */
typedef struct {
    const char *key, *value;
} tap_metadata;

/* A safetensors file in memory. Everything lives in the arena. After an error n is 0. */
typedef struct {
    int                     n;
    const tap_named_tensor *tensors; /* in the order of their data in the file */
    int                     n_metadata;
    const tap_metadata     *metadata;
} tap_safetensors;

/* Reads a whole file. Dtypes F32, F64, I64, I8 to I32 (read as int64), U8 and BOOL; any other is an error that names the tensor.
 * Accepts no file that the format's reference reader refuses: header up to 100 MB, no duplicate names, no gaps, no overlaps, no
 * bytes left over. */
TAP_API tap_safetensors   tap_safetensors_read(tap_arena *a, const char *path);
TAP_API tap_status        tap_safetensors_write(const char *path, int n, const tap_named_tensor *tensors, int n_metadata,
                                                const tap_metadata *metadata, tap_error *e);
TAP_API const tap_tensor *tap_safetensors_find(const tap_safetensors *s, const char *name);    /* NULL: there is none */
TAP_API const char       *tap_safetensors_metadata(const tap_safetensors *s, const char *key); /* NULL: there is none */

/* A file that appears whole or not at all, for a program's own text and binary output. */
/* Writes to a temporary file beside path (a device or a pipe is written directly); NULL on error. e is kept until the end. */
TAP_API tap_file  *tap_file_create(const char *path, tap_error *e);
TAP_API tap_file  *tap_file_create_gzip(const char *path, tap_error *e); /* the same; what is written is packed on its way */
TAP_API tap_status tap_file_write(tap_file *f, const void *bytes, size_t n);
TAP_API tap_status tap_file_commit(tap_file *f);  /* sync, rename to path, free f; on an error path is as it was */
TAP_API void       tap_file_abandon(tap_file *f); /* removes the temporary file and frees f; NULL is allowed */

#ifdef __cplusplus
}
#endif

#endif
