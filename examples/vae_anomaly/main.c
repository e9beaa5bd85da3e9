/* examples/vae_anomaly/main.c: trains a VAE on normal images and scores further images by how anomalous they are. */
#include "vae_anomaly.h"

#include <stdio.h>
#include <string.h>

enum { PIXELS = SIDE * SIDE, CLASSES = 256, SCORED = 200 };

const char *const program = "vae_anomaly";
const char *const columns[COLUMNS] = {
    "index", "class", "anomaly", "elbo", "reconstruction", "likelihood", "regret", "deviance"
};

/* ---- Options ------------------------------------------------------------------------------------------------------ */

/* clang-format off */
const argument options_table[] = {
    { .name = "usage: vae_anomaly [options]\n\n"
              "Trains a variational autoencoder on images that are normal, scores test images by how unlike these they are, and "
              "measures how well that finds anomalies." },

    { .name = "Model" },
    { "--latent", "N", WHOLE, FIELD(latent), 1, 1e4, SAVED | BUILDS | TRAINS, "16", .help = "dimensions of z" },
    { "--model", "FILE", TEXT, FIELD(model), .help = "a model trained before, DIR/model.safetensors" },

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
    CHECKPOINT_ROWS(""),

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
    if (o->model && !arguments_exclude(given, TRAINS, NOT_WITH_MODEL)) return false;
    if (o->only && (!o->model || o->normal || o->anomaly || o->data))
        return usage("--score", "", "goes with --model, without --normal, --anomaly and --data");
    if (!o->normal && !o->model) o->normal = "3";
    if (!o->normal || (strlen(o->normal) == 1 && strchr("0123456789", *o->normal))) return true;
    if (!strcmp(o->normal, "all")) return !o->model || usage("--model", "", "goes with one task, not with --normal all");
    return o->anomaly || usage("--normal", o->normal, "a directory needs another one, --anomaly DIR");
}

/* ---- Images ------------------------------------------------------------------------------------------------------- */

/* Reads the labels of a part. Missing labels are an error only if `must` is set. */
static bool load_labels(tap_tensor *labels, tap_arena *a, const char *dir, const char *part, tap_tensor images, bool must)
{
    char path[PATH_SIZE];
    return (!must && !dataset_file(path, dir, part, "labels", 1)) ||
           dataset_labels(labels, a, dir, part, images.shape.n[0], CLASSES);
}

static bool set_new(set *s, tap_arena *a, int64_t room)
{
    *s = (set){ tap_tensor_zeros(a, TAP_U8, TAP_SHAPE(room, SIDE, SIDE)),
                tap_tensor_zeros(a, TAP_F64, TAP_SHAPE(room, COLUMNS)) };
    s->images.shape.n[0] = s->table.shape.n[0] = 0;
    return arena_ok(a);
}

/* Adds the images of the digit (-1: all digits) and, if `others` is set, those of other digits, which count as anomalies. */
static void set_add(set *s, tap_tensor images, tap_tensor labels, int64_t digit, bool others, bool anomaly)
{
    for (int64_t i = 0; i < images.shape.n[0]; i++) {
        const int64_t n = s->images.shape.n[0], class = labels.data ? ((const int64_t *)labels.data)[i] : -1;
        const bool    other = digit >= 0 && class != digit;
        if (other && !others) continue;
        memcpy((uint8_t *)s->images.data + PIXELS * n, (const uint8_t *)images.data + PIXELS * i, PIXELS);
        memcpy((double *)s->table.data + COLUMNS * n, (double[]){ (double)i, (double)class, other || anomaly },
               SCORE * sizeof(double));
        s->images.shape.n[0] = s->table.shape.n[0] = n + 1;
    }
}

/* Checks that the test set has both normal images and anomalies to measure, unless images are only scored. */
static bool check_test(const set *test, const dataset *d, const options *o, const char *digit)
{
    const int64_t n = test->images.shape.n[0];
    int64_t       anomalies = 0;
    for (int64_t i = 0; i < n; i++) anomalies += ((const double *)test->table.data)[i * COLUMNS + ANOMALY] != 0;
    if (o->only || (anomalies > 0 && anomalies < n)) return true;
    return fail("%s: its test images hold %s %s%s", d->from, anomalies ? "no" : "nothing but", digit,
                anomalies ? "" : ", which is normal, and no anomaly");
}

