/* tests/fuzz/fuzz.c: files in memory, checks, and the entry point that libFuzzer calls. */
#define _XOPEN_SOURCE 700
#include "tests/fuzz/fuzz.h"
#include "tensor/arena.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n);

/* ---- Files in memory --------------------------------------------------------------------------------------------- */

static char folder[256], file[300], target[300];

/* Readers may leave other files next to the input. */
static void empty_folder(void)
{
    DIR *d = opendir(folder);
    for (struct dirent *entry; d && (entry = readdir(d));) unlinkat(dirfd(d), entry->d_name, 0);
    if (d) closedir(d);
}

static void remove_folder(void)
{
    empty_folder();
    rmdir(folder);
}

/* In tmpfs if there is one, so that thousands of files per second do not go to a disk. */
static void make_folder(void)
{
    const char *base = getenv("TMPDIR");
    if (*folder) return;
    if (!base || !*base) base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(folder, sizeof folder, "%s/tapestry-fuzz-XXXXXX", base);
    if (!mkdtemp(folder)) {
        perror(folder);
        exit(1);
    }
    snprintf(file, sizeof file, "%s/file", folder);
    snprintf(target, sizeof target, "%s/target", folder);
    atexit(remove_folder);
}

const char *fuzz_file(const void *bytes, size_t n)
{
    make_folder();
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, bytes, n) != (ssize_t)n || close(fd) != 0) {
        perror(file);
        exit(1);
    }
    return file;
}

const char *fuzz_target_path(void)
{
    make_folder();
    return target;
}

void *fuzz_written(size_t *n)
{
    struct stat s;
    FILE       *f = fopen(target, "rb");
    FUZZ_CHECK(f && fstat(fileno(f), &s) == 0, "%s", target);
    *n = (size_t)s.st_size;
    void *bytes = malloc(*n + 1);
    FUZZ_CHECK(bytes && fread(bytes, 1, *n, f) == *n, "%s", target);
    fclose(f);
    return bytes;
}

/* ---- Checks ------------------------------------------------------------------------------------------------------ */

void fuzz_check_status(tap_status status, const char *message, const char *path)
{
    size_t begin = strlen(path);
    if (status == TAP_OK) {
        FUZZ_CHECK(!*message, "no error, but '%s'", message);
        return;
    }
    FUZZ_CHECK(status != TAP_ENOMEM, "%s", message);
    FUZZ_CHECK(strcmp(message + begin, ": became shorter while it was read") != 0, "'%s', but a size was not checked", message);
    FUZZ_CHECK(strncmp(message, path, begin) == 0 && strlen(message) > begin + 4, "'%s'", message);
    for (const unsigned char *p = (const unsigned char *)message; *p; p++)
        FUZZ_CHECK(*p >= ' ' && *p != 0x7f, "control character %02x in '%s'", *p, message);
}

void fuzz_check_arena(const tap_arena *a, const char *path, size_t n, size_t data_bytes)
{
    const char *message;
    tap_status  status = tap_arena_status(a, &message);
    size_t      limit = (1 << 20) + 64 * n + 2 * data_bytes;
    fuzz_check_status(status, message, path);
    FUZZ_CHECK(tap__arena_bytes(a) <= limit, "%zu bytes of memory for %zu of %zu in the file: %s", tap__arena_bytes(a),
               data_bytes, n, message);
}

extern volatile unsigned char fuzz_sum; /* keeps the compiler from removing the reads */
volatile unsigned char        fuzz_sum;

size_t fuzz_touch(tap_tensor x)
{
    tap_arena *a = tap_arena_new();
    size_t     n = (size_t)tap_tensor_numel(x) * tap_dtype_size(x.dtype);
    tap_tensor copy = tap_tensor_contiguous(a, x);
    FUZZ_CHECK(copy.data, "%zu bytes", n);
    unsigned char sum = 0;
    for (size_t i = 0; i < n; i++) sum = (unsigned char)(sum + ((const unsigned char *)copy.data)[i]);
    for (size_t i = 0; i < n && x.dtype == TAP_BOOL; i++) FUZZ_CHECK(((const unsigned char *)copy.data)[i] <= 1, "bool %zu", i);
    fuzz_sum = sum;
    tap_arena_free(a);
    return n;
}

void fuzz_check_same(tap_tensor x, tap_tensor y)
{
    tap_arena *a = tap_arena_new();
    FUZZ_CHECK(y.data && x.dtype == y.dtype && tap_shape_equal(x.shape, y.shape), "%s", tap_dtype_name(x.dtype));
    tap_tensor left = tap_tensor_contiguous(a, x), right = tap_tensor_contiguous(a, y);
    size_t     n = (size_t)tap_tensor_numel(x) * tap_dtype_size(x.dtype);
    FUZZ_CHECK(memcmp(left.data, right.data, n) == 0, "%zu bytes differ", n);
    tap_arena_free(a);
}

void fuzz_check_mapped(tap_tensor x, tap_tensor (*map)(tap_arena *a, const char *path), const char *path)
{
    const char *message;
    tap_arena  *a = tap_arena_new();
    tap_tensor  mapped = map(a, path);
    tap_status  status = tap_arena_status(a, &message);
    FUZZ_CHECK((mapped.data != NULL) == (status == TAP_OK), "%s", message);
    fuzz_check_status(status, message, path);
    if (mapped.data) {
        FUZZ_CHECK(x.data, "a mapped file was not read");
        fuzz_check_same(x, mapped);
    }
    tap_arena_free(a);
}

void fuzz_check_read(tap_arena *a, tap_tensor x, const char *path, size_t n)
{
    tap_error  e = { 0 };
    tap_status status = tap_arena_status(a, NULL);
    FUZZ_CHECK((x.data != NULL) == (status == TAP_OK), "%s", tap_status_name(status));
    size_t data_bytes = x.data ? fuzz_touch(x) : 0;
    fuzz_check_arena(a, path, n, data_bytes);
    if (!x.data) return;
    FUZZ_CHECK(tap_npy_write(fuzz_target_path(), x, &e) == TAP_OK, "%s", e.message);
    tap_arena *again = tap_arena_new();
    fuzz_check_same(x, tap_npy_read(again, fuzz_target_path()));
    tap_arena_free(again);
}

/* ---- Entry point ---------------------------------------------------------------------------------------- */

static int next_fd(void)
{
    int fd = dup(STDERR_FILENO);
    close(fd);
    return fd;
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n)
{
    int fd = next_fd();
    make_folder();
    empty_folder();
    fuzz(bytes, n);
    FUZZ_CHECK(next_fd() == fd, "a file was left open");
    return 0;
}
