/* Every function of tensor.h on arenas and tensors that are no good, and with arguments that make no sense: nothing crashes,
 * the first message is kept, results are inert, and the memory of a tensor that was only lent stays as it was. */
#define _XOPEN_SOURCE 700
#include "tensor/tensor.h"
#include "tests/bad_arguments/bad_arguments.h"

/* ---- The world that a call finds ---- */

enum { ROWS_OF_X = 2, COLUMNS = 3, ELEMENTS = ROWS_OF_X * COLUMNS };

struct world {
    tap_arena *a;
    tap_error *e; /* the arena's */
    double     memory[ELEMENTS], target[ELEMENTS];
    tap_tensor x, y;   /* [2,3] transposed, so not contiguous; [3,2] over the target */
    tap_shape  shape;  /* [3,2] */
    tap_dtype  dtype;  /* float32 */
    tap_tensor out;    /* what the call gave: a tensor, */
    void      *p;      /* memory, */
    double     item;   /* or a number */
    int        status; /* -1: none */
};

static void world_begin(world *w)
{
    *w = (world){ .item = (double)NAN, .status = -1, .shape = TAP_SHAPE(COLUMNS, ROWS_OF_X), .dtype = TAP_F32 };
    for (int i = 0; i < ELEMENTS; i++) w->memory[i] = i + 1;
    w->a = tap_arena_new();
    w->e = tap_arena_error(w->a);
    w->x = tap_tensor_transpose(w->a, tap_tensor_wrap(TAP_F64, TAP_SHAPE(ROWS_OF_X, COLUMNS), w->memory), 0, 1);
    w->y = tap_tensor_wrap(TAP_F64, w->shape, w->target);
}

static const tap_csr sparse = { 2, 2, (const int64_t[]){ 0, 1, 3 }, (const int32_t[]){ 1, 0, 1 }, (const float[]){ 1, 2, 3 } };
static const tap_csv words = { 2, 1, (const char *const[]){ "a", "b" } };

/* ---- A call of every function, and what it takes ---- */

enum {
    ARENA = 1,  /* it reports to the arena */
    TENSOR = 2, /* it takes the tensor x, which must be good */
    SHAPE = 4,
    DTYPE = 8,
    ALWAYS_FAILS = 16, /* here: its file does not exist */
};

#define VIEW(name, ...) X(tap_tensor_##name, ARENA | TENSOR, w->out = tap_tensor_##name(w->a, w->x, __VA_ARGS__))

