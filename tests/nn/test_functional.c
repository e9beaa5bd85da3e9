/* tests/nn/test_functional.c: values of the functions and losses of nn.h, compared with values computed by hand: reductions,
 * weights, ignored classes, masks and running statistics. */
#include "nn/nn.h"
#include "tests/autograd/values.h"

#define ABSENT ((tap_var){ 0 })

static void expect_close(tap_var v, tap_shape shape, const double *want)
{
    expect_near(v, shape, want, 1e-13);
}

static void test_reductions(void **state)
{
    (void)state;
    tap_var x = floats(TAP_SHAPE(2, 2), D(1, 2, 3, 4)), y = floats(TAP_SHAPE(2, 2), D(0, 0, 0, 2));
    expect_close(tap_mse_loss(x, y, TAP_REDUCE_NONE), TAP_SHAPE(2, 2), D(1, 4, 9, 4));
    expect_close(tap_mse_loss(x, y, TAP_REDUCE_MEAN), TAP_SCALAR, D(4.5));
    expect_close(tap_mse_loss(x, y, TAP_REDUCE_SUM), TAP_SCALAR, D(18));
    expect_close(tap_mse_loss(x, y, TAP_REDUCE_BATCHMEAN), TAP_SCALAR, D(9));
    expect_close(tap_mse_loss(tap_ones(t, TAP_SHAPE(3, 2)), tap_scalar(t, 3), TAP_REDUCE_BATCHMEAN), TAP_SCALAR, D(8));
    expect_close(tap_mse_loss(tap_ones(t, TAP_SHAPE(3)), tap_scalar(t, 3), TAP_REDUCE_BATCHMEAN), TAP_SCALAR, D(4));
    expect_close(tap_mse_loss(tap_scalar(t, 3), tap_scalar(t, 1), TAP_REDUCE_BATCHMEAN), TAP_SCALAR, D(4));
    expect_close(tap_l1_loss(x, y, TAP_REDUCE_SUM), TAP_SCALAR, D(8));
    expect_close(tap_l1_loss(y, x, TAP_REDUCE_NONE), TAP_SHAPE(2, 2), D(1, 2, 3, 2));
    expect_close(tap_huber_loss(x, y, TAP_REDUCE_NONE, 2.5), TAP_SHAPE(2, 2), D(0.5, 2, 2.5 * 1.75, 2));
    expect_close(tap_smooth_l1_loss(x, y, TAP_REDUCE_NONE, 2.5), TAP_SHAPE(2, 2), D(0.2, 0.8, 1.75, 0.8));
    expect_close(tap_smooth_l1_loss(x, y, TAP_REDUCE_SUM, 0), TAP_SCALAR, D(8));
    expect_close(tap_huber_loss(y, x, TAP_REDUCE_SUM, 2.5), TAP_SCALAR, D(8.875));
    expect_close(tap_smooth_l1_loss(y, x, TAP_REDUCE_SUM, 2.5), TAP_SCALAR, D(3.55));
}

