/* Files are whole or untouched, whatever goes wrong on the way. */
#define _XOPEN_SOURCE 700
#include "tests/tensor/scratch.h"
#include "tensor/io/file.h"
#include "tensor/io/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <zlib.h>

static tap_status put(const char *path, const char *text, tap_error *e)
{
    tap_file *f = tap_file_create(path, e);
    if (!f) return e->status;
    tap_file_write(f, text, strlen(text));
    return tap_file_commit(f);
}

static mode_t mode_of(const char *path)
{
    struct stat s;
    assert_int_equal(lstat(path, &s), 0);
    return s.st_mode;
}

static void test_new_file(void **state)
{
    tap_error e = { 0 };
    mode_t    mask = umask(027);
    (void)state;
    tap_file *f = tap_file_create("new", &e);
    assert_non_null(f);
    assert_int_equal(tap_file_write(f, "half ", 5), TAP_OK);
    assert_int_equal(access("new", F_OK), -1);
    assert_int_equal(tap_file_write(f, "", 0), TAP_OK);
    assert_int_equal(tap_file_write(f, "whole", 5), TAP_OK);
    assert_int_equal(tap_file_commit(f), TAP_OK);
    umask(mask);
    scratch_expect("new", "half whole");
    assert_int_equal(mode_of("new"), S_IFREG | 0640);
    assert_int_equal(e.status, TAP_OK);
    assert_int_equal(scratch_count(), 1);
    unlink("new");
}

/* Packed on its way, in pieces of any size; what zlib reads is what was written, and the same bytes give the same file. */
static void test_gzip(void **state)
{
    enum { N = 300000 };
    char     *much = malloc(N), *back = malloc(N + 9);
    tap_error e = { 0 };
    size_t    n[2];
    (void)state;
    assert_true(much && back);
    for (int i = 0; i < N; i++) much[i] = (char)((uint64_t)i * 2654435761u >> 13);
    for (int k = 0; k < 2; k++) {
        tap_file *f = tap_file_create_gzip(k ? "b" : "a", &e);
        assert_int_equal(tap_file_write(f, "words", 5), TAP_OK);
        assert_int_equal(tap_file_write(f, "", 0), TAP_OK);
        assert_int_equal(tap_file_write(f, much, N), TAP_OK);
        assert_int_equal(tap_file_commit(f), TAP_OK);
    }
    gzFile f = gzopen("a", "rb");
    assert_int_equal(gzread(f, back, N + 9), N + 5);
    assert_false(gzdirect(f));
    assert_int_equal(gzclose(f), Z_OK);
    assert_memory_equal(back, "words", 5);
    assert_memory_equal(back + 5, much, N);
    char *a = scratch_read("a", &n[0]), *b = scratch_read("b", &n[1]);
    assert_true(n[0] == n[1] && n[0] > 1000);
    assert_memory_equal(a, b, n[0]);
    free(a), free(b), free(much), free(back);
    tap_file *empty = tap_file_create_gzip("a", &e);
    assert_int_equal(tap_file_commit(empty), TAP_OK);
    f = gzopen("a", "rb");
    assert_int_equal(gzread(f, n, 1), 0);
    assert_false(gzdirect(f));
    assert_int_equal(gzclose(f), Z_OK);
    tap_file_abandon(tap_file_create_gzip("c", &e));
    assert_int_equal(scratch_count(), 2);
    assert_int_equal(e.status, TAP_OK);
    assert_null(tap_file_create_gzip("none/file", &e));
    assert_int_equal(e.status, TAP_EIO);
    unlink("a"), unlink("b");
}

static void test_replaced_file(void **state)
{
    tap_error e = { 0 };
    (void)state;
    scratch_write("old", "before", 6);
    assert_int_equal(chmod("old", 0604), 0);
    tap_file *f = tap_file_create("./old", &e);
    assert_non_null(f);
    assert_int_equal(tap_file_write(f, "after", 5), TAP_OK);
    scratch_expect("old", "before");
    assert_int_equal(tap_file_commit(f), TAP_OK);
    scratch_expect("old", "after");
    assert_int_equal(mode_of("old"), S_IFREG | 0604);
    assert_int_equal(scratch_count(), 1);
    unlink("old");
}

