/* Tensors as text, by PyTorch's rules: numbers of one width, rows broken at 80 characters, large tensors by their edges. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tensor/text.h"

/* Elements up to which all are printed; of an axis with more than 2 EDGE then the first and last EDGE. Digits behind the point;
 * characters of a line; bytes of a number. */
enum { ALL = 1000, EDGE = 3, PRECISION = 4, LINE = 80, NUMBER = 48 };
static const char prefix[] = "tensor(";

/* How a float is written: as "3.", "3.1416" or "3.1416e+00". */
typedef enum { WHOLE, FIXED, SCIENTIFIC } notation;

typedef struct {
    FILE      *out;
    tap_tensor x;
    bool       by_edges;
    notation   how;
    int        width;
    int64_t    column; /* characters since the line began; the prefix does not count */
} printer;

static void put(printer *p, const char *text)
{
    const char *end = strrchr(text, '\n');
    p->column = end ? (int64_t)strlen(end + 1) : p->column + (int64_t)strlen(text);
    fputs(text, p->out);
}

static void put_spaces(printer *p, int64_t n)
{
    for (int64_t i = 0; i < n; i++) put(p, " ");
}

/* ---- Numbers ---- */

static const char *format_float(char text[NUMBER], notation how, double x)
{
    if (isnan(x)) return "nan";
    if (isinf(x)) return x > 0 ? "inf" : "-inf";
    if (how == WHOLE) tap__format(text, NUMBER, "%.0f.", x);
    else tap__format(text, NUMBER, how == FIXED ? "%.*f" : "%.*e", PRECISION, x);
    return text;
}

static double float_at(tap_tensor x, int64_t offset)
{
    return x.dtype == TAP_F32 ? (double)((const float *)x.data)[offset] : ((const double *)x.data)[offset];
}

static const char *element(char text[NUMBER], const printer *p, int64_t offset)
{
    if (tap_dtype_is_float(p->x.dtype)) return format_float(text, p->how, float_at(p->x, offset));
    if (p->x.dtype == TAP_BOOL) return ((const uint8_t *)p->x.data)[offset] ? "True" : "False";
    const bool is_byte = p->x.dtype == TAP_U8;
    snprintf(text, NUMBER, "%lld",
             (long long)(is_byte ? ((const uint8_t *)p->x.data)[offset] : ((const int64_t *)p->x.data)[offset]));
    return text;
}

/* ---- What is printed ---- */

static int64_t printed(const printer *p, int axis)
{
    const int64_t n = p->x.shape.n[axis];
    return p->by_edges && n > 2 * EDGE ? 2 * EDGE : n;
}

/* Element i of those printed of an axis. */
static int64_t index_of(const printer *p, int axis, int64_t i)
{
    return i < EDGE ? i : i + p->x.shape.n[axis] - printed(p, axis);
}

/* The next offset of what is printed, in C order; false after the last. at counts the printed. */
static bool next(const printer *p, int64_t at[TAP_MAX_RANK], int64_t *offset)
{
    for (int k = p->x.shape.rank - 1; k >= 0; k--) {
        const int64_t stride = p->x.stride[k], before = index_of(p, k, at[k]);
        at[k] = at[k] + 1 < printed(p, k) ? at[k] + 1 : 0;
        *offset += (index_of(p, k, at[k]) - before) * stride;
        if (at[k] > 0) return true;
    }
    return false;
}

/* The notation that all numbers share; 0 and what is not finite have no say. */
static notation notation_for(const printer *p)
{
    int64_t at[TAP_MAX_RANK] = { 0 }, offset = 0;
    double  least = (double)INFINITY, most = 0;
    bool    whole = true;
    do {
        const double x = float_at(p->x, offset), size = fabs(x);
        if (x == 0 || !isfinite(x)) continue;
        whole = whole && x == ceil(x);
        least = fmin(least, size);
        most = fmax(most, size);
    } while (next(p, at, &offset));
    if (most == 0) return WHOLE;
    if (most / least > 1000 || most > 1e8 || least < 1e-4) return SCIENTIFIC;
    return whole ? WHOLE : FIXED;
}

