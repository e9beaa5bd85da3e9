/* examples/vae_anomaly/main.c: trains a VAE on normal images, scores further images by how anomalous they are, and
 * reports how well the scores separate anomalies from normal images, in numbers and plots. */
#include "examples/common/common.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *const program = "vae_anomaly";

enum { PIXELS = SIDE * SIDE, CLASSES = 256, SCORED = 200, RESULTS = 4, ROW_BYTES = 120 };
enum { BINS = 60, WIDE = 16, HIGH = 4, ALL = -1, NONE = -2 };
enum { SCORES = 5, DIGITS = 10 };
enum { TASK = OWN }; /* the role of --normal, which is restored with a model if the command names no other task */
enum { INDEX, CLASS, ANOMALY, SCORE, COLUMNS = SCORE + SCORES };
static const char *const columns[COLUMNS] = { "index",          "class",      "anomaly", "elbo",
                                              "reconstruction", "likelihood", "regret",  "deviance" };

typedef struct {
    train_options train;
    const char   *normal, *anomaly, *data, *only; /* NULL: not given; only: a directory to score */
    int64_t       latent, samples, weights, steps;
} options;

/* Images uint8 [n,28,28] and a table float64 [n,COLUMNS] of their labels and scores. */
typedef struct {
    tap_tensor images, table;
    int64_t    anomalies; /* number of images that are anomalies */
} set;

/* ---- Options ------------------------------------------------------------------------------------------------------ */

/* clang-format off */
const argument options_table[] = {
    { .name = "usage: vae_anomaly [options]\n\n"
              "Trains a variational autoencoder on images that are normal, scores test images by how unlike these they are, and "
              "measures how well that finds anomalies." },

    { .name = "Model" },
    { "--latent", "N", WHOLE, FIELD(latent), 1, 1e4, SAVED | BUILDS | TRAINS, "16", .help = "dimensions of z" },
    { "--model", "FILE", TEXT, FIELD(train.model), .help = "a model trained before, DIR/model.safetensors" },

    { .name = "Data and results" },
    { "--normal", "D", FOLDER, FIELD(normal), .roles = SAVED | TASK,
      .help = "the digit that is normal, beside all others; all: ten such tasks; or a directory of images [3]" },
    { "--anomaly", "DIR", FOLDER, FIELD(anomaly), .help = "a directory whose test images are the anomalies" },
    { "--data", "DIR", FOLDER, FIELD(data), .help = "the digits: directory with MNIST's four files [as of vae_mnist]" },
    { "--out", "DIR", FOLDER, FIELD(train.out), .initial = "out/vae_anomaly", .help = "where the results go; made if need be" },
    { "--score", "DIR", FOLDER, FIELD(only), .help = "with --model: just score the test images of DIR" },
    { "--samples", "N", WHOLE, FIELD(samples), 1, 1e4, 0, "10", .help = "draws of z for ELBO, reconstruction and regret" },
    { "--weights", "N", WHOLE, FIELD(weights), 1, 1e4, 0, "50", .help = "draws of z for the likelihood" },
    { "--steps", "N", WHOLE, FIELD(steps), 1, 1e6, 0, "50", .help = "of Adam, to fit z to each image for the regret" },

    { .name = "Training" },
    TRAINING_ROWS("images", "40", "100", "1e-3"),

    GENERAL_ROWS("print the results only"),
    { .name = "Example\n"
              "  vae_anomaly --normal all\n"
              "  vae_anomaly --normal /usr/share/datasets/fashion-mnist --anomaly MNIST" },
    { 0 },
};
/* clang-format on */

/* Checks which options go together, and completes them. */
static bool complete(options *o, uint64_t given)
{
    if (o->train.model && !arguments_exclude(given, TRAINS, NOT_WITH_MODEL)) return false;
    if (o->only && (!o->train.model || o->normal || o->anomaly || o->data))
        return usage("--score", "", "goes with --model, without --normal, --anomaly and --data");
    if (!o->normal && !o->train.model) o->normal = "3";
    if (!o->normal || (strlen(o->normal) == 1 && strchr("0123456789", *o->normal))) return true;
    if (!strcmp(o->normal, "all")) return !o->train.model || usage("--model", "", "goes with one task, not with --normal all");
    return o->anomaly || usage("--normal", o->normal, "a directory needs another one, --anomaly DIR");
}

typedef struct {
    options    *o;
    const char *name;        /* of the data set */
    set         train, test; /* train: empty if the model is loaded */
    tap_module *root;
    tap_vae     vae;
} task;

