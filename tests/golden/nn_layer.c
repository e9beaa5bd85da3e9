/* tests/golden/nn_layer.c: cases of layers: one call, forward and backward. Results, gradients of inputs and parameters, and the
 * buffers afterwards are compared, and the names of the state. */
#include "tests/golden/nn_layer.h"

/* ---- Arguments ---- */

int64_t nn_integer(const nn_layer *l, const char *name, int64_t otherwise)
{
    return (int64_t)nn_number(nn_field(l->args, name), (double)otherwise);
}

bool nn_bool(const nn_layer *l, const char *name, bool otherwise)
{
    return nn_field(l->args, name) ? nn_flag(l->args, name) : otherwise;
}

double nn_option(const nn_layer *l, const char *name)
{
    const cJSON *x = nn_field(l->args, name);
    const double value = nn_number(x, 0);
    return x && value == 0 ? TAP_ZERO : value;
}

bool nn_is_none(const nn_layer *l, const char *name)
{
    return cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(l->args, name));
}

tap_shape nn_sizes(const nn_layer *l, const char *name)
{
    const cJSON *x = nn_field(l->args, name), *size;
    tap_shape    s = { .rank = 0 };
    if (cJSON_IsNumber(x)) s.n[s.rank++] = (int64_t)x->valuedouble;
    else {
        cJSON_ArrayForEach(size, x)
        {
            if (s.rank < TAP_MAX_RANK) s.n[s.rank++] = (int64_t)nn_number(size, 0);
        }
    }
    return s;
}

void nn_per_axis(const nn_layer *l, const char *name, int axes, int64_t *to)
{
    const tap_shape s = nn_sizes(l, name);
    if (s.rank > 1 && s.rank != axes) nn_fail(l->c, "%s must be a number, or one for each of %d axes", name, axes);
    for (int i = 0; i < axes && (s.rank == 1 || s.rank == axes); i++) to[i] = s.n[s.rank == 1 ? 0 : i];
}

tap_var nn_input(nn_layer *l, const char *name)
{
    for (int i = 0; i < l->n_in; i++) {
        if (!strcmp(l->input_name[i], name)) return l->input[i];
    }
    return (tap_var){ 0 };
}

static bool is_listed(const char *list, const char *name)
{
    const size_t n = strlen(name);
    for (const char *at = list; (at = strstr(at, name)); at += n) {
        if ((at == list || at[-1] == ' ') && (at[n] == ' ' || !at[n])) return true;
    }
    return false;
}

static void check_arguments(nn_layer *l, const nn_layer_class *class, const cJSON *given)
{
    const cJSON *x;
    cJSON_ArrayForEach(x, given)
    {
        if (!is_listed(class->arguments, x->string)) nn_fail(l->c, "%s: argument %s is not known", class->name, x->string);
    }
}

static const nn_layer_class *find_class(const char *name)
{
    const nn_layer_class *const tables[] = { nn_layer_classes, nn_layer_sequences };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        for (const nn_layer_class *c = tables[i]; c->name; c++) {
            if (!strcmp(c->name, name)) return c;
        }
    }
    return NULL;
}

/* ---- Parametrizations ---- */

/* weight_norm takes dim = -1 for None. */
static void parametrize(nn_layer *l, const cJSON *how)
{
    const char    *name = nn_text(how, "name");
    const nn_layer a = { .c = l->c, .args = nn_field(how, "args") };
    const char    *given = nn_text(a.args, "name");
    char           path[KEY_SIZE];
    const cJSON   *x;
    snprintf(path, sizeof path, "layer.%s", *given ? given : "weight");
    tap_param *weight = tap_module_param(l->root, path);
    cJSON_ArrayForEach(x, a.args)
    {
        if (!is_listed("name dim eps n_power_iterations", x->string)) nn_fail(l->c, "argument %s is not known", x->string);
    }
    if (!weight) nn_fail(l->c, "%s: there is no %s to put it on", name, path);
    else if (!strcmp(name, "weight_norm")) {
        const int64_t dim = nn_integer(&a, "dim", 0);
        const bool    all = nn_is_none(&a, "dim") || dim == -1;
        tap_weight_norm(weight, (tap_weight_norm_options){ .dim = all ? 0 : (int)dim, .all = all });
    } else if (!strcmp(name, "spectral_norm")) {
        tap_spectral_norm(weight,
                          (tap_spectral_norm_options){ .dim = (int)nn_integer(&a, "dim", l->transposed),
                                                       .eps = nn_option(&a, "eps"),
                                                       .n_power_iterations = (int)nn_integer(&a, "n_power_iterations", 0) });
    } else nn_fail(l->c, "there is no parametrization '%s'", name);
}

