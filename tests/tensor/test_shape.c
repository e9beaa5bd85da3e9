/* Dtypes, shapes, axes, and the errors that everything reports with. */
#define _POSIX_C_SOURCE 200809L
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "layouts.h"
#include "tensor/error.h"
#include "tensor/shape.h"

static void test_dtypes(void **state)
{
    (void)state;
    static const struct {
        tap_dtype   dtype;
        size_t      size;
        const char *name;
        bool        is_float;
    } all[] = {
        { TAP_F32, sizeof(float), "float32", true },
        { TAP_F64, sizeof(double), "float64", true },
        { TAP_I64, sizeof(int64_t), "int64", false },
        { TAP_U8, 1, "uint8", false },
        { TAP_BOOL, 1, "bool", false },
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        assert_int_equal(tap_dtype_size(all[i].dtype), all[i].size);
        assert_string_equal(tap_dtype_name(all[i].dtype), all[i].name);
        assert_int_equal(tap_dtype_is_float(all[i].dtype), all[i].is_float);
    }
    static const int none[] = { -1, 5, 1000 };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        assert_int_equal(tap_dtype_size((tap_dtype)none[i]), 0);
        assert_string_equal(tap_dtype_name((tap_dtype)none[i]), "unknown dtype");
        assert_false(tap_dtype_is_float((tap_dtype)none[i]));
    }
}

static void test_numel(void **state)
{
    (void)state;
    const int64_t big = INT64_C(1) << 40, most = INT64_MAX / 8;
    assert_int_equal(tap_numel(TAP_SCALAR), 1);
    assert_int_equal(tap_numel(TAP_SHAPE(7)), 7);
    assert_int_equal(tap_numel(TAP_SHAPE(2, 3, 4, 5, 6, 7, 8, 9)), 362880);
    assert_int_equal(tap_numel(TAP_SHAPE(3, 0, 5)), 0);
    assert_int_equal(tap_numel(TAP_SHAPE(3, -1)), -1);
    assert_int_equal(tap_numel(TAP_SHAPE(0, -1)), -1);
    assert_int_equal(tap_numel((tap_shape){ .rank = -1 }), -1);
    assert_int_equal(tap_numel((tap_shape){ .rank = TAP_MAX_RANK + 1 }), -1);
    assert_int_equal(tap_numel(TAP_SHAPE(most)), most);
    assert_int_equal(tap_numel(TAP_SHAPE(most + 1)), -1);
    assert_int_equal(tap_numel(TAP_SHAPE(INT64_MAX, 2)), -1);
    assert_int_equal(tap_numel(TAP_SHAPE(INT64_C(1) << 32, INT64_C(1) << 32)), -1);
    assert_int_equal(tap_numel(TAP_SHAPE(0, big, big)), -1);
    assert_int_equal(tap_numel(TAP_SHAPE(big, big, 0)), -1);
    assert_int_equal(tap_numel(TAP_SHAPE(big, 0, 1 << 19)), 0);
}

static void test_equal(void **state)
{
    (void)state;
    tap_shape odd = { .rank = 1, .n = { 3, 9, 9 } };
    assert_true(tap_shape_equal(TAP_SCALAR, TAP_SCALAR));
    assert_true(tap_shape_equal(TAP_SHAPE(3, 4), TAP_SHAPE(3, 4)));
    assert_true(tap_shape_equal(TAP_SHAPE(3), odd));
    assert_false(tap_shape_equal(TAP_SHAPE(3, 4), TAP_SHAPE(4, 3)));
    assert_false(tap_shape_equal(TAP_SHAPE(3), TAP_SHAPE(3, 1)));
    assert_false(tap_shape_equal(TAP_SCALAR, TAP_SHAPE(1)));
    for (int i = 0; i < TAP_MAX_RANK; i++) {
        tap_shape a = TAP_SHAPE(1, 2, 3, 4, 5, 6, 7, 8), b = a;
        assert_true(tap_shape_equal(a, b));
        b.n[i] = 9;
        assert_false(tap_shape_equal(a, b));
    }
}

static void test_format(void **state)
{
    (void)state;
    char      text[TAP_SHAPE_TEXT], wide[TAP_SHAPE_TEXT];
    tap_shape longest = { .rank = TAP_MAX_RANK };
    assert_string_equal(tap_shape_format(text, TAP_SCALAR), "[]");
    assert_string_equal(tap_shape_format(text, TAP_SHAPE(0)), "[0]");
    assert_ptr_equal(tap_shape_format(text, TAP_SHAPE(128, 784)), text);
    assert_string_equal(text, "[128,784]");
    for (int i = 0; i < TAP_MAX_RANK; i++) longest.n[i] = INT64_MIN;
    assert_int_equal(strlen(tap_shape_format(text, longest)), TAP_MAX_RANK * 21 + 1);
    assert_int_equal(text[TAP_MAX_RANK * 21], ']');
    longest.rank = 1000;
    assert_string_equal(tap_shape_format(wide, longest), text);
    longest.rank = -3;
    assert_string_equal(tap_shape_format(text, longest), "[]");
}

