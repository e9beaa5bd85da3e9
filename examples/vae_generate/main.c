/* examples/vae_generate/main.c: trains a conditional VAE on digits, draws the requested digits and evaluates them. */
#include "vae_generate.h"

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

static bool load_part(labelled *part, tap_tensor images, tap_arena *a, const char *dir, const char *name)
{
    part->images = images;
    return dataset_labels(&part->labels, a, dir, name, images.shape.n[0], DIGITS);
}

/* Loads the data set, which a trained model needs only for measuring and for interpolation. */
static bool load(digits *d, tap_arena *a, const options *o)
{
    if (o->model && !o->measure && o->ends[0] < 0) return true;
    if (!dataset_load(&d->found, a, o->data)) return false;
    const int64_t n = d->found.test.shape.n[0], last = o->ends[0] > o->ends[1] ? o->ends[0] : o->ends[1];
    if (last >= n)
        return fail("--interpolate %lld,%lld: there are %lld test images", (long long)o->ends[0], (long long)o->ends[1],
                    (long long)n);
    return load_part(&d->train, d->found.train, a, d->found.from, "train") &&
           load_part(&d->test, d->found.test, a, d->found.from, "t10k");
}

static void find_classes(bool seen[DIGITS], tap_tensor labels)
{
    for (int i = 0; i < DIGITS; i++) seen[i] = false;
    for (int64_t i = 0; labels.data && i < labels.shape.n[0]; i++) seen[((const int64_t *)labels.data)[i]] = true;
}

/* Checks that the training images include each digit that is to be drawn or classified. */
static bool check_classes(const options *o, const digits *d)
{
    const bool draws = !o->model;
    bool       learned[DIGITS], tested[DIGITS];
    if (!d->train.labels.data) return true;
    find_classes(learned, d->train.labels);
    find_classes(tested, d->test.labels);
    for (int i = 0; i < DIGITS; i++) {
        const bool drawn = draws && (o->samples || (o->digit < 0 ? o->traversals && i == 3 : o->digit == i));
        if (!learned[i] && (drawn || (o->measure && tested[i])))
            return fail("%s: its training images hold no %d, which is to be %s", d->found.from, i,
                        drawn ? "drawn" : "measured");
    }
    return !o->measure || d->test.images.shape.n[0] >= 4 ||
           fail("%s: --measure compares halves of the test images and needs 4 of them, not %lld", d->found.from,
                (long long)d->test.images.shape.n[0]);
}

static bool run(options *o, const digits *d)
{
    tap_module *root = tap_module_new(TAP_F32, o->train.seed);
    tap_module *reader = tap_module_new(TAP_F32, 0); /* the classifier does not depend on --seed */
    tap_vae     vae;
    classifier  c;
    out_file    files[PICTURES + 1];
    int         n = draw_files(files, o);
    bool        whole, known = true;
    bool        ok = check_classes(o, d) && (!o->measure || classifier_find(&c, reader, o, d, &known));
    if (!known) files[n++] = (out_file){ "classifier.safetensors", 4 * (double)tap_module_numel(reader) + 1e4 };
    ok = ok && model_get(&vae, root, o, d, n, files, &whole);
    if (ok && whole) ok = draw(o, &vae, d) && (!o->measure || measure(o, &vae, d, &c, reader, known));
    tap_module_free(reader);
    tap_module_free(root);
    return ok;
}

int main(int argc, char **argv)
{
    options o;
    digits  d = { 0 };
    options_parse(&o, argc, argv);
    begin_program(o.train.threads);
    tap_arena *a = tap_arena_new();
    const bool ok = load(&d, a, &o) && run(&o, &d);
    tap_arena_free(a);
    return end_program(ok);
}
