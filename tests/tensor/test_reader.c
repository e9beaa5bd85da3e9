/* What readers of files share: what is no regular file, files that change while they are read. */
#define _XOPEN_SOURCE 700
#include "tensor/tensor.h"
#include "tests/tensor/scratch.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "tensor/io/reader.h"

static void expect_refusal(const char *path, tap_status status, const char *expected)
{
    tap__reader in;
    const char *message;
    tap_arena  *a = tap_arena_new();
    int         fd = scratch_next_fd();
    assert_false(tap__reader_open(&in, a, path, "format"));
    assert_int_equal(tap_arena_status(a, &message), status);
    assert_string_equal(message, expected);
    tap__reader_close(&in);
    assert_int_equal(scratch_next_fd(), fd);
    tap_arena_free(a);
}

/* Nobody writes to the pipe: opening it must not wait for that. */
static void test_no_regular_file(void **state)
{
    (void)state;
    assert_int_equal(mkfifo("pipe", 0600), 0);
    expect_refusal("pipe", TAP_EIO, "pipe: is not a regular file");
    expect_refusal(".", TAP_EIO, ".: is not a regular file");
    expect_refusal("/dev/zero", TAP_EIO, "/dev/zero: is not a regular file");
    expect_refusal("none", TAP_EIO, "none: cannot open: No such file or directory");
    expect_refusal("", TAP_EIO, "cannot open: No such file or directory");
    expect_refusal(NULL, TAP_EARG, "format: the path is NULL");
    unlink("pipe");
}

static void test_failed_arena(void **state)
{
    tap__reader in;
    const char *message;
    tap_arena  *a = tap_arena_new();
    (void)state;
    assert_false(tap__reader_open(&in, NULL, "x", "format"));
    tap_error_set(tap_arena_error(a), TAP_EARG, "first");
    assert_false(tap__reader_open(&in, a, "none", "format"));
    assert_int_equal(tap_arena_status(a, &message), TAP_EARG);
    assert_string_equal(message, "first");
    tap_arena_free(a);
}

static void test_reads_in_parts(void **state)
{
    tap__reader in;
    char        text[8] = "";
    tap_arena  *a = tap_arena_new();
    (void)state;
    scratch_write("x", "one two", 7);
    assert_true(tap__reader_open(&in, a, "x", "format"));
    assert_int_equal(in.left, 7);
    assert_true(tap__reader_read(&in, text, 4));
    assert_int_equal(in.left, 3);
    assert_true(tap__reader_read(&in, text, 0));
    assert_string_equal(text, "one ");
    assert_true(tap__reader_read(&in, text, 3));
    assert_string_equal(text, "two ");
    assert_int_equal(in.left, 0);
    tap__reader_close(&in);
    tap__reader_close(&in);
    assert_int_equal(tap_arena_status(a, NULL), TAP_OK);
    tap_arena_free(a);
    unlink("x");
}

static void test_shrinking_file(void **state)
{
    tap__reader in;
    char        text[8];
    const char *message;
    tap_arena  *a = tap_arena_new();
    (void)state;
    scratch_write("x", "one two", 7);
    assert_true(tap__reader_open(&in, a, "x", "format"));
    assert_true(tap__reader_read(&in, text, 3));
    assert_int_equal(truncate("x", 6), 0);
    assert_false(tap__reader_read(&in, text, 4));
    assert_int_equal(tap_arena_status(a, &message), TAP_EIO);
    assert_string_equal(message, "x: became shorter while it was read");
    tap__reader_close(&in);
    tap_arena_free(a);
    unlink("x");
}

static void test_unreadable(void **state)
{
    tap__reader in;
    const char *message;
    char        bytes[4];
    tap_arena  *a = tap_arena_new();
    (void)state;
    scratch_write("x", "one two", 7);
    assert_true(tap__reader_open(&in, a, "x", "format"));
    close(in.fd);
    in.fd = open("x", O_WRONLY);
    assert_false(tap__reader_read(&in, bytes, 4));
    assert_int_equal(tap_arena_status(a, &message), TAP_EIO);
    assert_string_equal(message, "x: cannot read: Bad file descriptor");
    tap__reader_close(&in);
    tap_arena_free(a);
    unlink("x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_regular_file), cmocka_unit_test(test_failed_arena), cmocka_unit_test(test_reads_in_parts),
        cmocka_unit_test(test_shrinking_file),  cmocka_unit_test(test_unreadable),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
