/* Distributions, their divergences and the bounds at the edges of their domains: edges.h says what is asked of the rows. Every kind has rows
 * for all that it can, and every pair with a closed form one. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/check.h"
#include "tests/nn/edge_tables.h"

static void test_continuous(void **state)
{
    (void)state;
    check_edge_rows(continuous_edges);
}

static void test_discrete(void **state)
{
    (void)state;
    check_edge_rows(discrete_edges);
}

static void test_divergences(void **state)
{
    (void)state;
    check_edge_rows(divergence_edges);
}

static void test_vectors_of_logits(void **state)
{
    (void)state;
    check_edge_vectors(class_edges);
}

/* ---- Completeness: the header is asked which kinds there are, and tap_kl which pairs ---- */

/* clang-format off */
static const tap_dist_type *const kinds[] = {
    &tap__normal_type, &tap__isotropic_normal_type, &tap__multivariate_normal_type, &tap__log_normal_type, &tap__laplace_type,
    &tap__delta_type, &tap__continuous_bernoulli_type, &tap__bernoulli_type, &tap__categorical_type, &tap__one_hot_categorical_type,
    &tap__relaxed_bernoulli_type, &tap__relaxed_one_hot_categorical_type, &tap__negative_binomial_type,
    &tap__zero_inflated_negative_binomial_type, &tap__beta_binomial_type, &tap__discretized_logistic_type,
    &tap__discretized_logistic_mixture_type,
};
/* clang-format on */

enum { KINDS = sizeof kinds / sizeof *kinds };

/* Whether an id begins with the text, and a remark or nothing follows. */
static bool has_row(const char *text)
{
    const edge_row *const tables[] = { continuous_edges, discrete_edges, divergence_edges };
    const size_t          n = strlen(text);
    for (int k = 0; k < 3; k++) {
        for (const edge_row *r = tables[k]; r->id; r++) {
            if (!strncmp(r->id, text, n) && (r->id[n] == '\0' || r->id[n] == '_')) return true;
        }
    }
    return false;
}

static int missing;

static void want(bool wanted, const char *kind, const char *what)
{
    char id[160];
    snprintf(id, sizeof id, "%s__%s", kind, what);
    if (!wanted || has_row(id)) return;
    print_error("no row %s\n", id);
    missing++;
}

static void test_every_kind_has_rows(void **state)
{
    (void)state;
    missing = 0;
    for (int k = 0; k < KINDS; k++) {
        const tap_dist_type *d = kinds[k];
        want(true, d->name, "log_prob");
        want(d->entropy != NULL, d->name, "entropy");
        want(d->mean != NULL, d->name, "mean");
        want(d->variance != NULL, d->name, "variance");
        want(d->has_rsample, d->name, "path");
    }
    assert_int_equal(missing, 0);
}

/* All names tap__.._type of the header are in the list above. */
static void test_every_kind_is_known(void **state)
{
    const char *root = getenv("TAP_SOURCE_ROOT");
    char        path[4096], line[1024], name[128];
    int         found = 0, known = 0;
    (void)state;
    snprintf(path, sizeof path, "%s/nn/dist/distribution.h", root ? root : ".");
    FILE *f = fopen(path, "r");
    if (!f) fail_msg("%s cannot be read; set TAP_SOURCE_ROOT", path);
    while (fgets(line, sizeof line, f)) {
        for (const char *at = line; (at = strstr(at, "tap__")); at += 5) {
            const size_t n = strspn(at, "abcdefghijklmnopqrstuvwxyz_");
            if (n < 11 || n >= sizeof name || strncmp(at + n - 5, "_type", 5) != 0) continue;
            snprintf(name, sizeof name, "%.*s", (int)n - 10, at + 5);
            found++;
            for (int k = 0; k < KINDS; k++) known += !strcmp(kinds[k]->name, name);
        }
    }
    fclose(f);
    assert_true(found >= KINDS);
    assert_int_equal(found, known);
}

/* A distribution of the kind: a batch [], events of one element or of a vector [2]. */
static tap_dist of_kind(tap_tape *t, const tap_dist_type *type)
{
    tap_dist        d = { .type = type };
    const tap_shape shape[] = { TAP_SCALAR, TAP_SHAPE(2), TAP_SHAPE(2, 2) };
    for (int i = 0; i < type->n_param; i++) d.param[i] = tap_full(t, shape[type->param_event_rank[i]], 1);
    return d;
}

static void test_every_pair_has_a_row(void **state)
{
    int pairs = 0;
    (void)state;
    missing = 0;
    for (int i = 0; i < KINDS * KINDS; i++) {
        tap_tape            *t = tap_tape_new(TAP_F64, 1);
        const tap_dist_type *q = kinds[i / KINDS], *p = kinds[i % KINDS];
        char                 id[128];
        tap_kl(of_kind(t, q), of_kind(t, p));
        const bool closed = !strstr(tap_tape_message(t), "no closed form");
        snprintf(id, sizeof id, "kl__%s", p->name);
        want(closed, q->name, id);
        pairs += closed;
        tap_tape_free(t);
    }
    assert_int_equal(missing, 0);
    assert_true(pairs >= 26);
}