#define FUNCTIONS \
    X(tap_error_set, ARENA | ALWAYS_FAILS, tap_error_set(w->e, TAP_EIO, "%s", "one more")) \
    X(tap_status_name, 0, assert_string_equal(tap_status_name((tap_status)99), "unknown status")) \
    X(tap_dtype_size, 0, assert_int_equal(tap_dtype_size(no_dtype), 0)) \
    X(tap_dtype_name, 0, assert_string_equal(tap_dtype_name(no_dtype), "unknown dtype")) \
    X(tap_dtype_is_float, 0, assert_false(tap_dtype_is_float(no_dtype))) \
    X(tap_numel, 0, tap_numel(w->shape)) \
    X(tap_shape_equal, 0, assert_true(tap_shape_equal(w->shape, w->shape))) \
    X(tap_shape_format, 0, char text[TAP_SHAPE_TEXT]; assert_ptr_equal(tap_shape_format(text, w->shape), text)) \
    X(tap_keepdim, 0, assert_true(tap_keepdim((tap_axes){ .n = INT_MIN }).keepdim)) \
    X(tap_arena_new, 0, tap_arena *a = tap_arena_new(); assert_non_null(a); tap_arena_free(a)) \
    X(tap_arena_free, 0, tap_arena_free(NULL)) \
    X(tap_arena_reset, 0, tap_arena_reset(w->a)) \
    X(tap_arena_alloc, ARENA, w->p = tap_arena_alloc(w->a, 0)) \
    X(tap_arena_status, ARENA, w->status = tap_arena_status(w->a, NULL)) \
    X(tap_arena_clear_error, 0, tap_arena_clear_error(NULL)) \
    X(tap_report_unread_errors, 0, tap_report_unread_errors(tap_report_unread_errors(false))) \
    X(tap_tensor_written, 0, tap_tensor_written(w->x)) \
    X(tap_arena_error, 0, assert_ptr_equal(tap_arena_error(w->a), w->e)) \
    X(tap_tensor_wrap, SHAPE | DTYPE, w->out = tap_tensor_wrap(w->dtype, w->shape, w->target)) \
    X(tap_tensor_zeros, ARENA | SHAPE | DTYPE, w->out = tap_tensor_zeros(w->a, w->dtype, w->shape)) \
    X(tap_tensor_is_contiguous, 0, assert_false(w->x.data &&tap_tensor_is_contiguous(w->x))) \
    X(tap_tensor_numel, TENSOR, if (tap_tensor_numel(w->x) > 0 && tap_dtype_size(w->x.dtype)) w->item = 1) \
    VIEW(permute, 2, ((int[]){ 1, 0 })) \
    VIEW(transpose, 0, -1) \
    VIEW(slice, 0, INT64_MAX, INT64_MIN, -1) \
    VIEW(select, 1, -1) \
    X(tap_tensor_expand, ARENA | TENSOR | SHAPE, w->out = tap_tensor_expand(w->a, w->x, w->shape)) \
    VIEW(unsqueeze, -1) \
    X(tap_tensor_squeeze, ARENA | TENSOR, w->out = tap_tensor_squeeze(w->a, tap_tensor_unsqueeze(w->a, w->x, 0), 0)) \
    X(tap_tensor_reshape, ARENA | TENSOR | SHAPE, w->out = tap_tensor_reshape(w->a, w->x, w->shape)) \
    X(tap_tensor_contiguous, ARENA | TENSOR, w->out = tap_tensor_contiguous(w->a, w->x)) \
    X(tap_tensor_cast, ARENA | TENSOR | DTYPE, w->out = tap_tensor_cast(w->a, w->x, w->dtype)) \
    X(tap_tensor_copy, TENSOR, w->status = tap_tensor_copy(w->y, w->x, w->e)) \
    X(tap_tensor_fill, 0, tap_tensor_fill(w->x, (double)NAN)) \
    X(tap_tensor_get, TENSOR, w->item = tap_tensor_get(w->x, (int64_t[]){ 2, 1 })) \
    X(tap_tensor_item, TENSOR, w->item = tap_tensor_item(w->x, ELEMENTS - 1)) \
    X(tap_tensor_set_item, 0, tap_tensor_set_item(w->x, ELEMENTS - 1, 0)) \
    X(tap_print, 0, tap_print(w->x)) \
    X(tap_fprint, 0, tap_fprint(NULL, w->x)) \
    X(tap_csr_from_dense, ARENA | TENSOR, w->p = (void *)tap_csr_from_dense(w->a, w->x).start) \
    X(tap_csr_transpose, ARENA, w->p = (void *)tap_csr_transpose(w->a, sparse).start) \
    X(tap_csr_rows, 0, assert_int_equal(tap_csr_rows((tap_tensor){ 0 }, sparse, NULL, NULL), TAP_ESHAPE)) \
    X(tap_csr_log_normalize, ARENA, w->p = (void *)tap_csr_log_normalize(w->a, sparse, 1).start) \
    X(tap_csr_pca, ARENA, w->out = tap_csr_pca(w->a, sparse, 1, 0)) \
    X(tap_random_uniform, 0, tap_random_uniform(w->x, (tap_rng_key){ 0 })) \
    X(tap_random_normal, 0, tap_random_normal(w->x, (tap_rng_key){ 0 })) \
    X(tap_random_permutation, 0, tap_random_permutation(NULL, 3, (tap_rng_key){ 0 }); \
      tap_random_permutation((int64_t[]){ 0 }, INT64_MIN, (tap_rng_key){ 0 })) \
    X(tap_random_hash, 0, assert_int_equal(tap_random_hash(NULL), tap_random_hash(""))) \
    X(tap_set_threads, 0, tap_set_threads(INT_MAX); tap_set_threads(INT_MIN)) \
    X(tap_threads, 0, assert_in_range(tap_threads(), 1, 256)) \
    X(tap_config, 0, assert_non_null(tap_config())) \
    X(tap_idx_read, ARENA | ALWAYS_FAILS, w->out = tap_idx_read(w->a, "none")) \
    X(tap_npy_read, ARENA | ALWAYS_FAILS, w->out = tap_npy_read(w->a, "none")) \
    X(tap_npy_write, TENSOR, w->status = tap_npy_write("x.npy", w->x, w->e)) \
    X(tap_npy_create, ALWAYS_FAILS, assert_null(tap_npy_create("none/x.npy", TAP_F32, TAP_SHAPE(2), w->e))) \
    X(tap_matrix_market_read, ARENA | ALWAYS_FAILS, assert_null(tap_matrix_market_read(w->a, "none").start)) \
    X(tap_matrix_market_write, ALWAYS_FAILS, assert_true(tap_matrix_market_write("none/x", sparse, w->e) != TAP_OK)) \
    X(tap_csv_read, ARENA | ALWAYS_FAILS, assert_null(tap_csv_read(w->a, "none", ',').text)) \
    X(tap_tsv_read, ARENA | ALWAYS_FAILS, assert_null(tap_tsv_read(w->a, "none").text)) \
    X(tap_csv_guess_separator, 0, assert_int_equal(tap_csv_guess_separator(NULL), 0)) \
    X(tap_csv_labels, ARENA, w->out = tap_csv_labels(w->a, words, "a", NULL)) \
    X(tap_csv_read_matrix, ARENA | ALWAYS_FAILS, assert_null(tap_csv_read_matrix(w->a, "none", ',', NULL, NULL).start)) \
    X(tap_file_create_gzip, ALWAYS_FAILS, assert_null(tap_file_create_gzip("none/file", w->e))) \
    X(tap_png_write, TENSOR, w->status = tap_png_write("picture.png", w->x, w->e)) \
    X(tap_safetensors_read, ARENA | ALWAYS_FAILS, assert_int_equal(tap_safetensors_read(w->a, "none").n, 0)) \
    X(tap_safetensors_write, TENSOR, tap_named_tensor named = { "x", w->x }; \
      w->status = tap_safetensors_write("x.safetensors", 1, &named, 0, NULL, w->e)) \
    X(tap_safetensors_find, 0, assert_null(tap_safetensors_find(NULL, NULL)); \
      assert_null(tap_safetensors_find(&(tap_safetensors){ 0 }, "x"))) \
    X(tap_safetensors_metadata, 0, assert_null(tap_safetensors_metadata(NULL, NULL)); \
      assert_null(tap_safetensors_metadata(&(tap_safetensors){ 0 }, "x"))) \
    X(tap_file_create, ALWAYS_FAILS, assert_null(tap_file_create("none/file", w->e))) \
    X(tap_file_write, 0, assert_int_equal(tap_file_write(NULL, "x", 1), TAP_EARG)) \
    X(tap_file_commit, 0, assert_int_equal(tap_file_commit(NULL), TAP_EARG)) \
    X(tap_file_abandon, 0, tap_file_abandon(NULL))

