/* autograd/ops/einsum.c: products over named axes: einsum, and tensordot and inner, which name axes by number. Two inputs
 * are permuted and reshaped into two batches of matrices, which are multiplied; an axis that only one of them has, and the
 * result has not, is summed before. */
#include <string.h>

#include "autograd/internal.h"
#include "tensor/shape.h"

/* A label names an axis: 0 to LETTERS - 1 is a letter, LETTERS + i is axis i of "...", counted from the last. A set of
 * labels is a bit mask. */
enum { LETTERS = 52, LABELS = LETTERS + TAP_MAX_RANK };

typedef struct {
    int n, label[TAP_MAX_RANK];
} labels;

typedef struct {
    tap_var v;
    labels  axes;
} term;

static uint64_t bit(int label)
{
    return (uint64_t)1 << label;
}

static uint64_t set_of(labels l)
{
    uint64_t set = 0;
    for (int i = 0; i < l.n; i++) set |= bit(l.label[i]);
    return set;
}

/* The position of the label; l.n if it is missing. */
static int position_of(labels l, int label)
{
    int i = 0;
    while (i < l.n && l.label[i] != label) i++;
    return i;
}

/* The labels that are in the set, in their order. */
static labels select_labels(labels l, uint64_t set)
{
    labels selected = { 0 };
    for (int i = 0; i < l.n; i++) {
        if (set & bit(l.label[i])) selected.label[selected.n++] = l.label[i];
    }
    return selected;
}

/* Appends labels; false if there are too many axes then. */
static bool append(labels *l, labels more)
{
    if (l->n + more.n > TAP_MAX_RANK) return false;
    for (int i = 0; i < more.n; i++) l->label[l->n++] = more.label[i];
    return true;
}

/* x summed over the axes outside the set. */
static term sum_out(term x, uint64_t keep)
{
    tap_axes others = { 0 };
    for (int i = 0; i < x.axes.n; i++) {
        if (!(keep & bit(x.axes.label[i]))) others.axis[others.n++] = i;
    }
    if (others.n > 0) x.v = tap_sum(x.v, others);
    x.axes = select_labels(x.axes, keep);
    return x;
}

/* x with its axes in this order. */
static tap_var permute_to(term x, labels order)
{
    int  axes[TAP_MAX_RANK];
    bool is_permuted = false;
    for (int i = 0; i < order.n; i++) {
        axes[i] = position_of(x.axes, order.label[i]);
        is_permuted = is_permuted || axes[i] != i;
    }
    return is_permuted ? tap_permute(x.v, order.n, axes) : x.v;
}

/* Appends the sizes of these axes of x to shape, and returns their product. */
static int64_t append_sizes(term x, labels axes, tap_shape *shape)
{
    tap_shape s = tap_shape_of(x.v);
    int64_t   product = 1;
    for (int i = 0; i < axes.n; i++) {
        int64_t n = s.n[position_of(x.axes, axes.label[i])];
        shape->n[shape->rank++] = n;
        product *= n;
    }
    return product;
}

/* x as a batch of matrices [b,m,k], where b, m and k are the products of three groups of axes. */
static tap_var as_matrices(term x, labels b, labels m, labels k)
{
    labels    order = b;
    tap_shape unused = { 0 }, three = { .rank = 3 };
    append(&order, m);
    append(&order, k);
    three.n[0] = append_sizes(x, b, &unused);
    three.n[1] = append_sizes(x, m, &unused);
    three.n[2] = append_sizes(x, k, &unused);
    return tap_reshape(permute_to(x, order), three);
}

/* x with the axes `all`; those that it does not have have size 1. */
static tap_var unsqueeze_to(term x, labels all)
{
    const labels present = select_labels(all, set_of(x.axes));
    tap_var      v = permute_to(x, present);
    for (int i = 0, k = 0; i < all.n; i++) {
        if (k < present.n && all.label[i] == present.label[k]) k++;
        else v = tap_unsqueeze(v, i);
    }
    return v;
}

/* *x becomes the product of x and y, summed over the axes outside keep; false if it has too many axes. If no axis is summed,
 * elements are multiplied instead of matrices, so that an infinite or NaN element does not touch others. */
