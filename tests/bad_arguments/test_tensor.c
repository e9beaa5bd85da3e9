/* tests/bad_arguments/test_tensor.c: calls every function of tensor.h with unusable arenas and tensors, and with invalid
 * arguments. Nothing may crash, the first error message must be kept, results must be inert, and memory that the caller owns
 * must not change. */
#define _XOPEN_SOURCE 700
#include "tensor/tensor.h"
#include "tests/bad_arguments/bad_arguments.h"

/* ---- The fixture of a call ---- */

enum { ROWS_OF_X = 2, COLUMNS = 3, ELEMENTS = ROWS_OF_X * COLUMNS };

struct fixture {
    tap_arena  *a;
    tap_error  *e; /* the arena's */
    double      memory[ELEMENTS], target[ELEMENTS];
    tap_tensor  x, y;   /* [2,3] transposed, so not contiguous; [3,2] over the target */
    tap_shape   shape;  /* [3,2] */
    tap_dtype   dtype;  /* float32 */
    tap_tensor  value;  /* the result of the call: a tensor, */
    const void *p;      /* memory, */
    double      item;   /* or a number */
    int         status; /* -1: none */
};

static void fixture_begin(fixture *f)
{
    *f = (fixture){ .item = (double)NAN, .status = -1, .shape = TAP_SHAPE(COLUMNS, ROWS_OF_X), .dtype = TAP_F32 };
    for (int i = 0; i < ELEMENTS; i++) f->memory[i] = i + 1;
    f->a = tap_arena_new();
    f->e = tap_arena_error(f->a);
    f->x = tap_tensor_transpose(f->a, tap_tensor_wrap(TAP_F64, TAP_SHAPE(ROWS_OF_X, COLUMNS), f->memory), 0, 1);
    f->y = tap_tensor_wrap(TAP_F64, f->shape, f->target);
}

static const tap_csr sparse = { 2, 2, (const int64_t[]){ 0, 1, 3 }, (const int32_t[]){ 1, 0, 1 }, (const float[]){ 1, 2, 3 } };
static const tap_csv words = { 2, 1, (const char *const[]){ "a", "b" } };

/* ---- A call of every function, and what it takes ---- */

enum {
    ARENA = 1,  /* it reports to the arena */
    TENSOR = 2, /* it takes the tensor x, which must be good */
    SHAPE = 4,
    DTYPE = 8,
    ALWAYS_FAILS = 16, /* the file does not exist */
};

#define VIEW(name, ...) CALL_TENSOR(tap_tensor_##name, ARENA | TENSOR, tap_tensor_##name(f->a, f->x, __VA_ARGS__))

static void call_tap_shape_format(fixture *f)
{
    char text[TAP_SHAPE_TEXT];
    assert_ptr_equal(tap_shape_format(text, f->shape), text);
}

static void call_tap_arena_new(fixture *f)
{
    (void)f;
    tap_arena *a = tap_arena_new();
    assert_non_null(a);
    tap_arena_free(a);
}

static void call_tap_tensor_numel(fixture *f)
{
    if (tap_tensor_numel(f->x) > 0 && tap_dtype_size(f->x.dtype)) f->item = 1;
}

static void call_tap_random_permutation(fixture *f)
{
    (void)f;
    tap_random_permutation(NULL, 3, (tap_rng_key){ 0 });
    tap_random_permutation((int64_t[]){ 0 }, INT64_MIN, (tap_rng_key){ 0 });
}

static void call_tap_set_threads(fixture *f)
{
    (void)f;
    tap_set_threads(INT_MAX);
    tap_set_threads(INT_MIN);
}

static void call_tap_safetensors_write(fixture *f)
{
    tap_named_tensor named = { "x", f->x };
    f->status = (int)tap_safetensors_write("x.safetensors", 1, &named, 0, NULL, f->e);
}

static void call_tap_npz_write(fixture *f)
{
    tap_named_tensor named = { "x", f->x };
    f->status = (int)tap_npz_write("x.npz", 1, &named, f->e);
}

static void call_tap_npz_write_compressed(fixture *f)
{
    tap_named_tensor named = { "x", f->x };
    f->status = (int)tap_npz_write_compressed("x.npz", 1, &named, f->e);
}

static void call_tap_safetensors_find(fixture *f)
{
    (void)f;
    assert_null(tap_safetensors_find(NULL, NULL));
    assert_null(tap_safetensors_find(&(tap_safetensors){ 0 }, "x"));
}

static void call_tap_safetensors_metadata(fixture *f)
{
    (void)f;
    assert_null(tap_safetensors_metadata(NULL, NULL));
    assert_null(tap_safetensors_metadata(&(tap_safetensors){ 0 }, "x"));
}