static void test_class_losses(void **state)
{
    (void)state;
    tap_var p = floats(TAP_SHAPE(3, 2), D(-1, -2, -3, -4, -5, -6)), w = floats(TAP_SHAPE(2), D(1, 3));
    tap_var target = indices(TAP_SHAPE(3), I(0, 1, 0));
    expect_close(tap_nll_loss(p, target, ABSENT, TAP_NO_INDEX, TAP_REDUCE_NONE), TAP_SHAPE(3), D(1, 4, 5));
    expect_close(tap_nll_loss(p, target, w, TAP_NO_INDEX, TAP_REDUCE_MEAN), TAP_SCALAR, D((1 + 12 + 5) / 5.0));
    expect_close(tap_nll_loss(p, target, w, 0, TAP_REDUCE_MEAN), TAP_SCALAR, D(4));
    expect_close(tap_nll_loss(p, target, ABSENT, 1, TAP_REDUCE_SUM), TAP_SCALAR, D(6));
    expect_close(tap_nll_loss(p, indices(TAP_SHAPE(3), I(0, -100, 1)), ABSENT, -100, TAP_REDUCE_SUM), TAP_SCALAR, D(7));
    expect_close(
        tap_nll_loss(floats(TAP_SHAPE(2), D(-1, -2)), indices(TAP_SCALAR, I(1)), ABSENT, TAP_NO_INDEX, TAP_REDUCE_MEAN),
        TAP_SCALAR, D(2));
    double a = log(exp(-1) + exp(-2)), b = log(exp(-3) + exp(-4)), c = log(exp(-5) + exp(-6));
    expect_close(tap_cross_entropy(p, target, ABSENT, TAP_NO_INDEX, TAP_REDUCE_NONE, 0), TAP_SHAPE(3), D(a + 1, b + 4, c + 5));
    expect_close(tap_cross_entropy(p, target, w, TAP_NO_INDEX, TAP_REDUCE_MEAN, 0), TAP_SCALAR,
                 D((a + 1 + 3 * (b + 4) + c + 5) / 5));
    expect_close(tap_cross_entropy(p, target, w, 1, TAP_REDUCE_SUM, 0.5), TAP_SCALAR,
                 D(0.5 * (a + 1 + c + 5) + 0.25 * (a + 1 + 3 * (a + 2) + c + 5 + 3 * (c + 6))));
    tap_var ruled_out = floats(TAP_SHAPE(1, 2), D(0, -Inf)); /* a class that counts only when smoothed */
    expect_close(tap_cross_entropy(ruled_out, indices(TAP_SHAPE(1), I(0)), ABSENT, TAP_NO_INDEX, TAP_REDUCE_NONE, 0),
                 TAP_SHAPE(1), D(0));
    tap_var hard = floats(TAP_SHAPE(3, 2), D(1, 0, 0, 1, 1, 0)); /* smoothed by 1/2: 3/4 and 1/4 */
    expect_close(tap_cross_entropy(p, hard, ABSENT, TAP_NO_INDEX, TAP_REDUCE_NONE, 0.5), TAP_SHAPE(3),
                 D(a + 1.25, b + 3.75, c + 5.25));
    expect_close(tap_cross_entropy(floats(TAP_SHAPE(2), D(-1, -2)), floats(TAP_SHAPE(2), D(1, 0)), ABSENT, TAP_NO_INDEX,
                                   TAP_REDUCE_MEAN, 0.5),
                 TAP_SCALAR, D(a + 1.25));
    tap_var soft = floats(TAP_SHAPE(3, 2), D(1, 0, 0.25, 0.75, 0, 0));
    expect_close(tap_cross_entropy(p, soft, w, TAP_NO_INDEX, TAP_REDUCE_MEAN, 0), TAP_SCALAR,
                 D((a + 1 + 0.25 * (b + 3) + 2.25 * (b + 4)) / 3));
}

static void test_binary_losses(void **state)
{
    (void)state;
    tap_var p = floats(TAP_SHAPE(3), D(0.25, 0, 1)), y = floats(TAP_SHAPE(3), D(1, 1, 0.5)),
            w = floats(TAP_SHAPE(3), D(1, 2, 2));
    expect_close(tap_binary_cross_entropy(p, y, w, TAP_REDUCE_NONE), TAP_SHAPE(3), D(log(4), 200, 100));
    tap_var x = floats(TAP_SHAPE(2), D(0, 1e4)), z = floats(TAP_SHAPE(2), D(0.25, 0));
    expect_close(tap_binary_cross_entropy_with_logits(x, z, ABSENT, TAP_REDUCE_NONE, ABSENT), TAP_SHAPE(2), D(log(2), 1e4));
    expect_close(tap_binary_cross_entropy_with_logits(x, z, ABSENT, TAP_REDUCE_NONE, tap_scalar(t, 3)), TAP_SHAPE(2),
                 D(1.5 * log(2), 1e4));
    expect_close(tap_binary_cross_entropy(p, y, w, TAP_REDUCE_SUM), TAP_SCALAR, D(log(4) + 300));
    expect_close(tap_binary_cross_entropy(tap_scalar(t, 0.25), tap_scalar(t, 0), ABSENT, TAP_REDUCE_MEAN), TAP_SCALAR,
                 D(log(4.0 / 3)));
    expect_close(tap_binary_cross_entropy_with_logits(x, z, ABSENT, TAP_REDUCE_SUM, ABSENT), TAP_SCALAR, D(log(2) + 1e4));
    expect_close(tap_binary_cross_entropy_with_logits(x, z, ABSENT, TAP_REDUCE_SUM, tap_scalar(t, 3)), TAP_SCALAR,
                 D(1.5 * log(2) + 1e4));
    tap_var l3 = tap_scalar(t, log(3)), quarter = tap_scalar(t, 0.25), twice = tap_scalar(t, 2);
    expect_close(tap_binary_cross_entropy_with_logits(l3, quarter, twice, TAP_REDUCE_SUM, tap_scalar(t, 3)), TAP_SCALAR,
                 D(2 * (0.75 * log(3) + 1.5 * log(4.0 / 3))));
    expect_close(tap_binary_cross_entropy_with_logits(l3, quarter, twice, TAP_REDUCE_MEAN, ABSENT), TAP_SCALAR,
                 D(2 * (log(4) - 0.25 * log(3))));
    tap_var q = floats(TAP_SHAPE(2), D(0, 0.5)), l = floats(TAP_SHAPE(2), D(-1, -2));
    expect_close(tap_kl_div(l, q, TAP_REDUCE_SUM, false), TAP_SCALAR, D(0.5 * (log(0.5) + 2)));
    expect_close(tap_kl_div(l, tap_neg(tap_ones(t, TAP_SHAPE(2))), TAP_REDUCE_SUM, true), TAP_SCALAR, D(exp(-1)));
    expect_close(tap_kl_div(l, q, TAP_REDUCE_NONE, false), TAP_SHAPE(2), D(0, 0.5 * (log(0.5) + 2)));
    expect_close(tap_kl_div(l, tap_neg(tap_ones(t, TAP_SHAPE(2))), TAP_REDUCE_NONE, true), TAP_SHAPE(2), D(0, exp(-1)));
}