/* Loads what the options select: a digit against the others, a digit or directory against another one, or one to score. */
static bool load(set *train, set *test, tap_arena *a, const options *o, const char **name)
{
    const int64_t digit = o->normal && strlen(o->normal) == 1 ? *o->normal - '0' : -1;
    tap_tensor    labels[3] = { 0 }, strange = { .shape = TAP_SHAPE(0) };
    const char   *other = o->only ? o->only : o->anomaly;
    dataset       d = { .test = strange };
    if (!other && digit < 0) return fail("%s: what is normal is in a directory; name another one, --anomaly DIR", o->model);
    if (o->data && !o->only && digit < 0) note("--data %s is not used: what is normal is in %s", o->data, o->normal);
    if (!o->only && !dataset_load(&d, a, digit < 0 ? o->normal : o->data)) return false;
    if (!o->only && (!load_labels(&labels[0], a, d.from, "train", d.train, digit >= 0) ||
                     !load_labels(&labels[1], a, d.from, "t10k", d.test, digit >= 0)))
        return false;
    if (other && (!dataset_images(&strange, a, other, "t10k") || !load_labels(&labels[2], a, other, "t10k", strange, false)))
        return false;
    if (!set_new(train, a, o->model ? 0 : d.train.shape.n[0]) || !set_new(test, a, d.test.shape.n[0] + strange.shape.n[0]))
        return false;
    if (!o->model) set_add(train, d.train, labels[0], digit, false, false);
    set_add(test, d.test, labels[1], digit, !other, false);
    set_add(test, strange, labels[2], -1, true, !o->only);
    *name = d.name;
    if (!o->model && train->images.shape.n[0] == 0)
        return fail("%s: its training images hold no %s to learn from", d.from, o->normal);
    return check_test(test, &d, o, digit < 0 ? "normal image" : o->normal);
}

/* ---- Output files ------------------------------------------------------------------------------------------------- */

enum { RESULTS = 4, ROW_BYTES = 120 };

/* The program's files besides those that training writes. */
static void result_files(out_file files[RESULTS], double images)
{
    files[0] = (out_file){ "scores.csv", ROW_BYTES * images };
    files[1] = (out_file){ "histogram.png", 6 * PICTURE_BYTES };
    files[2] = (out_file){ "extremes.png", PICTURE_BYTES };
    files[3] = (out_file){ "roc.png", PICTURE_BYTES };
}

/* ---- The model ---------------------------------------------------------------------------------------------------- */

static tap_var loss(const void *vae, tap_tape *t, batch *b)
{
    return tap_vae_loss(vae, tap_input(t, b->x));
}

static bool init(tap_vae *vae, tap_module *root, const options *o)
{
    tap_vae_init(vae, root, (tap_vae_options){ .data = PIXELS, .latent = o->latent, .clip = 20 });
    return module_ok(root);
}

static bool train_model(tap_vae *vae, tap_module *root, options *o, const set *from, const set *test, const char *name,
                        bool *whole)
{
    out_file files[RESULTS];
    result_files(files, (double)test->images.shape.n[0]);
    if (!init(vae, root, o)) return false;
    if (!o->train.quiet)
        printf("%s, normal %s: %lld images; %s\n", name, o->normal, (long long)from->images.shape.n[0], tap_config());
    /* clang-format off */
    const train_config config = { .options = o->train,
                       .root = root,
                       .net = vae,
                       .loss = loss,
                       .data = from->images,
                       .n_results = RESULTS,
                       .results = files };
    /* clang-format on */
    return train_and_save(config, name, o, whole);
}

static bool recall(tap_vae *vae, tap_module *root, tap_arena *a, options *o)
{
    const unsigned roles = o->normal || o->only ? BUILDS : BUILDS | TASK;
    return model_options(a, o->model, o, roles) && init(vae, root, o) && model_load(root, o->model);
}

/* ---- Scores ------------------------------------------------------------------------------------------------------- */

/* Blurs images, so that a stroke shifted by a pixel does not count as one missing and one extra stroke. */
static tap_var blur(tap_var x)
{
    const tap_shape s = tap_shape_of(x);
    return tap_reshape(tap_gaussian_blur(tap_reshape(x, TAP_SHAPE(s.n[0], SIDE, SIDE)), 7, 1.2), s);
}

typedef struct {
    const options *o;
    tap_vae        vae; /* its `samples` option is that of the ELBO score */
} score_context;

