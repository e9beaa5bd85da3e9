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
    const train_config config = { o->train, s->root, s, loss, s->found.train, s->found.test, .n_results = n, .results = files };
    return train_or_load(config, s->found.name, "conditional VAE", o);
}

/* Checks that the training images include each digit that is to be drawn or classified. */
static bool check_classes(const state *s)
{
    const options  *o = &s->o;
    const long long tests = s->found.test.shape.n[0];
    for (int i = 0; i < DIGITS; i++) {
        const bool drawn = !o->train.model && (o->samples || (o->digit < 0 ? o->traversals && i == 3 : o->digit == i));
        if ((drawn || (o->measure && labels_hold(s->test_labels, i))) && !labels_hold(s->train_labels, i))
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

/* ---- Pictures, each an expression over vars: images [rows,columns,784] -------------------------------------------- */

enum { STEPS = 11 };

static tap_var decode(const state *s, tap_var z, tap_var c)
{
    return tap_dist_mean(tap_vae_decode_given(&s->vae, z, c));
}

/* STEPS equidistant numbers from a to b: [STEPS,1]. */
static tap_var range(tap_tape *t, double a, double b)
{
    tap_var i = tap_cast(tap_unsqueeze(tap_arange(t, STEPS), 1), TAP_F32);
    return tap_add_scalar(tap_mul_scalar(i, (b - a) / (STEPS - 1)), a);
}

/* Samples of one class or, if digit is negative, of random classes. */
static tap_var samples(const state *s, tap_tape *t, int64_t digit)
{
    tap_var c = digit < 0 ? one_hot(tap_cast(tap_floor(tap_mul_scalar(tap_rand(t, TAP_SHAPE(16, 16)), DIGITS)), TAP_I64))
                          : tap_select(tap_eye(t, DIGITS), 0, digit);
    return decode(s, tap_randn(t, TAP_SHAPE(16, 16, s->o.latent)), c);
}

/* A row of samples for each class; the images of a column share the same z. */
static tap_var classes(const state *s, tap_tape *t)
{
    tap_var z = tap_expand(tap_randn(t, TAP_SHAPE(16, s->o.latent)), TAP_SHAPE(DIGITS, 16, s->o.latent));
    return decode(s, z, tap_unsqueeze(tap_eye(t, DIGITS), 1));
}

/* A row for each dimension of z, which varies from -3 to 3 while the others are 0. */
static tap_var traversals(const state *s, tap_tape *t)
{
    tap_var z = tap_mul(tap_unsqueeze(tap_eye(t, s->o.latent), 1), range(t, -3, 3));
    return decode(s, z, tap_select(tap_eye(t, DIGITS), 0, s->o.digit < 0 ? 3 : s->o.digit));
}

/* Interpolates between two test images, shown at the ends of rows: both z and the class, then only z, then only the class. */
static tap_var interpolation(const state *s, tap_tape *t)
{
    static float moves[2][3] = { { 1, 1, 0 }, { 1, 0, 1 } }; /* of z, of the class */
    tap_var      which = tap_input(t, tap_tensor_wrap(TAP_I64, TAP_SHAPE(2), (void *)s->o.ends));
    tap_var      x = images_select(t, s->found.test, which);
    tap_var      c = one_hot(tap_index_select(tap_input(t, s->test_labels), 0, which));
    tap_var      mu = tap_dist_mean(tap_vae_encode_given(&s->vae, x, c));
    tap_var      way = tap_mul(tap_input(t, tap_tensor_wrap(TAP_F32, TAP_SHAPE(2, 3, 1, 1), moves)), range(t, 0, 1));
    tap_var      z = tap_lerp(tap_select(mu, 0, 0), tap_select(mu, 0, 1), tap_select(way, 0, 0)); /* [3,STEPS,latent] */
    tap_var      between = decode(s, z, tap_lerp(tap_select(c, 0, 0), tap_select(c, 0, 1), tap_select(way, 0, 1)));
    tap_var      a = tap_expand(tap_select(x, 0, 0), TAP_SHAPE(3, 1, SIDE * SIDE)),
            b = tap_expand(tap_select(x, 0, 1), TAP_SHAPE(3, 1, SIDE * SIDE));
    return tap_cat(3, (tap_var[]){ a, between, b }, 1);
}

static bool write(const state *s, const char *name, tap_var images)
{
    if (!sheet_write(s->o.train.out, name, images, 2)) return false;
    if (!s->o.train.quiet && tap_value(images).data) printf("%s/%s\n", s->o.train.out, name);
    return true;
}

/* Lists the files that draw() writes; returns their number. */
static int draw_files(out_file files[PICTURES], state *s)
{
    const double   image = 3600; /* upper bound in bytes: one for each of (2 (28 + 2))^2 grey pixels */
    const options *o = &s->o;
    int            n = 0;
    snprintf(s->digit_file, sizeof s->digit_file, "digit_%lld.png", (long long)o->digit);
    if (o->samples) files[n++] = (out_file){ "samples.png", 256 * image };
    if (o->samples) files[n++] = (out_file){ "digits.png", 16 * DIGITS * image };
    if (o->digit >= 0) files[n++] = (out_file){ s->digit_file, 256 * image };
    if (o->traversals) files[n++] = (out_file){ "traversals.png", STEPS * (double)o->latent * image };
    if (o->ends[0] >= 0) files[n++] = (out_file){ "interpolation.png", 3 * (STEPS + 2) * image };
    return n;
}

static bool draw(const state *s)
{
    const options *o = &s->o;
    tap_tape      *t = tap_tape_new(TAP_F32, o->train.seed ^ tap_random_hash("draw"));
    bool           ok = true;
    tap_tape_set_recording(t, false);
    if (o->samples) ok = write(s, "samples.png", samples(s, t, -1)) && write(s, "digits.png", classes(s, t));
    tap_tape_reset(t); /* makes the next picture's noise independent of the previous pictures */
    if (o->digit >= 0) ok = ok && write(s, s->digit_file, samples(s, t, o->digit));
    if (o->traversals) ok = ok && write(s, "traversals.png", traversals(s, t));
    if (o->ends[0] >= 0) ok = ok && write(s, "interpolation.png", interpolation(s, t));
    return tape_end(t) && ok;
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
