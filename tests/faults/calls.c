#undef _FORTIFY_SOURCE /* which would have some of these be macros */
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
#include <sys/stat.h>
#include <unistd.h>

#include "tests/faults/calls.h"

enum { MOST = 4096 };

#define CALL_ABOUT(name, reported) { #name, reported },
const call_about call_abouts[CALLS] = { CALL_KINDS(CALL_ABOUT) };

static bool       watching, failed;
static call_fault fault;
static long       n_calls;
static call_kind  calls[MOST];

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

/* Counts the call, and tells whether it is the one, or of its kind and behind it. */
static bool meets(call_kind kind)
{
    if (!watching || n_calls == MOST) return false;
    calls[n_calls++] = kind;
    if (n_calls != fault.n && !(failed && fault.all_behind && kind == calls[fault.n - 1])) return false;
    return failed = true;
}

/* Whether the call fails, with its reason set. */
static bool fails(call_kind kind)
{
    if (!meets(kind) || fault.reason == 0) return false;
    errno = fault.reason;
    return true;
}

/* The function of this name behind ours. */
#define BEHIND(type, name, ...) \
    static type (*behind)(__VA_ARGS__); \
    if (!behind) { \
        void *found = dlsym(RTLD_NEXT, name); \
        memcpy(&behind, &found, sizeof behind); \
    }

/* With files of any size, as the library is built, the names end in 64. */
#if defined(__GLIBC__) && defined(_FILE_OFFSET_BITS) && _FILE_OFFSET_BITS == 64
#define LARGE(name) name "64"
#else
#define LARGE(name) name
#endif

/* Files that are ours by name, and descriptors by what they may do. */
static bool is_own(const char *path)
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
    BEHIND(int, LARGE("open"), const char *, int, ...)
    call_kind kind = flags & O_CREAT       ? CALL_create
                     : flags & O_DIRECTORY ? CALL_open_folder
                     : is_own(path)        ? CALL_open_stale
                                           : CALL_open;
    return fails(kind) ? -1 : behind(path, flags, mode);
}

int stat(const char *restrict path, struct stat *restrict s)
{
    BEHIND(int, LARGE("stat"), const char *, struct stat *)
    return fails(CALL_stat) ? -1 : behind(path, s);
}

int lstat(const char *restrict path, struct stat *restrict s)
{
    BEHIND(int, LARGE("lstat"), const char *, struct stat *)
    return fails(is_own(path) ? CALL_lstat_own : CALL_lstat) ? -1 : behind(path, s);
}

int fstat(int fd, struct stat *s)
{
    BEHIND(int, LARGE("fstat"), int, struct stat *)
    return fails(access_mode(fd) == O_RDONLY ? CALL_fstat : CALL_fstat_own) ? -1 : behind(fd, s);
}

int access(const char *path, int mode)
{
    BEHIND(int, "access", const char *, int)
    return fails(mode & W_OK ? CALL_may_write : CALL_exists) ? -1 : behind(path, mode);
}

int fchmod(int fd, mode_t mode)
{
    BEHIND(int, "fchmod", int, mode_t)
    return fails(CALL_fchmod) ? -1 : behind(fd, mode);
}

int flock(int fd, int how)
{
    BEHIND(int, "flock", int, int)
    return fails(CALL_flock) ? -1 : behind(fd, how);
}

/* An old form of it takes no NULL, and dlsym gives that one. */
char *realpath(const char *restrict path, char *restrict to)
{
    BEHIND(char *, "realpath", const char *, char *)
    if (fails(CALL_realpath)) return NULL;
    char *mine = to ? NULL : malloc(PATH_MAX), *found = to || mine ? behind(path, to ? to : mine) : NULL;
    if (!found) free(mine);
    return found;
}

/* How much of n bytes is to be done. */
static size_t cut(size_t n)
{
    return n < (size_t)fault.at_most ? n : (size_t)fault.at_most;
}

ssize_t read(int fd, void *to, size_t n)
{
    BEHIND(ssize_t, "read", int, void *, size_t)
    if (!meets(CALL_read)) return behind(fd, to, n);
    if (fault.reason == 0) return behind(fd, to, cut(n));
    errno = fault.reason;
    return -1;
}

ssize_t write(int fd, const void *from, size_t n)
{
    BEHIND(ssize_t, "write", int, const void *, size_t)
    if (!meets(CALL_write)) return behind(fd, from, n);
    if (fault.reason == 0) return behind(fd, from, cut(n));
    errno = fault.reason;
    return -1;
}

ssize_t pread(int fd, void *to, size_t n, off_t at)
{
    BEHIND(ssize_t, LARGE("pread"), int, void *, size_t, off_t)
    return fails(CALL_pread) ? -1 : behind(fd, to, n, at);
}

ssize_t pwrite(int fd, const void *from, size_t n, off_t at)
{
    BEHIND(ssize_t, LARGE("pwrite"), int, const void *, size_t, off_t)
    return fails(CALL_pwrite) ? -1 : behind(fd, from, n, at);
}

int ftruncate(int fd, off_t n)
{
    BEHIND(int, LARGE("ftruncate"), int, off_t)
    return fails(CALL_ftruncate) ? -1 : behind(fd, n);
}

off_t lseek(int fd, off_t at, int from)
{
    BEHIND(off_t, LARGE("lseek"), int, off_t, int)
    return fails(CALL_lseek) ? -1 : behind(fd, at, from);
}

int fsync(int fd)
{
    return fails(is_folder(fd) ? CALL_fsync_folder : CALL_fsync) ? -1 : 0;
}

/* Closed in any case, as Linux does it. */
int close(int fd)
{
    BEHIND(int, "close", int)
    call_kind kind = access_mode(fd) == O_WRONLY ? CALL_close_written : CALL_close;
    int       result = behind(fd);
    return fails(kind) ? -1 : result;
}

int rename(const char *from, const char *to)
{
    BEHIND(int, "rename", const char *, const char *)
    return fails(CALL_rename) ? -1 : behind(from, to);
}

int unlink(const char *path)
{
    BEHIND(int, "unlink", const char *)
    return fails(CALL_unlink) ? -1 : behind(path);
}
