/* tests/nn/test_optim.c: optimizers compared with their algorithms in plain C, with all options, for parameters of several
 * chunks; errors, and which parameters a step updates. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/internal.h"
#include "tests/check.h"
#include "tensor/arena.h"

enum { BIG = 8200, STEPS = 5 };

static const int64_t sizes[] = { BIG, 3, 0, 1 };

/* A gradient that differs in each step and element, and is sometimes 0. */
static double gradient(int step, int64_t i)
{
    return i % 7 == 3 ? 0 : sin((double)(i + 1) * 0.37 + step) * (i % 5 == 0 ? 1e-3 : 1);
}

static tap_module *model(tap_dtype dtype)
{
    tap_module *root = tap_module_new(dtype, 1);
    const char *names[] = { "a", "b", "c", "d" };
    for (int k = 0; k < 4; k++) tap_param_new(root, names[k], TAP_SHAPE(sizes[k]), tap_init_normal(1));
    return root;
}

/* One number under an optimizer. */
typedef struct {
    double x, m, v;
} number;

typedef void (*algorithm)(number *n, double g, int step, const void *options);

static void adam(number *n, double g, int step, const void *options)
{
    const tap_adam_options *o = options;
    g += o->weight_decay * n->x;
    n->m = o->beta1 * n->m + (1 - o->beta1) * g;
    n->v = o->beta2 * n->v + (1 - o->beta2) * g * g;
    double mean = n->m / (1 - pow(o->beta1, step)), square = n->v / (1 - pow(o->beta2, step));
    n->x -= o->lr * mean / (sqrt(square) + o->eps);
}

static void sgd(number *n, double g, int step, const void *options)
{
    const tap_sgd_options *o = options;
    g += o->weight_decay * n->x;
    n->v = step == 1 ? g : o->momentum * n->v + g;
    n->x -= o->lr * (o->nesterov ? g + o->momentum * n->v : n->v);
}

/* Steps the module and the reference side by side; values agree within the relative tolerance. */
static void compare(tap_module *root, tap_optim *o, algorithm reference, const void *options, double tolerance)
{
    tap_tape  *t = tap_tape_new(tap_module_dtype(root), 0);
    int64_t    total = tap_module_numel(root), at;
    number    *n = calloc((size_t)total, sizeof *n);
    tap_param *p;
    for (p = tap_module_next(root, NULL), at = 0; p; p = tap_module_next(root, p)) {
        for (int64_t i = 0; i < tap_tensor_numel(tap_param_value(p)); i++) n[at++].x = tap_tensor_item(tap_param_value(p), i);
    }
    for (int step = 1; step <= STEPS; step++) {
        at = 0;
        for (p = tap_module_next(root, NULL); p; p = tap_module_next(root, p)) {
            tap_tensor g = tap_param_grad(p);
            for (int64_t i = 0; i < tap_tensor_numel(g); i++, at++) {
                assert_true(tap_tensor_item(g, i) == 0); /* consumed by the step before */
                tap_tensor_set_item(g, i, gradient(step, at));
                if (step != 3) reference(&n[at], tap_tensor_item(g, i), step - (step > 3), options);
            }
        }
        if (step == 3) tap_module_zero_grad(root); /* without a gradient, nothing moves, and it is no step */
        assert_int_equal(tap_optim_step(o, t), TAP_OK);
    }
    for (p = tap_module_next(root, NULL), at = 0; p; p = tap_module_next(root, p)) {
        for (int64_t i = 0; i < tap_tensor_numel(tap_param_value(p)); i++, at++) {
            double x = tap_tensor_item(tap_param_value(p), i);
            if (!(fabs(x - n[at].x) <= tolerance * (1 + fabs(n[at].x))))
                fail_msg("%s[%lld] is %.17g, not %.17g", tap_param_path(p), (long long)i, x, n[at].x);
        }
    }
    free(n);
    tap_tape_free(t);
    tap_module_free(root);
}

static void test_adam(void **state)
{
    (void)state;
    const tap_adam_options standard = { .lr = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8 };
    const tap_adam_options all = { .lr = 0.05, .beta1 = 0.7, .beta2 = 0.95, .eps = 1e-3, .weight_decay = 0.1 };
    tap_adam_options       none = all, given = all;
    none.beta1 = none.beta2 = none.weight_decay = TAP_ZERO;
    given.beta1 = given.beta2 = given.weight_decay = 0;
    tap_module *m = model(TAP_F64);
    compare(m, tap_adam_new(m, (tap_adam_options){ 0 }), adam, &standard, 1e-13);
    m = model(TAP_F64);
    compare(m, tap_adam_new(m, all), adam, &all, 1e-13);
    m = model(TAP_F64);
    compare(m, tap_adam_new(m, none), adam, &given, 1e-13);
    m = model(TAP_F32);
    compare(m, tap_adam_new(m, all), adam, &all, 2e-5);
}