/* ---- Images ------------------------------------------------------------------------------------------------------- */

static bool set_new(set *s, tap_arena *a, int64_t room)
{
    *s = (set){ tap_tensor_zeros(a, TAP_U8, TAP_SHAPE(room, SIDE, SIDE)),
                tap_tensor_zeros(a, TAP_F64, TAP_SHAPE(room, COLUMNS)), 0 };
    s->images.shape.n[0] = s->table.shape.n[0] = 0;
    return arena_ok(a);
}

/* Adds the images of the digit and, if `others` is set, those of other digits, which count as anomalies. A digit of -1 stands
 * for all images; then the directory need not have their labels. */
static bool set_add(set *s, tap_arena *a, tap_tensor images, const char *dir, const char *part, int64_t digit, bool others,
                    bool anomaly)
{
    char       path[PATH_SIZE];
    tap_tensor labels = { 0 };
    if ((digit >= 0 || dataset_file(path, dir, part, "labels", 1)) &&
        !dataset_labels(&labels, a, dir, part, images.shape.n[0], CLASSES))
        return false;
    for (int64_t i = 0; i < images.shape.n[0]; i++) {
        const int64_t n = s->images.shape.n[0], class = labels.data ? ((const int64_t *)labels.data)[i] : -1;
        const bool    other = digit >= 0 && class != digit;
        if (other && !others) continue;
        memcpy((uint8_t *)s->images.data + PIXELS * n, (const uint8_t *)images.data + PIXELS * i, PIXELS);
        memcpy((double *)s->table.data + COLUMNS * n, (double[]){ (double)i, (double)class, other || anomaly },
               SCORE * sizeof(double));
        s->images.shape.n[0] = s->table.shape.n[0] = n + 1;
        s->anomalies += other || anomaly;
    }
    return true;
}

/* Loads what the options select: a digit against the others, a digit or directory against another one, or one to score. */
static bool load(task *t, tap_arena *a)
{
    const options *o = t->o;
    const int64_t  digit = o->normal && strlen(o->normal) == 1 ? *o->normal - '0' : -1;
    tap_tensor     strange = { .shape = TAP_SHAPE(0) };
    const char    *other = o->only ? o->only : o->anomaly;
    dataset        d = { .train = strange, .test = strange };
    if (!other && digit < 0)
        return fail("%s: what is normal is in a directory; name another one, --anomaly DIR", o->train.model);
    if (o->data && !o->only && digit < 0) note("--data %s is not used: what is normal is in %s", o->data, o->normal);
    if (!o->only && !dataset_load(&d, a, digit < 0 ? o->normal : o->data)) return false;
    if (other && !dataset_images(&strange, a, other, "t10k")) return false;
    if (!set_new(&t->train, a, o->train.model ? 0 : d.train.shape.n[0]) ||
        !set_new(&t->test, a, d.test.shape.n[0] + strange.shape.n[0]))
        return false;
    if (!o->train.model && !set_add(&t->train, a, d.train, d.from, "train", digit, false, false)) return false;
    if (!o->only && !set_add(&t->test, a, d.test, d.from, "t10k", digit, !other, false)) return false;
    if (other && !set_add(&t->test, a, strange, other, "t10k", -1, true, !o->only)) return false;
    t->name = d.name;
    if (!o->train.model && t->train.images.shape.n[0] == 0)
        return fail("%s: its training images hold no %s to learn from", d.from, o->normal);
    if (o->only || (t->test.anomalies > 0 && t->test.anomalies < t->test.images.shape.n[0])) return true;
    return fail("%s: its test images hold %s %s%s", d.from, t->test.anomalies ? "no" : "nothing but",
                digit < 0 ? "normal image" : o->normal, t->test.anomalies ? "" : ", which is normal, and no anomaly");
}

/* ---- The model ---------------------------------------------------------------------------------------------------- */

static void init(tap_vae *vae, tap_module *root, const options *o)
{
    tap_vae_init(vae, root, (tap_vae_options){ .data = PIXELS, .latent = o->latent, .clip = 20 });
}

static tap_var loss(const void *vae, tap_tape *t, batch *b)
{
    return tap_vae_loss(vae, tap_input(t, b->x));
}

/* The program's files besides those that training writes. */
static void result_files(out_file files[RESULTS], double images)
{
    files[0] = (out_file){ "scores.csv", ROW_BYTES * images };
    files[1] = (out_file){ "histogram.png", 6 * PICTURE_BYTES };
    files[2] = (out_file){ "extremes.png", PICTURE_BYTES };
    files[3] = (out_file){ "roc.png", PICTURE_BYTES };
}

