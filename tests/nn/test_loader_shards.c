/* tests/nn/test_loader_shards.c: files of rows as one data set give the same batches as the same rows in memory, whether they are
 * read in pieces or mapped; and files that do not fit together say so. */
#define _XOPEN_SOURCE 700
#include <pthread.h>
#include <string.h>

#include "tests/tensor/scratch.h"

enum { ROWS = 23, WIDTH = 5 };

static float   values[ROWS][WIDTH];
static int64_t labels[ROWS];

static int begin(void **state)
{
    for (int i = 0; i < ROWS * WIDTH; i++) values[i / WIDTH][i % WIDTH] = (float)i / 7;
    for (int i = 0; i < ROWS; i++) labels[i] = 3 * i - 5;
    return scratch_enter(state);
}

static void write_values(const char *path, int first, int n)
{
    tap_error e = { 0 };
    if (tap_npy_write(path, tap_tensor_wrap(TAP_F32, TAP_SHAPE(n, WIDTH), values[first]), &e) != TAP_OK)
        fail_msg("%s", e.message);
}

/* Labels as a safetensors file, among other tensors. */
static void write_labels(const char *path, int first, int n)
{
    const tap_named_tensor tensors[] = { { "a", tap_tensor_wrap(TAP_F32, TAP_SHAPE(3), values) },
                                         { "labels", tap_tensor_wrap(TAP_I64, TAP_SHAPE(n), labels + first) } };
    assert_int_equal(tap_safetensors_write(path, 2, tensors, 0, NULL, NULL), TAP_OK);
}

static void write_all(void)
{
    write_values("v0", 0, 7);
    write_values("v1", 7, 0);
    write_values("v2", 7, 15);
    write_values("v3", 22, 1);
    write_labels("l0", 0, 20);
    write_labels("l1", 20, 3);
}

static tap_shards *open_all(tap_shards_mode mode)
{
    const char *message;
    tap_shards *s = tap_shards_new(mode);
    tap_shards_add(s, 4, (const char *[]){ "v0", "v1", "v2", "v3" }, NULL);
    tap_shards_add(s, 2, (const char *[]){ "l0", "l1" }, "labels");
    if (tap_shards_status(s, &message) != TAP_OK) fail_msg("%s", message);
    return s;
}

static void assert_same_epochs(tap_loader *a, tap_loader *b)
{
    tap_tensor  x[2], y[2];
    const char *message;
    int64_t     n, m;
    for (uint64_t epoch = 0; epoch < 3; epoch++) {
        tap_loader_start(a, epoch);
        tap_loader_start(b, epoch);
        while (tap_loader_next(a, x)) {
            if (!tap_loader_next(b, y)) fail_msg("%s", (tap_loader_status(b, &message), message));
            const int64_t *in_a = tap_loader_rows(a, &n), *in_b = tap_loader_rows(b, &m);
            assert_int_equal(n, m);
            assert_memory_equal(in_a, in_b, (size_t)n * sizeof *in_a);
            for (int f = 0; f < 2; f++) {
                assert_true(x[f].dtype == y[f].dtype && tap_shape_equal(x[f].shape, y[f].shape));
                assert_memory_equal(x[f].data, y[f].data, (size_t)tap_tensor_numel(x[f]) * tap_dtype_size(x[f].dtype));
            }
        }
        assert_false(tap_loader_next(b, y));
    }
}

static void test_same_batches_as_in_memory(void **state)
{
    const tap_tensor arrays[] = { tap_tensor_wrap(TAP_F32, TAP_SHAPE(ROWS, WIDTH), values),
                                  tap_tensor_wrap(TAP_I64, TAP_SHAPE(ROWS), labels) };
    int              fd = scratch_next_fd();
    (void)state;
    write_all();
    for (int i = 0; i < 8; i++) {
        tap_loader_options o = { .batch = 4, .seed = 3, .shuffle = i & 1, .keyed = true, .prefetch = i & 2 };
        tap_shards        *s = open_all(i & 4 ? TAP_SHARDS_MAP : TAP_SHARDS_STREAM);
        tap_loader        *b = tap_loader_new_dataset(tap_shards_dataset(s), NULL, o);
        tap_loader        *a = tap_loader_new_arrays(2, arrays, NULL, o);
        assert_same_epochs(a, b);
        tap_loader_free(a);
        tap_loader_free(b);
        tap_shards_free(s);
        assert_int_equal(scratch_next_fd(), fd);
    }
}

/* The weights of a network after 40 steps, on rows in memory or in files. */
static void train(tap_loader *l, float weights[WIDTH])
{
    tap_linear  net;
    tap_module *root = tap_module_new(TAP_F32, 1);
    tap_tape   *t = tap_tape_new(TAP_F32, 2);
    tap_tensor  x[2];
    tap_linear_init(&net, root, "net", WIDTH, 1);
    tap_optim *adam = tap_adam_new(root, (tap_adam_options){ 0 });
    for (int step = 0; step < 40 && tap_loader_cycle(l, x); step++) {
        tap_tape_reset(t);
        tap_var y = tap_sub(tap_linear_forward(&net, tap_input(t, x[0])), tap_unsqueeze(tap_input(t, x[1]), 1));
        tap_backward(tap_mean(tap_square(y), TAP_ALL));
        tap_optim_step(adam, t);
    }
    assert_tape_ok(t);
    memcpy(weights, tap_param_value(net.weight).data, WIDTH * sizeof *weights);
    tap_loader_free(l);
    tap_tape_free(t);
    tap_module_free(root);
}

