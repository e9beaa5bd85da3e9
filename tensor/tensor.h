/* tensor/tensor.h: strided tensors, the memory they live in, random numbers, sparse matrices and files.
 *
 * A tensor is a view: a dtype, a shape, a stride per axis (in elements) and a pointer. It owns nothing; an arena, a tape, a
 * module or the caller does. Functions that need memory take an arena, and the arena keeps the first error that happened in
 * it: later calls then return inert tensors, so one check at the end is enough.
 *
 * No function aborts, whatever its arguments. Set TAP_ABORT=1 in the environment to stop at the first error in a debugger.
 *
 * All public headers keep these rules:
 * - Arguments come in this order: the owner of the result or of its memory, a name, inputs and sizes, options, a tap_error.
 * - tap_x_init fills a struct that the caller embeds; nothing has to be freed. tap_x_new returns an object that the caller
 *   frees with tap_x_free.
 * - In options a field of 0 stands for its default. TAP_ZERO asks for the number 0 itself, TAP_NONE for leaving a thing out.
 * - Functions that report to a tap_error return its status, or NULL if they create an object. All others record their error
 *   in the owner of the result.
 * - Where several yes-no arguments would stand in a row, they are enumerations. */
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

/* For fields of options, where 0 stands for the default: the number 0 itself, and the absence of what the field describes. */
#define TAP_ZERO (-1)
#define TAP_NONE (-1)

/* ---- Errors (tensor/error.c) ------------------------------------------------------------------------------------- */

typedef enum {
    TAP_OK,
    TAP_ENOMEM,    /* out of memory */
    TAP_ESHAPE,    /* a shape that does not fit */
    TAP_EDTYPE,    /* a dtype that does not fit */
    TAP_EARG,      /* any other invalid argument */
    TAP_ESTALE,    /* a var used after its tape was reset, or on another tape */
    TAP_EIO,       /* a file that cannot be read or written, or has invalid contents */
    TAP_ENONFINITE /* a NaN or an infinity came up on a tape that traces them */
} tap_status;

#define TAP_MESSAGE_SIZE 480

/* The first error of an owner, and its message. {0} is "no error". */
typedef struct {
    tap_status status;
    char       message[TAP_MESSAGE_SIZE];
} tap_error;

/* Records an error unless `e` already holds one (the first one is the cause of the others); returns e->status, or the given
 * status if `e` is NULL. All errors of the library pass through this function: set a breakpoint on it, or TAP_ABORT=1 in the
 * environment. */
TAP_API tap_status  tap_error_set(tap_error *e, tap_status status, const char *format, ...) TAP_PRINTF(3, 4);
TAP_API const char *tap_status_name(tap_status status); /* "TAP_ESHAPE" */

/* Turns reports of unread errors on or off, for all threads; they are on at first. Returns the setting before. An owner (an
 * arena, a tape, the root of a module, a loader, a checkpoint) whose error was not read is reported on stderr once, when it
 * is reset or freed: "tapestry: this tape has failed, and its error was not read: add: [8,4] x [8,5]: ...". An error is read
 * by asking for its message. */
TAP_API bool tap_report_unread_errors(bool on);

/* ---- Dtypes and shapes (tensor/shape.c) -------------------------------------------------------------------------- */

typedef enum { TAP_F32, TAP_F64, TAP_I64, TAP_U8, TAP_BOOL } tap_dtype;

TAP_API size_t      tap_dtype_size(tap_dtype dtype); /* bytes per element; 0 for an unknown dtype */
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

/* Product of the sizes; -1 for an invalid shape: a rank outside 0..TAP_MAX_RANK, a negative size, or too many elements for
 * int64_t. */
TAP_API int64_t tap_numel(tap_shape shape);
TAP_API bool    tap_shape_equal(tap_shape a, tap_shape b);

#define TAP_SHAPE_TEXT 176

/* Writes "[128,784]" into text and returns it. */
TAP_API const char *tap_shape_format(char text[TAP_SHAPE_TEXT], tap_shape shape);

/* The axes of a reduction. Negative axes count from the end; `all` stands for every axis. With keepdim the reduced axes
 * stay, with size 1. */