/* Anomaly scores [batch,SCORES]; higher means more anomalous. */
static tap_var scores_of(const void *ctx, tap_var x)
{
    const score_context *j = ctx;
    const options       *o = j->o;
    const tap_vae       *v = &j->vae;
    tap_var s[SCORES] = { tap_neg(tap_vae_elbo(v, x).elbo), tap_neg(tap_vae_reconstruction_log_prob(v, x, o->samples)),
                          tap_neg(tap_vae_log_likelihood(v, x, o->weights)),
                          tap_vae_regret(v, x, o->samples, (tap_fit_options){ .steps = o->steps, .seed = o->train.seed }),
                          tap_vae_deviance(v, x, blur) };
    return tap_stack(SCORES, s, 1);
}

static bool score(const set *s, tap_arena *a, const options *o, const tap_vae *vae, bool *whole)
{
    score_context j = { o, *vae };
    j.vae.options.samples = o->samples;
    return map_dataset(&(map_config){ scores_of, &j, s->images, tap_tensor_slice(a, s->table, 1, SCORE, TAP_END, 1), SCORED,
                                      o->train.seed, "scores", "deviance", o->train.quiet },
                       whole);
}

/* ---- Tasks -------------------------------------------------------------------------------------------------------- */

static bool run(options *o, double auroc[SCORES])
{
    tap_arena  *a = tap_arena_new();
    tap_module *root = tap_module_new(TAP_F32, o->train.seed);
    tap_vae     vae;
    set         from = { 0 }, to = { 0 };
    const char *name = NULL;
    out_file    files[RESULTS];
    bool        whole = true, ok = (!o->model || recall(&vae, root, a, o)) && load(&from, &to, a, o, &name);
    if (ok) result_files(files, (double)to.images.shape.n[0]);
    ok = ok && (o->model ? prepare_out(o->train.out, o->only ? RESULTS - 1 : RESULTS, files)
                         : train_model(&vae, root, o, &from, &to, name, &whole));
    if (ok && whole) ok = score(&to, a, o, &vae, &whole);
    if (ok && whole)
        ok = table_write(o->train.out, "scores.csv", columns, COLUMNS, to.table) && draw(&to, o) &&
             (o->only || measure(&to, o, auroc));
    tap_module_free(root);
    tap_arena_free(a);
    return ok;
}

/* Checks that the part's images include every digit. */
static bool has_all(tap_arena *a, const dataset *d, const char *part, tap_tensor images)
{
    tap_tensor labels;
    bool       seen[CLASSES] = { false };
    if (!load_labels(&labels, a, d->from, part, images, true)) return false;
    for (int64_t i = 0; i < images.shape.n[0]; i++) seen[((const int64_t *)labels.data)[i]] = true;
    for (int i = 0; i < DIGITS; i++)
        if (!seen[i])
            return fail("%s: its %s images hold no %d; --normal all needs all ten digits", d->from,
                        strcmp(part, "train") ? "test" : "training", i);
    return true;
}

/* The total size of a task's files: two checkpoints of three values per parameter, the model and the results. */
static double task_bytes(const options *o, const out_file files[RESULTS])
{
    tap_vae      vae;
    tap_module  *root = tap_module_new(TAP_F32, 0);
    const bool   ok = init(&vae, root, o);
    const double values = ok ? 4 * (double)tap_module_numel(root) : 0;
    double       sum = 7 * values;
    for (int i = 0; i < RESULTS; i++) sum += files[i].bytes;
    tap_module_free(root);
    return sum;
}

/* Checks that all ten tasks can write their files, and that none has an interrupted run unless --resume is set. */
static bool prepare_all(const options *o, double images)
{
    out_file files[RESULTS];
    char     out[PATH_SIZE], digit[] = "0";
    result_files(files, images);
    const out_file all = { NULL, DIGITS * task_bytes(o, files) };
    bool           ok = prepare_out(o->train.out, 1, &all);
    for (; ok && digit[0] <= '9'; digit[0]++)
        ok = join(out, o->train.out, digit) && prepare_out(out, RESULTS, files) && run_may_start(out, o->train.resume);
    return ok;
}

/* Checks all ten tasks before the first one starts, as they take long. */
static bool check_all(const options *o)
{
    tap_arena *a = tap_arena_new();
    dataset    d = { .name = NULL };
    tap_tensor strange = { .shape = TAP_SHAPE(0) };
    const bool ok = dataset_load(&d, a, o->data) && has_all(a, &d, "train", d.train) && has_all(a, &d, "t10k", d.test) &&
                    (!o->anomaly || dataset_images(&strange, a, o->anomaly, "t10k"));
    const double images = ok ? (double)(d.test.shape.n[0] + strange.shape.n[0]) : 0;
    tap_arena_free(a);
    return ok && prepare_all(o, images);
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
