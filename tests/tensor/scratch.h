/* A folder of its own for each test program that writes files; the program works in it, so paths in messages are short. */
#ifndef TAP_TESTS_TENSOR_SCRATCH_H
#define TAP_TESTS_TENSOR_SCRATCH_H

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/check.h"

static char scratch_folder[256];

static inline int scratch_enter(void **state)
{
    const char *base = getenv("TMPDIR");
    (void)state;
    snprintf(scratch_folder, sizeof scratch_folder, "%s/tapestry-test-XXXXXX", base && *base ? base : "/tmp");
    return mkdtemp(scratch_folder) && chdir(scratch_folder) == 0 ? 0 : -1;
}

static inline int scratch_remove(const char *path, const struct stat *s, int kind, struct FTW *where)
{
    (void)s, (void)kind, (void)where;
    return remove(path);
}

static inline int scratch_leave(void **state)
{
    (void)state;
    return chdir("/") == 0 ? nftw(scratch_folder, scratch_remove, 8, FTW_DEPTH | FTW_PHYS) : -1;
}

static inline void scratch_write(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* The file's bytes, followed by a NUL; the caller frees them. */
static inline char *scratch_read(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    *n = (size_t)ftell(f);
    rewind(f);
    char *bytes = calloc(*n + 1, 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *n, f), *n);
    fclose(f);
    return bytes;
}

static inline void scratch_expect(const char *path, const char *text)
{
    size_t n;
    char  *bytes = scratch_read(path, &n);
    assert_string_equal(bytes, text);
    free(bytes);
}

/* How many files the folder holds: none may be left behind. */
static inline int scratch_count(void)
{
    int  n = 0;
    DIR *folder = opendir(".");
    assert_non_null(folder);
    for (struct dirent *d; (d = readdir(folder));) n += strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
    closedir(folder);
    return n;
}

/* The next free file descriptor: a leak moves it. */
static inline int scratch_next_fd(void)
{
    int fd = dup(STDERR_FILENO);
    close(fd);
    return fd;
}

#endif