/* Trains the model and saves it, or loads the one that the options name. */
static bool get_model(task *t)
{
    const options     *o = t->o;
    const tap_tensor   data = t->train.images;
    out_file           files[RESULTS];
    const int          n = o->only ? RESULTS - 1 : RESULTS;
    const train_config config = { o->train, t->root, &t->vae, loss, data, .n_results = n, .results = files };
    result_files(files, (double)t->test.images.shape.n[0]);
    if (!o->train.model && !o->train.quiet)
        printf("%s, normal %s: %lld images; %s\n", t->name, o->normal, (long long)data.shape.n[0], tap_config());
    return train_or_load(config, t->name, NULL, o);
}

/* ---- Scores ------------------------------------------------------------------------------------------------------- */

/* Blurs images, so that a stroke shifted by a pixel does not count as one missing and one extra stroke. */
static tap_var blur(tap_var x)
{
    const tap_shape s = tap_shape_of(x);
    return tap_reshape(tap_gaussian_blur(tap_reshape(x, TAP_SHAPE(s.n[0], SIDE, SIDE)), 7, 1.2), s);
}

/* Anomaly scores [batch,SCORES]; higher means more anomalous. */
static tap_var scores_of(const tap_vae *v, const options *o, tap_var x)
{
    tap_var s[SCORES] = { tap_neg(tap_vae_elbo(v, x).elbo), tap_neg(tap_vae_reconstruction_log_prob(v, x, o->samples)),
                          tap_neg(tap_vae_log_likelihood(v, x, o->weights)),
                          tap_vae_regret(v, x, o->samples, (tap_fit_options){ .steps = o->steps, .seed = o->train.seed }),
                          tap_vae_deviance(v, x, blur) };
    return tap_stack(SCORES, s, 1);
}

/* Computes the scores; false, without a message, if interrupted. */
static bool score(task *t, tap_arena *a)
{
    const options *o = t->o;
    tap_tensor     table = tap_tensor_slice(a, t->test.table, 1, SCORE, TAP_END, 1);
    pass           p = pass_begin(t->test.images, SCORED, o->train.seed ^ tap_random_hash("scores"));
    t->vae.options.samples = o->samples; /* of the ELBO */
    bar_start(o->train.quiet, "scores", "deviance", 1, t->test.images.shape.n[0], 0);
    while (!interrupted() && pass_next(&p)) {
        tap_var scores = scores_of(&t->vae, o, tap_input(p.tape, p.b.x));
        tap_tensor_copy(tap_tensor_slice(a, table, 0, p.done - p.b.n, p.done, 1), tap_value(scores), tap_arena_error(a));
        bar_update(1, p.done, tap_item(tap_mean(tap_select(scores, 1, -1), TAP_ALL)));
    }
    return pass_end(&p) && arena_ok(a) && !interrupted();
}

/* ---- Report ------------------------------------------------------------------------------------------------------- */

/* Room for the scores of a set's images, their anomaly flags, and the points of a curve. */
typedef struct {
    tap_tensor score, anomaly, x, y;
} score_buffer;

/* Collects the scores of the normal images, if `normal` is set, and of the anomalies of `class`, or ALL or NONE. Returns the
 * number of anomalies. */
static int64_t take(score_buffer *d, const set *s, int score, bool normal, int64_t class)
{
    int64_t n = 0, anomalies = 0;
    for (const double *row = s->table.data, *end = row + tap_tensor_numel(s->table); row < end; row += COLUMNS) {
        const bool strange = row[ANOMALY] != 0;
        if (strange ? class != ALL && row[CLASS] != (double)class : !normal) continue;
        ((double *)d->score.data)[n] = row[SCORE + score];
        ((uint8_t *)d->anomaly.data)[n++] = strange;
        anomalies += strange;
    }
    d->score.shape.n[0] = d->anomaly.shape.n[0] = n;
    return anomalies;
}

static bool measure_class(double *auroc, score_buffer *d, const set *s, int score, int64_t class, uint64_t seed)
{
    const tap_bootstrap_options o = { .seed = seed };
    tap_error                   e = { 0 };
    char                        name[24] = "all";
    if (take(d, s, score, true, class) == 0 && class != ALL) return true;
    const tap_interval a = tap_auroc(d->score, d->anomaly, o, &e), p = tap_average_precision(d->score, d->anomaly, o, &e);
    if (e.status) return fail("%s", e.message);
    if (class == ALL) *auroc = a.value;
    else snprintf(name, sizeof name, "%lld", (long long)class);
    printf("%14s  %.4f [%.4f, %.4f]   %.4f [%.4f, %.4f]\n", name, a.value, a.low, a.high, p.value, p.low, p.high);
    return true;
}