/* clang-format off */
#define FUNCTIONS \
    CALL(tap_error_set, ARENA | ALWAYS_FAILS, tap_error_set(f->e, TAP_EIO, "%s", "one more")) \
    CALL(tap_status_name, 0, assert_string_equal(tap_status_name((tap_status)99), "unknown status")) \
    CALL(tap_dtype_size, 0, assert_int_equal(tap_dtype_size(no_dtype), 0)) \
    CALL(tap_dtype_name, 0, assert_string_equal(tap_dtype_name(no_dtype), "unknown dtype")) \
    CALL(tap_dtype_is_float, 0, assert_false(tap_dtype_is_float(no_dtype))) \
    CALL(tap_numel, 0, tap_numel(f->shape)) \
    CALL(tap_shape_equal, 0, assert_true(tap_shape_equal(f->shape, f->shape))) \
    CALL_FUNCTION(tap_shape_format, 0) \
    CALL(tap_keepdim, 0, assert_true(tap_keepdim((tap_axes){ .n = INT_MIN }).keepdim)) \
    CALL_FUNCTION(tap_arena_new, 0) \
    CALL(tap_arena_free, 0, tap_arena_free(NULL)) \
    CALL(tap_arena_reset, 0, tap_arena_reset(f->a)) \
    CALL_MEMORY(tap_arena_alloc, ARENA, tap_arena_alloc(f->a, 0)) \
    CALL_STATUS(tap_arena_status, ARENA, tap_arena_status(f->a, NULL)) \
    CALL(tap_arena_clear_error, 0, tap_arena_clear_error(NULL)) \
    CALL(tap_report_unread_errors, 0, tap_report_unread_errors(tap_report_unread_errors(false))) \
    CALL(tap_tensor_written, 0, tap_tensor_written(f->x)) \
    CALL(tap_arena_error, 0, assert_ptr_equal(tap_arena_error(f->a), f->e)) \
    CALL_TENSOR(tap_tensor_wrap, SHAPE | DTYPE, tap_tensor_wrap(f->dtype, f->shape, f->target)) \
    CALL_TENSOR(tap_tensor_zeros, ARENA | SHAPE | DTYPE, tap_tensor_zeros(f->a, f->dtype, f->shape)) \
    CALL(tap_tensor_is_contiguous, 0, assert_false(f->x.data &&tap_tensor_is_contiguous(f->x))) \
    CALL_FUNCTION(tap_tensor_numel, TENSOR) \
    VIEW(permute, 2, ((int[]){ 1, 0 })) \
    VIEW(transpose, 0, -1) \
    VIEW(slice, 0, INT64_MAX, INT64_MIN, -1) \
    VIEW(select, 1, -1) \
    CALL_TENSOR(tap_tensor_expand, ARENA | TENSOR | SHAPE, tap_tensor_expand(f->a, f->x, f->shape)) \
    VIEW(unsqueeze, -1) \
    CALL_TENSOR(tap_tensor_squeeze, ARENA | TENSOR, tap_tensor_squeeze(f->a, tap_tensor_unsqueeze(f->a, f->x, 0), 0)) \
    CALL_TENSOR(tap_tensor_reshape, ARENA | TENSOR | SHAPE, tap_tensor_reshape(f->a, f->x, f->shape)) \
    CALL_TENSOR(tap_tensor_contiguous, ARENA | TENSOR, tap_tensor_contiguous(f->a, f->x)) \
    CALL_TENSOR(tap_tensor_cast, ARENA | TENSOR | DTYPE, tap_tensor_cast(f->a, f->x, f->dtype)) \
    CALL_STATUS(tap_tensor_copy, TENSOR, tap_tensor_copy(f->y, f->x, f->e)) \
    CALL(tap_tensor_fill, 0, tap_tensor_fill(f->x, (double)NAN)) \
    CALL_NUMBER(tap_tensor_get, TENSOR, tap_tensor_get(f->x, (int64_t[]){ 2, 1 })) \
    CALL_NUMBER(tap_tensor_item, TENSOR, tap_tensor_item(f->x, ELEMENTS - 1)) \
    CALL(tap_tensor_set_item, 0, tap_tensor_set_item(f->x, ELEMENTS - 1, 0)) \
    CALL(tap_print, 0, tap_print(f->x)) \
    CALL(tap_fprint, 0, tap_fprint(NULL, f->x)) \
    CALL_MEMORY(tap_csr_from_dense, ARENA | TENSOR, tap_csr_from_dense(f->a, f->x).start) \
    CALL_MEMORY(tap_csr_transpose, ARENA, tap_csr_transpose(f->a, sparse).start) \
    CALL(tap_csr_rows, 0, assert_int_equal(tap_csr_rows((tap_tensor){ 0 }, sparse, NULL, NULL), TAP_ESHAPE)) \
    CALL_MEMORY(tap_csr_log_normalize, ARENA, tap_csr_log_normalize(f->a, sparse, 1).start) \
    CALL_TENSOR(tap_csr_pca, ARENA, tap_csr_pca(f->a, sparse, 1, 0)) \
    CALL(tap_random_uniform, 0, tap_random_uniform(f->x, (tap_rng_key){ 0 })) \
    CALL(tap_random_normal, 0, tap_random_normal(f->x, (tap_rng_key){ 0 })) \
    CALL_FUNCTION(tap_random_permutation, 0) \
    CALL(tap_random_permuted, 0, assert_int_equal(tap_random_permuted(0, INT64_MIN, (tap_rng_key){ 0 }), -1)) \
    CALL(tap_rng_uniform, 0, assert_true(isnan(tap_rng_uniform(NULL)))) \
    CALL(tap_rng_normal, 0, assert_true(isnan(tap_rng_normal(NULL)))) \
    CALL(tap_rng_below, 0, assert_int_equal(tap_rng_below(&(tap_rng){ .next = 0 }, INT64_MIN), -1)) \
    CALL(tap_random_hash, 0, assert_int_equal(tap_random_hash(NULL), tap_random_hash(""))) \
    CALL_FUNCTION(tap_set_threads, 0) \
    CALL(tap_threads, 0, assert_in_range(tap_threads(), 1, 256)) \
    CALL(tap_config, 0, assert_non_null(tap_config())) \
    CALL_TENSOR(tap_idx_read, ARENA | ALWAYS_FAILS, tap_idx_read(f->a, "none")) \
    CALL_TENSOR(tap_npy_read, ARENA | ALWAYS_FAILS, tap_npy_read(f->a, "none")) \
    CALL_TENSOR(tap_idx_map, ARENA | ALWAYS_FAILS, tap_idx_map(f->a, "none")) \
    CALL_TENSOR(tap_npy_map, ARENA | ALWAYS_FAILS, tap_npy_map(f->a, "none")) \
    CALL(tap_safetensors_map, ARENA | ALWAYS_FAILS, assert_int_equal(tap_safetensors_map(f->a, "none").n, 0)) \
    CALL_TENSOR(tap_cifar10_read, ARENA | ALWAYS_FAILS, tap_cifar10_read(f->a, "none", NULL)) \
    CALL_TENSOR(tap_cifar10_map, ARENA | ALWAYS_FAILS, tap_cifar10_map(f->a, "none", &f->value)) \
    CALL_STATUS(tap_npy_write, TENSOR, tap_npy_write("x.npy", f->x, f->e)) \
    CALL(tap_npy_create, ALWAYS_FAILS, assert_null(tap_npy_create("none/x.npy", TAP_F32, TAP_SHAPE(2), f->e))) \
    CALL(tap_matrix_market_read, ARENA | ALWAYS_FAILS, assert_null(tap_matrix_market_read(f->a, "none").start)) \
    CALL(tap_matrix_market_write, ALWAYS_FAILS, assert_true(tap_matrix_market_write("none/x", sparse, f->e) != TAP_OK)) \
    CALL(tap_csv_read, ARENA | ALWAYS_FAILS, assert_null(tap_csv_read(f->a, "none", ',').text)) \
    CALL(tap_tsv_read, ARENA | ALWAYS_FAILS, assert_null(tap_tsv_read(f->a, "none").text)) \
    CALL(tap_csv_guess_separator, 0, assert_int_equal(tap_csv_guess_separator(NULL), 0)) \
    CALL_TENSOR(tap_csv_labels, ARENA, tap_csv_labels(f->a, words, "a", NULL)) \
    CALL(tap_csv_read_matrix, ARENA | ALWAYS_FAILS, assert_null(tap_csv_read_matrix(f->a, "none", ',', NULL, NULL).start)) \
    CALL(tap_file_create_gzip, ALWAYS_FAILS, assert_null(tap_file_create_gzip("none/file", f->e))) \
    CALL_TENSOR(tap_png_read, ARENA | ALWAYS_FAILS, tap_png_read(f->a, "none")) \
    CALL_STATUS(tap_png_write, TENSOR, tap_png_write("picture.png", f->x, f->e)) \
    CALL(tap_safetensors_read, ARENA | ALWAYS_FAILS, assert_int_equal(tap_safetensors_read(f->a, "none").n, 0)) \
    CALL_FUNCTION(tap_safetensors_write, TENSOR) \
    CALL_FUNCTION(tap_safetensors_find, 0) \
    CALL_FUNCTION(tap_safetensors_metadata, 0) \
    CALL(tap_torch_read, ARENA | ALWAYS_FAILS, assert_int_equal(tap_torch_read(f->a, "none").n, 0)) \
    CALL(tap_npz_read, ARENA | ALWAYS_FAILS, assert_int_equal(tap_npz_read(f->a, "none").n, 0)) \
    CALL_FUNCTION(tap_npz_write, TENSOR) \
    CALL_FUNCTION(tap_npz_write_compressed, TENSOR) \
    CALL(tap_file_create, ALWAYS_FAILS, assert_null(tap_file_create("none/file", f->e))) \
    CALL(tap_file_write, 0, assert_int_equal(tap_file_write(NULL, "x", 1), TAP_EARG)) \
    CALL(tap_file_commit, 0, assert_int_equal(tap_file_commit(NULL), TAP_EARG)) \
    CALL(tap_file_abandon, 0, tap_file_abandon(NULL))