typedef struct {
    bool all, keepdim;
    int  n;
    int  axis[TAP_MAX_RANK];
} tap_axes;

#define TAP_AXES(...) ((tap_axes){ .n = (int)(sizeof((int[]){ __VA_ARGS__ }) / sizeof(int)), .axis = { __VA_ARGS__ } })
#define TAP_ALL       ((tap_axes){ .all = true })
#define TAP_LAST      TAP_AXES(-1)

TAP_API tap_axes tap_keepdim(tap_axes axes); /* the same axes, with keepdim */

/* ---- Arenas (tensor/arena.c) ------------------------------------------------------------------------------------- */

/* Memory that is allocated block by block and freed all at once. An arena must not be used by several threads at a time. */
typedef struct tap_arena tap_arena;

TAP_API tap_arena *tap_arena_new(void);          /* never NULL; out of memory, an arena with an error */
TAP_API void       tap_arena_free(tap_arena *a); /* with all its tensors; NULL is allowed */
/* Invalidates every tensor in the arena and keeps the memory, so that the same sequence of requests gets the same addresses
 * again. Keeps the error. */
TAP_API void tap_arena_reset(tap_arena *a);
/* `bytes` zeroed bytes, aligned to 64; NULL once the arena has an error. */
TAP_API void *tap_arena_alloc(tap_arena *a, size_t bytes);
/* Returns the status of the first error in this arena, TAP_OK before any; *message is its sentence, or "", and lives as long as
 * the arena. message may be NULL. */
TAP_API tap_status tap_arena_status(const tap_arena *a, const char **message);
TAP_API tap_error *tap_arena_error(tap_arena *a);       /* for functions that report to a tap_error */
TAP_API void       tap_arena_clear_error(tap_arena *a); /* results of failed calls stay inert */

/* ---- Tensors (tensor/tensor.c) ----------------------------------------------------------------------------------- */

/* Element [i0,i1,...] is data[i0*stride[0] + i1*stride[1] + ...], strides in elements, of any sign, 0 for an expanded axis.
 * The result of a failed call is inert: data is NULL and the shape []. */
typedef struct {
    tap_dtype dtype;
    tap_shape shape;
    int64_t   stride[TAP_MAX_RANK];
    void     *data;
} tap_tensor;

/* A contiguous tensor over the caller's memory, which must live as long as the tensor. Inert for an invalid shape or dtype. */
TAP_API tap_tensor tap_tensor_wrap(tap_dtype dtype, tap_shape shape, void *data);
TAP_API tap_tensor tap_tensor_zeros(tap_arena *a, tap_dtype dtype, tap_shape shape);
TAP_API bool       tap_tensor_is_contiguous(tap_tensor x); /* elements in C order, without gaps */
TAP_API int64_t    tap_tensor_numel(tap_tensor x);

TAP_API tap_tensor tap_tensor_contiguous(tap_arena *a, tap_tensor x); /* x itself, or a copy in C order */
TAP_API tap_tensor tap_tensor_cast(tap_arena *a, tap_tensor x, tap_dtype dtype);
/* Copies src to dst, converting the dtype and broadcasting src to dst's shape. They must not overlap. */
TAP_API tap_status tap_tensor_copy(tap_tensor dst, tap_tensor src, tap_error *e);
TAP_API void       tap_tensor_fill(tap_tensor x, double value);
/* To be called after writing to x's memory through its pointer if a tape may have borrowed it (see tap_input). Writes by
 * functions of the library are noticed without it. */
TAP_API void tap_tensor_written(tap_tensor x);
/* One element as a double: index[rank]. NaN for an index out of range or an inert tensor. */
TAP_API double tap_tensor_get(tap_tensor x, const int64_t *index);
/* Reads and sets the i-th element in C order, as a double. Out of range, NaN and no effect. */
TAP_API double tap_tensor_item(tap_tensor x, int64_t i);
TAP_API void   tap_tensor_set_item(tap_tensor x, int64_t i, double value);

/* ---- Views (tensor/view.c) --------------------------------------------------------------------------------------- */

