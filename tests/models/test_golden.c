/* tests/models/test_golden.c: ten training steps of two VAEs against PyTorch's, in float64: the terms of every step, all
 * gradients of the first, all weights after the last. Errors are relative to the largest element of a tensor, and to its
 * Euclidean norm. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "models/models.h"
#include "tests/check.h"

static const double tolerance = 1e-9;

static void assert_tensor_near(const char *what, tap_tensor a, const tap_tensor *b)
{
    double max = 0, max_error = 0, norm = 0, error_norm = 0;
    if (!b) fail_msg("%s is missing in the file", what);
    assert_true(tap_shape_equal(a.shape, b->shape));
    for (int64_t i = 0; i < tap_tensor_numel(a); i++) {
        double x = tap_tensor_item(*b, i), d = tap_tensor_item(a, i) - x;
        assert_false(isnan(d));
        max = fmax(max, fabs(x));
        max_error = fmax(max_error, fabs(d));
        norm += x * x;
        error_norm += d * d;
    }
    if (max_error > tolerance * max || sqrt(error_norm) > tolerance * sqrt(norm))
        fail_msg("%s: off by %.3g of its largest element, %.3g of its norm", what, max_error / max, sqrt(error_norm / norm));
}

/* The file calls enc.0.weight enc.weight: its networks have one hidden layer each. */
static const tap_tensor *golden(const tap_safetensors *file, const char *group, const tap_param *p)
{
    char        name[64];
    const char *path = tap_param_path(p), *zero = strstr(path, ".0.");
    if (zero) snprintf(name, sizeof name, "%s/%.*s%s", group, (int)(zero - path), path, zero + 2);
    else snprintf(name, sizeof name, "%s/%s", group, path);
    return tap_safetensors_find(file, name);
}

static void assert_parameters(tap_module *root, const tap_safetensors *file, const char *group, bool gradients)
{
    for (tap_param *p = tap_module_next(root, NULL); p; p = tap_module_next(root, p))
        assert_tensor_near(tap_param_path(p), gradients ? tap_param_grad(p) : tap_param_value(p), golden(file, group, p));
}

static void set_initial_weights(tap_module *root, const tap_safetensors *file)
{
    int n = 0;
    for (tap_param *p = tap_module_next(root, NULL); p; p = tap_module_next(root, p), n++) {
        const tap_tensor *w = golden(file, "init", p);
        assert_non_null(w);
        assert_int_equal(tap_tensor_copy(tap_param_value(p), *w, NULL), TAP_OK);
    }
    for (int i = 0; i < file->n; i++) n -= !strncmp(file->tensors[i].name, "init/", 5);
    assert_int_equal(n, 0);
}

static void train(const tap_safetensors *file, tap_vae_options o)
{
    const tap_tensor *x = tap_safetensors_find(file, "x"), *eps = tap_safetensors_find(file, "eps");
    const tap_tensor *terms = tap_safetensors_find(file, "terms");
    tap_module       *root = tap_module_new(TAP_F64, 0);
    tap_tape         *t = tap_tape_new(TAP_F64, 0);
    tap_vae           vae;
    assert_true(x && eps && terms);
    tap_vae_init(&vae, root, o);
    set_initial_weights(root, file);
    tap_optim *adam = tap_adam_new(root, (tap_adam_options){ 0 });

    for (int step = 0; step < 10; step++) {
        tap_tape_reset(t);
        tap_tensor noise = *eps;
        noise.data = (double *)eps->data + step * 64 * 20;
        noise.shape = TAP_SHAPE(1, 64, 20);
        tap_vae_terms e = tap_vae_elbo_from(&vae, tap_input(t, *x), tap_input(t, noise));
        tap_var       loss = tap_neg(tap_mean(e.elbo, TAP_ALL));
        double        terms_here[] = { tap_item(loss), tap_item(tap_mean(e.rec, TAP_ALL)), tap_item(tap_mean(e.kl, TAP_ALL)) };
        assert_int_equal(tap_backward(loss), TAP_OK);
        for (int k = 0; k < 3; k++) {
            double expected = tap_tensor_item(*terms, 3 * step + k);
            if (!(fabs(terms_here[k] - expected) <= tolerance * fabs(expected)))
                fail_msg("term %d of step %d is %.17g, not %.17g", k, step + 1, terms_here[k], expected);
        }
        if (step == 0) assert_parameters(root, file, "grad", true);
        assert_int_equal(tap_optim_step(adam, t), TAP_OK);
    }
    assert_parameters(root, file, "after", false);
    tap_tape_free(t);
    tap_module_free(root);
}

static void run(const char *name, tap_vae_options o)
{
    char        path[4096];
    const char *root = getenv("TAP_SOURCE_ROOT");
    snprintf(path, sizeof path, "%s/../shared/golden/%s", root ? root : ".", name);
    if (access(path, R_OK) != 0) {
        print_message("skipped: there is no %s\n", path);
        skip();
    }
    tap_arena      *a = tap_arena_new();
    tap_safetensors file = tap_safetensors_read(a, path);
    const char     *message;
    if (tap_arena_status(a, &message) != TAP_OK) fail_msg("%s", message);
    train(&file, o);
    tap_arena_free(a);
}

static const tap_vae_options size = { .data = 784, .hidden = { 100 }, .latent = 20, .activation = tap_tanh };

static void test_bernoulli_vae_as_pytorch(void **state)
{
    (void)state;
    run("vae_bernoulli_f64.safetensors", size);
}

static void test_gaussian_vae_as_pytorch(void **state)
{
    (void)state;
    tap_vae_options o = size;
    o.likelihood = TAP_VAE_GAUSSIAN;
    o.mean = tap_identity;
    run("vae_gaussian_f64.safetensors", o);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_bernoulli_vae_as_pytorch),
                                        cmocka_unit_test(test_gaussian_vae_as_pytorch) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
