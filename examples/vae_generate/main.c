/* examples/vae_generate/main.c: trains a conditional VAE on digits and saves it to model.safetensors, or loads a trained one, and
 * has it draw the requested digits and evaluated. */
#include "vae_generate.h"

#include <stdio.h>

const char *const program = "vae_generate";

tap_var labels_of(tap_tape *t, tap_tensor labels, const int64_t *rows, int64_t n)
{
    tap_var index = tap_input(t, tap_tensor_wrap(TAP_I64, TAP_SHAPE(n), (void *)rows));
    return tap_index_select(tap_input(t, labels), 0, index);
}

tap_var one_hot(tap_var label)
{
    return tap_cast(tap_one_hot(label, DIGITS), TAP_F32);
}

static tap_var loss(const void *net, tap_tape *t, batch *b)
{
    const state     *s = net;
    const tap_tensor labels = b->held_out ? s->test_labels : s->train_labels;
    return tap_vae_loss_given(&s->vae, tap_input(t, b->x), one_hot(labels_of(t, labels, b->rows, b->n)));
}

/* Trains a model and saves it, or loads the one that the options name. Checks beforehand that the files can be written. *whole
 * is false if training was interrupted. */
static bool get_model(state *s, int n, const out_file *files, bool *whole)
{
    options *o = &s->o;
    argument table[OPTIONS + 1];
    options_table(table, o);
    *whole = true;
    if (o->model && !model_options(s->arena, o->model, table, 1)) return false;
    tap_vae_options v = { .data = SIDE * SIDE, .image = { 1, SIDE, SIDE }, .n_conv = 2, .conv = { 32, 64 } };
    v.n_hidden = 1, v.hidden[0] = 256, v.latent = o->latent, v.condition = DIGITS;
    v.beta = o->beta > 0 ? o->beta : TAP_ZERO, v.clip = 20;
    tap_vae_init(&s->vae, s->root, v);
    if (!module_ok(s->root)) return false;
    if (o->model) return model_load(s->root, o->model) && prepare_out(o->train.out, n, files);
    if (!o->train.quiet)
        printf("%s from %s: %lld for training, %lld for testing\nconditional VAE, %lld parameters; %s\n", s->found.name,
               s->found.from, (long long)s->found.train.shape.n[0], (long long)s->found.test.shape.n[0],
               (long long)tap_module_numel(s->root), tap_config());
    train_config config = { .options = o->train, .root = s->root, .net = s, .loss = loss, .n_results = n, .results = files };
    config.data = s->found.train, config.held_out = s->found.test;
    return train_and_save(config, s->found.name, table, MODEL_OPTIONS, whole);
}

static bool holds(tap_tensor labels, int digit)
{
    for (int64_t i = 0; i < labels.shape.n[0]; i++)
        if (((const int64_t *)labels.data)[i] == digit) return true;
    return false;
}

/* Checks that the training images include each digit that is to be drawn or classified. */
static bool check_classes(const state *s)
{
    const options  *o = &s->o;
    const long long tests = s->found.test.shape.n[0];
    for (int i = 0; i < DIGITS; i++) {
        const bool drawn = !o->model && (o->samples || (o->digit < 0 ? o->traversals && i == 3 : o->digit == i));
        if ((drawn || (o->measure && holds(s->test_labels, i))) && !holds(s->train_labels, i))
            return fail("%s: its training images hold no %d, which is to be %s", s->found.from, i,
                        drawn ? "drawn" : "measured");
    }
    return !o->measure || tests >= 4 ||
           fail("%s: --measure compares halves of the test images and needs 4 of them, not %lld", s->found.from, tests);
}

/* Loads the data set, which a trained model needs only for measuring and for interpolation. */
static bool load(state *s)
{
    const int64_t a = s->o.ends[0], b = s->o.ends[1];
    if (s->o.model && !s->o.measure && a < 0) return true;
    if (!dataset_load(&s->found, s->arena, s->o.data)) return false;
    const int64_t n = s->found.train.shape.n[0], tests = s->found.test.shape.n[0];
    if (a >= tests || b >= tests)
        return fail("--interpolate %lld,%lld: there are %lld test images", (long long)a, (long long)b, (long long)tests);
    return dataset_labels(&s->train_labels, s->arena, s->found.from, "train", n, DIGITS) &&
           dataset_labels(&s->test_labels, s->arena, s->found.from, "t10k", tests, DIGITS) && check_classes(s);
}

static bool run(state *s)
{
    out_file files[PICTURES + 1];
    int      n = draw_files(files, s);
    bool     whole;
    if (!load(s) || (s->o.measure && !classifier_find(s))) return false;
    if (s->reader_missing)
        files[n++] = (out_file){ "classifier.safetensors", 4 * (double)tap_module_numel(s->reader_root) + 1e4 };
    return get_model(s, n, files, &whole) && (!whole || (draw(s) && (!s->o.measure || measure(s))));
}

int main(int argc, char **argv)
{
    state s = { 0 };
    int   status;
    if (!options_parse(&s.o, argc, argv, &status)) return status;
    begin_program(s.o.train.threads);
    s.arena = tap_arena_new();
    s.root = tap_module_new(TAP_F32, s.o.train.seed);
    s.reader_root = tap_module_new(TAP_F32, 0); /* the classifier does not depend on --seed */
    status = end_program(run(&s));
    tap_module_free(s.reader_root);
    tap_module_free(s.root);
    tap_arena_free(s.arena);
    return status;
}