/* The same memory under another shape. Only reshape may copy. Errors, which name the call and the shape, go to the arena. */
/* Axis i of the result is x's axis axes[i]. */
TAP_API tap_tensor tap_tensor_permute(tap_arena *a, tap_tensor x, int rank, const int *axes);
TAP_API tap_tensor tap_tensor_transpose(tap_arena *a, tap_tensor x, int axis0, int axis1);
/* Elements start, start+step, ... before stop, as in Python: negative indices count from the end, bounds are clipped, step is
 * not 0; with a negative step, stop may be TAP_END to run through element 0. */
TAP_API tap_tensor tap_tensor_slice(tap_arena *a, tap_tensor x, int axis, int64_t start, int64_t stop, int64_t step);
#define TAP_END INT64_MAX
TAP_API tap_tensor tap_tensor_select(tap_arena *a, tap_tensor x, int axis, int64_t index); /* drops the axis */
/* Broadcasts x to the shape: axes of size 1 are repeated, new axes come in front, a size of -1 keeps x's. */
TAP_API tap_tensor tap_tensor_expand(tap_arena *a, tap_tensor x, tap_shape shape);
TAP_API tap_tensor tap_tensor_unsqueeze(tap_arena *a, tap_tensor x, int axis); /* inserts an axis of size 1 */
TAP_API tap_tensor tap_tensor_squeeze(tap_arena *a, tap_tensor x, int axis);   /* drops an axis of size 1 */
/* x's elements, in C order, under another shape, one size of which may be -1 to be inferred. A view if strides allow it,
 * else a copy. */
TAP_API tap_tensor tap_tensor_reshape(tap_arena *a, tap_tensor x, tap_shape shape);

/* ---- Printing (tensor/print.c) ----------------------------------------------------------------------------------- */

/* Prints the elements as PyTorch does, and a newline. All numbers have the same width: "3." if all are whole, else four
 * digits after the point, and exponents if magnitudes differ by more than a factor of 1000, exceed 1e8 or are below 1e-4. Of
 * tensors with more than 1000 elements, the first and last three of each axis are printed. The dtype is printed unless it is
 * float32, int64 or bool.
 *
 *     tensor([[1.0000, 2.5000],
 *             [3.0000, 4.0000]], dtype=float64)
 *
 * An inert tensor prints as "inert tensor". The decimal point is '.' in any locale. */
TAP_API void tap_print(tap_tensor x);             /* to stdout */
TAP_API void tap_fprint(FILE *out, tap_tensor x); /* does nothing if out is NULL */

/* ---- Random numbers (tensor/random.c) ---------------------------------------------------------------------------- */

/* The key of a sequence of random numbers: number i is a pure function of (seed, stream, step, i), Philox4x64-10 of Salmon
 * et al. 2011. There is no hidden state: the same key gives the same numbers, for any number of threads. */
typedef struct {
    uint64_t seed, stream, step;
} tap_rng_key;

TAP_API void     tap_random_uniform(tap_tensor x, tap_rng_key key); /* x ~ U(0,1), without 0 and 1; float32 or float64 */
TAP_API void     tap_random_normal(tap_tensor x, tap_rng_key key);  /* x ~ N(0,1); float32 is float64 rounded */
TAP_API void     tap_random_permutation(int64_t *index, int64_t n, tap_rng_key key); /* index[0..n-1]: 0..n-1 shuffled */
TAP_API uint64_t tap_random_hash(const char *text);                                  /* a stream number for a name, by FNV-1a */

/* Element i, 0..n-1, of a permutation of 0..n-1 that takes no memory, for data of any size: a Feistel network on the smallest
 * power of two that holds n, applied until the result is below n (cycle walking: Black & Rogaway 2002). Another permutation
 * than tap_random_permutation's. -1 if i is out of range. */
TAP_API int64_t tap_random_permuted(int64_t i, int64_t n, tap_rng_key key);

/* The numbers of a key one after the other, for code that takes them in a sequence. Begins as { .key = key }. If rng is NULL,
 * the results are NaN and -1. */