static void test_sgd(void **state)
{
    (void)state;
    const tap_sgd_options standard = { .lr = 1e-3 }, plain = { .lr = 0.1, .weight_decay = 0.2 };
    const tap_sgd_options momentum = { .lr = 0.1, .momentum = 0.9, .weight_decay = 0.2 };
    const tap_sgd_options nesterov = { .lr = 0.1, .momentum = 0.9, .weight_decay = 0.2, .nesterov = true };
    tap_module           *m = model(TAP_F64);
    compare(m, tap_sgd_new(m, (tap_sgd_options){ 0 }), sgd, &standard, 1e-13);
    m = model(TAP_F64);
    compare(m, tap_sgd_new(m, plain), sgd, &plain, 1e-13);
    m = model(TAP_F64);
    compare(m, tap_sgd_new(m, momentum), sgd, &momentum, 1e-13);
    m = model(TAP_F64);
    compare(m, tap_sgd_new(m, nesterov), sgd, &nesterov, 1e-13);
    m = model(TAP_F32);
    compare(m, tap_sgd_new(m, nesterov), sgd, &nesterov, 2e-5);
}

static tap_var loss(tap_tape *t, tap_module *m)
{
    tap_var sum = tap_scalar(t, 0);
    for (tap_param *p = tap_module_next(m, NULL); p; p = tap_module_next(m, p))
        sum = tap_add(sum, tap_sum(tap_square(tap_param_var(t, p)), TAP_ALL));
    return sum;
}

/* x^2 with rate r: x becomes (1 - 2 r) x, by exact arithmetic of powers of two. */
static void test_gradient_descent_of_a_square(void **state)
{
    (void)state;
    tap_module  *root = tap_module_new(TAP_F64, 0), *part = tap_module_child(root, "part");
    tap_param   *p = tap_param_new(part, "p", TAP_SHAPE(3), tap_init_constant(8));
    tap_param   *q = tap_param_new(root, "q", TAP_SHAPE(3), tap_init_constant(8));
    tap_tape    *t = tap_tape_new(TAP_F64, 0);
    tap_optim   *o = tap_sgd_new(part, (tap_sgd_options){ .lr = 0.25 }); /* of the part alone */
    const double expected[] = { 4, 2, 1.5, 1.5 };
    for (int k = 0; k < 4; k++) {
        if (k == 2) tap_optim_set_lr(o, 0.125);
        if (k == 3) tap_optim_set_lr(o, 0);
        tap_tape_reset(t);
        assert_int_equal(tap_backward(loss(t, root)), TAP_OK);
        assert_int_equal(tap_optim_step(o, t), TAP_OK);
        assert_true(tap_tensor_item(tap_param_value(p), 2) == expected[k]);
        assert_true(tap_tensor_item(tap_param_value(q), 2) == 8);
        assert_true(tap_tensor_item(tap_param_grad(q), 0) == 16); /* of this step's pass alone, though nobody consumes it */
    }
    tap_tape_free(t);
    tap_module_free(root);
}

static void test_no_step_after_an_error(void **state)
{
    (void)state;
    tap_module *root = tap_module_new(TAP_F64, 0);
    tap_param  *p = tap_param_new(root, "p", TAP_SHAPE(3), tap_init_constant(8));
    tap_optim  *o = tap_adam_new(root, (tap_adam_options){ 0 });
    tap_tape   *t = tap_tape_new(TAP_F64, 0);
    tap_tensor_fill(tap_param_grad(p), 3);
    tap_tape_fail(t, TAP_EARG, "failed");
    assert_int_equal(tap_optim_step(o, t), TAP_EARG);
    assert_true(tap_tensor_item(tap_param_value(p), 0) == 8);
    assert_true(tap_tensor_item(tap_param_grad(p), 0) == 3);
    tap_tape_free(t);

    const char *message;
    t = tap_tape_new(TAP_F64, 0);
    tap_optim_set_lr(o, (double)NAN);
    assert_int_equal(tap_module_status(root, &message), TAP_EARG);
    assert_string_equal(message, "optim_set_lr: lr must be a finite number, at least 0, not nan");
    assert_int_equal(tap_optim_step(o, t), TAP_EARG);
    assert_true(tap_tensor_item(tap_param_value(p), 0) == 8);
    assert_int_equal(tap_tape_status(t, NULL), TAP_OK);
    tap_tape_free(t);
    tap_module_free(root);
}

