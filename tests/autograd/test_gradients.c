/* tests/autograd/test_gradients.c: compares the gradients of every differentiable operator with finite differences, of first
 * and second order, for contiguous, transposed, sliced, reversed, expanded, shared, size-1 and empty inputs. Results must
 * have the same bits in every run and for any number of threads. The rows are in gradients_*.c here and in tests/nn;
 * test_operators.c checks that each operator has one. Arguments select operators by name. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/check.h"
#include "tests/autograd/gradient_tables.h"
#include "tensor/parallel.h"

static char  **selected; /* the names of operators to test, up to NULL; NULL: all */
static int64_t compared; /* the number of derivatives so far */

/* Under valgrind, which checks memory and not numbers, each row is run once only. */
static bool is_short(void)
{
    return getenv("TAP_TEST_SHORT") != NULL;
}

static bool is_selected(const gradient_row *r)
{
    if (!selected || !*selected) return true;
    for (char **name = selected; *name; name++) {
        if (!strcmp(*name, r->op)) return true;
    }
    return false;
}

/* ---- Values ---- */

/* Fills x with numbers that are spread evenly over the interval, in a random order. The inputs of a row are offset against
 * each other, so that no two numbers are equal and maxima have no ties. Numbers near the kink of the row are moved away from
 * it. */
static void fill_input(const gradient_row *r, int input, tap_tensor x)
{
    int64_t  n = tap_numel(x.shape);
    int64_t *order = malloc((size_t)(n ? n : 1) * sizeof *order);
    assert_non_null(order);
    tap_random_permutation(order, n, (tap_rng_key){ .seed = 7, .stream = (uint64_t)input });
    for (int64_t i = 0; i < n; i++) {
        double at = ((double)order[i] + (input + 1.0) / (r->n + 1.0)) / (double)n;
        double value = r->low[input] + (r->high[input] - r->low[input]) * at;
        if (r->has_kink && fabs(value - r->kink) < 1e-3) value = r->kink + (value < r->kink ? -2e-3 : 2e-3);
        tap_tensor_set_item(x, i, value);
    }
    free(order);
}

/* ---- Layouts: the inputs of the function are views ---- */

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
    bool                shared; /* the first input is used for all */
} viewed_row;

static tap_var viewed(tap_tape *t, const tap_var *in, void *ctx)
{
    const viewed_row *v = ctx;
    tap_var           x[GRADIENT_INPUTS] = { { 0 } };
    for (int i = 0; i < v->r->n; i++) x[i] = through(in[v->shared ? 0 : i], v->r->shape[i], v->how);
    return v->r->f(t, x, NULL);
}

static void make_inputs(const gradient_row *r, layout how, tap_arena *a, tap_tensor *x)
{
    for (int i = 0; i < r->n; i++) {
        x[i] = tap_tensor_zeros(a, TAP_F64, base_shape(r->shape[i], how));
        fill_input(r, i, x[i]);
    }
}

static void check_row(const gradient_row *r, layout how, bool shared)
{
    tap_arena *a = tap_arena_new();
    tap_tensor x[GRADIENT_INPUTS];
    viewed_row v = { r, how, shared };
    make_inputs(r, how, a, x);
    tap_gradcheck_options o = { .order = 2, .seed = 3, .elements = is_short() ? 2 : 0, .jacobian = is_short() ? 1 : 0 };
    tap_gradcheck_result  g = tap_gradcheck(viewed, &v, shared ? 1 : r->n, x, o);
    if (!g.ok) fail_msg("%s, %s%s: %s", r->op, layout_name[how], shared ? ", all inputs the same" : "", g.message);
    compared += g.checked;
    tap_arena_free(a);
}