/* clang-format on */

#define CALL          AS_FUNCTION
#define CALL_FUNCTION AS_NOTHING
FUNCTIONS
#undef CALL
#undef CALL_FUNCTION

static const function_call rows[] = {
#define CALL          AS_ROW
#define CALL_FUNCTION AS_WRITTEN_ROW
    FUNCTIONS
#undef CALL
#undef CALL_FUNCTION
};

enum { ROWS = sizeof rows / sizeof *rows };

/* ---- Conditions: what is wrong with the fixture ---- */

static void sound(fixture *f)
{
    (void)f;
}

static void failed(fixture *f)
{
    tap_error_set(f->e, TAP_ENOMEM, "the first error");
}

static void no_arena(fixture *f)
{
    tap_arena_free(f->a);
    f->a = NULL;
    f->e = NULL;
}

static void inert_tensor(fixture *f)
{
    f->x = (tap_tensor){ 0 };
}

static void no_data(fixture *f)
{
    f->x.data = NULL;
}

static void rank_too_large(fixture *f)
{
    f->x.shape.rank = f->shape.rank = TAP_MAX_RANK + 1;
}

static void rank_absurd(fixture *f)
{
    f->x.shape.rank = f->shape.rank = INT_MAX;
}

static void rank_negative(fixture *f)
{
    f->x.shape.rank = f->shape.rank = INT_MIN;
}