/* ---- Bounds ---- */

static const double inf = (double)INFINITY;

static tap_var numbers(tap_tape *t, tap_shape s, const double *x)
{
    tap_var v = tap_full(t, s, 0);
    for (int64_t i = 0; i < tap_numel(s); i++) tap_tensor_set_item(tap_value(v), i, x[i]);
    return tap_variable(t, tap_value(v));
}

static void expect(const char *what, tap_var v, const double *want)
{
    for (int64_t i = 0; i < tap_numel(tap_shape_of(v)); i++) {
        const double got = tap_tensor_item(tap_value(v), i);
        if (!(got == want[i] || fabs(got - want[i]) <= 1e-6 * fabs(want[i]) || (isnan(got) && isnan(want[i]))))
            fail_msg("%s: number %d is %g, not %g", what, (int)i, got, want[i]);
    }
}

/* A draw that the model cannot make has no weight; that of the others stays, and so does the gradient of each. Columns: no such draw, one,
 * all. */
static void check_impossible_draws(tap_dtype dtype)
{
    const double    p[] = { 0, -inf, -inf, 0, 0, -inf }, q[] = { 1, 1, 1, 1, 1, 1 }, bound[] = { -1, -1 - log(2), -inf };
    const double    by_p[] = { 0.5, 0, 0.5, 0.5, 1, 0.5 };
    tap_tape       *t = tap_tape_new(dtype, 1);
    const tap_shape s = TAP_SHAPE(2, 3);
    tap_var         zero = tap_zeros(t, s), log_p = numbers(t, s, p), log_q = numbers(t, s, q), g;
    tap_var         y = tap_variational_bound((tap_bound_terms){ .log_px_z = log_p, .log_pz = zero, .log_q = log_q },
                                              (tap_bound_options){ .bound = TAP_IWAE });
    expect("the bound", y, bound);
    tap_grad(tap_sum(y, TAP_ALL), 1, &log_p, &g);
    expect("the gradient", g, by_p);
    tap_tape_free(t);
}

/* The score function's signal is less the mean of the others, which is not the sum less the own; it adds nothing to the value. */
static void check_score(tap_dtype dtype)
{
    const double    f[] = { 1e20, -inf, 1, -1, 3, -3 }, bound[] = { 1e20 / 3, -inf };
    const double    by_q[] = { (1e20 - 2) / 3, -inf, -1e20 / 6, inf, -1e20 / 6, inf };
    tap_tape       *t = tap_tape_new(dtype, 1);
    const tap_shape s = TAP_SHAPE(3, 2);
    tap_var         log_q = tap_variable(t, tap_value(tap_zeros(t, s))), g;
    tap_bound_terms d = { .log_px_z = numbers(t, s, f), .log_q = log_q, .kl = tap_zeros(t, TAP_SHAPE(2, 1)) };
    tap_var         y = tap_variational_bound(d, (tap_bound_options){ .estimator = TAP_SCORE_LEAVE_ONE_OUT });
    expect("the bound", y, bound);
    tap_grad(tap_sum(y, TAP_ALL), 1, &log_q, &g);
    expect("the gradient", g, by_q);
    tap_tape_free(t);
}

/* A beta of 0 leaves the KL out, whatever it is; NaN is no nats to be had for free. */
static void check_weights(tap_dtype dtype)
{
    const double f[] = { 2, 3 }, kl[] = { inf, 1 }, by_kl[] = { 0, 0 }, bits[] = { (double)NAN, 0.5 },
                 freed[] = { (double)NAN, 1 };
    tap_tape *t = tap_tape_new(dtype, 1);
    tap_var   k = numbers(t, TAP_SHAPE(2, 1), kl), g;
    tap_var   y = tap_variational_bound((tap_bound_terms){ .log_px_z = numbers(t, TAP_SHAPE(1, 2), f), .kl = k },
                                        (tap_bound_options){ .beta = -1 });
    expect("without the KL", y, f);
    tap_grad(tap_sum(y, TAP_ALL), 1, &k, &g);
    expect("the gradient by the KL", g, by_kl);
    expect("free bits", tap_free_bits(numbers(t, TAP_SHAPE(1, 2), bits), 1), freed);
    tap_tape_free(t);
}

static void test_bounds(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        check_impossible_draws(k ? TAP_F64 : TAP_F32);
        check_score(k ? TAP_F64 : TAP_F32);
        check_weights(k ? TAP_F64 : TAP_F32);
    }
}

int main(void)
{
    /* clang-format off */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_continuous),
        cmocka_unit_test(test_discrete),
        cmocka_unit_test(test_divergences),
        cmocka_unit_test(test_vectors_of_logits),
        cmocka_unit_test(test_every_kind_has_rows),
        cmocka_unit_test(test_every_kind_is_known),
        cmocka_unit_test(test_every_pair_has_a_row),
        cmocka_unit_test(test_bounds),
    };
    /* clang-format on */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