static void assert_bad(bool use_adam, tap_adam_options a, tap_sgd_options s, const char *expected)
{
    const char *message;
    tap_module *m = model(TAP_F32);
    tap_optim  *o = use_adam ? tap_adam_new(m, a) : tap_sgd_new(m, s);
    tap_tape   *t = tap_tape_new(TAP_F32, 0);
    assert_int_equal(tap_module_status(m, &message), TAP_EARG);
    assert_string_equal(message, expected);
    assert_int_equal(tap_optim_step(o, t), TAP_EARG);
    tap_optim_set_lr(o, 1);
    tap_tape_free(t);
    tap_module_free(m);
}

static void test_bad_options(void **state)
{
    (void)state;
    const tap_sgd_options s = { 0 };
    assert_bad(true, (tap_adam_options){ .lr = (double)NAN }, s, "adam: lr must be a finite number, at least 0, not nan");
    assert_bad(true, (tap_adam_options){ .beta1 = 1 }, s, "adam: beta1 must be at least 0 and below 1, not 1");
    assert_bad(true, (tap_adam_options){ .beta2 = 1.5 }, s, "adam: beta2 must be at least 0 and below 1, not 1.5");
    assert_bad(true, (tap_adam_options){ .eps = (double)INFINITY }, s,
               "adam: eps must be a finite number, at least 0, not inf");
    assert_bad(true, (tap_adam_options){ .lr = -5 }, s, "adam: lr must be a finite number, at least 0, not -5");
    const tap_adam_options a = { 0 };
    assert_bad(false, a, (tap_sgd_options){ .momentum = (double)NAN },
               "sgd: momentum must be a finite number, at least 0, not nan");
    assert_bad(false, a, (tap_sgd_options){ .nesterov = true }, "sgd: nesterov needs a momentum above 0");

    const char *message;
    tap_module *m = tap_module_new(TAP_F32, 0);
    tap_adam_new(m, a);
    assert_int_equal(tap_module_status(m, &message), TAP_EARG);
    assert_string_equal(message, "adam: the module must have parameters, and has none yet");
    tap_module_free(m);
}

/* A NaN in any chunk is found; a gradient that counts as zero is finite, whatever its memory holds. */
static void test_finite_gradients(void **state)
{
    static const int64_t positions[] = { 0, BIG / 2, BIG - 1 };
    (void)state;
    for (int dtype = TAP_F32; dtype <= TAP_F64; dtype++) {
        tap_module *m = model((tap_dtype)dtype);
        tap_optim  *o = tap_adam_new(m, (tap_adam_options){ 0 });
        tap_param  *p = tap_module_param(m, "a");
        assert_true(tap_optim_finite(o));
        for (int k = 0; k < 6; k++) {
            const int64_t i = positions[k % 3];
            tap_tensor    g = tap_param_grad(p);
            tap_tensor_set_item(g, i, k < 3 ? (double)NAN : (double)-INFINITY);
            assert_false(tap_optim_finite(o));
            tap_module_zero_grad(m);
            assert_true(tap_optim_finite(o));
            tap_tensor_set_item(tap_param_grad(p), i, 3e38);
            assert_true(tap_optim_finite(o));
        }
        tap_tensor_set_item(tap_param_grad(tap_module_param(m, "d")), 0, (double)NAN);
        assert_false(tap_optim_finite(o));
        tap_module_free(m);
    }
    assert_true(tap_optim_finite(NULL));
}

/* ---- Which parameters a step is for ------------------------------------------------------------------------------ */

/* a, b and a tape, under one optimizer. */
typedef struct {
    tap_module *root;
    tap_param  *a, *b;
    tap_tape   *t;
} pair;

static pair pair_new(void)
{
    pair p = { .root = tap_module_new(TAP_F64, 0), .t = tap_tape_new(TAP_F64, 0) };
    p.a = tap_param_new(tap_module_child(p.root, "left"), "a", TAP_SHAPE(2), tap_init_constant(1));
    p.b = tap_param_new(tap_module_child(p.root, "right"), "b", TAP_SHAPE(2), tap_init_constant(1));
    return p;
}