static void test_every_row_and_layout(void **state)
{
    (void)state;
    for (int k = 0; k < TABLES; k++) {
        for (const gradient_row *r = tables[k]; r->op; r++) {
            for (int how = 0; how < LAYOUTS && is_selected(r); how++) {
                if (how != EXPANDED || !r->ties) check_row(r, (layout)how, false);
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
        check_row(&r, CONTIGUOUS, false);
        tried++;
    }
    return tried;
}

static void test_single_and_empty_inputs(void **state)
{
    (void)state;
    int tried = 0;
    for (int k = 0; k < TABLES; k++) {
        for (const gradient_row *r = tables[k]; r->op; r++) tried += is_selected(r) ? check_small(*r) : 0;
    }
    if (!selected) assert_true(tried > 80);
}

/* f(x, x), for values from the intervals of both inputs. */
static int check_shared(gradient_row r)
{
    if (r.n != 2 || r.apart || !tap_shape_equal(r.shape[0], r.shape[1])) return 0;
    r.low[0] = fmax(r.low[0], r.low[1]);
    r.high[0] = fmin(r.high[0], r.high[1]);
    if (r.low[0] >= r.high[0]) return 0;
    check_row(&r, CONTIGUOUS, true);
    return 1;
}

static void test_shared_inputs(void **state)
{
    (void)state;
    int tried = 0;
    for (int k = 0; k < TABLES; k++) {
        for (const gradient_row *r = tables[k]; r->op; r++) tried += is_selected(r) ? check_shared(*r) : 0;
    }
    if (!selected) assert_true(tried > 10);
}

/* ---- The same bits in every run, for any number of threads, and if only one input needs a gradient ---- */

enum { GRADIENTS = GRADIENT_INPUTS, RESULTS };

static tap_tensor copy_of(tap_arena *a, tap_tensor x)
{
    tap_tensor copy = tap_tensor_zeros(a, x.dtype, x.shape);
    assert_int_equal(tap_tensor_copy(copy, x, NULL), TAP_OK);
    return copy;
}

/* Computes the result and the gradients of a row, and copies them into the arena a. All inputs except number `only` are
 * constants (-1: none is). Returns how many numbers the tape computed. */
static int64_t compute_one(const gradient_row *r, layout how, const tap_tensor *x, int only, int threads, tap_arena *a,
                           tap_tensor *out)
{
    viewed_row v = { r, how, false };
    tap_var    in[GRADIENT_INPUTS], dx[GRADIENT_INPUTS];
    int64_t    numbers = 0;
    tap_tape  *t = tap_tape_new(TAP_F64, 3);
    tap_set_threads(threads);
    tap__parallel_threshold_for_tests(0);
    for (int i = 0; i < r->n; i++) in[i] = only < 0 || i == only ? tap_variable(t, x[i]) : tap_input(t, x[i]);
    tap_var y = viewed(t, in, &v);
    tap_tape_set_recording(t, false);
    tap_vjp(y, tap_randn(t, tap_shape_of(y)), r->n, in, dx);
    const char *message;
    if (tap_tape_status(t, &message) != TAP_OK) fail_msg("%s, %s: %s", r->op, layout_name[how], message);
    for (int i = 0; i < r->n; i++) out[i] = copy_of(a, tap_value(dx[i]));
    out[GRADIENTS] = copy_of(a, tap_value(y));
    for (uint32_t id = 1; id < t->n_nodes; id++) numbers += tap_numel(tap__node(t, id)->value.shape);
    tap_tape_free(t);
    tap_set_threads(0);
    return numbers;
}

static int64_t compute(const gradient_row *r, layout how, const tap_tensor *x, int threads, tap_arena *a, tap_tensor *out)
{
    return compute_one(r, how, x, -1, threads, a, out);
}

static bool same_bits(tap_tensor x, tap_tensor y)
{
    size_t bytes = (size_t)tap_tensor_numel(x) * tap_dtype_size(x.dtype);
    return !bytes || memcmp(x.data, y.data, bytes) == 0;
}

static void assert_same(const gradient_row *r, const char *what, const tap_tensor *a, const tap_tensor *b)
{
    for (int i = 0; i < RESULTS; i++) {
        if (i >= r->n && i != GRADIENTS) continue;
        if (!same_bits(a[i], b[i])) fail_msg("%s: %s: the %s differ", r->op, what, i == GRADIENTS ? "values" : "gradients");
    }
}

static void check_bits(const gradient_row *r, layout how)
{
    tap_tensor x[GRADIENT_INPUTS], one[RESULTS], again[RESULTS], four[RESULTS];
    tap_arena *a = tap_arena_new();
    make_inputs(r, how, a, x);
    compute(r, how, x, 1, a, one);
    compute(r, how, x, 1, a, again);
    compute(r, how, x, 4, a, four);
    assert_same(r, "computed twice", one, again);
    assert_same(r, "with 1 and with 4 threads", one, four);
    for (int i = 0; i < r->n && r->n > 1; i++) {
        compute_one(r, how, x, i, 1, a, again);
        if (!same_bits(again[i], one[i])) fail_msg("%s: the gradient of input %d alone is another", r->op, i);
    }
    tap_arena_free(a);
}

static gradient_row scaled(gradient_row r, int64_t by)
{
    for (int k = 0; k < r.n; k++) r.shape[k].n[0] *= by;
    return r;
}

static int64_t numbers_for(gradient_row r)
{
    tap_tensor x[GRADIENT_INPUTS], out[RESULTS];
    tap_arena *a = tap_arena_new();
    make_inputs(&r, CONTIGUOUS, a, x);
    int64_t numbers = compute(&r, CONTIGUOUS, x, 1, a, out);
    tap_arena_free(a);
    return numbers;
}

/* Whether the first axis may be made long: all inputs have it, and the work is proportional to its size. */
static bool can_grow(const gradient_row *r)
{
    for (int k = 0; k < r->n; k++) {
        if (r->fixed || r->shape[k].rank != 3 || r->shape[k].n[0] != r->shape[0].n[0]) return false;
    }
    return 2 * numbers_for(scaled(*r, 4)) <= 5 * numbers_for(scaled(*r, 2));
}

static void test_results_are_deterministic(void **state)
{
    (void)state;
    int grown = 0;
    for (int k = 0; k < TABLES; k++) {
        for (const gradient_row *r = tables[k]; r->op; r++) {
            if (!is_selected(r)) continue;
            check_bits(r, CONTIGUOUS);
            if (!can_grow(r)) continue;
            gradient_row large = scaled(*r, is_short() ? 20 : 2000); /* large enough for several threads */
            check_bits(&large, CONTIGUOUS);
            check_bits(&large, TRANSPOSED);
            grown++;
        }
    }
    if (!selected) assert_true(grown > 40);
}

/* Operators and functions with several rows are counted once. */
static void print_totals(void)
{
    const char *seen[1024];
    int         rows = 0, operators = 0;
    for (int k = 0; k < TABLES; k++) {
        for (const gradient_row *r = tables[k]; r->op; r++) {
            int i = 0;
            if (!is_selected(r)) continue;
            while (i < operators && strcmp(seen[i], r->op) != 0) i++;
            if (i == operators && operators < 1024) seen[operators++] = r->op;
            rows++;
        }
    }
    printf("%d rows, %d operators and functions, %lld derivatives compared\n", rows, operators, (long long)compared);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_and_layout),
        cmocka_unit_test(test_single_and_empty_inputs),
        cmocka_unit_test(test_shared_inputs),
        cmocka_unit_test(test_results_are_deterministic),
    };
    selected = argc > 1 ? argv + 1 : NULL;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    print_totals();
    return failed;
}