static void size_negative(fixture *f)
{
    f->x.shape.n[1] = f->shape.n[1] = -2;
}

static void size_overflowing(fixture *f)
{
    f->x.shape.n[1] = f->shape.n[1] = INT64_MAX;
}

static void bad_dtype(fixture *f)
{
    f->x.dtype = f->dtype = no_dtype;
}

static void dtype_negative(fixture *f)
{
    f->x.dtype = f->dtype = (tap_dtype)INT_MIN;
}

/* A call with one of these traits must fail, and report it if it has an arena to report to. */
static const struct {
    const char *name;
    void (*make)(fixture *f);
    unsigned traits;
} conditions[] = {
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

static void check_outcome(const fixture *f, const char *call, bool broken, const char *where)
{
    if (broken && f->value.data) fail_msg("%s, %s: the result is not inert", call, where);
    if (broken && f->p) fail_msg("%s, %s: there is memory", call, where);
    if (broken && !isnan(f->item)) fail_msg("%s, %s: gives %g, not NaN", call, where, f->item);
    if (broken && f->status == TAP_OK) fail_msg("%s, %s: says TAP_OK", call, where);
    if (!broken && f->status > 0) fail_msg("%s, %s: says %s", call, where, tap_status_name((tap_status)f->status));
}

static void check_status(const fixture *f, const function_call *r, bool broken, const char *where)
{
    const char *message;
    tap_status  status = tap_arena_status(f->a, &message);
    bool        reports = (r->traits & ARENA) || f->status > 0;
    bool        fails = (r->traits & ALWAYS_FAILS) || (broken && reports);
    if (strcmp(where, "failed") == 0) assert_string_equal(message, "the first error");
    else if (f->a && fails && status == TAP_OK) fail_msg("%s, %s: the arena says nothing", r->name, where);
    else if (f->a && !fails && status != TAP_OK) fail_msg("%s, %s: %s: %s", r->name, where, tap_status_name(status), message);
}

static void test_every_function_under_every_condition(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof conditions / sizeof *conditions; k++) {
        for (int i = 0; i < ROWS; i++) {
            const function_call *r = &rows[i];
            fixture              f;
            fixture_begin(&f);
            conditions[k].make(&f);
            const fixture before = f;
            const bool    broken = r->traits & conditions[k].traits, may_write = !broken && !(conditions[k].traits & TENSOR);
            r->call(&f);
            check_outcome(&f, r->name, broken, conditions[k].name);
            check_status(&f, r, broken, conditions[k].name);
            if (!may_write) {
                assert_memory_equal(before.memory, f.memory, sizeof f.memory);
                assert_memory_equal(before.target, f.target, sizeof f.target);
            }
            tap_arena_free(f.a);
        }
    }
}

/* ---- Invalid arguments, on a sound arena ---- */

static tap_tensor view_of(fixture *f, tap_dtype dtype, tap_shape shape)
{
    tap_tensor x = { .dtype = dtype, .shape = shape, .data = f->memory };
    return x;
}

static void write_named(fixture *f, int n, const char *name, int n_metadata, const char *key)
{
    tap_named_tensor named = { name, f->y };
    tap_metadata     metadata = { key, key };
    f->status = tap_safetensors_write("x.safetensors", n, &named, n_metadata, &metadata, f->e);
}

static void bad_reshape_vast(fixture *f)
{
    tap_tensor wide = tap_tensor_expand(f->a, tap_tensor_select(f->a, f->x, 0, 0), (tap_shape){ 2, { 1ll << 50, 2 } });
    f->value = tap_tensor_reshape(f->a, tap_tensor_transpose(f->a, wide, 0, 1), TAP_SHAPE(-1));
}

static void bad_file_no_bytes(fixture *f)
{
    tap_file *file = tap_file_create("file", f->e);
    f->status = (int)tap_file_write(file, NULL, 1);
    tap_file_commit(file);
}

