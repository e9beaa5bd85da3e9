/* examples/common/program.c: starts and ends programs: signals, output folders and files, and the exit status. */
#define _POSIX_C_SOURCE 200809L
#include "common.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static volatile sig_atomic_t stop;

static void on_signal(int signal)
{
    stop = signal;
}

int interrupted(void)
{
    return stop;
}

/* A SIGHUP that is ignored, as under nohup, stays ignored. */
void begin_program(int64_t threads)
{
    static const int       signals[] = { SIGINT, SIGTERM, SIGHUP };
    const struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART | (int)SA_RESETHAND };
    setlocale(LC_CTYPE, "");
    if (threads) tap_set_threads((int)threads);
    for (int i = 0; i < 3; i++) {
        struct sigaction before = { 0 };
        sigaction(signals[i], NULL, &before);
        if (signals[i] != SIGHUP || before.sa_handler != SIG_IGN) sigaction(signals[i], &action, NULL);
    }
}

int end_program(bool ok)
{
    if ((fflush(stdout) || ferror(stdout)) && ok) ok = fail("standard output: %s", strerror(errno));
    return interrupted() ? 128 + interrupted() : !ok;
}

bool join(char path[PATH_SIZE], const char *dir, const char *name)
{
    size_t n = strlen(dir);
    bool   slash = *name && n && dir[n - 1] != '/';
    return snprintf(path, PATH_SIZE, "%s%s%s", dir, slash ? "/" : "", name) < PATH_SIZE;
}

/* Creates all folders of a path except for its last component. */
static bool make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0777) && errno != EEXIST) return fail("%s: cannot be created: %s", path, strerror(errno));
        *slash = '/';
    }
    return true;
}

static bool can_write(const char *out, const char *name)
{
    char      path[PATH_SIZE];
    tap_error e = { 0 };
    if (!join(path, out, name)) return fail("%s: the name is too long", out);
    tap_file *f = tap_file_create(path, &e);
    tap_file_abandon(f);
    return f ? true : fail("%s", e.message);
}

/* Whether the disk has space for all files. A file is written completely before it replaces its predecessor. */
static bool has_room(const char *out, int n, const out_file *files)
{
    char           path[PATH_SIZE];
    struct statvfs disk;
    struct stat    before;
    double         more = 0, most = 0;
    if (statvfs(out, &disk) != 0 || disk.f_blocks == 0) return true; /* the free space is not known */
    const double free = (double)(geteuid() == 0 ? disk.f_bfree : disk.f_bavail) * (double)disk.f_frsize;
    for (int i = 0; i < n; i++) {
        const char *name = files[i].name;
        most = fmax(most, more + files[i].bytes);
        if (name) more += files[i].bytes;
        if (name && join(path, out, name) && stat(path, &before) == 0) more -= (double)before.st_size;
    }
    return most <= free || fail("%s: the results need %.1f MB, and the disk has %.1f MB free", out, most / 1e6, free / 1e6);
}

bool prepare_out(const char *out, int n, const out_file *files)
{
    char path[PATH_SIZE];
    if (!join(path, out, n > 0 && files[0].name ? files[0].name : ".")) return fail("%s: the name is too long", out);
    if (!make_folders(path)) return false;
    for (int i = 0; i < n; i++)
        if (files[i].name && !can_write(out, files[i].name)) return false;
    return has_room(out, n, files);
}

bool prepare_file(const char *path, double bytes)
{
    char           folder[PATH_SIZE];
    struct stat    s;
    const char    *slash = strrchr(path, '/');
    const out_file file = { slash ? slash + 1 : path, bytes };
    if (stat(path, &s) == 0 && !S_ISREG(s.st_mode) && !S_ISDIR(s.st_mode)) return true;
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(file.name - path) : 1, slash ? path : ".");
    return can_write("", path) && has_room(folder, 1, &file);
}

static tap_error error; /* of the file that was begun last; there is one at a time */

void file_printf(tap_file *f, const char *format, ...)
{
    char    text[512];
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n > 0 && n < (int)sizeof text) tap_file_write(f, text, (size_t)n);
}

tap_file *file_begin(const char *dir, const char *name)
{
    char path[PATH_SIZE];
    error = (tap_error){ 0 };
    if (!join(path, dir, name)) {
        fail("%s: the name is too long", dir);
        return NULL;
    }
    tap_file *f = tap_file_create(path, &error);
    if (!f) fail("%s", error.message);
    return f;
}

bool file_end(tap_file *f)
{
    return f && (!tap_file_commit(f) || fail("%s", error.message));
}

bool table_write(const char *dir, const char *name, const char *const *names, int columns, tap_tensor table)
{
    const int64_t n = tap_tensor_numel(table);
    tap_file     *f = file_begin(dir, name);
    if (!f) return false;
    for (int i = 0; i < columns; i++) file_printf(f, "%s%s", i ? "," : "", names[i]);
    for (int64_t i = 0; i < n; i++) file_printf(f, "%c%.9g", i % columns ? ',' : '\n', tap_tensor_item(table, i));
    file_printf(f, "\n");
    return file_end(f);
}

bool module_ok(const tap_module *root)
{
    return !tap_module_status(root, NULL) || fail("%s", tap_module_message(root));
}

bool arena_ok(const tap_arena *a)
{
    const char *message;
    return !tap_arena_status(a, &message) || fail("%s", message);
}

bool tape_ok(const tap_tape *t)
{
    return !tap_tape_status(t, NULL) || fail("%s", tap_tape_message(t));
}

bool loader_ok(const tap_loader *l)
{
    const char *message;
    return !tap_loader_status(l, &message) || fail("%s", message);
}

bool tape_end(tap_tape *t)
{
    const bool ok = tape_ok(t);
    tap_tape_free(t);
    return ok;
}
