/* tensor/io/lock.c: locks between processes, by flock on a file that holds the process number of its owner. */
#define _DEFAULT_SOURCE /* flock */
#define _XOPEN_SOURCE   700
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "tensor/text.h"
#include "tensor/io/file.h"
#include "tensor/io/lock.h"

struct tap__lock {
    int  fd;
    char path[];
};

/* Reports that the lock is held, and by which process. */
static void fail_locked(int fd, const char *where, tap_error *e)
{
    char    pid[24] = "";
    ssize_t n = pread(fd, pid, sizeof pid - 1, 0);
    bool    known = n > 0 && strspn(pid, "0123456789") == (size_t)n;
    tap_error_set(e, TAP_EIO, "%s: in use by another run%s%s", where, known ? ", process " : "", known ? pid : "");
}

/* A process that was killed a moment ago may hold its lock a little longer, so acquiring is tried again for a second. */
enum { MAX_TRIES = 100, RETRY_MS = 10 };

/* Opens and locks the file. Returns 1, or 0 and an error, or -1 if a later try may succeed. */
static int try_to_lock(tap__lock *l, bool last, const char *where, tap_error *e)
{
    l->fd = tap__open(l->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (l->fd < 0) {
        tap_error_set(e, tap__errno_status(errno), "%s: cannot create %s: %s", where, l->path, tap__strerror(errno));
        return 0;
    }
    if (flock(l->fd, LOCK_EX | LOCK_NB) == 0) return tap__is_file_at(l->fd, l->path, true) ? 1 : -1;
    if (errno != EWOULDBLOCK) return 1;
    if (last) fail_locked(l->fd, where, e);
    return last ? 0 : -1;
}

tap__lock *tap__lock_acquire(const char *path, const char *where, tap_error *e)
{
    char       pid[24];
    size_t     size = strlen(path) + 1;
    tap__lock *l = malloc(sizeof *l + size);
    if (!l) {
        tap_error_set(e, TAP_ENOMEM, "%s: no memory to lock it", where);
        return NULL;
    }
    memcpy(l->path, path, size);
    int result = -1;
    for (int i = 1; result < 0; i++) {
        result = try_to_lock(l, i >= MAX_TRIES, where, e);
        if (result >= 0) break;
        close(l->fd);
        nanosleep(&(struct timespec){ .tv_nsec = RETRY_MS * 1000000 }, NULL);
    }
    if (result == 0) {
        if (l->fd >= 0) close(l->fd);
        free(l);
        return NULL;
    }
    int  n = snprintf(pid, sizeof pid, "%ld", (long)getpid());
    bool written = pwrite(l->fd, pid, (size_t)n, 0) == n && ftruncate(l->fd, n) == 0;
    (void)written; /* the number only serves other processes' messages: a full disk is no error */
    return l;
}

void tap__lock_release(tap__lock *l)
{
    if (!l) return;
    unlink(l->path); /* while it is still locked */
    close(l->fd);
    free(l);
}
