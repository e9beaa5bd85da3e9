/* tests/faults/test_calls.c: the n-th system call of a run fails, for every n and every plausible errno. The run must report
 * the path and the reason, and leave everything as it was; or succeed. Interrupted calls are repeated, short reads and writes
 * continued. */
#define _XOPEN_SOURCE 700
#include "tests/faults/faults.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/faults/calls.h"
#include "tests/heap.h"

static call_fault planned;
static long       n_calls;

void faults_end(void)
{
    calls_stop();
    heap_watch(false);
}

static void start(void)
{
    calls_watch(planned);
}

static bool stop(void)
{
    n_calls = calls_stop();
    return calls_failed();
}

/* zlib, which reads these formats, does not repeat an interrupted read, but reports it. */
static bool can_be_interrupted(const scenario *s, call_kind kind)
{
    static const char *const by_zlib[] = { "IDX", "Matrix Market", "table", "cells", "CIFAR" };
    for (size_t i = 0; kind == CALL_read && i < sizeof by_zlib / sizeof *by_zlib; i++)
        if (strstr(s->name, by_zlib[i])) return false;
    switch (kind) {
    case CALL_read:
    case CALL_create:
    case CALL_open:
    case CALL_open_stale:
    case CALL_open_folder:
    case CALL_fchmod:
    case CALL_flock:
    case CALL_write:
    case CALL_pread:
    case CALL_pwrite:
    case CALL_ftruncate:
    case CALL_fsync:
    case CALL_fsync_folder:
    case CALL_close: return true;
    default: return false;
    }
}

static tap_error try_with(const scenario *s, call_kind kind, call_fault f)
{
    planned = f;
    current_fault.leaves_file = kind == CALL_unlink && f.n > 0;
    current_fault.moves_previous = kind == CALL_rename && f.and_later;
    snprintf(current_fault.what, sizeof current_fault.what, "call %ld (%s%s): %s", f.n, call_infos[kind].name,
             f.and_later ? " and all later" : "", f.reason ? strerror(f.reason) : "cut short");
    heap_take();
    heap_watch(true);
    tap_error e = faults_run(s, start, stop, f.n <= 0);
    heap_watch(false);
    CHECK(!heap_is_interposed() || heap_take().outstanding == 0 || f.n < 0);
    return e;
}

static void try_reason(const scenario *s, call_kind kind, call_fault f)
{
    tap_error e = try_with(s, kind, f);
    CHECK(calls_failed());
    if (e.status == TAP_OK) {
        CHECK(!call_infos[kind].reported || f.reason == EINTR || strstr(skipped_message, strerror(f.reason)));
    } else {
        CHECK(f.reason != EINTR);
        CHECK(e.status == (f.reason == ENOMEM ? TAP_ENOMEM : TAP_EIO));
        CHECK(strstr(e.message, strerror(f.reason)));
        CHECK(!strncmp(e.message, "file: ", 6) || !strncmp(e.message, "link: ", 6) || !strncmp(e.message, "run: ", 5) ||
              !strncmp(e.message, "./", 2));
    }
}

static void test_scenario(void **state)
{
    static const int reasons[] = { ENOSPC, EIO, EACCES, EROFS, EDQUOT, ENOMEM };
    const scenario  *s = *state;
    try_with(s, CALL_open, (call_fault){ .n = -1 }); /* memory that the C library keeps from now on is no leak */
    try_with(s, CALL_open, (call_fault){ 0 });
    const long all = n_calls;
    for (long n = 1; n <= all; n++) {
        call_kind kind = call_number(n);
        for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
            try_reason(s, kind, (call_fault){ .n = n, .reason = reasons[i] });
            try_reason(s, kind, (call_fault){ .n = n, .reason = reasons[i], .and_later = true });
        }
        if (can_be_interrupted(s, kind)) try_reason(s, kind, (call_fault){ .n = n, .reason = EINTR });
        for (int bytes = 1; (kind == CALL_read || kind == CALL_write) && bytes < 10; bytes += 6) {
            CHECK(try_with(s, kind, (call_fault){ .n = n, .max_bytes = bytes }).status == TAP_OK);
            CHECK(try_with(s, kind, (call_fault){ .n = n, .max_bytes = bytes, .and_later = true }).status == TAP_OK);
        }
        try_with(s, CALL_open, (call_fault){ 0 }); /* so that the list of calls is that of a complete run again */
        CHECK(n_calls == all);
    }
    faults_count_scenario();
}

/* ---- Without injection ---- */

/* A limit on the size of files, in place of a full disk. */
static void test_full_disk(void **state)
{
    struct rlimit before, small;
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    void (*action)(int) = signal(SIGXFSZ, SIG_IGN);
    for (const scenario *s = file_scenarios; s->run; s++) {
        if (!s->writes) continue;
        tap_error e = { 0 };
        current_fault = (fault){ .scenario = s, .what = "a full disk" };
        if (s->before) s->before();
        small = before;
        small.rlim_cur = 12;
        setrlimit(RLIMIT_FSIZE, &small);
        s->run(&e);
        setrlimit(RLIMIT_FSIZE, &before);
        s->after(&e);
        CHECK(e.status == TAP_EIO && strstr(e.message, ": cannot write: File too large"));
    }
    signal(SIGXFSZ, action);
}

/* The superuser may write everywhere, so this runs as another user. */
static void test_read_only_folder(void **state)
{
    (void)state;
    for (const scenario *s = file_scenarios; s->run; s++) {
        if (!s->writes) continue;
        int code;
        current_fault = (fault){ .scenario = s, .what = "a read-only folder" };
        if (s->before) s->before();
        assert_int_equal(chmod(".", 0555), 0);
        pid_t child = fork();
        if (child == 0) {
            tap_error e = { 0 };
            if (geteuid() == 0 && setuid(65534) != 0) _exit(2);
            s->run(&e);
            _exit(e.status == TAP_EIO && strstr(e.message, "Permission denied") ? 0 : 1);
        }
        assert_int_equal(waitpid(child, &code, 0), child);
        assert_int_equal(chmod(".", 0755), 0);
        s->after(&(tap_error){ TAP_EIO, "" });
        CHECK(WIFEXITED(code));
        if (WEXITSTATUS(code) == 2) skip();
        CHECK(WEXITSTATUS(code) == 0);
    }
}

static int begin(void **state)
{
    tap_set_threads(1);
    return scratch_enter(state);
}

static int end(void **state)
{
    faults_count("system calls");
    return scratch_leave(state);
}

int main(void)
{
    struct CMUnitTest tests[64] = { cmocka_unit_test(test_full_disk), cmocka_unit_test(test_read_only_folder) };
    size_t            n = 2;
    for (const scenario *s = file_scenarios; s->run; s++) tests[n++] = faults_test(s, test_scenario);
    return _cmocka_run_group_tests("calls", tests, n, begin, end);
}