/* clang-format off */
#define BAD_CALLS \
    BAD_MEMORY(alloc_all, TAP_ENOMEM, NULL, tap_arena_alloc(f->a, SIZE_MAX)) \
    BAD_MEMORY(alloc_half, TAP_ENOMEM, NULL, tap_arena_alloc(f->a, SIZE_MAX / 2 + 1)) \
    BAD_MEMORY(alloc_too_much, TAP_ENOMEM, NULL, tap_arena_alloc(f->a, 1ull << 55)) \
    BAD_TENSOR(zeros_negative, TAP_ESHAPE, "tensor: invalid shape [-3]", tap_tensor_zeros(f->a, TAP_F64, negative)) \
    BAD_TENSOR(zeros_overflowing, TAP_ESHAPE, "tensor: invalid shape [9223372036854775807,9223372036854775807]", \
      tap_tensor_zeros(f->a, TAP_U8, overflowing)) \
    BAD_TENSOR(zeros_rank, TAP_ESHAPE, "tensor: invalid shape [0,0,0,0,0,0,0,0]", tap_tensor_zeros(f->a, TAP_F64, rank_9)) \
    BAD_TENSOR(zeros_dtype, TAP_EDTYPE, "tensor: unknown dtype 99", tap_tensor_zeros(f->a, no_dtype, TAP_SCALAR)) \
    BAD_TENSOR(zeros_vast, TAP_ENOMEM, NULL, tap_tensor_zeros(f->a, TAP_F64, vast)) \
    BAD_TENSOR(permute_count, TAP_ESHAPE, "permute: [3,2]: needs one entry of axes for each axis", \
      tap_tensor_permute(f->a, f->x, 3, (int[]){ 0, 1, 2 })) \
    BAD_TENSOR(permute_count_min, TAP_ESHAPE, "permute: [3,2]: needs one entry of axes for each axis", \
      tap_tensor_permute(f->a, f->x, INT_MIN, (int[]){ 0 })) \
    BAD_TENSOR(permute_null, TAP_ESHAPE, "permute: [3,2]: needs one entry of axes for each axis", \
      tap_tensor_permute(f->a, f->x, 2, NULL)) \
    BAD_TENSOR(permute_axis, TAP_EARG, "permute: [3,2]: axis 2147483647 is out of range", \
      tap_tensor_permute(f->a, f->x, 2, (int[]){ 0, INT_MAX })) \
    BAD_TENSOR(permute_twice, TAP_ESHAPE, "permute: [3,2]: an axis is named twice", \
      tap_tensor_permute(f->a, f->x, 2, (int[]){ 1, -1 })) \
    BAD_TENSOR(transpose_first, TAP_EARG, "transpose: [3,2]: axis 2 is out of range", tap_tensor_transpose(f->a, f->x, 2, 0)) \
    BAD_TENSOR(transpose_second, TAP_EARG, "transpose: [3,2]: axis -2147483648 is out of range", \
      tap_tensor_transpose(f->a, f->x, 0, INT_MIN)) \
    BAD_TENSOR(slice_axis, TAP_EARG, "slice: [3,2]: axis -3 is out of range", tap_tensor_slice(f->a, f->x, -3, 0, 1, 1)) \
    BAD_TENSOR(slice_step, TAP_ESHAPE, "slice: [3,2]: the step must not be 0", tap_tensor_slice(f->a, f->x, 0, 0, 1, 0)) \
    BAD_TENSOR(select_axis, TAP_EARG, "select: [3,2]: axis 2 is out of range", tap_tensor_select(f->a, f->x, 2, 0)) \
    BAD_TENSOR(select_index, TAP_EARG, "select: [3,2]: index -3 is out of range for axis 1", \
      tap_tensor_select(f->a, f->x, 1, -3)) \
    BAD_TENSOR(select_index_max, TAP_EARG, "select: [3,2]: index 9223372036854775807 is out of range for axis 1", \
      tap_tensor_select(f->a, f->x, 1, INT64_MAX)) \
    BAD_TENSOR(expand_shape, TAP_ESHAPE, "expand: [3,2]: does not broadcast to [3,3]", \
      tap_tensor_expand(f->a, f->x, TAP_SHAPE(3, 3))) \
    BAD_TENSOR(expand_fewer, TAP_ESHAPE, "expand: [3,2]: does not broadcast to []", tap_tensor_expand(f->a, f->x, TAP_SCALAR)) \
    BAD_TENSOR(unsqueeze_axis, TAP_EARG, "unsqueeze: [3,2]: axis -4 is out of range", tap_tensor_unsqueeze(f->a, f->x, -4)) \
    BAD_TENSOR(unsqueeze_full, TAP_ESHAPE, "unsqueeze: [1,1,1,1,1,1,3,2]: a result of 9 axes would be above the maximum of 8", \
      tap_tensor_unsqueeze(f->a, tap_tensor_expand(f->a, f->x, TAP_SHAPE(1, 1, 1, 1, 1, 1, 3, 2)), 0)) \
    BAD_TENSOR(squeeze_axis, TAP_EARG, "squeeze: [3,2]: axis 2 is out of range", tap_tensor_squeeze(f->a, f->x, 2)) \
    BAD_TENSOR(squeeze_size, TAP_ESHAPE, "squeeze: [3,2]: the axis must have size 1", tap_tensor_squeeze(f->a, f->x, 0)) \
    BAD_TENSOR(reshape_count, TAP_ESHAPE, "reshape: [3,2]: does not hold as many elements as [4,-1]", \
      tap_tensor_reshape(f->a, f->x, TAP_SHAPE(4, -1))) \
    BAD_TENSOR(reshape_unknowns, TAP_ESHAPE, "reshape: [3,2]: does not hold as many elements as [-1,-1,6]", \
      tap_tensor_reshape(f->a, f->x, TAP_SHAPE(-1, -1, 6))) \
    BAD_TENSOR(reshape_overflowing, TAP_ESHAPE, \
      "reshape: [3,2]: does not hold as many elements as [9223372036854775807,9223372036854775807]", \
      tap_tensor_reshape(f->a, f->x, overflowing)) \
    BAD_FUNCTION(reshape_vast, TAP_ENOMEM, NULL) \
    BAD_TENSOR(contiguous_vast, TAP_ENOMEM, NULL, \
      tap_tensor_contiguous(f->a, tap_tensor_expand(f->a, f->x, TAP_SHAPE(1ll << 50, 3, 2)))) \
    BAD_TENSOR(cast_dtype, TAP_EDTYPE, "tensor: unknown dtype 99", tap_tensor_cast(f->a, f->x, no_dtype)) \
    BAD_STATUS(copy_shape, TAP_ESHAPE, "copy: [3,2] does not broadcast to [2,3]", \
      tap_tensor_copy(tap_tensor_transpose(f->a, f->y, 0, 1), f->x, f->e)) \
    BAD_STATUS(copy_rank, TAP_ESHAPE, "copy: [3,2] does not broadcast to [2]", \
      tap_tensor_copy(tap_tensor_select(f->a, f->y, 0, 0), f->x, f->e)) \
    BAD_STATUS(copy_inert, TAP_EARG, "copy: a tensor is inert or invalid", tap_tensor_copy((tap_tensor){ 0 }, f->x, f->e)) \
    BAD_TENSOR(idx_null, TAP_EARG, "idx: the path is NULL", tap_idx_read(f->a, NULL)) \
    BAD_TENSOR(idx_folder, TAP_EIO, ".: is not a regular file", tap_idx_read(f->a, ".")) \
    BAD_TENSOR(idx_empty_path, TAP_EIO, "cannot open: No such file or directory", tap_idx_read(f->a, "")) \
    BAD_TENSOR(idx_map_null, TAP_EARG, "idx: the path is NULL", tap_idx_map(f->a, NULL)) \
    BAD_TENSOR(npy_map_folder, TAP_EIO, ".: is not a regular file", tap_npy_map(f->a, ".")) \
    BAD_CALL(safetensors_map_null, TAP_EARG, "safetensors: the path is NULL", tap_safetensors_map(f->a, NULL)) \
    BAD_TENSOR(cifar_null, TAP_EARG, "cifar10: the path is NULL", tap_cifar10_read(f->a, NULL, NULL)) \
    BAD_TENSOR(cifar_map_null, TAP_EARG, "cifar10: the path is NULL", tap_cifar10_map(f->a, NULL, NULL)) \
    BAD_TENSOR(cifar_map_folder, TAP_EIO, ".: is not a regular file", tap_cifar10_map(f->a, ".", NULL)) \
    BAD_TENSOR(npy_null, TAP_EARG, "npy: the path is NULL", tap_npy_read(f->a, NULL)) \
    BAD_TENSOR(npy_folder, TAP_EIO, ".: is not a regular file", tap_npy_read(f->a, ".")) \
    BAD_STATUS(npy_write_null, TAP_EARG, "npy: the path is NULL", tap_npy_write(NULL, f->x, f->e)) \
    BAD_STATUS(npy_write_dtype, TAP_EARG, "x.npy: the tensor is inert or invalid", \
      tap_npy_write("x.npy", view_of(f, no_dtype, TAP_SCALAR), f->e)) \
    BAD_STATUS(npy_write_vast, TAP_ENOMEM, "x.npy: no memory for a copy", \
      tap_npy_write("x.npy", tap_tensor_expand(f->a, f->x, TAP_SHAPE(1ll << 50, 3, 2)), f->e)) \
    BAD_STATUS(npy_write_folder, TAP_EIO, "none/x.npy: cannot create a file in its folder: No such file or directory", \
      tap_npy_write("none/x.npy", f->x, f->e)) \
    BAD_CALL(npy_create_null, TAP_EARG, "npy: the path is NULL", tap_npy_create(NULL, TAP_F32, TAP_SCALAR, f->e)) \
    BAD_CALL(npy_create_dtype, TAP_EARG, "x.npy: the tensor is inert or invalid", \
      tap_npy_create("x.npy", no_dtype, TAP_SCALAR, f->e)) \
    BAD_CALL(npy_create_shape, TAP_EARG, "x.npy: the tensor is inert or invalid", \
      tap_npy_create("x.npy", TAP_F64, overflowing, f->e)) \
    BAD_MEMORY(csr_inert, TAP_EARG, "csr_transpose: the matrix is inert", tap_csr_transpose(f->a, (tap_csr){ 0 }).start) \
    BAD_MEMORY(csr_vast, TAP_EARG, "csr_transpose: its size is out of range", \
      tap_csr_transpose(f->a, (tap_csr){ INT64_MAX, 2, sparse.start, sparse.column, sparse.value }).start) \
    BAD_MEMORY(csr_columns, TAP_EARG, "csr_transpose: a column is out of range or order", \
      tap_csr_transpose(f->a, (tap_csr){ 2, 1, sparse.start, sparse.column, sparse.value }).start) \
    BAD_MEMORY(csr_from_vector, TAP_ESHAPE, "csr_from_dense: x must be [rows,columns], not [3]", \
      tap_csr_from_dense(f->a, tap_tensor_select(f->a, f->x, 1, 0)).start) \
    BAD_STATUS(csr_rows_too_many, TAP_EARG, "csr_rows: out must have at most 2 rows, not 3", \
      tap_csr_rows(f->y, sparse, NULL, f->e)) \
    BAD_STATUS(csr_rows_min, TAP_EARG, "csr_rows: row -9223372036854775808 is out of range for 2 rows", \
      tap_csr_rows(f->y, sparse, (int64_t[]){ INT64_MIN, 0, 0 }, f->e)) \
    BAD_MEMORY(csr_scale, TAP_EARG, "csr_log_normalize: scale must be a finite number above 0, not nan", \
      tap_csr_log_normalize(f->a, sparse, (double)NAN).start) \
    BAD_TENSOR(csr_pca_min, TAP_EARG, "csr_pca: k must be 1 to 2 for [2,2], not -9223372036854775808", \
      tap_csr_pca(f->a, sparse, INT64_MIN, 0)) \
    BAD_MEMORY(matrix_market_null, TAP_EARG, "matrix_market: the path is NULL", tap_matrix_market_read(f->a, NULL).start) \
    BAD_MEMORY(matrix_market_folder, TAP_EIO, ".: is not a regular file", tap_matrix_market_read(f->a, ".").start) \
    BAD_STATUS(matrix_market_write_null, TAP_EARG, "matrix_market: the path is NULL", \
      tap_matrix_market_write(NULL, sparse, f->e)) \
    BAD_STATUS(matrix_market_write_inert, TAP_EARG, "x: the matrix is inert", \
      tap_matrix_market_write("x", (tap_csr){ 0 }, f->e)) \
    BAD_MEMORY(table_null, TAP_EARG, "csv: the path is NULL", tap_csv_read(f->a, NULL, ',').text) \
    BAD_MEMORY(table_folder, TAP_EIO, ".: is not a regular file", tap_csv_read(f->a, ".", ',').text) \
    BAD_MEMORY(tsv_null, TAP_EARG, "csv: the path is NULL", tap_tsv_read(f->a, NULL).text) \
    BAD_TENSOR(labels_null, TAP_EARG, "csv_labels: the table or the name is missing", tap_csv_labels(f->a, words, NULL, NULL)) \
    BAD_TENSOR(labels_inert, TAP_EARG, "csv_labels: the table or the name is missing", \
      tap_csv_labels(f->a, (tap_csv){ 0 }, "a", NULL)) \
    BAD_MEMORY(numbers_null, TAP_EARG, "csv: the path is NULL", tap_csv_read_matrix(f->a, NULL, ',', NULL, NULL).start) \
    BAD_CALL(gzip_null, TAP_EARG, "file: the path is NULL", tap_file_create_gzip(NULL, f->e)) \
    BAD_TENSOR(png_read_null, TAP_EARG, "png: the path is NULL", tap_png_read(f->a, NULL)) \
    BAD_TENSOR(png_read_folder, TAP_EIO, ".: is not a regular file", tap_png_read(f->a, ".")) \
    BAD_STATUS(png_null, TAP_EARG, "png: the path is NULL", tap_png_write(NULL, f->x, f->e)) \
    BAD_STATUS(png_int, TAP_EDTYPE, "p.png: the image must be float32, float64 or uint8, not int64", \
      tap_png_write("p.png", view_of(f, TAP_I64, TAP_SHAPE(1, 1)), f->e)) \
    BAD_STATUS(png_vector, TAP_ESHAPE, "p.png: the image must be [height,width] or [height,width,1 to 4 channels], not [1]", \
      tap_png_write("p.png", view_of(f, TAP_F64, TAP_SHAPE(1)), f->e)) \
    BAD_STATUS(png_empty, TAP_ESHAPE, "p.png: height and width must be 1 to 2147483647, not [0,1]", \
      tap_png_write("p.png", view_of(f, TAP_F64, TAP_SHAPE(0, 1)), f->e)) \
    BAD_STATUS(png_vast, TAP_ESHAPE, "p.png: height and width must be 1 to 2147483647, not [1,2147483648]", \
      tap_png_write("p.png", view_of(f, TAP_F64, TAP_SHAPE(1, 1ll << 31)), f->e)) \
    BAD_STATUS(png_folder, TAP_EIO, "none/p.png: cannot create a file in its folder: No such file or directory", \
      tap_png_write("none/p.png", f->x, f->e)) \
    BAD_CALL(read_null, TAP_EARG, "safetensors: the path is NULL", tap_safetensors_read(f->a, NULL)) \
    BAD_CALL(read_folder, TAP_EIO, ".: is not a regular file", tap_safetensors_read(f->a, ".")) \
    BAD_STATUS(write_null, TAP_EARG, "safetensors: a path, tensors or metadata are missing", \
      tap_safetensors_write(NULL, 0, NULL, 0, NULL, f->e)) \
    BAD_CALL(write_negative, TAP_EARG, "x.safetensors: a path, tensors or metadata are missing", \
      write_named(f, INT_MIN, "x", 0, NULL)) \
    BAD_STATUS(write_no_tensors, TAP_EARG, "x.safetensors: a path, tensors or metadata are missing", \
      tap_safetensors_write("x.safetensors", 1, NULL, 0, NULL, f->e)) \
    BAD_CALL(torch_null, TAP_EARG, "torch: the path is NULL", tap_torch_read(f->a, NULL)) \
    BAD_CALL(torch_folder, TAP_EIO, ".: is not a regular file", tap_torch_read(f->a, ".")) \
    BAD_CALL(npz_null, TAP_EARG, "npz: the path is NULL", tap_npz_read(f->a, NULL)) \
    BAD_CALL(npz_folder, TAP_EIO, ".: is not a regular file", tap_npz_read(f->a, ".")) \
    BAD_STATUS(npz_write_null, TAP_EARG, "npz: the path or the arrays are missing", tap_npz_write(NULL, 0, NULL, f->e)) \
    BAD_STATUS(npz_write_negative, TAP_EARG, "x.npz: the path or the arrays are missing", \
      tap_npz_write("x.npz", -1, NULL, f->e)) \
    BAD_STATUS(npz_write_no_arrays, TAP_EARG, "x.npz: the path or the arrays are missing", \
      tap_npz_write_compressed("x.npz", 1, NULL, f->e)) \
    BAD_CALL(write_no_name, TAP_EARG, "x.safetensors: name 0 is not UTF-8", write_named(f, 1, NULL, 0, NULL)) \
    BAD_CALL(write_negative_metadata, TAP_EARG, "x.safetensors: a path, tensors or metadata are missing", \
      write_named(f, 1, "x", -1, NULL)) \
    BAD_STATUS(write_no_metadata, TAP_EARG, "x.safetensors: a path, tensors or metadata are missing", \
      tap_safetensors_write("x.safetensors", 0, NULL, 1, NULL, f->e)) \
    BAD_CALL(write_no_key, TAP_EARG, "x.safetensors: metadata 0 is not UTF-8", write_named(f, 1, "x", 1, NULL)) \
    BAD_STATUS(write_folder, TAP_EIO, "none/x: cannot create a file in its folder: No such file or directory", \
      tap_safetensors_write("none/x", 0, NULL, 0, NULL, f->e)) \
    BAD_CALL(file_null, TAP_EARG, "file: the path is NULL", tap_file_create(NULL, f->e)) \
    BAD_CALL(file_empty_path, TAP_EARG, "file: the path is empty", tap_file_create("", f->e)) \
    BAD_FUNCTION(file_no_bytes, TAP_EIO, "file: cannot write: Bad address")