typedef struct {
    tap_rng_key key;
    uint64_t    next;    /* index of the next word */
    uint64_t    word[4]; /* the block of the last one */
} tap_rng;

TAP_API double  tap_rng_uniform(tap_rng *rng);          /* ~ U(0,1), without 0 and 1 */
TAP_API double  tap_rng_normal(tap_rng *rng);           /* ~ N(0,1) */
TAP_API int64_t tap_rng_below(tap_rng *rng, int64_t n); /* uniform in 0..n-1; -1 if n < 1 */

/* ---- Sparse matrices (tensor/sparse/) ---------------------------------------------------------------------------- */

/* A CSR matrix [rows,columns]. Row i holds value[j] at column[j], start[i] <= j < start[i+1], columns ascending. All other
 * elements are 0. A view, like a tensor: it owns nothing. The result of a failed call is inert: start is NULL, rows and
 * columns are 0. */
typedef struct {
    int64_t        rows, columns;
    const int64_t *start; /* [rows+1]; start[0] is 0 */
    const int32_t *column;
    const float   *value;
} tap_csr;

TAP_API tap_csr tap_csr_from_dense(tap_arena *a, tap_tensor x); /* of x [rows,columns], rounded to float32 */
TAP_API tap_csr tap_csr_transpose(tap_arena *a, tap_csr x);
/* Writes rows row[0..n-1] of x, in which indices may repeat, to the dense out [n,columns], contiguous float32 or float64. If
 * row is NULL, the first n rows. */
TAP_API tap_status tap_csr_rows(tap_tensor out, tap_csr x, const int64_t *row, tap_error *e);
/* log(1 + scale x / (sum of x's row)), elementwise; 0 in rows of zeros. x >= 0, scale > 0. The result shares x's start and
 * column. */
TAP_API tap_csr tap_csr_log_normalize(tap_arena *a, tap_csr x, double scale);
/* Scores of the first k principal components, float64 [rows,k]: x's centred rows, projected on the k directions of largest
 * variance, in descending order. Randomized subspace iteration (Halko et al. 2011), without a dense matrix of x's size. */
TAP_API tap_tensor tap_csr_pca(tap_arena *a, tap_csr x, int64_t k, uint64_t seed);

/* ---- Threads and configuration (tensor/parallel.c, tensor/cpu.c) ------------------------------------------------- */

/* Sets how many threads kernels use, 1 to 256. For n <= 0, as many as OMP_NUM_THREADS says, or one for each processor. */
TAP_API void tap_set_threads(int n);
TAP_API int  tap_threads(void);
/* Version, kernels and threads, for a log: "tapestry 0.1.0, avx2 kernels, BLIS zen3, 2 threads". The string is valid until this
 * thread's next call. */
TAP_API const char *tap_config(void);

/* ---- Output files (tensor/io/file.c) ----------------------------------------------------------------------------- */

/* A file that is written as a whole or not at all, for a program's own text and binary output, too. Bytes go to a temporary
 * file beside the path, which a commit syncs and renames. All writers of the library use it. Messages name the path. */
typedef struct tap_file tap_file;

/* Creates the temporary file (a device or a pipe is written directly); NULL on an error. e must live until commit or
 * abandon. */
TAP_API tap_file  *tap_file_create(const char *path, tap_error *e);
TAP_API tap_file  *tap_file_create_gzip(const char *path, tap_error *e); /* compresses what is written */
TAP_API tap_status tap_file_write(tap_file *f, const void *bytes, size_t n);
TAP_API tap_status tap_file_commit(tap_file *f);  /* sync, rename to path, free f; on an error path is as it was */
TAP_API void       tap_file_abandon(tap_file *f); /* removes the temporary file and frees f; NULL is allowed */

/* ---- Files of tensors (tensor/io/) ------------------------------------------------------------------------------- */

/* Readers put tensors and errors into the arena. */

/* IDX, the format of MNIST (io/idx.c), plain or gzipped: dtype uint8, int8..int32 (read as int64), float32 or float64. */
TAP_API tap_tensor tap_idx_read(tap_arena *a, const char *path);