static void test_embedding_csr_select_one_hot(void **state)
{
    (void)state;
    tap_var table = floats(TAP_SHAPE(3, 2), D(1, 2, 3, 4, 5, 6)), index = indices(TAP_SHAPE(2, 2), I(2, 0, 2, 1)), g;
    expect_close(tap_embedding(index, table, TAP_NO_INDEX), TAP_SHAPE(2, 2, 2), D(5, 6, 1, 2, 5, 6, 3, 4));
    double  numbers[6] = { 1, 2, 3, 4, 5, 6 };
    tap_var weight = tap_variable(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(3, 2), numbers));
    tap_grad(tap_sum(tap_embedding(index, weight, -1), TAP_ALL), 1, &weight, &g);
    expect_close(g, TAP_SHAPE(3, 2), D(1, 1, 1, 1, 0, 0));
    tap_grad(tap_sum(tap_embedding(index, weight, TAP_NO_INDEX), TAP_ALL), 1, &weight, &g);
    expect_close(g, TAP_SHAPE(3, 2), D(1, 1, 1, 1, 2, 2));
    tap_grad(tap_sum(tap_embedding(index, weight, 0), TAP_ALL), 1, &weight, &g);
    expect_close(g, TAP_SHAPE(3, 2), D(0, 0, 1, 1, 2, 2));
    tap_grad(tap_sum(tap_embedding(index, weight, 1), TAP_ALL), 1, &weight, &g);
    expect_close(g, TAP_SHAPE(3, 2), D(1, 1, 0, 0, 2, 2));
    const tap_csr sparse = { 3, 2, (const int64_t[]){ 0, 1, 1, 3 }, (const int32_t[]){ 1, 0, 1 }, (const float[]){ 5, 6, 7 } };
    expect_close(tap_csr_select(sparse, indices(TAP_SHAPE(4), I(2, 0, 1, 2))), TAP_SHAPE(4, 2), D(6, 7, 0, 5, 0, 0, 6, 7));
    assert_int_equal(tap_value(tap_csr_select(sparse, indices(TAP_SHAPE(1), I(2)))).dtype, tap_tape_dtype(t));
    expect_close(tap_csr_select(sparse, tap_flip(indices(TAP_SHAPE(2), I(2, 0)), TAP_ALL)), TAP_SHAPE(2, 2), D(0, 5, 6, 7));
    expect_close(tap_one_hot(indices(TAP_SHAPE(2), I(2, 0)), TAP_NONE), TAP_SHAPE(2, 3), D(0, 0, 1, 1, 0, 0));
    expect_close(tap_one_hot(indices(TAP_SCALAR, I(1)), 2), TAP_SHAPE(2), D(0, 1));
    assert_int_equal(tap_value(tap_one_hot(indices(TAP_SCALAR, I(1)), 2)).dtype, TAP_I64);
}