/* ---- The state ---- */

/* The value of a parameter or buffer of the layer; NaN [] if there is none. */
static tap_tensor state_of(nn_layer *l, const char *name, tap_param **p)
{
    char path[KEY_SIZE];
    snprintf(path, sizeof path, "layer.%s", name);
    *p = tap_module_param(l->root, path);
    const tap_buffer *b = tap_module_buffer(l->root, path);
    if (!*p && !b) nn_fail(l->c, "the layer has no %s", name);
    return b ? tap_buffer_value(b) : tap_param_value(*p);
}

static void load(nn_layer *l, const char *list, const char *kind)
{
    const cJSON *name;
    tap_error    e = { 0 };
    tap_param   *p;
    cJSON_ArrayForEach(name, nn_field(l->c->json, list))
    {
        const char *n = cJSON_GetStringValue(name);
        if (!n || tap_tensor_copy(state_of(l, n, &p), nn_tensor(l->c, "%s/%s", kind, n), &e) != TAP_OK)
            nn_fail(l->c, "%s: %s", n ? n : "", e.message);
    }
}

static void load_state(nn_layer *l)
{
    int count = 0;
    for (tap_param *p = tap_module_next(l->root, NULL); p; p = tap_module_next(l->root, p)) count++;
    for (tap_buffer *b = tap_module_next_buffer(l->root, NULL); b; b = tap_module_next_buffer(l->root, b)) count++;
    load(l, "params", "param");
    load(l, "buffers", "buffer");
    const int expected = cJSON_GetArraySize(nn_field(l->c->json, "state_dict"));
    if (count != expected) nn_fail(l->c, "the state has %d tensors, not %d", count, expected);
}

/* ---- The call ---- */

static void make_inputs(nn_layer *l)
{
    const cJSON *name;
    cJSON_ArrayForEach(name, nn_field(l->c->json, "inputs"))
    {
        const char *n = cJSON_GetStringValue(name);
        if (!n || l->n_in == NN_MAX_INPUTS) {
            nn_fail(l->c, "inputs must be at most %d names", (int)NN_MAX_INPUTS);
            return;
        }
        const tap_tensor x = nn_tensor(l->c, "in/%s", n);
        l->input_name[l->n_in] = n;
        l->input[l->n_in++] = tap_dtype_is_float(x.dtype) ? tap_variable(l->t, x) : tap_input(l->t, x);
    }
}

static bool tape_ok(nn_layer *l)
{
    const char *message;
    if (tap_tape_status(l->t, &message) != TAP_OK) nn_fail(l->c, "%s", message);
    return !nn_failed(l->c);
}

/* sum_k <result_k, cotangent_k>, after the results were compared. */
static tap_var compare_results(nn_layer *l)
{
    const cJSON *name;
    char         what[KEY_SIZE];
    int          k = 0;
    tap_var      loss = tap_scalar(l->t, 0);
    cJSON_ArrayForEach(name, nn_field(l->c->json, "outputs"))
    {
        const char *n = cJSON_GetStringValue(name);
        if (!n || k == NN_MAX_RESULTS || !l->result[k].tape) {
            nn_fail(l->c, "there is no result %s", n ? n : "");
            return loss;
        }
        snprintf(what, sizeof what, "out/%s", n);
        nn_compare(l->c, what, tap_value(l->result[k]), nn_tensor(l->c, "out/%s", n));
        const tap_tensor *cotangent = nn_find(l->c, "cot/%s", n);
        if (cotangent) loss = tap_add(loss, tap_sum(tap_mul(l->result[k], tap_input(l->t, *cotangent)), TAP_ALL));
        k++;
    }
    return loss;
}

