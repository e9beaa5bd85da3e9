/* examples/common/program.c: how a program begins and ends. */
#define _POSIX_C_SOURCE 200809L
#include "common.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static volatile sig_atomic_t stop;

static void on_signal(int signal)
{
    stop = signal;
}

int interrupted(void)
{
    return stop;
}

void catch_signals(void)
{
    static const int       signals[] = { SIGINT, SIGTERM, SIGHUP };
    const struct sigaction action    = { .sa_handler = on_signal, .sa_flags = SA_RESTART | (int)SA_RESETHAND };
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction before = { 0 };
        sigaction(signals[i], NULL, &before);
        if (signals[i] != SIGHUP || before.sa_handler != SIG_IGN) sigaction(signals[i], &action, NULL);
    }
}

bool join(char path[PATH_SIZE], const char *dir, const char *name)
{
    size_t n     = strlen(dir);
    bool   slash = *name && n && dir[n - 1] != '/';
    return snprintf(path, PATH_SIZE, "%s%s%s", dir, slash ? "/" : "", name) < PATH_SIZE;
}

/* Makes the folders of a path, the last name aside. */
static bool make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0777) && errno != EEXIST) return fail("%s: cannot be created: %s", path, strerror(errno));
        *slash = '/';
    }
    return true;
}

bool prepare_out(const char *out, const char *name)
{
    char      path[PATH_SIZE];
    tap_error e = { 0 };
    if (!join(path, out, name)) return fail("%s: the name is too long", out);
    if (!make_folders(path)) return false;
    tap_file *f = tap_file_create(path, &e);
    tap_file_abandon(f);
    return f ? true : fail("%s", e.message);
}

void begin_program(int64_t threads)
{
    setlocale(LC_CTYPE, "");
    if (threads) tap_set_threads((int)threads);
    catch_signals();
}

int end_program(bool ok)
{
    if ((fflush(stdout) || ferror(stdout)) && ok) ok = fail("standard output: %s", strerror(errno));
    return !ok ? 1 : interrupted() ? 128 + interrupted() : 0;
}

bool module_ok(const tap_module *root)
{
    const char *message;
    return !tap_module_status(root, &message) || fail("%s", message);
}

bool arena_ok(const tap_arena *a)
{
    const char *message;
    return !tap_arena_status(a, &message) || fail("%s", message);
}

bool tape_end(tap_tape *t)
{
    const char *message;
    bool        ok = !tap_tape_status(t, &message) || fail("%s", message);
    tap_tape_free(t);
    return ok;
}
