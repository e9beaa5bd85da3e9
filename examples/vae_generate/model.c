/* examples/vae_generate/model.c: the conditional VAE, trained or read, and model.safetensors, which it is kept in. */
#include "vae_generate.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool init(tap_vae *vae, tap_module *root, int64_t latent, double beta)
{
    const char *message;
    tap_vae_init(vae, root,
                 (tap_vae_options){ .data = SIDE * SIDE,
                                    .image = { 1, SIDE, SIDE },
                                    .n_conv = 2,
                                    .conv = { 32, 64 },
                                    .n_hidden = 1,
                                    .hidden = { 256 },
                                    .latent = latent,
                                    .condition = DIGITS,
                                    .beta = beta > 0 ? beta : -1, /* 0 would stand for the default */
                                    .clip = 20 });
    return !tap_module_status(root, &message) || fail("%s", message);
}

/* Of its metadata only the latent size is needed again; the rest tells what it came from. */
static bool keep(const tap_module *root, const options *o, const char *data)
{
    char      path[PATH_SIZE], numbers[6][32];
    tap_error e = { 0 };
    snprintf(numbers[0], sizeof numbers[0], "%" PRId64, o->latent);
    snprintf(numbers[1], sizeof numbers[1], "%" PRId64, o->epochs);
    snprintf(numbers[2], sizeof numbers[2], "%" PRId64, o->batch);
    snprintf(numbers[3], sizeof numbers[3], "%.9g", o->lr);
    snprintf(numbers[4], sizeof numbers[4], "%" PRIu64, o->seed);
    snprintf(numbers[5], sizeof numbers[5], "%.9g", o->beta);
    const tap_metadata metadata[] = { { "program", program }, { "data", data },         { "latent", numbers[0] },
                                      { "beta", numbers[5] }, { "epochs", numbers[1] }, { "batch", numbers[2] },
                                      { "lr", numbers[3] },   { "seed", numbers[4] } };
    join(path, o->out, "model.safetensors");
    return !tap_module_save(root, path, sizeof metadata / sizeof *metadata, metadata, &e) || fail("%s", e.message);
}

static bool load(tap_vae *vae, tap_module *root, const char *path)
{
    const char           *message, *latent, *by;
    tap_error             e = { 0 };
    tap_arena            *a = tap_arena_new();
    const tap_safetensors file = tap_safetensors_read(a, path);
    int64_t               n = 0;
    bool                  ok = !tap_arena_status(a, &message) || fail("%s", message);
    if (ok) {
        by = tap_safetensors_metadata(&file, "program");
        latent = tap_safetensors_metadata(&file, "latent");
        ok = by && !strcmp(by, program) && latent && parse_whole(latent, 1, 1e4, &n);
        if (!ok) fail("%s: is no model that this program has written", path);
    }
    tap_arena_free(a);
    return ok && init(vae, root, n, 1) && (!tap_module_load(root, path, &e) || fail("%s", e.message));
}

static tap_var loss(const void *vae, tap_var x, tap_var label)
{
    return tap_vae_loss_given(vae, x, one_hot(label));
}

/* Whether the run has come to its last epoch. */
static bool is_done(const tap_checkpoint_found *run)
{
    const tap_tensor *epoch = tap_safetensors_find(&run->file, "images.epoch");
    const char       *epochs = tap_safetensors_metadata(&run->file, "epochs");
    int64_t           n;
    return epoch && epochs && parse_whole(epochs, 1, 1e6, &n) && tap_tensor_item(*epoch, 0) > (double)n;
}

/* The checkpoint in out. False: it is in use, damaged, or of a run that is not done and that nobody asked to go on with. */
static bool begin(tap_checkpoint **c, const options *o)
{
    char        path[PATH_SIZE];
    const char *message;
    join(path, o->out, "checkpoint.safetensors");
    *c = tap_checkpoint_new(path);
    if (tap_checkpoint_status(*c, &message)) return fail("%s", message);
    const tap_checkpoint_found run = tap_checkpoint_find(*c);
    if (o->resume && !run.path) note("%s: there is none yet; beginning at the beginning", path);
    if (!run.path) return true;
    if (!o->resume && !is_done(&run))
        return fail("%s: a run that was interrupted; go on with it with --resume, choose another --out, or remove it",
                    run.path);
    if (o->resume && *run.passed) note("%s; going on from %s", run.passed, run.path);
    return true;
}

static bool train(tap_vae *vae, tap_module *root, const options *o, const digits *d, bool *whole)
{
    tap_checkpoint *c = NULL;
    bool            ok = prepare_out(o->out, "model.safetensors") && begin(&c, o) && init(vae, root, o->latent, o->beta);
    if (ok && !o->quiet)
        printf("%s from %s: %lld for training, %lld for testing\nconditional VAE, %lld parameters; %s\n", d->found.name,
               d->found.from, (long long)d->train.images.shape.n[0], (long long)d->test.images.shape.n[0],
               (long long)tap_module_count(root), tap_config());
    if (ok) options_keep(o, c);
    ok = ok && learn(&(lesson){ .lr = o->lr,
                                .root = root,
                                .net = vae,
                                .loss = loss,
                                .from = d->train,
                                .epochs = o->epochs,
                                .batch = o->batch,
                                .seed = o->seed,
                                .checkpoint = c,
                                .resume = o->resume,
                                .checkpoint_every = o->checkpoint_every,
                                .quiet = o->quiet },
                     whole);
    tap_checkpoint_free(c);
    if (ok && !*whole) note("interrupted; the same command with --resume goes on from there");
    return ok && (!*whole || keep(root, o, d->found.name));
}

bool model_get(tap_vae *vae, tap_module *root, const options *o, const digits *d, bool *whole)
{
    *whole = true;
    return o->model ? load(vae, root, o->model) : train(vae, root, o, d, whole);
}