#define X AS_FUNCTION
FUNCTIONS
#undef X

static const row rows[] = {
#define X AS_ROW
    FUNCTIONS
#undef X
};

enum { ROWS = sizeof rows / sizeof *rows };

/* ---- What may be wrong with the world ---- */

static void sound(world *w)
{
    (void)w;
}

static void failed(world *w)
{
    tap_error_set(w->e, TAP_ENOMEM, "the first error");
}

static void no_arena(world *w)
{
    tap_arena_free(w->a);
    w->a = NULL;
    w->e = NULL;
}

static void inert_tensor(world *w)
{
    w->x = (tap_tensor){ 0 };
}

static void no_data(world *w)
{
    w->x.data = NULL;
}

static void rank_too_large(world *w)
{
    w->x.shape.rank = w->shape.rank = TAP_MAX_RANK + 1;
}

static void rank_absurd(world *w)
{
    w->x.shape.rank = w->shape.rank = INT_MAX;
}

static void rank_negative(world *w)
{
    w->x.shape.rank = w->shape.rank = INT_MIN;
}

static void size_negative(world *w)
{
    w->x.shape.n[1] = w->shape.n[1] = -2;
}

static void size_overflowing(world *w)
{
    w->x.shape.n[1] = w->shape.n[1] = INT64_MAX;
}

static void bad_dtype(world *w)
{
    w->x.dtype = w->dtype = no_dtype;
}

static void dtype_negative(world *w)
{
    w->x.dtype = w->dtype = (tap_dtype)INT_MIN;
}

/* A call that has one of these traits comes to nothing, and says so where it can. */
static const struct {
    const char *name;
    void (*make)(world *w);
    unsigned traits;
} worlds[] = {
    { "sound", sound, 0 },
    { "failed", failed, ARENA },
    { "no arena", no_arena, ARENA },
    { "inert tensor", inert_tensor, TENSOR },
    { "no data", no_data, TENSOR },
    { "rank 9", rank_too_large, TENSOR | SHAPE },
    { "an absurd rank", rank_absurd, TENSOR | SHAPE },
    { "a negative rank", rank_negative, TENSOR | SHAPE },
    { "a negative size", size_negative, TENSOR | SHAPE },
    { "an overflowing size", size_overflowing, TENSOR | SHAPE },
    { "no dtype", bad_dtype, TENSOR | DTYPE },
    { "a negative dtype", dtype_negative, TENSOR | DTYPE },
};

