/* examples/vae_mnist/resume.c: the checkpoint that a run begins from, out/checkpoint.safetensors. */
#include "vae_mnist.h"

/* How many epochs the run has done, of how many. */
static int64_t done_of(const tap_checkpoint_found *run, int64_t *all)
{
    const tap_tensor *records = tap_safetensors_find(&run->file, "records"),
                     *epochs = tap_safetensors_find(&run->file, "epochs");
    *all = epochs ? (int64_t)tap_tensor_item(*epochs, 0) : 0;
    return records ? records->shape.n[0] : 0;
}

bool resume_open(tap_checkpoint **c, options *o, tap_arena *a)
{
    char        path[PATH_SIZE];
    const char *message;
    join(path, o->out, "checkpoint.safetensors");
    *c = tap_checkpoint_new(path);
    if (tap_checkpoint_status(*c, &message)) return fail("%s", message);

    const tap_checkpoint_found run = tap_checkpoint_peek(*c);
    int64_t                    all, done = done_of(&run, &all);
    if (o->resume && !run.path) note("%s: there is none yet; beginning at the beginning", path);
    if (!run.path) return true;
    if (o->resume && *run.skipped) note("%s; going on from %s", run.skipped, run.path);
    if (!o->resume && done < all)
        return fail(
            "%s: a run that was interrupted in epoch %lld of %lld; go on with it with --resume, choose another --out, or "
            "remove it",
            run.path, (long long)done + 1, (long long)all);
    if (!o->resume) return true;
    if (!options_resume(o, &run, all, a)) return false;
    return done <= o->epochs ||
           fail("--epochs %lld: the run in %s has done %lld already", (long long)o->epochs, o->out, (long long)done);
}
