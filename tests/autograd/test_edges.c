/* tests/autograd/test_edges.c: the operators of autograd, and the functions of nn.h that are composed of them, at the edges of
 * their domains; see edges.h. Every operator and every function must have a row. */
#include "tests/check.h"
#include "tests/autograd/edge_tables.h"
#include "tests/autograd/sources.h"

static void test_elementwise(void **state)
{
    (void)state;
    check_edge_rows(elementwise_edges);
}

static void test_activations(void **state)
{
    (void)state;
    check_edge_rows(activation_edges);
}

static void test_operators_of_rules(void **state)
{
    (void)state;
    check_edge_rows(piece_edges);
}

static void test_functional(void **state)
{
    (void)state;
    check_edge_rows(functional_edges);
}

static void test_operators_of_densities(void **state)
{
    (void)state;
    check_edge_rows(density_edges);
}

static void test_reductions(void **state)
{
    (void)state;
    check_edge_vectors(reduction_edges);
}

static void test_views(void **state)
{
    (void)state;
    check_edge_cases(view_edges);
}

static void test_indexing(void **state)
{
    (void)state;
    check_edge_cases(indexing_edges);
}

static void test_products(void **state)
{
    (void)state;
    check_edge_cases(product_edges);
}

static void test_linalg(void **state)
{
    (void)state;
    check_edge_cases(linalg_edges);
}

static void test_spatial(void **state)
{
    (void)state;
    check_edge_cases(spatial_edges);
}

/* ---- Completeness ---- */

/* Operators and functions that need no row, and the reason. */
static const struct {
    const char *names, *why;
} exceptions[] = {
    { "input variable leaf_var param_var in out apply fail", "handles, and the way operators are defined" },
    { "scalar scalar_like zeros ones full full_like arange eye randn rand", "constants and noise" },
    { "linear_forward mlp_forward conv_forward conv_forward_to bilinear_forward batch_norm_forward instance_norm_forward "
      "layer_norm_forward rms_norm_forward group_norm_forward embedding_forward prelu_forward dropout_forward scale_grad "
      "rnn_forward rnn_cell_forward multihead_attention_forward transformer_encoder_layer_forward "
      "transformer_decoder_layer_forward transformer_encoder_forward transformer_decoder_forward",
      "layers, which have a test of their own in tests/nn" },
    { "standardize inverse_std l2_normalize inverse_norm norm_of_order",
      "operators behind moments and norms, whose rows are here" },
    { "log_sum_exp", "the operator behind logsumexp and log_softmax, whose rows are here" },
    { "prod_others cumprod_grad", "the rules of prod and cumprod, whose rows have gradients" },
    { "safe_div equal_nan pow_slope pow_log atan2_slope sub_exp", "the rules of functions whose rows have gradients" },
    { "log_rising rising_slope rising_derivative byte_mean sample",
      "likelihoods and samples of distributions, tested in tests/nn" },
    { "csr_select", "copies numbers of a matrix that has no gradient" },
    { "embedding bilinear normalize cosine_similarity layer_norm group_norm batch_norm instance_norm rms_norm "
      "scaled_dot_product_attention",
      "have a test of their own in tests/nn" },
    { "mse_loss l1_loss smooth_l1_loss huber_loss kl_div binary_cross_entropy binary_cross_entropy_with_logits nll_loss "
      "cross_entropy",
      "losses, which have a test of their own in tests/nn" },
    { "mean_square smooth_l1 huber kl_term kl_log_term bce weighted_bce standard_score",
      "operators behind losses and batch_norm, whose rows are in tests/nn" },
    { "sample_n rsample rsample_n sample_from log_prob entropy dist_mean dist_variance kl kl_monte_carlo",
      "distributions, which have a test of their own in tests/nn" },
    { "estimator_sample variational_bound free_bits", "bounds, of values that have their own tests" },
};

enum { EXCEPTIONS = sizeof exceptions / sizeof *exceptions };

static bool has_row(const char *name)
{
    static const edge_row *const rows[] = { elementwise_edges, activation_edges, density_edges, piece_edges, functional_edges };
    static const edge_case *const cases[] = { view_edges, indexing_edges, product_edges, linalg_edges, spatial_edges };
    bool                          has = false;
    for (int i = 0; i < 5; i++) {
        for (const edge_row *r = rows[i]; r->id; r++) has = has || edge_is_for(r->id, name);
    }
    for (const edge_vectors *r = reduction_edges; r->id; r++) has = has || edge_is_for(r->id, name);
    for (int i = 0; i < 5; i++) {
        for (const edge_case *r = cases[i]; r->id; r++) has = has || edge_is_for(r->id, name);
    }
    return has;
}

/* Copies the next of the names, which are separated by spaces; false at the end. */
static bool next_name(const char **names, char name[64])
{
    const size_t n = strcspn(*names, " ");
    assert_true(n < 64);
    memcpy(name, *names, n);
    name[n] = '\0';
    *names += n + strspn(*names + n, " ");
    return n > 0;
}

static bool is_exception(const char *name)
{
    char exception[64];
    for (int i = 0; i < EXCEPTIONS; i++) {
        for (const char *names = exceptions[i].names; next_name(&names, exception);) {
            if (!strcmp(name, exception)) return true;
        }
    }
    return false;
}

static int n_failed;

static void require_row(const char *name, void *context)
{
    (void)context;
    const bool exempt = is_exception(name), has = has_row(name);
    if (has != exempt) return;
    n_failed++;
    print_error("%s has %s\n", name, has ? "a row although it is an exception" : "no row");
}

static void test_all_operators_and_functions_have_rows(void **state)
{
    (void)state;
    n_failed = 0;
    if (sources_operators(require_row, NULL) < 42 || sources_functions(require_row, NULL) <= 0)
        fail_msg("the sources cannot be read; set TAP_SOURCE_ROOT");
    assert_int_equal(n_failed, 0);
}

typedef struct {
    const char *name;
    bool        found;
} search;

static void compare_name(const char *name, void *context)
{
    search *w = context;
    w->found = w->found || !strcmp(name, w->name);
}

static void test_exceptions_name_operators(void **state)
{
    char name[64];
    (void)state;
    n_failed = 0;
    for (int i = 0; i < EXCEPTIONS; i++) {
        for (const char *names = exceptions[i].names; next_name(&names, name);) {
            search w = { name, false };
            sources_operators(compare_name, &w);
            sources_functions(compare_name, &w);
            if (w.found) continue;
            n_failed++;
            print_error("%s is an exception (%s), and there is none of this name\n", name, exceptions[i].why);
        }
    }
    assert_int_equal(n_failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elementwise),
        cmocka_unit_test(test_activations),
        cmocka_unit_test(test_operators_of_rules),
        cmocka_unit_test(test_operators_of_densities),
        cmocka_unit_test(test_functional),
        cmocka_unit_test(test_reductions),
        cmocka_unit_test(test_views),
        cmocka_unit_test(test_indexing),
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_linalg),
        cmocka_unit_test(test_spatial),
        cmocka_unit_test(test_all_operators_and_functions_have_rows),
        cmocka_unit_test(test_exceptions_name_operators),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
