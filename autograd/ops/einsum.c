/* Products over named axes: einsum, and with axes named by number tensordot and inner. Two inputs become two batches of
 * matrices (permuted, reshaped), which are multiplied; an axis that only one of them has is summed first. */
#include <string.h>

#include "autograd/internal.h"
#include "tensor/shape.h"

/* A label names an axis: a letter, or an axis of "...", counted from the last. Sets of labels are bits. */
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

static int place_of(labels l, int label)
{
    int i = 0;
    while (i < l.n && l.label[i] != label) i++;
    return i;
}

/* Those in the set, in their order. */
static labels chosen(labels l, uint64_t set)
{
    labels some = { 0 };
    for (int i = 0; i < l.n; i++) {
        if (set & bit(l.label[i])) some.label[some.n++] = l.label[i];
    }
    return some;
}

static bool append(labels *l, labels more)
{
    if (l->n + more.n > TAP_MAX_RANK) return false;
    for (int i = 0; i < more.n; i++) l->label[l->n++] = more.label[i];
    return true;
}

/* The axes outside the set are summed. */
static term summed(term x, uint64_t keep)
{
    tap_axes gone = { 0 };
    for (int i = 0; i < x.axes.n; i++) {
        if (!(keep & bit(x.axes.label[i]))) gone.axis[gone.n++] = i;
    }
    if (gone.n > 0) x.v = tap_sum(x.v, gone);
    x.axes = chosen(x.axes, keep);
    return x;
}

static tap_var arranged(term x, labels order)
{
    int  axes[TAP_MAX_RANK];
    bool moves = false;
    for (int i = 0; i < order.n; i++) {
        axes[i] = place_of(x.axes, order.label[i]);
        moves = moves || axes[i] != i;
    }
    return moves ? tap_permute(x.v, order.n, axes) : x.v;
}

/* The sizes of some axes of x, appended to shape; returns their product. */
static int64_t sizes_of(term x, labels some, tap_shape *shape)
{
    tap_shape s = tap_shape_of(x.v);
    int64_t   product = 1;
    for (int i = 0; i < some.n; i++) {
        int64_t n = s.n[place_of(x.axes, some.label[i])];
        shape->n[shape->rank++] = n;
        product *= n;
    }
    return product;
}

/* x as [b,m,k], its axes in three groups. */
static tap_var matrices(term x, labels b, labels m, labels k)
{
    labels    order = b;
    tap_shape unused = { 0 }, three = { .rank = 3 };
    append(&order, m);
    append(&order, k);
    three.n[0] = sizes_of(x, b, &unused);
    three.n[1] = sizes_of(x, m, &unused);
    three.n[2] = sizes_of(x, k, &unused);
    return tap_reshape(arranged(x, order), three);
}

/* x with axes of size 1 for the labels of `all` that it does not have. */
static tap_var spread(term x, labels all)
{
    const labels own = chosen(all, set_of(x.axes));
    tap_var      v = arranged(x, own);
    for (int i = 0, k = 0; i < all.n; i++) {
        if (k < own.n && all.label[i] == own.label[k]) k++;
        else v = tap_unsqueeze(v, i);
    }
    return v;
}

/* The product of x and y, summed over what is not in keep; false if it has too many axes. Where nothing is summed, it is one of elements:
 * one that is masked leaves the others alone. */
static bool multiplied(term *x, term y, uint64_t keep)
{
    uint64_t both = set_of(x->axes) & set_of(y.axes);
    *x = summed(*x, keep | both);
    y = summed(y, keep | both);
    labels    batch = chosen(x->axes, both & keep), inner = chosen(x->axes, both & ~keep);
    labels    rows = chosen(x->axes, ~both), columns = chosen(y.axes, ~both), all = batch;
    tap_shape shape = { 0 };
    if (!append(&all, rows) || !append(&all, columns)) return false;
    if (inner.n == 0) {
        x->v = tap_mul(spread(*x, all), spread(y, all));
        x->axes = all;
        return true;
    }
    sizes_of(*x, batch, &shape);
    sizes_of(*x, rows, &shape);
    sizes_of(y, columns, &shape);
    x->v = tap_reshape(tap_matmul(matrices(*x, batch, rows, inner), matrices(y, batch, inner, columns)), shape);
    x->axes = all;
    return true;
}