static bool contract_pair(term *x, term y, uint64_t keep)
{
    uint64_t both = set_of(x->axes) & set_of(y.axes);
    *x = sum_out(*x, keep | both);
    y = sum_out(y, keep | both);
    labels    batch = select_labels(x->axes, both & keep), inner = select_labels(x->axes, both & ~keep);
    labels    rows = select_labels(x->axes, ~both), columns = select_labels(y.axes, ~both), all = batch;
    tap_shape shape = { 0 };
    if (!append(&all, rows) || !append(&all, columns)) return false;
    if (inner.n == 0) {
        x->v = tap_mul(unsqueeze_to(*x, all), unsqueeze_to(y, all));
        x->axes = all;
        return true;
    }
    append_sizes(*x, batch, &shape);
    append_sizes(*x, rows, &shape);
    append_sizes(y, columns, &shape);
    x->v = tap_reshape(tap_matmul(as_matrices(*x, batch, rows, inner), as_matrices(y, batch, inner, columns)), shape);
    x->axes = all;
    return true;
}

/* Multiplies the terms from left to right. Each label has one size wherever it occurs. False if a product has too many axes. */
static bool contract(int n, term *x, labels out, tap_var *result)
{
    term all = x[0];
    for (int i = 1; i < n; i++) {
        uint64_t keep = set_of(out);
        for (int k = i + 1; k < n; k++) keep |= set_of(x[k].axes);
        if (!contract_pair(&all, x[i], keep)) return false;
    }
    *result = permute_to(sum_out(all, set_of(out)), out);
    return true;
}

/* ---- Sizes ---- */

/* Two axes of x with one label become their diagonal. False if their sizes differ; then *wrong is the label. */
static bool take_diagonals(term *x, int *wrong)
{
    for (int i = 0; i < x->axes.n; i++) {
        for (int k = i + 1; k < x->axes.n; k++) {
            if (x->axes.label[i] != x->axes.label[k]) continue;
            *wrong = x->axes.label[i];
            tap_shape s = tap_shape_of(x->v);
            if (s.n[i] != s.n[k]) return false;
            labels rest = { 0 };
            for (int j = 0; j < x->axes.n; j++) {
                if (j != i && j != k) rest.label[rest.n++] = x->axes.label[j];
            }
            rest.label[rest.n++] = *wrong;
            x->v = tap_diagonal(x->v, 0, i, k);
            x->axes = rest;
            i = -1; /* from the start again */
            break;
        }
    }
    return true;
}

/* Drops axes of size 1 whose label has another size in other inputs: they broadcast. */
static void squeeze_ones(term *x, const int64_t *size)
{
    tap_shape s = tap_shape_of(x->v);
    uint64_t  keep = 0;
    tap_axes  ones = { 0 };
    for (int k = 0; k < x->axes.n; k++) {
        if (s.n[k] == size[x->axes.label[k]]) keep |= bit(x->axes.label[k]);
        else ones.axis[ones.n++] = k;
    }
    if (ones.n > 0) x->v = tap_squeeze(x->v, ones);
    x->axes = select_labels(x->axes, keep);
}

/* Checks that every label has one size apart from 1, and drops axes of size 1 that broadcast. False if not; then *wrong is a
 * label with the sizes *size and *other. */
static bool broadcast_labels(int n, term *x, int *wrong, int64_t *size, int64_t *other)
{
    int64_t size_of[LABELS];
    for (int i = 0; i < LABELS; i++) size_of[i] = 1;
    for (int i = 0; i < n; i++) {
        tap_shape s = tap_shape_of(x[i].v);
        for (int k = 0; k < x[i].axes.n; k++) {
            *wrong = x[i].axes.label[k];
            *size = size_of[*wrong];
            *other = s.n[k];
            if (*size != 1 && *other != 1 && *size != *other) return false;
            if (*other != 1) size_of[*wrong] = *other;
        }
    }
    for (int i = 0; i < n; i++) squeeze_ones(&x[i], size_of);
    return true;
}

/* ---- tensordot and inner: pairs of axes with one label ---- */

/* Labels the n paired axes of input i 0..n-1, and its other axes -1. */
static bool label_pairs(const char *call, const tap_var *in, int i, labels *l, int n, const int *axes)
{
    for (int k = 0; k < l->n; k++) l->label[k] = -1;
    for (int k = 0; k < n; k++) {
        int axis = axes[k];
        if (!tap__normalize_axis(&axis, l->n)) {
            tap__fail_inputs(call, 2, in, TAP_EARG, "axis %d of input %d is out of range", axes[k], i);
            return false;
        }
        if (l->label[axis] >= 0) {
            tap__fail_inputs(call, 2, in, TAP_EARG, "axis %d of input %d occurs twice", axes[k], i);
            return false;
        }
        l->label[axis] = k;
    }
    return true;
}

/* Gives the axes that are not paired new labels, and appends these to the output. */
static bool label_rest(labels *l, int *next, labels *out)
{
    for (int k = 0; k < l->n; k++) {
        if (l->label[k] >= 0) continue;
        if (out->n == TAP_MAX_RANK) return false;
        out->label[out->n++] = l->label[k] = (*next)++;
    }
    return true;
}

