/* examples/vae_generate/main.c: trains a conditional VAE on digits, draws the requested digits and evaluates them. */
#include "vae_generate.h"

const char *const program = "vae_generate";

static bool parse_ends(void *o, const char *text)
{
    return parse_list(text, 0, 1e9, 2, ((options *)o)->ends) == 2;
}

/* clang-format off */
const argument options_table[] = {
    { .name = "usage: vae_generate [options]\n\n"
              "Trains a conditional variational autoencoder (Kingma et al. 2014, Sohn et al. 2015) on MNIST, draws digits that "
              "were asked for, and measures how good they are. With --model, draws and measures only." },

    { .name = "Data and results" },
    { "--data", "DIR", FOLDER, FIELD(data), .help = "directory with MNIST's four files, plain or .gz [as of vae_mnist]" },
    { "--out", "DIR", FOLDER, FIELD(train.out), .initial = "out/vae_generate",
      .help = "where the results go; made if need be" },
    { "--model", "FILE", TEXT, FIELD(model), .help = "a model trained before, DIR/model.safetensors" },
    { "--classifier", "FILE", TEXT, FIELD(classifier),
      .help = "the classifier of --measure [classifier.safetensors in --out; without one, --measure trains one on --data]" },

    { .name = "What to draw, into --out [all of it, but for --digit]" },
    { "--samples", NULL, FLAG, FIELD(samples), .help = "samples.png, digits by chance, and digits.png, all ten in 16 hands" },
    { "--digit", "D", WHOLE, FIELD(digit), 0, DIGITS - 1, .help = "digit_D.png, 256 times the digit D" },
    { "--traversals", NULL, FLAG, FIELD(traversals),
      .help = "traversals.png: what each dimension of z does to a 3, or to D" },
    { "--interpolate", "A,B", CUSTOM, 0, .takes = "two numbers of test images, such as 3,18", .parse = parse_ends,
      .help = "interpolation.png: from test image number A to number B [0,1]" },
    { "--measure", NULL, FLAG, FIELD(measure),
      .help = "how many of the digits a classifier reads as what they are meant to be, and the Frechet distance of its features" },

    { .name = "Training" },
    { "--latent", "N", WHOLE, FIELD(latent), 1, 1e4, SAVED | BUILDS | TRAINS, "12", .help = "dimensions of z" },
    { "--beta", "B", REAL, FIELD(beta), 0, 1e6, SAVED | TRAINS, "4",
      .help = "weight of the KL in the loss: the more, the plainer and the surer are the digits" },
    TRAINING_ROWS("images", "4", "128", "1e-3"),
    CHECKPOINT_ROWS(""),

    GENERAL_ROWS("print the results only"),
    { .name = "Example\n"
              "  vae_generate --out out/digits\n"
              "  vae_generate --model out/digits/model.safetensors --digit 7 --out out/sevens" },
    { 0 },
};
/* clang-format on */

/* Checks which options go together, and completes them. */
static bool complete(options *o, uint64_t given)
{
    if (!o->samples && !o->traversals && !o->measure && o->digit < 0 && o->ends[0] < 0) {
        o->samples = o->traversals = o->measure = true;
        o->ends[0] = 0;
        o->ends[1] = 1;
    }
    if (o->model && !arguments_exclude(given, TRAINS, NOT_WITH_MODEL)) return false;
    if (o->classifier && !o->measure) return usage("--classifier", "", "goes with --measure");
    return !o->data || !o->model || o->measure || o->ends[0] >= 0 ||
           usage("--data", "", "goes with training, --interpolate and --measure");
}

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
    options o = { .digit = -1, .ends = { -1, -1 } };
    digits  d = { 0 };
    if (!complete(&o, arguments_take(&o, argc, argv))) return 2;
    begin_program(o.train.threads);
    tap_arena *a = tap_arena_new();
    const bool ok = load(&d, a, &o) && run(&o, &d);
    tap_arena_free(a);
    return end_program(ok);
}