static void test_attention(void **state)
{
    (void)state;
    tap_var q = tap_zeros(t, TAP_SHAPE(2, 4)), v = floats(TAP_SHAPE(3, 1), D(1, 2, 6));
    tap_var k = tap_randn(t, TAP_SHAPE(3, 4)), no = tap_zeros(t, TAP_SHAPE(2, 3));
    expect_close(tap_scaled_dot_product_attention(q, k, v, ABSENT, 0, false, 0), TAP_SHAPE(2, 1), D(3, 3));
    expect_close(tap_scaled_dot_product_attention(q, k, v, ABSENT, 0, true, 0), TAP_SHAPE(2, 1), D(1, 1.5));
    expect_close(tap_scaled_dot_product_attention(q, k, v, tap_cast(no, TAP_BOOL), 0, false, 0), TAP_SHAPE(2, 1), D(0, 0));
    tap_var bias = floats(TAP_SHAPE(2, 3), D(0, -Inf, 0, log(2), 0, -Inf));
    expect_close(tap_scaled_dot_product_attention(q, k, v, bias, 0, false, 0), TAP_SHAPE(2, 1), D(3.5, 4.0 / 3));
    expect_close(
        tap_scaled_dot_product_attention(tap_ones(t, TAP_SHAPE(1, 4)), tap_eye(t, 4), tap_eye(t, 4), ABSENT, 0, false, 0),
        TAP_SHAPE(1, 4), D(0.25, 0.25, 0.25, 0.25));
    tap_var wide = floats(TAP_SHAPE(2, 4), D(0, 0, 0, 0, log(3), 0, 0, 0)), two = floats(TAP_SHAPE(1, 4), D(2, 5, 0, 0));
    expect_close(tap_scaled_dot_product_attention(two, wide, floats(TAP_SHAPE(2, 1), D(0, 4)), ABSENT, 0, false, 0),
                 TAP_SHAPE(1, 1), D(3)); /* 2 log 3 / sqrt 4 */
    expect_close(tap_scaled_dot_product_attention(floats(TAP_SHAPE(1, 1), D(1)), floats(TAP_SHAPE(2, 1), D(0, log(3))),
                                                  floats(TAP_SHAPE(2, 1), D(0, 4)), ABSENT, 0, false, 2),
                 TAP_SHAPE(1, 1), D(4 * 0.9));
    /* A float mask is added to the scores: 2 log 3 / sqrt 4, less log 3. */
    expect_close(tap_scaled_dot_product_attention(two, wide, floats(TAP_SHAPE(2, 1), D(0, 4)),
                                                  floats(TAP_SHAPE(2), D(0, -log(3))), 0, false, 0),
                 TAP_SHAPE(1, 1), D(2));
    /* A single key has weight 1; without keys, or with dropout of 1, the result is 0. */
    tap_var one = tap_ones(t, TAP_SHAPE(1, 4)), none = tap_zeros(t, TAP_SHAPE(0, 4));
    expect_close(tap_scaled_dot_product_attention(one, tap_mul_scalar(one, 3), one, ABSENT, 0, false, 0), TAP_SHAPE(1, 4),
                 D(1, 1, 1, 1));
    expect_close(tap_scaled_dot_product_attention(q, none, none, ABSENT, 0, false, 0), TAP_SHAPE(2, 4),
                 D(0, 0, 0, 0, 0, 0, 0, 0));
    expect_close(tap_scaled_dot_product_attention(q, k, v, ABSENT, 1, false, 0), TAP_SHAPE(2, 1), D(0, 0));
}

/* The first of two queries is masked for all keys: its gradient is 0, not NaN. */
static void test_fully_masked_queries(void **state)
{
    (void)state;
    double  numbers[4] = { 1, 2, 3, 4 };
    tap_var q = tap_variable(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(2, 2), numbers)), by_q;
    tap_var mask = floats(TAP_SHAPE(2, 2), D(-Inf, -Inf, 0, 0)), v = floats(TAP_SHAPE(2, 1), D(0, 4));
    tap_var y = tap_scaled_dot_product_attention(q, tap_zeros(t, TAP_SHAPE(2, 2)), v, mask, 0, false, 0);
    tap_var z = tap_scaled_dot_product_attention(q, floats(TAP_SHAPE(2, 2), D(0, 0, log(3), 0)), v, mask, 0, false, 1.0 / 3);
    expect_close(y, TAP_SHAPE(2, 1), D(0, 2));
    tap_grad(tap_sum(z, TAP_ALL), 1, &q, &by_q);
    expect_close(by_q, TAP_SHAPE(2, 2), D(0, 0, 4 * log(3) / 3 * 0.75 * 0.25, 0));
}

