/* nn/checkpoint.h: checkpoints: training runs that continue where they were. */
#ifndef TAP_NN_CHECKPOINT_H
#define TAP_NN_CHECKPOINT_H

#include "nn/data.h"
#include "nn/module.h"
#include "nn/optim.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Everything that determines the rest of a training run, in one safetensors file. Declare once what belongs to it, and save
 * between steps: a run that was killed continues to the same bits, with any number of threads.
 *
 *     tap_checkpoint *c = tap_checkpoint_new("run.safetensors");
 *     tap_checkpoint_module(c, "net", root);
 *     tap_checkpoint_optim(c, "adam", adam);
 *     tap_checkpoint_tape(c, "tape", tape);
 *     tap_checkpoint_loader(c, "data", data);
 *     tap_checkpoint_resume(c, &e);                         // does nothing before the first save
 *     while (tap_loader_epoch(data) < 10) {
 *         while (tap_loader_next(data, &x)) { ... tap_optim_step(adam, tape); }
 *         tap_loader_start(data, tap_loader_epoch(data) + 1);
 *         tap_checkpoint_save(c, &e);                     // if epochs are long, also after steps
 *     }
 *
 * A save writes a new file, syncs and renames it; the file before stays as PATH.previous, in case the newer one is damaged. The
 * file holds a checksum (XXH3) of all its numbers, names and options. */
typedef struct tap_checkpoint tap_checkpoint;

/* The newest generation at a path that is whole. */
typedef struct {
    const char     *path;    /* of its file; NULL if there is none */
    const char     *skipped; /* why a newer generation was skipped; "" if none was */
    tap_safetensors file;    /* its tensors, and its options as metadata */
} tap_checkpoint_found;

/* Reads the newest whole generation, and locks the path (PATH.lock) until it is freed. The status is an error if another
 * process holds the lock, or if there are files and none is whole. */
TAP_API tap_checkpoint *tap_checkpoint_new(const char *path);
TAP_API void            tap_checkpoint_free(tap_checkpoint *c);
TAP_API tap_status      tap_checkpoint_status(const tap_checkpoint *c, const char **message);
/* The generation that tap_checkpoint_new has read, to be inspected; valid until the first resume or save. */
TAP_API tap_checkpoint_found tap_checkpoint_peek(const tap_checkpoint *c);

/* The objects of the run. They are borrowed. Names are the caller's, and unique. */
/* Parameters and buffers, as NAME.enc.weight, and the modes of all modules. Modules made below m later are not included. */
TAP_API void tap_checkpoint_module(tap_checkpoint *c, const char *name, tap_module *m);
TAP_API void tap_checkpoint_optim(tap_checkpoint *c, const char *name, tap_optim *o); /* moments, steps taken, learning rate */
TAP_API void tap_checkpoint_tape(tap_checkpoint *c, const char *name, tap_tape *t);   /* the step, which its noise depends on */
/* Epoch and position in it, which is after the last batch handed out. The loader's options are those of the run, too, and its
 * data are known again by dtypes, shapes and a hash of 64 rows, evenly spaced from the first to the last (of 64 kB of each of
 * their fields); functions and transforms of the caller's are not. */
TAP_API void tap_checkpoint_loader(tap_checkpoint *c, const char *name, tap_loader *l);
TAP_API void tap_checkpoint_tensor(tap_checkpoint *c, const char *name, tap_tensor x); /* any tensor, such as running means */
/* A table that grows: the first *rows rows of the buffer. */
TAP_API void tap_checkpoint_table(tap_checkpoint *c, const char *name, tap_tensor buffer, int64_t *rows);
/* An option of the run that must not change: resuming from a file with another value is an error that names it. Options of
 * optimizers, tapes and loaders, and the loader's data, are included without a call. */
TAP_API void tap_checkpoint_option(tap_checkpoint *c, const char *key, const char *value);

/* It is an error if a weight is not finite (TAP_ENONFINITE), or if there are gradients that no step has consumed, which would
 * be lost. After a failure the files are as before, and a later save may succeed. */
TAP_API tap_status tap_checkpoint_save(tap_checkpoint *c, tap_error *e);
/* Restores everything and returns true; or changes nothing and returns false, if there is no file, or if it does not fit
 * (*e). */
TAP_API bool tap_checkpoint_resume(tap_checkpoint *c, tap_error *e);

#ifdef __cplusplus
}
#endif

#endif