/* The sum over n pairs of axes: axes_a[i] of a and axes_b[i] of b. NULL: the last n axes of a, the first n of b. */
static tap_var contract_axes(const char *call, tap_var a, tap_var b, int n, const int *axes_a, const int *axes_b)
{
    tap_var    in[2] = { a, b }, result;
    tap_tensor v[2];
    labels     out = { 0 };
    int        wrong, next = n, last[TAP_MAX_RANK], first[TAP_MAX_RANK];
    int64_t    size, other;
    if (!tap__inputs(call, 2, in, v)) return tap__inert(tap__tape_of(2, in));
    term x[2] = { { a, { .n = v[0].shape.rank } }, { b, { .n = v[1].shape.rank } } };
    if (n < 0 || n > x[0].axes.n || n > x[1].axes.n)
        return tap__fail_inputs(call, 2, in, TAP_EARG, "n must be 0 to the smaller rank, not %d", n);
    if (!axes_a != !axes_b) return tap__fail_inputs(call, 2, in, TAP_EARG, "one of axes_a and axes_b is NULL");
    for (int k = 0; k < n; k++) {
        last[k] = k - n;
        first[k] = k;
    }
    if (!label_pairs(call, in, 0, &x[0].axes, n, axes_a ? axes_a : last)) return tap__inert(a.tape);
    if (!label_pairs(call, in, 1, &x[1].axes, n, axes_b ? axes_b : first)) return tap__inert(a.tape);
    if (!label_rest(&x[0].axes, &next, &out) || !label_rest(&x[1].axes, &next, &out))
        return tap__fail_inputs(call, 2, in, TAP_ESHAPE, "the result has too many axes");
    if (!broadcast_labels(2, x, &wrong, &size, &other))
        return tap__fail_inputs(call, 2, in, TAP_ESHAPE, "paired sizes %lld and %lld differ", (long long)size,
                                (long long)other);
    return contract(2, x, out, &result) ? result : tap__inert(a.tape);
}

tap_var tap_tensordot(tap_var a, tap_var b, int n, const int *axes_a, const int *axes_b)
{
    TAP_CALL("tensordot", a, b);
    return contract_axes("tensordot", a, b, n, axes_a, axes_b);
}

tap_var tap_inner(tap_var a, tap_var b)
{
    TAP_CALL("inner", a, b);
    tap_var    in[2] = { a, b };
    tap_tensor x[2];
    if (!tap__inputs("inner", 2, in, x)) return tap__inert(tap__tape_of(2, in));
    tap_shape sa = x[0].shape, sb = x[1].shape;
    if (sa.rank == 0 || sb.rank == 0) return tap_mul(a, b);
    int64_t ka = sa.n[sa.rank - 1], kb = sb.n[sb.rank - 1];
    if (ka != kb)
        return tap__fail_inputs("inner", 2, in, TAP_ESHAPE, "last sizes %lld and %lld differ", (long long)ka, (long long)kb);
    return contract_axes("inner", a, b, 1, (int[]){ -1 }, (int[]){ -1 });
}

/* ---- einsum ---- */

/* A group of labels in an equation, such as "ab...c". */
typedef struct {
    int  n, dots; /* the number of labels, and of those before "..."; -1: there is no "..." */
    char label[LABELS];
} group;

static int label_of(char c)
{
    return c >= 'a' && c <= 'z' ? 26 + c - 'a' : c >= 'A' && c <= 'Z' ? c - 'A' : -1;
}

static const char *label_name(int label, char text[4])
{
    char letter = (char)(label < 26 ? 'A' + label : 'a' + label - 26);
    memcpy(text, "...", 4);
    if (label < LETTERS) {
        text[0] = letter;
        text[1] = '\0';
    }
    return text;
}

/* Reads a group, up to a comma, an arrow or the end. Returns NULL, or the reason why it is not valid. */
static const char *read_group(const char **at, group *g)
{
    *g = (group){ .dots = -1 };
    for (const char *c = *at;; c++) {
        *at = c;
        if (*c == '\0' || *c == ',' || (c[0] == '-' && c[1] == '>')) return NULL;
        if (*c == ' ') continue;
        if (!strncmp(c, "...", 3)) {
            if (g->dots >= 0) return "\"...\" occurs twice in one group";
            g->dots = g->n;
            c += 2;
        } else if (label_of(*c) < 0) {
            return "it must consist of letters, \"...\", \",\" and one \"->\"";
        } else if (g->n == LETTERS) {
            return "a group has too many letters";
        } else {
            g->label[g->n++] = (char)label_of(*c);
        }
    }
}