/* From left to right. Labels have one size wherever they occur. */
static bool contract(int n, term *x, labels out, tap_var *result)
{
    term all = x[0];
    for (int i = 1; i < n; i++) {
        uint64_t keep = set_of(out);
        for (int k = i + 1; k < n; k++) keep |= set_of(x[k].axes);
        if (!multiplied(&all, x[i], keep)) return false;
    }
    *result = arranged(summed(all, set_of(out)), out);
    return true;
}

/* ---- Sizes ---- */

/* A label that occurs twice becomes the diagonal of its two axes; false if their sizes differ. */
static bool diagonals(term *x, int *wrong)
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

/* Axes of size 1 go where the label is larger elsewhere: so does broadcasting. */
static void drop_ones(term *x, const int64_t *size)
{
    tap_shape s = tap_shape_of(x->v);
    uint64_t  keep = 0;
    tap_axes  gone = { 0 };
    for (int k = 0; k < x->axes.n; k++) {
        if (s.n[k] == size[x->axes.label[k]]) keep |= bit(x->axes.label[k]);
        else gone.axis[gone.n++] = k;
    }
    if (gone.n > 0) x->v = tap_squeeze(x->v, gone);
    x->axes = chosen(x->axes, keep);
}

/* Gives every label one size; false if there are two, and none of them is 1. */
static bool agree(int n, term *x, int *wrong, int64_t *size, int64_t *other)
{
    int64_t of[LABELS];
    for (int i = 0; i < LABELS; i++) of[i] = 1;
    for (int i = 0; i < n; i++) {
        tap_shape s = tap_shape_of(x[i].v);
        for (int k = 0; k < x[i].axes.n; k++) {
            *wrong = x[i].axes.label[k];
            *size = of[*wrong];
            *other = s.n[k];
            if (*size != 1 && *other != 1 && *size != *other) return false;
            if (*other != 1) of[*wrong] = *other;
        }
    }
    for (int i = 0; i < n; i++) drop_ones(&x[i], of);
    return true;
}

/* ---- tensordot and inner: pairs of axes with one label ---- */

/* Labels 0..n-1 for these axes of input i, -1 for its others. */
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
            tap__fail_inputs(call, 2, in, TAP_EARG, "axis %d of input %d is named twice", axes[k], i);
            return false;
        }
        l->label[axis] = k;
    }
    return true;
}

/* New labels for the others, which go to the output. */
static bool label_rest(labels *l, int *next, labels *out)
{
    for (int k = 0; k < l->n; k++) {
        if (l->label[k] >= 0) continue;
        if (out->n == TAP_MAX_RANK) return false;
        out->label[out->n++] = l->label[k] = (*next)++;
    }
    return true;
}

static tap_var over_pairs(const char *call, tap_var a, tap_var b, int n, const int *axes_a, const int *axes_b)
{
    tap_var    in[2] = { a, b }, result;
    tap_tensor v[2];
    labels     out = { 0 };
    int        wrong, next = n, last[TAP_MAX_RANK], first[TAP_MAX_RANK];
    int64_t    size, other;
    if (!tap__inputs(call, 2, in, v)) return tap__inert(tap__tape_of(2, in));
    term x[2] = { { a, { .n = v[0].shape.rank } }, { b, { .n = v[1].shape.rank } } };
    if (n < 0 || n > x[0].axes.n || n > x[1].axes.n || !axes_a != !axes_b)
        return tap__fail_inputs(call, 2, in, TAP_EARG, "%d pairs of axes cannot be summed over", n);
    for (int k = 0; k < n; k++) last[k] = k - n, first[k] = k;
    if (!label_pairs(call, in, 0, &x[0].axes, n, axes_a ? axes_a : last)) return tap__inert(a.tape);
    if (!label_pairs(call, in, 1, &x[1].axes, n, axes_b ? axes_b : first)) return tap__inert(a.tape);
    if (!label_rest(&x[0].axes, &next, &out) || !label_rest(&x[1].axes, &next, &out))
        return tap__fail_inputs(call, 2, in, TAP_ESHAPE, "the result has too many axes");
    if (!agree(2, x, &wrong, &size, &other))
        return tap__fail_inputs(call, 2, in, TAP_ESHAPE, "paired sizes %lld and %lld differ", (long long)size,
                                (long long)other);
    return contract(2, x, out, &result) ? result : tap__inert(a.tape);
}

tap_var tap_tensordot(tap_var a, tap_var b, int n, const int *axes_a, const int *axes_b)
{
    TAP_CALL("tensordot", a, b);
    return over_pairs("tensordot", a, b, n, axes_a, axes_b);
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
    return over_pairs("inner", a, b, 1, (int[]){ -1 }, (int[]){ -1 });
}

/* ---- einsum ---- */