/* clang-format on */

#define BAD_CALL     AS_BAD_FUNCTION
#define BAD_FUNCTION AS_NOTHING
BAD_CALLS
#undef BAD_CALL
#undef BAD_FUNCTION

static const bad_call bad_calls[] = {
#define BAD_CALL     AS_BAD_ROW
#define BAD_FUNCTION AS_WRITTEN_BAD_ROW
    BAD_CALLS
#undef BAD_CALL
#undef BAD_FUNCTION
};

static void test_bad_arguments(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_calls / sizeof *bad_calls; i++) {
        const bad_call *r = &bad_calls[i];
        const char     *message;
        fixture         f;
        fixture_begin(&f);
        int files = scratch_count();
        r->call(&f);
        tap_status status = tap_arena_status(f.a, &message);
        if ((int)status != r->status) fail_msg("%s: %s: %s", r->name, tap_status_name(status), message);
        if (r->message && strcmp(message, r->message) != 0) fail_msg("%s: '%s'", r->name, message);
        check_outcome(&f, r->name, true, "bad arguments");
        if (scratch_count() != files) fail_msg("%s: a file has appeared", r->name);
        tap_arena_free(f.a);
    }
}

/* ---- Calls that have no arena to fail ---- */

static void test_null_pointers(void **state)
{
    fixture f;
    double  number = 1;
    char *volatile nowhere = NULL;
    (void)state;
    fixture_begin(&f);
    assert_int_equal(tap_error_set(NULL, TAP_EIO, "nobody's"), TAP_EIO);
    assert_int_equal(tap_error_set(f.e, TAP_OK, "nothing"), TAP_OK);
    assert_string_equal(tap_shape_format(nowhere, f.shape), "");
    assert_null(tap_tensor_wrap(TAP_F64, TAP_SCALAR, NULL).data);
    assert_true(isnan(tap_tensor_get(f.x, NULL)));
    assert_true(tap_tensor_get(tap_tensor_wrap(TAP_F64, TAP_SCALAR, &number), NULL) == 1);
    assert_true(isnan(tap_tensor_get(f.x, (int64_t[]){ 0, -1 })));
    assert_true(isnan(tap_tensor_get(f.x, (int64_t[]){ INT64_MAX, 0 })));
    assert_true(isnan(tap_tensor_item(f.x, -1)));
    assert_true(isnan(tap_tensor_item(f.x, ELEMENTS)));
    tap_tensor_set_item(f.x, INT64_MIN, 0);
    tap_tensor_set_item(f.x, ELEMENTS, 0);
    for (int i = 0; i < ELEMENTS; i++) assert_true(f.memory[i] == i + 1);
    assert_int_equal(tap_tensor_copy(f.y, (tap_tensor){ 0 }, NULL), TAP_EARG);
    assert_null(tap_file_create("none/file", NULL));
    assert_int_equal(tap_png_write("none/x.png", f.x, NULL), TAP_EIO);
    assert_int_equal(tap_safetensors_write(NULL, 0, NULL, 0, NULL, NULL), TAP_EARG);
    assert_int_equal(tap_arena_status(f.a, NULL), TAP_OK);
    tap_arena_free(f.a);
}

/* Random numbers are only for floating point tensors; others do not change. */
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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_function_under_every_condition),
        cmocka_unit_test(test_bad_arguments),
        cmocka_unit_test(test_null_pointers),
        cmocka_unit_test(test_random_into_integers),
    };
    return cmocka_run_group_tests(complete, NULL, NULL) + cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
