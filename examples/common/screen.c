/* examples/common/screen.c: writes messages and the progress bar to the terminal. The bar is cleared before anything else is
 * printed, and omitted if standard error is not a terminal. */
#define _DEFAULT_SOURCE
#include "common.h"

#include <langinfo.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static struct bar {
    bool        on, drawn;
    const char *task, *number;
    int64_t     rounds, images;
    double      start, begun, last; /* begun: the fraction of all work that was done at the start */
} bar;

double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Control characters are replaced, as names from files may contain anything. */
bool fail(const char *format, ...)
{
    char    text[2 * PATH_SIZE];
    va_list args;
    bar_clear();
    fflush(stdout);
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f) *c = '?';
    fprintf(stderr, "%s: %s\n", program, text);
    return false;
}

bool screen_is_terminal(int fd)
{
    const char *term = getenv("TERM");
    return isatty(fd) && term && strcmp(term, "dumb");
}

bool screen_has_color(int fd)
{
    const char *no_color = getenv("NO_COLOR");
    return screen_is_terminal(fd) && !(no_color && *no_color);
}

bool screen_is_utf8(void)
{
    return !strcmp(nl_langinfo(CODESET), "UTF-8");
}

int screen_width(int fd)
{
    struct winsize size;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void bar_start(bool quiet, const char *task, const char *number, int64_t rounds, int64_t images_per_round, double begun)
{
    const bool on = !quiet && screen_is_terminal(STDERR_FILENO);
    bar = (struct bar){ on, false, task, number, rounds, images_per_round, now(), begun, 0 };
}

void bar_clear(void)
{
    if (bar.drawn) fputs("\r\033[K", stderr);
    bar.drawn = false;
}

/* Draws `cells` characters of the bar, the first `full` of them filled. */
static void draw_cells(int cells, int full)
{
    const bool color = screen_has_color(STDERR_FILENO), utf8 = screen_is_utf8();
    for (int i = 0; i < cells; i++) {
        if (color && (i == 0 || i == full)) fputs(i < full ? "\033[36m" : "\033[0;2m", stderr);
        fputs(i < full ? utf8 ? "━" : "#" : utf8 ? "─" : ".", stderr);
    }
    if (color) fputs("\033[0m", stderr);
}

void bar_update(int64_t round, int64_t images, double value)
{
    double time = now();
    if (!bar.on || (time - bar.last < 0.1 && images < bar.images)) return;
    bar.last = time;

    double     part = (double)images / (double)bar.images, done = ((double)(round - 1) + part) / (double)bar.rounds;
    double     speed = (done - bar.begun) / (time - bar.start), rate = speed * (double)bar.rounds * (double)bar.images;
    char       left[24], head[64], tail[128];
    const long s = speed > 0 ? (long)((1 - done) / speed + 0.5) : 0;
    if (s >= 3600) snprintf(left, sizeof left, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    else snprintf(left, sizeof left, "%ld:%02ld", s / 60, s % 60);
    int n_head = snprintf(head, sizeof head, "%s %lld/%lld ", bar.task, (long long)round, (long long)bar.rounds);
    int n_tail =
        snprintf(tail, sizeof tail, " %3.0f%%  %s %.1f  %.0f images/s  %s left", 100 * part, bar.number, value, rate, left);

    int room = screen_width(STDERR_FILENO) - 1 - n_head - n_tail, cells = room > 40 ? 40 : room;
    if (n_tail + room < 0) return;
    fprintf(stderr, "\r%s", head);
    if (cells >= 5) draw_cells(cells, (int)(part * cells));
    fprintf(stderr, "%.*s\033[K", room < 0 ? n_tail + room : n_tail, tail);
    bar.drawn = true;
}
