/* examples/common/data.c: finds and reads images, identifies the data set, and writes many images as one picture. */
#define _POSIX_C_SOURCE 200809L
#include "common.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool dataset_file(char path[PATH_SIZE], const char *dir, const char *part, const char *kind, int rank)
{
    for (int i = 0; i < 4; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s-%s%cidx%d-ubyte%s", part, kind, i < 2 ? '-' : '.', rank, i % 2 ? "" : ".gz");
        if (join(path, dir, name) && access(path, F_OK) == 0) return true;
    }
    return false;
}

static bool has_data(char dir[PATH_SIZE], const char *base, const char *below)
{
    char path[PATH_SIZE];
    return base && *base && join(dir, base, below) &&
           (dataset_file(path, dir, "train", "images", 3) || dataset_file(path, dir, "t10k", "images", 3));
}

bool dataset_find(char dir[PATH_SIZE], const char *wanted)
{
    if (wanted) return join(dir, wanted, "");
    const char *given = getenv("TAPESTRY_DATA"), *cache = getenv("XDG_CACHE_HOME");
    if (has_data(dir, given, "")) return true;
    if (given && *given) note("$TAPESTRY_DATA (%s) holds no images; looking elsewhere", given);
    if (cache && *cache ? has_data(dir, cache, "tapestry/mnist") : has_data(dir, getenv("HOME"), ".cache/tapestry/mnist"))
        return true;
    return has_data(dir, "/usr/share/datasets/fashion-mnist", "");
}

bool images_read(tap_tensor *images, tap_arena *a, const char *path)
{
    char text[TAP_SHAPE_TEXT];
    *images = tap_idx_read(a, path);
    if (!arena_ok(a)) return false;
    const tap_shape s = images->shape;
    return (images->dtype == TAP_U8 && s.rank == 3 && s.n[1] == SIDE && s.n[2] == SIDE) ||
           fail("%s: holds %s %s, not images uint8 [n,28,28]", path, tap_dtype_name(images->dtype), tap_shape_format(text, s));
}

bool dataset_images(tap_tensor *images, tap_arena *a, const char *dir, const char *part)
{
    char path[PATH_SIZE];
    if (access(dir, F_OK)) return fail("%s: %s", dir, strerror(errno));
    if (!dataset_file(path, dir, part, "images", 3))
        return fail("%s: has no file %s-images-idx3-ubyte.gz, nor a plain one", dir, part);
    return images_read(images, a, path) &&
           (images->shape.n[0] > 0 || fail("%s: holds uint8 [0,28,28], not at least one image", path));
}

/* Identifies the two known data sets by the sum of their training pixels, as a directory's name proves nothing. */
static const char *name_of(tap_tensor train)
{
    const uint8_t *pixel = train.data;
    int64_t        sum = 0;
    for (int64_t i = 0; i < tap_tensor_numel(train); i++) sum += pixel[i];
    if (train.shape.n[0] != 60000) return "images";
    return sum == 1567298545 ? "MNIST" : sum == 3431114169 ? "Fashion-MNIST" : "images";
}

bool dataset_load(dataset *d, tap_arena *a, const char *given)
{
    if (!dataset_find(d->from, given))
        return fail("found no images: run `sh examples/quickstart.sh`, which fetches MNIST, or install the package "
                    "dataset-fashion-mnist, or name a directory with --data");
    if (!dataset_images(&d->train, a, d->from, "train") || !dataset_images(&d->test, a, d->from, "t10k")) return false;
    d->name = name_of(d->train);
    return true;
}

bool dataset_labels(tap_tensor *labels, tap_arena *a, const char *dir, const char *part, int64_t n, int64_t classes)
{
    char path[PATH_SIZE], shape[TAP_SHAPE_TEXT];
    if (!dataset_file(path, dir, part, "labels", 1))
        return fail("%s: has no file %s-labels-idx1-ubyte.gz, nor a plain one", dir, part);
    const tap_tensor x = tap_idx_read(a, path);
    if (!arena_ok(a)) return false;
    if (x.dtype != TAP_U8 || x.shape.rank != 1 || x.shape.n[0] != n)
        return fail("%s: is not a label for each image: holds %s %s for %lld images", path, tap_dtype_name(x.dtype),
                    tap_shape_format(shape, x.shape), (long long)n);
    for (int64_t i = 0; i < n; i++)
        if (tap_tensor_item(x, i) >= (double)classes)
            return fail("%s: label %.0f of image %lld is not below %lld", path, tap_tensor_item(x, i), (long long)i,
                        (long long)classes);
    *labels = tap_tensor_cast(a, x, TAP_I64);
    return arena_ok(a);
}

bool labels_hold(tap_tensor labels, int label)
{
    for (int64_t i = 0; i < labels.shape.n[0]; i++)
        if (((const int64_t *)labels.data)[i] == label) return true;
    return false;
}

bool sheet_write(const char *dir, const char *name, tap_var images, int64_t gap)
{
    char            path[PATH_SIZE];
    tap_error       e = { 0 };
    const tap_shape s = tap_shape_of(images);
    tap_var         x = s.rank == 3 ? tap_reshape(images, TAP_SHAPE(s.n[0], s.n[1], SIDE, SIDE)) : images;
    x = tap_pad(x, 4, (int64_t[]){ 0, gap, 0, gap }, TAP_PAD_CONSTANT, 0.3);
    const tap_shape padded = tap_shape_of(x);
    const int64_t   height = padded.n[0] * padded.n[2], width = padded.n[1] * padded.n[3];
    x = tap_reshape(tap_transpose(x, 1, 2), TAP_SHAPE(height, 1, width, 1));
    x = tap_reshape(tap_expand(x, TAP_SHAPE(height, 2, width, 2)), TAP_SHAPE(2 * height, 2 * width));
    x = tap_pad(x, 4, (int64_t[]){ 0, -2 * gap, 0, -2 * gap }, TAP_PAD_CONSTANT, 0); /* no gap after the last images */
    join(path, dir, name);
    return !tap_value(x).data || !tap_png_write(path, tap_value(x), &e) || fail("%s", e.message);
}

tap_var rows_of(tap_tape *t, tap_tensor x, const int64_t *rows, int64_t n)
{
    return tap_index_select(tap_input(t, x), 0, tap_input(t, tap_tensor_wrap(TAP_I64, TAP_SHAPE(n), (void *)rows)));
}

tap_var images_select(tap_tape *t, tap_tensor images, tap_var index)
{
    const tap_var x = tap_cast(tap_index_select(tap_input(t, images), 0, index), TAP_F32);
    return tap_mul_scalar(tap_reshape(x, TAP_SHAPE(-1, SIDE * SIDE)), 1.0 / 255);
}