static void test_abandoned_file(void **state)
{
    tap_error e = { 0 };
    (void)state;
    scratch_write("old", "before", 6);
    tap_file *f = tap_file_create("old", &e);
    assert_non_null(f);
    assert_int_equal(scratch_count(), 2);
    tap_file_write(f, "after", 5);
    tap_file_abandon(f);
    tap_file_abandon(NULL);
    scratch_expect("old", "before");
    assert_int_equal(scratch_count(), 1);
    unlink("old");
}

static void test_symbolic_link(void **state)
{
    tap_error e = { 0 };
    (void)state;
    assert_int_equal(mkdir("folder", 0777), 0);
    scratch_write("folder/target", "before", 6);
    assert_int_equal(symlink("folder/target", "link"), 0);
    assert_int_equal(put("link", "after", &e), TAP_OK);
    scratch_expect("folder/target", "after");
    assert_true(S_ISLNK(mode_of("link")));
    assert_int_equal(scratch_count(), 2);

    unlink("folder/target");
    assert_int_equal(put("link", "again", &e), TAP_EIO);
    assert_string_equal(e.message, "link: is a dangling symbolic link: No such file or directory");
    assert_int_equal(scratch_count(), 2);
    unlink("link");
    rmdir("folder");
}

static void test_bad_paths(void **state)
{
    static const struct {
        const char *path, *message;
    } bad[] = {
        { "missing/x", "missing/x: cannot create a file in its folder: No such file or directory" },
        { "folder", "folder: cannot replace: Is a directory" },
        { "folder/", "folder/: cannot replace: Is a directory" },
        { "plain/x", "plain/x: cannot create: Not a directory" },
        { "", "file: the path is empty" },
        { NULL, "file: the path is NULL" },
    };
    (void)state;
    assert_int_equal(mkdir("folder", 0777), 0);
    scratch_write("plain", "", 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        tap_error e = { 0 };
        assert_null(tap_file_create(bad[i].path, &e));
        assert_int_equal(e.status, bad[i].path && *bad[i].path ? TAP_EIO : TAP_EARG);
        assert_string_equal(e.message, bad[i].message);
        assert_null(tap_file_create(bad[i].path, NULL));
    }
    assert_int_equal(tap_file_write(NULL, "", 0), TAP_EARG);
    assert_int_equal(tap_file_commit(NULL), TAP_EARG);
    assert_int_equal(scratch_count(), 2);
    unlink("plain");
    rmdir("folder");
}