/* NumPy's .npy (io/npy.c), versions 1 to 3: dtypes f2 to f8, i1 to i8, u1 to u8 and b1 in either byte order; what becomes of
 * them is written at tap_safetensors_read. A file in Fortran order gives a transposed view. Files are written in C order, with
 * the same bytes as by numpy.save. */
TAP_API tap_tensor tap_npy_read(tap_arena *a, const char *path);
TAP_API tap_status tap_npy_write(const char *path, tap_tensor x, tap_error *e);
/* Creates a file for an array that may be larger than memory: the caller writes its elements in C order, and commits. */
TAP_API tap_file *tap_npy_create(const char *path, tap_dtype dtype, tap_shape shape, tap_error *e);

/* The binary files of CIFAR-10 (io/cifar.c), plain or gzipped: uint8 images [n,3,32,32], and in *labels, which may be NULL,
 * uint8 labels [n] of 0..9. */
TAP_API tap_tensor tap_cifar10_read(tap_arena *a, const char *path, tap_tensor *labels);

/* Files as memory (io/map.c), for those larger than memory: views of the file that live until the arena is reset or freed.
 * Pages are read when they are used, and given up when memory is short. The file must not become shorter meanwhile. It is never
 * written: what is written to a tensor stays in memory. Only plain files can be mapped, with elements as memory has them. */
TAP_API tap_tensor tap_idx_map(tap_arena *a, const char *path); /* uint8 */
TAP_API tap_tensor tap_npy_map(tap_arena *a, const char *path); /* f4, f8, i8 and u1, little-endian */
TAP_API tap_tensor tap_cifar10_map(tap_arena *a, const char *path, tap_tensor *labels);

/* Reads a PNG (io/png_read.c): uint8 [height,width,channels], where channels are grey, grey and alpha, red-green-blue, or
 * these and alpha. Fewer bits than 8 are scaled to 0..255, 16 bits are rounded to 8; palettes become colours, and a
 * transparent colour an alpha channel, as by libpng's png_set_expand and png_set_scale_16. Values are not corrected for
 * gamma. */
TAP_API tap_tensor tap_png_read(tap_arena *a, const char *path);
/* Writes an 8-bit PNG (io/png.c). image: [height,width] or [height,width,channels] with 1 to 4 channels as above; floats in
 * [0,1] (clipped, NaN 0) or uint8. */
TAP_API tap_status tap_png_write(const char *path, tap_tensor image, tap_error *e);

/* A named tensor of a safetensors file (io/safetensors.c, io/safetensors_write.c), or of one of the formats below. */
typedef struct {
    const char *name;
    tap_tensor  tensor;
} tap_named_tensor;

/* An entry of a safetensors file's "__metadata__", or a value that a file of PyTorch holds besides tensors. */
typedef struct {
    const char *key, *value;
} tap_metadata;

/* Such a file in memory. Everything lives in the arena. After an error n is 0. */
typedef struct {
    int                     n;
    const tap_named_tensor *tensors; /* in the order of their data in the file */
    int                     n_metadata;
    const tap_metadata     *metadata;
} tap_safetensors;

/* Reads a whole file. F32, F64, I64, U8 and BOOL keep their dtype. Others become the dtype that holds them exactly: F16 and
 * BF16 float32; I8 to I32 and U16 to U64 int64. A U64 above INT64_MAX and any other dtype, such as F8_E4M3, are errors that
 * name the tensor. Files that the format's reference reader rejects are errors: headers above 100 MB, duplicate names, gaps,
 * overlaps, trailing bytes. */
TAP_API tap_safetensors   tap_safetensors_read(tap_arena *a, const char *path);
TAP_API tap_status        tap_safetensors_write(const char *path, int n, const tap_named_tensor *tensors, int n_metadata,
                                                const tap_metadata *metadata, tap_error *e);
TAP_API const tap_tensor *tap_safetensors_find(const tap_safetensors *s, const char *name);    /* NULL if not found */
TAP_API const char       *tap_safetensors_metadata(const tap_safetensors *s, const char *key); /* NULL if not found */

