/* tensor/io/file.c: files that are written as a whole or not at all. Bytes go to a temporary file in the target's folder,
 * which a commit syncs and renames over the target. If the target is a symbolic link, the file that it points to is
 * replaced. Permissions stay. A device or a pipe (/dev/stdout in a pipeline) cannot be replaced and is written directly. */
#define _DEFAULT_SOURCE /* flock */
#define _XOPEN_SOURCE   700
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "tensor/text.h"
#include "tensor/io/file.h"

enum { MAX_WRITE = 1 << 30, NAME_TRIES = 1000, GZIP_BUFFER = 1 << 16 };

/* A gzip stream and its output buffer. */
typedef struct {
    z_stream      z;
    unsigned char out[GZIP_BUFFER];
} compressor;

struct tap_file {
    int         fd;
    tap_status  status; /* the first failure of this file, also when e is NULL */
    tap_error  *e;
    char       *path;   /* as the caller wrote it, for messages */
    char       *target; /* the file to replace, symbolic links resolved; NULL if fd is the path itself */
    char       *temp;   /* the temporary file, which fd is; NULL if there is none */
    char       *keep;   /* the name that the replaced file gets; NULL if it is removed */
    compressor *gzip;   /* NULL: bytes are written uncompressed */
};

static void file_free(tap_file *f)
{
    if (f->temp) unlink(f->temp); /* before its lock is given up, after which the name may be another program's */
    if (f->fd >= 0) close(f->fd);
    if (f->gzip) deflateEnd(&f->gzip->z);
    free(f->gzip);
    free(f->path);
    free(f->target);
    free(f->temp);
    free(f->keep);
    free(f);
}

tap_status tap__errno_status(int reason)
{
    return reason == ENOMEM ? TAP_ENOMEM : TAP_EIO;
}

static tap_status fail_file(tap_file *f, const char *what, int reason)
{
    f->status = tap_error_set(f->e, tap__errno_status(reason), "%s: %s: %s", f->path, what, tap__strerror(reason));
    return f->status;
}

int tap__open(const char *path, int flags, unsigned mode)
{
    int fd;
    do fd = open(path, flags, (mode_t)mode);
    while (fd < 0 && errno == EINTR);
    return fd;
}

bool tap__is_file_at(int fd, const char *path, bool unknown)
{
    struct stat a, b;
    if (fstat(fd, &a) != 0) return unknown;
    if (lstat(path, &b) != 0) return errno != ENOENT && unknown;
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Removes a temporary file that nobody has locked: the program that wrote it was killed. Writers hold a lock. */
static void remove_stale(const char *temp)
{
    int fd = tap__open(temp, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC, 0);
    if (fd < 0) return;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 && tap__is_file_at(fd, temp, false)) unlink(temp);
    close(fd);
}