/* A group of labels of an equation: those before "..." and behind it. */
typedef struct {
    int  n, dots; /* labels; where "..." stands among them, -1: nowhere */
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
    if (label < LETTERS) text[0] = letter, text[1] = '\0';
    return text;
}

/* Reads up to a comma, an arrow or the end; NULL, or what is wrong. */
static const char *read_group(const char **at, group *g)
{
    *g = (group){ .dots = -1 };
    for (const char *c = *at;; c++) {
        *at = c;
        if (*c == '\0' || *c == ',' || (c[0] == '-' && c[1] == '>')) return NULL;
        if (*c == ' ') continue;
        if (!strncmp(c, "...", 3)) {
            if (g->dots >= 0) return "\"...\" stands twice in one group";
            g->dots = g->n;
            c += 2;
        } else if (label_of(*c) < 0) {
            return "only letters, \"...\", \",\" and one \"->\" have a meaning";
        } else if (g->n == LETTERS) {
            return "there are too many letters";
        } else {
            g->label[g->n++] = (char)label_of(*c);
        }
    }
}

/* The group's labels for a rank: "..." is as many axes as there are left, the last of them LETTERS. */
static bool fit(const group *g, int rank, labels *l)
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

/* Without "->": "..." and the letters that occur once. */
static void implicit(int n, const term *x, group *g)
{
    int times[LABELS] = { 0 };
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < x[i].axes.n; k++) times[x[i].axes.label[k]]++;
    }
    *g = (group){ .dots = 0 };
    for (int label = 0; label < LETTERS; label++) {
        if (times[label] == 1) g->label[g->n++] = (char)label;
    }
}

static const char *check_output(const group *g, uint64_t known)
{
    uint64_t seen = 0;
    for (int i = 0; i < g->n; i++) {
        if (seen & bit(g->label[i])) return "a letter stands twice in the output";
        if (!(known & bit(g->label[i]))) return "a letter of the output is in no input";
        seen |= bit(g->label[i]);
    }
    return NULL;
}

/* Terms and output labels of the equation; NULL, or what is wrong. */
static const char *parse(const char *at, int n, const tap_tensor *v, term *x, labels *out)
{
    group       g;
    int         dots = 0;
    uint64_t    known = 0;
    const char *wrong;
    for (int i = 0; i < n; i++) {
        if ((wrong = read_group(&at, &g))) return wrong;
        if (i < n - 1 ? *at != ',' : *at == ',') return "it has not as many groups as there are inputs";
        at += *at == ',';
        if (!fit(&g, v[i].shape.rank, &x[i].axes)) return "the letters of a group are not as many as its input has axes";
        if (v[i].shape.rank - g.n > dots) dots = v[i].shape.rank - g.n;
        known |= set_of(x[i].axes);
    }
    if (*at == '\0') implicit(n, x, &g);
    else if (at += 2, (wrong = read_group(&at, &g))) return wrong;
    if (*at) return "only letters, \"...\", \",\" and one \"->\" have a meaning";
    if ((wrong = check_output(&g, known))) return wrong;
    if (g.dots < 0) dots = 0;
    return fit(&g, g.n + dots, out) ? NULL : "the result has too many axes";
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
        tap__fail(t, TAP_EARG, "einsum", "%d inputs, %d is the most there can be", n, TAP_MAX_INPUTS);
        return tap__inert(t);
    }
    if (!tap__inputs("einsum", n, x, v)) return tap__inert(t);
    if (!equation) return tap__fail_inputs("einsum", n, x, TAP_EARG, "there is no equation");
    for (int i = 0; i < n; i++) terms[i].v = x[i];
    wrong = parse(equation, n, v, terms, &out);
    if (wrong) return tap__fail_inputs("einsum", n, x, TAP_EARG, "'%.64s': %s", equation, wrong);
    for (int i = 0; i < n; i++) {
        if (!diagonals(&terms[i], &label))
            return tap__fail_inputs("einsum", n, x, TAP_ESHAPE, "'%.64s': %s stands for two sizes", equation,
                                    label_name(label, name));
    }
    if (!agree(n, terms, &label, &size, &other))
        return tap__fail_inputs("einsum", n, x, TAP_ESHAPE, "'%.64s': %s is %lld and %lld", equation, label_name(label, name),
                                (long long)size, (long long)other);
    if (!contract(n, terms, out, &result))
        return tap__fail_inputs("einsum", n, x, TAP_ESHAPE, "'%.64s': a product on the way has too many axes", equation);
    return result;
}
