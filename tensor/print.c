/* tensor/print.c: tensors as text, by PyTorch's rules: numbers of one width, lines of at most 80 characters, and only the
 * first and last elements of each axis of large tensors. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tensor/text.h"

/* Tensors of up to MAX_ELEMENTS are printed in full; otherwise the first and last EDGE_ITEMS of each axis. PRECISION: digits
 * after the point. LINE_WIDTH: characters in a line. NUMBER_TEXT: bytes for a number. */
enum { MAX_ELEMENTS = 1000, EDGE_ITEMS = 3, PRECISION = 4, LINE_WIDTH = 80, NUMBER_TEXT = 48 };
static const char prefix[] = "tensor(";

/* Formats of floats: "3.", "3.1416" and "3.1416e+00". */
typedef enum { WHOLE, FIXED, SCIENTIFIC } notation;

typedef struct {
    FILE      *out;
    tap_tensor x;
    bool       summarize;
    notation   format;
    int        width;
    int64_t    column; /* characters in the current line, without the prefix */
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

static const char *format_float(char text[NUMBER_TEXT], notation format, double x)
{
    if (isnan(x)) return "nan";
    if (isinf(x)) return x > 0 ? "inf" : "-inf";
    if (format == WHOLE) tap__format(text, NUMBER_TEXT, "%.0f.", x);
    else tap__format(text, NUMBER_TEXT, format == FIXED ? "%.*f" : "%.*e", PRECISION, x);
    return text;
}

static double float_at(tap_tensor x, int64_t offset)
{
    return x.dtype == TAP_F32 ? (double)((const float *)x.data)[offset] : ((const double *)x.data)[offset];
}

static const char *element(char text[NUMBER_TEXT], const printer *p, int64_t offset)
{
    if (tap_dtype_is_float(p->x.dtype)) return format_float(text, p->format, float_at(p->x, offset));
    if (p->x.dtype == TAP_BOOL) return ((const uint8_t *)p->x.data)[offset] ? "True" : "False";
    const bool is_byte = p->x.dtype == TAP_U8;
    snprintf(text, NUMBER_TEXT, "%lld",
             (long long)(is_byte ? ((const uint8_t *)p->x.data)[offset] : ((const int64_t *)p->x.data)[offset]));
    return text;
}

/* ---- Printed elements ---- */

static int64_t printed_size(const printer *p, int axis)
{
    const int64_t n = p->x.shape.n[axis];
    return p->summarize && n > 2 * EDGE_ITEMS ? 2 * EDGE_ITEMS : n;
}

/* Index of the i-th printed element of an axis. */
static int64_t index_of(const printer *p, int axis, int64_t i)
{
    return i < EDGE_ITEMS ? i : i + p->x.shape.n[axis] - printed_size(p, axis);
}

/* Moves to the offset of the next printed element, in C order; false after the last one. at[k] counts the printed elements
 * of axis k. */
static bool advance(const printer *p, int64_t at[TAP_MAX_RANK], int64_t *offset)
{
    for (int k = p->x.shape.rank - 1; k >= 0; k--) {
        const int64_t stride = p->x.stride[k], before = index_of(p, k, at[k]);
        at[k] = at[k] + 1 < printed_size(p, k) ? at[k] + 1 : 0;
        *offset += (index_of(p, k, at[k]) - before) * stride;
        if (at[k] > 0) return true;
    }
    return false;
}

/* The notation for all numbers, which depends on those that are finite and not 0. */
static notation notation_for(const printer *p)
{
    int64_t at[TAP_MAX_RANK] = { 0 }, offset = 0;
    double  min = (double)INFINITY, max = 0;
    bool    whole = true;
    do {
        const double x = float_at(p->x, offset), size = fabs(x);
        if (x == 0 || !isfinite(x)) continue;
        whole = whole && x == ceil(x);
        min = fmin(min, size);
        max = fmax(max, size);
    } while (advance(p, at, &offset));
    if (max == 0) return WHOLE;
    if (max / min > 1000 || max > 1e8 || min < 1e-4) return SCIENTIFIC;
    return whole ? WHOLE : FIXED;
}

/* The width of all numbers: that of the longest one that is finite and not 0. */
static int width_for(const printer *p)
{
    char    text[NUMBER_TEXT];
    int64_t at[TAP_MAX_RANK] = { 0 }, offset = 0;
    int     width = 1;
    do {
        const double x = tap_dtype_is_float(p->x.dtype) ? float_at(p->x, offset) : 1;
        const int    n = x == 0 || !isfinite(x) ? 0 : (int)strlen(element(text, p, offset));
        if (n > width) width = n;
    } while (advance(p, at, &offset));
    return width;
}

/* ---- Brackets and rows ---- */

static void put_element(printer *p, int64_t offset)
{
    char        text[NUMBER_TEXT];
    const char *number = element(text, p, offset);
    put_spaces(p, p->width - (int64_t)strlen(number));
    put(p, number);
}

/* Separates two items of an axis: by a space, or by as many newlines as the axis has inner ones, at least one. */
static void put_separator(printer *p, int axis, int indent, bool on_this_line)
{
    const int inner_axes = p->x.shape.rank - 1 - axis;
    put(p, on_this_line ? ", " : ",");
    if (on_this_line) return;
    for (int i = 0; i < (inner_axes > 1 ? inner_axes : 1); i++) put(p, "\n");
    put_spaces(p, indent);
}

static void put_axis(printer *p, int axis, int64_t offset, int indent)
{
    const bool    last = axis == p->x.shape.rank - 1;
    const int64_t n = printed_size(p, axis), per_line = (LINE_WIDTH - indent) / (p->width + 2);
    const bool    elided = n < p->x.shape.n[axis];
    put(p, "[");
    for (int64_t i = 0, item = 0; i < n; i++, item++) {
        if (item > 0) put_separator(p, axis, indent + 1, last && per_line > 0 && item % per_line != 0);
        if (elided && i == EDGE_ITEMS) {
            put(p, last ? " ..." : "...");
            item++;
            put_separator(p, axis, indent + 1, last && per_line > 0 && item % per_line != 0);
        }
        const int64_t at = offset + index_of(p, axis, i) * p->x.stride[axis];
        if (last) put_element(p, at);
        else put_axis(p, axis + 1, at, indent + 1);
    }
    put(p, "]");
}

/* ---- Tensors ---- */

/* Appends ", size=(0, 3)" and the like, on a new line if the current one would be too long. */
static void put_suffix(printer *p, const char *text)
{
    if (p->column + 2 + (int64_t)strlen(text) + 2 > LINE_WIDTH) {
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
    p->summarize = tap_numel(p->x.shape) > MAX_ELEMENTS;
    if (tap_dtype_is_float(p->x.dtype)) p->format = notation_for(p);
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
    const bool is_default = n == 0 ? x.dtype == TAP_F32 : x.dtype == TAP_F32 || x.dtype == TAP_I64 || x.dtype == TAP_BOOL;
    snprintf(text, sizeof text, "dtype=%s", tap_dtype_name(x.dtype));
    if (!is_default) put_suffix(&p, text);
    fputs(")\n", out);
}

void tap_print(tap_tensor x)
{
    tap_fprint(stdout, x);
}