/* Creates and locks the file f->temp; false if it exists already. On a file system without locks no file is stale. */
static bool create_temp(tap_file *f, mode_t mode)
{
    f->fd = tap__open(f->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (f->fd < 0) return false;
    if ((flock(f->fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) && tap__is_file_at(f->fd, f->temp, true)) return true;
    close(f->fd); /* another program removed it as stale before it was locked */
    f->fd = -1;
    errno = EEXIST;
    return false;
}

/* Creates the temporary file in the target's folder. Its name contains a hash of the target's name instead of the name
 * itself, so that it is not too long, and temporary files left behind for the same target are found. */
static tap_status open_temp(tap_file *f, mode_t mode)
{
    const char *slash = strrchr(f->target, '/'), *name = slash ? slash + 1 : f->target;
    int         folder = (int)(name - f->target);
    size_t      size = (size_t)folder + 64;
    f->temp = malloc(size);
    if (!f->temp) return fail_file(f, "cannot create", ENOMEM);
    for (int i = 0; i < NAME_TRIES; i++) {
        snprintf(f->temp, size, "%.*s.tapestry-%016" PRIx64 "-%d.tmp", folder, f->target, tap_random_hash(name), i);
        remove_stale(f->temp);
        if (create_temp(f, mode)) return TAP_OK;
        if (errno != EEXIST) break;
    }
    int reason = errno;
    free(f->temp); /* the file belongs to another program */
    f->temp = NULL;
    return fail_file(f, "cannot create a file in its folder", reason);
}

static tap_status open_new(tap_file *f)
{
    f->target = strdup(f->path);
    return f->target ? open_temp(f, 0666) : fail_file(f, "cannot create", ENOMEM);
}

static tap_status open_replacement(tap_file *f, mode_t mode, bool is_link)
{
    int result;
    f->target = is_link ? realpath(f->path, NULL) : strdup(f->path);
    if (!f->target) return fail_file(f, "cannot follow", errno);
    /* A rename would succeed, but a file that was made read-only must not be replaced. */
    if (access(f->target, W_OK) != 0) return fail_file(f, "cannot replace", errno);
    if (open_temp(f, 0600) != TAP_OK) return f->status;
    do result = fchmod(f->fd, mode & 0777);
    while (result != 0 && errno == EINTR);
    return result == 0 ? TAP_OK : fail_file(f, "cannot set permissions", errno);
}

static tap_status open_directly(tap_file *f)
{
    f->fd = tap__open(f->path, O_WRONLY | O_NOCTTY | O_CLOEXEC, 0); /* for a pipe, this waits for a reader */
    return f->fd >= 0 ? TAP_OK : fail_file(f, "cannot write", errno);
}

static tap_status open_for(tap_file *f)
{
    struct stat status;
    if (lstat(f->path, &status) != 0) return errno == ENOENT ? open_new(f) : fail_file(f, "cannot create", errno);
    const bool is_link = S_ISLNK(status.st_mode);
    if (is_link && stat(f->path, &status) != 0)
        return fail_file(f, errno == ENOENT ? "is a dangling symbolic link" : "cannot follow", errno);
    if (S_ISDIR(status.st_mode)) return fail_file(f, "cannot replace", EISDIR);
    return S_ISREG(status.st_mode) ? open_replacement(f, status.st_mode, is_link) : open_directly(f);
}

tap_file *tap_file_create(const char *path, tap_error *e)
{
    if (!path || !*path) {
        tap_error_set(e, TAP_EARG, "file: the path is %s", path ? "empty" : "NULL");
        return NULL;
    }
    tap_file *f = calloc(1, sizeof *f);
    char     *copy = strdup(path);
    if (!f || !copy) {
        tap_error_set(e, TAP_ENOMEM, "%s: no memory to create it", path);
        free(copy);
        free(f);
        return NULL;
    }
    *f = (tap_file){ .fd = -1, .e = e, .path = copy };
    if (open_for(f) == TAP_OK) return f;
    file_free(f);
    return NULL;
}

tap_file *tap_file_create_gzip(const char *path, tap_error *e)
{
    tap_file *f = tap_file_create(path, e);
    if (!f) return NULL;
    f->gzip = calloc(1, sizeof *f->gzip);
    if (f->gzip && deflateInit2(&f->gzip->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK)
        return f;
    fail_file(f, "cannot compress", ENOMEM);
    tap_file_abandon(f);
    return NULL;
}

static tap_status write_plain(tap_file *f, const void *bytes, size_t n)
{
    for (const char *p = bytes; n > 0 && f->status == TAP_OK;) {
        ssize_t written = write(f->fd, p, n < MAX_WRITE ? n : MAX_WRITE);
        if (written > 0) {
            p += written;
            n -= (size_t)written;
        } else if (written == 0 || errno != EINTR) {
            fail_file(f, "cannot write", written == 0 ? EIO : errno);
        }
    }
    return f->status;
}

/* flush: Z_NO_FLUSH, or Z_FINISH at the end of the stream. */
static tap_status write_gzip(tap_file *f, const void *bytes, size_t n, int flush)
{
    compressor *p = f->gzip;
    int         result = Z_OK;
    p->z.next_in = (unsigned char *)bytes;
    do {
        if (p->z.avail_in == 0) {
            p->z.avail_in = (unsigned)(n < MAX_WRITE ? n : MAX_WRITE);
            n -= p->z.avail_in;
        }
        p->z.next_out = p->out;
        p->z.avail_out = GZIP_BUFFER;
        result = deflate(&p->z, flush);
        write_plain(f, p->out, GZIP_BUFFER - p->z.avail_out);
    } while (f->status == TAP_OK &&
             (flush == Z_FINISH ? result != Z_STREAM_END : n > 0 || p->z.avail_in > 0 || p->z.avail_out == 0));
    return f->status;
}

tap_status tap_file_write(tap_file *f, const void *bytes, size_t n)
{
    if (!f) return TAP_EARG;
    if (!bytes && n > 0 && f->status == TAP_OK) fail_file(f, "cannot write", EFAULT);
    if (n == 0 || f->status != TAP_OK) return f->status;
    return f->gzip ? write_gzip(f, bytes, n, Z_NO_FLUSH) : write_plain(f, bytes, n);
}

/* Devices and pipes cannot be synced, and report one of these errors. */
static bool cannot_sync(int reason)
{
    return reason == EINVAL || reason == ENOTSUP || reason == EROFS;
}

/* A file that is to be renamed stays open, as its lock is what tells other programs that it is not a stale one. */
static tap_status sync_file(tap_file *f)
{
    int result;
    do result = fsync(f->fd);
    while (result != 0 && errno == EINTR);
    if (result != 0 && (f->target || !cannot_sync(errno))) return fail_file(f, "cannot sync", errno);
    if (f->target) return TAP_OK;
    result = close(f->fd);
    f->fd = -1; /* close always closes the file; after EINTR the data is on disk, as it was synced */
    return result == 0 || errno == EINTR ? TAP_OK : fail_file(f, "cannot close", errno);
}

/* Makes the rename durable if the folder can be opened. The file has been replaced already, so errors here are ignored. */
static void sync_folder(char *target)
{
    char *slash = strrchr(target, '/');
    if (slash) slash[slash == target] = '\0'; /* keeps "/" itself */
    int fd = tap__open(slash ? target : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0) return;
    fsync(fd);
    close(fd);
}

tap_status tap__file_keep(tap_file *f, const char *path)
{
    if (!f || f->status != TAP_OK) return f ? f->status : TAP_EARG;
    f->keep = strdup(path);
    return f->keep ? TAP_OK : fail_file(f, "cannot keep the replaced file", ENOMEM);
}

/* Renames the temporary file to the target, and the replaced file to f->keep. */
static tap_status replace(tap_file *f)
{
    bool kept = f->keep && rename(f->target, f->keep) == 0;
    if (f->keep && !kept && errno != ENOENT) return fail_file(f, "cannot keep the replaced file", errno);
    if (rename(f->temp, f->target) != 0) {
        int reason = errno;
        if (kept) rename(f->keep, f->target);
        return fail_file(f, "cannot replace", reason);
    }
    free(f->temp);
    f->temp = NULL;
    sync_folder(f->target);
    return TAP_OK;
}

tap_status tap_file_commit(tap_file *f)
{
    if (!f) return TAP_EARG;
    if (f->status == TAP_OK && f->gzip) write_gzip(f, NULL, 0, Z_FINISH);
    if (f->status == TAP_OK && sync_file(f) == TAP_OK && f->target) replace(f);
    tap_status status = f->status;
    file_free(f);
    return status;
}

void tap_file_abandon(tap_file *f)
{
    if (f) file_free(f);
}
