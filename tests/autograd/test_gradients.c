/* Every differentiable operator against finite differences: first and second order, through contiguous, transposed, sliced,
 * reversed, expanded, size-1 and empty inputs. The rows are in gradients_*.c; an operator or a public function without one
 * fails the last tests. With arguments, only the rows of the operators named are run. */
#define _POSIX_C_SOURCE 200809L
#include <ctype.h>
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/autograd/gradients.h"

static const gradient_row *const tables[] = {
    elementwise_gradients,
    views_gradients,
    reductions_gradients,
    indexing_gradients,
    products_gradients,
};

enum { TABLES = sizeof tables / sizeof *tables };

static char **named; /* the operators asked for, up to NULL; NULL: all */

static bool is_named(const gradient_row *r)
{
    if (!named || !*named) return true;
    for (char **name = named; *name; name++) {
        if (!strcmp(*name, r->op)) return true;
    }
    return false;
}

/* ---- Values ---- */

/* Spread evenly over the interval in a shuffled order, the inputs of one row offset against each other: no two are equal, so
 * maxima have no ties; and a step aside where the row has a kink. */
static void spread(const gradient_row *r, int input, tap_tensor x)
{
    int64_t  n = tap_numel(x.shape);
    int64_t *order = malloc((size_t)(n ? n : 1) * sizeof *order);
    assert_non_null(order);
    tap_random_permutation(order, n, (tap_random){ .seed = 7, .stream = (uint64_t)input });
    for (int64_t i = 0; i < n; i++) {
        double at = ((double)order[i] + (input + 1.0) / (r->n + 1.0)) / (double)n;
        double value = r->low[input] + (r->high[input] - r->low[input]) * at;
        if (r->has_kink && fabs(value - r->kink) < 1e-3) value = r->kink + (value < r->kink ? -2e-3 : 2e-3);
        tap_tensor_set_item(x, i, value);
    }
    free(order);
}

/* ---- Layouts: the function sees its inputs through a view ---- */

typedef enum { CONTIGUOUS, TRANSPOSED, SLICED, REVERSED, EXPANDED, LAYOUTS } layout;

static const char *const layout_name[LAYOUTS] = { "contiguous", "transposed", "sliced", "reversed", "expanded" };

static tap_shape base_shape(tap_shape s, layout how)
{
    tap_shape b = s;
    if (s.rank == 0) return s;
    if (how == TRANSPOSED) {
        for (int i = 0; i < s.rank; i++) b.n[i] = s.n[s.rank - 1 - i];
    }
    if (how == SLICED) b.n[s.rank - 1] = 2 * s.n[s.rank - 1] + 1;
    if (how == EXPANDED && s.n[0] > 0) b.n[0] = 1;
    return b;
}

static tap_var through(tap_var x, tap_shape s, layout how)
{
    int axes[TAP_MAX_RANK];
    if (s.rank == 0) return x;
    for (int i = 0; i < s.rank; i++) axes[i] = s.rank - 1 - i;
    switch (how) {
    case TRANSPOSED: return tap_permute(x, s.rank, axes);
    case SLICED: return tap_slice(x, -1, 1, TAP_END, 2);
    case REVERSED: return tap_slice(tap_slice(x, 0, TAP_END, TAP_END, -1), -1, TAP_END, TAP_END, -1);
    case EXPANDED: return tap_expand(x, s);
    default: return x;
    }
}

typedef struct {
    const gradient_row *r;
    layout              how;
} viewed_row;

static tap_var viewed(tap_tape *t, const tap_var *in, void *ctx)
{
    const viewed_row *v = ctx;
    tap_var           x[GRADIENT_INPUTS] = { { 0 } };
    for (int i = 0; i < v->r->n; i++) x[i] = through(in[i], v->r->shape[i], v->how);
    return v->r->f(t, x, NULL);
}

static void check_row(const gradient_row *r, layout how)
{
    tap_arena *a = tap_arena_new();
    tap_tensor x[GRADIENT_INPUTS];
    viewed_row v = { r, how };
    for (int i = 0; i < r->n; i++) {
        x[i] = tap_tensor_zeros(a, TAP_F64, base_shape(r->shape[i], how));
        spread(r, i, x[i]);
    }
    tap_gradcheck_result g = tap_gradcheck(viewed, &v, r->n, x, (tap_gradcheck_options){ .order = 2, .seed = 3 });
    if (!g.ok) fail_msg("%s, %s: %s", r->op, layout_name[how], g.message);
    tap_arena_free(a);
}

static void test_every_row_and_layout(void **state)
{
    (void)state;
    for (int k = 0; k < TABLES; k++) {
        for (const gradient_row *r = tables[k]; r->op; r++) {
            for (int how = 0; how < LAYOUTS && is_named(r); how++) {
                if (how != EXPANDED || !r->ties) check_row(r, (layout)how);
            }
        }
    }
}

/* Sizes 1 and 0 in the first axis of every input, where the row's shapes allow them. */
static int check_small(gradient_row r)
{
    int tried = 0;
    for (int k = 0; k < r.n; k++) {
        if (r.fixed || r.shape[k].rank != 3) return 0;
    }
    for (int64_t size = r.not_empty; size <= 1; size++) {
        for (int k = 0; k < r.n; k++) r.shape[k].n[0] = size;
        check_row(&r, CONTIGUOUS);
        tried++;
    }
    return tried;
}