static void test_same_training_as_in_memory(void **state)
{
    const tap_field_options  how[] = { { 0 }, { .as = TAP_FIELD_FLOAT } };
    const tap_loader_options o = { .batch = 6, .shuffle = true, .keyed = true, .seed = 8, .prefetch = 1 };
    const tap_tensor         arrays[] = { tap_tensor_wrap(TAP_F32, TAP_SHAPE(ROWS, WIDTH), values),
                                          tap_tensor_wrap(TAP_I64, TAP_SHAPE(ROWS), labels) };
    float                    in_memory[WIDTH], in_files[WIDTH];
    (void)state;
    write_all();
    train(tap_loader_new_arrays(2, arrays, how, o), in_memory);
    for (int mode = 0; mode < 2; mode++) {
        tap_shards *s = open_all(mode ? TAP_SHARDS_MAP : TAP_SHARDS_STREAM);
        train(tap_loader_new_dataset(tap_shards_dataset(s), how, o), in_files);
        assert_memory_equal(in_memory, in_files, sizeof in_memory);
        tap_shards_free(s);
    }
}

/* ---- Several threads, each with a loader ---- */

typedef struct {
    tap_dataset data;
    int64_t     sum; /* of labels, each times its place */
    bool        ok;
} reading;

static void *read_all(void *context)
{
    reading    *r = context;
    tap_loader *l = tap_loader_new_dataset(r->data, NULL, (tap_loader_options){ .batch = 3, .shuffle = true, .prefetch = 2 });
    tap_tensor  x[2];
    for (int64_t place = 0, batch = 0; batch < 40 && tap_loader_cycle(l, x); batch++) {
        for (int64_t i = 0; i < x[1].shape.n[0]; i++) r->sum += ++place * ((int64_t *)x[1].data)[i];
    }
    r->ok = tap_loader_status(l, NULL) == TAP_OK;
    tap_loader_free(l);
    return NULL;
}