static void pair_free(pair *p)
{
    tap_tape_free(p->t);
    tap_module_free(p->root);
}

static double first(const tap_param *p)
{
    return tap_tensor_item(tap_param_value(p), 0);
}

static tap_status learn(pair *p, tap_optim *o, bool use_b)
{
    tap_tape_reset(p->t);
    tap_var loss = tap_sum(tap_square(tap_param_var(p->t, p->a)), TAP_ALL);
    if (use_b) loss = tap_add(loss, tap_sum(tap_square(tap_param_var(p->t, p->b)), TAP_ALL));
    tap_backward(loss);
    return tap_optim_step(o, p->t);
}

/* b is in every second loss only: other steps do not change it, its step count or its moments, and weight decay does not
 * apply. */
static void test_unreached_parameters_stay(void **state)
{
    (void)state;
    const tap_adam_options options = { .lr = 0.1, .weight_decay = 0.5 };
    pair                   p = pair_new(), whole = pair_new();
    tap_optim             *o = tap_adam_new(p.root, options), *reference = tap_adam_new(whole.root, options);
    for (int step = 0; step < 6; step++) {
        const double before = first(p.b);
        assert_int_equal(learn(&p, o, step % 2 == 0), TAP_OK);
        if (step % 2 == 1) assert_true(first(p.b) == before);
        else learn(&whole, reference, true);
    }
    assert_true(first(p.b) == first(whole.b) && first(p.b) < 1);
    /* reading a gradient does not make one; writing does */
    const double before = first(p.b);
    assert_true(tap_tensor_item(tap_param_grad(p.b), 0) == 0);
    assert_int_equal(learn(&p, o, false), TAP_OK);
    assert_true(first(p.b) == before);
    tap_tensor_set_item(tap_param_grad(p.b), 1, 1);
    assert_int_equal(learn(&p, o, false), TAP_OK);
    assert_true(first(p.b) != before);
    pair_free(&whole);
    pair_free(&p);
}

static void assert_root_error(tap_module *root, const char *expected)
{
    const char *message;
    assert_int_equal(tap_module_status(root, &message), TAP_EARG);
    assert_string_equal(message, expected);
    tap_module_clear_error(root);
}

static void test_a_parameter_has_one_optimizer(void **state)
{
    (void)state;
    pair       p = pair_new();
    tap_optim *left = tap_sgd_new(tap_module_child(p.root, "x"), (tap_sgd_options){ 0 });
    assert_root_error(p.root, "x: sgd: the module must have parameters, and has none yet");
    assert_int_equal(tap_optim_step(left, NULL), TAP_EARG);
    assert_root_error(p.root, "optim_step: the optimizer could not be made");
    left = tap_sgd_new(p.a->module, (tap_sgd_options){ .lr = 0.25 });
    tap_adam_new(p.root, (tap_adam_options){ 0 });
    assert_root_error(p.root, "adam: left.a: has an optimizer already; free that one first (tap_optim_free)");
    assert_int_equal(learn(&p, left, true), TAP_OK);
    assert_true(first(p.a) == 0.5 && first(p.b) == 1);
    tap_optim_free(left);
    tap_optim *all = tap_sgd_new(p.root, (tap_sgd_options){ .lr = 0.25 });
    assert_int_equal(learn(&p, all, true), TAP_OK);
    assert_true(first(p.a) == 0.25 && first(p.b) == 0.5);
    pair_free(&p);
}

/* The memory of a freed optimizer is used by the next one. */
static void test_free_releases_memory(void **state)
{
    (void)state;
    pair   p = pair_new();
    size_t held = 0;
    for (int i = 0; i < 100; i++) {
        tap_optim *o = tap_adam_new(p.root, (tap_adam_options){ 0 });
        assert_int_equal(learn(&p, o, true), TAP_OK);
        tap_optim_free(o);
        if (i > 0) assert_int_equal(tap__arena_bytes(p.root->root->memory), held);
        held = tap__arena_bytes(p.root->root->memory);
    }
    pair_free(&p);
}