static void test_broadcast(void **state)
{
    (void)state;
    static const struct {
        tap_shape a, b, out;
        bool      fits;
    } cases[] = {
        { { 0, { 0 } }, { 0, { 0 } }, { 0, { 0 } }, true },
        { { 0, { 0 } }, { 2, { 3, 4 } }, { 2, { 3, 4 } }, true },
        { { 1, { 4 } }, { 2, { 3, 4 } }, { 2, { 3, 4 } }, true },
        { { 2, { 3, 1 } }, { 2, { 1, 4 } }, { 2, { 3, 4 } }, true },
        { { 3, { 5, 1, 4 } }, { 2, { 3, 1 } }, { 3, { 5, 3, 4 } }, true },
        { { 2, { 1, 4 } }, { 2, { 0, 4 } }, { 2, { 0, 4 } }, true },
        { { 1, { 3 } }, { 1, { 4 } }, { 0, { 0 } }, false },
        { { 2, { 3, 4 } }, { 1, { 3 } }, { 0, { 0 } }, false },
        { { 1, { 0 } }, { 1, { 2 } }, { 0, { 0 } }, false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tap_shape there, back;
        assert_int_equal(tap__broadcast_shapes(cases[i].a, cases[i].b, &there), cases[i].fits);
        assert_int_equal(tap__broadcast_shapes(cases[i].b, cases[i].a, &back), cases[i].fits);
        if (!cases[i].fits) continue;
        assert_true(tap_shape_equal(there, cases[i].out));
        assert_true(tap_shape_equal(back, cases[i].out));
    }
}

static void test_axis(void **state)
{
    (void)state;
    for (int rank = 0; rank <= TAP_MAX_RANK; rank++) {
        for (int axis = -10; axis <= 10; axis++) {
            int  found = axis;
            bool good = axis < 0 ? -axis <= rank : axis < rank;
            assert_int_equal(tap__normalize_axis(&found, rank), good);
            if (good) assert_int_equal(found, axis < 0 ? axis + rank : axis);
        }
    }
}

/* Every set of axes of a rank, written with positive and negative numbers, forwards and backwards. */
static void test_reduced_shapes(void **state)
{
    (void)state;
    for (int rank = 0; rank <= 5; rank++) {
        tap_shape shape = { .rank = rank, .n = { 2, 3, 5, 7, 11 } };
        for (unsigned set = 0; set < 1u << rank; set++) {
            for (int form = 0; form < 8; form++) {
                bool      keepdim = form & 4;
                tap_axes  axes = { .keepdim = keepdim };
                tap_shape want = { 0 }, got;
                unsigned  mask = 99;
                for (int k = 0; k < rank; k++) {
                    int axis = form & 2 ? rank - 1 - k : k;
                    if (set & 1u << axis) axes.axis[axes.n++] = form & 1 ? axis - rank : axis;
                    if (!(set & 1u << k)) want.n[want.rank++] = shape.n[k];
                    else if (keepdim) want.n[want.rank++] = 1;
                }
                assert_int_equal(tap__reduced_shape(shape, axes, &mask, &got, NULL), TAP_OK);
                assert_int_equal(mask, set);
                assert_true(tap_shape_equal(got, want));
            }
        }
    }
}

static void test_reduced_all(void **state)
{
    (void)state;
    unsigned  mask;
    tap_shape out;
    assert_int_equal(tap__reduced_shape(TAP_SHAPE(1, 2, 3, 4, 5, 6, 7, 8), TAP_ALL, &mask, &out, NULL), TAP_OK);
    assert_int_equal(mask, 255);
    assert_int_equal(out.rank, 0);
    assert_int_equal(tap__reduced_shape(TAP_SHAPE(3, 4), tap_keepdim(TAP_ALL), &mask, &out, NULL), TAP_OK);
    assert_int_equal(mask, 3);
    assert_true(tap_shape_equal(out, TAP_SHAPE(1, 1)));
    assert_int_equal(tap__reduced_shape(TAP_SHAPE(3, 4), TAP_LAST, &mask, &out, NULL), TAP_OK);
    assert_int_equal(mask, 2);
    assert_true(tap_shape_equal(out, TAP_SHAPE(3)));
    assert_int_equal(tap__reduced_shape(TAP_SCALAR, TAP_LAST, &mask, &out, NULL), TAP_OK);
    assert_int_equal(mask, 0);
    assert_int_equal(out.rank, 0);
}

static void test_reduced_errors(void **state)
{
    (void)state;
    unsigned  mask;
    tap_shape out;
    static const struct {
        tap_axes    axes;
        const char *message;
    } cases[] = {
        { { .n = 1, .axis = { 2 } }, "axis 2 is out of range for rank 2" },
        { { .n = 1, .axis = { -3 } }, "axis -3 is out of range for rank 2" },
        { { .n = 2, .axis = { 1, -1 } }, "axis -1 is named twice" },
        { { .n = 9 }, "the number of axes must be 0 to 8, not 9" },
        { { .n = -1 }, "the number of axes must be 0 to 8, not -1" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tap_error e = { TAP_OK, "" };
        assert_int_equal(tap__reduced_shape(TAP_SHAPE(3, 4), cases[i].axes, &mask, &out, &e), TAP_EARG);
        assert_error(&e, TAP_EARG, cases[i].message);
    }
}

static void test_statuses(void **state)
{
    (void)state;
    static const char *const names[] = { "TAP_OK",   "TAP_ENOMEM", "TAP_ESHAPE", "TAP_EDTYPE",
                                         "TAP_EARG", "TAP_ESTALE", "TAP_EIO",    "TAP_ENONFINITE" };
    for (int i = 0; i <= TAP_ENONFINITE; i++) assert_string_equal(tap_status_name((tap_status)i), names[i]);
    assert_string_equal(tap_status_name((tap_status)99), "unknown status");
}

static void test_first_error_sticks(void **state)
{
    (void)state;
    tap_error e = { TAP_OK, "" }, other = { TAP_OK, "" };
    assert_int_equal(tap_error_set(&e, TAP_OK, "nothing"), TAP_OK);
    assert_error(&e, TAP_OK, "");
    assert_int_equal(tap__error_copy(&other, &e), TAP_OK);
    assert_int_equal(tap_error_set(&e, TAP_EIO, "%s: %d", "first", 1), TAP_EIO);
    assert_int_equal(tap_error_set(&e, TAP_EARG, "second"), TAP_EIO);
    assert_int_equal(tap_error_set(&e, TAP_OK, "third"), TAP_EIO);
    assert_error(&e, TAP_EIO, "first: 1");
    assert_int_equal(tap_error_set(NULL, TAP_EARG, "nobody listens"), TAP_EARG);
    assert_int_equal(tap_error_set(NULL, TAP_OK, "nobody listens"), TAP_OK);

    assert_int_equal(tap__error_copy(&other, &e), TAP_EIO);
    assert_error(&other, TAP_EIO, "first: 1");
    tap_error later = { TAP_ESHAPE, "later" };
    assert_int_equal(tap__error_copy(&other, &later), TAP_EIO);
    assert_int_equal(tap__error_copy(NULL, &later), TAP_ESHAPE);
    assert_error(&other, TAP_EIO, "first: 1");
}

static void test_long_message_is_cut(void **state)
{
    (void)state;
    char      text[2 * TAP_MESSAGE_SIZE];
    tap_error e = { TAP_OK, "" };
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    tap_error_set(&e, TAP_EARG, "%s", text);
    assert_int_equal(strlen(e.message), TAP_MESSAGE_SIZE - 1);
    assert_memory_equal(e.message, text, TAP_MESSAGE_SIZE - 1);
}

/* How a child process ends that meets an error with TAP_ABORT set to `value`; *said is what it wrote to stderr. */
static int end_of_child(const char *value, char *said, size_t size)
{
    int    ends[2], status;
    size_t n = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        setenv("TAP_ABORT", value, 1);
        tap_error_set(NULL, TAP_OK, "no error");
        _exit(tap_error_set(NULL, TAP_EARG, "axis %d is odd", 7) == TAP_EARG ? 0 : 1);
    }
    close(ends[1]);
    for (ssize_t got; n < size - 1 && (got = read(ends[0], said + n, size - 1 - n)) > 0;) n += (size_t)got;
    said[n] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void test_abort_when_asked(void **state)
{
    (void)state;
    char said[4096];
    int  status = end_of_child("1", said, sizeof said);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(said, "tapestry: axis 7 is odd\n"));
    assert_null(strstr(said, "no error"));
    status = end_of_child("0", said, sizeof said);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_null(strstr(said, "tapestry"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dtypes),
        cmocka_unit_test(test_numel),
        cmocka_unit_test(test_equal),
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_broadcast),
        cmocka_unit_test(test_axis),
        cmocka_unit_test(test_reduced_shapes),
        cmocka_unit_test(test_reduced_all),
        cmocka_unit_test(test_reduced_errors),
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_first_error_sticks),
        cmocka_unit_test(test_long_message_is_cut),
        cmocka_unit_test(test_abort_when_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