/* The labels of the axes of a tensor of this rank; false if they do not fit the group. "..." stands for all axes that are
 * left. */
static bool expand_dots(const group *g, int rank, labels *l)
{
    int dots = rank - g->n;
    if (dots < 0 || (dots > 0 && g->dots < 0) || rank > TAP_MAX_RANK) return false;
    *l = (labels){ 0 };
    for (int i = 0; i <= g->n; i++) {
        for (int k = dots; i == g->dots && k > 0; k--) l->label[l->n++] = LETTERS + k - 1;
        if (i < g->n) l->label[l->n++] = g->label[i];
    }
    return true;
}

/* The output of an equation without "->": "...", and the letters that occur once. */
static void implicit_output(int n, const term *x, group *g)
{
    int count[LABELS] = { 0 };
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < x[i].axes.n; k++) count[x[i].axes.label[k]]++;
    }
    *g = (group){ .dots = 0 };
    for (int label = 0; label < LETTERS; label++) {
        if (count[label] == 1) g->label[g->n++] = (char)label;
    }
}

/* NULL, or the reason why the output is not valid: each of its letters must be in an input, and occur once. */
static const char *check_output(const group *g, uint64_t known)
{
    uint64_t used = 0;
    for (int i = 0; i < g->n; i++) {
        if (used & bit(g->label[i])) return "a letter occurs twice in the output";
        if (!(known & bit(g->label[i]))) return "a letter of the output is in no input";
        used |= bit(g->label[i]);
    }
    return NULL;
}

/* Sets the labels of all terms and of the output. Returns NULL, or the reason why the equation is not valid. */
static const char *parse(const char *at, int n, const tap_tensor *v, term *x, labels *out)
{
    group       g;
    int         dots = 0; /* the number of axes that "..." stands for */
    uint64_t    known = 0;
    const char *error;
    for (int i = 0; i < n; i++) {
        error = read_group(&at, &g);
        if (error) return error;
        if (i < n - 1 ? *at != ',' : *at == ',') return "it must have as many groups as there are inputs";
        if (*at == ',') at++;
        if (!expand_dots(&g, v[i].shape.rank, &x[i].axes)) return "each group must have as many letters as its input has axes";
        if (v[i].shape.rank - g.n > dots) dots = v[i].shape.rank - g.n;
        known |= set_of(x[i].axes);
    }
    if (*at == '\0') {
        implicit_output(n, x, &g);
    } else {
        at += 2; /* "->" */
        error = read_group(&at, &g);
        if (error) return error;
    }
    if (*at) return "it must consist of letters, \"...\", \",\" and one \"->\"";
    error = check_output(&g, known);
    if (error) return error;
    if (g.dots < 0) dots = 0;
    return expand_dots(&g, g.n + dots, out) ? NULL : "the result has too many axes";
}

tap_var tap_einsum(const char *equation, int n, const tap_var *x)
{
    TAP_CALL_N("einsum", n, x);
    tap_tensor  v[TAP_MAX_INPUTS];
    term        terms[TAP_MAX_INPUTS];
    labels      out;
    tap_var     result;
    char        name[4];
    int         label;
    int64_t     size, other;
    const char *wrong;
    tap_tape   *t = x ? tap__tape_of(n, x) : NULL;
    if (!t) return tap__inert(NULL);
    if (n > TAP_MAX_INPUTS) {
        tap__fail(t, TAP_EARG, "einsum", "there can be at most %d inputs, not %d", TAP_MAX_INPUTS, n);
        return tap__inert(t);
    }
    if (!tap__inputs("einsum", n, x, v)) return tap__inert(t);
    if (!equation) return tap__fail_inputs("einsum", n, x, TAP_EARG, "the equation is NULL");
    for (int i = 0; i < n; i++) terms[i].v = x[i];
    wrong = parse(equation, n, v, terms, &out);
    if (wrong) return tap__fail_inputs("einsum", n, x, TAP_EARG, "'%.64s': %s", equation, wrong);
    for (int i = 0; i < n; i++) {
        if (!take_diagonals(&terms[i], &label))
            return tap__fail_inputs("einsum", n, x, TAP_ESHAPE, "'%.64s': the axes %s have two sizes", equation,
                                    label_name(label, name));
    }
    if (!broadcast_labels(n, terms, &label, &size, &other))
        return tap__fail_inputs("einsum", n, x, TAP_ESHAPE, "'%.64s': %s is %lld and %lld", equation, label_name(label, name),
                                (long long)size, (long long)other);
    if (!contract(n, terms, out, &result))
        return tap__fail_inputs("einsum", n, x, TAP_ESHAPE, "'%.64s': an intermediate product has too many axes", equation);
    return result;
}