static void test_parameters_made_later(void **state)
{
    (void)state;
    pair       p = pair_new();
    tap_optim *o = tap_sgd_new(p.a->module, (tap_sgd_options){ .lr = 0.25 });
    tap_param_new(tap_module_child(p.root, "elsewhere"), "c", TAP_SHAPE(1), tap_init_zeros());
    assert_int_equal(learn(&p, o, false), TAP_OK);
    tap_module  *head = tap_module_child(p.a->module, "head");
    tap_param   *late = tap_param_new(head, "late", TAP_SHAPE(1), tap_init_zeros());
    const double before = first(p.a);
    assert_int_equal(learn(&p, o, false), TAP_EARG);
    assert_true(first(p.a) == before);
    assert_root_error(p.root, "optim_step: left.head.late: was made after the optimizer of its module, and has no optimizer");
    tap_param_set_requires_grad(late, false);
    assert_int_equal(learn(&p, o, false), TAP_OK);
    tap_param_set_requires_grad(late, true);
    tap_optim *second = tap_sgd_new(head, (tap_sgd_options){ 0 });
    assert_int_equal(learn(&p, o, false), TAP_OK);
    assert_int_equal(tap_optim_step(second, p.t), TAP_OK);
    pair_free(&p);
}

/* A gradient accumulated before the optimizer was made is not part of its first step. */
static void test_earlier_gradients_are_not_used(void **state)
{
    (void)state;
    pair       p = pair_new();
    tap_optim *o = tap_sgd_new(p.a->module, (tap_sgd_options){ .lr = 1e-9 });
    for (int step = 0; step < 10; step++) learn(&p, o, true);
    assert_true(tap_tensor_item(tap_param_grad(p.b), 0) == 2); /* of the last pass, which no optimizer has taken */
    tap_optim *late = tap_sgd_new(p.b->module, (tap_sgd_options){ .lr = 0.25 });
    assert_int_equal(tap_optim_step(late, p.t), TAP_OK);
    assert_true(first(p.b) == 1);
    learn(&p, o, true);
    assert_int_equal(tap_optim_step(late, p.t), TAP_OK);
    assert_true(first(p.b) == 0.5);
    pair_free(&p);
}

/* ---- Groups ------------------------------------------------------------------------------------------------------ */

/* Two layers, each of a matrix and a vector of ones. */
typedef struct {
    tap_module *root, *head;
    tap_param  *p[4]; /* matrix, vector, head's matrix, head's vector */
} layers;

static layers layers_new(void)
{
    layers l = { .root = tap_module_new(TAP_F64, 0) };
    l.head = tap_module_child(l.root, "head");
    for (int i = 0; i < 4; i++) {
        tap_shape shape = i % 2 ? TAP_SHAPE(2) : TAP_SHAPE(2, 2);
        l.p[i] = tap_param_new(i < 2 ? l.root : l.head, i % 2 ? "bias" : "weight", shape, tap_init_constant(1));
    }
    return l;
}

/* Steps with gradients of 1. */
static void step_layers(layers *l, tap_optim *o)
{
    for (int i = 0; i < 4; i++) tap_tensor_fill(tap_param_grad(l->p[i]), 1);
    assert_int_equal(tap_optim_step(o, NULL), TAP_OK);
}

static void assert_values(const layers *l, double a, double b, double c, double d)
{
    const double want[] = { a, b, c, d };
    for (int i = 0; i < 4; i++) assert_near(first(l->p[i]), want[i], 1e-15);
}

static void test_no_decay_of_vectors(void **state)
{
    (void)state;
    layers     l = layers_new();
    tap_optim *o = tap_sgd_new(l.root, (tap_sgd_options){ .lr = 0.25, .weight_decay = 2 });
    assert_int_equal(tap_optim_group(o, tap_is_vector, NULL, (tap_group_options){ .weight_decay = TAP_ZERO }), 1);
    assert_int_equal(tap_optim_groups(o), 2);
    step_layers(&l, o);
    assert_values(&l, 0.25, 0.75, 0.25, 0.75);
    assert_true(tap_optim_get(o, 0, "weight_decay") == 2 && tap_optim_get(o, 1, "weight_decay") == 0);
    assert_true(isnan(tap_optim_get(o, 2, "weight_decay")) && isnan(tap_optim_get(o, 0, "decay")));
    tap_module_free(l.root);
}