static void test_single_and_empty_inputs(void **state)
{
    (void)state;
    int tried = 0;
    for (int k = 0; k < TABLES; k++) {
        for (const gradient_row *r = tables[k]; r->op; r++) tried += is_named(r) ? check_small(*r) : 0;
    }
    if (!named) assert_true(tried > 80);
}

/* ---- Completeness: the sources are asked which operators there are, the headers which functions ---- */

static bool has_row(const char *name)
{
    for (int k = 0; k < TABLES; k++) {
        for (const gradient_row *r = tables[k]; r->op; r++) {
            if (!strcmp(r->op, name)) return true;
        }
    }
    return false;
}

static const char *const no_gradient[] = {
    /* values that come from outside, or handles */
    "input", "variable", "scalar", "zeros", "ones", "full", "arange", "eye", "randn", "rand", "leaf_var", "named", "apply", "in",
    "out", "use",
    /* results that are bool or integer */
    "eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_not", "isnan", "isinf", "isfinite", "any", "all",
    "count_nonzero", "argmax", "argmin", "argsort",
    /* layers and distributions are checked in tests/nn */
    "linear_forward", "mlp_forward", "identity", "sample", "sample_n", "sample_from", "log_prob", "entropy", "dist_mean", "kl",
};

static bool is_exempt(const char *name)
{
    for (size_t i = 0; i < sizeof no_gradient / sizeof *no_gradient; i++) {
        if (!strcmp(no_gradient[i], name)) return true;
    }
    return false;
}

/* The word after `before` on the line, up to one of the characters in `until`; false if there is none. */
static bool word_after(const char *line, const char *before, const char *until, char *word, size_t size)
{
    const char *at = strstr(line, before);
    if (!at) return false;
    at += strlen(before);
    size_t n = strcspn(at, until);
    if (n == 0 || n >= size) return false;
    memcpy(word, at, n);
    word[n] = '\0';
    return true;
}

/* "UNARY(exp, ..." in a table. */
static bool row_on(const char *line, char *name, size_t size)
{
    static const char *const kinds[] = { "UNARY(", "WITH(", "WITH2(", "BINARY(", "INNER(" };
    for (int i = 0; i < 5; i++) {
        if (!strncmp(line, kinds[i], strlen(kinds[i]))) return word_after(line, kinds[i], ",", name, size);
    }
    return false;
}

/* `const tap_op exp_op = { "exp", ...` in a source file. */
static bool operator_on(const char *line, char *name, size_t size)
{
    return strstr(line, "const tap_op ") && word_after(line, "= { \"", "\"", name, size);
}

/* "TAP_API tap_var tap_exp(tap_var x);" in a header. */
static bool function_on(const char *line, char *name, size_t size)
{
    if (strncmp(line, "TAP_API tap_var ", 16) != 0) return false;
    return word_after(line + 15, " tap_", "(", name, size);
}

typedef bool (*finder)(const char *line, char *name, size_t size);

static const char *source_root(void)
{
    const char *root = getenv("TAP_SOURCE_ROOT");
    return root ? root : ".";
}

static int check_file(const char *path, finder find, char *missing, size_t size)
{
    char  line[1024], name[64];
    int   found = 0;
    FILE *f = fopen(path, "r");
    if (!f) fail_msg("%s cannot be read; set TAP_SOURCE_ROOT", path);
    while (fgets(line, sizeof line, f)) {
        if (!find(line, name, sizeof name)) continue;
        found++;
        if (!has_row(name) && !is_exempt(name) && strlen(missing) + strlen(name) + 2 < size) strcat(strcat(missing, " "), name);
    }
    fclose(f);
    return found;
}

static void test_every_operator_has_a_row(void **state)
{
    (void)state;
    static const char *const folders[] = { "tensor", "autograd", "nn", "models" };
    char                     path[4096], missing[4096] = "";
    int                      found = 0;
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", source_root(), folders[i]);
        DIR *d = opendir(path);
        if (!d) fail_msg("%s cannot be opened; set TAP_SOURCE_ROOT", path);
        for (struct dirent *e; (e = readdir(d));) {
            const char *dot = strrchr(e->d_name, '.');
            bool        table = dot && !strcmp(dot, ".def");
            if (!dot || (!table && strcmp(dot, ".c") != 0)) continue;
            snprintf(path, sizeof path, "%s/%s/%s", source_root(), folders[i], e->d_name);
            found += check_file(path, table ? row_on : operator_on, missing, sizeof missing);
        }
        closedir(d);
    }
    assert_true(found >= 42);
    if (*missing) fail_msg("operators without a gradient test:%s", missing);
}

static void test_every_function_has_a_row(void **state)
{
    (void)state;
    static const char *const headers[] = { "autograd/autograd.h", "nn/nn.h" };
    char                     path[4096], missing[4096] = "";
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", source_root(), headers[i]);
        assert_true(check_file(path, function_on, missing, sizeof missing) > 0 || i == 1);
    }
    if (*missing) fail_msg("functions without a gradient test:%s", missing);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_and_layout),
        cmocka_unit_test(test_single_and_empty_inputs),
        cmocka_unit_test(test_every_operator_has_a_row),
        cmocka_unit_test(test_every_function_has_a_row),
    };
    const struct CMUnitTest some[] = {
        cmocka_unit_test(test_every_row_and_layout),
        cmocka_unit_test(test_single_and_empty_inputs),
    };
    named = argc > 1 ? argv + 1 : NULL;
    return named ? cmocka_run_group_tests(some, NULL, NULL) : cmocka_run_group_tests(tests, NULL, NULL);
}