static void check_outcome(const world *w, const char *call, bool broken, const char *where)
{
    if (broken && w->out.data) fail_msg("%s, %s: the result is not inert", call, where);
    if (broken && w->p) fail_msg("%s, %s: there is memory", call, where);
    if (broken && !isnan(w->item)) fail_msg("%s, %s: gives %g, not NaN", call, where, w->item);
    if (broken && w->status == TAP_OK) fail_msg("%s, %s: says TAP_OK", call, where);
    if (!broken && w->status > 0) fail_msg("%s, %s: says %s", call, where, tap_status_name((tap_status)w->status));
}

static void check_status(const world *w, const row *r, bool broken, const char *where)
{
    const char *message;
    tap_status  status = tap_arena_status(w->a, &message);
    bool        reports = (r->traits & ARENA) || w->status > 0;
    bool        fails = (r->traits & ALWAYS_FAILS) || (broken && reports);
    if (strcmp(where, "failed") == 0) assert_string_equal(message, "the first error");
    else if (w->a && fails && status == TAP_OK) fail_msg("%s, %s: the arena says nothing", r->name, where);
    else if (w->a && !fails && status != TAP_OK) fail_msg("%s, %s: %s: %s", r->name, where, tap_status_name(status), message);
}

static void test_every_function_in_every_world(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof worlds / sizeof *worlds; k++) {
        for (int i = 0; i < ROWS; i++) {
            const row *r = &rows[i];
            world      w;
            world_begin(&w);
            worlds[k].make(&w);
            const world before = w;
            const bool  broken = r->traits & worlds[k].traits, may_write = !broken && !(worlds[k].traits & TENSOR);
            r->call(&w);
            check_outcome(&w, r->name, broken, worlds[k].name);
            check_status(&w, r, broken, worlds[k].name);
            if (!may_write) {
                assert_memory_equal(before.memory, w.memory, sizeof w.memory);
                assert_memory_equal(before.target, w.target, sizeof w.target);
            }
            tap_arena_free(w.a);
        }
    }
}

/* ---- Arguments that make no sense, on a sound arena ---- */

static tap_tensor view_of(world *w, tap_dtype dtype, tap_shape shape)
{
    tap_tensor x = { .dtype = dtype, .shape = shape, .data = w->memory };
    return x;
}

static void write_named(world *w, int n, const char *name, int n_metadata, const char *key)
{
    tap_named_tensor named = { name, w->y };
    tap_metadata     metadata = { key, key };
    w->status = tap_safetensors_write("x.safetensors", n, &named, n_metadata, &metadata, w->e);
}