/* Later groups take parameters from earlier ones; each has a rate of its own. */
static void test_groups_by_module_and_list(void **state)
{
    (void)state;
    layers     l = layers_new();
    tap_optim *o = tap_sgd_new(l.root, (tap_sgd_options){ .lr = 0.25 });
    assert_int_equal(tap_optim_group(o, tap_is_below, l.head, (tap_group_options){ .lr = 0.5, .momentum = 0.5 }), 1);
    assert_int_equal(tap_optim_group_list(o, 1, &l.p[3], (tap_group_options){ .lr = TAP_ZERO }), 2);
    assert_true(tap_optim_lr(o) == 0.25 && tap_optim_group_lr(o, 1) == 0.5 && tap_optim_group_lr(o, 2) == 0);
    step_layers(&l, o);
    assert_values(&l, 0.75, 0.75, 0.5, 1);
    tap_optim_set(o, 2, "lr", 0.125);
    step_layers(&l, o);
    assert_values(&l, 0.5, 0.5, -0.25, 0.875); /* velocity 1.5 */
    tap_optim_set_lr(o, 0.5);
    step_layers(&l, o);
    assert_values(&l, 0, 0, -0.25 - 0.5 * 1.75, 0.375);
    assert_int_equal(tap_module_status(l.root, NULL), TAP_OK);
    tap_module_free(l.root);
}

/* What a group turns off is as if it had never been on. */
static void test_a_group_turns_an_option_off(void **state)
{
    (void)state;
    layers     l = layers_new(), plain = layers_new();
    tap_optim *o = tap_adam_new(l.root, (tap_adam_options){ .lr = 0.25, .beta2 = 0.5, .amsgrad = true });
    tap_optim *p = tap_adam_new(plain.root, (tap_adam_options){ .lr = 0.25, .beta2 = 0.5 });
    tap_optim_set(o, tap_optim_group(o, tap_is_vector, NULL, (tap_group_options){ 0 }), "amsgrad", 0);
    for (int i = 0; i < 5; i++) {
        for (int k = 0; k < 4; k++) {
            tap_tensor_fill(tap_param_grad(l.p[k]), 1.0 / (i + 1));
            tap_tensor_fill(tap_param_grad(plain.p[k]), 1.0 / (i + 1));
        }
        tap_optim_step(o, NULL);
        tap_optim_step(p, NULL);
    }
    for (int k = 0; k < 4; k++) assert_true((first(l.p[k]) == first(plain.p[k])) == tap_is_vector(l.p[k], NULL));
    tap_module_free(l.root);
    tap_module_free(plain.root);
}

static void test_what_groups_refuse(void **state)
{
    (void)state;
    layers      l = layers_new();
    tap_module *other = tap_module_new(TAP_F64, 0);
    tap_param  *foreign = tap_param_new(other, "p", TAP_SHAPE(1), tap_init_zeros());
    tap_optim  *o = tap_sgd_new(l.root, (tap_sgd_options){ .lr = 0.25 });
    assert_int_equal(tap_optim_group_list(o, 1, &foreign, (tap_group_options){ 0 }), 0);
    assert_root_error(l.root, "optim_group_list: parameter 0 of the list is not one of the optimizer's");
    tap_optim_set(o, 0, "nesterov", 1);
    assert_root_error(l.root, "optim_set: nesterov needs a momentum above 0");
    assert_true(tap_optim_get(o, 0, "nesterov") == 0);
    step_layers(&l, o);
    tap_optim_set(o, 0, "momentum", 0.5);
    assert_root_error(l.root, "optim_set: options that need momentum_buffer must be set before the first step");
    assert_true(tap_optim_get(o, 0, "momentum") == 0);
    tap_optim_set(o, 0, "maximize", 1);
    assert_root_error(l.root, "optim_set: maximize must be set before the first step");
    assert_int_equal(tap_optim_group(o, tap_is_vector, NULL, (tap_group_options){ 0 }), 0);
    assert_root_error(l.root, "optim_group: groups must be made before the first step");
    step_layers(&l, o);
    assert_values(&l, 0.5, 0.5, 0.5, 0.5);
    tap_module_free(other);
    tap_module_free(l.root);
}

int main(void)
{
    /* clang-format off */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adam),    cmocka_unit_test(test_sgd),         cmocka_unit_test(test_gradient_descent_of_a_square),
        cmocka_unit_test(test_no_step_after_an_error), cmocka_unit_test(test_bad_options), cmocka_unit_test(test_finite_gradients),
        cmocka_unit_test(test_unreached_parameters_stay), cmocka_unit_test(test_a_parameter_has_one_optimizer),
        cmocka_unit_test(test_free_releases_memory),    cmocka_unit_test(test_parameters_made_later),
        cmocka_unit_test(test_earlier_gradients_are_not_used), cmocka_unit_test(test_no_decay_of_vectors),
        cmocka_unit_test(test_groups_by_module_and_list), cmocka_unit_test(test_what_groups_refuse),
        cmocka_unit_test(test_a_group_turns_an_option_off),
    };
    /* clang-format on */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
