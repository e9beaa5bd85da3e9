/* examples/vae_generate/main.c: trains a conditional VAE on digits and saves it to model.safetensors, or loads a trained one, and
 * has it draw the requested digits and evaluated. */
#include "vae_generate.h"

#include <stdio.h>

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
    { "--out", "DIR", FOLDER, FIELD(train.out), .initial = "out/vae_generate", .help = "where results go; made if need be" },
    { "--model", "FILE", TEXT, FIELD(train.model), .help = "a model trained before, DIR/model.safetensors" },
    { "--classifier", "FILE", TEXT, FIELD(classifier),
      .help = "the classifier of --measure [classifier.safetensors in --out; without one, --measure trains one on --data]" },

    { .name = "What to draw, into --out [all of it, but for --digit]" },
    { "--samples", NULL, FLAG, FIELD(samples), .help = "samples.png, digits by chance, and digits.png, all ten in 16 hands" },
    { "--digit", "D", WHOLE, FIELD(digit), 0, DIGITS - 1, .help = "digit_D.png, 256 times the digit D" },
    { "--traversals", NULL, FLAG, FIELD(traversals), .help = "traversals.png: what each dimension of z does to a 3, or to D" },
    { "--interpolate", "A,B", CUSTOM, 0, .takes = "two numbers of test images, such as 3,18", .parse = parse_ends,
      .help = "interpolation.png: from test image number A to number B [0,1]" },
    { "--measure", NULL, FLAG, FIELD(measure),
      .help = "how many of the digits a classifier reads as what they are meant to be, and the Frechet distance of its features" },

    { .name = "Training" },
    { "--latent", "N", WHOLE, FIELD(latent), 1, 1e4, SAVED | BUILDS | TRAINS, "12", .help = "dimensions of z" },
    { "--beta", "B", REAL, FIELD(beta), 0, 1e6, SAVED | TRAINS, "4",
      .help = "weight of the KL in the loss: the more, the plainer and the surer are the digits" },
    TRAINING_ROWS("images", "4", "128", "1e-3"),

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
    if (o->train.model && !arguments_exclude(given, TRAINS, NOT_WITH_MODEL)) return false;
    if (o->classifier && !o->measure) return usage("--classifier", "", "goes with --measure");
    return !o->data || !o->train.model || o->measure || o->ends[0] >= 0 ||
           usage("--data", "", "goes with training, --interpolate and --measure");
}

tap_var one_hot(tap_var label)
{
    return tap_cast(tap_one_hot(label, DIGITS), TAP_F32);
}

static tap_var loss(const void *net, tap_tape *t, batch *b)
{
    const state     *s = net;
    const tap_tensor labels = b->held_out ? s->test_labels : s->train_labels;
    return tap_vae_loss_given(&s->vae, tap_input(t, b->x), one_hot(rows_of(t, labels, b->rows, b->n)));
}

/* Trains a model and saves it, or loads the one that the options name. Checks beforehand that the files can be written. */
static bool get_model(state *s, int n, const out_file *files)
{
    options *o = &s->o;
    if (o->train.model && !model_options(s->arena, o->train.model, o, BUILDS)) return false;
    tap_vae_options v = { .data = SIDE * SIDE, .image = { 1, SIDE, SIDE }, .n_conv = 2, .conv = { 32, 64 } };
    v.n_hidden = 1, v.hidden[0] = 256, v.latent = o->latent, v.condition = DIGITS;
    v.beta = o->beta > 0 ? o->beta : TAP_ZERO, v.clip = 20;
    tap_vae_init(&s->vae, s->root, v);
    if (!o->train.model && !o->train.quiet)
        printf("%s from %s: %lld for training, %lld for testing\n", s->found.name, s->found.from,
               (long long)s->found.train.shape.n[0], (long long)s->found.test.shape.n[0]);
    train_config config = { .options = o->train, .root = s->root, .net = s, .loss = loss, .n_results = n, .results = files };
    config.data = s->found.train, config.held_out = s->found.test;
    return train_or_load(config, s->found.name, "conditional VAE", o);
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
        const bool drawn = !o->train.model && (o->samples || (o->digit < 0 ? o->traversals && i == 3 : o->digit == i));
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
    if (s->o.train.model && !s->o.measure && a < 0) return true;
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
    if (!load(s) || (s->o.measure && !classifier_find(s))) return false;
    if (s->reader_missing)
        files[n++] = (out_file){ "classifier.safetensors", 4 * (double)tap_module_numel(s->reader_root) + 1e4 };
    return get_model(s, n, files) && draw(s) && (!s->o.measure || measure(s));
}

int main(int argc, char **argv)
{
    state s = { .o = { .digit = -1, .ends = { -1, -1 } } };
    if (!complete(&s.o, arguments_take(&s.o, argc, argv))) return 2;
    begin_program(s.o.train.threads);
    s.arena = tap_arena_new();
    s.root = tap_module_new(TAP_F32, s.o.train.seed);
    s.reader_root = tap_module_new(TAP_F32, 0); /* the classifier does not depend on --seed */
    const bool ok = run(&s);
    tap_module_free(s.reader_root);
    tap_module_free(s.root);
    tap_arena_free(s.arena);
    return end_program(ok);
}