/* clang-format off */
#define WRONGS \
    X(alloc_all, TAP_ENOMEM, NULL, w->p = tap_arena_alloc(w->a, SIZE_MAX)) \
    X(alloc_half, TAP_ENOMEM, NULL, w->p = tap_arena_alloc(w->a, SIZE_MAX / 2 + 1)) \
    X(alloc_too_much, TAP_ENOMEM, NULL, w->p = tap_arena_alloc(w->a, 1ull << 55)) \
    X(zeros_negative, TAP_ESHAPE, "tensor: invalid shape [-3]", w->out = tap_tensor_zeros(w->a, TAP_F64, negative)) \
    X(zeros_overflowing, TAP_ESHAPE, "tensor: invalid shape [9223372036854775807,9223372036854775807]", \
      w->out = tap_tensor_zeros(w->a, TAP_U8, overflowing)) \
    X(zeros_rank, TAP_ESHAPE, "tensor: invalid shape [0,0,0,0,0,0,0,0]", w->out = tap_tensor_zeros(w->a, TAP_F64, rank_9)) \
    X(zeros_dtype, TAP_EDTYPE, "tensor: unknown dtype 99", w->out = tap_tensor_zeros(w->a, no_dtype, TAP_SCALAR)) \
    X(zeros_vast, TAP_ENOMEM, NULL, w->out = tap_tensor_zeros(w->a, TAP_F64, vast)) \
    X(permute_count, TAP_ESHAPE, "permute: [3,2]: needs one entry of axes for each axis", \
      w->out = tap_tensor_permute(w->a, w->x, 3, (int[]){ 0, 1, 2 })) \
    X(permute_count_min, TAP_ESHAPE, "permute: [3,2]: needs one entry of axes for each axis", \
      w->out = tap_tensor_permute(w->a, w->x, INT_MIN, (int[]){ 0 })) \
    X(permute_null, TAP_ESHAPE, "permute: [3,2]: needs one entry of axes for each axis", \
      w->out = tap_tensor_permute(w->a, w->x, 2, NULL)) \
    X(permute_axis, TAP_EARG, "permute: [3,2]: axis 2147483647 is out of range", \
      w->out = tap_tensor_permute(w->a, w->x, 2, (int[]){ 0, INT_MAX })) \
    X(permute_twice, TAP_ESHAPE, "permute: [3,2]: an axis is named twice", \
      w->out = tap_tensor_permute(w->a, w->x, 2, (int[]){ 1, -1 })) \
    X(transpose_first, TAP_EARG, "transpose: [3,2]: axis 2 is out of range", \
      w->out = tap_tensor_transpose(w->a, w->x, 2, 0)) \
    X(transpose_second, TAP_EARG, "transpose: [3,2]: axis -2147483648 is out of range", \
      w->out = tap_tensor_transpose(w->a, w->x, 0, INT_MIN)) \
    X(slice_axis, TAP_EARG, "slice: [3,2]: axis -3 is out of range", w->out = tap_tensor_slice(w->a, w->x, -3, 0, 1, 1)) \
    X(slice_step, TAP_ESHAPE, "slice: [3,2]: the step must not be 0", w->out = tap_tensor_slice(w->a, w->x, 0, 0, 1, 0)) \
    X(select_axis, TAP_EARG, "select: [3,2]: axis 2 is out of range", w->out = tap_tensor_select(w->a, w->x, 2, 0)) \
    X(select_index, TAP_EARG, "select: [3,2]: index -3 is out of range for axis 1", \
      w->out = tap_tensor_select(w->a, w->x, 1, -3)) \
    X(select_index_max, TAP_EARG, "select: [3,2]: index 9223372036854775807 is out of range for axis 1", \
      w->out = tap_tensor_select(w->a, w->x, 1, INT64_MAX)) \
    X(expand_shape, TAP_ESHAPE, "expand: [3,2]: does not broadcast to [3,3]", \
      w->out = tap_tensor_expand(w->a, w->x, TAP_SHAPE(3, 3))) \
    X(expand_fewer, TAP_ESHAPE, "expand: [3,2]: does not broadcast to []", w->out = tap_tensor_expand(w->a, w->x, TAP_SCALAR)) \
    X(unsqueeze_axis, TAP_EARG, "unsqueeze: [3,2]: axis -4 is out of range", w->out = tap_tensor_unsqueeze(w->a, w->x, -4)) \
    X(unsqueeze_full, TAP_ESHAPE, "unsqueeze: [1,1,1,1,1,1,3,2]: a result of 9 axes would be above the maximum of 8", \
      w->out = tap_tensor_unsqueeze(w->a, tap_tensor_expand(w->a, w->x, TAP_SHAPE(1, 1, 1, 1, 1, 1, 3, 2)), 0)) \
    X(squeeze_axis, TAP_EARG, "squeeze: [3,2]: axis 2 is out of range", w->out = tap_tensor_squeeze(w->a, w->x, 2)) \
    X(squeeze_size, TAP_ESHAPE, "squeeze: [3,2]: the axis must have size 1", \
      w->out = tap_tensor_squeeze(w->a, w->x, 0)) \
    X(reshape_count, TAP_ESHAPE, "reshape: [3,2]: does not hold as many elements as [4,-1]", \
      w->out = tap_tensor_reshape(w->a, w->x, TAP_SHAPE(4, -1))) \
    X(reshape_unknowns, TAP_ESHAPE, "reshape: [3,2]: does not hold as many elements as [-1,-1,6]", \
      w->out = tap_tensor_reshape(w->a, w->x, TAP_SHAPE(-1, -1, 6))) \
    X(reshape_overflowing, TAP_ESHAPE, \
      "reshape: [3,2]: does not hold as many elements as [9223372036854775807,9223372036854775807]", \
      w->out = tap_tensor_reshape(w->a, w->x, overflowing)) \
    X(reshape_vast, TAP_ENOMEM, NULL, \
      tap_tensor wide = tap_tensor_expand(w->a, tap_tensor_select(w->a, w->x, 0, 0), (tap_shape){ 2, { 1ll << 50, 2 } }); \
      w->out = tap_tensor_reshape(w->a, tap_tensor_transpose(w->a, wide, 0, 1), TAP_SHAPE(-1))) \
    X(contiguous_vast, TAP_ENOMEM, NULL, \
      w->out = tap_tensor_contiguous(w->a, tap_tensor_expand(w->a, w->x, TAP_SHAPE(1ll << 50, 3, 2)))) \
    X(cast_dtype, TAP_EDTYPE, "tensor: unknown dtype 99", w->out = tap_tensor_cast(w->a, w->x, no_dtype)) \
    X(copy_shape, TAP_ESHAPE, "copy: [3,2] does not broadcast to [2,3]", \
      w->status = tap_tensor_copy(tap_tensor_transpose(w->a, w->y, 0, 1), w->x, w->e)) \
    X(copy_rank, TAP_ESHAPE, "copy: [3,2] does not broadcast to [2]", \
      w->status = tap_tensor_copy(tap_tensor_select(w->a, w->y, 0, 0), w->x, w->e)) \
    X(copy_inert, TAP_EARG, "copy: a tensor is inert or invalid", w->status = tap_tensor_copy((tap_tensor){ 0 }, w->x, w->e)) \
    X(idx_null, TAP_EARG, "idx: the path is NULL", w->out = tap_idx_read(w->a, NULL)) \
    X(idx_folder, TAP_EIO, ".: is not a regular file", w->out = tap_idx_read(w->a, ".")) \
    X(idx_empty_path, TAP_EIO, "cannot open: No such file or directory", w->out = tap_idx_read(w->a, "")) \
    X(npy_null, TAP_EARG, "npy: the path is NULL", w->out = tap_npy_read(w->a, NULL)) \
    X(npy_folder, TAP_EIO, ".: is not a regular file", w->out = tap_npy_read(w->a, ".")) \
    X(npy_write_null, TAP_EARG, "npy: the path is NULL", w->status = tap_npy_write(NULL, w->x, w->e)) \
    X(npy_write_dtype, TAP_EARG, "x.npy: the tensor is inert or invalid", \
      w->status = tap_npy_write("x.npy", view_of(w, no_dtype, TAP_SCALAR), w->e)) \
    X(npy_write_vast, TAP_ENOMEM, "x.npy: no memory for a copy", \
      w->status = tap_npy_write("x.npy", tap_tensor_expand(w->a, w->x, TAP_SHAPE(1ll << 50, 3, 2)), w->e)) \
    X(npy_write_folder, TAP_EIO, "none/x.npy: cannot create a file in its folder: No such file or directory", \
      w->status = tap_npy_write("none/x.npy", w->x, w->e)) \
    X(npy_create_null, TAP_EARG, "npy: the path is NULL", tap_npy_create(NULL, TAP_F32, TAP_SCALAR, w->e)) \
    X(npy_create_dtype, TAP_EARG, "x.npy: the tensor is inert or invalid", tap_npy_create("x.npy", no_dtype, TAP_SCALAR, w->e)) \
    X(npy_create_shape, TAP_EARG, "x.npy: the tensor is inert or invalid", tap_npy_create("x.npy", TAP_F64, overflowing, w->e)) \
    X(csr_inert, TAP_EARG, "csr_transpose: the matrix is inert", w->p = (void *)tap_csr_transpose(w->a, (tap_csr){ 0 }).start) \
    X(csr_vast, TAP_EARG, "csr_transpose: its size is out of range", \
      w->p = (void *)tap_csr_transpose(w->a, (tap_csr){ INT64_MAX, 2, sparse.start, sparse.column, sparse.value }).start) \
    X(csr_columns, TAP_EARG, "csr_transpose: a column is out of range or order", \
      w->p = (void *)tap_csr_transpose(w->a, (tap_csr){ 2, 1, sparse.start, sparse.column, sparse.value }).start) \
    X(csr_from_vector, TAP_ESHAPE, "csr_from_dense: x must be [rows,columns], not [3]", \
      w->p = (void *)tap_csr_from_dense(w->a, tap_tensor_select(w->a, w->x, 1, 0)).start) \
    X(csr_rows_too_many, TAP_EARG, "csr_rows: out must have at most 2 rows, not 3", w->status = tap_csr_rows(w->y, sparse, NULL, w->e)) \
    X(csr_rows_min, TAP_EARG, "csr_rows: row -9223372036854775808 is out of range for 2 rows", \
      w->status = tap_csr_rows(w->y, sparse, (int64_t[]){ INT64_MIN, 0, 0 }, w->e)) \
    X(csr_scale, TAP_EARG, "csr_log_normalize: scale must be a finite number above 0, not nan", \
      w->p = (void *)tap_csr_log_normalize(w->a, sparse, (double)NAN).start) \
    X(csr_pca_min, TAP_EARG, "csr_pca: k must be 1 to 2 for [2,2], not -9223372036854775808", \
      w->out = tap_csr_pca(w->a, sparse, INT64_MIN, 0)) \
    X(matrix_market_null, TAP_EARG, "matrix_market: the path is NULL", w->p = (void *)tap_matrix_market_read(w->a, NULL).start) \
    X(matrix_market_folder, TAP_EIO, ".: is not a regular file", w->p = (void *)tap_matrix_market_read(w->a, ".").start) \
    X(matrix_market_write_null, TAP_EARG, "matrix_market: the path is NULL", \
      w->status = tap_matrix_market_write(NULL, sparse, w->e)) \
    X(matrix_market_write_inert, TAP_EARG, "x: the matrix is inert", \
      w->status = tap_matrix_market_write("x", (tap_csr){ 0 }, w->e)) \
    X(table_null, TAP_EARG, "csv: the path is NULL", w->p = (void *)tap_csv_read(w->a, NULL, ',').text) \
    X(table_folder, TAP_EIO, ".: is not a regular file", w->p = (void *)tap_csv_read(w->a, ".", ',').text) \
    X(tsv_null, TAP_EARG, "csv: the path is NULL", w->p = (void *)tap_tsv_read(w->a, NULL).text) \
    X(labels_null, TAP_EARG, "csv_labels: the table or the name is missing", w->out = tap_csv_labels(w->a, words, NULL, NULL)) \
    X(labels_inert, TAP_EARG, "csv_labels: the table or the name is missing", \
      w->out = tap_csv_labels(w->a, (tap_csv){ 0 }, "a", NULL)) \
    X(numbers_null, TAP_EARG, "csv: the path is NULL", w->p = (void *)tap_csv_read_matrix(w->a, NULL, ',', NULL, NULL).start) \
    X(gzip_null, TAP_EARG, "file: the path is NULL", tap_file_create_gzip(NULL, w->e)) \
    X(png_null, TAP_EARG, "png: the path is NULL", w->status = tap_png_write(NULL, w->x, w->e)) \
    X(png_int, TAP_EDTYPE, "p.png: the image must be float32, float64 or uint8, not int64", \
      w->status = tap_png_write("p.png", view_of(w, TAP_I64, TAP_SHAPE(1, 1)), w->e)) \
    X(png_vector, TAP_ESHAPE, "p.png: the image must be [height,width], not [1]", \
      w->status = tap_png_write("p.png", view_of(w, TAP_F64, TAP_SHAPE(1)), w->e)) \
    X(png_empty, TAP_ESHAPE, "p.png: height and width must be 1 to 2147483647, not [0,1]", \
      w->status = tap_png_write("p.png", view_of(w, TAP_F64, TAP_SHAPE(0, 1)), w->e)) \
    X(png_vast, TAP_ESHAPE, "p.png: height and width must be 1 to 2147483647, not [1,2147483648]", \
      w->status = tap_png_write("p.png", view_of(w, TAP_F64, TAP_SHAPE(1, 1ll << 31)), w->e)) \
    X(png_folder, TAP_EIO, "none/p.png: cannot create a file in its folder: No such file or directory", \
      w->status = tap_png_write("none/p.png", w->x, w->e)) \
    X(read_null, TAP_EARG, "safetensors: the path is NULL", tap_safetensors_read(w->a, NULL)) \
    X(read_folder, TAP_EIO, ".: is not a regular file", tap_safetensors_read(w->a, ".")) \
    X(write_null, TAP_EARG, "safetensors: a path, tensors or metadata are missing", \
      w->status = tap_safetensors_write(NULL, 0, NULL, 0, NULL, w->e)) \
    X(write_negative, TAP_EARG, "x.safetensors: a path, tensors or metadata are missing", \
      write_named(w, INT_MIN, "x", 0, NULL)) \
    X(write_no_tensors, TAP_EARG, "x.safetensors: a path, tensors or metadata are missing", \
      w->status = tap_safetensors_write("x.safetensors", 1, NULL, 0, NULL, w->e)) \
    X(write_no_name, TAP_EARG, "x.safetensors: name 0 is not UTF-8", write_named(w, 1, NULL, 0, NULL)) \
    X(write_negative_metadata, TAP_EARG, "x.safetensors: a path, tensors or metadata are missing", \
      write_named(w, 1, "x", -1, NULL)) \
    X(write_no_metadata, TAP_EARG, "x.safetensors: a path, tensors or metadata are missing", \
      w->status = tap_safetensors_write("x.safetensors", 0, NULL, 1, NULL, w->e)) \
    X(write_no_key, TAP_EARG, "x.safetensors: metadata 0 is not UTF-8", write_named(w, 1, "x", 1, NULL)) \
    X(write_folder, TAP_EIO, "none/x: cannot create a file in its folder: No such file or directory", \
      w->status = tap_safetensors_write("none/x", 0, NULL, 0, NULL, w->e)) \
    X(file_null, TAP_EARG, "file: the path is NULL", tap_file_create(NULL, w->e)) \
    X(file_empty_path, TAP_EARG, "file: the path is empty", tap_file_create("", w->e)) \
    X(file_no_bytes, TAP_EIO, "file: cannot write: Bad address", \
      tap_file *f = tap_file_create("file", w->e); w->status = tap_file_write(f, NULL, 1); tap_file_commit(f))