static void compare_gradients(nn_layer *l, tap_var loss)
{
    const cJSON *name;
    tap_param   *p;
    char         what[KEY_SIZE];
    for (int i = 0; i < l->n_in; i++) {
        const tap_tensor *expected = nn_find(l->c, "grad_in/%s", l->input_name[i]);
        tap_var           g;
        if (!expected) continue;
        tap_grad(loss, 1, &l->input[i], &g);
        if (!tape_ok(l)) return;
        snprintf(what, sizeof what, "grad_in/%s", l->input_name[i]);
        nn_compare(l->c, what, tap_value(g), *expected);
    }
    tap_backward(loss);
    if (!tape_ok(l)) return;
    cJSON_ArrayForEach(name, nn_field(l->c->json, "params"))
    {
        const char *n = cJSON_GetStringValue(name);
        state_of(l, n ? n : "", &p);
        snprintf(what, sizeof what, "grad/%s", n ? n : "");
        if (p) nn_compare(l->c, what, tap_param_grad(p), nn_tensor(l->c, "%s", what));
    }
}

static void compare_buffers(nn_layer *l)
{
    const cJSON *name;
    tap_param   *p;
    char         what[KEY_SIZE];
    cJSON_ArrayForEach(name, nn_field(l->c->json, "buffers"))
    {
        const char *n = cJSON_GetStringValue(name);
        snprintf(what, sizeof what, "buffer_after/%s", n ? n : "");
        nn_compare(l->c, what, state_of(l, n ? n : "", &p), nn_tensor(l->c, "%s", what));
    }
}

static void run(nn_layer *l, const nn_layer_class *class)
{
    const cJSON *how = nn_field(l->c->json, "parametrization");
    if (class->make) class->make(l);
    if (how) parametrize(l, how);
    if (!nn_module_ok(l->c, l->root)) return;
    load_state(l);
    if (!nn_flag(l->c->json, "train")) tap_module_eval(l->root);
    make_inputs(l);
    if (nn_failed(l->c)) return;
    class->run(l);
    if (!tape_ok(l)) return;
    compare_gradients(l, compare_results(l));
    compare_buffers(l);
}

static bool is_skipped(nn_case *c, const nn_layer_class *class)
{
    if (!class) fprintf(c->out, "there is no layer '%s'", nn_text(c->json, "class"));
    return !class;
}

bool nn_make_layer(nn_case *c, tap_module *root)
{
    const nn_layer_class *class = find_class(nn_text(c->json, "class"));
    nn_layer l = { .c = c, .args = nn_field(c->json, "args"), .root = root };
    if (is_skipped(c, class)) return false;
    check_arguments(&l, class, l.args);
    if (class->make) class->make(&l);
    return true;
}

outcome nn_run_layer(nn_case *c)
{
    const nn_layer_class *class = find_class(nn_text(c->json, "class"));
    nn_layer l = { .c = c, .args = nn_field(c->json, "args"), .call = nn_field(c->json, "call") };
    if (is_skipped(c, class)) return SKIPPED;
    check_arguments(&l, class, l.args);
    check_arguments(&l, class, l.call);
    if (nn_failed(c)) return FAILED;
    l.root = tap_module_new(TAP_F64, 0);
    l.t = tap_tape_new(TAP_F64, 0);
    run(&l, class);
    tap_tape_free(l.t);
    tap_module_free(l.root);
    return nn_failed(c) ? FAILED : PASSED;
}
