/* tests/tensor/limits.h: processes that are not given memory. Included behind cmocka.h. */
#ifndef TAP_TESTS_TENSOR_LIMITS_H
#define TAP_TESTS_TENSOR_LIMITS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Sanitizers and valgrind allocate for themselves, and do not survive a limit. */
static inline bool limits_are_survived(void)
{
    const char *preloaded = getenv("LD_PRELOAD");
#if defined(__SANITIZE_ADDRESS__)
    return false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
    return false;
#endif
#endif
    return !preloaded || !strstr(preloaded, "vgpreload");
}

/* Forbids the process to grow by more than so many bytes. */
static inline bool limit_growth(size_t bytes)
{
    unsigned long pages = 0;
    FILE         *f = fopen("/proc/self/statm", "r");
    bool          read = f && fscanf(f, "%lu", &pages) == 1;
    if (f) fclose(f);
    rlim_t most = pages * (rlim_t)sysconf(_SC_PAGESIZE) + bytes;
    return read && setrlimit(RLIMIT_AS, &(struct rlimit){ most, most }) == 0;
}

static inline int exit_code_of(int (*child)(void))
{
    int   status;
    pid_t id = fork();
    assert_true(id >= 0);
    if (id == 0) _exit(child());
    assert_int_equal(waitpid(id, &status, 0), id);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static inline int exceed_limit(void)
{
    void *volatile p = limit_growth(0) ? malloc((size_t)1 << 30) : NULL;
    return p != NULL;
}

/* The rest of a test in a process of its own, which says with its exit code what went wrong. Skipped where limits would end more than the
 * test, or, as under qemu, nothing. */
static inline void assert_child_succeeds(int (*child)(void))
{
    if (!limits_are_survived() || exit_code_of(exceed_limit) != 0) skip();
    assert_int_equal(exit_code_of(child), 0);
}

#endif