static bool measure(score_buffer *d, const set *s, uint64_t seed, double auroc[SCORES])
{
    for (int i = 0; i < SCORES; i++) {
        printf("\n%-14s  AUROC, 95 %%               average precision, 95 %%\n", columns[SCORE + i]);
        for (int64_t kind = ALL; kind < CLASSES; kind++)
            if (!measure_class(&auroc[i], d, s, i, kind, seed)) return false;
    }
    return true;
}

static bool draw_curves(score_buffer *d, const set *s, const char *out)
{
    plot_begin(PLOT_PNG, 1, 1);
    plot_panel((plot_axes){ .title = "ROC", .x = "normal images refused", .y = "anomalies found", .x1 = 1, .y1 = 1 });
    for (int i = 0; i < SCORES; i++) {
        take(d, s, i, true, ALL);
        plot_curve(PLOT_SOLID, tap_roc_curve(d->score, d->anomaly, d->x, d->y, NULL), d->x.data, d->y.data, i,
                   columns[SCORE + i]);
    }
    return plot_write(out, "roc.png");
}

/* Draws a panel for each score. Its axis is four times as long as the range of the lowest 95 % of the normal scores. */
static bool draw_histograms(score_buffer *d, const set *s, const char *out)
{
    double height[2][BINS];
    plot_begin(PLOT_PNG, 3, 2);
    for (int i = 0; i < SCORES; i++) {
        take(d, s, i, true, NONE);
        int64_t          n = d->score.shape.n[0];
        tap_tape        *t = tap_tape_new(TAP_F64, 0);
        const tap_tensor sorted = tap_value(tap_sort(tap_input(t, d->score), 0, TAP_ASCENDING, NULL));
        const double lo = tap_tensor_item(sorted, 0), hi = lo + fmax(4 * (tap_tensor_item(sorted, n - 1 - n / 20) - lo), 1e-6);
        double       max_height = plot_bins(n, d->score.data, BINS, lo, hi, height[0]);
        n = take(d, s, i, false, ALL);
        max_height = fmax(max_height, plot_bins(n, d->score.data, BINS, lo, hi, height[1]));
        plot_panel((plot_axes){ .title = columns[SCORE + i], .x0 = lo, .x1 = hi, .y1 = 1.05 * max_height });
        plot_bars(BINS, height[0], 0, n > 0 ? "normal" : NULL);
        plot_bars(BINS, height[1], 1, n > 0 ? "anomalies" : NULL);
        tap_tape_free(t);
    }
    return plot_write(out, "histogram.png");
}

/* Draws the images with the lowest deviance and, in as many rows below them, those with the highest deviance. */
static bool draw_extremes(const set *s, const char *out)
{
    const int64_t m = s->table.shape.n[0], wide = m < WIDE ? m : WIDE, high = m < WIDE * HIGH ? 1 : HIGH, n = high * wide;
    tap_tape     *t = tap_tape_new(TAP_F32, 0);
    tap_var       order = tap_argsort(tap_select(tap_input(t, s->table), 1, COLUMNS - 1), 0, TAP_ASCENDING);
    tap_var       ends = tap_cat(2, (tap_var[]){ tap_narrow(order, 0, 0, n), tap_narrow(order, 0, m - n, n) }, 0);
    tap_var       x = tap_reshape(images_select(t, s->images, ends), TAP_SHAPE(2 * high, wide, SIDE * SIDE));
    const bool    ok = sheet_write(out, "extremes.png", x, 2);
    return tape_end(t) && ok;
}

/* Draws the scores and the extreme images. Unless images are only scored, prints how well each score detects the anomalies of
 * each class; auroc gets the values for all anomalies. */
static bool report(const set *s, const options *o, double auroc[SCORES])
{
    tap_arena      *a = tap_arena_new();
    const tap_shape n = TAP_SHAPE(s->table.shape.n[0]), points = TAP_SHAPE(n.n[0] + 1);
    score_buffer    d = { tap_tensor_zeros(a, TAP_F64, n), tap_tensor_zeros(a, TAP_U8, n), tap_tensor_zeros(a, TAP_F64, points),
                          tap_tensor_zeros(a, TAP_F64, points) };
    const char     *out = o->train.out;
    const bool      ok = arena_ok(a) && draw_histograms(&d, s, out) && draw_extremes(s, out) &&
                    (o->only || (draw_curves(&d, s, out) && measure(&d, s, o->train.seed, auroc)));
    tap_arena_free(a);
    return ok;
}