static void test_dropout(void **state)
{
    (void)state;
    tap_var ones = tap_ones(t, TAP_SHAPE(10000)), y = tap_dropout(ones, 0.25, true);
    double  kept = 0;
    for (int64_t i = 0; i < 10000; i++) {
        double at = tap_tensor_item(tap_value(y), i);
        assert_true(at == 0 || at == 1 / 0.75);
        kept += at != 0;
    }
    assert_true(fabs(kept - 7500) < 5 * sqrt(10000 * 0.25 * 0.75));
    expect_close(tap_dropout(tap_ones(t, TAP_SHAPE(3)), 1, true), TAP_SHAPE(3), D(0, 0, 0));
    expect_close(tap_dropout(tap_ones(t, TAP_SHAPE(3)), 0.9, false), TAP_SHAPE(3), D(1, 1, 1));
    double  numbers[3] = { 1, 2, 3 };
    tap_var x = tap_variable(t, tap_tensor_wrap(TAP_F64, TAP_SHAPE(3), numbers)), by_x;
    tap_grad(tap_sum(tap_dropout(x, 1, true), TAP_ALL), 1, &x, &by_x); /* 0, not 0 / 0 */
    expect_close(by_x, TAP_SHAPE(3), D(0, 0, 0));
    assert_int_equal(tap_value(tap_dropout(tap_cast(x, TAP_F32), 0.5, true)).dtype, TAP_F32); /* on a float64 tape */
    assert_int_equal(tap_tape_status(t, NULL), TAP_OK);
}

static void test_norms(void **state)
{
    (void)state;
    tap_var x = floats(TAP_SHAPE(2, 2), D(1, 3, 5, 5)), w = floats(TAP_SHAPE(2), D(2, 10)), b = floats(TAP_SHAPE(2), D(0, 1));
    expect_close(tap_layer_norm(x, TAP_SHAPE(2), w, b, 3), TAP_SHAPE(2, 2), D(-1, 6, 0, 1));
    expect_close(tap_rms_norm(x, TAP_SHAPE(2), w, 4), TAP_SHAPE(2, 2), D(2.0 / 3, 10, 10 / sqrt(29), 50 / sqrt(29)));
    expect_close(tap_layer_norm(x, TAP_SHAPE(2, 2), ABSENT, ABSENT, 1.25), TAP_SHAPE(2, 2), D(-1.25, -0.25, 0.75, 0.75));
    expect_close(tap_layer_norm(tap_zeros(t, TAP_SHAPE(2, 0)), TAP_SHAPE(0), ABSENT, ABSENT, 1), TAP_SHAPE(2, 0), NULL);
    expect_close(tap_rms_norm(x, TAP_SHAPE(2), ABSENT, 4), TAP_SHAPE(2, 2), D(1.0 / 3, 1, 5 / sqrt(29), 5 / sqrt(29)));
    tap_var y = floats(TAP_SHAPE(1, 4, 1), D(1, 3, 5, 9)), u = floats(TAP_SHAPE(4), D(1, 2, 3, 4));
    expect_close(tap_group_norm(y, 2, u, floats(TAP_SHAPE(4), D(10, 20, 30, 40)), 0), TAP_SHAPE(1, 4, 1), D(9, 22, 27, 44));
    expect_close(tap_group_norm(y, 2, u, u, 0), TAP_SHAPE(1, 4, 1), D(0, 4, 0, 8));
    expect_close(tap_normalize(x, 1, -1, 1e-12), TAP_SHAPE(2, 2), D(0.25, 0.75, 0.5, 0.5));
    expect_close(tap_normalize(tap_zeros(t, TAP_SHAPE(2)), 2, 0, 1e-12), TAP_SHAPE(2), D(0, 0));
    expect_close(tap_cosine_similarity(x, floats(TAP_SHAPE(2), D(1, 1)), -1, 1e-8), TAP_SHAPE(2), D(4 / sqrt(20), 1));
    tap_var p = floats(TAP_SHAPE(2), D(3, 4));
    expect_close(tap_cosine_similarity(x, p, 1, 1e-8), TAP_SHAPE(2), D(3 / sqrt(10), 7 / sqrt(50)));
    expect_close(tap_cosine_similarity(p, x, 1, 1e-8), TAP_SHAPE(2), D(3 / sqrt(10), 7 / sqrt(50)));
    expect_close(tap_prelu(floats(TAP_SHAPE(1, 2, 2), D(-1, 2, -3, 4)), b), TAP_SHAPE(1, 2, 2), D(0, 2, -3, 4));
    expect_close(tap_glu(floats(TAP_SHAPE(4), D(3, 5, 0, 1e3)), 0), TAP_SHAPE(2), D(1.5, 5));
    expect_close(tap_softmin(floats(TAP_SHAPE(2), D(log(3), 0)), 0), TAP_SHAPE(2), D(0.25, 0.75));
}