/* The same for the width. */
static int width_for(const printer *p)
{
    char    text[NUMBER];
    int64_t at[TAP_MAX_RANK] = { 0 }, offset = 0;
    int     width = 1;
    do {
        const double x = tap_dtype_is_float(p->x.dtype) ? float_at(p->x, offset) : 1;
        const int    n = x == 0 || !isfinite(x) ? 0 : (int)strlen(element(text, p, offset));
        if (n > width) width = n;
    } while (next(p, at, &offset));
    return width;
}

/* ---- Brackets and rows ---- */

static void put_element(printer *p, int64_t offset)
{
    char        text[NUMBER];
    const char *number = element(text, p, offset);
    put_spaces(p, p->width - (int64_t)strlen(number));
    put(p, number);
}

/* Between two elements of an axis, or what lies along it: new lines as the axes inside, one if there are none. */
static void separate(printer *p, int axis, int indent, bool on_this_line)
{
    const int inside = p->x.shape.rank - 1 - axis;
    put(p, on_this_line ? ", " : ",");
    if (on_this_line) return;
    for (int i = 0; i < (inside > 1 ? inside : 1); i++) put(p, "\n");
    put_spaces(p, indent);
}

static void put_axis(printer *p, int axis, int64_t offset, int indent)
{
    const bool    last = axis == p->x.shape.rank - 1;
    const int64_t n = printed(p, axis), per_line = (LINE - indent) / (p->width + 2);
    const bool    gap = n < p->x.shape.n[axis];
    put(p, "[");
    for (int64_t i = 0, item = 0; i < n; i++, item++) {
        if (item > 0) separate(p, axis, indent + 1, last && per_line > 0 && item % per_line != 0);
        if (gap && i == EDGE) {
            put(p, last ? " ..." : "...");
            item++;
            separate(p, axis, indent + 1, last && per_line > 0 && item % per_line != 0);
        }
        const int64_t at = offset + index_of(p, axis, i) * p->x.stride[axis];
        if (last) put_element(p, at);
        else put_axis(p, axis + 1, at, indent + 1);
    }
    put(p, "]");
}

/* ---- All of it ---- */

/* ", size=(0, 3)", on a line of its own if the line gets too long. */
static void put_suffix(printer *p, const char *text)
{
    if (p->column + 2 + (int64_t)strlen(text) + 2 > LINE) {
        put(p, ",\n");
        put_spaces(p, (int64_t)strlen(prefix));
    } else {
        put(p, ", ");
    }
    put(p, text);
}

static void put_empty(printer *p)
{
    const tap_shape s = p->x.shape;
    char            text[TAP_SHAPE_TEXT + 2 * TAP_MAX_RANK];
    put(p, "[]");
    if (s.rank == 1) return;
    int n = snprintf(text, sizeof text, "size=(");
    for (int i = 0; i < s.rank; i++) n += snprintf(text + n, sizeof text - (size_t)n, i ? ", %lld" : "%lld", (long long)s.n[i]);
    snprintf(text + n, sizeof text - (size_t)n, ")");
    put_suffix(p, text);
}

static void put_elements(printer *p)
{
    p->by_edges = tap_numel(p->x.shape) > ALL;
    if (tap_dtype_is_float(p->x.dtype)) p->how = notation_for(p);
    p->width = width_for(p);
    if (p->x.shape.rank == 0) put_element(p, 0);
    else put_axis(p, 0, 0, (int)strlen(prefix));
}

void tap_fprint(FILE *out, tap_tensor x)
{
    char          text[TAP_SHAPE_TEXT];
    printer       p = { .out = out, .x = x };
    const int64_t n = tap_numel(x.shape);
    if (!out) return;
    if (!x.data) {
        fputs("inert tensor\n", out);
        return;
    }
    if (n < 0 || !tap_dtype_size(x.dtype)) {
        fprintf(out, "invalid tensor (%s, %s)\n", tap_dtype_name(x.dtype), tap_shape_format(text, x.shape));
        return;
    }
    fputs(prefix, out);
    if (n == 0) put_empty(&p);
    else put_elements(&p);
    const bool inferred = n == 0 ? x.dtype == TAP_F32 : x.dtype == TAP_F32 || x.dtype == TAP_I64 || x.dtype == TAP_BOOL;
    snprintf(text, sizeof text, "dtype=%s", tap_dtype_name(x.dtype));
    if (!inferred) put_suffix(&p, text);
    fputs(")\n", out);
}

void tap_print(tap_tensor x)
{
    tap_fprint(stdout, x);
}