static void test_loaders_in_threads(void **state)
{
    (void)state;
    write_all();
    for (int mode = 0; mode < 2; mode++) {
        tap_shards *s = open_all(mode ? TAP_SHARDS_MAP : TAP_SHARDS_STREAM);
        pthread_t   threads[3];
        reading     readings[4] = { { .sum = 0 } };
        for (int i = 0; i < 4; i++) readings[i].data = tap_shards_dataset(s);
        for (int i = 0; i < 3; i++) assert_int_equal(pthread_create(&threads[i], NULL, read_all, &readings[i]), 0);
        read_all(&readings[3]);
        for (int i = 0; i < 3; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
        for (int i = 0; i < 4; i++) assert_true(readings[i].ok && readings[i].sum == readings[3].sum && readings[i].sum != 0);
        tap_shards_free(s);
    }
}

/* ---- Elements that are converted ---- */

static void test_small_and_big_endian_elements(void **state)
{
    tap_tensor x;
    (void)state;
    scratch_write("i0", "\0\0\x0b\2\0\0\0\2\0\0\0\2\0\1\xff\xfe\1\0\0\3", 20);     /* int16 [[1,-2],[256,3]] */
    scratch_write("i1", "\0\0\x0c\2\0\0\0\1\0\0\0\2\0\0\0\7\xff\xff\xff\xf8", 20); /* int32 [[7,-8]] */
    tap_shards *s = tap_shards_new(TAP_SHARDS_STREAM);
    tap_shards_add(s, 2, (const char *[]){ "i0", "i1" }, NULL);
    tap_loader *l = tap_loader_new_dataset(tap_shards_dataset(s), NULL, (tap_loader_options){ 0 });
    assert_true(tap_loader_next(l, &x));
    assert_true(x.dtype == TAP_I64 && tap_shape_equal(x.shape, TAP_SHAPE(3, 2)));
    const int64_t expected[] = { 1, -2, 256, 3, 7, -8 };
    assert_memory_equal(x.data, expected, sizeof expected);
    tap_loader_free(l);
    tap_shards_free(s);
}

/* ---- Errors ---- */

static void refuse(tap_shards *s, const char *expected)
{
    const char *message;
    tap_loader *l = tap_loader_new_dataset(tap_shards_dataset(s), NULL, (tap_loader_options){ 0 });
    assert_true(tap_shards_status(s, &message) != TAP_OK);
    assert_string_equal(message, expected);
    assert_true(tap_loader_status(l, &message) != TAP_OK);
    assert_string_equal(message, expected);
    tap_loader_free(l);
    tap_shards_free(s);
}

static void test_files_that_do_not_fit(void **state)
{
    int         fd = scratch_next_fd();
    tap_shards *s = tap_shards_new(TAP_SHARDS_STREAM);
    (void)state;
    write_all();
    assert_int_equal(tap_npy_write("narrow", tap_tensor_wrap(TAP_F32, TAP_SHAPE(4, 3), values), NULL), TAP_OK);
    tap_shards_add(s, 2, (const char *[]){ "v0", "narrow" }, NULL);
    refuse(s, "narrow: has rows of float32 [3], and v0 has rows of float32 [5]");
    s = tap_shards_new(TAP_SHARDS_MAP);
    assert_int_equal(tap_npy_write("wide", tap_tensor_wrap(TAP_F64, TAP_SHAPE(1, 5), values), NULL), TAP_OK);
    tap_shards_add(s, 2, (const char *[]){ "v0", "wide" }, NULL);
    refuse(s, "wide: has rows of float64 [5], and v0 has rows of float32 [5]");
    s = tap_shards_new(TAP_SHARDS_MAP);
    tap_shards_add(s, 1, (const char *[]){ "v0" }, NULL);
    tap_shards_add(s, 1, (const char *[]){ "v2" }, NULL);
    refuse(s, "shards: field 1 has 15 rows, field 0 has 7");
    s = tap_shards_new(TAP_SHARDS_STREAM);
    assert_int_equal(tap_npy_write("one", tap_tensor_wrap(TAP_F64, TAP_SCALAR, values), NULL), TAP_OK);
    tap_shards_add(s, 1, (const char *[]){ "one" }, NULL);
    refuse(s, "one: must have rows, not shape []");
    s = tap_shards_new(TAP_SHARDS_STREAM);
    tap_shards_add(s, 1, (const char *[]){ "l0" }, "l");
    refuse(s, "l0: has no tensor 'l'");
    s = tap_shards_new(TAP_SHARDS_STREAM);
    tap_shards_add(s, 1, (const char *[]){ "none" }, NULL);
    refuse(s, "none: cannot open: No such file or directory");
    s = tap_shards_new(TAP_SHARDS_MAP);
    scratch_write("i0", "\0\0\x0b\1\0\0\0\1\0\1", 10);
    tap_shards_add(s, 1, (const char *[]){ "i0" }, NULL);
    refuse(s, "i0: cannot be mapped: its elements are int16, which must be converted");
    assert_int_equal(scratch_next_fd(), fd);
}

static void test_a_file_that_becomes_shorter(void **state)
{
    const char *message;
    tap_tensor  x[2];
    (void)state;
    write_all();
    for (int prefetch = 0; prefetch < 2; prefetch++) {
        tap_shards *s = open_all(TAP_SHARDS_STREAM);
        assert_int_equal(truncate("v2", 128 + 3 * WIDTH * 4 + 2), 0);
        tap_loader *l =
            tap_loader_new_dataset(tap_shards_dataset(s), NULL, (tap_loader_options){ .batch = 5, .prefetch = prefetch });
        assert_true(tap_loader_next(l, x));
        assert_true(tap_loader_next(l, x));
        assert_false(tap_loader_next(l, x));
        assert_int_equal(tap_loader_status(l, &message), TAP_EIO);
        assert_string_equal(message, "loader: row 10: v2: became shorter while it was used");
        tap_loader_free(l);
        tap_shards_free(s);
        write_all();
    }
}

/* ---- Checkpoints ---- */

/* A place in files is resumed in files, mapped or not, but not in others. */
static void test_resume(void **state)
{
    const tap_loader_options o = { .batch = 4, .shuffle = true };
    (void)state;
    write_all();
    for (int i = 0; i < 3; i++) {
        if (i == 2) write_values("v3", 20, 1);
        tap_shards     *s = open_all(i ? TAP_SHARDS_MAP : TAP_SHARDS_STREAM);
        tap_loader     *l = tap_loader_new_dataset(tap_shards_dataset(s), NULL, o);
        tap_checkpoint *c = tap_checkpoint_new("place");
        tap_tensor      x[2];
        tap_error       e = { 0 };
        int64_t         n;
        tap_checkpoint_loader(c, "data", l);
        assert_int_equal(tap_checkpoint_resume(c, &e), i == 1);
        if (i == 2) assert_non_null(strstr(e.message, "place: data was float32 [23,5] and 1 more with hash "));
        tap_loader_next(l, x);
        const int64_t *rows = tap_loader_rows(l, &n);
        for (int64_t k = 0; k < n; k++)
            assert_int_equal(rows[k],
                             tap_random_permuted(4 * (i == 1) + k, ROWS, (tap_rng_key){ 0, tap_random_hash("loader"), 0 }));
        if (i == 0) assert_int_equal(tap_checkpoint_save(c, &e), TAP_OK);
        tap_checkpoint_free(c);
        tap_loader_free(l);
        tap_shards_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_batches_as_in_memory),
        cmocka_unit_test(test_same_training_as_in_memory),
        cmocka_unit_test(test_loaders_in_threads),
        cmocka_unit_test(test_small_and_big_endian_elements),
        cmocka_unit_test(test_files_that_do_not_fit),
        cmocka_unit_test(test_a_file_that_becomes_shorter),
        cmocka_unit_test(test_resume),
    };
    return cmocka_run_group_tests(tests, begin, scratch_leave);
}