static void test_batch_norm_updates_running_statistics(void **state)
{
    (void)state;
    double     mean[2] = { 0, 10 }, var[2] = { 1, 1 };
    tap_tensor m = tap_tensor_wrap(TAP_F64, TAP_SHAPE(2), mean), v = tap_tensor_wrap(TAP_F64, TAP_SHAPE(2), var);
    tap_var    x = floats(TAP_SHAPE(2, 2, 1), D(1, 4, 3, 8));
    expect_close(tap_batch_norm(x, &m, &v, ABSENT, ABSENT, true, 0.5, 0), TAP_SHAPE(2, 2, 1), D(-1, -1, 1, 1));
    assert_true(mean[0] == 1 && mean[1] == 8 && var[0] == 1.5 && var[1] == 4.5);
    expect_close(tap_batch_norm(x, &m, &v, ABSENT, ABSENT, false, 0.5, 0), TAP_SHAPE(2, 2, 1),
                 D(0, -4 / sqrt(4.5), 2 / sqrt(1.5), 0));
    assert_true(mean[0] == 1 && var[0] == 1.5);
    expect_close(tap_batch_norm(tap_zeros(t, TAP_SHAPE(0)), NULL, NULL, ABSENT, ABSENT, true, 0.5, 0), TAP_SHAPE(0), NULL);
    tap_var w = floats(TAP_SHAPE(2), D(2, 10)), b = floats(TAP_SHAPE(2), D(0, 1));
    expect_close(tap_batch_norm(x, NULL, NULL, w, b, true, 0.5, 0), TAP_SHAPE(2, 2, 1), D(-2, -9, 2, 11));
    expect_close(tap_batch_norm(floats(TAP_SHAPE(2, 1, 2), D(1, 3, 5, 7)), NULL, NULL, ABSENT, ABSENT, true, 0.5, 4),
                 TAP_SHAPE(2, 1, 2), D(-1, -1 / 3.0, 1 / 3.0, 1));
    double     zero[2] = { 0 }, three[2] = { 3, 3 };
    tap_tensor m0 = tap_tensor_wrap(TAP_F64, TAP_SHAPE(2), zero), v3 = tap_tensor_wrap(TAP_F64, TAP_SHAPE(2), three);
    expect_close(tap_batch_norm(x, &m0, &v3, w, b, false, 0.5, 1), TAP_SHAPE(2, 2, 1), D(1, 21, 3, 41));
    expect_close(tap_batch_norm(tap_cast(x, TAP_F32), &m0, &v3, ABSENT, ABSENT, false, 0.5, 1), TAP_SHAPE(2, 2, 1),
                 D(0.5, 2, 1.5, 4));
    double     far = 8, wide = 0;
    tap_tensor m1 = tap_tensor_wrap(TAP_F64, TAP_SHAPE(1), &far), v1 = tap_tensor_wrap(TAP_F64, TAP_SHAPE(1), &wide);
    tap_batch_norm(floats(TAP_SHAPE(2, 1, 2), D(1, 3, 5, 7)), &m1, &v1, ABSENT, ABSENT, true, 0.25, 0);
    assert_true(far == 7 && fabs(wide - 5.0 / 3) < 1e-14);      /* a quarter of the way to 4 and to 20/3 */
    tap_var odd = tap_cast(tap_ones(t, TAP_SHAPE(1)), TAP_F32); /* of another dtype: the tape fails, and the statistics stay */
    tap_batch_norm(floats(TAP_SHAPE(2, 1, 2), D(1, 3, 5, 7)), &m1, &v1, odd, ABSENT, true, 0.25, 0);
    assert_true(tap_tape_status(t, NULL) != TAP_OK && far == 7 && wide > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_reductions, begin, end),
        cmocka_unit_test_setup_teardown(test_class_losses, begin, end),
        cmocka_unit_test_setup_teardown(test_binary_losses, begin, end),
        cmocka_unit_test_setup_teardown(test_embedding_csr_select_one_hot, begin, end),
        cmocka_unit_test_setup_teardown(test_attention, begin, end),
        cmocka_unit_test_setup_teardown(test_fully_masked_queries, begin, end),
        cmocka_unit_test_setup_teardown(test_dropout, begin, end),
        cmocka_unit_test_setup_teardown(test_norms, begin, end),
        cmocka_unit_test_setup_teardown(test_batch_norm_updates_running_statistics, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
