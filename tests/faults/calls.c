/* tests/faults/calls.c: system calls that are counted, and fail on demand. */
#undef _FORTIFY_SOURCE /* it makes macros of some of these functions */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/faults/calls.h"

enum { MAX_CALLS = 4096 };

#define CALL_INFO(name, reported) { #name, reported },
const call_info call_infos[CALLS] = { CALL_KINDS(CALL_INFO) };

static bool       watching, failed;
static call_fault fault;
static long       n_calls;
static call_kind  calls[MAX_CALLS];

void calls_watch(call_fault f)
{
    fault = f;
    failed = false;
    n_calls = 0;
    watching = true;
}

long calls_stop(void)
{
    watching = false;
    return n_calls;
}

call_kind call_number(long n)
{
    return calls[n - 1];
}

bool calls_failed(void)
{
    return failed;
}

/* Counts the call, and returns whether the fault applies to it. */
static bool count_call(call_kind kind)
{
    if (!watching || n_calls == MAX_CALLS) return false;
    calls[n_calls++] = kind;
    if (n_calls != fault.n && !(failed && fault.and_later && kind == calls[fault.n - 1])) return false;
    return failed = true;
}

/* Whether the call fails. Then errno is set. */
static bool fails(call_kind kind)
{
    if (!count_call(kind) || fault.reason == 0) return false;
    errno = fault.reason;
    return true;
}

/* Declares `real`, the function of this name that is interposed here. */
#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) { \
        void *found = dlsym(RTLD_NEXT, name); \
        memcpy(&real, &found, sizeof real); \
    }

/* Built for large files, as the library is, the names end in 64. */
#if defined(__GLIBC__) && defined(_FILE_OFFSET_BITS) && _FILE_OFFSET_BITS == 64
#define LARGE(name) name "64"
#else
#define LARGE(name) name
#endif

/* Temporary files and locks are known by their names, descriptors by their mode. */
static bool is_temporary(const char *path)
{
    return strstr(path, ".tmp") || strstr(path, ".lock");
}

static int access_mode(int fd)
{
    return fcntl(fd, F_GETFL) & O_ACCMODE;
}

static bool is_folder(int fd)
{
    return fcntl(fd, F_GETFL) & O_DIRECTORY;
}

int open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    REAL(int, LARGE("open"), const char *, int, ...)
    call_kind kind = flags & O_CREAT       ? CALL_create
                     : flags & O_DIRECTORY ? CALL_open_folder
                     : is_temporary(path)  ? CALL_open_stale
                                           : CALL_open;
    return fails(kind) ? -1 : real(path, flags, mode);
}

int stat(const char *restrict path, struct stat *restrict s)
{
    REAL(int, LARGE("stat"), const char *, struct stat *)
    return fails(CALL_stat) ? -1 : real(path, s);
}

int lstat(const char *restrict path, struct stat *restrict s)
{
    REAL(int, LARGE("lstat"), const char *, struct stat *)
    return fails(is_temporary(path) ? CALL_lstat_temporary : CALL_lstat) ? -1 : real(path, s);
}

int fstat(int fd, struct stat *s)
{
    REAL(int, LARGE("fstat"), int, struct stat *)
    return fails(access_mode(fd) == O_RDONLY ? CALL_fstat : CALL_fstat_written) ? -1 : real(fd, s);
}

int access(const char *path, int mode)
{
    REAL(int, "access", const char *, int)
    return fails(mode & W_OK ? CALL_may_write : CALL_exists) ? -1 : real(path, mode);
}

int fchmod(int fd, mode_t mode)
{
    REAL(int, "fchmod", int, mode_t)
    return fails(CALL_fchmod) ? -1 : real(fd, mode);
}

int flock(int fd, int how)
{
    REAL(int, "flock", int, int)
    return fails(CALL_flock) ? -1 : real(fd, how);
}

/* dlsym finds an old version of realpath, which does not accept NULL. */
char *realpath(const char *restrict path, char *restrict to)
{
    REAL(char *, "realpath", const char *, char *)
    if (fails(CALL_realpath)) return NULL;
    char *mine = to ? NULL : malloc(PATH_MAX), *found = to || mine ? real(path, to ? to : mine) : NULL;
    if (!found) free(mine);
    return found;
}

/* The bytes that a shortened call transfers. */
static size_t shorten(size_t n)
{
    return n < (size_t)fault.max_bytes ? n : (size_t)fault.max_bytes;
}

ssize_t read(int fd, void *to, size_t n)
{
    REAL(ssize_t, "read", int, void *, size_t)
    if (!count_call(CALL_read)) return real(fd, to, n);
    if (fault.reason == 0) return real(fd, to, shorten(n));
    errno = fault.reason;
    return -1;
}

ssize_t write(int fd, const void *from, size_t n)
{
    REAL(ssize_t, "write", int, const void *, size_t)
    if (!count_call(CALL_write)) return real(fd, from, n);
    if (fault.reason == 0) return real(fd, from, shorten(n));
    errno = fault.reason;
    return -1;
}

ssize_t pread(int fd, void *to, size_t n, off_t at)
{
    REAL(ssize_t, LARGE("pread"), int, void *, size_t, off_t)
    return fails(CALL_pread) ? -1 : real(fd, to, n, at);
}

ssize_t pwrite(int fd, const void *from, size_t n, off_t at)
{
    REAL(ssize_t, LARGE("pwrite"), int, const void *, size_t, off_t)
    return fails(CALL_pwrite) ? -1 : real(fd, from, n, at);
}

/* Of files only: allocators map memory, too. */
void *mmap(void *at, size_t n, int access, int flags, int fd, off_t from)
{
    REAL(void *, LARGE("mmap"), void *, size_t, int, int, int, off_t)
    return fd >= 0 && fails(CALL_mmap) ? MAP_FAILED : real(at, n, access, flags, fd, from);
}

int ftruncate(int fd, off_t n)
{
    REAL(int, LARGE("ftruncate"), int, off_t)
    return fails(CALL_ftruncate) ? -1 : real(fd, n);
}

off_t lseek(int fd, off_t at, int from)
{
    REAL(off_t, LARGE("lseek"), int, off_t, int)
    return fails(CALL_lseek) ? -1 : real(fd, at, from);
}

int fsync(int fd)
{
    return fails(is_folder(fd) ? CALL_fsync_folder : CALL_fsync) ? -1 : 0;
}

/* The descriptor is closed even if the call fails, as under Linux. Files are synced before, so that nothing is lost. */
int close(int fd)
{
    REAL(int, "close", int)
    int result = real(fd);
    return fails(CALL_close) ? -1 : result;
}

int rename(const char *from, const char *to)
{
    REAL(int, "rename", const char *, const char *)
    return fails(CALL_rename) ? -1 : real(from, to);
}

int unlink(const char *path)
{
    REAL(int, "unlink", const char *)
    return fails(CALL_unlink) ? -1 : real(path);
}