/* ---- Tasks -------------------------------------------------------------------------------------------------------- */

static bool run(options *o, double auroc[SCORES])
{
    tap_arena     *a = tap_arena_new();
    task           t = { .o = o, .root = tap_module_new(TAP_F32, o->train.seed) };
    const unsigned roles = o->normal || o->only ? BUILDS : BUILDS | TASK;
    bool           ok = !o->train.model || model_options(a, o->train.model, o, roles);
    if (ok) init(&t.vae, t.root, o);
    ok = ok && load(&t, a) && get_model(&t) && score(&t, a) &&
         table_write(o->train.out, "scores.csv", columns, COLUMNS, t.test.table) && report(&t.test, o, auroc);
    tap_module_free(t.root);
    tap_arena_free(a);
    return ok;
}

/* Checks that the part's images include every digit. */
static bool has_all(tap_arena *a, const dataset *d, const char *part, tap_tensor images)
{
    tap_tensor labels;
    if (!dataset_labels(&labels, a, d->from, part, images.shape.n[0], CLASSES)) return false;
    for (int i = 0; i < DIGITS; i++)
        if (!labels_hold(labels, i))
            return fail("%s: its %s images hold no %d; --normal all needs all ten digits", d->from,
                        strcmp(part, "train") ? "test" : "training", i);
    return true;
}

/* Checks all ten tasks before the first one starts, as they take long: that there are images of all digits, that all files can be
 * written, and that no run was interrupted unless --resume is set. */
static bool check_all(const options *o)
{
    out_file    files[RESULTS] = { { NULL, 0 } }, all = { NULL, 0 };
    char        out[PATH_SIZE], digit[] = "0";
    tap_tensor  strange = { .shape = TAP_SHAPE(0) };
    tap_vae     vae;
    dataset     d;
    tap_arena  *a = tap_arena_new();
    tap_module *root = tap_module_new(TAP_F32, 0);
    bool        ok = dataset_load(&d, a, o->data) && has_all(a, &d, "train", d.train) && has_all(a, &d, "t10k", d.test) &&
              (!o->anomaly || dataset_images(&strange, a, o->anomaly, "t10k"));
    init(&vae, root, o);
    if (ok) result_files(files, (double)(d.test.shape.n[0] + strange.shape.n[0]));
    for (int i = 0; i < RESULTS; i++) all.bytes += DIGITS * files[i].bytes;
    all.bytes += DIGITS * 7 * 4 * (double)tap_module_numel(root); /* two checkpoints of three values per parameter; the model */
    ok = ok && prepare_out(o->train.out, 1, &all);
    for (; ok && digit[0] <= '9'; digit[0]++) {
        tap_checkpoint *c = NULL;
        ok = join(out, o->train.out, digit) && prepare_out(out, RESULTS, files) &&
             run_open(&c, out, o->train.resume, "data", false);
        tap_checkpoint_free(c);
    }
    tap_module_free(root);
    tap_arena_free(a);
    return ok;
}

/* Runs ten tasks, each with a folder of its own, and prints a summary. */
static bool run_all(const options *all)
{
    double auroc[DIGITS + 1][SCORES] = { 0 };
    char   out[PATH_SIZE], digit[] = "0";
    if (!check_all(all)) return false;
    for (int i = 0; i < DIGITS; i++, digit[0]++) {
        options o = *all;
        o.normal = digit, o.train.out = out;
        if (!join(out, all->train.out, digit) || !run(&o, auroc[i])) return false;
        if (interrupted()) return true;
        for (int s = 0; s < SCORES; s++) auroc[DIGITS][s] += auroc[i][s] / DIGITS;
    }
    printf("\nAUROC\nnormal");
    for (int s = 0; s < SCORES; s++) printf("  %14s", columns[SCORE + s]);
    for (int i = 0; i <= DIGITS; i++) {
        printf("\n%6s", i < DIGITS ? (char[]){ (char)('0' + i), 0 } : "mean");
        for (int s = 0; s < SCORES; s++) printf("  %14.4f", auroc[i][s]);
    }
    printf("\n");
    return true;
}

int main(int argc, char **argv)
{
    options o = { .normal = NULL };
    double  auroc[SCORES];
    if (!complete(&o, arguments_take(&o, argc, argv))) return 2;
    begin_program(o.train.threads);
    return end_program(o.normal && !strcmp(o.normal, "all") ? run_all(&o) : run(&o, auroc));
}