/* clang-format on */

#define X AS_WRONG_FUNCTION
WRONGS
#undef X

static const wrong wrongs[] = {
#define X AS_WRONG_ROW
    WRONGS
#undef X
};

static void test_wrong_arguments(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        const wrong *r = &wrongs[i];
        const char  *message;
        world        w;
        world_begin(&w);
        int files = scratch_count();
        r->call(&w);
        tap_status status = tap_arena_status(w.a, &message);
        if ((int)status != r->status) fail_msg("%s: %s: %s", r->name, tap_status_name(status), message);
        if (r->message && strcmp(message, r->message) != 0) fail_msg("%s: '%s'", r->name, message);
        check_outcome(&w, r->name, true, "wrong arguments");
        if (scratch_count() != files) fail_msg("%s: a file has appeared", r->name);
        tap_arena_free(w.a);
    }
}

/* ---- What has no arena to fail ---- */

static void test_null_pointers(void **state)
{
    world  w;
    double number = 1;
    char *volatile nowhere = NULL;
    (void)state;
    world_begin(&w);
    assert_int_equal(tap_error_set(NULL, TAP_EIO, "nobody's"), TAP_EIO);
    assert_int_equal(tap_error_set(w.e, TAP_OK, "nothing"), TAP_OK);
    assert_string_equal(tap_shape_format(nowhere, w.shape), "");
    assert_null(tap_tensor_wrap(TAP_F64, TAP_SCALAR, NULL).data);
    assert_true(isnan(tap_tensor_get(w.x, NULL)));
    assert_true(tap_tensor_get(tap_tensor_wrap(TAP_F64, TAP_SCALAR, &number), NULL) == 1);
    assert_true(isnan(tap_tensor_get(w.x, (int64_t[]){ 0, -1 })));
    assert_true(isnan(tap_tensor_get(w.x, (int64_t[]){ INT64_MAX, 0 })));
    assert_true(isnan(tap_tensor_item(w.x, -1)));
    assert_true(isnan(tap_tensor_item(w.x, ELEMENTS)));
    tap_tensor_set_item(w.x, INT64_MIN, 0);
    tap_tensor_set_item(w.x, ELEMENTS, 0);
    for (int i = 0; i < ELEMENTS; i++) assert_true(w.memory[i] == i + 1);
    assert_int_equal(tap_tensor_copy(w.y, (tap_tensor){ 0 }, NULL), TAP_EARG);
    assert_null(tap_file_create("none/file", NULL));
    assert_int_equal(tap_png_write("none/x.png", w.x, NULL), TAP_EIO);
    assert_int_equal(tap_safetensors_write(NULL, 0, NULL, 0, NULL, NULL), TAP_EARG);
    assert_int_equal(tap_arena_status(w.a, NULL), TAP_OK);
    tap_arena_free(w.a);
}

/* Random numbers are for floating point tensors only; others are left alone. */
static void test_random_into_integers(void **state)
{
    int64_t    numbers[2] = { 7, 7 };
    tap_tensor x = tap_tensor_wrap(TAP_I64, TAP_SHAPE(2), numbers);
    (void)state;
    tap_random_uniform(x, (tap_rng_key){ 0 });
    tap_random_normal(x, (tap_rng_key){ 0 });
    assert_int_equal(numbers[0], 7);
    assert_int_equal(numbers[1], 7);
}

static void test_every_function_has_a_row(void **state)
{
    (void)state;
    assert_int_equal(check_header("tensor/tensor.h", ROWS, rows), ROWS);
}

int main(void)
{
    const struct CMUnitTest complete[] = { cmocka_unit_test(test_every_function_has_a_row) };
    const struct CMUnitTest abuse[] = {
        cmocka_unit_test(test_every_function_in_every_world),
        cmocka_unit_test(test_wrong_arguments),
        cmocka_unit_test(test_null_pointers),
        cmocka_unit_test(test_random_into_integers),
    };
    return cmocka_run_group_tests(complete, NULL, NULL) + cmocka_run_group_tests(abuse, scratch_enter, scratch_leave);
}