/* The super-user may write everything, so this is for somebody else. */
static void test_read_only_file(void **state)
{
    int code;
    (void)state;
    assert_int_equal(chmod(".", 0777), 0);
    scratch_write("fixed", "before", 6);
    assert_int_equal(chmod("fixed", 0444), 0);
    pid_t child = fork();
    if (child == 0) {
        tap_error e = { 0 };
        if (geteuid() == 0 && setuid(65534) != 0) _exit(2);
        bool refused =
            put("fixed", "after", &e) == TAP_EIO && strcmp(e.message, "fixed: cannot replace: Permission denied") == 0;
        _exit(refused && put("other", "fine", &(tap_error){ 0 }) == TAP_OK ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_true(WIFEXITED(code));
    assert_int_equal(WEXITSTATUS(code), 0);
    scratch_expect("fixed", "before");
    unlink("fixed");
    unlink("other");
}

static void test_disk_full(void **state)
{
    tap_error e = { 0 };
    (void)state;
    tap_file *f = tap_file_create("/dev/full", &e);
    assert_non_null(f);
    assert_int_equal(tap_file_write(f, "x", 1), TAP_EIO);
    assert_string_equal(e.message, "/dev/full: cannot write: No space left on device");
    assert_int_equal(tap_file_write(f, "x", 1), TAP_EIO);
    assert_int_equal(tap_file_commit(f), TAP_EIO);

    f = tap_file_create("/dev/full", NULL);
    assert_non_null(f);
    assert_int_equal(tap_file_write(f, "x", 1), TAP_EIO);
    assert_int_equal(tap_file_commit(f), TAP_EIO);
}

/* A write that stops half way. */
static void test_size_limit(void **state)
{
    static char   many[3000];
    tap_error     e = { 0 };
    struct rlimit before, small;
    (void)state;
    scratch_write("old", "before", 6);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 2000;
    void (*action)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    tap_file  *f = tap_file_create("old", &e);
    tap_status written = f ? tap_file_write(f, many, sizeof many) : TAP_OK;
    tap_status committed = f ? tap_file_commit(f) : TAP_OK;
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, action);
    assert_int_equal(written, TAP_EIO);
    assert_int_equal(committed, TAP_EIO);
    assert_string_equal(e.message, "old: cannot write: File too large");
    scratch_expect("old", "before");
    assert_int_equal(scratch_count(), 1);
    unlink("old");
}

/* The path became a folder between create and commit. */
static void test_failed_rename(void **state)
{
    tap_error e = { 0 };
    (void)state;
    tap_file *f = tap_file_create("x", &e);
    assert_non_null(f);
    assert_int_equal(mkdir("x", 0777), 0);
    assert_int_equal(tap_file_commit(f), TAP_EIO);
    assert_string_equal(e.message, "x: cannot replace: Is a directory");
    assert_int_equal(scratch_count(), 1);
    rmdir("x");
}

/* What a killed program left behind on the way to the same file makes room. What another one is writing does not. */
static void test_names_in_use(void **state)
{
    char      stale[64];
    tap_error e = { 0 };
    (void)state;
    snprintf(stale, sizeof stale, ".tapestry-%016" PRIx64 "-0.tmp", tap_random_hash("a"));
    scratch_write(stale, "stale", 5);
    assert_int_equal(chmod(stale, 0600), 0);
    tap_file *a = tap_file_create("a", &e), *again = tap_file_create("./a", &e), *b = tap_file_create("b", &e);
    assert_non_null(a);
    assert_non_null(again);
    assert_non_null(b);
    assert_int_equal(scratch_count(), 3);
    tap_file_write(a, "a", 1);
    tap_file_write(again, "again", 5);
    tap_file_write(b, "b", 1);
    assert_int_equal(tap_file_commit(b), TAP_OK);
    assert_int_equal(tap_file_commit(again), TAP_OK);
    scratch_expect("a", "again");
    assert_int_equal(tap_file_commit(a), TAP_OK);
    scratch_expect("a", "a");
    scratch_expect("b", "b");
    assert_true(mode_of("a") == mode_of("b"));
    assert_int_equal(scratch_count(), 2);
    unlink("a"), unlink("b");
}

static void put_keeping(const char *text, tap_status expected, tap_error *e)
{
    tap_file *f = tap_file_create("new", e);
    assert_non_null(f);
    assert_int_equal(tap__file_keep(f, "old"), TAP_OK);
    tap_file_write(f, text, strlen(text));
    assert_int_equal(tap_file_commit(f), expected);
}

static void test_generations(void **state)
{
    tap_error e = { 0 };
    (void)state;
    put_keeping("1", TAP_OK, &e);
    scratch_expect("new", "1");
    assert_int_equal(scratch_count(), 1);
    put_keeping("2", TAP_OK, &e);
    scratch_expect("new", "2");
    scratch_expect("old", "1");
    put_keeping("3", TAP_OK, &e);
    scratch_expect("new", "3");
    scratch_expect("old", "2");
    assert_int_equal(scratch_count(), 2);
    unlink("old");
    assert_int_equal(mkdir("old", 0777), 0);
    put_keeping("4", TAP_EIO, &e);
    assert_string_equal(e.message, "new: cannot keep the replaced file: Is a directory");
    scratch_expect("new", "3");
    assert_int_equal(scratch_count(), 2);
    assert_int_equal(tap__file_keep(NULL, "old"), TAP_EARG);
    unlink("new"), rmdir("old");
}

static void test_lock(void **state)
{
    tap_error   e = { 0 };
    char        text[TAP_MESSAGE_SIZE];
    tap__lock  *l = tap__lock_acquire("lock", "run", &e);
    const pid_t me = getpid();
    (void)state;
    assert_non_null(l);
    assert_null(tap__lock_acquire("lock", "run", &e));
    snprintf(text, sizeof text, "run: in use by another run, process %ld", (long)me);
    assert_string_equal(e.message, text);
    assert_int_equal(e.status, TAP_EIO);
    tap__lock_release(l);
    assert_int_equal(scratch_count(), 0);

    /* Its holder was killed. */
    e = (tap_error){ 0 };
    scratch_write("lock", "123456789", 9);
    l = tap__lock_acquire("lock", "run", &e);
    assert_non_null(l);
    snprintf(text, sizeof text, "%ld", (long)me);
    scratch_expect("lock", text);
    tap__lock_release(l);
    tap__lock_release(NULL);

    assert_null(tap__lock_acquire("nowhere/lock", "run", &e));
    assert_string_equal(e.message, "run: cannot create nowhere/lock: No such file or directory");
    assert_int_equal(scratch_count(), 0);
}

static void test_device(void **state)
{
    tap_error e = { 0 };
    (void)state;
    assert_int_equal(put("/dev/null", "gone", &e), TAP_OK);
    assert_true(S_ISCHR(mode_of("/dev/null")));
}

static void on_alarm(int number)
{
    (void)number;
}

enum { PIPED = 1 << 20 };

static void read_slowly(const char *path)
{
    char                  piece[8192];
    int                   fd, bad = 0;
    size_t                n = 0;
    const struct timespec pause = { 0, 20000000 };
    nanosleep(&pause, NULL);
    if ((fd = open(path, O_RDONLY)) < 0) _exit(2);
    nanosleep(&pause, NULL);
    for (ssize_t got; (got = read(fd, piece, sizeof piece)) > 0;) {
        for (ssize_t i = 0; i < got; i++) bad |= piece[i] != (char)((n + (size_t)i) % 251);
        n += (size_t)got;
    }
    _exit(bad || n != PIPED);
}

/* A pipe with a slow reader: signals cut into opening it and into writes. */
static void test_pipe_and_signals(void **state)
{
    tap_error        e = { 0 };
    struct sigaction action = { .sa_handler = on_alarm };
    struct itimerval often = { { 0, 2000 }, { 0, 2000 } }, never = { 0 };
    int              code;
    static char      bytes[PIPED];
    (void)state;
    for (size_t i = 0; i < PIPED; i++) bytes[i] = (char)(i % 251);
    assert_int_equal(mkfifo("pipe", 0600), 0);
    pid_t child = fork();
    if (child == 0) read_slowly("pipe");
    sigaction(SIGALRM, &action, NULL); /* for good: a last signal may arrive after the timer has stopped */
    setitimer(ITIMER_REAL, &often, NULL);
    tap_file  *f = tap_file_create("pipe", &e);
    tap_status written = f ? tap_file_write(f, bytes, PIPED) : TAP_EIO;
    tap_status committed = f ? tap_file_commit(f) : TAP_EIO;
    setitimer(ITIMER_REAL, &never, NULL);
    if (!f) kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_string_equal(e.message, "");
    assert_int_equal(written, TAP_OK);
    assert_int_equal(committed, TAP_OK);
    assert_true(WIFEXITED(code));
    assert_int_equal(WEXITSTATUS(code), 0);
    assert_true(S_ISFIFO(mode_of("pipe")));
    assert_int_equal(scratch_count(), 1);
    unlink("pipe");
}

/* An error that was there before says nothing about this file. */
/* Another process begins to write the same file over and over, as a check of whether it can be written does. It must not take a
 * temporary file that is about to be renamed for one that was left behind. */
static void test_writers_of_one_file(void **state)
{
    (void)state;
    enum { WRITES = 300 };
    tap_error e = { 0 };
    int       written = 0;
    pid_t     child = fork();
    assert_true(child >= 0);
    while (child == 0) tap_file_abandon(tap_file_create("shared", NULL));
    while (written < WRITES && put("shared", "text", &e) == TAP_OK) written++;
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    if (written < WRITES) fail_msg("write %d: %s", written + 1, e.message);
}

static void test_earlier_error(void **state)
{
    tap_error e = { 0 };
    (void)state;
    tap_error_set(&e, TAP_ESHAPE, "first");
    assert_int_equal(put("x", "fine", &e), TAP_OK);
    scratch_expect("x", "fine");
    assert_null(tap_file_create("missing/x", &e));
    assert_string_equal(e.message, "first");
    unlink("x");
}

int main(void)
{
    /* clang-format off */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gzip),
        cmocka_unit_test(test_new_file),      cmocka_unit_test(test_replaced_file), cmocka_unit_test(test_abandoned_file),
        cmocka_unit_test(test_symbolic_link), cmocka_unit_test(test_bad_paths),     cmocka_unit_test(test_read_only_file),
        cmocka_unit_test(test_disk_full),     cmocka_unit_test(test_size_limit),    cmocka_unit_test(test_failed_rename),
        cmocka_unit_test(test_names_in_use),
        cmocka_unit_test(test_generations),
        cmocka_unit_test(test_lock),  cmocka_unit_test(test_device),        cmocka_unit_test(test_pipe_and_signals),
        cmocka_unit_test(test_writers_of_one_file), cmocka_unit_test(test_earlier_error),
    };
    /* clang-format on */
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