/* Reads a file of torch.save (io/torch.c): a zip archive (if built with libzip) or the format before PyTorch 1.6. No code in
 * it is run: it may hold tensors, parameters, numbers, texts, and dicts, lists, tuples and sets of them; anything else, such
 * as a whole module, is an error that names it. A tensor's name is its path: that of {'model': {'fc.weight': w}} is
 * "model.fc.weight", places in a list count from 0, and a tensor by itself has the name "". Dtypes are converted as by
 * tap_safetensors_read; complex and quantized ones are errors. Tensors that share a storage share memory, and have the strides
 * that they were saved with. Values become metadata under their paths, as Python prints them ("True", "0.001", "None"); bytes,
 * and integers beyond int64, are left out. */
TAP_API tap_safetensors tap_torch_read(tap_arena *a, const char *path);

/* Reads a .npz of NumPy (io/npz.c; if built with libzip): arrays named as in numpy.load, in the order of the file. Each is read
 * as by tap_npy_read. */
TAP_API tap_safetensors tap_npz_read(tap_arena *a, const char *path);
/* Writes arrays as numpy.savez and numpy.savez_compressed do. */
TAP_API tap_status tap_npz_write(const char *path, int n, const tap_named_tensor *tensors, tap_error *e);
TAP_API tap_status tap_npz_write_compressed(const char *path, int n, const tap_named_tensor *tensors, tap_error *e);

/* Maps a file (see tap_idx_map) whose tensors are F32, F64, I64 and U8, each at a multiple of its elements' size, as writers
 * place them that sort tensors by dtype. */
TAP_API tap_safetensors tap_safetensors_map(tap_arena *a, const char *path);

/* ---- Files of sparse matrices and tables (tensor/io/) ------------------------------------------------------------ */

/* Matrix Market (io/matrix_market.c): coordinate or array; real, integer, unsigned-integer or pattern (every entry is 1);
 * general, symmetric or skew-symmetric. Entries are in any order; zeros are dropped, duplicates are errors. Comments are
 * allowed before the line of sizes, blank lines anywhere. Plain or gzipped. Written as coordinate general, as integer if all
 * values are, and gzipped if the path ends in .gz. */
TAP_API tap_csr    tap_matrix_market_read(tap_arena *a, const char *path);
TAP_API tap_status tap_matrix_market_write(const char *path, tap_csr x, tap_error *e);

/* A table of text: field j of row i is text[i * columns + j]. */
typedef struct {
    int64_t            rows, columns;
    const char *const *text;
} tap_csv;

/* Reads rows of fields (io/csv.c) that are separated by a character such as ',' or '\t', plain or gzipped. All rows must
 * have as many fields as the first. A field in double quotes may hold any text, with two quotes for one (RFC 4180). Spaces
 * around fields, empty rows and a byte order mark are ignored. */
TAP_API tap_csv tap_csv_read(tap_arena *a, const char *path, char separator);
/* Reads fields separated by tabs, as in the files of 10x Genomics: a double quote is a character like any other. */
TAP_API tap_csv tap_tsv_read(tap_arena *a, const char *path);
/* Of , ; tab and | the most frequent in a line of text; '\0' if there is none of them, or line is NULL. */
TAP_API char tap_csv_guess_separator(const char *line);
/* Reads a matrix of numbers from a file for tap_csv_read whose first row and first column are names. The names go to
 * *columns [1,columns] and *rows [rows,1], unless these are NULL; the first field of the first row is ignored. Empty fields
 * are zeros. A file with a single column is an error. */
TAP_API tap_csr tap_csv_read_matrix(tap_arena *a, const char *path, char separator, tap_csv *rows, tap_csv *columns);
/* Class labels from the column whose first row is `name`: its distinct texts are numbered in alphabetical order. int64
 * [rows-1]; *n (may be NULL) is the number of distinct texts. If there is no such column, *n is 0 and the result inert. */
TAP_API tap_tensor tap_csv_labels(tap_arena *a, tap_csv t, const char *name, int64_t *n);

#ifdef __cplusplus
}
#endif

#endif
